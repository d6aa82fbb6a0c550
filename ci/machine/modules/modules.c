// SPDX-License-Identifier: GPL-2.0
/*
 * modules.c - load and unload KVM where it is built as modules, and see that it
 * leaves nothing behind.
 *
 * Usage:   modules load MODULE [MODULE.PARAMETER=VALUE]... [--expect M.P=VALUE]...
 *            MODULE and what it depends on; parameters must then read as given,
 *            and those behind --expect, which are not given, as they say
 *          modules busy MODULE      while a VM, or only a vCPU of it, is open none
 *                                   of the modules can be unloaded
 *          modules refused MODULE   this machine is not for it: loading fails, and
 *                                   leaves things as they were
 *          modules unload MODULE    and what it depends on; then everything is as
 *                                   it was before `load`
 *            What it depends on that no kernel unloads, because it has a function to
 *            begin and none to end, is loaded before the state is noted, and stays
 * Inputs:  /modules/NAME.ko; root. A machine where nothing else runs, booted with
 *          slab_nomerge: a cache that is shared with another cannot be seen to go
 * Outputs: /tmp/modules.state, from `load` to `unload`; a line for each module; a
 *          line `FAIL: ...` for all that is not as it should be
 * Exit codes: 0 pass, 1 fail, 2 usage, or there is no such module
 *
 * What is compared: loaded modules, /dev/kvm, debugfs, the names of the slab
 * caches, kernel threads called kvm*, /proc/vmallocinfo (no caller in a module
 * that has gone), and VmallocUsed of /proc/meminfo, which is exact: the modules
 * themselves and the arrays of memslots come from vmalloc. Free pages only with
 * some noise: PAGES_NOISE.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/words.h"

#ifndef MODULES
#define MODULES		"/modules"
#endif
#define STATE		"/tmp/modules.state"
#define MAX_CHAIN	8
#define NAME_LEN	64
#define SETTLE_MS	10000
#define PAGES_NOISE	256

/* What a module depends on, in the order to load it, and last the module itself. */
static char chain[MAX_CHAIN][NAME_LEN];
static int nr_chain;
/* Of these, what the kernel never lets go: openEuler's irqbypass. */
static bool stays[MAX_CHAIN];

static void __attribute__((noreturn)) usage(const char *why)
{
	refuse("%s: modules load|busy|refused|unload MODULE ...", why);
}

static bool loaded(const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	return !access(path, F_OK);
}

