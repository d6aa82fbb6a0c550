// SPDX-License-Identifier: GPL-2.0
/*
 * results.c - what ci/bench measured: the rows of results.csv.
 */
#include "results.h"

#include <stdlib.h>
#include <string.h>

/* What targets speak of: the milestones behind it are for who wants more. */
#define DEFAULT "default-on"

#define HEADER "kernel,base,milestone,mmu,case,vcpus,mib,repetition,value,unit"

double figure_number(const char *path, size_t line, const char *s)
{
	char *end;
	double d = strtod(s, &end);

	if (*end || end == s || d < 0)
		refuse_line(path, line, "'%s' is no number", s);
	return d;
}

void results_load(struct results *results, const char *path)
{
	size_t i;
	int err = csv_load(&results->csv, path, path, true), j;

	results->path = path;
	results->series = results->later = NULL;
	if (err)
		refuse(path, "cannot read it: %s", strerror(err));
	if (findings())
		exit(EX_USAGE);
	if (!csv_header_starts(&results->csv, HEADER))
		refuse(path, "the header row is not %s", HEADER);
	for (i = 1; i < results->csv.nr; i++) {
		const struct csv_row *r = &results->csv.row[i];

		if (r->nr != FIELDS)
			refuse_line(path, r->line, "%zu fields instead of %d", r->nr, FIELDS);
		for (j = VCPUS; j <= VALUE; j++)
			figure_number(path, r->line, r->field[j]);
		if (!strcmp(r->field[MILESTONE], "base") || !strcmp(r->field[MILESTONE], "peer"))
			continue;
		if (!results->series || strcmp(results->series, DEFAULT))
			results->series = r->field[MILESTONE];
		else if (strcmp(r->field[MILESTONE], DEFAULT))
			results->later = r->field[MILESTONE];
	}
	if (results->csv.nr < 2)
		refuse(path, "no figure in it");
}

void results_free(struct results *results)
{
	csv_free(&results->csv);
}

bool is_rate(const char *unit)
{
	return !strcmp(unit, "pages/s");
}

const struct csv_row *results_best(const struct results *results, const char *milestone,
				   const char *mmu, const char *name, const char *vcpus,
				   const char *mib)
{
	const struct csv_row *best = NULL;
	double d, of_best = 0;
	size_t i;

	for (i = 1; milestone && i < results->csv.nr; i++) {
		char **f = results->csv.row[i].field;

		if (strcmp(f[CASE], name) || strcmp(f[VCPUS], vcpus) || strcmp(f[MIB_OF], mib) ||
		    strcmp(f[MILESTONE], milestone) || strcmp(f[MMU], mmu))
			continue;
		d = atof(f[VALUE]);
		if (best && (is_rate(f[UNIT]) ? d <= of_best : d >= of_best))
			continue;
		best = &results->csv.row[i];
		of_best = d;
	}
	return best;
}
