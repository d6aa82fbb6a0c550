// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/flushes.c - what owes a flush of the TLBs, and what does not.
 *
 * A stale translation is hardly ever seen in an emulator, which drops its TLB whenever
 * the world switches. So the flushes themselves are counted, by the vCPU's statistic
 * tlb_flush: whoever changes page tables asks the vCPU for one, and that is counted when
 * it enters the guest next, once, however many have asked. The VM's remote_tlb_flush
 * counts only if a vCPU is in the guest at the time: here the thread that runs the vCPU
 * does all of it by itself, and each operation is by itself between two entries.
 *
 * A new root is flushed by who loads it, which no statistic counts. Where a memslot goes
 * all roots go with it: then either is good, a flush or a root that maps nothing yet.
 *
 * What is owed is what KVM with NPT owes, or with shadow paging: there are A/D bits, there
 * is no PML. Nothing is said here of aging without A/D bits, where a flush is due once the
 * permissions that it took away matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/files.h"
#include "../lib/trace.h"
#include "facts.h"

#define NEVER		100UL		/* a page that the guest never touches, nor a prefetch */
#define FAR		200UL		/* one that no prefetch reaches from page 0 */
#define OTHER_GPA	(2 * GIB)
#define OTHER_WINDOW	8
#define KSM		"/sys/kernel/mm/ksm/"
#define KSM_S		60
#define IDLE_BITMAP	"/sys/kernel/mm/page_idle/bitmap"

static struct {
	struct vm vm;
	long long seen;			/* flushes up to the last look */
	const char *kind;		/* of pages, and mode of the log */
} t;

/* The guest reads where its code is, which is mapped: it takes a flush and adds none. */
static long long look(void)
{
	long long before = t.seen;

	vm_read(&t.vm, 0);
	t.seen = vm_stat(&t.vm, "tlb_flush");
	return t.seen - before;
}

static void owed(const char *what)
{
	if (!look())
		fail("%s: no flush of the TLBs %s", t.kind, what);
}

static void none(const char *what)
{
	long long n = look();

	if (n)
		fail("%s: %lld flushes of the TLBs %s, where none is owed", t.kind, n, what);
}

static void new_root_or_flush(const char *what)
{
	long long before = vm_stat(&t.vm, "pf_fixed");

	if (!look() && vm_stat(&t.vm, "pf_fixed") == before)
		fail("%s: neither a flush of the TLBs nor a new root %s", t.kind, what);
}

