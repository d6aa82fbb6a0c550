// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/init/init.c - PID 1 of the machines that the gate boots.
 *
 * Usage:   the kernel starts it as /init. It is linked statically.
 * Inputs:  /etc/testlist, one test a line: NAME SECONDS COMMAND [ARGUMENT...],
 *          `#` starts a comment line. COMMAND is a path, or a name below /tests.
 *          kernel command line: gate.list=NAME, told in the first line;
 *          gate.patience=N multiplies all time limits (slow kernels).
 *          gate.stop=1 ends the list with the first test that fails or taints.
 * Outputs: records in /dev/kmsg, so that no kernel message cuts a line in two
 *          (boot with printk.devkmsg=on), each one line of
 *            gate: begin tests=N list=NAME
 *            gate: param NAME=VALUE          what machine this is
 *            gate: test I NAME begin
 *            gate: out NAME: text            what the test wrote
 *            gate: test I NAME exit=K taint=T ms=M
 *            gate: test I NAME signal=S taint=T ms=M
 *            gate: test I NAME timeout taint=T ms=M
 *            gate: diagnosis NAME begin      of a test that hangs: what the
 *            gate: diagnosis NAME end        kernel says when asked is between
 *            gate: unkillable NAME           a process outlives SIGKILL
 *            gate: end ran=N
 *          T is /proc/sys/kernel/tainted, M is in milliseconds.
 * Exit codes: none. It powers the machine off when the list is through, or when
 *          a process cannot be killed: what runs beside that one proves nothing.
 *          A test that crashes, hangs, or leaves processes behind is killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/counts.h"
#include "../lib/exit.h"
#include "../lib/files.h"

#define MAX_TESTS	512
#define MAX_ARGS	64
#define NAME_LEN	64
/* The kernel cuts a record of /dev/kmsg at 992 bytes. */
#define TEXT_MAX	880
/* When the test is dead: its pipe is given up when silent for so long, ... */
#define DRAIN_MS	500
/* ... and anyhow after this. */
#define DRAIN_MAX_MS	20000
/* Times gate.patience: a large VM is torn down in this time, ... */
#define KILL_MS		30000
/* ... and all is printed that helps to find why it is not. */
#define DIAGNOSIS_MS	60000
/* For a power-off that a stuck CPU holds up, seconds. */
#define POWER_OFF_S	60
/* Records after which the console has to catch up with the log buffer. */
#define FLUSH_EVERY	64

struct test {
	char name[NAME_LEN];
	int seconds;
	char *argv[MAX_ARGS + 1];
};

struct lines {
	const char *name;
	char buf[TEXT_MAX + 1];
	size_t len;
};

static struct test tests[MAX_TESTS];
static int nr_tests;
static int patience = 1;
static bool failed;	/* a test that is neither passed nor skipped, or a taint */
static int kmsg = -1;

