/* SPDX-License-Identifier: GPL-2.0 */
/* text.h - files as arrays of lines, findings, small string helpers. */
#ifndef TDP_TEXT_H
#define TDP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base.h"

/* A file in memory, cut into NUL-terminated lines without their newline. */
struct text {
	char *buf;
	size_t len;
	char **line;		/* line[0] is line 1 of the file */
	size_t nr;
	bool ends_with_newline;
	size_t nul_line;	/* first line that holds a NUL byte, 0: none */
};

/* Returns 0, or a positive errno. */
int text_load(struct text *t, const char *path);
/* The same of buf, which malloc() has given and which ends in a NUL behind len. */
void text_cut(struct text *t, char *buf, size_t len);
void text_free(struct text *t);

/* Print "file:line: error: message" on stdout and count it. */
void finding(const char *file, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t findings(void);
/* While it is on nothing is a finding. */
void findings_quiet(bool on);

/* What scripts/new-patch leaves to be written. */
#define TO_FILL_IN "FILL-IN"

/* POSIX extended regular expression; the whole string has to match. */
bool matches(const char *s, const char *ere);
bool starts_with(const char *s, const char *prefix);
bool is_blank(const char *s);
bool is_utf8(const char *s);
/* Is word one of the space-separated words of list? Index, or -1. */
int word_index(const char *list, const char *word);

#endif
