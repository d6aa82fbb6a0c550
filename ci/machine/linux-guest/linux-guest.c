// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/linux-guest/linux-guest.c - boot a Linux guest under KVM with QEMU, migrate it
 * live if asked to, and say whether its memory was right all the time.
 *
 * Usage, inputs, outputs, exit codes: the text `help` below, which -h prints.
 *
 * QEMU is driven by QMP (docs/interop/qmp-spec.txt in its source). It writes an
 * object a line, and the few numbers and words of interest have keys that are
 * found once in an answer: no more of JSON is understood here.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../verdict/splat.h"
#include "../lib/clock.h"
#include "../lib/counts.h"
#include "../lib/files.h"
#include "../lib/words.h"

#define GUEST		"guest: "	/* how each line of guest-init begins */
#define QMP_FD		3	/* in QEMU */
#define CONSOLE_FD	4
#define FREE_FD		10
#define ANSWER_MAX	16384
#define LINE_LEN	1024
/* In ms: so low that no round is the last one, so high that the next one is. */
#define DOWNTIME_NEVER	1
#define DOWNTIME_NOW	600000

static const char help[] =
"linux-guest - boot a Linux guest under KVM, migrate it, verify its memory\n"
"\n"
"Usage:   linux-guest [--migrate] [--spoil] [--mib N] [--reserve N] [--vcpus N]\n"
"             [--sweeps N] [--rounds N] [--huge N] [--seconds N] [--silence N] [--seed N]\n"
"             [--append TEXT] [--qemu FILE] [--kernel FILE] [--initrd FILE]\n"
"         linux-guest --look FILE\n"
"         --migrate  live, to a second QEMU, while the guest writes\n"
"         --spoil    the guest changes one word: pass when it finds it\n"
"         --mib      memory of the guest (128): half of it, and more, has to be\n"
"                    left over by its kernel's image and tables. --reserve: of\n"
"                    what is left, as much need not be verified (40)\n"
"         --vcpus    (2)\n"
"         --sweeps   times that the guest verifies and rewrites its memory (2);\n"
"                    with --migrate: before it, and again after it\n"
"         --rounds   with --migrate: times that pages which the guest has written\n"
"                    meanwhile are sent again (3)\n"
"         --huge     with --migrate: huge pages that KVM has to map for the guest\n"
"                    when that begins (0)\n"
"         --seconds  limit for all of it (200); --silence: for the guest between\n"
"                    two words (60). gate.patience=N on the kernel's command\n"
"                    line multiplies both\n"
"         --seed     part of the tags in memory (from the clock)\n"
"         --append   for the guest's kernel command line\n"
"         --look     boot nothing: FILE is a guest's console, of which the line\n"
"                    is printed, if there is one, that fails a test\n"
"Inputs:  --qemu (/usr/bin/qemu-system-x86_64-microvm, which has q35 too), --kernel\n"
"         (/guest/bzImage), --initrd (/guest/initrd.gz), whose /init is guest-init\n"
"Outputs: the guest's console, `source: ...` and `destination: ...`; what was\n"
"         verified and migrated; or FAIL: and one of `hang`, `panic`, `kernel`,\n"
"         `memory`, `coverage`, `migration`, `timeout`, `qemu`, and what it was\n"
"Exit codes: 0 pass, 1 failure, 2 usage; with --look 0 no such line, 1 one\n";

static struct options {
	bool migrate, spoil;
	unsigned long mib, reserve, vcpus, sweeps, rounds, huge, seconds, silence, seed;
	const char *append, *qemu, *kernel, *initrd, *look;
} o = {
	.mib = 128, .reserve = 40, .vcpus = 2, .sweeps = 2, .rounds = 3, .seconds = 200,
	.silence = 60, .append = "",
	.qemu = "/usr/bin/qemu-system-x86_64-microvm",
	.kernel = "/guest/bzImage", .initrd = "/guest/initrd.gz",
};

