// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/nx.c - recovery of huge pages that are split as the guest executes from
 * them, beside vCPUs that fault on other memory, each page once.
 *
 *	fault-gap        the longest time between two writes of a vCPU before, in instructions
 *	recover          from when recovery is switched on to its end, which is looked for each ms
 *	recover-gap, recover-flushes   in that time: the longest gap, remote_tlb_flush
 *	recovered        huge pages
 *
 * The worker of a VM recovers when the period is over that began with the VM, if recovery is
 * on; when it is switched on later, at once. So it is off until then. The period is one minute
 * where the kernel has no parameter for it, in which nothing runs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/files.h"
#include "bench.h"

#define PARAM		"/sys/module/kvm/parameters/nx_huge_pages"
#define WORKER		"kvm-nx-lpage-re"	/* as much as the kernel keeps of its name */
#define HUGE_PAGES	16
#define CODE_SIZE	(HUGE_PAGES * HUGE)
#define TRIES		10000			/* times 1 ms */

static struct {
	const char *path, *value;
	char old[16];
} params[] = {
	{ .path = PARAM, .value = "force" },
	{ .path = PARAM "_recovery_ratio", .value = "0" },
	{ .path = PARAM "_recovery_period_ms", .value = "1000" },
};
enum { FORCE, RATIO, PERIOD, PARAMS };

static void give_back(void)
{
	int i;

	for (i = 0; i < PARAMS; i++)
		if (params[i].old[0])
			write_text(params[i].path, params[i].old);
}

/* Split, and no recovery. Returns for how many seconds the worker sleeps. */
static unsigned int force(void)
{
	int i;

	for (i = 0; i < PARAMS; i++) {
		if (i == PERIOD && access(params[i].path, W_OK))
			return 60;
		if (!read_line(params[i].path, params[i].old, sizeof(params[i].old)) ||
		    !write_text(params[i].path, params[i].value))
			skip("%s: %s", params[i].path, strerror(errno));
	}
	return 1;
}

/* The worker of the VM runs on the first CPU, beside no vCPU where there is a CPU for it. */
static void pin_worker(void)
{
	DIR *proc = opendir("/proc");
	char path[300], name[32];
	struct dirent *e;
	cpu_set_t first;

	if (!proc)
		fail("/proc: %s", strerror(errno));
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	while ((e = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (atoi(e->d_name) && read_line(path, name, sizeof(name)) && !strcmp(name, WORKER) &&
		    sched_setaffinity(atoi(e->d_name), sizeof(first), &first))
			fail("%s stays where it is: %s", WORKER, strerror(errno));
	}
	closedir(proc);
}

static long long splits(const struct vm *vm)
{
	return vm_stat_or(vm, "nx_largepages_splitted", "nx_lpage_splits");
}

static void recover(struct vm *vm)
{
	long long flushes = vm_stat(vm, "remote_tlb_flush"), n = splits(vm);
	uint64_t before = now();
	int i;

	write_text(params[RATIO].path, "1");
	for (i = 0; splits(vm); i++) {
		if (i == TRIES)
			fail("%lld of %lld huge pages are not recovered", splits(vm), n);
		/* Not so often that the worker gives up the lock for this. */
		usleep(1000);
	}
	result("recover", now() - before, "ns");
	result("recover-gap", run_gap(vm), "instructions");
	result("recover-flushes", vm_stat(vm, "remote_tlb_flush") - flushes, "count");
	result("recovered", n, "count");
}

void nx(void)
{
	const uint64_t size = (uint64_t)request.vcpus * request.mib * MIB;
	unsigned int period;
	uint8_t *code, *mem;
	struct vm vm;

	vm_room(CODE_SIZE + size);
	if (request.round == 1)
		atexit(give_back);
	period = force();
	vm_make(&vm, request.vcpus, CODE_SIZE);
	pin_worker();
	code = memory(CODE_SIZE, THP, true);
	memset(code, RETURN, CODE_SIZE);
	mem = memory(size, SMALL, true);
	vm_mem(&vm, code, false);
	vm_slot(&vm, OTHER_SLOT, MEM + CODE_SIZE, size, mem, false);
	sleep(period + 1);
	pass_execute(&vm);
	if (splits(&vm) < HUGE_PAGES)
		skip("%lld of %d huge pages are split", splits(&vm), HUGE_PAGES);

	vm.base += CODE_SIZE;
	vm.size = size;
	run_first_round(&vm);
	usleep(1000);
	run_gap(&vm);
	usleep(5000);
	result("fault-gap", run_gap(&vm), "instructions");
	recover(&vm);
	if (!run_in_first_round(&vm))
		fail("-m %u: vCPUs had no page left to fault on", request.mib);
	run_end(&vm);
	vm_free(&vm);
	memory_free(code, CODE_SIZE);
	memory_free(mem, size);
	give_back();
}
