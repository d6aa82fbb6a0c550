/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/bench/bench.h - a VM whose vCPUs do a pass over memory at a time, and the clock. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/words.h"
#include "../lib/x86-vm.h"

#define PAGE		4096UL
#define HUGE		(2UL << 20)
#define MIB		(1UL << 20)
#define GIB		(1UL << 30)
#define MOST_VCPUS	16

enum backing { SMALL, THP, HUGETLB };

/* What is asked for on the command line. */
struct request {
	const char *name;		/* of the case */
	unsigned int vcpus, mib, rounds;
	enum backing backing;
	unsigned int round;		/* the one that runs, from 1 on */
};
extern struct request request;

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned int number;
	int fd;
	void *run;			/* struct kvm_run */
	size_t run_size;
	pthread_t thread;
	/* the pass that is to be done */
	uint64_t code, from, to, stride, step;
	/* when it began and ended: ns, and ticks of the TSC */
	uint64_t ns[2], tsc[2];
};

struct vm {
	int fd;
	unsigned int vcpus;
	struct vcpu vcpu[MOST_VCPUS];
	uint8_t *low;			/* guest memory from 0: code and page tables */
	uint8_t *mem;			/* what is tried, at MEM of the guest */
	size_t size;
	uint64_t base, step;		/* where a pass begins: MEM; of pass_round() */
	pthread_barrier_t begin, end;	/* of a pass: the vCPUs' threads and the first one */
	unsigned int met;		/* threads that have come to a pass, ever */
	unsigned int passes;
	bool over;
};

#define MEM		GIB		/* where the guest has it, in address and in memory */
#define SLOT		1		/* and its memslot */
#define OTHER_SLOT	2

/* bench/vm.c */
uint64_t now(void);			/* ns */
/* Without the memory that is tried: size is how much of it there is going to be. */
void vm_make(struct vm *vm, unsigned int vcpus, size_t size);
void vm_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log);
/* The guest has addresses for that much behind MEM, or the program ends. */
void vm_room(uint64_t size);
/* Memory in slot SLOT. */
void vm_mem(struct vm *vm, void *mem, bool log);
/* All but the memory. Returns the time that it took to close it. */
uint64_t vm_free(struct vm *vm);
long long vm_stat(const struct vm *vm, const char *name);
/* Or what later kernels have in its place. */
long long vm_stat_or(const struct vm *vm, const char *name, const char *later);

/* bench/pass.c: what the guest does */
void pass_code(struct vm *vm);
/* All vCPUs write (or read) 8 bytes of each stride bytes: all of the memory each, or each
 * one a part of it. Returns the time from the first start to the last end.
 */
uint64_t pass(struct vm *vm, bool writes, bool shared, uint64_t stride);
/* Each writes to a part: at the beginning of each stride, then a step on in each, up to all. */
uint64_t pass_round(struct vm *vm, uint64_t stride, uint64_t step);
/* All call what is at the beginning of each page: RET (RETURN). */
void pass_execute(struct vm *vm);
#define RETURN	0xc3
/* They write to size bytes at MEM again and again, until the end of the run. */
void run_begin(struct vm *vm, size_t size, uint64_t stride);
void run_end(struct vm *vm);
/* Each has been through once more, from the beginning to the end. */
void run_round(struct vm *vm);
/* They write to each page of a part each, and are on their first way through. run_end() ends it. */
void run_first_round(struct vm *vm);
bool run_in_first_round(struct vm *vm);
/* The longest gap between two writes of a vCPU since the last call, in ticks of the TSC. */
uint64_t run_gap(struct vm *vm);
void *vcpu_thread(void *vcpu);
void pin(unsigned int cpu);

/* bench/memory.c */
/* size bytes at a multiple of HUGE, touched or not. */
void *memory(size_t size, enum backing kind, bool touched);
void memory_free(void *mem, size_t size);
void touch(void *mem, size_t size);

/* bench/main.c: a line of results; of the step WHAT-STEP */
void result(const char *step, uint64_t value, const char *unit);
void result_of(const char *what, const char *step, uint64_t value, const char *unit);

/* A round of a case: bench/demand.c, dirty.c, notifier.c, nx.c, slots.c, tables.c */
void demand_private(void);
void demand_overlap(void);
void demand_slots(void);
void demand_slots_round(void);
void dirty_get(void);
void dirty_manual(void);
void dirty_initial(void);
void log_end(void);
void unmap(void);
void ageing(void);
void slots_running(void);
void slots_refault(void);
void flushes_running(void);
void logging_running(void);
void tables(void);
void nx(void);

#endif
