// SPDX-License-Identifier: GPL-2.0
/*
 * lock-fit.c - the model of mmu_lock: its parameters, and what it says with them.
 *
 * Parameters, in instructions, of which a simulated second has 200 million:
 *	fault		200 million / rate of 1 vCPU
 *	serial		the longest hold with which the model's rate of 12 vCPUs is not below the
 *			measured one; if they queue all the time, 200 million / that rate
 *	outside		fault - serial
 *	each page	(time with 32 MiB - time with 8 MiB) / 6144
 */
#include "lock-fit.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

#define FAULTS		PAGES(8)	/* of each vCPU */
#define CHUNKS		32		/* of CLEAR, that are simulated */

const unsigned int vcpus[] = { 1, 2, 4, 7, 8, 12 };
const char * const steps[] = { "enable", "clear", "delete", "pass-2" };
const struct point points[] = {
	{ 1, 8 }, { 1, 32 }, { 2, 8 }, { 4, 8 }, { 7, 8 }, { 1, 128 },
};
const struct point deletions[] = { { 1, 32 }, { 7, 8 } };

struct side sides[] = {
	{ .name = "base, legacy", .milestone = "base", .mmu = "tdp0", .lock_for = FOR_WRITE },
	{ .name = "series, legacy", .mmu = "tdp0", .lock_for = FOR_WRITE },
	{ .name = "series, TDP", .mmu = "tdp1", .lock_for = FOR_READ },
};

/* Of a rate it is the time from one to the next. */
static struct figure figure(const struct results *results, const struct side *s, const char *name,
			    unsigned int nr, unsigned int mib)
{
	const char *milestone = s->milestone ? s->milestone : results->series, *unit;
	char *nr_name = xasprintf("%u", nr), *mib_name = xasprintf("%u", mib);
	const struct csv_row *r;
	double d;

	r = results_best(results, milestone, s->mmu, name, nr_name, mib_name);
	free(nr_name);
	free(mib_name);
	if (!r)
		return (struct figure){ 0 };
	unit = r->field[UNIT];
	d = atof(r->field[VALUE]);
	if (is_rate(unit))
		d = SECOND / d;
	else if (!strcmp(unit, "ns"))
		d *= SECOND / 1e9;
	/* With more lock-sim.c could overflow. */
	if (!(d >= 1 && d <= 1e11))
		refuse_line(results->path, r->line, "the model can do nothing with %s %s",
			    r->field[VALUE], unit);
	return (struct figure){ d, r->line };
}

static struct figure need(const struct results *results, const struct side *s, const char *name,
			  unsigned int nr, unsigned int mib)
{
	struct figure f = figure(results, s, name, nr, mib);

	if (!f.line)
		refuse_line(results->path, 1, "no row of %s: %s with %u vCPUs and %u MiB",
			    s->name, name, nr, mib);
	return f;
}

static double demand(unsigned int nr, ticks fault, ticks held, enum lock_for lock_for,
		     ticks transfer, bool vary)
{
	struct crowd c = {
		.lock_for = lock_for, .nr = nr,
		.outside = fault > held ? fault - held : 0, .held = held,
		/* Many come to the same in less time. */
		.times = nr > vcpus[LAST] ? FAULTS / 8 : FAULTS,
	};

	lock_simulate(&c, 1, transfer, vary);
	return (double)c.end / c.done;
}

