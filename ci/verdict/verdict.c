// SPDX-License-Identifier: GPL-2.0
/*
 * verdict - say what the console log of a test machine means.
 *
 * Usage: verdict [--known FILE] [--ended TEXT] [--expect NAME=VALUE]...
 *                --list FILE --name NAME --out DIR CONSOLE
 *        verdict --header | --list-patterns | -h
 *
 * Reads the console of one boot: kernel messages, and between them the
 * records of PID 1, which are kernel messages too (level: warning) and begin
 * with "gate: " behind the time stamp:
 *   gate: begin tests=N list=NAME
 *   gate: param NAME=VALUE
 *   gate: test I NAME begin
 *   gate: out NAME: text that the test printed
 *   gate: test I NAME exit=K taint=T ms=M     (or signal=S, or timeout)
 *   gate: diagnosis NAME begin     the kernel's backtraces up to the same
 *   gate: diagnosis NAME end       with "end" were asked for, and are no splat
 *   gate: unkillable NAME          a process outlives SIGKILL: this is one
 *   gate: end ran=N
 *
 *   --list FILE   the test list, "name limit_in_seconds command..." a line:
 *                 it says what must have run
 *   --known FILE  known failures, "name how reason..." a line; how is exit=K,
 *                 signal=S or timeout: only that failure is known
 *   --name NAME   name of the run in the results
 *   --ended TEXT  how the machine ended; anything but "poweroff" is trouble
 *   --expect P    the machine must report this fact as "gate: param P"
 *   --out DIR     gets results.ktap, junit.xml, conclusion.txt (one line) and
 *                 tests.txt ("name outcome milliseconds" a line)
 *   --header      print the head of the table whose rows verdict prints
 *   --list-patterns  print the names of the splat detector's patterns
 *   --without PATTERN  make the detector blind for one of them, to prove
 *                 that its test notices
 *
 * Prints one row for a table on the terminal.
 * Exit codes: 0 pass; 1 a test failed; 2 usage; 3 kernel splat, even if all
 * tests pass; 4 every test was skipped; 5 harness trouble: the console does
 * not prove that the whole list ran.  A splat outweighs a failed test, which
 * outweighs harness trouble: what was seen stays true, whatever was lost.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

#define GATE	"gate: "	/* how each record of PID 1 begins */

struct parser {
	struct run *run;
	struct test *now;	/* begun, no result yet */
	size_t line;		/* of the console, from 1 */
	size_t begins, ends, boots;
	unsigned long ran;	/* as the end marker says */
	size_t results;
	unsigned long taint;	/* bits already reported */
	bool asked;		/* in a diagnosis */
};

static const char *const help =
	"usage: verdict [--known FILE] [--ended TEXT] [--expect NAME=VALUE]...\n"
	"               --list FILE --name NAME --out DIR CONSOLE\n"
	"       verdict --header | --list-patterns | -h\n"
	"Reads the console log of one boot, writes results.ktap, junit.xml,\n"
	"conclusion.txt and tests.txt into DIR, prints a table row.\n"
	"  --list FILE   test list: name limit_in_seconds command... (what must have run)\n"
	"  --known FILE  known failures: name how reason... (how: exit=K, signal=S, timeout)\n"
	"  --name NAME   name of the run in the results\n"
	"  --ended TEXT  how the machine ended; anything but poweroff is harness trouble\n"
	"  --expect P    the machine must report this fact (gate: param P)\n"
	"  --header      print the head of the table\n"
	"  --list-patterns      print the names of the splat patterns\n"
	"  --without PATTERN    switch one pattern off, to test the detector's test\n"
	"Exit: 0 pass, 1 failure, 2 usage, 3 kernel splat, 4 all skipped, 5 harness trouble\n";

const char *verdict_word(enum exit_code verdict)
{
	switch (verdict) {
	case EX_PASS:
		return "pass";
	case EX_FAIL:
		return "fail";
	case EX_SPLAT:
		return "splat";
	case EX_SKIP:
		return "skip";
	case EX_HARNESS:
		return "harness";
	case EX_USAGE:
		break;
	}
	return "usage";
}

