# shellcheck shell=bash
# ci/lib/gate.sh - the runs of the gate: which a lane has, one of them with all its boots,
# and the rows of the table that no machine wrote.
#
# Usage:   . ci/lib/gate.sh          after choose_base of scripts/lib/which.sh
# Inputs:  ci/boot, ci/known-failures
# Outputs: the functions below
# Exit codes: 0 pass, 1 a test failed, 3 splat, 4 all skipped, 5 harness trouble

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=known.sh
. "$TOP/ci/lib/known.sh"

# fitting_lanes VARIANT SHADOW SUFFIX LIST: the lanes that run such a kernel unasked, have
# shadow paging if SHADOW is not empty, and a list of that suffix unless LIST is one.
fitting_lanes() {
	local lane
	for lane in $(all_lanes); do
		has_word "$lane" unasked "$1" || continue
		[ -z "$2" ] || has_word "$lane" mmus shadow || continue
		[ -n "$4" ] || has_word "$lane" lists "$lane$3" || continue
		echo "$lane"
	done
}

# lane_runs LANE VARIANT SHADOW STRESS: "RUN MMU CPUS" for each boot ("-": as the lane has
# it); SHADOW: with shadow paging, STRESS: under stress, if they are not empty.
lane_runs() {
	local mmu cpus mmus counts
	counts=$(about "$1" "$([ -n "$4" ] && echo stress || echo cpus)")
	mmus=$(about "$1" mmus)
	mmus=${mmus% shadow}
	[ -z "$3" ] || mmus=shadow counts=-
	# The list loads KVM, with one MMU and the other.
	[ "$2" != modules ] || mmus=none counts=-
	for cpus in $counts; do
		for mmu in $mmus; do
			echo "$1-$2-$mmu$([ "$cpus" = - ] || echo "-${cpus}cpu") $mmu $cpus"
		done
	done
}

# verdict_code WORD
verdict_code() {
	case $1 in
	pass) echo 0 ;;
	fail) echo "$EX_FAIL" ;;
	splat) echo "$EX_SPLAT" ;;
	skip) echo "$EX_SKIP" ;;
	*) echo "$EX_HARNESS" ;;
	esac
}

# row RUN WORD TEXT: one that no machine wrote.
row() {
	printf '%-28s %-8s\n    %s\n' "${BELOW:+$BASE_NAME-}$1" "$2" "$3"
}

# own_row FILE RUN WORD TEXT: one more row for the table, in FILE, and said.
own_row() {
	row "${@:2}" >>"$1"
	say "$2: $3: $4"
}

# known_here ROWS RUN LANE VARIANT MMU CPUS LIST: the known failures as the base has them,
# for verdict; an entry that the base does not fail becomes a row of the table in ROWS.
known_here() {
	local rows=$1 run=$2 base word rest nr test how
	base=$(base_run "${@:2}") || { own_row "$rows" "$run" harness "the base could not be booted: no failure is known"; return 0; }
	compared "$base" "$3" "$5" "$7" | while read -r word rest; do
		if [ "$word" = known ]; then
			echo "$rest"
		else
			read -r nr test how <<<"$rest"
			own_row "$rows" "known-failures" fail \
				"ci/known-failures:$nr: error: $test does not fail on the base in $run ($how): remove the entry"
		fi
	done
}

# one_run THIS LIST OPTION...: a run of a milestone: ci/boot with these options and LIST, its
# tests, by way of a folder that takes its name at the end. THIS is the name of an array:
#   run, results    the folder is RESULTS/RUN
#   rows            a file for rows of the table
#   lane, variant, mmu, cpus
#   list            that of ci/machine/lists which LIST was made of
#   retry           not empty: boot again when a test failed
#   skip            not empty: without the tests that are known to fail
one_run() {
	local -n this=$1
	local tests=$2 options=("${@:3}") run=${this[run]} results=${this[results]} rows=${this[rows]}
	local rc=0 dir=$results/.${this[run]}.part known='' names again='' kept=() first
	[ -z "${this[retry]}" ] || again="first second"
	names=$(known_tests "${this[lane]}" "${this[mmu]}" "${this[list]}")
	if [ -z "$names" ]; then
		:
	elif [ -n "${this[skip]}" ]; then
		say "$run: left out, as ci/known-failures has them: ${names//$'\n'/ }"
		grep -vE "^(${names//$'\n'/|})[[:space:]]" "$tests" >"$results/.$run.list.part"
		tests=$results/.$run.list.part
	else
		known=$results/.$run.known.part
		known_here "$rows" "$run" "${this[lane]}" "${this[variant]}" "${this[mmu]}" "${this[cpus]}" \
			"${this[list]}" >"$known" || return
		options+=(--known "$known")
	fi
	rm -rf "${results:?}/$run-first" "${results:?}/$run-second"
	while :; do
		rc=0
		rm -rf "$dir"
		step "boot $run" "$TOP/ci/boot" "${options[@]}" --list "$tests" --out "$dir" \
			--name "${BELOW:+$BASE_NAME-}$run" >/dev/null || rc=$?
		[ -s "$dir/row.txt" ] || return "$EX_HARNESS"
		if [ $rc -ne "$EX_FAIL" ] || [ -z "$again" ]; then break; fi
		kept+=("$run-${again%% *}")
		mv "$dir" "$results/${kept[-1]}" || return "$EX_HARNESS"
		if [ "$again" = second ]; then again=''; else again=second; fi
	done
	for first in ${kept[@]+"${kept[@]}"}; do
		if [ $rc -eq 0 ]; then
			own_row "$rows" "$first" flaky "$(cat "$results/$first/conclusion.txt"); a later boot passed"
		else
			own_row "$rows" "$first" fail "$(cat "$results/$first/conclusion.txt"); no later boot passed"
		fi
	done
	[ -z "$known" ] || mv "$known" "$dir/known-failures"
	rm -f "$results/.$run.list.part"
	rm -rf "${results:?}/$run" && mv "$dir" "$results/$run" || return "$EX_HARNESS"
	: >"$results/.$run.done.part"
	say "$run: $(cat "$results/$run/conclusion.txt")"
	return $rc
}
