# shellcheck shell=bash disable=SC2154 # variables of ci/gate
# ci/lib/known.sh - known failures, and the proof that the base has them too.
#
# Usage:   . ci/lib/known.sh     in ci/gate, after ci/lib/gate.sh
# Inputs:  ci/known-failures; BASE_NAME, base_option, BELOW, milestone, variant, list, suffix of ci/gate;
#          initrd of the lane at work
# Outputs: the functions below.
# Exit codes: 0, 2 ci/known-failures cannot be right, 5 the base could not be booted

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

# list_has LIST TEST: in what the base runs too, not in what a milestone adds.
list_has() {
	grep -qxF -- "$2" <(sed 's/[[:space:]].*//' "$TOP/ci/machine/lists/$1.list")
}

# known_entries LANE MMU: "LINE TEST REASON..." of the known failures that concern it.
known_entries() {
	local lane mmu test reason nr=0
	while read -r lane mmu test reason; do
		nr=$((nr + 1))
		[ "$lane" = "$1" ] || continue
		[ "$mmu" = "$2" ] || [ "$mmu" = '*' ] || continue
		list_has "${list:-$1$suffix}" "$test" || continue
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
	# shellcheck disable=SC2034 # for boot
	local on_by_default=''
	local lane=$1 run=$2 mmu=$3 cpus=$4 arch kernel initrd tests key dir
	arch=$("$TOP/ci/lanes/$lane" --arch)
	kernel=$(step "base $lane: kernel $arch $variant" "$TOP/ci/build-kernel" --lane "$lane" ${base_option[@]+"${base_option[@]}"} base "$variant" "$arch") || return
	initrd=$(step "base $lane: selftests and initrd" "$TOP/ci/lib/build-initrd" ${base_option[@]+"${base_option[@]}"} base "$lane" "${list:-$lane$suffix}" "$kernel/image") || return
	tests=$(known_entries "$lane" "$mmu" | cut -d' ' -f2 | sort -u | while read -r test; do
		grep -E "^${test//./\\.}[[:space:]]" "$TOP/ci/machine/lists/${list:-$lane$suffix}.list"
	done)
	key=$({
		echo "$BASE_NAME $lane $mmu $cpus $variant"
		echo "$tests"
		cat "$TOP/ci/lanes/$lane" "$TOP"/ci/lanes/*.sh "$kernel/image" "$kernel/config" \
			"$BUILD/tests/${BELOW}base-$arch/key" || echo "no key: $RANDOM $RANDOM $$"
	} | sha256sum | cut -c1-32)
	dir=$BUILD/cache/base-runs/$key
	with_lock "base-run-$key" base_boot "$@" || return "$EX_HARNESS"
	say "base $run: $(cat "$dir/conclusion.txt")"
	echo "$dir"
}

# with_list INITRD ROOT: ROOT/initrd.gz, which is INITRD with the list of stdin, and
# the list, ROOT/etc/testlist. The kernel unpacks archive after archive: a second one
# puts that list over the other.
with_list() {
	need_packages cpio gzip || return
	rm -rf "$2" && mkdir -p "$2/etc" && cat >"$2/etc/testlist" || return
	(cd "$2" && find etc | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1n) >"$2/list.gz" &&
		cat "$1" "$2/list.gz" >"$2/initrd.gz"
}

# without_known LANE RUN MMU: with_list of the lane's initrd and list ($tests) without
# what ci/known-failures has, in $root.
without_known() {
	local known
	known=$(known_entries "$1" "$3" | cut -d' ' -f2 | sort -u)
	say "$2: left out, as ci/known-failures has them: ${known//$'\n'/ }"
	grep -vE "^(${known//$'\n'/|})[[:space:]]" "$tests" | with_list "$initrd" "$root"
}

# base_boot LANE RUN MMU CPUS: with the variables of base_run.
base_boot() {
	local rc=0 root=$dir.root
	[ ! -f "$dir/tests.txt" ] || return 0
	with_list "$initrd" "$root" <<<"$tests" || return
	step "boot base $2" boot "$1" "$2" "$3" "$4" "$kernel" "$root/initrd.gz" "$root/etc/testlist" \
		"$dir.part" >&2 || rc=$?
	rm -rf "$root"
	[ $rc -ne "$EX_HARNESS" ] && [ -f "$dir.part/tests.txt" ] || return "$EX_HARNESS"
	# Tests that failed outweigh it, but this is not the same machine.
	! grep -q 'the machine does not say' "$dir.part/conclusion.txt" || return "$EX_HARNESS"
	rm -rf "$dir" && mv "$dir.part" "$dir"
}
