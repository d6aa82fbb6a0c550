// SPDX-License-Identifier: GPL-2.0
/*
 * base.c - what every host tool needs: errors, memory, whole files.
 */
#define _GNU_SOURCE
#include "base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn)) end(enum exit_code code, const char *fmt, va_list ap)
{
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	exit(code);
}

void die(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: error: ", program_invocation_short_name);
	va_start(ap, fmt);
	end(code, fmt, ap);
}

void refuse(const char *path, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: error: %s: ", program_invocation_short_name, path);
	va_start(ap, fmt);
	end(EX_USAGE, fmt, ap);
}

void refuse_line(const char *path, size_t line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%zu: error: ", path, line);
	va_start(ap, fmt);
	end(EX_USAGE, fmt, ap);
}

static void *must(void *p)
{
	if (!p)
		die(EX_HARNESS, "out of memory");
	return p;
}

void *xrealloc(void *p, size_t nr, size_t size)
{
	if (size && nr > SIZE_MAX / size)
		must(NULL);
	return must(realloc(p, nr && size ? nr * size : 1));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
	return must(strndup(s, len));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : p);
}

void *grow(void *array, size_t nr, size_t *max, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? 2 * *max : 64;
	return xrealloc(array, *max, size);
}

char *file_load(const char *path, size_t *len, int *err)
{
	size_t size = 0;
	char *buf = NULL;
	FILE *f = fopen(path, "re");

	*len = 0;
	*err = f ? 0 : errno;
	if (!f)
		return NULL;
	do {
		size = size ? 2 * size : 1 << 16;
		buf = xrealloc(buf, size, 1);
		*len += fread(buf + *len, 1, size - 1 - *len, f);
	} while (*len == size - 1);
	if (ferror(f)) {
		*err = errno ? errno : EIO;
		free(buf);
		buf = NULL;
	} else {
		buf[*len] = '\0';
	}
	fclose(f);
	return buf;
}
