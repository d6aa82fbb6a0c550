// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/vm.c - the stress's virtual machine.
 *
 * The only file that uses the kernel tree's KVM selftest library
 * (tools/testing/selftests/kvm/lib), and only what that library has had in every
 * version of the series: vm_create(), kvm_vm_elf_load(), vm_create_irqchip(),
 * virt_map(), vm_vcpu_add_default(), vcpu_set_cpuid(), vcpu_args_set(),
 * vm_init_descriptor_tables(), vcpu_init_descriptor_tables(), vcpu_sregs_get(),
 * _vcpu_ioctl(), vcpu_state(), vcpu_regs_get(), vm_get_fd(),
 * vm_mem_region_delete(), kvm_vm_free(). Memslots of test memory are the
 * stress's own: their backing comes and goes.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#undef PAGE_SIZE
#include "stress.h"

#define CTL_SLOT 100

static void add_ctl(struct vm *vm)
{
	struct kvm_userspace_memory_region m = {
		.slot = CTL_SLOT,
		.guest_phys_addr = CTL_GPA,
		.memory_size = vm->ctl_size,
		.userspace_addr = (uintptr_t)vm->ctl,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &m))
		fail("memslot for the control area: %s", strerror(errno));
}

void vm_make(struct vm *vm)
{
	struct kvm_vm *kvm;
	u32 pages, i, w;

	/* The program, stacks, and page tables: one for each 2 MiB, and the upper ones. */
	pages = 1024 + vm->ctl_size / CHUNK + 1;
	for (i = 0; i < NR_REGIONS; i++)
		pages += vm->region[i].c->windows * (vm->region[i].chunks + 3);
	kvm = vm_create(VM_MODE_DEFAULT, pages, O_RDWR);
	vm->kvm = kvm;
	vm->fd = vm_get_fd(kvm);
	kvm_vm_elf_load(kvm, program_invocation_name, 0, 0);
#ifdef __x86_64__
	vm_create_irqchip(kvm);
	vm_init_descriptor_tables(kvm);
#endif
	add_ctl(vm);
	virt_map(kvm, CTL_GPA, CTL_GPA, vm->ctl_size / PAGE, 0);
	virt_map(kvm, DOOR_GPA, DOOR_GPA, 1, 0);
	for (i = 0; i < NR_REGIONS; i++)
		for (w = 0; w < vm->region[i].c->windows; w++)
			virt_map(kvm, vm->region[i].c->win[w].gpa,
				 vm->region[i].c->win[w].gpa, vm->region[i].c->pages, 0);
	for (i = 0; i < vm->plan.vcpus; i++) {
		vm_vcpu_add_default(kvm, i, guest_main);
#ifdef __x86_64__
		vcpu_set_cpuid(kvm, i, kvm_get_supported_cpuid());
		vcpu_init_descriptor_tables(kvm, i);
#endif
		vcpu_args_set(kvm, i, 1, (uint64_t)i);
	}
}

int vm_run(struct vm *vm, u32 vcpu)
{
	return _vcpu_ioctl(vm->kvm, vcpu, KVM_RUN, NULL) ? errno : 0;
}

u64 vm_mmio(struct vm *vm, u32 vcpu, bool *write)
{
	struct kvm_run *run = vcpu_state(vm->kvm, vcpu);

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.len != 8)
		return 0;
	*write = run->mmio.is_write;
	return run->mmio.phys_addr;
}

void vm_mmio_answer(struct vm *vm, u32 vcpu, u64 value)
{
	memcpy(vcpu_state(vm->kvm, vcpu)->mmio.data, &value, sizeof(value));
}

u64 vm_mmio_value(struct vm *vm, u32 vcpu)
{
	u64 value;

	memcpy(&value, vcpu_state(vm->kvm, vcpu)->mmio.data, sizeof(value));
	return value;
}

#ifdef __x86_64__
/*
 * An exception: the library's handler has left its frame on the stack. (The
 * vector is also in the second page of kvm_run, which the library does not map.)
 */
static int describe_exception(struct vm *vm, u32 vcpu, char *buf, size_t size)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	u64 *stack;
	int i;

	vcpu_regs_get(vm->kvm, vcpu, &regs);
	vcpu_sregs_get(vm->kvm, vcpu, &sregs);
	stack = addr_gva2hva(vm->kvm, regs.rsp & ~7ULL);
	for (i = 0; i < 48; i++)	/* vector, error code, rip, cs, rflags */
		if (stack[i] < 32 && stack[i + 3] == sregs.cs.selector && (stack[i + 4] & 2))
			return snprintf(buf, size, " exception %llu error %llx at %llx cr2 %llx",
					(unsigned long long)stack[i],
					(unsigned long long)stack[i + 1],
					(unsigned long long)stack[i + 2], sregs.cr2);
	return snprintf(buf, size, " exception? cr2 %llx", sregs.cr2);
}
#endif

void vm_describe(struct vm *vm, u32 vcpu, char *buf, size_t size)
{
	struct kvm_run *run = vcpu_state(vm->kvm, vcpu);
	int n = snprintf(buf, size, "exit reason %u", run->exit_reason);

	if (run->exit_reason == KVM_EXIT_MMIO)
		n += snprintf(buf + n, size - n, " mmio %llx len %u write %u",
			      (unsigned long long)run->mmio.phys_addr,
			      run->mmio.len, run->mmio.is_write);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		n += snprintf(buf + n, size - n, " suberror %u", run->internal.suberror);
#ifdef __x86_64__
	struct kvm_regs regs;

	vcpu_regs_get(vm->kvm, vcpu, &regs);
	if (run->exit_reason == KVM_EXIT_IO)
		n += describe_exception(vm, vcpu, buf + n, size - n);
	snprintf(buf + n, size - n, " rip %llx rsp %llx", regs.rip, regs.rsp);
#endif
#ifdef __aarch64__
	uint64_t pc = 0, esr = 0, far = 0;

	get_reg(vm->kvm, vcpu, ARM64_CORE_REG(regs.pc), &pc);
	get_reg(vm->kvm, vcpu, ARM64_SYS_REG(3, 0, 5, 2, 0), &esr);
	get_reg(vm->kvm, vcpu, ARM64_SYS_REG(3, 0, 6, 0, 0), &far);
	snprintf(buf + n, size - n, " pc %lx esr_el1 %lx far_el1 %lx", pc, esr, far);
#endif
}

void vm_delete_own_slots(struct vm *vm)
{
	struct kvm_userspace_memory_region m = { .slot = CTL_SLOT };

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &m))
		fail("deleting the control area's memslot: %s", strerror(errno));
	vm_mem_region_delete(vm->kvm, 0);
}

void vm_free(struct vm *vm)
{
	kvm_vm_free(vm->kvm);
}
