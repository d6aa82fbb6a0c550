// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/vm.c - the VM: some vCPUs in long mode, which see memory where it is, by
 * pages of 2 MiB. The guest's page tables are in memory that is not tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
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

void vm_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log)
{
	int e = kvm_try_slot(vm->fd, slot, gpa, size, hva, log);

	if (e)
		fail("memslot %u at %#llx: %s", slot, (unsigned long long)gpa, strerror(e));
}

void vm_room(uint64_t size)
{
	if (size > GIB)
		refuse("%u vCPUs with %u MiB: the guest has no addresses for it", request.vcpus,
		       request.mib);
}

void vm_mem(struct vm *vm, void *mem, bool log)
{
	vm->mem = mem;
	vm_slot(vm, SLOT, MEM, vm->size, mem, log);
}

static void make_vcpu(struct vm *vm, int kvm, unsigned int number)
{
	struct vcpu *v = &vm->vcpu[number];

	v->vm = vm;
	v->number = number;
	v->fd = kvm_create_vcpu(kvm, vm->fd, number, &v->run, &v->run_size);
	kvm_long_mode(v->fd, PML4);
	if (pthread_create(&v->thread, NULL, vcpu_thread, v))
		fail("no thread for vCPU %u", number);
}

void vm_make(struct vm *vm, unsigned int vcpus, size_t size)
{
	int kvm = kvm_open();
	uint64_t *pd, i;

	memset(vm, 0, sizeof(*vm));
	vm->vcpus = vcpus;
	vm->size = size;
	vm->base = MEM;
	vm->fd = kvm_create_vm(kvm);
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

long long vm_stat_or(const struct vm *vm, const char *name, const char *later)
{
	long long n;

	return kvm_stat(getpid(), vm->fd, later, &n) ? n : vm_stat(vm, name);
}
