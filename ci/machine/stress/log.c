// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/log.c - dirty logs that are switched on over mapped memory.
 *
 * To switch a log on is to write-protect what is mapped: over a new memslot that is
 * nothing. Mapped is a window in which vCPUs have read something since KVM last threw
 * all page tables away: by the end of some memslot, or a change of NX huge pages.
 */
#include "stress.h"

#define MAPPED		16	/* reads */
#define MAPPED_MS	300

/* Reads of the vCPUs that found memory in a window. */
static u64 reads(struct vm *vm, u32 region, u32 w)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < vm->plan.vcpus; i++)
		sum += load(&vm->ctl->vcpu[i].reads[region][w]);
	return sum;
}

void all_unmapped(struct vm *vm)
{
	u32 i, w;

	for (i = 0; i < NR_REGIONS; i++)
		for (w = 0; w < NR_WINDOWS; w++)
			vm->old_reads[i][w] = reads(vm, i, w);
}

/* So many of them since KVM's page tables were new that some pages must be mapped. */
static bool is_mapped(struct vm *vm, struct region *r, u32 w)
{
	u64 old = vm->old_reads[r->nr][w];

	return reads(vm, r->nr, w) >= old + MAPPED;
}

/* 5.10's own counter: what a reverse map has removed is counted on. */
static long long huge_pages(struct vm *vm)
{
	long long n = vm_stat(vm, "pages_2m");

	return n >= 0 ? n : vm_stat(vm, "largepages");
}

/* The log of a window is to be switched on: is there anything to write-protect? */
void count_log(struct vm *vm, struct region *r, u32 w)
{
	if (!is_present(r, w) || !is_mapped(vm, r, w)) {
		vm->n.log_fresh++;
		return;
	}
	vm->n.log_mapped++;
	vm->n.log_huge += huge_pages(vm) > 0;
}

/* For a while, and not while others rest: the caller holds r->slots. */
void await_mapped(struct vm *vm, struct region *r, u32 w)
{
	long until = now_ms() + MAPPED_MS * patience();

	while (!is_mapped(vm, r, w) && now_ms() < until && !load(&vm->parking) && !vm->stop)
		sleep_us(1000);
}

/*
 * As for a migration that is begun anew: the log off, and on again when vCPUs have
 * mapped the memory; or, half of the times in DATA, over new memslots. The caller
 * holds r->slots. When others want to rest it ends early, and r->unlogged is left.
 */
void log_again(struct worker *me, struct region *r)
{
	struct vm *vm = me->vm;
	bool fresh = r->nr == R_DATA && below(&me->rnd, 2), on = !r->unlogged;
	u32 w;

	for (w = 0; w < r->c->windows; w++) {
		if (!on || !is_present(r, w))
			continue;
		slot_set(vm, r, w, !fresh, false);
		slot_set(vm, r, w, true, fresh);
	}
	for (w = 0; w < r->c->windows; w++) {
		if (!is_present(r, w) || r->logging[w])
			continue;
		await_mapped(vm, r, w);
		if (load(&vm->parking))
			return;
		slot_set(vm, r, w, true, true);
	}
}
