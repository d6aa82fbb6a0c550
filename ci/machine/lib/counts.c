// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/lib/counts.c - what the kernel counts of memory, slabs and KVM. What cannot
 * be read is false, or -1.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "files.h"

/* That of the first line `word number` or `word: number`. */
long long number_behind(const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(word);
	long long n = -1;
	char line[300];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, word, len) && (line[len] == ' ' || line[len] == ':')) {
			n = atoll(line + len + 1);
			break;
		}
	fclose(f);
	return n;
}

/* Pages that nobody has, in the buddy lists and the CPUs' own, and those of slabs. */
long long unused_pages(void)
{
	static const char * const counters[] = {
		"nr_free_pages", "nr_slab_reclaimable", "nr_slab_unreclaimable",
	};
	long long sum = 0, n;
	char line[300];
	size_t i;
	FILE *f;

	write_text("/proc/sys/vm/drop_caches", "3");
	write_text("/proc/sys/vm/stat_refresh", "1");
	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		n = number_behind("/proc/vmstat", counters[i]);
		if (n < 0)
			return -1;
		sum += n;
	}
	f = fopen("/proc/zoneinfo", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lld", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

/* But for free ones, which a cache keeps for each CPU until it is told to shrink. */
long long slab_objects(const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), SLABS "/%s/shrink", cache);
	if (!write_text(path, "1"))
		return -1;
	snprintf(path, sizeof(path), SLABS "/%s/objects", cache);
	return read_number(path);
}

/* A counter of a VM: of the process that has made it, and its descriptor there. */
bool kvm_stat(int pid, int vm_fd, const char *name, long long *value)
{
	char path[200], text[64];

	snprintf(path, sizeof(path), KVM_DEBUGFS "/%d-%d/%s", pid, vm_fd, name);
	if (!read_text(path, text, sizeof(text)) || !*text)
		return false;
	*value = atoll(text);
	return true;
}
