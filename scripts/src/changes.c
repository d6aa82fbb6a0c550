// SPDX-License-Identifier: GPL-2.0
/*
 * changes.c - what patches change for code that they do not touch: the
 * declarations in headers that they remove, change and add, taken from both sides
 * of their hunks, one patch upon the other. What one patch adds and another takes
 * away again is no change, nor is what moves to another header.
 */
#define _GNU_SOURCE
#include "changes.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A declaration that some patch adds or removes. */
struct record {
	struct decl d;
	char *header;
	bool base, now;		/* there before the first patch; there now */
	const char *patch;	/* that was the last to add or remove it */
	size_t when;		/* which one that is */
};

struct side {
	struct record *record;
	size_t nr;
};

struct history {
	struct side known;
	struct side before, after;	/* of the patch that is read */
	size_t now;		/* which one that is */
};

static struct record *add(struct side *s, const struct decl *d, const char *header)
{
	struct record *r;

	s->record = xrealloc(s->record, s->nr + 1, sizeof(*r));
	r = &s->record[s->nr++];
	memset(r, 0, sizeof(*r));
	r->d = *d;
	r->d.name = xstrdup(d->name);
	r->d.text = xstrdup(d->text);
	r->d.owner = xstrdup(d->owner);
	r->d.cond = xstrdup(d->cond);
	r->header = xstrdup(header);
	return r;
}

static void clear(struct side *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++) {
		free(s->record[i].d.name);
		free(s->record[i].d.text);
		free(s->record[i].d.owner);
		free(s->record[i].d.cond);
		free(s->record[i].header);
	}
	free(s->record);
	memset(s, 0, sizeof(*s));
}

static bool same_thing(const struct record *a, const struct record *b)
{
	return a->d.kind == b->d.kind && !strcmp(a->d.name, b->d.name) && !strcmp(a->d.owner, b->d.owner);
}

static struct record *find(struct side *s, const struct record *like)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (same_thing(&s->record[i], like) && !strcmp(s->record[i].header, like->header) &&
		    !strcmp(s->record[i].d.text, like->d.text))
			return &s->record[i];
	return NULL;
}

/* Headers that more than one file includes; tests and tools have their own. */
static bool is_shared_header(const char *path)
{
	size_t len = strlen(path);

	return len > 2 && !strcmp(path + len - 2, ".h") &&
	       (starts_with(path, "include/") || starts_with(path, "arch/") ||
		starts_with(path, "virt/") || starts_with(path, "kernel/") || starts_with(path, "mm/"));
}

/* Both sides of a hunk, whose lines are t->line[from] to [to], without it. */
static void read_hunk(struct history *h, const struct text *t, size_t from, size_t to, const char *header)
{
	const char *heading = strstr(t->line[from] + 2, "@@");
	struct tokens tokens;
	struct decls d;
	size_t i, k, len;
	char *s;
	int new;

	heading = heading ? heading + 2 + (heading[2] == ' ') : "";
	for (new = 0; new < 2; new++) {
		for (len = 1, i = from + 1; i < to; i++)
			len += strlen(t->line[i]) + 1;
		s = xrealloc(NULL, len, 1);
		for (len = 0, i = from + 1; i < to; i++)
			if (*t->line[i] == ' ' || *t->line[i] == (new ? '+' : '-'))
				len += sprintf(s + len, "%s\n", t->line[i] + 1);
		s[len] = '\0';
		blank_comments(s, true);
		tokens_read(&tokens, s);
		decls_read(&d, &tokens, heading);
		for (k = 0; k < d.nr; k++)
			add(new ? &h->after : &h->before, &d.decl[k], header);
		decls_free(&d);
		tokens_free(&tokens);
		free(s);
	}
}

static void note(struct history *h, const struct record *r, bool base, bool now, const char *patch)
{
	struct record *k = find(&h->known, r);

	if (!k) {
		k = add(&h->known, &r->d, r->header);
		k->base = base;
	}
	if (now) {
		free(k->d.cond);
		k->d.cond = xstrdup(r->d.cond);
	}
	k->now = now;
	k->patch = patch;
	k->when = h->now;
}

