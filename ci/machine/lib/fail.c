// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/lib/fail.c - a line `FAIL: ...` on stdout for all that a test finds
 * wrong; it remembers that there was one.
 */
#include <stdarg.h>
#include <stdio.h>

#include "fail.h"

bool failed;

void fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failed = true;
}
