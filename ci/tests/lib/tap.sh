# shellcheck shell=bash
# ci/tests/lib/tap.sh - TAP for the tests of the tools.
#
# Usage:   . "$(dirname "$(readlink -f "$0")")/lib/tap.sh"   then check NAME COMMAND... for
#          each test, and tap_end as the last command
# Outputs: TAP on stdout; what a failed command printed as comment lines.
#          $TMP is a directory of this run's own, removed at its end.
# Exit:    tap_end: 0 every test passed, 1 one failed
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=../../../scripts/lib/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../../scripts/lib/lib.sh"

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
tap_nr=0 tap_failed=0
# The tools leave their memory to the end of the process; to look for leaks takes
# several times as long as they run.
export ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=0}

# check NAME COMMAND...: ok when COMMAND exits 0.
check() {
	local name=$1 rc=0
	shift
	tap_nr=$((tap_nr + 1))
	"$@" >"$TMP/.tap" 2>&1 || rc=$?
	if [ $rc -eq 0 ]; then
		echo "ok $tap_nr - $name"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_nr - $name"
		sed 's/^/#   /' "$TMP/.tap"
	fi
}

# skip NAME REASON
skip() {
	tap_nr=$((tap_nr + 1))
	echo "ok $tap_nr - $1 # SKIP $2"
}

# expect CODE PATTERN COMMAND...: COMMAND exits CODE and prints a line that
# matches PATTERN (extended; empty: prints nothing).
expect() {
	local code=$1 pattern=$2 rc=0
	shift 2
	"$@" >"$TMP/.out" 2>&1 || rc=$?
	if [ $rc -eq "$code" ]; then
		if [ -n "$pattern" ]; then
			grep -qE -- "$pattern" "$TMP/.out" && return 0
		elif [ ! -s "$TMP/.out" ]; then
			return 0
		fi
	fi
	echo "want exit $code and a line like '$pattern', got exit $rc and:"
	cat "$TMP/.out"
	return 1
}

# machine_program NAME [VARIABLE=VALUE]: one of ci/machine/Makefile's, to $TMP/NAME.
machine_program() {
	env -u MAKEFLAGS -u MAKELEVEL make -s --no-print-directory -C "$TOP/ci/machine" OUT="$TMP" \
		"${@:2}" "$TMP/$1"
}

tap_end() {
	echo "1..$tap_nr"
	[ $tap_failed -eq 0 ] || exit "$EX_FAIL"
}
