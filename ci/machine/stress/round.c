// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/round.c - one round: a VM, its vCPUs, and what happens to it.
 *
 * Runs in a process of its own, which may be killed at any time. Every few
 * hundred milliseconds all threads rest and everything is compared.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stress.h"

#define KSM_PAGES	128	/* of the TWIN region: it merges in its third scan */

static const char * const bad_words[NR_BAD] = {
	[BAD_STALE] = "stale translation: the tag is older than the page's last change",
	[BAD_FUTURE] = "the tag is newer than any",
	[BAD_PAGE] = "the tag is none of this page",
	[BAD_ABSENT] = "no memory, though the memslot stands",
	[BAD_PRESENT] = "stale translation: memory, though the memslot is deleted",
	[BAD_ZERO] = "zeroes, though nobody dropped the page",
	[BAD_LOST] = "stale translation: what a vCPU wrote is not there for another",
	[BAD_CODE] = "stale translation: code of another generation was executed",
	[BAD_WORD] = "a word of another page or vCPU",
};

static void on_kick(int sig)
{
	(void)sig;
}

static void guest_failed(struct vm *vm, u32 vcpu)
{
	struct guest_error *e = &vm->ctl->vcpu[vcpu].error;
	struct page_ctl *p = &vm->ctl->page[e->page];

	fail("vCPU %u: %s: region %u page %u window %u: %llx, expected %llx to %llx (now gen %x..%x life %x..%x)",
	     vcpu, e->bad < NR_BAD && bad_words[e->bad] ? bad_words[e->bad] : "?",
	     e->region, e->page, e->window, (unsigned long long)e->got,
	     (unsigned long long)e->low, (unsigned long long)e->high,
	     p->gen_end, p->gen_begin, p->life_end, p->life_begin);
}

static bool in_window(struct vm *vm, u64 gpa)
{
	u32 i, w;

	for (i = 0; i < NR_REGIONS; i++)
		for (w = 0; w < vm->region[i].c->windows; w++)
			if (gpa - vm->region[i].c->win[w].gpa < vm->region[i].c->pages * PAGE)
				return true;
	return false;
}

static void *vcpu_thread(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;
	char text[200];
	bool write;
	u64 gpa, seq;
	int err;

	while (!vm->stop) {
		seq = vm->hole_seq;
		err = vm_run(vm, me->nr);
		if (err == EINTR)
			continue;
		if (err == EFAULT && (vm->holes || vm->hole_seq != seq)) {
			vm->n.holes++;
			sched_yield();
			continue;
		}
		if (err)
			fail("vCPU %u: KVM_RUN: %s", me->nr, strerror(err));
		gpa = vm_mmio(vm, me->nr, &write);
		if (gpa == DOOR_GPA && write) {
			if (vm_mmio_value(vm, me->nr) == CALL_FAIL)
				guest_failed(vm, me->nr);
			rest(me);
		} else if (gpa && in_window(vm, gpa)) {
			if (!write)
				vm_mmio_answer(vm, me->nr, ABSENT);
		} else {
			vm_describe(vm, me->nr, text, sizeof(text));
			fail("vCPU %u: %s", me->nr, text);
		}
	}
	return NULL;
}

struct sums {
	u64 steps, promises, checks, calls, absent;
};

static struct sums sum_up(struct vm *vm)
{
	struct sums s = {};
	u32 i;

	for (i = 0; i < vm->plan.vcpus; i++) {
		struct vcpu_ctl *v = &vm->ctl->vcpu[i];

		s.steps += v->steps;
		s.promises += v->promises;
		s.checks += v->checks;
		s.calls += v->calls;
		s.absent += v->absent;
	}
	return s;
}

/* A log began over mapped memory, once at least. Who is killed may not come to it. */
static bool log_was_of_use(struct vm *vm)
{
	return !(vm->plan.does & (DO_SLOTS | DO_DIRTY)) || (vm->plan.does & DO_KILL) || vm->n.log_mapped;
}

/* A round in which nothing was checked proves nothing. */
static bool proves_something(struct vm *vm)
{
	struct sums s = sum_up(vm);

	return s.checks && s.promises && (!(vm->plan.does & DO_DIRTY) || vm->n.compared) &&
	       log_was_of_use(vm) &&
	       (!(vm->plan.does & DO_NUMA) || (vm->n.answered && vm->n.moved_vcpus)) &&
	       (!(vm->plan.does & DO_ETMEM) || (vm->n.scanned && vm->n.swapped));
}

