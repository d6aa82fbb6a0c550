/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/trace.h - events that this kernel traces, as text: see trace.c */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>

/* Each list of events, SYSTEM/NAME, ends with NULL. */
bool trace_present(const char * const *events);
void trace_start(const char * const *events);
/* All that was traced since, until the next call of one of the two. */
char *trace_stop(const char * const *events);

#endif
