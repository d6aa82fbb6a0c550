// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_retry.c - test of what walks of the TDP MMU do when their write fails.
 *
 * Walks that share mmu_lock with page faults write an SPTE by compare-and-exchange
 * and look again when somebody else was faster. The tree's own tdp_iter.c is
 * linked in, its own walks (walks.h, cut out of its tdp_mmu.c) are included. At
 * the write of one SPTE this program is that somebody: a huge leaf becomes a page
 * table, nothing, another leaf, or frozen. A walk may change leaves, and only in
 * the bits that are its own. Who holds mmu_lock for write is alone but for the CPU,
 * which marks leaves dirty: what a write replaced has to hold that. A fault that
 * replaces a leaf flushes the TLBs if it takes the MMU-writable bit away, replaces
 * none that allows its access already, and none at all if it has found no memslot.
 * The dirty log is told of each page that the CPU need not tell of any more, by the
 * bookkeeping or, where that is left to it, by the fault.
 *
 * Usage:   tdp_retry       (built and run by ci/unit/tdp-retry.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setters.h"
#include "warned.h"

#define UNIT_WRITABLE	(1ULL << 1)
#define UNIT_DIRTY	(1ULL << 6)
#define UNIT_FROZEN	(1ULL << 8)	/* not present */

#define PT_WRITABLE_MASK UNIT_WRITABLE
#define KVM_MAX_HUGEPAGE_LEVEL 3
#define BUG_ON(x) do { if (x) abort(); } while (0)
#define likely(x) (x)

#define UNIT_MMU_WRITABLE (1ULL << 58)
#define UNIT_EXEC	(1ULL << 59)
#define PFERR_WRITE_MASK (1U << 1)
#define PFERR_FETCH_MASK (1U << 4)

static const u64 shadow_dirty_mask = UNIT_DIRTY;

static inline bool is_writable_pte(u64 spte)
{
	return spte & UNIT_WRITABLE;
}

static inline bool is_access_allowed(u32 error_code, u64 spte)
{
	if (error_code & PFERR_FETCH_MASK)
		return spte & UNIT_EXEC;
	return error_code & PFERR_WRITE_MASK ? is_writable_pte(spte) : spte & UNIT_PRESENT;
}

static inline bool spte_ad_need_write_protect(u64 spte)
{
	(void)spte;
	return false;
}

static inline bool is_access_track_spte(u64 spte)
{
	(void)spte;
	return false;
}

#include "tdp_iter.h"

/* ---- what the tree's code calls ---- */

bool unit_needs_resched(void)
{
	return false;
}

void unit_yield(void)
{
}

static u64 *target, replacement;

static set_result write_atomic(struct tdp_iter *iter, u64 new_spte)
{
	if (iter->sptep == target) {
		*target = replacement;
		target = NULL;
	}
	if (*iter->sptep != iter->old_spte) {
		look_again(iter);
		return NOT_SET;
	}
	*iter->sptep = new_spte;
	return SET;
}

static inline set_result
tdp_mmu_set_spte_atomic_no_dirty_log(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	(void)kvm;
	return write_atomic(iter, new_spte);
}

static inline set_result
tdp_mmu_clear_spte_bit_atomic(struct kvm *kvm, struct tdp_iter *iter, u64 bit)
{
	(void)kvm;
	return write_atomic(iter, iter->old_spte & ~bit);
}

/* ---- what a fault calls besides ---- */

#define ACC_ALL	7
#define SET_SPTE_WRITE_PROTECTED_PT 1
#define KVM_REQ_TLB_FLUSH_CURRENT 0
#define NOSLOT	0
#define UNIT_MMIO (7ULL << 50)	/* not present */
#define is_noslot_pfn(pfn) ((pfn) == NOSLOT)
#define is_mmio_spte(spte) ((spte) == UNIT_MMIO)
#define make_mmio_spte(vcpu, gfn, access) UNIT_MMIO
#define kvm_make_request(req, vcpu) ((void)(vcpu))
#define trace_mark_mmio_spte(sptep, gfn, spte) ((void)(sptep))
#define trace_kvm_mmu_set_spte(level, gfn, sptep) ((void)(sptep))

enum { RET_PF_RETRY, RET_PF_EMULATE, RET_PF_FIXED, RET_PF_SPURIOUS };

struct kvm_vcpu {
	struct kvm *kvm;
	struct {
		u64 pf_fixed;
	} stat;
};

#define shadow_mmu_writable_mask UNIT_MMU_WRITABLE
static const u64 shadow_accessed_mask;
static u64 made, flushed_gfn, flushed_pages;

static int make_spte(struct kvm_vcpu *vcpu, unsigned int access, int level, gfn_t gfn,
		     kvm_pfn_t pfn, u64 old_spte, bool speculative, bool can_unsync,
		     bool host_writable, bool ad_disabled, u64 *new_spte)
{
	*new_spte = made;
	return 0;
}

static inline set_result
tdp_mmu_set_spte_atomic(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return write_atomic(iter, new_spte);
}

static inline void kvm_flush_remote_tlbs_with_address(struct kvm *kvm, u64 start_gfn, u64 pages)
{
	flushed_gfn = start_gfn;
	flushed_pages = pages;
}

/* ---- what the bookkeeping of the dirty log calls besides ---- */

static unsigned int marked;

#define __kvm_memslots(kvm, as_id) ((void)(as_id), (kvm))
#define __gfn_to_memslot(slots, gfn) ((void)(slots), (void)(gfn), (struct kvm_memory_slot *)NULL)
#define mark_page_dirty_in_slot(slot, gfn) ((void)(slot), (void)(gfn), marked++)

struct kvm_memory_slot;

/* What a fault calls for that instead. */
static inline void kvm_vcpu_mark_page_dirty(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	unit_warn(gfn != 5, "the gfn that a fault marks is another one");
	marked++;
}

static inline u64 spte_shadow_dirty_mask(u64 spte)
{
	unit_warn(!is_shadow_present_pte(spte), "dirty mask of an SPTE that is not present");
	return shadow_dirty_mask;
}

#include "walks.h"

/* ---- a root of two levels: entry 3 is the one that changes ---- */

#define ENTRY	3
#define LEAF(n)	((u64)(n) << PAGE_SHIFT | UNIT_PRESENT | UNIT_WRITABLE | UNIT_DIRTY)

static struct unit_table *root, *table;

static struct unit_table *new_table(int level)
{
	struct unit_table *t = aligned_alloc(4096, 8192);

	if (!t)
		abort();
	memset(t, 0, sizeof(*t));
	t->sp.spt = t->entry;
	t->sp.role.level = level;
	return t;
}

static void clear_dirty(struct kvm *kvm, gfn_t end)
{
	clear_dirty_gfn_range(kvm, &root->sp, 0, end);
}

static void wrprot(struct kvm *kvm, gfn_t end)
{
	wrprot_gfn_range(kvm, &root->sp, 0, end, PG_LEVEL_4K);
}

static const struct walk {
	const char *name;
	void (*walk)(struct kvm *kvm, gfn_t end);
	u64 takes;			/* these bits of a leaf */
} walks[] = {
	{ "clear_dirty_gfn_range", clear_dirty, UNIT_DIRTY },
	{ "wrprot_gfn_range", wrprot, UNIT_WRITABLE },
};
#define NR_WALKS (sizeof(walks) / sizeof(*walks))

enum { UNCHANGED, TABLE, NOTHING, OTHER_LEAF, FROZEN, NR_CHANGES };

static const char * const changes[] = {
	"nobody else writes", "a huge leaf becomes a table", "a leaf goes",
	"a leaf becomes another one", "a leaf is frozen",
};

static bool expect(const char *what, u64 got, u64 want)
{
	if (got != want)
		printf("# %s is %#llx, should be %#llx\n", what, (unsigned long long)got,
		       (unsigned long long)want);
	return got == want;
}

static bool one(const struct walk *w, int change)
{
	struct kvm kvm = { 0 };
	u64 wants;
	bool ok;
	int i;

	root = new_table(2);
	table = new_table(1);
	for (i = 0; i < 8; i++)
		root->entry[i] = LEAF(i << 9) | UNIT_HUGE;
	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		table->entry[i] = LEAF((ENTRY << 9) + i);
	table->sp.gfn = ENTRY << 9;
	/* The bits that the walks take are set in the entry above a table, too. */
	switch (change) {
	case UNCHANGED: replacement = root->entry[ENTRY]; break;
	case TABLE: replacement = (uintptr_t)table | UNIT_PRESENT | UNIT_WRITABLE | UNIT_DIRTY; break;
	case NOTHING: replacement = 0; break;
	case OTHER_LEAF: replacement = LEAF(77 << 9) | UNIT_HUGE; break;
	case FROZEN: replacement = UNIT_FROZEN | UNIT_HUGE | UNIT_WRITABLE | UNIT_DIRTY; break;
	}
	wants = change == UNCHANGED || change == OTHER_LEAF ? replacement & ~w->takes : replacement;
	target = &root->entry[ENTRY];
	warned = false;
	w->walk(&kvm, 8 << 9);

	ok = expect("the entry", root->entry[ENTRY], wants);
	ok &= expect("the one before", root->entry[ENTRY - 1],
		     (LEAF((ENTRY - 1) << 9) | UNIT_HUGE) & ~w->takes);
	ok &= expect("the one behind", root->entry[ENTRY + 1],
		     (LEAF((ENTRY + 1) << 9) | UNIT_HUGE) & ~w->takes);
	for (i = 0; i < PT64_ENT_PER_PAGE && ok; i++)
		ok = expect("a leaf below", table->entry[i],
			    LEAF((ENTRY << 9) + i) & ~(change == TABLE ? w->takes : 0));
	ok &= !target && !unit_rcu_depth && !warned;
	free(table);
	free(root);
	return ok;
}

#ifdef WRITE_RETURNS
/* The writer has read old; the CPU marks the leaf dirty; the writer writes 0. */
static bool write_replaces(int level)
{
	u64 old = (LEAF(5) & ~UNIT_DIRTY) | (level > 1 ? UNIT_HUGE : 0), spte = old | UNIT_DIRTY;
	u64 got = kvm_tdp_mmu_write_spte(&spte, old, 0, level);

	return expect("what was replaced", got, old | UNIT_DIRTY) & expect("the entry", spte, 0);
}
#endif

#define RO(n)		((LEAF(n) | UNIT_HUGE) & ~(UNIT_WRITABLE | UNIT_DIRTY))
#define RW(n)		(LEAF(n) | UNIT_HUGE | UNIT_MMU_WRITABLE)
#define PROTECTED(n)	(RO(n) | UNIT_MMU_WRITABLE)

#define WRITE		PFERR_WRITE_MASK
#define FETCH		PFERR_FETCH_MASK

/* Who removes a table flushes it, unless that is left to those who unlink it. */
#ifdef UNLINKER_FLUSHES
#define TABLE_FLUSH	true
#else
#define TABLE_FLUSH	false
#endif

/* A fault has read an SPTE of level 2, and makes another one for it. */
static const struct fault {
	const char *name;
	u32 error_code;
	u64 old, new, meanwhile;	/* as somebody else writes it */
	int ret;
	bool flush;
} faults[] = {
	{ "maps a page", 0, 0, RO(0x200), 0, RET_PF_FIXED, false },
	{ "gives write access", WRITE, RO(0x200), RW(0x200), RO(0x200), RET_PF_FIXED, false },
	{ "takes write access away", FETCH, RW(0x200), RO(0x200) | UNIT_EXEC, RW(0x200),
	  RET_PF_FIXED, true },
	{ "takes away what the TLBs may still allow", FETCH, PROTECTED(0x200),
	  RO(0x200) | UNIT_EXEC, PROTECTED(0x200), RET_PF_FIXED, true },
	{ "changes nothing", FETCH, RW(0x200), RW(0x200), RW(0x200), RET_PF_SPURIOUS, false },
	{ "is too late", FETCH, RW(0x200), RO(0x200), RW(0x200) & ~UNIT_DIRTY, RET_PF_RETRY, false },
	{ "without a memslot", 0, 0, UNIT_MMIO, 0, RET_PF_EMULATE, false },
	{ "without a memslot where a page is mapped", 0, RW(0x200), UNIT_MMIO, RW(0x200),
	  RET_PF_RETRY, false },
	{ "without a memslot where a read-only page is mapped", 0, RO(0x200), UNIT_MMIO, RO(0x200),
	  RET_PF_RETRY, false },
#ifdef ACCESS_ALLOWED
	{ "may read already", 0, RW(0x200), RO(0x200), RW(0x200), RET_PF_SPURIOUS, false },
	{ "may write already", WRITE, RW(0x200), RW(0x200) | UNIT_EXEC, RW(0x200), RET_PF_SPURIOUS,
	  false },
	{ "may execute already", FETCH, RO(0x200) | UNIT_EXEC, RO(0x200), RO(0x200) | UNIT_EXEC,
	  RET_PF_SPURIOUS, false },
	/* The bits above a table are no page's. */
	{ "finds a table", 0, LEAF(0x300), RO(0x200), LEAF(0x300), RET_PF_FIXED, TABLE_FLUSH },
#endif
};
#define NR_FAULTS (sizeof(faults) / sizeof(*faults))

static bool one_fault(const struct fault *f)
{
	struct kvm kvm = { 0 };
	struct kvm_vcpu vcpu = { .kvm = &kvm };
	u64 entry = f->meanwhile;
	struct tdp_iter iter = {
		.sptep = &entry, .old_spte = f->old, .gfn = 0x200, .level = 2,
	};
	int ret;

	target = NULL;
	made = f->new;
	flushed_gfn = flushed_pages = 0;
	ret = tdp_mmu_map_handle_target_level(&vcpu, f->error_code, 0, &iter,
					     f->new == UNIT_MMIO ? NOSLOT : 0x200, false);
	return expect("what it returns", ret, f->ret) &
	       expect("the entry", entry, f->ret == RET_PF_RETRY || f->ret == RET_PF_SPURIOUS ?
					  f->meanwhile : f->new) &
	       expect("the gfn flushed", flushed_gfn, f->flush ? 0x200 : 0) &
	       expect("the number of pages flushed", flushed_pages, f->flush ? 0x200 : 0);
}

/* What the dirty log has to know of, when an SPTE has changed. */
static const struct dirty_log {
	const char *name;
	u64 old, new;
	int level;
	unsigned int marked;
} dirty_logs[] = {
	{ "a page is mapped", 0, LEAF(5), 1, 1 },
	{ "a page is mapped read-only", 0, LEAF(5) & ~UNIT_WRITABLE, 1, 0 },
	{ "a page becomes writable", LEAF(5) & ~UNIT_WRITABLE, LEAF(5), 1, 1 },
	{ "there is another page", LEAF(5), LEAF(6), 1, 1 },
	{ "the Dirty bit is set anew", LEAF(5) & ~UNIT_DIRTY, LEAF(5), 1, 1 },
	{ "the Dirty bit is set anew, not writable", LEAF(5) & ~(UNIT_DIRTY | UNIT_WRITABLE),
	  LEAF(5) & ~UNIT_WRITABLE, 1, 0 },
	{ "the Dirty bit is cleared", LEAF(5), LEAF(5) & ~UNIT_DIRTY, 1, 0 },
	{ "nothing changes", LEAF(5), LEAF(5), 1, 0 },
	{ "a page goes", LEAF(5), 0, 1, 0 },
	{ "a huge page is mapped", 0, LEAF(0x200) | UNIT_HUGE, 2, 0 },
};
#define NR_DIRTY_LOGS (sizeof(dirty_logs) / sizeof(*dirty_logs))

static bool one_dirty_log(const struct dirty_log *d)
{
	struct kvm kvm = { 0 };

	marked = 0;
	warned = false;
	handle_changed_spte_dirty_log(&kvm, 0, 5, d->old, d->new, d->level);
	return expect("the number of pages marked", marked, d->marked) && !warned;
}

#ifdef FAULTS_MARK
/* The same changes by a fault, which is to say so itself; too late, it has changed nothing. */
static bool fault_marks(const struct dirty_log *d, bool late)
{
	struct kvm kvm = { 0 };
	struct kvm_vcpu vcpu = { .kvm = &kvm };
	u64 entry = late ? UNIT_FROZEN : d->old;
	struct tdp_iter iter = { .sptep = &entry, .old_spte = d->old, .gfn = 5, .level = d->level };
	int ret;

	marked = 0;
	warned = false;
	target = NULL;
	made = d->new;
	ret = tdp_mmu_map_handle_target_level(&vcpu, FETCH, 0, &iter, 5, false);
	return expect("what it returns", ret, d->new == d->old ? RET_PF_SPURIOUS :
						  late ? RET_PF_RETRY : RET_PF_FIXED) &
	       expect("the number of pages marked", marked, late ? 0 : d->marked) && !warned;
}

static bool fault_dirty_log(const struct dirty_log *d)
{
	/* To take a page away is not for faults. */
	return !d->new || (fault_marks(d, false) & fault_marks(d, true));
}
#endif

int main(void)
{
	unsigned int nr = 0, failed = 0, tests = NR_WALKS * NR_CHANGES + NR_FAULTS, change, i;

	tests += NR_DIRTY_LOGS;
#ifdef FAULTS_MARK
	tests += NR_DIRTY_LOGS;
#endif

#ifdef WRITE_RETURNS
	tests += 2;
#endif

	printf("KTAP version 1\n1..%u\n", tests);
	for (i = 0; i < NR_WALKS; i++) {
		for (change = 0; change < NR_CHANGES; change++) {
			bool ok = one(&walks[i], change);

			failed += !ok;
			printf("%s %u %s: %s\n", ok ? "ok" : "not ok", ++nr, walks[i].name,
			       changes[change]);
		}
	}
	for (i = 0; i < NR_FAULTS; i++) {
		bool ok = one_fault(&faults[i]);

		failed += !ok;
		printf("%s %u a fault %s\n", ok ? "ok" : "not ok", ++nr, faults[i].name);
	}
	for (i = 0; i < NR_DIRTY_LOGS; i++) {
		bool ok = one_dirty_log(&dirty_logs[i]);

		failed += !ok;
		printf("%s %u the dirty log, when %s\n", ok ? "ok" : "not ok", ++nr,
		       dirty_logs[i].name);
	}
#ifdef FAULTS_MARK
	for (i = 0; i < NR_DIRTY_LOGS; i++) {
		bool ok = fault_dirty_log(&dirty_logs[i]);

		failed += !ok;
		printf("%s %u the dirty log, by a fault, when %s\n", ok ? "ok" : "not ok", ++nr,
		       dirty_logs[i].name);
	}
#endif
#ifdef WRITE_RETURNS
	for (i = 1; i <= 2; i++) {
		bool ok = write_replaces(i);

		failed += !ok;
		printf("%s %u kvm_tdp_mmu_write_spte: tells what it replaced at level %u\n",
		       ok ? "ok" : "not ok", ++nr, i);
	}
#endif
	return failed ? 1 : 0;
}