/* What is read from a QEMU, cut into lines. */
struct stream {
	int fd;			/* -1: at its end */
	char line[ANSWER_MAX];
	size_t len;
};

struct machine {
	const char *name;
	pid_t pid;		/* 0: not started, or reaped */
	int status;
	bool ended;		/* and all that it said has been read */
	bool may_end;
	struct stream qmp, console;
	bool greeted, answered, resumed;
	char answer[ANSWER_MAX];
	char shutdown[64];	/* reason of the SHUTDOWN event */
	unsigned long sweeps;	/* that the guest has told of */
};

static struct machine source = { .name = "source" }, destination = { .name = "destination" };
static struct machine *const machines[] = { &source, &destination };

/* What the guest said, on whatever machine. */
static struct {
	unsigned int begins;
	unsigned long cpus, ram, fill, mib, sweeps;
	bool filled, verified;
	char fault[LINE_LEN];		/* FAIL ... */
	char error[LINE_LEN];
	char panic[LINE_LEN], complaint[LINE_LEN];	/* of its kernel */
	bool weak;			/* the complaint: as in splat.c */
	long long last_word;
} guest;

static char folder[] = "/tmp/linux-guest.XXXXXX";
static char socket_path[sizeof(folder) + 16];
static long long started;
static unsigned long patience = 1;

static void clean(void)
{
	for (int i = 0; i < 2; i++) {
		if (!machines[i]->pid)
			continue;
		kill(machines[i]->pid, SIGKILL);
		waitpid(machines[i]->pid, NULL, 0);
		machines[i]->pid = 0;
	}
	unlink(socket_path);
	rmdir(folder);
}

/* Behind what is wrong. */
static void when(char *text, size_t size)
{
	snprintf(text, size, " (after %lld ms, seed %lu)", now_ms() - started, o.seed);
}

static void on_signal(int sig)
{
	for (int i = 0; i < 2; i++)
		if (machines[i]->pid)
			kill(machines[i]->pid, SIGKILL);
	unlink(socket_path);
	rmdir(folder);
	_exit(128 + sig);
}

/* ---- what a QEMU says ---- */

static void keep(char *where, const char *text)
{
	if (!*where)
		snprintf(where, LINE_LEN, "%s", text);
}

/* Behind "guest: ". */
static void guest_word(struct machine *m, const char *text)
{
	unsigned long n;

	if (sscanf(text, "begin cpus=%lu ram=%lu fill=%lu", &guest.cpus, &guest.ram,
		   &guest.fill) == 3)
		guest.begins++;
	else if (!strcmp(text, "filled"))
		guest.filled = true;
	else if (sscanf(text, "sweep %lu", &n) == 1)
		m->sweeps = n;
	else if (sscanf(text, "verified mib=%lu sweeps=%lu", &guest.mib, &guest.sweeps) == 2)
		guest.verified = true;
	else if (!strncmp(text, "FAIL ", 5))
		keep(guest.fault, text + 5);
	else if (!strncmp(text, "error ", 6))
		keep(guest.error, text + 6);
}

/* What tells most is kept: parts of a report only as long as there is nothing else. */
static void kernel_word(struct piece t)
{
	bool weak;
	const char *id = splat_match(t, false, &weak);
	char text[LINE_LEN];

	if (!id)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)t.len, t.p);
	if (!strcmp(id, "panic")) {
		keep(guest.panic, text);
	} else if (!*guest.panic) {
		if (guest.weak && !weak)
			*guest.complaint = '\0';
		if (!*guest.complaint)
			guest.weak = weak;
		keep(guest.complaint, text);
	}
}

static void console_line(struct machine *m, const char *line)
{
	struct piece rest = { line, strlen(line) }, t;

	if (!o.look)
		printf("%s: %s\n", m->name, line);
	while (next_message(&rest, GUEST, &t))
		if (t.len >= strlen(GUEST) && !memcmp(t.p, GUEST, strlen(GUEST)))
			guest_word(m, t.p + strlen(GUEST));	/* up to the line's end */
		else
			kernel_word(t);
}

