/* SPDX-License-Identifier: GPL-2.0 */
/* base.h - what every host tool needs: exit codes, errors, memory, whole files. */
#ifndef TDP_BASE_H
#define TDP_BASE_H

#include <stddef.h>

/* The same in every command of the project: see scripts/lib/lib.sh. */
enum exit_code { EX_PASS, EX_FAIL, EX_USAGE, EX_SPLAT, EX_SKIP, EX_HARNESS };

/* Each of these ends the program with a line on stderr. */
/* "PROGRAM: error: why", and this exit code */
void die(enum exit_code code, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
/* "PROGRAM: error: path: why", or "path:line: error: why", and EX_USAGE */
void refuse(const char *path, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void refuse_line(const char *path, size_t line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Without memory for these the program ends, with EX_HARNESS. */
void *xrealloc(void *p, size_t nr, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Room for one more element of that size behind nr of them; *max is how many fit. */
void *grow(void *array, size_t nr, size_t *max, size_t size);

/* The whole file and a NUL behind it; or NULL and a positive errno in err. */
char *file_load(const char *path, size_t *len, int *err);

#endif
