// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nested-smp.c - L1 on one vCPU changes the nested page table that guests L2
 * run on, on other vCPUs: AMD only.
 *
 * As in facts/nested.c, there are A and B; what is changed, too. L2 runs all the time. L1
 * changes an entry, has each other CPU leave L2, and there flush its TLB: until all have
 * come to that, L2 may find what was or what is, and then only what is. So it is with
 * writes: to a page that has become read-only none may come any more.
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/mman.h>

#include "nested.h"

#define A		GIB
#define B		(GIB + HUGE)
#define DATA_PD		(NPT_PD + L2_DATA / HUGE * 8)
#define OTHER_PT	(NPT_PT + PAGE)
#define CPUS		2U
#define N		8U		/* pages */
#define L2_ROUNDS	50		/* between two entries, if nothing is changed */
#define REPEAT		2

static uint8_t *a, *b, *at[N];
static bool writable[N];
static uint64_t used;
static uint32_t tags;
static unsigned int changed;

static void fill(uint8_t *mem)
{
	unsigned int i;

	for (i = 0; i < HUGE / PAGE; i++)
		*(uint32_t *)(mem + i * PAGE) = ++tags + 0x1000;
}

static void sample(uint32_t words[2][N][CPUS])
{
	unsigned int i, k;

	for (i = 0; i < N; i++)
		for (k = 0; k < CPUS; k++) {
			words[0][i][k] = l2_word(a + i * PAGE, k);
			words[1][i][k] = l2_word(b + i * PAGE, k);
		}
}

/* L2's writes come to where they have to, and to no other page. */
static void check(const char *when)
{
	uint32_t before[2][N][CPUS], after[2][N][CPUS];
	unsigned int i, j, k, m;

	sample(before);
	l2_settle();
	sample(after);
	for (m = 0; m < 2; m++)
		for (j = 0; j < N; j++) {
			bool want = false;

			for (i = 0; i < N; i++)
				want |= writable[i] && at[i] == (m ? b : a) + j * PAGE;
			for (k = 0; k < CPUS; k++)
				if ((before[m][j][k] != after[m][j][k]) != want)
					fail("%s: page %u of %c was%s written by L2 %u", when, j,
					     "AB"[m], want ? " not" : "", k);
		}
}

/* L1 writes entries up to the one that makes the change, which `at` says. */
static void change(const char *when, uint64_t entry, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		l2_next(i, at[i] ? *(uint32_t *)at[i] : L2_ABSENT, at[i] && writable[i]);
	l2_may_find();
	vm_write(&l2_vm, OWN(0) + entry, value);
	l2_flush();
	l2_finds(when);
	changed++;
	check(when);
}

static void leaf(const char *when, unsigned int i, uint8_t *mem, unsigned int j, uint64_t flags)
{
	at[i] = flags ? mem + j * PAGE : NULL;
	writable[i] = flags & 2;
	change(when, NPT_PT + i * 8, flags ? ((mem == a ? A : B) + j * PAGE) | flags | used : 0);
}

static void directory(const char *when, uint64_t entry, uint8_t *mem, bool backwards)
{
	unsigned int i;

	for (i = 0; i < N; i++) {
		at[i] = mem + (backwards ? N - 1 - i : i) * PAGE;
		writable[i] = true;
	}
	change(when, DATA_PD, entry);
}

static void table(uint64_t pt, uint64_t gpa, bool backwards)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		vm_write(&l2_vm, OWN(0) + pt + i * 8,
			 (gpa + (backwards ? N - 1 - i : i) * PAGE) | P_WRITE | used);
}

static void changes(void)
{
	uint64_t pt = (OWN(0) + NPT_PT) | P_WRITE, other_pt = (OWN(0) + OTHER_PT) | P_WRITE;

	/* No entry leads to these tables now. */
	table(NPT_PT, A, false);
	table(OTHER_PT, B, true);
	directory("a table", pt, a, false);
	leaf("a page became read-only", 1, a, 1, P_READ);
	leaf("a page became writable", 1, a, 1, P_WRITE);
	leaf("a page became another one", 2, b, 7, P_WRITE);
	leaf("a page went", 3, a, 3, 0);
	leaf("a page came", 3, b, 3, P_WRITE);
	directory("the table became a huge page", B | P_HUGE, b, false);
	table(NPT_PT, A, true);
	directory("the huge page became a table", pt, a, true);
	directory("the table became another one", other_pt, b, true);
	directory("the other table became a huge page", A | P_HUGE, a, false);
	directory("the huge page became another one", B | P_HUGE, b, false);
}

static void tags_of(bool huge, bool roots, bool pae)
{
	unsigned int i;

	a = memory(HUGE, huge);
	b = memory(HUGE, huge);
	fill(a);
	fill(b);
	l2_make(CPUS, true, L2_ROUNDS, roots, true, pae);
	vm_slot(&l2_vm, 2, A, HUGE, a, false);
	vm_slot(&l2_vm, 3, B, HUGE, b, false);
	for (i = 0; i < N; i++) {
		l2_cell(i, L2_DATA + i * PAGE);
		at[i] = b + i * PAGE;
		writable[i] = true;
		l2_next(i, *(uint32_t *)at[i], true);
	}
	svm_put(l2_own(0), DATA_PD, B | P_HUGE);
	l2_may_find();
	l2_finds("a huge page");
	l2_start(N);
	check("a huge page");
	for (i = 0; i < 2 * REPEAT; i++) {
		used = i & 1 ? P_USED : 0;
		changes();
	}
	l2_stop();
	printf("%s pages, %s, PAE %u: %u changes, %u rounds of L2\n", huge ? "huge" : "small",
	       roots ? "several roots" : "one root", pae, changed, l2_rounds());
	l2_free();
	munmap(a, HUGE);
	munmap(b, HUGE);
}

void nested_tags_smp(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		tags_of(i & 1, i & 2, i == 0 || i == 3);
}
