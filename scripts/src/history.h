/* SPDX-License-Identifier: GPL-2.0 */
/* history.h - every commit of a git clone, read once, and which release has it. */
#ifndef TDP_HISTORY_H
#define TDP_HISTORY_H

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct release {
	char *name;		/* vX.Y or vX.Y-rcN */
	uint32_t number;	/* its order in time */
	git_oid commit;
};

struct history {
	const char *path;
	git_repository *repo;
	git_odb *odb;
	git_oid *id;		/* nr commits; a commit is its index from here on */
	size_t nr, size;
	uint32_t *first;	/* edge[first[i]] to edge[first[i + 1] - 1]: its parents */
	uint32_t *edge;
	size_t nr_edges, size_edges;
	uint32_t *slot;		/* hash table: index + 1, 0 where empty */
	size_t nr_slots;
	struct release *release;	/* oldest first */
	size_t nr_releases;
	uint16_t *in;		/* 1 + the oldest release that has it, 0: none has */
	char *tip_name;
	git_oid tip;
};

/* A commit as the walk meets it; text is what `git cat-file commit` prints. */
struct commit {
	uint32_t index;
	const git_oid *id;
	const char *text;
	size_t len;
};

/* What is wrong with the clone ends the program, with exit code 2. */
void history_open(struct history *h, const char *path, const char *tip);
/* Meets each commit that tip or a release leads to, once; fills h->in. */
void history_walk(struct history *h, void (*meet)(const struct commit *c, void *data), void *data);
void history_free(struct history *h);

/* Index in h->release, or -1. */
int history_release(const struct history *h, const char *name);
/* Does the clone have this object, wherever it is? */
bool history_has(const struct history *h, const char *hex);
/* How many commits have an id that starts so? */
size_t history_count(const struct history *h, const char *prefix);

#endif