static void give_back(uint8_t *hva, size_t size)
{
	if (madvise(hva, size, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
}

/* A VM with memory in slot 1 at 1 GiB, in windows from 1 on. */
static void begin(const char *kind, uint8_t *hva, size_t size)
{
	size_t i;

	t.kind = kind;
	vm_make(&t.vm);
	vm_slot(&t.vm, 1, GIB, size, hva, false);
	for (i = 0; i < size / HUGE; i++)
		vm_window(&t.vm, 1 + i, GIB + i * HUGE);
	look();
}

static void end(uint8_t *hva, size_t size)
{
	vm_free(&t.vm);
	munmap(hva, size);
}

/* What the host does to its memory. */
static void notifiers(void)
{
	uint8_t *hva = memory(HUGE, false);

	begin("small pages", hva, HUGE);
	vm_write(&t.vm, HUGE, 1);
	vm_write(&t.vm, HUGE + FAR * PAGE, 1);
	none("when pages were mapped");
	give_back(hva + NEVER * PAGE, PAGE);
	none("when a page was given back that the guest never touched");
	give_back(hva, PAGE);
	owed("when a page was given back");
	give_back(hva, PAGE);
	none("when it was given back again");
	if (mprotect(hva + FAR * PAGE, PAGE, PROT_READ))
		fail("mprotect: %s", strerror(errno));
	owed("when a page became read-only");
	end(hva, HUGE);
}

/*
 * KSM write-protects two pages, which is an invalidation, and replaces one, which is
 * change_pte() inside of another. The invalidations have unmapped the page before, so
 * that change_pte() finds nothing: the flush is theirs. So it is when the guest writes
 * to the page that was merged.
 */
static void ksm(void)
{
	static const char * const events[] = { "kvm/kvm_set_spte_hva", NULL };
	uint8_t *hva;
	int i;

	if (access(KSM "run", W_OK)) {
		printf("this kernel has no KSM: left out\n");
		return;
	}
	hva = memory(HUGE, false);
	/* Only the two are alike. */
	for (i = 0; i < (int)(HUGE / PAGE); i++)
		*(uint64_t *)(hva + i * PAGE) = i == FAR ? 0 : i;
	*(uint64_t *)(hva + 8) = *(uint64_t *)(hva + FAR * PAGE + 8) = 0x5a5a;
	begin("KSM", hva, HUGE);
	vm_write(&t.vm, HUGE, 7);
	vm_write(&t.vm, HUGE + FAR * PAGE, 7);
	if (madvise(hva, HUGE, MADV_MERGEABLE))
		fail("madvise: %s", strerror(errno));
	none("before KSM runs");
	trace_start(events);
	if (!write_text(KSM "pages_to_scan", "1000") || !write_text(KSM "run", "1"))
		fail(KSM "run: %s", strerror(errno));
	for (i = 0; read_number(KSM "pages_sharing") < 1; i++) {
		if (i == KSM_S * 10)
			fail("KSM has merged nothing in %d s", KSM_S);
		usleep(100000);
	}
	write_text(KSM "run", "0");
	owed("when two pages were merged");
	if (vm_read(&t.vm, HUGE) != 7 || vm_read(&t.vm, HUGE + FAR * PAGE) != 7)
		fail("KSM: the guest does not find what it wrote");
	look();
	vm_write(&t.vm, HUGE, 8);
	owed("when the guest wrote to a page that had been merged");
	if (vm_read(&t.vm, HUGE + FAR * PAGE) != 7)
		fail("KSM: what the guest wrote is in the other page, too");
	if (!strstr(trace_stop(events), "kvm_set_spte_hva:"))
		fail("KSM: change_pte() was not called");
	write_text(KSM "run", "2");
	end(hva, HUGE);
}

/*
 * clear_young(), by the idle page bitmap, leaves the flush to time, by intent: with A/D
 * bits a page may seem idle for longer than it is, and that is all.
 */
static void aging(void)
{
	static const char * const events[] = { "kvm/kvm_age_hva", NULL };
	uint8_t *hva = memory(HUGE, false);
	uint64_t entry, bits;
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int idle = open(IDLE_BITMAP, O_WRONLY | O_CLOEXEC);

	if (idle < 0 || map < 0) {
		printf("no pagemap or no idle page bitmap: left out\n");
		return;
	}
	begin("idle page bitmap", hva, HUGE);
	vm_write(&t.vm, HUGE, 1);
	look();
	if (pread(map, &entry, 8, (uintptr_t)hva / PAGE * 8) != 8)
		fail("pagemap: %s", strerror(errno));
	entry &= (1ULL << 55) - 1;			/* pfn */
	bits = 1ULL << entry % 64;
	trace_start(events);
	if (pwrite(idle, &bits, 8, entry / 64 * 8) != 8)
		fail(IDLE_BITMAP ": %s", strerror(errno));
	if (!strstr(trace_stop(events), "kvm_age_hva:"))
		fail(IDLE_BITMAP ": KVM was not asked");
	none("when a page became idle");
	close(idle);
	close(map);
	end(hva, HUGE);
}

static void set_mode(enum log_mode mode, enum backing kind)
{
	static char name[80];

	snprintf(name, sizeof(name), "%s, %s", backing_names[kind], log_mode_names[mode]);
	t.kind = name;
	vm_log_mode(&t.vm, mode);
}

static uint64_t bits[2 * HUGE / PAGE / 64];

static void get(void)
{
	vm_get_log(&t.vm, 1, bits);
}

/* Page 0, and no other. */
static void clear_first(void)
{
	memset(bits, 0, sizeof(bits));
	bits[0] = 1;
	vm_clear_log(&t.vm, 1, 0, 64, bits);
}

/* The start flushes, unless KVM leaves all to CLEAR: then nothing is changed by it. */
static void start(enum log_mode mode, uint8_t *hva, size_t size)
{
	vm_slot(&t.vm, 1, GIB, size, hva, true);
	if (mode == INITIALLY_SET)
		none("when logging began");
	else
		owed("when logging began");
}

static void log_small(enum log_mode mode)
{
	uint8_t *hva = memory(HUGE, false);

	begin("", hva, HUGE);
	set_mode(mode, SMALL);
	vm_write(&t.vm, HUGE, 1);
	vm_write(&t.vm, HUGE + FAR * PAGE, 1);
	look();
	start(mode, hva, HUGE);
	get();
	none("when the log was read in which nothing was new");
	vm_write(&t.vm, HUGE, 2);
	none("when a page became writable");
	get();
	if (mode == GET_CLEARS) {
		owed("when a dirty page was read from the log");
		get();
		none("when the log was read in which nothing was");
	} else {
		none("when the log was read, which CLEAR clears");
		clear_first();
		owed("when a dirty page was cleared in the log");
		clear_first();
		none("when a page was cleared in the log that was not in it");
	}
	vm_write(&t.vm, HUGE, 3);
	none("when a page became writable again");
	vm_slot(&t.vm, 1, GIB, HUGE, hva, false);
	/* Nothing is changed: what is not writable becomes so by a fault. */
	none("when logging of small pages ended");
	if (mode != INITIALLY_SET) {
		/*
		 * Aging may have taken permission away, and not flushed, without A/D
		 * bits: the start of logging does not look for what it finds.
		 */
		vm_slot(&t.vm, 2, OTHER_GPA, HUGE, t.vm.low, false);
		vm_slot(&t.vm, 2, OTHER_GPA, HUGE, t.vm.low, true);
		owed("when logging began of memory that is not mapped");
	}
	end(hva, HUGE);
}

static void log_huge(enum log_mode mode, enum backing kind)
{
	uint8_t *hva = backed(2 * HUGE, kind);

	begin("", hva, 2 * HUGE);
	set_mode(mode, kind);
	vm_write(&t.vm, HUGE, 1);
	vm_write(&t.vm, 2 * HUGE, 1);
	if (vm_stat(&t.vm, "largepages") != 2)
		fail("%s: largepages is %lld, not 2", t.kind, vm_stat(&t.vm, "largepages"));
	look();
	start(mode, hva, 2 * HUGE);
	if (mode == INITIALLY_SET) {
		vm_write(&t.vm, HUGE, 2);
		none("when a page was written that the log had already");
		clear_first();
		owed("when a page was cleared in the log, and its huge page write-protected");
	}
	vm_write(&t.vm, HUGE, 3);
	owed("when a huge page was split");
	vm_slot(&t.vm, 1, GIB, 2 * HUGE, hva, false);
	owed("when small pages went that a huge one will replace");
	vm_read(&t.vm, HUGE);
	look();
	if (kind == THP) {
		give_back(hva + HUGE + FAR * PAGE, PAGE);
		owed("when a part of a huge page was given back");
	}
	end(hva, 2 * HUGE);
}

static void slots(void)
{
	uint8_t *hva = memory(HUGE, false), *other = memory(HUGE, false);

	begin("memslots", hva, HUGE);
	vm_slot(&t.vm, 2, OTHER_GPA, HUGE, other, false);
	none("when one was created");
	vm_window(&t.vm, OTHER_WINDOW, OTHER_GPA);
	vm_write(&t.vm, OTHER_WINDOW * HUGE, 1);
	look();
	vm_slot(&t.vm, 2, OTHER_GPA + GIB, HUGE, other, false);
	new_root_or_flush("when one was moved");
	vm_window(&t.vm, OTHER_WINDOW + 1, OTHER_GPA + GIB);
	if (vm_read(&t.vm, (OTHER_WINDOW + 1) * HUGE) != 1)
		fail("memslots: what was moved is not found");
	look();
	vm_slot(&t.vm, 2, OTHER_GPA + GIB, 0, NULL, false);
	new_root_or_flush("when one was deleted");
	end(hva, HUGE);
	munmap(other, HUGE);
}

void flushes(void)
{
	enum log_mode mode;

	notifiers();
	for (mode = GET_CLEARS; mode < LOG_MODES; mode++) {
		log_small(mode);
		log_huge(mode, THP);
		log_huge(mode, HUGETLB);
	}
	slots();
	aging();
	ksm();
}
