/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/stress/stress.h - what the parts of the stress have in common. */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

#include "../lib/clock.h"
#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/words.h"
#include "shared.h"

#define MAX_WORKERS	8
/* Times patience(), which knows how slow the machine is: */
#define REST_S		120	/* for all threads to come to rest: then one hangs */
#define SLOW_MS		60000	/* more time for a round in which nothing happened yet */

/* What a mode does; a round of it may leave some out. */
enum {
	DO_PAGES = 1 << 0,	/* drop, replace, move the backing memory */
	DO_KSM = 1 << 1,
	DO_COMPACT = 1 << 2,
	DO_SLOTS = 1 << 3,	/* create, move, delete memslots, switch logging */
	DO_DIRTY = 1 << 4,	/* harvest the dirty log */
	DO_NX = 1 << 5,		/* NX huge pages and their recovery */
	DO_KILL = 1 << 6,	/* the VM ends in the middle */
	DO_NUMA = 1 << 7,	/* vCPUs change nodes, userfaultfd */
	DO_ETMEM = 1 << 8,	/* scans and swap of openEuler's etmem */
};

struct options {
	u64 seed;
	u32 vcpus, mib;
	long ms;		/* of each mode */
	long round;		/* only this one, or -1 */
};

/* One round: one VM, in a process of its own. */
struct plan {
	const char *mode;
	u64 seed;
	u32 does, vcpus, mib;
	long ms;
	bool thp, manual, initially_set, eager_split;
};

struct region {
	u32 nr;
	struct region_ctl *c;
	u8 *hva;
	u32 chunks;
	pthread_mutex_t *chunk;		/* each: nobody else changes its pages */
	pthread_mutex_t slots;		/* the memslots and their logs stay */
	u32 slot[NR_WINDOWS];		/* memslot of a window */
	bool logging[NR_WINDOWS];
	bool unlogged;			/* writes may have missed the log */
	_Atomic u64 *host_dirty;	/* pages the host has written */
	u64 *copy;			/* WORDS a page, as a migration would have it */
	u32 gen;			/* of all pages of a twin region */
	long refreshed;			/* when they were made alike, in ms */
};

/* What happened, for the line about coverage. */
struct counts {
	_Atomic u64 drops, replaces, aways, protects, touches, refreshes;
	_Atomic u64 creates, deletes, moves, toggles, dummies;
	_Atomic u64 log_mapped, log_huge, log_fresh;	/* the log was switched on over ... */
	_Atomic u64 harvests, dirty, compared, checked, pauses, holes, nx_toggles, migrated;
	_Atomic u64 answered, moved_vcpus, scanned, swapped;
};

/* A thread: a vCPU, or one that changes something. */
struct worker {
	struct vm *vm;
	char name[16];
	void *(*fn)(void *arg);
	u32 nr;
	u64 rnd;
	pthread_t thread;
	_Atomic pid_t tid;		/* 0: not begun */
	atomic_bool resting, ended;
};

struct vm {
	struct plan plan;
	void *kvm;			/* of the selftest library */
	int fd;
	struct ctl *ctl;
	size_t ctl_size;
	struct region region[NR_REGIONS];
	struct counts n;
	_Atomic u64 old_reads[NR_REGIONS][NR_WINDOWS];	/* of mappings that are gone */
	_Atomic u32 holes;		/* places without memory, now ... */
	_Atomic u64 hole_seq;		/* ... and ever */
	atomic_bool stop;
	pthread_mutex_t map_lock;	/* nobody else maps memory */
	pthread_mutex_t park_lock;
	pthread_cond_t park_cond;
	bool parking;
	u32 parked, threads;		/* at rest, of those that have not ended */
	struct worker worker[MAX_VCPUS + MAX_WORKERS];	/* the vCPUs come first */
	u32 workers;
};

static inline bool is_present(struct region *r, u32 window)
{
	return !(r->c->win[window].end & 1);
}

