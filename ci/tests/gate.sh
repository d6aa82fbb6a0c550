#!/usr/bin/env bash
# gate.sh - test of ci/gate: the real gate, lane library and verdict as processes,
# in a made-up project whose builders build nothing and whose emulator is a script.
#
# Usage:   gate.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
. "$(dirname "$(readlink -f "$0")")/tap.sh"

need_packages gcc libc6-dev util-linux cpio gzip
P=$TMP/project
mkdir -p "$P/scripts" "$P/ci/lanes" "$P/ci/guest/lists" "$P/fake"
cp "$TOP"/scripts/{lib.sh,build-tool} "$P/scripts/"
cp "$TOP"/ci/{gate,lib-gate.sh,lib-known.sh,lib-kernel.sh} "$P/ci/"
cp -r "$TOP/ci/src" "$P/ci/"
cp "$TOP/ci/lanes/lib.sh" "$P/ci/lanes/"
: >"$P/ci/known-failures"
unset TDP_BUILD
B=$P/build
G=$P/ci/gate

# Builders: the "image" is the milestone's name.
cat >"$P/ci/build-kernel" <<'END'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib.sh"
[ ! -f "$TOP/fake/broken" ] || die 1 "arch/x86/kvm/mmu/mmu.c:1: no semicolon"
dir=$BUILD/kernel/$1/$3-$2
mkdir -p "$dir"
echo "$1" >"$dir/image"
echo "CONFIG_OF=$1-$2" >"$dir/config"
echo "$dir"
END
cat >"$P/ci/build-initrd" <<'END'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib.sh"
mkdir -p "$BUILD/initrd/root/etc"
cp "$TOP/ci/guest/lists/$3.list" "$BUILD/initrd/root/etc/testlist"
cd "$BUILD/initrd/root"
find . | cpio -o -H newc --quiet | gzip -n >"../$1-$2-$3.gz"
arch=$("$TOP/ci/lanes/$2" --arch)
mkdir -p "$BUILD/guest/$1-$arch"
echo "selftests of $1" >"$BUILD/guest/$1-$arch/key"
echo "$BUILD/initrd/$1-$2-$3.gz"
END
# The machine: runs the list of its initrd, where later archives go over earlier
# ones. fake/MILESTONE says how each test ends ("NAME exit=0", "NAME hang") and
# what the kernel says meanwhile ("NAME: words"); "no end" is for PID 1.
cat >"$P/fake/emulator" <<'END'
#!/bin/bash
# emulator MILESTONE CPUS CMDLINE CONSOLE INITRD
exec >"$4" 2>/dev/null
here=$(dirname "$0")
echo "$1 $3" >>"$here/boots"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
gzip -dc "$5" | (cd "$root" && cpio -iu; cpio -iu)
case "$3" in *tdp_mmu=1*) tdp=Y ;; *) tdp=N ;; esac
[ ! -f "$here/other-mmu" ] || tdp=N
echo "[    0.000000] Linux version 5.10.223"
echo "[    1.000000] gate: begin tests=$(grep -c . "$root/etc/testlist") list=x"
echo "[    1.000000] gate: param cpus=$2"
echo "[    1.000000] gate: param kvm=present"
echo "[    1.000000] gate: param kvm.tdp_mmu=$tdp"
i=0
while read -r name _; do
	i=$((i + 1))
	echo "[    2.000000] gate: test $i $name begin"
	sed -n "s/^$name: /[    2.000000] /p" "$here/$1"
	how=$(sed -n "s/^$name \(.*\)/\1/p" "$here/$1")
	[ "$how" != hang ] || { rm -rf "$root"; echo $$ >"$here/pid"; exec sleep 300; }
	echo "[    2.000000] gate: test $i $name $how taint=0 ms=10"
done <"$root/etc/testlist"
grep -q '^no end' "$here/$1" || echo "[    2.000000] gate: end ran=$i"
echo "[    3.000000] reboot: Power down"
END
for lane in amd-npt intel-ept arm64; do
	cat >"$P/ci/lanes/$lane" <<'END'
