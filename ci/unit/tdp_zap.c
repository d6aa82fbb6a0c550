// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_zap.c - test of the order in which the TDP MMU takes mappings away.
 *
 * The tree's own tdp_iter.c is linked in, its own functions (zaps.h, cut out of its
 * tdp_mmu.c) are included. What they call is recorded, and at each flush of the TLBs what
 * the entries are at that moment. The rules:
 *  - an entry that is zapped while mmu_lock is shared is frozen first, then flushed, then
 *    cleared: nobody can fill it before the TLBs have forgotten what it was;
 *  - a table that is removed is unlinked, each entry frozen and accounted for once, with
 *    what it was and its own gfn; then it is freed, after a grace period; the flush is
 *    left to who unlinked it;
 *  - tdp_mmu_zap_leafs() takes leafs and no tables, leaves the flush to who called it, and
 *    says so, but never yields with one pending;
 *  - zap_collapsible_spte_range() flushes once before it yields and at its end, before it
 *    leaves the RCU read-side critical section in which it unlinked tables; where it puts
 *    huge pages in their place these are made of the first leaf, or the entry is cleared;
 *  - tdp_mmu_zap_root() owes no flush, and takes no table before those below it.
 *
 * Usage:   tdp_zap       (built and run by ci/unit/tdp-zap.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setters.h"
#include "warned.h"

#define KVM_MAX_HUGEPAGE_LEVEL	3
#define REMOVED_SPTE		0x5a0ULL	/* not present */

static inline bool is_removed_spte(u64 spte)
{
	return spte == REMOVED_SPTE;
}

#include "tdp_iter.h"

/* ---- what happened ---- */

enum what { UNLINK, FREEZE, ACCOUNT, FLUSH, CLEAR, MAP, YIELD, FREE, FREE_AT_ONCE };

static struct {
	enum what what;
	gfn_t gfn;
	u64 pages;			/* of a flush; the level of what is changed atomically */
	bool rcu;			/* in a read-side critical section */
	unsigned int open;		/* entries of the table that are not frozen then */
} events[4096];
static unsigned int nr_events;

/* The table that is looked at. */
static struct unit_table *table;

static void record(enum what what, gfn_t gfn, u64 pages)
{
	unsigned int i, open = 0;

	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		open += table->entry[i] != REMOVED_SPTE;
	if (nr_events == sizeof(events) / sizeof(*events))
		abort();
	events[nr_events].what = what;
	events[nr_events].gfn = gfn;
	events[nr_events].pages = pages;
	events[nr_events].rcu = unit_rcu_depth;
	events[nr_events++].open = open;
}

/* ---- what the tree's code calls ---- */

/* Others want the lock when so much has happened. */
static unsigned int yield_behind;

bool unit_needs_resched(void)
{
	return nr_events == yield_behind;
}

void unit_yield(void)
{
	record(YIELD, 0, 0);
}

#undef kvm_flush_remote_tlbs
#define kvm_flush_remote_tlbs(kvm) record(FLUSH, 0, ~0ULL)
#define kvm_flush_remote_tlbs_with_address(kvm, gfn, pages) record(FLUSH, gfn, pages)
#define trace_kvm_mmu_prepare_zap_page(sp) ((void)(sp))
#define tdp_mmu_unlink_page(kvm, sp, shared) record(UNLINK, (sp)->gfn, 0)
#define call_rcu(head, callback) record(FREE, 0, 0)
#define tdp_mmu_free_sp(sp) record(FREE_AT_ONCE, 0, 0)	/* without a grace period */

static u64 old_entry[PT64_ENT_PER_PAGE];
static unsigned int accounted[PT64_ENT_PER_PAGE];
static bool misaccounted;

static void handle_changed_spte(struct kvm *kvm, int as_id, gfn_t gfn, u64 old_spte,
				u64 new_spte, int level, bool shared)
{
	gfn_t i = (gfn - table->sp.gfn) / KVM_PAGES_PER_HPAGE(level);

	if (i >= PT64_ENT_PER_PAGE || new_spte != REMOVED_SPTE || old_spte != old_entry[i] ||
	    gfn != table->sp.gfn + i * KVM_PAGES_PER_HPAGE(level) || table->entry[i] != new_spte) {
		printf("# gfn %#llx: %#llx becomes %#llx\n", (unsigned long long)gfn,
		       (unsigned long long)old_spte, (unsigned long long)new_spte);
		misaccounted = true;
	} else {
		accounted[i]++;
	}
	record(ACCOUNT, gfn, 0);
}

/* Who froze an entry clears it, while somebody else waits for that. */
static u64 *thaws;

static void cpu_relax(void)
{
	if (!thaws)
		abort();
	*thaws = 0;
	thaws = NULL;
}

static bool somebody_faster;

/* Somebody is faster once: at this entry, which becomes that. */
static u64 *target, becomes;

static set_result tdp_mmu_set_spte_atomic(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	if (iter->sptep == target) {
		*target = becomes;
		target = NULL;
	}
	if (somebody_faster || *iter->sptep != iter->old_spte) {
		look_again(iter);
		return NOT_SET;
	}
	*iter->sptep = new_spte;
	record(new_spte == REMOVED_SPTE ? FREEZE : new_spte ? MAP : CLEAR, iter->gfn, iter->level);
	return SET;
}

static void tdp_mmu_set_spte(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	*iter->sptep = new_spte;
	record(new_spte ? FREEZE : CLEAR, iter->gfn, 0);
}

/* From here on a plain store is an event, too. */
static void plain_store(u64 *sptep, u64 new_spte)
{
	*sptep = new_spte;
	record(CLEAR, 0, 0);
}

#define __kvm_tdp_mmu_write_spte(sptep, spte) plain_store(sptep, spte)

struct kvm_memory_slot {
	gfn_t base_gfn;
	unsigned long npages;
};

/* At which level the host maps. */
static int host_level;

#define kvm_mmu_max_mapping_level(kvm, slot, gfn, max) host_level

#ifdef MAKES_HUGE
static bool noncoherent_dma, may_be_huge;
static kvm_pfn_t asked_pfn;

#define kvm_arch_has_noncoherent_dma(kvm) noncoherent_dma
#define kvm_mmu_pfn_may_be_huge(pfn) ((void)(asked_pfn = (pfn)), may_be_huge)

/* The bits of the leaf, and of its frame those that a huge page has: see spte_huge.c. */
static u64 make_huge_spte(u64 small_spte, int huge_level)
{
	return (small_spte & ~((u64)(KVM_PAGES_PER_HPAGE(huge_level) - 1) << PAGE_SHIFT)) |
	       UNIT_HUGE;
}
#endif

#include "zaps.h"

/* ---- tests ---- */

#define LEAF(n)		((u64)(n) << PAGE_SHIFT | UNIT_PRESENT)
#define GFN		0x40000UL	/* a multiple of 1 GiB */
#define FILLED		(PT64_ENT_PER_PAGE / 2)

static struct kvm kvm;

static bool expect(const char *what, u64 got, u64 want)
{
	if (got != want)
		printf("# %s is %#llx, should be %#llx\n", what, (unsigned long long)got,
		       (unsigned long long)want);
	return got == want;
}

/* Event nr is a flush of the range, with so many entries of the table not frozen. */
static bool expect_flush(unsigned int nr, gfn_t gfn, u64 pages, unsigned int open)
{
	if (nr >= nr_events)
		return expect("the number of events", nr_events, nr + 1);
	return expect("an event that should be a flush", events[nr].what, FLUSH) &
	       expect("the gfn flushed", events[nr].gfn, gfn) &
	       expect("the number of pages flushed", events[nr].pages, pages) &
	       expect("the number of entries that are not frozen then", events[nr].open, open);
}

/* A table of small pages or of huge ones, every other entry of it filled. */
static void new_table(int level)
{
	unsigned int i;

	memset(table, 0, sizeof(*table));
	table->sp.spt = table->entry;
	table->sp.gfn = GFN;
	table->sp.role.level = level;
	for (i = 0; i < PT64_ENT_PER_PAGE; i += 2)
		table->entry[i] = LEAF((i + 1) << 9) | (level > 1 ? UNIT_HUGE : 0);
	memcpy(old_entry, table->entry, sizeof(old_entry));
	memset(accounted, 0, sizeof(accounted));
	nr_events = 0;
	yield_behind = ~0U;
	misaccounted = warned = somebody_faster = false;
	thaws = target = NULL;
}

static bool zap_atomic(int level)
{
	struct tdp_iter iter = {
		.sptep = &table->entry[6], .old_spte = table->entry[6],
		.gfn = GFN + 6 * KVM_PAGES_PER_HPAGE(level), .level = level,
	};

	return expect("the return value", tdp_mmu_zap_spte_atomic(&kvm, &iter), SET) &
	       expect("the number of events", nr_events, 3) &
	       expect("the first event", events[0].what, FREEZE) &
	       expect_flush(1, iter.gfn, KVM_PAGES_PER_HPAGE(level), PT64_ENT_PER_PAGE - 1) &
	       expect("the last event", events[2].what, CLEAR) &
	       expect("the entry", table->entry[6], 0);
}

static bool zap_too_late(int level)
{
	struct tdp_iter iter = {
		.sptep = &table->entry[6], .old_spte = table->entry[6], .gfn = GFN, .level = level,
	};

	somebody_faster = true;
	return expect("the return value", tdp_mmu_zap_spte_atomic(&kvm, &iter), NOT_SET) &
	       expect("the number of events", nr_events, 0) &
	       expect("the entry", table->entry[6], old_entry[6]);
}

/* With mmu_lock held for write entries that are not present may stay as they are. */
static bool remove_table(int level, bool shared)
{
	unsigned int i, last = (shared ? PT64_ENT_PER_PAGE : FILLED) + 1;
	bool ok = true;

	handle_removed_tdp_mmu_page(&kvm, table->entry, shared);
	ok &= expect("the number of events", nr_events, last + 1);
	ok &= expect("the first event", events[0].what, UNLINK);
	ok &= expect("the last event", events[last].what, FREE);
	ok &= expect("the number of entries that are not frozen then", events[last].open,
		     shared ? 0 : FILLED);
	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		ok &= expect("how often an entry was accounted for", accounted[i],
			     shared || !(i & 1));
	return ok && !misaccounted;
}

static bool remove_shared(int level)
{
	return remove_table(level, true);
}

static bool remove_alone(int level)
{
	return remove_table(level, false);
}

/* Somebody else has frozen entry 8, and clears it after a while. */
static bool remove_frozen(int level)
{
	table->entry[8] = REMOVED_SPTE;
	old_entry[8] = 0;
	thaws = &table->entry[8];
	return remove_table(level, true) & expect("the entry", table->entry[8], REMOVED_SPTE);
}

/* Entries 4 to 11, of which 4, 6, 8 and 10 are filled. */
static bool zap_range(int level, bool flush)
{
	u64 size = KVM_PAGES_PER_HPAGE(level);

	return tdp_mmu_zap_leafs(&kvm, &table->sp, 4 * size, 12 * size, true, flush);
}

static bool range_becomes(u64 spte, unsigned int others)
{
	unsigned int i, changed = 0;
	bool ok = true;

	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		changed += table->entry[i] != old_entry[i];
	for (i = 4; i < 12; i += 2)
		ok &= expect("an entry of the range", table->entry[i], spte);
	return ok & expect("the number of entries changed", changed, 4) &
	       expect("the number of events", nr_events, 4 + others);
}

static bool range_cleared(unsigned int others)
{
	return range_becomes(0, others);
}

static bool range(int level)
{
	return expect("the flush that is owed", zap_range(level, false), true) & range_cleared(0);
}

static bool range_empty(int level)
{
	memset(table->entry, 0, sizeof(table->entry));
	return expect("the flush that is owed", zap_range(level, false), false) &
	       expect("the number of events", nr_events, 0);
}

static bool range_owes(int level)
{
	memset(table->entry, 0, sizeof(table->entry));
	return expect("the flush that is owed", zap_range(level, true), true) &
	       expect("the number of events", nr_events, 0);
}

static bool range_yields(int level)
{
	yield_behind = 2;
	return expect("the flush that is owed", zap_range(level, false), true) & range_cleared(2) &
	       expect_flush(2, 0, ~0ULL, PT64_ENT_PER_PAGE) &
	       expect("the event behind", events[3].what, YIELD);
}

static bool range_yields_last(int level)
{
	yield_behind = 4;
	return expect("the flush that is owed", zap_range(level, false), false) & range_cleared(2) &
	       expect_flush(4, 0, ~0ULL, PT64_ENT_PER_PAGE) &
	       expect("the event behind", events[5].what, YIELD);
}

static bool range_may_not_yield(int level)
{
	u64 size = KVM_PAGES_PER_HPAGE(level);

	yield_behind = 1;
	return expect("the flush that is owed",
		      tdp_mmu_zap_leafs(&kvm, &table->sp, 4 * size, 12 * size, false, false), true) &
	       range_cleared(0);
}

/* One more table, below the one that is looked at; it maps two pages. */
static struct unit_table *below;

static void new_below(int level)
{
	memset(below, 0, sizeof(*below));
	below->sp.spt = below->entry;
	below->sp.role.level = level;
	below->entry[0] = LEAF(512) | (level > 1 ? UNIT_HUGE : 0);
	below->entry[1] = LEAF(1024) | (level > 1 ? UNIT_HUGE : 0);
}

static u64 points_to(const struct unit_table *t)
{
	return (uintptr_t)t | UNIT_PRESENT;
}

/* Entry 4 points to a table, whatever the level of the test is. */
static bool range_tables(int level)
{
	new_table(level + 1);
	table->sp.gfn = 0;
	new_below(level);
	table->entry[4] = old_entry[4] = points_to(below);
	return expect("the flush that is owed", zap_range(level + 1, false), true) &
	       expect("the entry above the table", table->entry[4], points_to(below)) &
	       expect("what the table maps", below->entry[0] | below->entry[1], 0) &
	       expect("the number of events", nr_events, 2 + 3);
}

/*
 * Entries 4 to 11, of which 4, 6, 8 and 10 point to tables: of small pages, or of huge ones
 * of 2M. They are one table, here without a leaf.
 */
static void new_tables(int level)
{
	unsigned int i;

	new_table(level + 1);
	table->sp.gfn = 0;
	new_below(level);
	memset(below->entry, 0, sizeof(below->entry));
	for (i = 0; i < PT64_ENT_PER_PAGE; i += 2)
		table->entry[i] = old_entry[i] = points_to(below);
}

/* The memslot begins with a later gfn of entry first. */
static void collapse_from(int level, int host, unsigned int first, unsigned int later)
{
	u64 size = KVM_PAGES_PER_HPAGE(level + 1);
	const struct kvm_memory_slot slot = {
		.base_gfn = first * size + later,
		.npages = (12 - first) * size - later,
	};

	host_level = host;
	zap_collapsible_spte_range(&kvm, &table->sp, &slot, level + 1);
}

static void collapse(int level, int host)
{
	unsigned int behind = yield_behind;

	new_tables(level);
	yield_behind = behind;
	collapse_from(level, host, 4, 0);
}

static bool flushed_in_rcu(unsigned int nr)
{
	return expect_flush(nr, 0, ~0ULL, PT64_ENT_PER_PAGE) &
	       expect("the RCU section at the flush", events[nr].rcu, true);
}

static bool collapses(int level)
{
	collapse(level, level + 1);
	return range_cleared(1) & flushed_in_rcu(4);
}

static bool collapses_none(int level)
{
	collapse(level, level);
	return expect("the number of events", nr_events, 0) &
	       expect("an entry", table->entry[4], points_to(below));
}

static bool collapse_yields(int level)
{
	yield_behind = 2;
	collapse(level, level + 1);
	return range_cleared(3) & flushed_in_rcu(2) &
	       expect("the event behind", events[3].what, YIELD) & flushed_in_rcu(6);
}

static bool collapse_yields_last(int level)
{
	yield_behind = 4;
	collapse(level, level + 1);
	return range_cleared(2) & flushed_in_rcu(4) &
	       expect("the event behind", events[5].what, YIELD);
}

/* Entry 4 begins in front of the memslot. */
static bool collapse_edge(int level)
{
	new_tables(level);
	collapse_from(level, level + 1, 4, 1);
	return expect("the entry at the edge", table->entry[4], points_to(below)) &
	       expect("the entry behind it", table->entry[6], 0) &
	       expect("the number of events", nr_events, 3 + 1) & flushed_in_rcu(3);
}

/* Somebody else has changed entry 10 to nothing, and nothing else is left to do. */
static bool collapse_too_late(int level)
{
	new_tables(level);
	target = &table->entry[10];
	becomes = 0;
	collapse_from(level, level + 1, 10, 0);
	return expect("the number of events", nr_events, 0) &
	       expect("the entry", table->entry[10], 0) &
	       expect("somebody was faster", !target, true);
}

#ifdef MAKES_HUGE
#define FRAMES(level)	(40 * KVM_PAGES_PER_HPAGE((level) + 1))
#define A_BIT		(1ULL << 5)	/* in leafs: which one was it? */
#define OTHER_BIT	(1ULL << 6)

/* Leaf n of the table, as a part of the frames that it maps. */
static u64 part(int level, unsigned int n)
{
	return LEAF(FRAMES(level) + n * KVM_PAGES_PER_HPAGE(level)) | (level > 1 ? UNIT_HUGE : 0);
}

static u64 whole(int level)
{
	return LEAF(FRAMES(level)) | UNIT_HUGE;
}

/* Leafs 7 and 8: the first is to be taken. What is in front of them is no leaf. */
static void fill_tables(int level)
{
	unsigned int behind = yield_behind;

	new_tables(level);
	yield_behind = behind;
	below->entry[2] = REMOVED_SPTE;
	below->entry[3] = level > 1 ? points_to(table) : 0;
	below->entry[7] = part(level, 7) | A_BIT;
	below->entry[8] = part(level, 8) | OTHER_BIT;
	noncoherent_dma = false;
	may_be_huge = true;
	asked_pfn = 0;
}

static bool mapped(unsigned int nr)
{
	return expect("an event that should put a huge page there", events[nr].what, MAP) &
	       expect("the RCU section then", events[nr].rcu, true);
}

static bool replaces(int level)
{
	fill_tables(level);
	collapse_from(level, level + 1, 4, 0);
	return range_becomes(whole(level) | A_BIT, 1) & mapped(0) & mapped(3) & flushed_in_rcu(4) &
	       expect("the page that was asked about", asked_pfn,
		      FRAMES(level) + 7 * KVM_PAGES_PER_HPAGE(level));
}

static bool replaces_by_last(int level)
{
	fill_tables(level);
	memset(below->entry, 0, sizeof(below->entry));
	below->entry[PT64_ENT_PER_PAGE - 1] = part(level, PT64_ENT_PER_PAGE - 1);
	collapse_from(level, level + 1, 4, 0);
	return range_becomes(whole(level), 1);
}

/* What is present there is tables only. */
static bool replaces_no_table(int level)
{
	fill_tables(level);
	below->entry[7] = below->entry[8] = 0;
	collapse_from(level, level + 1, 4, 0);
	return range_cleared(1) & flushed_in_rcu(4);
}

static bool replaces_not_with_dma(int level)
{
	fill_tables(level);
	noncoherent_dma = true;
	collapse_from(level, level + 1, 4, 0);
	return range_cleared(1) & flushed_in_rcu(4);
}

static bool replaces_not_small(int level)
{
	fill_tables(level);
	may_be_huge = false;
	collapse_from(level, level + 1, 4, 0);
	return range_cleared(1) & flushed_in_rcu(4);
}

static bool replaces_not_for_host(int level)
{
	fill_tables(level);
	collapse_from(level, level, 4, 0);
	return expect("the number of events", nr_events, 0) &
	       expect("an entry", table->entry[4], points_to(below));
}

/* That cannot be a part of a huge page that begins where the table does: a warning. */
static bool replaces_none_shifted(int level)
{
	bool ok;

	fill_tables(level);
	below->entry[7] = part(level, 9);
	collapse_from(level, level + 1, 10, 0);
	ok = expect("the warning", warned, true) & expect("the entry", table->entry[10], 0) &
	     expect("the number of events", nr_events, 2) & flushed_in_rcu(1);
	warned = false;
	return ok;
}

/* Somebody else has put another table there: its leafs count. */
static bool replaces_other(int level)
{
	struct unit_table *other = aligned_alloc(4096, 8192);
	bool ok;

	if (!other)
		abort();
	fill_tables(level);
	*other = *below;
	other->sp.spt = other->entry;
	other->entry[1] = part(level, 1) | OTHER_BIT;
	target = &table->entry[10];
	becomes = points_to(other);
	collapse_from(level, level + 1, 8, 0);
	ok = expect("the entry in front", table->entry[8], whole(level) | A_BIT) &
	     expect("the entry", table->entry[10], whole(level) | OTHER_BIT) &
	     expect("the number of events", nr_events, 2 + 1) & flushed_in_rcu(2);
	free(other);
	return ok;
}

/* Or a huge page, which stays as it is. */
static bool replaces_too_late(int level)
{
	fill_tables(level);
	target = &table->entry[10];
	becomes = whole(level) | OTHER_BIT;
	collapse_from(level, level + 1, 10, 0);
	return expect("the entry", table->entry[10], becomes) &
	       expect("the number of events", nr_events, 0) &
	       expect("somebody was faster", !target, true);
}

static bool replace_yields(int level)
{
	yield_behind = 2;
	fill_tables(level);
	collapse_from(level, level + 1, 4, 0);
	return range_becomes(whole(level) | A_BIT, 3) & flushed_in_rcu(2) &
	       expect("the event behind", events[3].what, YIELD) & flushed_in_rcu(6);
}

/*
 * Entry 0 of the root, for 1G, points to a table with a table below it. The walks come from
 * below: first what is of 2M, then what is of 1G. The host has pages of 2M, or of 1G.
 */
static bool replaces_step_by_step(int level)
{
	const struct kvm_memory_slot slot = { .npages = KVM_PAGES_PER_HPAGE(PG_LEVEL_1G) };
	struct unit_table *small = aligned_alloc(4096, 8192);
	bool ok;
	int i;

	if (!small)
		abort();
	fill_tables(2);
	memset(table->entry, 0, sizeof(table->entry));
	memset(below->entry, 0, sizeof(below->entry));
	memset(small, 0, sizeof(*small));
	small->sp.spt = small->entry;
	small->sp.role.level = 1;
	small->entry[5] = LEAF(FRAMES(2) + 3 * KVM_PAGES_PER_HPAGE(2) + 5) | A_BIT;
	below->entry[3] = points_to(small);
	table->entry[0] = points_to(below);
	host_level = level + 1;
	for (i = PG_LEVEL_2M; i <= PG_LEVEL_1G; i++)
		zap_collapsible_spte_range(&kvm, &table->sp, &slot, i);
	ok = expect("the entry for 2M", below->entry[3], part(2, 3) | A_BIT) &
	     expect("the entry for 1G", table->entry[0],
		    level > 1 ? whole(2) | A_BIT : points_to(below)) &
	     expect("the number of events", nr_events, 2 * level) & flushed_in_rcu(1);
	free(small);
	return ok;
}
#endif

/*
 * Entry 0 of the root points to a table, entry 2 is a huge page. The table goes last, when
 * its entries are gone: small pages with it, in one step, as they are of one table.
 */
static bool zap_root(int level)
{
	unsigned int n = level > 1 ? 2 : 0;

	new_table(level + 1);
	table->sp.gfn = 0;
	table->sp.role.invalid = 1;
	memset(table->entry, 0, sizeof(table->entry));
	new_below(level);
	table->entry[0] = points_to(below);
	table->entry[2] = LEAF(1 << 18) | UNIT_HUGE;
	tdp_mmu_zap_root(&kvm, &table->sp, true);
	return expect("the number of events", nr_events, n + 2) &
	       expect("the level of the first event", events[0].pages, 2) &
	       expect("the level of the last", events[n + 1].pages, level + 1) &
	       expect("the gfn of the last", events[n + 1].gfn,
		      level > 1 ? 0 : 2 * KVM_PAGES_PER_HPAGE(level + 1)) &
	       expect("the root", table->entry[0] | table->entry[2], 0) &
	       expect("what its table maps", !below->entry[0], level > 1);
}

static const struct test {
	const char *name;
	bool (*run)(int level);
	gfn_t gfn;
} tests[] = {
	{ "tdp_mmu_zap_spte_atomic: freezes, flushes, clears", zap_atomic, GFN },
	{ "tdp_mmu_zap_spte_atomic: does nothing when somebody is faster", zap_too_late, GFN },
	{ "handle_removed_tdp_mmu_page: freezes all, frees, others there", remove_shared, GFN },
	{ "handle_removed_tdp_mmu_page: freezes, frees, alone", remove_alone, GFN },
	{ "handle_removed_tdp_mmu_page: waits for who froze an entry", remove_frozen, GFN },
	{ "tdp_mmu_zap_leafs: says that a flush is owed", range, 0 },
	{ "tdp_mmu_zap_leafs: owes none for what is not mapped", range_empty, 0 },
	{ "tdp_mmu_zap_leafs: owes what was owed before", range_owes, 0 },
	{ "tdp_mmu_zap_leafs: flushes before it yields, and owes what it clears then", range_yields, 0 },
	{ "tdp_mmu_zap_leafs: owes nothing when it has yielded at the end", range_yields_last, 0 },
	{ "tdp_mmu_zap_leafs: does not yield when it may not", range_may_not_yield, 0 },
	{ "tdp_mmu_zap_leafs: leaves tables", range_tables, 0 },
	{ "zap_collapsible_spte_range: flushes once, at its end", collapses, 0 },
	{ "zap_collapsible_spte_range: leaves what the host maps small", collapses_none, 0 },
	{ "zap_collapsible_spte_range: flushes before it yields, and at its end", collapse_yields, 0 },
	{ "zap_collapsible_spte_range: not again when it has yielded at its end", collapse_yields_last, 0 },
	{ "zap_collapsible_spte_range: leaves what begins in front of the memslot", collapse_edge, 0 },
	{ "zap_collapsible_spte_range: flushes nothing when somebody was faster", collapse_too_late, 0 },
#ifdef MAKES_HUGE
	{ "zap_collapsible_spte_range: a huge page of the first leaf", replaces, 0 },
	{ "zap_collapsible_spte_range: a huge page of the last entry", replaces_by_last, 0 },
	{ "zap_collapsible_spte_range: clears where there are tables only", replaces_no_table, 0 },
	{ "zap_collapsible_spte_range: clears with non-coherent DMA", replaces_not_with_dma, 0 },
	{ "zap_collapsible_spte_range: clears what may not be huge", replaces_not_small, 0 },
	{ "zap_collapsible_spte_range: leaves leafs that the host maps small", replaces_not_for_host, 0 },
	{ "zap_collapsible_spte_range: clears what does not fit, and warns", replaces_none_shifted, 0 },
	{ "zap_collapsible_spte_range: looks again at somebody else's table", replaces_other, 0 },
	{ "zap_collapsible_spte_range: leaves somebody else's huge page", replaces_too_late, 0 },
	{ "zap_collapsible_spte_range: a flush for each huge page before it yields", replace_yields, 0 },
	{ "zap_collapsible_spte_range: takes a huge page for a leaf, a level above", replaces_step_by_step, 0 },
#endif
	{ "tdp_mmu_zap_root: table by table from below, without a flush", zap_root, 0 },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

int main(void)
{
	unsigned int nr = 0, failed = 0, i;
	int level;

	table = aligned_alloc(4096, 8192);
	below = aligned_alloc(4096, 8192);
	if (!table || !below)
		abort();
	printf("KTAP version 1\n1..%zu\n", 2 * NR_TESTS);
	for (i = 0; i < NR_TESTS; i++)
		for (level = 1; level <= 2; level++) {
			bool ok;

			new_table(level);
			table->sp.gfn = tests[i].gfn;
			ok = tests[i].run(level) && !warned && !unit_rcu_depth;
			failed += !ok;
			printf("%s %u %s, level %d\n", ok ? "ok" : "not ok", ++nr, tests[i].name,
			       level);
		}
	free(below);
	free(table);
	return failed ? 1 : 0;
}
