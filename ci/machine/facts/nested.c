// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nested.c - a hypervisor L1, in long mode, changes the nested page table of
 * its guest L2, which KVM shadows: AMD only.
 *
 * L1's memory is in three memslots: what it needs for itself, with the nested page table,
 * at 0; A at 1 GiB; B behind it. L2 has A or B, or single pages of them, in 2 MiB at DATA.
 * After each change L1 has the TLB flushed; what L2 finds then has to be what its page
 * table says. Between the change and L2 the host may do something to L1's memory that
 * nobody in there may notice.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/mman.h>

#include "nested.h"

#define A		GIB
#define B		(GIB + HUGE)
#define DATA		HUGE		/* L2's address */
#define N		8U		/* pages at DATA that L2 uses */

/* The nested page table, in L1's memory; more is in facts/svm.c. */
#define PML4		0x20000
#define PDPT		0x21000
#define PD		0x22000
#define PT		0x23000
#define OTHER_PT	0x24000
#define INVLPGA_CODE	0x8000

/* mov (%edi),%eax; test %esi,%esi; jz 1f; mov %esi,(%edi); 1: hlt */
static const uint8_t l2_code[] = {
	0x66, 0x67, 0x8b, 0x07, 0x66, 0x85, 0xf6, 0x74, 0x04, 0x66, 0x67, 0x89, 0x37, 0xf4,
};
/* mov %rdi,%rax; mov $1,%ecx; invlpga %rax,%ecx; out %al,$VM_PORT */
static const uint8_t invlpga_code[] = {
	0x48, 0x89, 0xf8, 0xb9, 1, 0, 0, 0, 0x0f, 0x01, 0xdf, 0xe6, VM_PORT,
};

static struct vm vm;
static uint8_t *a, *b;
static uint8_t *at[N];			/* what L2 has to find, NULL: nothing */
static bool writable[N];
static uint32_t tags;
static const char *between;		/* what the host does */
static bool logging, vmcb_flushes;
static uint64_t used;			/* P_USED, if L1 sets these bits itself */

static uint64_t *page(uint8_t *mem, unsigned int i)
{
	return (uint64_t *)(mem + i * PAGE);
}

static void new_tags(uint8_t *mem)
{
	unsigned int i;

	for (i = 0; i < HUGE / PAGE; i++)
		*page(mem, i) = ++tags;
}

/* L2 reads a page, and writes it if there is a tag. Returns what its exit was. */
static uint64_t l2(unsigned int i, uint32_t tag, uint32_t *got)
{
	svm_put(vm.low, SVM_SAVE + 0x178, SVM_L2_CODE);
	svm_put(vm.low, SVM_SAVE + 0x1f8, 0);			/* RAX */
	vm_step(&vm, SVM_L1_CODE, DATA + i * PAGE, tag);
	*got = svm_get(vm.low, SVM_SAVE + 0x1f8);
	return svm_get(vm.low, SVM_VMCB + 0x70);
}

static void expect_exit(const char *when, unsigned int i, bool write, uint64_t exit)
{
	uint64_t info = svm_get(vm.low, SVM_VMCB + 0x78), gpa = svm_get(vm.low, SVM_VMCB + 0x80);
	bool fault = write ? !writable[i] : !at[i];

	if (exit != (fault ? SVM_EXIT_NPF : SVM_EXIT_HLT) ||
	    (fault && (gpa != DATA + i * PAGE || !(info & 2) != !write)))
		fail("%s, host: %s: L2 %s page %u and left with %#llx, information %#llx %#llx", when,
		     between, write ? "wrote" : "read", i, (unsigned long long)exit,
		     (unsigned long long)info, (unsigned long long)gpa);
}

/* Can L2 read what it has to find, and write where it may, and there only? */
static void check(const char *when)
{
	unsigned int i, round;
	uint32_t got, want;

	for (round = 0; round < 2; round++)
		for (i = 0; i < N; i++) {
			expect_exit(when, i, false, l2(i, 0, &got));
			want = at[i] ? *(uint32_t *)at[i] : 0;
			if (at[i] && got != want)
				fail("%s, host: %s: page %u holds %#x, not %#x", when, between, i, got,
				     want);
			if (!at[i])
				continue;
			tags++;
			expect_exit(when, i, true, l2(i, tags, &got));
			want = writable[i] ? tags : want;
			got = *(volatile uint32_t *)at[i];
			if (got != want)
				fail("%s, host: %s: L2 wrote page %u%s, where %#x is, not %#x", when,
				     between, i, writable[i] ? "" : ", which it may not", got, want);
		}
}

