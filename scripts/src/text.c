// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - files as arrays of lines, findings, small string helpers.
 */
#define _GNU_SOURCE
#include "text.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t nr_findings;
static bool quiet;

static void split_lines(struct text *t)
{
	size_t start = 0, size = 0, i;

	for (i = 0; i <= t->len; i++) {
		if (i < t->len && t->buf[i] == '\0' && !t->nul_line)
			t->nul_line = t->nr + 1;
		if (i < t->len && t->buf[i] != '\n')
			continue;
		if (i == t->len && start == t->len)
			break;
		t->line = grow(t->line, t->nr, &size, sizeof(*t->line));
		t->buf[i] = '\0';
		t->line[t->nr++] = t->buf + start;
		start = i + 1;
	}
}

int text_load(struct text *t, const char *path)
{
	size_t len;
	int err;
	char *buf = file_load(path, &len, &err);

	memset(t, 0, sizeof(*t));
	if (!buf)
		return err;
	text_cut(t, buf, len);
	return 0;
}

void text_cut(struct text *t, char *buf, size_t len)
{
	*t = (struct text){ .buf = buf, .len = len,
			    .ends_with_newline = len && buf[len - 1] == '\n' };
	split_lines(t);
}

void text_free(struct text *t)
{
	free(t->line);
	free(t->buf);
	memset(t, 0, sizeof(*t));
}

void finding(const char *file, size_t line, const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	printf("%s:%zu: error: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	nr_findings++;
}

size_t findings(void)
{
	return nr_findings;
}

void findings_quiet(bool on)
{
	quiet = on;
}

bool matches(const char *s, const char *ere)
{
	char *whole = xasprintf("^(%s)$", ere);
	regex_t re;
	bool yes;

	if (regcomp(&re, whole, REG_EXTENDED | REG_NOSUB))
		die(EX_HARNESS, "bad pattern '%s'", ere);
	yes = regexec(&re, s, 0, NULL, 0) == 0;
	regfree(&re);
	free(whole);
	return yes;
}

bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* As RFC 3629 has it: no overlong form, no surrogate, nothing beyond U+10FFFF. */
bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i, n;

	for (; *p; p += n + 1) {
		n = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
		if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
			return false;
		for (i = 1; i <= n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
			return false;
	}
	return true;
}

bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r")] == '\0';
}

int word_index(const char *list, const char *word)
{
	size_t len = strlen(word), w;
	int i;

	for (i = 0; *list; i++, list += w) {
		list += strspn(list, " ");
		w = strcspn(list, " ");
		if (w && w == len && memcmp(list, word, len) == 0)
			return i;
	}
	return -1;
}
