/* SPDX-License-Identifier: GPL-2.0 */
/* changes.h - what patches change for code that they do not touch. */
#ifndef TDP_CHANGES_H
#define TDP_CHANGES_H

#include "csource.h"

enum change_what {
	CHANGE_REMOVED,		/* final is NULL */
	CHANGE_CHANGED,
	CHANGE_NEW,		/* base is NULL */
	/* of the rules: */
	RULE_USE,		/* NAME is used outside of the file OTHER */
	RULE_LONE,		/* NAME is used in a file that never says OTHER */
	RULE_FIELD,		/* the field NAME of a struct in a header OTHER is used */
	RULE_ORDER,		/* header NAME is included before header OTHER */
};

struct change {
	enum change_what what;
	enum decl_kind kind;
	char *name, *owner;
	char *base, *final;	/* as in struct decl; of a rule: OTHER, and what to do */
	char *header;		/* that declared it */
	char *archs;		/* that it concerns, blanks between; "": all */
	char *macro;		/* that these define in the end; or "" */
	bool private;		/* known to files below arch/ of archs only */
	const char *patch;
	const char *advice;
};

struct changes {
	struct change *change;
	size_t nr;
};

/* The first nr patches, paths below root, one upon the other. */
void changes_read(struct changes *c, const char *root, char **patch, size_t nr);
/* Adds what FILE says that concerns one of these patches. */
void changes_add_rules(struct changes *c, const char *file, char **patch, size_t nr);

#endif
