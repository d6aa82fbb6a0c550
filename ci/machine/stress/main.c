// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/main.c - stress of KVM's MMU with oracles. (-h: see below)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

static const char help[] =
"stress - vCPUs fault memory in random order while the host changes everything.\n"
"\n"
"Usage:   stress [--mode MODE]... [--seconds N | --minutes N | --ms N]\n"
"                [--vcpus N] [--mib N] [--seed N [--round N]] [--count-pages]\n"
"         --mode     pages    drop, remap, protect, merge (KSM), split, collapse\n"
"                             and migrate the memory below the guest\n"
"                    slots    create, move, delete memslots, switch dirty logging\n"
"                    dirty    harvest the dirty log, begin it anew over memory that is\n"
"                             mapped or not; memory changes in half the rounds\n"
"                    nx       force, switch off and recover NX huge pages\n"
"                    destroy  short-lived VMs that end in the middle of all of this\n"
"                    mix      all of this at once\n"
"                    numa     vCPUs change NUMA nodes, user space answers page faults,\n"
"                             beside pages; wants two nodes\n"
"                    etmem    etmem of openEuler scans and swaps, beside pages\n"
"                    (default: each of them in turn)\n"
"         --seconds  time for each mode (default 20), --minutes the same in minutes,\n"
"                    --ms in milliseconds: where a second is long, as in intel-pml;\n"
"                    nx takes at least 66 s where recovery comes once a minute\n"
"         --vcpus    1 to 8 (default 4)\n"
"         --mib      memory under test, 2 to 256 MiB, even (default 16)\n"
"         --seed     repeat what this seed gave (default: from the clock)\n"
"         --round    only this round of it\n"
"         --count-pages  all pages that a VM had must be back when it is gone: for a\n"
"                    machine where nothing else runs\n"
"Inputs:  /dev/kvm, debugfs, /sys/kernel/slab; root; for etmem /modules and /dev/ram0,\n"
"         which becomes swap space. Knobs of THP, KSM, NUMA balancing and KVM are\n"
"         set and given back. gate.patience=N on the kernel's command line multiplies\n"
"         all limits of time.\n"
"Outputs: KTAP on stdout, one test a mode; a failure names its seed and round.\n"
"Exit codes: 0 pass, 1 an oracle found something, 2 usage, 4 skipped, it says why\n";

static const struct mode {
	const char *name;
	u32 does;
	long round_ms;
} modes[] = {
	{ "pages", DO_PAGES | DO_KSM | DO_COMPACT, 4000 },
	{ "slots", DO_SLOTS, 3000 },
	{ "dirty", DO_DIRTY, 4000 },
	{ "nx", DO_NX, 0 },
	{ "destroy", DO_PAGES | DO_KSM | DO_SLOTS | DO_DIRTY | DO_NX | DO_KILL, 1500 },
	{ "mix", DO_PAGES | DO_KSM | DO_COMPACT | DO_SLOTS | DO_DIRTY | DO_NX, 5000 },
	{ "numa", DO_PAGES | DO_KSM | DO_NUMA, 5000 },
	{ "etmem", DO_PAGES | DO_KSM | DO_ETMEM, 5000 },
};
#define NR_MODES (sizeof(modes) / sizeof(*modes))

#define THP "/sys/kernel/mm/transparent_hugepage"
#define KSM "/sys/kernel/mm/ksm"
#define NX "/sys/module/kvm/parameters/nx_huge_pages"

/* Huge pages are split ahead of the writes; each round says whether. */
#define EAGER "/sys/module/kvm/parameters/eager_page_split"

static const char * const knobs[][2] = {
	{ THP "/enabled", "madvise" },
	{ THP "/khugepaged/scan_sleep_millisecs", "20" },
	{ THP "/khugepaged/alloc_sleep_millisecs", "5" },
	{ THP "/khugepaged/pages_to_scan", "1024" },
	{ KSM "/sleep_millisecs", "100" },
	{ KSM "/pages_to_scan", "16" },
	{ KSM "/run", "1" },
	{ NX, "force" },
	{ NX "_recovery_ratio", "1" },
};

/* Counters of /proc/vmstat that go up, and the mode that has proved nothing if not. */
static const struct {
	const char *name;
	u32 needed_by;
} events[] = {
	{ "thp_fault_alloc", 0 }, { "thp_collapse_alloc", 0 }, { "thp_split_pmd", 0 },
	{ "thp_split_page", 0 }, { "pgmigrate_success", 0 }, { "compact_success", 0 },
	{ "numa_hint_faults", DO_NUMA }, { "numa_pages_migrated", DO_NUMA },
	{ "pswpout", DO_ETMEM }, { "pswpin", DO_ETMEM },
};
#define NR_EVENTS (sizeof(events) / sizeof(*events))

