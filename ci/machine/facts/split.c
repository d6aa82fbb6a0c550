// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/split.c - huge pages that are split before anybody writes to them: when
 * logging starts, or when the dirty log is cleared. And those that are put back when it ends,
 * before anybody asks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/files.h"
#include "facts.h"

#define EAGER	"/sys/module/kvm/parameters/eager_page_split"
#define N	4U		/* huge pages */
#define WORD	64U		/* pages of a word of the log */

bool eager_split(bool on)
{
	return write_text(EAGER, on ? "1" : "0");
}

static const char *kind_name, *when;
static struct vm vm;
static uint8_t *hva;
static bool by_faults;			/* what is used now may have to be mapped first */
static uint64_t log_bits[N * HUGE / PAGE / 64];

static void expect(const char *what, long long got, long long want)
{
	if (got != want)
		fail("%s, %s: %lld %s, not %lld", kind_name, when, got, what, want);
}

/* All of it is mapped by huge pages, and each small one says which it is. */
static void begin(enum backing kind, enum log_mode mode)
{
	unsigned int i;

	kind_name = backing_names[kind];
	when = "at first";
	hva = backed(N * HUGE, kind);
	for (i = 0; i < N * HUGE / PAGE; i++)
		*(volatile uint64_t *)(hva + i * PAGE) = 1000 + i;
	vm_make(&vm);
	vm_log_mode(&vm, mode);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	for (i = 0; i < N; i++) {
		vm_window(&vm, 1 + i, GIB + i * HUGE);
		/* The write makes the mapping a writable one. */
		vm_write(&vm, (1 + i) * HUGE, 1000 + i * HUGE / PAGE);
	}
	expect("huge pages", vm_stat(&vm, "largepages"), N);
}

static void end(void)
{
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	vm_free(&vm);
	munmap(hva, N * HUGE);
}

static void log_it(void)
{
	vm_slot(&vm, 1, GIB, N * HUGE, hva, true);
}

/*
 * The guest reads and writes to pages from first on, a step apart, by faults that take no
 * lock, if by any: nothing is missing. Then those pages are in the log, and no others.
 */
static void use(unsigned int first, unsigned int pages, unsigned int step, bool in_log)
{
	long long faults = vm_stat(&vm, "pf_fixed");
	unsigned int i, n = 0;
	uint64_t got;

	for (i = first; i < first + pages * step; i += step) {
		got = vm_read(&vm, HUGE + i * PAGE);
		if (got != 1000 + i)
			fail("%s, %s: page %u holds %llu", kind_name, when, i, (unsigned long long)got);
		vm_write(&vm, HUGE + i * PAGE, 1000 + i);
	}
	if (!by_faults)
		expect("faults that took mmu_lock", vm_stat(&vm, "pf_fixed") - faults, 0);
	if (!in_log)
		return;
	vm_get_log(&vm, 1, log_bits);
	for (i = first; i < first + pages * step; i += step) {
		if (!(log_bits[i / 64] >> i % 64 & 1))
			fail("%s, %s: page %u was written, and is not in the log", kind_name, when, i);
		log_bits[i / 64] &= ~(1ULL << i % 64);
	}
	for (i = 0; i < N * HUGE / PAGE / 64; i++)
		n += __builtin_popcountll(log_bits[i]);
	expect("other pages are in the log", n, 0);
}

/* The call that starts logging splits, and all that was mapped is. */
static void at_start(enum backing kind, enum log_mode mode)
{
	begin(kind, mode);
	log_it();
	when = log_mode_names[mode];
	expect("huge pages", vm_stat(&vm, "largepages"), 0);
	use(0, N * HUGE / PAGE / 7, 7, true);
	end();
}

/* Or it does not, and the first write to each does. */
static void by_write(enum backing kind)
{
	eager_split(false);
	begin(kind, GET_CLEARS);
	log_it();
	when = "not ahead";
	expect("huge pages", vm_stat(&vm, "largepages"), N);
	vm_write(&vm, HUGE, 1000);
	expect("huge pages when one was written", vm_stat(&vm, "largepages"), N - 1);
	end();
	eager_split(true);
}

static void clear_word(unsigned int page, uint64_t bits)
{
	vm_clear_log(&vm, 1, page / WORD * WORD, WORD, &bits);
}

/* With all bits set at first, those huge pages that a word of CLEAR is about are split. */
static void by_clear(enum backing kind)
{
	const unsigned int small = HUGE / PAGE;

	begin(kind, INITIALLY_SET);
	log_it();
	when = "before CLEAR";
	expect("huge pages", vm_stat(&vm, "largepages"), N);
	when = "after CLEAR of nothing";
	clear_word(0, 0);
	expect("huge pages", vm_stat(&vm, "largepages"), N);
	when = "after CLEAR of the last page of one";
	clear_word(2 * small - 1, 1ULL << 63);
	expect("huge pages", vm_stat(&vm, "largepages"), N - 1);
	when = "after CLEAR of the first page of another one";
	clear_word(2 * small, 1);
	expect("huge pages", vm_stat(&vm, "largepages"), N - 2);
	when = "after CLEAR of a word of one that is split";
	clear_word(2 * small + WORD, ~0ULL);
	expect("huge pages", vm_stat(&vm, "largepages"), N - 2);
	/* What was cleared is logged once more, what was not still is. */
	use(small, 2 * small, 1, false);
	vm_get_log(&vm, 1, log_bits);
	expect("pages of the log", __builtin_popcountll(log_bits[(2 * small - 1) / 64]), 64);
	expect("pages of the log", __builtin_popcountll(log_bits[2 * small / 64]), 64);
	expect("pages of the log", __builtin_popcountll(log_bits[(2 * small + WORD) / 64]), 64);
	when = "after CLEAR of all";
	memset(log_bits, 0xff, sizeof(log_bits));
	vm_clear_log(&vm, 1, 0, N * HUGE / PAGE, log_bits);
	expect("huge pages", vm_stat(&vm, "largepages"), 0);
	use(3, N * HUGE / PAGE / 5, 5, true);
	end();
}

