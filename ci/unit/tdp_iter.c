// SPDX-License-Identifier: GPL-2.0
/*
 * tdp_iter.c - test of the page-table iterator of a kernel tree, on the host.
 *
 * The tree's own tdp_iter.c is linked in, and the tree's own
 * tdp_mmu_iter_cond_resched() included (cond_resched.h, cut out of its
 * tdp_mmu.c). Every walk is compared, entry by entry, with a recursive model
 * that knows nothing of the iterator:
 *   a walk of [start, end) is a pre-order visit of the entries from the one
 *   that holds start on, down to min_level; a walk that yields before it has
 *   processed an entry is, from there on, a new walk that starts at that entry,
 *   in the tables as they are after the yield.
 *
 * Usage:   tdp_iter        (built and run by ci/unit/tdp-iter.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>
#include "tdp_iter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cond_resched.h"

#ifdef ITER_ROOT_IS_SP
#define FOR_EACH(iter, root, root_level, min, start, end) \
	for_each_tdp_pte_min_level(iter, &(root)->sp, min, start, end)
#else
#define FOR_EACH(iter, root, root_level, min, start, end) \
	for_each_tdp_pte_min_level(iter, (root)->entry, root_level, min, start, end)
#endif
#ifdef RESCHED_SHARED
#define COND_RESCHED(kvm, iter) tdp_mmu_iter_cond_resched(kvm, iter, false, false)
#else
#define COND_RESCHED(kvm, iter) tdp_mmu_iter_cond_resched(kvm, iter, false)
#endif

/* ---- page tables ---- */

static u64 rng_state;

static unsigned int rnd(unsigned int below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state >> 16) % below;
}

static struct unit_table *new_table(int level, gfn_t gfn)
{
	struct unit_table *t = aligned_alloc(4096, 8192);

	if (!t)
		abort();
	memset(t, 0, sizeof(*t));
	t->sp = (struct kvm_mmu_page){ .spt = t->entry, .gfn = gfn, .role.level = level };
	return t;
}

static bool has_child(u64 spte, int level)
{
	return (spte & UNIT_PRESENT) && level > 1 && !(spte & UNIT_HUGE);
}

static struct unit_table *child_of(u64 spte)
{
	return (struct unit_table *)(uintptr_t)(spte & UNIT_FRAME);
}

static u64 table_spte(struct unit_table *t)
{
	return (uintptr_t)t | UNIT_PRESENT;
}

static u64 leaf_spte(gfn_t gfn, int level)
{
	return gfn << PAGE_SHIFT | UNIT_PRESENT | (level > 1 ? UNIT_HUGE : 0);
}

/* Gone for good: what still reads the memory is caught by ASan. */
static void free_table(struct unit_table *t, int level)
{
	int i;

	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		if (has_child(t->entry[i], level))
			free_table(child_of(t->entry[i]), level - 1);
	free(t);
}

static gfn_t pages(int level)
{
	return (gfn_t)1 << 9 * (level - 1);
}

/* The table of this level that maps gfn, made when it is not there. */
static struct unit_table *table_at(struct unit_table *t, int root_level, gfn_t gfn, int level)
{
	int l;

	for (l = root_level; l > level; l--) {
		u64 *e = &t->entry[gfn / pages(l) % PT64_ENT_PER_PAGE];

		if (!has_child(*e, l))
			*e = table_spte(new_table(l - 1, gfn & -pages(l)));
		t = child_of(*e);
	}
	return t;
}

static void map(struct unit_table *root, int root_level, gfn_t gfn, int level)
{
	struct unit_table *t = table_at(root, root_level, gfn, level);
	u64 *e = &t->entry[gfn / pages(level) % PT64_ENT_PER_PAGE];

	if (has_child(*e, level))
		free_table(child_of(*e), level - 1);
	*e = leaf_spte(gfn & -pages(level), level);
}

/* ---- the model ---- */

struct visit {
	gfn_t gfn;
	int level;
	u64 spte;
	const u64 *sptep;
};

struct trace {
	struct visit *v;
	size_t nr, size;
};

static void record(struct trace *tr, struct visit v)
{
	if (tr->nr == tr->size) {
		tr->size = tr->size ? 2 * tr->size : 1024;
		tr->v = realloc(tr->v, tr->size * sizeof(v));
		if (!tr->v)
			abort();
	}
	tr->v[tr->nr++] = v;
}

