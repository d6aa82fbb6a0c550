// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/lib/files.c - small files of /proc and /sys, for the programs that run
 * in a machine. What cannot be read is false, or -1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"

/* As much as there is, and fits. */
bool read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = '\0';
	return n >= 0;
}

/* The first line, without its newline. */
bool read_line(const char *path, char *buf, size_t size)
{
	if (!read_text(path, buf, size))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* Into a file that is there; errno says why not. */
bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	err = n < 0 ? errno : EIO;
	close(fd);
	errno = err;
	return n == (ssize_t)strlen(text);
}

long long read_number(const char *path)
{
	char buf[64];

	return read_text(path, buf, sizeof(buf)) ? atoll(buf) : -1;
}

/* gate.patience=N of the command line, by which limits of time are multiplied; or 1. */
long gate_patience(void)
{
	char text[4096], *at;
	long n = 0;

	if (read_line("/proc/cmdline", text, sizeof(text)) && (at = strstr(text, "gate.patience=")))
		n = atol(at + strlen("gate.patience="));
	return n > 0 ? n : 1;
}

/* A parameter of a module, built in or not. */
bool module_parameter(const char *module, const char *name, char *value, size_t size)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	return read_line(path, value, size);
}

/* It is Y or 1; not if there is none. */
bool parameter_on(const char *module, const char *name)
{
	char value[8];

	return module_parameter(module, name, value, sizeof(value)) &&
	       (*value == 'Y' || *value == '1');
}

/* /modules/NAME.ko: 0, also if it is loaded already, or why not. */
int load_module(const char *name)
{
	char path[200];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/modules/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		err = errno;
	close(fd);
	return err;
}
