// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/memory.c - memory of this process, in huge pages or in small ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "facts.h"

void *memory(size_t size, bool huge)
{
	uint8_t *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *start;
	size_t i;

	if (p == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	start = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	if (start != p)
		munmap(p, start - p);
	munmap(start + size, p + size + HUGE - (start + size));
	if (madvise(start, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		skip("madvise: %s", strerror(errno));
	for (i = 0; i < size; i += PAGE)
		*(volatile uint64_t *)(start + i) = 0;
	return start;
}

size_t huge_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[200];
	size_t kib = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "AnonHugePages: %zu", &kib);
	if (f)
		fclose(f);
	return kib << 10;
}
