/* SPDX-License-Identifier: GPL-2.0 */
/* patch.h - one patch file: its header fields and the form of its diff. */
#ifndef TDP_PATCH_H
#define TDP_PATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

#define ID_ERE "[0-9a-f]{40}"
/* where no more of it is known */
#define SHORT_ID_ERE "[0-9a-f]{12}"
#define VERSION_ERE "v[0-9]+\\.[0-9]+(-rc[0-9]+)?"
#define STABLE "stable"	/* the version of a commit that is in stable branches only */

/* In `series`, in front of a patch for stable only. */
#define STABLE_LINE "#stable: "

/* A value of the header; value is NULL when the field is missing. */
struct field {
	const char *value;
	size_t line;
};

/* An upstream commit that the patch has in it, by a "Folds: (ID, vX.Y)" of its header. */
struct fold {
	struct field id;
	char *version, *title;	/* empty where the header has none */
};

/* What is const leads into the text that patch_check() was given. */
struct patch {
	bool mainline;		/* false: openEuler inclusion */
	struct field from, subject, inclusion, version, commit, cve, author;
	struct field base;	/* openeuler or stable; no value: for both */
	char *adaptation;	/* on one line; NULL when there is none */
	struct fold *fold;
	size_t nr_folds;
};

/* The file that says who may be From: of a patch; false when it cannot be read. */
bool patch_identities(const char *path);
/* Checks form and order; reports each fault as finding of name. */
void patch_check(struct text *t, const char *name, struct patch *p);
void patch_free(struct patch *p);
/* "openeuler" or "stable" when the header has that as its Base, else "". */
const char *patch_base(const struct text *t);
/* The part from the "---" line (t->line[at]) on: diffstat and diff. */
void diff_check(const struct text *t, const char *name, size_t at);

#endif
