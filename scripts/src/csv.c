// SPDX-License-Identifier: GPL-2.0
/*
 * csv.c - RFC 4180 tables, with LF or CRLF line ends. A field may stand in double
 * quotes; a quote inside is doubled; a quoted field may hold commas and
 * line ends.
 */
#include "csv.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *name, *p, *end;
	size_t line;
};

static void add_field(struct csv_row *row, char *field)
{
	row->field = xrealloc(row->field, row->nr + 1, sizeof(*row->field));
	row->field[row->nr++] = field;
}

/* Reads a field; false when the closing quote is missing. */
static bool read_field(struct reader *r, char **field)
{
	size_t line = r->line, n = 0, size = 64;
	char *out = xrealloc(NULL, size, 1);
	bool quoted = r->p < r->end && *r->p == '"', closed = false;

	r->p += quoted;
	for (; r->p < r->end; r->p++) {
		if (quoted && *r->p == '"') {
			if (r->p + 1 < r->end && r->p[1] == '"') {
				r->p++;
			} else {
				closed = true;
				r->p++;
				break;
			}
		} else if (!quoted && (*r->p == ',' || *r->p == '\n')) {
			break;
		} else if (!quoted && *r->p == '"') {
			finding(r->name, r->line, "a quote inside a field that is not quoted");
		}
		r->line += *r->p == '\n';
		if (n + 1 == size) {
			size *= 2;
			out = xrealloc(out, size, 1);
		}
		out[n++] = *r->p;
	}
	out[n] = '\0';
	*field = out;
	if (quoted && !closed) {
		finding(r->name, line, "the quoted field that starts here is not closed");
		return false;
	}
	if (quoted && r->p < r->end && *r->p != ',' && *r->p != '\n') {
		finding(r->name, r->line, "text after the closing quote");
		while (r->p < r->end && *r->p != ',' && *r->p != '\n')
			r->p++;
	}
	return true;
}

static bool read_row(struct reader *r, struct csv_row *row)
{
	char *field;
	bool ok;

	memset(row, 0, sizeof(*row));
	row->line = r->line;
	for (;;) {
		ok = read_field(r, &field);
		add_field(row, field);
		if (!ok || r->p == r->end)
			return ok;
		if (*r->p++ == '\n') {
			r->line++;
			return true;
		}
	}
}

/* Makes LF of CRLF; returns the new length. */
static size_t drop_cr(char *buf, size_t len)
{
	size_t from, to = 0;

	for (from = 0; from < len; from++)
		if (buf[from] != '\r' || buf[from + 1] != '\n')
			buf[to++] = buf[from];
	buf[to] = '\0';
	return to;
}

int csv_load(struct csv *csv, const char *path, const char *name, bool lf_only)
{
	struct reader r = { .name = name, .line = 1 };
	struct csv_row row;
	size_t len;
	char *buf;
	bool ok = true;
	int err;

	memset(csv, 0, sizeof(*csv));
	buf = file_load(path, &len, &err);
	if (!buf)
		return err;
	if (len && memchr(buf, '\0', len)) {
		finding(name, 1, "holds a NUL byte: not a text file");
		len = strlen(buf);
	} else if (lf_only && memchr(buf, '\r', len)) {
		finding(name, 1, "holds a carriage return: use plain newlines");
	} else if (lf_only && len && buf[len - 1] != '\n') {
		finding(name, 1, "does not end with a newline");
	}
	len = drop_cr(buf, len);
	r.p = buf;
	r.end = buf + len;
	while (ok && r.p < r.end) {
		ok = read_row(&r, &row);
		csv->row = xrealloc(csv->row, csv->nr + 1, sizeof(row));
		csv->row[csv->nr++] = row;
	}
	free(buf);
	return 0;
}

void csv_free(struct csv *csv)
{
	size_t i, j;

	for (i = 0; i < csv->nr; i++) {
		for (j = 0; j < csv->row[i].nr; j++)
			free(csv->row[i].field[j]);
		free(csv->row[i].field);
	}
	free(csv->row);
	memset(csv, 0, sizeof(*csv));
}

bool csv_header_starts(const struct csv *csv, const char *names)
{
	size_t i, len;

	for (i = 0; *names; i++, names += len + (names[len] == ',')) {
		len = strcspn(names, ",");
		if (!csv->nr || i == csv->row[0].nr ||
		    strlen(csv->row[0].field[i]) != len ||
		    strncmp(csv->row[0].field[i], names, len))
			return false;
	}
	return true;
}
