// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/facts/nested-l2.c - guests L2 on several vCPUs, which check what they read: see
 * facts/nested.h.
 *
 * Neither L1 nor L2 leaves to the host while all is well, but for memory that is not there:
 * what is missing in KVM, a flush or the word to a vCPU that its root has gone, is not
 * hidden by an exit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "nested.h"

#define STANDSTILL_S	30

static struct l2 {
	struct vm vm;
	pthread_t thread;
	uint64_t base;
	uint8_t *own;
	unsigned int k, emulated;
} l2s[L2_CPUS];

struct vm l2_vm;
static uint8_t *owns;
static unsigned int nr, rounds;
static uint64_t root_bits;
static bool l1_gets_faults;
static volatile struct shared *shared;
static uint32_t next_tag[L2_CELLS];
static volatile bool may_write[L2_CELLS][2];	/* as it was, as it will be */
static const char *last = "the start";		/* of all changes */

uint8_t *l2_own(unsigned int k)
{
	return owns + k * HUGE;
}

static volatile uint32_t *own_word(struct l2 *l2, unsigned int at)
{
	return (volatile uint32_t *)(l2->own + at);
}

/* L1 sees a fault of L2's: where it reads nothing, or may not write. */
static void l1_fault(struct l2 *l2, const struct kvm_regs *r, uint64_t rip)
{
	uint64_t info = svm_get(l2->own, SVM_VMCB + 0x78), gpa = svm_get(l2->own, SVM_VMCB + 0x80);
	bool write = rip == SVM_L2_CODE + (uint64_t)(l2_write - l2_begin);
	unsigned int i = r->rdi;

	if (!l1_gets_faults || i >= L2_CELLS || (gpa ^ r->rbx) & ~(PAGE - 1) || !(info & 2) != !write ||
	    (!write && rip != SVM_L2_CODE + (uint64_t)(l2_read - l2_begin)) ||
	    (write && may_write[i][0] && may_write[i][1]))
		fail("%s: L2 %u, cell %u at %#llx, RIP %#llx: a nested page fault, information %#llx %#llx",
		     last, l2->k, i, r->rbx, (unsigned long long)rip, (unsigned long long)info,
		     (unsigned long long)gpa);
	if (!write)
		svm_put(l2->own, SVM_SAVE + 0x1f8, L2_ABSENT);		/* RAX */
	svm_put(l2->own, SVM_SAVE + 0x178,
		SVM_L2_CODE + ((write ? l2_have_written : l2_have_read) - l2_begin));
}

/* Returns false at the end. */
static bool l1_left(struct l2 *l2)
{
	uint64_t exit = svm_get(l2->own, SVM_VMCB + 0x70);
	uint64_t rip = svm_get(l2->own, SVM_SAVE + 0x178);
	struct kvm_regs r;

	if (exit == SVM_EXIT_VMMCALL)
		return false;
	call(l2->vm.vcpu, KVM_GET_REGS, "KVM_GET_REGS", &r);
	if (exit == SVM_EXIT_HLT)
		fail("%s: L2 %u found %#x in cell %u at %#llx, where %#x or %#x has to be", last, l2->k,
		     (uint32_t)svm_get(l2->own, SVM_SAVE + 0x1f8), (unsigned int)r.rdi, r.rbx,
		     shared->tag[r.rdi % L2_CELLS][0], shared->tag[r.rdi % L2_CELLS][1]);
	if (exit != SVM_EXIT_NPF)
		fail("%s: L2 %u left with %#llx, RIP %#llx", last, l2->k, (unsigned long long)exit,
		     (unsigned long long)rip);
	l1_fault(l2, &r, rip);
	return true;
}

static void *run(void *p)
{
	struct l2 *l2 = p;
	struct kvm_run *run = l2->vm.run;
	struct kvm_regs r = {
		.rip = l2->base + L1_CODE, .rflags = 2, .r8 = l2->base + SVM_VMCB, .r9 = l2->base,
		.r10 = root_bits, .r11 = rounds, .rdx = 4 * l2->k,
	};

	call(l2->vm.vcpu, KVM_SET_REGS, "KVM_SET_REGS", &r);
	for (;;) {
		while (ioctl(l2->vm.vcpu, KVM_RUN, NULL))
			if (errno != EINTR && errno != EAGAIN)
				fail("%s: KVM_RUN of L2 %u: %s", last, l2->k, strerror(errno));
		if (run->exit_reason == KVM_EXIT_MMIO) {
			if (!run->mmio.is_write)
				memcpy(run->mmio.data, &(uint64_t){ VM_NOWHERE }, 8);
			l2->emulated++;
		} else if (run->exit_reason != KVM_EXIT_IO || run->io.port != VM_PORT) {
			fail("%s: L2 %u left with reason %u", last, l2->k, run->exit_reason);
		} else if (!l1_left(l2)) {
			return NULL;
		}
	}
}

