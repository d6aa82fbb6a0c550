// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/slot-zap.c - what a memslot takes along when it is deleted or moved: all
 * mappings of the VM, or, without KVM_X86_QUIRK_SLOT_ZAP_ALL and in a kernel that knows it,
 * its own. No capability tells which kernel does: what the first deletion did has to be what
 * all others do.
 *
 * Memslots 1, 2 and 3 lie behind each other in memory of one piece, and 2 is the one that
 * goes: whole huge pages, or with an end inside of one that 1 or 3 has the rest of. The
 * guest finds that nothing is there, then what another memslot has there, and in 1 and 3
 * what it wrote. Two address spaces: smm-space.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

#include "facts.h"

#define N		5U		/* huge pages */
#define SMALL_PAGES	(HUGE / PAGE)	/* of one */
#define PAGES		(N * SMALL_PAGES)
#define ELSEWHERE	(8 * HUGE)	/* how far slot 2 is moved */

/* Slot 2: its first page, and the one behind its last. */
static const struct shape {
	const char *name;
	unsigned int from, to;
} shapes[] = {
	{ "whole huge pages", 2 * SMALL_PAGES, 4 * SMALL_PAGES },
	{ "ends inside huge pages", SMALL_PAGES + 5, 4 * SMALL_PAGES - 70 },
	{ "inside one huge page", 2 * SMALL_PAGES + 12, 2 * SMALL_PAGES + 42 },
};

static struct {
	struct vm vm;
	const struct shape *shape;
	enum backing kind;
	const char *when;
	uint8_t *mem, *other;		/* what slot 2 has is one or the other */
	enum { UNKNOWN, OWN, ALL } zaps;
} t;

#define wrong(fmt, ...) \
	fail("%s, slot 2: %s, %s: " fmt, backing_names[t.kind], t.shape->name, t.when, \
	     ##__VA_ARGS__)

static uint64_t tag(const uint8_t *mem, unsigned int page)
{
	return (mem == t.other ? 0x200000 : 0x100000) + page;
}

/* Pages that are looked at: at the ends of slots and huge pages, and some in between. */
static bool looked_at(unsigned int page)
{
	return page - t.shape->from + 2 < 4 || page - t.shape->to + 2 < 4 ||
	       (page + 1) % SMALL_PAGES < 2 || page % 61 == 0;
}

static bool in_slot_2(unsigned int page)
{
	return page >= t.shape->from && page < t.shape->to;
}

static void expect(unsigned int page, uint64_t gva, uint64_t want)
{
	uint64_t got = vm_read(&t.vm, gva);

	if (got != want)
		wrong("page %u holds %#llx, not %#llx", page, (unsigned long long)got,
		      (unsigned long long)want);
}

/* Slot 2 has memory, or none if that is NULL, and lies as far behind its place. */
static void look_at_slot_2(const uint8_t *mem, uint64_t behind)
{
	unsigned int i;

	for (i = t.shape->from; i < t.shape->to; i++) {
		if (!looked_at(i))
			continue;
		expect(i, HUGE + i * PAGE + behind, mem ? tag(mem, i) : VM_NOWHERE);
		if (mem)
			vm_write(&t.vm, HUGE + i * PAGE + behind, tag(mem, i));
	}
}

/* The guest reads and writes what slots 1 and 3 have. Returns the faults. */
static long long look_at_rest(void)
{
	long long before = vm_stat(&t.vm, "pf_fixed");
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (!looked_at(i) || in_slot_2(i))
			continue;
		expect(i, HUGE + i * PAGE, tag(t.mem, i));
		vm_write(&t.vm, HUGE + i * PAGE, tag(t.mem, i));
	}
	return vm_stat(&t.vm, "pf_fixed") - before;
}

static void set_slot_2(uint8_t *mem, uint64_t behind)
{
	const uint64_t size = (t.shape->to - t.shape->from) * PAGE;

	vm_slot(&t.vm, 2, GIB + t.shape->from * PAGE + behind, mem ? size : 0,
		mem ? mem + t.shape->from * PAGE : NULL, false);
}

/* Slot 2 has gone from its place. */
static void gone(const char *when, bool quirk)
{
	long long faults;

	t.when = when;
	faults = look_at_rest();
	if (quirk && !faults)
		wrong("other memslots have kept their mappings, with the quirk");
	if (!quirk && t.zaps == UNKNOWN && !needed)
		t.zaps = faults ? ALL : OWN;
	if (!quirk && t.zaps != ALL && faults)
		wrong("%lld faults in other memslots", faults);
	if (!quirk && t.zaps == ALL && !faults)
		wrong("no faults in other memslots, as there were before");
	look_at_slot_2(NULL, 0);
}

static void come(const char *when, uint8_t *mem, uint64_t behind)
{
	set_slot_2(mem, behind);
	t.when = when;
	look_at_slot_2(mem, behind);
	/* A memslot that comes, or is there, takes nothing from others. */
	if (look_at_rest())
		wrong("faults in other memslots");
}

static void fill(uint8_t *mem)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		*(volatile uint64_t *)(mem + i * PAGE) = tag(mem, i);
}

static void begin(void)
{
	const unsigned int from = t.shape->from, to = t.shape->to;
	unsigned int i;

	t.mem = backed(N * HUGE, t.kind);
	t.other = backed(N * HUGE, t.kind == SMALL ? SMALL : THP);
	fill(t.mem);
	fill(t.other);
	vm_make(&t.vm);
	for (i = 0; i < N; i++) {
		vm_window(&t.vm, 1 + i, GIB + i * HUGE);
		vm_window(&t.vm, 1 + i + ELSEWHERE / HUGE, GIB + i * HUGE + ELSEWHERE);
	}
	vm_slot(&t.vm, 1, GIB, from * PAGE, t.mem, false);
	vm_slot(&t.vm, 3, GIB + to * PAGE, (PAGES - to) * PAGE, t.mem + to * PAGE, false);
}

static void try(bool quirk)
{
	begin();
	kvm_disable_quirks(t.vm.fd, quirk ? 0 : QUIRK_SLOT_ZAP_ALL);
	t.when = "at first";
	set_slot_2(t.mem, 0);
	look_at_slot_2(t.mem, 0);
	look_at_rest();
	if (t.kind != SMALL && !vm_stat(&t.vm, "largepages"))
		wrong("no huge pages are mapped");
	set_slot_2(NULL, 0);
	gone("deleted", quirk);
	come("with other memory", t.other, 0);
	set_slot_2(t.other, ELSEWHERE);
	gone("moved", quirk);
	come("at its new place", t.other, ELSEWHERE);
	set_slot_2(NULL, ELSEWHERE);
	gone("deleted there", quirk);
	t.when = "where it was moved to";
	look_at_slot_2(NULL, ELSEWHERE);
	come("with its memory again", t.mem, 0);
	vm_free(&t.vm);
	munmap(t.mem, N * HUGE);
	munmap(t.other, N * HUGE);
}

void slot_zap_quirk(void)
{
	unsigned int i;

	for (t.kind = SMALL; t.kind < BACKINGS; t.kind++)
		for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
			t.shape = &shapes[i];
			try(true);
			try(false);
		}
	printf("without the quirk a memslot takes %s mappings along\n", t.zaps == ALL ? "all" : "its own");
}