static void model(struct trace *tr, struct unit_table *t, int level, gfn_t base,
		  int min_level, gfn_t start, gfn_t end)
{
	gfn_t size = pages(level), gfn;
	int i;

	for (i = 0; i < PT64_ENT_PER_PAGE; i++) {
		gfn = base + i * size;
		if (gfn + size <= start)
			continue;
		if (gfn >= end)
			return;
		record(tr, (struct visit){ gfn, level, t->entry[i], &t->entry[i] });
		if (level > min_level && has_child(t->entry[i], level))
			model(tr, child_of(t->entry[i]), level - 1, gfn, min_level, start, end);
	}
}

/* ---- a walk of the code under test, against the model ---- */

struct walk {
	struct unit_table *root;
	int root_level, min_level;
	gfn_t start, end;
};

/* What happens on the way; k counts entries (visits) or requests to yield. */
static struct plan {
	long yield_at;			/* request to yield, -1: never, -2: always */
	void (*others)(struct walk *w, gfn_t gfn);	/* while the lock is free */
	long change_at;			/* visit at which the walk itself changes its entry */
	void (*change)(u64 *sptep, int level, gfn_t gfn);
} plan;
static struct walk *current;
static long requests;
static gfn_t at_gfn;
static const char *warning;
static bool yielded_now;
int unit_rcu_depth;

bool unit_warn(bool bad, const char *what)
{
	if (bad && !warning)
		warning = what;
	return bad;
}

bool unit_needs_resched(void)
{
	return plan.yield_at == -2 || (plan.yield_at >= 0 && requests == plan.yield_at);
}

void unit_yield(void)
{
	yielded_now = true;
	if (plan.others)
		plan.others(current, at_gfn);
}

static struct trace expected;
static char why[256];

#define fail_walk(...) (snprintf(why, sizeof(why), __VA_ARGS__), false)

static void expect_from(struct walk *w, gfn_t start)
{
	expected.nr = 0;
	model(&expected, w->root, w->root_level, 0, w->min_level, start, w->end);
}

/*
 * One walk under the plan. The expectation is made anew after each yield and
 * each change. Returns whether it was met; why says where not.
 */
static bool walk_ok(struct walk *w, long *visits)
{
	gfn_t last_yield = w->start;
	struct kvm kvm = { 0 };
	struct tdp_iter iter;
	size_t pos = 0;
	long n = 0, steps = 0;
	bool yields;

	memset(&iter, 0xa5, sizeof(iter));
	current = w;
	requests = 0;
	warning = NULL;
	unit_rcu_depth = 1;
	expect_from(w, w->start);
	FOR_EACH(iter, w->root, w->root_level, w->min_level, w->start, w->end) {
		const struct visit *v = &expected.v[pos];

		if (++steps > 10000000)
			return fail_walk("the walk does not end");
		if (pos == expected.nr)
			return fail_walk("visit %ld: gfn 0x%llx level %d, but the walk should have ended",
					 n, (unsigned long long)iter.gfn, iter.level);
		if (iter.gfn != v->gfn || iter.level != v->level ||
		    iter.old_spte != v->spte || (const u64 *)iter.sptep != v->sptep)
			return fail_walk("visit %ld: gfn 0x%llx level %d spte 0x%llx, expected gfn 0x%llx level %d spte 0x%llx",
					 n, (unsigned long long)iter.gfn, iter.level,
					 (unsigned long long)iter.old_spte, (unsigned long long)v->gfn,
					 v->level, (unsigned long long)v->spte);
		/* The place from which a restarted walk has to go on. */
		at_gfn = v->gfn > w->start ? v->gfn : w->start;
		if (at_gfn < last_yield)
			at_gfn = last_yield;
		yields = unit_needs_resched() && at_gfn != last_yield;
		yielded_now = false;
		if (COND_RESCHED(&kvm, &iter)) {
			if (!yields || !yielded_now)
				return fail_walk("visit %ld: yielded without need or progress", n);
			requests++;
			last_yield = at_gfn;
			expect_from(w, at_gfn);
			pos = 0;
			continue;
		}
		if (yields)
			return fail_walk("visit %ld: did not yield", n);
		requests++;
		if (plan.change && n == plan.change_at) {
			gfn_t next = iter.gfn + pages(iter.level);
			int level = iter.level;

			plan.change((u64 *)iter.sptep, iter.level, iter.gfn);
			/* the rest of the walk, in the tables as they are now */
			expect_from(w, w->start);
			for (pos = 0; pos < expected.nr; pos++)
				if (expected.v[pos].gfn == next - pages(level) &&
				    expected.v[pos].level == level)
					break;
		}
		n++;
		pos++;
	}
	if (warning)
		return fail_walk("WARN_ON(%s)", warning);
	if (unit_rcu_depth != 1)
		return fail_walk("RCU read sections left: %d", unit_rcu_depth - 1);
	if (pos != expected.nr)
		return fail_walk("ended after visit %ld, expected gfn 0x%llx level %d", n,
				 (unsigned long long)expected.v[pos].gfn, expected.v[pos].level);
	if (visits)
		*visits = n;
	return true;
}

