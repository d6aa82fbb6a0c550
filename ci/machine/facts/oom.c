// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/oom.c - the OOM reaper takes the memory of a process with a VM, by the MMU
 * notifier that must not block. Another process has a VM that goes on.
 *
 * The reaper comes 2 s after the kill, and only if the process is still there: so it is
 * traced, and stops on its way out, before it gives up its memory. It was killed already
 * when the OOM killer (sysrq f) chooses it: then the kernel prints no backtrace. CPUs have
 * something else to do, too, or nothing would ask the reaper to yield.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "facts.h"

#define SMALL		16UL		/* HUGE each, in small pages: a long walk */
#define LARGE		4UL		/* huge pages: KVM counts them */
#define FILL_CODE	0x6000
#define BESIDE		64U		/* pages of the other VM */
#define SPINNERS	64
#define PATIENCE	1200		/* times 50 ms */

/* 1: mov %rdi,(%rdi); add $0x1000,%rdi; cmp %rsi,%rdi; jb 1b; out %al,$VM_PORT */
static const uint8_t fill_code[] = {
	0x48, 0x89, 0x3f, 0x48, 0x81, 0xc7, 0, 0x10, 0, 0, 0x48, 0x39, 0xf7, 0x72, 0xf1, 0xe6, VM_PORT,
};

static volatile bool over;
static volatile unsigned long rounds;

/* What the process that is killed says when all is mapped. */
struct said {
	int fd;				/* the VM's number */
	bool counts;			/* the counter goes down when memory is unmapped */
};

static void __attribute__((noreturn)) victim(int say)
{
	struct said said = { 0 };
	unsigned int i;
	uint8_t *large;
	struct vm vm;

	vm_make(&vm);
	large = memory(LARGE * HUGE, true);
	vm_slot(&vm, 1, GIB, SMALL * HUGE, memory(SMALL * HUGE, false), false);
	vm_slot(&vm, 2, 2 * GIB, LARGE * HUGE, large, false);
	for (i = 0; i < SMALL + LARGE; i++)
		vm_window(&vm, 1 + i, i < SMALL ? GIB + i * HUGE : 2 * GIB + (i - SMALL) * HUGE);
	memcpy(vm.low + FILL_CODE, fill_code, sizeof(fill_code));
	vm_step(&vm, FILL_CODE, HUGE, (1 + SMALL + LARGE) * HUGE);
	/* The MMU with reverse maps does not count down, a huge page here shows that. */
	if (madvise(large, HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	said.fd = vm.fd;
	said.counts = vm_stat(&vm, "largepages") == LARGE - 1;
	if (write(say, &said, sizeof(said)) != sizeof(said))
		fail("write: %s", strerror(errno));
	for (;;)
		pause();
}

static void *spin(void *unused)
{
	while (!over)
		;
	return unused;
}

static void *go_on(void *vm)
{
	uint64_t got;
	unsigned int i;

	for (; !over; rounds++)
		for (i = 0; i < BESIDE; i++) {
			got = vm_read(vm, HUGE + i * PAGE);
			if (got != rounds * BESIDE + i)
				fail("beside: page %u holds %#llx in round %lu", i, (unsigned long long)got,
				     rounds);
			vm_write(vm, HUGE + i * PAGE, got + BESIDE);
		}
	return NULL;
}

static void wait_rounds(unsigned long n)
{
	unsigned long until = rounds + n;
	int i;

	for (i = 0; i < PATIENCE && rounds < until; i++)
		usleep(50000);
	if (rounds < until)
		fail("the other VM stands still in round %lu", rounds);
}

/* It waits, killed, with all of its memory. */
static void kill_it(pid_t pid)
{
	char path[64];
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT))
		fail("ptrace: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	if (!write_text(path, "1000"))
		fail("%s: %s", path, strerror(errno));
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8))
		fail("the killed process is in state %#x, not on its way out", status);
}

static void wait_reaped(pid_t pid)
{
	char path[64];
	long long kib = -1;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (i = 0; i < PATIENCE; i++) {
		kib = number_behind(path, "RssAnon");
		if (kib < (long long)(HUGE >> 10))
			break;
		usleep(50000);
	}
	if (kib < 0 || kib >= (long long)(HUGE >> 10))
		fail("the OOM reaper did not come: %lld KiB", kib);
}

void oom_reaper(void)
{
	pthread_t thread, spinner[SPINNERS];
	long i, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int say[2], status;
	struct said said;
	long long large;
	uint64_t *hva;
	struct vm vm;
	pid_t pid;

	if (pipe(say))
		fail("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	close(say[!!pid]);
	if (!pid)
		victim(say[1]);
	if (read(say[0], &said, sizeof(said)) != sizeof(said)) {
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
			_exit(WEXITSTATUS(status));	/* it has said why */
		fail("the process with the VM has died");
	}
	if (!said.counts)
		printf("what KVM unmaps is not counted: of the killed VM nothing is looked at\n");
	vm_make(&vm);
	hva = (uint64_t *)memory(HUGE, false);
	for (i = 0; i < BESIDE; i++)
		hva[i * PAGE / sizeof(*hva)] = i;
	vm_slot(&vm, 1, GIB, HUGE, hva, false);
	vm_window(&vm, 1, GIB);
	if (pthread_create(&thread, NULL, go_on, &vm))
		fail("no thread");
	if (cpus > SPINNERS)
		cpus = SPINNERS;
	for (i = 0; i < cpus; i++)
		if (pthread_create(&spinner[i], NULL, spin, NULL))
			fail("no thread");
	wait_rounds(1);
	kill_it(pid);
	if (!write_text("/proc/sysrq-trigger", "f"))
		skip("/proc/sysrq-trigger: %s", strerror(errno));
	wait_reaped(pid);
	large = vm_stat_of(pid, said.fd, "largepages");
	if (said.counts && large)
		fail("KVM still maps %lld huge pages that the OOM reaper has taken", large);
	wait_rounds(2);
	ptrace(PTRACE_DETACH, pid, NULL, 0);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		fail("the killed process ended with %#x", status);
	wait_rounds(2);
	over = true;
	pthread_join(thread, NULL);
	for (i = 0; i < cpus; i++)
		pthread_join(spinner[i], NULL);
	vm_free(&vm);
}
