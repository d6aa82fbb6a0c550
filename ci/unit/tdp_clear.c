// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_clear.c - test of how the TDP MMU clears 64 pages of the dirty log.
 *
 * The tree's own tdp_iter.c is linked in, its own functions (clear.h, cut out of its
 * tdp_mmu.c) are included. A root of four levels maps 6 MiB by three tables of small pages
 * at the end of the memory of one table of the level above: the last two gfns of a root's
 * reach are among them. Every word of 64 pages that touches them is cleared, with masks of
 * each kind, and all SPTEs are compared with what they should be: those whose page is set
 * in the mask have lost their bit, the others nothing. A page becomes dirty with its Dirty
 * bit, or with its Writable bit where there is no other.
 *
 * Usage:   tdp_clear       (built and run by ci/unit/tdp-clear.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "warned.h"

#define BITS_PER_LONG		64
#define GENMASK(high, low)	((~0UL >> (63 - (high))) & (~0UL << (low)))
#define UNIT_WRITABLE		(1ULL << 1)
#define UNIT_DIRTY		(1ULL << 6)
#define UNIT_WRPROT_ONLY	(1ULL << 60)	/* its Dirty bit is not to be used */
#define UNIT_NO_AD		(1ULL << 61)	/* it has none */
#define PT_WRITABLE_MASK	UNIT_WRITABLE

static const u64 shadow_dirty_mask = UNIT_DIRTY;

static inline bool spte_ad_need_write_protect(u64 spte)
{
	return spte & (UNIT_WRPROT_ONLY | UNIT_NO_AD);
}

static inline bool is_dirty_spte(u64 spte)
{
	return spte & (spte & UNIT_NO_AD ? UNIT_WRITABLE : UNIT_DIRTY);
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

#define TABLES	3
#define PAGES	(TABLES * PT64_ENT_PER_PAGE)

/* The last one is the huge page's. */
static unsigned int dirtied[PAGES + 1];

static void kvm_set_pfn_dirty(kvm_pfn_t pfn)
{
	if (pfn - 1 > PAGES)
		abort();
	dirtied[pfn - 1]++;
}

#define trace_kvm_tdp_mmu_spte_changed(as_id, gfn, level, old, new) \
	((void)(as_id), (void)(gfn), (void)(level), (void)(old), (void)(new))

#include "clear.h"

/* ---- tests ---- */

#define FIRST	(KVM_PAGES_PER_HPAGE(5) - PAGES)	/* the reach of four levels ends behind */

static struct unit_table *path[3];	/* of levels 4, 3 and 2 */
static struct unit_table *tables[TABLES];
static bool there[TABLES];

static u64 spte_of(unsigned int page, u64 kind)
{
	return (u64)(page + 1) << PAGE_SHIFT | UNIT_PRESENT | kind;
}

/* Table 1 is missing, or a huge page is in its place, or all are there. */
enum { ALL, MISSING, HUGE_PAGE, NR_SHAPES };

static const char * const shapes[] = {
	"", ", one table is missing", ", a huge page in the place of one",
};

static void build(int shape, u64 kind)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		memset(path[i]->entry, 0, sizeof(path[i]->entry));
	path[0]->sp.spt = path[0]->entry;
	path[0]->sp.role.level = 4;
	path[0]->entry[511] = (uintptr_t)path[1] | UNIT_PRESENT;
	path[1]->entry[511] = (uintptr_t)path[2] | UNIT_PRESENT;
	for (i = 0; i < TABLES; i++) {
		there[i] = i != 1 || shape == ALL;
		path[2]->entry[PT64_ENT_PER_PAGE - TABLES + i] =
			there[i] ? (uintptr_t)tables[i] | UNIT_PRESENT :
			shape == HUGE_PAGE ? spte_of(PAGES, UNIT_HUGE | kind) : 0;
	}
	for (i = 0; i < PAGES; i++)
		tables[i / PT64_ENT_PER_PAGE]->entry[i % PT64_ENT_PER_PAGE] =
			i % 7 == 6 ? 0 : spte_of(i, kind);
	memset(dirtied, 0, sizeof(dirtied));
}

/* Has the word one of the pages of the huge one? */
static bool in_huge(gfn_t gfn, unsigned long mask)
{
	const gfn_t first = FIRST + PT64_ENT_PER_PAGE, end = first + PT64_ENT_PER_PAGE;
	bool selected = false;
	unsigned int i;

	for (i = 0; i < 64; i++)
		selected |= mask >> i & 1 && gfn + i >= first && gfn + i < end;
	return selected;
}

/* The huge page, which is write-protected if the word has one of its pages. */
static bool check_huge(gfn_t gfn, unsigned long mask, u64 kind)
{
	u64 got = path[2]->entry[PT64_ENT_PER_PAGE - TABLES + 1];
	bool selected = in_huge(gfn, mask), dirty;
	u64 want;

	want = spte_of(PAGES, UNIT_HUGE | (selected ? kind & ~UNIT_WRITABLE : kind));
	dirty = selected && is_dirty_spte(kind) && !is_dirty_spte(kind & ~UNIT_WRITABLE);
	if (got == want && dirtied[PAGES] == dirty)
		return true;
	printf("# gfn %#llx mask %#lx, huge page: %#llx, dirty %u; should be %#llx, %u\n",
	       (unsigned long long)gfn, mask, (unsigned long long)got, dirtied[PAGES],
	       (unsigned long long)want, dirty);
	return false;
}

static bool check(gfn_t gfn, unsigned long mask, u64 kind, u64 bit)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		gfn_t offset = FIRST + i - gfn;
		bool cleared = there[i / PT64_ENT_PER_PAGE] && i % 7 != 6 && offset < 64 &&
			       mask >> offset & 1 && kind & bit;
		u64 want = i % 7 == 6 ? 0 : spte_of(i, cleared ? kind & ~bit : kind);
		u64 got = tables[i / PT64_ENT_PER_PAGE]->entry[i % PT64_ENT_PER_PAGE];
		bool dirty = cleared && is_dirty_spte(kind) && !is_dirty_spte(kind & ~bit);

		if (got == want && dirtied[i] == dirty)
			continue;
		printf("# gfn %#llx mask %#lx, page %u: %#llx, dirty %u; should be %#llx, %u\n",
		       (unsigned long long)gfn, mask, i, (unsigned long long)got, dirtied[i],
		       (unsigned long long)want, dirty);
		return false;
	}
	return true;
}

