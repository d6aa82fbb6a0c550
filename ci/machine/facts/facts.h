/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/facts/facts.h - a small VM that does what the host tells it, step by step. */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/words.h"
#include "../lib/x86-vm.h"

#define PAGE	4096UL
#define HUGE	(2UL << 20)
#define GIB	(1UL << 30)

struct vm {
	int fd, vcpu;
	void *run;			/* struct kvm_run */
	size_t run_size;
	uint8_t *low;			/* guest memory from 0: code and page tables */
};

/* facts/main.c: the kernel has to do what is asked about, not what kernels without it do */
extern bool needed;

/* facts/vm.c */
void vm_make(struct vm *vm);
/* With a memslot of small pages at 1 GiB, in window 1. Returns its memory. */
uint8_t *vm_make_slot(struct vm *vm, bool log);
void vm_free(struct vm *vm);
/* One more vCPU of the VM that `of` is of, and what frees it; number is from 1 on. */
void vm_more(struct vm *vm, const struct vm *of, unsigned int number);
void vm_less(struct vm *vm);
/* The host's page tables have five levels: those of NPT have as many. */
bool host_la57(void);
/* The guest's have, too: what is at an address is at BIT_48 above it again. */
bool vm_five_levels(struct vm *vm);
/* Its page directory, with the windows. */
#define VM_PD	0x4000
#define BIT_48	(1UL << 48)
/* A memslot; size 0 deletes it. Returns 0 or errno. */
int vm_try_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log);
void vm_slot(struct vm *vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log);
/* Window i, 1 to 511: the guest sees the 2 MiB from gpa at address i * HUGE. */
void vm_window(struct vm *vm, unsigned int i, uint64_t gpa);
/* The same by way of a page table of the guest's, at gpa. */
void vm_table(struct vm *vm, unsigned int i, uint64_t gpa);
/* The guest reads or writes 8 bytes. */
uint64_t vm_read(struct vm *vm, uint64_t gva);
#define VM_NOWHERE	0x77ULL		/* what is read where there is no memory */
void vm_write(struct vm *vm, uint64_t gva, uint64_t value);
/* It runs from rip on until OUT to VM_PORT, or goes on until the next one. Returns RAX. */
#define VM_PORT		0x10
uint64_t vm_step(struct vm *vm, uint64_t rip, uint64_t rdi, uint64_t rsi);
uint64_t vm_go(struct vm *vm);
/* The guest sets CR0, which begins as CR0. */
#define CR0	LONG_MODE_CR0
#define CR0_WP	0x10000ULL
void vm_set_cr0(struct vm *vm, uint64_t cr0);
/* Who clears the dirty logs of the VM; with the last, all pages are in them first. */
#define LOG_MODES 3
extern const char * const log_mode_names[LOG_MODES];
void vm_log_mode(struct vm *vm, enum log_mode mode);
/* The dirty log of a slot, a bit a page. */
void vm_get_log(struct vm *vm, uint32_t slot, uint64_t *bits);
/* The bits of pages from page on, a multiple of 64: so are they, or all up to the end. */
void vm_clear_log(struct vm *vm, uint32_t slot, uint64_t page, uint32_t pages, uint64_t *bits);
/* The number of pages in the dirty log of a slot, which is cleared. */
unsigned int vm_dirty(struct vm *vm, uint32_t slot, size_t size);
/* The vCPU gives up the root of its page tables. */
void vm_drop_root(struct vm *vm);
/* A counter of the VM in debugfs, and of one of another process. */
long long vm_stat(const struct vm *vm, const char *name);
long long vm_stat_of(int pid, int fd, const char *name);

/* facts/memory.c */
/* size bytes at a multiple of HUGE, filled; in huge pages or in small ones */
void *memory(size_t size, bool huge);
/* The bytes of this process that are in transparent huge pages. */
size_t huge_bytes(void);

/* facts/svm.c: what L1 wants to run L2, in its memory from a base on, at mem */
#define SVM_VMCB	0x5000
#define SVM_SAVE	(SVM_VMCB + 0x400)
#define SVM_L1_CODE	0x6000		/* runs L2, OUT to VM_PORT, again */
#define SVM_L2_CODE	0x7000
#define SVM_EXIT_HLT	0x78
#define SVM_EXIT_VMMCALL	0x81
#define SVM_EXIT_NPF	0x400
/* L2 begins in real mode at SVM_L2_CODE, and with the nested page tables npt. */
void svm_make(uint8_t *mem, uint64_t base, uint64_t npt, const uint8_t *l2_code, size_t size);
/* The vCPU, which has got its CPUID and its registers, may run L2. */
void svm_enable(int vcpu, uint64_t base);
uint64_t svm_get(const uint8_t *mem, unsigned int at);
void svm_put(uint8_t *mem, unsigned int at, uint64_t v);

/* facts/tables.c */
/* For what can be asked of the TDP MMU only. */
void want_tdp_mmu(void);
void large_pages(void);
void table_levels(void);
void removed_gfns(void);
void tables_freed(void);
void tables_counted(void);
void unmap_invalid(void);
void fault_invalid(void);

/* facts/reach.c */
unsigned int address_bits(void);		/* of the host's physical ones */
void beyond_host(void);
void beyond_root(void);
void five_levels(void);

/* facts/faults.c */
void unmap_yields(void);
void fast_faults(void);
void cr0_wp(void);
void roots_kept(void);
void one_root(void);

/* facts/pae.c */
void pae_l1(void);

/* facts/nested.c */
void nested_tags(void);

/* facts/nested-smp.c */
void nested_tags_smp(void);

/* facts/nested-slots.c */
void nested_slots(void);

/* facts/smm.c */
void smm_shadow(void);
void smm_space(void);
void smm_nowhere(void);

/* facts/oom.c */
void oom_reaper(void);

/* facts/nx.c */
/* Executable memory is mapped in small pages, on a CPU that need not have it so. */
void nx_force(void);
long long nx_splits(const struct vm *vm);
void nx_logged(void);
void nx_whole(void);

/* facts/invalidate.c */
void unmap_race(void);
void slot_starve(void);

/* facts/shadow.c */
void shadow_gfn(void);
void shadow_role(void);
void smm_tracking(void);

/* facts/host.c */
void change_pte(void);
void idle_pages(void);

/* facts/flushes.c */
void flushes(void);

/* facts/flush-counts.c */
void flush_deletion(void);
void flush_give_back(void);
void flush_log_end(void);
void flush_counts(void);

/* facts/logging.c */
void log_edges(void);

/* facts/split.c */
/* kvm.eager_page_split. Returns false where there is no such parameter. */
bool eager_split(bool on);
void split_ahead(void);
void huge_in_place(void);

/* facts/slot-zap.c */
void slot_zap_quirk(void);

/* facts/age.c */
void age_flush(void);

/* facts/huge.c */
enum backing { SMALL, THP, HUGETLB };
#define BACKINGS 3
extern const char * const backing_names[BACKINGS];
/* size bytes at a multiple of HUGE, filled, in such pages; munmap() gives them back. */
uint8_t *backed(size_t size, enum backing kind);
void huge_return(void);

#endif