static volatile sig_atomic_t interrupted;
static long long most_shared;

static void on_signal(int sig)
{
	interrupted = sig;
}

static struct plan make_plan(const struct mode *m, const struct options *o, long round)
{
	u64 rnd = o->seed + (m - modes) * 1000003ULL + round * 7919ULL;
	struct plan p = { .mode = m->name, .does = m->does, .mib = o->mib, .ms = m->round_ms };

	p.seed = next_random(&rnd);
	p.vcpus = o->vcpus > 1 && below(&rnd, 4) == 0 ? 1 + below(&rnd, o->vcpus) : o->vcpus;
	p.thp = below(&rnd, 4) != 0 || m->does == DO_NX;
	p.manual = below(&rnd, 3) != 0;
	p.initially_set = below(&rnd, 2);
	if (m->does == DO_DIRTY && below(&rnd, 2))
		p.does |= DO_PAGES;
	if ((m->does & DO_NX) && !nx_present())
		p.does &= ~DO_NX;
	/* Where the host has huge pages etmem_scan warns of its own addresses. */
	if (m->does & DO_ETMEM)
		p.thp = false;
	/* A destroyed VM has some of it each time. */
	if (m->does & DO_KILL)
		p.does &= next_random(&rnd) | DO_KILL | DO_PAGES;
	if (m->does == DO_NX) {
		p.vcpus = o->vcpus;
		p.ms = o->ms;
	}
	if (p.ms > o->ms)
		p.ms = o->ms;
	p.eager_split = below(&rnd, 4) != 0;
	return p;
}

/* The exit code of a round's process; it is killed at a random time if so planned. */
static int one_round(const struct mode *m, const struct options *o, long round)
{
	struct plan p = make_plan(m, o, round);
	u64 rnd = p.seed ^ 0x6b696c6c;
	long start = now_ms(), kill_at = start + 100 + below(&rnd, p.ms + 500);
	/* Behind all limits of its own. */
	long hang_at = start + p.ms + (SLOW_MS + REST_S * 1000 + 15000) * patience();
	bool killed = false;
	int status = 0;
	pid_t pid;

	/* Kernels from before that have no such knob. */
	set_knob(EAGER, p.eager_split ? "1" : "0");
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		say("fork: %s", strerror(errno));
		return EX_FAIL;
	}
	if (!pid) {
		fail_prefix("FAIL %s --seed %llu --round %ld: ", p.mode,
			    (unsigned long long)o->seed, round);
		exit(run_round(&p));
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		long long shared = read_number(KSM "/pages_sharing");

		if (shared > most_shared)
			most_shared = shared;
		if (interrupted || now_ms() > hang_at || ((p.does & DO_KILL) && now_ms() > kill_at)) {
			if (now_ms() > hang_at)
				say("FAIL %s --seed %llu --round %ld: hang: killed after %ld ms",
				    p.mode, (unsigned long long)o->seed, round, now_ms() - start);
			killed = now_ms() <= hang_at;
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		sleep_us(5000);
	}
	if (!leak_check(pid)) {
		say("FAIL %s --seed %llu --round %ld: the VM left something behind", p.mode,
		    (unsigned long long)o->seed, round);
		return EX_FAIL;
	}
	if (WIFSIGNALED(status)) {
		if (!killed)
			say("FAIL %s --seed %llu --round %ld: signal %d", p.mode,
			    (unsigned long long)o->seed, round, WTERMSIG(status));
		return killed ? EX_PASS : EX_FAIL;
	}
	return WEXITSTATUS(status);
}

/* Why there is nothing to stress here, or NULL. */
static const char *absent(const struct mode *m)
{
	if (m->does == DO_NX && !nx_present())
		return "this kernel has no NX huge pages";
	if (m->does & DO_NUMA)
		return numa_absent();
	return m->does & DO_ETMEM ? etmem_absent() : NULL;
}

static int run_mode(const struct mode *m, const struct options *given)
{
	long long before[NR_EVENTS], since;
	char text[600];
	size_t len;
	struct options o = *given;
	long until, round = o.round >= 0 ? o.round : 0, rounds = 0;
	int rc = EX_PASS;
	size_t i;

	if (m->does == DO_NX && nx_recovery_is_slow() && o.ms < 66000 && o.mib >= 16)
		o.ms = 66000;
	for (i = 0; i < NR_EVENTS; i++)
		before[i] = number_behind("/proc/vmstat", events[i].name);
	most_shared = 0;
	until = now_ms() + o.ms;
	do {
		rc = one_round(m, &o, round++);
		rounds++;
	} while (rc == EX_PASS && o.round < 0 && !interrupted && now_ms() < until - 500);
	len = snprintf(text, sizeof(text), "%ld VMs, ksm shared %lld", rounds, most_shared);
	for (i = 0; i < NR_EVENTS; i++) {
		since = number_behind("/proc/vmstat", events[i].name) - before[i];
		if (before[i] >= 0)
			len += snprintf(text + len, sizeof(text) - len, ", %s %lld", events[i].name, since);
		if (rc == EX_PASS && o.round < 0 && (m->does & events[i].needed_by) && since <= 0) {
			say("FAIL %s: no %s in all of this: nothing is proved", m->name, events[i].name);
			rc = EX_FAIL;
		}
	}
	say("%s: %s", m->name, text);
	if (rc == EX_PASS && o.round < 0 && (m->does & DO_NUMA) && most_shared <= 0) {
		say("FAIL %s: KSM has merged nothing: nothing is proved", m->name);
		rc = EX_FAIL;
	}
	return rc;
}

