// SPDX-License-Identifier: GPL-2.0
/*
 * bench-figures.c - tables and targets of what ci/bench measured.
 *
 * Usage:   bench-figures --table | --brief | --targets TARGETS RESULTS
 *          bench-figures --plot CASE MIB RESULTS
 * Inputs:  TARGETS   ci/figures/targets, which explains itself
 *          RESULTS   a table with the columns of results.c
 * Outputs: Markdown. Of repetitions the smallest is taken, of a rate the largest.
 *          --brief    demand paging by kernels, and the targets
 *          --table    these, and all cases of base, the series, that is its milestone
 *                     default-on or the last one before, the peer, and the last milestone
 *                     behind default-on. Times (ns) are shown in us
 *          --targets  a line for each target: what it is, the figure, the limit, and yes, no
 *                     or missing
 *          --plot     lines "VCPUS VALUE..." for gnuplot, a column for each kernel and MMU,
 *                     which the first line names; ? where there is no figure
 * Exit:    0 done; 1 --targets: one is missed, or has not been measured; 2 usage, or a file
 *          that is not in order
 */
#include "base.h"
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct results results;

/* What is compared: of whom, with which MMU. NULL is for the series, or what is behind it. */
static const struct side {
	const char *milestone, *mmu, *name;
} sides[] = {
	{ "base", "tdp0", "base, legacy" }, { "base", "tdp1", "base, TDP" },
	{ NULL, "tdp0", "series, legacy" }, { NULL, "tdp1", "series, TDP" },
	{ "peer", "tdp0", "6.1, legacy" }, { "peer", "tdp1", "6.1, TDP" },
	{ NULL, "tdp1", NULL },
};
enum { BASE_LEGACY, BASE_TDP, SERIES_LEGACY, SERIES_TDP, PEER_LEGACY, PEER_TDP, LATER_TDP, SIDES };

/* How many columns there are: milestones behind default-on need not have been measured. */
static int nr_sides(void)
{
	return results.later ? SIDES : LATER_TDP;
}

/* The figure of a case, or -1. unit is set if there is one. */
static double figure(const char *milestone, const char *mmu, const char *name, const char *vcpus,
		     const char *mib, const char **unit)
{
	const struct csv_row *best = results_best(&results, milestone, mmu, name, vcpus, mib);

	if (!best)
		return -1;
	*unit = best->field[UNIT];
	return atof(best->field[VALUE]);
}

static double of_side(int side, const char *name, const char *vcpus, const char *mib, const char **unit)
{
	const char *milestone = sides[side].milestone;

	if (!milestone)
		milestone = side == LATER_TDP ? results.later : results.series;
	return figure(milestone, sides[side].mmu, name, vcpus, mib, unit);
}

/* The best of base and series with the legacy MMU and the peer with the TDP MMU, or -1. */
static double others(const double *d, bool rate)
{
	static const int which[] = { BASE_LEGACY, SERIES_LEGACY, PEER_TDP };
	double best = -1;
	size_t i;

	for (i = 0; i < 3; i++)
		if (d[which[i]] >= 0 && (best < 0 || (rate ? d[which[i]] > best : d[which[i]] < best)))
			best = d[which[i]];
	return best;
}

static void show(double d, const char *unit)
{
	if (d < 0)
		printf("  |");
	else if (!strcmp(unit, "ns"))
		printf(" %.1f |", d / 1000);
	else
		printf(" %.0f |", d);
}

static const char *shown_unit(const char *unit)
{
	return strcmp(unit, "ns") ? unit : "us";
}

/* What a target is about. */
struct target {
	char *kind, *name, *vcpus, *mib, *title;
	double limit;
};

enum verdict { MISSING, NO, YES };

static double ratio_of(const struct target *t, const double *d, const char *unit)
{
	const char *u;
	double one, best;

	if (!strcmp(t->kind, "most"))
		return d[SERIES_TDP];
	if (!strcmp(t->kind, "legacy"))
		return d[SERIES_LEGACY] < 0 || d[BASE_LEGACY] <= 0 ? -1 : d[SERIES_LEGACY] / d[BASE_LEGACY];
	if (d[SERIES_TDP] < 0)
		return -1;
	if (!strcmp(t->kind, "later"))
		return d[LATER_TDP] < 0 || d[SERIES_TDP] <= 0 ? -1 : d[LATER_TDP] / d[SERIES_TDP];
	if (!strcmp(t->kind, "scaling")) {
		one = of_side(SERIES_TDP, t->name, "1", t->mib, &u);
		return one <= 0 ? -1 : 100 * d[SERIES_TDP] / one / atoi(t->vcpus);
	}
	if (d[BASE_LEGACY] < 0 || d[SERIES_LEGACY] < 0 || d[PEER_TDP] < 0)
		return -1;
	best = others(d, is_rate(unit));
	/* None where the others have none is as good as they are. */
	return best > 0 ? d[SERIES_TDP] / best : d[SERIES_TDP] + 1;
}

