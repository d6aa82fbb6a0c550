# shellcheck shell=bash disable=SC2154,SC2034 # variables of ci/mutants
# ci/lib/suites.sh - a mutant in a suite of tests, and what is kept of that.
#
# Usage:   . ci/lib/suites.sh        in ci/mutants, after mutants.sh, gate.sh,
#                                    known.sh, lists.sh
# Inputs:  ci/unit/*, the lists of the lanes; VERDICT of ci/mutants
# Outputs: $RESULTS/SUITE/MUTANT/ of each run (MUTANT `none`: without a bug), a line in
#          $RESULTS/results.txt: "MUTANT SUITE WORD KEY TEXT", WORD one of
#            pass, fail      the kernel without a bug, where the suite can be used, or not
#            caught          the suite says so, and the kernel that the bug was reached
#            survived        it was reached, and nobody noticed
#            unreached       nothing called the code that has it
#            harness         the machine did not do its part
# Exit codes: 0, 1 fail, 5 trouble

# From cheap to dear; what each of them boots: LANE VARIANT MMU CPUS LIST.
SUITES=(unit shadow plain legacy arm64 stress debug kasan stress-debug intel pml)
declare -A suite_runs=(
	[shadow]="amd-npt plain shadow - amd-npt-shadow"
	[plain]="amd-npt plain tdp1 - amd-npt"
	[legacy]="amd-npt plain tdp0 - amd-npt"
	[arm64]="arm64 plain none - arm64"
	[stress]="amd-npt plain tdp1 - amd-npt-stress"
	[debug]="amd-npt debug tdp1 - amd-npt"
	[kasan]="amd-npt kasan tdp1 - amd-npt"
	[stress-debug]="amd-npt debug tdp1 - amd-npt-stress"
	[intel]="intel-ept plain tdp1 1 intel-ept"
	[pml]="intel-pml plain tdp1 2 intel-pml"
)
is_suite() {
	[[ " ${SUITES[*]} " = *" $1 "* ]]
}
declare -A suite_keys=() suite_kernels=() suite_initrds=()

# record MUTANT SUITE WORD TEXT: a line takes the place of an earlier one.
record() {
	local file=$RESULTS/results.txt
	{
		[ ! -f "$file" ] || grep -v "^$1 $2 " "$file" || true
		echo "$1 $2 $3 ${suite_keys[$2]} $4"
	} >"$file.new"
	mv "$file.new" "$file"
	printf '%-20s %-12s %-9s %s\n' "$1" "$2" "$3" "$4"
}

# recorded MUTANT SUITE: the word of a run of what is there now; harness counts as none.
recorded() {
	sed -n "s/^$1 $2 \([a-z]*\) ${suite_keys[$2]} .*/\1/p" "$RESULTS/results.txt" 2>/dev/null |
		grep -vx harness || true
}

# run_unit MUTANT: all unit tests on the sources with that bug; sets word and text.
run_unit() {
	local out=$RESULTS/unit/$1 f name rc failed=()
	rm -rf "$out"
	mkdir -p "$out"
	plant_sources "$1" "$out/tree"
	word=survived text=''
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
}

# boot_once MUTANT SUITE INITRD: sets rc and dir.
boot_once() {
	local lane variant mmu cpus boot_options=() boot_append='gate.stop=1' suffix='' shadow='' stress='' list
	read -r lane variant mmu cpus list <<<"${suite_runs[$2]}"
	[ "$1" = none ] && boot_append='' || boot_append+=" kvm.mutant=$1"
	dir=$RESULTS/$2/$1 list=mutants-$2 rc=0
	mkdir -p "$RESULTS/$2"
	launch "$1" step "boot $1 $2" boot "$lane" "$1-$2" "$mmu" "$cpus" "${suite_kernels[$2]}" "$3" \
		"${3%.gz}.list" "$dir" {STEP_LOCK}>&-
	wait "${groups[0]}" || rc=$?
	wait_all
}

