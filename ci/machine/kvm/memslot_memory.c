// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/kvm/memslot_memory.c - what a GiB of memslot costs in kernel memory.
 * (-h: see below)
 *
 * What is counted is VmallocUsed of /proc/meminfo: the kernel counts each page
 * that vmalloc has, the moment it gets or frees it (nr_vmalloc_pages in
 * mm/vmalloc.c), and the arrays of a memslot all come from there
 * (kvm_alloc_memslot_metadata() of x86.c and kvm_page_track_create_memslot() of
 * 5.10.223 call __vcalloc()). So a difference is exact to the page while nothing
 * else runs, however busy the page allocator is. Should the arrays move to
 * kmalloc(), they are slabs or compound pages in SUnreclaim: what that grows by,
 * beyond NOISE, is added. Other counters are no better: a memory cgroup
 * counts in batches of its own CPU's stock (and the gate's kernels have none),
 * MemFree has everybody's noise, and /proc/vmallocinfo calls the owner of all of
 * these arrays __vmalloc_array().
 *
 * A reverse map is 8 bytes for each 4 KiB page, 2 MiB for a GiB, and as much for
 * each 2 MiB and each GiB page. What else there is for each GiB: 512 KiB of
 * gfn_track (2 bytes a page), 2 KiB of lpage_info (4 bytes each 2 MiB), the page
 * that each array is rounded up to, and vmalloc's own lists of pages.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "svm_util.h"
#include "vmx.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/words.h"

static const char help[] =
"memslot_memory - what a GiB of memslot costs in kernel memory.\n"
"\n"
"Usage:   memslot_memory [--limit BYTES [--nested]]\n"
"         --limit   the most it may cost where no reverse map is needed: with\n"
"                   tdp_mmu, and npt or ept, on. Elsewhere the reverse map has to\n"
"                   be there, which is 2 MiB at least: else nothing was measured.\n"
"                   Without --limit: it is told only\n"
"         --nested  then run a nested guest, whose shadow pages need reverse maps:\n"
"                   all memslots must have got them, those that come later too\n"
"Inputs:  /dev/kvm, /proc/meminfo, /sys/module/kvm*/parameters; a machine where\n"
"         nothing else runs\n"
"Outputs: a line for each size of memslot: bytes, and bytes per GiB\n"
"Exit codes: 0 pass, 1 beyond a limit, or memory was not given back; 2 usage;\n"
"         254 the selftests' library found something; 4 skipped, it says why\n";

#define GIB		(1ULL << 30)
#define RMAP_PER_GIB	(GIB / 4096 * 8)
#define SLOT		10
#define SLOT_GPA	(4 * GIB)
#define LATER_GPA	(64 * GIB)
#define NESTED_GIB	4ULL
#define NOISE		(128 << 10)
#define SETTLE_MS	5000
#define TRIES		3
#define L2_STACK	128

struct used {
	long long vmalloc, slab;	/* in bytes */
};

static struct used used_now(void)
{
	struct used u = {
		number_behind("/proc/meminfo", "VmallocUsed"),
		number_behind("/proc/meminfo", "SUnreclaim"),
	};

	if (u.vmalloc < 0 || u.slab < 0)
		skip("no VmallocUsed or SUnreclaim in /proc/meminfo");
	u.vmalloc *= 1024;
	u.slab *= 1024;
	return u;
}

/* What came on top since then. */
static long long more(struct used then)
{
	struct used now = used_now();
	long long slab = now.slab - then.slab;

	return now.vmalloc - then.vmalloc + (slab > NOISE ? slab : 0);
}

/* Memory may be freed by a worker or by RCU. Returns what is missing after a while. */
static long long given_back(struct used start)
{
	int i;

	for (i = 0; i < SETTLE_MS / 20 && used_now().vmalloc != start.vmalloc; i++)
		usleep(20000);
	return used_now().vmalloc - start.vmalloc;
}

/* Untouched memory: the kernel's tables of the host's process stay as they are. */
static void set_slot(struct kvm_vm *vm, int slot, uint64_t gpa, uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region m = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (ioctl(vm_get_fd(vm), KVM_SET_USER_MEMORY_REGION, &m))
		fail("memslot of %llu GiB at %#llx: %s", (unsigned long long)(size / GIB),
		     (unsigned long long)gpa, strerror(errno));
}

static void *reserve(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap of %llu GiB: %s", (unsigned long long)(size / GIB), strerror(errno));
	return p;
}

