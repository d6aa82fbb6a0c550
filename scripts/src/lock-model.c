// SPDX-License-Identifier: GPL-2.0
/*
 * lock-model.c - what mmu_lock does to a VM that is larger than those that could be measured:
 * vCPUs and the lock are simulated (lock-sim.c) with the times that ci/bench has measured.
 *
 * Usage:   lock-model [--transfer C] --table | --plot RESULTS
 *          lock-model --simulate C HOW,THREADS,OUTSIDE,HELD,TIMES...
 * Inputs:  RESULTS   results.csv of ci/bench: demand-private-4k and -thp, dirty-manual-4k and
 *                    slots-4k of base and series
 *          C         what it takes to bring the lock's cache line to another CPU, in
 *                    instructions (default: 100). Assumed: the emulator has no caches. The
 *                    model is shown with 0, C and four times C
 *          HOW       of threads that are alike: read or write, or vary-read, vary-write, which
 *                    make all times outside vary; OUTSIDE and HELD in instructions
 *          TIMES     of each thread; 0: until the others have done
 * Outputs: --table   Markdown: the parameters (lock-fit.c) and the lines they are of, the model
 *                    beside what was measured, what it says of 416 vCPUs and 12 TiB, what it
 *                    assumes
 *          --plot    for gnuplot: "VCPUS VALUE...", 1000 faults in 200 million instructions,
 *                    which the first line names; ? where nothing was measured
 *          --simulate  a line for each HOW: "END DONE LONGEST WAITED": when the last thread had
 *                    done, how often one had the lock, the longest wait for it, all waits
 *          For the same input always the same.
 * Exit:    0 done; 2 usage, or a row is missing or not in order
 */
#include "lock-fit.h"
#include "text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ticks transfers[3] = { 0, 100, 400 };
static const unsigned int wanted[] = { 1, 2, 4, 7, 8, 12, 16, 32, 64, 128, 256, MOST };
static double worst;			/* of the errors since it was 0 */

static double error_cell(double model, double measured)
{
	double e = 100 * (model / measured - 1);

	e = e > -0.05 && e < 0.05 ? 0 : e;
	printf(" %+.1f %% |", e);
	return e < 0 ? -e : e;
}

static void check_cell(double model, double measured)
{
	double e = error_cell(model, measured);

	if (e > worst)
		worst = e;
}

static void tell_worst(void)
{
	printf("\nThe largest error is %.1f %%.\n", worst);
	worst = 0;
}

/* The head of a table: first, and a column for each kernel and MMU; or for each transfer, too. */
static void head(const char *first, bool by_transfer)
{
	size_t t, columns = 1;
	struct side *s;

	printf("\n| %s |", first);
	for (; *first; first++)
		columns += *first == '|';
	for (t = 0; t < (by_transfer ? NR(transfers) : 1); t++) {
		each_side(s) {
			if (by_transfer)
				printf(" %s, %llu |", s->name, transfers[t]);
			else
				printf(" %s |", s->name);
			columns++;
		}
	}
	printf("\n|");
	while (columns--)
		printf(" --- |");
	printf("\n");
}

static void parameters(void)
{
	struct side *s;
	size_t i;

	printf("# mmu_lock on paper\n\n"
	       "Parameters, in instructions, 200 million of which are a simulated second; in\n"
	       "brackets the lines of `results.csv`:\n");
	head("parameter | case", false);
	printf("| a fault | `demand-private-4k.rate`, 1 vCPU |");
	each_side(s)
		printf(" %llu (%zu) |", s->fault, s->demand[0].line);
	printf("\n| of it one at a time, at most | the same, 12 vCPUs |");
	each_side(s)
		printf(" %llu (%zu) |", s->serial[0], s->demand[LAST].line);
	printf("\n| if times outside of it vary | the same |");
	each_side(s)
		printf(" %llu |", s->serial[1]);
	printf("\n| a fault on a huge page | `demand-private-thp.per-fault` |");
	each_side(s)
		printf(" %.0f (%zu) |", s->huge.value, s->huge.line);
	for (i = 0; i < STEPS; i++) {
		printf("\n| each page | `dirty-manual-4k.%s`, 8 and 32 MiB |", steps[i]);
		each_side(s)
			printf(" %.1f (%zu, %zu) |", each_page(s, i), s->step[i][0].line,
			       s->step[i][1].line);
	}
	printf("\n| one more call of CLEAR | `dirty-manual-4k.clear-64`, 32 MiB |");
	each_side(s)
		printf(" %.0f (%zu) |", call_of_clear(s), s->clear_64.line);
	printf("\n| held for write to delete | `slots-4k.delete-gap`, 32 MiB, less a fault |");
	each_side(s)
		printf(" %.0f (%zu) |", hold_of_delete(s, PAGES(deletions[0].mib)),
		       s->gap[0].line);
	printf("\n");
}

