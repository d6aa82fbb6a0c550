// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/linux-guest/guest-init.c - PID 1 of the Linux guest that linux-guest.c boots
 * under KVM inside the gate's machine: it writes and verifies all its memory.
 *
 * Usage:   the guest's kernel starts it as /init. It is linked statically.
 * Inputs:  kernel command line: guest.seed=N     part of each tag
 *          guest.sweeps=N    end after N sweeps; 0, the default: when a line
 *                            comes in on the serial port
 *          guest.spoil=N     change one word after N sweeps: it has to be found
 *          guest.then=panic|hang   after the first sweep, instead of going on
 * Outputs: records in /dev/kmsg (boot with printk.devkmsg=on):
 *            guest: begin cpus=N ram=MIB fill=MIB seed=N
 *            guest: filled               each page has been written once
 *            guest: sweep N              each has been verified and rewritten N times
 *            guest: verified mib=N sweeps=N   at the end, all of them once more
 *            guest: FAIL page P word W sweep S: X instead of Y
 *            guest: error TEXT
 * Exit codes: none. It powers the machine off.
 *
 * Each page belongs to the thread of one CPU, page by page in turn, so that all
 * CPUs are at work in each huge page. A tag is made of the word's address, the
 * seed and the sweep, which the thread has in a register: a page of an older
 * sweep, as a lost bit of a dirty log leaves it on the other side of a
 * migration, is a wrong one. The odd threads rest now and then: what they write
 * stays as it is for longer. At the end each thread verifies the pages of another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/exit.h"
#include "../lib/files.h"

#define PAGE		4096UL
#define WORDS		(PAGE / 8)
#define MIB		(1UL << 20)
#define MAX_CPUS	16
/* What the kernel keeps free for itself is not ours to fill: a part of all, and this. */
#define KEEP_FREE	(6 * MIB)
#define STACK		(64UL << 10)
/* Pages that an odd thread writes between two rests. */
#define REST_EVERY	64

struct worker {
	pthread_t thread;
	unsigned int nr;
	_Atomic unsigned long sweeps;
};

static struct worker workers[MAX_CPUS];
static unsigned int nr_workers;
static uint64_t *memory;
static unsigned long nr_pages;
static unsigned long seed, max_sweeps, spoil;
static const char *then = "";
static atomic_bool end, failed;
static atomic_uint filled, finished;
static pthread_barrier_t barrier;
static int kmsg = -1;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char record[512];
	int prefix, len;
	va_list ap;

	prefix = snprintf(record, sizeof(record), "<4>guest: ");
	va_start(ap, fmt);
	len = vsnprintf(record + prefix, sizeof(record) - prefix, fmt, ap) + prefix;
	va_end(ap);
	if (len > (int)sizeof(record) - 1)
		len = sizeof(record) - 1;
	while (write(kmsg, record, len) < 0 && (errno == EINTR || errno == EAGAIN))
		;
}

static void rest_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* The serial port has to be empty before the power goes. */
static void __attribute__((noreturn)) power_off(void)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY);

	if (fd >= 0)
		tcdrain(fd);
	rest_ms(100);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) give_up(const char *what)
{
	say("error %s: %s", what, strerror(errno));
	power_off();
}

static void read_cmdline(void)
{
	static char text[4096];
	char *word, *save;

	if (!read_text("/proc/cmdline", text, sizeof(text)))
		give_up("/proc/cmdline");
	for (word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (!strncmp(word, "guest.seed=", 11)) {
			seed = strtoul(word + 11, NULL, 0);
		} else if (!strncmp(word, "guest.sweeps=", 13)) {
			max_sweeps = strtoul(word + 13, NULL, 0);
		} else if (!strncmp(word, "guest.spoil=", 12)) {
			spoil = strtoul(word + 12, NULL, 0);
		} else if (!strcmp(word, "guest.then=panic") || !strcmp(word, "guest.then=hang")) {
			then = word + 11;
		} else if (!strncmp(word, "guest.", 6)) {
			errno = EINVAL;
			give_up(word);
		}
	}
}

/* No two words of a run are alike: what is added is one number, the rest keeps them apart. */
static inline uint64_t tag(unsigned long page, unsigned long word, unsigned long sweep)
{
	uint64_t x = (seed << 40) + (sweep << 48) + page * WORDS + word;

	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 32;
}

static void write_page(unsigned long page, unsigned long sweep)
{
	uint64_t *p = memory + page * WORDS;

	for (unsigned long w = 0; w < WORDS; w++)
		p[w] = tag(page, w, sweep);
}

