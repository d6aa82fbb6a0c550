// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/nx.c - NX huge pages: forced, switched off, and recovered.
 *
 * kvm.nx_huge_pages=force splits a huge page where the guest executes from it;
 * each change of the parameter makes KVM throw all page tables away. The
 * recovery thread of a VM brings split pages back: every
 * nx_huge_pages_recovery_period_ms where the kernel has that parameter, else
 * every 60 s, so that a VM has to live longer than that. What it did is seen
 * in the VM's counter of split pages.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "stress.h"

#define PARAM		"/sys/module/kvm/parameters/nx_huge_pages"
#define RATIO		PARAM "_recovery_ratio"
#define PERIOD		PARAM "_recovery_period_ms"
#define PERIOD_MS	60000	/* kvm_nx_lpage_recovery_worker() without the parameter */

bool nx_present(void)
{
	return !access(PARAM, W_OK) && !access(RATIO, W_OK);
}

bool nx_recovery_is_slow(void)
{
	return access(PERIOD, W_OK);
}

static bool shadow_paging(void)
{
	char amd[8] = "", intel[8] = "";

	module_parameter("kvm_amd", "npt", amd, sizeof(amd));
	module_parameter("kvm_intel", "ept", intel, sizeof(intel));
	return *amd == '0' || *amd == 'N' || *intel == 'N';
}

static long long splits(struct vm *vm)
{
	long long n = vm_stat(vm, "nx_lpage_splits");

	return n >= 0 ? n : vm_stat(vm, "nx_largepages_splitted");
}

/*
 * Until the counter is 0 while nobody changes the parameter. Nobody executes
 * anything either: pages that have been recovered stay whole.
 */
static bool watch_recovery(struct worker *me, long until)
{
	long long before = splits(me->vm);

	store(&me->vm->ctl->calm, 1);
	while (now_ms() < until) {
		if (!splits(me->vm)) {
			say("nx: recovered: no split page, %lld before", before);
			return true;
		}
		if (!worker_rest(me, 20000))
			return true;
	}
	return false;
}

void *nx_worker(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;
	bool slow = nx_recovery_is_slow(), alone = vm->plan.does == DO_NX;
	long start = now_ms(), toggle_until = start + (slow ? PERIOD_MS * 3 / 4 : vm->plan.ms / 4);
	long long most = 0;

	write_text(RATIO, "1");
	if (!slow)
		write_text(PERIOD, "100");
	do {
		write_text(PARAM, below(&me->rnd, 3) ? "force" : "off");
		vm->n.nx_toggles++;
		all_unmapped(vm);
		if (splits(vm) > most)
			most = splits(vm);
		if (alone && now_ms() > toggle_until) {
			write_text(PARAM, "force");
			break;
		}
	} while (worker_rest(me, 20000 + below(&me->rnd, 400000)));
	if (!alone || vm->stop)
		return NULL;

	/* Splits must come, and the recovery with them. */
	while (!splits(vm))
		if (!worker_rest(me, 5000))
			break;
	if (!splits(vm) && shadow_paging())
		say("nx: nothing split: with shadow paging the guest's own small pages are mapped");
	else if (!splits(vm))
		fail("nx: the guest executed from huge pages, none was split");
	else if (slow && start + vm->plan.ms < start + PERIOD_MS + 3000)
		say("nx: recovery not awaited: the kernel does it every %d s, the round is shorter",
		    PERIOD_MS / 1000);
	else if (!watch_recovery(me, start + vm->plan.ms - 500))
		fail("nx: no recovery in %ld ms, %lld split pages", now_ms() - start, splits(vm));
	while (worker_rest(me, 100000))
		;
	return NULL;
}
