// SPDX-License-Identifier: GPL-2.0
/*
 * diff.c - the part of a patch behind "---": a diffstat that tells the truth,
 * and a unified diff that any patch(1) applies with nothing to guess: a/ and
 * b/ paths, no timestamps, no index lines, no renames, copies, binary diffs
 * or mode changes, and hunks whose numbers add up.
 */
#include "patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ERE "[A-Za-z0-9_][A-Za-z0-9_.+,-]*(/[A-Za-z0-9_.+,-]+)*"

struct file {
	char *path;
	size_t line;
	unsigned long added, removed;
	bool created, deleted, in_stat;
};

struct diff {
	const struct text *t;
	const char *name;
	size_t at;		/* index of the next line */
	struct file *file;
	size_t nr;
	bool broken;		/* the counts of added and removed lines are not known */
};

static const char *peek(const struct diff *d)
{
	return d->at < d->t->nr ? d->t->line[d->at] : "";
}

#define fault(d, ...) finding((d)->name, (d)->at + 1, __VA_ARGS__)

/* "diff --git a/X b/X" begins a file; the path must be plain. */
static bool begin_file(struct diff *d)
{
	const char *s = peek(d) + strlen("diff --git ");
	const char *sep = strstr(s, " b/");
	size_t len = sep ? (size_t)(sep - s) : 0, i;
	struct file *f;

	if (!sep || !starts_with(s, "a/") || strlen(sep + 1) != len ||
	    strncmp(s + 2, sep + 3, len - 2)) {
		fault(d, "expected 'diff --git a/PATH b/PATH' with the same path twice");
		d->broken = true;
		return false;
	}
	d->file = xrealloc(d->file, d->nr + 1, sizeof(*d->file));
	f = &d->file[d->nr++];
	memset(f, 0, sizeof(*f));
	f->path = xstrdup(sep + 3);
	f->line = d->at + 1;
	if (!matches(f->path, PATH_ERE) || strstr(f->path, ".."))
		fault(d, "'%.80s' is not a plain path inside the tree", f->path);
	for (i = 0; i + 1 < d->nr; i++)
		if (!strcmp(d->file[i].path, f->path))
			fault(d, "%s is in this patch twice, first on line %zu",
			      f->path, d->file[i].line);
	d->at++;
	return true;
}

static bool at_file(const struct diff *d)
{
	return d->at < d->t->nr && starts_with(peek(d), "diff --git ");
}

/* Lines between "diff --git" and "---"; false when no text diff follows. */
static bool extended_header(struct diff *d, struct file *f)
{
	static const char * const refused[][2] = {
		{ "index ", "an index line: its ids mean nothing here, drop it" },
		{ "similarity index ", "a git rename or copy: patch(1) may not know it" },
		{ "dissimilarity index ", "a git rewrite: write a plain diff" },
		{ "rename ", "a git rename: delete one file and add the other" },
		{ "copy ", "a git copy: add the file as a new one" },
		{ "old mode ", "a mode change: patch(1) does not apply it" },
		{ "new mode ", "a mode change: patch(1) does not apply it" },
		{ "GIT binary patch", "a binary diff" },
		{ "Binary files ", "a binary diff" },
	};
	size_t i;

	for (; d->at < d->t->nr && !at_file(d); d->at++) {
		const char *s = peek(d);

		if (starts_with(s, "--- "))
			return true;
		if (matches(s, "new file mode 100(644|755)")) {
			f->created = true;
			continue;
		}
		if (matches(s, "deleted file mode 100(644|755)")) {
			f->deleted = true;
			continue;
		}
		for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			if (starts_with(s, refused[i][0]))
				break;
		if (i == sizeof(refused) / sizeof(refused[0])) {
			fault(d, "'%.60s' does not belong between 'diff --git' and '---'", s);
			return false;
		}
		fault(d, "%s", refused[i][1]);
		if (strstr(s, "inary"))
			return false;
	}
	fault(d, "no '---' and '+++' lines for %s", f->path);
	return false;
}

