/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/files.h - small files of /proc and /sys: see files.c */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

bool read_text(const char *path, char *buf, size_t size);
bool read_line(const char *path, char *buf, size_t size);
bool write_text(const char *path, const char *text);
long long read_number(const char *path);
bool module_parameter(const char *module, const char *name, char *value, size_t size);
bool parameter_on(const char *module, const char *name);
long gate_patience(void);
int load_module(const char *name);

#endif