/* The number behind a key of an answer, -1 if there is none. */
static long long number_of(const char *answer, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	at = strstr(answer, quoted);
	return at ? atoll(at + strlen(quoted)) : -1;
}

/* The text behind a key, "" if there is none. */
static const char *text_of(const char *answer, const char *key)
{
	static char text[LINE_LEN];
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\": \"", key);
	at = strstr(answer, quoted);
	snprintf(text, sizeof(text), "%s", at ? at + strlen(quoted) : "");
	text[strcspn(text, "\"")] = '\0';
	return text;
}

static void qmp_line(struct machine *m, const char *line)
{
	const char *event = text_of(line, "event");

	if (strstr(line, "\"QMP\": ")) {
		m->greeted = true;
	} else if (!strcmp(event, "SHUTDOWN")) {
		snprintf(m->shutdown, sizeof(m->shutdown), "%s", text_of(line, "reason"));
	} else if (!strcmp(event, "RESUME")) {
		m->resumed = true;
	} else if (!*event) {
		snprintf(m->answer, sizeof(m->answer), "%s", line);
		m->answered = true;
	}
}

static void read_stream(struct machine *m, struct stream *s,
			void (*line)(struct machine *m, const char *line))
{
	char buf[4096];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0 && s == &m->console)
		guest.last_word = now_ms();
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] != '\n' && s->len < sizeof(s->line) - 1) {
			if (isprint((unsigned char)buf[i]) || buf[i] == '\t')
				s->line[s->len++] = buf[i];
			continue;
		}
		s->line[s->len] = '\0';
		line(m, s->line);
		s->len = 0;
	}
	if (n > 0)
		return;
	if (s->len) {
		s->line[s->len] = '\0';
		line(m, s->line);
		s->len = 0;
	}
	close(s->fd);
	s->fd = -1;
}

/* ---- waiting ---- */

/* Whatever is there to be read, for up to 100 ms. */
static void listen_to_all(void)
{
	struct pollfd fds[4] = {
		{ .fd = source.pid ? source.qmp.fd : -1, .events = POLLIN },
		{ .fd = source.pid ? source.console.fd : -1, .events = POLLIN },
		{ .fd = destination.pid ? destination.qmp.fd : -1, .events = POLLIN },
		{ .fd = destination.pid ? destination.console.fd : -1, .events = POLLIN },
	};

	if (poll(fds, 4, 100) < 0 && errno != EINTR)
		fail("qemu: poll: %s", strerror(errno));
	for (int i = 0; i < 4; i++) {
		struct machine *m = machines[i / 2];

		if (fds[i].revents && i % 2)
			read_stream(m, &m->console, console_line);
		else if (fds[i].revents)
			read_stream(m, &m->qmp, qmp_line);
	}
	for (int i = 0; i < 2; i++) {
		struct machine *m = machines[i];

		if (m->pid && m->qmp.fd < 0 && m->console.fd < 0 &&
		    waitpid(m->pid, &m->status, WNOHANG) == m->pid) {
			m->pid = 0;
			m->ended = true;
		}
	}
}

/* The rest of what a guest has to say that is in trouble. */
static void listen_on(long long ms)
{
	long long until = now_ms() + ms;

	while (now_ms() < until && (source.pid || destination.pid))
		listen_to_all();
}

/* The panic that PID 1's end brings is told as what came before it. */
static void check_guest(void)
{
	if (*guest.fault || *guest.error || *guest.panic || *guest.complaint)
		listen_on(2000);
	if (*guest.fault && !o.spoil)
		fail("memory: %s", guest.fault);
	if (*guest.error)
		fail("guest: %s", guest.error);
	if (*guest.panic)
		fail("panic: the guest's kernel said: %s%s%s", guest.complaint,
		     *guest.complaint ? " ... " : "", guest.panic);
	if (*guest.complaint)
		fail("kernel: the guest's kernel said: %s", guest.complaint);
	if (guest.begins > 1)
		fail("panic: the guest has begun anew");
}

