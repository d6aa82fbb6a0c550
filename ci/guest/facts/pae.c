// SPDX-License-Identifier: GPL-2.0
/*
 * ci/guest/facts/pae.c - a nested guest whose hypervisor, L1, has PAE paging: AMD only.
 *
 * Nested page tables of L1 have the form of its own, three levels from a root of 32
 * bytes. The host's have four or five, so that KVM puts tables of its own, pml4_root and
 * pml5_root, above those that shadow L1's. With five levels some kernels did not: the
 * first fault of L2 was an oops, with mmu_lock held.
 *
 * L1 and L2 are a few instructions each, in one memslot at 0 that both see where it is:
 * L1 runs L2, says so by OUT, runs it again. L2 counts and halts, which L1 intercepts.
 *
 * QEMU's page walk sets the accessed bit in entries of the PDPT, where PAE has none: it
 * is a reserved bit, and KVM, which loads the PDPT anew on the way back to L1, finds it
 * in there, keeps L2's CR3 and lets L1 run into a triple fault. So L2, which does not
 * use that PDPT, writes the entry as it was, last of all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "facts.h"

#define SIZE		(4UL << 20)
#define RUNS		50

/* Where things are. */
#define PDPT		0x1000
#define PD		0x2000
#define NPT_PDPT	0x3000
#define NPT_PD		0x4000
#define VMCB		0x5000
#define L1_CODE		0x6000
#define L2_CODE		0x7000
#define COUNT		0x7800
#define HSAVE		0x9000
#define IOPM		0x10000
#define MSRPM		0x14000
#define SAVE		(VMCB + 0x400)

#define PORT		0x10
#define EXIT_HLT	0x78
#define MSR_HSAVE	0xc0010117
#define L1_CR0		0x80000011ULL	/* PG ET PE */
#define L1_CR4		0x20ULL		/* PAE */
#define L1_EFER		0x1000ULL	/* SVME */

/* 1: mov $VMCB,%eax; vmrun; out %eax,$PORT; jmp 1b */
static const uint8_t l1_code[] = { 0xb8, 0, 0x50, 0, 0, 0x0f, 0x01, 0xd8, 0xe7, PORT, 0xeb, 0xf4 };
/* real mode: incb COUNT; movl $PD | 1,PDPT; hlt */
static const uint8_t l2_code[] = { 0xfe, 0x06, 0x00, 0x78, 0x66, 0xc7, 0x06, 0x00, 0x10, 0x01, 0x20, 0, 0, 0xf4 };

static uint8_t *mem;