static const unsigned long masks[] = {
	1, 1UL << 63, ~0UL, 0x8000000000000001UL, 0x1111111111111111UL, 0x00000000ffff0000UL,
	1UL << 31, 0xffffffff00000000UL, 0xfffffffeUL,
};
#define NR_MASKS (sizeof(masks) / sizeof(*masks))

/*
 * One word. Where the tree can leave a huge page alone, to be split, it does so first, says
 * so, and clears the rest; write-protected is what was not split.
 */
static bool clear_word(struct kvm *kvm, int shape, gfn_t gfn, unsigned long mask, u64 kind,
		       bool wrprot)
{
#ifdef SKIPS_HUGE
	bool has_huge = shape == HUGE_PAGE && in_huge(gfn, mask);
	u64 huge = path[2]->entry[PT64_ENT_PER_PAGE - TABLES + 1];

	if (clear_dirty_pt_masked(kvm, &path[0]->sp, gfn, mask, wrprot, true) != has_huge ||
	    (has_huge && path[2]->entry[PT64_ENT_PER_PAGE - TABLES + 1] != huge)) {
		printf("# gfn %#llx mask %#lx: a huge page is not left alone, or nobody says so\n",
		       (unsigned long long)gfn, mask);
		return false;
	}
	clear_dirty_pt_masked(kvm, &path[0]->sp, gfn, mask, wrprot, false);
#else
	clear_dirty_pt_masked(kvm, &path[0]->sp, gfn, mask, wrprot);
#endif
	return true;
}

/* Words that begin at a multiple of 64, and those of memslots that do not. */
static bool words(int shape, u64 kind, bool wrprot, u64 bit)
{
	struct kvm kvm = { 0 };
	unsigned int m;
	gfn_t gfn;

	warned = false;
	for (gfn = FIRST; gfn < FIRST + PAGES; gfn += 31)
		for (m = 0; m < NR_MASKS; m++) {
			build(shape, kind);
			if (!clear_word(&kvm, shape, gfn, masks[m], kind, wrprot) ||
			    !check(gfn, masks[m], kind, bit) || warned || unit_rcu_depth)
				return false;
			if (shape == HUGE_PAGE && !check_huge(gfn, masks[m], kind))
				return false;
		}
	return true;
}

static const struct test {
	const char *name;
	u64 kind;
	bool wrprot;
	u64 bit;
} tests[] = {
	{ "write protection", UNIT_WRITABLE | UNIT_DIRTY, true, UNIT_WRITABLE },
	{ "write protection of what is clean", UNIT_WRITABLE, true, UNIT_WRITABLE },
	{ "write protection of what is read-only", UNIT_DIRTY, true, UNIT_WRITABLE },
	{ "write protection without Dirty bits", UNIT_NO_AD | UNIT_WRITABLE, true, UNIT_WRITABLE },
	{ "Dirty bits", UNIT_WRITABLE | UNIT_DIRTY, false, UNIT_DIRTY },
	{ "Dirty bits of what is clean", UNIT_WRITABLE, false, UNIT_DIRTY },
	{ "Dirty bits that are not to be used", UNIT_WRPROT_ONLY | UNIT_WRITABLE | UNIT_DIRTY, false,
	  UNIT_WRITABLE },
	{ "without Dirty bits", UNIT_NO_AD | UNIT_WRITABLE, false, UNIT_WRITABLE },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

static struct unit_table *new_table(void)
{
	struct unit_table *t = aligned_alloc(4096, 8192);

	if (!t)
		abort();
	memset(t, 0, sizeof(*t));
	return t;
}

int main(void)
{
	unsigned int nr = 0, failed = 0, i;
	int shape;

	for (i = 0; i < 3; i++)
		path[i] = new_table();
	for (i = 0; i < TABLES; i++)
		tables[i] = new_table();
	printf("KTAP version 1\n1..%zu\n", NR_SHAPES * NR_TESTS);
	for (shape = ALL; shape < NR_SHAPES; shape++)
		for (i = 0; i < NR_TESTS; i++) {
			bool ok = words(shape, tests[i].kind, tests[i].wrprot, tests[i].bit);

			failed += !ok;
			printf("%s %u clear_dirty_pt_masked: %s%s\n", ok ? "ok" : "not ok", ++nr,
			       tests[i].name, shapes[shape]);
		}
	for (i = 0; i < 3; i++)
		free(path[i]);
	for (i = 0; i < TABLES; i++)
		free(tables[i]);
	return failed ? 1 : 0;
}