#!/bin/bash
. "$(dirname "$0")/lib.sh"
LANE_ARCH=x86_64 LANE_CPUS=4 LANE_MEMORY=64 LANE_TIMEOUT=20 LANE_PACKAGES=bash
case $0 in */arm64) LANE_ARCH=arm64 ;; esac
[ ! -f "$TOP/fake/package" ] || LANE_PACKAGES=$(cat "$TOP/fake/package")
lane_options "$@"
echo $$ >"$TOP/fake/lane-pid"
lane_run "$TOP/fake/emulator" "$(cat "$kernel")" "$cpus" "$append" "$out/console.log" "$initrd"
powering_off || lane_end "the emulator's $ended"
lane_end
END
	printf 'one 30 one\ntwo 30 two\n' >"$P/ci/guest/lists/$lane.list"
done
chmod +x "$P"/ci/build-* "$P/fake/emulator" "$P"/ci/lanes/*[!h]

# records MILESTONE HOW [WORDS]: test two ends so there, and the kernel says this.
records() {
	printf '%s\n' "one exit=0" "two $2" ${3:+"two: $3"} >"$P/fake/$1"
}
fresh() {
	rm -rf "${B:?}/results" "$B/cache" "$P"/fake/{boots,broken,other-mmu,package,pid}
	: >"$P/ci/known-failures"
	records base exit=0
	records iterator exit=0
}
# files DIR: everything a run is to leave.
files() {
	local f
	for f in console.log lane.txt config results.ktap junit.xml tests.txt conclusion.txt; do
		[ -s "$1/$f" ] || { echo "no $1/$f"; return 1; }
	done
}

# What it refuses.
fresh
check "no milestone" expect 2 'which milestone' "$G"
check "an unknown milestone" expect 2 "unknown milestone 'mile'" "$G" mile
check "an unknown lane" expect 2 "unknown lane 'sparc'" "$G" --lane sparc iterator
check "lib.sh is no lane" expect 2 "unknown lane 'lib.sh'" "$G" --lane lib.sh iterator
check "an unknown option" expect 2 "unknown option '--fast'" "$G" --fast iterator
check "an unknown list" expect 2 "no list 'long'" "$G" --list long iterator
check "two variants" expect 2 'one of --debug' "$G" --debug --kasan iterator
check "debug elsewhere" expect 2 'amd-npt only' "$G" --debug --lane arm64 iterator
echo 'amd-npt * three because' >"$P/ci/known-failures"
check "a known failure of no test" expect 2 'ci/known-failures:1: error: the list of amd-npt has no test' "$G" iterator
echo 'amd-npt tdp2 two because' >"$P/ci/known-failures"
check "a known failure of no MMU" expect 2 'ci/known-failures:1: error: .tdp2. is none of' "$G" iterator
echo 'amd-npt * two' >"$P/ci/known-failures"
check "a known failure without reason" expect 2 'ci/known-failures:1: error: no reason' "$G" iterator

# All is well.
fresh
check "all lanes pass" expect 0 '^arm64-plain-none +pass ' "$G" iterator
R=$B/results/iterator
all_runs() {
	diff <(cd "$R" && printf '%s\n' */) - <<-END
	amd-npt-plain-tdp0/
	amd-npt-plain-tdp1/
	arm64-plain-none/
	intel-ept-plain-tdp0-1cpu/
	intel-ept-plain-tdp0-8cpu/
	intel-ept-plain-tdp1-1cpu/
	intel-ept-plain-tdp1-8cpu/
	END
	for run in "$R"/*/; do files "$run" || return 1; done
	[ "$(grep -c ' pass ' "$R/summary-plain.txt")" -eq 7 ]
}
check "every run left its results" all_runs
check "nothing else is left" expect 0 '' find "$R" -name '.*' -mindepth 1
check "the debug variant, amd-npt alone" expect 0 '^amd-npt-debug-tdp1 +pass ' "$G" --debug iterator
check "the debug kernel's configuration" grep -q 'CONFIG_OF=iterator-debug' "$R/amd-npt-debug-tdp0/config"
check "from another directory" expect 0 'amd-npt-plain-tdp0 +pass ' env -C / "$G" --lane amd-npt base

# What is not well.
ONE=("$G" --lane amd-npt iterator)
records iterator exit=254
check "a failed test" expect 1 'amd-npt-plain-tdp1 +fail ' "${ONE[@]}"
check "a second boot does not excuse it" expect 1 'amd-npt-plain-tdp1 +fail ' "${ONE[@]}" --retry
check "the first one is kept" files "$B/results/iterator/amd-npt-plain-tdp1-first"
sed -i '/^amd-npt-plain-tdp1-first /!d' "$TMP/.out"
check "and in the table" grep -q 'flaky' "$TMP/.out"
# The second boot goes well: the first one mends what it fails of.
cp "$P/fake/emulator" "$TMP/emulator"
sed -i '$i sed -i "s/^two exit=254/two exit=0/" "$here/$1"' "$P/fake/emulator"
records iterator exit=254
check "a second boot that passes" expect 0 'amd-npt-plain-tdp0-first +flaky' "${ONE[@]}" --retry
cp "$TMP/emulator" "$P/fake/emulator"
records iterator exit=0 "WARNING: CPU: 1 PID: 70 at arch/x86/kvm/mmu/tdp_mmu.c:299 foo+0x1/0x2"
check "a WARN is not tried again" expect 3 'amd-npt-plain-tdp1 +splat' "${ONE[@]}" --retry
records iterator exit=0 "WARNING: CPU: 1 PID: 70 at arch/x86/kvm/mmu/tdp_mmu.c:299 foo+0x1/0x2"
check "a WARN while all tests pass" expect 3 'splat: warn: WARNING: CPU: 1' "${ONE[@]}"
records iterator exit=4
sed -i 's/one exit=0/one exit=4/' "$P/fake/iterator"
check "everything skipped" expect 4 'amd-npt-plain-tdp0 +skip ' "${ONE[@]}"
records iterator exit=0
echo "no end" >>"$P/fake/iterator"
check "no end marker" expect 5 'harness: no end marker' "${ONE[@]}"
records iterator exit=0
touch "$P/fake/other-mmu"
check "a machine with the other MMU" expect 5 'does not say kvm.tdp_mmu=Y' "${ONE[@]}"
fresh
touch "$P/fake/broken"
check "a kernel that does not build" expect 1 '^amd-npt +fail' "${ONE[@]}"
fresh
echo no-such-package >"$P/fake/package"
mkdir -p "$TMP/bin"
printf '#!/bin/sh\nexit 100\n' >"$TMP/bin/apt-get"
chmod +x "$TMP/bin/apt-get"
check "an emulator that cannot be had" expect 5 'packages are missing: .*no-such-package' env PATH="$TMP/bin:$PATH" "${ONE[@]}"

# Worse outweighs bad.
fresh
records iterator exit=254 "BUG: KASAN: use-after-free in foo+0x1/0x2"
check "a splat outweighs a failed test" expect 3 'splat: kasan' "${ONE[@]}"

# Known failures.
fresh
echo 'amd-npt * two the emulator lacks it' >"$P/ci/known-failures"
records iterator exit=254
check "a known failure that the base does not show" expect 1 'ci/known-failures:1: error: two does not fail on the base' "${ONE[@]}"
records base timeout
rm -rf "$B/cache"
check "a known failure that the base shows in another way" expect 1 'two \(exit=254\)' "${ONE[@]}"
records base exit=254
rm -rf "$B/cache"
check "a known failure that the base shows too" expect 0 'amd-npt-plain-tdp1 +pass +1 +0 +1 ' "${ONE[@]}"
base_boots() { [ "$(grep -c '^base ' "$P/fake/boots")" -eq "$1" ] || { cat "$P/fake/boots"; return 1; }; }
: >"$P/fake/boots"
check "once more" expect 0 'amd-npt-plain-tdp0 +pass ' "${ONE[@]}"
check "the base came from the cache" base_boots 0
sed -i 's/two 30/two 31/' "$P/ci/guest/lists/amd-npt.list"
check "a changed list" expect 0 'amd-npt-plain-tdp0 +pass ' "${ONE[@]}"
check "the cache does not hold for it" base_boots 2
short_list() {
	local f
	for f in "$B"/cache/base-runs/*/tests.txt; do
		[ "$(cat "$f")" = "two exit=254 10" ] || { cat "$f"; return 1; }
	done
}
check "the base ran only what is known to fail" short_list
echo 'amd-npt tdp0 two the emulator lacks it' >"$P/ci/known-failures"
check "known for one MMU only" expect 1 'amd-npt-plain-tdp1 +fail ' "${ONE[@]}"
check "and for that one it is" grep -qE '^amd-npt-plain-tdp0 +pass ' "$R/summary-plain.txt"
fresh
echo 'amd-npt * two the emulator lacks it' >"$P/ci/known-failures"
records base exit=254
check "better than the base" expect 0 'amd-npt-plain-tdp1 +pass ' "${ONE[@]}"
check "is told" grep -q 'passed that fail on the base' "$R/amd-npt-plain-tdp1/conclusion.txt"

