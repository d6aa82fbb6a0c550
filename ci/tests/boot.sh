#!/usr/bin/env bash
# boot.sh - test of ci/boot in a made-up project (made-up-gate.sh): what it refuses, what
# the kernel is told, what is left; that all else boots by it; that a lane is one file.
#
# Usage:   boot.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"

fresh
O=$TMP/out
K=$("$P/ci/build-kernel" iterator plain x86_64)/image
I=$("$P/ci/lib/build-initrd" iterator amd-npt amd-npt)
# in_lane LANE OPTION...: boots there.
in_lane() {
	"$P/ci/boot" --kernel "$K" --initrd "$I" --out "$O" --lane "$@"
}
# told PATTERN: the last boot's command line; untold PATTERN: it does not have it.
told() {
	tail -n 1 "$P/fake/boots" | grep -E -- "$1"
}
untold() {
	! told "$1"
}
# limit SECONDS: of the last boot
limit() {
	[ "$(tail -n 1 "$P/fake/limits")" = "$1" ]
}
# ran NAME...: these tests, in that order.
ran() {
	diff <(cut -d' ' -f1 "$O/tests.txt") <(printf '%s\n' "$@")
}

# What it refuses.
check "nothing named" expect 2 '--lane, --kernel, --initrd and --out are wanted' "$P/ci/boot"
check "an unknown lane" expect 2 "unknown lane 'sparc': amd-npt " in_lane sparc
check "no kernel" expect 2 "no file '/none'" in_lane amd-npt --kernel /none
check "an unknown MMU" expect 2 '--mmu 2: 0, 1, default, shadow or none' in_lane amd-npt --mmu 2
check "an MMU that the lane does not have" expect 2 'arm64 has no kvm.tdp_mmu' in_lane arm64 --mmu 1
check "shadow paging where there is none" expect 2 'no shadow paging in arm64' in_lane arm64 --mmu shadow
check "a kernel that the lane does not take" expect 2 'intel-ept takes no debug kernel, but plain modules' in_lane intel-ept --variant debug
check "a word for a number" expect 2 '--cpus wants a number' in_lane amd-npt --cpus many
check "an unknown list" expect 2 "no list 'none' in ci/machine/lists" in_lane amd-npt --list none
check "a list and a program" expect 2 'not both' in_lane amd-npt --list quick -- one
cp "$I" "$TMP/alone.gz"
check "an initrd without a list" expect 2 'no list of tests, .*/alone.list' in_lane amd-npt --initrd "$TMP/alone.gz"
check "leaves nothing" test ! -e "$O"

# What it leaves.
mkdir "$O"
touch "$O/mine" "$O/junit.xml"
check "a boot" expect 0 '^out +pass +2 ' in_lane amd-npt
check "leaves its results" files "$O"
check "a row, too" grep -q '^out *pass' "$O/row.txt"
check "and what else is there" test -e "$O/mine"
check "nothing of its own" test "$(find "$O" -name '.*' -mindepth 1 | wc -l)" -eq 0
check "the kernel is told the list" told 'gate.list=iterator-amd-npt-amd-npt'
check "and nothing else" untold 'kvm|patience|slab'
check "the lane has its own time limit" limit 20
check "a name" expect 0 '^here +pass' in_lane amd-npt --name here
records iterator exit=254
check "a failed test" expect 1 'fail: two' in_lane amd-npt
echo 'two exit=254 because' >"$TMP/known"
check "which is known" expect 0 '^out +pass +1 +0 +1 ' in_lane amd-npt --known "$TMP/known"
records iterator exit=0 "WARNING: CPU: 1 PID: 70 at arch/x86/kvm/mmu/tdp_mmu.c:299 foo+0x1/0x2"
check "a splat" expect 3 'splat: warn' in_lane amd-npt
records iterator exit=0

# Tests.
printf 'two 30 two\n' >"$TMP/short.list"
check "another list" expect 0 '^out +pass +1 ' in_lane amd-npt --list "$TMP/short.list"
check "is what runs" ran two
tests_of quick two
check "one of the project's" expect 0 '^out +pass +1 ' in_lane amd-npt --list quick
echo 'command exit=0' >>"$P/fake/iterator"
check "a program" expect 0 '^out +pass +1 ' in_lane amd-npt -- demand_paging_test -v 2
check "is what runs then" ran command

