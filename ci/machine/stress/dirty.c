// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/dirty.c - the dirty log, and the proof that it loses nothing.
 *
 * As a live migration does: take the log, clear it (or have it cleared), then
 * copy what it names. A page that the host itself has written is copied too.
 * When vCPUs rest and the log has been taken once more, the copy must be equal
 * to the memory, word by word: a write that reached the memory after its page
 * was copied last, but not the log, is a difference. It switches
 * the logs on itself, and where no other thread changes memslots, off now and then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "stress.h"

static u64 *logs[NR_REGIONS][NR_WINDOWS];

/* How the log is cleared: by reading it, or by hand, from all dirty or from none. */
void dirty_setup(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };
	u32 i, w;

	for (i = 0; i < NR_REGIONS; i++)
		for (w = 0; w < NR_WINDOWS; w++) {
			logs[i][w] = calloc(vm->region[i].c->pages / 64, 8);
			if (!logs[i][w])
				fail("out of memory");
		}
	if (!vm->plan.manual)
		return;
	cap.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
#ifdef __x86_64__
	if (vm->plan.initially_set)
		cap.args[0] |= KVM_DIRTY_LOG_INITIALLY_SET;
#endif
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		fail("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 %llx: %s",
		     (unsigned long long)cap.args[0], strerror(errno));
}

/* Copy everything next time. */
void dirty_full(struct region *r)
{
	u32 i;

	for (i = 0; i < r->c->pages / 64; i++)
		atomic_store(&r->host_dirty[i], ~0ULL);
}

static void copy_page(struct vm *vm, struct region *r, u32 i)
{
	u64 *hva = (u64 *)(r->hva + i * PAGE), *copy = &r->copy[i * WORDS];
	u32 w;

	for (w = 0; w <= vm->plan.vcpus; w++)
		copy[w] = load(&hva[w * WORD_STEP / 8]);
}

static void clear(struct vm *vm, struct region *r, u32 w, u32 first, u32 pages)
{
	struct kvm_clear_dirty_log args = {
		.slot = r->slot[w],
		.first_page = first,
		.num_pages = pages,
		.dirty_bitmap = logs[r->nr][w] + first / 64,
	};

	if (ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &args))
		fail("KVM_CLEAR_DIRTY_LOG slot %u first %u pages %u: %s", args.slot, first,
		     pages, strerror(errno));
}

/* Once the log, for all windows of a region. The caller holds r->slots. */
static void harvest(struct vm *vm, struct region *r, u64 *rnd)
{
	u32 w, first, pages, i, words = r->c->pages / 64;
	u64 bits = 0;

	for (w = 0; w < r->c->windows; w++) {
		struct kvm_dirty_log args = { .slot = r->slot[w], .dirty_bitmap = logs[r->nr][w] };

		if (!r->logging[w])
			memset(logs[r->nr][w], 0, words * 8);
		else if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &args))
			fail("KVM_GET_DIRTY_LOG slot %u: %s", args.slot, strerror(errno));
	}
	/* Piece by piece, and the copies of a piece after it was cleared. */
	for (first = 0; first < words * 64; first += pages) {
		pages = 64 * (1 + below(rnd, CHUNK_PAGES / 64));
		if (pages > CHUNK_PAGES - first % CHUNK_PAGES)
			pages = CHUNK_PAGES - first % CHUNK_PAGES;
		for (w = 0; vm->plan.manual && w < r->c->windows; w++)
			if (r->logging[w])
				clear(vm, r, w, first, pages);
		pthread_mutex_lock(&r->chunk[first / CHUNK_PAGES]);
		for (i = first; i < first + pages; i++) {
			if (i % 64 == 0 || i == first) {
				bits = atomic_exchange(&r->host_dirty[i / 64], 0);
				for (w = 0; w < r->c->windows; w++)
					bits |= logs[r->nr][w][i / 64];
			}
			if (bits >> (i % 64) & 1) {
				copy_page(vm, r, i);
				vm->n.dirty++;
			}
		}
		pthread_mutex_unlock(&r->chunk[first / CHUNK_PAGES]);
	}
	vm->n.harvests++;
}

/* While vCPUs and workers rest. */
void dirty_compare(struct vm *vm)
{
	u32 n, i, w;
	u64 rnd = 0;

	for (n = 0; n < NR_REGIONS; n++) {
		struct region *r = &vm->region[n];

		if (r->unlogged) {
			dirty_full(r);
			continue;
		}
		harvest(vm, r, &rnd);
		for (i = 0; i < r->c->pages; i++)
			for (w = 0; w <= vm->plan.vcpus; w++) {
				u64 is = load((u64 *)(r->hva + i * PAGE + w * WORD_STEP));
				u64 was = r->copy[i * WORDS + w];

				if (is != was)
					fail("dirty log: region %u page %u word %u: %llx was never logged, the copy has %llx",
					     n, r->c->first + i, w, (unsigned long long)is,
					     (unsigned long long)was);
			}
		vm->n.compared += r->c->pages;
	}
}

void *dirty_worker(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;
	bool alone = !(vm->plan.does & DO_SLOTS);
	long began;

	do {
		struct region *r = &vm->region[below(&me->rnd, NR_REGIONS)];

		began = now_ms();
		pthread_mutex_lock(&r->slots);
		if (r->unlogged ? below(&me->rnd, 4) : alone && !below(&me->rnd, 5))
			log_again(me, r);
		harvest(vm, r, &me->rnd);
		pthread_mutex_unlock(&r->slots);
	} while (worker_pace(me, began, below(&me->rnd, 20000)));
	return NULL;
}
