// SPDX-License-Identifier: GPL-2.0
/*
 * splat.c - what a kernel in trouble prints: the one table of it.  It needs no other
 * part of verdict; ci/machine/linux-guest looks at its guest's console with it.
 *
 * Each pattern names the file of Linux 5.10 that prints it.  A line matches
 * when it begins with @start and contains @inside behind that (either may be
 * absent).  The first pattern that matches names the line, so the special
 * ones stand before the general ones ("WARNING: ", "BUG: ").  Matching is
 * done on the text behind the time stamp, and never on what tests print.
 *
 * Not matched, on purpose, since they begin with neither word:
 *   "kvm: no hardware support"                kvm_intel on a machine without VMX
 *   "Warning: unable to open an initial console."
 *   "Spectre V2 : WARNING: ..." and "RETBleed: WARNING: ..."   notes on mitigations
 *   "[Firmware Bug]: ...", "ACPI BIOS Warning (bug): ..."      the firmware's bugs
 *   "foo[12]: segfault at ...", "traps: foo[12] general protection fault ..."
 *                                             a process died: its test tells
 * There is no list of exceptions: nothing that matches is tolerated, but that a
 * backtrace which was asked for is none of trouble.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <string.h>

#include "splat.h"

struct pattern {
	const char *id;
	const char *start;
	const char *inside;
	bool weak;
	bool asked;	/* is also in what sysrq prints: drivers/tty/sysrq.c */
	bool off;
};

static struct pattern patterns[] = {
	/* memory checkers: mm/kasan/report.c, kernel/kcsan/report.c, lib/ubsan.c, mm/kmemleak.c */
	{ .id = "kasan", .start = "BUG: KASAN: " },
	{ .id = "kasan-range", .start = "KASAN: " },
	{ .id = "kcsan", .start = "BUG: KCSAN: " },
	/* mm/kfence/report.c, which openEuler's 5.10 has */
	{ .id = "kfence", .start = "BUG: KFENCE: " },
	{ .id = "ubsan", .start = "UBSAN: " },
	{ .id = "kmemleak", .start = "kmemleak: ", .inside = " new suspected memory leaks" },

	/* kernel/locking/lockdep.c */
	{ .id = "lockdep-circular", .start = "WARNING: possible circular locking dependency detected" },
	{ .id = "lockdep-recursive", .start = "WARNING: possible recursive locking detected" },
	{ .id = "lockdep-irq-order", .start = "WARNING: ", .inside = "-unsafe lock order detected" },
	{ .id = "lockdep-inversion", .start = "WARNING: possible irq lock inversion dependency detected" },
	{ .id = "lockdep-inconsistent", .start = "WARNING: inconsistent lock state" },
	{ .id = "lockdep-chain-key", .start = "WARNING: chain_key collision" },
	{ .id = "lockdep-nested", .start = "WARNING: Nested lock was not taken" },
	{ .id = "lockdep-balance", .start = "WARNING: bad unlock balance detected!" },
	{ .id = "lockdep-contention", .start = "WARNING: bad contention detected!" },
	{ .id = "lockdep-freed", .start = "WARNING: held lock freed!" },
	{ .id = "lockdep-held", .start = "WARNING: ", .inside = " still has locks held!" },
	{ .id = "lockdep-user", .start = "WARNING: lock held when returning to user space!" },
	{ .id = "lockdep-rcu", .start = "WARNING: suspicious RCU usage" },
	{ .id = "lockdep-context", .start = "[ BUG: Invalid wait context ]" },
	{ .id = "lockdep-key", .start = "INFO: trying to register non-static key." },
	{ .id = "lockdep-limit", .start = "turning off the locking correctness validator." },
	/* kernel/locking/rtmutex-debug.c */
	{ .id = "rtmutex", .start = "WARNING: circular locking deadlock detected!" },
	/* kernel/locking/spinlock_debug.c */
	{ .id = "spinlock", .start = "BUG: spinlock " },
	{ .id = "rwlock", .start = "BUG: rwlock " },

	/* kernel/sched/core.c, lib/smp_processor_id.c, kernel/softirq.c */
	{ .id = "atomic-sleep", .start = "BUG: sleeping function called from invalid context" },
	{ .id = "atomic-schedule", .start = "BUG: scheduling while atomic: " },
	{ .id = "preemptible", .start = "BUG: using ", .inside = " in preemptible [" },
	{ .id = "softirq-count", .start = "huh, entered softirq " },

