// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/faults.c - mappings that a guest keeps, and faults that it is spared. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "facts.h"

#define PAGES	16		/* small ones */

/* A VM with small pages in window 1, the first PAGES of them mapped. */
static uint8_t *small_vm(struct vm *vm, bool log)
{
	uint8_t *hva = vm_make_slot(vm, log);
	int i;

	for (i = 0; i < PAGES; i++)
		vm_write(vm, HUGE + i * PAGE, 1);
	return hva;
}

static void *give_back(void *hva)
{
	/* Not all of what a table maps, or it would go as a whole. */
	if (madvise(hva, PAGES * PAGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	return NULL;
}

void unmap_yields(void)
{
	pthread_t thread;
	struct vm vm;
	void *hva = small_vm(&vm, false);
	int i;

	if (pthread_create(&thread, NULL, give_back, hva))
		fail("no thread");
	usleep(500000);
	vm_drop_root(&vm);
	pthread_join(thread, NULL);
	for (i = 0; i < PAGES; i++)
		if (vm_read(&vm, HUGE + i * PAGE))
			fail("page %d still holds what was given back", i);
	vm_free(&vm);
}

/* It writes to all of them again: how many faults did KVM fix under mmu_lock? */
static long long faults_again(struct vm *vm)
{
	long long before = vm_stat(vm, "pf_fixed");
	int i;

	for (i = 0; i < PAGES; i++)
		vm_write(vm, HUGE + i * PAGE, 2);
	return vm_stat(vm, "pf_fixed") - before;
}

void fast_faults(void)
{
	unsigned int dirty;
	long long faults;
	struct vm vm;

	small_vm(&vm, true);
	dirty = vm_dirty(&vm, 1, HUGE);
	if (dirty != PAGES)
		fail("%u pages are dirty, not %d", dirty, PAGES);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld of %d faults on write-protected pages took mmu_lock", faults, PAGES);
	dirty = vm_dirty(&vm, 1, HUGE);
	if (dirty != PAGES)
		fail("%u pages are dirty then, not %d", dirty, PAGES);
	vm_free(&vm);
}

void cr0_wp(void)
{
	long long faults;
	struct vm vm;

	small_vm(&vm, false);
	vm_set_cr0(&vm, CR0 | CR0_WP);
	vm_set_cr0(&vm, CR0);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld faults when CR0.WP had been set and cleared", faults);
	vm_free(&vm);
}

void roots_kept(void)
{
	long long faults;
	struct vm vm;

	small_vm(&vm, false);
	vm_drop_root(&vm);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld faults when the vCPU had given up its root", faults);
	vm_free(&vm);
}

static pthread_barrier_t both_ready;

static void *first_write(void *vm)
{
	pthread_barrier_wait(&both_ready);
	vm_write(vm, HUGE, 1);
	return NULL;
}

/* Page tables that there are when vCPUs have written to a page for the first time, at once. */
static long long tables_of(unsigned int vcpus)
{
	struct vm vm[2];
	pthread_t thread[2];
	unsigned int i;
	long long n;

	vm_make_slot(&vm[0], false);
	if (vcpus > 1)
		vm_more(&vm[1], &vm[0], 1);
	pthread_barrier_init(&both_ready, NULL, vcpus);
	for (i = 0; i < vcpus; i++)
		if (pthread_create(&thread[i], NULL, first_write, &vm[i]))
			fail("no thread");
	for (i = 0; i < vcpus; i++)
		pthread_join(thread[i], NULL);
	n = vm_stat(&vm[0], "tdp_mmu_pages");
	if (vcpus > 1)
		vm_less(&vm[1]);
	vm_free(&vm[0]);
	return n;
}

void one_root(void)
{
	long long alone, both;

	want_tdp_mmu();
	alone = tables_of(1);
	both = tables_of(2);
	printf("%lld page tables with one vCPU, %lld with two\n", alone, both);
	if (!alone || both != alone)
		fail("two vCPUs that begin at once have %lld page tables, one has %lld", both, alone);
}