/* kvm_amd is in kvm-amd.ko. */
static int open_module(const char *name)
{
	char path[600], *p;
	int fd;

	snprintf(path, sizeof(path), MODULES "/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	for (p = path + strlen(MODULES "/"); *p; p++)
		if (*p == '_')
			*p = '-';
	return open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * Its .modinfo has "depends=a,b". One with a function to begin and none to end cannot be
 * unloaded, which is no fault of KVM's (delete_module() in kernel/module.c).
 */
static void add_to_chain(const char *name)
{
	char depends[256] = "", *word, *save;
	struct stat st;
	char *file, *found;
	bool no_end;
	int fd, i;

	for (i = 0; i < nr_chain; i++)
		if (!strcmp(chain[i], name))
			return;
	if (strlen(name) >= NAME_LEN)
		usage("too long a name");
	fd = open_module(name);
	if (fd < 0 || fstat(fd, &st))
		refuse("no module %s in " MODULES, name);
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED) {
		fprintf(stderr, "modules: error: %s: %s\n", name, strerror(errno));
		exit(EX_FAIL);
	}
	found = memmem(file, st.st_size, "\0depends=", 9);
	if (found)
		snprintf(depends, sizeof(depends), "%s", found + 9);
	no_end = memmem(file, st.st_size, "\0init_module", 13) &&
		!memmem(file, st.st_size, "\0cleanup_module", 16);
	munmap(file, st.st_size);
	for (word = strtok_r(depends, ",", &save); word; word = strtok_r(NULL, ",", &save))
		add_to_chain(word);
	if (nr_chain == MAX_CHAIN)
		usage("too many modules");
	stays[nr_chain] = no_end && strncmp(name, "kvm", 3);
	strcpy(chain[nr_chain++], name);
}

/* 0, or why the kernel does not take it. */
static int load(const char *name, const char *parameters)
{
	int fd = open_module(name), ret = 0;

	if (syscall(SYS_finit_module, fd, parameters, 0))
		ret = errno;
	close(fd);
	printf("load %s %s: %s\n", name, parameters, ret ? strerror(ret) : "done");
	return ret;
}

/* What a module needs to begin is freed by a worker: wait until all is at rest. */
static void settle(void)
{
	long long was = -1, now;
	int t, same = 0;

	for (t = 0; t < SETTLE_MS / 50 && same < 20; t++) {
		now = number_behind("/proc/meminfo", "VmallocUsed");
		same = now == was ? same + 1 : 0;
		was = now;
		usleep(50000);
	}
}

/* What stays, once it is loaded, is there before and after everything else. */
static void set_apart(bool load_them)
{
	int i, kept = 0;
	bool new = false;

	for (i = 0; i < nr_chain; i++) {
		if (!stays[i]) {
			memmove(chain[kept++], chain[i], NAME_LEN);
			continue;
		}
		if (!load_them || loaded(chain[i]))
			continue;
		if (load(chain[i], ""))
			complain("%s was not loaded", chain[i]);
		printf("%s has no function to end it: it stays\n", chain[i]);
		new = true;
	}
	nr_chain = kept;
	if (new)
		settle();
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static void save_state(void)
{
	FILE *f = fopen(STATE ".new", "w");
	DIR *d = opendir(SLABS);
	struct dirent *e;

	if (!f || !d)
		fail("%s: %s", f ? SLABS : STATE, strerror(errno));
	fprintf(f, "pages %lld\nvmalloc %lld\n", unused_pages(),
		number_behind("/proc/meminfo", "VmallocUsed"));
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			fprintf(f, "slab %s\n", e->d_name);
	closedir(d);
	if (fclose(f) || rename(STATE ".new", STATE))
		fail(STATE ": %s", strerror(errno));
}

/* A cache that was not there before. */
static bool slab_left(char *name, size_t size)
{
	static char state[65536];
	struct dirent *e;
	char line[300];
	bool left = false;
	DIR *d;

	read_text(STATE, state, sizeof(state));
	d = opendir(SLABS);
	while (d && !left && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(line, sizeof(line), "\nslab %s\n", e->d_name);
		left = !strstr(state, line);
		snprintf(name, size, "%s", e->d_name);
	}
	if (d)
		closedir(d);
	return left;
}

static bool thread_left(char *name, size_t size)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300];
	bool left = false;

	while (d && !left && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		left = e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		       read_text(path, name, size) && !strncmp(name, "kvm", 3);
	}
	if (d)
		closedir(d);
	name[strcspn(name, "\n")] = '\0';
	return left;
}

/*
 * Addresses of a module have [its name] behind the symbol, and no symbol at all
 * when it has gone. Both stand behind the range and the size.
 */
static bool vmalloc_left(char *text, size_t size)
{
	FILE *f = fopen("/proc/vmallocinfo", "r");
	char line[512], caller[256];
	bool left = false;

	while (f && !left && fgets(line, sizeof(line), f)) {
		left = sscanf(line, "%*s %*s %255s", caller) == 1 &&
		       (strstr(line, "[kvm") || !strncmp(caller, "0xffffffff", 10));
		snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
	}
	if (f)
		fclose(f);
	else
		return snprintf(text, size, "cannot be read"), true;
	return left;
}

