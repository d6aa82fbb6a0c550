// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/leak.c - what a VM leaves behind: nothing.
 *
 * While it lives, but has no memslot any more, its gauges are 0. When it is
 * gone, so is its folder in debugfs, KVM's sums there are 0, and the slabs of
 * page table headers and reverse maps hold what they held at the start.
 *
 * The slab counts: writing to /sys/kernel/slab/X/shrink takes free objects out of
 * the per-CPU slabs, so that `objects` is exact. That needs a cache of its own
 * (slab_nomerge, or no CONFIG_SLAB_MERGE_DEFAULT) and CONFIG_SLUB_DEBUG.
 *
 * An RCU barrier from user space: membarrier(MEMBARRIER_CMD_GLOBAL) is
 * synchronize_rcu(), which queues a callback on this CPU and waits until it has
 * been called, and callbacks of a CPU are called in order (kernel/rcu/update.c,
 * __wait_rcu_gp(); rcu_segcblist). Done once on each CPU, it waits for all
 * callbacks queued before, as rcu_barrier() does. With one CPU it returns at
 * once: that, and work queued by callbacks, is left to trying again, for SETTLE_MS.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

#define SETTLE_MS	10000
#define PAGES_NOISE	48

static struct {
	const char *name;
	bool needed, there;
	long long start;
} slabs[] = {
#ifdef __x86_64__
	{ "kvm_mmu_page_header", true, false, 0 },
	{ "pte_list_desc", true, false, 0 },
#endif
	{ "kvm_vcpu", false, false, 0 },
	{ "kvm_async_pf", false, false, 0 },
};
#define NR_SLABS (sizeof(slabs) / sizeof(*slabs))

static char why[600];
static long long start_pages = -1;	/* -1: not to be counted */
static long nr_vms;

static void rcu_barrier(void)
{
	cpu_set_t all, one;
	int cpu;

	sched_getaffinity(0, sizeof(all), &all);
	/* Those that this process was not given, too: KVM's callbacks may be there. */
	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!sched_setaffinity(0, sizeof(one), &one))
			syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* The first of KVM's sums that is not 0. */
static bool sums_are_zero(char *text, size_t size)
{
	struct dirent *e;
	char path[400];
	bool ok = true;
	DIR *d = opendir(KVM_DEBUGFS);

	while (d && ok && (e = readdir(d))) {
		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(path, sizeof(path), KVM_DEBUGFS "/%s", e->d_name);
		if (read_number(path) > 0 || read_number(path) < -1) {
			snprintf(text, size, "%s is %lld", path, read_number(path));
			ok = false;
		}
	}
	if (d)
		closedir(d);
	return ok;
}

const char *leak_start(bool count_pages)
{
	char path[128];
	size_t i;

	if (access(KVM_DEBUGFS, R_OK))
		return "no " KVM_DEBUGFS ": mount debugfs";
	if (!sums_are_zero(why, sizeof(why)))
		return strncat(why, ": another VM runs here", sizeof(why) - strlen(why) - 1);
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0) < 0)
		return "no membarrier(): CONFIG_MEMBARRIER is wanted";
	rcu_barrier();
	for (i = 0; i < NR_SLABS; i++) {
		snprintf(path, sizeof(path), SLABS "/%s/aliases", slabs[i].name);
		slabs[i].there = read_number(path) == 0 && slab_objects(slabs[i].name) >= 0;
		slabs[i].start = slab_objects(slabs[i].name);
		if (slabs[i].needed && !slabs[i].there) {
			snprintf(why, sizeof(why), "no slab %s of its own with a count: boot with slab_nomerge, build with CONFIG_SLUB_DEBUG",
				 slabs[i].name);
			return why;
		}
	}
	if (count_pages)
		start_pages = unused_pages();
	return NULL;
}

/* Everything a VM had is given back, but for this noise, in pages. */
static bool pages_are_back(long long *lost)
{
	*lost = start_pages - unused_pages();
	return *lost <= PAGES_NOISE + nr_vms / 4;
}

/* After the process of a VM has gone. */
bool leak_check(pid_t pid)
{
	long settle = SETTLE_MS * patience(), until = now_ms() + settle;
	long long lost = 0;
	char prefix[32];
	struct dirent *e;
	size_t i, left;
	bool ok = true;
	DIR *d;

	nr_vms++;
	for (;;) {
		rcu_barrier();
		for (i = 0, left = 0; i < NR_SLABS; i++)
			if (slabs[i].there && slab_objects(slabs[i].name) != slabs[i].start)
				left++;
		if (start_pages >= 0 && !pages_are_back(&lost))
			left++;
		if (!left || now_ms() > until)
			break;
		sleep_us(20000);
	}
	for (i = 0; left && i < NR_SLABS; i++)
		if (slabs[i].there && slab_objects(slabs[i].name) != slabs[i].start)
			say("FAIL leak: slab %s holds %lld objects, %lld at the start, %ld ms after the VM has gone",
			    slabs[i].name, slab_objects(slabs[i].name), slabs[i].start, settle);
	if (left && lost > PAGES_NOISE)
		say("FAIL leak: %lld pages are lost after %ld VMs", lost, nr_vms);
	if (left)
		ok = false;

	snprintf(prefix, sizeof(prefix), "%d-", pid);
	d = opendir(KVM_DEBUGFS);
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, prefix, strlen(prefix))) {
			say("FAIL leak: %s/%s is still there: the VM is", KVM_DEBUGFS, e->d_name);
			ok = false;
		}
	if (d)
		closedir(d);
	if (!sums_are_zero(why, sizeof(why))) {
		say("FAIL leak: %s and no VM is left", why);
		ok = false;
	}
	return ok;
}

/* A counter of the VM, -1 if this kernel has none of that name. */
long long vm_stat(struct vm *vm, const char *name)
{
	long long n;

	return kvm_stat(getpid(), vm->fd, name, &n) ? n : -1;
}

/* All counters of the VM; how many there are. */
u32 vm_stats(struct vm *vm, struct vm_stat *stat, u32 max)
{
	struct dirent *e;
	char path[160];
	u32 n = 0;
	DIR *d;

	snprintf(path, sizeof(path), KVM_DEBUGFS "/%d-%d", getpid(), vm->fd);
	d = opendir(path);
	while (d && n < max && (e = readdir(d))) {
		if (e->d_name[0] == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(stat[n].name, sizeof(stat[n].name), "%.39s", e->d_name);
		stat[n].value = vm_stat(vm, stat[n].name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* When the last memslot is gone there is nothing left to count. */
void check_gauges(struct vm *vm)
{
	/* Not `largepages`: 5.10 does not count down what a reverse map removes. */
	static const char * const gauges[] = {
		"pages_4k", "pages_2m", "pages_1g",
		"nx_largepages_splitted", "nx_lpage_splits", "mmu_unsync",
	};
	size_t i, n = 0;

	for (i = 0; i < sizeof(gauges) / sizeof(*gauges); i++) {
		long long v = vm_stat(vm, gauges[i]);

		if (v == -1)
			continue;
		n++;
		if (v)
			fail("%s is %lld in a VM without memory", gauges[i], v);
	}
#ifdef __x86_64__
	if (!n)
		fail("no gauges in " KVM_DEBUGFS);
#endif
}