/* Wait for the console: reading this file takes and gives back its lock. */
static void flush_console(void)
{
	char buf[256];
	int fd = open("/proc/consoles", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

/* One record; <4> is a warning, so that `quiet` does not hide it. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	static unsigned int records;
	char record[TEXT_MAX + NAME_LEN + 32];
	int prefix, len;
	va_list ap;

	prefix = snprintf(record, sizeof(record), "<4>gate: ");
	va_start(ap, fmt);
	len = vsnprintf(record + prefix, sizeof(record) - prefix, fmt, ap);
	va_end(ap);
	len += prefix;
	if (len > (int)sizeof(record) - 1)
		len = sizeof(record) - 1;
	while (write(kmsg, record, len) < 0 && (errno == EINTR || errno == EAGAIN))
		;
	if (++records % FLUSH_EVERY == 0)
		flush_console();
}

static void flush_line(struct lines *l)
{
	l->buf[l->len] = '\0';
	say("out %s: %s", l->name, l->buf);
	l->len = 0;
}

static void add_text(struct lines *l, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '\n') {
			flush_line(l);
			continue;
		}
		if (c == '\r')
			continue;
		if (l->len == TEXT_MAX)
			flush_line(l);
		l->buf[l->len++] = c == '\t' || (c >= ' ' && c != 127) ? c : '?';
	}
}

static void write_file(const char *path, const char *text)
{
	if (!write_text(path, text))
		say("param error=%s:%s", path, strerror(errno));
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
		bool needed;
	} mounts[] = {
		{ "devtmpfs", "/dev", true },
		{ "proc", "/proc", true },
		{ "sysfs", "/sys", true },
		{ "tmpfs", "/tmp", true },
		{ "debugfs", "/sys/kernel/debug", false },
		{ "tracefs", "/sys/kernel/tracing", false },
		{ "hugetlbfs", "/hugepages", false },
	};
	bool ok[sizeof(mounts) / sizeof(*mounts)];
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].where, 0755);
		ok[i] = !mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
		if (i == 0)
			kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	}
	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		if (!ok[i] && mounts[i].needed)
			say("param error=mount:%s", mounts[i].where);
}

static void setup(void)
{
	static const int limits[] = { RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_NPROC };
	struct rlimit rl = { .rlim_cur = 65536, .rlim_max = 65536 };
	int null;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (limits[i] != RLIMIT_NOFILE)
			rl.rlim_cur = rl.rlim_max = RLIM_INFINITY;
		setrlimit(limits[i], &rl);
	}
	rl.rlim_cur = rl.rlim_max = 0;
	setrlimit(RLIMIT_CORE, &rl);

	null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (null > 2)
			close(null);
	}
	setenv("PATH", "/tests:/bin", 1);
	setenv("HOME", "/tmp", 1);
}

/* Every parameter of the modules whose name starts with "kvm". */
static void say_params(void)
{
	char path[600], value[128], dirname[300];
	struct dirent *m, *p;
	DIR *modules, *params;
	struct utsname uts;
	cpu_set_t mine;

	if (!uname(&uts)) {
		say("param release=%s", uts.release);
		say("param machine=%s", uts.machine);
	}
	/* A lane may keep some for itself. */
	sched_getaffinity(0, sizeof(mine), &mine);
	say("param cpus=%d", CPU_COUNT(&mine));
	say("param memory_mib=%ld", sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024);
	say("param gate.patience=%d", patience);
	say("param kvm=%s", access("/dev/kvm", R_OK | W_OK) ? "absent" : "present");

	modules = opendir("/sys/module");
	while (modules && (m = readdir(modules))) {
		if (strncmp(m->d_name, "kvm", 3))
			continue;
		snprintf(dirname, sizeof(dirname), "/sys/module/%s/parameters", m->d_name);
		params = opendir(dirname);
		while (params && (p = readdir(params))) {
			if (p->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", dirname, p->d_name);
			if (read_line(path, value, sizeof(value)))
				say("param %s.%s=%s", m->d_name, p->d_name, value);
		}
		if (params)
			closedir(params);
	}
	if (modules)
		closedir(modules);
}

/* Returns the number of lines that are not understood. */
static int read_list(const char *path)
{
	char *line = NULL, *word, *save;
	size_t size = 0;
	int bad = 0, n;
	FILE *f = fopen(path, "re");

	if (!f) {
		say("param error=%s:%s", path, strerror(errno));
		return 1;
	}
	while (getline(&line, &size, f) > 0) {
		struct test *t = &tests[nr_tests];

		word = strtok_r(line, " \t\n", &save);
		if (!word || *word == '#')
			continue;
		if (nr_tests == MAX_TESTS) {
			bad++;
			break;
		}
		snprintf(t->name, sizeof(t->name), "%s", word);
		word = strtok_r(NULL, " \t\n", &save);
		t->seconds = word ? atoi(word) : 0;
		for (n = 0; n < MAX_ARGS; n++) {
			word = strtok_r(NULL, " \t\n", &save);
			t->argv[n] = word ? strdup(word) : NULL;
			if (!word)
				break;
		}
		t->argv[n] = NULL;
		if (t->seconds <= 0 || !n) {
			say("param error=%s:%s", path, t->name);
			bad++;
			continue;
		}
		nr_tests++;
	}
	free(line);
	fclose(f);
	return bad;
}

/* The child: own session, output into the pipe, nothing of ours inherited. */
static void __attribute__((noreturn)) run_child(struct test *t, int out)
{
	static char path[256];
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(out, 1);
	dup2(out, 2);
	if (chdir("/tmp"))
		dprintf(2, "chdir /tmp: %s\n", strerror(errno));
	/* The selftests load their own file as the guest: they want its path. */
	if (!strchr(t->argv[0], '/')) {
		snprintf(path, sizeof(path), "/tests/%s", t->argv[0]);
		t->argv[0] = path;
	}
	execv(t->argv[0], t->argv);
	dprintf(2, "%s: %s\n", t->argv[0], strerror(errno));
	_exit(127);
}

/* Everything in a file of /proc, each line behind WHAT; nothing if it is not there. */
static void tell_file(const struct test *t, const char *what, const char *path)
{
	struct lines l = { .name = t->name };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	while ((n = getline(&line, &size, f)) > 0) {
		add_text(&l, what, strlen(what));
		add_text(&l, line, n);
		if (l.len)
			flush_line(&l);
	}
	free(line);
	fclose(f);
}

/* Kernel threads are children of thread 2, which is nobody's child, as we are. */
static bool is_user_process(const char *pid)
{
	char path[300], buf[512], *p;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (!read_line(path, buf, sizeof(buf)))
		return false;
	p = strrchr(buf, ')');
	return p && sscanf(p, ") %*c %d", &parent) == 1 && parent != 0 && parent != 2 &&
	       atoi(pid) != getpid();
}

/* See proc(5) for the files. The stack of a task on a CPU is empty: key `l`. */
static void tell_threads(const struct test *t, const char *pid)
{
	static const char *const files[] = { "stat", "wchan", "syscall", "stack" };
	char dirname[300], path[600], what[600];
	struct dirent *d;
	DIR *tasks;

	snprintf(dirname, sizeof(dirname), "/proc/%s/task", pid);
	tasks = opendir(dirname);
	while (tasks && (d = readdir(tasks))) {
		if (d->d_name[0] == '.')
			continue;
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
			snprintf(path, sizeof(path), "%s/%s/%s", dirname, d->d_name, files[i]);
			snprintf(what, sizeof(what), "%s/%s %s: ", pid, d->d_name, files[i]);
			tell_file(t, what, path);
		}
	}
	if (tasks)
		closedir(tasks);
}

/* KVM's counters that are not 0: the difference of two looks tells what a vCPU does. */
static void tell_kvm(const struct test *t, const char *when)
{
	char path[300], value[64];
	struct dirent *d;
	DIR *kvm = opendir(KVM_DEBUGFS);

	while (kvm && (d = readdir(kvm))) {
		if (d->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), KVM_DEBUGFS "/%s", d->d_name);
		if (read_line(path, value, sizeof(value)) && strcmp(value, "0"))
			say("out %s: kvm %s %s: %s", t->name, when, d->d_name, value);
	}
	if (kvm)
		closedir(kvm);
}

/* A file of /proc of a stuck process may hold up its reader: this is a child. */
static void __attribute__((noreturn)) look_around(const struct test *t, const char *keys)
{
	char key[2] = "";
	struct dirent *d;
	DIR *proc = opendir("/proc");

	while (proc && (d = readdir(proc)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && is_user_process(d->d_name))
			tell_threads(t, d->d_name);
	tell_file(t, "loadavg: ", "/proc/loadavg");
	tell_file(t, "interrupts: ", "/proc/interrupts");
	if (access("/proc/sysrq-trigger", W_OK))
		say("out %s: no /proc/sysrq-trigger in this kernel", t->name);
	for (; *keys; keys++) {
		*key = *keys;
		write_file("/proc/sysrq-trigger", key);
		flush_console();
	}
	/* Where CPUs have no NMI, each prints when it comes to it. */
	tell_kvm(t, "first");
	usleep(500000);
	tell_kvm(t, "then");
	flush_console();
	_exit(0);
}

/*
 * What every process is doing, and what the kernel says to the keys of sysrq:
 * w blocked tasks, l what runs on the CPUs, t all tasks and locks.
 */
static void diagnose(const struct test *t, const char *keys)
{
	long long until = now_ms() + DIAGNOSIS_MS * patience;
	pid_t pid;

	say("diagnosis %s begin", t->name);
	pid = fork();
	if (!pid)
		look_around(t, keys);
	while (pid > 0 && !waitpid(pid, NULL, WNOHANG)) {
		if (now_ms() >= until) {
			say("out %s: the diagnosis does not end", t->name);
			kill(pid, SIGKILL);
			break;
		}
		usleep(5000);
	}
	say("diagnosis %s end", t->name);
}

/*
 * Everything but us: what a test left behind goes, whatever its session.
 * Orphans are our children, so that nothing is left when we have none. (The
 * result of kill() says nothing: kernel threads count as killed.)
 */
static bool kill_rest(long long ms)
{
	long long until = now_ms() + ms;
	pid_t pid;

	for (;;) {
		kill(-1, SIGKILL);
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return true;
		if (now_ms() >= until)
			return false;
		usleep(2000);
	}
}

static long taint(void)
{
	char buf[64];

	return read_line("/proc/sys/kernel/tainted", buf, sizeof(buf)) ? atol(buf) : -1;
}

/* False: a process cannot be killed. */
static bool run_test(int nr, struct test *t)
{
	struct lines l = { .name = t->name };
	long long start, deadline, left, died = 0, drain = 0;
	long taint_before = taint();
	bool dead = false, timeout = false, open_pipe = true, stuck = false;
	int fds[2], status = 0;
	char buf[4096];
	struct pollfd pfd;
	ssize_t n;
	pid_t pid, p;

	say("test %d %s begin", nr, t->name);
	start = now_ms();
	deadline = start + t->seconds * 1000LL * patience;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		say("out %s: pipe: %s", t->name, strerror(errno));
		say("test %d %s exit=126 taint=%ld ms=0", nr, t->name, taint());
		return true;
	}
	/* A test may write blockingly; only our end must not wait. */
	fcntl(fds[1], F_SETFL, 0);
	pid = fork();
	if (!pid)
		run_child(t, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		say("out %s: fork: %s", t->name, strerror(errno));
		status = 126 << 8;
		dead = true;
	}

	/*
	 * Until the test is dead and its pipe empty. A grandchild may hold the
	 * pipe open for ever, so once the test is dead the pipe gets only
	 * DRAIN_MS more.
	 */
	while (!dead || open_pipe) {
		while (!dead && (p = waitpid(-1, &status, WNOHANG)) > 0)
			dead = p == pid;
		if (dead && !died) {
			died = now_ms();
			drain = died + DRAIN_MS;
		}
		if (dead && (now_ms() >= drain || now_ms() >= died + DRAIN_MAX_MS))
			break;
		if (!dead && now_ms() >= deadline && !timeout) {
			timeout = true;
			diagnose(t, "wl");
			kill(-1, SIGKILL);
			/* A task stuck in the kernel cannot be killed. */
			deadline = now_ms() + KILL_MS * patience;
		} else if (!dead && timeout && now_ms() >= deadline) {
			break;
		}
		left = dead ? drain - now_ms() : deadline - now_ms();
		if (left > 20)
			left = 20;
		if (!open_pipe) {
			usleep(5000);
			continue;
		}
		pfd = (struct pollfd){ .fd = fds[0], .events = POLLIN };
		if (poll(&pfd, 1, left < 0 ? 0 : left) <= 0)
			continue;
		n = read(fds[0], buf, sizeof(buf));
		if (n > 0) {
			add_text(&l, buf, n);
			drain = now_ms() + DRAIN_MS;
		} else if (n == 0) {
			open_pipe = false;
		}
	}
	if (l.len)
		flush_line(&l);
	close(fds[0]);
	if (!kill_rest(timeout && !dead ? 0 : KILL_MS * patience)) {
		diagnose(t, "wlt");
		/* Who has died meanwhile was slow, not stuck. */
		stuck = !kill_rest(1000);
	}
	if (stuck)
		say("unkillable %s", t->name);
	left = now_ms() - start;
	if (timeout)
		say("test %d %s timeout taint=%ld ms=%lld", nr, t->name, taint(), left);
	else if (WIFSIGNALED(status))
		say("test %d %s signal=%d taint=%ld ms=%lld", nr, t->name,
		    WTERMSIG(status), taint(), left);
	else
		say("test %d %s exit=%d taint=%ld ms=%lld", nr, t->name,
		    WEXITSTATUS(status), taint(), left);
	if (timeout || stuck || taint() != taint_before || !WIFEXITED(status) ||
	    (WEXITSTATUS(status) && WEXITSTATUS(status) != EX_SKIP))
		failed = true;
	/* Either may wait for a lock that the stuck process holds. */
	if (stuck)
		return false;
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	return true;
}

/*
 * The console driver and the emulator's file are behind the log buffer: wait
 * until the serial port is empty, and give the emulator a moment. With a process
 * that is stuck on a CPU, power-off may wait for that CPU: then a reset ends it.
 */
static void __attribute__((noreturn)) power_off(bool stuck)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY);

	flush_console();

	if (fd >= 0)
		tcdrain(fd);
	if (stuck && !fork()) {
		sleep(POWER_OFF_S);
		write_file("/proc/sysrq-trigger", "b");
		_exit(0);
	}
	if (!stuck)
		sync();
	usleep(300000);
	if (fd >= 0)
		tcdrain(fd);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

int main(void)
{
	char cmdline[4096], list[NAME_LEN] = "unnamed", *word, *save;
	bool stuck = false, stop = false;
	int bad, ran = 0;

	if (getpid() != 1) {
		fprintf(stderr, "init: error: this is PID 1 of the gate's machines: boot it\n");
		return EX_USAGE;
	}
	mount_all();
	setup();
	if (read_line("/proc/cmdline", cmdline, sizeof(cmdline)))
		for (word = strtok_r(cmdline, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
			if (!strncmp(word, "gate.list=", 10))
				snprintf(list, sizeof(list), "%s", word + 10);
			if (!strncmp(word, "gate.patience=", 14))
				patience = atoi(word + 14);
			if (!strcmp(word, "gate.stop=1"))
				stop = true;
		}
	if (patience < 1 || patience > 100) {
		say("param error=gate.patience");
		patience = 1;
	}
	bad = read_list("/etc/testlist");
	say("begin tests=%d list=%s", nr_tests, list);
	say_params();
	if (bad)
		power_off(false);
	for (; ran < nr_tests && !stuck && !(stop && failed); ran++)
		stuck = !run_test(ran + 1, &tests[ran]);
	say("end ran=%d", ran);
	power_off(stuck);
}