/* What is not as it was before modules from `first` on were loaded, or false. */
static bool something_left(int first, char *text, size_t size)
{
	long long vmalloc = number_behind(STATE, "vmalloc");
	long long pages = number_behind(STATE, "pages");
	long long vmalloc_now = number_behind("/proc/meminfo", "VmallocUsed");
	long long pages_now = unused_pages();
	char what[600];
	int i;

	for (i = first; i < nr_chain; i++)
		if (loaded(chain[i]))
			return snprintf(text, size, "module %s is there", chain[i]), true;
	if (!access("/dev/kvm", F_OK))
		return snprintf(text, size, "/dev/kvm is there"), true;
	if (!access(KVM_DEBUGFS, F_OK))
		return snprintf(text, size, KVM_DEBUGFS " is there"), true;
	if (slab_left(what, sizeof(what)))
		return snprintf(text, size, "slab cache %s is there", what), true;
	if (thread_left(what, sizeof(what)))
		return snprintf(text, size, "thread %s is there", what), true;
	if (vmalloc_left(what, sizeof(what)))
		return snprintf(text, size, "/proc/vmallocinfo: %s", what), true;
	if (vmalloc_now != vmalloc)
		return snprintf(text, size, "VmallocUsed is %lld KiB, it was %lld",
				vmalloc_now, vmalloc), true;
	if (pages - pages_now > PAGES_NOISE)
		return snprintf(text, size, "%lld pages are lost", pages - pages_now), true;
	snprintf(text, size, "VmallocUsed is %lld KiB as before, %lld pages less are free",
		 vmalloc_now, pages - pages_now);
	return false;
}

/* Unload the chain from `last` back to `first`, and see that nothing is left of it. */
static void unload_chain(int first, int last)
{
	char text[800];
	bool left;
	int i, t, err = 0;

	for (i = last; i >= first; i--) {
		/* Workers may hold the last reference a little longer. */
		for (t = 0; t < SETTLE_MS / 20; t++) {
			err = unload(chain[i]);
			if (err != EAGAIN)
				break;
			usleep(20000);
		}
		printf("unload %s: %s\n", chain[i], err ? strerror(err) : "done");
		if (err)
			complain("%s: %s", chain[i], strerror(err));
	}
	for (t = 0; (left = something_left(first, text, sizeof(text))) && t < SETTLE_MS / 50; t++)
		usleep(50000);
	if (left)
		complain("%d ms after unloading: %s", SETTLE_MS, text);
	else
		printf("nothing is left: %s\n", text);
}

/* MODULE.PARAMETER=VALUE: reads as VALUE; 1 is Y, 0 is N. */
static void check_parameter(const char *setting)
{
	char path[200], is[128] = "", name[128];
	const char *value = strchr(setting, '='), *dot = strchr(setting, '.');

	snprintf(name, sizeof(name), "%.*s", (int)(value - dot - 1), dot + 1);
	snprintf(path, sizeof(path), "/sys/module/%.*s/parameters/%s", (int)(dot - setting),
		 setting, name);
	value++;
	if (!read_text(path, is, sizeof(is))) {
		complain("%s: %s", path, strerror(errno));
		return;
	}
	is[strcspn(is, "\n")] = '\0';
	printf("%s is %s\n", path, is);
	if (strcmp(is, value) && !(!strcmp(value, "1") && !strcmp(is, "Y")) &&
	    !(!strcmp(value, "0") && !strcmp(is, "N")))
		complain("%s is %s, not %s", path, is, value);
}

static void check_works(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		complain("/dev/kvm: %s", strerror(errno));
	if (kvm >= 0)
		close(kvm);
	if (access(KVM_DEBUGFS, F_OK))
		complain("no " KVM_DEBUGFS);
}

