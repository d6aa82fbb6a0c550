// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/vm.c - the VM of facts: one vCPU in long mode, a few instructions. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "facts.h"

#define CODE	0x1000
#define PML4	0x2000
#define PDPT	0x3000
#define PD	VM_PD
#define PML5	0x5000

#define P_RW	3ULL
#define P_HUGE	0x83ULL

/* mov (%rdi),%rax; out %al,$VM_PORT   mov %rsi,(%rdi); out %al,$VM_PORT */
static const uint8_t read_code[] = { 0x48, 0x8b, 0x07, 0xe6, VM_PORT };
static const uint8_t write_code[] = { 0x48, 0x89, 0x37, 0xe6, VM_PORT };
/* mov %rdi,%cr0; out %al,$VM_PORT */
static const uint8_t cr0_code[] = { 0x0f, 0x22, 0xc7, 0xe6, VM_PORT };

int vm_try_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	return kvm_try_slot(vm->fd, slot, gpa, size, hva, log);
}

void vm_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	int e = vm_try_slot(vm, slot, gpa, size, hva, log);

	if (e)
		fail("memslot %u at %#llx: %s", slot, (unsigned long long)gpa, strerror(e));
}

void vm_window(struct vm *vm, unsigned int i, uint64_t gpa)
{
	((uint64_t *)(vm->low + PD))[i] = gpa | P_HUGE;
}

void vm_table(struct vm *vm, unsigned int i, uint64_t gpa)
{
	((uint64_t *)(vm->low + PD))[i] = gpa | P_RW;
}

static void code_and_tables(struct vm *vm)
{
	*(uint64_t *)(vm->low + PML4) = PDPT | P_RW;
	*(uint64_t *)(vm->low + PDPT) = PD | P_RW;
	vm_window(vm, 0, 0);
	memcpy(vm->low + CODE, read_code, sizeof(read_code));
	memcpy(vm->low + CODE + 0x10, write_code, sizeof(write_code));
	memcpy(vm->low + CODE + 0x20, cr0_code, sizeof(cr0_code));
}

bool host_la57(void)
{
	char flags[8192], *la57;

	if (!read_text("/proc/cpuinfo", flags, sizeof(flags)))
		fail("/proc/cpuinfo: %s", strerror(errno));
	la57 = strstr(flags, " la57");
	return la57 && (la57[5] == ' ' || la57[5] == '\n');
}

bool vm_five_levels(struct vm *vm)
{
	struct kvm_sregs s;

	/* KVM offers it to guests where the host has it. */
	if (!host_la57())
		return false;
	((uint64_t *)(vm->low + PML5))[0] = PML4 | P_RW;
	((uint64_t *)(vm->low + PML5))[1] = PML4 | P_RW;
	call(vm->vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cr4 |= 0x1000;			/* LA57 */
	s.cr3 = PML5;
	call(vm->vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
	return true;
}

static void make_vcpu(struct vm *vm, int kvm, unsigned int number)
{
	vm->vcpu = kvm_create_vcpu(kvm, vm->fd, number, &vm->run, &vm->run_size);
	kvm_long_mode(vm->vcpu, PML4);
}

void vm_make(struct vm *vm)
{
	int kvm = kvm_open();

	vm->fd = kvm_create_vm(kvm);
	vm->low = memory(HUGE, false);
	vm_slot(vm, 0, 0, HUGE, vm->low, false);
	code_and_tables(vm);
	make_vcpu(vm, kvm, 0);
	close(kvm);
}

uint8_t *vm_make_slot(struct vm *vm, bool log)
{
	uint8_t *hva = memory(HUGE, false);

	vm_make(vm);
	vm_slot(vm, 1, GIB, HUGE, hva, log);
	vm_window(vm, 1, GIB);
	return hva;
}

void vm_more(struct vm *vm, const struct vm *of, unsigned int number)
{
	int kvm = kvm_open();

	*vm = *of;
	make_vcpu(vm, kvm, number);
	close(kvm);
}

void vm_less(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	close(vm->vcpu);
}

void vm_free(struct vm *vm)
{
	vm_less(vm);
	close(vm->fd);
	munmap(vm->low, HUGE);
}

uint64_t vm_go(struct vm *vm)
{
	struct kvm_run *run = vm->run;
	struct kvm_regs r;

	do {
		while (ioctl(vm->vcpu, KVM_RUN, NULL))
			if (errno != EINTR && errno != EAGAIN)
				fail("KVM_RUN: %s", strerror(errno));
		if (run->exit_reason == KVM_EXIT_MMIO)
			memcpy(run->mmio.data, &(uint64_t){ VM_NOWHERE }, 8);
	} while (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write);
	call(vm->vcpu, KVM_GET_REGS, "KVM_GET_REGS", &r);
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != VM_PORT)
		fail("the guest left with reason %u at %#llx, its RDI is %#llx", run->exit_reason,
		     r.rip, r.rdi);
	return r.rax;
}

uint64_t vm_step(struct vm *vm, uint64_t rip, uint64_t rdi, uint64_t rsi)
{
	struct kvm_regs r = { .rip = rip, .rdi = rdi, .rsi = rsi, .rflags = 2 };

	call(vm->vcpu, KVM_SET_REGS, "KVM_SET_REGS", &r);
	return vm_go(vm);
}

uint64_t vm_read(struct vm *vm, uint64_t gva)
{
	return vm_step(vm, CODE, gva, 0);
}

void vm_write(struct vm *vm, uint64_t gva, uint64_t value)
{
	vm_step(vm, CODE + 0x10, gva, value);
}

long long vm_stat(const struct vm *vm, const char *name)
{
	return vm_stat_of(getpid(), vm->fd, name);
}

long long vm_stat_of(int pid, int fd, const char *name)
{
	long long n;

	if (!kvm_stat(pid, fd, name, &n))
		fail(KVM_DEBUGFS "/%d-%d/%s: %s", pid, fd, name, strerror(errno));
	return n;
}

void vm_drop_root(struct vm *vm)
{
	struct kvm_sregs s;

	call(vm->vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.efer ^= 0x800;			/* NXE: another mode of paging */
	call(vm->vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
}

void vm_set_cr0(struct vm *vm, uint64_t cr0)
{
	vm_step(vm, CODE + 0x20, cr0, 0);
}

const char * const log_mode_names[LOG_MODES] = {
	"no manual protection", "manual protection", "initially set",
};

void vm_log_mode(struct vm *vm, enum log_mode mode)
{
	kvm_log_mode(vm->fd, mode);
}

void vm_get_log(struct vm *vm, uint32_t slot, uint64_t *bits)
{
	kvm_get_log(vm->fd, slot, bits);
}

void vm_clear_log(struct vm *vm, uint32_t slot, uint64_t page, uint32_t pages, uint64_t *bits)
{
	kvm_clear_log(vm->fd, slot, page, pages, bits);
}

unsigned int vm_dirty(struct vm *vm, uint32_t slot, size_t size)
{
	static uint64_t bits[HUGE / PAGE / 64 * 8];
	unsigned int n = 0;
	size_t i;

	if (size / PAGE > sizeof(bits) * 8)
		fail("a slot of %zu bytes", size);
	vm_get_log(vm, slot, bits);
	for (i = 0; i < size / PAGE / 64; i++)
		n += __builtin_popcountll(bits[i]);
	return n;
}
