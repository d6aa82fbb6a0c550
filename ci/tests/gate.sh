#!/usr/bin/env bash
# gate.sh - test of ci/gate in a made-up project (made-up-gate.sh): what it refuses,
# what it leaves, the exit code for each way a run can end, known failures.
#
# Usage:   gate.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"

# What it refuses.
fresh
check "no milestone" expect 2 'which milestone' "$G"
check "an unknown milestone" expect 2 "unknown milestone 'mile'" "$G" mile
check "an unknown lane" expect 2 "unknown lane 'sparc'" "$G" --lane sparc iterator
check "lib.sh is no lane" expect 2 "unknown lane 'lib.sh'" "$G" --lane lib.sh iterator
check "an unknown option" expect 2 "unknown option '--fast'" "$G" --fast iterator
check "an unknown list" expect 2 "no list 'long'" "$G" --list long iterator
check "two variants" expect 2 'one of --debug' "$G" --debug --kasan iterator
check "two suites" expect 2 "one of --stress and --guest" "$G" --stress --guest iterator
check "a list and a suite" expect 2 "one of --list and --guest" "$G" --guest --list amd-npt iterator
check "a guest elsewhere" expect 2 "no list .intel-ept-guest" "$G" --guest --lane intel-ept iterator
check "debug elsewhere" expect 2 'arm64 takes no such kernel, but plain' "$G" --debug --lane arm64 iterator
check "a server's kernel and debug" expect 2 "one of --debug" "$G" --server --debug iterator
check "a server's kernel of openEuler's" expect 2 "are a server's" "$G" --server --base openeuler-22.03-lts-sp2 iterator
check "an unknown base" expect 2 "unknown base 'fedora'" "$G" --base fedora iterator
check "a base that nobody imported" expect 4 'is not imported: scripts/fetch-base .*--git' "$G" --base openeuler-22.03-lts-sp2 iterator
check "leaves nothing" test ! -e "$B/results"
check "modules and debug" expect 2 "one of --debug" "$G" --modules --debug iterator
check "modules under stress" expect 2 "a list of its own" "$G" --modules --stress iterator
check "modules with another list" expect 2 "a list of its own" "$G" --modules --list amd-npt iterator
check "shadow paging where there is none" expect 2 "no list .arm64-shadow" "$G" --shadow --lane arm64 iterator
check "modules where no list is for them" expect 2 "no list .arm64-modules" "$G" --modules --lane arm64 iterator
echo 'amd-npt * three because' >"$P/ci/known-failures"
check "a known failure of no test" expect 2 'ci/known-failures:1: error: the list of amd-npt has no test' "$G" iterator
echo 'amd-npt tdp2 two because' >"$P/ci/known-failures"
check "a known failure of no MMU" expect 2 'ci/known-failures:1: error: .tdp2. is none of' "$G" iterator
echo 'amd-npt * two' >"$P/ci/known-failures"
check "a known failure without reason" expect 2 'ci/known-failures:1: error: no reason' "$G" iterator

# All is well.
fresh
check "all lanes pass" expect 0 '^arm64-plain-none +pass ' "$G" iterator
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
check "a server's kernel, amd-npt alone" expect 0 '^amd-npt-server-tdp1 +pass ' "$G" --server iterator
# KVM as modules: the machine has none when it starts.
tests_of amd-npt-modules one two
tests_of intel-ept-modules one two
check "the modules variant" expect 0 "^amd-npt-modules-none +pass " "$G" --modules iterator
check "it has a table of its own, both x86 lanes" grep -q "^intel-ept-modules-none" "$R/summary-modules.txt"
touch "$P/fake/built-in"
check "a kernel with KVM built in instead" expect 5 "does not say kvm=absent" "$G" --modules iterator
rm "$P/fake/built-in"
tests_of amd-npt-modules
tests_of intel-ept-modules
check "from another directory" expect 0 'amd-npt-plain-tdp0 +pass ' env -C / "$G" --lane amd-npt base
tests_of amd-npt-guest one two
check "the Linux guest, amd-npt alone" expect 0 "^amd-npt-plain-tdp1-guest +pass " "$G" --guest iterator
check "in a table of its own" test "$(grep -c " pass " "$R/summary-plain-guest.txt")" -eq 2

