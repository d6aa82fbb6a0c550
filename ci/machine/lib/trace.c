// SPDX-License-Identifier: GPL-2.0
/* ci/machine/lib/trace.c - events that this kernel traces, as text */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "trace.h"
#include "words.h"

#define TRACING "/sys/kernel/tracing"

static void put(const char *file, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), TRACING "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("%s: %s", path, strerror(errno));
	close(fd);
}

static void switch_events(const char * const *events, const char *value)
{
	char file[100];

	for (; *events; events++) {
		snprintf(file, sizeof(file), "events/%s/enable", *events);
		put(file, value);
	}
}

static void trace_mount(void)
{
	if (access(TRACING "/trace", R_OK) && mount("tracefs", TRACING, "tracefs", 0, NULL))
		skip("tracefs: %s", strerror(errno));
}

bool trace_present(const char * const *events)
{
	char path[200];

	trace_mount();
	for (; *events; events++) {
		snprintf(path, sizeof(path), TRACING "/events/%s/enable", *events);
		if (access(path, W_OK))
			return false;
	}
	return true;
}

void trace_start(const char * const *events)
{
	trace_mount();
	put("trace", "\n");
	switch_events(events, "1");
}

char *trace_stop(const char * const *events)
{
	static char text[1 << 20];
	size_t n = 0, r;
	FILE *f;

	switch_events(events, "0");
	f = fopen(TRACING "/trace", "r");
	if (!f)
		fail(TRACING "/trace: %s", strerror(errno));
	while ((r = fread(text + n, 1, sizeof(text) - 1 - n, f)) > 0)
		n += r;
	fclose(f);
	if (n == sizeof(text) - 1)
		fail("too much was traced");
	text[n] = 0;
	return text;
}
