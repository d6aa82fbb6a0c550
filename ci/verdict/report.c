// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - write what verdict found: KTAP (Documentation/dev-tools/ktap.rst
 * of later kernels, version 1), JUnit XML, a conclusion of one line, a plain
 * list of outcomes, and a table row.  Files appear by rename.
 *
 * Two test points stand behind those of the list, so that a reader of KTAP or
 * JUnit alone cannot take a run for a good one: "gate:kernel-log" fails on a
 * splat, "gate:harness" on harness trouble.  No test can have such a name.
 *
 * A known failure is "ok" in KTAP, as JUnit has it passed: prove(1) knows only TODO
 * for one that is "not ok", kunit.py nothing at all.  The directive says what it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verdict.h"

#define SPLAT_LINES_MAX 50	/* in a report; the console has them all */

/* Printable ASCII: anything else becomes \xNN.  To be freed. */
char *printable(struct piece t)
{
	char *s = xrealloc(NULL, 4 * t.len + 1, 1), *q = s;
	size_t i;

	for (i = 0; i < t.len; i++) {
		unsigned char c = t.p[i];

		if (c == '\t')
			*q++ = ' ';
		else if (c >= 0x20 && c < 0x7f)
			*q++ = c;
		else
			q += sprintf(q, "\\x%02x", c);
	}
	*q = '\0';
	return s;
}

/* exit=1, signal=11, timeout, pass, ...: what known failures are compared with. */
char *outcome_word(const struct test *t)
{
	switch (t->outcome) {
	case T_MISSING:
		return xasprintf("missing");
	case T_UNFINISHED:
		return xasprintf("unfinished");
	case T_PASS:
		return xasprintf("pass");
	case T_SKIP:
		return xasprintf("skip");
	case T_EXIT:
		return xasprintf("exit=%ld", t->number);
	case T_SIGNAL:
		return xasprintf("signal=%ld", t->number);
	case T_TIMEOUT:
		return xasprintf("timeout");
	}
	abort();
}

/* Failed, and in the very way it is known to fail. */
bool is_known(const struct test *t)
{
	char *how;
	bool same;

	if (!t->known || t->outcome < T_EXIT)
		return false;
	how = outcome_word(t);
	same = !strcmp(how, t->known_way);
	free(how);
	return same;
}

struct counts count_tests(const struct run *run)
{
	struct counts c = { 0 };
	size_t i;

	for (i = 0; i < run->nr_tests; i++) {
		const struct test *t = &run->tests[i];

		c.ms += t->ms;
		if (t->outcome <= T_UNFINISHED)
			c.lost++;
		else if (t->outcome == T_SKIP)
			c.skipped++;
		else if (t->outcome == T_PASS)
			c.passed++;
		else if (is_known(t))
			c.known++;
		else
			c.failed++;
		if (t->outcome == T_PASS && t->known)
			c.better++;
	}
	return c;
}

/* Last words of the test: the reason of a skip, mostly. */
static char *last_words(const struct test *t)
{
	size_t i = t->nr_out;

	while (i--)
		if (t->out[i].len)
			return printable(t->out[i]);
	return xasprintf("it said nothing");
}

/* ---- KTAP ---- */

static void ktap_test(FILE *f, size_t index, const struct test *t)
{
	char *s;
	size_t i;

	for (i = 0; i < t->nr_out; i++) {
		s = printable(t->out[i]);
		fprintf(f, "  # %s\n", s);
		free(s);
	}
	if (t->splats)
		fprintf(f, "  # gate: the kernel complained while this test ran\n");
	if (t->known && t->outcome == T_PASS)
		fprintf(f, "  # gate: fails on the base (%s), passes here\n", t->known_way);
	if (t->outcome > T_UNFINISHED)
		fprintf(f, "  # gate: took %ld ms\n", t->ms);
	fprintf(f, "%s %zu %s", t->outcome == T_PASS || t->outcome == T_SKIP || is_known(t) ?
		"ok" : "not ok", index, t->name);
	if (is_known(t)) {
		fprintf(f, " # XFAIL %s: %s\n", t->known_way, t->known);
		return;
	}
	switch (t->outcome) {
	case T_PASS:
		fputc('\n', f);
		break;
	case T_SKIP:
		s = last_words(t);
		fprintf(f, " # SKIP %s\n", s);
		free(s);
		break;
	case T_TIMEOUT:
		fprintf(f, " # TIMEOUT %ld seconds\n", t->limit_s);
		break;
	case T_MISSING:
		fprintf(f, " # ERROR never began\n");
		break;
	case T_UNFINISHED:
		fprintf(f, " # ERROR no result\n");
		break;
	case T_EXIT:
	case T_SIGNAL:
		s = outcome_word(t);
		fprintf(f, " # %s\n", s);
		free(s);
		break;
	}
}

