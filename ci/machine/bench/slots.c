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
 *
 * And what they pay when they run again behind it, where none runs meanwhile:
 *
 * slots-refault: a memslot of 2 MiB in small pages, all mapped, is deleted (zap-all-delete).
 *          zap-all-pass is a write to each page of another one, which was mapped before, and
 *          zap-all-faults what had to be mapped anew. zap-own-* are the same where KVM is
 *          to take what the memslot has and nothing else (KVM_X86_QUIRK_SLOT_ZAP_ALL is
 *          off): a kernel that does not know this takes all
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
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

	run_round(&t.vm);
	result(name, ns, "ns");
	result_of(name, "gap", run_gap(&t.vm), "instructions");
	result_of(name, "flushes", vm_stat(&t.vm, "remote_tlb_flush") - t.flushes, "count");
	result_of(name, "exits", vm_stat(&t.vm, "exits") - t.exits, "count");
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

static void refault(const char *name, uint64_t quirks_off)
{
	void *other = memory(HUGE, SMALL, true);
	long long faults;

	vm_room(request.mib * MIB + HUGE);
	make();
	kvm_disable_quirks(t.vm.fd, quirks_off);
	vm_slot(&t.vm, OTHER_SLOT, MEM + t.vm.size, HUGE, other, false);
	t.vm.size += HUGE;
	pass(&t.vm, true, true, PAGE);
	t.vm.size -= HUGE;
	t.before = now();
	vm_slot(&t.vm, OTHER_SLOT, MEM + t.vm.size, 0, NULL, false);
	result_of(name, "delete", now() - t.before, "ns");
	faults = vm_stat(&t.vm, "pf_fixed");
	result_of(name, "pass", pass(&t.vm, true, true, PAGE), "ns");
	result_of(name, "faults", vm_stat(&t.vm, "pf_fixed") - faults, "count");
	vm_free(&t.vm);
	memory_free(t.vm.mem, t.vm.size);
	munmap(other, HUGE);
}

void slots_refault(void)
{
	refault("zap-all", 0);
	refault("zap-own", QUIRK_SLOT_ZAP_ALL);
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