/* stress/host.c: words, time, files */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail_prefix(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sleep_us(long us);
long patience(void);				/* gate.patience of the command line, or 1 */
bool set_knob(const char *path, const char *value);
void restore_knobs(void);
void *map_aligned(size_t size);

/* stress/vm.c: the only user of the selftest library */
void vm_make(struct vm *vm);			/* of the plan and the regions that it has */
int vm_run(struct vm *vm, u32 vcpu);		/* 0 or errno */
u64 vm_mmio(struct vm *vm, u32 vcpu, bool *write);	/* GPA of the exit, 0: another one */
void vm_mmio_answer(struct vm *vm, u32 vcpu, u64 value);
u64 vm_mmio_value(struct vm *vm, u32 vcpu);
void vm_describe(struct vm *vm, u32 vcpu, char *buf, size_t size);
void vm_delete_own_slots(struct vm *vm);	/* that no region has */
void vm_free(struct vm *vm);

/* stress/region.c: memory regions, tags, lives */
void regions_make(struct vm *vm);
struct region *region_of(struct vm *vm, u32 page);
u8 *page_hva(struct region *r, u32 page);
void write_page(struct vm *vm, struct region *r, u32 page, u8 *where);
void mark_host_dirty(struct region *r, u32 page);
void check_page(struct vm *vm, struct region *r, u32 page);
void check_all(struct vm *vm);
void hole_begin(struct vm *vm);			/* some place has no memory ... */
void hole_end(struct vm *vm);

/* the workers, each a thread */
void *pages_worker(void *arg);		/* stress/pages.c */
void *slots_worker(void *arg);		/* stress/slots.c */
void *dirty_worker(void *arg);		/* stress/dirty.c */
void *nx_worker(void *arg);		/* stress/nx.c */
void *migrate_worker(void *arg);	/* stress/migrate.c */
void *numa_worker(void *arg);		/* stress/numa.c */
void *etmem_worker(void *arg);		/* stress/etmem.c */

/* stress/slots.c */
void slot_set(struct vm *vm, struct region *r, u32 window, bool present, bool log);
void slots_delete_all(struct vm *vm);		/* no memslot is left, in no place */

/* stress/log.c */
void all_unmapped(struct vm *vm);		/* KVM has thrown all page tables away */
void count_log(struct vm *vm, struct region *r, u32 window);
void await_mapped(struct vm *vm, struct region *r, u32 window);
void log_again(struct worker *me, struct region *r);

/* stress/dirty.c */
void dirty_setup(struct vm *vm);
void dirty_full(struct region *r);
void dirty_compare(struct vm *vm);

/* stress/nx.c */
bool nx_present(void);
bool nx_recovery_is_slow(void);

/* stress/numa.c */
const char *numa_absent(void);			/* why it cannot be done here, or NULL */
void numa_knobs(void);
void numa_start(struct vm *vm);
void numa_register(u8 *hva, size_t size);	/* memory that was moved */
void numa_stop(void);

/* stress/etmem.c */
const char *etmem_absent(void);
bool etmem_start(void);
void etmem_stop(void);

/* stress/round.c */
int run_round(const struct plan *plan);

/* stress/rest.c */
void rest_make(struct vm *vm);
void start(struct vm *vm, const char *name, u32 nr, void *(*fn)(void *arg), u64 *rnd);
void rest(struct worker *me);
bool worker_rest(struct worker *me, long us);
bool worker_pace(struct worker *me, long began_ms, long us);
void all_rest(struct vm *vm);
void all_go(struct vm *vm);
void all_end(struct vm *vm);

/* stress/hang.c */
u64 movement(struct vm *vm);
void hang(struct vm *vm, const char *why, long ms) __attribute__((noreturn));

/* stress/leak.c: what a VM leaves behind, and its counters */
struct vm_stat {
	char name[40];
	long long value;
};

const char *leak_start(bool count_pages);		/* why it cannot be told, or NULL */
bool leak_check(pid_t pid);
void check_gauges(struct vm *vm);
long long vm_stat(struct vm *vm, const char *name);
u32 vm_stats(struct vm *vm, struct vm_stat *stat, u32 max);

#endif
