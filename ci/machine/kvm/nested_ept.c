// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/kvm/nested_ept.c - a nested guest finds what its tables, and L1's memory, say.
 * (-h: see below)
 *
 * Each page of a memslot has its number in it. L1 changes its nested page table, entries
 * of the last level or which table is the last one, and tells so by INVEPT; or takes away
 * an entry, or its right to write. L2, entered anew, reads and writes: it has to find
 * the page that the table says, or L1 the violation. The host has its own: the memory
 * is unmapped (it is shared, and stays what it is), the memslot is logged or not, and
 * comes and goes, where the host answers for it.
 */
#define _GNU_SOURCE
#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "vmx.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/files.h"
#include "../lib/words.h"

static const char help[] =
"nested_ept - a nested guest finds what its tables, and L1's memory, say.\n"
"\n"
"Usage:   nested_ept [ROUNDS]     default: 2000\n"
"Inputs:  /dev/kvm\n"
"Outputs: what was done, and the first thing that is wrong\n"
"Exit codes: 0 pass, 1 fail, 2 usage, 4 skipped: no VMX with EPT, or no nested one;\n"
"         254 the selftests' library found something\n";

#define SLOT		10
#define MEM		0xc0000000ULL
#define PAGES		512
#define WINDOW(t)	(0xc0400000ULL + (t) * 0x200000ULL)	/* where L2 sees it */
#define TABLES		2
#define CELLS		8		/* entries of each table */
#define EPT_GVA		0xd0000000ULL	/* L1 sees the tables there, and above them */
#define DIRECTORY	TABLES		/* the one that has both */
#define STACK		128
#define A_WHILE		8		/* rounds between two looks of the host */
#define NUMBER(page)	(0x7a670000ULL + (page))
#define EPT_VIOLATION	48

enum wrong { NONE, VALUE, WRITTEN, REASON };
static const char * const wrong_words[] = {
	"", "L2 read", "L1 finds, of what L2 wrote,", "the exit's reason is",
};

static struct kvm_vm *vm;
static uint8_t *mem;		/* the host's address */
static volatile bool done;
static unsigned long done_nr[4];

/* Guest. Its stacks begin as the selftests' library, or L1, has them. */
#define GUEST	__attribute__((force_align_arg_pointer))

/* L2 has no registers that it could rely on: it gets its job here. */
static volatile struct {
	uint64_t gva, write, got;
} job;

static void GUEST l2_code(void)
{
	if (job.write)
		((volatile uint64_t *)job.gva)[1] = job.write;
	else
		job.got = *(volatile uint64_t *)job.gva;
	vmcall();
}

static uint64_t random_state = 1;

static unsigned int any(unsigned int n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % n;
}

static void report(enum wrong what, uint64_t round, uint64_t got, uint64_t want)
{
	ucall(UCALL_SYNC, 4, (uint64_t)what, round, got, want);
}

static void flush_ept(void)
{
	struct {
		uint64_t eptp, zero;
	} all = { 0, 0 };

	asm volatile("invept %0, %1" : : "m"(all), "r"(2ULL) : "memory");
}

static unsigned long l2_stack[STACK];

/* L2 does its job; returns the reason why it ended. */
static uint64_t run_l2(uint64_t gva, uint64_t write)
{
	static bool launched;

	job.gva = gva;
	job.write = write;
	GUEST_ASSERT(!vmwrite(GUEST_RIP, (uint64_t)l2_code));
	GUEST_ASSERT(!vmwrite(GUEST_RSP, (uint64_t)&l2_stack[STACK - 1]));
	if (launched)
		GUEST_ASSERT(!vmresume());
	else
		GUEST_ASSERT(!vmlaunch());
	launched = true;
	return vmreadz(VM_EXIT_REASON);
}

