/* SPDX-License-Identifier: GPL-2.0 */
/* map.h - the columns of upstream-map.csv. */
#ifndef TDP_MAP_H
#define TDP_MAP_H

#define MAP "upstream-map.csv"

enum { PATCH, MILESTONE, COMMIT, VERSION, AUTHOR, TITLE, RELATION, FIXES,
       EVIDENCE, NOTE, ENTRY, NR_COLUMNS };
#define MAP_HEADER "patch,milestone,upstream_commit,upstream_version," \
	"upstream_author,upstream_title,relation,folded_fixes,evidence,note,entry"

#define ID_ERE "[0-9a-f]{40}"
/* what stable's own patches may name a commit by, which nobody looks up by program */
#define SHORT_ID_ERE "[0-9a-f]{12}"
#define VERSION_ERE "v[0-9]+\\.[0-9]+(-rc[0-9]+)?"
#define STABLE "stable"	/* the version of a commit that is in stable branches only */

#endif