static u64 number(const char *name, const char *text, u64 low, u64 high)
{
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end || n < low || n > high)
		refuse("--%s '%s': a number from %llu to %llu, see -h", name, text,
		       (unsigned long long)low, (unsigned long long)high);
	return n;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "mode", 1, NULL, 'm' }, { "seconds", 1, NULL, 's' }, { "minutes", 1, NULL, 't' },
		{ "ms", 1, NULL, 'M' },
		{ "vcpus", 1, NULL, 'v' }, { "mib", 1, NULL, 'b' }, { "seed", 1, NULL, 'S' },
		{ "round", 1, NULL, 'r' }, { "count-pages", 0, NULL, 'c' },
		{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct options o = { .seed = (u64)time(NULL) * 1000 + getpid(), .vcpus = 4, .mib = 16,
			     .ms = 20000, .round = -1 };
	u32 chosen = 0, nr = 0, passed = 0, skipped = 0;
	bool count_pages = false, etmem = false;
	const char *reason;
	int c, rc;
	size_t i;

	wording.fail = "# ";
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			for (i = 0; i < NR_MODES && strcmp(modes[i].name, optarg); i++)
				;
			if (i == NR_MODES)
				refuse("no mode '%s': see -h", optarg);
			chosen |= 1U << i;
			break;
		case 's': o.ms = number("seconds", optarg, 1, 1000000) * 1000; break;
		case 'M': o.ms = number("ms", optarg, 1, 1000000000); break;
		case 't': o.ms = number("minutes", optarg, 1, 100000) * 60000; break;
		case 'v': o.vcpus = number("vcpus", optarg, 1, MAX_VCPUS); break;
		case 'b': o.mib = number("mib", optarg, 2, 256) & ~1ULL; break;
		case 'S': o.seed = number("seed", optarg, 0, ~0ULL); break;
		case 'r': o.round = number("round", optarg, 0, 1U << 30); break;
		case 'c': count_pages = true; break;
		case 'h': fputs(help, stdout); return 0;
		default: return EX_USAGE;
		}
	}
	if (optind < argc)
		refuse("unknown '%s': see -h", argv[optind]);
	if (!chosen)
		chosen = (1U << NR_MODES) - 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < NR_MODES; i++)
		if ((chosen & 1U << i) && (modes[i].does & DO_ETMEM) && !absent(&modes[i]))
			etmem = true;
	if (etmem && !etmem_start()) {
		printf("1..0\n");
		return EX_FAIL;
	}
	reason = access("/dev/kvm", R_OK | W_OK) ? "no /dev/kvm" : leak_start(count_pages);
	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		return EX_SKIP;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	for (i = 0; i < sizeof(knobs) / sizeof(*knobs); i++)
		if (!set_knob(knobs[i][0], knobs[i][1]))
			say("not here: %s", knobs[i][0]);
	printf("TAP version 13\n1..%d\n", __builtin_popcount(chosen));
	say("seed %llu vcpus %u mib %u ms %ld", (unsigned long long)o.seed, o.vcpus, o.mib, o.ms);
	for (i = 0; i < NR_MODES && !interrupted; i++) {
		if (!(chosen & 1U << i))
			continue;
		nr++;
		reason = absent(&modes[i]);
		if (reason) {
			printf("ok %u %s # SKIP %s\n", nr, modes[i].name, reason);
			skipped++;
			continue;
		}
		if (modes[i].does & DO_NUMA)
			numa_knobs();
		rc = run_mode(&modes[i], &o);
		printf("%s %u %s%s\n", rc == EX_PASS || rc == EX_SKIP ? "ok" : "not ok", nr,
		       modes[i].name, rc == EX_SKIP ? " # SKIP the selftest library would not" : "");
		passed += rc == EX_PASS;
		skipped += rc == EX_SKIP;
	}
	restore_knobs();
	if (etmem)
		etmem_stop();
	if (interrupted)
		return EX_FAIL;
	return passed + skipped < nr ? EX_FAIL : passed ? EX_PASS : EX_SKIP;
}
