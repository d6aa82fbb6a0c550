#!/bin/bash
# ci/tests/boot-init.sh - test PID 1 in a machine, with tests that misbehave.
#
# Usage:   ci/tests/boot-init.sh [--kernel IMAGE] [--lane LANE]
# Inputs:  a kernel that is built already (default: the first plain one of
#          $BUILD/kernel for lane amd-npt), ci/tests/misbehave.c, ci/build-initrd
# Outputs: TAP on stdout: PID 1 reports crashes, hangs and exit codes as they
#          are, goes on after each, leaves no process to the next test, and loses
#          no line of a chatty test
# Exit codes: 0 passed, 1 failed, 4 skipped: no kernel is built, 5 harness
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$(readlink -f "$0")")/tap.sh"

kernel='' lane=amd-npt
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel) kernel=${2:?--kernel wants a file}; shift ;;
	--lane) lane=${2:?--lane wants a name}; shift ;;
	*) die $EX_USAGE "unknown option '$1': see -h" ;;
	esac
	shift
done
arch=$("$TOP/ci/lanes/$lane" --arch)
[ -n "$kernel" ] || kernel=$(find "$BUILD/kernel" -path "*/$arch-plain/image" 2>/dev/null | sort | head -n1)
if [ -z "$kernel" ]; then
	echo "1..0 # SKIP no plain kernel for $arch is built: run ci/build-kernel base plain $arch"
	exit $EX_SKIP
fi

need_packages gcc libc6-dev
cross=
[ "$arch" != arm64 ] || cross=aarch64-linux-gnu-
"${cross}gcc" -std=gnu11 -Wall -Wextra -Werror -O2 -static -o "$TMP/misbehave" "$TOP/ci/tests/misbehave.c"
cat >"$TMP/misbehave.list" <<'LIST'
# made-up tests: what PID 1 has to survive
good		10 misbehave exit 0
bad		10 misbehave exit 3
skipped		10 misbehave exit 4
crash		10 misbehave crash
hang		2 misbehave hang
orphan		10 misbehave orphan
daemon		10 misbehave daemon
deaf		2 misbehave deaf
chatty		60 misbehave chatty 20000
long		10 misbehave long
last		10 misbehave exit 0
LIST
initrd=$("$TOP/ci/build-initrd" --add "$TMP/misbehave" base "$lane" "$TMP/misbehave.list")
rc=0
"$TOP/ci/lanes/$lane" --kernel "$kernel" --initrd "$initrd" --out "$TMP/out" --timeout 300 \
	--append "gate.list=misbehave gate.patience=2" || rc=$?
rm -f "$initrd"
sed 's/\r$//; s/^\[[^]]*\] //' "$TMP/out/console.log" >"$TMP/console"

# result TEST PATTERN: how a test ended.
result() {
	grep -qE "^gate: test [0-9]+ $1 $2 taint=[0-9]+ ms=[0-9]+\$" "$TMP/console" && return
	grep -E "^gate: test [0-9]+ $1 " "$TMP/console"
	return 1
}
# lines TEST N: N lines of its output arrived.
lines() {
	local n
	n=$(grep -cE "^gate: out $1: " "$TMP/console") || true
	[ "$n" -eq "$2" ] || { echo "$n lines arrived, not $2"; return 1; }
}
check "the machine powers itself off" test "$rc" -eq 0
check "the list is announced" grep -q '^gate: begin tests=11 list=misbehave$' "$TMP/console"
check "the machine is described" grep -q '^gate: param cpus=[1-9]' "$TMP/console"
check "exit code 0" result good exit=0
check "exit code 3" result bad exit=3
check "exit code 4" result skipped exit=4
check "a crash is a signal" result crash signal=11
check "a hanging test ends by its time limit" result hang timeout
check "which is twice as long as the list says" test "$(sed -n "s/^gate: test [0-9]* hang timeout .* ms=//p" "$TMP/console")" -ge 4000
check "a child that holds the output open does not hold up the list" result orphan exit=0
check "a child in a session of its own neither" result daemon exit=0
check "a test that hangs with such a child ends by its time limit" result deaf timeout
check "a chatty test ends" result chatty exit=0
check "every line of it arrives" lines chatty 20001
check "and in order" test "$(grep -oE '^gate: out chatty: line [0-9]+' "$TMP/console" |
	grep -oE '[0-9]+$' | sort -nC && echo sorted)" = sorted
check "a long line is cut, not lost" test "$(grep '^gate: out long: [a-z]*$' "$TMP/console" |
	sed 's/^gate: out long: //' | tr -d '\n' | wc -c)" -eq 2000
check "the last test runs" result last exit=0
check "nothing survives a test" test "$(grep -c 'unkillable' "$TMP/console")" -eq 0
check "the end is said" grep -q '^gate: end ran=11$' "$TMP/console"
[ "$tap_failed" -eq 0 ] || {
	mkdir -p "$BUILD/results"
	cp "$TMP/out/console.log" "$BUILD/results/boot-init.console.log"
	say "the console is in $BUILD/results/boot-init.console.log"
}
tap_end
