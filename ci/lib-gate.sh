# shellcheck shell=bash disable=SC2154 # variables of ci/gate
# ci/lib-gate.sh - one boot of a machine, its verdict, and what the base does there.
#
# Usage:   . ci/lib-gate.sh     in ci/gate, after scripts/lib.sh
# Inputs:  milestone, variant, list, results, VERDICT of ci/gate; kernel and initrd
#          of the lane at work
# Outputs: the functions below.
# Exit codes: 0 pass, 1 a test failed, 3 splat, 4 all skipped, 5 harness trouble

# lane_runs LANE ARCH VARIANT: "RUN MMU CPUS" for each boot ("-": as the lane has it).
lane_runs() {
	local mmu cpus mmus="tdp0 tdp1" counts="-"
	[ "$1" != intel-ept ] || counts="1 8"
	[ -z "$shadow" ] || mmus=shadow counts=-
	[ "$2" = x86_64 ] || mmus=none
	for cpus in $counts; do
		for mmu in $mmus; do
			echo "$1-$3-$mmu$([ "$cpus" = - ] || echo "-${cpus}cpu") $mmu $cpus"
		done
	done
}

# parallel_runs LANE: boots at a time. Bochs has one thread, QEMU uses all CPUs.
parallel_runs() {
	if [ "$1" = intel-ept ]; then nproc; else echo 1; fi
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

wait_all() {
	[ ${#groups[@]} -eq 0 ] || wait "${groups[@]}" || true
	groups=()
}

stop_all() {
	local g
	for g in ${groups[@]+"${groups[@]}"}; do
		kill -TERM -- "-$g" 2>/dev/null || true
	done
}

# boot LANE RUN MMU CPUS KERNELDIR INITRD TESTLIST DIR [KNOWN]: boot once, leave
# everything in DIR.
boot() {
	local lane=$1 run=$2 mmu=$3 cpus=$4 kernel=$5 initrd=$6 tests=$7 dir=$8 known=${9-}
	local options=() expect=(--expect kvm=present) append="gate.list=${list:-$lane$shadow}" rc=0 ended nested=kvm_amd.npt=0
	[ "$lane" != intel-ept ] || nested=kvm_intel.ept=N
	rm -rf "$dir" && mkdir -p "$dir" && cp "$kernel/config" "$dir/config" || return "$EX_HARNESS"
	[ "$cpus" = - ] || { options+=(--cpus "$cpus"); expect+=(--expect "cpus=$cpus"); }
	case $mmu in
	tdp0) append+=" kvm.tdp_mmu=0"; expect+=(--expect kvm.tdp_mmu=N) ;;
	tdp1) append+=" kvm.tdp_mmu=1"; expect+=(--expect kvm.tdp_mmu=Y) ;;
	shadow) append+=" kvm.tdp_mmu=1 kvm_amd.npt=0 kvm_intel.ept=0" expect+=(--expect "$nested") ;;
	esac
	[ "$variant" = plain ] || options+=(--timeout 2400)
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
		--name "$run" --ended "$ended" "${expect[@]}" --out "$dir" "$dir/console.log" \
		>"$dir/row.txt" || rc=$?
	return $rc
}

# one_run LANE RUN MMU CPUS: a boot of the milestone, by way of a folder that
# takes its name at the end.
one_run() {
	local lane=$1 run=$2 mmu=$3 cpus=$4 rc=0 dir=$results/.$2.part known=''
	if [ -n "$(known_entries "$lane" "$mmu")" ]; then
		known=$results/.$run.known.part
		prove_known "$lane" "$run" "$mmu" "$cpus" >"$known" || return
	fi
	step "boot $milestone $run" boot "$lane" "$run" "$mmu" "$cpus" "$kernel" "$initrd" \
		"$TOP/ci/guest/lists/${list:-$lane$shadow}.list" "$dir" "$known" || rc=$?
	[ -z "$known" ] || mv "$known" "$dir/known-failures"
	rm -rf "${results:?}/$run" && mv "$dir" "$results/$run" || return "$EX_HARNESS"
	: >"$results/.$run.done.part"
	say "$run: $(cat "$results/$run/conclusion.txt")"
	return $rc
}

