// SPDX-License-Identifier: GPL-2.0
/*
 * memslots.c - test of the lookups of memslots: which slot a gfn is in.
 *
 * The tree's own lookups are included: of a VM (lookups.h, cut out of its kvm_host.h) and of
 * a vCPU (vcpu.h, of its kvm_main.c). An array has as many slots as it says, so that whoever
 * reads behind it is caught. Each lookup is asked for the first gfn of each slot, the last,
 * and those beside them, and has to say what this program's own, slot by slot, says:
 *  - of a VM, whatever it has found before; lru_slot is then what was found, or as before;
 *  - by an index, if the gfn is in that slot, and there is such a slot; else none;
 *  - of a vCPU, whatever its note says: of another slot, or of an array that was longer.
 *    The note is taken if the gfn is in that slot, without a search; after a search it is
 *    the slot that was found, or as before. lru_slot is neither read nor written.
 *
 * Usage:   memslots       (built and run by ci/unit/memslots.sh)
 * Outputs: KTAP on stdout. Exit: 0 all pass, 1 a test failed.
 */
#include <linux/kvm_host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "warned.h"

typedef struct {
	int counter;
} atomic_t;

struct kvm_memory_slot {
	gfn_t base_gfn;
	unsigned long npages;
};

struct kvm_memslots {
	atomic_t lru_slot;
	int used_slots;
	struct kvm_memory_slot memslots[];
};

struct kvm_vcpu {
	struct kvm_memslots *slots;
	int last_used_slot;
};

#define kvm_vcpu_memslots(vcpu) ((vcpu)->slots)

/* Reads and writes of lru_slot. */
static unsigned int lru_reads, lru_writes;

static inline int atomic_read(const atomic_t *v)
{
	lru_reads++;
	return v->counter;
}

static inline void atomic_set(atomic_t *v, int i)
{
	lru_writes++;
	v->counter = i;
}

/* What is out of range is 0 for the CPU's guesses, too. */
static inline unsigned long __attribute__((unused))
array_index_nospec(unsigned long index, unsigned long size)
{
	unit_warn(index >= size, "an index that was not checked");
	return index < size ? index : 0;
}

#include "lookups.h"

#ifdef VCPUS_REMEMBER
static unsigned int searches;

#define find_memslot(slots, gfn) (searches++, find_memslot(slots, gfn))
#endif

/* Not static in the tree. */
struct kvm_memory_slot *kvm_vcpu_gfn_to_memslot(struct kvm_vcpu *vcpu, gfn_t gfn);

#include "vcpu.h"

bool unit_needs_resched(void)
{
	return false;
}

void unit_yield(void)
{
}

/* ---- arrays of slots, from the highest gfn to the lowest ---- */

static const struct array {
	const char *name;
	int used;
	struct kvm_memory_slot slots[6];
} arrays[] = {
	{ "no slot", 0, { } },
	{ "one slot, from gfn 0", 1, { { 0, 16 } } },
	{ "one slot of one page", 1, { { 7, 1 } } },
	{ "two neighbours", 2, { { 16, 16 }, { 0, 16 } } },
	{ "two slots with a hole", 2, { { 64, 8 }, { 8, 8 } } },
	{ "neighbours and holes", 5,
	  { { 1UL << 20, 1UL << 18 }, { 0x800, 0x800 }, { 0x400, 0x400 }, { 0x100, 1 }, { 2, 3 } } },
	{ "the highest gfns", 3, { { (1ULL << 52) - 16, 16 }, { 1ULL << 40, 16 }, { 0, 1 } } },
	{ "six slots", 6, { { 60, 10 }, { 50, 10 }, { 40, 5 }, { 30, 10 }, { 29, 1 }, { 10, 4 } } },
};
#define NR_ARRAYS (sizeof(arrays) / sizeof(*arrays))
#define NO_INDEX 0x5a5a5a	/* of no slot */
#define MAX_GFNS 64

