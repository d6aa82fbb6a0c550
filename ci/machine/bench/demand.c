// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/demand.c - demand paging: guests write to memory that neither they nor
 * the host have touched. Instructions per fault: of one vCPU, by the TSC.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "bench.h"

static void demand(bool shared)
{
	const uint64_t size = request.mib * MIB * (shared ? 1 : request.vcpus);
	const uint64_t stride = request.backing == SMALL ? PAGE : HUGE;
	void *mem = memory(size, request.backing, false);
	uint64_t ns, faults = size / stride;
	struct vm vm;

	vm_make(&vm, request.vcpus, size);
	vm_mem(&vm, mem, false);
	ns = pass(&vm, true, shared, stride);
	result("time", ns, "ns");
	result("rate", faults * 1000000000ULL / ns, "pages/s");
	if (request.vcpus == 1)
		result("per-fault", (vm.vcpu[0].tsc[1] - vm.vcpu[0].tsc[0]) / faults, "instructions");
	vm_free(&vm);
	memory_free(mem, size);
}

void demand_private(void)
{
	demand(false);
}

void demand_overlap(void)
{
	demand(true);
}
