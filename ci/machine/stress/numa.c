// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/numa.c - two NUMA nodes, and page faults that user space answers.
 *
 * The vCPUs' threads are moved from node to node. NUMA balancing takes the access to
 * what they use away now and then, by way of the MMU notifier, sees who asks for it
 * and migrates it after them. At the same time the memory of DATA that is not there
 * is for user space to give (userfaultfd), to the vCPUs as to the host's threads, and
 * KSM merges that of TWIN. All three take pages away from KVM in ways of their own.
 *
 * mremap() takes memory out of a userfaultfd: who moves it calls numa_register().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

#define NODES		2
#define SYSCTL		"/proc/sys/kernel/numa_balancing"
#define POLL_MS		20

static cpu_set_t node_cpus[NODES];

static struct {
	int fd;
	pthread_t thread;
	atomic_bool over;
	u64 rnd;
} uffd = { .fd = -1 };

/* The CPUs of a node that this process may use, from a list as 0-2,5. */
static void read_node(int node, cpu_set_t *set)
{
	char path[100], list[256] = "", *p = list;
	cpu_set_t mine;
	long a, b;

	CPU_ZERO(set);
	sched_getaffinity(0, sizeof(mine), &mine);
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	if (!read_line(path, list, sizeof(list)))
		return;
	while (*p) {
		a = b = strtol(p, &p, 10);
		if (*p == '-')
			b = strtol(p + 1, &p, 10);
		for (; a <= b; a++)
			if (CPU_ISSET(a, &mine))
				CPU_SET(a, set);
		if (*p != ',')
			break;
		p++;
	}
}

const char *numa_absent(void)
{
	int i, fd;

	if (access(SYSCTL, W_OK))
		return "this kernel has no NUMA balancing";
	for (i = 0; i < NODES; i++) {
		read_node(i, &node_cpus[i]);
		if (!CPU_COUNT(&node_cpus[i]))
			return "this machine has not two nodes with CPUs";
	}
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		return "this kernel has no userfaultfd";
	close(fd);
	return NULL;
}

/* Scans come every second, with more in them: a round is not much longer. */
void numa_knobs(void)
{
	static const char * const knobs[][2] = {
		{ SYSCTL, "1" },
		{ SYSCTL "_scan_delay_ms", "20" },
		{ SYSCTL "_scan_period_min_ms", "50" },
		{ SYSCTL "_scan_period_max_ms", "100" },
	};
	size_t i;

	for (i = 0; i < sizeof(knobs) / sizeof(*knobs); i++)
		if (!set_knob(knobs[i][0], knobs[i][1]))
			say("not here: %s", knobs[i][0]);
}

/* Faults there are for user space from now on: again, if they were before. */
void numa_register(u8 *hva, size_t size)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)hva, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (uffd.fd >= 0 && ioctl(uffd.fd, UFFDIO_REGISTER, &reg))
		fail("UFFDIO_REGISTER: %s", strerror(errno));
}

/* One page of zeroes: its own, or the kernel's only one. */
static void give(u64 address)
{
	static u8 zeroes[PAGE] __attribute__((aligned(4096)));
	struct uffdio_copy copy = { .dst = address, .src = (uintptr_t)zeroes, .len = PAGE };
	struct uffdio_zeropage zero = { .range = { address, PAGE } };
	struct uffdio_range wake = { address, PAGE };

	if (below(&uffd.rnd, 4))
		sleep_us(below(&uffd.rnd, 300));
	if (below(&uffd.rnd, 2) ? !ioctl(uffd.fd, UFFDIO_COPY, &copy) :
				  !ioctl(uffd.fd, UFFDIO_ZEROPAGE, &zero))
		return;
	/* It is there by now, or it has been moved: whoever waits has to look again. */
	if (errno != EEXIST && errno != ENOENT && errno != EAGAIN && errno != EINVAL)
		fail("a page for %#llx: %s", (unsigned long long)address, strerror(errno));
	ioctl(uffd.fd, UFFDIO_WAKE, &wake);
}

/* It never rests, and touches no memory under test: those who rest may wait for it. */
static void *answer(void *arg)
{
	struct pollfd pfd = { .fd = uffd.fd, .events = POLLIN };
	struct vm *vm = arg;
	struct uffd_msg msg;

	prctl(PR_SET_NAME, "uffd");
	while (!uffd.over) {
		if (poll(&pfd, 1, POLL_MS) <= 0 || read(uffd.fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		if (msg.event == UFFD_EVENT_PAGEFAULT) {
			give(msg.arg.pagefault.address & ~(PAGE - 1));
			vm->n.answered++;
		}
	}
	return NULL;
}

void numa_start(struct vm *vm)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct region *r = &vm->region[R_DATA];

	uffd.fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd.fd < 0 || ioctl(uffd.fd, UFFDIO_API, &api))
		fail("userfaultfd: %s", strerror(errno));
	uffd.rnd = vm->plan.seed ^ 0x75666664;
	numa_register(r->hva, r->c->pages * PAGE);
	if (pthread_create(&uffd.thread, NULL, answer, vm))
		fail("pthread_create: no thread that answers faults");
}

/* When no other thread is left. */
void numa_stop(void)
{
	uffd.over = true;
	pthread_join(uffd.thread, NULL);
	close(uffd.fd);
	uffd.fd = -1;
}

void *numa_worker(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;
	long began;
	u32 vcpu, node;

	do {
		began = now_ms();
		vcpu = below(&me->rnd, vm->plan.vcpus);
		node = below(&me->rnd, NODES);
		if (pthread_setaffinity_np(vm->worker[vcpu].thread, sizeof(cpu_set_t), &node_cpus[node]))
			fail("vCPU %u does not go to node %u", vcpu, node);
		vm->n.moved_vcpus++;
	} while (worker_pace(me, began, 20000 + below(&me->rnd, 200000)));
	return NULL;
}