static void check_demand(void)
{
	struct side *s;
	size_t i;

	printf("\n## The model and what was measured\n\n"
	       "Demand paging, faults in a simulated second. The parameters of the legacy MMU are\n"
	       "those of 1 and 12 vCPUs, of the TDP MMU that of 1; where times vary, of 1 and 12,\n"
	       "and with a part of the fault that is done one at a time.\n\n"
	       "| kernel and MMU | vCPUs | line | measured | model | error | times vary | error |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	each_side(s) {
		for (i = 0; i < NR_VCPUS; i++) {
			double measured = SECOND / s->demand[i].value;
			double equal = SECOND / faults(s, vcpus[i], 0);
			double vary = SECOND / faults_serial(s, vcpus[i]);

			printf("| %s | %u | %zu | %.0f | %.0f |", s->name, vcpus[i],
			       s->demand[i].line, measured, equal);
			check_cell(equal, measured);
			printf(" %.0f |", vary);
			error_cell(vary, measured);
			printf("\n");
		}
	}
	printf("\nHow far it is off for %u vCPUs if it has the parameters of %u instead:\n\n",
	       vcpus[LAST], vcpus[LAST - 1]);
	each_side(s)
		printf("- %s%s: %+.1f %%\n", s->name, s->lock_for == FOR_READ ? ", times vary" : "",
		       100 * (s->demand[LAST].value / faults_held_out(s) - 1));
	printf("\nAll else is with equal times.");
	tell_worst();
}

static void check_steps(void)
{
	struct side *s;
	size_t i, j;

	printf("\nSteps of `dirty-manual-4k`: how far the line through 8 and 32 MiB of 1 vCPU is\n"
	       "from what others took. It goes by the pages of all vCPUs; of `pass-2`, writes to\n"
	       "pages that were cleared, by those of one, as these faults take no lock.\n\n"
	       "| step | kernel and MMU |");
	for (j = 2; j < NR_POINTS; j++)
		printf(" vCPUs: %u, MiB of each: %u |", points[j].vcpus, points[j].mib);
	printf("\n| --- | --- | --- | --- | --- | --- |\n");
	for (i = 0; i < STEPS; i++) {
		each_side(s) {
			printf("| %s | %s |", steps[i], s->name);
			for (j = 2; j < NR_POINTS; j++) {
				if (s->step[i][j].line)
					check_cell(all_pages(s, i, pages_of(i, j)),
						   s->step[i][j].value);
				else
					printf(" not measured |");
			}
			printf("\n");
		}
	}
	tell_worst();
}

static void check_deletions(void)
{
	struct side *s;
	size_t i;

	printf("\nThe longest time that a vCPU stands still when a memslot is deleted, in\n"
	       "instructions. The parameters are those of 1 vCPU.\n\n"
	       "| kernel and MMU | vCPUs | MiB | line | measured | model | error |\n"
	       "| --- | --- | --- | --- | --- | --- | --- |\n");
	each_side(s) {
		for (i = 0; i < NR(deletions); i++) {
			const struct point *d = &deletions[i];
			double model = gap_of_delete(s, d->vcpus, PAGES(d->mib));

			printf("| %s | %u | %u | %zu | %.0f | %.0f |", s->name, d->vcpus, d->mib,
			       s->gap[i].line, s->gap[i].value, model);
			check_cell(model, s->gap[i].value);
			printf("\n");
		}
	}
	tell_worst();
}

static double rate(double ticks_of_fault)
{
	return SECOND / 1000 / ticks_of_fault;
}

static void extrapolate_demand(void)
{
	struct side *s, *tdp = &sides[SERIES_TDP];
	size_t i, t;

	printf("\n## %d vCPUs and 12 TiB\n\n"
	       "Demand paging, 1000 faults in a simulated second. Behind kernel and MMU stand the\n"
	       "instructions that it takes to bring the lock's cache line to another CPU. The\n"
	       "second column has none of that; what 12 vCPUs of the TDP MMU lack of 12 times the\n"
	       "rate of one is a part that is done one at a time there (%llu instructions,\n"
	       "times vary).\n",
	       MOST, tdp->serial[1]);
	head("vCPUs | TDP, a part one at a time", true);
	for (i = 0; i < NR(wanted); i++) {
		printf("| %u | %.0f |", wanted[i], rate(faults_serial(tdp, wanted[i])));
		for (t = 0; t < NR(transfers); t++)
			each_side(s)
				printf(" %.0f |", rate(faults(s, wanted[i], transfers[t])));
		printf("\n");
	}
	printf("\nSeconds until %d vCPUs have touched 12 TiB, with %.0f million instructions in a\n"
	       "second on each CPU, as in what follows:\n", MOST, HOST_SECOND / 1e6);
	head("pages", true);
	for (i = 0; i < 2; i++) {
		printf("| %s |", i ? "2 MiB" : "4 KiB");
		for (t = 0; t < NR(transfers); t++) {
			each_side(s) {
				double all = i ? PAGES_MOST / 512 * faults_huge(s, transfers[t]) :
					     PAGES_MOST * faults(s, MOST, transfers[t]);

				printf(" %.0f |", all / HOST_SECOND);
			}
		}
		printf("\n");
	}
}