static enum verdict judge(const struct target *t, double ratio)
{
	bool least = !strcmp(t->kind, "rate") || !strcmp(t->kind, "scaling");

	if (ratio < 0)
		return MISSING;
	/* As it is shown: with two digits. */
	ratio = (double)(long long)(ratio * 100 + 0.5) / 100;
	return (least ? ratio >= t->limit : ratio <= t->limit) ? YES : NO;
}

static char *word(char **at)
{
	char *w = *at + strspn(*at, " \t");

	*at = w + strcspn(w, " \t");
	if (**at)
		*(*at)++ = '\0';
	return w;
}

/* Calls each with the targets of a file, in order. Returns how many were not reached. */
static unsigned int each_target(const char *path, void (*each)(const struct target *, const double *,
							      const char *, double, enum verdict))
{
	unsigned int missed = 0;
	struct text text;
	size_t i;
	int err = text_load(&text, path), side;

	if (err)
		refuse(path, "cannot read it: %s", strerror(err));
	for (i = 0; i < text.nr; i++) {
		char *at = text.line[i], *limit;
		const char *unit = "";
		struct target t;
		double d[SIDES], ratio;
		enum verdict v;

		if (*at == '#' || is_blank(at))
			continue;
		t.kind = word(&at);
		t.name = word(&at);
		t.vcpus = word(&at);
		t.mib = word(&at);
		limit = word(&at);
		t.title = at + strspn(at, " \t");
		if (!*t.title || word_index("ratio rate scaling legacy most later", t.kind) < 0)
			refuse_line(path, i + 1, "not KIND CASE VCPUS MIB LIMIT TITLE");
		figure_number(path, i + 1, t.vcpus);
		figure_number(path, i + 1, t.mib);
		t.limit = figure_number(path, i + 1, limit);
		for (side = 0; side < SIDES; side++)
			d[side] = of_side(side, t.name, t.vcpus, t.mib, &unit);
		ratio = ratio_of(&t, d, unit);
		v = judge(&t, ratio);
		missed += v != YES;
		each(&t, d, unit, ratio, v);
	}
	return missed;
}

static const char * const verdicts[] = { "missing", "no", "yes" };

static const char *sign(const struct target *t)
{
	return !strcmp(t->kind, "rate") || !strcmp(t->kind, "scaling") ? ">=" : "<=";
}

static int digits(const struct target *t)
{
	return strcmp(t->kind, "most") && strcmp(t->kind, "scaling") ? 2 : 0;
}

static void target_line(const struct target *t, const double *d, const char *unit, double ratio,
			enum verdict v)
{
	(void)d;
	(void)unit;
	printf("%-7s %s (%s, %s vCPUs, %s MiB): ", verdicts[v], t->title, t->name, t->vcpus, t->mib);
	if (v == MISSING)
		printf("not measured");
	else
		printf("%.*f", digits(t), ratio);
	printf(", wanted %s %.*f\n", sign(t), digits(t), t->limit);
}

static void target_row(const struct target *t, const double *d, const char *unit, double ratio,
		       enum verdict v)
{
	printf("| %s | %s | %s | %s |", t->title, t->vcpus, t->mib, shown_unit(unit));
	show(d[BASE_LEGACY], unit);
	show(d[SERIES_LEGACY], unit);
	show(d[SERIES_TDP], unit);
	show(d[PEER_TDP], unit);
	if (results.later)
		show(d[LATER_TDP], unit);
	if (v == MISSING)
		printf("  |");
	else if (!strcmp(t->kind, "scaling"))
		printf(" %.0f %% |", ratio);
	else
		printf(" %.*f |", digits(t), ratio);
	printf(" %s %.*f |%s |\n", sign(t), digits(t), t->limit, v == YES ? " yes" : v == NO ? " **no**" : " -");
}

/* Has an earlier row than i the same in these fields? */
static bool seen(size_t i, const int *fields, size_t nr)
{
	size_t j, k;

	for (j = 1; j < i; j++) {
		for (k = 0; k < nr; k++)
			if (strcmp(results.csv.row[i].field[fields[k]], results.csv.row[j].field[fields[k]]))
				break;
		if (k == nr)
			return true;
	}
	return false;
}

static const char * const vcpus[] = { "1", "2", "4", "7", "8", "12" };
#define VCPU_COUNTS (sizeof(vcpus) / sizeof(*vcpus))

static const int by_kernel[] = { MILESTONE, MMU }, by_case[] = { CASE, VCPUS, MIB_OF };

