// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nested-slots.c - guests L2 run beside changes of the memslots: AMD only.
 *
 * Each L2 has nested tables of its own, with eight roots in turn, and is entered anew every
 * few rounds. Meanwhile the host, which does one thing after the other at random, creates,
 * moves and deletes the memslot that L1 gives to L2, at A or B, and another one, has them
 * and those with the nested tables log dirty pages or not, makes it read-only, and gives
 * memory back. L2 finds what is there: while it changes one or the other, and when the call
 * has returned only what is new. So it is with its writes, and what the dirty log has of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "nested.h"

#define SLOT		2
#define OTHER_SLOT	3
#define OTHER_GPA	(3 * GIB)
#define OPERATIONS	50
#define L2_ROUNDS	3
#define CPUS		2U
#define N		2U

static const uint64_t places[2] = { GIB, GIB + HUGE };		/* A, B */
static const unsigned int pages[N] = { 3, 511 };

static uint8_t *mem[2], *other;
static unsigned int in;			/* mem[in] is, or was last, in the memslot, */
static int place = -1;			/* at places[place], or there is none, */
static uint32_t flags;			/* with these, */
static uint32_t tag[N];			/* and holds these */
static int other_place = -1;
static bool tables_log;
static uint32_t tags = 0x1000;
static uint64_t random_state = 0x9e3779b97f4a7c15ULL;

static unsigned int any(unsigned int n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % n;
}

static uint8_t *page(unsigned int p)
{
	return mem[in] + pages[p] * PAGE;
}

static void set(uint32_t slot, uint64_t gpa, uint64_t size, void *hva, uint32_t with)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva, .flags = with,
	};

	if (ioctl(l2_vm.fd, KVM_SET_USER_MEMORY_REGION, &r))
		fail("memslot %u at %#llx, flags %u: %s", slot, (unsigned long long)gpa, with,
		     strerror(errno));
}

/* L2 may find what place and tags say. The cells: each place by a table and by a huge page. */
static void may_find(void)
{
	unsigned int i;

	for (i = 0; i < 4 * N; i++)
		l2_next(i, place == (int)(i / N / 2) ? tag[i % N] : VM_NOWHERE, true);
	l2_may_find();
}

static const char *create(void)
{
	unsigned int p;

	in = !in;
	for (p = 0; p < N; p++)
		*(uint32_t *)page(p) = tag[p] = ++tags;
	flags = (const uint32_t[]){ 0, 0, KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY }[any(4)];
	place = any(2);
	may_find();
	set(SLOT, places[place], HUGE, mem[in], flags);
	return "the memslot was created";
}

static const char *delete(void)
{
	int was = place;

	place = -1;
	may_find();
	set(SLOT, places[was], 0, NULL, 0);
	return "the memslot was deleted";
}

static const char *move(void)
{
	place = !place;
	may_find();
	set(SLOT, places[place], HUGE, mem[in], flags);
	return "the memslot was moved";
}

static const char *switch_log(void)
{
	flags ^= KVM_MEM_LOG_DIRTY_PAGES;
	set(SLOT, places[place], HUGE, mem[in], flags);
	return "the dirty log was switched";
}

static const char *switch_tables_log(void)
{
	tables_log = !tables_log;
	vm_slot(&l2_vm, 0, 0, HUGE, l2_vm.low, tables_log);
	vm_slot(&l2_vm, OWN_SLOT, OWN(0), L2_CPUS * HUGE, l2_own(0), tables_log);
	return "the dirty log of the nested tables was switched";
}

