// SPDX-License-Identifier: GPL-2.0
/*
 * check-upstream.c - upstream-map.csv against a clone of Linux: is each commit
 * what the map says, and has each later fix or revert of one its place in the map?
 *
 * Usage:   check-upstream --map FILE --git DIR [--tip REV] [--porcelain]
 *          check-upstream --map FILE --commits-of PATCH
 * Inputs:  FILE, upstream-map.csv; DIR, a git clone with tags; REV, what the
 *          history ends in. A follow-up names the commit in a "Fixes:" line or
 *          after "reverts commit", by 4 to 40 hex digits. Fixes of omitted
 *          commits do not count.
 * Outputs: findings on stdout, follow-ups last and newest first, and a line
 *          that counts; --porcelain: tab-separated lines, see scripts/check-upstream.
 *          --commits-of: the ids that PATCH stands for, its own first.
 * Exit:    0 nothing found, 1 findings, 2 usage, or an input is refused.
 */
#define _GNU_SOURCE
#include "csv.h"
#include "history.h"
#include "map.h"
#include "text.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NONE SIZE_MAX
#define SHORTEST 4	/* hex digits; git itself writes no shorter ids */

/* A commit that the map names. */
struct known {
	char id[41];
	const struct csv_row *row;
	bool taken;		/* the series has it: its fixes concern us */
	size_t at;		/* in the history, or NONE */
	char *title, *author;	/* upstream's */
};

struct followup {
	char id[41];
	const struct known *of;
	const char *how;	/* "fixes", "reverts" */
	char *prefix, *quoted;	/* the id and the title as the message has them */
	char *title;
	long long when;		/* committer's time, seconds since 1970 */
	uint32_t at;
};

struct check {
	const char *map_path;
	bool porcelain;
	struct csv map;
	struct known *known;	/* sorted by id */
	size_t nr;
	struct followup *followup;
	size_t nr_followups;
	struct history h;
	size_t wrong, missing, in_map, omitted;
};

/* ---- the map ---- */

static bool relation_is(const struct csv_row *r, const char *what)
{
	return !strcmp(r->field[RELATION], what);
}

static void add_known(struct check *c, const char *id, const struct csv_row *row)
{
	struct known *k;

	c->known = xrealloc(c->known, c->nr + 1, sizeof(*k));
	k = &c->known[c->nr++];
	*k = (struct known){ .row = row, .at = NONE, .taken = !relation_is(row, "omitted") };
	memcpy(k->id, id, 40);
}

