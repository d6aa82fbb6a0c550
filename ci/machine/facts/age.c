// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/age.c - what the host pays when it asks whether guests use a page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/trace.h"
#include "facts.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif
#define TRIES	20

/* Reclaim looks at the page, by clear_flush_young(), and lets the guest keep it. */
static bool asked(uint8_t *hva)
{
	static const char * const events[] = { "kvm/kvm_age_hva", NULL };

	trace_start(events);
	if (madvise(hva, PAGE, MADV_PAGEOUT))
		fail("MADV_PAGEOUT: %s", strerror(errno));
	return strstr(trace_stop(events), "kvm_age_hva:");
}

/* The guest reads where its code is: it takes a flush that it was asked for, and adds none. */
static long long flushes_of(struct vm *vm)
{
	vm_read(vm, 0);
	return vm_stat(vm, "tlb_flush");
}

void age_flush(void)
{
	struct vm vm;
	uint8_t *hva = vm_make_slot(&vm, false);
	long long before, faults;
	int i;

	vm_write(&vm, HUGE, 1);
	before = flushes_of(&vm);
	faults = vm_stat(&vm, "pf_fixed");
	/* The page may still be on its way to the list of those that reclaim looks at. */
	for (i = 0; !asked(hva); i++) {
		if (i == TRIES)
			fail("MADV_PAGEOUT: KVM was not asked for a page that the guest uses");
		usleep(10000);
	}
	if (flushes_of(&vm) != before)
		fail("%lld flushes of the TLBs for a page whose age was asked", flushes_of(&vm) - before);
	if (vm_read(&vm, HUGE) != 1)
		fail("the page has lost what the guest wrote");
	if (vm_stat(&vm, "pf_fixed") != faults)
		fail("the page was taken from the guest, though it was in use");
	vm_free(&vm);
}
