/* SPDX-License-Identifier: GPL-2.0 */
/* text.h - files as arrays of lines, findings, small string helpers. */
#ifndef TDP_TEXT_H
#define TDP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A file in memory, cut into NUL-terminated lines without their newline. */
struct text {
	char *buf;
	size_t len;
	char **line;		/* line[0] is line 1 of the file */
	size_t nr;
	bool ends_with_newline;
	size_t nul_line;	/* first line that holds a NUL byte, 0: none */
};

/* The whole file and a NUL behind it; or NULL and a positive errno in err. */
char *file_load(const char *path, size_t *len, int *err);
/* Returns 0, or a positive errno. */
int text_load(struct text *t, const char *path);
void text_free(struct text *t);

/* Print "file:line: error: message" on stdout and count it. */
void finding(const char *file, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t findings(void);
/* "PROGRAM: error: path: why", or "path:line: error: why", on stderr; exit 2. */
void refuse(const char *path, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void refuse_line(const char *path, size_t line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* What scripts/new-patch leaves to be written. */
#define TO_FILL_IN "FILL-IN"

/* POSIX extended regular expression; the whole string has to match. */
bool matches(const char *s, const char *ere);
bool starts_with(const char *s, const char *prefix);
bool is_blank(const char *s);
bool is_utf8(const char *s);
/* Is word one of the space-separated words of list? Index, or -1. */
int word_index(const char *list, const char *word);

void *xrealloc(void *p, size_t nr, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
