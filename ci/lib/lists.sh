# shellcheck shell=bash
# ci/lib/lists.sh - which tests a milestone runs in a lane.
#
# Usage:   . ci/lib/lists.sh         after scripts/lib/lib.sh
# Inputs:  ci/machine/lists/LIST.list, and what a milestone adds, for itself and
#          those after it: ci/machine/lists/LIST.MILESTONE.list
# Outputs: the functions below.
# Exit codes: 2 an addition for what is no milestone

LISTS=$TOP/ci/machine/lists

# list_files MILESTONE LIST: the files of a list, one a line.
list_files() {
	local f m
	for f in "$LISTS/$2".*.list; do
		[ -e "$f" ] || continue
		m=${f#"$LISTS/$2."} m=${m%.list}
		is_milestone "$m" || die "$EX_USAGE" "${f#"$TOP/"}:1: '$m' is no milestone: $MILESTONES"
	done
	echo "$LISTS/$2.list"
	[ "$1" != base ] || return 0
	for m in $MILESTONES; do
		[ ! -f "$LISTS/$2.$m.list" ] || echo "$LISTS/$2.$m.list"
		[ "$m" != "$1" ] || return 0
	done
}