/* ---- layouts ---- */

#define G2M 512ULL
#define G1G (512ULL * 512)
#define G512G (512ULL * 512 * 512)
#define G256T (512ULL * 512 * 512 * 512)

static void sparse(struct unit_table *r, int l)
{
	map(r, l, 0x1234, 1);
	map(r, l, 5 * G2M, 2);
	map(r, l, 3 * G1G, 3);
	map(r, l, 3 * G512G + 7 * G1G + 9 * G2M + 511, 1);
	map(r, l, 511 * G512G + 511 * G1G + 511 * G2M + 511, 1);
	if (l == 5)
		map(r, l, 6 * G256T + 5 * G512G + 4 * G1G + 3 * G2M + 2, 1);
}

/* Two whole 2M regions in 4K pages at the end of a 1G region, huge around. */
static void dense(struct unit_table *r, int l)
{
	gfn_t g;

	for (g = 510 * G2M; g < G1G; g++)
		map(r, l, g, 1);
	for (g = 480 * G2M; g < 510 * G2M; g += G2M)
		map(r, l, g, 2);
	for (g = G1G; g < 40 * G1G; g += G1G)
		map(r, l, g, 3);
	for (g = 40 * G1G; g < 41 * G1G; g += G2M)
		map(r, l, g, 2);
}

static void empty(struct unit_table *r, int l)
{
	(void)r;
	(void)l;
}

/* Tables with nothing in them, at every level. */
static void hollow(struct unit_table *r, int l)
{
	int i;

	for (i = 1; i < l; i++)
		table_at(r, l, i * G512G + i * G1G + i * G2M, i);
}

static void random_layout(struct unit_table *r, int l)
{
	int n = 1 + rnd(60);

	while (n--) {
		gfn_t g = rnd(4) * G512G + rnd(4) * G1G + rnd(6) * G2M + rnd(512);

		if (l == 5)
			g += rnd(3) * G256T;
		if (rnd(10))
			map(r, l, g, 1 + rnd(3));
		else
			table_at(r, l, g, 1 + rnd(3));
	}
}

struct range {
	const char *name;
	gfn_t start, end;
};

static const struct range ranges[] = {
	{ "all", 0, G256T },
	{ "from inside a 4K table", 0x1234, 12 * G2M },
	{ "from inside a 2M entry to inside another", 5 * G2M + 17, 500 * G2M + 3 },
	{ "inside one 2M entry", 500 * G2M + 3, 500 * G2M + 5 },
	{ "from inside a 1G entry to inside another", 3 * G1G + 5 * G2M + 1, 20 * G1G + 9 },
	{ "from 2M entries into 4K entries", 509 * G2M + 1, 511 * G2M + 100 },
	{ "the end of one table and the start of the next", G1G - 3, G1G + 2 },
	{ "across the end of a 512G region", G512G - 1, G512G + 1 },
	{ "from one root entry into others", 3 * G512G + 7 * G1G, 8 * G512G },
	{ "the very last page", 511 * G512G + 511 * G1G + 511 * G2M + 511, G256T },
	{ "nothing", 77, 77 },
};

static const struct {
	const char *name;
	void (*make)(struct unit_table *root, int root_level);
} layouts[] = {
	{ "empty", empty }, { "sparse", sparse }, { "dense", dense }, { "hollow", hollow },
};

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static struct walk make_walk(void (*layout)(struct unit_table *, int), int root_level,
			     int min_level, gfn_t start, gfn_t end)
{
	struct walk w = { new_table(root_level, 0), root_level, min_level, start, end };

	layout(w.root, root_level);
	return w;
}

/* ---- what others do while the walk has yielded ---- */

/* Unlink and free the tables below the root's entry for gfn. */
static void others_zap(struct walk *w, gfn_t gfn)
{
	u64 *e = &w->root->entry[gfn / pages(w->root_level) % PT64_ENT_PER_PAGE];
	u64 old = *e;

	*e = 0;
	if (has_child(old, w->root_level))
		free_table(child_of(old), w->root_level - 1);
}