/* As if it were a lock for one at a time; of readers, how much could be. */
static ticks fit(const struct side *s, size_t point, bool vary)
{
	ticks low = 0, high = s->fault + 1, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (demand(vcpus[point], s->fault, middle, FOR_WRITE, 0, vary) <=
		    s->demand[point].value)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void take_rows(struct side *s, const struct results *r)
{
	size_t i, j;

	for (i = 0; i < NR_VCPUS; i++)
		s->demand[i] = need(r, s, "demand-private-4k.rate", vcpus[i], 8);
	s->huge = need(r, s, "demand-private-thp.per-fault", 1, 32);
	for (i = 0; i < STEPS; i++) {
		char *name = xasprintf("dirty-manual-4k.%s", steps[i]);

		for (j = 0; j < NR_POINTS; j++)
			s->step[i][j] = (j < NR_POINTS - 1 ? need : figure)(r, s, name,
					points[j].vcpus, points[j].mib);
		free(name);
	}
	s->clear_64 = need(r, s, "dirty-manual-4k.clear-64", 1, 32);
	for (i = 0; i < NR(deletions); i++)
		s->gap[i] = need(r, s, "slots-4k.delete-gap", deletions[i].vcpus,
				 deletions[i].mib);
}

void lock_fit(const char *path)
{
	struct results r;
	struct side *s;
	int vary;

	results_load(&r, path);
	each_side(s)
		take_rows(s, &r);
	results_free(&r);
	each_side(s) {
		s->fault = s->demand[0].value + 0.5;
		for (vary = 0; vary < 2; vary++)
			s->serial[vary] = fit(s, LAST, vary);
		s->held = s->serial[0];
	}
	/* How long readers hold it does not show in their rate. */
	s = &sides[SERIES_TDP];
	s->held = sides[SERIES_LEGACY].serial[0];
	if (s->held > s->fault)
		s->held = s->fault;
}

double faults(const struct side *s, unsigned int nr, ticks transfer)
{
	return demand(nr, s->fault, s->held, s->lock_for, transfer, false);
}

double faults_serial(const struct side *s, unsigned int nr)
{
	return demand(nr, s->fault, s->serial[1], FOR_WRITE, 0, true);
}

double faults_held_out(const struct side *s)
{
	bool vary = s->lock_for == FOR_READ;

	return demand(vcpus[LAST], s->fault, fit(s, LAST - 1, vary), FOR_WRITE, 0, vary);
}

double faults_huge(const struct side *s, ticks transfer)
{
	return demand(MOST, s->huge.value, s->held, s->lock_for, transfer, false);
}

/* What a pass writes to is each vCPU's own; the other steps deal with all. */
double pages_of(int step, size_t point)
{
	return (step == WRITE_AGAIN ? 1 : points[point].vcpus) * PAGES(points[point].mib);
}

double each_page(const struct side *s, int step)
{
	const struct figure *f = s->step[step];

	return (f[1].value - f[0].value) / (pages_of(step, 1) - pages_of(step, 0));
}

double all_pages(const struct side *s, int step, double nr)
{
	return s->step[step][0].value + each_page(s, step) * (nr - pages_of(step, 0));
}

double call_of_clear(const struct side *s)
{
	double d = (s->clear_64.value - s->step[CLEAR][1].value) / (pages_of(CLEAR, 1) / 64);

	return d > 0 ? d : 0;
}

/* Legacy: while it zaps, in proportion. TDP: for what does not depend on the size. */
double hold_of_delete(const struct side *s, double nr_pages)
{
	double hold = s->gap[0].value - s->fault;

	if (hold < 0)
		return 0;
	return s->lock_for == FOR_READ ? hold : hold / PAGES(deletions[0].mib) * nr_pages;
}

double gap_of_delete(const struct side *s, unsigned int nr, double nr_pages)
{
	struct crowd c[] = {
		/* It asks just before a vCPU does. */
		{ .lock_for = FOR_WRITE, .nr = 1, .outside = 11 * s->fault - s->held,
		  .held = hold_of_delete(s, nr_pages), .times = 1 },
		{ .lock_for = s->lock_for, .nr = nr, .outside = s->fault - s->held,
		  .held = s->held },
	};

	lock_simulate(c, 2, 0, false);
	return c[1].longest + s->fault;
}

struct crowd during_clear(const struct side *s, ticks transfer)
{
	double chunk = each_page(s, CLEAR) * CHUNK;
	struct crowd c[] = {
		{ .lock_for = FOR_WRITE, .nr = 1, .outside = call_of_clear(s),
		  .held = chunk > 0 ? chunk : 0, .times = CHUNKS },
		{ .lock_for = s->lock_for, .nr = MOST, .outside = NEEDED, .held = s->held },
	};

	lock_simulate(c, 2, transfer, true);
	return c[1];
}