void split_ahead(void)
{
	enum backing kind;

	if (!parameter_on("kvm", "tdp_mmu"))
		skip("kvm.tdp_mmu is off: the shadow MMU does not split ahead");
	if (!eager_split(true))
		skip("no kvm.eager_page_split");
	for (kind = THP; kind <= HUGETLB; kind++) {
		at_start(kind, GET_CLEARS);
		at_start(kind, MANUAL);
		by_write(kind);
		by_clear(kind);
	}
}

#define SMALL_PAGES	(HUGE / PAGE)	/* of a huge one */
#define CODE_AT		64UL		/* in the first of them */

/* Logging begins, and all small pages are written to. */
static void begin_small(enum backing kind)
{
	begin(kind, GET_CLEARS);
	log_it();
	by_faults = true;
	use(0, N * SMALL_PAGES, 1, false);
	expect("huge pages when all were written", vm_stat(&vm, "largepages"), 0);
}

/* Logging ends: want of the huge pages are there at once, or all come by faults. */
static void end_log(unsigned int want)
{
	long long n;

	when = "when logging had ended";
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	n = vm_stat(&vm, "largepages");
	if (needed || n)
		expect("huge pages", n, want);
	by_faults = !n;
}

static void all_back(enum backing kind)
{
	begin_small(kind);
	end_log(N);
	use(0, N * SMALL_PAGES, 1, false);
	expect("huge pages when all were used", vm_stat(&vm, "largepages"), N);
	end();
	printf("%s: huge pages come back %s\n", kind_name, by_faults ? "by faults" : "at once");
}

/* The host takes one small page: the guest finds zeroes, and writes what it was. */
static void drop(unsigned int page)
{
	if (madvise(hva + page * PAGE, PAGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
}

static void expect_dropped(unsigned int page)
{
	expect("in a page that the host has dropped", vm_read(&vm, HUGE + page * PAGE), 0);
	vm_write(&vm, HUGE + page * PAGE, 1000 + page);
}

/* What the host has in small pages, be it mapped or not, is not huge. */
static void host_small(void)
{
	const unsigned int mapped = SMALL_PAGES + 7, not_mapped = 2 * SMALL_PAGES + 7;
	bool faults;

	begin_small(THP);
	when = "logged, small pages of the host's";
	drop(mapped);
	drop(not_mapped);
	expect_dropped(mapped);
	use(SMALL_PAGES, SMALL_PAGES, 1, false);
	end_log(N - 2);
	faults = by_faults;
	use(0, SMALL_PAGES, 1, false);
	use(3 * SMALL_PAGES, SMALL_PAGES, 1, false);
	by_faults = true;
	expect_dropped(not_mapped);
	use(0, N * SMALL_PAGES, 1, false);
	expect("huge pages when all were used", vm_stat(&vm, "largepages"), N - 2);
	when = "dropped from a huge page that came back";
	drop(5);
	expect_dropped(5);
	use(0, N * SMALL_PAGES, 1, false);
	end();
	by_faults = faults;
}

/* The guest executes from each of the huge pages: they are small ones then. */
static void execute(void)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		vm_step(&vm, (1 + i) * HUGE + CODE_AT, 0, 0);
	expect("huge pages are split as the guest executes from them", nx_splits(&vm), N);
}

static void not_executable(void)
{
	static const uint8_t code[] = { 0xe6, VM_PORT };
	unsigned int i;

	nx_force();
	begin_small(THP);
	for (i = 0; i < N; i++)
		memcpy(hva + i * HUGE + CODE_AT, code, sizeof(code));
	vm_step(&vm, HUGE + CODE_AT, 0, 0);
	end_log(N);
	use(0, N * SMALL_PAGES, 1, false);
	execute();
	/* Once more, when all small pages are protected, as the log was got. */
	when = "logged again";
	log_it();
	by_faults = true;
	use(0, N * SMALL_PAGES, 1, true);
	vm_slot(&vm, 1, GIB, N * HUGE, hva, false);
	when = "when logging had ended again";
	use(0, N * SMALL_PAGES, 1, false);
	execute();
	end();
}

void huge_in_place(void)
{
	if (!parameter_on("kvm", "tdp_mmu"))
		skip("kvm.tdp_mmu is off: in the shadow MMU they come back by faults");
	all_back(THP);
	all_back(HUGETLB);
	host_small();
	not_executable();
}