static bool check_page(unsigned long page, unsigned long sweep)
{
	volatile uint64_t *p = memory + page * WORDS;
	unsigned long w;
	uint64_t is;

	for (w = 0; w < WORDS; w++) {
		is = p[w];
		if (is == tag(page, w, sweep))
			continue;
		say("FAIL page %lu word %lu sweep %lu: %#llx instead of %#llx", page, w, sweep,
		    (unsigned long long)is, (unsigned long long)tag(page, w, sweep));
		atomic_store(&failed, true);
		return false;
	}
	return true;
}

static void *work(void *arg)
{
	struct worker *me = arg, *other = &workers[(me->nr + 1) % nr_workers];
	unsigned long page, sweep = 0;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(me->nr, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		give_up("pthread_setaffinity_np");
	for (page = me->nr; page < nr_pages; page += nr_workers)
		write_page(page, 0);
	atomic_fetch_add(&filled, 1);
	while (!atomic_load(&end) && !atomic_load(&failed)) {
		for (page = me->nr; page < nr_pages; page += nr_workers) {
			if (!check_page(page, sweep))
				return NULL;
			write_page(page, sweep + 1);
			if (me->nr % 2 && page / nr_workers % REST_EVERY == 0)
				rest_ms(1);
		}
		sweep++;
		if (spoil && sweep == spoil && !me->nr)
			memory[nr_pages / 2 / nr_workers * nr_workers * WORDS + 7] ^= 1UL << 13;
		atomic_store(&me->sweeps, sweep);
		if (max_sweeps && sweep >= max_sweeps)
			break;
	}
	pthread_barrier_wait(&barrier);
	sweep = atomic_load(&other->sweeps);
	for (page = other->nr; page < nr_pages; page += nr_workers)
		if (!check_page(page, sweep))
			return NULL;
	atomic_fetch_add(&finished, 1);
	return NULL;
}

static unsigned long least_sweeps(void)
{
	unsigned long least = ~0UL;

	for (unsigned int i = 0; i < nr_workers; i++)
		if (atomic_load(&workers[i].sweeps) < least)
			least = atomic_load(&workers[i].sweeps);
	return least;
}

static int open_serial(void)
{
	struct termios t;
	int fd = open("/dev/ttyS0", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &t))
		give_up("/dev/ttyS0");
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	if (tcsetattr(fd, TCSANOW, &t))
		give_up("/dev/ttyS0");
	return fd;
}

static void do_then(void)
{
	if (!strcmp(then, "panic"))
		_exit(3);	/* the kernel panics when PID 1 ends */
	while (!strcmp(then, "hang"))
		pause();
}

/* Until all workers are through; tells of each sweep. */
static void watch(int serial)
{
	unsigned long said = 0, now;
	bool told = false;
	char byte;

	while (!atomic_load(&failed)) {
		if (!told && atomic_load(&filled) == nr_workers) {
			say("filled");
			told = true;
		}
		now = least_sweeps();
		if (now > said) {
			say("sweep %lu", now);
			said = now;
			do_then();
		}
		if (max_sweeps && said >= max_sweeps)
			return;
		if (!max_sweeps && read(serial, &byte, 1) == 1 && byte == '\n') {
			atomic_store(&end, true);
			return;
		}
		rest_ms(20);
	}
}

static void run(int serial)
{
	long long available = number_behind("/proc/meminfo", "MemFree") * 1024;
	long long total = number_behind("/proc/meminfo", "MemTotal") * 1024;
	pthread_attr_t attr;
	unsigned int i;

	if (available < (long long)(KEEP_FREE + 4 * MIB)) {
		errno = ENOMEM;
		give_up("the guest's free memory");
	}
	nr_pages = (available - KEEP_FREE) / PAGE;
	memory = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		give_up("mmap");
	say("begin cpus=%u ram=%lld fill=%lu seed=%lu", nr_workers, total / (long long)MIB,
	    nr_pages * PAGE / MIB, seed);
	pthread_barrier_init(&barrier, NULL, nr_workers);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (i = 0; i < nr_workers; i++) {
		workers[i].nr = i;
		errno = pthread_create(&workers[i].thread, &attr, work, &workers[i]);
		if (errno)
			give_up("pthread_create");
	}
	watch(serial);
	/* A worker that has found something leaves the others waiting: no join then. */
	while (!atomic_load(&failed) && atomic_load(&finished) < nr_workers)
		rest_ms(20);
	if (!atomic_load(&failed))
		say("verified mib=%lu sweeps=%lu", nr_pages * PAGE / MIB, least_sweeps());
}

int main(void)
{
	if (getpid() != 1) {
		fprintf(stderr, "guest-init: error: this is PID 1 of a guest: see linux-guest -h\n");
		return EX_USAGE;
	}
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	read_cmdline();
	nr_workers = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_workers > MAX_CPUS)
		nr_workers = MAX_CPUS;
	run(open_serial());
	power_off();
}
