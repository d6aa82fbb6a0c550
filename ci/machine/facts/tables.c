// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/tables.c - what is counted and traced of page tables, and what is left. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/trace.h"
#include "facts.h"

#define VMS	16		/* one after the other */
#define N	8U		/* huge pages */
#define SPLIT	3U		/* of them */

/* A VM with N huge pages from 1 GiB on, in windows 1 to N, all of them mapped. */
static uint8_t *huge_vm(struct vm *vm)
{
	uint8_t *hva;
	unsigned int i;

	vm_make(vm);
	hva = memory(N * HUGE, true);
	if (huge_bytes() < N * HUGE)
		skip("%zu bytes in huge pages, not %lu", huge_bytes(), N * HUGE);
	vm_slot(vm, 1, GIB, N * HUGE, hva, false);
	for (i = 0; i < N; i++) {
		vm_window(vm, 1 + i, GIB + i * HUGE);
		vm_write(vm, (1 + i) * HUGE + i * PAGE, i);
	}
	return hva;
}

static void expect_large(const struct vm *vm, long long want, const char *when)
{
	long long got = vm_stat(vm, "largepages");

	if (got != want)
		fail("largepages is %lld %s, not %lld", got, when, want);
}

void large_pages(void)
{
	struct vm vm;
	uint8_t *hva = huge_vm(&vm);
	unsigned int i;

	expect_large(&vm, N, "when all are mapped");
	vm_slot(&vm, 1, GIB, N * HUGE, hva, true);
	for (i = 0; i < SPLIT; i++)
		vm_write(&vm, (1 + i) * HUGE, 1);
	expect_large(&vm, N - SPLIT, "when some are split");
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	expect_large(&vm, 0, "when the memslot is deleted");
	vm_free(&vm);
}

void want_tdp_mmu(void)
{
	if (!parameter_on("kvm", "tdp_mmu"))
		skip("kvm.tdp_mmu is off");
}

static const char * const zap_events[] = { "kvmmmu/kvm_mmu_prepare_zap_page", NULL };

void table_levels(void)
{
	unsigned int level, seen[8] = { 0 }, i, top = host_la57() ? 4 : 3;
	struct vm vm;
	char *p;

	want_tdp_mmu();
	vm_make_slot(&vm, false);
	vm_write(&vm, HUGE, 1);
	trace_start(zap_events);
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	for (p = trace_stop(zap_events); (p = strstr(p, "kvm_mmu_prepare_zap_page: ")); p++)
		if (sscanf(p, "kvm_mmu_prepare_zap_page: sp gen %*u gfn %*x l%u", &level) == 1)
			seen[level & 7]++;
	for (i = 0; i < 8; i++)
		if (!seen[i] != (i < 1 || i > top))
			fail("%u tables of level %u; levels 1, 2, 3, 4 are %u, %u, %u, %u", seen[i], i,
			     seen[1], seen[2], seen[3], seen[4]);
	vm_free(&vm);
}

static const char * const spte_events[] = { "kvmmmu/kvm_tdp_mmu_spte_changed", NULL };
#define EVENT "kvm_tdp_mmu_spte_changed:"

void removed_gfns(void)
{
	static const unsigned int pages[] = { 5, 7, 100, 511 };
	unsigned int seen[HUGE / PAGE] = { 0 }, level, i;
	unsigned long long gfn, old, new;
	struct vm vm;
	char *p;

	want_tdp_mmu();
	vm_make_slot(&vm, false);
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		vm_write(&vm, HUGE + pages[i] * PAGE, 1);
	trace_start(spte_events);
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	for (p = trace_stop(spte_events); (p = strstr(p, EVENT)); p++) {
		if (sscanf(p, EVENT " as id %*d gfn %llx level %u old_spte %llx new_spte %llx",
			   &gfn, &level, &old, &new) != 4)
			fail("no such event is known: %.120s", p);
		if (level != 1 || !(old & 1) || (new & 1) || gfn < HUGE / PAGE)
			continue;
		gfn -= GIB / PAGE;
		if (gfn >= HUGE / PAGE)
			fail("gfn %#llx was removed, which was not mapped", gfn + GIB / PAGE);
		seen[gfn]++;
	}
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (seen[pages[i]] != 1)
			fail("page %u was removed %u times", pages[i], seen[pages[i]]);
	vm_free(&vm);
}

