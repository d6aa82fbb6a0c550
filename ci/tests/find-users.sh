#!/usr/bin/env bash
# ci/tests/find-users.sh - test of scripts/find-users on a made-up project and tree.
#
# Usage:   ci/tests/find-users.sh
# Inputs:  the scripts as they are; the series, whose patches the rules have to name
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-users.sh
. "$TOP/ci/tests/lib/made-up-users.sh"
need_packages quilt patch patchutils gcc libc6-dev

nothing() {
	fresh
	none "$tree" && grep -q '^find-users: 0 users of' "$TMP/said"
}

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
	echo 'use a b' >>"$project/scripts/lib/find-users.rules"
	expect 2 'find-users.rules:7: error: not kind, name' "$project/scripts/find-users" "$tree" || return
	sed -i '$s/.*/maybe a b - patches\/iterator\/move.patch do it/' "$project/scripts/lib/find-users.rules"
	expect 2 "find-users.rules:7: error: 'maybe' is no kind" "$project/scripts/find-users" "$tree"
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
	done < <(grep -vE '^(#|$)' "$TOP/scripts/lib/find-users.rules")
	return $bad
}

check "nothing is found where nothing is" nothing
check "a lock, where it becomes an rwlock" locks
check "callbacks that an architecture defines" callbacks
check "calls, fields and macros" calls
check "trace events that are there already" new_names
check "the rules, from their patch on" rules
check "a broken rule is refused" bad_rules
check "another series file" series_file
check "--list" listed
check "what is wrong is refused" refused
check "this project's rules name its patches" own_rules
tap_end
