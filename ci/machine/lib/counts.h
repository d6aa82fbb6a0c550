/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/counts.h - what the kernel counts of memory, slabs and KVM: see counts.c */
#ifndef COUNTS_H
#define COUNTS_H

#include <stdbool.h>

#define KVM_DEBUGFS	"/sys/kernel/debug/kvm"
#define SLABS		"/sys/kernel/slab"

long long number_behind(const char *path, const char *word);
long long unused_pages(void);
long long slab_objects(const char *cache);
bool kvm_stat(int pid, int vm_fd, const char *name, long long *value);

#endif
