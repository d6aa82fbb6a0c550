/* SPDX-License-Identifier: GPL-2.0 */
/* map.h - upstream-map.csv, and where it comes from. */
#ifndef TDP_MAP_H
#define TDP_MAP_H

#include <stdio.h>

#include "csv.h"
#include "patch.h"

#define MAP "upstream-map.csv"
#define OMITTED "patches/omitted.csv"

enum { COMMIT, RELATION, PATCH, FOLDED_INTO, VERSION, AUTHOR, TITLE, CVE, NOTE, NR_COLUMNS };
#define MAP_HEADER "commit,relation,patch,folded_into,version,author,title,cve,note"

/* the list of commits that are not taken: written by hand */
enum { OMITTED_COMMIT, OMITTED_VERSION, OMITTED_AUTHOR, OMITTED_TITLE, OMITTED_REASON,
       OMITTED_COLUMNS };
#define OMITTED_HEADER "commit,version,author,title,reason"

/* Print the header row; the rows of a patch; a row for each omitted commit. */
void map_header(FILE *f);
void map_patch(FILE *f, const char *path, const struct patch *p);
void map_omitted(FILE *f, const struct csv *omitted);
/* MILESTONE/SLUG of patches/MILESTONE/SLUG.patch; caller frees. */
char *map_name(const char *path);

#endif
