/* SPDX-License-Identifier: GPL-2.0 */
/* lock-fit.h - the model of mmu_lock: its parameters, and what it says with them. */
#ifndef TDP_LOCK_FIT_H
#define TDP_LOCK_FIT_H

#include "lock-sim.h"

#define SECOND		200e6		/* instructions of a simulated second */
#define PAGES(mib)	((mib) * 256)
/* The VM of the extrapolation, and what is assumed of it and of its host. */
#define MOST		416
#define PAGES_MOST	(12.0 * PAGES(1 << 20))
#define HOST_SECOND	2e9		/* instructions of a CPU in a second */
#define CHUNK		PAGES(1024)	/* of a CLEAR: QEMU's clear_bitmap_shift of 18 */
#define NEEDED		2000000		/* so often a vCPU needs the lock during CLEAR */

#define NR(array) (sizeof(array) / sizeof(*(array)))

/* What a row says, in instructions. No line: there is no such row, and need not be. */
struct figure {
	double value;
	size_t line;
};

/* Faults are those of 1, 2, 4, 7, 8, 12 vCPUs; the last number is in the texts, too. */
#define NR_VCPUS 6
#define LAST (NR_VCPUS - 1)
extern const unsigned int vcpus[NR_VCPUS];
/* Steps of dirty-manual-4k, and with how many vCPUs and how much memory of each. */
enum { ENABLE, CLEAR, DELETE, WRITE_AGAIN, STEPS };
#define NR_POINTS 6
extern const char * const steps[STEPS];
extern const struct point {
	unsigned int vcpus, mib;
} points[NR_POINTS];

struct side {
	const char *name, *milestone, *mmu;	/* no milestone: the last one */
	enum lock_for lock_for;
	struct figure demand[NR_VCPUS], huge, step[STEPS][NR_POINTS], clear_64, gap[2];
	/* serial: with equal times outside of the lock, and with times that vary */
	ticks fault, serial[2], held;
};
enum { BASE_LEGACY, SERIES_LEGACY, SERIES_TDP, SIDES };
extern struct side sides[SIDES];
#define each_side(s) for (s = sides; s < sides + SIDES; s++)

/* The deletions that were measured. */
extern const struct point deletions[2];

void lock_fit(const char *results);

/*
 * Instructions from one fault to the next, of all vCPUs together: on small pages; the same
 * with no cache line to wait for, times outside of the lock that vary, and all that the most
 * vCPUs that were measured lack as a part that is done one at a time, whatever the lock;
 * those of MOST vCPUs on huge pages.
 */
double faults(const struct side *s, unsigned int nr, ticks transfer);
double faults_serial(const struct side *s, unsigned int nr);
double faults_huge(const struct side *s, ticks transfer);
/* Of the most vCPUs that were measured, without a parameter that is of them. Readers: as with
 * faults_serial().
 */
double faults_held_out(const struct side *s);
/* A step of dirty logging: for each page; for nr of them; those of a point. */
double each_page(const struct side *s, int step);
double all_pages(const struct side *s, int step, double nr);
double pages_of(int step, size_t point);
/* What one more call of CLEAR takes. */
double call_of_clear(const struct side *s);
/* How long the lock is held for write when a memslot of so many pages goes. */
double hold_of_delete(const struct side *s, double nr_pages);
/* The longest time from one fault to the next, of nr vCPUs that do nothing else. */
double gap_of_delete(const struct side *s, unsigned int nr, double nr_pages);
/* MOST vCPUs that need the lock at times, while CLEAR goes on, chunk by chunk. */
struct crowd during_clear(const struct side *s, ticks transfer);

#endif
