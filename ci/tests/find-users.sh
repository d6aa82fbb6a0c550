#!/usr/bin/env bash
# ci/tests/find-users.sh - test of scripts/find-users on a made-up project and tree;
# its C program built with AddressSanitizer and UBSan for what is broken.
#
# Usage:   ci/tests/find-users.sh
# Inputs:  the scripts as they are; the series, whose patches the rules have to name
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$(readlink -f "$0")")/tap.sh"
need_packages quilt patch patchutils gcc libc6-dev
export TDP_BUILD=$TMP/build
tree=$TMP/tree project=$TMP/project

# put FILE: stdin is FILE of the tree.
put() {
	mkdir -p "$(dirname "$TMP/edit/a/$1")"
	cat >"$TMP/edit/a/$1"
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
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 0\n' | put Makefile
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
	change include/linux/kvm_host.h 's/^spinlock_t mmu_lock;/#ifdef KVM_HAVE_MMU_RWLOCK\nrwlock_t mmu_lock;\n#else\nspinlock_t mmu_lock;\n#endif/'
	change arch/x86/kvm/mmu.c 's/spin_/write_/'
	next_patch patches/rwlock-rcu/rwlock.patch
	change include/linux/kvm_host.h '/kvm_old_hook|kvm_passing|KVM_OLD_MASK|old_seq/d
		s/^(int kvm_resolve.*gfn)\)/\1, bool *writable)/; s/(kvm_flush.*, )/\1const /'
	change arch/x86/kvm/mmu.c 's/kvm, 1/kvm, 1, NULL/'
	change include/trace/events/kvm.h '$a TRACE_EVENT(kvm_two,\n\tTP_PROTO(int b)\n);'
	next_patch patches/parallel-faults/rest.patch
	cat >"$project/scripts/find-users.rules" <<-'END'
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
	diff -u "$TMP/want" "$TMP/have" && [ $rc -eq "$code" ] || { cat "$TMP/said"; return 1; }
}
none() {
	finds 0 "$@" </dev/null
}

nothing() {
	fresh
	none "$tree" && grep -q '^find-users: 0 users of' "$TMP/said"
}

R=patches/rwlock-rcu/rwlock.patch P=patches/parallel-faults/rest.patch
lock=' of mmu_lock as a spinlock: it is an rwlock where KVM_HAVE_MMU_RWLOCK is defined: make it'
locks() {
	fresh
	user fs/scan.c <<-'END'
		#include <linux/kvm_host.h>
		#ifdef CONFIG_X86_64
		void f(struct pic *pic)
		{
			unsigned long flags;
			/* spin_lock(&pic->kvm->mmu_lock); */
			spin_lock_irqsave(&pic->kvm->mmu_lock, flags);
			printk("spin_lock(&kvm->mmu_lock)");
			if (spin_needbreak(&pic->kvm->mmu_lock))
				cond_resched_lock(
					&pic->kvm->mmu_lock);
		#ifdef KVM_HAVE_MMU_RWLOCK
			write_unlock_irqrestore(&pic->kvm->mmu_lock, flags);
		#else
			spin_unlock_irqrestore(&pic->kvm->mmu_lock, flags);
		#endif
		}
		#elif defined(CONFIG_ARM64) && !defined(MODULE)
		void f(struct pic *pic) { spin_lock(&pic->kvm->mmu_lock); }
		#else
		void f(struct pic *pic) { spin_lock(&pic->kvm->mmu_lock); }
		#endif
		#if IS_ENABLED(CONFIG_ANYTHING) || LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
		void g(struct kvm *kvm) { assert_spin_locked(&kvm->mmu_lock); }
		#endif
		#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 4, 0)
		void h(struct kvm *kvm) { spin_unlock(&kvm->mmu_lock); }
		#endif
	END
	user drivers/other.c <<<'void f(struct ctx *c) { spin_lock(&c->mmu_lock); }'
	for arch in riscv x86; do
		user arch/$arch/kvm/extra.c <<<'void f(struct kvm *k) { lockdep_assert_held(&k->mmu_lock); }'
	done
	finds 1 "$tree" <<-END
		arch/x86/kvm/extra.c:1: lockdep_assert_held()$lock lockdep_assert_held_write() ($R)
		fs/scan.c:7: spin_lock_irqsave()$lock write_lock_irqsave() ($R)
		fs/scan.c:9: spin_needbreak()$lock rwlock_needbreak() ($R)
		fs/scan.c:11: cond_resched_lock()$lock cond_resched_rwlock_write() ($R)
		fs/scan.c:24: assert_spin_locked()$lock lockdep_assert_held_write() ($R)
	END
}

