// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/hang.c - threads that do not come to rest: do they move at all,
 * and if not, where are they?
 *
 * Moves what uses CPU time, takes page faults or is scheduled, among those that do not
 * rest; what KVM counts of the VM; and page migration, which they may be waiting for.
 * Nothing here takes a lock that they may hold.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define TASKS		"/proc/self/task"
#define MAX_STATS	64

/* The value goes into the sum with its place. */
static void add(u64 *sum, u64 value)
{
	*sum = *sum * 1000003 + value;
}

static void add_thread(u64 *sum, pid_t tid)
{
	static const char * const switches[] = {
		"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches",
	};
	u64 minor = 0, major = 0, user = 0, system = 0;
	char path[80], text[600], *p;
	size_t i;

	snprintf(path, sizeof(path), TASKS "/%d/stat", tid);
	/* Behind the name: state, parent, group, session, terminal, its group, flags. */
	if (read_line(path, text, sizeof(text)) && (p = strrchr(text, ')')))
		sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu %*u %lu %lu",
		       &minor, &major, &user, &system);
	add(sum, minor);
	add(sum, major);
	add(sum, user);
	add(sum, system);
	snprintf(path, sizeof(path), TASKS "/%d/status", tid);
	for (i = 0; i < 2; i++)
		add(sum, number_behind(path, switches[i]));
}

/* The same again: nobody has got on. */
u64 movement(struct vm *vm)
{
	struct vm_stat stat[MAX_STATS];
	u32 i, n = vm_stats(vm, stat, MAX_STATS);
	u64 sum = 0;

	for (i = 0; i < vm->workers; i++)
		if (!vm->worker[i].resting && !vm->worker[i].ended)
			add_thread(&sum, vm->worker[i].tid);
	for (i = 0; i < n; i++)
		add(&sum, stat[i].value);
	add(&sum, number_behind("/proc/vmstat", "pgmigrate_success"));
	add(&sum, number_behind("/proc/vmstat", "pgmigrate_fail"));
	return sum;
}

/* What a file of a thread says, in one line, without the [<0>] of a stack. */
static const char *file_of(const char *tid, const char *name, char *buf, size_t size)
{
	static const char mark[] = "[<0>] ";
	char path[300], *from = buf, *to = buf;

	snprintf(path, sizeof(path), TASKS "/%s/%s", tid, name);
	if (!read_text(path, buf, size))
		return "?";
	while (*from) {
		if (!strncmp(from, mark, strlen(mark)))
			from += strlen(mark);
		else if (*from != '\n')
			*to++ = *from++;
		else if (*++from)
			*to++ = ' ';
	}
	*to = '\0';
	return buf;
}

static const char *rests(struct vm *vm, pid_t tid)
{
	u32 i;

	for (i = 0; i < vm->workers; i++)
		if (vm->worker[i].tid == tid)
			return vm->worker[i].resting ? "rests" : "DOES NOT REST";
	return "is no worker";
}

static void tell_threads(struct vm *vm)
{
	char comm[40], stat[600], wchan[80], stack[700];
	DIR *d = opendir(TASKS);
	struct dirent *e;
	const char *p;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
			continue;
		p = strrchr(file_of(e->d_name, "stat", stat, sizeof(stat)), ')');
		say("thread %s %s %s: state %.1s wchan %s stack %s", e->d_name,
		    file_of(e->d_name, "comm", comm, sizeof(comm)), rests(vm, atoi(e->d_name)),
		    p ? p + 2 : "?", file_of(e->d_name, "wchan", wchan, sizeof(wchan)),
		    file_of(e->d_name, "stack", stack, sizeof(stack)));
	}
	if (d)
		closedir(d);
}

/* Those that are not 0, twice. */
static void tell_counters(struct vm *vm)
{
	struct vm_stat first[MAX_STATS], then[MAX_STATS];
	u32 i, n = vm_stats(vm, first, MAX_STATS);

	sleep_us(1000000);
	if (vm_stats(vm, then, MAX_STATS) < n)
		n = 0;
	for (i = 0; i < n; i++)
		if (first[i].value || then[i].value)
			say("kvm %s: %lld, a second later %lld", first[i].name,
			    first[i].value, then[i].value);
}

/* They leave KVM_RUN for a signal, if they can. Who does not holds the vCPU's lock. */
static void tell_vcpus(struct vm *vm)
{
	char text[200];
	u32 i;

	vm->stop = true;
	for (i = 0; i < vm->plan.vcpus; i++)
		if (!vm->worker[i].ended)
			pthread_kill(vm->worker[i].thread, SIGUSR1);
	sleep_us(500000);
	for (i = 0; i < vm->plan.vcpus; i++) {
		snprintf(text, sizeof(text), "does not leave KVM_RUN for a signal");
		if (vm->worker[i].resting || vm->worker[i].ended)
			vm_describe(vm, i, text, sizeof(text));
		say("vCPU %u: %llu steps, %s", i, (unsigned long long)vm->ctl->vcpu[i].steps, text);
	}
}

void hang(struct vm *vm, const char *why, long ms)
{
	u32 i, parked = vm->parked, threads = vm->threads;
	char names[300] = "";
	size_t len = 0;

	for (i = 0; i < vm->workers; i++)
		if (!vm->worker[i].resting && !vm->worker[i].ended)
			len += snprintf(names + len, sizeof(names) - len, " %s", vm->worker[i].name);
	tell_threads(vm);
	tell_counters(vm);
	tell_vcpus(vm);
	fail("hang: %u of %u threads came to rest, not%s; %s %ld s", parked, threads, names,
	     why, ms / 1000);
}
