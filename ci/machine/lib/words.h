/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/words.h - what a program finds wrong, or cannot test: see words.c */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "exit.h"

/* A line, and the program goes on. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern bool complained;
/* A line, and the program ends: EX_FAIL, EX_SKIP */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* "PROGRAM: error: why" on stderr, and the program ends: EX_USAGE */
void refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* What a program has of its own around them; a program sets it before it says anything. */
extern struct wording {
	const char *fail, *skip;		/* before the line: "FAIL: ", "" */
	void (*behind)(char *text, size_t size);/* what is behind fail()'s */
	void (*last)(void);			/* done when fail() has said it */
} wording;

#endif
