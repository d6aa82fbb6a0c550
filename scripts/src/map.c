// SPDX-License-Identifier: GPL-2.0
/*
 * map.c - the rows of upstream-map.csv, from the headers of the patches and from
 * the list of the commits that are not taken.
 */
#define _GNU_SOURCE
#include "map.h"
#include "base.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define PART "in part: "	/* so begins the adaptation of a patch that is not all of its commit */

/* As RFC 4180 wants it. */
static void print_row(FILE *f, const char *const field[NR_COLUMNS])
{
	size_t i;

	for (i = 0; i < NR_COLUMNS; i++) {
		const char *s = field[i] ? field[i] : "";
		bool quote = strpbrk(s, ",\"\r\n");

		if (i)
			putc(',', f);
		if (quote)
			putc('"', f);
		for (; *s; s++) {
			if (*s == '"')
				putc('"', f);
			putc(*s, f);
		}
		if (quote)
			putc('"', f);
	}
	putc('\n', f);
}

char *map_name(const char *path)
{
	const char *from = path + strlen("patches/");

	return xasprintf("%.*s", (int)(strlen(from) - strlen(".patch")), from);
}

void map_header(FILE *f)
{
	fputs(MAP_HEADER "\n", f);
}

void map_patch(FILE *f, const char *path, const struct patch *p)
{
	const char *note = p->adaptation ? p->adaptation : "";
	const char *cve = p->cve.value && strcmp(p->cve.value, "NA") ? p->cve.value : "";
	char *name = map_name(path);
	size_t i;

	print_row(f, (const char *[NR_COLUMNS]){
		[COMMIT] = p->commit.value,
		[RELATION] = !p->mainline ? "local" : starts_with(note, PART) ? "partial" : "adapted",
		[PATCH] = name, [VERSION] = p->version.value, [AUTHOR] = p->author.value,
		[TITLE] = p->subject.value, [CVE] = cve,
		[NOTE] = strcmp(note, "none.") && strcmp(note, "none") ? note : "",
	});
	for (i = 0; i < p->nr_folds; i++)
		print_row(f, (const char *[NR_COLUMNS]){
			[COMMIT] = p->fold[i].id.value, [RELATION] = "folded",
			[FOLDED_INTO] = name, [VERSION] = p->fold[i].version,
			[TITLE] = p->fold[i].title,
		});
	free(name);
}

void map_omitted(FILE *f, const struct csv *omitted)
{
	size_t i;

	for (i = 1; i < omitted->nr; i++) {
		char **from = omitted->row[i].field;

		if (omitted->row[i].nr != OMITTED_COLUMNS)
			continue;
		print_row(f, (const char *[NR_COLUMNS]){
			[COMMIT] = from[OMITTED_COMMIT], [RELATION] = "omitted",
			[VERSION] = from[OMITTED_VERSION], [AUTHOR] = from[OMITTED_AUTHOR],
			[TITLE] = from[OMITTED_TITLE], [NOTE] = from[OMITTED_REASON],
		});
	}
}
