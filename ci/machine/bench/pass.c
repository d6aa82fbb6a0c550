// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/bench/pass.c - what the guest does: a pass over memory, or writes until it is
 * told to stop.
 *
 * The guest has interrupts enabled, though there are none for it: Bochs ends no guest for
 * an interrupt of the host's else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

#define WRITE_CODE	0x1000
#define READ_CODE	0x1100
#define RUN_CODE	0x1200
#define ROUND_CODE	0x1300
#define EXECUTE_CODE	0x1400
#define OWN		0x8000		/* of each vCPU a page: struct own */
#define STOP		0x7000		/* a run ends when this is not 0 */
#define PATIENCE	600000		/* times 1 ms */

struct own {
	volatile uint64_t rounds, gap;
};

/*
 * RDI: from, RSI: to, RBX: stride, R12: the page that the vCPU has of its own, R13: step
 * within a stride, R14: end of the first one, RSP: end of that page. They are copied to the
 * guest's memory; nothing in them depends on where they are.
 */
asm(".pushsection .rodata\n"
    "write_code:\n"
    "1:	mov %rdi, (%rdi)\n"
    "	add %rbx, %rdi\n"
    "	cmp %rsi, %rdi\n"
    "	jb 1b\n"
    "	out %al, $0x10\n"
    "write_end:\n"
    "read_code:\n"
    "1:	mov (%rdi), %rax\n"
    "	add %rbx, %rdi\n"
    "	cmp %rsi, %rdi\n"
    "	jb 1b\n"
    "	out %al, $0x10\n"
    "read_end:\n"
    "run_code:\n"
    "	rdtsc\n"
    "	shl $32, %rdx\n"
    "	or %rdx, %rax\n"
    "	mov %rax, %r9\n"
    "1:	mov %rdi, %rcx\n"
    "2:	mov %rcx, (%rcx)\n"
    "	rdtsc\n"
    "	shl $32, %rdx\n"
    "	or %rdx, %rax\n"
    "	mov %rax, %r10\n"
    "	sub %r9, %rax\n"		/* since the last write */
    "	mov %r10, %r9\n"
    "	cmp 8(%r12), %rax\n"
    "	jbe 3f\n"
    "	mov %rax, 8(%r12)\n"
    "3:	cmpb $0, 0x7000\n"
    "	jne 4f\n"
    "	add %rbx, %rcx\n"
    "	cmp %rsi, %rcx\n"
    "	jb 2b\n"
    "	incq (%r12)\n"
    "	jmp 1b\n"
    "4:	out %al, $0x10\n"
    "run_end_:\n"
    "round_code:\n"
    "1:	mov %rdi, %rcx\n"
    "2:	mov %rcx, (%rcx)\n"
    "	add %rbx, %rcx\n"
    "	cmp %rsi, %rcx\n"
    "	jb 2b\n"
    "	add %r13, %rdi\n"
    "	cmp %r14, %rdi\n"
    "	jb 1b\n"
    "	out %al, $0x10\n"
    "round_end:\n"
    "execute_code:\n"
    "1:	call *%rdi\n"
    "	add %rbx, %rdi\n"
    "	cmp %rsi, %rdi\n"
    "	jb 1b\n"
    "	out %al, $0x10\n"
    "execute_end:\n"
    ".popsection");

extern const uint8_t write_code[], write_end[], read_code[], read_end[], run_code[], run_end_[];
extern const uint8_t round_code[], round_end[], execute_code[], execute_end[];

void pass_code(struct vm *vm)
{
	memcpy(vm->low + WRITE_CODE, write_code, write_end - write_code);
	memcpy(vm->low + READ_CODE, read_code, read_end - read_code);
	memcpy(vm->low + RUN_CODE, run_code, run_end_ - run_code);
	memcpy(vm->low + ROUND_CODE, round_code, round_end - round_code);
	memcpy(vm->low + EXECUTE_CODE, execute_code, execute_end - execute_code);
}

void pin(unsigned int cpu)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t mine;

	CPU_ZERO(&mine);
	CPU_SET(cpu % cpus, &mine);
	if (pthread_setaffinity_np(pthread_self(), sizeof(mine), &mine))
		fail("no thread on CPU %lu", cpu % cpus);
}

static void until_out(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	while (ioctl(v->fd, KVM_RUN, NULL))
		if (errno != EINTR && errno != EAGAIN)
			fail("KVM_RUN of vCPU %u: %s", v->number, strerror(errno));
	if (run->exit_reason != KVM_EXIT_IO)
		fail("vCPU %u left with reason %u", v->number, run->exit_reason);
}