static int by_id(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* One entry for each commit: for two kinds of base it may have two patches. */
static void sort_known(struct check *c)
{
	size_t i, n = 0;

	qsort(c->known, c->nr, sizeof(*c->known), by_id);
	for (i = 0; i < c->nr; i++)
		if (!n || strcmp(c->known[n - 1].id, c->known[i].id))
			c->known[n++] = c->known[i];
	c->nr = n;
}

static void load_map(struct check *c)
{
	const struct csv_row *r;
	size_t i;

	if (csv_load(&c->map, c->map_path, MAP, true))
		refuse(c->map_path, "cannot read it");
	if (findings() || !csv_header_starts(&c->map, MAP_HEADER))
		refuse(c->map_path, "not in order: run scripts/check-series");
	for (i = 1; i < c->map.nr; i++) {
		r = &c->map.row[i];
		if (r->nr != NR_COLUMNS || !matches(r->field[COMMIT], "|" ID_ERE "|" SHORT_ID_ERE))
			refuse(c->map_path, "line %zu is not in order: run scripts/check-series", r->line);
		/* a short id is left alone: no more of it is known */
		if (matches(r->field[COMMIT], ID_ERE))
			add_known(c, r->field[COMMIT], r);
	}
	if (!c->nr)
		refuse(c->map_path, "it names no upstream commit");
	sort_known(c);
}

/* Is name, a path, file name or file name without .patch, that of MILESTONE/SLUG? */
static bool names_patch(const char *of, const char *name)
{
	const char *slug = strrchr(of, '/');
	size_t len = strlen(name);

	if (starts_with(name, "patches/"))
		name += strlen("patches/");
	len = strlen(name);
	if (len > strlen(".patch") && !strcmp(name + len - strlen(".patch"), ".patch"))
		len -= strlen(".patch");
	return slug && len && ((!strncmp(of, name, len) && !of[len]) ||
			       (!strncmp(slug + 1, name, len) && !slug[1 + len]));
}

/* The commits of a patch, the one that it is first. */
static int commits_of(const struct check *c, const char *name)
{
	size_t i, n = 0;
	int folded;

	for (folded = 0; folded < 2; folded++)
		for (i = 0; i < c->nr; i++) {
			const struct known *k = &c->known[i];

			if (names_patch(k->row->field[folded ? FOLDED_INTO : PATCH], name)) {
				puts(k->id);
				n++;
			}
		}
	if (!n)
		refuse(name, "no row of " MAP " names an upstream commit for it");
	return 0;
}

/* ---- what a commit says ---- */

/* The first paragraph, on one line; caller frees. */
static char *title_of(const char *text)
{
	char *title, *to;

	text += strspn(text, "\n");
	title = to = xstrdup(text);
	for (; *text && !(text[0] == '\n' && (!text[1] || text[1] == '\n')); text++) {
		if (*text != '\n') {
			*to++ = *text == '\t' ? ' ' : *text;
			continue;
		}
		while (to > title && to[-1] == ' ')
			to--;
		*to++ = ' ';
		text += strspn(text + 1, " \t");
	}
	while (to > title && to[-1] == ' ')
		to--;
	*to = '\0';
	return title;
}

/* The line of the header that starts so, without it. */
static const char *header_line(const char *text, const char *name)
{
	const char *s = text;

	while (s && *s && *s != '\n') {
		if (starts_with(s, name))
			return s + strlen(name);
		s = strchr(s, '\n');
		s += s != NULL;
	}
	return "";
}

static char *author_of(const char *text)
{
	const char *s = header_line(text, "author ");
	size_t len = strcspn(s, "<\n");

	while (len && s[len - 1] == ' ')
		len--;
	return xasprintf("%.*s", (int)len, s);
}

static long long time_of(const char *text)
{
	const char *s = strpbrk(header_line(text, "committer "), ">\n");

	return s && *s == '>' ? strtoll(s + 1, NULL, 10) : 0;
}

/* ---- who names whom ---- */

struct message {
	struct check *c;
	const struct commit *commit;
	const char *text, *body;	/* header and message; the message */
};

static void add_followup(struct message *m, const struct known *of, const char *how,
			 const char *prefix, const char *rest)
{
	const char *end = rest + strcspn(rest, "\n"), *open = memchr(rest, '"', end - rest);
	struct check *c = m->c;
	struct followup *f;
	size_t i;

	for (i = c->nr_followups; i-- && c->followup[i].at == m->commit->index;)
		if (c->followup[i].of == of)
			return;
	c->followup = xrealloc(c->followup, c->nr_followups + 1, sizeof(*f));
	f = &c->followup[c->nr_followups++];
	*f = (struct followup){
		.of = of, .how = how, .at = m->commit->index,
		.prefix = xstrdup(prefix), .when = time_of(m->text),
		.title = title_of(m->body),
		.quoted = open ? strndup(open + 1, end - open - 1) : NULL,
	};
	git_oid_tostr(f->id, sizeof(f->id), m->commit->id);
}

/* Length of the id at s, 0 if that is none; in lower case in id. */
static size_t id_at(const char *s, char id[41])
{
	size_t len = 0;

	while (len < 41 && isxdigit((unsigned char)s[len]))
		len++;
	if (len < SHORTEST || len > 40 || isalnum((unsigned char)s[len]) || s[len] == '_')
		return 0;
	id[len] = '\0';
	for (size_t i = 0; i < len; i++)
		id[i] = tolower((unsigned char)s[i]);
	return len;
}

/* One id or more, with commas or blanks between. */
static void mentioned(struct message *m, const char *s, const char *how)
{
	struct check *c = m->c;
	size_t len, lo, hi, mid;
	char id[41];

	for (; (len = id_at(s, id)); s += strspn(s, ", ")) {
		s += len;
		for (lo = 0, hi = c->nr; lo < hi;) {
			mid = (lo + hi) / 2;
			if (strcmp(c->known[mid].id, id) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		for (; lo < c->nr && starts_with(c->known[lo].id, id); lo++)
			if (c->known[lo].taken)
				add_followup(m, &c->known[lo], how, id, s);
	}
}

static void find_fixes(struct message *m)
{
	const char *s = m->body;

	while ((s = strcasestr(s, "fixes:"))) {
		const char *start = s;

		s += strlen("fixes:");
		while (start > m->body && (start[-1] == ' ' || start[-1] == '\t'))
			start--;
		if (start > m->body && start[-1] != '\n')
			continue;
		s += strspn(s, " \t");
		if (!strncasecmp(s, "commit ", 7))
			s += 7 + strspn(s + 7, " \t");
		mentioned(m, s, "fixes");
	}
}

static void find_reverts(struct message *m)
{
	const char *s = m->body;

	while ((s = strcasestr(s, "reverts"))) {
		s += strlen("reverts");
		s += strspn(s, " \t\n");
		if (strncasecmp(s, "commit", 6))
			continue;
		s += 6;
		mentioned(m, s + strspn(s, " \t\n"), "reverts");
	}
}

static int same_id(const void *id, const void *known)
{
	return strcmp(id, ((const struct known *)known)->id);
}

static void meet(const struct commit *commit, void *data)
{
	struct message m = { .c = data, .commit = commit, .text = commit->text };
	char id[41];
	const char *end = commit->text + commit->len;
	struct known *k;

	m.body = memmem(commit->text, commit->len, "\n\n", 2);
	m.body = m.body ? m.body + 2 : end;
	git_oid_tostr(id, sizeof(id), commit->id);
	k = bsearch(id, m.c->known, m.c->nr, sizeof(*k), same_id);
	if (k) {
		k->at = commit->index;
		k->title = title_of(m.body);
		k->author = author_of(m.text);
	}
	if (memmem(m.body, end - m.body, "everts", 6))
		find_reverts(&m);
	if (memmem(m.body, end - m.body, "ixes:", 5) || memmem(m.body, end - m.body, "IXES:", 5))
		find_fixes(&m);
}

/* A repository that is not Linux would lack each of them: that is one line, not hundreds. */
static void find_any(const struct check *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		if (history_has(&c->h, c->known[i].id))
			return;
	refuse(c->h.path, "not one commit of " MAP " is in it: is this a clone of Linux?");
}

/* ---- reports ---- */

/* One finding about a row: what the map has and what upstream has. */
static void wrong(struct check *c, const struct known *k, const char *what,
		  const char *ours, const char *theirs)
{
	c->wrong++;
	if (c->porcelain)
		printf("%s\t%zu\t%s\t%s\t%s\n", what, k->row->line, k->id, ours, theirs);
	else if (!strcmp(what, "absent"))
		finding(MAP, k->row->line, "%.12s %s", k->id, theirs);
	else
		finding(MAP, k->row->line, "%.12s: %s '%s', upstream: '%s'",
			k->id, what, ours, theirs);
}

static const char *release_of(const struct check *c, size_t at)
{
	return c->h.in[at] ? c->h.release[c->h.in[at] - 1].name : "none";
}

/* The map may say more of an author behind the name, in brackets. */
static bool author_is(const char *ours, const char *theirs)
{
	size_t len = strlen(theirs);

	return starts_with(ours, theirs) && (!ours[len] || starts_with(ours + len, " ("));
}

static void check_known(struct check *c, const struct known *k)
{
	char *const *field = k->row->field;
	int release;

	if (k->at == NONE) {
		if (!strcmp(field[VERSION], STABLE))
			return;		/* mainline need not have it */
		wrong(c, k, "absent", "", history_has(&c->h, k->id) ?
		      "is in the clone, but neither its tip nor a release leads to it: see --tip" :
		      "is not in the clone");
		return;
	}
	/* of a commit that is folded the header need not say more than the id */
	if (*field[TITLE] && strcmp(field[TITLE], k->title))
		wrong(c, k, "title", field[TITLE], k->title);
	if (*field[AUTHOR] && !author_is(field[AUTHOR], k->author))
		wrong(c, k, "author", field[AUTHOR], k->author);
	if (!*field[VERSION] || !strcmp(field[VERSION], STABLE))
		return;
	release = history_release(&c->h, field[VERSION]);
	if (release < 0)
		wrong(c, k, "version", field[VERSION], "no such tag");
	else if (c->h.in[k->at] != release + 1)
		wrong(c, k, "version", field[VERSION], release_of(c, k->at));
}

/* Not every short id that fits is ours: it may be another commit's as well. */
static bool is_ours(const struct check *c, const struct followup *f)
{
	const char *title = f->of->title;
	size_t len;

	if (strlen(f->prefix) == 40 || !f->quoted || !title)
		return true;
	len = strlen(title);
	if (!strncmp(f->quoted, title, len) && !isalnum((unsigned char)f->quoted[len]))
		return true;
	return history_count(&c->h, f->prefix) <= 1;
}

static void report(struct check *c, const struct followup *f)
{
	const struct known *k = bsearch(f->id, c->known, c->nr, sizeof(*k), same_id);
	const char *state = !k ? "missing" : k->taken ? "taken" : "omitted";
	char *const *of = f->of->row->field;
	const char *patch = *of[FOLDED_INTO] ? of[FOLDED_INTO] : of[PATCH];
	time_t when = f->when;
	char day[16] = "";
	struct tm tm;

	if (!k)
		c->missing++;
	else if (k->taken)
		c->in_map++;
	else
		c->omitted++;
	if (c->porcelain) {
		printf("%s\t%s\t%lld\t%s\t%s\t%s\t%s\t%s\n", state, f->id, f->when,
		       release_of(c, f->at), f->how, f->of->id, patch, f->title);
		return;
	}
	if (k)
		return;
	if (gmtime_r(&when, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	finding(MAP, f->of->row->line,
		"no row for %.12s (\"%s\"), %s, %s, which %s %.12s: take it, or say in " OMITTED " why not",
		f->id, f->title, release_of(c, f->at), day, f->how, f->of->id);
}

static int newest_first(const void *a, const void *b)
{
	const struct followup *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? 1 : -1;
	return strcmp(x->id, y->id) ? strcmp(x->id, y->id) : strcmp(x->of->id, y->of->id);
}

static int by_line(const void *a, const void *b)
{
	const struct known *const *x = a, *const *y = b;

	if ((*x)->row->line != (*y)->row->line)
		return (*x)->row->line < (*y)->row->line ? -1 : 1;
	return strcmp((*x)->id, (*y)->id);
}

static int check_all(struct check *c, const char *git, const char *tip)
{
	const struct known **order = xrealloc(NULL, c->nr, sizeof(*order));
	size_t i;

	history_open(&c->h, git, tip);
	find_any(c);
	history_walk(&c->h, meet, c);
	for (i = 0; i < c->nr; i++)
		order[i] = &c->known[i];
	qsort(order, c->nr, sizeof(*order), by_line);
	for (i = 0; i < c->nr; i++)
		check_known(c, order[i]);
	free(order);
	qsort(c->followup, c->nr_followups, sizeof(*c->followup), newest_first);
	for (i = 0; i < c->nr_followups; i++)
		if (is_ours(c, &c->followup[i]))
			report(c, &c->followup[i]);
	if (c->porcelain)
		printf("end\t%zu\t%zu\t%zu\t%zu\n", c->h.nr, c->nr, c->wrong, c->missing);
	else
		printf("check-upstream: %zu commits up to %s of %s (%.12s); %zu in the map, %zu findings; "
		       "follow-ups: %zu taken, %zu omitted, %zu missing\n",
		       c->h.nr, c->h.tip_name, c->h.path, git_oid_tostr_s(&c->h.tip),
		       c->nr, c->wrong, c->in_map, c->omitted, c->missing);
	return c->wrong || c->missing;
}

static void free_all(struct check *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++) {
		free(c->known[i].title);
		free(c->known[i].author);
	}
	for (i = 0; i < c->nr_followups; i++) {
		free(c->followup[i].prefix);
		free(c->followup[i].quoted);
		free(c->followup[i].title);
	}
	free(c->known);
	free(c->followup);
	csv_free(&c->map);
}

static void usage(FILE *f)
{
	fputs("usage: check-upstream --map FILE --git DIR [--tip REV] [--porcelain]\n"
	      "       check-upstream --map FILE --commits-of PATCH\n", f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "map", required_argument, NULL, 'm' },
		{ "git", required_argument, NULL, 'g' },
		{ "tip", required_argument, NULL, 't' },
		{ "porcelain", no_argument, NULL, 'p' },
		{ "commits-of", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	const char *git = NULL, *tip = NULL, *patch = NULL;
	struct check c = { 0 };
	int o, rc;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'm':
			c.map_path = optarg;
			break;
		case 'g':
			git = optarg;
			break;
		case 't':
			tip = optarg;
			break;
		case 'p':
			c.porcelain = true;
			break;
		case 'c':
			patch = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_PASS;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind != argc || !c.map_path || !git == !patch) {
		usage(stderr);
		return EX_USAGE;
	}
	load_map(&c);
	rc = patch ? commits_of(&c, patch) : check_all(&c, git, tip);
	if (git)
		history_free(&c.h);
	free_all(&c);
	return rc;
}
