// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/kvm/guest_memory.c - what a guest's memory owes its host, page by page, on
 * any architecture. (-h: see below)
 *
 * A guest reads or writes the pages of one memslot that it is told to, and stops. What is
 * asked each time is exact: which pages lost their contents, which were used, which were
 * written to.
 *
 * How aging is seen: to set a page's idle bit, the kernel asks KVM whether the guest has
 * used the page, and makes it forget (page_idle_clear_pte_refs() in mm/page_idle.c of
 * 5.10). A page that was used is marked young then, and "Referenced" of
 * /proc/PID/smaps counts it until "1" is written to /proc/PID/clear_refs. The idle bit
 * itself shows less: a fault in the guest clears it, whatever aging says.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"

#include <linux/compiler.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/files.h"
#include "../lib/words.h"

static const char help[] =
"guest_memory - what a guest's memory owes its host, page by page\n"
"\n"
"Usage:   guest_memory MODE\n"
"         unmap   the host gives back some pages: the guest finds these empty, and the\n"
"                 others as they were\n"
"         age     aging tells which pages the guest has used since the last time\n"
"         log     the dirty log has the pages that the guest has written to, no other:\n"
"                 those that it had read before too\n"
"         race    a page is replaced while the guest faults on it: it sees the new one\n"
"Inputs:  /dev/kvm; age: /proc/self/{pagemap,smaps,clear_refs}, the idle page bitmap\n"
"         of /sys; race: two CPUs\n"
"Outputs: a line for each range, round or log that is wrong\n"
"Exit codes: 0 pass, 1 fail, 2 usage, 4 skipped: the kernel lacks what is read;\n"
"         254 the selftests' library found something\n";

#define SLOT		10
#define MEM		(4ULL << 30)
#define PAGE		4096ULL
#define PAGES		130		/* two words of the log, and two pages */
#define TABLES		1024		/* pages for the guest's page tables */
#define FILLER		64		/* more than a CPU keeps aside of the LRU lists */
#define ROUNDS		1500
#define SETTLE_MS	10000
#define IDLE		"/sys/kernel/mm/page_idle/bitmap"

enum { READ_PAGES, WRITE_PAGES, WATCH };

/* The guest has copies of these, at the same addresses. */
static uint64_t order, stop, seen;
static uint64_t chosen[PAGES], value[PAGES];

static struct kvm_vm *vm;
static char *mem;		/* the host's address of MEM */
static uint64_t turn;

static void guest_main(void)
{
	volatile uint64_t *word;
	int i;

	for (;;) {
		if (order == WATCH) {
			word = (volatile uint64_t *)MEM;
			while (!READ_ONCE(stop))
				WRITE_ONCE(seen, *word);
		}
		for (i = 0; i < PAGES && order != WATCH; i++) {
			word = (volatile uint64_t *)(MEM + i * PAGE);
			if (chosen[i] && order == WRITE_PAGES)
				*word = value[i];
			else if (chosen[i])
				value[i] = *word;
		}
		GUEST_SYNC(0);
	}
}

static void make_vm(void)
{
	vm = vm_create_default(0, TABLES, guest_main);
#ifdef __x86_64__
	vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
#endif
	if (vm_get_page_size(vm) != PAGE || getpagesize() != PAGE)
		skip("pages of 4 KiB are wanted, in guest and host");
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM, SLOT, PAGES, 0);
	virt_map(vm, MEM, MEM, PAGES, 0);
	ucall_init(vm, NULL);
	mem = addr_gpa2hva(vm, MEM);
	/* So that it is a mapping of its own in /proc, and each page one of its own. */
	if (madvise(mem, PAGES * PAGE, MADV_NOHUGEPAGE) && errno != EINVAL)
		fail("MADV_NOHUGEPAGE: %s", strerror(errno));
}

static void run(uint64_t what)
{
	struct ucall uc;

	order = what;
	sync_global_to_guest(vm, order);
	sync_global_to_guest(vm, chosen);
	sync_global_to_guest(vm, value);
	vcpu_run(vm, 0);
	if (get_ucall(vm, 0, &uc) != UCALL_SYNC)
		TEST_FAIL("ucall %lu, exit reason %u", uc.cmd, vcpu_state(vm, 0)->exit_reason);
	sync_global_from_guest(vm, value);
}