/* Keeps @sentence. */
static void trouble(struct run *run, char *sentence)
{
	run->trouble = grow(run->trouble, run->nr_trouble, &run->max_trouble,
			    sizeof(*run->trouble));
	run->trouble[run->nr_trouble++] = sentence;
}

/* ---- the files beside the console ---- */

static char *read_file(const char *path, size_t *len)
{
	int err;
	char *buf = file_load(path, len, &err);

	if (!buf)
		refuse(path, "%s", strerror(err));
	return buf;
}

static struct test *find_test(struct run *run, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < run->nr_tests; i++)
		if (strlen(run->tests[i].name) == len &&
		    !memcmp(run->tests[i].name, name, len))
			return &run->tests[i];
	return NULL;
}

static bool good_name(const char *s)
{
	return *s && strlen(s) <= NAME_LEN_MAX &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")];
}

/* A whole decimal number of at most nine digits. */
static bool number(struct piece t, unsigned long *value)
{
	size_t i;

	if (!t.len || t.len > 9)
		return false;
	for (i = 0, *value = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		*value = *value * 10 + (t.p[i] - '0');
	}
	return true;
}

/* The next word of a line; *rest moves behind it. */
static struct piece word(struct piece *rest)
{
	struct piece w;

	while (rest->len && (*rest->p == ' ' || *rest->p == '\t')) {
		rest->p++;
		rest->len--;
	}
	w.p = rest->p;
	w.len = 0;
	while (rest->len && *rest->p != ' ' && *rest->p != '\t') {
		rest->p++;
		rest->len--;
		w.len++;
	}
	return w;
}

static char *copy(struct piece t)
{
	return xstrndup(t.p, t.len);
}

/* Cut off the next line of *rest, without its end. */
static struct piece next_line(struct piece *rest)
{
	char *nl = memchr(rest->p, '\n', rest->len);
	struct piece line = { rest->p, nl ? (size_t)(nl - rest->p) : rest->len };
	size_t used = line.len + (nl != NULL);

