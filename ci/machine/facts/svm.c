// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/svm.c - what a hypervisor L1 wants to run a guest L2 of its own: AMD. */
#include <linux/kvm.h>
#include <string.h>

#include "facts.h"

/* Where else things are: see facts.h. */
#define HSAVE		0x9000
#define IOPM		0x10000
#define MSRPM		0x14000

#define MSR_HSAVE	0xc0010117
#define EFER_SVME	0x1000ULL

/* In any mode. 1: mov $SVM_VMCB,%eax (and the base); vmrun; out %eax,$VM_PORT; jmp 1b */
static const uint8_t l1_code[] = {
	0xb8, 0, 0x50, 0, 0, 0x0f, 0x01, 0xd8, 0xe7, VM_PORT, 0xeb, 0xf4,
};

static void put16(uint8_t *mem, unsigned int at, uint16_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

static void put32(uint8_t *mem, unsigned int at, uint32_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

void svm_put(uint8_t *mem, unsigned int at, uint64_t v)
{
	memcpy(mem + at, &v, sizeof(v));
}

uint64_t svm_get(const uint8_t *mem, unsigned int at)
{
	uint64_t v;

	memcpy(&v, mem + at, sizeof(v));
	return v;
}

static void segment(uint8_t *mem, unsigned int nr, uint16_t attributes)
{
	unsigned int at = SVM_SAVE + 16 * nr;

	put16(mem, at + 2, attributes);
	put32(mem, at + 4, nr == 3 ? ~0U : 0xffff);	/* DS: all of what EDI reaches */
}

void svm_make(uint8_t *mem, uint64_t base, uint64_t npt, const uint8_t *l2_code, size_t size)
{
	unsigned int i;

	memcpy(mem + SVM_L1_CODE, l1_code, sizeof(l1_code));
	put32(mem, SVM_L1_CODE + 1, base + SVM_VMCB);
	memcpy(mem + SVM_L2_CODE, l2_code, size);
	put32(mem, SVM_VMCB + 0x0c, 1U << 24 | 1U << 31);	/* HLT and shutdown are intercepted */
	put32(mem, SVM_VMCB + 0x10, 3);				/* VMRUN and VMMCALL */
	svm_put(mem, SVM_VMCB + 0x40, base + IOPM);
	svm_put(mem, SVM_VMCB + 0x48, base + MSRPM);
	put32(mem, SVM_VMCB + 0x58, 1);				/* ASID */
	svm_put(mem, SVM_VMCB + 0x90, 1);			/* nested paging */
	svm_put(mem, SVM_VMCB + 0xb0, npt);
	for (i = 0; i < 6; i++)
		segment(mem, i, i == 1 ? 0x9b : 0x93);		/* ES CS SS DS FS GS */
	segment(mem, 6, 0);					/* GDTR LDTR IDTR TR */
	segment(mem, 7, 0x82);
	segment(mem, 8, 0);
	segment(mem, 9, 0x8b);
	svm_put(mem, SVM_SAVE + 0xd0, EFER_SVME);
	svm_put(mem, SVM_SAVE + 0x158, 0x10);			/* CR0 */
	svm_put(mem, SVM_SAVE + 0x160, 0x400);			/* DR7 */
	svm_put(mem, SVM_SAVE + 0x168, 0xffff0ff0);		/* DR6 */
	svm_put(mem, SVM_SAVE + 0x170, 2);			/* RFLAGS */
	svm_put(mem, SVM_SAVE + 0x178, SVM_L2_CODE);
	svm_put(mem, SVM_SAVE + 0x268, 0x0007040600070406ULL);	/* PAT */
}

void svm_enable(int vcpu, uint64_t base)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid = { .head.nent = 128 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_HSAVE, .data = base + HSAVE } };
	bool svm = false, npt = false;
	struct kvm_sregs s;
	unsigned int i;

	call(vcpu, KVM_GET_CPUID2, "KVM_GET_CPUID2", &cpuid.head);
	for (i = 0; i < cpuid.head.nent; i++) {
		svm |= cpuid.entry[i].function == 0x80000001 && (cpuid.entry[i].ecx & 4);
		npt |= cpuid.entry[i].function == 0x8000000a && (cpuid.entry[i].edx & 1);
	}
	if (!svm || !npt)
		skip("no nested %s", svm ? "paging" : "SVM");
	call(vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.efer |= EFER_SVME;
	call(vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
	if (call(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS", &msr) != 1)
		fail("KVM_SET_MSRS: VM_HSAVE_PA is refused");
}
