# shellcheck shell=bash
# ci/lib/judge.sh - a proof: both sides run, and how they ended compared with what
# the proof says.
#
# Usage:   . ci/lib/judge.sh         after choose_base of scripts/lib/which.sh
# Inputs:  ci/proofs/, the base that was chosen
# Outputs: one_proof PROOF LOGS: LOGS/without, LOGS/with, LOGS/result.txt
# Exit codes: 0 proved, 1 not proved, 2 refused, 5 harness trouble

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/kernel.sh
. "$TOP/scripts/lib/kernel.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=sides.sh
. "$TOP/ci/lib/sides.sh"

# result LOGS WORD TEXT: the line of a proof, and the end of it.
result() {
	printf '%-36s %-8s %s\n' "${PROOF[name]}" "$2" "$3" >"$1/result.txt"
	case $2 in
	proved) exit 0 ;;
	failed) exit "$EX_FAIL" ;;
	refused) exit "$EX_USAGE" ;;
	*) exit "$EX_HARNESS" ;;
	esac
}

# run_side SIDE LOGS KERNEL INITRD: boots and judges; prints how it ended, passed | test
# NAME... | splat | check | harness, and, in a second line, what was said of it.
run_side() {
	local out=$2/$1 rc=0 how text failed mmu=${PROOF[mmu]} options=()
	[ -z "${PROOF[cpu]}" ] || options+=(--cpu "${PROOF[cpu]}")
	[ -z "${PROOF[cpus]}" ] || options+=(--cpus "${PROOF[cpus]}")
	[ -z "${PROOF[append]}" ] || options+=(--append "${PROOF[append]}")
	step "boot ${PROOF[name]} $1 the fix" without_lock "$TOP/ci/boot" --lane "${PROOF[lane]}" --variant "${PROOF[variant]}" \
		--mmu "${mmu#tdp}" ${options[@]+"${options[@]}"} --name "${BELOW:+$BASE_NAME-}${PROOF[name]}-$1" \
		--kernel "$3/image" --initrd "$4" --out "$out" >/dev/null || rc=$?
	text=$(cat "$out/conclusion.txt" 2>/dev/null) || text="no conclusion"
	failed=$(grep -vE ' (pass|skip) ' "$out/tests.txt" 2>/dev/null | cut -d' ' -f1 | sort | paste -sd' ') || failed=''
	case $rc in
	0) how=passed ;;
	"$EX_FAIL") how="test $failed" ;;
	"$EX_SPLAT") how=splat ;;
	*) how=harness ;;
	esac
	if [ "$how" = passed ] && [ -x "${PROOF[dir]}/check" ]; then
		rc=0
		"${PROOF[dir]}/check" "$out/console.log" >"$out/check.txt" 2>&1 || rc=$?
		text=$(tail -n 1 "$out/check.txt")
		case $rc in
		0) ;;
		"$EX_FAIL") how=check ;;
		*) how=harness text="ci/proofs/${PROOF[name]}/check: exit $rc, $text" ;;
		esac
	fi
	printf '%s\n' "$how" "$text"
}

# run_command SIDE LOGS: the same for a command of the project: passed | output | harness.
run_command() {
	local rc=0 how log=$2/$1/output.txt
	mkdir -p "$2/$1"
	"$TOP/${PROOF[command]}" "${TREE_OF[$1]}" >"$log" 2>&1 || rc=$?
	case $rc in
	0) how=passed ;;
	"$EX_FAIL") how=output ;;
	*) how=harness ;;
	esac
	printf '%s\n' "$how" "${PROOF[command]}: exit $rc, $(grep -c '^ *not ok' "$log") not ok"
}

