// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/tables.c - kernel memory that a VM takes for a GiB of guest memory.
 *
 *	slot     pages that the memslot takes: its reverse map, if it has one, and the like
 *	mapped   pages that are taken when the guest touches the rest of it: page tables
 *	slabs    objects of KVM's caches, what describes page tables, and reverse maps
 * Pages by the kernel's own counters: all that are neither free nor a slab's.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "bench.h"

static const char * const caches[] = { "kvm_mmu_page_header", "pte_list_desc" };

static long long slabs(void)
{
	long long sum = 0, objects;
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(caches) / sizeof(*caches); i++) {
		objects = slab_objects(caches[i]);
		snprintf(path, sizeof(path), SLABS "/%s/object_size", caches[i]);
		if (objects > 0)
			sum += objects * read_number(path);
	}
	return sum;
}

static void tell(const char *step, long long bytes, uint64_t size)
{
	result(step, (bytes < 0 ? 0 : bytes) * (GIB / MIB) / (size / MIB), "bytes/GiB");
}

void tables(void)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;
	void *mem = memory(size, request.backing, true);
	long long pages, more;
	struct vm vm;

	vm_make(&vm, request.vcpus, size);
	pages = unused_pages();
	vm_mem(&vm, mem, false);
	more = unused_pages();
	if (pages < 0 || more < 0)
		fail("no count of free pages");
	tell("slot", (pages - more) * (long long)PAGE, size);
	/* What a vCPU gets for its first fault is not for the memory. */
	pass(&vm, true, false, size);
	tell("slabs-before", slabs(), size);
	pages = unused_pages();
	pass(&vm, true, false, PAGE);
	tell("mapped", (pages - unused_pages()) * (long long)PAGE, size);
	tell("slabs", slabs(), size);
	vm_free(&vm);
	memory_free(mem, size);
}