/* Map the place, where the walk is and a bit behind it, in 4K pages. */
static void others_map(struct walk *w, gfn_t gfn)
{
	map(w->root, w->root_level, gfn, 1);
	map(w->root, w->root_level, gfn + 2, 1);
	map(w->root, w->root_level, gfn + G2M, 1);
}

static void others_collapse(struct walk *w, gfn_t gfn)
{
	map(w->root, w->root_level, gfn, 3);
}

/* ---- what the walk does to the entry it is at ---- */

static void change_zap(u64 *sptep, int level, gfn_t gfn)
{
	u64 old = *sptep;

	(void)gfn;
	*sptep = 0;
	if (has_child(old, level))
		free_table(child_of(old), level - 1);
}

/* Split: the walk is to go down into the new table. */
static void change_split(u64 *sptep, int level, gfn_t gfn)
{
	struct unit_table *t;
	int i;

	if (level == 1 || has_child(*sptep, level))
		return;
	t = new_table(level - 1, gfn);
	for (i = 0; i < PT64_ENT_PER_PAGE; i++)
		t->entry[i] = leaf_spte(gfn + i * pages(level - 1), level - 1);
	*sptep = table_spte(t);
}

/* ---- the tests ---- */

static long walks;

/* One walk; w->root is left as the plan has changed it. -1: failed. */
static long walk(struct walk *w, u64 seed)
{
	long visits = -1;
	size_t len;

	walks++;
	if (walk_ok(w, &visits))
		return visits;
	len = strlen(why);
	snprintf(why + len, sizeof(why) - len, " [root level %d, min_level %d, gfn 0x%llx to 0x%llx, yield %ld, seed %llu]",
		 w->root_level, w->min_level, (unsigned long long)w->start,
		 (unsigned long long)w->end, plan.yield_at, (unsigned long long)seed);
	return -1;
}

/* One walk on tables of its own. Returns the number of visits, -1: failed. */
static long one(void (*layout)(struct unit_table *, int), int root_level, int min_level,
		gfn_t start, gfn_t end, u64 seed)
{
	struct walk w;
	long visits;

	rng_state = seed;
	w = make_walk(layout, root_level, min_level, start, end);
	visits = walk(&w, seed);
	free_table(w.root, root_level);
	return visits;
}

/* Every layout, range, number of levels, min_level; each() runs one of them. */
static bool everywhere(bool (*each)(int layout, int root_level, int min_level, const struct range *r))
{
	size_t l, r;
	int root_level, min;

	for (l = 0; l < NR(layouts); l++)
		for (r = 0; r < NR(ranges); r++)
			for (root_level = 4; root_level <= 5; root_level++)
				for (min = 1; min <= 3; min++)
					if (!each(l, root_level, min, &ranges[r])) {
						printf("# %s, %s: %s\n", layouts[l].name, ranges[r].name, why);
						return false;
					}
	return true;
}

static bool plain_each(int l, int root_level, int min, const struct range *r)
{
	return one(layouts[l].make, root_level, min, r->start, r->end, 1) >= 0;
}

static bool test_plain(void)
{
	return everywhere(plain_each);
}

/* A walk for each place to yield at, or for `most` places spread over all. */
static bool plan_each_step(void (*layout)(struct unit_table *, int), int root_level, int min,
			   gfn_t start, gfn_t end, u64 seed, long most)
{
	void (*others)(struct walk *, gfn_t) = plan.others;
	long visits, k, step;
	struct walk w;
	bool ok;

	plan.others = NULL;
	plan.yield_at = -1;
	rng_state = seed;
	w = make_walk(layout, root_level, min, start, end);
	visits = walk(&w, seed);
	plan.others = others;
	step = visits > most ? visits / most : 1;
	ok = visits >= 0;
	for (k = 0; ok && k < visits; k += step) {
		plan.yield_at = k;
		ok = (others ? one(layout, root_level, min, start, end, seed) :
			       walk(&w, seed)) >= 0;
	}
	free_table(w.root, root_level);
	return ok;
}

static bool yield_each(int l, int root_level, int min, const struct range *r)
{
	return plan_each_step(layouts[l].make, root_level, min, r->start, r->end, 1, 1 << 30);
}

static bool test_yield_once(void)
{
	return everywhere(yield_each);
}

