// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/logging.c - the dirty log at its edges, page by page.
 *
 * A bitmap here is what the log has to be; each call of KVM's that shows the log is
 * compared with all of it, up to the end of the last word: a page that was written since
 * it was cleared is in it, no other one is. What the interface says beyond that: without
 * manual protection KVM_GET_DIRTY_LOG clears what it shows, with it only
 * KVM_CLEAR_DIRTY_LOG does; with KVM_DIRTY_LOG_INITIALLY_SET all pages are in it first.
 *
 * Each page at an edge is tried alone, its neighbours are mapped and writable. Logging
 * is started for it anew, with huge pages where they can be: whatever the start, GET or
 * CLEAR leaves writable is a write that is not in the log.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "facts.h"

#define HUGE_PAGES	3U
#define PAGES		(HUGE_PAGES * HUGE / PAGE)
#define WORDS		(PAGES / 64)
#define PER_HUGE	(HUGE / PAGE)

/* A memslot in the memory: its first page, and how many. */
static const struct shape {
	const char *name;
	unsigned int first, pages;
} shapes[] = {
	{ "whole huge pages", 0, PAGES },
	{ "begins and ends inside huge pages", 5, PAGES - 5 - 70 },
	{ "less than a word, in two huge pages", PER_HUGE - 12, 30 },
};

static struct {
	struct vm vm;
	uint8_t *hva;
	const struct shape *shape;
	enum backing kind;
	enum log_mode mode;
	unsigned int page;		/* that is tried */
	uint64_t want[WORDS];
} t;

static void logging(bool on)
{
	vm_slot(&t.vm, 1, GIB + t.shape->first * PAGE, t.shape->pages * PAGE,
		t.hva + t.shape->first * PAGE, on);
	memset(t.want, 0, sizeof(t.want));
	if (on && t.mode == INITIALLY_SET)
		for (unsigned int i = 0; i < t.shape->pages; i++)
			t.want[i / 64] |= 1ULL << i % 64;
}

static void put(unsigned int page)
{
	vm_write(&t.vm, HUGE + (t.shape->first + page) * PAGE, page);
	t.want[page / 64] |= 1ULL << page % 64;
}

static void put_neighbours(void)
{
	if (t.page > 0)
		put(t.page - 1);
	if (t.page + 1 < t.shape->pages)
		put(t.page + 1);
}

static void check(const char *when)
{
	uint64_t got[WORDS] = { 0 };
	unsigned int i;

	vm_get_log(&t.vm, 1, got);
	for (i = 0; i < PAGES; i++)
		if ((got[i / 64] ^ t.want[i / 64]) >> i % 64 & 1)
			fail("%s, %s, slot %s (%u pages): page %u is%s in the log %s page %u",
			     backing_names[t.kind], log_mode_names[t.mode], t.shape->name,
			     t.shape->pages, i, got[i / 64] >> i % 64 & 1 ? "" : " not", when, t.page);
	if (t.mode == GET_CLEARS)
		memset(t.want, 0, sizeof(t.want));
}

/* The one page. */
static void clear_page(void)
{
	unsigned int first = t.page & ~63U, left = t.shape->pages - first;
	uint64_t bit = 1ULL << t.page % 64;

	if (t.mode == GET_CLEARS)
		return;
	vm_clear_log(&t.vm, 1, first, left < 64 ? left : 64, &bit);
	t.want[t.page / 64] &= ~bit;
	check("after the CLEAR of");
}

/* All, with bits of pages that there are not. */
static void clear_all(void)
{
	uint64_t ones[WORDS];

	if (t.mode == GET_CLEARS)
		return;
	memset(ones, 0xff, sizeof(ones));
	vm_clear_log(&t.vm, 1, 0, t.shape->pages, ones);
	memset(t.want, 0, sizeof(t.want));
	check("after the CLEAR of all, with");
}

/* Can the huge page that it is in be one of the guest's? */
static bool can_be_huge(void)
{
	unsigned int start = (t.shape->first + t.page) / PER_HUGE * PER_HUGE;

	return t.kind != SMALL && start >= t.shape->first &&
	       start + PER_HUGE <= t.shape->first + t.shape->pages;
}

static void try(unsigned int page)
{
	t.page = page;
	put(page);
	put_neighbours();
	if (can_be_huge() && !vm_stat(&t.vm, "largepages"))
		fail("%s: page %u is in no huge page", backing_names[t.kind], page);
	logging(true);
	check("when logging began, with");
	clear_page();
	put(page);
	check("after a first write to");
	clear_page();
	put(page);
	check("after a second write to");
	put_neighbours();
	check("after writes beside");
	clear_page();
	put(page);
	check("after a third write to");
	clear_all();
	put(page);
	check("after a fourth write to");
	logging(false);
}

static bool at_edge(unsigned int page)
{
	unsigned int in_huge = (t.shape->first + page) % PER_HUGE;

	return page % 64 == 0 || page % 64 == 63 || page == t.shape->pages - 1 ||
	       in_huge == 0 || in_huge == PER_HUGE - 1;
}

static unsigned int try_edges(void)
{
	unsigned int i, n = 0;

	t.hva = backed(HUGE_PAGES * HUGE, t.kind);
	vm_make(&t.vm);
	vm_log_mode(&t.vm, t.mode);
	logging(false);
	for (i = 0; i < HUGE_PAGES; i++)
		vm_window(&t.vm, 1 + i, GIB + i * HUGE);
	for (i = 0; i < t.shape->pages; i++)
		if (at_edge(i)) {
			try(i);
			n++;
		}
	vm_free(&t.vm);
	munmap(t.hva, HUGE_PAGES * HUGE);
	return n;
}

void log_edges(void)
{
	unsigned int i, n = 0;

	for (t.kind = SMALL; t.kind < BACKINGS; t.kind++)
		for (t.mode = GET_CLEARS; t.mode < LOG_MODES; t.mode++)
			for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
				t.shape = &shapes[i];
				n += try_edges();
			}
	printf("%u pages were tried\n", n);
}
