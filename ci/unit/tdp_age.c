// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_age.c - test of how the TDP MMU tells and takes the accessed state of pages.
 *
 * The tree's own tdp_iter.c is linked in, its age_gfn_range() with what it calls (age.h, cut
 * out of its tdp_mmu.c) is included. No lock keeps anybody away: right before the exchange
 * this program is the CPU that marks the page dirty, or somebody who zaps, freezes or splits
 * the mapping. Then nothing may be written; else the accessed state goes, and no other bit.
 * Without A/D bits a page that could be written to is marked dirty, once.
 *
 * Usage:   tdp_age       (built and run by ci/unit/tdp-age.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "warned.h"

#define UNIT_WRITABLE	(1ULL << 1)
#define UNIT_ACCESSED	(1ULL << 5)
#define UNIT_DIRTY	(1ULL << 6)
#define UNIT_FROZEN	0x5a0ULL	/* has the Accessed bit, and is not present */
#define UNIT_TRACKED	(1ULL << 60)

struct kvm_memory_slot {
	int as_id;
};

struct kvm_gfn_range {
	struct kvm_memory_slot *slot;
	gfn_t start, end;
};

#include "tdp_iter.h"

static bool bad;

static bool expect(const char *what, u64 got, u64 want)
{
	if (got != want) {
		printf("# %s is %#llx, should be %#llx\n", what, (unsigned long long)got,
		       (unsigned long long)want);
		bad = true;
	}
	return got == want;
}

/* Nobody gives way here. */
bool unit_needs_resched(void)
{
	return false;
}

void unit_yield(void)
{
}

/* Those of ci/mutants ask for them. */
static const u64 __attribute__((unused)) shadow_accessed_mask = UNIT_ACCESSED;
static const u64 __attribute__((unused)) shadow_dirty_mask = UNIT_DIRTY;

static bool ad_bits;

static inline bool spte_ad_enabled(u64 spte)
{
	return ad_bits;
}

static inline bool is_accessed_spte(u64 spte)
{
	return ad_bits ? spte & UNIT_ACCESSED : !(spte & UNIT_TRACKED);
}

static inline bool is_writable_pte(u64 spte)
{
	return spte & UNIT_WRITABLE;
}

static u64 mark_spte_for_access_track(u64 spte)
{
	expect("an SPTE to be marked is present", is_shadow_present_pte(spte), true);
	return ad_bits ? spte & ~UNIT_ACCESSED : (spte & ~UNIT_WRITABLE) | UNIT_TRACKED;
}

static u64 *target, becomes;
static unsigned int dirtied, traced;
static kvm_pfn_t dirty_pfn;

static u64 exchange(u64 *p, u64 old, u64 new)
{
	u64 was;

	expect("the depth of RCU sections at the exchange", unit_rcu_depth, 1);
	if (p == target)
		*p = becomes;
	was = *p;
	if (was == old)
		*p = new;
	return was;
}

#define cmpxchg64(p, old, new) exchange(p, old, new)
#define kvm_set_pfn_dirty(pfn) ((void)(dirtied++, dirty_pfn = (pfn)))
#define trace_kvm_tdp_mmu_spte_changed(as_id, gfn, level, old, new) \
	((void)(traced++, expect("the traced change", (old) != (new), true)))

#define NR_ROOTS 3
static struct unit_table *roots[NR_ROOTS];

static struct kvm_mmu_page *tdp_mmu_find_root(struct kvm *kvm, struct kvm_mmu_page *prev,
					      int as_id)
{
	int i = 0;

	expect("the depth of RCU sections", unit_rcu_depth, 1);
	if (prev)
		while (&roots[i++]->sp != prev)
			;
	while (i < NR_ROOTS && kvm_mmu_page_as_id(&roots[i]->sp) != as_id)
		i++;
	return i < NR_ROOTS ? &roots[i]->sp : NULL;
}

#include "age.h"

/* ---- roots of level 2, two of address space 0 and one of 1: a table and huge pages ---- */

#define SMALL	512UL
#define LEAF(pfn) ((u64)(pfn) << PAGE_SHIFT | UNIT_PRESENT | UNIT_WRITABLE | UNIT_ACCESSED)
#define OLD(spte) (ad_bits ? (spte) & ~UNIT_ACCESSED : ((spte) & ~UNIT_WRITABLE) | UNIT_TRACKED)
#define PAGE_GFN 5UL		/* in the table, which is the first entry */
#define HUGE_GFN (2 * SMALL)

static struct unit_table *tables[NR_ROOTS];
static struct kvm kvm;

static struct unit_table *new_table(int level, int as_id)
{
	struct unit_table *t = aligned_alloc(4096, 8192);
	unsigned int i;

	if (!t)
		abort();
	memset(t, 0, sizeof(*t));
	t->sp.spt = t->entry;
	t->sp.role.level = level;
	t->sp.role.smm = as_id;
	for (i = 0; i < 8; i++)
		t->entry[i] = LEAF(level > 1 ? i * SMALL : i) | (level > 1 ? UNIT_HUGE : 0);
	return t;
}

static void build(bool ad)
{
	int i;

	ad_bits = ad;
	for (i = 0; i < NR_ROOTS; i++) {
		roots[i] = new_table(2, i == 1);
		tables[i] = new_table(1, i == 1);
		roots[i]->entry[0] = (uintptr_t)tables[i] | UNIT_PRESENT | UNIT_ACCESSED;
	}
	target = NULL;
	dirtied = traced = 0;
	bad = warned = false;
}

static bool ask(gfn_t start, gfn_t end, bool test_only)
{
	struct kvm_memory_slot slot = { .as_id = 0 };
	struct kvm_gfn_range range = { .slot = &slot, .start = start, .end = end };
	bool young = age_gfn_range(&kvm, &range, test_only);

	expect("the depth of RCU sections at the end", unit_rcu_depth, 0);
	return young;
}

/* All is as it was made, but for the leafs of both roots from first on, which are old. */
static void check(gfn_t first, unsigned int n, bool huge)
{
	unsigned int i, k;

	for (i = 0; i < NR_ROOTS; i++) {
		bool asked = i != 1;

		for (k = 0; k < 8; k++) {
			u64 small = LEAF(k), large = LEAF(k * SMALL) | UNIT_HUGE;

			if (asked && !huge && k >= first && k < first + n)
				small = OLD(small);
			if (asked && huge && k * SMALL >= first && k * SMALL < first + n * SMALL)
				large = OLD(large);
			expect("a small page", tables[i]->entry[k], small);
			if (k)
				expect("a huge page", roots[i]->entry[k], large);
		}
		expect("the entry above a table", roots[i]->entry[0],
		       (uintptr_t)tables[i] | UNIT_PRESENT | UNIT_ACCESSED);
	}
}

static void accessed(void)
{
	expect("young", ask(PAGE_GFN, PAGE_GFN + 1, false), true);
	check(PAGE_GFN, 1, false);
	expect("changes that were traced", traced, 2);
	expect("pages marked dirty", dirtied, ad_bits ? 0 : 2);
	if (!ad_bits)
		expect("the page", dirty_pfn, PAGE_GFN);
	expect("young when asked again", ask(PAGE_GFN, PAGE_GFN + 1, false), false);
	check(PAGE_GFN, 1, false);
	expect("changes that were traced", traced, 2);
}

static void several(void)
{
	expect("young", ask(PAGE_GFN, PAGE_GFN + 2, false), true);
	check(PAGE_GFN, 2, false);
}

static void huge_page(void)
{
	expect("young", ask(HUGE_GFN + 7, HUGE_GFN + 8, false), true);
	check(HUGE_GFN, 1, true);
}

static void test_only(void)
{
	expect("young", ask(PAGE_GFN, PAGE_GFN + 1, true), true);
	check(0, 0, false);
	expect("changes that were traced", traced, 0);
	tables[0]->entry[PAGE_GFN] = OLD(LEAF(PAGE_GFN));
	expect("young in the other root", ask(PAGE_GFN, PAGE_GFN + 1, true), true);
	tables[2]->entry[PAGE_GFN] = OLD(LEAF(PAGE_GFN));
	expect("young in none", ask(PAGE_GFN, PAGE_GFN + 1, true), false);
}

static void nothing(void)
{
	tables[0]->entry[PAGE_GFN] = 0;
	tables[2]->entry[PAGE_GFN] = UNIT_FROZEN;
	expect("young", ask(PAGE_GFN, PAGE_GFN + 1, false), false);
	expect("nothing", tables[0]->entry[PAGE_GFN], 0);
	expect("what is frozen", tables[2]->entry[PAGE_GFN], UNIT_FROZEN);
}

static void read_only(void)
{
	tables[0]->entry[PAGE_GFN] &= ~UNIT_WRITABLE;
	tables[2]->entry[PAGE_GFN] = 0;
	ask(PAGE_GFN, PAGE_GFN + 1, false);
	expect("a page", tables[0]->entry[PAGE_GFN], OLD(LEAF(PAGE_GFN) & ~UNIT_WRITABLE));
	expect("pages marked dirty", dirtied, 0);
}

/* The page is in use in the first root, where somebody is faster; not in the other one. */
static void faster(u64 *sptep, gfn_t gfn, u64 value)
{
	tables[2]->entry[PAGE_GFN] = roots[2]->entry[HUGE_GFN / SMALL] = 0;
	target = sptep;
	becomes = value;
	expect("young", ask(gfn, gfn + 1, false), true);
	expect("what somebody else wrote", *sptep, value);
	expect("pages marked dirty", dirtied, 0);
	expect("changes that were traced", traced, 0);
}

static void dirty_meanwhile(void)
{
	faster(&tables[0]->entry[PAGE_GFN], PAGE_GFN, LEAF(PAGE_GFN) | UNIT_DIRTY);
}

static void zapped_meanwhile(void)
{
	faster(&tables[0]->entry[PAGE_GFN], PAGE_GFN, 0);
}

static void frozen_meanwhile(void)
{
	faster(&tables[0]->entry[PAGE_GFN], PAGE_GFN, UNIT_FROZEN);
}

static void other_page_meanwhile(void)
{
	faster(&tables[0]->entry[PAGE_GFN], PAGE_GFN, LEAF(77));
}

/* The walk goes on in the table, where the page is a small one. */
static void table_meanwhile(void)
{
	u64 value = (uintptr_t)tables[1] | UNIT_PRESENT | UNIT_ACCESSED | UNIT_WRITABLE;

	roots[2]->entry[HUGE_GFN / SMALL] = 0;
	target = &roots[0]->entry[HUGE_GFN / SMALL];
	becomes = value;
	expect("young", ask(HUGE_GFN, HUGE_GFN + 1, false), true);
	expect("what somebody else wrote", roots[0]->entry[HUGE_GFN / SMALL], value);
	expect("the page", tables[1]->entry[0], OLD(LEAF(0)));
	expect("one behind it", tables[1]->entry[1], LEAF(1));
	expect("pages marked dirty", dirtied, !ad_bits);
	expect("changes that were traced", traced, 1);
}

static const struct {
	const char *name;
	void (*test)(void);
} tests[] = {
	{ "a page that was used, in each root of its address space", accessed },
	{ "two pages", several },
	{ "a page in a huge one", huge_page },
	{ "it is only asked", test_only },
	{ "nothing is mapped", nothing },
	{ "a page that is read-only", read_only },
	{ "the CPU sets the Dirty bit", dirty_meanwhile },
	{ "somebody zaps the page", zapped_meanwhile },
	{ "somebody freezes the SPTE", frozen_meanwhile },
	{ "somebody maps another page", other_page_meanwhile },
	{ "somebody splits the huge page", table_meanwhile },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

int main(void)
{
	unsigned int nr = 0, failed = 0, i, k;
	int ad;

	printf("KTAP version 1\n1..%u\n", (unsigned int)(2 * NR_TESTS));
	for (ad = 1; ad >= 0; ad--) {
		for (i = 0; i < NR_TESTS; i++) {
			build(ad);
			tests[i].test();
			for (k = 0; k < NR_ROOTS; k++) {
				free(tables[k]);
				free(roots[k]);
			}
			bad |= warned;
			failed += bad;
			printf("%s %u with%s A/D bits: %s\n", bad ? "not ok" : "ok", ++nr,
			       ad ? "" : "out", tests[i].name);
		}
	}
	return failed ? 1 : 0;
}
