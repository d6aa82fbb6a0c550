# shellcheck shell=bash disable=SC2034,SC2154 # variables of ci/test
# ci/lib/tests.sh - which tests there are.
#
# Usage:   . ci/lib/tests.sh         by ci/test
# Inputs:  all (not empty: what takes longer too), bisect (options of ci/bisect) of
#          ci/test; the project as it lies there
# Outputs: names (array, in order), commands (of each name, what it runs), slow (names
#          that run with --all, or by name)
# Exit codes: none of its own

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

# What takes minutes each: with --all, or by name.
slow=" tool-bisect tool-build-rpm tool-configs tool-export-openeuler tool-gate tool-git-round-trip
tool-git-to-series tool-git-to-series-kinds tool-killed tool-lanes tool-mutants tool-prove
tool-skip-patches-whole base-matrix bisect "
slow=${slow//$'\n'/ }

# The tests: names in order, and what each runs.
names=()
declare -A commands
add() {
	names+=("$1")
	commands[$1]=$(printf '%q ' "${@:2}")
}
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
add base-matrix "$TOP/ci/base-matrix"
# shellcheck disable=SC2086 # an option, and perhaps its value
add bisect "$TOP/ci/bisect" $bisect
last=''
for m in $MILESTONES; do
	! has_patches "$m" || last=$m
done
# gates NAME OPTION...: all runs of the gate with these options.
gates() {
	local name=$1 m
	shift
	for m in $MILESTONES; do
		has_patches "$m" || continue
		add "gate-$name$m" "$TOP/ci/gate" "$@" "$m"
		add "gate-$name$m-shadow" "$TOP/ci/gate" "$@" --shadow "$m"
		add "gate-$name$m-guest" "$TOP/ci/gate" "$@" --guest "$m"
		add "gate-$name$m-stress" "$TOP/ci/gate" "$@" --stress "$m"
		add "gate-$name$m-stress-shadow" "$TOP/ci/gate" "$@" --stress --shadow "$m"
		add "gate-$name$m-stress-debug" "$TOP/ci/gate" "$@" --stress --debug "$m"
		add "gate-$name$m-debug" "$TOP/ci/gate" "$@" --debug "$m"
		add "gate-$name$m-guest-debug" "$TOP/ci/gate" "$@" --guest --debug "$m"
		add "gate-$name$m-kasan" "$TOP/ci/gate" "$@" --kasan "$m"
		[ -n "$name" ] || add "gate-$m-server" "$TOP/ci/gate" --server "$m"
	done
	[ -z "$last" ] || add "gate-$name$last-modules" "$TOP/ci/gate" "$@" --modules "$last"
}
if [ -n "$all" ]; then
	gates ''
	add prove "$TOP/ci/prove" --all
	add kabi "$TOP/ci/kabi"
	add rpm "$TOP/scripts/build-rpm" "$BUILD/results/rpm"
elif [ -n "$last" ]; then
	# x86's lanes, one kernel for both, and no kernel for what is known to fail
	add "objects-arm64-$last" "$TOP/ci/build-objects" "$last" arm64
	add "gate-$last" "$TOP/ci/gate" --retry --skip-known --lane amd-npt --lane intel-ept "$last"
	add "gate-$last-shadow" "$TOP/ci/gate" --retry --skip-known --shadow "$last"
	add "gate-$last-guest" "$TOP/ci/gate" --retry --skip-known --guest "$last"
fi
for base in $(tested_bases); do
	short=oe-${base#openeuler-}
	# shellcheck disable=SC2016 # the inner shell's
	add "dry-run-$short" bash -c 'tree=$("$1/scripts/fetch-base" "$2") &&
		exec "$1/scripts/apply-series" --dry-run "$tree"' dry-run "$TOP" "$base"
	if [ -n "$all" ]; then
		add "bisect-$short" "$TOP/ci/bisect" --base "$base" --all
		gates "$short-" --base "$base"
		add "prove-$short" "$TOP/ci/prove" --base "$base" --all
		add "kabi-$short" "$TOP/ci/kabi" --base "$base"
	elif [ -n "$last" ]; then
		add "gate-$short-$last" "$TOP/ci/gate" --retry --skip-known --base "$base" --lane amd-npt --list openeuler "$last"
	fi
done
[ ! -x "$TOP/ci/tests/boot-init.sh" ] || add tool-boot-init "$TOP/ci/tests/boot-init.sh"
[ -n "$last" ] || add gate die "$EX_FAIL" "the series has no patch of any milestone"
