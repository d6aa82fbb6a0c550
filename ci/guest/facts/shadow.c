// SPDX-License-Identifier: GPL-2.0
/*
 * ci/guest/facts/shadow.c - a guest's page table that the host writes by way of its own
 * mapping, as a device would: KVM's shadow of it does not know. Only without nested
 * paging does KVM have one; with it the facts are true and say little.
 */
#include <string.h>
#include <sys/mman.h>

#include "facts.h"

#define A	GIB			/* slot 1, seen in window 1 first */
#define B	(GIB + HUGE)		/* slot 2 */
#define I	100UL			/* a page that no prefetch for page 0 reaches */
#define J	7UL			/* one of B */
#define TAG_A	0x0a0a0000UL
#define TAG_B	0x0b0b0000UL

struct two {
	struct vm vm;
	uint8_t *a, *b;
};

static uint8_t *tagged(uint64_t tag)
{
	uint8_t *p = memory(HUGE, false);
	size_t i;

	for (i = 0; i < HUGE / PAGE; i++)
		*(uint64_t *)(p + i * PAGE) = tag + i;
	return p;
}

static void expect(struct two *t, uint64_t i, uint64_t want, const char *when)
{
	uint64_t got = vm_read(&t->vm, HUGE + i * PAGE);

	if (got != want)
		fail("page %llu holds %#llx %s, not %#llx", (unsigned long long)i,
		     (unsigned long long)got, when, (unsigned long long)want);
}

/* KVM has a shadow page for the 2 MiB of A in window 1. */
static void begin(struct two *t)
{
	t->a = tagged(TAG_A);
	t->b = tagged(TAG_B);
	vm_make(&t->vm);
	vm_slot(&t->vm, 1, A, HUGE, t->a, false);
	vm_slot(&t->vm, 2, B, HUGE, t->b, false);
	vm_window(&t->vm, 1, A);
	expect(t, 0, TAG_A, "at first");
}

/* Page I of the window shows page j of B. Does all of it go again? */
static void end(struct two *t, uint64_t j)
{
	expect(t, I, TAG_B + j, "when the table was changed");
	if (madvise(t->b + j * PAGE, PAGE, MADV_DONTNEED))
		fail("madvise failed");
	expect(t, I, 0, "when the host gave it back");
	/* Reverse maps are searched for what the shadow pages have. */
	vm_slot(&t->vm, 2, B, 0, NULL, false);
	vm_slot(&t->vm, 1, A, 0, NULL, false);
	vm_free(&t->vm);
	munmap(t->a, HUGE);
	munmap(t->b, HUGE);
}

void shadow_gfn(void)
{
	struct two t;

	begin(&t);
	vm_window(&t.vm, 1, B);
	end(&t, I);
}

/* A itself becomes the page table: same gfn, another kind of shadow page. */
void shadow_role(void)
{
	struct two t;

	begin(&t);
	memset(t.a, 0, PAGE);
	((uint64_t *)t.a)[I] = (B + J * PAGE) | 3;	/* present, writable */
	vm_table(&t.vm, 1, A);
	end(&t, J);
}
