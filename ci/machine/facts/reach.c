// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/reach.c - addresses that a host, a root, a guest reach, and those beyond. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"

unsigned int address_bits(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
}

void beyond_host(void)
{
	uint64_t limit = 1ULL << address_bits();
	uint8_t *hva;
	struct vm vm;
	int e;

	vm_make(&vm);
	hva = memory(HUGE, false);
	vm_slot(&vm, 1, limit - HUGE, HUGE, hva, false);
	vm_slot(&vm, 1, limit - HUGE, 0, NULL, false);
	e = vm_try_slot(&vm, 1, limit, HUGE, hva, false);
	if (e != EINVAL)
		fail("a memslot at bit %u: %s", address_bits(), e ? strerror(e) : "accepted");
	vm_free(&vm);
}

void beyond_root(void)
{
	uint64_t *near, *far, got;
	struct vm vm;

	if (address_bits() < 49)
		skip("%u address bits", address_bits());
	vm_make(&vm);
	near = memory(HUGE, false);
	far = memory(HUGE, false);
	*near = 1;
	*far = 2;
	vm_slot(&vm, 1, GIB, HUGE, near, false);
	vm_slot(&vm, 2, GIB | 1ULL << 48, HUGE, far, false);
	vm_window(&vm, 1, GIB | 1ULL << 48);
	vm_window(&vm, 2, GIB);
	got = vm_read(&vm, HUGE);
	if (got != *far)
		fail("the far memory reads %llu", (unsigned long long)got);
	got = vm_read(&vm, 2 * HUGE);
	if (got != *near)
		fail("the near memory reads %llu, what the far memory holds", (unsigned long long)got);
	vm_free(&vm);
}

void five_levels(void)
{
	uint64_t *hva = memory(HUGE, false), got;
	struct vm vm;

	vm_make(&vm);
	vm_slot(&vm, 1, GIB, HUGE, hva, false);
	vm_window(&vm, 1, GIB);
	if (!vm_five_levels(&vm))
		skip("this host has no page tables of five levels");
	vm_write(&vm, BIT_48 + HUGE, 1);
	if (*hva != 1)
		fail("what the guest wrote is not there: %llu", (unsigned long long)*hva);
	*hva = 2;
	got = vm_read(&vm, HUGE);
	if (got != 2)
		fail("the guest reads %llu", (unsigned long long)got);
	vm_free(&vm);
}
