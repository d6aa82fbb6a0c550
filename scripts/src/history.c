// SPDX-License-Identifier: GPL-2.0
/*
 * history.c - every commit of a git clone, read once, and which release has it.
 *
 * A commit object is inflated once, for its parents and for the caller. Parents
 * are kept as indices, so which release has a commit is found without git: each
 * release, oldest first, marks what it leads to and no older one has marked.
 * All of it is linear in the number of commits and parents.
 */
#define _GNU_SOURCE
#include "history.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RELEASE_ERE "v[0-9]+\\.[0-9]+(-rc[0-9]+)?(-dontuse)?"
#define PROGRESS_EVERY 5	/* seconds */

static const char *git_says(void)
{
	const git_error *e = git_error_last();

	return e && e->message ? e->message : "libgit2 gives no reason";
}

/* ---- ids and their indices ---- */

static size_t slot_of(const struct history *h, const git_oid *id)
{
	size_t at;

	memcpy(&at, id->id, sizeof(at));
	at &= h->nr_slots - 1;
	while (h->slot[at] && git_oid_cmp(&h->id[h->slot[at] - 1], id))
		at = (at + 1) & (h->nr_slots - 1);
	return at;
}

static void grow_table(struct history *h)
{
	size_t i;

	h->nr_slots = h->nr_slots ? 2 * h->nr_slots : 1 << 16;
	free(h->slot);
	h->slot = xrealloc(NULL, h->nr_slots, sizeof(*h->slot));
	memset(h->slot, 0, h->nr_slots * sizeof(*h->slot));
	for (i = 0; i < h->nr; i++)
		h->slot[slot_of(h, &h->id[i])] = i + 1;
}

/* The index of a commit; a new one goes to the end of the queue. */
static uint32_t index_of(struct history *h, const git_oid *id)
{
	size_t at;

	if (2 * (h->nr + 1) > h->nr_slots)
		grow_table(h);
	at = slot_of(h, id);
	if (!h->slot[at]) {
		if (h->nr == h->size) {
			h->size = h->size ? 2 * h->size : 1 << 15;
			h->id = xrealloc(h->id, h->size, sizeof(*h->id));
			h->first = xrealloc(h->first, h->size + 1, sizeof(*h->first));
		}
		h->id[h->nr] = *id;
		h->slot[at] = ++h->nr;
	}
	return h->slot[at] - 1;
}

/* ---- opening: the tip and the releases ---- */

static int older(const void *a, const void *b)
{
	const struct release *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* v5.12-rc1 was renamed to v5.12-rc1-dontuse; it is the same release. */
static void add_release(struct history *h, const char *tag)
{
	char *ref = xasprintf("refs/tags/%s^{commit}", tag);
	unsigned int major, minor, rc = 999;
	struct release *r;
	git_object *object;

	if (!git_revparse_single(&object, h->repo, ref)) {
		h->release = xrealloc(h->release, h->nr_releases + 1, sizeof(*r));
		r = &h->release[h->nr_releases++];
		sscanf(tag, "v%u.%u-rc%u", &major, &minor, &rc);
		r->number = (major * 1000 + minor) * 1000 + rc;
		r->name = rc == 999 ? xasprintf("v%u.%u", major, minor) :
			xasprintf("v%u.%u-rc%u", major, minor, rc);
		r->commit = *git_object_id(object);
		git_object_free(object);
	}
	free(ref);
}

static void find_releases(struct history *h)
{
	git_strarray tags = { 0 };
	size_t i;

	if (git_tag_list_match(&tags, "v*", h->repo))
		refuse(h->path, "cannot list its tags: %s", git_says());
	for (i = 0; i < tags.count; i++)
		if (matches(tags.strings[i], RELEASE_ERE))
			add_release(h, tags.strings[i]);
	git_strarray_dispose(&tags);
	if (!h->nr_releases)
		refuse(h->path, "no tags vX.Y in it: is this a clone of Linux? git fetch --tags");
	qsort(h->release, h->nr_releases, sizeof(*h->release), older);
}

static void find_tip(struct history *h, const char *tip)
{
	const char *usual[] = { "origin/master", "origin/main", "HEAD", NULL };
	const char *one[] = { tip, NULL }, **name;
	git_object *object;
	char *spec;
	int err;

	for (name = tip ? one : usual; *name; name++) {
		spec = xasprintf("%s^{commit}", *name);
		err = git_revparse_single(&object, h->repo, spec);
		free(spec);
		if (err)
			continue;
		h->tip = *git_object_id(object);
		h->tip_name = xstrdup(*name);
		git_object_free(object);
		return;
	}
	refuse(h->path, "no commit '%s' in it: see --tip", tip ? tip : "HEAD");
}

void history_open(struct history *h, const char *path, const char *tip)
{
	memset(h, 0, sizeof(*h));
	h->path = path;
	git_libgit2_init();
	/* every object is met once: no use in a cache, nor in hashing it again */
	git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	if (git_repository_open(&h->repo, path) || git_repository_odb(&h->odb, h->repo))
		refuse(path, "cannot open it as a git repository: %s", git_says());
	if (git_repository_is_shallow(h->repo))
		refuse(path, "a shallow clone, its history is cut off: git fetch --unshallow");
	find_tip(h, tip);
	find_releases(h);
}

/* ---- the walk ---- */

static void progress(const struct history *h, size_t done)
{
	static time_t next;
	struct timespec now;

	if (done % 4096)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!next)
		next = now.tv_sec + PROGRESS_EVERY;
	if (now.tv_sec < next)
		return;
	next = now.tv_sec + PROGRESS_EVERY;
	fprintf(stderr, "check-upstream: read %zu commits of %s\n", done, h->path);
}

