/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verdict.h - what the parts of verdict share: the lines of a console, the
 * tests that ran, the splats that were seen.  See verdict.c for the purpose.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../../scripts/src/base.h"
#include "splat.h"

#define NAME_LEN_MAX 200	/* longest name of a test or of a run, bytes */

enum outcome {
	T_MISSING,	/* never began */
	T_UNFINISHED,	/* began, no result */
	T_PASS,
	T_SKIP,
	T_EXIT,		/* exit code other than 0 and 4 */
	T_SIGNAL,
	T_TIMEOUT,
};

struct test {
	char *name;
	long limit_s;		/* time limit of the list, seconds */
	enum outcome outcome;
	long number;		/* exit code or signal */
	long ms;
	struct piece *out;
	size_t nr_out, max_out;
	char *known;		/* reason, when listed as known failure */
	char *known_way;	/* how it is known to fail: exit=1, timeout, ... */
	int splats;		/* splat reports while it ran */
};

/* One line (or one fact) that says that the kernel is in trouble. */
struct splat {
	const char *id;		/* pattern, or "taint", "unkillable" */
	bool weak;		/* belongs to most reports, says little by itself */
	struct piece text;
	size_t line;		/* of the console; 0: taken from taint= */
	const struct test *test;/* running at that time, or NULL */
};

struct run {
	const char *name;
	struct test *tests;
	size_t nr_tests;
	struct splat *splats;
	size_t nr_splats, max_splats;
	char **trouble;		/* harness trouble, one sentence each */
	size_t nr_trouble, max_trouble;
	struct piece *params;	/* facts of the machine: gate: param ... */
	size_t nr_params, max_params;
	const char **expected;	/* facts that must be among them */
	size_t nr_expected, max_expected;
	char *conclusion;
	enum exit_code verdict;
};

struct counts {
	size_t passed, failed, known, skipped, lost, better;
	long ms;
};

/* report.c */
struct counts count_tests(const struct run *run);
bool is_known(const struct test *t);
char *outcome_word(const struct test *t);
char *printable(struct piece t);
int report_all(const struct run *run, const char *dir);
void report_row(const struct run *run);
void report_header(void);

/* verdict.c */
const char *verdict_word(enum exit_code verdict);

#endif
