// SPDX-License-Identifier: GPL-2.0
/* ci/machine/bench/memory.c - memory of this process, in pages of a kind. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/files.h"
#include "bench.h"

#define POOL "/proc/sys/vm/nr_hugepages"

void touch(void *mem, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += PAGE)
		*(volatile uint64_t *)((uint8_t *)mem + i) = 1;
}

static void *huge_pool(size_t size)
{
	char pages[32];
	void *p;

	snprintf(pages, sizeof(pages), "%zu", size / HUGE);
	if (!write_text(POOL, pages))
		skip(POOL ": %s", strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p == MAP_FAILED)
		skip("%s pages of hugetlb: %s", pages, strerror(errno));
	return p;
}

void *memory(size_t size, enum backing kind, bool touched)
{
	uint8_t *p, *start;

	if (kind == HUGETLB) {
		start = huge_pool(size);
	} else {
		p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			fail("mmap of %zu bytes: %s", size, strerror(errno));
		start = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
		if (start != p)
			munmap(p, start - p);
		munmap(start + size, p + size + HUGE - (start + size));
		if (madvise(start, size, kind == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
			skip("madvise: %s", strerror(errno));
	}
	if (touched)
		touch(start, size);
	return start;
}

void memory_free(void *mem, size_t size)
{
	if (munmap(mem, size))
		fail("munmap: %s", strerror(errno));
	if (request.backing == HUGETLB)
		write_text(POOL, "0");
}