static void do_load(char **settings)
{
	char parameters[512], slab[300];
	long long now, before;
	size_t len;
	bool given;
	char **s;
	int i;

	for (i = 0; i < nr_chain; i++)
		if (loaded(chain[i])) {
			complain("%s is loaded already", chain[i]);
			return;
		}
	save_state();
	for (i = 0; i < nr_chain && !complained; i++) {
		len = strlen(chain[i]);
		parameters[0] = '\0';
		for (s = settings, given = true; *s; s++) {
			if (!strcmp(*s, "--expect"))
				given = false;
			else if (!given)
				given = true;
			else if (!strncmp(*s, chain[i], len) && (*s)[len] == '.')
				snprintf(parameters + strlen(parameters),
					 sizeof(parameters) - strlen(parameters), "%s%s",
					 parameters[0] ? " " : "", *s + len + 1);
		}
		if (load(chain[i], parameters))
			complain("%s was not loaded", chain[i]);
	}
	if (complained)
		return;
	for (s = settings; *s; s++)
		if (strcmp(*s, "--expect"))
			check_parameter(*s);
	check_works();
	now = number_behind("/proc/meminfo", "VmallocUsed");
	before = number_behind(STATE, "vmalloc");
	printf("VmallocUsed is %lld KiB, it was %lld; slab cache %s is new\n", now, before,
	       slab_left(slab, sizeof(slab)) ? slab : "none");
	/* What cannot be seen to come cannot be seen to go. */
	if (now <= before)
		complain("VmallocUsed does not count the modules");
	if (!slab_left(slab, sizeof(slab)))
		complain("no slab cache is new: was the machine booted with slab_nomerge?");
}

static void check_busy(const char *when)
{
	int i, err;

	for (i = nr_chain - 1; i >= 0; i--) {
		err = unload(chain[i]);
		printf("%s: unload %s: %s\n", when, chain[i], err ? strerror(err) : "done");
		if (err != EAGAIN)
			complain("%s: unloading %s: %s, not %s", when, chain[i],
				 err ? strerror(err) : "done", strerror(EAGAIN));
	}
}

static void do_busy(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;

	if (kvm < 0) {
		complain("/dev/kvm: %s", strerror(errno));
		return;
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	close(kvm);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0) {
		complain("KVM_CREATE_VM or KVM_CREATE_VCPU: %s", strerror(errno));
		return;
	}
	check_busy("a VM is open");
	if (!complained && ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) <= 0)
		complain("the VM does not answer any more");
	close(vm);
	if (!complained)
		check_busy("its vCPU is open");
	close(vcpu);
	check_works();
}

static void do_refused(void)
{
	int i, err, last = nr_chain - 1, first = last;

	for (i = 0; i < last; i++) {
		if (loaded(chain[i]))
			continue;
		if (first == last) {
			save_state();
			first = i;
		}
		if (load(chain[i], "")) {
			complain("%s was not loaded", chain[i]);
			return;
		}
	}
	err = load(chain[last], "");
	/* kvm_arch_init(): no hardware support, or the other vendor's is in. */
	if (err != EOPNOTSUPP && err != EEXIST)
		complain("%s: %s, not refused as it should be", chain[last],
			 err ? strerror(err) : "it is loaded");
	if (loaded(chain[last]))
		complain("%s is there", chain[last]);
	/* Those that were loaded here. */
	if (first < last)
		unload_chain(first, last - 1);
	else
		check_works();
}

int main(int argc, char **argv)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		usage("what, and which module?");
	for (i = 3; i < argc; i++) {
		char *dot = strchr(argv[i], '.'), *value = strchr(argv[i], '=');

		if (strcmp(argv[1], "load"))
			usage("settings are for load only");
		if (!strcmp(argv[i], "--expect") && i + 1 < argc && strcmp(argv[i + 1], "--expect"))
			continue;
		if (!dot || !value || dot == argv[i] || value < dot + 2 || !value[1])
			usage("a setting is MODULE.PARAMETER=VALUE");
	}
	if (strcmp(argv[1], "load") && strcmp(argv[1], "busy") && strcmp(argv[1], "refused") &&
	    strcmp(argv[1], "unload"))
		usage("what?");
	if (access(MODULES, R_OK))
		refuse("no " MODULES ": see ci/lib/build-initrd");
	add_to_chain(argv[2]);
	set_apart(!strcmp(argv[1], "load") || !strcmp(argv[1], "refused"));
	if (!strcmp(argv[1], "load"))
		do_load(argv + 3);
	else if (!strcmp(argv[1], "busy"))
		do_busy();
	else if (!strcmp(argv[1], "refused"))
		do_refused();
	else if (access(STATE, R_OK))
		complain("no " STATE ": nothing was loaded");
	else
		unload_chain(0, nr_chain - 1);
	return complained ? EX_FAIL : EX_PASS;
}
