# shellcheck shell=bash disable=SC2154 # variables of ci/gate
# ci/lib/gate.sh - one boot of a machine, its verdict, and what the base does there.
#
# Usage:   . ci/lib/gate.sh     in ci/gate, after scripts/lib/lib.sh
# Inputs:  BELOW, milestone, variant, list, shadow, stress, suffix (of the list), results,
#          skip_known (not empty: without the tests that are known to fail),
#          on_by_default (not empty: the kernel has to switch the TDP MMU on without
#          being told), VERDICT of ci/gate; kernel and initrd of the lane at work
# Outputs: the functions below.
# Exit codes: 0 pass, 1 a test failed, 3 splat, 4 all skipped, 5 harness trouble

# lane_runs LANE ARCH VARIANT: "RUN MMU CPUS" for each boot ("-": as the lane has it).
lane_runs() {
	local mmu cpus mmus="tdp0 tdp1" counts
	counts=$("$TOP/ci/lanes/$1" --about "$([ -n "$stress" ] && echo stress || echo cpus)")
	[ -z "$shadow" ] || mmus=shadow counts=-
	[ "$2" = x86_64 ] || mmus=none
	# The list loads KVM, with one MMU and the other.
	[ "$3" != modules ] || mmus=none counts=-
	for cpus in $counts; do
		for mmu in $mmus; do
			echo "$1-$3-$mmu$([ "$cpus" = - ] || echo "-${cpus}cpu") $mmu $cpus"
		done
	done
}

# parallel_runs LANE: boots at a time.
parallel_runs() {
	"$TOP/ci/lanes/$1" --about boots
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

# launch RUN COMMAND...: in the background and in a process group of its own, so
# that all of it can be stopped. RUN stands before its lines when it is not alone.
launch() {
	local run=$1
	shift
	set -m
	if [ "$(parallel_runs "$lane")" -eq 1 ]; then
		(set +m; "$@") </dev/null &
	else
		(set +m; "$@" 2> >(sed -u "s/^/$run: /" >&2)) </dev/null &
	fi
	set +m
	groups+=($!)
}

# wait_all: until all of them have ended. A group whose leader was killed goes too.
wait_all() {
	local g
	for g in ${groups[@]+"${groups[@]}"}; do
		wait "$g" || true
		kill -TERM -- "-$g" 2>/dev/null || true
	done
	groups=()
}

stop_all() {
	local g
	for g in ${groups[@]+"${groups[@]}"}; do
		kill -TERM -- "-$g" 2>/dev/null || true
	done
}

# boot LANE RUN MMU CPUS KERNELDIR INITRD TESTLIST DIR [KNOWN]: boot once, with
# boot_options (array, of the lane) and boot_append (command line) if set; leave
# everything in DIR.
boot() {
	local lane=$1 run=$2 mmu=$3 cpus=$4 kernel=$5 initrd=$6 tests=$7 dir=$8 known=${9-}
	local options=(${boot_options[@]+"${boot_options[@]}"}) expect=(--expect kvm=present) rc=0
	local append="gate.list=${list:-$lane$suffix}${boot_append:+ $boot_append}" ended nested
	nested=$("$TOP/ci/lanes/$lane" --about nested) || return "$EX_HARNESS"
	nested=${nested#* }
	# What KVM leaves in slabs can be told when it shares none of them.
	[ "$variant" != modules ] || { append+=" slab_nomerge"; expect=(--expect kvm=absent); }
	rm -rf "$dir" && mkdir -p "$dir" && cp "$kernel/config" "$dir/config" || return "$EX_HARNESS"
	[ "$cpus" = - ] || { options+=(--cpus "$cpus"); expect+=(--expect "cpus=$cpus"); }
	case $mmu in
	tdp0) append+=" kvm.tdp_mmu=0"; expect+=(--expect kvm.tdp_mmu=N) ;;
	tdp1)
		[ -n "${on_by_default-}" ] || append+=" kvm.tdp_mmu=1"
		expect+=(--expect kvm.tdp_mmu=Y) ;;
	shadow) append+=" kvm.tdp_mmu=1 kvm_amd.npt=0 kvm_intel.ept=0" expect+=(--expect "$nested") ;;
	esac
	# Slow kernels: more time for each test, and for all of them.
	[[ $variant = @(plain|modules|server) ]] || {
		options+=(--timeout 3600) append+=" gate.patience=4"
		expect+=(--expect gate.patience=4)
	}
	"$TOP/ci/lanes/$lane" --kernel "$kernel/image" --initrd "$initrd" --out "$dir" \
		"${options[@]}" --append "$append" || rc=$?
	ended=$(sed -n 's/^ended: //p' "$dir/lane.txt" 2>/dev/null) || true
	case $ended in
	"poweroff after "*) ended=poweroff ;;
	"") ended="the lane gave up, exit code $rc" ;;
	esac
	[ $rc -eq 0 ] || [ "$ended" != poweroff ] || ended="the lane's exit code is $rc"
	[ -f "$dir/console.log" ] || : >"$dir/console.log"
	rc=0
	"$VERDICT" ${known:+--known "$known"} --list "$tests" \
		--name "${BELOW:+$BASE_NAME-}$run" --ended "$ended" "${expect[@]}" --out "$dir" "$dir/console.log" \
		>"$dir/row.txt" || rc=$?
	return $rc
}

# one_run LANE RUN MMU CPUS: a boot of the milestone, by way of a folder that
# takes its name at the end.
one_run() {
	local lane=$1 run=$2 mmu=$3 cpus=$4 rc=0 dir=$results/.$2.part known=''
	local again='' kept=() first root='' tests=${initrd%.gz}.list initrd=$initrd
	[ -z "$retry" ] || again="first second"
	if [ -z "$(known_entries "$lane" "$mmu")" ]; then
		:
	elif [ -n "$skip_known" ]; then
		root=$results/.$run.root.part
		without_known "$lane" "$run" "$mmu" || return "$EX_HARNESS"
		tests=$root/etc/testlist initrd=$root/initrd.gz
	else
		known=$results/.$run.known.part
		prove_known "$lane" "$run" "$mmu" "$cpus" >"$known" || return
	fi
	rm -rf "${results:?}/$run-first" "${results:?}/$run-second"
	while :; do
		rc=0
		step "boot $BELOW$milestone $run" boot "$lane" "$run" "$mmu" "$cpus" "$kernel" "$initrd" \
			"$tests" "$dir" "$known" || rc=$?
		if [ $rc -ne "$EX_FAIL" ] || [ -z "$again" ]; then break; fi
		kept+=("$run-${again%% *}")
		mv "$dir" "$results/${kept[-1]}" || return "$EX_HARNESS"
		if [ "$again" = second ]; then again=''; else again=second; fi
	done
	for first in ${kept[@]+"${kept[@]}"}; do
		if [ $rc -eq 0 ]; then
			own_row "$first" flaky "$(cat "$results/$first/conclusion.txt"); a later boot passed"
		else
			own_row "$first" fail "$(cat "$results/$first/conclusion.txt"); no later boot passed"
		fi
	done
	[ -z "$known" ] || mv "$known" "$dir/known-failures"
	[ -z "$root" ] || rm -rf "$root"
	rm -rf "${results:?}/$run" && mv "$dir" "$results/$run" || return "$EX_HARNESS"
	: >"$results/.$run.done.part"
	say "$run: $(cat "$results/$run/conclusion.txt")"
	return $rc
}