static void host_gives_back(void)
{
	if (madvise(a, HUGE, MADV_DONTNEED) || madvise(b, HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	new_tags(a);
	new_tags(b);
}

static void set_logging(bool on)
{
	logging = on;
	vm_slot(&vm, 0, 0, HUGE, vm.low, on);
	vm_slot(&vm, 1, A, HUGE, a, on);
	vm_slot(&vm, 2, B, HUGE, b, on);
}

static void host_switches_logging(void)
{
	set_logging(!logging);
}

static void host_rests(void)
{
}

/* The host reads and clears the log of all. */
static void host_reads_log(void)
{
	if (!logging)
		set_logging(true);
	vm_dirty(&vm, 0, HUGE);
	vm_dirty(&vm, 1, HUGE);
	vm_dirty(&vm, 2, HUGE);
}

static void (*host)(void);

/* L1 writes an entry, by which L2 finds gpa. */
static void l1_sets(uint64_t entry, uint64_t value, uint64_t gpa)
{
	vm_write(&vm, entry, value);
	if (vmcb_flushes)
		vm.low[SVM_VMCB + 0x5c] = 1;			/* TLB_CONTROL: flush all */
	else
		vm_step(&vm, INVLPGA_CODE, gpa, 0);
	host();
}

static void leaf(unsigned int i, uint8_t *mem, unsigned int j, uint64_t flags)
{
	at[i] = flags ? mem + j * PAGE : NULL;
	writable[i] = flags & 2;
	l1_sets(PT + i * 8, flags ? ((mem == a ? A : B) + j * PAGE) | flags | used : 0, DATA + i * PAGE);
}

/* All of L2's pages in another way. */
static void directory(uint64_t entry, uint8_t *mem, bool backwards)
{
	unsigned int i;

	for (i = 0; i < N; i++) {
		at[i] = mem + (backwards ? N - 1 - i : i) * PAGE;
		writable[i] = true;
	}
	l1_sets(PD + 8, entry, DATA);
}

static void changes(void)
{
	unsigned int i;

	for (i = 0; i < N; i++) {
		vm_write(&vm, PT + i * 8, (A + i * PAGE) | P_WRITE | used);
		vm_write(&vm, OTHER_PT + i * 8, (B + (N - 1 - i) * PAGE) | P_WRITE | used);
	}
	directory(PT | P_WRITE, a, false);
	check("a table");
	leaf(1, a, 1, P_READ);
	check("a page became read-only");
	leaf(1, a, 1, P_WRITE);
	check("a page became writable");
	leaf(2, b, 7, P_WRITE);
	check("a page became another one");
	leaf(3, a, 3, 0);
	check("a page went");
	directory(B | P_HUGE, b, false);
	check("the table became a huge page");
	/* The table is L1's memory like any other now. */
	for (i = 0; i < N; i++)
		vm_write(&vm, PT + i * 8, (A + (N - 1 - i) * PAGE) | P_WRITE | used);
	directory(PT | P_WRITE, a, true);
	check("the huge page became a table");
	directory(OTHER_PT | P_WRITE, b, true);
	check("the table became another one");
	directory(A | P_HUGE, a, false);
	check("the other table became a huge page");
	directory(B | P_HUGE, b, false);
	check("the huge page became another one");
}

/* As many pages are dirty as L2 wrote, each time. */
static void nested_log(void)
{
	unsigned int round, i, dirty;
	uint32_t got;

	between = "counts dirty pages";
	set_logging(true);
	for (round = 1; round < 4; round++) {
		for (i = 0; i < round; i++)
			expect_exit("a huge page with a log", i, true, l2(i, ++tags, &got));
		dirty = vm_dirty(&vm, 2, HUGE);
		if (dirty != round)
			fail("%u pages are dirty, of %u that L2 wrote", dirty, round);
	}
	set_logging(false);
}

static void tags_of(bool huge)
{
	static const struct {
		const char *name;
		void (*does)(void);
	} hosts[] = {
		{ "nothing", host_rests }, { "gives memory back", host_gives_back },
		{ "switches the dirty log", host_switches_logging },
		{ "reads the dirty log", host_reads_log },
	};
	unsigned int i;

	vm_make(&vm);
	svm_enable(vm.vcpu, 0);
	a = memory(HUGE, huge);
	b = memory(HUGE, huge);
	new_tags(a);
	new_tags(b);
	vm_slot(&vm, 1, A, HUGE, a, false);
	vm_slot(&vm, 2, B, HUGE, b, false);
	svm_make(vm.low, 0, PML4, l2_code, sizeof(l2_code));
	memcpy(vm.low + INVLPGA_CODE, invlpga_code, sizeof(invlpga_code));
	svm_put(vm.low, PML4, PDPT | P_WRITE);
	svm_put(vm.low, PDPT, PD | P_WRITE);
	svm_put(vm.low, PD, P_HUGE);
	for (i = 0; i < 4 * sizeof(hosts) / sizeof(*hosts); i++) {
		between = hosts[i / 4].name;
		host = hosts[i / 4].does;
		vmcb_flushes = i & 1;
		used = i & 2 ? P_USED : 0;
		vm.low[SVM_VMCB + 0x5c] = 0;
		changes();
		if (logging)
			set_logging(false);
	}
	nested_log();
	vm_free(&vm);
	munmap(a, HUGE);
	munmap(b, HUGE);
}

void nested_tags(void)
{
	tags_of(false);
	tags_of(true);
}
