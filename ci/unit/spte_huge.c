// SPDX-License-Identifier: GPL-2.0
/*
 * spte_huge.c - test of the SPTE of a huge page that takes the place of a page table.
 *
 * The tree's own make_huge_spte() with what it calls, and make_huge_page_split_spte(), which
 * goes the other way, are included (spte_parts.h, cut out of its spte.c and spte.h). SPTEs
 * have the bits here that they have in the kernel: with EPT, with A/D bits and without, and
 * with NPT; each with the mitigation of NX huge pages on and off, for 2 MiB and for 1 GiB.
 *  - the frame is that of the huge page, whichever part of it the small page was;
 *  - all other bits are kept, but that W comes back where the host and KVM allow to write,
 *    and that the mitigation takes the right to execute;
 *  - a leaf that is tracked for access stays so, with no W, and what comes back with the
 *    access is as little as the huge page may have;
 *  - what was made huge and is split again is what it was.
 *
 * Usage:   spte_huge       (built and run by ci/unit/spte-huge.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "warned.h"

/* The iterator, which is linked in, asks this of its own kind of SPTEs. */
#define is_shadow_present_pte(spte) (((spte) & SPTE_MMU_PRESENT_MASK) != 0)

#define BIT(n)				(1ULL << (n))
#define PT_WRITABLE_MASK		BIT(1)
#define PT_PAGE_SIZE_MASK		BIT(7)
#define SPTE_MMU_PRESENT_MASK		BIT(11)
#define SPTE_TDP_AD_MASK		(3ULL << 52)
#define SPTE_TDP_AD_DISABLED_MASK	BIT(52)
#define SHADOW_ACC_TRACK_SAVED_BITS_MASK	5ULL	/* R and X */
#define SHADOW_ACC_TRACK_SAVED_BITS_SHIFT	54
#define WARN_ONCE(x, ...)		unit_warn(x, #x)
#define MMU_WARN_ON(x)			((void)unit_warn(x, #x))

static u64 shadow_nx_mask, shadow_x_mask, shadow_acc_track_mask, shadow_accessed_mask;
static u64 shadow_host_writable_mask, shadow_mmu_writable_mask;
static bool nx_huge_pages;

#define is_nx_huge_page_enabled() nx_huge_pages

/* Not static in the tree, and their declarations are in what is not taken. */
u64 mark_spte_for_access_track(u64 spte);
u64 make_huge_page_split_spte(u64 huge_spte, int huge_level, int index);
u64 make_huge_spte(u64 small_spte, int huge_level);

#include "spte_parts.h"

bool unit_needs_resched(void)
{
	return false;
}

void unit_yield(void)
{
}

/* ---- kinds of SPTEs ---- */

