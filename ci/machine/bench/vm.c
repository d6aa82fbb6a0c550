// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/vm.c - the VM: some vCPUs in long mode, which see memory where it is, by
 * pages of 2 MiB. The guest's page tables are in memory that is not tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "bench.h"

#define PML4	0x2000
#define PDPT	0x3000
#define PD	0x4000			/* and the next one for MEM */

#define P_RW	3ULL
#define P_HUGE	0x83ULL

uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

int call(int fd, unsigned long request, const char *name, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0)
		fail("%s: %s", name, strerror(errno));
	return r;
}

void vm_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva, .flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
	};

	call(vm->fd, KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &r);
}

void vm_mem(struct vm *vm, void *mem, bool log)
{
	vm->mem = mem;
	vm_slot(vm, SLOT, MEM, vm->size, mem, log);
}

static void long_mode(struct vcpu *v)
{
	struct kvm_segment code = { .type = 11, .present = 1, .s = 1, .l = 1, .g = 1, .limit = ~0U, .selector = 8 };
	struct kvm_segment data = { .type = 3, .present = 1, .s = 1, .db = 1, .g = 1, .limit = ~0U, .selector = 16 };
	struct kvm_sregs s;

	call(v->fd, KVM_GET_SREGS, "KVM_GET_SREGS", &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = 0x80000011;			/* PG ET PE */
	s.cr4 = 0x20;				/* PAE */
	s.cr3 = PML4;
	s.efer = 0x500;				/* LME LMA */
	call(v->fd, KVM_SET_SREGS, "KVM_SET_SREGS", &s);
}

static void make_vcpu(struct vm *vm, int kvm, unsigned int number)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[128];
	} cpuid = { .head.nent = 128 };
	struct vcpu *v = &vm->vcpu[number];

	v->vm = vm;
	v->number = number;
	v->fd = call(vm->fd, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", (void *)(uintptr_t)number);
	v->run_size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", NULL);
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		fail("mmap of the vCPU: %s", strerror(errno));
	call(kvm, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID", &cpuid.head);
	call(v->fd, KVM_SET_CPUID2, "KVM_SET_CPUID2", &cpuid.head);
	long_mode(v);
	if (pthread_create(&v->thread, NULL, vcpu_thread, v))
		fail("no thread for vCPU %u", number);
}

void vm_make(struct vm *vm, unsigned int vcpus, size_t size)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	uint64_t *pd, i;

	if (kvm < 0)
		skip("/dev/kvm: %s", strerror(errno));
	memset(vm, 0, sizeof(*vm));
	vm->vcpus = vcpus;
	vm->size = size;
	vm->fd = call(kvm, KVM_CREATE_VM, "KVM_CREATE_VM", NULL);
	call(vm->fd, KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", (void *)0xfffbd000UL);
	vm->low = memory(HUGE, SMALL, true);
	*(uint64_t *)(vm->low + PML4) = PDPT | P_RW;
	pd = (uint64_t *)(vm->low + PDPT);
	pd[0] = PD | P_RW;
	pd[1] = (PD + PAGE) | P_RW;
	pd = (uint64_t *)(vm->low + PD);
	for (i = 0; i < 1024; i++)
		pd[i] = i * HUGE | P_HUGE;
	pass_code(vm);
	vm_slot(vm, 0, 0, HUGE, vm->low, false);
	pthread_barrier_init(&vm->begin, NULL, vcpus + 1);
	pthread_barrier_init(&vm->end, NULL, vcpus + 1);
	for (i = 0; i < vcpus; i++)
		make_vcpu(vm, kvm, i);
	close(kvm);
}

uint64_t vm_free(struct vm *vm)
{
	uint64_t before;
	unsigned int i;

	vm->over = true;
	pthread_barrier_wait(&vm->begin);
	for (i = 0; i < vm->vcpus; i++)
		pthread_join(vm->vcpu[i].thread, NULL);
	before = now();
	for (i = 0; i < vm->vcpus; i++) {
		munmap(vm->vcpu[i].run, vm->vcpu[i].run_size);
		close(vm->vcpu[i].fd);
	}
	close(vm->fd);
	before = now() - before;
	munmap(vm->low, HUGE);
	return before;
}

long long vm_stat(const struct vm *vm, const char *name)
{
	long long n;

	if (!kvm_stat(getpid(), vm->fd, name, &n))
		fail(KVM_DEBUGFS "/%d-%d/%s: %s", getpid(), vm->fd, name, strerror(errno));
	return n;
}

void vm_manual_log(struct vm *vm, bool initially_set)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			   (initially_set ? KVM_DIRTY_LOG_INITIALLY_SET : 0),
	};

	call(vm->fd, KVM_ENABLE_CAP, "KVM_ENABLE_CAP", &cap);
}

void vm_get_log(struct vm *vm, uint64_t *bits)
{
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bits };

	call(vm->fd, KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
}

void vm_clear_log(struct vm *vm, uint64_t page, uint32_t pages, uint64_t *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = SLOT, .first_page = page, .num_pages = pages, .dirty_bitmap = bits,
	};

	call(vm->fd, KVM_CLEAR_DIRTY_LOG, "KVM_CLEAR_DIRTY_LOG", &log);
}