static void name_line(struct diff *d, const char *mark, const char *side,
		      const char *path, bool absent)
{
	char *want = absent ? xstrdup("/dev/null") : xasprintf("%s%s", side, path);
	const char *s = peek(d);

	if (!starts_with(s, mark)) {
		fault(d, "expected '%s%s'", mark, want);
	} else {
		if (!starts_with(s + strlen(mark), want))
			fault(d, "expected '%s%s', found '%.80s'", mark, want, s);
		else if (s[strlen(mark) + strlen(want)])
			fault(d, "text after the path: no timestamps here");
		d->at++;
	}
	free(want);
}

struct hunk {
	unsigned long old_start, old_len, new_start, new_len;
};

/* "@@ -A[,B] +C[,D] @@": B and D are 1 when absent. */
static bool parse_hunk(const char *s, struct hunk *h)
{
	char *end;

	if (!matches(s, "@@ -[0-9]{1,9}(,[0-9]{1,9})? \\+[0-9]{1,9}(,[0-9]{1,9})? @@( .*)?"))
		return false;
	h->old_len = h->new_len = 1;
	h->old_start = strtoul(s + 4, &end, 10);
	if (*end == ',')
		h->old_len = strtoul(end + 1, &end, 10);
	h->new_start = strtoul(end + 2, &end, 10);
	if (*end == ',')
		h->new_len = strtoul(end + 1, &end, 10);
	return true;
}

/* Reads the lines of a hunk; false when they do not fit its numbers. */
static bool hunk_body(struct diff *d, struct file *f, const struct hunk *h, size_t line)
{
	unsigned long old_left = h->old_len, new_left = h->new_len, changes = 0;

	for (; d->at < d->t->nr && (old_left || new_left); d->at++) {
		char c = *peek(d);

		if (c == '\\')
			continue;
		if ((c == ' ' && old_left && new_left) || (c == '-' && old_left) ||
		    (c == '+' && new_left)) {
			old_left -= c != '+';
			new_left -= c != '-';
			f->added += c == '+';
			f->removed += c == '-';
			changes += c != ' ';
			continue;
		}
		break;
	}
	if (old_left || new_left) {
		finding(d->name, line, "hunk is %lu old and %lu new lines short of its numbers (it stops at line %zu)",
			old_left, new_left, d->at + 1);
		return false;
	}
	while (d->at < d->t->nr && *peek(d) == '\\')
		d->at++;
	if (!changes)
		finding(d->name, line, "hunk changes nothing");
	if (d->at < d->t->nr && *peek(d) && strchr(" +-", *peek(d)) &&
	    strcmp(peek(d), "-- ")) {
		finding(d->name, line, "hunk has more lines than its numbers say (from line %zu on)",
			d->at + 1);
		return false;
	}
	return true;
}

/*
 * Where an old range of length 0 starts is the line before it, hence the
 * "+ 1": the line numbers of both sides then differ by what the hunks so far
 * have added and removed.
 */
static void hunks(struct diff *d, struct file *f)
{
	unsigned long next_old = 1, old, new;
	size_t nr = 0, line;
	struct hunk h;

	while (d->at < d->t->nr && starts_with(peek(d), "@@")) {
		line = d->at + 1;
		nr++;
		if (!parse_hunk(peek(d), &h)) {
			fault(d, "expected '@@ -A,B +C,D @@', found '%.60s'", peek(d));
			d->broken = true;
			break;
		}
		old = h.old_start + !h.old_len;
		new = h.new_start + !h.new_len;
		if (f->created && (h.old_start || h.old_len || h.new_start != 1 || nr > 1))
			fault(d, "a new file is one hunk '@@ -0,0 +1,N @@'");
		else if (f->deleted && (h.new_start || h.new_len || h.old_start != 1 || nr > 1))
			fault(d, "a deleted file is one hunk '@@ -1,N +0,0 @@'");
		else if (old < next_old)
			fault(d, "hunk starts at old line %lu, before the end of the last one", old);
		else if (old + f->added - f->removed != new)
			fault(d, "hunk starts at new line %lu, the hunks before it say %lu",
			      new, old + f->added - f->removed);
		next_old = old + h.old_len;
		d->at++;
		if (!hunk_body(d, f, &h, line)) {
			d->broken = true;
			break;
		}
	}
	if (!nr)
		fault(d, "no hunk for %s", f->path);
	if (d->at < d->t->nr && !at_file(d) && !starts_with(peek(d), "@@") &&
	    !(*peek(d) && strchr(" +-\\", *peek(d))))
		fault(d, "'%.60s' after a hunk: a line without ' ', '+' or '-' in front, or text after the diff",
		      peek(d));
	while (d->at < d->t->nr && !at_file(d))
		d->at++;
}

