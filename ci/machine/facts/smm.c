// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/smm.c - System Management Mode: what KVM keeps of the vCPU's state while
 * it is there, and the address space that it has of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "facts.h"

#define SMI_CODE	0x38000		/* where an SMI begins: SMBASE + 0x8000 */
#define GUEST_CODE	0x6000
#define SPACE(n, slot)	((uint32_t)(n) << 16 | (slot))

/* nop; out %al,$VM_PORT: an SMI comes before NOP, as KVM completes the OUT before first */
static const uint8_t guest_code[] = { 0x90, 0xe6, VM_PORT };

static void smi(struct vm *vm)
{
	if (ioctl(vm->vcpu, KVM_SMI, NULL))
		skip("KVM_SMI: %s", strerror(errno));
}

static struct kvm_vcpu_events events(struct vm *vm)
{
	struct kvm_vcpu_events e;

	call(vm->vcpu, KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", &e);
	return e;
}

static struct kvm_regs regs(struct vm *vm)
{
	struct kvm_regs r;

	call(vm->vcpu, KVM_GET_REGS, "KVM_GET_REGS", &r);
	return r;
}

/*
 * The interrupt shadow of STI or of a write to SS. An SMI comes in spite of it. In SMM
 * there has to be none: interrupts are off, and with that a shadow of STI is a state that
 * VMX does not enter. After RSM it has to be there again. That is seen before the guest
 * runs on, as RSM is single-stepped, which KVM does by itself when it emulates RSM.
 */
static const uint8_t shadow_smi_code[] = { 0xe6, VM_PORT, 0x0f, 0xaa };	/* out; rsm */

/* Which form of SMRAM KVM takes depends on what CPUID says of long mode. */
static void no_long_mode(struct vm *vm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid;
	unsigned int i;

	cpuid.head.nent = 128;
	call(vm->vcpu, KVM_GET_CPUID2, "KVM_GET_CPUID2", &cpuid.head);
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == 0x80000001)
			cpuid.entry[i].edx &= ~(1U << 29);
	call(vm->vcpu, KVM_SET_CPUID2, "KVM_SET_CPUID2", &cpuid.head);
}

