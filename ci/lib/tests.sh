# shellcheck shell=bash
# ci/lib/tests.sh - which tests there are.
#
# Usage:   . ci/lib/tests.sh         after scripts/lib/lib.sh; then plan_tests ALL OPTION...
# Inputs:  the project as it lies there: its tests, what the lanes tell of themselves;
#          RECORD, not empty: the gates record their runs
# Outputs: TESTS (array: names, in order), TEST_COMMANDS (of each name, what it runs),
#          SLOW_TESTS (names that run with --all, or by name)
# Exit codes: none of its own

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/base.sh
. "$TOP/scripts/lib/base.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=lanes.sh
. "$TOP/ci/lib/lanes.sh"

TESTS=()
declare -A TEST_COMMANDS=()

# What takes minutes each: with --all, or by name.
SLOW_TESTS=" tool-bisect tool-build-rpm tool-configs tool-export-openeuler tool-gate tool-git-round-trip
tool-git-to-series tool-git-to-series-kinds tool-killed tool-lanes tool-mutants tool-prove
tool-skip-patches-whole base-matrix bisect "
SLOW_TESTS=${SLOW_TESTS//$'\n'/ }

# has_patches MILESTONE
has_patches() {
	[ -f "$SERIES" ] && grep -q "^patches/$1/" <(series_patches)
}

# tested_bases: openEuler's kernels whose tree is known to the last file.
tested_bases() {
	local base
	for base in $(openeuler_bases); do
		[ -z "$(base_field "$base" content)" ] || echo "$base"
	done
}

# add NAME COMMAND...: one more.
add() {
	TESTS+=("$1")
	# shellcheck disable=SC2034 # it is for ci/test
	TEST_COMMANDS[$1]=$(printf '%q ' "${@:2}")
}

# add_gate NAME OPTION...: a run of ci/gate, which records it if that was asked for.
add_gate() {
	add "$1" "$TOP/ci/gate" ${RECORD:+--record} "${@:2}"
}

# gates NAME LAST OPTION...: all runs of the gate with these options; LAST is the last
# milestone that there is.
gates() {
	local name=$1 last=$2 m
	shift 2
	for m in $MILESTONES; do
		has_patches "$m" || continue
		add_gate "gate-$name$m" "$@" "$m"
		add_gate "gate-$name$m-shadow" "$@" --shadow "$m"
		add_gate "gate-$name$m-guest" "$@" --guest "$m"
		add_gate "gate-$name$m-stress" "$@" --stress "$m"
		add_gate "gate-$name$m-stress-shadow" "$@" --stress --shadow "$m"
		add_gate "gate-$name$m-stress-debug" "$@" --stress --debug "$m"
		add_gate "gate-$name$m-debug" "$@" --debug "$m"
		add_gate "gate-$name$m-guest-debug" "$@" --guest --debug "$m"
		add_gate "gate-$name$m-kasan" "$@" --kasan "$m"
		[ -n "$name" ] || add_gate "gate-$m-server" --server "$m"
	done
	[ -z "$last" ] || add_gate "gate-$name$last-modules" "$@" --modules "$last"
}

# plan_tests ALL OPTION...: sets TESTS and TEST_COMMANDS. ALL: what takes longer too, if it
# is not empty; OPTION: of ci/bisect.
plan_tests() {
	local all=$1 what f last base short lane lanes=() for_openeuler=() arch
	for what in scripts c-programs documents; do
		add "$what" "$TOP/ci/lint" "$what"
	done
	for f in "$TOP"/ci/tests/*.sh; do
		case $f in
		*/boot-init.sh) continue ;; # it boots a kernel: when the gate has built one
		esac
		[ ! -x "$f" ] || add "tool-$(basename "$f" .sh)" "$f"
	done
	add check-series "$TOP/scripts/check-series"
	for f in "$TOP"/ci/unit/*; do
		[ ! -f "$f" ] || [ ! -x "$f" ] || add "unit-$(basename "$f" .sh)" "$f"
	done
	add bench-figures "$TOP/ci/bench" --check
	add base-matrix "$TOP/ci/base-matrix"
	add bisect "$TOP/ci/bisect" "${@:2}"
	last=$(last_milestone)
	if [ -n "$all" ]; then
		gates '' "$last"
		add prove "$TOP/ci/prove" --all
		[ -z "$last" ] || add bench "$TOP/ci/bench" --judge --kernel base --kernel "$last" --kernel peer
		add kabi "$TOP/ci/kabi"
		add rpm "$TOP/scripts/build-rpm" "$BUILD/results/rpm"
	elif [ -n "$last" ]; then
		# lanes of one architecture, one kernel for them, and none for what is known to fail
		for lane in $(all_lanes); do
			! has_word "$lane" short boots || lanes+=(--lane "$lane")
			! has_word "$lane" short openeuler || for_openeuler+=(--lane "$lane")
			has_word "$lane" short compiles || continue
			arch=$(about "$lane" arch)
			add "objects-$arch-$last" "$TOP/ci/build-objects" "$last" "$arch"
		done
		add_gate "gate-$last" --retry --skip-known "${lanes[@]}" "$last"
		add_gate "gate-$last-shadow" --retry --skip-known --shadow "$last"
		add_gate "gate-$last-guest" --retry --skip-known --guest "$last"
	fi
	for base in $(tested_bases); do
		short=oe-${base#openeuler-}
		# shellcheck disable=SC2016 # the inner shell's
		add "dry-run-$short" bash -c 'tree=$("$1/scripts/fetch-base" "$2") &&
			exec "$1/scripts/apply-series" --dry-run "$tree"' dry-run "$TOP" "$base"
		if [ -n "$all" ]; then
			add "bisect-$short" "$TOP/ci/bisect" --base "$base" --all
			gates "$short-" "$last" --base "$base"
			add "prove-$short" "$TOP/ci/prove" --base "$base" --all
			add "kabi-$short" "$TOP/ci/kabi" --base "$base"
		elif [ -n "$last" ]; then
			add_gate "gate-$short-$last" --retry --skip-known --base "$base" "${for_openeuler[@]}" --list openeuler "$last"
		fi
	done
	[ ! -x "$TOP/ci/tests/boot-init.sh" ] || add tool-boot-init "$TOP/ci/tests/boot-init.sh"
	[ -n "$last" ] || add gate bash -c 'echo "series:1: error: no patch of any milestone"; exit 1'
}