# What is not well.
records iterator exit=254
check "a failed test" expect 1 'amd-npt-plain-tdp1 +fail ' "${ONE[@]}"
check "further boots do not excuse it" expect 1 'amd-npt-plain-tdp1 +fail ' "${ONE[@]}" --retry
check "the first one is kept" files "$B/results/iterator/amd-npt-plain-tdp1-first"
check "as what it was" grep -qE "^amd-npt-plain-tdp1-first +fail" "$R/summary-plain.txt"
check "so is the second one" grep -qE "^amd-npt-plain-tdp1-second +fail" "$R/summary-plain.txt"
# The second boot goes well: the first one mends what it fails of.
cp "$P/fake/emulator" "$TMP/emulator"
sed -i '$i sed -i "s/^two exit=254/two exit=0/" "$here/$1"' "$P/fake/emulator"
records iterator exit=254
check "a second boot that passes" expect 0 'amd-npt-plain-tdp0-first +flaky' "${ONE[@]}" --retry
check "the first one is in the table" grep -qE "^amd-npt-plain-tdp0-first +flaky" "$R/summary-plain.txt"
check "and kept" files "$R/amd-npt-plain-tdp0-first"
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
echo iterator >"$P/fake/other-mmu"
check "a machine with the other MMU" expect 5 'does not say kvm.tdp_mmu=Y' "${ONE[@]}"
fresh
touch "$P/fake/broken"
check "a kernel that does not build" expect 1 '^amd-npt +fail' "${ONE[@]}"
fresh
touch "$P/fake/no-network"
check "a base that cannot be had" expect 5 'its base cannot be had, see above' "${ONE[@]}"
mv "$P/scripts/fetch-base" "$P/fake/fetch-base"
printf '#!/bin/sh\n' >"$P/scripts/fetch-base"
chmod +x "$P/scripts/fetch-base"
check "a base that is there, and another trouble" expect 5 'it cannot be built here, see above' "${ONE[@]}"
mv "$P/fake/fetch-base" "$P/scripts/fetch-base"
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
rm -rf "$B/cache" "$B"/kernel "$P/fake/boots"
check "known failures left out" expect 0 'amd-npt-plain-tdp1 +pass +1 +0 +0 ' "${ONE[@]}" --skip-known
check "are named" grep -q 'amd-npt-plain-tdp0: left out, as ci/known-failures has them: two$' "$TMP/.out"
check "the other test is not" grep -q '^one ' "$R/amd-npt-plain-tdp1/tests.txt"
check "no base is built or booted for it" test ! -e "$B/kernel/base" -a "$(grep -c '^base ' "$P/fake/boots")" -eq 0
check "a known failure that the base shows too" expect 0 'amd-npt-plain-tdp1 +pass +1 +0 +1 ' "${ONE[@]}"
rm -rf "$B/cache"
echo base >"$P/fake/other-mmu"
check "a base that ran with the other MMU" expect 1 'amd-npt-plain-tdp1: harness: the base could not be booted' "${ONE[@]}"
check "excuses nothing" grep -qE '^amd-npt-plain-tdp1 +fail ' "$R/summary-plain.txt"
check "and is not kept" test "$(find "$B"/cache/base-runs -path "*[^t]/tests.txt" | wc -l)" -eq 1
rm "$P/fake/other-mmu"
base_boots() { [ "$(grep -c '^base ' "$P/fake/boots")" -eq "$1" ] || { cat "$P/fake/boots"; return 1; }; }
cp "$P/fake/iterator" "$P/fake/default-on"
rm -rf "$B/cache"
: >"$P/fake/boots"
check "a milestone that has the TDP MMU by default" expect 0 'amd-npt-plain-tdp1 +pass +1 +0 +1 ' \
	"$G" --lane amd-npt default-on
check "needs not be told" expect 1 '' grep -q '^default-on .*kvm.tdp_mmu=1' "$P/fake/boots"
check "the base is told" grep -q '^base .*kvm.tdp_mmu=1' "$P/fake/boots"
: >"$P/fake/boots"
check "once more" expect 0 'amd-npt-plain-tdp0 +pass ' "${ONE[@]}"
check "the base came from the cache" base_boots 0
sed -i 's/two 30/two 31/' "$P/ci/machine/lists/amd-npt.table"
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
# Another base: trees, kernels and results of its own, and its own unpatched kernel.
fresh
mkdir -p "$TDP_BASES/$OE"
printf '%s\n' "version $OE" "files 1" >"$TDP_BASES/$OE/.base"
echo 'amd-npt * two the emulator lacks it' >"$P/ci/known-failures"
records base exit=254
records "$OE:base" exit=0
records "$OE:iterator" exit=254
check "a known failure that only the default base shows" expect 1 \
	'ci/known-failures:1: error: two does not fail on the base' "$G" --base "$OE" --lane amd-npt iterator
records "$OE:base" exit=254
rm -rf "$B/cache"
check "one that this base shows" expect 0 "^$OE-amd-npt-plain-tdp1 +pass +1 +0 +1 " "$G" --base "$OE" --lane amd-npt iterator
check "its results have its name" files "$B/results/$OE/iterator/amd-npt-plain-tdp0"
check "in JUnit too" grep -q "$OE-amd-npt-plain-tdp0" "$B/results/$OE/iterator/amd-npt-plain-tdp0/junit.xml"
check "the default base has none" test ! -e "$R"
fresh
echo 'amd-npt * two the emulator lacks it' >"$P/ci/known-failures"
records base exit=254
check "better than the base" expect 0 'amd-npt-plain-tdp1 +pass ' "${ONE[@]}"
check "is told" grep -q 'passed that fail on the base' "$R/amd-npt-plain-tdp1/conclusion.txt"

tap_end
