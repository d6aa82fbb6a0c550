// SPDX-License-Identifier: GPL-2.0
/* ci/machine/bench/main.c - what operations of KVM's MMU cost. (-h: see below) */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static const char help[] =
"bench - what an operation of KVM's MMU costs: a case, on a VM that is made for it.\n"
"\n"
"Usage:   bench [-v VCPUS] [-m MIB] [-b BACKING] [-r ROUNDS] CASE\n"
"         VCPUS    of the VM (default: 1), on a CPU each; what the host does runs on the\n"
"                  first CPU, which only gets a vCPU if there are as many as CPUs\n"
"         MIB      memory of each vCPU (8); of demand-overlap all have the same\n"
"         BACKING  the host's pages: 4k, thp, hugetlb (4k)\n"
"         ROUNDS   how often, each time with a new VM (1)\n"
"         CASE     demand-private  guests fault on memory that the host has not touched yet\n"
"                  demand-overlap  the same, all on the same memory\n"
"                  demand-slots    as demand-private, the memory of each in 16 memslots\n"
"                  demand-slots-round  so that each fault is in another one\n"
"                  dirty-get       dirty logging, where the call that gets the log clears it\n"
"                  dirty-manual    where another one does\n"
"                  dirty-initial   where all pages are in the log in the beginning, too\n"
"                  log-end         what the guest pays when logging has ended\n"
"                  unmap           the host takes memory back: from 2 MiB up to all\n"
"                  age             it asks which pages were used\n"
"                  slots           memslots come, move and go while vCPUs run\n"
"                  slots-refault   what the guest pays when another memslot has gone\n"
"                  logging         logging begins and ends while they do\n"
"                  flushes         memory goes while they do\n"
"                  nx              split huge pages are recovered while vCPUs fault; waits\n"
"                                  for a minute where KVM recovers once in a minute\n"
"                  tables          what page tables and reverse maps take\n"
"Inputs:  /dev/kvm, debugfs, pagemap and the bitmap of idle pages; root\n"
"Outputs: lines \"CASE.STEP VCPUS MIB ROUND VALUE UNIT\", MIB of each vCPU. UNIT is ns,\n"
"         pages/s, instructions (ticks of the TSC, which are instructions where the\n"
"         machine's clock counts them), count (flushes, exits), bytes/GiB\n"
"Exit codes: 0 done, 1 something failed, 2 usage, 4 cannot be done here\n";

static const struct {
	const char *name;
	void (*round)(void);
} cases[] = {
	{ "demand-private", demand_private }, { "demand-overlap", demand_overlap },
	{ "demand-slots", demand_slots }, { "demand-slots-round", demand_slots_round },
	{ "dirty-get", dirty_get }, { "dirty-manual", dirty_manual },
	{ "dirty-initial", dirty_initial }, { "log-end", log_end },
	{ "unmap", unmap }, { "age", ageing }, { "slots", slots_running },
	{ "slots-refault", slots_refault }, { "logging", logging_running },
	{ "flushes", flushes_running }, { "nx", nx }, { "tables", tables },
};
static const char * const backing_names[] = { "4k", "thp", "hugetlb" };

struct request request = { .vcpus = 1, .mib = 8, .rounds = 1 };

void result(const char *step, uint64_t value, const char *unit)
{
	printf("%s-%s.%s %u %u %u %llu %s\n", request.name, backing_names[request.backing], step,
	       request.vcpus, request.mib, request.round, (unsigned long long)value, unit);
}

void result_of(const char *what, const char *step, uint64_t value, const char *unit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", what, step);
	result(name, value, unit);
}

static unsigned int number(const char *text, char option, unsigned int most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || !n || n > most)
		refuse("-%c wants a number from 1 to %u, not '%s'", option, most, text);
	return n;
}

static enum backing backing(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(backing_names) / sizeof(*backing_names); i++)
		if (!strcmp(name, backing_names[i]))
			return i;
	refuse("no pages of the kind '%s': 4k, thp or hugetlb", name);
	return SMALL;
}

int main(int argc, char **argv)
{
	unsigned int i;
	int option;

	while ((option = getopt(argc, argv, "hv:m:b:r:")) != -1)
		switch (option) {
		case 'h':
			fputs(help, stdout);
			return EX_PASS;
		case 'v':
			request.vcpus = number(optarg, option, MOST_VCPUS);
			break;
		case 'm':
			request.mib = number(optarg, option, GIB / MIB);
			break;
		case 'b':
			request.backing = backing(optarg);
			break;
		case 'r':
			request.rounds = number(optarg, option, 1000);
			break;
		default:
			return EX_USAGE;
		}
	if (request.mib % 2)
		refuse("-m %u: an even number, huge pages have 2 MiB", request.mib);
	if ((uint64_t)request.vcpus * request.mib * MIB > GIB)
		refuse("%u vCPUs with %u MiB: 1 GiB at most", request.vcpus, request.mib);
	for (i = 0; optind == argc - 1 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(argv[optind], cases[i].name))
			continue;
		request.name = cases[i].name;
		pin(0);
		for (request.round = 1; request.round <= request.rounds; request.round++)
			cases[i].round();
		return EX_PASS;
	}
	refuse("which case? See -h");
}
