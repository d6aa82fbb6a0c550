// SPDX-License-Identifier: GPL-2.0
/* ci/machine/lib/x86-vm.c - calls to KVM that programs without the selftests' library share */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "words.h"
#include "x86-vm.h"

int call(int fd, unsigned long request, const char *name, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0)
		fail("%s: %s", name, strerror(errno));
	return r;
}

int kvm_open(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		skip("/dev/kvm: %s", strerror(errno));
	return kvm;
}

int kvm_create_vm(int kvm)
{
	int vm = call(kvm, KVM_CREATE_VM, "KVM_CREATE_VM", NULL);

	call(vm, KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", (void *)0xfffbd000UL);
	return vm;
}

void kvm_disable_quirks(int vm, uint64_t quirks)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS, .args[0] = quirks };

	call(vm, KVM_ENABLE_CAP, "KVM_CAP_DISABLE_QUIRKS", &cap);
}

int kvm_try_slot(int vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva, .flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
	};

	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r) ? errno : 0;
}

int kvm_create_vcpu(int kvm, int vm, unsigned int number, void **run, size_t *run_size)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid = { .head.nent = 128 };
	int vcpu = call(vm, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", (void *)(uintptr_t)number);

	*run_size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", NULL);
	*run = mmap(NULL, *run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (*run == MAP_FAILED)
		fail("mmap of the vCPU: %s", strerror(errno));
	call(kvm, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID", &cpuid.head);
	call(vcpu, KVM_SET_CPUID2, "KVM_SET_CPUID2", &cpuid.head);
	return vcpu;
}

void kvm_long_mode(int vcpu, uint64_t cr3)
{
	struct kvm_segment code = { .type = 11, .present = 1, .s = 1, .l = 1, .g = 1, .limit = ~0U, .selector = 8 };
	struct kvm_segment data = { .type = 3, .present = 1, .s = 1, .db = 1, .g = 1, .limit = ~0U, .selector = 16 };
	struct kvm_sregs s;

	call(vcpu, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = LONG_MODE_CR0;
	s.cr4 = 0x20;				/* PAE */
	s.cr3 = cr3;
	s.efer = 0x500;				/* LME LMA */
	call(vcpu, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
}

void kvm_log_mode(int vm, enum log_mode mode)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };

	if (mode != GET_CLEARS)
		cap.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	if (mode == INITIALLY_SET)
		cap.args[0] |= KVM_DIRTY_LOG_INITIALLY_SET;
	call(vm, KVM_ENABLE_CAP, "KVM_ENABLE_CAP", &cap);
}

void kvm_get_log(int vm, uint32_t slot, uint64_t *bits)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

	call(vm, KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
}

void kvm_clear_log(int vm, uint32_t slot, uint64_t page, uint32_t pages, uint64_t *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot, .first_page = page, .num_pages = pages, .dirty_bitmap = bits,
	};

	call(vm, KVM_CLEAR_DIRTY_LOG, "KVM_CLEAR_DIRTY_LOG", &log);
}