static void put(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;		/* that it has ended is seen elsewhere */
		text += n;
		len -= n;
	}
}

/* An answer of HMP, unless it takes more than 5 s: no turn(), which may be what fails. */
static void show(struct machine *m, const char *command_line)
{
	static char answer[ANSWER_MAX];
	long long until = now_ms() + 5000;
	char json[256], *line, *next;

	snprintf(json, sizeof(json), "{\"execute\": \"human-monitor-command\", "
		 "\"arguments\": {\"command-line\": \"%s\"}}\n", command_line);
	m->answered = false;
	put(m->qmp.fd, json);
	while (!m->answered && m->pid && now_ms() < until)
		listen_to_all();
	if (!m->answered) {
		printf("%s: no answer to %s\n", m->name, command_line);
		return;
	}
	snprintf(answer, sizeof(answer), "%s", m->answer);
	for (line = answer; line; line = next) {
		next = strstr(line, "\\r\\n");
		if (next) {
			*next = '\0';
			next += 4;
		}
		/* Not what is of no use here: vector and floating-point registers. */
		if (*line && strncmp(line, "FPR", 3) && strncmp(line, "XMM", 3) &&
		    strncmp(line, "YMM", 3) && strncmp(line, "FCW", 3))
			printf("%s: %s: %s\n", m->name, command_line, line);
	}
}

/* Where the CPUs of a guest are that makes no progress. */
static void diagnose(void)
{
	for (int i = 0; i < 2; i++) {
		if (!machines[i]->pid)
			continue;
		show(machines[i], "info status");
		show(machines[i], "info registers -a");
	}
}

/* The guest has come to its end: from now on QEMU may end, too. */
static bool said_all(void)
{
	return guest.verified || (o.spoil && *guest.fault);
}

/* One turn of waiting for something; does not return when it cannot come. */
static void turn(const char *what)
{
	long long now;

	listen_to_all();
	check_guest();
	for (int i = 0; i < 2; i++) {
		struct machine *m = machines[i];

		if (!m->ended || m->may_end || said_all())
			continue;
		if (WIFSIGNALED(m->status))
			fail("qemu: the %s's QEMU died of signal %d, waiting for %s", m->name,
			     WTERMSIG(m->status), what);
		fail("qemu: the %s's QEMU ended with exit code %d%s%s, waiting for %s", m->name,
		     WEXITSTATUS(m->status), *m->shutdown ? ", " : "", m->shutdown, what);
	}
	now = now_ms();
	if (now - guest.last_word > (long long)(o.silence * patience * 1000)) {
		diagnose();
		fail("hang: no word from the guest for %lu s, waiting for %s",
		     o.silence * patience, what);
	}
	if (now - started > (long long)(o.seconds * patience * 1000)) {
		diagnose();
		fail("timeout: %lu s are over, waiting for %s", o.seconds * patience, what);
	}
}

/* ---- commands ---- */

/* The answer to a command; an error of QEMU's ends the test. */
static const char *command(struct machine *m, const char *name, const char *arguments)
{
	char json[512];

	snprintf(json, sizeof(json), "{\"execute\": \"%s\"%s%s%s}\n", name,
		 *arguments ? ", \"arguments\": {" : "", arguments, *arguments ? "}" : "");
	m->answered = false;
	put(m->qmp.fd, json);
	while (!m->answered)
		turn(name);
	if (strstr(m->answer, "\"error\": "))
		fail("qemu: %s: %s", name, text_of(m->answer, "desc"));
	return m->answer;
}