/* Each STEP-th page; returns how many these are. */
static int choose(int step)
{
	int i, n = 0;

	for (i = 0; i < PAGES; i++) {
		chosen[i] = !(i % step);
		n += chosen[i];
	}
	return n;
}

/* What nobody has written before. */
static void new_values(void)
{
	int i;

	turn++;
	for (i = 0; i < PAGES; i++)
		value[i] = turn << 32 | (i + 1);
}

static void host_writes(void)
{
	int i;

	new_values();
	for (i = 0; i < PAGES; i++)
		*(volatile uint64_t *)(mem + i * PAGE) = value[i];
}

static void give_back(int first, int pages)
{
	if (madvise(mem + first * PAGE, pages * PAGE, MADV_DONTNEED))
		fail("MADV_DONTNEED: %s", strerror(errno));
}

static void unmap(void)
{
	static const struct { int first, pages; } ranges[] = {
		{ 0, 1 }, { PAGES - 1, 1 }, { 0, PAGES }, { 0, PAGES - 1 }, { 1, PAGES - 1 },
		{ 63, 2 }, { 64, 1 }, { 5, 60 }, { 127, 3 },
	};
	uint64_t before[PAGES], wanted;
	size_t r;
	int i;

	choose(1);
	for (r = 0; r < sizeof(ranges) / sizeof(*ranges); r++) {
		new_values();
		memcpy(before, value, sizeof(value));
		run(WRITE_PAGES);
		give_back(ranges[r].first, ranges[r].pages);
		run(READ_PAGES);
		for (i = 0; i < PAGES; i++) {
			wanted = i >= ranges[r].first && i < ranges[r].first + ranges[r].pages ?
				0 : before[i];
			if (value[i] != wanted)
				complain("pages %d to %d were given back: page %d has %#lx, not %#lx",
					 ranges[r].first, ranges[r].first + ranges[r].pages - 1,
					 i, value[i], wanted);
		}
	}
}

