# shellcheck shell=bash
# ci/lib/suites.sh - a mutant in a suite of tests, and what is kept of that.
#
# Usage:   . ci/lib/suites.sh        after choose_base of scripts/lib/which.sh; read_suites
# Inputs:  ci/unit/*, the lists of the lanes, what they tell of suites; $BUILD/mutants
# Outputs: SUITES (array: their names, from cheap to dear), RESULTS (a folder), and the
#          functions below. $RESULTS/SUITE/MUTANT/ of each run (MUTANT `none`: without a
#          bug), a line in $RESULTS/results.txt: "MUTANT SUITE WORD KEY TEXT", WORD one of
#            pass, fail      the kernel without a bug, where the suite can be used, or not
#            caught          the suite says so, and the kernel that the bug was reached
#            survived        it was reached, and nobody noticed
#            unreached       nothing called the code that has it
#            harness         the machine did not do its part
# Exit codes: 0, 1 fail, 5 trouble

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/kernel.sh
. "$TOP/scripts/lib/kernel.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=known.sh
. "$TOP/ci/lib/known.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=groups.sh
. "$TOP/ci/lib/groups.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=mutants.sh
. "$TOP/ci/lib/mutants.sh"

RESULTS=''
SUITES=()
# What each boots, LANE VARIANT MMU CPUS LIST; the key of what it runs; its kernel and initrd.
declare -A _SUITE_RUNS=() _SUITE_KEYS=() _SUITE_KERNELS=() _SUITE_INITRDS=()

# read_suites: sets SUITES, the unit tests and those that the lanes tell of, and RESULTS.
read_suites() {
	local lane order name run
	RESULTS=$BUILD/results/${BELOW}mutants
	SUITES=(unit)
	while read -r order name lane run; do
		SUITES+=("$name")
		_SUITE_RUNS[$name]="$lane $run"
	done < <(for lane in $(all_lanes); do
		while read -r order name run; do
			[ -z "$order" ] || echo "$order $name $lane $run"
		done < <(about "$lane" suites)
	done | sort -n)
}

# record MUTANT SUITE WORD TEXT: a line takes the place of an earlier one.
record() {
	local file=$RESULTS/results.txt
	{
		[ ! -f "$file" ] || grep -v "^$1 $2 " "$file" || true
		echo "$1 $2 $3 ${_SUITE_KEYS[$2]} $4"
	} >"$file.new"
	mv "$file.new" "$file"
	printf '%-20s %-12s %-9s %s\n' "$1" "$2" "$3" "$4"
}

# recorded MUTANT SUITE: the word of a run of what is there now; harness counts as none.
recorded() {
	sed -n "s/^$1 $2 \([a-z]*\) ${_SUITE_KEYS[$2]} .*/\1/p" "$RESULTS/results.txt" 2>/dev/null |
		grep -vx harness || true
}

