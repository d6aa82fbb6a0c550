// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/host.c - facts about what the host's own memory management asks of KVM. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "../lib/files.h"
#include "../lib/trace.h"
#include "facts.h"

/*
 * change_pte() alone. openEuler's handle_pte_fault() calls mmu_notifier_change_pte()
 * outside of any invalidation when a write fault finds the page mapped, writable and
 * clean. So two threads touch the same new page of shared
 * memory at the same time, page after page: one reads, which maps it, one writes.
 * No guest is needed, a VM is: its notifier. What is wrong is told by the kernel (a
 * WARN, which taints); that it was called at all, by a trace event.
 */
#define RACE_PAGES	512UL
#define RACE_CALLS	32
#define RACE_S		10
#define SPIN		20000

static const char * const change_events[] = { "kvm/kvm_set_spte_hva", NULL };

static struct {
	volatile char *mem;
	int met;			/* threads that have come to a page, ever */
	unsigned int round;
	bool over;
	pthread_barrier_t begin;	/* and the end of a round */
} race;

/* Both threads come to page p. A thread that waits long lets another have its CPU. */
static void meet(unsigned long p)
{
	unsigned long n = 0;

	__atomic_fetch_add(&race.met, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&race.met, __ATOMIC_ACQUIRE) < 2 * (int)(p + 1))
		if (++n > SPIN) {
			sched_yield();
			n = 0;
		}
}

static void *racer(void *writes)
{
	volatile unsigned int delay;
	unsigned long p;

	for (;;) {
		pthread_barrier_wait(&race.begin);
		if (race.over)
			return NULL;
		for (p = 0; p < RACE_PAGES; p++) {
			meet(p);
			if (writes) {
				/* The write has to come a little later: nobody knows how much. */
				for (delay = (p * 37 + race.round * 11) % 600; delay; delay--)
					;
				race.mem[p * PAGE] = 1;
			} else {
				(void)race.mem[p * PAGE];
			}
		}
		pthread_barrier_wait(&race.begin);
	}
}

