/* SPDX-License-Identifier: GPL-2.0 */
/* results.h - what ci/bench measured: the rows of results.csv. */
#ifndef TDP_RESULTS_H
#define TDP_RESULTS_H

#include "csv.h"
#include "text.h"

enum { KERNEL, BASE, MILESTONE, MMU, CASE, VCPUS, MIB_OF, REPETITION, VALUE, UNIT, FIELDS };

struct results {
	const char *path;
	struct csv csv;
	const char *series;		/* up to default-on, or else to the last that was measured */
	const char *later;		/* the last milestone behind it; NULL if there is none */
};

/* Ends the program with EX_USAGE when a row is not in order, or when there is none. */
void results_load(struct results *results, const char *path);
void results_free(struct results *results);

/* s as a number from 0 on; else line of path is refused. */
double figure_number(const char *path, size_t line, const char *s);
/* Its largest value is the best one. */
bool is_rate(const char *unit);
/* The best of the repetitions; NULL if there is none. */
const struct csv_row *results_best(const struct results *results, const char *milestone,
				   const char *mmu, const char *name, const char *vcpus,
				   const char *mib);

#endif