static const struct kind {
	const char *name;
	u64 nx, x, acc_track, accessed, dirty, host_writable, mmu_writable;
	u64 always;		/* what each leaf has */
} kinds[] = {
	{ "EPT", 0, BIT(2), 7, BIT(8), BIT(9), BIT(57), BIT(58),
	  BIT(0) | 6 << 3 | BIT(6) },
	{ "EPT without A/D bits", 0, BIT(2), 7, 0, 0, BIT(57), BIT(58),
	  BIT(0) | 6 << 3 | BIT(6) | SPTE_TDP_AD_DISABLED_MASK },
	{ "NPT", BIT(63), 0, 0, BIT(5), BIT(6), BIT(9), BIT(10), BIT(0) | BIT(2) },
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

#define W	PT_WRITABLE_MASK
#define HUGE	PT_PAGE_SIZE_MASK
#define FRAME	0x7edcba9a5ULL	/* of a small page: no field of nine bits of it is 0 */

static const struct kind *kind;
static int level;
static bool bad;

#define expect(what, got, want) expect_in(__LINE__, what, got, want)

static void expect_in(int line, const char *what, u64 got, u64 want)
{
	if (got == want)
		return;
	printf("# line %d: %s is %#llx, should be %#llx\n", line, what, (unsigned long long)got,
	       (unsigned long long)want);
	bad = true;
}

static u64 executable(bool yes)
{
	return yes ? kind->x : kind->nx;
}

/* A leaf of the level below: read-only, not executable, not used. */
static u64 leaf(void)
{
	u64 frame = FRAME & -KVM_PAGES_PER_HPAGE(level - 1);

	return SPTE_MMU_PRESENT_MASK | kind->always | executable(false) | frame << PAGE_SHIFT |
	       (level > PG_LEVEL_2M ? HUGE : 0);
}

/* The huge page, likewise. */
static u64 huge(void)
{
	u64 frame = FRAME & -KVM_PAGES_PER_HPAGE(level);

	return SPTE_MMU_PRESENT_MASK | kind->always | executable(false) | frame << PAGE_SHIFT | HUGE;
}

/* The same SPTE, executable. */
static u64 exec(u64 spte)
{
	return (spte & ~kind->nx) | kind->x;
}

/* ---- tests ---- */

static void frames(void)
{
	u64 part = (u64)KVM_PAGES_PER_HPAGE(level - 1) << PAGE_SHIFT, first = huge();
	int i;

	if (level == PG_LEVEL_2M)
		first &= ~HUGE;
	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		expect("of one of its parts", make_huge_spte(first + i * part, level), huge());
	expect("of another one", make_huge_spte(leaf(), level), huge());
}

static void accessed_and_dirty(void)
{
	u64 bits[] = { kind->accessed, kind->dirty, kind->accessed | kind->dirty };
	unsigned int i;

	/* Without A/D bits a leaf that grants anything is in use. */
	for (i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		expect("an SPTE with such bits", make_huge_spte(leaf() | bits[i], level),
		       huge() | bits[i]);
}

static void write_access(void)
{
	u64 host = kind->host_writable, mmu = kind->mmu_writable;

	expect("what was writable", make_huge_spte(leaf() | host | mmu | W, level),
	       huge() | host | mmu | W);
	expect("what is logged no more", make_huge_spte(leaf() | host | mmu, level),
	       huge() | host | mmu | W);
	expect("what KVM protects", make_huge_spte(leaf() | host, level), huge() | host);
	expect("what the host protects", make_huge_spte(leaf() | mmu, level), huge() | mmu);
	expect("what is read-only", make_huge_spte(leaf(), level), huge());
}

static void execution(void)
{
	u64 want = nx_huge_pages ? huge() : exec(huge());

	expect("what could be executed", make_huge_spte(exec(leaf()), level), want);
	expect("what could be written, too",
	       make_huge_spte(exec(leaf()) | W | kind->host_writable | kind->mmu_writable, level),
	       want | W | kind->host_writable | kind->mmu_writable);
	expect("what could not be", make_huge_spte(leaf(), level), huge());
}

/* Not used for a while; whether it was writable it does not tell, with EPT. */
static void tracked(void)
{
	u64 may = kind->host_writable | kind->mmu_writable, small, spte;
	bool tracks = kind->always & SPTE_TDP_AD_DISABLED_MASK;
	u64 want = nx_huge_pages ? huge() : exec(huge());

	small = mark_spte_for_access_track(exec(leaf()) | may | W | kind->accessed);
	spte = make_huge_spte(small, level);
	if (!tracks) {
		expect("an old page", spte, want | may | W);
		return;
	}
	expect("a leaf is tracked", is_access_track_spte(small), true);
	expect("a tracked page", spte, mark_spte_for_access_track(want | may));
	expect("it is tracked", is_access_track_spte(spte), true);
	expect("what it grants", spte & kind->acc_track, 0);
	expect("what comes back", restore_acc_track_spte(spte), want | may);
}

/* Only executable 4K pages lose something, which they get again. */
static void there_and_back(void)
{
	u64 may = kind->host_writable | kind->mmu_writable, small = leaf() | may | W;
	u64 part = FRAME >> KVM_HPAGE_GFN_SHIFT(level - 1) & (PT64_ENT_PER_PAGE - 1);

	if (!nx_huge_pages || level == PG_LEVEL_2M)
		small = exec(small);
	expect("the small page", make_huge_page_split_spte(make_huge_spte(small, level), level, part),
	       small);
}

static void refused(void)
{
	expect("of none", make_huge_spte(0, level), 0);
	expect("a warning", warned, true);
	warned = false;
	expect("of 4K", make_huge_spte(leaf(), PG_LEVEL_4K), 0);
	expect("a warning", warned, true);
	warned = false;
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "the frame", frames },
	{ "accessed and dirty state", accessed_and_dirty },
	{ "write access", write_access },
	{ "execution", execution },
	{ "a page that was not used", tracked },
	{ "made huge and split again", there_and_back },
	{ "what is no small page", refused },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

static void set_kind(const struct kind *k, bool mitigation)
{
	kind = k;
	nx_huge_pages = mitigation;
	shadow_nx_mask = k->nx;
	shadow_x_mask = k->x;
	shadow_acc_track_mask = k->acc_track;
	shadow_accessed_mask = k->accessed;
	shadow_host_writable_mask = k->host_writable;
	shadow_mmu_writable_mask = k->mmu_writable;
}

int main(void)
{
	unsigned int nr = 0, failed = 0, i, k, nx;

	printf("KTAP version 1\n1..%zu\n", 4 * NR_KINDS * NR_TESTS);
	for (k = 0; k < NR_KINDS; k++)
		for (nx = 0; nx < 2; nx++)
			for (level = PG_LEVEL_2M; level <= PG_LEVEL_1G; level++)
				for (i = 0; i < NR_TESTS; i++) {
					set_kind(&kinds[k], nx);
					bad = warned = false;
					tests[i].run();
					bad |= warned;
					failed += bad;
					printf("%s %u %s, %s, mitigation %s, level %d\n",
					       bad ? "not ok" : "ok", ++nr, tests[i].name,
					       kind->name, nx ? "on" : "off", level);
				}
	return failed ? 1 : 0;
}