static void report(struct vm *vm)
{
	struct counts *n = &vm->n;
	struct sums s = sum_up(vm);

#define L(x) ((unsigned long long)(x))
	say("vCPUs: steps=%llu promises=%llu checks=%llu calls=%llu absent=%llu efault=%llu",
	    L(s.steps), L(s.promises), L(s.checks), L(s.calls), L(s.absent), L(n->holes));
	say("host: drop=%llu replace=%llu away=%llu protect=%llu touch=%llu refresh=%llu create=%llu delete=%llu move=%llu toggle=%llu dummy=%llu nx=%llu migrated=%llu",
	    L(n->drops), L(n->replaces), L(n->aways), L(n->protects), L(n->touches),
	    L(n->refreshes), L(n->creates), L(n->deletes), L(n->moves), L(n->toggles),
	    L(n->dummies), L(n->nx_toggles), L(n->migrated));
	if (vm->plan.does & (DO_SLOTS | DO_DIRTY))
		say("log switched on: mapped=%llu mapped-with-huge-pages=%llu unmapped=%llu",
		    L(n->log_mapped), L(n->log_huge), L(n->log_fresh));
	say("oracles: pages-checked=%llu harvests=%llu pages-copied=%llu pages-compared=%llu rests=%llu",
	    L(n->checked), L(n->harvests), L(n->dirty), L(n->compared), L(n->pauses));
	if (vm->plan.does & DO_NUMA)
		say("numa: vCPUs moved %llu times, %llu faults answered by user space",
		    L(n->moved_vcpus), L(n->answered));
	if (vm->plan.does & DO_ETMEM)
		say("etmem: %llu bytes read of idle pages, %llu pages to swap",
		    L(n->scanned), L(n->swapped));
#undef L
	if (!log_was_of_use(vm))
		fail("no log was switched on over mapped memory in %ld ms",
		     vm->plan.ms + SLOW_MS * patience());
	if (!proves_something(vm))
		fail("nothing was checked in %ld ms", vm->plan.ms + SLOW_MS * patience());
}

static struct vm *make(const struct plan *plan)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		fail("out of memory");
	vm->plan = *plan;
	pthread_mutex_init(&vm->map_lock, NULL);
	rest_make(vm);
	regions_make(vm);
	vm_make(vm);
	return vm;
}

int run_round(const struct plan *plan)
{
	u32 does = plan->does, i, w;
	u64 rnd = plan->seed;
	struct vm *vm;
	long end;

	signal(SIGUSR1, on_kick);
	prctl(PR_SET_NAME, "round");
	vm = make(plan);
	/* Short stays fault more, long ones keep translations. */
	vm->ctl->dwell = 16U << below(&rnd, 6);
	dirty_setup(vm);
	for (i = 0; i < NR_REGIONS; i++) {
		bool log = (does & DO_DIRTY) && below(&rnd, 2);

		for (w = 0; w < vm->region[i].c->windows; w++)
			slot_set(vm, &vm->region[i], w, w != 2 || !(does & DO_SLOTS), log);
	}
	if (does & DO_KSM)
		madvise(vm->region[R_TWIN].hva, KSM_PAGES * PAGE, MADV_MERGEABLE);
	for (i = 0; i < plan->vcpus; i++)
		start(vm, "vcpu", i, vcpu_thread, &rnd);
	/* Whoever changes the memory comes before those who wait for it. */
	setpriority(PRIO_PROCESS, 0, -10);
	if (does & DO_NUMA) {
		numa_start(vm);
		start(vm, "numa", 0, numa_worker, &rnd);
	}
	if (does & DO_ETMEM) {
		start(vm, "etmem", 0, etmem_worker, &rnd);
		start(vm, "etmem", 1, etmem_worker, &rnd);
	}
	if (does & DO_PAGES) {
		start(vm, "pages", 0, pages_worker, &rnd);
		start(vm, "pages", 1, pages_worker, &rnd);
	}
	if (does & DO_COMPACT)
		start(vm, "migrate", 0, migrate_worker, &rnd);
	if (does & DO_SLOTS)
		start(vm, "slots", 0, slots_worker, &rnd);
	if (does & DO_DIRTY)
		start(vm, "dirty", 0, dirty_worker, &rnd);
	if (does & DO_NX)
		start(vm, "nx", 0, nx_worker, &rnd);

	end = now_ms() + plan->ms;
	do {
		sleep_us(100000 + below(&rnd, 500000));
		all_rest(vm);
		check_all(vm);
		if (does & DO_DIRTY)
			dirty_compare(vm);
		if (now_ms() >= end + (proves_something(vm) ? 0 : SLOW_MS * patience()))
			vm->stop = true;
		all_go(vm);
	} while (!vm->stop);
	/* Half of the killed ones that live so long just end, with everything at work. */
	if ((does & DO_KILL) && below(&rnd, 2))
		_exit(EX_PASS);
	all_end(vm);
	if (does & DO_NUMA)
		numa_stop();
	report(vm);
	slots_delete_all(vm);
	check_gauges(vm);
	vm_free(vm);
	return EX_PASS;
}