# check_known_failures LANES: refuse a file that cannot be right.
check_known_failures() {
	local lane mmu test reason nr=0 where
	while read -r lane mmu test reason; do
		nr=$((nr + 1))
		[[ -n $lane && $lane != '#'* ]] || continue
		where="ci/known-failures:$nr:"
		grep -qxF -- "$lane" <<<"$1" || die "$EX_USAGE" "$where no lane '$lane'"
		[[ $mmu =~ ^(tdp0|tdp1|none|\*)$ ]] || die "$EX_USAGE" "$where '$mmu' is none of tdp0, tdp1, none, *"
		list_has "$lane" "$test" || die "$EX_USAGE" "$where the list of $lane has no test '$test'"
		[ -n "$reason" ] || die "$EX_USAGE" "$where no reason for the known failure of $test"
	done <"$TOP/ci/known-failures"
}

# list_has LIST TEST
list_has() {
	grep -qxF -- "$2" <(sed 's/[[:space:]].*//' "$TOP/ci/guest/lists/$1.list")
}

# known_entries LANE MMU: "LINE TEST REASON..." of the known failures that concern it.
known_entries() {
	local lane mmu test reason nr=0
	while read -r lane mmu test reason; do
		nr=$((nr + 1))
		[ "$lane" = "$1" ] || continue
		[ "$mmu" = "$2" ] || [ "$mmu" = '*' ] || continue
		list_has "${list:-$1$shadow}" "$test" || continue
		echo "$nr $test $reason"
	done <"$TOP/ci/known-failures"
}

# prove_known LANE RUN MMU CPUS: "TEST HOW REASON..." for verdict, as the base
# fails it; an entry that the base does not fail becomes a row of the table.
prove_known() {
	local lane=$1 run=$2 mmu=$3 nr test reason how base
	base=$(base_run "$@") || { own_row "$run" harness "the base could not be booted: no failure is known"; return 0; }
	known_entries "$lane" "$mmu" | while read -r nr test reason; do
		how=$(sed -n "s/^$test \([^ ]*\) .*/\1/p" "$base/tests.txt")
		case $how in
		exit=* | signal=* | timeout) echo "$test $how $reason" ;;
		*)
			own_row "known-failures" fail \
				"ci/known-failures:$nr: error: $test does not fail on the base in $run ($how): remove the entry"
			;;
		esac
	done
}

# base_run LANE RUN MMU CPUS: folder with what the unpatched base does in the same
# machine in the tests that are known to fail, from the cache or from a boot.
# Key: base, lane, kernel, selftests, list.
base_run() {
	local lane=$1 run=$2 mmu=$3 cpus=$4 arch kernel initrd tests key dir
	arch=$("$TOP/ci/lanes/$lane" --arch)
	kernel=$(step "base $lane: kernel $arch $variant" "$TOP/ci/build-kernel" base "$variant" "$arch") || return
	initrd=$(step "base $lane: selftests and initrd" "$TOP/ci/build-initrd" base "$lane" "${list:-$lane$shadow}") || return
	tests=$(known_entries "$lane" "$mmu" | cut -d' ' -f2 | sort -u | while read -r test; do
		grep -E "^${test//./\\.}[[:space:]]" "$TOP/ci/guest/lists/${list:-$lane$shadow}.list"
	done)
	key=$({
		echo "$BASE_VERSION $lane $mmu $cpus $variant"
		echo "$tests"
		cat "$TOP/ci/lanes/$lane" "$TOP/ci/lanes/lib.sh" "$kernel/image" "$kernel/config" \
			"$BUILD/guest/base-$arch/key" || echo "no key: $RANDOM $RANDOM $$"
	} | sha256sum | cut -c1-32)
	dir=$BUILD/cache/base-runs/$key
	with_lock "base-run-$key" base_boot "$@" || return "$EX_HARNESS"
	say "base $run: $(cat "$dir/conclusion.txt")"
	echo "$dir"
}

# base_boot LANE RUN MMU CPUS: with the variables of base_run. The kernel unpacks
# archive after archive: a second one puts the short list over the long one.
base_boot() {
	local rc=0 root=$dir.root
	[ ! -f "$dir/tests.txt" ] || return 0
	need_packages cpio gzip || return
	rm -rf "$root" && mkdir -p "$root/etc" && echo "$tests" >"$root/etc/testlist" || return
	(cd "$root" && find etc | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1n) >"$root/list.gz" &&
		cat "$initrd" "$root/list.gz" >"$root/initrd.gz" || return
	step "boot base $2" boot "$1" "$2" "$3" "$4" "$kernel" "$root/initrd.gz" "$root/etc/testlist" \
		"$dir.part" >&2 || rc=$?
	rm -rf "$root"
	[ $rc -ne "$EX_HARNESS" ] && [ -f "$dir.part/tests.txt" ] || return "$EX_HARNESS"
	rm -rf "$dir" && mv "$dir.part" "$dir"
}
