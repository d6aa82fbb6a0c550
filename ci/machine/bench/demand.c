// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/demand.c - demand paging: guests write to memory that neither they nor
 * the host have touched. Instructions per fault: of one vCPU, by the TSC.
 *
 * The memory is one memslot, or each vCPU's part is SLOTS of them: it goes through one after
 * the other, while other vCPUs are in theirs, or, round, has each fault in another slot than
 * the one before.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "bench.h"

#define SLOTS	16
enum how { PRIVATE, OVERLAP, IN_SLOTS, ROUND };

/* The memory, in memslots of a size, without a gap between them. */
static void slots_of(struct vm *vm, uint8_t *mem, uint64_t slot_size)
{
	uint64_t at;

	vm->mem = mem;
	for (at = 0; at < vm->size; at += slot_size)
		vm_slot(vm, SLOT + at / slot_size, MEM + at, slot_size, mem + at, false);
}

static void demand(enum how how)
{
	const uint64_t size = request.mib * MIB * (how == OVERLAP ? 1 : request.vcpus);
	const uint64_t slot_size = how < IN_SLOTS ? size : request.mib * MIB / SLOTS;
	const uint64_t stride = request.backing == SMALL ? PAGE : HUGE;
	uint64_t ns, faults = size / stride;
	struct vm vm;
	void *mem;

	if (slot_size % stride)
		refuse("-m %u: not %u memslots of whole pages", request.mib, SLOTS);
	mem = memory(size, request.backing, false);
	vm_make(&vm, request.vcpus, size);
	slots_of(&vm, mem, slot_size);
	if (how == ROUND)
		ns = pass_round(&vm, slot_size, stride);
	else
		ns = pass(&vm, true, how == OVERLAP, stride);
	result("time", ns, "ns");
	result("rate", faults * 1000000000ULL / ns, "pages/s");
	if (request.vcpus == 1)
		result("per-fault", (vm.vcpu[0].tsc[1] - vm.vcpu[0].tsc[0]) / faults, "instructions");
	vm_free(&vm);
	memory_free(mem, size);
}

void demand_private(void)
{
	demand(PRIVATE);
}

void demand_overlap(void)
{
	demand(OVERLAP);
}

void demand_slots(void)
{
	demand(IN_SLOTS);
}

void demand_slots_round(void)
{
	demand(ROUND);
}
