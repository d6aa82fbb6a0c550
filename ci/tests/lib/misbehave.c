// SPDX-License-Identifier: GPL-2.0
/*
 * ci/tests/lib/misbehave.c - a test program that does what tests should not do.
 *
 * Usage:   misbehave exit N | crash | hang | orphan | daemon | chatty N | long |
 *                    deaf | busy | stuck HOW
 * Inputs:  how: exit with N; die by SIGSEGV; never end; leave a child behind that
 *          holds the output open; the same in a session of its own; write N
 *          numbered lines; write one line of 2000 characters; ignore SIGTERM and
 *          hang with a child in another session; compute for ever; be stuck in the
 *          kernel as its LKDTM does it: HUNG_TASK, SOFTLOCKUP, HARDLOCKUP...
 * Outputs: a few words on stdout
 * Exit codes: N, 0, or none at all; 2 usage
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void __attribute__((noreturn)) sleep_for_ever(void)
{
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	printf("about to %s\n", how);
	fflush(stdout);
	if (!strcmp(how, "exit"))
		return n;
	if (!strcmp(how, "crash"))
		raise(SIGSEGV);
	if (!strcmp(how, "hang"))
		sleep_for_ever();
	if (!strcmp(how, "orphan") || !strcmp(how, "daemon")) {
		if (!fork()) {
			if (*how == 'd')
				setsid();
			sleep_for_ever();
		}
		return 0;
	}
	if (!strcmp(how, "deaf")) {
		signal(SIGTERM, SIG_IGN);
		if (!fork())
			setsid();
		sleep_for_ever();
	}
	if (!strcmp(how, "busy"))
		for (;;)
			__asm__ volatile("" ::: "memory");
	if (!strcmp(how, "stuck") && argc > 2) {
		/* Documentation/fault-injection/provoke-crashes.rst */
		int fd = open("/sys/kernel/debug/provoke-crash/DIRECT", O_WRONLY);

		if (fd < 0 || write(fd, argv[2], strlen(argv[2])) < 0)
			perror("misbehave: error: /sys/kernel/debug/provoke-crash/DIRECT");
		return 2;
	}
	if (!strcmp(how, "chatty")) {
		for (int i = 1; i <= n; i++)
			printf("line %d of %d %060d\n", i, n, i);
		return 0;
	}
	if (!strcmp(how, "long")) {
		for (int i = 0; i < 2000; i++)
			putchar('a' + i % 26);
		putchar('\n');
		return 0;
	}
	fprintf(stderr, "misbehave: error: see the head of ci/tests/lib/misbehave.c\n");
	return 2;
}
