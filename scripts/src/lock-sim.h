/* SPDX-License-Identifier: GPL-2.0 */
/* lock-sim.h - threads that share one lock, event by event. */
#ifndef TDP_LOCK_SIM_H
#define TDP_LOCK_SIM_H

#include <stdbool.h>
#include <stddef.h>

/* Instructions: the time of a model in which all CPUs execute equally many. */
typedef unsigned long long ticks;

/* A spinlock is a lock that everybody takes for write. */
enum lock_for { FOR_WRITE, FOR_READ };

/* Threads that do the same. */
struct crowd {
	enum lock_for lock_for;
	unsigned int nr;
	ticks outside, held;		/* each is without the lock, then has it, */
	ticks times;			/* so often; 0: until those with a number have done */
	/* what came of it */
	ticks end;			/* of the last of them */
	ticks longest, waited;		/* for the lock: a thread once, and all of them ever */
	ticks done;			/* how often one had it */
};

/*
 * transfer: what it takes to bring the lock's cache line to another CPU.
 * vary: each time outside is another one, between 0 and twice the mean; else all are equal.
 */
void lock_simulate(struct crowd *crowd, size_t nr, ticks transfer, bool vary);

#endif
