// SPDX-License-Identifier: GPL-2.0
/*
 * derive-map.c - upstream-map.csv, from the headers of the patches and the list of
 * the commits that are not taken.
 *
 * Usage:   derive-map DIR [NEWER]
 * Inputs:  DIR/series, DIR/patches/, patches/omitted.csv among them if
 *          there is one; what lies below NEWER under the same path counts instead
 * Outputs: the table on stdout: for each patch, in the order of the series, its row
 *          and one for each commit folded into it; then the commits left out. What
 *          a header lacks is empty: check-series finds it.
 * Exit:    0 done, 2 usage, or an input cannot be read.
 */
#include "map.h"
#include "base.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The newer file if there is one; caller frees. */
static char *find(char **dir, const char *path)
{
	char *full = xasprintf("%s/%s", dir[1] ? dir[1] : dir[0], path);
	FILE *f = fopen(full, "re");

	if (f) {
		fclose(f);
		return full;
	}
	free(full);
	return xasprintf("%s/%s", dir[0], path);
}

static void load(struct text *t, char **dir, const char *path)
{
	char *full = find(dir, path);
	int err = text_load(t, full);

	if (err)
		refuse(full, "cannot read it: %s", strerror(err));
	free(full);
}

static void print_patch(char **dir, const char *path)
{
	struct patch p;
	struct text t;

	if (!matches(path, "patches/[^/]+/.+\\.patch"))
		return;
	load(&t, dir, path);
	patch_check(&t, path, &p);
	map_patch(stdout, path, &p);
	patch_free(&p);
	text_free(&t);
}

int main(int argc, char **argv)
{
	struct text series;
	struct csv omitted;
	char *path;
	size_t i;
	int err;

	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fprintf(stderr, "usage: derive-map DIR [NEWER]\n");
		return 2;
	}
	findings_quiet(true);
	load(&series, argv + 1, "series");
	path = find(argv + 1, OMITTED);
	err = csv_load(&omitted, path, OMITTED, true);
	if (err && err != ENOENT)
		refuse(path, "cannot read it: %s", strerror(err));
	map_header(stdout);
	for (i = 0; i < series.nr; i++) {
		const char *s = series.line[i];

		if (starts_with(s, STABLE_LINE))
			s += strlen(STABLE_LINE);
		if (*s && *s != '#')
			print_patch(argv + 1, s);
	}
	map_omitted(stdout, &omitted);
	csv_free(&omitted);
	text_free(&series);
	free(path);
	return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