static void put16(unsigned int at, uint16_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

static void put32(unsigned int at, uint32_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

static void put64(unsigned int at, uint64_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

static uint64_t get64(unsigned int at)
{
	uint64_t v;

	memcpy(&v, mem + at, sizeof(v));
	return v;
}

static int call(int fd, unsigned long request, const char *name, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0)
		fail("%s: %s", name, strerror(errno));
	return r;
}

static void segment(unsigned int nr, uint16_t attributes)
{
	unsigned int at = SAVE + 16 * nr;

	put16(at + 2, attributes);
	put32(at + 4, 0xffff);
}

/* L2 in real mode, with nested paging. */
static void make_vmcb(void)
{
	unsigned int i;

	put32(VMCB + 0x0c, 1U << 24 | 1U << 31);	/* HLT and shutdown are intercepted */
	put32(VMCB + 0x10, 3);				/* VMRUN and VMMCALL */
	put64(VMCB + 0x40, IOPM);
	put64(VMCB + 0x48, MSRPM);
	put32(VMCB + 0x58, 1);				/* ASID */
	put64(VMCB + 0x90, 1);				/* nested paging */
	put64(VMCB + 0xb0, NPT_PDPT);
	for (i = 0; i < 6; i++)
		segment(i, i == 1 ? 0x9b : 0x93);	/* ES CS SS DS FS GS */
	segment(6, 0);					/* GDTR LDTR IDTR TR */
	segment(7, 0x82);
	segment(8, 0);
	segment(9, 0x8b);
	put64(SAVE + 0xd0, L1_EFER);
	put64(SAVE + 0x158, 0x10);			/* CR0 */
	put64(SAVE + 0x160, 0x400);			/* DR7 */
	put64(SAVE + 0x168, 0xffff0ff0);		/* DR6 */
	put64(SAVE + 0x170, 2);				/* RFLAGS */
	put64(SAVE + 0x178, L2_CODE);
	put64(SAVE + 0x268, 0x0007040600070406ULL);	/* PAT */
}

/* 4 MiB where they are, in two large pages. */
static void make_tables(unsigned int pdpt, unsigned int pd, unsigned int user)
{
	put64(pdpt, pd | 1);
	put64(pd, 0x83 | user);
	put64(pd + 8, 0x200083 | user);
}

static int make_l1(int kvm, int vm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid = { .head.nent = 128 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_HSAVE, .data = HSAVE } };
	struct kvm_segment code = { .limit = ~0U, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = L1_CODE, .rflags = 2 };
	struct kvm_sregs s;
	bool svm = false, npt = false;
	unsigned int i;
	int vcpu;

	vcpu = call(vm, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", NULL);
	call(kvm, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID", &cpuid.head);
	for (i = 0; i < cpuid.head.nent; i++) {
		svm |= cpuid.entry[i].function == 0x80000001 && (cpuid.entry[i].ecx & 4);
		npt |= cpuid.entry[i].function == 0x8000000a && (cpuid.entry[i].edx & 1);
	}
	if (!svm || !npt)
		skip("no nested %s", svm ? "paging" : "SVM");
	call(vcpu, KVM_SET_CPUID2, "KVM_SET_CPUID2", &cpuid.head);
	call(vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = L1_CR0;
	s.cr3 = PDPT;
	s.cr4 = L1_CR4;
	s.efer = L1_EFER;
	call(vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
	if (call(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS", &msr) != 1)
		fail("KVM_SET_MSRS: VM_HSAVE_PA is refused");
	call(vcpu, KVM_SET_REGS, "KVM_SET_REGS", &regs);
	return vcpu;
}

void pae_l1(void)
{
	struct kvm_userspace_memory_region slot = { .memory_size = SIZE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;
	struct kvm_run *run;
	unsigned int i;

	if (kvm < 0)
		skip("/dev/kvm: %s", strerror(errno));
	vm = call(kvm, KVM_CREATE_VM, "KVM_CREATE_VM", NULL);
	mem = memory(SIZE, false);
	make_tables(PDPT, PD, 0);
	make_tables(NPT_PDPT, NPT_PD, 4);
	make_vmcb();
	memcpy(mem + L1_CODE, l1_code, sizeof(l1_code));
	memcpy(mem + L2_CODE, l2_code, sizeof(l2_code));
	slot.userspace_addr = (uintptr_t)mem;
	call(vm, KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &slot);
	vcpu = make_l1(kvm, vm);
	run = mmap(NULL, call(kvm, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", NULL),
		   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		fail("mmap of the vCPU: %s", strerror(errno));
	for (i = 1; i <= RUNS; i++) {
		call(vcpu, KVM_RUN, "KVM_RUN", NULL);
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
			fail("run %u: L1 left with reason %u, L2 with %#llx, having counted %u", i,
			     run->exit_reason, (unsigned long long)get64(VMCB + 0x70), mem[COUNT]);
		if (get64(VMCB + 0x70) != EXIT_HLT || mem[COUNT] != i)
			fail("run %u: L2 left with %#llx, information %#llx %#llx, having counted %u", i,
			     (unsigned long long)get64(VMCB + 0x70), (unsigned long long)get64(VMCB + 0x78),
			     (unsigned long long)get64(VMCB + 0x80), mem[COUNT]);
		put64(SAVE + 0x178, L2_CODE);
	}
}