static void GUEST l1_code(struct vmx_pages *vmx, uint64_t rounds)
{
	volatile uint64_t *table[TABLES + 1], *pde[TABLES], entry;
	unsigned int cell, t, page[TABLES][CELLS], shown[TABLES] = { 0, 1 }, i;
	uint64_t round, gva, reason;

	GUEST_ASSERT(prepare_for_vmx_operation(vmx));
	GUEST_ASSERT(load_vmcs(vmx));
	prepare_vmcs(vmx, l2_code, &l2_stack[STACK - 1]);
	for (i = 0; i <= TABLES; i++)
		table[i] = (void *)(EPT_GVA + i * 4096);
	for (t = 0; t < TABLES; t++) {
		pde[t] = &table[DIRECTORY][WINDOW(t) >> 21 & 511];
		for (i = 0; i < CELLS; i++)
			page[t][i] = i;
	}
	for (round = 0; round < rounds; round++) {
		/* The window w shows table t. */
		unsigned int w = any(TABLES);

		t = shown[w];
		cell = any(CELLS);
		gva = WINDOW(w) + cell * 4096;
		switch (any(6)) {
		case 0:
		case 1:		/* another page */
			page[t][cell] = any(PAGES);
			entry = table[t][cell] & 0xfff;
			table[t][cell] = (MEM + page[t][cell] * 4096) | entry;
			flush_ept();
			break;
		case 2:		/* the tables change places */
			entry = *pde[0];
			*pde[0] = *pde[1];
			*pde[1] = entry;
			shown[w] = shown[!w];
			shown[!w] = t;
			t = shown[w];
			flush_ept();
			break;
		case 3:		/* nothing there, for a while */
			entry = table[t][cell];
			table[t][cell] = 0;
			flush_ept();
			reason = run_l2(gva, 0);
			if (reason != EPT_VIOLATION)
				report(REASON, round, reason, EPT_VIOLATION);
			table[t][cell] = entry;
			break;
		case 4:		/* it may only read */
			entry = table[t][cell];
			table[t][cell] = entry & ~2ULL;
			flush_ept();
			reason = run_l2(gva, 1);
			if (reason != EPT_VIOLATION)
				report(REASON, round, reason, EPT_VIOLATION);
			table[t][cell] = entry;
			flush_ept();
			break;
		}
		if (any(2)) {
			reason = run_l2(gva, round + 1);
			i = page[t][cell];
			if (((volatile uint64_t *)(MEM + i * 4096))[1] != round + 1)
				report(WRITTEN, round,
				       ((volatile uint64_t *)(MEM + i * 4096))[1], round + 1);
		} else {
			reason = run_l2(gva, 0);
			if (reason == EXIT_REASON_VMCALL && job.got != NUMBER(page[t][cell]))
				report(VALUE, round, job.got, NUMBER(page[t][cell]));
		}
		if (reason != EXIT_REASON_VMCALL)
			report(REASON, round, reason, EXIT_REASON_VMCALL);
		if (round % A_WHILE == 0)
			report(NONE, round, 0, 0);
	}
	GUEST_DONE();
}

/* Host. The memslot, of that size: 0 is none. */
static void set_slot(uint64_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region m = {
		.slot = SLOT,
		.flags = flags,
		.guest_phys_addr = MEM,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem,
	};

	if (ioctl(vm_get_fd(vm), KVM_SET_USER_MEMORY_REGION, &m))
		TEST_FAIL("memslot of %llu bytes, flags %u: %s", (unsigned long long)size, flags,
			  strerror(errno));
}

static pthread_mutex_t disturbing = PTHREAD_MUTEX_INITIALIZER;

static void disturb(unsigned int what, unsigned int page)
{
	static uint32_t flags;

	pthread_mutex_lock(&disturbing);
	done_nr[what]++;
	switch (what) {
	case 0:
		madvise(mem + page % PAGES * 4096, 4096, MADV_DONTNEED);
		break;
	case 1:
		madvise(mem, PAGES * 4096, MADV_DONTNEED);
		break;
	case 2:
		flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		set_slot(PAGES * 4096, flags);
		break;
	case 3:
		set_slot(0, 0);
		usleep(page % 64);
		set_slot(PAGES * 4096, flags);
	}
	pthread_mutex_unlock(&disturbing);
}

static void *disturb_always(void *unused)
{
	unsigned int seed = 7;

	(void)unused;
	while (!done) {
		disturb(rand_r(&seed) % 4, rand_r(&seed));
		usleep(200);
	}
	return NULL;
}

/* The guest asked for memory where no memslot is: it lies here. */
static void answer(struct kvm_run *run)
{
	uint64_t at = run->mmio.phys_addr - MEM;

	TEST_ASSERT(at < PAGES * 4096, "the guest asks for %#llx",
		    (unsigned long long)run->mmio.phys_addr);
	if (run->mmio.is_write)
		memcpy(mem + at, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, mem + at, run->mmio.len);
}

