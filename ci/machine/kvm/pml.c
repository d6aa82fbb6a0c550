// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/kvm/pml.c - is each write in the dirty log where the CPU itself keeps it?
 * (-h: see below)
 *
 * With PML, SPTEs stay writable when a log begins or is read: KVM clears their Dirty
 * bits, and the CPU writes down each page whose bit it has to set. A vCPU that runs a
 * nested guest has PML switched off, and what it may write is to be protected.
 *
 * A page of the memslot tells the guest what to do; it only reads that one. The host
 * runs the vCPU for one write at a time, and then reads the log: it has to have that
 * page and no other.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "vmx.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/files.h"
#include "../lib/words.h"

static const char help[] =
"pml - is each write in the dirty log where the CPU itself keeps it?\n"
"\n"
"Usage:   pml MODE\n"
"         late      writes of a vCPU that was there before the log, and of one that\n"
"                   is made while it is on\n"
"         nested    writes of a nested guest, whose L1 has no nested paging, and of\n"
"                   L1 before and after\n"
"         race      two vCPUs fault on a page, the log is read, and then the slower\n"
"                   one writes; for a kernel where faults of vCPU 1 on that page\n"
"                   wait, see ci/proofs/pml-race\n"
"         late and nested: each with KVM_GET_DIRTY_LOG that protects again, and with\n"
"         KVM_CLEAR_DIRTY_LOG; with logging switched off and on\n"
"Inputs:  /dev/kvm, /sys/module/kvm_intel/parameters\n"
"Outputs: a line for each log that has too much or too little, and what was done\n"
"Exit codes: 0 pass, 1 fail, 2 usage, 4 skipped: no PML, or no nested VMX;\n"
"         254 the selftests' library found something\n";

#define SLOT		10
#define MEM		0xc0000000ULL
#define PAGES		64
#define LATE_PAGE	5	/* of race: the window of ci/proofs/pml-race has it, too */
#define ROUNDS		40
#define STACK		64
#define MAX_STAGE	3

struct job {
	uint64_t stage, page, value;
};

static struct kvm_vm *vm;
static struct job *job;		/* the host's address */
static bool clear_mode;
static unsigned long writes;

/* Guest: writes as it is told, as long as this is the stage. */
static void do_jobs(uint64_t stage)
{
	volatile struct job *j = (void *)MEM;

	while (j->stage == stage) {
		*(volatile uint64_t *)(MEM + j->page * 4096) = j->value;
		GUEST_SYNC(stage);
	}
}

static void l2_code(void)
{
	do_jobs(2);
	vmcall();
}

static void l1_code(struct vmx_pages *vmx)
{
	unsigned long stack[STACK];

	do_jobs(1);
	if (vmx) {
		GUEST_ASSERT(prepare_for_vmx_operation(vmx));
		GUEST_ASSERT(load_vmcs(vmx));
		prepare_vmcs(vmx, l2_code, &stack[STACK]);
		GUEST_ASSERT(!vmlaunch());
		GUEST_ASSERT(vmreadz(VM_EXIT_REASON) == EXIT_REASON_VMCALL);
		do_jobs(3);
	}
	GUEST_DONE();
}

static void plain_code(void)
{
	do_jobs(1);
	GUEST_DONE();
}

