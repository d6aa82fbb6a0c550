// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/main.c - facts about KVM's MMU, one at a time. (-h: see below) */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "facts.h"

static const char help[] =
"facts - is a fact about KVM's MMU true? Each is a few steps of one vCPU.\n"
"\n"
"Usage:   facts FACT\n"
"         large-pages     the counter largepages of a VM counts its huge mappings,\n"
"                         goes down when one is split, and is 0 as soon as the\n"
"                         memslot is deleted, before a vCPU has run again\n"
"         table-levels    a page table of the TDP MMU has the level of its entries,\n"
"                         1 to 3 below a root of four levels, 1 to 4 below one of five\n"
"         removed-gfns    when a table goes, each entry that it had is reported\n"
"                         with its own gfn, once\n"
"         beyond-host     no memslot where the host cannot address memory\n"
"         beyond-root     memory that a root of four levels does not reach is not\n"
"                         taken for other memory; wants a CPU with 52 address bits\n"
"         tables-freed    a VM that is gone has left no page table\n"
"         unmap-invalid   memory that the host drops while a memslot is being\n"
"                         deleted is not mapped any more; wants a kernel in which\n"
"                         the deletion takes 3 s\n"
"         fast-faults     a write to a page that the dirty log has write-protected is\n"
"                         made possible without mmu_lock, and logged\n"
"         cr0-wp          a guest that sets and clears CR0.WP keeps its mappings\n"
"         roots-kept      so does one whose only vCPU gives up its root and comes back\n"
"         unmap-yields    a root may go while memory is unmapped from it; wants a\n"
"                         kernel in which that sleeps for 2 s at 1 GiB and 32 KiB\n"
"         fault-invalid   a fault that began before a memslot was deleted maps its\n"
"                         page once; wants a kernel in which that takes 2 s, and a\n"
"                         fault at 3 GiB 1 s\n"
"         five-levels     a guest with page tables of five levels finds its memory\n"
"         pae-l1          a hypervisor with PAE paging runs its guest, with nested\n"
"                         paging, and gets the CPU back; AMD\n"
"         shadow-gfn      a huge page of the guest's that becomes another one, without\n"
"                         KVM's knowledge, shows that one, and goes with it\n"
"         shadow-role     so does one that becomes a page table at the same address\n"
"         smm-tracking    a write from SMM to a page table of the guest's, which KVM\n"
"                         shadows, does no harm\n"
"         flushes         each operation that owes the vCPU a TLB flush asks it for\n"
"                         one, and none does that owes none: see facts/flushes.c; with\n"
"                         PML or without A/D bits it is another list\n"
"         log-edges       the dirty log misses no write and invents none, at the edges\n"
"                         of memslots, huge pages and words, in every mode of the log,\n"
"                         with every kind of page\n"
"         huge-return     huge pages that the dirty log has split come back when it\n"
"                         ends, and what cannot be huge stays mapped\n"
"         smm-shadow      SMM has no interrupt shadow, and RSM brings back the one that\n"
"                         the SMI came in\n"
"         smm-space       what is done with the memory of SMM's address space is not\n"
"                         seen in the other one, nor the other way round\n"
"         smm-nowhere     memory that SMM's address space, or the other one, gets is not\n"
"                         taken for what was not there before\n"
"         nested-tags     a guest's guest finds what the nested page table says that its\n"
"                         hypervisor changes; AMD\n"
"         nested-tags-smp so do guests' guests on two CPUs, while a third changes the\n"
"                         table that they run on, and has them flush; AMD\n"
"         nested-slots    two guests' guests, entered all the time, find what their\n"
"                         memory holds, beside changes of all memslots; AMD\n"
"         oom-reaper      the OOM reaper takes a VM's memory from KVM, too, and another\n"
"                         VM goes on\n"
"         unmap-race      a page that the host drops and fills anew is seen as it is then\n"
"         nx-logged       NX huge pages that cannot be recovered, for they are logged,\n"
"                         stay mapped; wants a kernel that tries each second\n"
"         nx-whole        with NX huge pages forced, and where small pages were, the\n"
"                         guest gets a huge page that it does not execute from\n"
"         slot-starve     a memslot comes and goes while invalidations follow each other\n"
"                         closely; wants a kernel in which each takes 20 ms, and who\n"
"                         waits for their end is late by 10 ms\n"
"         change-pte      change_pte() outside of an invalidation does no harm: where\n"
"                         a kernel calls it so, as openEuler's does\n"
"         idle-pages      etmem of openEuler finds the pages that the guest used since\n"
"                         it looked last; with NPT it finds none, see facts/host.c\n"
"Inputs:  /dev/kvm, debugfs, tracefs, /modules/etmem_scan.ko; root\n"
"Outputs: a line on stdout: ok or not ok, and why\n"
"Exit codes: 0 it is true, 1 it is not, 2 usage, 4 cannot be asked here\n";

