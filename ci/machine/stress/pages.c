// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/pages.c - the backing memory goes, comes, moves and merges.
 *
 * Each operation takes one page, a few, or a chunk of 2 MiB, most often where a
 * vCPU is at work, verifies it, and does one of
 *   drop     MADV_DONTNEED, a while later new tags: a new life
 *   replace  fresh memory moved over it by mremap(), huge if it is a chunk: a new life
 *   away     moved away, given a new tag there, and moved back: the same life
 *   protect  PROT_NONE for a while: the same life; it splits huge pages
 *   touch    a new tag in place
 *   refresh  all pages of TWIN made alike again, for KSM: new lives
 * Where there is no memory for a while KVM_RUN fails with EFAULT: `holes`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

static void gen_begin(struct vm *vm, u32 page, u32 n, bool life)
{
	while (n--) {
		struct page_ctl *p = &vm->ctl->page[page++];

		if (life)
			store(&p->life_begin, p->life_begin + 1);
		store(&p->gen_begin, p->gen_begin + 1);
	}
	fence();
}

static void gen_end(struct vm *vm, u32 page, u32 n)
{
	fence();
	while (n--) {
		struct page_ctl *p = &vm->ctl->page[page++];

		store(&p->gen_end, p->gen_begin);
		store(&p->life_end, p->life_begin);
	}
}

static void write_pages(struct vm *vm, struct region *r, u32 page, u32 n, u8 *where)
{
	for (; n--; page++, where += PAGE)
		write_page(vm, r, page, where);
}

static void drop(struct worker *me, struct region *r, u32 page, u32 n)
{
	struct vm *vm = me->vm;

	gen_begin(vm, page, n, true);
	if (madvise(page_hva(r, page), n * PAGE, MADV_DONTNEED))
		fail("MADV_DONTNEED: %s", strerror(errno));
	if (below(&me->rnd, 2))
		sleep_us(below(&me->rnd, 2000));
	write_pages(vm, r, page, n, page_hva(r, page));
	gen_end(vm, page, n);
	vm->n.drops++;
}

/* It is where it was, by mremap(). */
static void moved(struct region *r, u32 page, u32 n)
{
	if (r->nr == R_DATA)
		numa_register(page_hva(r, page), n * PAGE);
}