static void real_mode(struct vm *vm)
{
	struct kvm_segment code = { .type = 11, .present = 1, .s = 1, .limit = 0xffff };
	struct kvm_segment data = { .type = 3, .present = 1, .s = 1, .limit = 0xffff };
	struct kvm_sregs s;

	call(vm->vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = 0x10;				/* ET */
	s.cr3 = s.cr4 = s.efer = 0;
	call(vm->vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
}

static unsigned int set_shadow(struct vm *vm, unsigned int shadow)
{
	struct kvm_regs r = { .rip = GUEST_CODE, .rflags = 0x202 };	/* IF */
	struct kvm_vcpu_events e = events(vm);

	call(vm->vcpu, KVM_SET_REGS, "KVM_SET_REGS", &r);
	e.flags = KVM_VCPUEVENT_VALID_SHADOW;
	e.interrupt.shadow = shadow;
	call(vm->vcpu, KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", &e);
	e = events(vm);
	/* SVM has one shadow, which KVM gives both names. */
	if ((e.interrupt.shadow & shadow) != shadow || !e.interrupt.shadow != !shadow)
		fail("the shadow that was set to %u is %u", shadow, e.interrupt.shadow);
	return e.interrupt.shadow;
}

static void single_step(struct vm *vm, bool on)
{
	struct kvm_guest_debug d = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	call(vm->vcpu, KVM_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG", &d);
}

static void run(struct vm *vm, unsigned int reason, const char *where, unsigned int shadow)
{
	struct kvm_run *run = vm->run;

	call(vm->vcpu, KVM_RUN, "KVM_RUN", NULL);
	if (run->exit_reason != KVM_EXIT_FAIL_ENTRY && run->exit_reason != reason)
		fail("%s, shadow %u: the vCPU left with reason %u, not %u", where, shadow,
		     run->exit_reason, reason);
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		fail("%s, shadow %u: the CPU did not let it in, reason %#llx", where, shadow,
		     run->fail_entry.hardware_entry_failure_reason);
}

static void one_shadow(unsigned int mode, unsigned int shadow)
{
	static const char * const names[] = {
		"real mode, SMRAM of 32 bits", "real mode, SMRAM of 64 bits", "long mode",
	};
	unsigned int want, got, steps;
	struct vm vm;

	vm_make(&vm);
	memcpy(vm.low + SMI_CODE, shadow_smi_code, sizeof(shadow_smi_code));
	memcpy(vm.low + GUEST_CODE, guest_code, sizeof(guest_code));
	vm_slot(&vm, SPACE(1, 0), 0, HUGE, vm.low, false);
	if (mode < 2)
		real_mode(&vm);
	if (mode < 1)
		no_long_mode(&vm);
	want = set_shadow(&vm, shadow);
	smi(&vm);
	run(&vm, KVM_EXIT_IO, names[mode], shadow);
	if (!events(&vm).smi.smm)
		fail("%s: the vCPU is not in SMM", names[mode]);
	single_step(&vm, true);
	/* The end of OUT may be a step, too. */
	for (steps = 0; steps < 3 && events(&vm).smi.smm; steps++)
		run(&vm, KVM_EXIT_DEBUG, names[mode], shadow);
	if (events(&vm).smi.smm || regs(&vm).rip != GUEST_CODE)
		fail("%s: after RSM RIP is %#llx", names[mode], regs(&vm).rip);
	got = events(&vm).interrupt.shadow;
	if (got != want)
		fail("%s: the shadow was %u, after RSM it is %u", names[mode], want, got);
	single_step(&vm, false);
	run(&vm, KVM_EXIT_IO, names[mode], shadow);
	if (!(regs(&vm).rflags & 0x200))
		fail("%s: IF is lost", names[mode]);
	vm_free(&vm);
}

void smm_shadow(void)
{
	unsigned int mode;

	for (mode = 0; mode < 3; mode++) {
		one_shadow(mode, 0);
		one_shadow(mode, KVM_X86_SHADOW_INT_STI);
		one_shadow(mode, KVM_X86_SHADOW_INT_MOV_SS);
	}
}

/*
 * Two address spaces: 1 in SMM, 0 outside. Both have memory at the same gfns, each its
 * own: what is done with that of one must be seen there, and nowhere else. The guest sees
 * DATA where it is; in SMM, in real mode, it reaches it by 32-bit addresses.
 */
#define DATA		HUGE
#define TOUCHED		16

/*
 * mov (%edi),%eax; test %esi,%esi; jz 1f; mov %esi,(%edi); 1: out %al,$VM_PORT; rsm
 */
static const uint8_t space_smi_code[] = {
	0x66, 0x67, 0x8b, 0x07, 0x66, 0x85, 0xf6, 0x74, 0x04, 0x66, 0x67, 0x89, 0x37,
	0xe6, VM_PORT, 0x0f, 0xaa,
};

static struct {
	struct vm vm;
	uint8_t *smram;
	uint8_t *mem[2];			/* NULL: no memslot */
	uint64_t want[2][TOUCHED];
	uint32_t tags;
} two;

static uint64_t in_space(unsigned int space, unsigned int i, uint64_t tag)
{
	uint64_t gpa = DATA + i * PAGE, got;

	if (!space && tag)
		vm_write(&two.vm, gpa, tag);
	if (!space)
		return tag ? 0 : vm_read(&two.vm, gpa);
	smi(&two.vm);
	got = (uint32_t)vm_step(&two.vm, GUEST_CODE, gpa, tag);
	if (!events(&two.vm).smi.smm)
		fail("the vCPU is not in SMM");
	vm_go(&two.vm);
	return got;
}

/* The spaces hold what they have to, for the guest and for the host. */
static void check(const char *when, unsigned int of)
{
	unsigned int s, i;
	uint64_t got;

	for (s = 0; s < 2; s++)
		for (i = 0; i < TOUCHED; i++) {
			if (two.mem[s] && *(uint64_t *)(two.mem[s] + i * PAGE) != two.want[s][i])
				fail("space %u: the host finds %#llx in page %u, not %#llx, %s %u", s,
				     *(unsigned long long *)(two.mem[s] + i * PAGE), i,
				     (unsigned long long)two.want[s][i], when, of);
			got = in_space(s, i, 0);
			if (got != two.want[s][i])
				fail("space %u: page %u holds %#llx, not %#llx, %s %u", s, i,
				     (unsigned long long)got, (unsigned long long)two.want[s][i],
				     when, of);
		}
}

static void guest_writes(unsigned int s, unsigned int first, unsigned int n)
{
	unsigned int i;

	for (i = first; i < first + n; i++) {
		two.want[s][i] = ++two.tags;
		in_space(s, i, two.tags);
	}
}

/* New memory, or none. */
static void set_slot(unsigned int s, bool there)
{
	uint8_t *old = two.mem[s];
	unsigned int i;

	two.mem[s] = there ? memory(HUGE, false) : NULL;
	for (i = 0; i < TOUCHED; i++) {
		two.want[s][i] = there ? ++two.tags : VM_NOWHERE;
		if (there)
			*(uint64_t *)(two.mem[s] + i * PAGE) = two.want[s][i];
	}
	vm_slot(&two.vm, SPACE(s, 1), DATA, there ? HUGE : 0, two.mem[s], false);
	if (old)
		munmap(old, HUGE);
}

static void space_dirty(unsigned int s)
{
	static const unsigned int writes[] = { 5, 3, 4 };
	unsigned int i, dirty;

	vm_slot(&two.vm, SPACE(s, 1), DATA, HUGE, two.mem[s], true);
	for (i = 0; i < 3; i++) {
		check("with the dirty log of", s);
		guest_writes(s, 0, writes[i]);
		guest_writes(!s, writes[i], TOUCHED - writes[i]);
		dirty = vm_dirty(&two.vm, SPACE(s, 1), HUGE);
		if (dirty != writes[i])
			fail("%u pages of space %u are dirty, not %u", dirty, s, writes[i]);
	}
	vm_slot(&two.vm, SPACE(s, 1), DATA, HUGE, two.mem[s], false);
	check("after the dirty log of", s);
}

static void space_given_back(unsigned int s)
{
	if (madvise(two.mem[s], HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	memset(two.want[s], 0, sizeof(two.want[s]));
	check("when the host took the memory of", s);
	guest_writes(s, 0, TOUCHED);
	check("when the guest wrote again in", s);
}

static void space_deleted(unsigned int s)
{
	set_slot(s, false);
	check("without the memslot of", s);
	guest_writes(!s, 0, TOUCHED);
	/* What KVM remembers of the last access is another question: smm-nowhere. */
	in_space(s, TOUCHED, 0);
	set_slot(s, true);
	check("with another memslot of", s);
}

static void begin(void)
{
	unsigned int s;

	vm_make(&two.vm);
	if (ioctl(two.vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE) < 2)
		skip("one address space");
	two.smram = memory(HUGE, false);
	memcpy(two.smram + SMI_CODE, space_smi_code, sizeof(space_smi_code));
	memcpy(two.vm.low + GUEST_CODE, guest_code, sizeof(guest_code));
	vm_slot(&two.vm, SPACE(1, 0), 0, HUGE, two.smram, false);
	vm_window(&two.vm, 1, DATA);
	for (s = 0; s < 2; s++)
		set_slot(s, true);
	check("at first; spaces:", 2);
}

static void end(void)
{
	vm_free(&two.vm);
	munmap(two.smram, HUGE);
}

static void spaces(uint64_t quirks_off)
{
	unsigned int s;

	begin();
	kvm_disable_quirks(two.vm.fd, quirks_off);
	for (s = 0; s < 2; s++) {
		guest_writes(s, 0, TOUCHED);
		check("when the guest wrote in", s);
	}
	for (s = 0; s < 2; s++) {
		space_dirty(s);
		space_given_back(s);
		space_deleted(s);
	}
	end();
}

void smm_space(void)
{
	spaces(0);
	/* A memslot takes its own mappings along, and none of the other space. */
	spaces(QUIRK_SLOT_ZAP_ALL);
}

/*
 * A vCPU remembers the last page that had no memory, for as long as the memslots stay as
 * they are: those of the address space that it was in.
 */
void smm_nowhere(void)
{
	unsigned int s;

	begin();
	for (s = 0; s < 2; s++) {
		set_slot(s, false);
		check("without the memslot of", s);
		set_slot(s, true);
		check("with a memslot again of", s);
	}
	end();
}
