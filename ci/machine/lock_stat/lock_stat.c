// SPDX-License-Identifier: GPL-2.0
/*
 * lock_stat.c - how a test takes KVM's mmu_lock: the kernel's lock statistics.
 *
 * Usage:   lock_stat PROGRAM [ARGUMENT...]      as root, a kernel with LOCK_STAT; the
 *          selftests open themselves by the name they are called: give a path
 * Inputs:  /proc/lock_stat, cleared before PROGRAM runs
 * Outputs: what PROGRAM prints, then for each class of mmu_lock (-W and -R: an
 *          rwlock held for write and read) a line
 *          lock_stat: CLASS contentions=N waittime-us=T acquisitions=N holdtime-us=T
 * Exit codes: that of PROGRAM; 1 it died or mmu_lock was never taken; 2 usage;
 *          4 no lock statistics in this kernel
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/files.h"
#include "../lib/words.h"

#define STAT "/proc/lock_stat"

/* A class is on one line, with 12 numbers; its call sites follow. */
static unsigned int report(void)
{
	double contentions, wait, acquisitions, hold, skip;
	char line[512], name[64];
	unsigned int classes = 0;
	FILE *f = fopen(STAT, "r");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *colon = strrchr(line, ':');

		if (!colon || !strstr(line, "mmu_lock"))
			continue;
		*colon = '\0';
		if (sscanf(line, " %63s", name) != 1 ||
		    sscanf(colon + 1, "%lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf",
			   &skip, &contentions, &skip, &skip, &wait, &skip, &skip,
			   &acquisitions, &skip, &skip, &hold) != 11)
			continue;
		printf("lock_stat: %s contentions=%.0f waittime-us=%.0f acquisitions=%.0f holdtime-us=%.0f\n",
		       name, contentions, wait, acquisitions, hold);
		classes++;
	}
	fclose(f);
	return classes;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: lock_stat PROGRAM [ARGUMENT...]\n");
		return EX_USAGE;
	}
	if (access(STAT, R_OK))
		skip("SKIP: no %s: CONFIG_LOCK_STAT is needed", STAT);
	write_text("/proc/sys/kernel/lock_stat", "1\n");
	if (!write_text(STAT, "0\n")) {
		fprintf(stderr, "lock_stat: error: cannot clear %s: %s\n", STAT, strerror(errno));
		return EX_FAIL;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[1], argv + 1);
		fprintf(stderr, "lock_stat: error: cannot run %s: %s\n", argv[1], strerror(errno));
		_exit(EX_FAIL);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		fprintf(stderr, "lock_stat: error: %s died\n", argv[1]);
		return EX_FAIL;
	}
	if (!report()) {
		fprintf(stderr, "lock_stat: error: mmu_lock is not in %s\n", STAT);
		return EX_FAIL;
	}
	return WEXITSTATUS(status);
}
