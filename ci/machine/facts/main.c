// SPDX-License-Identifier: GPL-2.0
/* ci/machine/facts/main.c - facts about KVM's MMU, one at a time. (-h: see below) */
#include <stdio.h>
#include <string.h>

#include "facts.h"

static const char help[] =
"facts - is a fact about KVM's MMU true? Each is a few steps of one vCPU.\n"
"\n"
"Usage:   facts FACT [need]\n"
"         need            of facts that have two answers (or): the first one\n"
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
"         tables-counted  debugfs says how many page tables of the TDP MMU a VM has\n"
"         unmap-invalid   memory that the host drops while a memslot is being\n"
"                         deleted is not mapped any more; wants a kernel in which\n"
"                         the deletion takes 3 s\n"
"         fast-faults     a write to a page that the dirty log has write-protected is\n"
"                         made possible without mmu_lock, and logged\n"
"         cr0-wp          a guest that sets and clears CR0.WP keeps its mappings\n"
"         roots-kept      so does one whose only vCPU gives up its root and comes back\n"
"         one-root        two vCPUs that load their first root at once have the same one\n"
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
"         flush-counts    what is done to many page tables at once does not flush the\n"
"                         TLBs for each of them: see facts/flush-counts.c\n"
"         flush-deletion, flush-give-back, flush-log-end   a part of that each: a memslot\n"
"                         is deleted, all memory is given back, logging ends\n"
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
"         split-ahead     huge pages are split when logging starts, or by CLEAR, and\n"
"                         no write waits for it\n"
"         huge-in-place   huge pages that the dirty log has split are there again as soon\n"
"                         as it ends, without a fault, or come back by faults; never\n"
"                         where the host has small ones, or with the right to execute\n"
"                         that NX huge pages take\n"
"         slot-zap-quirk  where the VM does without KVM_X86_QUIRK_SLOT_ZAP_ALL, a memslot\n"
"                         that is deleted or moved takes its own mappings along, or, in\n"
"                         a kernel that does not know it, all; with it, all\n"
"         age-flush       reclaim asks for a page that the guest uses: no flush of the\n"
"                         TLBs, and the guest keeps it\n"
"         idle-pages      etmem of openEuler finds the pages that the guest used since\n"
"                         it looked last; with NPT it finds none, see facts/host.c\n"
"Inputs:  /dev/kvm, debugfs, tracefs, /modules/etmem_scan.ko; root\n"
"Outputs: a line on stdout: ok or not ok, and why\n"
"Exit codes: 0 it is true, 1 it is not, 2 usage, 4 cannot be asked here\n";

static const struct {
	const char *name;
	void (*ask)(void);
} facts[] = {
	{ "large-pages", large_pages }, { "table-levels", table_levels },
	{ "removed-gfns", removed_gfns }, { "beyond-host", beyond_host },
	{ "beyond-root", beyond_root }, { "unmap-invalid", unmap_invalid },
	{ "fault-invalid", fault_invalid }, { "tables-freed", tables_freed },
	{ "tables-counted", tables_counted }, { "unmap-yields", unmap_yields },
	{ "fast-faults", fast_faults }, { "cr0-wp", cr0_wp }, { "roots-kept", roots_kept },
	{ "one-root", one_root }, { "five-levels", five_levels }, { "pae-l1", pae_l1 },
	{ "shadow-gfn", shadow_gfn }, { "shadow-role", shadow_role },
	{ "flushes", flushes }, { "flush-counts", flush_counts },
	{ "flush-deletion", flush_deletion }, { "flush-give-back", flush_give_back },
	{ "flush-log-end", flush_log_end },
	{ "log-edges", log_edges }, { "huge-return", huge_return },
	{ "split-ahead", split_ahead }, { "age-flush", age_flush },
	{ "smm-tracking", smm_tracking }, { "smm-shadow", smm_shadow },
	{ "smm-space", smm_space }, { "smm-nowhere", smm_nowhere },
	{ "nested-tags", nested_tags }, { "nested-tags-smp", nested_tags_smp },
	{ "nested-slots", nested_slots }, { "oom-reaper", oom_reaper },
	{ "unmap-race", unmap_race }, { "slot-starve", slot_starve },
	{ "nx-logged", nx_logged },
	{ "nx-whole", nx_whole },
	{ "change-pte", change_pte }, { "idle-pages", idle_pages },
	{ "huge-in-place", huge_in_place }, { "slot-zap-quirk", slot_zap_quirk },
};

bool needed;

static bool two_answers(void (*ask)(void))
{
	return ask == huge_in_place || ask == slot_zap_quirk;
}

static void eager_again(void)
{
	eager_split(true);
}

int main(int argc, char **argv)
{
	static char not_ok[64], skipped[64];
	size_t i;

	wording.fail = not_ok;
	wording.skip = skipped;
	wording.last = eager_again;
	if (argc == 2 && !strcmp(argv[1], "-h")) {
		fputs(help, stdout);
		return EX_PASS;
	}
	needed = argc == 3 && !strcmp(argv[2], "need");
	for (i = 0; (argc == 2 || needed) && i < sizeof(facts) / sizeof(*facts); i++) {
		if (strcmp(argv[1], facts[i].name))
			continue;
		if (needed && !two_answers(facts[i].ask))
			refuse("need: %s has one answer", argv[1]);
		snprintf(not_ok, sizeof(not_ok), "not ok %s: ", argv[1]);
		snprintf(skipped, sizeof(skipped), "skip %s: ", argv[1]);
		/* What a write splits is asked here; only split.c asks for what is split ahead. */
		eager_split(false);
		facts[i].ask();
		eager_again();
		printf("ok %s\n", argv[1]);
		return EX_PASS;
	}
	refuse("which fact? See -h");
}
