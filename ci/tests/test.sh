#!/usr/bin/env bash
# test.sh - test of ci/test: the real one, in a made-up project whose tests do
# nothing but end in each way.
#
# Usage:   test.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

P="$TMP/a project"
mkdir -p "$P/scripts/src" "$P/scripts/lib" "$P/ci/lib" "$P/ci/tests" "$P/ci/unit" "$P/ci/verdict" "$P/ci/machine" "$P/patches/iterator"
cp -r "$TOP"/scripts/lib/{lib.sh,host-packages.sh,base.sh,kernel.sh,base-checksums,bases} "$P/scripts/lib/"
cp "$TOP/ci/test" "$P/ci/"
cp "$TOP"/ci/lib/{tests.sh,lanes.sh,lists.sh,one-test} "$P/ci/lib/"
mkdir "$P/ci/lanes"
unset TDP_BUILD
S=22.03-lts-sp2
T=$P/ci/test
echo patches/iterator/one.patch >"$P/series"
# program FILE LINE...: a script that prints its arguments and runs the lines.
program() {
	local f=$P/$1
	shift
	{ printf '#!/bin/bash\necho "$*"\n'; printf '%s\n' "$@"; } >"$f"
	chmod +x "$f"
}
# lane NAME WORDS: what ci/test does with it.
lane() {
	printf '%s\n' '#!/bin/bash' "echo 'arch $1'" "echo 'short $2'" >"$P/ci/lanes/$1"
	chmod +x "$P/ci/lanes/$1"
}
lane amd-npt "boots openeuler"
lane intel-ept boots
lane arm64 compiles
lane odd -
program scripts/check-series 'exit 0'
program ci/base-matrix 'echo "the mirror has none of them"; exit 4'
program ci/bisect 'exit 0'
program ci/gate 'echo "RUN  VERDICT"; echo "amd-npt-plain-tdp1 pass"'
program ci/build-objects 'exit 0'
program ci/unit/iterator 'exit 0'
program ci/tests/good.sh 'echo "ok 1 - a"; echo "ok 2 - b # SKIP no time"; echo 1..2'
GOOD=(check-series base-matrix bisect unit-iterator tool-good gate-iterator)


check "all is well" expect 0 'alone/gate-iterator \.+ ok ' "$T" "${GOOD[@]}"
check "the closing line" test "$(tail -n 1 "$TMP/.out")" = "Result: PASS"
check "all of them ran" grep -q '^Files=6,' "$TMP/.out"
check "the reason of a skip" expect 0 'base-matrix \.+ skipped: the mirror has none' "$T" base-matrix
check "a test left out within a test" expect 0 'left out: b: no time' "$T" tool-good
check "the gate's table is shown" expect 0 '    amd-npt-plain-tdp1 pass' "$T" gate-iterator
check "what it printed is kept" grep -q 'amd-npt' "$P/build/results/test/gate-iterator.log"
check "bisect, with all there is" expect 0 'bisect .* ok ' "$T" --all bisect
check "--all reaches it" grep -qx -- --all "$P/build/results/test/bisect.log"
check "--all has the debug kernel" expect 0 '^gate-iterator-debug$' "$T" --all --list
check "arm64 is compiled, not booted" expect 0 'objects-arm64-iterator .* ok ' "$T" objects-arm64-iterator
check "which is asked for so" grep -qx "iterator arm64" "$P/build/results/test/objects-arm64-iterator.log"
check "the lanes that say so are booted" grep -qx -- "--retry --skip-known --lane amd-npt --lane intel-ept iterator" \
	"$P/build/results/test/gate-iterator.log"
check "--all boots it" expect 1 '' bash -c "'$T' --all --list | grep -x objects-arm64-iterator"
check "--all has symbols and RPMs" expect 0 '^rpm$' "$T" --all --list
check "--all has KVM as modules" expect 0 "^gate-iterator-modules$" "$T" --all --list
check "--all has the other bases" expect 0 "^gate-oe-$S-iterator-kasan$" "$T" --all --list
check "a server's kernel only where not all are" expect 1 '' \
	bash -c "'$T' --all --list | grep -x gate-oe-$S-iterator-server"
# A base that nobody imported, and one that is there.
# shellcheck disable=SC2016 # the program's
program scripts/fetch-base 'echo "$1 is not imported: import it so" >&2; exit 4'
program scripts/apply-series 'exit 0'
check "what needs a base that is not there is skipped" expect 0 "dry-run-oe-$S .*skipped: openeuler-$S is not imported" \
	"$T" "dry-run-oe-$S" check-series
program scripts/fetch-base 'echo "/the/tree"'
check "with it, the dry run" expect 0 "dry-run-oe-$S .* ok " "$T" "dry-run-oe-$S" "gate-oe-$S-iterator"
check "looks at its tree" grep -qx -- '/the/tree' "$P/build/results/test/dry-run-oe-$S.log"
check "and its gate is in amd-npt" grep -qx -- "--retry --skip-known --base openeuler-$S --lane amd-npt --list openeuler iterator" \
	"$P/build/results/test/gate-oe-$S-iterator.log"
