// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nx.c - the mitigation that splits huge pages which a guest executes from.
 * - Recovery beside the dirty log: what it cannot make whole, as there are small pages only
 *   while a memslot is logged, stays mapped. The kernel under test has its worker come
 *   each second.
 * - A page table that is there for another reason is no reason for small pages: where the
 *   host has a huge page now, the guest gets one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/files.h"
#include "facts.h"

#define PARAM	"/sys/module/kvm/parameters/nx_huge_pages"
#define N	8U		/* huge pages that the guest executes from */
#define TRIES	100		/* times 100 ms: the worker comes */

/* As it was: other tests follow. */
static void give_back(void)
{
	write_text(PARAM, "off");
}

void nx_force(void)
{
	char now[8];

	if (!read_text(PARAM, now, sizeof(now)))
		skip("%s: %s", PARAM, strerror(errno));
	if (now[0] == 'N')
		atexit(give_back);
	if (!write_text(PARAM, "force"))
		skip("%s: %s", PARAM, strerror(errno));
}

long long nx_splits(const struct vm *vm)
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

	nx_force();
	if (!write_text(PARAM "_recovery_ratio", "1"))
		skip("%s_recovery_ratio: %s", PARAM, strerror(errno));
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
	n = nx_splits(&vm);
	if (n < N)
		fail("%lld of %u huge pages are split, as the guest executes from them", n, N);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, true);
	execute(&vm);
	for (i = 0; i < TRIES && nx_splits(&vm); i++)
		usleep(100000);
	n = nx_splits(&vm);
	if (n)
		fail("%lld huge pages wait for recovery yet", n);
	faults = execute(&vm);
	if (faults)
		fail("%lld faults: what is logged was taken from the guest", faults);
	vm_free(&vm);
}

void nx_whole(void)
{
	uint8_t *hva;
	struct vm vm;
	long long n;
	size_t i;

	nx_force();
	vm_make(&vm);
	hva = memory(HUGE, false);
	/* Two VMAs: where one is split, the host tells KVM of all the 2 MiB. */
	if (madvise(hva, HUGE / 2, MADV_DONTFORK))
		fail("madvise: %s", strerror(errno));
	vm_slot(&vm, 1, GIB, HUGE, hva, false);
	vm_window(&vm, 1, GIB);
	for (i = 0; i < HUGE; i += 64 * PAGE)
		vm_write(&vm, HUGE + i, i);
	n = vm_stat(&vm, "largepages");
	if (n)
		fail("%lld huge pages of small ones", n);
	/*
	 * The host's memory becomes a huge page. KVM's table is left, empty, as nobody
	 * takes all that it maps at once; the host's own table is not.
	 */
	if (munmap(hva, HUGE / 2) || munmap(hva + HUGE / 2, HUGE / 2))
		fail("munmap: %s", strerror(errno));
	if (mmap(hva, HUGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != hva ||
	    madvise(hva, HUGE, MADV_HUGEPAGE))
		fail("mmap: %s", strerror(errno));
	memset(hva, 1, HUGE);
	if (huge_bytes() < HUGE)
		skip("%zu bytes in huge pages, not %lu", huge_bytes(), HUGE);
	vm_write(&vm, HUGE, 7);
	n = vm_stat(&vm, "largepages");
	if (n != 1)
		fail("largepages is %lld, not 1, after a write to a huge page that nobody executes from", n);
	if (nx_splits(&vm))
		fail("%lld huge pages are split for the mitigation, none was executed from", nx_splits(&vm));
	vm_free(&vm);
}
