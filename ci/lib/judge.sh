# shellcheck shell=bash disable=SC2154,SC2034 # variables of ci/prove and of the proof
# ci/lib/judge.sh - a proof: both sides run, and how they ended compared with what
# the proof says.
#
# Usage:   . ci/lib/judge.sh         in ci/prove, with gate.sh and sides.sh
# Inputs:  the variables of read_proof
# Outputs: one_proof PROOF LOGS: LOGS/without, LOGS/with, LOGS/result.txt
# Exit codes: 0 proved, 1 not proved, 2 refused, 5 harness trouble

# result WORD TEXT: the line of a proof, and the end of it.
result() {
	printf '%-36s %-8s %s\n' "$proof" "$1" "$2" >"$logs/result.txt"
	case $1 in
	proved) exit 0 ;;
	failed) exit "$EX_FAIL" ;;
	refused) exit "$EX_USAGE" ;;
	*) exit "$EX_HARNESS" ;;
	esac
}

# run_side SIDE KERNEL INITRD: boots and judges; sets how, a word and a text:
# passed | test | splat | check | harness.
run_side() {
	local side=$1 rc=0 out=$logs/$1 failed
	list=prove-$proof suffix='' shadow='' stress=''
	boot_append=$extra_append boot_options=(${cpu:+--cpu "$cpu"})
	step "boot $proof $side the fix" boot "$lane" "$proof-$side" "$mmu" "$cpus" "$2" "$3" \
		"${3%.gz}.list" "$out" {STEP_LOCK}>&- || rc=$?
	text=$(cat "$out/conclusion.txt" 2>/dev/null) || text="no conclusion"
	failed=$(grep -vE ' (pass|skip) ' "$out/tests.txt" 2>/dev/null | cut -d' ' -f1 | sort | paste -sd' ') || failed=''
	case $rc in
	0) how=passed ;;
	"$EX_FAIL") how="test $failed" ;;
	"$EX_SPLAT") how=splat ;;
	*) how=harness ;;
	esac
	[ "$how" = passed ] && [ -x "$dir/check" ] || return 0
	rc=0
	"$dir/check" "$out/console.log" >"$out/check.txt" 2>&1 || rc=$?
	text=$(tail -n 1 "$out/check.txt")
	case $rc in
	0) ;;
	"$EX_FAIL") how=check ;;
	*) how=harness text="ci/proofs/$proof/check: exit $rc, $text" ;;
	esac
}

# run_command SIDE: the same for a command of the project.
run_command() {
	local rc=0
	mkdir -p "$logs/$1"
	"$TOP/$command" "${tree_of[$1]}" >"$logs/$1/output.txt" 2>&1 || rc=$?
	text="$command: exit $rc, $(grep -c '^ *not ok' "$logs/$1/output.txt") not ok"
	case $rc in
	0) how=passed ;;
	"$EX_FAIL") how=output ;;
	*) how=harness ;;
	esac
}

# as_said: does a side that fails do so in the way that the proof says?
as_said() {
	case $fails in
	"test "*) [ "$how" = "test $(xargs -n 1 <<<"${fails#test }" | sort | paste -sd' ')" ] ;;
	"splat "*) [ "$how" = splat ] && grep -aqE -- "${fails#splat }" "$logs/without/console.log" ;;
	"output "*) [ "$how" = output ] && grep -qE -- "${fails#output }" "$logs/without/output.txt" ;;
	*) [ "$how" = "$fails" ] ;;
	esac
}

# one_proof PROOF LOGS
one_proof() {
	local side how text kernel initrd arch kernel_side tests_side=with how_without extra=() lane_patch=''
	project_of=([named]=$TOP) build_of=([named]=$BUILD) tree_of=()
	logs=$2
	read_proof "$1"
	need_packages patchutils rsync
	base_tree >/dev/null || result harness "no base to be had"
	[ -n "$command" ] || lane_patch=$("$TOP/ci/lanes/$lane" --about patch)
	[ -z "$lane_patch" ] || extra+=("$lane_patch")
	[ ! -f "$dir/window.patch" ] || extra+=("$dir/window.patch")
	make_project with ${extra[@]+"${extra[@]}"}
	[ ! -f "$dir/undo.patch" ] || extra+=("$dir/undo.patch")
	make_project without ${extra[@]+"${extra[@]}"}
	for side in with without; do
		make_tree "$side"
	done
	if [ -z "$command" ]; then
		VERDICT=$("$TOP/scripts/lib/build-tool" ci/verdict/verdict) || result harness "no verdict"
		arch=$("$TOP/ci/lanes/$lane" --arch)
		mkdir -p "$BUILD/prove"
		cp "$dir/list" "$BUILD/prove/prove-$proof.list"
	fi
	# Without first: a test that cannot fail need not run a second time.
	for side in without with; do
		if [ -n "$command" ]; then
			run_command "$side"
		else
			kernel_side=${kernel_from:+named} tests_side=${tests:+named}
			[ -n "$kernel_side" ] || kernel_side=$(side_for "$side" '^(arch|virt|include|kernel|mm|lib|fs|drivers|scripts)/')
			[ -n "$tests_side" ] || tests_side=$(side_for "$side" '^tools/|/uapi/')
			text='' how=''
			kernel=$(build_kernel "$kernel_side") || how=$?
			[ -n "$how" ] || initrd=$(build "$tests_side" ci/lib/build-initrd \
				"${tests:-$(last_of "$tests_side")}" "$lane" "$BUILD/prove/prove-$proof.list") || how=$?
			case $how in
			'') run_side "$side" "$kernel" "$initrd" ;;
			"$EX_FAIL") how=build text="it does not build, see $logs" ;;
			*) how=harness text="a builder gave up, see $logs" ;;
			esac
		fi
		[ "$how" != harness ] || result harness "$side the fix: $text"
		if [ "$side" = with ]; then
			[ "$how" = passed ] || result failed "fails with the fix: $text"
			result proved "without the fix: $how_without; with it: $text"
		fi
		[ "$how" != passed ] || result failed "test cannot show it: without the fix it passes ($text)"
		as_said || result failed "test cannot show it: without the fix it fails, but not as said ('$fails'): $how: $text"
		how_without=$text
	done
}
