// SPDX-License-Identifier: GPL-2.0
/*
 * check-series.c - series, patches/ and patches/omitted.csv: does each say the
 * same as the others, and has each patch the form that openEuler's tools and
 * patch(1) expect? `series` is for openEuler; a line `#stable: PATH` of it is a
 * patch for stable 5.10.y only. Are patches/stable.series and upstream-map.csv
 * what follows from them?
 *
 * Usage:   check-series --root DIR --milestones "A B ..." --identities FILE [--plan FILE]
 *              [PATCH...]
 * Inputs:  DIR/series, DIR/upstream-map.csv, DIR/patches/; who patches may be by, a
 *          line each; the plan, a table of the commits that the series is to hold:
 *          it starts with the columns
 *          entry,milestone,upstream_commit,upstream_version,upstream_author,
 *          upstream_title. With PATCH (paths below DIR) only those patches are
 *          looked at.
 * Outputs: findings "file:line: error: ..." on stdout.
 * Exit:    0 nothing found, 1 findings, 2 usage, or an input is missing.
 */
#define _GNU_SOURCE
#include "csv.h"
#include "map.h"
#include "patch.h"
#include "base.h"
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
	struct text text;
	struct patch patch;
};

/* Where a commit stands: in the header of a patch, or in the list of those left out. */
struct place {
	const char *id, *file;
	size_t line;
	const struct item *in;	/* NULL: left out */
	const char *version, *author, *title;	/* NULL: it is folded, nobody says */
};

struct project {
	const char *root, *milestones, *plan_path;
	char **only;		/* patches to look at, all when nr_only is 0 */
	size_t nr_only;
	struct item *item;
	size_t nr;
	struct text series;
	struct csv omitted, plan;
	struct place *place;
	size_t nr_places;
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
			 strcmp(path, OMITTED) && !is_cover(pr, path))
			finding(path, 1, "no line in '" SERIES "' names this file");
		free(full);
		free(path);
		free(entry[i]);
	}
	if (nr >= 0)
		free(entry);
}

/* ---- where each commit stands ---- */

static void add_place(struct project *pr, struct place p)
{
	pr->place = xrealloc(pr->place, pr->nr_places + 1, sizeof(p));
	pr->place[pr->nr_places++] = p;
}

/* One of them may be short. */
static bool same_commit(const char *a, const char *b)
{
	size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return len >= 12 && !strncmp(a, b, len);
}

/* One upstream change may be two patches, one for each kind of base. */
static bool for_two_bases(const struct place *a, const struct place *b)
{
	const char *one, *two;

	if (!a->in || !b->in)
		return false;
	one = a->in->patch.base.value;
	two = b->in->patch.base.value;
	return one && two && strcmp(one, two);
}

static void check_unique(struct project *pr)
{
	size_t i, j;

	for (i = 0; i < pr->nr_places; i++)
		for (j = 0; j < i; j++) {
			const struct place *a = &pr->place[i], *b = &pr->place[j];

			if (!same_commit(a->id, b->id) || for_two_bases(a, b) ||
			    (a->in && !wanted(pr, a->in->path)))
				continue;
			finding(a->file, a->line, "commit %.12s is in %s already, on line %zu",
				a->id, b->file, b->line);
			break;
		}
}

static void check_omitted_row(const struct csv_row *r)
{
	size_t i;

	for (i = 0; i < r->nr; i++)
		if (strstr(r->field[i], TO_FILL_IN))
			finding(OMITTED, r->line, TO_FILL_IN " is still to be written");
	if (!matches(r->field[OMITTED_COMMIT], ID_ERE "|" SHORT_ID_ERE))
		finding(OMITTED, r->line, "commit '%.50s' is not an id of 40 hex digits, nor one of 12",
			r->field[OMITTED_COMMIT]);
	if (!matches(r->field[OMITTED_VERSION], VERSION_ERE "|" STABLE))
		finding(OMITTED, r->line, "version '%.30s' is not vX.Y, vX.Y-rcN or " STABLE,
			r->field[OMITTED_VERSION]);
	if (!*r->field[OMITTED_AUTHOR])
		finding(OMITTED, r->line, "no author");
	if (!*r->field[OMITTED_TITLE])
		finding(OMITTED, r->line, "no title");
	if (!*r->field[OMITTED_REASON])
		finding(OMITTED, r->line, "left out without a reason");
}