/* Demand paging: a row for each kernel and MMU, a column for each number of vCPUs. */
#define DEMAND "demand-private-4k.rate"

static void demand_table(void)
{
	const char *unit, *mib = "8";
	size_t i, v;

	printf("Demand paging, pages per simulated second, %s MiB for each vCPU:\n\n", mib);
	printf("| kernel | milestone | MMU | 1 vCPU | 2 | 4 | 7 | 8 | 12 | scaling |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (i = 1; i < results.csv.nr; i++) {
		char **f = results.csv.row[i].field;
		double one = 0, most = -1, d;
		int of = 0;

		if (seen(i, by_kernel, 2))
			continue;
		printf("| %s | %s | %s |", f[KERNEL], f[MILESTONE], strcmp(f[MMU], "tdp0") ? "TDP" : "legacy");
		for (v = 0; v < VCPU_COUNTS; v++) {
			d = figure(f[MILESTONE], f[MMU], DEMAND, vcpus[v], mib, &unit);
			if (!v)
				one = d;
			if (d >= 0) {
				most = d;
				of = atoi(vcpus[v]);
			}
			show(d, "");
		}
		if (one > 0 && of > 1)
			printf(" %.0f %% of %d |\n", 100 * most / of / one, of);
		else
			printf("  |\n");
	}
}

static void all_cases(void)
{
	size_t i;
	int side;

	printf("\nAll cases; the ratio is that of the series with the TDP MMU to the better of the legacy\n"
	       "MMU of base and series and the TDP MMU of 6.1:\n\n| case | vCPUs | MiB | unit |");
	for (side = 0; side < LATER_TDP; side++)
		printf(" %s |", sides[side].name);
	if (results.later)
		printf(" %s, TDP |", results.later);
	printf(" ratio |\n| --- | --- | --- | --- |");
	for (side = 0; side < nr_sides(); side++)
		printf(" --- |");
	printf(" --- |\n");
	for (i = 1; i < results.csv.nr; i++) {
		char **f = results.csv.row[i].field;
		const char *unit = f[UNIT];
		double d[SIDES], best;

		if (seen(i, by_case, 3))
			continue;
		printf("| %s | %s | %s | %s |", f[CASE], f[VCPUS], f[MIB_OF], shown_unit(unit));
		for (side = 0; side < nr_sides(); side++) {
			d[side] = of_side(side, f[CASE], f[VCPUS], f[MIB_OF], &unit);
			show(d[side], unit);
		}
		best = others(d, is_rate(unit));
		if (best > 0 && d[SERIES_TDP] >= 0)
			printf(" %.2f |\n", d[SERIES_TDP] / best);
		else
			printf("  |\n");
	}
}

static void tables(const char *targets, bool brief)
{
	demand_table();
	printf("\nTargets:\n\n| operation | vCPUs | MiB | unit | base, legacy | series, legacy | series, TDP | 6.1, TDP |");
	if (results.later)
		printf(" %s, TDP |", results.later);
	printf(" ratio | target | reached |\n| --- | --- | --- | --- | --- | --- | --- | --- |%s --- | --- | --- |\n",
	       results.later ? " --- |" : "");
	each_target(targets, target_row);
	if (!brief)
		all_cases();
}

static void plot(const char *name, const char *mib)
{
	size_t v;
	int side;
	const char *unit;

	printf("vCPUs");
	for (side = 0; side < LATER_TDP; side++)
		printf(" \"%s\"", sides[side].name);
	for (v = 0; v < VCPU_COUNTS; v++) {
		printf("\n%s", vcpus[v]);
		for (side = 0; side < LATER_TDP; side++) {
			double d = of_side(side, name, vcpus[v], mib, &unit);

			if (d < 0)
				printf(" ?");
			else
				printf(" %.6g", strcmp(unit, "ns") ? d : d / 1e6);
		}
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	unsigned int missed = 0;

	if (argc != 4 && !(argc == 5 && !strcmp(argv[1], "--plot"))) {
		fprintf(stderr, "usage: bench-figures --table | --brief | --targets TARGETS RESULTS\n"
				"       bench-figures --plot CASE MIB RESULTS\n");
		return EX_USAGE;
	}
	results_load(&results, argv[argc - 1]);
	if (!strcmp(argv[1], "--plot"))
		plot(argv[2], argv[3]);
	else if (!strcmp(argv[1], "--targets"))
		missed = each_target(argv[2], target_line);
	else if (!strcmp(argv[1], "--table") || !strcmp(argv[1], "--brief"))
		tables(argv[2], !strcmp(argv[1], "--brief"));
	else
		die(EX_USAGE, "unknown option '%s'", argv[1]);
	results_free(&results);
	if (fflush(stdout))
		die(EX_HARNESS, "cannot write");
	return missed ? EX_FAIL : EX_PASS;
}