	/* kernel/rcu/tree_stall.h, tree_exp.h, tasks.h */
	{ .id = "rcu-stall", .inside = " detected stalls" },
	{ .id = "rcu-stall-self", .inside = " self-detected stall on CPU" },
	{ .id = "rcu-stall-expedited", .inside = " detected expedited stalls on " },
	{ .id = "rcu-starved", .inside = " kthread starved for " },
	/* kernel/hung_task.c, watchdog.c, watchdog_hld.c, workqueue.c, smp.c */
	{ .id = "hung-task", .start = "INFO: task ", .inside = " blocked for more than " },
	{ .id = "soft-lockup", .inside = "BUG: soft lockup - CPU#" },
	{ .id = "hard-lockup", .inside = "Watchdog detected hard LOCKUP on cpu" },
	{ .id = "workqueue-lockup", .start = "BUG: workqueue lockup" },
	{ .id = "csd-lock", .inside = " non-responsive CSD lock (#" },

	/* the stack: kernel/sched/core.c, kernel/panic.c, arch/x86/kernel/traps.c, arch/x86/mm/fault.c */
	{ .id = "stack-end", .inside = "corrupted stack end detected inside scheduler" },
	{ .id = "stack-protector", .inside = "stack-protector: Kernel stack is corrupted in: " },
	{ .id = "stack-overran", .start = "Thread overran stack, or stack corrupted" },
	{ .id = "stack-guard", .start = "BUG: stack guard page was hit at " },

	/* kernel/panic.c, arch/x86/kernel/traps.c, arch/x86/mm/extable.c */
	{ .id = "panic", .start = "Kernel panic - not syncing" },
	{ .id = "panic-exception", .start = "PANIC: " },
	/* lib/bug.c */
	{ .id = "kernel-bug", .start = "kernel BUG at " },
	{ .id = "kernel-bug-address", .start = "Kernel BUG at " },
	/* arch/x86/mm/fault.c, arch/x86/kernel/traps.c, arch/x86/kernel/dumpstack.c */
	{ .id = "null-pointer", .start = "BUG: kernel NULL pointer dereference" },
	{ .id = "page-fault", .start = "BUG: unable to handle page fault for address" },
	{ .id = "page-table", .inside = ": Corrupted page table at address " },
	{ .id = "gp-fault", .start = "general protection fault", .inside = " [#" },
	{ .id = "oops", .start = "Oops: ", .inside = " [#" },
	/* arch/arm64/mm/fault.c, arch/arm64/kernel/traps.c */
	{ .id = "arm64-fault", .start = "Unable to handle kernel " },
	{ .id = "arm64-unhandled", .start = "Unhandled fault at 0x" },
	{ .id = "arm64-mode", .start = "Bad mode in ", .inside = " handler detected" },
	{ .id = "arm64-oops", .start = "Internal error: ", .inside = " [#" },
	/* die() of both with any other text: invalid opcode: 0000 [#1] */
	{ .id = "die", .inside = " [#1]" },
	/* arch/x86/mm/extable.c */
	{ .id = "msr", .start = "unchecked MSR access error: " },

	/* mm/page_alloc.c, mm/memory.c, kernel/fork.c, mm/page_poison.c, mm/usercopy.c, mm/oom_kill.c */
	{ .id = "page-state", .start = "BUG: Bad page state" },
	{ .id = "page-map", .start = "BUG: Bad page map" },
	{ .id = "rss-counter", .start = "BUG: Bad rss-counter state" },
	{ .id = "page-poison", .start = "pagealloc: " },
	{ .id = "usercopy", .start = "usercopy: Kernel memory ", .inside = " attempt detected" },
	{ .id = "oom", .inside = " invoked oom-killer: " },
	{ .id = "allocation", .inside = ": page allocation failure: " },
	/* mm/slub.c, mm/slab_common.c */
	{ .id = "slab-objects", .start = "BUG ", .inside = "ainted): Objects remaining in " },
	{ .id = "slab", .start = "BUG ", .inside = "ainted" },
	{ .id = "slab-cache", .inside = ": Slab cache still has objects" },
	/* lib/list_debug.c, lib/debugobjects.c, lib/refcount.c */
	{ .id = "list", .start = "list_", .inside = " corruption" },
	{ .id = "list-double", .start = "list_add double add" },
	{ .id = "odebug", .start = "ODEBUG: ", .inside = " (active state " },
	{ .id = "odebug-off", .start = "ODEBUG: Out of memory" },
	{ .id = "refcount", .start = "refcount_t: " },

	/* arch/x86/kvm/mmu/mmu.c, tdp_mmu.c: the MMU's own checks */
	{ .id = "kvm-spte-change", .start = "Invalid SPTE change: " },
	{ .id = "kvm-spte-nonpresent", .start = "Unexpected SPTE change! " },
	{ .id = "kvm-spte-reserved", .inside = ": detect reserved bits on spte, addr " },
	{ .id = "kvm-gfn", .start = "gfn mismatch under direct page " },
	{ .id = "kvm-rmap", .start = "pte_list_remove: ", .inside = "->BUG" },
	{ .id = "kvm-rmap-many", .start = "pte_list_remove: ", .inside = " many->many" },

