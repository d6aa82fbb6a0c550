// SPDX-License-Identifier: GPL-2.0
/*
 * check-series.c - series, patches/ and upstream-map.csv: does each say the
 * same as the others, and has each patch the form that openEuler's tools and
 * patch(1) expect? `series` is for openEuler; a line `#stable: PATH` of it is a
 * patch for stable 5.10.y only. Is patches/stable.series what follows from it?
 *
 * Usage:   check-series --root DIR --milestones "A B ..." [--plan FILE] [PATCH...]
 * Inputs:  DIR/series, DIR/upstream-map.csv, DIR/patches/; FILE, a table of
 *          the entries that the series is to hold, starts with the columns
 *          entry,milestone,upstream_commit,upstream_version,upstream_author,
 *          upstream_title. With PATCH (paths below DIR) only those patches
 *          and their rows are looked at.
 * Outputs: findings "file:line: error: ..." on stdout.
 * Exit:    0 nothing found, 1 findings, 2 usage, or an input is missing.
 */
#define _GNU_SOURCE
#include "csv.h"
#include "map.h"
#include "patch.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SERIES "series"
#define PATCHES "patches"
#define STABLE_SERIES PATCHES "/stable.series"
#define STABLE_LINE "#stable: "
#define DERIVE "scripts/derive-series writes it"
#define PATCH_ERE PATCHES "/[a-z0-9.-]+/[a-z0-9-]+\\.patch"

enum { PLAN_ENTRY, PLAN_MILESTONE, PLAN_COMMIT, PLAN_VERSION, PLAN_AUTHOR,
       PLAN_TITLE, PLAN_COLUMNS };
#define PLAN_HEADER "entry,milestone,upstream_commit,upstream_version," \
	"upstream_author,upstream_title"

struct item {
	char *path;
	size_t line;		/* in the series */
	bool stable;		/* in a line #stable: */
	const struct csv_row *row;	/* its adapted, partial or local row */
};

struct project {
	const char *root, *milestones, *plan_path;
	char **only;		/* patches to look at, all when nr_only is 0 */
	size_t nr_only;
	struct item *item;
	size_t nr;
	struct text series;
	struct csv map, plan;
	bool map_broken;	/* a row could not be read: a patch may have one after all */
};

static bool wanted(const struct project *pr, const char *path)
{
	size_t i;

	for (i = 0; i < pr->nr_only; i++)
		if (!strcmp(pr->only[i], path))
			return true;
	return !pr->nr_only;
}

static struct item *find_item(struct project *pr, const char *path)
{
	size_t i;

	for (i = 0; i < pr->nr; i++)
		if (!strcmp(pr->item[i].path, path))
			return &pr->item[i];
	return NULL;
}

/* The folder between "patches/" and the file; caller frees. */
static char *milestone_of(const char *path)
{
	const char *from = path + strlen(PATCHES "/");

	return strndup(from, strcspn(from, "/"));
}

static char *in_root(const struct project *pr, const char *path)
{
	return xasprintf("%s/%s", pr->root, path);
}

/* ---- the series and the files under patches/ ---- */

static bool has_word(const char *line, const char *word)
{
	char *ere = xasprintf("(.*[^a-z0-9-])?%s([^a-z0-9-].*)?", word);
	bool yes = matches(line, ere);

	free(ere);
	return yes;
}

/* The patch that a line names, NULL for a comment or an empty line. */
static const char *patch_in(const char *line)
{
	if (starts_with(line, STABLE_LINE))
		return line + strlen(STABLE_LINE);
	return *line && *line != '#' ? line : NULL;
}

static void add_item(struct project *pr, const char *path, size_t line)
{
	struct item *old = find_item(pr, path);

	if (old) {
		finding(SERIES, line, "%s stands here for the second time, first on line %zu",
			path, old->line);
		return;
	}
	pr->item = xrealloc(pr->item, pr->nr + 1, sizeof(*pr->item));
	pr->item[pr->nr++] = (struct item){ .path = xstrdup(path), .line = line,
		.stable = path != pr->series.line[line - 1] };
}

