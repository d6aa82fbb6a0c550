// SPDX-License-Identifier: GPL-2.0
/*
 * ci/guest/facts/nx.c - recovery of NX huge pages beside the dirty log: what it cannot make
 * whole, as there are small pages only while a memslot is logged, stays mapped. The kernel
 * under test has its worker come each second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/files.h"
#include "facts.h"

#define PARAM	"/sys/module/kvm/parameters/nx_huge_pages"
#define N	8U		/* huge pages that the guest executes from */
#define TRIES	100		/* times 100 ms: the worker comes */

static long long splits(const struct vm *vm)
{
	return vm_stat(vm, "nx_largepages_splitted");
}

/* The guest executes an instruction, OUT, in each of the huge pages. Returns its faults. */
static long long execute(struct vm *vm)
{
	long long before = vm_stat(vm, "pf_fixed");
	unsigned int i;

	for (i = 0; i < N; i++)
		vm_step(vm, (1 + i) * HUGE, 0, 0);
	return vm_stat(vm, "pf_fixed") - before;
}

void nx_logged(void)
{
	static const uint8_t code[] = { 0xe6, VM_PORT };
	long long n, faults;
	unsigned int i;
	uint8_t *hva;
	struct vm vm;

	if (!write_text(PARAM, "force") || !write_text(PARAM "_recovery_ratio", "1"))
		skip("%s: %s", PARAM, strerror(errno));
	vm_make(&vm);
	hva = memory(N * HUGE, true);
	if (huge_bytes() < N * HUGE)
		skip("%zu bytes in huge pages, not %lu", huge_bytes(), N * HUGE);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	for (i = 0; i < N; i++) {
		memcpy(hva + i * HUGE, code, sizeof(code));
		vm_window(&vm, 1 + i, GIB + i * HUGE);
	}
	execute(&vm);
	n = splits(&vm);
	if (n < N)
		fail("%lld of %u huge pages are split, as the guest executes from them", n, N);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, true);
	execute(&vm);
	for (i = 0; i < TRIES && splits(&vm); i++)
		usleep(100000);
	n = splits(&vm);
	if (n)
		fail("%lld huge pages wait for recovery yet", n);
	faults = execute(&vm);
	if (faults)
		fail("%lld faults: what is logged was taken from the guest", faults);
	vm_free(&vm);
}
