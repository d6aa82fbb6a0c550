// SPDX-License-Identifier: GPL-2.0
/*
 * patch.c - the header of a patch: mail header, openEuler's inclusion block,
 * explanation, trailers. The order is fixed, so this reads like the form:
 * each step takes the line it expects, or reports what it found instead.
 * Source of the block: "Code for committing patch" of openEuler's kernel SIG.
 */
#define _GNU_SOURCE
#include "patch.h"
#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DASHES "--------------------------------"
#define INCLUSION_WITHIN 10	/* lines; a consumer of the block looks no further */
#define BASE "Base: "
#define FOLDS "Folds: ("
#define TORVALDS "https://git.kernel.org/torvalds/c/"

/* One a line; with '#' in front it is a comment. */
static struct text identities;

struct cursor {
	const struct text *t;
	const char *name;
	size_t at;		/* index of the next line */
	bool lost;		/* this part does not have its form: said once */
};

static const char *peek(const struct cursor *c)
{
	return c->at < c->t->nr ? c->t->line[c->at] : "";
}

/* Says what is missing here, and nothing more until the next part begins. */
static void fault(struct cursor *c, const char *what)
{
	if (c->lost)
		return;
	c->lost = true;
	if (c->at < c->t->nr)
		finding(c->name, c->at + 1, "expected %s, found '%.60s'", what, peek(c));
	else
		finding(c->name, c->t->nr, "expected %s, found the end of the file", what);
}

/* Take a line that starts with prefix; what follows must match ere. */
static bool take(struct cursor *c, const char *prefix, const char *ere,
		 const char *what, struct field *f)
{
	const char *s = peek(c);

	if (c->lost || c->at >= c->t->nr || !starts_with(s, prefix)) {
		fault(c, what);
		return false;
	}
	if (!matches(s + strlen(prefix), ere)) {
		finding(c->name, c->at + 1, "expected %s, found '%.60s'", what, s);
		c->at++;
		return false;
	}
	if (f) {
		f->value = s + strlen(prefix);
		f->line = c->at + 1;
	}
	c->at++;
	return true;
}

static void take_blank(struct cursor *c, const char *where)
{
	if (c->lost)
		return;
	if (c->at < c->t->nr && !*peek(c))
		c->at++;
	else
		finding(c->name, c->at + 1, "expected %s, found '%.60s'", where, peek(c));
}

/* A new part: when lost, its start is behind the next line that is mark. */
static void next_part(struct cursor *c, const char *mark)
{
	if (c->lost) {
		while (c->at < c->t->nr && strcmp(peek(c), mark))
			c->at++;
		while (c->at < c->t->nr && (!strcmp(peek(c), mark) || !*peek(c)))
			c->at++;
	}
	c->lost = false;
}

/* RFC 2822, and the day of the week has to be the one of that date. */
static bool date_ok(const char *s)
{
	struct tm tm = { 0 }, real;
	char day[4];
	time_t when;

	if (!matches(s, "(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} "
		     "[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"))
		return false;
	if (!strptime(s, "%a, %d %b %Y %H:%M:%S", &tm))
		return false;
	real = tm;
	when = timegm(&real);
	if (when == (time_t)-1 || real.tm_mday != tm.tm_mday)
		return false;
	strftime(day, sizeof(day), "%a", &real);
	return starts_with(s, day);
}

bool patch_identities(const char *path)
{
	return !text_load(&identities, path);
}

static bool is_identity(const char *who)
{
	size_t i;

	for (i = 0; i < identities.nr; i++)
		if (*who && *who != '#' && !strcmp(identities.line[i], who))
			return true;
	return false;
}

static void mail_header(struct cursor *c, struct patch *p)
{
	struct field date = { 0 };

	if (take(c, "From: ", ".*[^ ]", "'From: NAME <ADDRESS>'", &p->from) &&
	    !is_identity(p->from.value))
		finding(c->name, p->from.line, "'%.60s' is not one of scripts/lib/identities", p->from.value);
	if (take(c, "Date: ", ".*", "'Date: ' with an RFC 2822 date", &date) &&
	    !date_ok(date.value))
		finding(c->name, date.line, "'%.60s' is not a date of RFC 2822 (day of the week included)",
			date.value);
	if (take(c, "Subject: ", ".*[^ ]", "'Subject: ' with the title on one line",
		 &p->subject) && strchr(p->subject.value, '[') == p->subject.value) {
		finding(c->name, p->subject.line,
			"the subject starts with a bracket: leave '[PATCH]' to the mail tool");
		p->subject.value = NULL;
	}
	take_blank(c, "an empty line after the mail header");
}