/* New pages stay aside until a CPU has some: only on a list can they be aged. */
static void drain_lists(void)
{
	char *filler = mmap(NULL, FILLER * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	if (filler == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	for (i = 0; i < FILLER; i++)
		*(volatile char *)(filler + i * PAGE) = 1;
	munmap(filler, FILLER * PAGE);
}

/* How many pages of the memslot are "Referenced". */
static int referenced(void)
{
	unsigned long start;
	char line[512];
	long kib = -1;
	bool ours = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	if (!f)
		skip("/proc/self/smaps: %s", strerror(errno));
	while (kib < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%*x ", &start) == 1)
			ours = start == (unsigned long)mem;
		else if (ours)
			sscanf(line, "Referenced: %ld", &kib);
	}
	fclose(f);
	if (kib < 0)
		fail("/proc/self/smaps has no mapping at %p", mem);
	return kib * 1024 / PAGE;
}

static void at(const char *path, int flags, uint64_t *word, off_t where)
{
	int fd = open(path, flags);
	ssize_t n;

	if (fd < 0)
		skip("%s: %s", path, strerror(errno));
	n = flags == O_RDONLY ? pread(fd, word, 8, where) : pwrite(fd, word, 8, where);
	if (n != 8)
		fail("%s: %s", path, n < 0 ? strerror(errno) : "not a whole word");
	close(fd);
}

/* Ages all pages of the memslot; returns how many were used since the last time. */
static int aged(void)
{
	uint64_t pfn, bit;
	int i;

	drain_lists();
	if (!write_text("/proc/self/clear_refs", "1"))
		skip("/proc/self/clear_refs: %s", strerror(errno));
	if (referenced())
		fail("%d pages are referenced after clear_refs", referenced());
	for (i = 0; i < PAGES; i++) {
		at("/proc/self/pagemap", O_RDONLY, &pfn, ((uintptr_t)mem / PAGE + i) * 8);
		pfn &= (1ULL << 55) - 1;
		if (!pfn)
			fail("/proc/self/pagemap: no page frame number");
		bit = 1ULL << pfn % 64;
		at(IDLE, O_WRONLY, &bit, pfn / 64 * 8);
	}
	return referenced();
}

static void look(const char *what, int wanted)
{
	int n = aged();

	if (n != wanted)
		complain("%s: aging finds %d used pages, not %d", what, n, wanted);
}

static void age(void)
{
	cpu_set_t one;
	int n;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		fail("sched_setaffinity: %s", strerror(errno));
	host_writes();
	look("the guest has not run", 0);
	n = choose(2);
	run(READ_PAGES);
	look("it has read every second page", n);
	look("it has not run since", 0);
	/* The CPU has to look at the tables again, and KVM flushes its TLB for this. */
	give_back(0, 1);
	*mem = 1;
	n = choose(3);
	run(WRITE_PAGES);
	look("it has written to every third page", n);
	look("it has not run since then", 0);
}

/* In the log is what was chosen and nothing else; or it does not matter what. */
static void look_at_log(const char *what, bool exactly)
{
	uint64_t log[(PAGES + 63) / 64] = { 0 };
	bool dirty;
	int i;

	kvm_vm_get_dirty_log(vm, SLOT, log);
	for (i = 0; exactly && i < PAGES; i++) {
		dirty = log[i / 64] >> i % 64 & 1;
		if (dirty != !!chosen[i])
			complain("%s: page %d is %sin the log", what, i, dirty ? "" : "not ");
	}
}

/*
 * The guest writes to each STEP-th page, having read all. x86 maps a page writable when
 * it is read first, and takes it for written to.
 */
static void write_and_look(const char *what, bool mapped, int step)
{
#ifndef __x86_64__
	mapped = true;
#endif
	choose(1);
	run(READ_PAGES);
	memset(chosen, 0, sizeof(chosen));
	look_at_log(what, mapped);
	choose(step);
	new_values();
	run(WRITE_PAGES);
	look_at_log(what, true);
}

static void log_writes(void)
{
	host_writes();
	choose(1);
	run(READ_PAGES);
	vm_mem_region_set_flags(vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	write_and_look("pages read before logging began", true, 1);
	write_and_look("pages written before", true, 3);
	write_and_look("pages written before, the second time", true, 43);
	give_back(0, PAGES);
	host_writes();
	write_and_look("pages mapped while logging is on", false, 1);
	give_back(0, PAGES);
	host_writes();
	write_and_look("every third page of those mapped while logging is on", false, 3);
	vm_mem_region_set_flags(vm, SLOT, 0);
	choose(1);
	run(WRITE_PAGES);
	vm_mem_region_set_flags(vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	write_and_look("logging switched off and on", true, 3);
}

static void *watcher(void *unused)
{
	run(WATCH);
	return unused;
}

static void race(void)
{
	uint64_t *there, *ended;
	volatile int delay;
	pthread_t thread;
	long until;
	int r, i;

	there = addr_gva2hva(vm, (vm_vaddr_t)&seen);
	ended = addr_gva2hva(vm, (vm_vaddr_t)&stop);
	if (pthread_create(&thread, NULL, watcher, NULL))
		fail("no thread");
	for (r = 1; r <= ROUNDS; r++) {
		/* What the guest maps in between is the zero page. */
		give_back(0, 1);
		for (delay = r * 7 % 1999; delay > 0; delay--)
			;
		*(volatile uint64_t *)mem = r;
		until = now_ms() + SETTLE_MS * gate_patience();
		for (i = 0; READ_ONCE(*there) != (uint64_t)r; i++) {
			if (i % 1000 || now_ms() < until)
				continue;
			complain("round %d: the guest still sees %lu", r, READ_ONCE(*there));
			r = ROUNDS;
			break;
		}
	}
	WRITE_ONCE(*ended, 1);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{ "unmap", unmap }, { "age", age }, { "log", log_writes }, { "race", race },
	};
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		fputs(help, stdout);
		return EX_PASS;
	}
	for (i = 0; argc == 2 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		if (access("/dev/kvm", R_OK | W_OK))
			skip("no /dev/kvm");
		make_vm();
		modes[i].run();
		kvm_vm_free(vm);
		return complained ? EX_FAIL : EX_PASS;
	}
	refuse("one MODE is wanted: see -h");
}