static void __attribute__((noreturn)) run_qemu(int qmp, int console, char **argv)
{
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Out of the way first: the new numbers may be taken by these. */
	qmp = fcntl(qmp, F_DUPFD_CLOEXEC, FREE_FD);
	console = fcntl(console, F_DUPFD_CLOEXEC, FREE_FD);
	if (null < 0 || dup2(null, 0) < 0 || dup2(1, 2) < 0 ||
	    dup2(qmp, QMP_FD) < 0 || dup2(console, CONSOLE_FD) < 0)
		_exit(126);
	execv(argv[0], argv);
	printf("%s: %s\n", argv[0], strerror(errno));
	fflush(stdout);
	_exit(127);
}

static void start(struct machine *m)
{
	char smp[24], memory[24], qmp[64], console[64], append[1024], incoming[128];
	int q[2], c[2];
	char *argv[] = {
		(char *)o.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "q35,accel=kvm", "-cpu", "host", "-smp", smp, "-m", memory,
		"-chardev", qmp, "-mon", "chardev=qmp,mode=control",
		"-chardev", console, "-serial", "chardev:console",
		"-kernel", (char *)o.kernel, "-initrd", (char *)o.initrd, "-append", append,
		m == &destination ? "-incoming" : NULL, incoming, NULL,
	};

	snprintf(smp, sizeof(smp), "%lu", o.vcpus);
	snprintf(memory, sizeof(memory), "%luM", o.mib);
	snprintf(qmp, sizeof(qmp), "socket,id=qmp,fd=%d", QMP_FD);
	snprintf(console, sizeof(console), "socket,id=console,fd=%d", CONSOLE_FD);
	snprintf(incoming, sizeof(incoming), "unix:%s", socket_path);
	/* loglevel=5: warnings and what is worse, and guest-init's words. */
	snprintf(append, sizeof(append), "console=ttyS0,115200 loglevel=5 printk.devkmsg=on "
		 "panic=-1 guest.seed=%lu guest.sweeps=%lu%s%s%s", o.seed,
		 o.migrate ? 0 : o.sweeps, o.spoil ? " guest.spoil=1" : "",
		 *o.append ? " " : "", o.append);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, q) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c))
		fail("qemu: socketpair: %s", strerror(errno));
	fflush(stdout);
	m->pid = fork();
	if (m->pid < 0) {
		m->pid = 0;
		fail("qemu: fork: %s", strerror(errno));
	}
	if (!m->pid)
		run_qemu(q[1], c[1], argv);
	close(q[1]);
	close(c[1]);
	m->qmp.fd = q[0];
	m->console.fd = c[0];
	guest.last_word = now_ms();
	while (!m->greeted)
		turn("QEMU's greeting");
	command(m, "qmp_capabilities", "");
	if (!strstr(command(m, "query-kvm", ""), "\"enabled\": true"))
		fail("qemu: it does not use KVM");
}

/* ---- the test ---- */

