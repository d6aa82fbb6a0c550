// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/pae.c - a nested guest whose hypervisor, L1, has PAE paging: AMD only.
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

/* Where things are; more is in facts/svm.c. */
#define PDPT		0x1000
#define PD		0x2000
#define NPT_PDPT	0x3000
#define NPT_PD		0x4000
#define COUNT		0x7800

#define L1_CR0		0x80000011ULL	/* PG ET PE */
#define L1_CR4		0x20ULL		/* PAE */

/* real mode: incb COUNT; movl $PD | 1,PDPT; hlt */
static const uint8_t l2_code[] = { 0xfe, 0x06, 0x00, 0x78, 0x66, 0xc7, 0x06, 0x00, 0x10, 0x01, 0x20, 0, 0, 0xf4 };

static uint8_t *mem;

/* 4 MiB where they are, in two large pages. */
static void make_tables(unsigned int pdpt, unsigned int pd, unsigned int user)
{
	svm_put(mem, pdpt, pd | 1);
	svm_put(mem, pd, 0x83 | user);
	svm_put(mem, pd + 8, 0x200083 | user);
}

static int make_l1(int kvm, int vm, void **run)
{
	struct kvm_segment code = { .limit = ~0U, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = SVM_L1_CODE, .rflags = 2 };
	struct kvm_sregs s;
	size_t run_size;
	int vcpu = kvm_create_vcpu(kvm, vm, 0, run, &run_size);

	call(vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = L1_CR0;
	s.cr3 = PDPT;
	s.cr4 = L1_CR4;
	call(vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
	svm_enable(vcpu, 0);
	call(vcpu, KVM_SET_REGS, "KVM_SET_REGS", &regs);
	return vcpu;
}

void pae_l1(void)
{
	int kvm = kvm_open(), vm = kvm_create_vm(kvm), vcpu, e;
	unsigned long long code;
	struct kvm_run *run;
	unsigned int i;
	void *mapped;

	mem = memory(SIZE, false);
	make_tables(PDPT, PD, 0);
	make_tables(NPT_PDPT, NPT_PD, 4);
	svm_make(mem, 0, NPT_PDPT, l2_code, sizeof(l2_code));
	e = kvm_try_slot(vm, 0, 0, SIZE, mem, false);
	if (e)
		fail("memslot 0: %s", strerror(e));
	vcpu = make_l1(kvm, vm, &mapped);
	run = mapped;
	for (i = 1; i <= RUNS; i++) {
		call(vcpu, KVM_RUN, "KVM_RUN", NULL);
		code = svm_get(mem, SVM_VMCB + 0x70);
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != VM_PORT)
			fail("run %u: L1 left with reason %u, L2 with %#llx, having counted %u", i,
			     run->exit_reason, code, mem[COUNT]);
		if (code != SVM_EXIT_HLT || mem[COUNT] != i)
			fail("run %u: L2 left with %#llx, information %#llx %#llx, having counted %u", i,
			     code, (unsigned long long)svm_get(mem, SVM_VMCB + 0x78),
			     (unsigned long long)svm_get(mem, SVM_VMCB + 0x80), mem[COUNT]);
		svm_put(mem, SVM_SAVE + 0x178, SVM_L2_CODE);
	}
}
