/* SPDX-License-Identifier: GPL-2.0 */
/* splat.h - the messages of a console, and those of a kernel in trouble: see splat.c */
#ifndef SPLAT_H
#define SPLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A piece of the console; not terminated. */
struct piece {
	const char *p;
	size_t len;
};

bool next_message(struct piece *line, const char *own, struct piece *message);
const char *splat_match(struct piece line, bool asked, bool *weak);
bool splat_switch_off(const char *id);
void splat_list(FILE *f);

#endif