# one_side SIDE LOGS ARCH: builds what it lacks, and runs it; says how it ended as run_side,
# or `build`.
one_side() {
	local kernel_side=${PROOF[kernel]:+named} tests_side=${PROOF[tests]:+named} kernel initrd how=0
	if [ -n "${PROOF[command]}" ]; then
		run_command "$1" "$2"
		return
	fi
	[ -n "$kernel_side" ] || kernel_side=$(side_for "$1" '^(arch|virt|include|kernel|mm|lib|fs|drivers|scripts)/')
	[ -n "$tests_side" ] || tests_side=$(side_for "$1" '^tools/|/uapi/')
	kernel=$(build_kernel "$kernel_side" "$3") || how=$?
	[ "$how" -ne 0 ] || initrd=$(build "$tests_side" ci/lib/build-initrd "${PROOF[tests]:-$(last_of "$tests_side")}" \
		"${PROOF[lane]}" "$BUILD/prove/prove-${PROOF[name]}.list") || how=$?
	case $how in
	0) run_side "$1" "$2" "$kernel" "$initrd" ;;
	"$EX_FAIL") printf '%s\n' build "it does not build, see $2" ;;
	*) printf '%s\n' harness "a builder gave up, see $2" ;;
	esac
}

# as_said HOW LOGS: does a side that fails do so in the way that the proof says?
as_said() {
	local fails=${PROOF[fails]}
	case $fails in
	"test "*) [ "$1" = "test $(xargs -n 1 <<<"${fails#test }" | sort | paste -sd' ')" ] ;;
	"splat "*) [ "$1" = splat ] && grep -aqE -- "${fails#splat }" "$2/without/console.log" ;;
	"output "*) [ "$1" = output ] && grep -qE -- "${fails#output }" "$2/without/output.txt" ;;
	*) [ "$1" = "$fails" ] ;;
	esac
}

# one_proof PROOF LOGS
one_proof() {
	local logs=$2 side said how text arch='' how_without extra=() lane_patch=''
	read_proof "$1"
	begin_sides "$logs"
	need_packages patchutils rsync
	base_tree >/dev/null || result "$logs" harness "no base to be had"
	[ -z "${PROOF[lane]}" ] || lane_patch=$(about "${PROOF[lane]}" patch)
	[ -z "$lane_patch" ] || extra+=("$lane_patch")
	[ ! -f "${PROOF[dir]}/window.patch" ] || extra+=("${PROOF[dir]}/window.patch")
	make_project with ${extra[@]+"${extra[@]}"}
	[ ! -f "${PROOF[dir]}/undo.patch" ] || extra+=("${PROOF[dir]}/undo.patch")
	make_project without ${extra[@]+"${extra[@]}"}
	for side in with without; do
		# its words to a file: the tree has to be known here
		make_tree "$side" >"$logs/$side.tree" || case $? in
		"$EX_USAGE") result "$logs" refused "$(cat "$logs/$side.tree")" ;;
		*) result "$logs" harness "$(cat "$logs/$side.tree")" ;;
		esac
		rm -f "$logs/$side.tree"
	done
	if [ -z "${PROOF[command]}" ]; then
		arch=$(about "${PROOF[lane]}" arch)
		mkdir -p "$BUILD/prove"
		printf %s "${PROOF[run]}" >"$BUILD/prove/prove-$1.list"
	fi
	# Without first: a test that cannot fail need not run a second time.
	for side in without with; do
		said=$(one_side "$side" "$logs" "$arch") || result "$logs" harness "$side the fix: no answer, see $logs"
		how=${said%%$'\n'*} text=${said#*$'\n'}
		[ "$how" != harness ] || result "$logs" harness "$side the fix: $text"
		if [ "$side" = with ]; then
			[ "$how" = passed ] || result "$logs" failed "fails with the fix: $text"
			result "$logs" proved "without the fix: $how_without; with it: $text"
		fi
		[ "$how" != passed ] || result "$logs" failed "test cannot show it: without the fix it passes ($text)"
		as_said "$how" "$logs" ||
			result "$logs" failed "test cannot show it: without the fix it fails, but not as said ('${PROOF[fails]}'): $how: $text"
		how_without=$text
	done
}
