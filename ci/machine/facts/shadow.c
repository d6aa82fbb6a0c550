// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/shadow.c - a guest's page table that the host writes by way of its own
 * mapping, as a device would: KVM's shadow of it does not know. Only without nested
 * paging does KVM have one; with it the facts are true and say little.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
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

#define SMI_CODE	0x38000		/* where an SMI begins: SMBASE + 0x8000 */
#define MARK		0xf000
#define MARKED		0x12345678U
#define DATA		0x100000
#define DATA_TAG	0x5a5a5a5aUL

/*
 * In SMM, in real mode: set the mark, write twice to an entry of the page directory that
 * nobody uses, which KVM shadows for the time outside of SMM, and return.
 *	movl $MARKED,MARK; movl %eax,VM_PD + 0xff0; movl %eax,VM_PD + 0xff0; rsm
 */
static const uint8_t smi_code[] = {
	0x66, 0xc7, 0x06, MARK & 0xff, MARK >> 8, 0x78, 0x56, 0x34, 0x12,
	0x66, 0xa3, 0xf0, (VM_PD >> 8) + 0xf, 0x66, 0xa3, 0xf0, (VM_PD >> 8) + 0xf,
	0x0f, 0xaa,
};

void smm_tracking(void)
{
	struct vm vm;

	vm_make(&vm);
	memcpy(vm.low + SMI_CODE, smi_code, sizeof(smi_code));
	/* The same memory in the address space of SMM. */
	vm_slot(&vm, 1 << 16, 0, HUGE, vm.low, false);
	*(uint64_t *)(vm.low + DATA) = DATA_TAG;
	if (vm_read(&vm, DATA) != DATA_TAG)
		fail("the guest does not find its memory");
	if (ioctl(vm.vcpu, KVM_SMI, NULL))
		skip("KVM_SMI: %s", strerror(errno));
	if (vm_read(&vm, DATA) != DATA_TAG)
		fail("the guest does not find its memory after SMM");
	if (*(uint32_t *)(vm.low + MARK) != MARKED)
		fail("the vCPU was not in SMM");
	/* What the page directory says now is what counts. */
	vm_window(&vm, 1, 0);
	if (vm_read(&vm, HUGE + DATA) != DATA_TAG)
		fail("the guest does not find its memory in another window");
	vm_free(&vm);
}
