/* SPDX-License-Identifier: GPL-2.0 */
/* csv.h - RFC 4180 tables, with LF or CRLF line ends. */
#ifndef TDP_CSV_H
#define TDP_CSV_H

#include <stdbool.h>
#include <stddef.h>

struct csv_row {
	char **field;
	size_t nr;
	size_t line;		/* where the row starts in its file */
};

struct csv {
	struct csv_row *row;	/* row[0] is the header */
	size_t nr;
};

/*
 * Read path; what is wrong with the form is reported as finding of name.
 * With lf_only so are carriage returns and a missing newline at the end. Rows
 * that could be read are kept. Returns 0, or a positive errno.
 */
int csv_load(struct csv *csv, const char *path, const char *name, bool lf_only);
void csv_free(struct csv *csv);
/* Does row[0] start with this comma-separated list of names? */
bool csv_header_starts(const struct csv *csv, const char *names);

#endif
