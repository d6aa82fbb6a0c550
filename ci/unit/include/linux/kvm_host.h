/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stand-in for the kernel headers under the TDP iterator: just what
 * tdp_iter.[ch] and tdp_mmu_iter_cond_resched() of a tree use, on the host.
 * The encoding of an SPTE is this header's own; the iterator may not care.
 */
#ifndef UNIT_KVM_HOST_H
#define UNIT_KVM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef u64 gfn_t;
typedef u64 kvm_pfn_t;
typedef u64 *tdp_ptep_t;

#define __rcu
#define __must_check __attribute__((warn_unused_result))
#define unlikely(x) (x)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define rcu_dereference(p) (p)
#define xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define __ffs(word) ((unsigned long)__builtin_ctzl(word))
#define clear_bit(nr, p) __atomic_fetch_and(p, ~(1UL << (nr)), __ATOMIC_SEQ_CST)

/* A warning of the code under test is a failure of the test that runs. */
bool unit_warn(bool bad, const char *what);
#define WARN_ON(x) unit_warn(x, #x)
#define WARN_ON_ONCE(x) unit_warn(x, #x)
#define lockdep_assert_held(l) ((void)(l))
#define lockdep_assert_held_write(l) ((void)(l))
#define kvm_lockdep_assert_mmu_lock_held(kvm, shared) ((void)(kvm), (void)(shared))

#define PAGE_SHIFT 12
#define PG_LEVEL_4K 1
#define PG_LEVEL_2M 2
#define PG_LEVEL_1G 3
#define PT64_ROOT_MAX_LEVEL 5
#define PT64_ENT_PER_PAGE 512
#define KVM_HPAGE_GFN_SHIFT(level) (((level) - 1) * 9)
#define KVM_PAGES_PER_HPAGE(level) (1UL << KVM_HPAGE_GFN_SHIFT(level))
#define SHADOW_PT_INDEX(address, level) \
	(((address) >> (PAGE_SHIFT + ((level) - 1) * 9)) & (PT64_ENT_PER_PAGE - 1))
#define __va(pa) ((void *)(uintptr_t)(pa))

/* SPTE: bit 0 present, bit 7 huge leaf, bits 12 to 51 the page frame. */
#define UNIT_PRESENT 1ULL
#define UNIT_HUGE (1ULL << 7)
#define UNIT_FRAME 0x000ffffffffff000ULL

static inline bool is_shadow_present_pte(u64 spte)
{
	return spte & UNIT_PRESENT;
}

static inline bool is_last_spte(u64 spte, int level)
{
	return level == PG_LEVEL_4K || (spte & UNIT_HUGE);
}

/* The CPU may change any leaf. */
static inline bool spte_has_volatile_bits(u64 spte)
{
	return is_shadow_present_pte(spte);
}

static inline kvm_pfn_t spte_to_pfn(u64 spte)
{
	return (spte & UNIT_FRAME) >> PAGE_SHIFT;
}

union kvm_mmu_page_role {
	struct {
		unsigned int level:4, smm:8, invalid:1;
	};
	u32 word;
};

struct kvm_mmu_page {
	u64 *spt;
	gfn_t gfn;
	union kvm_mmu_page_role role;
};

/* Tables and their page headers lie side by side here. */
struct unit_table {
	u64 entry[PT64_ENT_PER_PAGE];
	struct kvm_mmu_page sp;
};

static inline struct kvm_mmu_page *sptep_to_sp(u64 *sptep)
{
	return &((struct unit_table *)((uintptr_t)sptep & ~0xfffUL))->sp;
}

static inline int kvm_mmu_page_as_id(struct kvm_mmu_page *sp)
{
	return sp->role.smm ? 1 : 0;
}

/* The lock and the scheduler: unit_needs_resched() says when to yield,
 * unit_yield() is what others do while the lock is free. */
struct kvm {
	int mmu_lock;
	struct {
		u64 lpages;
	} stat;
};

bool unit_needs_resched(void);
void unit_yield(void);
extern int unit_rcu_depth;

#define need_resched() unit_needs_resched()
#define spin_needbreak(l) ((void)(l), false)
#define rwlock_needbreak(l) ((void)(l), false)
#define cond_resched_lock(l) ((void)(l), unit_yield())
#define cond_resched_rwlock_read(l) ((void)(l), unit_yield())
#define cond_resched_rwlock_write(l) ((void)(l), unit_yield())
#define rcu_read_lock() (unit_rcu_depth++)
#define rcu_read_unlock() (unit_rcu_depth--)
#define kvm_flush_remote_tlbs(kvm) ((void)(kvm))

#endif