/* Runs the guest to its end, or to what is wrong. Returns the number of answers. */
static unsigned long run(void)
{
	struct kvm_run *run = vcpu_state(vm, 0);
	unsigned long answers = 0;
	struct ucall uc;
	unsigned int seed = 5;

	for (;;) {
		vcpu_run(vm, 0);
		if (run->exit_reason == KVM_EXIT_MMIO) {
			answer(run);
			answers++;
			continue;
		}
		switch (get_ucall(vm, 0, &uc)) {
		case UCALL_SYNC:
			if (uc.args[0] != NONE) {
				complain("round %lu: %s %#lx, not %#lx", uc.args[1],
					 wrong_words[uc.args[0]], uc.args[2], uc.args[3]);
				return answers;
			}
			disturb(rand_r(&seed) % 4, rand_r(&seed));
			break;
		case UCALL_DONE:
			return answers;
		case UCALL_ABORT:
			TEST_FAIL("%s at line %lu", (const char *)uc.args[0], uc.args[1]);
		default:
			TEST_FAIL("ucall %lu, exit reason %u", uc.cmd, run->exit_reason);
		}
	}
}

/* The guest-physical address that an entry of a table leads to. */
static uint64_t next_table(uint64_t table, unsigned int index)
{
	return ((uint64_t *)addr_gpa2hva(vm, table))[index] & 0xffffffffff000ULL;
}

static void make_tables(struct vmx_pages *vmx)
{
	uint64_t directory;
	unsigned int t;

	prepare_eptp(vmx, vm, 0);
	directory = 0;
	for (t = 0; t < TABLES; t++) {
		nested_map(vmx, vm, WINDOW(t), MEM, CELLS * 4096, 0);
		virt_map(vm, WINDOW(t), WINDOW(t), CELLS, 0);
		directory = next_table(next_table(vmx->eptp_gpa, WINDOW(t) >> 39 & 511),
				       WINDOW(t) >> 30 & 511);
		virt_map(vm, EPT_GVA + t * 4096, next_table(directory, WINDOW(t) >> 21 & 511), 1, 0);
	}
	virt_map(vm, EPT_GVA + DIRECTORY * 4096, directory, 1, 0);
	/* At the end: with the page tables that were made meanwhile. */
	nested_map_memslot(vmx, vm, 0, 0);
}

int main(int argc, char **argv)
{
	unsigned long rounds = 2000, answers;
	struct vmx_pages *vmx;
	vm_vaddr_t vmx_gva;
	pthread_t other;
	char *end;
	int i, fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		fputs(help, stdout);
		return EX_PASS;
	}
	if (argc == 2) {
		errno = 0;
		rounds = strtoul(argv[1], &end, 10);
	}
	if (argc > 2 || (argc == 2 && (errno || *end || end == argv[1] || !rounds)))
		refuse("a number of rounds, and nothing else: see -h");
	if (!parameter_on("kvm_intel", "ept") || !parameter_on("kvm_intel", "nested"))
		skip("no VMX with EPT, or no nested one");
	fd = memfd_create("nested_ept", 0);
	if (fd < 0 || ftruncate(fd, PAGES * 4096))
		fail("memfd: %s", strerror(errno));
	mem = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TEST_ASSERT(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < PAGES; i++)
		*(uint64_t *)(mem + i * 4096) = NUMBER(i);

	vm = vm_create_default(0, 0, l1_code);
	vcpu_set_cpuid(vm, 0, kvm_get_supported_cpuid());
	vmx = vcpu_alloc_vmx(vm, &vmx_gva);
	set_slot(PAGES * 4096, 0);
	virt_map(vm, MEM, MEM, PAGES, 0);
	make_tables(vmx);
	vcpu_args_set(vm, 0, 2, vmx_gva, rounds);

	TEST_ASSERT(!pthread_create(&other, NULL, disturb_always, NULL), "no thread");
	answers = run();
	done = true;
	pthread_join(other, NULL);
	for (i = 0; i < PAGES && !complained; i++)
		if (*(uint64_t *)(mem + i * 4096) != NUMBER(i))
			complain("page %d has %#lx, not its number", i, *(uint64_t *)(mem + i * 4096));
	printf("%lu rounds; a page was unmapped %lu times, all %lu, the log switched %lu, the memslot deleted %lu, %lu accesses were answered meanwhile\n",
	       rounds, done_nr[0], done_nr[1], done_nr[2], done_nr[3], answers);
	kvm_vm_free(vm);
	return complained ? EX_FAIL : EX_PASS;
}