static void read_patch(struct history *h, const char *root, const char *patch)
{
	char *path = xasprintf("%s/%s", root, patch), header[4096] = "";
	size_t i, k, end;
	struct text t;
	int err = text_load(&t, path);

	if (err)
		refuse(path, "%s", strerror(err));
	for (i = 0; i < t.nr; i = end) {
		end = i + 1;
		if (starts_with(t.line[i], "diff --git "))
			*header = '\0';
		/* of a file that is deleted, the old name counts */
		if ((starts_with(t.line[i], "--- a/") || starts_with(t.line[i], "+++ b/")) &&
		    strlen(t.line[i]) < sizeof(header))
			strcpy(header, t.line[i] + 6);
		if (!starts_with(t.line[i], "@@ ") || !is_shared_header(header))
			continue;
		while (end < t.nr && *t.line[end] && strchr(" +-\\", *t.line[end]) &&
		       strcmp(t.line[end], "-- "))
			end++;
		read_hunk(h, &t, i, end, header);
	}
	for (i = 0; i < h->after.nr; i++) {
		if (find(&h->before, &h->after.record[i]))
			continue;
		note(h, &h->after.record[i], false, true, patch);
		/* what it stands beside was there before, and still is */
		for (k = 0; k < h->before.nr; k++)
			if (same_thing(&h->before.record[k], &h->after.record[i]) &&
			    find(&h->after, &h->before.record[k]) && !find(&h->known, &h->before.record[k]))
				note(h, &h->before.record[k], true, true, patch);
	}
	for (i = 0; i < h->before.nr; i++)
		if (!find(&h->after, &h->before.record[i]))
			note(h, &h->before.record[i], true, false, patch);
	clear(&h->before);
	clear(&h->after);
	text_free(&t);
	free(path);
}

/* "arch/X/...": X, to be freed; else NULL. */
static char *arch_of(const char *path)
{
	if (!starts_with(path, "arch/"))
		return NULL;
	path += strlen("arch/");
	return xasprintf("%.*s", (int)strcspn(path, "/"), path);
}

static void add_arch(char **list, const char *header)
{
	char *arch = arch_of(header), *s;

	if (arch && word_index(*list, arch) < 0) {
		s = **list ? xasprintf("%s %s", *list, arch) : xstrdup(arch);
		free(*list);
		*list = s;
	}
	free(arch);
}

/* The architectures whose headers define a macro in the end; "" if all, or none. */
static char *defining_archs(const struct history *h, const char *macro)
{
	char *list = xstrdup("");
	const struct record *r;
	size_t i;

	for (i = 0; i < h->known.nr; i++) {
		r = &h->known.record[i];
		if (r->d.kind == DECL_MACRO && r->now && !r->base && !strcmp(r->d.name, macro))
			add_arch(&list, r->header);
	}
	return list;
}

/* What becomes of the thing that records first and later ones declare. */
static void conclude(struct changes *c, const struct history *h, size_t first)
{
	const struct record *r = &h->known.record[first], *k, *base = NULL, *final = NULL, *gone = NULL, *last = NULL;
	char *archs = xstrdup(""), *macro = xstrdup("");
	bool everywhere = false, private = true;
	struct change *n;
	size_t i, j;

	for (i = first; i < h->known.nr; i++) {
		k = &h->known.record[i];
		if (!same_thing(k, r))
			continue;
		if (starts_with(k->header, "arch/"))
			add_arch(&archs, k->header);
		else
			everywhere = true;
		private = private && starts_with(k->header, "arch/") && strstr(k->header, "/kvm/");
		if (k->base && (!base || !k->now))
			base = k;
		if (k->now && (!final || final->base))
			final = k;
		if (!k->now && (!last || last->when <= k->when))
			last = k;
		if (!k->base || k->now)
			continue;
		for (j = first; j < h->known.nr; j++)
			if (same_thing(&h->known.record[j], r) && h->known.record[j].now &&
			    !strcmp(h->known.record[j].d.text, k->d.text))
				break;
		if (j == h->known.nr)
			gone = k;
	}
	if (everywhere)
		*archs = '\0';
	if (base && !gone) {	/* as before; or as before, and beside it for some */
		if (!final || final->base || !strcmp(base->d.text, final->d.text) || !*final->d.cond)
			goto out;
		free(archs);
		archs = defining_archs(h, final->d.cond);
		free(macro);
		macro = xstrdup(final->d.cond);
		if (!*archs)
			goto out;
	}
	if (!base && (!final || (final->d.kind != DECL_FUNCTION && final->d.kind != DECL_EVENT)))
		goto out;
	/* A macro that becomes a function, or the other way round, is still there. */
	for (i = 0; base && !final && i < h->known.nr; i++)
		if (h->known.record[i].now && h->known.record[i].d.kind != DECL_EVENT &&
		    r->d.kind != DECL_EVENT && !strcmp(h->known.record[i].d.name, r->d.name))
			goto out;
	if (gone)
		base = gone;
	c->change = xrealloc(c->change, c->nr + 1, sizeof(*n));
	n = &c->change[c->nr++];
	memset(n, 0, sizeof(*n));
	n->what = !base ? CHANGE_NEW : final ? CHANGE_CHANGED : CHANGE_REMOVED;
	n->kind = r->d.kind;
	n->name = xstrdup(r->d.name);
	n->owner = xstrdup(r->d.owner);
	n->base = base ? xstrdup(base->d.text) : NULL;
	n->final = final ? xstrdup(final->d.text) : NULL;
	n->header = xstrdup(base ? base->header : final->header);
	n->archs = archs;
	n->macro = macro;
	n->private = private;
	n->patch = final && !final->base ? final->patch : last->patch;
	return;
out:
	free(archs);
	free(macro);
}