# Killed half-way. emulator_pid: wait until the machine hangs.
emulator_pid() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ -s "$P/fake/pid" ] && { cat "$P/fake/pid"; return 0; }
		sleep 0.1
	done
	echo "the machine never came so far"
	return 1
}
gone() {
	local i
	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "process $1 is still there"
	return 1
}
start_and_hang() {
	rm -f "$P/fake/pid"
	echo "one hang" >"$P/fake/iterator"
	"${ONE[@]}" >"$TMP/killed.out" 2>&1 &
	gate_pid=$!
	emulator=$(emulator_pid)
}
killed_emulator() {
	local rc=0
	start_and_hang || return 1
	kill -KILL "$emulator"
	rm -f "$P/fake/pid"
	emulator=$(emulator_pid) || return 1
	kill -KILL "$emulator"
	wait "$gate_pid" || rc=$?
	cat "$TMP/killed.out"
	[ $rc -eq 5 ] && grep -q 'no end marker, the last test was one' "$TMP/killed.out" &&
		files "$R/amd-npt-plain-tdp0" && grep -q '^ended: died' "$R/amd-npt-plain-tdp0/lane.txt"
}
killed_gate() {
	local rc=0
	start_and_hang || return 1
	kill "-$1" "$gate_pid"
	wait "$gate_pid" || rc=$?
	[ $rc -gt 128 ] || { echo "exit $rc"; cat "$TMP/killed.out"; return 1; }
	if [ "$1" = KILL ]; then
		# The lane knows nothing of the gate: it goes on, and the next gate waits for it.
		kill -TERM "$(cat "$P/fake/lane-pid")"
	fi
	gone "$emulator" || return 1
	records iterator exit=0
	expect 0 'amd-npt-plain-tdp0 +pass ' "${ONE[@]}"
}
fresh
check "the emulator is killed half-way" killed_emulator
fresh
check "the gate is stopped half-way, and works again" killed_gate TERM
fresh
fresh
echo 'amd-npt * two because' >"$P/ci/known-failures"
echo "two hang" >"$P/fake/base"
stopped_in_base() {
	rm -f "$P/fake/pid"
	"${ONE[@]}" >"$TMP/killed.out" 2>&1 &
	gate_pid=$!
	emulator=$(emulator_pid) || return 1
	kill -TERM "$gate_pid"
	wait "$gate_pid" || true
	gone "$emulator"
}
check "the gate is stopped while the base runs" stopped_in_base
fresh
check "the gate is killed half-way, and works again" killed_gate KILL

tap_end
