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
# well_formed FILE: every line is a comment or NAME SECONDS COMMAND...
# shellcheck disable=SC2317 # called by check
well_formed() {
	! grep -nvE '^(#.*)?$|^[a-z0-9._-]{1,63}[[:space:]]+[1-9][0-9]*[[:space:]]+[A-Za-z0-9._-]+( .*)?$' "$1" &&
		! grep -v '^#' "$1" | awk 'NF { print $1 }' | sort | uniq -d | grep .
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
# What a milestone adds is run by it and by those after it.
# shellcheck disable=SC2317 # called by check
lists() (
	MILESTONES="one two three"
	# shellcheck source-path=SCRIPTDIR source=../lib/lists.sh
	. "$TOP/ci/lib/lists.sh"
	LISTS=$TMP/lists
	mkdir -p "$LISTS"
	touch "$LISTS/lane.list" "$LISTS/lane.two.list" "$LISTS/lane-x.list" "$LISTS/lane-x.three.list"
	for m in base one two three; do
		list_files $m lane | xargs -n 1 basename | paste -sd" " -
	done | diff - <(printf '%s\n' lane.list lane.list 'lane.list lane.two.list' 'lane.list lane.two.list') || return
	touch "$LISTS/lane.four.list"
	! (list_files two lane) >"$TMP/lists/out" 2>&1 &&
		grep -q "lane.four.list:1: error: 'four' is no milestone" "$TMP/lists/out"
)
check "the lists of the milestones" lists
for list in "$TOP"/ci/machine/lists/*.list; do
	check "$(basename "$list") is well formed" well_formed "$list"
done
: >"$TMP/x.list"
check "an empty list" expect 2 "x.list:1: error: no test" "$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list"
tap_end
