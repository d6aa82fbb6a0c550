// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/vm.c - the VM of facts: one vCPU in long mode, a few instructions. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

int call(int fd, unsigned long request, const char *name, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0)
		fail("%s: %s", name, strerror(errno));
	return r;
}

int vm_try_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva, .flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) ? errno : 0;
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

static void long_mode(struct vm *vm)
{
	struct kvm_segment code = { .type = 11, .present = 1, .s = 1, .l = 1, .g = 1, .limit = ~0U, .selector = 8 };
	struct kvm_segment data = { .type = 3, .present = 1, .s = 1, .db = 1, .g = 1, .limit = ~0U, .selector = 16 };
	struct kvm_sregs s;

	*(uint64_t *)(vm->low + PML4) = PDPT | P_RW;
	*(uint64_t *)(vm->low + PDPT) = PD | P_RW;
	vm_window(vm, 0, 0);
	memcpy(vm->low + CODE, read_code, sizeof(read_code));
	memcpy(vm->low + CODE + 0x10, write_code, sizeof(write_code));
	memcpy(vm->low + CODE + 0x20, cr0_code, sizeof(cr0_code));
	call(vm->vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = CR0;
	s.cr4 = 0x20;				/* PAE */
	s.cr3 = PML4;
	s.efer = 0x500;				/* LME LMA */
	call(vm->vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
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

static int open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		skip("/dev/kvm: %s", strerror(errno));
	return kvm;
}

static void make_vcpu(struct vm *vm, int kvm, unsigned int number)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid = { .head.nent = 128 };

	vm->vcpu = call(vm->fd, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", (void *)(uintptr_t)number);
	vm->run_size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", NULL);
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		fail("mmap of the vCPU: %s", strerror(errno));
	call(kvm, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID", &cpuid.head);
	call(vm->vcpu, KVM_SET_CPUID2, "KVM_SET_CPUID2", &cpuid.head);
	long_mode(vm);
}

void vm_make(struct vm *vm)
{
	int kvm = open_kvm();

	vm->fd = call(kvm, KVM_CREATE_VM, "KVM_CREATE_VM", NULL);
	call(vm->fd, KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", (void *)0xfffbd000UL);
	vm->low = memory(HUGE, false);
	vm_slot(vm, 0, 0, HUGE, vm->low, false);
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
	int kvm = open_kvm();

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
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };

	if (mode != GET_CLEARS)
		cap.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	if (mode == INITIALLY_SET)
		cap.args[0] |= KVM_DIRTY_LOG_INITIALLY_SET;
	call(vm->fd, KVM_ENABLE_CAP, "KVM_ENABLE_CAP", &cap);
}

void vm_get_log(struct vm *vm, uint32_t slot, uint64_t *bits)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

	call(vm->fd, KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
}

void vm_clear_log(struct vm *vm, uint32_t slot, uint64_t page, uint32_t pages, uint64_t *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot, .first_page = page, .num_pages = pages, .dirty_bitmap = bits,
	};

	call(vm->fd, KVM_CLEAR_DIRTY_LOG, "KVM_CLEAR_DIRTY_LOG", &log);
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