/* The guest: L1 runs, then on demand L2 once, with nested paging. */
static void l2_svm(void)
{
	asm volatile("vmmcall");
}

static void l2_vmx(void)
{
	asm volatile("vmcall");
}

static void l1_svm(struct svm_test_data *svm, uint64_t npt_gpa)
{
	unsigned long stack[L2_STACK];

	GUEST_SYNC(0);
	generic_svm_setup(svm, l2_svm, &stack[L2_STACK]);
	svm->vmcb->control.nested_ctl = 1;
	svm->vmcb->control.nested_cr3 = npt_gpa;
	run_guest(svm->vmcb, svm->vmcb_gpa);
	GUEST_ASSERT(svm->vmcb->control.exit_code == SVM_EXIT_VMMCALL);
	GUEST_SYNC(1);
}

static void l1_vmx(struct vmx_pages *vmx)
{
	unsigned long stack[L2_STACK];

	GUEST_SYNC(0);
	GUEST_ASSERT(prepare_for_vmx_operation(vmx));
	GUEST_ASSERT(load_vmcs(vmx));
	prepare_vmcs(vmx, l2_vmx, &stack[L2_STACK]);
	GUEST_ASSERT(!vmlaunch());
	GUEST_ASSERT(vmreadz(VM_EXIT_REASON) == EXIT_REASON_VMCALL);
	GUEST_SYNC(1);
}

static void l1_plain(void)
{
	GUEST_SYNC(0);
}

/* Nested page tables of L1: its first GiB at the same address, in 2 MiB pages. */
static uint64_t make_npt(struct kvm_vm *vm)
{
	uint64_t gpa[3], *table;
	int i;

	for (i = 0; i < 3; i++) {
		gpa[i] = vm_phy_page_alloc(vm, 0x10000, 0);
		memset(addr_gpa2hva(vm, gpa[i]), 0, 4096);
	}
	for (i = 0; i < 2; i++) {
		table = addr_gpa2hva(vm, gpa[i]);
		table[0] = gpa[i + 1] | 7;	/* present, writable, user */
	}
	table = addr_gpa2hva(vm, gpa[2]);
	for (i = 0; i < 512; i++)
		table[i] = (uint64_t)i << 21 | 0x87;
	return gpa[0];
}

static struct kvm_vm *make_vm(bool nested)
{
	struct kvm_vm *vm;
	vm_vaddr_t gva;

	if (!nested) {
		vm = vm_create_default(0, 0, l1_plain);
		vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
	} else if (is_intel_cpu()) {
		struct vmx_pages *vmx;

		vm = vm_create_default(0, 0, l1_vmx);
		vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
		vmx = vcpu_alloc_vmx(vm, &gva);
		prepare_eptp(vmx, vm, 0);
		nested_map_memslot(vmx, vm, 0, 0);
		vcpu_args_set(vm, 0, 1, gva);
	} else {
		vm = vm_create_default(0, 0, l1_svm);
		vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
		vcpu_alloc_svm(vm, &gva);
		vcpu_args_set(vm, 0, 2, gva, make_npt(vm));
	}
	return vm;
}

static void run_until(struct kvm_vm *vm, uint64_t stage)
{
	struct ucall uc;

	vcpu_run(vm, 0);
	switch (get_ucall(vm, 0, &uc)) {
	case UCALL_SYNC:
		TEST_ASSERT(uc.args[1] == stage, "stage %lu, not %lu", uc.args[1], stage);
		return;
	case UCALL_ABORT:
		TEST_FAIL("%s at line %lu", (const char *)uc.args[0], uc.args[1]);
	default:
		TEST_FAIL("ucall %lu, exit reason %u", uc.cmd, vcpu_state(vm, 0)->exit_reason);
	}
}

/*
 * limit: at most so much per GiB; 0: reverse maps must be there; -1: tell only.
 * The least of some tries counts: a thread that the kernel starts meanwhile may have
 * its stack from vmalloc, and with KASAN slabs are freed late. That is not there the
 * next time, what a memslot costs or leaves behind is.
 */
