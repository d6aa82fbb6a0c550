// SPDX-License-Identifier: GPL-2.0
/* ci/machine/lib/clock.c - time that only goes on. */
#include <time.h>

#include "clock.h"

long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}
