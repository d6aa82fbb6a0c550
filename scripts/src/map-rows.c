// SPDX-License-Identifier: GPL-2.0
/*
 * map-rows.c - upstream-map.csv for scripts: one line a row.
 *
 * Usage:   map-rows FILE
 * Inputs:  FILE, a table with the columns of upstream-map.csv
 * Outputs: for each row but the header its line number and its fields, each
 *          ended by the byte 0x1f; line ends and that byte inside of a field are
 *          printed as spaces.
 * Exit:    0 done, 2 the table cannot be read or is not a map.
 */
#include "csv.h"
#include "map.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define END_OF_FIELD '\x1f'

static void print_field(const char *s)
{
	for (; *s; s++)
		putchar(strchr("\n\r\x1f", *s) ? ' ' : *s);
	putchar(END_OF_FIELD);
}

int main(int argc, char **argv)
{
	struct csv map;
	size_t i, j;
	int err;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: map-rows FILE\n");
		return EX_USAGE;
	}
	err = csv_load(&map, argv[1], argv[1], false);
	if (err)
		refuse(argv[1], "cannot read it: %s", strerror(err));
	if (!csv_header_starts(&map, MAP_HEADER))
		refuse(argv[1], "the header row is not %s", MAP_HEADER);
	for (i = 1; i < map.nr; i++)
		if (map.row[i].nr != NR_COLUMNS)
			refuse_line(argv[1], map.row[i].line, "%zu fields instead of %d",
				    map.row[i].nr, NR_COLUMNS);
	if (findings())
		return EX_USAGE;
	for (i = 1; i < map.nr; i++) {
		printf("%zu%c", map.row[i].line, END_OF_FIELD);
		for (j = 0; j < map.row[i].nr; j++)
			print_field(map.row[i].field[j]);
		putchar('\n');
	}
	csv_free(&map);
	return fflush(stdout) ? EX_USAGE : EX_PASS;
}