	/* whatever else: kernel/panic.c's WARN, and every other BUG and WARNING */
	{ .id = "warn", .start = "WARNING: CPU: " },
	{ .id = "warning", .start = "WARNING: " },
	{ .id = "bug", .start = "BUG: " },
	{ .id = "bug-prefixed", .inside = ": BUG: " },
	{ .id = "bug-framed", .start = "[ BUG: " },

	/* parts of a report, in case its head is lost */
	{ .id = "cut-here", .start = "------------[ cut here ]------------", .weak = true },
	{ .id = "end-trace", .start = "---[ end trace ", .weak = true },
	{ .id = "call-trace", .start = "Call Trace:", .weak = true, .asked = true },
	{ .id = "call-trace-arm64", .start = "Call trace:", .weak = true, .asked = true },
};

#define NR_PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static bool matches(const struct pattern *p, struct piece line)
{
	size_t len;

	if (p->start) {
		len = strlen(p->start);
		if (line.len < len || memcmp(line.p, p->start, len))
			return false;
		line.p += len;
		line.len -= len;
	}
	if (p->inside)
		return memmem(line.p, line.len, p->inside, strlen(p->inside));
	return true;
}

/*
 * The id of the pattern that the line matches, or NULL. @asked: the kernel was
 * asked for backtraces.
 */
const char *splat_match(struct piece line, bool asked, bool *weak)
{
	size_t i;

	for (i = 0; i < NR_PATTERNS; i++) {
		if (patterns[i].off || (asked && patterns[i].asked))
			continue;
		if (matches(&patterns[i], line)) {
			*weak = patterns[i].weak;
			return patterns[i].id;
		}
	}
	return NULL;
}

/* Make the detector blind for one pattern; false if there is no such one. */
bool splat_switch_off(const char *id)
{
	size_t i;

	for (i = 0; i < NR_PATTERNS; i++) {
		if (!strcmp(patterns[i].id, id)) {
			patterns[i].off = true;
			return true;
		}
	}
	return false;
}

void splat_list(FILE *f)
{
	size_t i;

	for (i = 0; i < NR_PATTERNS; i++)
		fprintf(f, "%s\n", patterns[i].id);
}

/*
 * Length of the kernel's time stamp at the start of @t, with the caller id of
 * CONFIG_PRINTK_CALLER if there is one: "[    1.234567] ", "[    1.234567][   T12] ".
 * 0 when there is none.  kernel/printk/printk.c: print_time(), print_caller().
 */
static size_t stamp_len(struct piece t)
{
	size_t i = 1, j, digits = 0;

	if (t.len < 2 || t.p[0] != '[')
		return 0;
	while (i < t.len && t.p[i] == ' ')
		i++;
	for (; i < t.len && isdigit((unsigned char)t.p[i]); i++)
		digits++;
	if (!digits || i >= t.len || t.p[i++] != '.')
		return 0;
	for (digits = 0; i < t.len && isdigit((unsigned char)t.p[i]); i++)
		digits++;
	if (digits != 6 || i >= t.len || t.p[i++] != ']')
		return 0;
	/* the caller id, a thread or a CPU */
	j = i + (i < t.len && t.p[i] == ' ');
	if (j < t.len && t.p[j] == '[') {
		for (j++; j < t.len && t.p[j] == ' '; j++)
			;
		if (j < t.len && (t.p[j] == 'T' || t.p[j] == 'C')) {
			for (j++; j < t.len && isdigit((unsigned char)t.p[j]); j++)
				;
			if (j < t.len && t.p[j] == ']')
				i = j + 1;
		}
	}
	if (i < t.len && t.p[i] == ' ')
		i++;
	return i;
}

/*
 * Cut the next message off a console line, without its time stamp: firmware may leave
 * a line open, and the kernel's text follows it.  What begins with @own is PID 1's, who
 * tells of others' words too, and goes on to the end of the line.
 */
bool next_message(struct piece *line, const char *own, struct piece *message)
{
	size_t skip = stamp_len(*line), len = strlen(own), i;
	struct piece t = { line->p + skip, line->len - skip };

	if (!line->len)
		return false;
	i = t.len;
	if (t.len < len || memcmp(t.p, own, len))
		for (i = t.len ? 1 : 0; i < t.len; i++)
			if (t.p[i] == '[' && stamp_len((struct piece){ t.p + i, t.len - i }))
				break;
	*message = (struct piece){ t.p, i };
	*line = (struct piece){ t.p + i, t.len - i };
	return true;
}