static void migrate(void)
{
	long long rounds = 0, pages = 0, sent = 0, again = 0, was = -1, huge;
	char arguments[128];
	char status[32];
	const char *answer;
	bool last = false;

	/* Of all VMs: there is no other one yet. -1 without debugfs. */
	huge = read_number(KVM_DEBUGFS "/largepages");
	if (o.huge && huge < (long long)o.huge)
		fail("coverage: %lld huge pages are mapped for the guest, %lu are wanted", huge, o.huge);
	start(&destination);
	snprintf(arguments, sizeof(arguments), "\"downtime-limit\": %d", DOWNTIME_NEVER);
	command(&source, "migrate-set-parameters", arguments);
	snprintf(arguments, sizeof(arguments), "\"uri\": \"unix:%s\"", socket_path);
	command(&source, "migrate", arguments);
	for (;;) {
		answer = command(&source, "query-migrate", "");
		rounds = number_of(answer, "dirty-sync-count");
		pages = number_of(answer, "total") / 4096;
		sent = number_of(answer, "normal") + number_of(answer, "duplicate");
		again = sent > pages ? sent - pages : 0;
		snprintf(status, sizeof(status), "%s", text_of(answer, "status"));
		if (rounds != was && rounds > 0)
			printf("migration: %s, round %lld, %lld pages sent\n", status, rounds, sent);
		was = rounds;
		if (!strcmp(status, "completed"))
			break;
		if (!strcmp(status, "failed") || !strncmp(status, "cancel", 6))
			fail("migration: %s: %s", status, text_of(answer, "error-desc"));
		/* The first count is the start of the first round. */
		if (!last && rounds > (long long)o.rounds && again) {
			snprintf(arguments, sizeof(arguments), "\"downtime-limit\": %d", DOWNTIME_NOW);
			command(&source, "migrate-set-parameters", arguments);
			last = true;
		}
		turn("the end of the migration");
	}
	printf("migration: completed in %lld ms, %lld ms of them downtime: %lld rounds, %lld pages, %lld sent again, %lld huge pages before it\n",
	       number_of(answer, "total-time"), number_of(answer, "downtime"), rounds, pages, again, huge);
	if (rounds <= (long long)o.rounds || !again)
		fail("migration: it was over before the guest's writes were sent %lu times: %lld rounds, %lld pages sent again",
		     o.rounds, rounds, again);
	while (!destination.resumed)
		turn("the guest to go on at the destination");
	source.may_end = true;
	command(&source, "quit", "");
	while (!source.ended)
		turn("the source's end");
}

static void check_result(struct machine *last)
{
	if (o.spoil && !*guest.fault)
		fail("memory: the guest has not found the word that it had changed itself");
	if (!o.spoil && !guest.verified)
		fail("memory: the guest has not verified it");
	if (guest.ram < o.mib / 2 || guest.ram > o.mib)
		fail("coverage: the guest's kernel has %lu of %lu MiB", guest.ram, o.mib);
	if (!o.spoil && (guest.mib + o.reserve < guest.ram || guest.mib > guest.ram))
		fail("coverage: %lu of its %lu MiB were verified, %lu are wanted", guest.mib,
		     guest.ram, guest.ram - o.reserve);
	if (guest.cpus != o.vcpus)
		fail("coverage: the guest had %lu CPUs, not %lu", guest.cpus, o.vcpus);
	if (!o.spoil && guest.sweeps < o.sweeps)
		fail("coverage: %lu sweeps were made, %lu are wanted", guest.sweeps, o.sweeps);
	if (strcmp(last->shutdown, "guest-shutdown"))
		fail("panic: the guest ended by '%s', not by power-off", last->shutdown);
	if (!WIFEXITED(last->status) || WEXITSTATUS(last->status))
		fail("qemu: wait status %#x at its end", last->status);
}

static void run(void)
{
	struct machine *last = &source;
	unsigned long before;

	start(&source);
	while (!guest.filled && !*guest.fault)
		turn("the guest to fill its memory");
	if (o.migrate) {
		while (source.sweeps < o.sweeps)
			turn("the guest to rewrite its memory");
		migrate();
		last = &destination;
		before = source.sweeps;
		while (destination.sweeps < before + o.sweeps)
			turn("the guest to rewrite its memory at the destination");
		put(destination.console.fd, "\n");
	}
	while (!last->ended && !said_all())
		turn("the guest to verify its memory");
	last->may_end = true;
	while (!last->ended)
		turn("the guest's power-off");
	check_result(last);
	if (o.spoil)
		printf("pass: the guest found the changed word\n");
	else
		printf("pass: %lu vCPUs, %lu of %lu MiB (%lu its kernel's own) verified, %lu sweeps, %lld ms, seed %lu\n",
		       guest.cpus, guest.mib, o.mib, o.mib - guest.ram, guest.sweeps, now_ms() - started, o.seed);
}

