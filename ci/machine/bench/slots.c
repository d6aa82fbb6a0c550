// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/slots.c - what vCPUs notice of an operation while they run: each writes
 * to all its memory again and again. Of each operation there is
 *
 *	OPERATION           the time of the call
 *	OPERATION-gap       the longest time between two writes of a vCPU, up to when each has
 *	                    been through once more, in instructions
 *	OPERATION-flushes   remote_tlb_flush of the VM in that time, OPERATION-exits
 *
 * slots:   create, move and delete a memslot that nobody uses
 * logging: enable, disable; small pages, or huge ones that it splits
 * flushes: dontneed, mremap, munmap of memory that is mapped, while the vCPUs run on the
 *          first 2 MiB only
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define OTHER_GPA	(4 * GIB)
#define MOVED_GPA	(5 * GIB)

static struct {
	struct vm vm;
	uint64_t before;
	long long flushes, exits;
} t;

static void make(void)
{
	const uint64_t size = request.mib * MIB;

	vm_make(&t.vm, request.vcpus, size);
	vm_mem(&t.vm, memory(size, request.backing, true), false);
	pass(&t.vm, true, true, PAGE);
}

static void op_begin(void)
{
	run_round(&t.vm);
	t.flushes = vm_stat(&t.vm, "remote_tlb_flush");
	t.exits = vm_stat(&t.vm, "exits");
	run_gap(&t.vm);
	t.before = now();
}

static void op_end(const char *name)
{
	uint64_t ns = now() - t.before;
	char step[64];

	run_round(&t.vm);
	result(name, ns, "ns");
	snprintf(step, sizeof(step), "%s-gap", name);
	result(step, run_gap(&t.vm), "instructions");
	snprintf(step, sizeof(step), "%s-flushes", name);
	result(step, vm_stat(&t.vm, "remote_tlb_flush") - t.flushes, "count");
	snprintf(step, sizeof(step), "%s-exits", name);
	result(step, vm_stat(&t.vm, "exits") - t.exits, "count");
}

void slots_running(void)
{
	void *other = memory(HUGE, SMALL, true);

	make();
	run_begin(&t.vm, t.vm.size, PAGE);
	op_begin();
	vm_slot(&t.vm, OTHER_SLOT, OTHER_GPA, HUGE, other, false);
	op_end("create");
	op_begin();
	vm_slot(&t.vm, OTHER_SLOT, MOVED_GPA, HUGE, other, false);
	op_end("move");
	op_begin();
	vm_slot(&t.vm, OTHER_SLOT, MOVED_GPA, 0, NULL, false);
	op_end("delete");
	run_end(&t.vm);
	vm_free(&t.vm);
	memory_free(t.vm.mem, t.vm.size);
	munmap(other, HUGE);
}

void logging_running(void)
{
	make();
	run_begin(&t.vm, t.vm.size, PAGE);
	op_begin();
	vm_slot(&t.vm, SLOT, MEM, t.vm.size, t.vm.mem, true);
	op_end("enable");
	op_begin();
	vm_slot(&t.vm, SLOT, MEM, t.vm.size, t.vm.mem, false);
	op_end("disable");
	run_end(&t.vm);
	vm_free(&t.vm);
	memory_free(t.vm.mem, t.vm.size);
}

void flushes_running(void)
{
	uint64_t rest;
	uint8_t *mem;

	make();
	rest = t.vm.size - HUGE;
	mem = t.vm.mem + HUGE;
	if (!rest)
		refuse("-m 2: flushes wants more, the vCPUs have the first 2 MiB");
	run_begin(&t.vm, HUGE, PAGE);
	op_begin();
	if (madvise(mem, rest, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	op_end("dontneed");
	run_end(&t.vm);

	touch(mem, rest);
	pass(&t.vm, true, true, PAGE);
	run_begin(&t.vm, HUGE, PAGE);
	op_begin();
	if (munmap(mem, rest))
		fail("munmap: %s", strerror(errno));
	op_end("munmap");
	run_end(&t.vm);
	vm_free(&t.vm);
	memory_free(t.vm.mem, HUGE);

	make();
	mem = memory(rest, request.backing, false);
	run_begin(&t.vm, HUGE, PAGE);
	op_begin();
	if (mremap(t.vm.mem + HUGE, rest, rest, MREMAP_MAYMOVE | MREMAP_FIXED, mem) != mem)
		fail("mremap: %s", strerror(errno));
	op_end("mremap");
	run_end(&t.vm);
	vm_free(&t.vm);
	memory_free(t.vm.mem, HUGE);
	memory_free(mem, rest);
}
