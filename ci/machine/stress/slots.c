// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/slots.c - memslots that come, move and go.
 *
 * Windows 1 and 2 of the DATA region are moved into each other by moving the
 * memslot; every window is deleted and made again, with and without a log, and
 * memslots that no guest uses come and go. Window 0 stays for most of the time,
 * so that the guest always has work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>

#include "stress.h"

#define DUMMY_SLOT	110
#define DUMMIES		3

/*
 * 5.10's arm64 finds the memslot of a fault twice: in kvm_handle_guest_abort(), and by
 * gfn in user_mem_abort(), which fails with EFAULT if the memslot went in between.
 */
#ifdef __aarch64__
#define SLOT_CHANGE_IS_HOLE	true
#else
#define SLOT_CHANGE_IS_HOLE	false
#endif

static void set_region(struct vm *vm, u32 slot, u64 gpa, u64 size, void *hva, bool log)
{
	struct kvm_userspace_memory_region m = {
		.slot = slot,
		.flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (SLOT_CHANGE_IS_HOLE)
		hole_begin(vm);
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &m))
		fail("KVM_SET_USER_MEMORY_REGION slot %u gpa %llx size %llx log %d: %s", slot,
		     (unsigned long long)gpa, (unsigned long long)size, log, strerror(errno));
	if (SLOT_CHANGE_IS_HOLE)
		hole_end(vm);
}

/* Some window without a log: what the guest writes there is seen by nobody. */
static void update_unlogged(struct region *r)
{
	u32 w;

	r->unlogged = false;
	for (w = 0; w < r->c->windows; w++)
		if (is_present(r, w) && !r->logging[w])
			r->unlogged = true;
}

/* Make, remove or change the memslot of a window. The caller holds r->slots. */
void slot_set(struct vm *vm, struct region *r, u32 w, bool present, bool log)
{
	struct window_ctl *win = &r->c->win[w];
	u64 size = r->c->pages * PAGE;
	bool was = is_present(r, w);

	log = log && present;
	if (present == was && log == r->logging[w])
		return;
	if (log)
		count_log(vm, r, w);
	if (present == was) {
		set_region(vm, r->slot[w], win->gpa, size, r->hva, log);
		vm->n.toggles++;
	} else {
		store(&win->begin, win->begin + 1);
		fence();
		set_region(vm, r->slot[w], win->gpa, present ? size : 0, r->hva, log);
		store(&win->end, win->end + 1);
		if (present) {
			vm->n.creates++;
		} else {
			vm->n.deletes++;
			all_unmapped(vm);
		}
	}
	r->logging[w] = log;
	update_unlogged(r);
	/* What a log held is gone with it; what was written before it began, too. */
	if (was)
		dirty_full(r);
}

void slots_delete_all(struct vm *vm)
{
	u32 i, w;

	for (i = 0; i < NR_REGIONS; i++)
		for (w = 0; w < vm->region[i].c->windows; w++)
			slot_set(vm, &vm->region[i], w, false, false);
	vm_delete_own_slots(vm);
}

/* From window a, which is there, to b, which is not. The log moves too. */
static void slot_move(struct vm *vm, struct region *r, u32 a, u32 b)
{
	struct window_ctl *from = &r->c->win[a], *to = &r->c->win[b];
	u32 slot = r->slot[a];

	store(&from->begin, from->begin + 1);
	store(&to->begin, to->begin + 1);
	fence();
	set_region(vm, slot, to->gpa, r->c->pages * PAGE, r->hva, r->logging[a]);
	store(&from->end, from->end + 1);
	store(&to->end, to->end + 1);
	all_unmapped(vm);
	r->slot[a] = r->slot[b];
	r->slot[b] = slot;
	r->logging[b] = r->logging[a];
	r->logging[a] = false;
	update_unlogged(r);
	vm->n.moves++;
}

static void dummy(struct vm *vm, u32 nr, bool *there, u8 *memory)
{
	set_region(vm, DUMMY_SLOT + nr, DUMMY_GPA + nr * 16 * CHUNK,
		   *there ? 0 : CHUNK, memory, nr & 1);
	if (*there)
		all_unmapped(vm);
	*there = !*there;
	vm->n.dummies++;
}

void *slots_worker(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;
	bool dummies[DUMMIES] = {};
	u8 *memory;
	long began;

	pthread_mutex_lock(&vm->map_lock);
	memory = map_aligned(CHUNK);
	pthread_mutex_unlock(&vm->map_lock);
	do {
		struct region *r = &vm->region[below(&me->rnd, 100) < 80 ? R_DATA :
					       below(&me->rnd, 2) ? R_CODE : R_TWIN];
		u32 what = below(&me->rnd, 100), w = below(&me->rnd, r->c->windows);
		bool log = below(&me->rnd, 4) != 0;

		began = now_ms();

		if (what < 20) {
			u32 nr = below(&me->rnd, DUMMIES);

			dummy(vm, nr, &dummies[nr], memory);
			continue;
		}
		pthread_mutex_lock(&r->slots);
		if (what < (vm->n.log_mapped ? 30 : 50)) {
			log_again(me, r);
		} else if (what < 50 || r->nr != R_DATA) {
			if (log && is_present(r, w) && !r->logging[w])
				await_mapped(vm, r, w);
			slot_set(vm, r, w, is_present(r, w), log);
		} else if (what < 70) {
			if (is_present(r, 1) && !is_present(r, 2))
				slot_move(vm, r, 1, 2);
			else if (is_present(r, 2) && !is_present(r, 1))
				slot_move(vm, r, 2, 1);
			else
				slot_set(vm, r, 2, false, false);
		} else if (w || below(&me->rnd, 4) == 0) {
			slot_set(vm, r, w, !is_present(r, w), log);
			if (!w && !is_present(r, w)) {
				sleep_us(below(&me->rnd, 3000));
				slot_set(vm, r, w, true, log);
			}
		}
		pthread_mutex_unlock(&r->slots);
	} while (worker_pace(me, began, below(&me->rnd, 8000)));
	munmap(memory, CHUNK);
	return NULL;
}