#define HEADERS "kvm_mmu_page_header"	/* the slab cache, one for each page table */

void tables_freed(void)
{
	long long before = slab_objects(HEADERS), after = -1;
	struct vm vm;
	int i;

	if (before < 0)
		skip(SLABS "/" HEADERS ": no such slab");
	for (i = 0; i < VMS; i++) {
		vm_make(&vm);
		vm_read(&vm, 0);
		vm_free(&vm);
	}
	/* They are freed by RCU. */
	for (i = 0; i < 100; i++) {
		after = slab_objects(HEADERS);
		if (after <= before)
			break;
		usleep(100000);
	}
	printf("%u bits, %lld page tables before, %lld after\n", address_bits(), before, after);
	if (after > before)
		fail("%lld page tables of %d VMs were not freed", after - before, VMS);
}

void tables_counted(void)
{
	long long before, after, left;
	unsigned int i;
	uint8_t *hva;
	struct vm vm;

	want_tdp_mmu();
	vm_make(&vm);
	hva = memory(N * HUGE, false);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	for (i = 0; i < N; i++)
		vm_window(&vm, 1 + i, GIB + i * HUGE);
	vm_read(&vm, 0);
	before = vm_stat(&vm, "tdp_mmu_pages");
	for (i = 0; i < N; i++)
		vm_write(&vm, HUGE + i * HUGE, 1);
	after = vm_stat(&vm, "tdp_mmu_pages");
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	left = vm_stat(&vm, "tdp_mmu_pages");
	printf("%lld page tables, %lld with %u more windows, %lld when the memslot had gone\n",
	       before, after, N, left);
	/* One table of 4K SPTEs for each window, and one above all of them. */
	if (after != before + N + 1)
		fail("%u tables are new, and %lld are counted", N + 1, after - before);
	if (left)
		fail("%lld tables are left, and nobody has touched anything since", left);
	vm_free(&vm);
}

static void *delete_slot_2(void *vm)
{
	vm_slot(vm, 2, 2 * GIB, 0, NULL, false);
	return NULL;
}

void unmap_invalid(void)
{
	pthread_t thread;
	uint8_t *hva, *other;
	struct vm vm;

	hva = huge_vm(&vm);
	other = memory(HUGE, false);
	vm_slot(&vm, 2, 2 * GIB, HUGE, other, false);
	expect_large(&vm, N, "when all are mapped");
	if (pthread_create(&thread, NULL, delete_slot_2, &vm))
		fail("no thread");
	sleep(1);
	expect_large(&vm, N, "while the memslot is being deleted");
	if (madvise(hva, N * HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	expect_large(&vm, 0, "when the memory was given back");
	pthread_join(thread, NULL);
	vm_free(&vm);
}

void fault_invalid(void)
{
	unsigned long long gfn, old, new;
	unsigned int level, mapped = 0;
	pthread_t thread;
	struct vm vm;
	char *p;

	vm_make(&vm);
	vm_slot(&vm, 1, 3 * GIB, HUGE, memory(HUGE, false), false);
	vm_slot(&vm, 2, 2 * GIB, HUGE, memory(HUGE, false), false);
	vm_window(&vm, 1, 2 * GIB);
	vm_window(&vm, 2, 3 * GIB);
	vm_write(&vm, HUGE, 1);
	trace_start(spte_events);
	if (pthread_create(&thread, NULL, delete_slot_2, &vm))
		fail("no thread");
	usleep(1500000);
	vm_write(&vm, 2 * HUGE, 1);
	pthread_join(thread, NULL);
	for (p = trace_stop(spte_events); (p = strstr(p, EVENT)); p++)
		if (sscanf(p, EVENT " as id %*d gfn %llx level %u old_spte %llx new_spte %llx",
			   &gfn, &level, &old, &new) == 4 &&
		    gfn == 3 * GIB / PAGE && level == 1 && (new & 1))
			mapped++;
	if (mapped != 1)
		fail("the page was mapped %u times", mapped);
	vm_free(&vm);
}
