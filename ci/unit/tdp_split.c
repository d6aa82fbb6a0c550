// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_split.c - test of how the TDP MMU splits huge pages for dirty logging.
 *
 * The tree's own tdp_iter.c is linked in; the functions that split (split.h, cut out of its
 * tdp_mmu.c and spte.c) are included. This program is whom they meet: who changes SPTEs while
 * mmu_lock is free, the CPU that sets a Dirty bit or another fault right before the exchange,
 * and the allocator that has no page. Whatever happens, each small page maps its part of the
 * huge one with the same bits, nothing outside of the range is touched, all tables are either
 * linked or free, the count of huge pages never runs below those that there are, and
 * mmu_lock and the RCU section are held again in the end.
 *
 * Usage:   tdp_split       (built and run by ci/unit/tdp-split.sh)
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
#define UNIT_FROZEN	(1ULL << 8)	/* not present */
#define UNIT_EXEC	(1ULL << 59)
#define UNIT_TRACKED	(1ULL << 60)
#define UNIT_NX		(1ULL << 63)

#define PT_PAGE_SIZE_MASK UNIT_HUGE
#define EBUSY	16
#define ENOMEM	12
#define GFP_KERNEL_ACCOUNT	1
#define __GFP_RETRY_MAYFAIL	2
#define __GFP_NOWARN	4
#define __GFP_ZERO	8

typedef unsigned int gfp_t;
typedef u64 atomic64_t;

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

/* ---- mmu_lock ---- */

enum { FREE, READ, WRITE };

static int lock;
static bool resched_always;
static void (*while_free)(void);	/* once, as soon as somebody has given the lock up */

static void take(int mode)
{
	expect("mmu_lock, to be taken", lock, FREE);
	lock = mode;
}

static void give(int mode)
{
	expect("mmu_lock, to be given up", lock, mode);
	expect("the depth of RCU sections then", unit_rcu_depth, 0);
	lock = FREE;
	if (while_free) {
		void (*f)(void) = while_free;

		while_free = NULL;
		f();
	}
}

#define read_lock(l) ((void)(l), take(READ))
#define read_unlock(l) ((void)(l), give(READ))
#define write_lock(l) ((void)(l), take(WRITE))
#define write_unlock(l) ((void)(l), give(WRITE))

bool unit_needs_resched(void)
{
	return resched_always;
}

void unit_yield(void)
{
}

/* ---- memory ---- */

static const int mmu_page_header_cache;
static unsigned int headers, pages, linked, asked, fails_at;
static struct unit_table *made;
static const struct unit_table *last_made;

static struct unit_table *new_table(int level, gfn_t gfn)
{
	struct unit_table *t = aligned_alloc(4096, 8192);

	if (!t)
		abort();
	memset(t, 0, sizeof(*t));
	t->sp.spt = t->entry;
	t->sp.role.level = level;
	t->sp.gfn = gfn;
	return t;
}