static void make_tables(uint8_t *own, uint64_t base)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		svm_put(own, NPT_ROOTS + i * PAGE, (base + NPT_PDPT) | P_WRITE);
	svm_put(own, NPT_PDPT, (base + NPT_PD) | P_WRITE);
	for (i = 0; i <= L2_CPUS; i++)
		svm_put(own, NPT_PD + i * 8, i * HUGE | P_HUGE);
}

static void make_l2(struct l2 *l2, unsigned int k, uint64_t tables, bool pae)
{
	l2->k = k;
	l2->emulated = 0;
	l2->base = OWN(k);
	l2->own = l2_own(k);
	vm_more(&l2->vm, &l2_vm, k + 1);
	svm_enable(l2->vm.vcpu, l2->base);
	svm_make(l2->own, l2->base, tables + NPT_ROOTS, l2_begin, l2_end - l2_begin);
	svm_put(l2->own, SVM_SAVE + 16 * 1 + 8, l2->base);		/* CS */
	svm_put(l2->own, SVM_SAVE + 16 * 0 + 8, l2->base);		/* ES */
	svm_put(l2->own, SVM_SAVE + 0x148, pae ? 0x20 : 0);		/* CR4 */
	memcpy(l2->own + L1_CODE, l1_begin, l1_end - l1_begin);
	make_tables(l2->own, l2->base);
}

void l2_make(unsigned int n, bool one_table, unsigned int for_rounds, bool roots, bool faults,
	     bool pae)
{
	unsigned int k;

	nr = n;
	rounds = for_rounds;
	root_bits = roots ? 7 * PAGE : 0;
	l1_gets_faults = faults;
	vm_make(&l2_vm);
	shared = (volatile struct shared *)(l2_vm.low + SHARED);
	owns = memory(L2_CPUS * HUGE, false);
	vm_slot(&l2_vm, OWN_SLOT, OWN(0), L2_CPUS * HUGE, owns, false);
	for (k = 0; k < L2_CPUS; k++)
		vm_window(&l2_vm, 1 + k, OWN(k));
	for (k = 0; k < n; k++)
		make_l2(&l2s[k], k, OWN(one_table ? 0 : k), pae);
}

void l2_free(void)
{
	unsigned int k;

	for (k = 0; k < nr; k++)
		vm_less(&l2s[k].vm);
	vm_free(&l2_vm);
	munmap(owns, L2_CPUS * HUGE);
}

void l2_cell(unsigned int i, uint32_t address)
{
	shared->address[i] = address;
}

void l2_start(unsigned int cells)
{
	unsigned int k;

	shared->cells = cells;
	for (k = 0; k < nr; k++)
		if (pthread_create(&l2s[k].thread, NULL, run, &l2s[k]))
			fail("no thread");
}

void l2_stop(void)
{
	unsigned int k;

	shared->flag = STOP;
	for (k = 0; k < nr; k++)
		pthread_join(l2s[k].thread, NULL);
}

void l2_next(unsigned int i, uint32_t tag, bool writable)
{
	next_tag[i] = tag;
	may_write[i][1] = writable;
}

static void set_tags(unsigned int which)
{
	unsigned int i;

	__atomic_add_fetch(&shared->generation, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < L2_CELLS; i++)
		shared->tag[i][which] = next_tag[i];
	__atomic_add_fetch(&shared->generation, 1, __ATOMIC_SEQ_CST);
}

void l2_may_find(void)
{
	set_tags(1);
}

void l2_finds(const char *when)
{
	unsigned int i;

	last = when;
	for (i = 0; i < L2_CELLS; i++)
		may_write[i][0] = may_write[i][1];
	set_tags(0);
}

/* Until a word of each L2's has come to a value, or has gone on by as much. */
static void await(unsigned int at, uint32_t value, bool by)
{
	time_t end = time(NULL) + STANDSTILL_S;
	unsigned int k;

	for (k = 0; k < nr; k++) {
		uint32_t first = by ? *own_word(&l2s[k], at) : 0;

		while (by ? *own_word(&l2s[k], at) - first < value : *own_word(&l2s[k], at) != value) {
			if (time(NULL) > end)
				fail("%s: L2 %u does not go on", last, k);
			usleep(100);
		}
	}
}

void l2_flush(void)
{
	await(SEEN_FLAG, ++shared->flag, false);
}

void l2_settle(void)
{
	await(ROUNDS, 2, true);
}

uint32_t l2_word(const uint8_t *mem, unsigned int k)
{
	return *(const volatile uint32_t *)(mem + 8 + 4 * k);
}

unsigned int l2_rounds(void)
{
	unsigned int k, n = 0;

	for (k = 0; k < nr; k++)
		n += *own_word(&l2s[k], ROUNDS);
	return n;
}

unsigned int l2_emulated(void)
{
	unsigned int k, n = 0;

	for (k = 0; k < nr; k++)
		n += l2s[k].emulated;
	return n;
}