callbacks() {
	fresh
	user arch/riscv/kvm/mmu.c <<-'END'
		int kvm_old_hook_handler(void);
		int kvm_old_hook(struct kvm *kvm, unsigned long start, unsigned flags)
		{
			trace_kvm_old_hook(start);
			return kvm_same(kvm) + kvm_moved(kvm);
		}
		void kvm_flush(struct kvm *kvm,
			       struct slot *slot)
		{
		}
	END
	user arch/s390/kvm/mmu.c <<<'void kvm_flush(struct kvm *k, const struct slot *s) { }'
	finds 1 "$tree" <<-END
		arch/riscv/kvm/mmu.c:2: declares kvm_old_hook(): the series removes it; write kvm_new_hook() ($P)
		arch/riscv/kvm/mmu.c:7: declares kvm_flush() as \`void (struct kvm *, struct slot *)\`: it has to be \`void (struct kvm *, const struct slot *)\` ($P)
	END
}

calls() {
	fresh
	user drivers/gpu/user.c <<-'END'
		#include <linux/kvm_host.h>
		int f(struct kvm *kvm)
		{
			kvm_flush(kvm, NULL);
			ops->kvm_resolve(kvm, 1);
			if (kvm->old_seq & KVM_OLD_MASK)
				return kvm_resolve(kvm, max(1, 2));
			return kvm_resolve(kvm, 1, NULL);
		}
	END
	user drivers/gpu/own.c <<-'END'
		#include "kvm.h"
		#define KVM_OLD_MASK 7
		static int kvm_resolve(struct kvm *kvm, int a) { return KVM_OLD_MASK; }
		int f(struct kvm *kvm) { return kvm_resolve(kvm, 1) + kvm->old_seq; }
	END
	finds 1 "$tree" <<-END
		drivers/gpu/user.c:6: old_seq of struct kvm: the series removes this field ($P)
		drivers/gpu/user.c:6: KVM_OLD_MASK: the series removes this macro ($P)
		drivers/gpu/user.c:7: kvm_resolve(): it was \`int (struct kvm *, gfn_t)\` and becomes \`int (struct kvm *, gfn_t, bool *)\` ($P)
	END
}

new_names() {
	fresh
	printf 'TRACE_EVENT(kvm_two,\n\tTP_PROTO(long c)\n);\nTRACE_EVENT(kvm_one,\n\tTP_PROTO(int b)\n);\n' |
		user arch/riscv/kvm/trace.h
	finds 1 "$tree" <<-END
		arch/riscv/kvm/trace.h:1: defines the trace event kvm_two: the series has one of that name in include/trace/events/kvm.h ($P)
	END
}

rules() {
	fresh
	user mm/memory.c <<<'void f(void) { mm_change(1); }'
	user include/linux/mm_change.h <<<'static inline void mm_change(int a) { }'
	user mm/ksm.c <<<'void f(void) { mm_begin(); mm_notify(); }'
	user mm/uksm.c <<<'void f(void) { mm_notify(); }'
	for arch in arm x86; do
		printf '#include <linux/kvm_host.h>\nint f(struct kvm *k) { return k->users; }\n' | user arch/$arch/lib/f.c
	done
	printf '#include <asm/b.h>\n#include <asm/a.h>\n' | user arch/sh/include/asm/lock.h
	printf '#include <asm/a.h>\n#include <asm/b.h>\n' | user arch/sh/include/asm/good.h
	finds 1 "$tree" <<-END || return
		arch/sh/include/asm/lock.h:1: <asm/b.h> in front of <asm/a.h>: swap them ($R)
		arch/x86/lib/f.c:2: users: ask first ($P)
		mm/memory.c:1: mm_change(): only within an invalidation ($P)
		mm/uksm.c:1: mm_notify(), and no mm_begin() in this file: begin first ($P)
	END
	# each counts from its patch on
	finds 1 --until rwlock-rcu "$tree" <<-END || return
		arch/sh/include/asm/lock.h:1: <asm/b.h> in front of <asm/a.h>: swap them ($R)
	END
	none --until iterator "$tree"
}

bad_rules() {
	fresh
	echo 'use a b' >>"$project/scripts/find-users.rules"
	expect 2 'find-users.rules:7: error: not kind, name' "$project/scripts/find-users" "$tree" || return
	sed -i '$s/.*/maybe a b - patches\/iterator\/move.patch do it/' "$project/scripts/find-users.rules"
	expect 2 "find-users.rules:7: error: 'maybe' is no kind" "$project/scripts/find-users" "$tree"
}

# Files that the series touches: only the dry run looks, at what it has left there.
touched() {
	fresh
	printf 'void extra(struct kvm *kvm)\n{\n\tspin_lock(&kvm->mmu_lock);\n\tkvm_resolve(kvm, 2);\n\tlockdep_assert_held(&kvm->mmu_lock);\n}\n' >>"$tree/arch/x86/kvm/mmu.c"
	none "$tree" || return
	cat >"$TMP/want" <<-END
		arch/x86/kvm/mmu.c:13: spin_lock()$lock write_lock() ($R) (the line is that of the patched file)
		arch/x86/kvm/mmu.c:14: kvm_resolve(): it was \`int (struct kvm *, gfn_t)\` and becomes \`int (struct kvm *, gfn_t, bool *)\` ($P) (the line is that of the patched file)
	END
	expect 1 '^3 patches: 0 applied, 3 apply, ' "$project/scripts/apply-series" --dry-run "$tree" &&
		diff -u "$TMP/want" <(grep -E '^arch' "$TMP/.out")
}

dry_run() {
	fresh
	expect 0 '^find-users: 0 users ' "$project/scripts/apply-series" --dry-run "$tree" || return
	user mm/memory.c <<<'void f(void) { mm_change(1); }'
	expect 1 '^mm/memory.c:1: ' "$project/scripts/apply-series" --dry-run "$tree" &&
		expect 0 '^2 patches: 0 applied, 2 apply, ' "$project/scripts/apply-series" --dry-run --until rwlock-rcu "$tree" &&
		expect 2 'no milestone and no patch' "$project/scripts/apply-series" --dry-run --until none "$tree"
}

series_file() {
	fresh
	user arch/sh/kvm/f.c <<<'int kvm_old_hook(struct kvm *kvm, unsigned long start, unsigned flags) { }'
	head -n 2 "$project/series" >"$project/other.series"
	none --series "$project/other.series" "$tree" && expect 1 'f.c:1: declares' "$project/scripts/find-users" "$tree"
}

listed() {
	fresh
	expect 0 '^changed: field kvm.mmu_lock: spinlock_t -> rwlock_t \(include/linux/kvm_host.h; only x86; ' find_users --list || return
	grep -q '^removed: function kvm_old_hook: ' "$TMP/.out" && ! grep -qE 'kvm_(moved|same|passing|arch_end)' "$TMP/.out"
}

refused() {
	fresh
	local users=$project/scripts/find-users
	expect 2 'not a directory' "$users" "$TMP/nowhere" &&
		expect 2 'which kernel tree' "$users" &&
		expect 2 'more than one tree' "$users" "$tree" "$tree" &&
		expect 2 "unknown option '--patch'" "$users" --patch "$tree" &&
		expect 2 'not a directory' "$users" --patched "$TMP/nowhere" "$tree" &&
		expect 2 'looks at no tree' "$users" --list "$tree" &&
		expect 2 'no series file' "$users" --series "$TMP/nowhere" "$tree" || return
	rm "$tree/Kbuild"
	expect 2 'is not a kernel tree: it has no Kbuild' "$users" "$tree"
}

# The rules of this project name patches that it has.
own_rules() {
	local bad=0 patch
	while read -r _ _ _ _ patch _; do
		[ "$patch" = - ] || grep -qxF -- "$patch" "$SERIES" || { echo "no $patch"; bad=1; }
	done < <(grep -vE '^(#|$)' "$TOP/scripts/find-users.rules")
	return $bad
}

sane_build() {
	gcc -std=gnu11 -g -fsanitize=address,undefined -fno-sanitize-recover=all -o "$TMP/sane" \
		"$TOP"/scripts/src/{find-users,changes,decls,ctokens,text}.c
}
export ASAN_OPTIONS=detect_leaks=0 # it ends with what it has allocated

# sane CODE ARGUMENT...: no sanitizer says a word.
sane() {
	local code=$1 rc=0
	"$TMP/sane" "${@:2}" >"$TMP/.out" 2>&1 || rc=$?
	[ $rc -le "$code" ] && ! grep -E 'Sanitizer|runtime error' "$TMP/.out"
}

# A patch and a source, cut at any byte, are at worst refused.
cuts() {
	local n size rules=$project/scripts/find-users.rules
	fresh
	mkdir -p "$TMP/cut"
	size=$(stat -c %s "$project/$P")
	for ((n = 0; n < size; n += 37)); do
		head -c $n "$project/$P" >"$TMP/cut/p"
		sane 0 --list --rules "$rules" "$TMP/cut" p || return
	done
	printf '#if defined(CONFIG_X86) && (1 < 2\nint kvm_resolve(struct kvm *k, a[2], int (*f)(int)) \\\n{ spin_lock(&kvm->mmu_lock); "a\\" /* */; }\n#elif !X\n#endif\n#define A(x, y) kvm_old_hook\n' >"$TMP/source"
	size=$(stat -c %s "$TMP/source")
	for ((n = 0; n <= size; n += 4)); do
		head -c $n "$TMP/source" >"$TMP/cut/s"
		sane 1 --scan --rules "$rules" "$project" $(cat "$project/series") <<<"arch/x86/s.c	$TMP/cut/s	base" || return
	done
}

check "nothing is found where nothing is" nothing
check "a lock, where it becomes an rwlock" locks
check "callbacks that an architecture defines" callbacks
check "calls, fields and macros" calls
check "trace events that are there already" new_names
check "the rules, from their patch on" rules
check "a broken rule is refused" bad_rules
check "what is left in files that the series touches" touched
check "the dry run says it, and fails" dry_run
check "another series file" series_file
check "--list" listed
check "what is wrong is refused" refused
check "this project's rules name its patches" own_rules
check "it builds with the sanitizers" sane_build
# shellcheck disable=SC2046 # a list of words
check "the project's own series, sanitized" sane 0 --list --rules "$TOP/scripts/find-users.rules" "$TOP" $(series_patches)
check "cut at any byte, sanitized" cuts
tap_end
