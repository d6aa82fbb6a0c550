// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/migrate.c - page migration on a machine with one node.
 *
 * move_pages() and mbind() need a second node to move anything, so compaction
 * does it: it moves movable pages from one end of a zone to the other. Filler
 * that comes and goes page by page makes the holes for it. The control area,
 * which the guest uses all the time, is small pages that nothing else moves: a
 * new frame below one of them is a migration. Huge pages are split, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

#define FILLER		(8UL << 20)
#define CTL_PAGES	1024
#define FRAME		((1ULL << 55) - 1)	/* of an entry of /proc/PID/pagemap */

/* The frames of the control area; how many there are. */
static size_t frames(struct vm *vm, int pagemap, u64 *frame)
{
	size_t n = vm->ctl_size / PAGE;
	ssize_t got;

	if (n > CTL_PAGES)
		n = CTL_PAGES;
	got = pread(pagemap, frame, n * 8, (uintptr_t)vm->ctl / PAGE * 8);
	return got < 0 ? 0 : got / 8;
}

void *migrate_worker(void *arg)
{
	static u64 was[CTL_PAGES], is[CTL_PAGES];
	struct worker *me = arg;
	struct vm *vm = me->vm;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	u8 *filler;
	size_t i, n;
	long began;

	pthread_mutex_lock(&vm->map_lock);
	filler = map_aligned(FILLER);
	pthread_mutex_unlock(&vm->map_lock);
	madvise(filler, FILLER, MADV_NOHUGEPAGE);
	do {
		began = now_ms();
		for (i = 0; i < FILLER; i += PAGE) {
			if (below(&me->rnd, 2))
				filler[i] = 1;
			else
				madvise(filler + i, PAGE, MADV_DONTNEED);
		}
		frames(vm, pagemap, was);
		write_text("/proc/sys/vm/compact_memory", "1");
		n = frames(vm, pagemap, is);
		for (i = 0; i < n; i++)
			vm->n.migrated += (was[i] & FRAME) != (is[i] & FRAME);
		if (!below(&me->rnd, 10))
			write_text("/sys/kernel/debug/split_huge_pages", "1");
	} while (worker_pace(me, began, 50000 + below(&me->rnd, 200000)));
	close(pagemap);
	return NULL;
}