# run_boot MUTANT SUITE: sets word and text. A machine that dies twice with the bug
# reached has shown it, too: without one it did not die.
run_boot() {
	local dir rc reached=''
	boot_once "$1" "$2" "${suite_initrds[$2]}"
	! grep -aq "kvm: mutant $1 is reached" "$dir/console.log" || reached=1
	if [ "$rc" -eq "$EX_HARNESS" ] && [ -n "$reached" ]; then
		boot_once "$1" "$2" "${suite_initrds[$2]}"
		! [ "$rc" -eq "$EX_HARNESS" ] || rc=$EX_FAIL
	fi
	text=$(cut -c1-160 "$dir/conclusion.txt" 2>/dev/null) || text="no conclusion"
	case $rc$reached in
	01 | "$EX_SKIP"1) word=survived ;;
	0 | "$EX_SKIP") word=unreached ;;
	"$EX_FAIL"1 | "$EX_SPLAT"1) word=caught ;;
	"$EX_FAIL" | "$EX_SPLAT") word=harness text="not by the bug, which was not reached: $text" ;;
	*) word=harness ;;
	esac
}

# usable TESTS LIST: LIST without what did not pass in the control, the quickest first:
# a mutant's run ends with the first test that fails.
usable() {
	local ms name
	sed -n 's/^\([^ ]*\) pass \([0-9]*\).*/\2 \1/p' "$1" | sort -n | while read -r ms name; do
		grep -m 1 -E "^${name//./\\.}[[:space:]]" "$2"
	done
}

# prepare SUITE: the kernel, the control, and the list for mutants; returns 1 where the
# suite cannot be used, 5 for trouble.
prepare() {
	local lane variant mmu cpus list initrd arch dir rc known suffix='' tests=$WORK/lists/mutants-$1.list
	if [ "$1" = unit ]; then
		suite_keys[unit]=$(find "$WORK/key" "$TOP/ci/unit" -type f | sort | xargs cat | short_sum)
		[ "$(recorded none unit)" != pass ] || return 0
		run_unit none
		[ "$word" != survived ] || { record none unit pass "all pass"; return 0; }
		record none unit fail "$text"
		return "$EX_FAIL"
	fi
	read -r lane variant mmu cpus list <<<"${suite_runs[$1]}"
	# shellcheck disable=SC2046 # a list of words
	need_packages $("$TOP/ci/lanes/$lane" --packages)
	arch=$("$TOP/ci/lanes/$lane" --arch)
	suite_kernels[$1]=$(plant_kernel "$variant" "$arch") || return
	mkdir -p "$WORK/lists"
	known=$(known_entries "$lane" "$mmu" | cut -d' ' -f2 | paste -sd'|')
	list_files "$LAST" "$list" | xargs cat | grep -vE "^(#|$|(${known:-#})[[:space:]])" >"$tests"
	initrd=$("$TOP/ci/lib/build-initrd" "$LAST" "$lane" "$tests") || return "$EX_HARNESS"
	# Not of the initrd: that has times in it.
	suite_keys[$1]=$(cat "${suite_kernels[$1]}/image" "$tests" "$BUILD/tests/$LAST-$arch/key" \
		"$TOP/ci/lanes/$lane" "$TOP"/ci/lanes/*.sh | short_sum) || return "$EX_HARNESS"
	dir=$RESULTS/$1/none
	if [ "$(recorded none "$1")" != pass ]; then
		boot_once none "$1" "$initrd"
		text=$(cut -c1-160 "$dir/conclusion.txt" 2>/dev/null) || text="no conclusion"
		case $rc in
		0 | "$EX_FAIL") record none "$1" pass "$text" ;;
		"$EX_SPLAT") record none "$1" fail "$text"; return "$EX_FAIL" ;;
		*) record none "$1" harness "$text"; return "$EX_HARNESS" ;;
		esac
	fi
	usable "$dir/tests.txt" "$tests" >"$tests.new"
	mv "$tests.new" "$WORK/lists/mutants-$1-quick.list"
	suite_initrds[$1]=$("$TOP/ci/lib/build-initrd" "$LAST" "$lane" "$WORK/lists/mutants-$1-quick.list") ||
		return "$EX_HARNESS"
}