static void set_logging(bool on)
{
	vm_mem_region_set_flags(vm, SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

/*
 * What the log has, which then begins anew. A fault that reads maps the page writable
 * and dirty if it can, and logs it: so may be the page of jobs, which is not told.
 */
static uint64_t read_log(void)
{
	uint64_t map = 0;

	kvm_vm_get_dirty_log(vm, SLOT, &map);
	if (clear_mode)
		kvm_vm_clear_dirty_log(vm, SLOT, &map, 0, PAGES);
	return map & ~1ULL;
}

static uint64_t run_once(int vcpu)
{
	struct ucall uc;

	vcpu_run(vm, vcpu);
	switch (get_ucall(vm, vcpu, &uc)) {
	case UCALL_SYNC:
		return uc.args[1];
	case UCALL_DONE:
		return 0;
	case UCALL_ABORT:
		TEST_FAIL("%s at line %lu", (const char *)uc.args[0], uc.args[1]);
	default:
		TEST_FAIL("ucall %lu, exit reason %u", uc.cmd, vcpu_state(vm, vcpu)->exit_reason);
	}
	return 0;
}

static uint64_t contents(int page)
{
	return *(uint64_t *)((char *)job + page * 4096);
}

/* A write in that stage, and the log behind it. */
static void one_write(int vcpu, uint64_t stage, int page, const char *who)
{
	uint64_t map, ran;

	job->stage = stage;
	job->page = page;
	job->value = ++writes;
	ran = run_once(vcpu);
	TEST_ASSERT(ran == stage, "stage %lu ran, not %lu", ran, stage);
	TEST_ASSERT(contents(page) == writes, "page %d has %lu, not %lu", page,
		    contents(page), writes);
	map = read_log();
	if (map != 1ULL << page)
		complain("%s wrote page %d (write %lu): the log has %#lx, not %#lx", who, page,
			 writes, map, 1UL << page);
}

/* Each page twice: mapped, or made writable, by a fault, and then only written. */
static void write_pages(int vcpu, uint64_t stage, const char *who)
{
	int i;

	for (i = 0; i < ROUNDS && !complained; i++)
		one_write(vcpu, stage, 1 + i / 2 * 7 % (PAGES - 1), who);
}

/* Logging that stopped and goes on: nothing is dirty, then what is written. */
static void off_and_on(int vcpu, uint64_t stage, const char *who)
{
	uint64_t map;

	set_logging(false);
	job->stage = stage;
	job->page = 9;
	run_once(vcpu);
	set_logging(true);
	map = read_log();
	if (map)
		complain("%s wrote nothing since logging is on: the log has %#lx", who, map);
	one_write(vcpu, stage, 9, who);
	one_write(vcpu, stage, 10, who);
}

static void make_memory(void)
{
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MEM, SLOT, PAGES, 0);
	virt_map(vm, MEM, MEM, PAGES, 0);
	job = addr_gpa2hva(vm, MEM);
	if (clear_mode) {
		struct kvm_enable_cap cap = {
			.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
		};

		vm_enable_cap(vm, &cap);
	}
}

static void late(void)
{
	vm = vm_create_default(0, 0, plain_code);
	make_memory();
	job->stage = 1;
	job->page = 1;
	run_once(0);	/* one page is mapped, and dirty */
	set_logging(true);
	write_pages(0, 1, "vCPU 0");
	vm_vcpu_add_default(vm, 1, plain_code);
	write_pages(1, 1, "vCPU 1, made while logging is on");
	write_pages(0, 1, "vCPU 0");
	off_and_on(1, 1, "vCPU 1");
	off_and_on(0, 1, "vCPU 0");
	kvm_vm_free(vm);
}

static void nested(void)
{
	static const char *who[] = { "", "L1", "L2", "L1, after L2" };
	vm_vaddr_t vmx_gva;
	uint64_t stage;

	vm = vm_create_default(0, 0, l1_code);
	vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
	make_memory();
	/* No prepare_eptp(): L1 has no EPT. */
	vcpu_alloc_vmx(vm, &vmx_gva);
	vcpu_args_set(vm, 0, 1, vmx_gva);
	set_logging(true);
	for (stage = 1; stage <= MAX_STAGE; stage++) {
		/* Off while L1 runs, and on again while L2 does: L1 has to find it on. */
		if (stage == 2)
			off_and_on(0, stage, who[stage]);
		write_pages(0, stage, who[stage]);
		off_and_on(0, stage, who[stage]);
	}
	kvm_vm_free(vm);
}

static pthread_barrier_t logged;

/* One thread for all that the vCPU does: KVM waits for RCU when another one comes. */
static void *run_late(void *unused)
{
	(void)unused;
	run_once(1);
	pthread_barrier_wait(&logged);	/* all but that page is mapped */
	pthread_barrier_wait(&logged);	/* the log is on, and that page the job */
	run_once(1);
	return NULL;
}

/* The job is the other vCPU's when it has read its own, in front of the fault. */
static void race(void)
{
	pthread_t slow;
	uint64_t map, first, last;

	vm = vm_create_default(0, 0, plain_code);
	vm_vcpu_add_default(vm, 1, plain_code);
	make_memory();
	job->stage = 1;
	job->page = LATE_PAGE - 1;
	run_once(0);
	pthread_barrier_init(&logged, NULL, 2);
	TEST_ASSERT(!pthread_create(&slow, NULL, run_late, NULL), "no thread");
	pthread_barrier_wait(&logged);
	set_logging(true);
	job->page = LATE_PAGE;
	job->value = 1;
	pthread_barrier_wait(&logged);
	usleep(3000);
	job->value = 2;
	run_once(0);
	map = read_log();
	first = contents(LATE_PAGE);
	pthread_join(slow, NULL);
	last = contents(LATE_PAGE);
	if (first != 2 || last != 1)
		complain("no race: the page had %lu and then %lu, not 2 and 1", first, last);
	if (map != 1ULL << LATE_PAGE)
		complain("the first log has %#lx, not %#lx", map, 1UL << LATE_PAGE);
	map = read_log();
	if (map != 1ULL << LATE_PAGE)
		complain("the slower vCPU wrote after the log was read: it has %#lx, not %#lx", map,
			 1UL << LATE_PAGE);
	kvm_vm_free(vm);
}

int main(int argc, char **argv)
{
	void (*mode)(void);
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		fputs(help, stdout);
		return EX_PASS;
	}
	if (argc == 2 && !strcmp(argv[1], "late")) {
		mode = late;
	} else if (argc == 2 && !strcmp(argv[1], "nested")) {
		mode = nested;
	} else if (argc == 2 && !strcmp(argv[1], "race")) {
		mode = race;
	} else {
		refuse("late, nested or race? see -h");
	}
	if (!parameter_on("kvm_intel", "pml") || (mode == nested && !parameter_on("kvm_intel", "nested")))
		skip("no PML, or no nested VMX");
	for (i = 0; i < (mode == race ? 1 : 2) && !complained; i++) {
		clear_mode = i;
		mode();
	}
	printf("%lu writes\n", writes);
	return complained ? EX_FAIL : EX_PASS;
}
