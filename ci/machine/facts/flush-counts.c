// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/flush-counts.c - how often the TLBs are flushed for many page tables.
 *
 * A vCPU runs on, and writes to a page of each of some page tables, while the host does
 * something to all of them. Another one touches no memory but what it has, so that it does
 * not wait for mmu_lock. Each flush takes vCPUs out of the guest, and the VM counts it
 * (remote_tlb_flush), if one was there. One is owed for each hold of the lock at most, or
 * none: of all that may be few, while one for each page table is many. What is in between
 * is left to chance, as a vCPU may be out for another reason, and the lock be given up.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "facts.h"

#define TABLES		32UL		/* of small pages, HUGE each */
#define LARGE		16UL		/* huge pages that logging splits */
#define MANY		2		/* this part of them is too often */
#define CODE		0x6000
#define SPIN_CODE	0x6080
#define STOP		0x6100		/* the guest ends when this is not 0 */
#define OTHER_GPA	(4 * GIB)
#define PATIENCE	1200		/* times 50 ms */

/*
 * 1: mov %rdi,%rax
 * 2: incq (%rax); add $HUGE,%rax; cmp %rsi,%rax; jb 2b
 *    cmpb $0,STOP; je 1b; out %al,$VM_PORT
 */
static const uint8_t code[] = {
	0x48, 0x89, 0xf8,
	0x48, 0xff, 0x00, 0x48, 0x05, 0, 0, 0x20, 0, 0x48, 0x39, 0xf0, 0x72, 0xf2,
	0x80, 0x3c, 0x25, STOP & 0xff, STOP >> 8, 0, 0, 0, 0x74, 0xe5, 0xe6, VM_PORT,
};

/* 1: cmpb $0,STOP; je 1b; out %al,$VM_PORT */
static const uint8_t spin_code[] = {
	0x80, 0x3c, 0x25, STOP & 0xff, STOP >> 8, 0, 0, 0, 0x74, 0xf6, 0xe6, VM_PORT,
};

static struct vm vm, other_vcpu;
static uint64_t end_gva;
static pthread_t threads[2];

static void *run(void *unused)
{
	vm_step(&vm, CODE, HUGE, end_gva);
	return unused;
}

static void *spin(void *unused)
{
	vm_step(&other_vcpu, SPIN_CODE, 0, 0);
	return unused;
}

/* The guest writes to all pages that it has, once at least. */
static void wait_round(const uint8_t *hva, unsigned long tables)
{
	const volatile uint64_t *last = (const volatile uint64_t *)(hva + (tables - 1) * HUGE);
	uint64_t until = *last + 2;
	int i;

	for (i = 0; i < PATIENCE && *last < until; i++)
		usleep(50000);
	if (*last < until)
		fail("the guest stands still at %llu", (unsigned long long)*last);
}

static void begin(uint8_t *hva, unsigned long tables)
{
	unsigned long i;

	vm_make(&vm);
	vm_more(&other_vcpu, &vm, 1);
	vm_slot(&vm, 1, GIB, tables * HUGE, hva, false);
	for (i = 0; i < tables; i++)
		vm_window(&vm, 1 + i, GIB + i * HUGE);
	end_gva = (1 + tables) * HUGE;
	memcpy(vm.low + CODE, code, sizeof(code));
	memcpy(vm.low + SPIN_CODE, spin_code, sizeof(spin_code));
	vm.low[STOP] = 0;
	if (pthread_create(&threads[0], NULL, run, NULL) ||
	    pthread_create(&threads[1], NULL, spin, NULL))
		fail("no thread");
	wait_round(hva, tables);
}

static void end(uint8_t *hva, unsigned long tables)
{
	*(volatile uint8_t *)(vm.low + STOP) = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	vm_less(&other_vcpu);
	vm_free(&vm);
	munmap(hva, tables * HUGE);
}

static void few(const char *what, long long before, unsigned long tables)
{
	long long n = vm_stat(&vm, "remote_tlb_flush") - before;

	printf("%s, %lu page tables: %lld flushes\n", what, tables, n);
	if (n > (long long)tables / MANY)
		fail("%s: %lld flushes of the TLBs for %lu page tables", what, n, tables);
}

void flush_deletion(void)
{
	uint8_t *hva = memory(TABLES * HUGE, false), *other = memory(HUGE, false);
	long long before;

	begin(hva, TABLES);
	vm_slot(&vm, 2, OTHER_GPA, HUGE, other, false);
	wait_round(hva, TABLES);
	before = vm_stat(&vm, "remote_tlb_flush");
	vm_slot(&vm, 2, OTHER_GPA, 0, NULL, false);
	few("deletion of another memslot", before, TABLES);
	wait_round(hva, TABLES);
	end(hva, TABLES);
	munmap(other, HUGE);
}

void flush_give_back(void)
{
	uint8_t *hva = memory(TABLES * HUGE, false);
	long long before;

	begin(hva, TABLES);
	before = vm_stat(&vm, "remote_tlb_flush");
	if (madvise(hva, TABLES * HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	few("all memory given back", before, TABLES);
	wait_round(hva, TABLES);
	end(hva, TABLES);
}

void flush_log_end(void)
{
	uint8_t *hva = memory(LARGE * HUGE, true);
	long long before;

	begin(hva, LARGE);
	vm_slot(&vm, 1, GIB, LARGE * HUGE, hva, true);
	wait_round(hva, LARGE);
	before = vm_stat(&vm, "remote_tlb_flush");
	vm_slot(&vm, 1, GIB, LARGE * HUGE, hva, false);
	few("end of logging, which had split huge pages", before, LARGE);
	wait_round(hva, LARGE);
	end(hva, LARGE);
}

void flush_counts(void)
{
	flush_deletion();
	flush_give_back();
	flush_log_end();
}
