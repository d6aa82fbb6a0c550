// SPDX-License-Identifier: GPL-2.0
/*
 * check-kabi.c - what became of the exported symbols of a kernel: two
 * Module.symvers against each other, and against a list of promised symbols.
 *
 * Usage:   check-kabi [--list FILE] BEFORE AFTER
 * Inputs:  BEFORE, AFTER: lines of CRC, symbol, module, type and namespace with
 *          tabs between, as modpost of Linux 5.4 and later writes them.
 *          FILE: a symbol a line, or lines as above; blank lines, comments (#)
 *          and section headings ([...]) are passed over.
 * Outputs: one line for each symbol changed (another CRC), lost or moved
 *          (another module, type or namespace), "file:line: error: ..." for a
 *          promised one and "file:line: note: ..." for another; a line that counts.
 * Exit:    0 no promise is broken, 1 one is, 2 usage, or an input is refused.
 */
#define _GNU_SOURCE
#include "text.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRC, SYMBOL, MODULE, TYPE, NAMESPACE, NR_FIELDS };

struct symbol {
	char *field[NR_FIELDS];
	size_t line;
};

struct table {
	const char *path;
	struct text text;
	struct symbol *symbol;	/* sorted by name */
	size_t nr, nr_crcs;
};

struct count {
	size_t changed, lost, moved, added, promised, no_crc, broken;
};

static int by_name(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return strcmp(x->field[SYMBOL], y->field[SYMBOL]);
}

static const struct symbol *find(const struct table *t, const struct symbol *like)
{
	return t->nr ? bsearch(like, t->symbol, t->nr, sizeof(*like), by_name) : NULL;
}

/* Cuts a line at its tabs; how many fields there are. */
static size_t split(char *line, char *field[NR_FIELDS])
{
	size_t nr = 0;
	char *f;

	while ((f = strsep(&line, "\t"))) {
		if (nr == NR_FIELDS)
			return nr + 1;
		field[nr++] = f;
	}
	return nr;
}

static bool is_crc(const char *s)
{
	return !strncmp(s, "0x", 2) && s[2] && !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
}

static void load(struct table *t, const char *path)
{
	int err = text_load(&t->text, path);

	t->path = path;
	if (err)
		refuse(path, "%s", strerror(err));
	if (t->text.nul_line)
		refuse_line(path, t->text.nul_line, "holds a NUL byte: not a text file");
}

static void add(struct table *t, const struct symbol *s)
{
	if (!*s->field[SYMBOL] || strpbrk(s->field[SYMBOL], " \r"))
		refuse_line(t->path, s->line, "'%.60s' is not the name of a symbol", s->field[SYMBOL]);
	t->symbol = xrealloc(t->symbol, t->nr + 1, sizeof(*s));
	t->symbol[t->nr++] = *s;
}

static void sort(struct table *t)
{
	size_t i;

	if (!t->nr)
		refuse(t->path, "no symbols in it");
	qsort(t->symbol, t->nr, sizeof(*t->symbol), by_name);
	for (i = 1; i < t->nr; i++)
		if (!by_name(&t->symbol[i - 1], &t->symbol[i]))
			refuse_line(t->path, t->symbol[i].line, "%s stands here and on line %zu",
				    t->symbol[i].field[SYMBOL], t->symbol[i - 1].line);
}

static void load_symvers(struct table *t, const char *path)
{
	struct symbol s;
	size_t i, nr;

	load(t, path);
	for (i = 0; i < t->text.nr; i++) {
		memset(&s, 0, sizeof(s));
		s.line = i + 1;
		if (strchr(t->text.line[i], '\r'))
			refuse_line(path, i + 1, "carriage return in the line: not as modpost writes it, copy it anew");
		nr = split(t->text.line[i], s.field);
		if (nr != NR_FIELDS || !is_crc(s.field[CRC]))
			refuse_line(path, i + 1, "not CRC, symbol, module, type and namespace with tabs between: is this a Module.symvers?");
		t->nr_crcs += strtoul(s.field[CRC], NULL, 16) != 0;
		add(t, &s);
	}
	sort(t);
	if (!t->nr_crcs)
		refuse(path, "no CRCs in it: build the kernel with CONFIG_MODVERSIONS");
}