static bool bad;

static void expect(const char *what, const struct array *a, gfn_t gfn, int start, long got,
		   long want)
{
	if (got == want)
		return;
	bad = true;
	printf("# %s: %s, gfn %#llx, beginning with slot %d: %ld, should be %ld\n", a->name, what,
	       (unsigned long long)gfn, start, got, want);
}

static struct kvm_memslots *make(const struct array *a, int lru)
{
	size_t size = a->used * sizeof(a->slots[0]);
	struct kvm_memslots *slots = malloc(sizeof(*slots) + size);

	if (!slots)
		abort();
	slots->lru_slot.counter = lru;
	slots->used_slots = a->used;
	memcpy(slots->memslots, a->slots, size);
	return slots;
}

/* The index of the slot that the gfn is in, or -1. */
static int right(const struct array *a, gfn_t gfn)
{
	int i;

	for (i = 0; i < a->used; i++)
		if (gfn >= a->slots[i].base_gfn && gfn - a->slots[i].base_gfn < a->slots[i].npages)
			return i;
	return -1;
}

static long index_of(const struct kvm_memslots *slots, const struct kvm_memory_slot *slot)
{
	return slot ? slot - slots->memslots : -1;
}

/* The gfns to ask for. */
static int gfns_of(const struct array *a, gfn_t *gfns)
{
	gfn_t first, last;
	int i, n = 0;

	gfns[n++] = 0;
	gfns[n++] = 1ULL << 39;
	gfns[n++] = ~0ULL;
	for (i = 0; i < a->used; i++) {
		first = a->slots[i].base_gfn;
		last = first + a->slots[i].npages - 1;
		gfns[n++] = first - 1;
		gfns[n++] = first;
		gfns[n++] = first + a->slots[i].npages / 2;
		gfns[n++] = last;
		gfns[n++] = last + 1;
	}
	if (n > MAX_GFNS)
		abort();
	return n;
}

/* ---- tests ---- */

/* What this asks begins with slot start, which is none if that is too high. */
static void search(const struct array *a, gfn_t gfn, int start)
{
	struct kvm_memslots *slots;
	int want = right(a, gfn);

	/* lru_slot is always one of the array's; 0 if there is none. */
	if (start >= a->used && start)
		return;
	slots = make(a, start);
	lru_writes = 0;
	expect("search_memslots()", a, gfn, start, index_of(slots, search_memslots(slots, gfn)), want);
	expect("lru_slot then", a, gfn, start, slots->lru_slot.counter, want < 0 ? start : want);
	expect("writes of lru_slot", a, gfn, start, lru_writes, want >= 0 && want != start);
	expect("the same again", a, gfn, start, index_of(slots, __gfn_to_memslot(slots, gfn)), want);
	free(slots);
}

#ifdef VCPUS_REMEMBER
static void find(const struct array *a, gfn_t gfn, int start)
{
	struct kvm_memslots *slots = make(a, NO_INDEX);

	lru_reads = lru_writes = 0;
	expect("find_memslot()", a, gfn, start, index_of(slots, find_memslot(slots, gfn)), right(a, gfn));
	expect("reads and writes of lru_slot", a, gfn, start, lru_reads + lru_writes, 0);
	free(slots);
}

static void at_index(const struct array *a, gfn_t gfn, int start)
{
	struct kvm_memslots *slots = make(a, NO_INDEX);
	int want = right(a, gfn);

	lru_reads = lru_writes = 0;
	expect("memslot_at_index()", a, gfn, start,
	       index_of(slots, memslot_at_index(slots, start, gfn)), want == start ? want : -1);
	expect("reads and writes of lru_slot", a, gfn, start, lru_reads + lru_writes, 0);
	free(slots);
}

