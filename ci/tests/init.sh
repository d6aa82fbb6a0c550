#!/bin/bash
# ci/tests/init.sh - test what makes a machine's content, as far as no kernel is
# needed for it. (ci/tests/boot-init.sh boots PID 1.)
#
# Usage:   ci/tests/init.sh
# Inputs:  ci/machine/init/init.c, ci/machine/lists, ci/lib/build-initrd
# Outputs: TAP on stdout: PID 1 compiles without a warning and refuses to be
#          anything else; lists that make no sense are refused with their place;
#          the real lists are well formed
# Exit codes: 0 all passed, 1 one failed, 5 packages missing
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
need_packages gcc libc6-dev make

# refused LINE PATTERN: a list with this as its second line exits 2.
# shellcheck disable=SC2317 # called by check
refused() {
	printf 'fine 10 demand_paging_test\n%s\n' "$1" >"$TMP/x.list"
	expect 2 "/x.list:2: error: $2" "$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list"
}
# well_formed TABLE: every line is a comment or SUITE SINCE NAME SECONDS COMMAND..., and
# all that the last milestone runs of a suite has a name of its own.
# shellcheck disable=SC2317 # called by check
well_formed() {
	local list lists
	! grep -nvE '^(#.*)?$|^[a-z]+ +[a-z0-9.-]+ +[a-z0-9._-]{1,63} +[1-9][0-9]* +[A-Za-z0-9._-]+( .*)?$' "$1" || return
	lists=$(table_lists "$(basename "$1" .table)")
	[ -n "$lists" ] || { echo "no test of any suite"; return 1; }
	for list in $lists; do
		(list_tests "${MILESTONES##* }" "$list") >"$TMP/tests" || return
		grep -q . "$TMP/tests" || { echo "nothing in $list"; return 1; }
		! sed 's/ .*//' "$TMP/tests" | grep . | sort | uniq -d | grep . || return
	done
}

check "PID 1 compiles" machine_program init
check "it refuses to be another process" expect 2 "boot it" "$TMP/init"
check "an unknown option" expect 2 "unknown option" "$TOP/ci/lib/build-initrd" --colour
check "an unknown milestone" expect 2 "unknown milestone" "$TOP/ci/lib/build-tests" nonsense x86_64
check "an architecture without tests" expect 2 "no tests for" "$TOP/ci/lib/build-tests" base i386
check "an unknown lane" expect 2 "unknown lane" "$TOP/ci/lib/build-initrd" base vax quick
check "an unknown list" expect 2 "no list" "$TOP/ci/lib/build-initrd" base amd-npt nonsense
check "a test named twice" refused "fine 10 dirty_log_test" "a second test 'fine'"
check "a time limit of no time" refused "zero 0 dirty_log_test" "time limit '0'"
check "a time limit in words" refused "long ten dirty_log_test" "time limit 'ten'"
check "a name that is none" refused "No/Name 10 dirty_log_test" "bad name 'No/Name'"
check "a path for a program" refused "path 10 /bin/sh" "'/bin/sh' is no name"
# shellcheck source-path=SCRIPTDIR source=../lib/lists.sh
. "$TOP/ci/lib/lists.sh"
for table in "$LISTS"/*.table; do
	check "$(basename "$table") is well formed" well_formed "$table"
done
# What a milestone adds is run by it and by those after it.
# runs LIST MILESTONE NAME...: so it does, each on its line of the table.
# shellcheck disable=SC2317 # called by check
runs() (
	MILESTONES="one two three" LISTS=$TMP/lists
	list_tests "$2" "$1" | grep -n . >"$TMP/runs" || [ $# -eq 2 ] || return
	diff <(sed 's/ .*//' "$TMP/runs") <([ $# -eq 2 ] || printf '%s\n' "${@:3}")
)
# not_run TEXT LINE: a table with this line is refused.
# shellcheck disable=SC2317 # called by check
not_run() (
	MILESTONES="one two three" LISTS=$TMP/lists
	printf '# suite\n%s\n' "$2" >"$LISTS/bad.table"
	! (list_tests two bad) >"$TMP/runs" 2>&1 && grep -q "ci/machine/lists/bad.table:2: error: $1" "$TMP/runs"
)
mkdir "$TMP/lists"
printf '%s\n' '# suite' 'tests base a 1 x -y' '' 'stress two d 1 x' 'tests two b 1 x' 'tests three c 1 x' >"$TMP/lists/a-lane.table"
check "what the base runs" runs a-lane base 2:a
check "and a milestone that adds nothing" runs a-lane one 2:a
check "what one adds, it runs" runs a-lane two 2:a 5:b
check "and so does the next one" runs a-lane three 2:a 5:b 6:c
check "another suite" runs a-lane-stress three 4:d
check "that one milestone does not have" runs a-lane-stress one
check "no milestone" not_run "'four' is no milestone: base one two three" "tests four a 1 x"
check "no suite" not_run "'test' is no suite: tests shadow" "test two a 1 x"
check "the lists of a table" test "$(LISTS=$TMP/lists table_lists a-lane | paste -sd' ')" = "a-lane a-lane-stress"
: >"$TMP/x.list"
check "an empty list" expect 2 "x.list:1: error: no test" "$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list"
tap_end