/* The list of what is left out; what cannot be read is taken out of it. */
static void check_omitted(struct project *pr)
{
	size_t i;

	if (pr->omitted.nr && (!csv_header_starts(&pr->omitted, OMITTED_HEADER) ||
			       pr->omitted.row[0].nr != OMITTED_COLUMNS))
		finding(OMITTED, 1, "the header row is not " OMITTED_HEADER);
	for (i = 1; i < pr->omitted.nr; i++) {
		const struct csv_row *r = &pr->omitted.row[i];

		if (r->nr != OMITTED_COLUMNS) {
			finding(OMITTED, r->line, "%zu fields instead of %d", r->nr, OMITTED_COLUMNS);
			continue;
		}
		check_omitted_row(r);
		add_place(pr, (struct place){ .id = r->field[OMITTED_COMMIT], .file = OMITTED,
			.line = r->line, .version = r->field[OMITTED_VERSION],
			.author = r->field[OMITTED_AUTHOR], .title = r->field[OMITTED_TITLE] });
	}
}

/* ---- upstream-map.csv ---- */

static void check_map(struct project *pr)
{
	char *full = in_root(pr, MAP), *buf = NULL;
	struct text is, should;
	size_t i, len;
	FILE *f = open_memstream(&buf, &len);
	int err = text_load(&is, full);

	free(full);
	if (!f)
		refuse(MAP, "no memory");
	map_header(f);
	for (i = 0; i < pr->nr; i++)
		map_patch(f, pr->item[i].path, &pr->item[i].patch);
	map_omitted(f, &pr->omitted);
	if (fclose(f))
		refuse(MAP, "no memory");
	if (err) {
		finding(MAP, 1, "cannot read it (%s): " DERIVE, strerror(err));
		free(buf);
		return;
	}
	text_cut(&should, buf, len);
	for (i = 0; i < is.nr && i < should.nr; i++)
		if (strcmp(is.line[i], should.line[i]))
			break;
	if (i < should.nr)
		finding(MAP, i + 1, "not what the headers and " OMITTED " give: " DERIVE);
	else if (i < is.nr)
		finding(MAP, i + 1, "no header and no row of " OMITTED " gives this line: " DERIVE);
	else if (is.nul_line || !is.ends_with_newline)
		finding(MAP, is.nr, "not what the headers and " OMITTED " give: " DERIVE);
	text_free(&is);
	text_free(&should);
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

static void compare(const struct place *p, const char *what, const char *ours, const char *plan)
{
	if (ours && *plan && strcmp(ours, plan))
		finding(p->file, p->line, "%s '%.80s', the plan has '%.80s'", what, ours, plan);
}

static void check_entry(struct project *pr, const struct csv_row *r)
{
	const char *id = r->field[PLAN_COMMIT];
	const struct place *p;
	size_t i;

	if (!*id)
		return;
	for (i = 0; i < pr->nr_places && !same_commit(pr->place[i].id, id); i++)
		;
	if (i == pr->nr_places) {
		if (milestone_started(pr, r->field[PLAN_MILESTONE]) && !pr->nr_only)
			finding(OMITTED, 1, "neither a patch nor a reason for %.12s of the plan (entry %s, %s), '%s'",
				id, r->field[PLAN_ENTRY], r->field[PLAN_MILESTONE], r->field[PLAN_TITLE]);
		return;
	}
	p = &pr->place[i];
	if (p->in && !wanted(pr, p->in->path))
		return;
	compare(p, "version", p->version, r->field[PLAN_VERSION]);
	compare(p, "author", p->author, r->field[PLAN_AUTHOR]);
	compare(p, "title", p->title, r->field[PLAN_TITLE]);
}

static void check_plan(struct project *pr)
{
	size_t i;

	for (i = 1; i < pr->plan.nr; i++)
		check_entry(pr, &pr->plan.row[i]);
}

/* ---- the patches ---- */

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

/* Reads the patch, and says what is wrong with its form if it is one of those to look at. */
static void read_patch(struct project *pr, struct item *it)
{
	char *full = in_root(pr, it->path);
	const struct patch *p = &it->patch;
	bool look = wanted(pr, it->path);
	int err = text_load(&it->text, full);
	size_t i;

	free(full);
	if (err) {
		if (look)
			finding(it->path, 1, "cannot read it (%s), '" SERIES "' names it", strerror(err));
		return;
	}
	findings_quiet(!look);
	patch_check(&it->text, it->path, &it->patch);
	findings_quiet(false);
	if (look)
		check_base(it->path, p, it);
	if (p->commit.value)
		add_place(pr, (struct place){ .id = p->commit.value, .file = it->path,
			.line = p->commit.line, .in = it, .version = p->version.value,
			.author = p->author.value, .title = p->subject.value });
	for (i = 0; i < p->nr_folds; i++)
		add_place(pr, (struct place){ .id = p->fold[i].id.value, .file = it->path,
			.line = p->fold[i].id.line, .in = it });
}

static void check_stray(const struct project *pr, const char *path)
{
	char *full = in_root(pr, path);
	struct patch p;
	struct text t;

	finding(path, 1, "no line in '" SERIES "' names this file");
	if (!text_load(&t, full)) {
		patch_check(&t, path, &p);
		patch_free(&p);
		text_free(&t);
	}
	free(full);
}

static void check_patches(struct project *pr)
{
	size_t i;

	for (i = 0; i < pr->nr; i++)
		read_patch(pr, &pr->item[i]);
	for (i = 0; i < pr->nr_only; i++)
		if (!find_item(pr, pr->only[i]))
			check_stray(pr, pr->only[i]);
}

/* ---- start and end ---- */

static void load_tables(struct project *pr)
{
	char *path = in_root(pr, OMITTED);
	size_t i;

	if (csv_load(&pr->omitted, path, OMITTED, true))
		refuse(path, "cannot read it");
	free(path);
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
	fputs("usage: check-series --root DIR --milestones \"A B ...\" --identities FILE [--plan FILE] [PATCH...]\n", f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "milestones", required_argument, NULL, 'm' },
		{ "identities", required_argument, NULL, 'i' },
		{ "plan", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct project pr = { 0 };
	const char *identities = NULL;
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
		case 'i':
			identities = optarg;
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
	if (!pr.root || !pr.milestones || !identities) {
		usage(stderr);
		return EX_USAGE;
	}
	pr.only = argv + optind;
	pr.nr_only = argc - optind;

	if (!patch_identities(identities))
		refuse(identities, "cannot read it: who are the patches by?");
	load_series(&pr);
	load_tables(&pr);
	if (!pr.nr_only) {
		look_for_strays(&pr, PATCHES);
		check_stable_series(&pr);
	}
	check_patches(&pr);
	check_omitted(&pr);
	check_unique(&pr);
	if (!pr.nr_only)
		check_map(&pr);
	if (pr.plan_path)
		check_plan(&pr);

	for (i = 0; i < pr.nr; i++) {
		patch_free(&pr.item[i].patch);
		text_free(&pr.item[i].text);
		free(pr.item[i].path);
	}
	free(pr.item);
	free(pr.place);
	text_free(&pr.series);
	csv_free(&pr.omitted);
	csv_free(&pr.plan);
	if (fflush(stdout) || ferror(stdout))
		die(EX_HARNESS, "stdout: %s", strerror(errno));
	return findings() ? EX_FAIL : EX_PASS;
}
