// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/notifier.c - what the host asks of memory that guests have mapped: to
 * give it back (MADV_DONTNEED), and whether it was used (the bitmap of idle pages).
 *
 *	SIZE        the first SIZE of all memory in one call: 2m, 8m, 32m, ..., all
 *	SIZE-host   the same where the guest has never been: what is not KVM's share
 *	by-pages    2 MiB in 512 calls
 *	age         all pages are asked for, which clears their accessed bits
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define IDLE_BITMAP	"/sys/kernel/mm/page_idle/bitmap"

static uint64_t give_back(uint8_t *mem, uint64_t size, uint64_t step)
{
	uint64_t before = now(), at;

	for (at = 0; at < size; at += step)
		if (madvise(mem + at, step, MADV_DONTNEED))
			fail("madvise: %s", strerror(errno));
	return now() - before;
}

static void one_size(struct vm *vm, uint64_t size, const char *name)
{
	const uint64_t stride = request.backing == SMALL ? PAGE : HUGE;
	char host[32];

	snprintf(host, sizeof(host), "%s-host", name);
	touch(vm->mem, vm->size);
	result(host, give_back(vm->mem, size, size), "ns");
	touch(vm->mem, vm->size);
	pass(vm, true, false, stride);
	result(name, give_back(vm->mem, size, size), "ns");
	/* The rest goes too: of the next size the guest has mapped nothing. */
	give_back(vm->mem, vm->size, vm->size);
}

static struct vm *begin(struct vm *vm, bool touched)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;

	vm_make(vm, request.vcpus, size);
	vm_mem(vm, memory(size, request.backing, touched), false);
	return vm;
}

static void end(struct vm *vm)
{
	vm_free(vm);
	memory_free(vm->mem, vm->size);
}

void unmap(void)
{
	char name[32];
	uint64_t size;
	struct vm vm;

	begin(&vm, false);
	for (size = HUGE; size < vm.size; size *= 4) {
		snprintf(name, sizeof(name), "%llum", (unsigned long long)(size / MIB));
		one_size(&vm, size, name);
	}
	one_size(&vm, vm.size, "all");
	if (request.backing == SMALL) {
		touch(vm.mem, HUGE);
		result("by-pages-host", give_back(vm.mem, HUGE, PAGE), "ns");
		touch(vm.mem, vm.size);
		pass(&vm, true, false, PAGE);
		result("by-pages", give_back(vm.mem, HUGE, PAGE), "ns");
	}
	end(&vm);
}

#define PFN(entry)	((entry) & ((1ULL << 55) - 1))
#define PRESENT(entry)	((entry) >> 63)

void ageing(void)
{
	static uint64_t entries[GIB / PAGE];
	uint64_t bits = ~0ULL, last = UINT64_MAX, before, pages, i;
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int idle = open(IDLE_BITMAP, O_WRONLY | O_CLOEXEC);
	struct vm vm;

	if (map < 0 || idle < 0)
		skip("no pagemap, or no " IDLE_BITMAP);
	begin(&vm, true);
	pages = vm.size / PAGE;
	pass(&vm, true, false, PAGE);
	if (pread(map, entries, pages * 8, (uintptr_t)vm.mem / PAGE * 8) != (ssize_t)(pages * 8))
		fail("pagemap: %s", strerror(errno));
	before = now();
	/* A write is for 64 pages of the machine's, and neighbours lie beside each other. */
	for (i = 0; i < pages; i++) {
		if (!PRESENT(entries[i]))
			fail("page %llu of the memory is not there", (unsigned long long)i);
		if (PFN(entries[i]) / 64 == last)
			continue;
		last = PFN(entries[i]) / 64;
		if (pwrite(idle, &bits, 8, last * 8) != 8)
			fail(IDLE_BITMAP ": %s", strerror(errno));
	}
	result("age", now() - before, "ns");
	result("pages", pages, "count");
	end(&vm);
	close(map);
	close(idle);
}