static void extrapolate_steps(void)
{
	struct side *s;

	printf("\nA memslot of 12 TiB, in 4 KiB pages, is deleted. Seconds that it takes, and\n"
	       "that a vCPU stands still for at most:\n\n"
	       "| kernel and MMU | all | a vCPU |\n| --- | --- | --- |\n");
	each_side(s)
		printf("| %s | %.0f | %.3g |\n", s->name,
		       all_pages(s, DELETE, PAGES_MOST) / HOST_SECOND,
		       gap_of_delete(s, MOST, PAGES_MOST) / HOST_SECOND);
	printf("\nA round of dirty logging, all pages of 4 KiB and dirty, in seconds: enable; the\n"
	       "lock held for write by CLEAR, for all and for a chunk; how long a vCPU waits for\n"
	       "it at most, without and with %llu instructions for the cache line, and how much\n"
	       "of its time; what a write to each page takes after that, on %d vCPUs.\n\n"
	       "| kernel and MMU | enable | CLEAR | chunk | wait | wait, %llu | waits | writes |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- |\n", transfers[2], MOST,
	       transfers[2]);
	each_side(s) {
		struct crowd c = during_clear(s, 0), late = during_clear(s, transfers[2]);
		double clear = each_page(s, CLEAR), writes = each_page(s, WRITE_AGAIN);

		printf("| %s | %.0f | %.0f | %.4f | %.4f | %.4f | %.0f %% | %.1f |\n", s->name,
		       all_pages(s, ENABLE, PAGES_MOST) / HOST_SECOND,
		       clear * PAGES_MOST / HOST_SECOND, clear * CHUNK / HOST_SECOND,
		       c.longest / HOST_SECOND, late.longest / HOST_SECOND,
		       100.0 * c.waited / c.end / MOST, writes * PAGES_MOST / MOST / HOST_SECOND);
	}
}

static void assumptions(void)
{
	printf("\n## What is assumed\n\n"
	       "- Nobody has measured more than 12 vCPUs and 128 MiB: the errors above are those\n"
	       "  up to there.\n"
	       "- All instructions take the same time, %.0f million of them a second on each CPU\n"
	       "  of the host. The emulator has no caches: what page tables, struct pages and\n"
	       "  cleared pages cost of the host's memory is not in it. 12 TiB in a few seconds\n"
	       "  are more than any memory takes; it says that the lock is not the limit. Nor are\n"
	       "  mmap_lock, the page allocator and other locks in it, but for what 12 vCPUs show\n"
	       "  of them.\n",
	       HOST_SECOND / 1e6);
	printf("- The lock's cache line is needed to ask for the lock, to get it after a wait,\n"
	       "  and to give it back; one CPU at a time has it. From another CPU it takes %llu\n"
	       "  or %llu instructions, which is assumed, not measured; in the emulator 0. A\n"
	       "  reader needs it twice, so that all CPUs together get a fault in twice that time\n"
	       "  at best: for the TDP MMU the figures with 0 are an upper bound.\n",
	       transfers[1], transfers[2]);
	printf("- The lock is first come, first served. Between two faults a vCPU takes always\n"
	       "  the same time; where times vary, any from 0 to twice the mean.\n"
	       "- What 12 vCPUs lack of 12 times the rate of one is the lock, though no CPU is\n"
	       "  left for the host then. Of a fault of the TDP MMU up to %llu instructions could\n"
	       "  be done one at a time with the rate that 12 vCPUs have; with so many, more of\n"
	       "  them would not be faster.\n"
	       "- A fault on a huge page holds the lock as long as one on a small page. The TDP\n"
	       "  MMU holds it for read as long as the legacy MMU of the series for write.\n",
	       sides[SERIES_TDP].serial[0]);
	printf("- While a memslot is deleted, the legacy MMU keeps the lock. It would give it up\n"
	       "  if somebody else was to have the CPU, but not for who waits for the lock, as\n"
	       "  CONFIG_PREEMPTION is off. For a page it takes as long as with `slots-4k`; the\n"
	       "  time of all is by `dirty-manual-4k`, where the host does more for a page. The\n"
	       "  TDP MMU zaps under the read lock. How long it has the lock for write depends\n"
	       "  neither on the size nor on the number of vCPUs.\n"
	       "- CLEAR goes by chunks of 1 GiB, QEMU's default (clear_bitmap_shift=18), without\n"
	       "  a pause. With one, vCPUs wait less often, but not shorter. A vCPU needs the\n"
	       "  lock once in %u instructions, which vary. Writes to pages that were cleared do\n"
	       "  not need it.\n",
	       NEEDED);
}