# run_unit MUTANT: all unit tests on the sources with that bug; prints word and text, a
# line each.
run_unit() {
	local out=$RESULTS/unit/$1 f name rc failed=() word=survived text=''
	rm -rf "$out"
	mkdir -p "$out"
	plant_sources "$1" "$out/tree"
	for f in "$TOP"/ci/unit/*; do
		[ ! -d "$f" ] || continue
		[ -x "$f" ] || continue
		rc=0 name=$(basename "$f" .sh)
		"$f" "$out/tree" >"$out/$name.ktap" 2>&1 || rc=$?
		case $rc in
		0) ;;
		"$EX_FAIL") failed+=("$name: $(grep -m 1 -oE 'not ok [0-9]+.*' "$out/$name.ktap")") ;;
		*) word=harness text="$name: exit $rc, see $out" ;;
		esac
	done
	rm -rf "$out/tree"
	[ ${#failed[@]} -eq 0 ] || { word=caught text=$(IFS=';'; echo "${failed[*]}"); }
	printf '%s\n' "$word" "$text"
}

# boot_once MUTANT SUITE INITRD: the exit code of ci/boot.
boot_once() {
	local lane variant mmu cpus words=gate.stop=1 options=()
	read -r lane variant mmu cpus _ <<<"${_SUITE_RUNS[$2]}"
	[ "$1" = none ] && words='' || words+=" kvm.mutant=$1"
	[ -z "$words" ] || options+=(--append "$words")
	[ "$cpus" = - ] || options+=(--cpus "$cpus")
	# The last milestone switches the TDP MMU on without being told.
	[ "$mmu" != tdp1 ] || mmu=default
	mkdir -p "$RESULTS/$2"
	alone step "boot $1 $2" without_lock "$TOP/ci/boot" --lane "$lane" --variant "$variant" --mmu "${mmu#tdp}" \
		${options[@]+"${options[@]}"} --name "$1-$2" --kernel "${_SUITE_KERNELS[$2]}/image" --initrd "$3" \
		--out "$RESULTS/$2/$1" >/dev/null
}

# concluded DIR: what a boot said of itself.
concluded() {
	cut -c1-160 "$1/conclusion.txt" 2>/dev/null || echo "no conclusion"
}

# run_boot MUTANT SUITE: prints word and text, a line each. A machine that dies twice with
# the bug reached has shown it, too: without one it did not die.
run_boot() {
	local dir=$RESULTS/$2/$1 rc=0 reached='' word text
	boot_once "$1" "$2" "${_SUITE_INITRDS[$2]}" || rc=$?
	! grep -aqs "kvm: mutant $1 is reached" "$dir/console.log" || reached=1
	if [ "$rc" -eq "$EX_HARNESS" ] && [ -n "$reached" ]; then
		rc=0
		boot_once "$1" "$2" "${_SUITE_INITRDS[$2]}" || rc=$?
		! [ "$rc" -eq "$EX_HARNESS" ] || rc=$EX_FAIL
	fi
	text=$(concluded "$dir")
	case $rc$reached in
	01 | "$EX_SKIP"1) word=survived ;;
	0 | "$EX_SKIP") word=unreached ;;
	"$EX_FAIL"1 | "$EX_SPLAT"1) word=caught ;;
	"$EX_FAIL" | "$EX_SPLAT") word=harness text="not by the bug, which was not reached: $text" ;;
	*) word=harness ;;
	esac
	printf '%s\n' "$word" "$text"
}

# usable TESTS LIST: LIST without what did not pass in the control, the quickest first:
# a mutant's run ends with the first test that fails.
usable() {
	local name
	sed -n 's/^\([^ ]*\) pass \([0-9]*\).*/\2 \1/p' "$1" | sort -n | while read -r _ name; do
		grep -m 1 -E "^${name//./\\.}[[:space:]]" "$2"
	done
}

# prepare_unit: the control of the unit tests.
prepare_unit() {
	local said
	_SUITE_KEYS[unit]=$(find "$WORK/key" "$TOP/ci/unit" -type f | sort | xargs cat | short_sum)
	[ "$(recorded none unit)" != pass ] || return 0
	said=$(run_unit none)
	[ "${said%%$'\n'*}" != survived ] || { record none unit pass "all pass"; return 0; }
	record none unit fail "${said#*$'\n'}"
	return "$EX_FAIL"
}

# prepare SUITE: the kernel, the control, and the list for mutants; returns 1 where the
# suite cannot be used, 5 for trouble.
prepare() {
	local lane variant mmu list initrd arch rc=0 known text dir=$RESULTS/$1/none tests=$WORK/lists/mutants-$1.list
	[ "$1" != unit ] || { prepare_unit; return; }
	read -r lane variant mmu _ list <<<"${_SUITE_RUNS[$1]}"
	# shellcheck disable=SC2046 # a list of words
	need_packages $(about "$lane" packages)
	arch=$(about "$lane" arch)
	_SUITE_KERNELS[$1]=$(plant_kernel "$variant" "$arch") || return
	mkdir -p "$WORK/lists"
	known=$(known_tests "$lane" "$mmu" "$list" | paste -sd'|')
	list_tests "$LAST" "$list" | grep -vE "^(#|$|(${known:-#})[[:space:]])" >"$tests"
	initrd=$("$TOP/ci/lib/build-initrd" ${base_option[@]+"${base_option[@]}"} "$LAST" "$lane" "$tests") || return "$EX_HARNESS"
	# Not of the initrd: that has times in it.
	_SUITE_KEYS[$1]=$({
		cat "${_SUITE_KERNELS[$1]}/image" "$tests" "$BUILD/tests/$BELOW$LAST-$arch/key" && lane_key "$lane"
	} | short_sum) || return "$EX_HARNESS"
	if [ "$(recorded none "$1")" != pass ]; then
		boot_once none "$1" "$initrd" || rc=$?
		text=$(concluded "$dir")
		case $rc in
		0 | "$EX_FAIL") record none "$1" pass "$text" ;;
		"$EX_SPLAT") record none "$1" fail "$text"; return "$EX_FAIL" ;;
		*) record none "$1" harness "$text"; return "$EX_HARNESS" ;;
		esac
	fi
	usable "$dir/tests.txt" "$tests" >"$tests.new"
	mv "$tests.new" "$WORK/lists/mutants-$1-quick.list"
	_SUITE_INITRDS[$1]=$("$TOP/ci/lib/build-initrd" ${base_option[@]+"${base_option[@]}"} "$LAST" "$lane" \
		"$WORK/lists/mutants-$1-quick.list") || return "$EX_HARNESS"
}