static unsigned int count(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

void change_pte(void)
{
	long long taint = read_number("/proc/sys/kernel/tainted");
	unsigned int calls = 0;
	pthread_t thread[2];
	cpu_set_t all, mine;
	time_t until;
	struct vm vm;
	int i, cpu = -1;

	vm_make(&vm);
	if (!trace_present(change_events))
		skip("this kernel does not trace change_pte()");
	sched_getaffinity(0, sizeof(all), &all);
	if (CPU_COUNT(&all) < 2)
		skip("one CPU: nothing races");
	pthread_barrier_init(&race.begin, NULL, 3);
	for (i = 0; i < 2; i++) {
		do
			cpu++;
		while (!CPU_ISSET(cpu, &all));
		CPU_ZERO(&mine);
		CPU_SET(cpu, &mine);
		if (pthread_create(&thread[i], NULL, racer, i ? &race : NULL) ||
		    pthread_setaffinity_np(thread[i], sizeof(mine), &mine))
			fail("no thread on CPU %d", cpu);
	}
	until = time(NULL) + RACE_S;
	do {
		race.mem = mmap(NULL, RACE_PAGES * PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (race.mem == MAP_FAILED)
			fail("mmap: %s", strerror(errno));
		race.met = 0;
		trace_start(change_events);
		pthread_barrier_wait(&race.begin);
		pthread_barrier_wait(&race.begin);
		calls += count(trace_stop(change_events), "kvm_set_spte_hva:");
		munmap((void *)race.mem, RACE_PAGES * PAGE);
		race.round++;
	} while (calls < RACE_CALLS && time(NULL) < until);
	race.over = true;
	pthread_barrier_wait(&race.begin);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	vm_free(&vm);
	printf("%u calls of change_pte() in %u rounds of %lu pages\n", calls, race.round, RACE_PAGES);
	if (read_number("/proc/sys/kernel/tainted") != taint)
		fail("the kernel complained: taint %lld before, %lld then", taint,
		     read_number("/proc/sys/kernel/tainted"));
	if (!calls)
		skip("this kernel does not call change_pte() outside of an invalidation");
}

/*
 * etmem of openEuler: what a read of /proc/PID/idle_pages says of a VM's memory. It
 * walks the page tables of vCPU 0, clears the bits of use, and says by its bytes what
 * was used since: type << 4 | number of pages, or TYPE_ADDRESS and 8 bytes of address.
 * It looks at the bits where EPT has them. With NPT, which has them elsewhere, every
 * page that is mapped is told to be idle, whatever the guest does.
 */
enum { TYPE_PTE_USED, TYPE_PMD_USED, TYPE_PTE_IDLE = 5, TYPE_PMD_IDLE, TYPE_ADDRESS = 10 };

#define IDLE_PAGES	"/proc/self/idle_pages"
#define SCANNED		64		/* pages that the guest writes to */
#define SCAN_BYTES	(HUGE / PAGE / 8)

struct scan {
	unsigned int used, idle, other;	/* pages */
};

/* What a scan of SCANNED pages from hva on tells. */
static struct scan scan(uint8_t *hva)
{
	struct scan s = { 0 };
	uint8_t buf[SCAN_BYTES];
	ssize_t n, i;
	int fd = open(IDLE_PAGES, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(IDLE_PAGES ": %s", strerror(errno));
	/* A read of so many bytes is about 8 times as many pages: HUGE, where hva's slot is. */
	n = pread(fd, buf, sizeof(buf), (uintptr_t)hva);
	if (n < 0)
		fail("a read of " IDLE_PAGES ": %s", strerror(errno));
	for (i = 0; i < n; i++) {
		uint64_t at = 0;
		int k;

		switch (buf[i] >> 4) {
		case TYPE_ADDRESS:
			for (k = 0; k < 8 && i + 1 < n; k++)
				at = at << 8 | buf[++i];
			if (at != (uintptr_t)hva && !s.used && !s.idle)
				fail("the scan of %p begins at %#llx", (void *)hva,
				     (unsigned long long)at);
			break;
		case TYPE_PTE_USED:
			s.used += buf[i] & 15;
			break;
		case TYPE_PTE_IDLE:
			s.idle += buf[i] & 15;
			break;
		default:
			s.other += buf[i] & 15;
		}
	}
	/* Closing it flushes the vCPUs' TLBs: what they use next sets its bit again. */
	close(fd);
	return s;
}

/* The parameters of kvm_intel are there on any machine where it is built in. */
static bool is_intel(void)
{
	unsigned int eax, ebx = 0, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

static void expect_scan(uint8_t *hva, bool used, const char *when)
{
	struct scan s = scan(hva);

	printf("%s: %u pages used, %u idle, %u of another kind\n", when, s.used, s.idle, s.other);
	if (used ? s.used != SCANNED || s.idle : s.idle != SCANNED || s.used)
		fail("%s %u pages were used and %u not, of %d that were %s", when, s.used, s.idle,
		     SCANNED, used ? "used" : "idle");
}

void idle_pages(void)
{
	uint8_t *hva;
	struct vm vm;
	bool ept;
	int i, round;

	if (access(IDLE_PAGES, F_OK))
		skip("no " IDLE_PAGES ": this kernel has no etmem");
	i = load_module("etmem_scan");
	if (i)
		fail("etmem_scan.ko: %s", strerror(i));
	/* With shadow paging they are x86's bits, where NPT has them. */
	ept = is_intel() && parameter_on("kvm_intel", "eptad");
	vm_make(&vm);
	hva = memory(HUGE, false);
	vm_slot(&vm, 1, GIB, SCANNED * PAGE, hva, false);
	vm_window(&vm, 1, GIB);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < SCANNED; i++)
			vm_write(&vm, HUGE + i * PAGE, round + 1);
		expect_scan(hva, ept, "the guest wrote");
		expect_scan(hva, false, "it rested");
		for (i = 0; i < SCANNED; i++)
			if (vm_read(&vm, HUGE + i * PAGE) != (uint64_t)round + 1)
				fail("page %d does not hold what the guest wrote", i);
	}
	vm_free(&vm);
}
