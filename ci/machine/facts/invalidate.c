// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/invalidate.c - invalidations by the MMU notifiers, as a race.
 *
 * slot-starve: a memslot comes and goes while they follow each other closely. The kernel
 * under test makes each of them last 20 ms, and who waits for their end late by 10 ms: only
 * somebody else can notice a pause between two. Counted are invalidations: one is under way
 * when the memslot is asked for, and each of the three installations that creation and
 * deletion need may have to see one end.
 *
 * unmap-race: a vCPU reads one page again and again while the host drops it and fills it
 * anew, once or twice. A read that began after that does not find a page from before, nor
 * the zero page, even if a fault had it in its hand when the host was done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "facts.h"

#define FILLS	200UL		/* of the page */
#define READS	2UL		/* of it, begun after each */

#define ROUNDS	200UL		/* invalidations in all */
#define LIMIT	20UL		/* of them, while a memslot comes and goes */

static volatile unsigned long rounds;

static void drop(void *page)
{
	if (madvise(page, PAGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
}

static void *invalidate(void *p)
{
	volatile uint8_t *page = p;

	for (; rounds < ROUNDS; rounds++) {
		*page = 1;
		drop(p);
	}
	return NULL;
}

void slot_starve(void)
{
	unsigned long began, took;
	uint8_t *hva, *beside;
	pthread_t thread;
	struct vm vm;

	vm_make(&vm);
	hva = memory(HUGE, false);
	vm_slot(&vm, 1, GIB, HUGE, hva, false);
	beside = memory(HUGE, false);
	if (pthread_create(&thread, NULL, invalidate, hva))
		fail("no thread");
	while (rounds < 10)
		usleep(1000);
	began = rounds;
	vm_slot(&vm, 2, 2 * GIB, HUGE, beside, false);
	vm_slot(&vm, 2, 2 * GIB, 0, NULL, false);
	took = rounds - began;
	pthread_join(thread, NULL);
	if (took > LIMIT)
		fail("a memslot came and went in %lu invalidations of %lu, not in %lu", took,
		     ROUNDS - began, LIMIT);
	printf("a memslot came and went in %lu invalidations\n", took);
	vm_free(&vm);
}

static struct {
	struct vm vm;
	unsigned long holds;		/* what the page holds, 0: it is being dropped */
	unsigned long reads;		/* that have begun */
	bool over;
} race;

static void *read_on(void *unused)
{
	unsigned long holds, got;

	while (!__atomic_load_n(&race.over, __ATOMIC_ACQUIRE)) {
		holds = __atomic_load_n(&race.holds, __ATOMIC_ACQUIRE);
		__atomic_add_fetch(&race.reads, 1, __ATOMIC_RELEASE);
		got = vm_read(&race.vm, HUGE);
		if (holds && holds == __atomic_load_n(&race.holds, __ATOMIC_ACQUIRE) && got != holds)
			fail("the guest found %lu when the page held %lu", got, holds);
	}
	return unused;
}

void unmap_race(void)
{
	unsigned long i, until;
	pthread_t thread;
	uint64_t *page;

	vm_make(&race.vm);
	page = memory(HUGE, false);
	vm_slot(&race.vm, 1, GIB, HUGE, page, false);
	vm_window(&race.vm, 1, GIB);
	srandom(1);
	if (pthread_create(&thread, NULL, read_on, NULL))
		fail("no thread");
	for (i = 1; i <= FILLS; i++) {
		__atomic_store_n(&race.holds, 0, __ATOMIC_SEQ_CST);
		drop(page);
		/* Else the guest finds the zero page, whose copy goes by change_pte(), too. */
		if (i & 1)
			*(volatile uint64_t *)page = FILLS + i;
		usleep(random() % 1000);
		if (i & 1)
			drop(page);
		*(volatile uint64_t *)page = i;
		__atomic_store_n(&race.holds, i, __ATOMIC_RELEASE);
		until = __atomic_load_n(&race.reads, __ATOMIC_ACQUIRE) + READS + 1;
		while (__atomic_load_n(&race.reads, __ATOMIC_ACQUIRE) < until)
			usleep(100);
	}
	__atomic_store_n(&race.over, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	vm_free(&race.vm);
}