static bool test_yield_always(void)
{
	plan.yield_at = -2;
	return everywhere(plain_each);
}

static bool others_each(int l, int root_level, int min, const struct range *r)
{
	return plan_each_step(layouts[l].make, root_level, min, r->start, r->end, 1, 40);
}

static bool test_yield_zap(void)
{
	plan.others = others_zap;
	return everywhere(others_each);
}

static bool test_yield_map(void)
{
	plan.others = others_map;
	return everywhere(others_each);
}

static bool test_yield_collapse(void)
{
	plan.others = others_collapse;
	return everywhere(others_each);
}

static bool change_each(int l, int root_level, int min, const struct range *r)
{
	long visits, k, step;

	plan.change_at = -1;
	visits = one(layouts[l].make, root_level, min, r->start, r->end, 1);
	step = visits > 200 ? visits / 200 : 1;
	for (k = 0; k < visits; k += step) {
		plan.change_at = k;
		if (one(layouts[l].make, root_level, min, r->start, r->end, 1) < 0)
			return false;
	}
	return visits >= 0;
}

static bool test_change_zap(void)
{
	plan.change = change_zap;
	return everywhere(change_each);
}

static bool test_change_split(void)
{
	plan.change = change_split;
	return everywhere(change_each);
}

#ifdef REACH
/* Pages behind the last one of the root, at places where the root maps some. */
static bool reach_each(int l, int root_level, int min, const struct range *r)
{
	gfn_t reach = pages(root_level + 1);

	return one(layouts[l].make, root_level, min, reach + r->start, reach + r->end, 1) >= 0 &&
	       one(layouts[l].make, root_level, min, reach - 1, reach + r->end, 1) >= 0;
}

static bool test_reach(void)
{
	return everywhere(reach_each);
}
#endif

/* Random tables and ranges; the seed in a failure's line makes it again. */
static bool random_walks(long yield_at, void (*others)(struct walk *, gfn_t), bool each_step)
{
	u64 seed;

	for (seed = 1; seed <= 150; seed++) {
		int root_level = 4 + seed % 2, min = 1 + seed % 3;
		gfn_t start, end;

		rng_state = seed * 0x9e3779b97f4a7c15ULL;
		start = rnd(4) * G512G + rnd(4) * G1G + rnd(6) * G2M + rnd(512);
		end = start + rnd(3) * G512G + rnd(4) * G1G + rnd(6) * G2M + rnd(512);
		plan.yield_at = yield_at;
		plan.others = others;
		if (each_step ? !plan_each_step(random_layout, root_level, min, start, end, seed, 60) :
		    one(random_layout, root_level, min, start, end, seed) < 0) {
			printf("# random: %s\n", why);
			return false;
		}
	}
	return true;
}

static bool test_random_plain(void)
{
	return random_walks(-1, NULL, false);
}

static bool test_random_yield(void)
{
	return random_walks(-1, NULL, true) && random_walks(-2, NULL, false);
}

static bool test_random_yield_changes(void)
{
	return random_walks(-1, others_zap, true) && random_walks(-1, others_map, true) &&
	       random_walks(-2, others_zap, false);
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "walk: visits what the model visits", test_plain },
	{ "walk: random tables and ranges", test_random_plain },
	{ "walk: does not step into a table that it zaps", test_change_zap },
	{ "walk: steps into a table that it installs", test_change_split },
	{ "restart: after a yield at each step", test_yield_once },
	{ "restart: after yields at all steps", test_yield_always },
	{ "restart: the tables were freed meanwhile", test_yield_zap },
	{ "restart: pages were mapped meanwhile", test_yield_map },
	{ "restart: tables became huge pages meanwhile", test_yield_collapse },
	{ "restart: random tables and ranges", test_random_yield },
	{ "restart: random, with changes meanwhile", test_random_yield_changes },
#ifdef REACH
	{ "walk: visits nothing beyond the reach of the root", test_reach },
#endif
};

int main(void)
{
	size_t i, failed = 0;
	long before;
	bool ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%zu\n", NR(tests));
	for (i = 0; i < NR(tests); i++) {
		plan = (struct plan){ .yield_at = -1, .change_at = -1 };
		before = walks;
		ok = tests[i].run();
		failed += !ok;
		printf("%sok %zu %s # %ld walks\n", ok ? "" : "not ", i + 1, tests[i].name,
		       walks - before);
	}
	free(expected.v);
	return failed ? 1 : 0;
}