/* A console that was recorded. */
static int look(void)
{
	static struct machine m;
	const char *line;

	m.console.fd = open(o.look, O_RDONLY | O_CLOEXEC);
	if (m.console.fd < 0 || read(m.console.fd, NULL, 0) < 0)
		refuse("no console '%s': %s: see -h", o.look, strerror(errno));
	while (m.console.fd >= 0)
		read_stream(&m, &m.console, console_line);
	line = *guest.panic && (guest.weak || !*guest.complaint) ? guest.panic : guest.complaint;
	if (!*line)
		return EX_PASS;
	puts(line);
	return EX_FAIL;
}

/* ---- options ---- */

static unsigned long number(const char *name, const char *text, unsigned long low,
			    unsigned long high)
{
	unsigned long n;
	char *rest;

	errno = 0;
	n = strtoul(text, &rest, 10);
	if (errno || !isdigit((unsigned char)*text) || *rest || n < low || n > high)
		refuse("--%s '%s': a number from %lu to %lu: see -h", name, text, low, high);
	return n;
}

static void options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "migrate", 0, NULL, 'M' }, { "spoil", 0, NULL, 'S' }, { "mib", 1, NULL, 'b' },
		{ "reserve", 1, NULL, 'r' }, { "vcpus", 1, NULL, 'v' }, { "sweeps", 1, NULL, 'w' },
		{ "rounds", 1, NULL, 'n' }, { "huge", 1, NULL, 'H' }, { "seconds", 1, NULL, 's' },
		{ "silence", 1, NULL, 'q' }, { "seed", 1, NULL, 'e' },
		{ "append", 1, NULL, 'a' }, { "qemu", 1, NULL, 'Q' },
		{ "kernel", 1, NULL, 'k' }, { "initrd", 1, NULL, 'i' }, { "look", 1, NULL, 'l' },
		{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'M': o.migrate = true; break;
		case 'S': o.spoil = true; break;
		case 'b': o.mib = number("mib", optarg, 48, 2048); break;
		case 'r': o.reserve = number("reserve", optarg, 1, 1024); break;
		case 'v': o.vcpus = number("vcpus", optarg, 1, 16); break;
		case 'w': o.sweeps = number("sweeps", optarg, 1, 1000); break;
		case 'n': o.rounds = number("rounds", optarg, 2, 1000); break;
		case 'H': o.huge = number("huge", optarg, 0, 1UL << 20); break;
		case 's': o.seconds = number("seconds", optarg, 1, 100000); break;
		case 'q': o.silence = number("silence", optarg, 1, 100000); break;
		case 'e': o.seed = number("seed", optarg, 1, 1UL << 20); break;
		case 'a': o.append = optarg; break;
		case 'Q': o.qemu = optarg; break;
		case 'k': o.kernel = optarg; break;
		case 'i': o.initrd = optarg; break;
		case 'l': o.look = optarg; break;
		case 'h': fputs(help, stdout); exit(EX_PASS);
		default: exit(EX_USAGE);
		}
	}
	if (optind < argc)
		refuse("unknown '%s': see -h", argv[optind]);
	if (o.look)
		return;
	if (o.reserve >= o.mib / 2)
		refuse("--reserve %lu may leave nothing of --mib %lu: see -h", o.reserve, o.mib);
	if (o.migrate && o.spoil)
		refuse("one of --migrate and --spoil, not both: see -h");
	if (access(o.qemu, X_OK))
		refuse("no QEMU '%s': see -h", o.qemu);
	if (access(o.kernel, R_OK))
		refuse("no kernel '%s': see -h", o.kernel);
	if (access(o.initrd, R_OK))
		refuse("no initrd '%s': see -h", o.initrd);
}

int main(int argc, char **argv)
{
	wording.behind = when;
	wording.last = clean;
	started = now_ms();
	o.seed = 1 + (unsigned long)time(NULL) % (1UL << 20);
	options(argc, argv);
	if (o.look)
		return look();
	patience = gate_patience();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(folder))
		fail("qemu: %s: %s", folder, strerror(errno));
	snprintf(socket_path, sizeof(socket_path), "%s/migration", folder);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	run();
	clean();
	return EX_PASS;
}