	rest->p += used;
	rest->len -= used;
	while (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Lines with words in @path, each given to @use; '#' begins a comment. */
static void each_line(const char *path, struct run *run,
		      void (*use)(struct run *, const char *, size_t, struct piece))
{
	size_t nr = 0, len;
	char *buf = read_file(path, &len);
	struct piece rest = { buf, len };

	while (rest.len) {
		struct piece line = next_line(&rest), probe = line;
		struct piece w = word(&probe);

		nr++;
		if (w.len && *w.p != '#')
			use(run, path, nr, line);
	}
	free(buf);
}

static void use_list_line(struct run *run, const char *path, size_t nr,
			  struct piece line)
{
	char *name = copy(word(&line));
	unsigned long limit;
	struct test *t;
	size_t max = run->nr_tests;

	if (!good_name(name))
		refuse_line(path, nr, "'%s' is no test name: use a-z 0-9 . _ -", name);
	if (find_test(run, name, strlen(name)))
		refuse_line(path, nr, "test %s is in the list twice", name);
	if (!number(word(&line), &limit) || !limit)
		refuse_line(path, nr, "test %s has no time limit in seconds", name);
	if (!word(&line).len)
		refuse_line(path, nr, "test %s has no command", name);
	/* Tests never move once the console is read: pointers to them stay. */
	run->tests = xrealloc(run->tests, max + 1, sizeof(*run->tests));
	t = &run->tests[run->nr_tests++];
	memset(t, 0, sizeof(*t));
	t->name = name;
	t->limit_s = limit;
}

static void use_known_line(struct run *run, const char *path, size_t nr,
			   struct piece line)
{
	struct piece name = word(&line), how = word(&line), value = how;
	struct test *t = find_test(run, name.p, name.len);
	unsigned long n;
	size_t key = 0;

	if (!t)
		refuse_line(path, nr, "no test %.*s in the test list",
		       (int)name.len, name.p);
	if (t->known)
		refuse_line(path, nr, "a second entry for %s", t->name);
	if (how.len > 5 && !memcmp(how.p, "exit=", 5))
		key = 5;
	else if (how.len > 7 && !memcmp(how.p, "signal=", 7))
		key = 7;
	value.p += key;
	value.len -= key;
	if (!(key && number(value, &n)) &&
	    !(how.len == 7 && !memcmp(how.p, "timeout", 7)))
		refuse_line(path, nr, "how does %s fail? exit=K, signal=S or timeout", t->name);
	while (line.len && isspace((unsigned char)*line.p)) {
		line.p++;
		line.len--;
	}
	if (!line.len)
		refuse_line(path, nr, "no reason for the known failure of %s", t->name);
	t->known_way = copy(how);
	t->known = printable(line);
}

/* ---- the console ---- */

static bool take(struct piece *t, const char *start)
{
	size_t len = strlen(start);

	if (t->len < len || memcmp(t->p, start, len))
		return false;
	t->p += len;
	t->len -= len;
	return true;
}

static void add_splat(struct parser *ps, const char *id, bool weak, struct piece text)
{
	struct run *run = ps->run;
	struct splat *s;

	run->splats = grow(run->splats, run->nr_splats, &run->max_splats,
			   sizeof(*run->splats));
	s = &run->splats[run->nr_splats++];
	s->id = id;
	s->weak = weak;
	s->text = text;
	s->line = ps->line;
	s->test = ps->now;
	if (ps->now && !weak)
		ps->now->splats++;
}

/*
 * Letters of the taint bits that mean trouble, as in kernel/panic.c:
 * M machine check, B bad page, D died, W warned, L soft lockup.
 * NULL when there are none; to be freed otherwise.
 */
static char *taint_letters(unsigned long taint)
{
	static const struct {
		unsigned int bit;
		char letter;
	} bad[] = { { 4, 'M' }, { 5, 'B' }, { 7, 'D' }, { 9, 'W' }, { 14, 'L' } };
	char letters[sizeof(bad) / sizeof(bad[0]) + 1];
	size_t i, n = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (taint & (1UL << bad[i].bit))
			letters[n++] = bad[i].letter;
	letters[n] = '\0';
	return n ? xasprintf("%s", letters) : NULL;
}

static void note_taint(struct parser *ps, unsigned long taint)
{
	char *letters = taint_letters(taint & ~ps->taint);
	char *s;

	ps->taint |= taint;
	if (!letters)
		return;
	s = xasprintf("the kernel became tainted: %s", letters);
	/* The text lives as long as the run. */
	add_splat(ps, "taint", true, (struct piece){ s, strlen(s) });
	free(letters);
}

static void bad_record(struct parser *ps, const char *why, struct piece t)
{
	char *s = printable(t);

	trouble(ps->run, xasprintf("console line %zu: %s: %.120s", ps->line, why, s));
	free(s);
}

/* KEY=NUMBER as next word. */
static bool field(struct piece *t, const char *key, unsigned long *value)
{
	struct piece w = word(t);

	return take(&w, key) && take(&w, "=") && number(w, value);
}

/* Behind "gate: test ". */
static void test_record(struct parser *ps, struct piece t)
{
	struct piece all = t, w = word(&t), name = word(&t), how = word(&t);
	unsigned long index, value = 0, taint, ms;
	enum outcome outcome;
	struct test *test = find_test(ps->run, name.p, name.len);

	if (!number(w, &index) || !name.len || !how.len) {
		bad_record(ps, "a test record that makes no sense", all);
		return;
	}
	if (!test || index != (size_t)(test - ps->run->tests) + 1) {
		bad_record(ps, "a test that is not in the list, or not at that place", all);
		return;
	}
	w = how;
	if (take(&w, "begin") && !w.len) {
		if (ps->now || test->outcome != T_MISSING)
			bad_record(ps, "a test that begins at the wrong time", all);
		test->outcome = T_UNFINISHED;
		ps->now = test;
		return;
	}
	if (take(&w, "exit=") && number(w, &value))
		outcome = value == 0 ? T_PASS : value == 4 ? T_SKIP : T_EXIT;
	else if (w = how, take(&w, "signal=") && number(w, &value))
		outcome = T_SIGNAL;
	else if (w = how, take(&w, "timeout") && !w.len)
		outcome = T_TIMEOUT;
	else
		outcome = T_MISSING;
	if (outcome == T_MISSING || !field(&t, "taint", &taint) ||
	    !field(&t, "ms", &ms) || word(&t).len) {
		bad_record(ps, "a test record that makes no sense", all);
		return;
	}
	if (ps->now != test) {
		bad_record(ps, "the result of a test that was not running", all);
		return;
	}
	if (ps->asked)
		bad_record(ps, "the result of a test amid its diagnosis", all);
	ps->asked = false;
	note_taint(ps, taint);
	test->outcome = outcome;
	test->number = value;
	test->ms = ms;
	ps->results++;
	ps->now = NULL;
}

/* Behind "gate: out ". */
static void out_record(struct parser *ps, struct piece t)
{
	char *colon = memchr(t.p, ':', t.len);
	struct test *test;
	struct piece text;

	test = colon ? find_test(ps->run, t.p, colon - t.p) : NULL;
	if (!test) {
		bad_record(ps, "output of an unknown test", t);
		return;
	}
	text.p = colon + 1;
	text.len = t.p + t.len - text.p;
	if (text.len && *text.p == ' ') {
		text.p++;
		text.len--;
	}
	test->out = grow(test->out, test->nr_out, &test->max_out, sizeof(*test->out));
	test->out[test->nr_out++] = text;
}

/* Behind "gate: diagnosis ". */
static void diagnosis_record(struct parser *ps, struct piece t)
{
	struct piece all = t, name = word(&t), what = word(&t);
	bool begin = take(&what, "begin"), end = !begin && take(&what, "end");

	if (!(begin || end) || what.len || word(&t).len || begin == ps->asked ||
	    !ps->now || find_test(ps->run, name.p, name.len) != ps->now)
		bad_record(ps, "a diagnosis that makes no sense here", all);
	else
		ps->asked = begin;
}

/* Behind "gate: ". */
static void gate_record(struct parser *ps, struct piece t)
{
	struct run *run = ps->run;
	struct piece all = t;
	unsigned long n;

	if (take(&t, "begin ")) {
		if (!field(&t, "tests", &n))
			bad_record(ps, "a begin record that makes no sense", all);
		else if (n != run->nr_tests)
			trouble(run, xasprintf("the machine has a list of %lu tests, this list has %zu",
					       n, run->nr_tests));
		ps->begins++;
	} else if (take(&t, "test ")) {
		test_record(ps, t);
	} else if (take(&t, "out ")) {
		out_record(ps, t);
	} else if (take(&t, "diagnosis ")) {
		diagnosis_record(ps, t);
	} else if (take(&t, "unkillable ")) {
		/* Only a kernel in trouble keeps a process from dying. */
		static const char text[] = "a process cannot be killed";

		add_splat(ps, "unkillable", false, (struct piece){ text, strlen(text) });
	} else if (take(&t, "param ")) {
		run->params = grow(run->params, run->nr_params, &run->max_params,
				   sizeof(*run->params));
		run->params[run->nr_params++] = t;
		if (take(&t, "error="))
			bad_record(ps, "PID 1 is in trouble", t);
	} else if (take(&t, "end ")) {
		if (field(&t, "ran", &n) && !word(&t).len)
			ps->ran = n;
		else
			bad_record(ps, "an end record that makes no sense", all);
		ps->ends++;
	} else {
		bad_record(ps, "an unknown record", all);
	}
}

static void kernel_line(struct parser *ps, struct piece t)
{
	struct piece s = t;
	const char *id;
	bool weak;

	if (take(&s, "Linux version "))
		ps->boots++;
	if (take(&s, "** ") && memmem(s.p, s.len, " printk messages dropped **", 27))
		trouble(ps->run, xasprintf("console line %zu: kernel messages were lost", ps->line));
	id = splat_match(t, ps->asked, &weak);
	if (id)
		add_splat(ps, id, weak, t);
}

static void console_line(struct parser *ps, struct piece line)
{
	struct piece t;

	while (next_message(&line, GATE, &t))
		if (take(&t, GATE))
			gate_record(ps, t);
		else
			kernel_line(ps, t);
}

/* What the machine was to be, against what it says it is. */
static void expect_params(struct run *run)
{
	size_t i, k;

	for (i = 0; i < run->nr_expected; i++) {
		const char *e = run->expected[i];

		for (k = 0; k < run->nr_params; k++)
			if (run->params[k].len == strlen(e) &&
			    !memcmp(run->params[k].p, e, strlen(e)))
				break;
		if (k == run->nr_params)
			trouble(run, xasprintf("the machine does not say %s", e));
	}
}

static void read_console(struct run *run, struct piece rest)
{
	struct parser ps = { .run = run };
	size_t i, missing = 0;
	char *names = NULL;

	if (!rest.len)
		trouble(run, xasprintf("the console is empty"));
	while (rest.len) {
		ps.line++;
		console_line(&ps, next_line(&rest));
	}

	/*
	 * Lockdep and others complain at the level of a warning, which "quiet"
	 * hides.  So are PID 1's records: where they show, warnings do.
	 */
	if (ps.boots > 1)
		trouble(run, xasprintf("the kernel started %zu times", ps.boots));
	if (!ps.begins)
		trouble(run, xasprintf("no begin marker: the tests never started"));
	else if (ps.begins > 1)
		trouble(run, xasprintf("PID 1 began %zu times", ps.begins));
	if (!ps.ends)
		trouble(run, ps.now ? xasprintf("no end marker, the last test was %s", ps.now->name)
				       : xasprintf("no end marker"));
	else if (ps.ends > 1)
		trouble(run, xasprintf("PID 1 ended %zu times", ps.ends));
	else if (ps.ran != ps.results)
		trouble(run, xasprintf("the end marker says that %lu tests ran, but %zu results are there",
				       ps.ran, ps.results));
	for (i = 0; i < run->nr_tests; i++) {
		char *old = names;

		if (run->tests[i].outcome != T_MISSING &&
		    run->tests[i].outcome != T_UNFINISHED)
			continue;
		if (missing++ < 4)
			names = xasprintf("%s%s%s", old ? old : "", old ? ", " : "",
					  run->tests[i].name);
		if (names != old)
			free(old);
	}
	if (missing)
		trouble(run, xasprintf("%zu of %zu tests have no result: %s%s", missing,
				       run->nr_tests, names, missing > 4 ? ", ..." : ""));
	free(names);
	expect_params(run);
}

/* ---- the conclusion ---- */

/* The line that says most: the first that is more than a part of a report. */
static const struct splat *splat_headline(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->nr_splats; i++)
		if (!run->splats[i].weak)
			return &run->splats[i];
	return run->nr_splats ? &run->splats[0] : NULL;
}

static char *failed_tests(const struct run *run)
{
	char *s = NULL, *old;
	size_t i;

	for (i = 0; i < run->nr_tests; i++) {
		const struct test *t = &run->tests[i];
		char *how;

		if (t->outcome < T_EXIT || is_known(t))
			continue;
		how = outcome_word(t);
		old = s;
		s = xasprintf("%s%s%s (%s)", old ? old : "", old ? ", " : "", t->name, how);
		free(old);
		free(how);
	}
	return s;
}

static char *join_trouble(const struct run *run)
{
	char *s = NULL, *old;
	size_t i;

	for (i = 0; i < run->nr_trouble && i < 4; i++) {
		old = s;
		s = xasprintf("%s%s%s", old ? old : "", old ? "; " : "", run->trouble[i]);
		free(old);
	}
	if (run->nr_trouble > 4) {
		old = s;
		s = xasprintf("%s; and %zu more", old, run->nr_trouble - 4);
		free(old);
	}
	return s;
}

static void conclude(struct run *run)
{
	struct counts c = count_tests(run);
	const struct splat *splat = splat_headline(run);
	char *tests = xasprintf("%zu passed, %zu failed, %zu known failures, %zu skipped, %zu without result",
				c.passed, c.failed, c.known, c.skipped, c.lost);
	char *lost = join_trouble(run);

	if (splat) {
		char *text = printable(splat->text);

		run->verdict = EX_SPLAT;
		run->conclusion = xasprintf("splat: %s: %.200s (console line %zu, %s%s; %zu such lines; tests: %s)%s%s",
					    splat->id, text, splat->line,
					    splat->test ? "during " : "outside of tests",
					    splat->test ? splat->test->name : "",
					    run->nr_splats, tests,
					    lost ? "; " : "", lost ? lost : "");
		free(text);
	} else if (c.failed) {
		char *names = failed_tests(run);

		run->verdict = EX_FAIL;
		run->conclusion = xasprintf("fail: %s; %s%s%s", names, tests,
					    lost ? "; " : "", lost ? lost : "");
		free(names);
	} else if (lost) {
		run->verdict = EX_HARNESS;
		run->conclusion = xasprintf("harness: %s; tests: %s", lost, tests);
	} else if (c.skipped == run->nr_tests) {
		run->verdict = EX_SKIP;
		run->conclusion = xasprintf("skip: all %zu tests were skipped", c.skipped);
	} else {
		run->verdict = EX_PASS;
		run->conclusion = xasprintf("pass: %s", tests);
		if (c.better) {
			char *old = run->conclusion;

			run->conclusion = xasprintf("%s; %zu passed that fail on the base",
						    old, c.better);
			free(old);
		}
	}
	free(lost);
	free(tests);
}

/* ---- the command line ---- */

static const char *argument(char **argv, int *i)
{
	if (!argv[*i + 1])
		die(EX_USAGE, "%s needs a value: see verdict -h", argv[*i]);
	return argv[++*i];
}

int main(int argc, char **argv)
{
	const char *list = NULL, *known = NULL, *out = NULL, *console = NULL, *ended = NULL;
	struct run run = { 0 };
	size_t len;
	char *buf;
	int i;

	for (i = 1; i < argc; i++) {
		const char *o = argv[i];

		if (!strcmp(o, "-h") || !strcmp(o, "--help")) {
			fputs(help, stdout);
			return 0;
		} else if (!strcmp(o, "--header")) {
			report_header();
			return 0;
		} else if (!strcmp(o, "--list-patterns")) {
			splat_list(stdout);
			return 0;
		} else if (!strcmp(o, "--without")) {
			if (!splat_switch_off(argument(argv, &i)))
				die(EX_USAGE, "no pattern '%s': see --list-patterns", argv[i]);
		} else if (!strcmp(o, "--expect")) {
			run.expected = grow(run.expected, run.nr_expected,
					    &run.max_expected, sizeof(*run.expected));
			run.expected[run.nr_expected++] = argument(argv, &i);
		} else if (!strcmp(o, "--known")) {
			known = argument(argv, &i);
		} else if (!strcmp(o, "--list")) {
			list = argument(argv, &i);
		} else if (!strcmp(o, "--name")) {
			run.name = argument(argv, &i);
		} else if (!strcmp(o, "--out")) {
			out = argument(argv, &i);
		} else if (!strcmp(o, "--ended")) {
			ended = argument(argv, &i);
		} else if (*o == '-') {
			die(EX_USAGE, "unknown option '%s': see verdict -h", o);
		} else if (console) {
			die(EX_USAGE, "more than one console: see verdict -h");
		} else {
			console = o;
		}
	}
	if (!list || !run.name || !out || !console)
		die(EX_USAGE, "--list, --name, --out and a console are needed: see verdict -h");
	if (!good_name(run.name))
		die(EX_USAGE, "'%s' is no name of a run: use a-z 0-9 . _ -", run.name);

	each_line(list, &run, use_list_line);
	if (!run.nr_tests)
		refuse_line(list, 1, "the test list is empty");
	if (known)
		each_line(known, &run, use_known_line);

	buf = read_file(console, &len);
	read_console(&run, (struct piece){ buf, len });
	if (ended && strcmp(ended, "poweroff")) {
		char *s = printable((struct piece){ ended, strlen(ended) });

		trouble(&run, xasprintf("the machine did not power itself off: %s", s));
		free(s);
	}
	conclude(&run);
	if (report_all(&run, out))
		return EX_HARNESS;
	report_row(&run);
	return run.verdict;
}