static void splat_lines(FILE *f, const struct run *run, const char *lead,
			void (*put)(FILE *, const char *))
{
	size_t i;

	for (i = 0; i < run->nr_splats && i < SPLAT_LINES_MAX; i++) {
		const struct splat *s = &run->splats[i];
		char *text = printable(s->text);

		fprintf(f, "%sline %zu, %s, %s: ", lead, s->line,
			s->test ? s->test->name : "no test", s->id);
		put(f, text);
		fputc('\n', f);
		free(text);
	}
	if (run->nr_splats > SPLAT_LINES_MAX)
		fprintf(f, "%sand %zu more\n", lead, run->nr_splats - SPLAT_LINES_MAX);
}

static void put_plain(FILE *f, const char *s)
{
	fputs(s, f);
}

static void write_ktap(FILE *f, const struct run *run)
{
	size_t i, n = run->nr_tests;
	char *s;

	fprintf(f, "KTAP version 1\n# %s\n", run->name);
	for (i = 0; i < run->nr_params; i++) {
		s = printable(run->params[i]);
		fprintf(f, "# %s\n", s);
		free(s);
	}
	fprintf(f, "1..%zu\n", n + 2);
	for (i = 0; i < n; i++)
		ktap_test(f, i + 1, &run->tests[i]);
	splat_lines(f, run, "  # ", put_plain);
	fprintf(f, "%s %zu gate:kernel-log\n", run->nr_splats ? "not ok" : "ok", n + 1);
	for (i = 0; i < run->nr_trouble; i++)
		fprintf(f, "  # %s\n", run->trouble[i]);
	fprintf(f, "%s %zu gate:harness%s\n", run->nr_trouble ? "not ok" : "ok", n + 2,
		run->nr_trouble ? " # ERROR the run does not prove that the whole list ran" : "");
	fprintf(f, "# %s\n", run->conclusion);
}

/* ---- JUnit ---- */

static void put_xml(FILE *f, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&apos;", f);
			break;
		default:
			fputc(*s, f);
		}
	}
}

static void junit_element(FILE *f, const char *tag, const char *message)
{
	fprintf(f, "      <%s message=\"", tag);
	put_xml(f, message);
	fprintf(f, "\"/>\n");
}

static void junit_test(FILE *f, const struct run *run, const struct test *t)
{
	char *s, *how = outcome_word(t);
	size_t i;

	fprintf(f, "    <testcase classname=\"%s\" name=\"%s\" time=\"%ld.%03ld\">\n",
		run->name, t->name, t->ms / 1000, t->ms % 1000);
	if (is_known(t)) {
		s = xasprintf("known failure (%s): %s", how, t->known);
		junit_element(f, "skipped", s);
		free(s);
	} else if (t->outcome == T_SKIP) {
		s = last_words(t);
		junit_element(f, "skipped", s);
		free(s);
	} else if (t->outcome <= T_UNFINISHED) {
		junit_element(f, "error", how);
	} else if (t->outcome != T_PASS) {
		junit_element(f, "failure", how);
	}
	if (t->nr_out) {
		fputs("      <system-out>", f);
		for (i = 0; i < t->nr_out; i++) {
			s = printable(t->out[i]);
			put_xml(f, s);
			fputc('\n', f);
			free(s);
		}
		fputs("</system-out>\n", f);
	}
	fputs("    </testcase>\n", f);
	free(how);
}