void changes_read(struct changes *c, const char *root, char **patch, size_t nr)
{
	struct history h = { 0 };
	size_t i, j;

	memset(c, 0, sizeof(*c));
	for (h.now = 0; h.now < nr; h.now++)
		read_patch(&h, root, patch[h.now]);
	for (i = 0; i < h.known.nr; i++) {
		for (j = 0; j < i; j++)
			if (same_thing(&h.known.record[i], &h.known.record[j]))
				break;
		if (j == i)
			conclude(c, &h, i);
	}
	clear(&h.known);
}

static const char *const rule_kind[] = { "use", "lone", "field", "order" };

void changes_add_rules(struct changes *c, const char *file, char **patch, size_t nr)
{
	enum { KIND, NAME, OTHER, ARCH, PATCH, WHAT_TO_DO, NR_WORDS };
	size_t i, k, w, p;
	char *s, *word[NR_WORDS];
	struct change *n;
	struct text t;
	int err = text_load(&t, file);

	if (err)
		refuse(file, "%s", strerror(err));
	for (i = 0; i < t.nr; i++) {
		if (is_blank(t.line[i]) || *t.line[i] == '#')
			continue;
		s = xstrdup(t.line[i]);
		for (w = 0; w < NR_WORDS && *s; w++) {
			word[w] = s;
			if (w == WHAT_TO_DO)
				continue;
			s += strcspn(s, " \t");
			if (*s)
				*s++ = '\0';
			s += strspn(s, " \t");
		}
		if (w < NR_WORDS)
			refuse_line(file, i + 1, "not kind, name, other name, architecture, patch and what to do");
		for (p = 0; p < nr && strcmp(patch[p], word[PATCH]); p++)
			;
		if (!strcmp(word[KIND], "advice")) {
			for (k = 0; k < c->nr; k++)
				if (!strcmp(c->change[k].name, word[NAME]) && c->change[k].what != CHANGE_NEW)
					c->change[k].advice = word[WHAT_TO_DO];
			continue;
		}
		for (k = 0; k < sizeof(rule_kind) / sizeof(rule_kind[0]); k++)
			if (!strcmp(word[KIND], rule_kind[k]))
				break;
		if (k == sizeof(rule_kind) / sizeof(rule_kind[0]))
			refuse_line(file, i + 1, "'%.40s' is no kind of rule: use, lone, field, order, advice", word[KIND]);
		if (p == nr)
			continue;
		c->change = xrealloc(c->change, c->nr + 1, sizeof(*n));
		n = &c->change[c->nr++];
		memset(n, 0, sizeof(*n));
		n->what = RULE_USE + k;
		n->kind = k == 2 ? DECL_FIELD : DECL_FUNCTION;
		n->name = word[NAME];
		n->base = word[OTHER];
		n->final = word[WHAT_TO_DO];
		n->header = n->base;
		n->archs = xstrdup(strcmp(word[ARCH], "-") ? word[ARCH] : "");
		n->owner = n->macro = xstrdup("");
		n->patch = patch[p];
	}
	text_free(&t);
}