/* All begin at the same time: who has come waits without sleeping. */
static void meet(struct vm *vm)
{
	unsigned int all = vm->passes * vm->vcpus;

	__atomic_fetch_add(&vm->met, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&vm->met, __ATOMIC_ACQUIRE) < all)
		__builtin_ia32_pause();
}

void *vcpu_thread(void *vcpu)
{
	struct vcpu *v = vcpu;
	struct vm *vm = v->vm;

	pin(v->number + 1);
	for (;;) {
		struct kvm_regs r = { .rflags = 0x202 };

		pthread_barrier_wait(&vm->begin);
		if (vm->over)
			return NULL;
		r.rip = v->code;
		r.rdi = v->from;
		r.rsi = v->to;
		r.rbx = v->stride;
		r.r12 = OWN + v->number * PAGE;
		r.r13 = v->step;
		r.r14 = v->from + v->stride;
		r.rsp = r.r12 + PAGE;
		call(v->fd, KVM_SET_REGS, "KVM_SET_REGS", &r);
		meet(vm);
		v->ns[0] = now();
		v->tsc[0] = __rdtsc();
		until_out(v);
		v->tsc[1] = __rdtsc();
		v->ns[1] = now();
		pthread_barrier_wait(&vm->end);
	}
}

static void start(struct vm *vm, uint64_t code, uint64_t size, bool shared, uint64_t stride)
{
	uint64_t part = shared ? size : size / vm->vcpus;
	unsigned int i;

	for (i = 0; i < vm->vcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];

		v->code = code;
		v->from = vm->base + (shared ? 0 : i * part);
		v->to = v->from + part;
		v->stride = stride;
		v->step = vm->step;
	}
	vm->passes++;
	pthread_barrier_wait(&vm->begin);
}

/* From the first start to the last end. */
static uint64_t all_of(struct vm *vm, uint64_t code, bool shared, uint64_t stride)
{
	uint64_t first = UINT64_MAX, last = 0;
	unsigned int i;

	start(vm, code, vm->size, shared, stride);
	pthread_barrier_wait(&vm->end);
	for (i = 0; i < vm->vcpus; i++) {
		if (vm->vcpu[i].ns[0] < first)
			first = vm->vcpu[i].ns[0];
		if (vm->vcpu[i].ns[1] > last)
			last = vm->vcpu[i].ns[1];
	}
	return last - first;
}

uint64_t pass(struct vm *vm, bool writes, bool shared, uint64_t stride)
{
	return all_of(vm, writes ? WRITE_CODE : READ_CODE, shared, stride);
}

uint64_t pass_round(struct vm *vm, uint64_t stride, uint64_t step)
{
	vm->step = step;
	return all_of(vm, ROUND_CODE, false, stride);
}

void pass_execute(struct vm *vm)
{
	all_of(vm, EXECUTE_CODE, true, PAGE);
}

static struct own *own(struct vm *vm, unsigned int number)
{
	return (struct own *)(vm->low + OWN + number * PAGE);
}

void run_begin(struct vm *vm, size_t size, uint64_t stride)
{
	*(volatile uint8_t *)(vm->low + STOP) = 0;
	start(vm, RUN_CODE, size, true, stride);
	run_round(vm);
}

void run_first_round(struct vm *vm)
{
	unsigned int i;

	*(volatile uint8_t *)(vm->low + STOP) = 0;
	for (i = 0; i < vm->vcpus; i++)
		own(vm, i)->rounds = 0;
	start(vm, RUN_CODE, vm->size, false, PAGE);
}

bool run_in_first_round(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->vcpus; i++)
		if (own(vm, i)->rounds)
			return false;
	return true;
}

void run_end(struct vm *vm)
{
	*(volatile uint8_t *)(vm->low + STOP) = 1;
	pthread_barrier_wait(&vm->end);
}

void run_round(struct vm *vm)
{
	uint64_t until[MOST_VCPUS];
	unsigned int i, n;

	for (i = 0; i < vm->vcpus; i++)
		until[i] = own(vm, i)->rounds + 2;
	for (i = 0; i < vm->vcpus; i++) {
		for (n = 0; n < PATIENCE && own(vm, i)->rounds < until[i]; n++)
			usleep(1000);
		if (n == PATIENCE)
			fail("vCPU %u stands still at round %llu", i,
			     (unsigned long long)own(vm, i)->rounds);
	}
}

uint64_t run_gap(struct vm *vm)
{
	uint64_t gap = 0;
	unsigned int i;

	for (i = 0; i < vm->vcpus; i++) {
		if (own(vm, i)->gap > gap)
			gap = own(vm, i)->gap;
		own(vm, i)->gap = 0;
	}
	return gap;
}