/* milestone of the patch on this line against the one before and the heading */
static int series_milestone(struct project *pr, size_t i, int last)
{
	const struct text *t = &pr->series;
	char *name = milestone_of(patch_in(t->line[i]));
	int now = word_index(pr->milestones, name);
	bool heading = false;
	size_t j;

	if (now < 0) {
		finding(SERIES, i + 1, "'%s' is not a milestone, these are: %s", name, pr->milestones);
		now = last;
	} else if (now < last) {
		finding(SERIES, i + 1, "milestone %s out of order: %s", name, pr->milestones);
	} else if (now > last) {
		for (j = i; j-- > 0 && (t->line[j][0] == '#' || !t->line[j][0]);)
			heading |= has_word(t->line[j], name);
		if (!heading)
			finding(SERIES, i + 1, "no heading above the first patch of %s: write a comment that names it",
				name);
	}
	free(name);
	return now;
}

/* Takes carriage returns away, and tells it once. */
static void unix_lines(struct text *t, const char *name)
{
	bool told = false;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		char *end = strchr(t->line[i], '\0');

		if (end == t->line[i] || end[-1] != '\r')
			continue;
		end[-1] = '\0';
		if (!told)
			finding(name, i + 1, "carriage return at the end of the line: sed -i 's/\\r$//' %s", name);
		told = true;
	}
}

static void load_series(struct project *pr)
{
	char *path = in_root(pr, SERIES);
	struct text *t = &pr->series;
	int last = -1;
	size_t i;

	if (text_load(t, path))
		refuse(path, "cannot read it: is this the root of the project?");
	free(path);
	if (t->nul_line)
		finding(SERIES, t->nul_line, "holds a NUL byte: not a text file");
	if (t->nr && !t->ends_with_newline)
		finding(SERIES, t->nr, "does not end with a newline");
	unix_lines(t, SERIES);
	for (i = 0; i < t->nr; i++) {
		const char *s = t->line[i], *patch = patch_in(s);

		if (!patch && !starts_with(s, "#stable"))
			continue;
		if (!patch || !matches(patch, PATCH_ERE)) {
			finding(SERIES, i + 1, "'%.80s' is neither a comment from column 1, an empty line, "
				PATCHES "/MILESTONE/SLUG.patch (slug: a-z, 0-9, -) nor "
				STABLE_LINE "and such a path", s);
			continue;
		}
		last = series_milestone(pr, i, last);
		add_item(pr, patch, i + 1);
	}
}

/* Has the header of this patch the field Base: with that value? */
static bool only_for(const struct project *pr, const char *patch, const char *base)
{
	char *full = in_root(pr, patch);
	struct text t;
	bool yes = false;

	if (!text_load(&t, full)) {
		yes = !strcmp(patch_base(&t), base);
		text_free(&t);
	}
	free(full);
	return yes;
}

