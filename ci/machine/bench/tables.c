// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/tables.c - kernel memory that a VM takes for a GiB of guest memory.
 *
 *	slot         what the memslot takes: its reverse map, if it has one, and the like
 *	page-tables  what page tables take that are made when the guest touches the memory
 *	rmap         and what reverse maps take beside the slot's, by KVM's cache of them
 * Page tables are counted by the kernel's event for each that is made, as a vCPU has some in
 * store; other pages by the kernel's own counters.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/trace.h"
#include "bench.h"

static const char * const made[] = { "kvmmmu/kvm_mmu_get_page", NULL };

/* The bytes of the objects of one of KVM's caches, or 0 where it has none. */
static long long cache_bytes(const char *cache)
{
	long long objects = slab_objects(cache);
	char path[128];

	snprintf(path, sizeof(path), SLABS "/%s/object_size", cache);
	return objects > 0 ? objects * read_number(path) : 0;
}

static long long tables_made(const char *text)
{
	long long n = 0;

	for (; (text = strstr(text, "kvm_mmu_get_page: ")); text++)
		n += strcspn(text, "\n") > 4 && !memcmp(text + strcspn(text, "\n") - 4, " new", 4);
	return n;
}

static void tell(const char *step, long long bytes, uint64_t size)
{
	result(step, (bytes < 0 ? 0 : bytes) * (GIB / MIB) / (size / MIB), "bytes/GiB");
}

void tables(void)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;
	void *mem = memory(size, request.backing, true);
	long long pages, more, rmap, table_bytes;
	struct vm vm;

	if (!trace_present(made))
		skip("the kernel does not trace %s", made[0]);
	table_bytes = PAGE + read_number(SLABS "/kvm_mmu_page_header/object_size");
	vm_make(&vm, request.vcpus, size);
	pages = unused_pages();
	vm_mem(&vm, mem, false);
	more = unused_pages();
	if (pages < 0 || more < 0)
		fail("no count of free pages");
	tell("slot", (pages - more) * (long long)PAGE, size);
	trace_start(made);
	/* With its first fault a vCPU lays in a store. */
	pass(&vm, true, false, size);
	rmap = cache_bytes("pte_list_desc");
	pass(&vm, true, false, PAGE);
	tell("page-tables", tables_made(trace_stop(made)) * table_bytes, size);
	tell("rmap", cache_bytes("pte_list_desc") - rmap, size);
	vm_free(&vm);
	memory_free(mem, size);
}
