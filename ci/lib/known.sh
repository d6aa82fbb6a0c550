# shellcheck shell=bash
# ci/lib/known.sh - known failures, and the proof that the base has them too.
#
# Usage:   . ci/lib/known.sh         after choose_base of scripts/lib/which.sh
# Inputs:  ci/known-failures; the base that was chosen
# Outputs: the functions below
# Exit codes: 0, 2 ci/known-failures cannot be right, 5 the base could not be booted

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=lanes.sh
. "$TOP/ci/lib/lanes.sh"

# check_known_failures: refuse a file that cannot be right.
check_known_failures() {
	local lane mmu test reason nr=0 where
	while read -r lane mmu test reason; do
		nr=$((nr + 1))
		[[ -n $lane && $lane != '#'* ]] || continue
		where="ci/known-failures:$nr:"
		is_lane "$lane" || die "$EX_USAGE" "$where no lane '$lane'"
		[[ $mmu =~ ^(tdp0|tdp1|none|\*)$ ]] || die "$EX_USAGE" "$where '$mmu' is none of tdp0, tdp1, none, *"
		list_has "$lane" "$test" || die "$EX_USAGE" "$where the list of $lane has no test '$test'"
		[ -n "$reason" ] || die "$EX_USAGE" "$where no reason for the known failure of $test"
	done <"$TOP/ci/known-failures"
}

# list_has LIST TEST: in what the base runs too, not in what a milestone adds.
list_has() {
	grep -qxF -- "$2" <(list_tests base "$1" | sed 's/[[:space:]].*//')
}

# known_entries LANE MMU LIST: "LINE TEST REASON..." of the known failures that concern it.
known_entries() {
	local lane mmu test reason nr=0
	while read -r lane mmu test reason; do
		nr=$((nr + 1))
		[ "$lane" = "$1" ] || continue
		[ "$mmu" = "$2" ] || [ "$mmu" = '*' ] || continue
		list_has "$3" "$test" || continue
		echo "$nr $test $reason"
	done <"$TOP/ci/known-failures"
}

# known_tests LANE MMU LIST: their names.
known_tests() {
	known_entries "$@" | cut -d' ' -f2 | sort -u
}

# compared DIR LANE MMU LIST: each entry with what the base did in DIR: "known TEST HOW
# REASON...", as verdict wants it, or "gone LINE TEST HOW" where it does not fail.
compared() {
	local nr test reason how
	known_entries "$2" "$3" "$4" | while read -r nr test reason; do
		how=$(sed -n "s/^$test \([^ ]*\) .*/\1/p" "$1/tests.txt")
		case $how in
		exit=* | signal=* | timeout) echo "known $test $how $reason" ;;
		*) echo "gone $nr $test $how" ;;
		esac
	done
}

# base_run RUN LANE VARIANT MMU CPUS LIST: folder with what the unpatched base does in the
# same machine in the tests that are known to fail, from the cache or from a boot.
# Key: base, lane, kernel, selftests, list.
base_run() {
	local run=$1 lane=$2 variant=$3 mmu=$4 cpus=$5 list=$6 arch kernel initrd tests key dir options=()
	arch=$(about "$lane" arch)
	kernel=$(step "base $lane: kernel $arch $variant" "$TOP/ci/build-kernel" --lane "$lane" ${base_option[@]+"${base_option[@]}"} base "$variant" "$arch") || return
	initrd=$(step "base $lane: selftests and initrd" "$TOP/ci/lib/build-initrd" ${base_option[@]+"${base_option[@]}"} base "$lane" "$list" "$kernel/image") || return
	tests=$(known_tests "$lane" "$mmu" "$list" | while read -r test; do
		list_tests base "$list" | grep -E "^${test//./\\.}[[:space:]]"
	done)
	key=$({
		echo "$BASE_NAME $lane $mmu $cpus $variant"
		echo "$tests"
		lane_key "$lane"
		cat "$kernel/image" "$kernel/config" \
			"$BUILD/tests/${BELOW}base-$arch/key" || echo "no key: $RANDOM $RANDOM $$"
	} | sha256sum | cut -c1-32)
	dir=$BUILD/cache/base-runs/$key
	[ "$cpus" = - ] || options=(--cpus "$cpus")
	mkdir -p "${dir%/*}"
	echo "$tests" | with_lock "base-run-$key" _base_boot "$dir" "base $run" --name "$run" --lane "$lane" \
		--variant "$variant" --mmu "${mmu#tdp}" --kernel "$kernel/image" --initrd "$initrd" \
		${options[@]+"${options[@]}"} || return "$EX_HARNESS"
	say "base $run: $(cat "$dir/conclusion.txt")"
	echo "$dir"
}

# _base_boot DIR WHAT OPTION... <LIST: unless DIR has results, those of ci/boot with these.
_base_boot() {
	local dir=$1 what=$2 rc=0
	[ ! -f "$dir/tests.txt" ] || return 0
	cat >"$dir.list" || return
	rm -rf "$dir.part"
	step "boot $what" "$TOP/ci/boot" "${@:3}" --list "$dir.list" --out "$dir.part" >&2 || rc=$?
	rm -f "$dir.list"
	[ $rc -ne "$EX_HARNESS" ] && [ -f "$dir.part/tests.txt" ] || return "$EX_HARNESS"
	# Tests that failed outweigh it, but this is not the same machine.
	! grep -q 'the machine does not say' "$dir.part/conclusion.txt" || return "$EX_HARNESS"
	rm -rf "$dir" && mv "$dir.part" "$dir"
}
