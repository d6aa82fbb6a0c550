// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/lib/words.c - a line for what a program finds wrong, or cannot test. What
 * fail(), skip() and complain() say is on stdout, in one write: lines of two threads, or
 * of a machine that dies, stay whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "words.h"

struct wording wording = { .fail = "FAIL: ", .skip = "" };
bool complained;

static void put(const char *head, const char *fmt, va_list ap, void (*behind)(char *, size_t))
{
	char line[4096], tail[200] = "";
	const size_t most = sizeof(line) - sizeof(tail) - 1;
	size_t n, done;
	ssize_t r;

	n = snprintf(line, most, "%s", head);
	if (n < most)
		n += vsnprintf(line + n, most - n, fmt, ap);
	if (n >= most)
		n = most - 1;
	if (behind)
		behind(tail, sizeof(tail));
	n += snprintf(line + n, sizeof(line) - n, "%s\n", tail);
	fflush(stdout);
	for (done = 0; done < n; done += r) {
		r = write(1, line + done, n - done);
		if (r <= 0)
			break;
	}
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(wording.fail, fmt, ap, NULL);
	va_end(ap);
	complained = true;
}

/* The first thread to find something ends the process, with all the others. */
static void only_one(void)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;

	if (atomic_flag_test_and_set(&ending))
		for (;;)
			pause();
}

void fail(const char *fmt, ...)
{
	va_list ap;

	only_one();
	va_start(ap, fmt);
	put(wording.fail, fmt, ap, wording.behind);
	va_end(ap);
	if (wording.last)
		wording.last();
	_exit(EX_FAIL);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	only_one();
	va_start(ap, fmt);
	put(wording.skip, fmt, ap, NULL);
	va_end(ap);
	_exit(EX_SKIP);
}

void refuse(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: error: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EX_USAGE);
}
