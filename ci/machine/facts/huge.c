// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/huge.c - huge pages of the host under the dirty log: they are split by
 * a write while it is on, and come back when it is off and the guest asks again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/files.h"
#include "facts.h"

#define POOL "/proc/sys/vm/nr_hugepages"

const char * const backing_names[BACKINGS] = { "small pages", "THP", "hugetlb" };

uint8_t *backed(size_t size, enum backing kind)
{
	size_t before = huge_bytes(), i;
	char number[32];
	uint8_t *p;

	if (kind != HUGETLB) {
		p = memory(size, kind == THP);
		if (kind == THP && huge_bytes() < before + size)
			skip("%zu bytes in huge pages, not %zu", huge_bytes() - before, size);
		return p;
	}
	snprintf(number, sizeof(number), "%zu", size / HUGE);
	if (!write_text(POOL, number))
		skip(POOL ": %s", strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p == MAP_FAILED)
		skip("%s pages of hugetlb: %s", number, strerror(errno));
	for (i = 0; i < size; i += HUGE)
		*(volatile uint64_t *)(p + i) = 0;
	/* They stay as long as they are mapped. */
	if (!write_text(POOL, "0"))
		fail(POOL ": %s", strerror(errno));
	return p;
}

#define N		4U		/* huge pages */
#define SPLIT		3U		/* of them */
#define FEW		3U		/* small ones */
#define FIRST		5UL		/* where slot 1 begins in its first huge page */
#define SMALL_GPA	(3 * GIB)	/* of slot 2 */
#define SMALL_WINDOW	(N + 2)

/* Where the guest sees what is tried of each part. */
static uint64_t huge_gva(unsigned int i)
{
	return (2 + i) * HUGE + 3 * PAGE;
}

static uint64_t partial_gva(unsigned int i)
{
	return HUGE + (FIRST + i) * PAGE;
}

static uint64_t small_gva(unsigned int i)
{
	return SMALL_WINDOW * HUGE + i * PAGE;
}

static const char *kind_name, *mode_name;

static void expect_large(const struct vm *vm, unsigned int want, const char *when)
{
	long long got = vm_stat(vm, "largepages");

	if (got != want)
		fail("%s, %s: largepages is %lld %s, not %u", kind_name, mode_name, got, when, want);
}

static void write_all(struct vm *vm, unsigned int huge, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < huge; i++)
		vm_write(vm, huge_gva(i), value);
	for (i = 0; i < FEW; i++) {
		vm_write(vm, partial_gva(i), value);
		vm_write(vm, small_gva(i), value);
	}
}

/* Reads what write_all() wrote, in a page that can be huge or not. Returns the faults. */
static long long read_again(struct vm *vm, bool huge, uint64_t value)
{
	long long before = vm_stat(vm, "pf_fixed");
	bool same = true;
	unsigned int i;

	for (i = 0; huge && i < N; i++)
		same &= vm_read(vm, huge_gva(i)) == (i < SPLIT ? value : 1);
	for (i = 0; !huge && i < FEW; i++)
		same &= vm_read(vm, partial_gva(i)) == value && vm_read(vm, small_gva(i)) == value;
	if (!same)
		fail("%s, %s: the guest does not find what it wrote", kind_name, mode_name);
	return vm_stat(vm, "pf_fixed") - before;
}

/*
 * Slot 1 begins inside a huge page, of which it can have small pages only, then come N
 * that are whole; slot 2 has small pages of the host's.
 *
 * What is read in the end are the pages that were written, and no others: a fault on
 * another page of a huge one would bring that back in any case, but these are mapped.
 */
static void come_back(enum backing kind, enum log_mode mode)
{
	uint8_t *hva = backed((N + 1) * HUGE, kind), *small = memory(HUGE, false);
	static uint64_t all[(N + 1) * HUGE / PAGE / 64];
	const size_t size = (N + 1) * HUGE - FIRST * PAGE;
	const uint64_t gpa = GIB + FIRST * PAGE;
	long long faults;
	unsigned int i, owed;
	struct vm vm;

	kind_name = backing_names[kind];
	mode_name = log_mode_names[mode];
	vm_make(&vm);
	vm_log_mode(&vm, mode);
	vm_slot(&vm, 1, gpa, size, hva + FIRST * PAGE, false);
	vm_slot(&vm, 2, SMALL_GPA, HUGE, small, false);
	for (i = 0; i < N + 1; i++)
		vm_window(&vm, 1 + i, GIB + i * HUGE);
	vm_window(&vm, SMALL_WINDOW, SMALL_GPA);
	write_all(&vm, N, 1);
	expect_large(&vm, N, "when all are mapped");

	vm_slot(&vm, 1, gpa, size, hva + FIRST * PAGE, true);
	vm_slot(&vm, 2, SMALL_GPA, HUGE, small, true);
	if (mode == INITIALLY_SET) {
		/* All pages are in the log already: there is nothing to find out. */
		write_all(&vm, SPLIT, 2);
		expect_large(&vm, N, "before the log was cleared");
		memset(all, 0xff, sizeof(all));
		vm_clear_log(&vm, 1, 0, size / PAGE, all);
		vm_clear_log(&vm, 2, 0, HUGE / PAGE, all);
	}
	write_all(&vm, SPLIT, 3);
	expect_large(&vm, N - SPLIT, "when some were split");

	vm_slot(&vm, 1, gpa, size, hva + FIRST * PAGE, false);
	vm_slot(&vm, 2, SMALL_GPA, HUGE, small, false);
	/* From beyond-5.15 on they are back already, all or none: see huge-in-place. */
	owed = vm_stat(&vm, "largepages") == N ? 0 : SPLIT;
	faults = read_again(&vm, false, 3);
	if (faults)
		fail("%s, %s: %lld faults on pages that cannot be huge", kind_name, mode_name, faults);
	faults = read_again(&vm, true, 3);
	expect_large(&vm, N, "when logging had ended and all were read");
	if (faults != owed)
		fail("%s, %s: %lld faults for %u pages that had been split, not %u", kind_name,
		     mode_name, faults, SPLIT, owed);
	vm_free(&vm);
	munmap(hva, (N + 1) * HUGE);
	munmap(small, HUGE);
}

void huge_return(void)
{
	come_back(THP, GET_CLEARS);
	come_back(THP, INITIALLY_SET);
	come_back(HUGETLB, GET_CLEARS);
	come_back(HUGETLB, INITIALLY_SET);
}
