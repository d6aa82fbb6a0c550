// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/kvm/leave_nested.c - a vCPU is taken out of its nested guest by user space.
 * (-h: see below)
 *
 * KVM_SET_VCPU_EVENTS that switches SMM makes KVM leave the nested guest. That gives back
 * the page of L1 that holds L2's virtual APIC, for which KVM looks at the memslots. Who
 * may look at them is what a kernel with CONFIG_PROVE_RCU checks: it says so itself, and
 * this program only comes there.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "vmx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/fail.h"
#include "../lib/files.h"

static const char help[] =
"leave_nested - a vCPU is taken out of its nested guest by user space.\n"
"\n"
"Usage:   leave_nested\n"
"Inputs:  /dev/kvm, /sys/module/kvm_intel/parameters\n"
"Outputs: a line for each thing that is not as it should be\n"
"Exit codes: 0 pass, 1 fail, 2 usage, 4 skipped: no nested VMX; 254 the selftests'\n"
"         library found something\n";

enum { EX_PASS, EX_FAIL, EX_USE, EX_SKIP = 4 };

#define STACK		64
#define IN_L2		2
#define STATE_SIZE	(sizeof(struct kvm_nested_state) + 2 * 4096)

static void l2_code(void)
{
	GUEST_SYNC(IN_L2);
	vmcall();
}

static void l1_code(struct vmx_pages *vmx)
{
	unsigned long stack[STACK];

	GUEST_ASSERT(prepare_for_vmx_operation(vmx));
	GUEST_ASSERT(load_vmcs(vmx));
	prepare_vmcs(vmx, l2_code, &stack[STACK]);
	/* A page that nobody else wants becomes the virtual APIC's. */
	GUEST_ASSERT(!vmwrite(CPU_BASED_VM_EXEC_CONTROL,
			      vmreadz(CPU_BASED_VM_EXEC_CONTROL) | CPU_BASED_TPR_SHADOW));
	GUEST_ASSERT(!vmwrite(VIRTUAL_APIC_PAGE_ADDR, vmx->vmread_gpa));
	GUEST_ASSERT(!vmwrite(TPR_THRESHOLD, 0));
	GUEST_ASSERT(!vmlaunch());
	GUEST_DONE();
}

static bool is_nested(struct kvm_vm *vm, int vcpu)
{
	struct kvm_nested_state *state = calloc(1, STATE_SIZE);
	bool nested;

	TEST_ASSERT(state, "no memory");
	state->size = STATE_SIZE;
	vcpu_nested_state_get(vm, vcpu, state);
	nested = state->flags & KVM_STATE_NESTED_GUEST_MODE;
	free(state);
	return nested;
}

static void leave(void)
{
	struct kvm_vcpu_events events;
	struct kvm_vm *vm;
	vm_vaddr_t vmx_gva;
	struct ucall uc;

	vm = vm_create_default(0, 0, l1_code);
	vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
	vcpu_alloc_vmx(vm, &vmx_gva);
	vcpu_args_set(vm, 0, 1, vmx_gva);
	vcpu_run(vm, 0);
	switch (get_ucall(vm, 0, &uc)) {
	case UCALL_SYNC:
		TEST_ASSERT(uc.args[1] == IN_L2, "stage %lu, not L2's", uc.args[1]);
		break;
	case UCALL_ABORT:
		TEST_FAIL("%s at line %lu", (const char *)uc.args[0], uc.args[1]);
	default:
		TEST_FAIL("ucall %lu, exit reason %u", uc.cmd, vcpu_state(vm, 0)->exit_reason);
	}
	if (!is_nested(vm, 0))
		fail("L2 has run, and the vCPU is not in it");

	vcpu_events_get(vm, 0, &events);
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	events.smi.smm = 1;
	vcpu_events_set(vm, 0, &events);
	if (is_nested(vm, 0))
		fail("the vCPU is in SMM, and still in L2");
	vcpu_events_get(vm, 0, &events);
	if (!events.smi.smm)
		fail("the vCPU is not in SMM");
	kvm_vm_free(vm);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		fputs(help, stdout);
		return EX_PASS;
	}
	if (argc != 1) {
		fprintf(stderr, "leave_nested: error: it takes nothing: see -h\n");
		return EX_USE;
	}
	if (!parameter_on("kvm_intel", "nested")) {
		printf("no nested VMX\n");
		return EX_SKIP;
	}
	leave();
	return failed ? EX_FAIL : EX_PASS;
}
