/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ci/machine/facts/nested.h - guests L2 on several vCPUs, which check what they read: AMD.
 *
 * L2 goes round its cells, reads a tag in each and compares: it may be one of two. Where
 * it is neither, L2 stops, and the fact is not true. It also writes: the number of its
 * rounds, to a word beside the tag that is its vCPU's own. All L2 are in one VM and see its
 * memory up to L2_DATA where it is.
 */
#ifndef NESTED_H
#define NESTED_H

#include "facts.h"

#define L2_CPUS		3U		/* at most; vCPU 0 has none, it does as vm_step() says */
#define L2_CELLS	16U
#define L2_DATA		(16 * HUGE)	/* L2's addresses from here on are the fact's */
#define L2_ABSENT	0U		/* the tag where L1 maps nothing */

/* The memory of L2 k, in L1's memory; behind what facts/svm.c wants are nested tables. */
#define OWN(k)		(((k) + 1) * HUGE)
#define OWN_SLOT	1
#define NPT_ROOTS	0x20000		/* 8 of them, all the same */
#define NPT_PDPT	0x28000
#define NPT_PD		0x29000
#define NPT_PT		0x2a000		/* and NPT_PT + PAGE: for the fact */

#define P_READ		5ULL		/* present, for users as all of L2's accesses are */
#define P_WRITE		7ULL
#define P_HUGE		0x87ULL
#define P_USED		0x60ULL		/* accessed, dirty */

/*
 * A VM with n L2, each with tables of its own or all with those in OWN(0), which have
 * L2_DATA empty. L1 runs L2 anew after `rounds` rounds, each time by another root or always
 * by the same one. Faults of L2's that L1 gets are L2_ABSENT, or else not allowed at all.
 * L2 has CR4.PAE or not, with no paging in either case: KVM takes an entry of the nested
 * table for 8 bytes or 4 by that, and in the latter case a write to one zaps the table.
 */
void l2_make(unsigned int n, bool one_table, unsigned int rounds, bool roots, bool faults, bool pae);
void l2_free(void);
extern struct vm l2_vm;			/* vCPU 0 */
uint8_t *l2_own(unsigned int k);

/* Before the start: cell i is at L2's address. */
void l2_cell(unsigned int i, uint32_t address);
void l2_start(unsigned int cells);
void l2_stop(void);

/*
 * Cell i is going to hold another tag, and whether L2 may write there; nothing changes
 * until l2_may_find(). From then on either is right, and from l2_finds() on the new one only.
 */
void l2_next(unsigned int i, uint32_t tag, bool writable);
void l2_may_find(void);
void l2_finds(const char *when);
/* L1 has each CPU leave L2 and flush its TLB, and waits until all have come to that. */
void l2_flush(void);
/* Until each L2 has been to all of its cells since. */
void l2_settle(void);
/* Of the page at mem: the word that L2 k writes. */
uint32_t l2_word(const uint8_t *mem, unsigned int k);
/* Rounds, and reads and writes that KVM had user space emulate, of all. */
unsigned int l2_rounds(void), l2_emulated(void);

/*
 * facts/nested-code.c. What all share is in memslot 0; while the generation is odd the tags
 * are being set.
 */
#define SHARED		0xa000
#define GENERATION	0xa000
#define FLAG		0xa004		/* not the L2's own one: out, and flush */
#define CELLS		0xa008
#define TAGS		0xa010
#define ADDRESSES	0xa100
#define STOP		0xffffffff

struct shared {
	uint32_t generation, flag, cells, unused;
	uint32_t tag[L2_CELLS][2];
	uint32_t rest[(ADDRESSES - TAGS) / 4 - 2 * L2_CELLS];
	uint32_t address[L2_CELLS];
};

/* An L2's own, from its base on. */
#define ROUNDS		0x7800
#define SEEN_FLAG	0x7804
#define L1_CODE		0x8000

extern const uint8_t l1_begin[], l1_end[], l2_begin[], l2_end[];
extern const uint8_t l2_read[], l2_have_read[], l2_write[], l2_have_written[];

#endif