/* The file for stable, line by line: what follows from the series. */
static void check_stable_series(struct project *pr)
{
	char *full = in_root(pr, STABLE_SERIES);
	size_t i, at = 0;
	struct text t;
	int err = text_load(&t, full);

	free(full);
	if (err) {
		finding(STABLE_SERIES, 1, "cannot read it (%s): " DERIVE, strerror(err));
		return;
	}
	unix_lines(&t, STABLE_SERIES);
	for (i = 0; i < pr->series.nr; i++) {
		const char *s = pr->series.line[i], *patch = patch_in(s);

		if (patch == s && only_for(pr, patch, "openeuler"))
			continue;
		if (at == t.nr || strcmp(t.line[at], patch ? patch : s))
			break;
		at++;
	}
	if (i < pr->series.nr)
		finding(STABLE_SERIES, at + 1, "line %zu of '" SERIES "' gives another line here: " DERIVE, i + 1);
	else if (at < t.nr)
		finding(STABLE_SERIES, at + 1, "'" SERIES "' gives no such line: " DERIVE);
	else if (t.nul_line || t.ends_with_newline != pr->series.ends_with_newline)
		finding(STABLE_SERIES, t.nr ? t.nr : 1, "not as '" SERIES "' gives it: " DERIVE);
	text_free(&t);
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

/* Is it what a milestone has for the cover letter of scripts/export-mbox? */
static bool is_cover(const struct project *pr, const char *path)
{
	char *name = milestone_of(path), *cover = xasprintf(PATCHES "/%s/COVER", name);
	bool yes = !strcmp(path, cover) && word_index(pr->milestones, name) >= 0;

	free(cover);
	free(name);
	return yes;
}

/* Every file below dir needs its line in the series. */
static void look_for_strays(struct project *pr, const char *dir)
{
	char *full = in_root(pr, dir);
	struct dirent **entry;
	int i, nr = scandir(full, &entry, not_dots, alphasort);

	free(full);
	for (i = 0; i < nr; i++) {
		char *path = xasprintf("%s/%s", dir, entry[i]->d_name);
		struct stat st;

		full = in_root(pr, path);
		if (!lstat(full, &st) && S_ISDIR(st.st_mode))
			look_for_strays(pr, path);
		else if (!find_item(pr, path) && strcmp(path, STABLE_SERIES) &&
			 !is_cover(pr, path))
			finding(path, 1, "no line in '" SERIES "' names this file");
		free(full);
		free(path);
		free(entry[i]);
	}
	if (nr >= 0)
		free(entry);
}

/* ---- rows of the map ---- */

/* Are these space-separated ids, each with one space between? */
static bool ids_ok(const char *s)
{
	return matches(s, "|" ID_ERE "( " ID_ERE ")*");
}

static const struct csv_row *row_of_commit(const struct csv *map, const char *id)
{
	size_t i;

	for (i = 1; i < map->nr; i++)
		if (map->row[i].nr == NR_COLUMNS &&
		    !strcmp(map->row[i].field[COMMIT], id))
			return &map->row[i];
	return NULL;
}

static bool in_plan(const struct project *pr, const char *id)
{
	size_t i;

	for (i = 1; i < pr->plan.nr; i++)
		if (!strcmp(pr->plan.row[i].field[PLAN_COMMIT], id))
			return true;
	return false;
}

static void check_fixes(struct project *pr, const struct csv_row *r)
{
	const char *s = r->field[FIXES], *patch = r->field[PATCH];

	if (!ids_ok(s)) {
		finding(MAP, r->line, "folded_fixes '%.60s' are not 40-hex ids with one space between", s);
		return;
	}
	for (; *s; s += 40, s += *s == ' ') {
		char *id = strndup(s, 40);
		const struct csv_row *f = row_of_commit(&pr->map, id);

		if (f && (strcmp(f->field[RELATION], "folded") || strcmp(f->field[PATCH], patch)))
			finding(MAP, f->line, "%.12s is a folded fix of %s (line %zu): its row must say 'folded' and name that patch",
				id, patch, r->line);
		else if (!f && in_plan(pr, id))
			finding(MAP, r->line, "folded fix %.12s is in the plan and has no row of its own", id);
		free(id);
	}
}

/* The row that describes a patch: adapted, partial, local. */
static void check_primary(struct project *pr, const struct csv_row *r)
{
	struct item *it = find_item(pr, r->field[PATCH]);

	if (!*r->field[EVIDENCE])
		finding(MAP, r->line, "no evidence: which test or gate shows this change?");
	check_fixes(pr, r);
	if (!it)
		return;
	if (it->row)
		finding(MAP, r->line, "%s has its row on line %zu already: other rows of it are 'folded'",
			it->path, it->row->line);
	else
		it->row = r;
}

static void check_upstream(const struct csv_row *r, bool needed)
{
	bool commit = *r->field[COMMIT];

	if (commit ? !matches(r->field[COMMIT], ID_ERE "|" SHORT_ID_ERE) : needed)
		finding(MAP, r->line, "upstream_commit '%.50s' is not a full id of 40 hex digits, nor one of 12",
			r->field[COMMIT]);
	if (commit && !matches(r->field[VERSION], VERSION_ERE "|" STABLE))
		finding(MAP, r->line, "upstream_version '%.30s' is not vX.Y, vX.Y-rcN or " STABLE,
			r->field[VERSION]);
	if (!commit && !matches(r->field[VERSION], "|none"))
		finding(MAP, r->line, "upstream_version '%.30s' without an upstream_commit", r->field[VERSION]);
	if (commit && !*r->field[AUTHOR])
		finding(MAP, r->line, "no upstream_author");
	if (!*r->field[TITLE])
		finding(MAP, r->line, "no upstream_title");
}

static void check_place(struct project *pr, const struct csv_row *r, bool omitted)
{
	const char *patch = r->field[PATCH];
	char *folder;

	if (word_index(pr->milestones, r->field[MILESTONE]) < 0)
		finding(MAP, r->line, "'%.40s' is not a milestone, these are: %s",
			r->field[MILESTONE], pr->milestones);
	if (omitted) {
		if (*patch)
			finding(MAP, r->line, "an omitted row names no patch");
		return;
	}
	if (!find_item(pr, patch)) {
		finding(MAP, r->line, "'%.80s' is not in '" SERIES "'", patch);
		return;
	}
	folder = milestone_of(patch);
	if (strcmp(folder, r->field[MILESTONE]))
		finding(MAP, r->line, "milestone '%.40s', the patch lies in %s", r->field[MILESTONE], folder);
	free(folder);
}

static void check_row(struct project *pr, const struct csv_row *r)
{
	const char *relation = r->field[RELATION];
	bool omitted = !strcmp(relation, "omitted"), folded = !strcmp(relation, "folded");
	size_t i;

	if (word_index("adapted partial folded omitted local", relation) < 0) {
		finding(MAP, r->line, "relation '%.20s' is not adapted, partial, folded, omitted or local", relation);
		pr->map_broken = true;
		return;
	}
	for (i = 0; i < r->nr; i++)
		if (strstr(r->field[i], TO_FILL_IN))
			finding(MAP, r->line, TO_FILL_IN " is still to be written");
	check_place(pr, r, omitted);
	check_upstream(r, !strcmp(relation, "adapted") || !strcmp(relation, "partial"));
	if (!strcmp(relation, "local") && *r->field[COMMIT])
		finding(MAP, r->line, "a local row has no upstream_commit");
	if (omitted && !*r->field[NOTE])
		finding(MAP, r->line, "omitted without a reason in the note");
	if (!matches(r->field[ENTRY], "|[XY]?[1-9][0-9]{0,2}"))
		finding(MAP, r->line, "entry '%.20s' is neither N, XN, YN nor empty", r->field[ENTRY]);
	if (!omitted && !folded)
		check_primary(pr, r);
	else if (*r->field[FIXES])
		finding(MAP, r->line, "folded_fixes belong to the row of the patch that holds them");
}

static bool row_wanted(const struct project *pr, const struct csv_row *r)
{
	return r->nr == NR_COLUMNS && wanted(pr, r->field[PATCH]);
}

/* Has one upstream change two patches, one for each kind of base? */
static bool for_two_bases(const struct project *pr, const struct csv_row *a,
			  const struct csv_row *b)
{
	const char *one = a->field[PATCH], *two = b->field[PATCH];

	return (only_for(pr, one, "openeuler") && only_for(pr, two, "stable")) ||
	       (only_for(pr, one, "stable") && only_for(pr, two, "openeuler"));
}

/* No commit and no entry of the plan stands in two rows, but for two bases. */
static void check_unique(struct project *pr, int column, const char *what)
{
	size_t i, j;

	for (i = 1; i < pr->map.nr; i++) {
		const struct csv_row *r = &pr->map.row[i];

		if (!row_wanted(pr, r) || !*r->field[column])
			continue;
		for (j = 1; j < i; j++)
			if (pr->map.row[j].nr == NR_COLUMNS &&
			    !strcmp(pr->map.row[j].field[column], r->field[column]) &&
			    !for_two_bases(pr, r, &pr->map.row[j]))
				break;
		if (j < i)
			finding(MAP, r->line, "%s %s has a row already, on line %zu",
				what, r->field[column], pr->map.row[j].line);
	}
}

static void check_map(struct project *pr)
{
	size_t i;

	for (i = 1; i < pr->map.nr; i++) {
		const struct csv_row *r = &pr->map.row[i];

		if (r->nr != NR_COLUMNS) {
			finding(MAP, r->line, "%zu fields instead of %d", r->nr, NR_COLUMNS);
			pr->map_broken = true;
		} else if (wanted(pr, r->field[PATCH])) {
			check_row(pr, r);
		}
	}
	check_unique(pr, COMMIT, "commit");
	check_unique(pr, ENTRY, "entry");
	for (i = 0; i < pr->nr && !pr->map_broken; i++)
		if (!pr->item[i].row && wanted(pr, pr->item[i].path))
			finding(SERIES, pr->item[i].line, "no row adapted, partial or local of '" MAP "' names %s",
				pr->item[i].path);
}

/* ---- the plan ---- */

static bool milestone_started(const struct project *pr, const char *name)
{
	size_t i;

	for (i = 0; i < pr->nr; i++) {
		char *m = milestone_of(pr->item[i].path);
		bool same = !strcmp(m, name);

		free(m);
		if (same)
			return true;
	}
	return false;
}

static void compare(const struct csv_row *r, int column, const char *what, const char *plan)
{
	if (strcmp(r->field[column], plan))
		finding(MAP, r->line, "%s '%.80s', the plan has '%.80s'", what, r->field[column], plan);
}

static void check_entry(struct project *pr, const struct csv_row *p)
{
	const struct csv_row *r = NULL;
	size_t i;

	for (i = 1; i < pr->map.nr && !r; i++)
		if (pr->map.row[i].nr == NR_COLUMNS &&
		    !strcmp(pr->map.row[i].field[ENTRY], p->field[PLAN_ENTRY]))
			r = &pr->map.row[i];
	if (!r) {
		if (milestone_started(pr, p->field[PLAN_MILESTONE]) && !pr->nr_only)
			finding(MAP, 1, "no row for entry %s of the plan, '%s' (%s)", p->field[PLAN_ENTRY],
				p->field[PLAN_TITLE], p->field[PLAN_MILESTONE]);
		return;
	}
	if (!row_wanted(pr, r))
		return;
	/* An omitted entry has no patch that tells where it stands. */
	if (!strcmp(r->field[RELATION], "omitted") &&
	    milestone_started(pr, p->field[PLAN_MILESTONE]))
		compare(r, MILESTONE, "milestone", p->field[PLAN_MILESTONE]);
	/* No upstream commit, or only a counterpart of it: the columns are ours to word. */
	if (!*r->field[COMMIT] && !strcmp(p->field[PLAN_VERSION], "none"))
		return;
	compare(r, COMMIT, "upstream_commit", p->field[PLAN_COMMIT]);
	if (!*p->field[PLAN_COMMIT])
		return;
	compare(r, VERSION, "upstream_version", p->field[PLAN_VERSION]);
	compare(r, AUTHOR, "upstream_author", p->field[PLAN_AUTHOR]);
	compare(r, TITLE, "upstream_title", p->field[PLAN_TITLE]);
}

static void check_plan(struct project *pr)
{
	size_t i, j;

	for (i = 1; i < pr->plan.nr; i++)
		check_entry(pr, &pr->plan.row[i]);
	for (i = 1; i < pr->map.nr; i++) {
		const struct csv_row *r = &pr->map.row[i];

		if (!row_wanted(pr, r) || !*r->field[ENTRY])
			continue;
		for (j = 1; j < pr->plan.nr; j++)
			if (!strcmp(pr->plan.row[j].field[PLAN_ENTRY], r->field[ENTRY]))
				break;
		if (j == pr->plan.nr)
			finding(MAP, r->line, "the plan has no entry %s", r->field[ENTRY]);
	}
}

/* ---- the patches ---- */

static void same(const char *path, const struct field *f, const char *what,
		 const struct csv_row *r, int column)
{
	if (f->value && strcmp(f->value, r->field[column]))
		finding(path, f->line, "%s '%.80s', " MAP " line %zu has '%.80s'",
			what, f->value, r->line, r->field[column]);
}

/* What the header says against what the map says. */
static void check_against_row(const char *path, const struct patch *p, const struct csv_row *r)
{
	bool local = !strcmp(r->field[RELATION], "local");
	bool partial = !strcmp(r->field[RELATION], "partial");

	if (p->inclusion.value && p->mainline == local) {
		finding(path, p->inclusion.line, "'%s', " MAP " line %zu says '%s'",
			p->inclusion.value, r->line, r->field[RELATION]);
		return;
	}
	if (local)
		return;
	same(path, &p->version, "version", r, VERSION);
	same(path, &p->commit, "commit", r, COMMIT);
	same(path, &p->author, "Upstream-author", r, AUTHOR);
	if (!partial || !*r->field[NOTE])
		same(path, &p->subject, "subject", r, TITLE);
}

/* Does the series have the patch in the kind of line that its header asks for? */
static void check_base(const char *path, const struct patch *p, const struct item *it)
{
	bool stable = p->base.value && !strcmp(p->base.value, "stable");

	if (stable && !it->stable)
		finding(path, p->base.line, "Base: stable, and line %zu of '" SERIES "' gives it to openEuler: write '"
			STABLE_LINE "%s' there", it->line, path);
	else if (!stable && it->stable)
		finding(SERIES, it->line, "a line '" STABLE_LINE "', and the header of %s has no 'Base: stable'",
			path);
}

static void check_patch(struct project *pr, const char *path, const struct item *it)
{
	char *full = in_root(pr, path);
	struct patch p;
	struct text t;
	int err = text_load(&t, full);

	free(full);
	if (err) {
		finding(path, 1, "cannot read it (%s), '" SERIES "' names it", strerror(err));
		return;
	}
	patch_check(&t, path, &p);
	if (it)
		check_base(path, &p, it);
	if (it && it->row)
		check_against_row(path, &p, it->row);
	text_free(&t);
}

static void check_patches(struct project *pr)
{
	size_t i;

	for (i = 0; i < pr->nr; i++)
		if (wanted(pr, pr->item[i].path))
			check_patch(pr, pr->item[i].path, &pr->item[i]);
	for (i = 0; i < pr->nr_only; i++)
		if (!find_item(pr, pr->only[i])) {
			finding(pr->only[i], 1, "no line in '" SERIES "' names this file");
			check_patch(pr, pr->only[i], NULL);
		}
}

/* ---- start and end ---- */

static void load_tables(struct project *pr)
{
	char *path = in_root(pr, MAP);
	size_t i;

	if (csv_load(&pr->map, path, MAP, true))
		refuse(path, "cannot read it");
	free(path);
	if (!csv_header_starts(&pr->map, MAP_HEADER) || pr->map.row[0].nr != NR_COLUMNS) {
		finding(MAP, 1, "the header row is not " MAP_HEADER);
		pr->map_broken = true;
		csv_free(&pr->map);
	}
	if (!pr->plan_path)
		return;
	if (csv_load(&pr->plan, pr->plan_path, pr->plan_path, false))
		refuse(pr->plan_path, "cannot read it");
	for (i = 0; i < pr->plan.nr; i++)
		if (pr->plan.row[i].nr < PLAN_COLUMNS)
			refuse(pr->plan_path, "a row with fewer than 6 fields");
	if (pr->plan.nr < 2)
		refuse(pr->plan_path, "no entries in it");
	if (!csv_header_starts(&pr->plan, PLAN_HEADER))
		refuse(pr->plan_path, "the header row does not start with " PLAN_HEADER);
}

static void usage(FILE *f)
{
	fputs("usage: check-series --root DIR --milestones \"A B ...\" [--plan FILE] [PATCH...]\n", f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "milestones", required_argument, NULL, 'm' },
		{ "plan", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct project pr = { 0 };
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			pr.root = optarg;
			break;
		case 'm':
			pr.milestones = optarg;
			break;
		case 'p':
			pr.plan_path = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_PASS;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (!pr.root || !pr.milestones) {
		usage(stderr);
		return EX_USAGE;
	}
	pr.only = argv + optind;
	pr.nr_only = argc - optind;

	load_series(&pr);
	load_tables(&pr);
	if (!pr.nr_only) {
		look_for_strays(&pr, PATCHES);
		check_stable_series(&pr);
	}
	check_map(&pr);
	if (pr.plan_path)
		check_plan(&pr);
	check_patches(&pr);

	for (i = 0; i < pr.nr; i++)
		free(pr.item[i].path);
	free(pr.item);
	text_free(&pr.series);
	csv_free(&pr.map);
	csv_free(&pr.plan);
	if (fflush(stdout) || ferror(stdout))
		die(EX_HARNESS, "stdout: %s", strerror(errno));
	return findings() ? EX_FAIL : EX_PASS;
}
