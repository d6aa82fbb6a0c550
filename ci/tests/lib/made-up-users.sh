# shellcheck shell=bash disable=SC2034
# ci/tests/lib/made-up-users.sh - a made-up series and kernel tree for tests of find-users.
#
# Usage:   . ci/tests/lib/made-up-users.sh         after tap.sh; then fresh
# Inputs:  scripts/ of the project: copied, so the tools run as they are
# Outputs: $project with a series of three patches in three milestones, $tree that they
#          apply to, R and P, the last two patches; the functions below
# Exit codes: none of its own

export TDP_BUILD=$TMP/build
tree=$TMP/tree project=$TMP/project
R=patches/rwlock-rcu/rwlock.patch P=patches/parallel-faults/rest.patch
# Of a spinlock that becomes an rwlock it says this.
lock=' of mmu_lock as a spinlock: it is an rwlock where KVM_HAVE_MMU_RWLOCK is defined: make it'

# put FILE: stdin is FILE of the tree, four blanks at the head of a line a tab.
put() {
	mkdir -p "$(dirname "$TMP/edit/a/$1")"
	sed 's/^    /\t/' >"$TMP/edit/a/$1"
}

# next_patch PATH: what changed in edit/b since the last one.
next_patch() {
	mkdir -p "$(dirname "$project/$1")"
	(cd "$TMP/edit" && diff -urNp a b) >"$project/$1" || true
	sed -i -E 's/^((---|\+\+\+) [^\t]*)\t.*/\1/; s/^diff -urNp /diff --git /' "$project/$1"
	rm -rf "$TMP/edit/a"
	cp -r "$TMP/edit/b" "$TMP/edit/a"
	echo "$1" >>"$project/series"
}

# change FILE SED: FILE of the patched tree.
change() {
	sed -i -E "$2" "$TMP/edit/b/$1"
}

make_tree() {
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n' | put Makefile
	: | put Kbuild
	: | put arch/x86/kvm/Makefile
	put include/linux/kvm_host.h <<-'END'
		struct kvm {
		    spinlock_t mmu_lock;
		    int users;
		    long old_seq;
		};

		/* kvm_resolve() is told here */
		int kvm_resolve(struct kvm *kvm, gfn_t gfn);
		void kvm_flush(struct kvm *kvm, struct slot *slot);
		int kvm_same(struct kvm *kvm);
		#define KVM_OLD_MASK 3
	END
	put arch/x86/include/asm/kvm_host.h <<-'END'
		#define KVM_NR 1
		int kvm_old_hook(struct kvm *kvm, unsigned long start,
				 unsigned flags);
		int kvm_moved(struct kvm *kvm);
		void kvm_arch_end(void);
	END
	put include/trace/events/kvm.h <<-'END'
		TRACE_EVENT(kvm_one,
			TP_PROTO(int a)
		);
	END
	put arch/x86/kvm/mmu.c <<-'END'
		#include <linux/kvm_host.h>
		void zap(struct kvm *kvm)
		{
			spin_lock(&kvm->mmu_lock);
			kvm_resolve(kvm, 1);
			spin_unlock(&kvm->mmu_lock);
		}
		int one;
		int two;
		int three;
	END
}

make_series() {
	cp -r "$TMP/edit/a" "$TMP/edit/b"
	change arch/x86/include/asm/kvm_host.h '/kvm_old_hook/,/flags/d; /kvm_moved/d'
	change include/linux/kvm_host.h '/kvm_same/a int kvm_old_hook(struct kvm *kvm, unsigned long start, unsigned int flags);\nint kvm_moved(struct kvm *kvm);\nint kvm_passing(int a);'
	next_patch patches/iterator/move.patch
	change arch/x86/include/asm/kvm_host.h '/KVM_NR/a #define KVM_HAVE_MMU_RWLOCK'
	change include/linux/kvm_host.h 's/^\tspinlock_t mmu_lock;/#ifdef KVM_HAVE_MMU_RWLOCK\n\trwlock_t mmu_lock;\n#else\n\tspinlock_t mmu_lock;\n#endif/'
	change arch/x86/kvm/mmu.c 's/spin_/write_/'
	next_patch patches/rwlock-rcu/rwlock.patch
	change include/linux/kvm_host.h '/kvm_old_hook|kvm_passing|KVM_OLD_MASK|old_seq/d
		s/^(int kvm_resolve.*gfn)\)/\1, bool *writable)/; s/(kvm_flush.*, )/\1const /'
	change arch/x86/kvm/mmu.c 's/kvm, 1/kvm, 1, NULL/'
	# shellcheck disable=SC2016 # the last line, of sed
	change include/trace/events/kvm.h '$a TRACE_EVENT(kvm_two,\n\tTP_PROTO(int b)\n);'
	next_patch patches/parallel-faults/rest.patch
	cat >"$project/scripts/lib/find-users.rules" <<-'END'
		# a comment
		use mm_change include/linux/mm_change.h - patches/parallel-faults/rest.patch only within an invalidation
		lone mm_notify mm_begin - patches/parallel-faults/rest.patch begin first
		field users kvm_host.h x86 patches/parallel-faults/rest.patch ask first
		order asm/b.h asm/a.h - patches/rwlock-rcu/rwlock.patch swap them
		advice kvm_old_hook - - - write kvm_new_hook()
	END
}

fresh() {
	rm -rf "$project" "$tree" "$TMP/edit"
	mkdir -p "$project" "$TMP/edit"
	cp -r "$TOP/scripts" "$project/scripts"
	: >"$project/series"
	make_tree
	cp -r "$TMP/edit/a" "$tree"
	make_series
}

# user FILE: stdin is FILE of the tree, which the series does not touch.
user() {
	mkdir -p "$(dirname "$tree/$1")"
	cat >"$tree/$1"
}

find_users() {
	"$project/scripts/find-users" "$@" 2>"$TMP/said"
}

# finds CODE ARGUMENT...: what it finds, to the letter, stands on stdin.
finds() {
	local code=$1 rc=0
	shift
	cat >"$TMP/want"
	find_users "$@" >"$TMP/have" || rc=$?
	cat "$TMP/said"
	diff -u "$TMP/want" "$TMP/have" && [ $rc -eq "$code" ]
}
none() {
	finds 0 "$@" </dev/null
}