static void of_vcpu(const struct array *a, gfn_t gfn, int start)
{
	struct kvm_vcpu vcpu = { .slots = make(a, NO_INDEX), .last_used_slot = start };
	int want = right(a, gfn);

	lru_reads = lru_writes = searches = 0;
	expect("kvm_vcpu_gfn_to_memslot()", a, gfn, start,
	       index_of(vcpu.slots, kvm_vcpu_gfn_to_memslot(&vcpu, gfn)), want);
	expect("its note then", a, gfn, start, vcpu.last_used_slot, want < 0 ? start : want);
	expect("searches", a, gfn, start, searches, want < 0 || want != start);
	expect("reads and writes of lru_slot", a, gfn, start, lru_reads + lru_writes, 0);
	expect("lru_slot", a, gfn, start, vcpu.slots->lru_slot.counter, NO_INDEX);
	searches = 0;
	expect("the same again", a, gfn, start,
	       index_of(vcpu.slots, kvm_vcpu_gfn_to_memslot(&vcpu, gfn)), want);
	expect("searches then", a, gfn, start, searches, want < 0);
	free(vcpu.slots);
}

/* The vCPU finds its slots gone: each array takes the place of each other one. */
static void of_vcpu_later(const struct array *a, gfn_t gfn, int start)
{
	const struct array *before;
	struct kvm_vcpu vcpu;
	gfn_t old;
	int want = right(a, gfn);

	for (before = arrays; before < arrays + NR_ARRAYS; before++) {
		if (start >= before->used)
			continue;
		old = before->slots[start].base_gfn;
		vcpu.last_used_slot = 0;
		vcpu.slots = make(before, NO_INDEX);
		expect("the slot before", before, old, 0,
		       index_of(vcpu.slots, kvm_vcpu_gfn_to_memslot(&vcpu, old)), start);
		free(vcpu.slots);
		vcpu.slots = make(a, NO_INDEX);
		expect("the slot in another array", a, gfn, start,
		       index_of(vcpu.slots, kvm_vcpu_gfn_to_memslot(&vcpu, gfn)), want);
		expect("the note then", a, gfn, start, vcpu.last_used_slot, want < 0 ? start : want);
		free(vcpu.slots);
	}
}
#else
static void of_vcpu(const struct array *a, gfn_t gfn, int start)
{
	struct kvm_vcpu vcpu = { .slots = make(a, 0) };

	expect("kvm_vcpu_gfn_to_memslot()", a, gfn, start,
	       index_of(vcpu.slots, kvm_vcpu_gfn_to_memslot(&vcpu, gfn)), right(a, gfn));
	free(vcpu.slots);
}
#endif

static const struct {
	const char *name;
	void (*ask)(const struct array *a, gfn_t gfn, int start);
} tests[] = {
	{ "search_memslots", search },
#ifdef VCPUS_REMEMBER
	{ "find_memslot", find },
	{ "memslot_at_index", at_index },
	{ "kvm_vcpu_gfn_to_memslot, when the array has changed", of_vcpu_later },
#endif
	{ "kvm_vcpu_gfn_to_memslot", of_vcpu },
};
#define NR_TESTS (sizeof(tests) / sizeof(*tests))

int main(void)
{
	unsigned int nr = 0, failed = 0, i;
	const struct array *a;
	gfn_t gfns[MAX_GFNS];
	int n, k, start;

	printf("KTAP version 1\n1..%zu\n", NR_TESTS * NR_ARRAYS);
	for (i = 0; i < NR_TESTS; i++)
		for (a = arrays; a < arrays + NR_ARRAYS; a++) {
			bad = warned = false;
			n = gfns_of(a, gfns);
			/* up to indices that no array here has */
			for (k = 0; k < n; k++)
				for (start = 0; start < 9; start++)
					tests[i].ask(a, gfns[k], start);
			bad |= warned;
			failed += bad;
			printf("%s %u %s: %s\n", bad ? "not ok" : "ok", ++nr, tests[i].name, a->name);
		}
	return failed ? 1 : 0;
}