static void load_list(struct table *t, const char *path)
{
	struct symbol s;
	char *line, *end;
	size_t i, nr;

	load(t, path);
	for (i = 0; i < t->text.nr; i++) {
		line = t->text.line[i];
		line += strspn(line, " \t");
		for (end = line + strlen(line); end > line && isspace((unsigned char)end[-1]);)
			*--end = '\0';
		if (!*line || *line == '#' || *line == '[')
			continue;
		memset(&s, 0, sizeof(s));
		s.line = i + 1;
		nr = split(line, s.field);
		if (nr == 1)
			s.field[SYMBOL] = s.field[0];
		else if (nr < 3 || nr > NR_FIELDS || !is_crc(s.field[CRC]))
			refuse_line(path, i + 1, "neither the name of a symbol nor a line of a Module.symvers");
		add(t, &s);
	}
	sort(t);
}

/* "what from -> to" behind what is there already. */
static char *differs(char *so_far, const char *what, const char *from, const char *to)
{
	char *s;

	if (!strcmp(from, to))
		return so_far;
	s = xasprintf("%s%s%s %s -> %s", so_far, *so_far ? ", " : "", what,
		      *from ? from : "none", *to ? to : "none");
	free(so_far);
	return s;
}

static void report(const struct table *list, const struct table *where, size_t line,
		   const struct symbol *s, const char *what, const char *how, struct count *n)
{
	const struct symbol *promise = find(list, s);

	printf("%s:%zu: %s: %s: %s (%s)%s%s", where->path, line, promise ? "error" : "note",
	       what, s->field[SYMBOL], s->field[MODULE], *how ? ": " : "", how);
	if (promise)
		printf(", promised in %s:%zu", list->path, promise->line);
	putchar('\n');
	n->broken += promise != NULL;
}

static void compare(const struct table *list, const struct table *before,
		    const struct table *after, const struct symbol *b, struct count *n)
{
	const struct symbol *a = find(after, b);
	bool promised = find(list, b), changed, moved;
	char *how;

	n->promised += promised;
	if (!a) {
		n->lost++;
		report(list, before, b->line, b, "lost", "", n);
		return;
	}
	how = differs(xstrdup(""), "crc", b->field[CRC], a->field[CRC]);
	changed = *how;
	if (promised && !changed && !strtoul(a->field[CRC], NULL, 16))
		n->no_crc++;
	moved = strcmp(b->field[MODULE], a->field[MODULE]) || strcmp(b->field[TYPE], a->field[TYPE]) ||
		strcmp(b->field[NAMESPACE], a->field[NAMESPACE]);
	how = differs(how, "module", b->field[MODULE], a->field[MODULE]);
	how = differs(how, "type", b->field[TYPE], a->field[TYPE]);
	how = differs(how, "namespace", b->field[NAMESPACE], a->field[NAMESPACE]);
	n->changed += changed;
	n->moved += moved;
	if (changed || moved)
		report(list, after, a->line, b, !moved ? "changed" : !changed ? "moved" :
		       "changed and moved", how, n);
	free(how);
}

static void free_table(struct table *t)
{
	free(t->symbol);
	text_free(&t->text);
}

static void usage(FILE *f)
{
	fputs("usage: check-kabi [--list FILE] BEFORE AFTER\n", f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct table before = { 0 }, after = { 0 }, list = { 0 };
	struct count n = { 0 };
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'l' || list.path) {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? EX_PASS : EX_USAGE;
		}
		load_list(&list, optarg);
	}
	if (argc - optind != 2) {
		usage(stderr);
		return EX_USAGE;
	}
	load_symvers(&before, argv[optind]);
	load_symvers(&after, argv[optind + 1]);
	for (i = 0; i < before.nr; i++)
		compare(&list, &before, &after, &before.symbol[i], &n);
	for (i = 0; i < after.nr; i++)
		n.added += !find(&before, &after.symbol[i]);
	if (list.path && !n.promised)
		refuse(list.path, "none of its symbols is in %s: is it the list of that kernel?", before.path);

	printf("check-kabi: %zu symbols before, %zu after: %zu changed, %zu lost, %zu moved, %zu added; ",
	       before.nr, after.nr, n.changed, n.lost, n.moved, n.added);
	if (list.path)
		printf("%zu promised, %zu of them exported before, %zu without a CRC, %zu broken\n",
		       list.nr, n.promised, n.no_crc, n.broken);
	else
		puts("no list of promised symbols given");
	free_table(&before);
	free_table(&after);
	free_table(&list);
	return n.broken ? EX_FAIL : EX_PASS;
}
