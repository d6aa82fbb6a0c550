// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/host.c - words, time, random numbers and files of the host.
 *
 * Knobs (files of sysfs and /proc) that the stress sets get their old value back
 * by restore_knobs().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define MAX_KNOBS 32

static struct {
	char path[128], old[64];
} knobs[MAX_KNOBS];
static int nr_knobs;

/* One write a line: the lines of two threads stay whole. */
void say(const char *fmt, ...)
{
	char line[900];
	va_list ap;
	int n = snprintf(line, sizeof(line), "# ");

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	for (int done = 0, r; done < n; done += r) {
		r = write(1, line + done, n - done);
		if (r <= 0)
			break;
	}
}

/* What is behind the `# ` of the line in which a round fails. */
void fail_prefix(const char *fmt, ...)
{
	static char prefix[256] = "# ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(prefix + 2, sizeof(prefix) - 2, fmt, ap);
	va_end(ap);
	wording.fail = prefix;
}

void sleep_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	if (us > 0)
		nanosleep(&ts, NULL);
}

long patience(void)
{
	static long known;

	if (!known)
		known = gate_patience();
	return known;
}

/* Set a file's value and remember the old one; `[x]` marks the choice in a list. */
bool set_knob(const char *path, const char *value)
{
	char old[64], *open_bracket, *end;
	int i;

	if (!read_line(path, old, sizeof(old)))
		return false;
	for (i = 0; i < nr_knobs && strcmp(knobs[i].path, path); i++)
		;
	if (i == nr_knobs) {
		if (nr_knobs == MAX_KNOBS)
			return false;
		open_bracket = strchr(old, '[');
		if (open_bracket && (end = strchr(open_bracket, ']'))) {
			*end = '\0';
			memmove(old, open_bracket + 1, strlen(open_bracket));
		}
		snprintf(knobs[i].path, sizeof(knobs[i].path), "%s", path);
		snprintf(knobs[i].old, sizeof(knobs[i].old), "%s", old);
		nr_knobs++;
	}
	return write_text(path, value);
}

void restore_knobs(void)
{
	while (nr_knobs) {
		nr_knobs--;
		write_text(knobs[nr_knobs].path, knobs[nr_knobs].old);
	}
}

/* Anonymous memory at a huge page's boundary. */
void *map_aligned(size_t size)
{
	u8 *p = mmap(NULL, size + CHUNK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *aligned;

	if (p == MAP_FAILED)
		fail("mmap of %zu bytes: %s", size, strerror(errno));
	aligned = (u8 *)(((uintptr_t)p + CHUNK - 1) & ~(CHUNK - 1));
	if (aligned > p)
		munmap(p, aligned - p);
	if (aligned < p + CHUNK)
		munmap(aligned + size, p + CHUNK - aligned);
	return aligned;
}