static void add_parents(struct history *h, const struct commit *c)
{
	const char *s = memchr(c->text, '\n', c->len), *end = c->text + c->len;
	git_oid parent;

	while (s && end - s > 48 && !memcmp(s + 1, "parent ", 7)) {
		if (git_oid_fromstrn(&parent, s + 8, GIT_OID_HEXSZ))
			break;
		h->edge = grow(h->edge, h->nr_edges, &h->size_edges, sizeof(*h->edge));
		h->edge[h->nr_edges++] = index_of(h, &parent);
		s += 48;
	}
}

static void mark_releases(struct history *h)
{
	uint32_t *stack = xrealloc(NULL, h->nr, sizeof(*stack)), c, e;
	size_t r, top;

	h->in = xrealloc(NULL, h->nr, sizeof(*h->in));
	memset(h->in, 0, h->nr * sizeof(*h->in));
	for (r = 0; r < h->nr_releases && r < UINT16_MAX; r++) {
		c = index_of(h, &h->release[r].commit);
		top = 0;
		if (!h->in[c]) {
			h->in[c] = r + 1;
			stack[top++] = c;
		}
		while (top) {
			c = stack[--top];
			for (e = h->first[c]; e < h->first[c + 1]; e++) {
				if (h->in[h->edge[e]])
					continue;
				h->in[h->edge[e]] = r + 1;
				stack[top++] = h->edge[e];
			}
		}
	}
	free(stack);
}

void history_walk(struct history *h, void (*meet)(const struct commit *c, void *data), void *data)
{
	git_odb_object *object;
	struct commit c;
	git_oid id;
	size_t i;

	index_of(h, &h->tip);
	for (i = 0; i < h->nr_releases; i++)
		index_of(h, &h->release[i].commit);
	for (i = 0; i < h->nr; i++) {
		id = h->id[i];
		if (git_odb_read(&object, h->odb, &id) ||
		    git_odb_object_type(object) != GIT_OBJECT_COMMIT)
			refuse(h->path, "cannot read its commit %s: git fsck", git_oid_tostr_s(&id));
		c = (struct commit){ .index = i, .id = &id,
				     .text = git_odb_object_data(object),
				     .len = git_odb_object_size(object) };
		h->first[i] = h->nr_edges;
		add_parents(h, &c);
		meet(&c, data);
		git_odb_object_free(object);
		progress(h, i);
	}
	h->first[i] = h->nr_edges;
	mark_releases(h);
}

void history_free(struct history *h)
{
	size_t i;

	for (i = 0; i < h->nr_releases; i++)
		free(h->release[i].name);
	free(h->release);
	free(h->id);
	free(h->first);
	free(h->edge);
	free(h->slot);
	free(h->in);
	free(h->tip_name);
	git_odb_free(h->odb);
	git_repository_free(h->repo);
	git_libgit2_shutdown();
}

/* ---- questions ---- */

int history_release(const struct history *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->nr_releases; i++)
		if (!strcmp(h->release[i].name, name))
			return i;
	return -1;
}

bool history_has(const struct history *h, const char *hex)
{
	git_oid id;

	return !git_oid_fromstr(&id, hex) && git_odb_exists(h->odb, &id);
}

size_t history_count(const struct history *h, const char *prefix)
{
	size_t i, n = 0, len = strlen(prefix);
	git_oid id;

	if (git_oid_fromstrn(&id, prefix, len))
		return 0;
	for (i = 0; i < h->nr; i++)
		n += !git_oid_ncmp(&h->id[i], &id, len);
	return n;
}
