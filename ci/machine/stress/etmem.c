// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/etmem.c - etmem of openEuler looks for idle memory, and swaps it out.
 *
 * A read of /proc/PID/idle_pages walks KVM's page tables and clears the bits of use
 * in them, under mmu_lock; addresses that are written to /proc/PID/swap_pages lose
 * their pages to swap. Both come as modules. What the reads tell is not looked at
 * here, as the bits are EPT's (facts idle-pages does); they must not do any harm.
 * The memory has no huge pages: etmem_scan, which looks at the host's tables where KVM
 * has none, then warns once that "addr moves backwards", with openEuler's KVM too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <linux/fs.h>

#include "stress.h"

#define IDLE		"/proc/self/idle_pages"
#define SWAP		"/proc/self/swap_pages"
#define DISK		"/dev/ram0"
#define AT_ONCE		32

/* Flags of open() have a meaning there, etmem_scan.h: O_NOATIME is SCAN_DIRTY_PAGE. */
static const int scan_flags[] = { 0, O_NOATIME };
#define NR_FLAGS (sizeof(scan_flags) / sizeof(*scan_flags))

const char *etmem_absent(void)
{
	return access(IDLE, F_OK) || access(SWAP, F_OK) ? "this kernel has no etmem" : NULL;
}

/* A page that says that all others are for swap: see swap(5), mkswap(8). */
static bool make_swap(void)
{
	static u8 page[PAGE];
	u32 version = 1, last, bad = 0;
	u64 size = 0, at;
	int fd = open(DISK, O_RDWR | O_CLOEXEC);
	bool ok;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) || size < 16 * PAGE) {
		say("%s: %s: CONFIG_BLK_DEV_RAM is wanted", DISK, strerror(errno));
		return false;
	}
	/* All of it, so that it takes no memory later: that would look like a leak. */
	for (at = 0, ok = true; ok && at < size; at += PAGE)
		ok = write(fd, page, PAGE) == PAGE;
	last = size / PAGE - 1;
	memcpy(page + 1024, &version, 4);
	memcpy(page + 1028, &last, 4);
	memcpy(page + 1032, &bad, 4);
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	ok = ok && pwrite(fd, page, PAGE, 0) == PAGE && !fsync(fd);
	close(fd);
	ok = ok && (!swapon(DISK, 0) || errno == EBUSY);
	if (!ok)
		say("swap on %s: %s", DISK, strerror(errno));
	return ok;
}

/* Modules and a place to swap to: a kernel with etmem has them, or is of no use. */
bool etmem_start(void)
{
	static const char * const modules[] = { "etmem_scan", "etmem_swap" };
	size_t i;
	int err;

	for (i = 0; i < 2; i++) {
		err = load_module(modules[i]);
		if (err) {
			say("%s.ko: %s", modules[i], strerror(err));
			return false;
		}
	}
	return make_swap();
}

void etmem_stop(void)
{
	swapoff(DISK);
}

static void scan(struct worker *me, struct region *r)
{
	struct vm *vm = me->vm;
	int fd = open(IDLE, O_RDONLY | O_CLOEXEC | scan_flags[below(&me->rnd, NR_FLAGS)]);
	u64 at = (uintptr_t)r->hva, end = at + r->c->pages * PAGE;
	u8 buf[4096];
	ssize_t n;

	if (fd < 0)
		fail(IDLE ": %s", strerror(errno));
	while (at < end) {
		n = pread(fd, buf, 64 + below(&me->rnd, sizeof(buf) - 64), at);
		/* EINVAL: vCPU 0 has no page tables just now. */
		if (n < 0 && errno != EINVAL)
			fail("a read of " IDLE ": %s", strerror(errno));
		if (n <= 0)
			break;
		vm->n.scanned += n;
		at += 512 * PAGE;
	}
	/* It flushes the TLBs. */
	close(fd);
}

static void swap_out(struct worker *me, struct region *r)
{
	char text[AT_ONCE * 20];
	u32 i, n = 1 + below(&me->rnd, AT_ONCE), page;
	size_t len = 0;
	int fd = open(SWAP, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fail(SWAP ": %s", strerror(errno));
	page = below(&me->rnd, r->c->pages);
	for (i = 0; i < n; i++) {
		len += sprintf(text + len, "%llx\n",
			       (unsigned long long)(uintptr_t)page_hva(r, r->c->first + page));
		page = below(&me->rnd, 2) ? (page + 1) % r->c->pages : below(&me->rnd, r->c->pages);
	}
	if (write(fd, text, len) != (ssize_t)len)
		fail(SWAP ": %s", strerror(errno));
	close(fd);
	me->vm->n.swapped += n;
}

void *etmem_worker(void *arg)
{
	struct worker *me = arg;
	long began;

	do {
		struct region *r = &me->vm->region[below(&me->rnd, NR_REGIONS)];

		began = now_ms();
		if (below(&me->rnd, 2))
			scan(me, r);
		else
			swap_out(me, r);
	} while (worker_pace(me, began, below(&me->rnd, 5000)));
	return NULL;
}