# What the kernel is told.
check "tdp_mmu=0" expect 0 pass in_lane amd-npt --mmu 0 --append 'a=1 b'
check "is told, with more words" told 'a=1 b kvm.tdp_mmu=0'
check "tdp_mmu=1" expect 0 pass in_lane amd-npt --mmu 1
check "is told as well" told kvm.tdp_mmu=1
check "by default, where it is not" expect 5 'does not say kvm.tdp_mmu=Y' in_lane amd-npt --mmu default
check "is not told" untold tdp_mmu
check "shadow paging" expect 5 'does not say kvm_intel.ept=N' in_lane intel-ept --mmu shadow
check "by the lane's own parameter" told 'kvm.tdp_mmu=1 kvm_intel.ept=0$'
check "a debug kernel" expect 0 pass in_lane amd-npt --variant debug
check "has patience" told gate.patience=4
check "and an hour" limit 3600
check "unless it is told otherwise" expect 0 pass in_lane amd-npt --variant kasan --timeout 19
check "it has not" limit 19
check "KVM as modules" expect 0 pass in_lane amd-npt --variant modules
check "in slabs of its own" told slab_nomerge
check "CPUs" expect 0 pass in_lane intel-ept --cpus 8

# Stopped: its machine too.
stopped() {
	local pid rc=0 i
	rm -f "$P/fake/pid"
	echo "one hang" >"$P/fake/iterator"
	"$P/ci/boot" --kernel "$K" --initrd "$I" --out "$O" --lane amd-npt >/dev/null 2>&1 &
	pid=$!
	for i in {1..600}; do [ ! -s "$P/fake/pid" ] || break; sleep 0.1; done
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	records iterator exit=0
	[ $rc -eq 143 ] || { echo "exit $rc"; return 1; }
	for i in {1..100}; do
		kill -0 "$(cat "$P/fake/pid")" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "the machine still runs, after $i tries"
	return 1
}
check "stopped half-way" stopped

# ci/bench boots by it: the debug kernel has patience.
for c in demand-private demand-overlap dirty-manual unmap age slots logging flushes; do
	printf '%s\n' "$c exit=0" "$c: gate: out $c: lock_stat: mmu_lock contentions=1 waittime-us=2 acquisitions=3 holdtime-us=4"
done >>"$P/fake/iterator"
cp "$TOP/ci/bench" "$P/ci/"
check "locks of the debug kernel" expect 0 '^\| iterator \| 1 \| flushes \| mmu_lock \| 3 \| 1 \| 2 \| 4 \|' "$P/ci/bench" --lock-stat iterator
check "in the lane that has it unasked" test -s "$B/results/bench/iterator-amd-npt-debug-tdp1/console.log"
check "with patience" told gate.patience=4
check "and an hour's time" limit 3600

# A lane is one file, and its list.
records iterator exit=0
lane new-lane arch=x86_64 mmus="tdp0 tdp1" cpus="2 4" variants="plain debug"
check "one more lane" expect 0 '^new-lane-plain-tdp1-2cpu +pass ' "$G" iterator
check "beside the others" grep -q '^arm64-plain-none ' "$R/summary-plain.txt"
check "with its numbers of CPUs" grep -q '^new-lane-plain-tdp0-4cpu ' "$R/summary-plain.txt"
check "for the kernel that it takes when asked" expect 0 '^new-lane-debug-tdp1-2cpu +pass ' "$G" --lane new-lane --debug iterator
check "not for another" expect 2 'new-lane takes no such kernel, but plain debug' "$G" --lane new-lane --kasan iterator
check "which is known to ci/boot" expect 0 '^out +pass' in_lane new-lane --mmu 1 --cpus 2
named() {
	! git -C "$TOP" grep -nE '(amd-(npt|la57)|intel-(ept|pml))' -- 'ci/[a-z]*' scripts ':!*.md' ':!ci/lanes/*' ':!ci/machine/*' \
		':!ci/tests/*' ':!ci/*.csv' ':!ci/proofs/*' ':!ci/known-failures' ':!ci/gitlab-ci.yml' ':!ci/mutant-patches/*' |
		grep -vE '^[^:]*:[0-9]+:#|^scripts/quickstart:[0-9]+:lane='
}
if git -C "$TOP" rev-parse -q --verify HEAD >/dev/null 2>&1; then
	check "no other script names a lane in its code" named
else
	skip "no other script names a lane in its code" "not in git"
fi

tap_end
