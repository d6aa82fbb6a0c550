/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/fail.h - a test goes on behind what it finds wrong: see fail.c */
#ifndef FAIL_H
#define FAIL_H

#include <stdbool.h>

extern bool failed;

void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...);

#endif