void *memory(size_t size, bool huge)
{
	uint8_t *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *start;
	size_t i;

	if (p == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	start = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	if (start != p)
		munmap(p, start - p);
	munmap(start + size, p + size + HUGE - (start + size));
	if (madvise(start, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		skip("madvise: %s", strerror(errno));
	for (i = 0; i < size; i += PAGE)
		*(volatile uint64_t *)(start + i) = 0;
	return start;
}

size_t huge_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[200];
	size_t kib = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "AnonHugePages: %zu", &kib);
	if (f)
		fclose(f);
	return kib << 10;
}

static unsigned int address_bits(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
}

#define VMS	16		/* one after the other */
#define PAGES	16		/* small ones */
#define N	8U		/* huge pages */
#define SPLIT	3U		/* of them */

/* A VM with N huge pages from 1 GiB on, in windows 1 to N, all of them mapped. */
static uint8_t *huge_vm(struct vm *vm)
{
	uint8_t *hva;
	unsigned int i;

	vm_make(vm);
	hva = memory(N * HUGE, true);
	if (huge_bytes() < N * HUGE)
		skip("%zu bytes in huge pages, not %lu", huge_bytes(), N * HUGE);
	vm_slot(vm, 1, GIB, N * HUGE, hva, false);
	for (i = 0; i < N; i++) {
		vm_window(vm, 1 + i, GIB + i * HUGE);
		vm_write(vm, (1 + i) * HUGE + i * PAGE, i);
	}
	return hva;
}

static void expect_large(const struct vm *vm, long long want, const char *when)
{
	long long got = vm_stat(vm, "largepages");

	if (got != want)
		fail("largepages is %lld %s, not %lld", got, when, want);
}

static void large_pages(void)
{
	struct vm vm;
	uint8_t *hva = huge_vm(&vm);
	unsigned int i;

	expect_large(&vm, N, "when all are mapped");
	vm_slot(&vm, 1, GIB, N * HUGE, hva, true);
	for (i = 0; i < SPLIT; i++)
		vm_write(&vm, (1 + i) * HUGE, 1);
	expect_large(&vm, N - SPLIT, "when some are split");
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	expect_large(&vm, 0, "when the memslot is deleted");
	vm_free(&vm);
}

/* A VM with a memslot of small pages at 1 GiB, in window 1. Returns its memory. */
static uint8_t *slot_vm(struct vm *vm, bool log)
{
	uint8_t *hva = memory(HUGE, false);

	vm_make(vm);
	vm_slot(vm, 1, GIB, HUGE, hva, log);
	vm_window(vm, 1, GIB);
	return hva;
}

/* The same, with the first PAGES pages mapped. */
static uint8_t *small_vm(struct vm *vm, bool log)
{
	uint8_t *hva = slot_vm(vm, log);
	int i;

	for (i = 0; i < PAGES; i++)
		vm_write(vm, HUGE + i * PAGE, 1);
	return hva;
}

/* Is it only the TDP MMU that can be asked? */
static void want_tdp_mmu(void)
{
	if (!parameter_on("kvm", "tdp_mmu"))
		skip("kvm.tdp_mmu is off");
}

static const char * const zap_events[] = { "kvmmmu/kvm_mmu_prepare_zap_page", NULL };

static void table_levels(void)
{
	unsigned int level, seen[8] = { 0 }, i, top = host_la57() ? 4 : 3;
	struct vm vm;
	char *p;

	want_tdp_mmu();
	slot_vm(&vm, false);
	vm_write(&vm, HUGE, 1);
	trace_start(zap_events);
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	for (p = trace_stop(zap_events); (p = strstr(p, "kvm_mmu_prepare_zap_page: ")); p++)
		if (sscanf(p, "kvm_mmu_prepare_zap_page: sp gen %*u gfn %*x l%u", &level) == 1)
			seen[level & 7]++;
	for (i = 0; i < 8; i++)
		if (!seen[i] != (i < 1 || i > top))
			fail("%u tables of level %u; levels 1, 2, 3, 4 are %u, %u, %u, %u", seen[i], i,
			     seen[1], seen[2], seen[3], seen[4]);
	vm_free(&vm);
}

static const char * const spte_events[] = { "kvmmmu/kvm_tdp_mmu_spte_changed", NULL };
#define EVENT "kvm_tdp_mmu_spte_changed:"

static void removed_gfns(void)
{
	static const unsigned int pages[] = { 5, 7, 100, 511 };
	unsigned int seen[HUGE / PAGE] = { 0 }, level, i;
	unsigned long long gfn, old, new;
	struct vm vm;
	char *p;

	want_tdp_mmu();
	slot_vm(&vm, false);
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		vm_write(&vm, HUGE + pages[i] * PAGE, 1);
	trace_start(spte_events);
	vm_slot(&vm, 1, GIB, 0, NULL, false);
	for (p = trace_stop(spte_events); (p = strstr(p, EVENT)); p++) {
		if (sscanf(p, EVENT " as id %*d gfn %llx level %u old_spte %llx new_spte %llx",
			   &gfn, &level, &old, &new) != 4)
			fail("no such event is known: %.120s", p);
		if (level != 1 || !(old & 1) || (new & 1) || gfn < HUGE / PAGE)
			continue;
		gfn -= GIB / PAGE;
		if (gfn >= HUGE / PAGE)
			fail("gfn %#llx was removed, which was not mapped", gfn + GIB / PAGE);
		seen[gfn]++;
	}
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (seen[pages[i]] != 1)
			fail("page %u was removed %u times", pages[i], seen[pages[i]]);
	vm_free(&vm);
}

static void beyond_host(void)
{
	uint64_t limit = 1ULL << address_bits();
	uint8_t *hva;
	struct vm vm;
	int e;

	vm_make(&vm);
	hva = memory(HUGE, false);
	vm_slot(&vm, 1, limit - HUGE, HUGE, hva, false);
	vm_slot(&vm, 1, limit - HUGE, 0, NULL, false);
	e = vm_try_slot(&vm, 1, limit, HUGE, hva, false);
	if (e != EINVAL)
		fail("a memslot at bit %u: %s", address_bits(), e ? strerror(e) : "accepted");
	vm_free(&vm);
}

static void beyond_root(void)
{
	uint64_t *near, *far, got;
	struct vm vm;

	if (address_bits() < 49)
		skip("%u address bits", address_bits());
	vm_make(&vm);
	near = memory(HUGE, false);
	far = memory(HUGE, false);
	*near = 1;
	*far = 2;
	vm_slot(&vm, 1, GIB, HUGE, near, false);
	vm_slot(&vm, 2, GIB | 1ULL << 48, HUGE, far, false);
	vm_window(&vm, 1, GIB | 1ULL << 48);
	vm_window(&vm, 2, GIB);
	got = vm_read(&vm, HUGE);
	if (got != *far)
		fail("the far memory reads %llu", (unsigned long long)got);
	got = vm_read(&vm, 2 * HUGE);
	if (got != *near)
		fail("the near memory reads %llu, what the far memory holds", (unsigned long long)got);
	vm_free(&vm);
}

#define HEADERS "kvm_mmu_page_header"	/* the slab cache, one for each page table */

static void tables_freed(void)
{
	long long before = slab_objects(HEADERS), after = -1;
	struct vm vm;
	int i;

	if (before < 0)
		skip(SLABS "/" HEADERS ": no such slab");
	for (i = 0; i < VMS; i++) {
		vm_make(&vm);
		vm_read(&vm, 0);
		vm_free(&vm);
	}
	/* They are freed by RCU. */
	for (i = 0; i < 100; i++) {
		after = slab_objects(HEADERS);
		if (after <= before)
			break;
		usleep(100000);
	}
	printf("%u bits, %lld page tables before, %lld after\n", address_bits(), before, after);
	if (after > before)
		fail("%lld page tables of %d VMs were not freed", after - before, VMS);
}

static void five_levels(void)
{
	uint64_t *hva = memory(HUGE, false), got;
	struct vm vm;

	vm_make(&vm);
	vm_slot(&vm, 1, GIB, HUGE, hva, false);
	vm_window(&vm, 1, GIB);
	if (!vm_five_levels(&vm))
		skip("this host has no page tables of five levels");
	vm_write(&vm, BIT_48 + HUGE, 1);
	if (*hva != 1)
		fail("what the guest wrote is not there: %llu", (unsigned long long)*hva);
	*hva = 2;
	got = vm_read(&vm, HUGE);
	if (got != 2)
		fail("the guest reads %llu", (unsigned long long)got);
	vm_free(&vm);
}

static void *delete_slot_2(void *vm)
{
	vm_slot(vm, 2, 2 * GIB, 0, NULL, false);
	return NULL;
}

static void unmap_invalid(void)
{
	pthread_t thread;
	uint8_t *hva, *other;
	struct vm vm;

	hva = huge_vm(&vm);
	other = memory(HUGE, false);
	vm_slot(&vm, 2, 2 * GIB, HUGE, other, false);
	expect_large(&vm, N, "when all are mapped");
	if (pthread_create(&thread, NULL, delete_slot_2, &vm))
		fail("no thread");
	sleep(1);
	expect_large(&vm, N, "while the memslot is being deleted");
	if (madvise(hva, N * HUGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	expect_large(&vm, 0, "when the memory was given back");
	pthread_join(thread, NULL);
	vm_free(&vm);
}

static void fault_invalid(void)
{
	unsigned long long gfn, old, new;
	unsigned int level, mapped = 0;
	pthread_t thread;
	struct vm vm;
	char *p;

	vm_make(&vm);
	vm_slot(&vm, 1, 3 * GIB, HUGE, memory(HUGE, false), false);
	vm_slot(&vm, 2, 2 * GIB, HUGE, memory(HUGE, false), false);
	vm_window(&vm, 1, 2 * GIB);
	vm_window(&vm, 2, 3 * GIB);
	vm_write(&vm, HUGE, 1);
	trace_start(spte_events);
	if (pthread_create(&thread, NULL, delete_slot_2, &vm))
		fail("no thread");
	usleep(1500000);
	vm_write(&vm, 2 * HUGE, 1);
	pthread_join(thread, NULL);
	for (p = trace_stop(spte_events); (p = strstr(p, EVENT)); p++)
		if (sscanf(p, EVENT " as id %*d gfn %llx level %u old_spte %llx new_spte %llx",
			   &gfn, &level, &old, &new) == 4 &&
		    gfn == 3 * GIB / PAGE && level == 1 && (new & 1))
			mapped++;
	if (mapped != 1)
		fail("the page was mapped %u times", mapped);
	vm_free(&vm);
}

static void *give_back(void *hva)
{
	/* Not all of what a table maps, or it would go as a whole. */
	if (madvise(hva, PAGES * PAGE, MADV_DONTNEED))
		fail("madvise: %s", strerror(errno));
	return NULL;
}

static void unmap_yields(void)
{
	pthread_t thread;
	struct vm vm;
	void *hva = small_vm(&vm, false);
	int i;

	if (pthread_create(&thread, NULL, give_back, hva))
		fail("no thread");
	usleep(500000);
	vm_drop_root(&vm);
	pthread_join(thread, NULL);
	for (i = 0; i < PAGES; i++)
		if (vm_read(&vm, HUGE + i * PAGE))
			fail("page %d still holds what was given back", i);
	vm_free(&vm);
}

/* It writes to all of them again: how many faults did KVM fix under mmu_lock? */
static long long faults_again(struct vm *vm)
{
	long long before = vm_stat(vm, "pf_fixed");
	int i;

	for (i = 0; i < PAGES; i++)
		vm_write(vm, HUGE + i * PAGE, 2);
	return vm_stat(vm, "pf_fixed") - before;
}

static void fast_faults(void)
{
	unsigned int dirty;
	long long faults;
	struct vm vm;

	small_vm(&vm, true);
	dirty = vm_dirty(&vm, 1, HUGE);
	if (dirty != PAGES)
		fail("%u pages are dirty, not %d", dirty, PAGES);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld of %d faults on write-protected pages took mmu_lock", faults, PAGES);
	dirty = vm_dirty(&vm, 1, HUGE);
	if (dirty != PAGES)
		fail("%u pages are dirty then, not %d", dirty, PAGES);
	vm_free(&vm);
}

static void cr0_wp(void)
{
	long long faults;
	struct vm vm;

	small_vm(&vm, false);
	vm_set_cr0(&vm, CR0 | CR0_WP);
	vm_set_cr0(&vm, CR0);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld faults when CR0.WP had been set and cleared", faults);
	vm_free(&vm);
}

static void roots_kept(void)
{
	long long faults;
	struct vm vm;

	small_vm(&vm, false);
	vm_drop_root(&vm);
	faults = faults_again(&vm);
	if (faults)
		fail("%lld faults when the vCPU had given up its root", faults);
	vm_free(&vm);
}

static const struct {
	const char *name;
	void (*ask)(void);
} facts[] = {
	{ "large-pages", large_pages }, { "table-levels", table_levels },
	{ "removed-gfns", removed_gfns }, { "beyond-host", beyond_host },
	{ "beyond-root", beyond_root }, { "unmap-invalid", unmap_invalid },
	{ "fault-invalid", fault_invalid }, { "tables-freed", tables_freed },
	{ "unmap-yields", unmap_yields },
	{ "fast-faults", fast_faults }, { "cr0-wp", cr0_wp }, { "roots-kept", roots_kept },
	{ "five-levels", five_levels }, { "pae-l1", pae_l1 },
	{ "shadow-gfn", shadow_gfn }, { "shadow-role", shadow_role },
	{ "flushes", flushes }, { "log-edges", log_edges }, { "huge-return", huge_return },
	{ "smm-tracking", smm_tracking }, { "smm-shadow", smm_shadow },
	{ "smm-space", smm_space }, { "smm-nowhere", smm_nowhere },
	{ "nested-tags", nested_tags }, { "nested-tags-smp", nested_tags_smp },
	{ "nested-slots", nested_slots }, { "oom-reaper", oom_reaper },
	{ "unmap-race", unmap_race }, { "slot-starve", slot_starve },
	{ "nx-logged", nx_logged },
	{ "nx-whole", nx_whole },
	{ "change-pte", change_pte }, { "idle-pages", idle_pages },
};

int main(int argc, char **argv)
{
	static char not_ok[64], skipped[64];
	size_t i;

	wording.fail = not_ok;
	wording.skip = skipped;
	if (argc == 2 && !strcmp(argv[1], "-h")) {
		fputs(help, stdout);
		return EX_PASS;
	}
	for (i = 0; argc == 2 && i < sizeof(facts) / sizeof(*facts); i++) {
		if (strcmp(argv[1], facts[i].name))
			continue;
		snprintf(not_ok, sizeof(not_ok), "not ok %s: ", argv[1]);
		snprintf(skipped, sizeof(skipped), "skip %s: ", argv[1]);
		facts[i].ask();
		printf("ok %s\n", argv[1]);
		return EX_PASS;
	}
	refuse("which fact? See -h");
}
