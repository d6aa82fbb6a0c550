/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/x86-vm.h - calls to KVM that programs without the selftests' library share */
#ifndef X86_VM_H
#define X86_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ioctl() that has to succeed. */
int call(int fd, unsigned long request, const char *name, void *arg);
/* /dev/kvm; where there is none, the program ends: EX_SKIP. */
int kvm_open(void);
/* A VM without memslots or vCPUs. */
int kvm_create_vm(int kvm);
/*
 * The VM does without these: bits of KVM_CAP_DISABLE_QUIRKS. A kernel that does not know one
 * takes it and goes on as before.
 */
void kvm_disable_quirks(int vm, uint64_t quirks);
#define QUIRK_SLOT_ZAP_ALL	(1ULL << 7)	/* a memslot that goes takes all mappings along */
/* A memslot; size 0 deletes it. Returns 0 or errno. */
int kvm_try_slot(int vm, uint32_t slot, uint64_t gpa, uint64_t size, void *hva, bool log);
/* A vCPU with all that the host's KVM offers; *run is its struct kvm_run. */
int kvm_create_vcpu(int kvm, int vm, unsigned int number, void **run, size_t *run_size);
/* It is in long mode, with the page tables at cr3, and not yet anywhere. */
#define LONG_MODE_CR0	0x80000011ULL		/* PG ET PE */
void kvm_long_mode(int vcpu, uint64_t cr3);
/* Who clears the dirty logs of the VM; with the last, all pages are in them first. */
enum log_mode { GET_CLEARS, MANUAL, INITIALLY_SET };
void kvm_log_mode(int vm, enum log_mode mode);
/* The dirty log of a slot, a bit a page. */
void kvm_get_log(int vm, uint32_t slot, uint64_t *bits);
/* The bits of pages from page on, a multiple of 64: so are they, or all up to the end. */
void kvm_clear_log(int vm, uint32_t slot, uint64_t page, uint32_t pages, uint64_t *bits);

#endif