check "an unknown test" expect 2 "unknown test 'speed'" "$T" speed
check "an unknown option" expect 2 "unknown option '--speed'" "$T" --speed

program ci/gate 'echo "RUN  VERDICT"' 'printf "%s\n" "amd-plain-tdp0 pass 3" "    all passed"' \
	'printf "%s\n" "amd-plain-tdp0-first flaky" "    fail: perf (exit=254); 2 passed; a later boot passed"'
check "a second boot is asked for" grep -q -- '^--retry .* iterator$' "$P/build/results/test/gate-iterator.log"
check "a flaky gate" expect 0 'gate-iterator .* ok ' "$T" gate-iterator check-series
check "its tests are named in the last line" test "$(tail -n 1 "$TMP/.out")" = \
	"FLAKY, passed in a later boot only: gate-iterator amd-plain-tdp0 perf (exit=254)"
check "--record" expect 0 '^Result: PASS' "$T" --record gate-iterator
check "is the gate's" grep -qx -- "--record --retry .* iterator" "$P/build/results/test/gate-iterator.log"
check "no second boot with --all" expect 0 '^Result: PASS' "$T" --all gate-iterator gate-iterator-shadow gate-iterator-kasan
check "for none of its gates" test "$(head -qn 1 "$P"/build/results/test/gate-iterator{,-shadow,-kasan}.log | tr '\n' ,)" = \
	"iterator,--shadow iterator,--kasan iterator,"

program ci/bisect 'echo "patches/iterator/one.patch:1: error: does not build"; exit 1'
check "a failed test" expect 1 '^alone/bisect .*exited 1' "$T" bisect check-series
check "its closing line" test "$(tail -n 1 "$TMP/.out")" = "Result: FAIL"
check "its words are shown" expect 1 'one.patch:1: error: does not build' "$T" bisect
program ci/gate 'exit 5'
check "harness trouble fails" expect 1 '^alone/gate-iterator .*exited 5' "$T" gate-iterator
program ci/tests/half.sh 'echo "ok 1 - a"' 'exit 0'
check "TAP without a plan fails" expect 1 'No plan found' "$T" tool-half
program ci/tests/half.sh 'echo "ok 1 - a"; echo 1..2' 'exit 0'
check "TAP that stops half-way fails" expect 1 'Bad plan' "$T" tool-half
program ci/tests/half.sh 'echo "not ok 1 - a"; echo 1..1' 'exit 0'
check "a point that is not ok fails" expect 1 'Failed test: +1' "$T" tool-half
program ci/tests/half.sh 'echo "ok 1 - a"; echo 1..1' 'exit 3'
check "an exit code with all points ok fails" expect 1 'tool-half .*exited 3' "$T" tool-half
# meets OTHER: a test that ends when it has seen the other one run.
meets() {
	printf '%s\n' "touch '$TMP/met-by-$1'" "for i in {1..50}; do" \
		"[ ! -e '$TMP/met-by-$2' ] || { echo 'ok 1 - met'; echo 1..1; exit 0; }" \
		"sleep 0.1" "done" "echo 'not ok 1 - alone'" "exit 1"
}
mapfile -t lines < <(meets one two)
program ci/tests/one.sh "${lines[@]}"
mapfile -t lines < <(meets two one)
program ci/tests/two.sh "${lines[@]}"
if [ "$(nproc)" -gt 1 ]; then
	check "tests with one thread run beside each other" expect 0 '^Result: PASS' "$T" tool-one tool-two
else
	skip "tests with one thread run beside each other" "one CPU"
fi
rm "$TMP"/met-by-*
program ci/bisect "${lines[@]}"
check "one that uses all CPUs does not" expect 1 "tool-one .*exited 1" "$T" tool-one bisect
program ci/bisect "sleep 300 &" "echo \$! >'$TMP/sleeper'" wait
stopped() {
	local i
	"$T" bisect >"$TMP/stopped" 2>&1 &
	for ((i = 0; i < 100; i++)); do
		[ ! -s "$TMP/sleeper" ] || break
		sleep 0.1
	done
	kill -TERM $!
	wait $! || true
	for ((i = 0; i < 50; i++)); do
		# PID 1 of a container may take its time to reap
		grep -qs '^State:[[:space:]]*[^Z]' "/proc/$(cat "$TMP/sleeper")/status" || return 0
		sleep 0.1
	done
	cat "$TMP/stopped"
	return 1
}
check "stopped half-way, it stops the test and what that started" stopped
: >"$P/series"
check "a series without patches fails" expect 1 'no patch of any milestone' "$T" gate

tap_end