static void plot(void)
{
	struct side *s;
	size_t i, j, t;

	printf("vCPUs");
	for (t = 0; t < NR(transfers); t++)
		each_side(s)
			printf(" \"%s, %llu\"", s->name, transfers[t]);
	each_side(s)
		printf(" \"%s\"", s->name);
	printf(" \"%s, a part one at a time\"", sides[SERIES_TDP].name);
	for (i = 0; i < NR(wanted); i++) {
		printf("\n%u", wanted[i]);
		for (t = 0; t < NR(transfers); t++)
			each_side(s)
				printf(" %.6g", rate(faults(s, wanted[i], transfers[t])));
		for (j = 0; j < NR_VCPUS && vcpus[j] != wanted[i]; j++)
			;
		each_side(s) {
			if (j == NR_VCPUS)
				printf(" ?");
			else
				printf(" %.6g", rate(s->demand[j].value));
		}
		printf(" %.6g", rate(faults_serial(&sides[SERIES_TDP], wanted[i])));
	}
	printf("\n");
}

/* A number from 0 to most at *at, and end behind it. */
static ticks number(const char **at, char end, ticks most)
{
	char *p;
	ticks n = strtoull(*at, &p, 10);

	if (**at < '0' || **at > '9' || *p != end || n > most)
		die(EX_USAGE, "'%s': wanted a number up to %llu%s", *at, most,
		    end ? " and a comma" : "");
	*at = p + (end != '\0');
	return n;
}

#define MOST_TICKS (1ULL << 38)		/* what lock-sim.c multiplies does not overflow */

static void simulate(const char *transfer, char **how, size_t nr)
{
	struct crowd c[8] = { 0 };
	bool vary = false;
	size_t i;

	if (!nr || nr > NR(c))
		die(EX_USAGE, "%zu kinds of threads: 1 to %zu", nr, NR(c));
	for (i = 0; i < nr; i++) {
		size_t len = strcspn(how[i], ",");
		char *word = xstrndup(how[i], len);
		int which = word_index("write read vary-write vary-read", word);
		const char *at = how[i] + len + 1;

		if (which < 0 || !how[i][len])
			die(EX_USAGE, "'%s' is not HOW,THREADS,OUTSIDE,HELD,TIMES", how[i]);
		free(word);
		vary |= which > 1;
		c[i].lock_for = which & 1 ? FOR_READ : FOR_WRITE;
		c[i].nr = number(&at, ',', 4096);
		c[i].outside = number(&at, ',', MOST_TICKS);
		c[i].held = number(&at, ',', MOST_TICKS);
		c[i].times = number(&at, '\0', MOST_TICKS);
	}
	lock_simulate(c, nr, number(&transfer, '\0', MOST_TICKS), vary);
	for (i = 0; i < nr; i++)
		printf("%llu %llu %llu %llu\n", c[i].end, c[i].done, c[i].longest, c[i].waited);
}

static void usage(FILE *f)
{
	fputs("usage: lock-model [--transfer C] --table | --plot RESULTS\n"
	      "       lock-model --simulate C HOW,THREADS,OUTSIDE,HELD,TIMES...\n", f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "transfer", required_argument, NULL, 'c' }, { "table", no_argument, NULL, 't' },
		{ "plot", no_argument, NULL, 'p' }, { "simulate", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 }
	};
	const char *transfer = "100";
	int option, mode = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h' || option == '?') {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_PASS : EX_USAGE;
		}
		if (option != 'c')
			mode = option;
		if (optarg)
			transfer = optarg;
	}
	if (!mode || (mode != 's' && optind != argc - 1)) {
		usage(stderr);
		return EX_USAGE;
	}
	if (mode == 's') {
		simulate(transfer, argv + optind, argc - optind);
	} else {
		transfers[1] = number(&transfer, '\0', MOST_TICKS);
		transfers[2] = 4 * transfers[1];
		lock_fit(argv[optind]);
		if (mode == 'p') {
			plot();
		} else {
			parameters();
			check_demand();
			check_steps();
			check_deletions();
			extrapolate_demand();
			extrapolate_steps();
			assumptions();
		}
	}
	if (fflush(stdout))
		die(EX_HARNESS, "cannot write");
	return EX_PASS;
}