static void replace(struct worker *me, struct region *r, u32 page, u32 n)
{
	struct vm *vm = me->vm;
	u8 *fresh;

	pthread_mutex_lock(&vm->map_lock);
	fresh = map_aligned(n * PAGE);
	if (n == CHUNK_PAGES)
		madvise(fresh, CHUNK, vm->plan.thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	gen_begin(vm, page, n, true);
	write_pages(vm, r, page, n, fresh);
	if (mremap(fresh, n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   page_hva(r, page)) == MAP_FAILED)
		fail("mremap over %u pages: %s", n, strerror(errno));
	moved(r, page, n);
	gen_end(vm, page, n);
	pthread_mutex_unlock(&vm->map_lock);
	vm->n.replaces++;
}

static void away(struct worker *me, struct region *r, u32 page, u32 n)
{
	struct vm *vm = me->vm;
	u8 *hva = page_hva(r, page), *place;

	pthread_mutex_lock(&vm->map_lock);
	place = map_aligned(n * PAGE);
	hole_begin(vm);
	/* What replace() left is no longer one mapping: then one page moves. */
	if (mremap(hva, n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
		if (errno != EFAULT || n == 1)
			fail("mremap away, %u pages: %s", n, strerror(errno));
		munmap(place + PAGE, (n - 1) * PAGE);
		n = 1;
		if (mremap(hva, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED)
			fail("mremap away: %s", strerror(errno));
	}
	gen_begin(vm, page, n, false);
	write_pages(vm, r, page, n, place);
	if (below(&me->rnd, 2))
		sleep_us(below(&me->rnd, 500));
	if (mremap(place, n * PAGE, n * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, hva) == MAP_FAILED)
		fail("mremap back, %u pages: %s", n, strerror(errno));
	moved(r, page, n);
	gen_end(vm, page, n);
	hole_end(vm);
	pthread_mutex_unlock(&vm->map_lock);
	vm->n.aways++;
}

static void protect(struct worker *me, struct region *r, u32 page, u32 n)
{
	struct vm *vm = me->vm;

	hole_begin(vm);
	if (mprotect(page_hva(r, page), n * PAGE, PROT_NONE))
		fail("mprotect: %s", strerror(errno));
	sleep_us(below(&me->rnd, 500));
	if (mprotect(page_hva(r, page), n * PAGE, PROT_READ | PROT_WRITE))
		fail("mprotect back: %s", strerror(errno));
	hole_end(vm);
	vm->n.protects++;
}

static void touch(struct vm *vm, struct region *r, u32 page, u32 n)
{
	gen_begin(vm, page, n, false);
	write_pages(vm, r, page, n, page_hva(r, page));
	gen_end(vm, page, n);
	vm->n.touches++;
}

/* The caller holds the chunks. */
static void refresh(struct vm *vm, struct region *r)
{
	u32 i, w, page;
	u8 *hva;

	r->gen += 1 << 16;
	for (i = 0; i < r->c->pages; i++) {
		page = r->c->first + i;
		hva = page_hva(r, page);
		vm->ctl->page[page].gen_begin = r->gen - 1;
		gen_begin(vm, page, 1, true);
		for (w = 1; w < WORDS; w++)
			store((u64 *)(hva + w * WORD_STEP), 0);
		write_page(vm, r, page, hva);
		gen_end(vm, page, 1);
	}
	r->refreshed = now_ms();
	vm->n.refreshes++;
}

static void one(struct worker *me)
{
	struct vm *vm = me->vm;
	u32 page, n, i, what = below(&me->rnd, 100), how = below(&me->rnd, 100);
	struct region *r;

	if (below(&me->rnd, 100) < 60)
		page = load(&vm->ctl->vcpu[below(&me->rnd, vm->plan.vcpus)].set[below(&me->rnd, SET)]);
	else
		page = below(&me->rnd, vm->region[NR_REGIONS - 1].c->first +
			     vm->region[NR_REGIONS - 1].c->pages);
	r = region_of(vm, page);
	i = page - r->c->first;
	n = how < 66 ? 1 : how < 94 ? 2 + below(&me->rnd, 15) : CHUNK_PAGES;
	if (n == CHUNK_PAGES)
		i &= ~(CHUNK_PAGES - 1);
	if (n > CHUNK_PAGES - i % CHUNK_PAGES)
		n = CHUNK_PAGES - i % CHUNK_PAGES;
	page = r->c->first + i;

	pthread_mutex_lock(&r->chunk[i / CHUNK_PAGES]);
	for (u32 k = 0; k < n; k++)
		check_page(vm, r, page + k);
	if (r->nr == R_TWIN) {
		/* Pages must stay alike until they have been merged. */
		if (now_ms() - r->refreshed > 2500)
			refresh(vm, r);
		else if (what < 40)
			away(me, r, page, 1);
	} else if (what < 25 && r->nr == R_DATA) {
		drop(me, r, page, n);
	} else if (what < 50) {
		replace(me, r, page, n);
	} else if (what < 70) {
		away(me, r, page, n);
	} else if (what < 85 || r->nr == R_CODE) {
		protect(me, r, page, n);
	} else {
		touch(vm, r, page, n);
	}
	pthread_mutex_unlock(&r->chunk[i / CHUNK_PAGES]);
}

void *pages_worker(void *arg)
{
	struct worker *me = arg;
	long began;
	u32 burst;

	do {
		began = now_ms();
		for (burst = 1 + below(&me->rnd, 4); burst; burst--)
			one(me);
	} while (worker_pace(me, began, below(&me->rnd, 3000)));
	return NULL;
}