static void write_junit(FILE *f, const struct run *run)
{
	struct counts c = count_tests(run);
	size_t i;

	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	fprintf(f, "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%ld.%03ld\">\n",
		run->name, run->nr_tests + 2, c.failed + (run->nr_splats != 0),
		c.lost + (run->nr_trouble != 0), c.skipped + c.known,
		c.ms / 1000, c.ms % 1000);
	if (run->nr_params) {
		fputs("    <properties>\n", f);
		for (i = 0; i < run->nr_params; i++) {
			char *s = printable(run->params[i]);
			char *value = strchr(s, '=');

			if (value)
				*value++ = '\0';
			fputs("      <property name=\"", f);
			put_xml(f, s);
			fputs("\" value=\"", f);
			put_xml(f, value ? value : "");
			fputs("\"/>\n", f);
			free(s);
		}
		fputs("    </properties>\n", f);
	}
	for (i = 0; i < run->nr_tests; i++)
		junit_test(f, run, &run->tests[i]);

	fprintf(f, "    <testcase classname=\"%s\" name=\"gate:kernel-log\" time=\"0\">\n", run->name);
	if (run->nr_splats) {
		fputs("      <failure message=\"", f);
		put_xml(f, run->conclusion);
		fputs("\">", f);
		splat_lines(f, run, "", put_xml);
		fputs("</failure>\n", f);
	}
	fprintf(f, "    </testcase>\n    <testcase classname=\"%s\" name=\"gate:harness\" time=\"0\">\n",
		run->name);
	if (run->nr_trouble) {
		fputs("      <error message=\"the run does not prove that the whole list ran\">", f);
		for (i = 0; i < run->nr_trouble; i++) {
			put_xml(f, run->trouble[i]);
			fputc('\n', f);
		}
		fputs("</error>\n", f);
	}
	fputs("    </testcase>\n  </testsuite>\n</testsuites>\n", f);
}

/* ---- the rest ---- */

static void write_conclusion(FILE *f, const struct run *run)
{
	fprintf(f, "%s\n", run->conclusion);
}

static void write_tests(FILE *f, const struct run *run)
{
	size_t i;

	for (i = 0; i < run->nr_tests; i++) {
		char *how = outcome_word(&run->tests[i]);

		fprintf(f, "%s %s %ld\n", run->tests[i].name, how, run->tests[i].ms);
		free(how);
	}
}

static int write_file(const char *dir, const char *name, const struct run *run,
		      void (*write)(FILE *, const struct run *))
{
	char *path = xasprintf("%s/%s", dir, name), *part = xasprintf("%s/.%s.part", dir, name);
	FILE *f = fopen(part, "w");
	int bad = !f;

	if (f) {
		write(f, run);
		bad = ferror(f);
		bad |= fclose(f) != 0;
		if (!bad)
			bad = rename(part, path) != 0;
	}
	if (bad) {
		fprintf(stderr, "verdict: error: cannot write %s: %s\n", path, strerror(errno));
		unlink(part);
	}
	free(part);
	free(path);
	return bad;
}

/* The conclusion comes last: who finds it finds the others too. */
int report_all(const struct run *run, const char *dir)
{
	return write_file(dir, "results.ktap", run, write_ktap) ||
	       write_file(dir, "junit.xml", run, write_junit) ||
	       write_file(dir, "tests.txt", run, write_tests) ||
	       write_file(dir, "conclusion.txt", run, write_conclusion);
}

void report_header(void)
{
	printf("%-28s %-8s %6s %6s %6s %6s %6s %7s\n", "RUN", "VERDICT", "PASS", "FAIL",
	       "KNOWN", "SKIP", "LOST", "TIME/s");
}

void report_row(const struct run *run)
{
	struct counts c = count_tests(run);

	printf("%-28s %-8s %6zu %6zu %6zu %6zu %6zu %7.1f\n", run->name,
	       verdict_word(run->verdict), c.passed, c.failed, c.known, c.skipped,
	       c.lost, c.ms / 1000.0);
	if (run->verdict != EX_PASS)
		printf("    %s\n", run->conclusion);
}