/* One page or all of them; then they are filled again. */
static const char *give_back(void)
{
	unsigned int p, one = any(2 * N);

	for (p = 0; p < N; p++)
		tag[p] = one >= N || one == p ? 0 : tag[p];
	may_find();
	if (madvise(one < N ? page(one) : mem[in], one < N ? PAGE : HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	l2_finds("memory was given back");
	if (any(2))
		l2_settle();
	for (p = 0; p < N; p++)
		tag[p] = tag[p] ? tag[p] : ++tags;
	may_find();
	for (p = 0; p < N; p++)
		*(volatile uint32_t *)page(p) = tag[p];
	return "memory was given back and filled";
}

/* What L1 does not give to L2. */
static const char *change_other(void)
{
	int was = other_place;

	other_place = any(3) - 1;
	if (other_place >= 0)
		set(OTHER_SLOT, OTHER_GPA + other_place * HUGE, HUGE, other, 0);
	else if (was >= 0)
		set(OTHER_SLOT, OTHER_GPA + was * HUGE, 0, NULL, 0);
	return "another memslot was changed";
}

static void sample(uint32_t words[2][N][CPUS])
{
	unsigned int m, p, k;

	for (m = 0; m < 2; m++)
		for (p = 0; p < N; p++)
			for (k = 0; k < CPUS; k++)
				words[m][p][k] = l2_word(mem[m] + pages[p] * PAGE, k);
}

/* L2's writes come to the memslot's memory, if they may, and to the log; and nowhere else. */
static void check(const char *when)
{
	bool written = place >= 0 && !(flags & KVM_MEM_READONLY);
	bool log = place >= 0 && (flags & KVM_MEM_LOG_DIRTY_PAGES);
	uint32_t before[2][N][CPUS], after[2][N][CPUS];
	unsigned int m, p, k, dirty;

	sample(before);
	if (log)
		vm_dirty(&l2_vm, SLOT, HUGE);
	l2_settle();
	sample(after);
	dirty = log ? vm_dirty(&l2_vm, SLOT, HUGE) : 0;
	if (dirty != (log && written ? N : 0))
		fail("%s: %u pages are dirty, of %u that L2 writes", when, dirty, written ? N : 0);
	for (m = 0; m < 2; m++)
		for (p = 0; p < N; p++)
			for (k = 0; k < CPUS; k++)
				if ((before[m][p][k] != after[m][p][k]) != (written && m == in))
					fail("%s, flags %u: page %u of what is%s in the memslot was%s written by L2 %u",
					     when, flags, pages[p], m == in && place >= 0 ? "" : " not",
					     before[m][p][k] == after[m][p][k] ? " not" : "", k);
}

static const struct {
	const char *(*does)(void);
	bool wants, with;		/* does it matter if the memslot is there? should it be? */
} operations[] = {
	{ create, true, false }, { create, true, false }, { create, true, false },
	{ delete, true, true }, { move, true, true }, { switch_log, true, true },
	{ give_back, true, true }, { switch_tables_log, false, false },
	{ change_other, false, false },
};

/* L1 k maps each place by a table, and behind that by a huge page. */
static void give_both_places(unsigned int k)
{
	uint8_t *own = l2_own(k);
	unsigned int i, p;

	for (i = 0; i < 2; i++) {
		unsigned int pt = NPT_PT + i * PAGE, pd = NPT_PD + (L2_DATA / HUGE + 2 * i) * 8;

		svm_put(own, pd, (OWN(k) + pt) | P_WRITE);
		svm_put(own, pd + 8, places[i] | P_HUGE);
		for (p = 0; p < HUGE / PAGE; p++)
			svm_put(own, pt + p * 8, (places[i] + p * PAGE) | P_WRITE);
	}
}

static void run(bool huge)
{
	unsigned int i, o, k;
	const char *when;

	place = other_place = -1;
	tables_log = false;
	mem[0] = memory(HUGE, huge);
	mem[1] = memory(HUGE, huge);
	other = memory(HUGE, huge);
	l2_make(CPUS, false, L2_ROUNDS, true, false, huge);
	for (k = 0; k < CPUS; k++)
		give_both_places(k);
	for (i = 0; i < 4 * N; i++)
		l2_cell(i, L2_DATA + i / N * HUGE + pages[i % N] * PAGE);
	may_find();
	l2_finds("no memslot");
	l2_start(4 * N);
	for (i = 0; i < OPERATIONS; i++) {
		do
			o = any(sizeof(operations) / sizeof(*operations));
		while (operations[o].wants && operations[o].with != (place >= 0));
		when = operations[o].does();
		l2_finds(when);
		if (any(2))
			check(when);
	}
	l2_stop();
	printf("%s pages: %u changes, %u rounds of L2, %u accesses emulated, %lld shadow pages zapped\n",
	       huge ? "huge" : "small", i, l2_rounds(), l2_emulated(), vm_stat(&l2_vm, "mmu_shadow_zapped"));
	l2_free();
	munmap(mem[0], HUGE);
	munmap(mem[1], HUGE);
	munmap(other, HUGE);
}

void nested_slots(void)
{
	run(false);
	run(true);
}
