# shellcheck shell=bash
# ci/lib/lists.sh - which tests a milestone runs in a lane.
#
# Usage:   . ci/lib/lists.sh         after scripts/lib/lib.sh
# Inputs:  ci/machine/lists/TABLE.table, one for each lane, and some more; a line for each
#          test, in the order in which they run:
#            suite    tests, shadow, stress, guest or modules
#            since    the milestone that it came with, which runs it, as all later ones
#                     do; base: the unpatched base runs it too
#            name     of the test, once in what a milestone runs of a suite
#            seconds  its time limit, by the machine's own clock
#            command  a program and its arguments (see ci/machine/init/init.c)
#          Empty lines, and those that begin with #, are for readers.
# Outputs: the functions below. A LIST is TABLE, for the suite tests, or TABLE-SUITE
# Exit codes: 2 a table is not in order

LISTS=$TOP/ci/machine/lists
LIST_SUITES="tests shadow stress guest modules"

# list_table LIST: "TABLE SUITE", whether it is there or not.
list_table() {
	local suite=${1##*-}
	if [[ $1 != *-* || $suite = tests || " $LIST_SUITES " != *" $suite "* ]]; then
		echo "$1 tests"
	else
		echo "${1%-*} $suite"
	fi
}

# has_list LIST
has_list() {
	local table suite
	read -r table suite < <(list_table "$1")
	[ -f "$LISTS/$table.table" ] && grep -q "^$suite " "$LISTS/$table.table"
}

# table_lists TABLE: its lists, in the order of LIST_SUITES.
table_lists() {
	local suite
	for suite in $LIST_SUITES; do
		[ "$suite" != tests ] || { ! has_list "$1" || echo "$1"; continue; }
		! has_list "$1-$suite" || echo "$1-$suite"
	done
}

# list_tests MILESTONE LIST: "NAME SECONDS COMMAND..." of the tests that a milestone runs,
# each on the line that it has in the table: the others are empty.
list_tests() {
	local table suite line word since rest number=0 upto=" base $MILESTONES "
	upto="${upto%%" $1 "*} $1 "
	read -r table suite < <(list_table "$2")
	while read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		read -r word since rest <<<"$line"
		if [[ -n $word && $word != '#'* ]]; then
			[[ " $LIST_SUITES " = *" $word "* ]] ||
				die "$EX_USAGE" "ci/machine/lists/$table.table:$number: '$word' is no suite: $LIST_SUITES"
			[ "$since" = base ] || is_milestone "$since" ||
				die "$EX_USAGE" "ci/machine/lists/$table.table:$number: '$since' is no milestone: base $MILESTONES"
			[[ $word = "$suite" && $upto = *" $since "* ]] || rest=''
		else
			rest=''
		fi
		echo "$rest"
	done <"$LISTS/$table.table"
}