static struct file *find_stat(struct diff *d, const char *path, size_t len)
{
	bool cut = len > 3 && starts_with(path, "...");
	size_t i;

	for (i = 0; i < d->nr; i++) {
		const char *p = d->file[i].path;
		size_t n = strlen(p);

		if (n == len && !strncmp(p, path, len))
			return &d->file[i];
		if (cut && n >= len - 3 && !strncmp(p + n - (len - 3), path + 3, len - 3))
			return &d->file[i];
	}
	return NULL;
}

static unsigned long number_before(const char *s, const char *word)
{
	const char *p = strstr(s, word);

	if (!p)
		return 0;
	while (p > s && p[-1] >= '0' && p[-1] <= '9')
		p--;
	return strtoul(p, NULL, 10);
}

/* The lines between "---" (index at) and the first "diff --git" (index end). */
static void diffstat(struct diff *d, size_t at, size_t end)
{
	unsigned long added = 0, removed = 0;
	bool total = false;
	size_t i;

	for (i = 0; i < d->nr; i++) {
		added += d->file[i].added;
		removed += d->file[i].removed;
	}
	for (d->at = at + 1; d->at < end; d->at++) {
		const char *s = peek(d);
		struct file *f;

		if (!*s)
			continue;
		if (matches(s, " [0-9]+ files? changed.*")) {
			total = true;
			if (number_before(s, " file") != d->nr ||
			    number_before(s, " insertion") != added ||
			    number_before(s, " deletion") != removed)
				fault(d, "the diff has %zu files, %lu insertions, %lu deletions",
				      d->nr, added, removed);
			continue;
		}
		if (!matches(s, " [^ |]+ +\\| +[0-9]+( [-+]*)?")) {
			fault(d, "'%.60s' between '---' and the diff: only the diffstat stands there", s);
			continue;
		}
		f = find_stat(d, s + 1, strcspn(s + 1, " |"));
		if (!f) {
			fault(d, "the diff does not touch %.*s", (int)strcspn(s + 1, " |"), s + 1);
			continue;
		}
		f->in_stat = true;
		if (strtoul(strchr(s, '|') + 1, NULL, 10) != f->added + f->removed)
			fault(d, "the diff changes %lu lines of %s", f->added + f->removed, f->path);
	}
	for (i = 0; i < d->nr; i++)
		if (!d->file[i].in_stat)
			finding(d->name, d->file[i].line, "%s is missing from the diffstat",
				d->file[i].path);
	if (!total)
		finding(d->name, at + 1, "no diffstat after '---': run 'diffstat -p1' on the patch");
}

void diff_check(const struct text *t, const char *name, size_t at)
{
	struct diff d = { .t = t, .name = name, .at = at };
	size_t i, first;

	while (d.at < t->nr && !at_file(&d))
		d.at++;
	first = d.at;
	if (first == t->nr)
		finding(name, t->nr, "no 'diff --git' line: the patch changes nothing");
	while (at_file(&d)) {
		if (begin_file(&d)) {
			struct file *f = &d.file[d.nr - 1];

			if (!extended_header(&d, f)) {
				d.broken = true;
			} else {
				name_line(&d, "--- ", "a/", f->path, f->created);
				name_line(&d, "+++ ", "b/", f->path, f->deleted);
				hunks(&d, f);
			}
		} else {
			d.at++;
		}
		while (d.at < t->nr && !at_file(&d))
			d.at++;
	}
	if (d.nr && !d.broken)
		diffstat(&d, at, first);
	for (i = 0; i < d.nr; i++)
		free(d.file[i].path);
	free(d.file);
}