static void inclusion_block(struct cursor *c, struct patch *p)
{
	struct field ref = { 0 };

	if (take(c, "", "(mainline|openEuler) inclusion",
		 "'mainline inclusion' or 'openEuler inclusion'", &p->inclusion)) {
		p->mainline = starts_with(p->inclusion.value, "mainline");
		if (p->inclusion.line > INCLUSION_WITHIN)
			finding(c->name, p->inclusion.line,
				"the inclusion line must stand within the first %d lines",
				INCLUSION_WITHIN);
	} else {
		c->lost = true;
	}
	if (p->mainline) {
		take(c, "from mainline-", VERSION_ERE,
		     "'from mainline-vX.Y[-rcN]'", &p->version);
		take(c, "commit ", ID_ERE "|" SHORT_ID_ERE, "'commit ' with 40 hex digits",
		     &p->commit);
	}
	take(c, "category: ", "cleanup|bugfix|performance|feature|doc|other",
	     "'category: ' cleanup, bugfix, performance, feature, doc or other", NULL);
	take(c, "bugzilla: ", "NA|https?://[^ ]+", "'bugzilla: ' NA or a URL", NULL);
	take(c, "CVE: ", "NA|CVE-[0-9]{4}-[0-9]{4,}(, CVE-[0-9]{4}-[0-9]{4,})*",
	     "'CVE: ' NA or CVE-YYYY-N, or several with commas", &p->cve);
	take_blank(c, "an empty line before Reference");
	if (take(c, "Reference: ", ".*[^ ]", "'Reference: '", &ref) && p->commit.value) {
		const char *id = strrchr(ref.value, '/');

		if (!starts_with(ref.value, TORVALDS) || !matches(id, "/[0-9a-f]{12,40}") ||
		    !starts_with(p->commit.value, id + 1))
			finding(c->name, ref.line, "expected '" TORVALDS "%.12s'",
				p->commit.value);
	}
	take_blank(c, "an empty line after Reference");
	take(c, "", DASHES, "a line of 32 dashes", NULL);
	take_blank(c, "an empty line after the dashes");
}

/* A trailer may go on over the next lines; a blank line or a trailer ends it. */
static bool is_trailer(const char *s)
{
	return starts_with(s, "Adaptation:") || starts_with(s, "Base:") ||
	       starts_with(s, "Upstream-author:") || starts_with(s, "Folds:") ||
	       starts_with(s, "Tested:");
}

/* Returns what the trailer says, on one line; NULL when it is not there. */
static char *trailer(struct cursor *c, const char *prefix, const char *what)
{
	struct field f = { 0 };
	char *all;

	if (!take(c, prefix, ".*[^ ].*", what, &f))
		return NULL;
	all = xstrdup(f.value);
	while (c->at < c->t->nr && *peek(c) && !is_trailer(peek(c)) &&
	       !starts_with(peek(c), "Signed-off-by:") && strcmp(peek(c), "---")) {
		char *longer = xasprintf("%s %s", all, peek(c) + strspn(peek(c), " "));

		free(all);
		all = longer;
		c->at++;
	}
	return all;
}

/* The commit and its release, and the title in quotes on the lines that follow. */
static void folds(struct cursor *c, struct patch *p)
{
	static const char form[] = "'" FOLDS "' 40 hex digits ', vX.Y)', and below it ' \"title\"'";

	while (starts_with(peek(c), "Folds:")) {
		size_t line = c->at + 1, len;
		char *all = trailer(c, FOLDS, form), *title;
		struct fold *f;

		if (!all)
			return;
		if (!matches(all, "(" ID_ERE "|" SHORT_ID_ERE ")(, (" VERSION_ERE "|" STABLE "))?\\)"
			     "( \".+\")?")) {
			finding(c->name, line, "expected %s, found '" FOLDS "%.60s'", form, all);
			free(all);
			continue;
		}
		p->fold = xrealloc(p->fold, p->nr_folds + 1, sizeof(*f));
		f = &p->fold[p->nr_folds++];
		title = strchr(all, ')') + 1;
		len = strcspn(all, ",)");
		f->id = (struct field){ .value = c->t->line[line - 1] + strlen(FOLDS), .line = line };
		f->title = *title ? xstrndup(title + 2, strlen(title + 3)) : xstrdup("");
		title[-1] = '\0';
		f->version = xstrdup(all[len] ? all + len + 2 : "");
		c->t->line[line - 1][strlen(FOLDS) + len] = '\0';
		free(all);
	}
}

