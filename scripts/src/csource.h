/* SPDX-License-Identifier: GPL-2.0 */
/* csource.h - C source as tokens, the lines an architecture builds, declarations. */
#ifndef TDP_CSOURCE_H
#define TDP_CSOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct token {
	const char *s;		/* not NUL-terminated */
	size_t len;
	size_t line;		/* from 1 on */
	bool first;		/* of its line; not behind a backslash and newline */
	bool unindented;	/* at the very beginning of its line */
};

struct tokens {
	struct token *token;
	size_t nr;
};

/*
 * Comments, strings and characters become blanks. An excerpt may begin within a
 * comment.
 */
void blank_comments(char *s, bool excerpt);
/* The tokens lead into s. "->" is one token, other punctuation a character each. */
void tokens_read(struct tokens *t, const char *s);
void tokens_free(struct tokens *t);
bool token_is(const struct token *t, const char *word);
bool token_is_name(const struct token *t);
char *token_string(const struct token *t);

/*
 * For each line up to nr, whether arch may build it: false where #if and the like
 * say that it does not. arch NULL: any architecture. The names of defined, with
 * blanks between, are defined there.
 */
void lines_built(bool *built, size_t nr, const struct tokens *t, const char *arch,
		 const char *defined);

enum decl_kind { DECL_FUNCTION, DECL_FIELD, DECL_MACRO, DECL_EVENT };

struct decl {
	enum decl_kind kind;
	char *name;
	char *text;		/* what is declared, always written the same way */
	char *owner;		/* of a field: its struct; else "" */
	char *cond;		/* innermost #ifdef: NAME, !NAME, or "" */
	size_t line;
	bool is_static;
};

struct decls {
	struct decl *decl;
	size_t nr;
};

/* heading: what stands behind the second @@ of a hunk, or "". */
void decls_read(struct decls *d, const struct tokens *t, const char *heading);
void decls_free(struct decls *d);
/* May callers of one call the other as it stands? */
bool same_to_callers(const char *a, const char *b);

#endif