/* What is asked for with mmu_lock held may sleep, and what may kill a VM is worse. */
static bool refuses(gfp_t gfp)
{
	expect("mmu_lock at an allocation", lock, FREE);
	expect("flags of an allocation", gfp & ~__GFP_ZERO,
	       GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	return ++asked == fails_at;
}

static struct kvm_mmu_page *kmem_cache_alloc(int cache, gfp_t gfp)
{
	if (refuses(gfp))
		return NULL;
	expect("the header is zeroed", !!(gfp & __GFP_ZERO), true);
	made = new_table(0, 0);
	made->sp.spt = NULL;
	headers++;
	return &made->sp;
}

/* Page headers of this program lie beside their tables. */
static unsigned long __get_free_page(gfp_t gfp)
{
	if (refuses(gfp))
		return 0;
	memset(made->entry, 0xff, sizeof(made->entry));
	pages++;
	last_made = made;
	return (unsigned long)made->entry;
}

static void kmem_cache_free(int cache, struct kvm_mmu_page *sp)
{
	headers--;
	free((char *)sp - offsetof(struct unit_table, sp));
}

static void tdp_mmu_free_sp(struct kvm_mmu_page *sp)
{
	pages--;
	kmem_cache_free(mmu_page_header_cache, sp);
}

/* ---- SPTEs ---- */

static u64 shadow_nx_mask, shadow_x_mask;
static const u64 shadow_accessed_mask = UNIT_ACCESSED;
static bool nx_huge_pages;

#define is_nx_huge_page_enabled() nx_huge_pages

static inline bool is_large_pte(u64 spte)
{
	return spte & UNIT_HUGE;
}

static inline bool is_access_track_spte(u64 spte)
{
	return spte & UNIT_TRACKED;
}

/* It does not tell what can be executed, until it is restored. */
static inline u64 mark_spte_for_access_track(u64 spte)
{
	return (spte & ~UNIT_EXEC) | UNIT_TRACKED | (spte & UNIT_EXEC) << 2;
}

static inline u64 restore_acc_track_spte(u64 spte)
{
	const u64 saved = UNIT_EXEC << 2;

	return (spte & ~UNIT_TRACKED & ~saved) | (spte & saved) >> 2;
}

static inline u64 make_nonleaf_spte(u64 *child_pt, bool ad_disabled)
{
	expect("whether A/D bits are off", ad_disabled, false);
	return (uintptr_t)child_pt | UNIT_PRESENT | UNIT_WRITABLE | UNIT_ACCESSED;
}

#define atomic64_add(n, p) ((void)(*(p) += (n)))
#define atomic64_sub(n, p) ((void)(*(p) -= (n)))

static struct kvm kvm;
static int traced;

#define trace_kvm_mmu_split_huge_page(gfn, spte, level, err) (traced = (err))

static void tdp_mmu_init_sp(struct kvm_mmu_page *sp, gfn_t gfn, union kvm_mmu_page_role role)
{
	sp->gfn = gfn;
	sp->role = role;
}

static u64 *target;
static u64 (*meanwhile)(u64 spte);	/* what becomes of the target before the exchange */

/* The table is made, and not linked yet. */
static void tdp_mmu_link_page(struct kvm *kvm, struct kvm_mmu_page *sp, tdp_ptep_t ptep,
			      bool lpage_disallowed)
{
	expect("marked as one that the NX mitigation wants", lpage_disallowed, false);
	linked++;
	if (ptep == target && meanwhile) {
		*target = meanwhile(*target);
		meanwhile = NULL;
	}
}

static void tdp_mmu_unlink_page(struct kvm *kvm, struct kvm_mmu_page *sp, bool shared)
{
	linked--;
}

static int tdp_mmu_set_spte_atomic(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	const u64 *entry = (u64 *)(uintptr_t)(new_spte & UNIT_FRAME);
	int i;

	expect("mmu_lock at the exchange", lock != FREE, true);
	/* As soon as it is there vCPUs walk it, and others zap and count. */
	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		if (!expect("a small page is there", is_shadow_present_pte(entry[i]), true))
			break;
	if (iter->level > PG_LEVEL_2M)
		expect("huge pages are counted first", kvm->stat.lpages > PT64_ENT_PER_PAGE, true);
	if (*iter->sptep != iter->old_spte) {
		iter->old_spte = *iter->sptep;
		return -EBUSY;
	}
	*iter->sptep = new_spte;
	kvm->stat.lpages--;
	return 0;
}

#include "split.h"

/* ---- a root of level 3: 1 GiB for each entry, of the second one a table of huge pages ---- */

#define GIGA	(1UL << 18)	/* pages */
#define SMALL	512UL
#define BITS	(UNIT_PRESENT | UNIT_WRITABLE | UNIT_ACCESSED)
#define LEAF(pfn) ((u64)(pfn) << PAGE_SHIFT | BITS)
#define HUGE_LEAF(pfn) (LEAF(pfn) | UNIT_HUGE)
#define FRAMES	(7 * GIGA)	/* gfn 0 is mapped to there */
#define NR_HUGE	6		/* 2 MiB pages, from gfn GIGA on */

static struct unit_table *root, *table, *other;

static struct unit_table *child(u64 spte)
{
	return (struct unit_table *)(uintptr_t)(spte & UNIT_FRAME);
}

static bool is_table(u64 spte)
{
	return is_shadow_present_pte(spte) && !is_large_pte(spte);
}

static void build(void)
{
	unsigned int i;

	root = new_table(3, 0);
	table = new_table(2, GIGA);
	other = new_table(1, GIGA + 2 * SMALL);
	root->entry[0] = HUGE_LEAF(FRAMES);
	root->entry[1] = make_nonleaf_spte(table->entry, false);
	for (i = 0; i < NR_HUGE; i++)
		table->entry[i] = HUGE_LEAF(FRAMES + GIGA + i * SMALL);
	for (i = 0; i < SMALL; i++)
		other->entry[i] = LEAF(FRAMES + GIGA + 2 * SMALL + i);
	memset(&kvm, 0, sizeof(kvm));
	kvm.stat.lpages = 1 + NR_HUGE;
	headers = pages = linked = asked = fails_at = 0;
	target = NULL;
	meanwhile = NULL;
	while_free = NULL;
	resched_always = nx_huge_pages = warned = bad = false;
	shadow_nx_mask = UNIT_NX;
	shadow_x_mask = 0;
}

static void destroy(struct unit_table *t)
{
	unsigned int i;

	for (i = 0; t->sp.role.level > 1 && i < PT64_ENT_PER_PAGE; i++)
		if (is_table(t->entry[i]))
			destroy(child(t->entry[i]));
	if (t == other)
		other = NULL;
	free(t);
}

static int split(gfn_t start, gfn_t end, int target_level, int mode)
{
	int ret;

	take(mode);
	ret = tdp_mmu_split_huge_pages_root(&kvm, &root->sp, start, end, target_level, mode == READ);
	expect("the depth of RCU sections at the end", unit_rcu_depth, 0);
	expect("mmu_lock at the end", lock, mode);
	lock = FREE;
	expect("headers that are neither free nor linked", headers, linked);
	expect("page tables that are neither free nor linked", pages, linked);
	return ret;
}

/* The huge pages of the table are split, each that has a bit, and map with these bits. */
static void check(unsigned int which, u64 bits)
{
	unsigned int i, k;

	for (i = 0; i < NR_HUGE; i++) {
		u64 huge = HUGE_LEAF(FRAMES + GIGA + i * SMALL), spte = table->entry[i];

		if (!(which >> i & 1)) {
			expect("a huge page that is to stay", spte, huge);
			continue;
		}
		if (!expect("a page table in a huge page's place", is_table(spte), true))
			continue;
		expect("its gfn", child(spte)->sp.gfn, GIGA + i * SMALL);
		expect("its level", child(spte)->sp.role.level, 1);
		for (k = 0; k < SMALL; k++)
			if (!expect("a small page", child(spte)->entry[k],
				    (LEAF(FRAMES + GIGA + i * SMALL + k) & ~BITS) | bits))
				break;
	}
}

static void whole_pages(int mode)
{
	expect("what it returns", split(GIGA + SMALL, GIGA + 3 * SMALL, PG_LEVEL_4K, mode), 0);
	check(6, BITS);
	expect("page tables", linked, 2);
	expect("huge pages", kvm.stat.lpages, 1 + NR_HUGE - 2);
}

/* A page is concerned if one of its gfns is. */
static void edges(int mode)
{
	split(GIGA + 2 * SMALL - 1, GIGA + 2 * SMALL + 1, PG_LEVEL_4K, mode);
	check(6, BITS);
	split(GIGA + 4 * SMALL, GIGA + 4 * SMALL, PG_LEVEL_4K, mode);
	check(6, BITS);
	split(GIGA + 4 * SMALL + 7, GIGA + 4 * SMALL + 8, PG_LEVEL_4K, mode);
	check(6 | 16, BITS);
}

static void giant(int mode)
{
	unsigned int i, k;
	u64 spte;

	split(0, GIGA, PG_LEVEL_4K, mode);
	check(0, BITS);
	expect("page tables", linked, 513);
	expect("huge pages", kvm.stat.lpages, NR_HUGE);
	for (i = 0; i < SMALL; i++) {
		spte = child(root->entry[0])->entry[i];
		if (!expect("a page table below a page table", is_table(spte), true) ||
		    !expect("its gfn", child(spte)->sp.gfn, i * SMALL))
			return;
		for (k = 0; k < SMALL; k++)
			if (!expect("a small page", child(spte)->entry[k], LEAF(FRAMES + i * SMALL + k)))
				return;
	}
}

/* Down to pages of 2 MiB, which are counted. */
static void giant_to_huge(int mode)
{
	unsigned int i;

	split(0, 2 * GIGA, PG_LEVEL_2M, mode);
	check(0, BITS);
	expect("page tables", linked, 1);
	expect("huge pages", kvm.stat.lpages, SMALL + NR_HUGE);
	for (i = 0; i < SMALL; i++)
		if (!expect("a huge page", child(root->entry[0])->entry[i],
			    HUGE_LEAF(FRAMES + i * SMALL)))
			return;
}

static u64 dirty(u64 spte)
{
	return spte | UNIT_DIRTY;
}

static void dirty_meanwhile(int mode)
{
	target = &table->entry[0];
	meanwhile = dirty;
	split(GIGA, GIGA + SMALL, PG_LEVEL_4K, mode);
	check(1, BITS | UNIT_DIRTY);
	expect("page tables that were asked for", asked, 2);
}

static u64 gone(u64 spte)
{
	return 0;
}

static u64 frozen(u64 spte)
{
	return UNIT_FROZEN | UNIT_HUGE | UNIT_WRITABLE;
}

static u64 to_table(u64 spte)
{
	return make_nonleaf_spte(other->entry, false);
}

/* Somebody else is faster at the third huge page: the page for it is for the fourth. */
static void faster(int mode, u64 (*becomes)(u64))
{
	u64 want = becomes(table->entry[2]);

	target = &table->entry[2];
	meanwhile = becomes;
	/* those that vanish are no huge pages any more */
	kvm.stat.lpages--;
	expect("what it returns", split(GIGA + 2 * SMALL, GIGA + 4 * SMALL, PG_LEVEL_4K, mode), 0);
	expect("what somebody else wrote", table->entry[2], want);
	expect("the trace's last word", traced, 0);
	if (becomes == to_table)
		for (unsigned int k = 0; k < SMALL; k++)
			if (!expect("a page of somebody else's table", other->entry[k],
				    LEAF(FRAMES + GIGA + 2 * SMALL + k)))
				break;
	table->entry[2] = HUGE_LEAF(FRAMES + GIGA + 2 * SMALL);
	check(8, BITS);
	expect("headers and page tables that were asked for", asked, 2);
	expect("huge pages", kvm.stat.lpages, NR_HUGE - 1);
}

static void becomes_nothing(int mode)
{
	faster(mode, gone);
}

static void becomes_frozen(int mode)
{
	faster(mode, frozen);
}

static void becomes_table(int mode)
{
	faster(mode, to_table);
}

/* All huge pages go while the lock is free for the allocation. */
static void clear_all(void)
{
	memset(table->entry, 0, sizeof(table->entry));
	kvm.stat.lpages = 1;
}

static void free_gone(int mode)
{
	while_free = clear_all;
	expect("what it returns", split(GIGA, GIGA + 4 * SMALL, PG_LEVEL_4K, mode), 0);
	expect("page tables", linked, 0);
	expect("headers and page tables that were asked for", asked, 2);
	expect("huge pages", kvm.stat.lpages, 1);
	expect("an entry", table->entry[0], 0);
}

/* A part of them, and with it the table that the walk is in. */
static struct unit_table *moved;

static void move_table(void)
{
	moved = new_table(2, GIGA);
	memcpy(moved->entry, table->entry, sizeof(moved->entry));
	root->entry[1] = make_nonleaf_spte(moved->entry, false);
	free(table);
	table = moved;
}

static void free_moved(int mode)
{
	while_free = move_table;
	split(GIGA, GIGA + 4 * SMALL, PG_LEVEL_4K, mode);
	check(15, BITS);
}

static void no_memory(int mode, unsigned int n)
{
	fails_at = n;
	expect("what it returns", split(GIGA, GIGA + NR_HUGE * SMALL, PG_LEVEL_4K, mode), -ENOMEM);
	check((1 << (n - 1) / 2) - 1, BITS);
	expect("the trace's last word", traced, -ENOMEM);
	expect("huge pages", kvm.stat.lpages, 1 + NR_HUGE - (n - 1) / 2);
}

static void no_header(int mode)
{
	no_memory(mode, 1);
}

static void no_page(int mode)
{
	no_memory(mode, 2);
}

static void no_third_page(int mode)
{
	no_memory(mode, 6);
}

static void always_resched(int mode)
{
	resched_always = true;
	split(GIGA, GIGA + 4 * SMALL, PG_LEVEL_4K, mode);
	check(15, BITS);
}

/* The mitigation keeps huge pages from being executed, and 4K pages it does not. */
static void executable(int mode)
{
	static const struct {
		u64 nx, x, huge, small;
		bool on;
	} kinds[] = {
		{ UNIT_NX, 0, UNIT_NX, 0, true },
		{ UNIT_NX, 0, UNIT_NX, UNIT_NX, false },
		{ 0, UNIT_EXEC, 0, UNIT_EXEC, true },
		{ 0, UNIT_EXEC, 0, 0, false },
		{ 0, UNIT_EXEC, UNIT_TRACKED, UNIT_TRACKED | UNIT_EXEC << 2, true },
		{ 0, UNIT_EXEC, UNIT_TRACKED, UNIT_TRACKED, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		shadow_nx_mask = kinds[i].nx;
		shadow_x_mask = kinds[i].x;
		nx_huge_pages = kinds[i].on;
		table->entry[0] = HUGE_LEAF(FRAMES + GIGA) | kinds[i].huge;
		split(GIGA, GIGA + SMALL, PG_LEVEL_4K, mode);
		check(1, BITS | kinds[i].small);
		destroy(child(table->entry[0]));
		root->entry[0] = HUGE_LEAF(FRAMES) | kinds[i].huge;
		kvm.stat.lpages = NR_HUGE + 2;
		split(0, 1, PG_LEVEL_2M, mode);
		expect("a huge page of a larger one", child(root->entry[0])->entry[1],
		       HUGE_LEAF(FRAMES + SMALL) | kinds[i].huge);
		destroy(child(root->entry[0]));
		root->entry[0] = 0;
	}
	table->entry[0] = HUGE_LEAF(FRAMES + GIGA);
}

static const struct {
	const char *name;
	void (*test)(int mode);
} tests[] = {
	{ "huge pages become page tables", whole_pages },
	{ "a range that begins and ends in huge pages", edges },
	{ "a page of 1 GiB, down to 4K", giant },
	{ "a page of 1 GiB, down to 2 MiB", giant_to_huge },
	{ "the CPU sets the Dirty bit", dirty_meanwhile },
	{ "somebody zaps the huge page", becomes_nothing },
	{ "somebody freezes the huge page", becomes_frozen },
	{ "somebody links a page table", becomes_table },
	{ "all huge pages go while the lock is free", free_gone },
	{ "the page table moves while the lock is free", free_moved },
	{ "no memory for a header", no_header },
	{ "no memory for a page table", no_page },
	{ "no memory for the third page table", no_third_page },
	{ "somebody waits all the time", always_resched },
	{ "what can be executed", executable },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

int main(void)
{
	static const char * const modes[] = { [READ] = "read", [WRITE] = "write" };
	unsigned int nr = 0, failed = 0, i;
	int mode;

	printf("KTAP version 1\n1..%u\n", (unsigned int)(2 * NR_TESTS));
	for (mode = READ; mode <= WRITE; mode++) {
		for (i = 0; i < NR_TESTS; i++) {
			build();
			tests[i].test(mode);
			destroy(root);
			free(other);
			bad |= warned;
			failed += bad;
			printf("%s %u mmu_lock held for %s: %s\n", bad ? "not ok" : "ok", ++nr,
			       modes[mode], tests[i].name);
		}
	}
	return failed ? 1 : 0;
}
