// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/region.c - the memory under test, its tags, and the host's
 * look at it.
 *
 * DATA is seen through three windows, comes and goes; CODE has a function in
 * each page and always some memory; the pages of TWIN look alike, for KSM. The
 * caller of write_page() and check_page() holds the page's chunk.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

static const struct {
	u32 windows, twin, exec, write, weight;
	u64 gpa[NR_WINDOWS];
} kinds[NR_REGIONS] = {
	[R_DATA] = { 3, 0, 0, 40, 70, { DATA_GPA, DATA_GPA_2, DATA_GPA_3 } },
	[R_CODE] = { 1, 0, 30, 20, 20, { CODE_GPA } },
	[R_TWIN] = { 1, 4, 0, 2, 10, { TWIN_GPA } },
};

u8 *page_hva(struct region *r, u32 page)
{
	return r->hva + (page - r->c->first) * PAGE;
}

struct region *region_of(struct vm *vm, u32 page)
{
	u32 i = 0;

	while (i < NR_REGIONS - 1 && page >= vm->region[i + 1].c->first)
		i++;
	return &vm->region[i];
}

void mark_host_dirty(struct region *r, u32 page)
{
	u32 i = page - r->c->first;

	atomic_fetch_or(&r->host_dirty[i / 64], 1ULL << (i % 64));
}

/* Give the page at where the tag of the generation that has begun. */
void write_page(struct vm *vm, struct region *r, u32 page, u8 *where)
{
	u32 gen = vm->ctl->page[page].gen_begin;

	if (r->c->exec) {
		where[CODE_OFF] = 0xb8;
		__atomic_store_n((u32 *)(where + CODE_IMM), gen, __ATOMIC_RELAXED);
		where[CODE_IMM + 4] = 0xc3;
	}
	store((u64 *)where, make_word(TAG_MAGIC, tag_id(r->c, page), 0, gen));
	mark_host_dirty(r, page);
}

/* Between these KVM_RUN may fail with EFAULT. */
void hole_begin(struct vm *vm)
{
	vm->holes++;
}

void hole_end(struct vm *vm)
{
	vm->hole_seq++;
	vm->holes--;
}

/* The promises of all vCPUs about a page whose life goes on. */
void check_page(struct vm *vm, struct region *r, u32 page)
{
	struct page_ctl *p = &vm->ctl->page[page];
	u8 *hva = page_hva(r, page);
	u64 rec, v;
	u32 i;

	v = load((u64 *)hva);
	if (v != make_word(TAG_MAGIC, tag_id(r->c, page), 0, p->gen_end))
		fail("host: region %u page %u: tag %llx, generation %x was written",
		     r->nr, page, (unsigned long long)v, p->gen_end);
	for (i = 0; i < vm->plan.vcpus; i++) {
		rec = load(&p->rec[i]);
		v = load((u64 *)(hva + (i + 1) * WORD_STEP));
		if (v && v != make_word(WORD_MAGIC, page, i, (u32)v))
			fail("host: region %u page %u: word %u is %llx, of another page or vCPU",
			     r->nr, page, i, (unsigned long long)v);
		if (rec >> 32 == p->life_end && (!v || (s32)((u32)v - (u32)rec) < 0))
			fail("host: region %u page %u: write lost: vCPU %u wrote %x, there is %x",
			     r->nr, page, i, (u32)rec, (u32)v);
	}
	vm->n.checked++;
}

/* Everything, while vCPUs and workers rest. */
void check_all(struct vm *vm)
{
	u32 i, p;

	for (i = 0; i < NR_REGIONS; i++)
		for (p = 0; p < vm->region[i].c->pages; p++)
			check_page(vm, &vm->region[i], vm->region[i].c->first + p);
}

static void region_make(struct vm *vm, struct region *r)
{
	u32 i, page;

	r->chunks = r->c->pages / CHUNK_PAGES;
	r->hva = map_aligned(r->c->pages * PAGE);
	madvise(r->hva, r->c->pages * PAGE,
		vm->plan.thp && r->nr != R_TWIN ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	r->chunk = calloc(r->chunks, sizeof(*r->chunk));
	r->host_dirty = calloc(r->c->pages / 64, sizeof(*r->host_dirty));
	r->copy = calloc(r->c->pages * WORDS, sizeof(*r->copy));
	if (!r->chunk || !r->host_dirty || !r->copy)
		fail("out of memory");
	for (i = 0; i < r->chunks; i++)
		pthread_mutex_init(&r->chunk[i], NULL);
	pthread_mutex_init(&r->slots, NULL);
	r->gen = 1;
	r->refreshed = now_ms();
	for (i = 0; i < r->c->pages; i++) {
		struct page_ctl *p = &vm->ctl->page[page = r->c->first + i];

		p->gen_begin = p->gen_end = r->gen;
		p->life_begin = p->life_end = 1;
		write_page(vm, r, page, page_hva(r, page));
	}
}

void regions_make(struct vm *vm)
{
	u32 total = 0, i, w, nr, slot = 1;
	u32 mib[NR_REGIONS] = { vm->plan.mib, 4, 2 };

	if (vm->plan.mib < 4)
		mib[R_CODE] = 2;
	for (i = 0; i < NR_REGIONS; i++)
		total += mib[i] * (u32)((1 << 20) / PAGE);
	vm->ctl_size = sizeof(*vm->ctl) + total * sizeof(vm->ctl->page[0]);
	vm->ctl_size = (vm->ctl_size + PAGE - 1) & ~(PAGE - 1);
	vm->ctl = map_aligned((vm->ctl_size + CHUNK - 1) & ~(CHUNK - 1));
	memset(vm->ctl, 0, vm->ctl_size);
	vm->ctl->vcpus = vm->plan.vcpus;
	vm->ctl->seed = vm->plan.seed;
	for (i = 0, nr = 0; i < NR_REGIONS; i++) {
		struct region *r = &vm->region[i];

		r->nr = i;
		r->c = &vm->ctl->region[i];
		r->c->first = nr;
		r->c->pages = mib[i] * (u32)((1 << 20) / PAGE);
		r->c->windows = kinds[i].windows;
		r->c->twin = kinds[i].twin;
		r->c->exec = kinds[i].exec;
		r->c->write = kinds[i].write;
		r->c->weight = kinds[i].weight;
		for (w = 0; w < r->c->windows; w++) {
			r->c->win[w].gpa = kinds[i].gpa[w];
			r->c->win[w].begin = r->c->win[w].end = 1;
			r->slot[w] = slot++;
		}
		nr += r->c->pages;
		region_make(vm, r);
	}
}