static void explanation(struct cursor *c, struct patch *p)
{
	struct field signoff = { 0 };
	size_t words = 0;

	for (; c->at < c->t->nr && !is_trailer(peek(c)); c->at++) {
		if (!strcmp(peek(c), "---") || starts_with(peek(c), "diff --git "))
			break;
		words += !is_blank(peek(c));
	}
	if (!words && !c->lost)
		finding(c->name, c->at + 1, "no explanation between the dashes and 'Adaptation:'");
	p->adaptation = trailer(c, "Adaptation: ", "'Adaptation: ' and how 5.10 differs");
	if (starts_with(peek(c), "Base:"))
		take(c, BASE, "openeuler|stable", "'" BASE "' openeuler or stable", &p->base);
	/* openEuler's tools look the commit up: they need all of the id */
	if (p->commit.value && strlen(p->commit.value) < 40 &&
	    (!p->base.value || strcmp(p->base.value, "stable")))
		finding(c->name, p->commit.line, "expected 'commit ' with 40 hex digits, found 'commit %s'",
			p->commit.value);
	if (p->mainline)
		take(c, "Upstream-author: ", ".*[^ ]", "'Upstream-author: ' with a name",
		     &p->author);
	folds(c, p);
	free(trailer(c, "Tested: ", "'Tested: ' and what was run"));
	take_blank(c, "an empty line before the sign-off");
	if (take(c, "Signed-off-by: ", ".*[^ ]", "'Signed-off-by: ' and the name of From", &signoff) &&
	    p->from.value && strcmp(signoff.value, p->from.value))
		finding(c->name, signoff.line, "signed off by '%.60s', and From is '%.60s'",
			signoff.value, p->from.value);
}

static void whole_file(const struct text *t, const char *name, size_t separator)
{
	size_t i, signoffs = 0;

	if (t->nul_line)
		finding(name, t->nul_line, "holds a NUL byte: not a text patch");
	if (!t->ends_with_newline)
		finding(name, t->nr, "does not end with a newline");
	for (i = 0; i < t->nr; i++) {
		const char *s = t->line[i];

		if (*s && s[strlen(s) - 1] == '\r') {
			finding(name, i + 1, "carriage return at the end of the line");
			break;
		}
	}
	for (i = 0; i < separator; i++)
		if (!is_utf8(t->line[i]))
			finding(name, i + 1, "is not UTF-8: convert it (iconv -f LATIN1 -t UTF-8, or what it is)");
	for (i = 0; i < separator; i++)
		if (strstr(t->line[i], TO_FILL_IN))
			finding(name, i + 1, TO_FILL_IN " is still to be written");
	for (i = 0; i < separator; i++)
		if (!strncasecmp(t->line[i], "Signed-off-by:", 14) && ++signoffs > 1)
			finding(name, i + 1, "a second sign-off: there is just one, that of From");
}

const char *patch_base(const struct text *t)
{
	size_t i;

	for (i = 0; i < t->nr && strcmp(t->line[i], "---"); i++) {
		if (!strcmp(t->line[i], BASE "openeuler"))
			return "openeuler";
		if (!strcmp(t->line[i], BASE "stable"))
			return "stable";
	}
	return "";
}

void patch_free(struct patch *p)
{
	size_t i;

	for (i = 0; i < p->nr_folds; i++) {
		free(p->fold[i].version);
		free(p->fold[i].title);
	}
	free(p->fold);
	free(p->adaptation);
}

void patch_check(struct text *t, const char *name, struct patch *p)
{
	struct cursor c = { .t = t, .name = name };
	size_t separator;

	memset(p, 0, sizeof(*p));
	if (!t->nr) {
		finding(name, 1, "is empty: write the patch, or take it out of the series");
		return;
	}
	for (separator = 0; separator < t->nr; separator++)
		if (!strcmp(t->line[separator], "---"))
			break;
	whole_file(t, name, separator);
	if (t->nul_line)
		return;
	mail_header(&c, p);
	next_part(&c, "");
	inclusion_block(&c, p);
	next_part(&c, DASHES);
	explanation(&c, p);
	if (strcmp(peek(&c), "---"))
		fault(&c, "'---' right after the sign-off");
	if (separator == t->nr)
		finding(name, t->nr, "no '---' line: header only, or a truncated patch");
	else
		diff_check(t, name, separator);
}