static void measure(struct kvm_vm *vm, int slot, uint64_t gpa, uint64_t gib, long long limit)
{
	long long bytes, per_gib, least = LLONG_MAX, left, kept = LLONG_MAX;
	uint64_t size = gib * GIB;
	void *hva = reserve(size);
	struct used start;
	int try;

	for (try = 0; try < TRIES; try++) {
		start = used_now();
		set_slot(vm, slot, gpa, size, hva);
		bytes = more(start);
		set_slot(vm, slot, gpa, 0, hva);
		left = given_back(start);
		if (bytes < least)
			least = bytes;
		if (llabs(left) < llabs(kept))
			kept = left;
	}
	per_gib = least / (long long)gib;
	printf("memslot of %2llu GiB: %9lld bytes, %8lld bytes per GiB\n",
	       (unsigned long long)gib, least, per_gib);
	if (limit > 0 && per_gib > limit)
		complain("%lld bytes per GiB, the limit is %lld", per_gib, limit);
	if (!limit && per_gib < (long long)RMAP_PER_GIB)
		complain("%lld bytes per GiB, the reverse map alone has %llu", per_gib,
			 (unsigned long long)RMAP_PER_GIB);
	if (kept)
		complain("memslot of %llu GiB deleted: %lld bytes were not given back in %d ms",
			 (unsigned long long)gib, kept, SETTLE_MS);
	munmap(hva, size);
}

/* A shadow root gives reverse maps to the memslots there are, and to later ones. */
static void measure_nested(struct kvm_vm *vm, bool lazy)
{
	void *hva = reserve(NESTED_GIB * GIB);
	struct used start;
	long long bytes, wanted = NESTED_GIB * RMAP_PER_GIB;

	set_slot(vm, SLOT, SLOT_GPA, NESTED_GIB * GIB, hva);
	start = used_now();
	run_until(vm, 1);
	bytes = more(start);
	printf("nested guest, memslot of %llu GiB: %lld bytes more\n",
	       (unsigned long long)NESTED_GIB, bytes);
	if (lazy && bytes < wanted)
		complain("a nested guest ran: %lld bytes more, reverse maps have %lld", bytes, wanted);
	if (!lazy && bytes >= wanted)
		complain("%lld bytes more for a nested guest, but reverse maps were there", bytes);
	measure(vm, SLOT + 1, LATER_GPA, 1, 0);
	set_slot(vm, SLOT, SLOT_GPA, 0, hva);
	munmap(hva, NESTED_GIB * GIB);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "limit", required_argument, NULL, 'l' },
		{ "nested", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	static const uint64_t sizes[] = { 1, 4, 16 };
	bool nested = false, tdp, tdp_mmu, lazy;
	long long limit = -1, left;
	struct kvm_vm *vm;
	struct used start;
	const char *vendor;
	char *end;
	size_t i;
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			errno = 0;
			limit = strtoll(optarg, &end, 10);
			if (errno || *end || end == optarg || limit <= 0)
				refuse("--limit wants a number of bytes, not '%s'", optarg);
			break;
		case 'n':
			nested = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EX_PASS;
		default:
			return EX_USAGE;
		}
	}
	if (optind != argc)
		refuse("what is '%s'? see -h", argv[optind]);
	if (nested && limit < 0)
		refuse("--nested wants --limit: see -h");
	if (access("/dev/kvm", R_OK | W_OK))
		skip("no /dev/kvm");

	vendor = is_intel_cpu() ? "kvm_intel" : "kvm_amd";
	tdp = parameter_on(vendor, is_intel_cpu() ? "ept" : "npt");
	tdp_mmu = parameter_on("kvm", "tdp_mmu");
	lazy = tdp && tdp_mmu;
	if (nested && !tdp) {
		printf("no nested paging: a nested guest would show nothing\n");
		nested = false;
	}
	printf("kvm.tdp_mmu=%c %s.%s=%c: reverse maps %s\n", tdp_mmu ? 'Y' : 'N', vendor,
	       is_intel_cpu() ? "ept" : "npt", tdp ? 'Y' : 'N',
	       lazy ? "not needed" : "needed");

	/* The first VM brings what stays: pools, tables of the kernel's addresses. */
	vm = make_vm(nested);
	run_until(vm, 0);
	kvm_vm_free(vm);
	usleep(100000);
	start = used_now();

	vm = make_vm(nested);
	run_until(vm, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		measure(vm, SLOT, SLOT_GPA, sizes[i], lazy ? limit : 0);
	if (nested)
		measure_nested(vm, lazy);
	kvm_vm_free(vm);
	left = given_back(start);
	if (left > NOISE)
		complain("VM gone: %lld bytes were not given back in %d ms", left, SETTLE_MS);
	return complained ? EX_FAIL : EX_PASS;
}
