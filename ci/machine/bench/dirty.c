// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/dirty.c - a VM's life with dirty logging, step by step: faults on memory
 * that the host has touched, enable, pass after pass of writes, what they left in the log
 * got and cleared, disable, one more pass, the memslot's end, faults, the VM's end.
 *
 * Steps, each a call of the host's (the log of the whole slot but for clear-64) or a pass
 * of the vCPUs that writes once to each page, each to its part of the memory:
 *	fault, enable, pass-1, pass-2, pass-3, disable, pass-after, delete, fault-again, end
 *	get-initial, clear-initial   all pages are in the log, nobody has written
 *	get, clear      all pages are dirty; with dirty-get, get clears them
 *	clear-64        so, in one call for each 64 pages
 *	get-16, clear-16, get-512, clear-512   1 page of 16 or of 512 is dirty
 *	pass-16         the vCPUs write to 1 page of 16
 *	per-fault       instructions of a write to a page that was cleared, 1 vCPU
 *
 * log-end: logging that has split all huge pages ends (read-disable); read-large are the huge
 * pages that are there then, read-pass is a read of each page, read-faults what had to be
 * mapped for it. write-* are the same, the pass of writes.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>

#include "bench.h"

static uint64_t bits[GIB / PAGE / 64];

static void get(struct vm *vm, const char *step)
{
	uint64_t before;

	/* What it has to fault in of this is no matter. */
	memset(bits, 0, vm->size / PAGE / 8);
	before = now();
	kvm_get_log(vm->fd, SLOT, bits);
	result(step, now() - before, "ns");
}

static void expect_dirty(const struct vm *vm, uint64_t want, const char *step)
{
	uint64_t n = 0, i;

	for (i = 0; i < vm->size / PAGE / 64; i++)
		n += __builtin_popcountll(bits[i]);
	if (n != want)
		fail("%s: %llu pages are in the log, not %llu", step, (unsigned long long)n,
		     (unsigned long long)want);
}

static void clear(struct vm *vm, const char *step)
{
	uint64_t before = now();

	kvm_clear_log(vm->fd, SLOT, 0, vm->size / PAGE, bits);
	result(step, now() - before, "ns");
}

static void clear_64(struct vm *vm)
{
	uint64_t before = now(), page;

	for (page = 0; page < vm->size / PAGE; page += 64)
		kvm_clear_log(vm->fd, SLOT, page, 64, bits + page / 64);
	result("clear-64", now() - before, "ns");
}

static void sparse(struct vm *vm, enum log_mode mode, unsigned int of, const char *get_step,
		   const char *clear_step)
{
	uint64_t ns = pass(vm, true, false, of * PAGE);

	if (of == 16)
		result("pass-16", ns, "ns");
	get(vm, get_step);
	expect_dirty(vm, vm->size / PAGE / of, get_step);
	if (mode != GET_CLEARS)
		clear(vm, clear_step);
}

static void logged(struct vm *vm, enum log_mode mode)
{
	const uint64_t pages = vm->size / PAGE;
	uint64_t before = now();

	vm_slot(vm, SLOT, MEM, vm->size, vm->mem, true);
	result("enable", now() - before, "ns");
	if (mode == INITIALLY_SET) {
		get(vm, "get-initial");
		expect_dirty(vm, pages, "initially set");
		clear(vm, "clear-initial");
	}
	result("pass-1", pass(vm, true, false, PAGE), "ns");
	get(vm, "get");
	expect_dirty(vm, pages, "first pass");
	if (mode != GET_CLEARS)
		clear(vm, "clear");
	result("pass-2", pass(vm, true, false, PAGE), "ns");
	if (vm->vcpus == 1)
		result("per-fault", (vm->vcpu[0].tsc[1] - vm->vcpu[0].tsc[0]) / pages, "instructions");
	get(vm, "get-2");
	expect_dirty(vm, pages, "second pass");
	if (mode != GET_CLEARS)
		clear_64(vm);
	sparse(vm, mode, 16, "get-16", "clear-16");
	sparse(vm, mode, 512, "get-512", "clear-512");
	result("pass-3", pass(vm, true, false, PAGE), "ns");
	before = now();
	vm_slot(vm, SLOT, MEM, vm->size, vm->mem, false);
	result("disable", now() - before, "ns");
	result("pass-after", pass(vm, true, false, PAGE), "ns");
}

static void dirty(enum log_mode mode)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;
	void *mem = memory(size, request.backing, true);
	uint64_t before;
	struct vm vm;

	vm_make(&vm, request.vcpus, size);
	kvm_log_mode(vm.fd, mode);
	vm_mem(&vm, mem, false);
	result("fault", pass(&vm, true, false, PAGE), "ns");
	logged(&vm, mode);
	before = now();
	vm_slot(&vm, SLOT, MEM, 0, NULL, false);
	result("delete", now() - before, "ns");
	vm_mem(&vm, mem, false);
	result("fault-again", pass(&vm, true, false, PAGE), "ns");
	result("end", vm_free(&vm), "ns");
	memory_free(mem, size);
}

void dirty_get(void)
{
	dirty(GET_CLEARS);
}

void dirty_manual(void)
{
	dirty(MANUAL);
}

void dirty_initial(void)
{
	dirty(INITIALLY_SET);
}

/* What a pass costs when logging has ended. */
static void after_logging(struct vm *vm, const char *name, bool writes)
{
	long long faults;
	uint64_t before;

	vm_slot(vm, SLOT, MEM, vm->size, vm->mem, true);
	pass(vm, true, false, PAGE);
	before = now();
	vm_slot(vm, SLOT, MEM, vm->size, vm->mem, false);
	result_of(name, "disable", now() - before, "ns");
	result_of(name, "large", vm_stat_or(vm, "largepages", "pages_2m"), "count");
	faults = vm_stat(vm, "pf_fixed");
	result_of(name, "pass", pass(vm, writes, false, PAGE), "ns");
	result_of(name, "faults", vm_stat(vm, "pf_fixed") - faults, "count");
}

void log_end(void)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;
	void *mem = memory(size, request.backing, true);
	struct vm vm;

	vm_make(&vm, request.vcpus, size);
	vm_mem(&vm, mem, false);
	pass(&vm, true, false, PAGE);
	after_logging(&vm, "read", false);
	after_logging(&vm, "write", true);
	vm_free(&vm);
	memory_free(mem, size);
}
