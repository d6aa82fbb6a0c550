#!/bin/bash
# ci/tests/boot-init.sh - test PID 1 in a machine, with tests that misbehave.
#
# Usage:   ci/tests/boot-init.sh [--kernel IMAGE] [--lane LANE]
# Inputs:  a kernel that is built already (default: the first plain one of
#          $BUILD/kernel for the lane; default: the first that ci/test boots),
#          ci/tests/lib/misbehave.c, ci/lib/build-initrd, ci/boot
# Outputs: TAP on stdout: PID 1 reports crashes, hangs and exit codes as they
#          are, goes on after each, leaves no process to the next test, and loses
#          no line of a chatty test; has the kernel say why a test hangs, which the
#          verdict takes for no splat; and, in a second machine, gives up when a
#          process cannot be killed, which is one
# Exit codes: 0 passed, 1 failed, 4 skipped: no kernel is built, 5 harness
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

# shellcheck source-path=SCRIPTDIR source=../lib/lanes.sh
. "$TOP/ci/lib/lanes.sh"

kernel='' lane=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel) need_value "$@"; kernel=$2; shift ;;
	--lane) need_value "$@"; lane=$2; shift ;;
	*) die $EX_USAGE "unknown option '$1': see -h" ;;
	esac
	shift
done
[ -n "$lane" ] || lane=$(lanes_with short boots | sed -n 1p)
known_lane "$lane"
arch=$(about "$lane" arch)
[ -n "$kernel" ] || kernel=$(find "$BUILD/kernel" -path "*/$arch-plain/image" 2>/dev/null | sort | head -n1)
if [ -z "$kernel" ]; then
	echo "1..0 # SKIP no plain kernel for $arch is built: run ci/build-kernel base plain $arch"
	exit $EX_SKIP
fi

need_packages gcc libc6-dev
cross=
[ "$arch" != arm64 ] || cross=aarch64-linux-gnu-
"${cross}gcc" -std=gnu11 -Wall -Wextra -Werror -O2 -static -o "$TMP/misbehave" "$TOP/ci/tests/lib/misbehave.c"

# machine NAME PATIENCE <LIST: boot it with 4 CPUs. BOOT_RC is the answer of ci/boot, $TMP/NAME.out
# has its results, $TMP/console is the console without time stamps.
machine() {
	local initrd
	cat >"$TMP/$1.list"
	initrd=$("$TOP/ci/lib/build-initrd" --add "$TMP/misbehave" base "$lane" "$TMP/$1.list")
	BOOT_RC=0
	"$TOP/ci/boot" --lane "$lane" --kernel "$kernel" --initrd "$initrd" --out "$TMP/$1.out" --cpus 4 \
		--timeout 300 --patience "$2" --list "$TMP/$1.list" >/dev/null || BOOT_RC=$?
	rm -f "$initrd"
	sed 's/\r$//; s/^\[[^]]*\] //' "$TMP/$1.out/console.log" >"$TMP/console"
}
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
# judged NAME CODE PATTERN: what the verdict says of the console.
judged() {
	[ "$BOOT_RC" -eq "$2" ] && grep -E -- "$3" "$TMP/$1.out/conclusion.txt" && return
	echo "exit $BOOT_RC"
	cat "$TMP/$1.out/conclusion.txt"
	return 1
}
# powered_off NAME
powered_off() {
	grep '^ended: poweroff' "$TMP/$1.out/lane.txt"
}
# diagnosed TEST PATTERN: the kernel said so when it was asked about the test.
diagnosed() {
	sed -n "/^gate: diagnosis $1 begin\$/,/^gate: diagnosis $1 end\$/p" "$TMP/console" >"$TMP/diagnosis"
	grep -qE "$2" "$TMP/diagnosis" && return
	cat "$TMP/diagnosis"
	return 1
}
# has OPTION: the kernel's configuration lies beside it.
has() {
	grep -qx "CONFIG_$1=y" "$(dirname "$kernel")/config" 2>/dev/null
}
# keep_console NAME: when a check has failed
keep_console() {
	[ "$tap_failed" -ne 0 ] || return 0
	mkdir -p "$BUILD/results"
	cp "$TMP/$1.out/console.log" "$BUILD/results/boot-init-$1.console.log"
	say "the console is in $BUILD/results/boot-init-$1.console.log"
}

machine misbehave 2 <<'LIST'
# made-up tests: what PID 1 has to survive
good		10 misbehave exit 0
bad		10 misbehave exit 3
skipped		10 misbehave exit 4
crash		10 misbehave crash
hang		2 misbehave hang
busy		2 misbehave busy
orphan		10 misbehave orphan
daemon		10 misbehave daemon
deaf		2 misbehave deaf
chatty		60 misbehave chatty 20000
long		10 misbehave long
last		10 misbehave exit 0
LIST
check "the machine powers itself off" powered_off misbehave
check "the list is announced" grep -q '^gate: begin tests=12 list=misbehave$' "$TMP/console"
# CPU 0 of some lanes is there besides, and kept from the tests.
check "the machine is described" grep -q '^gate: param cpus=4$' "$TMP/console"
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
check "the end is said" grep -q '^gate: end ran=12$' "$TMP/console"
check "a hanging test is shown where it sleeps" diagnosed hang '^gate: out hang: ([0-9]+)/\1 stack: \[<0>\] .*(pause|schedule|nanosleep)'
check "and the interrupts" diagnosed hang '^gate: out hang: interrupts: '
check "both processes of one that has a child" test "$(grep -c '^gate: out deaf: .* stat: [0-9]* (misbehave) S ' "$TMP/console")" -eq 2
if has MAGIC_SYSRQ; then
	check "the kernel is asked for blocked tasks" diagnosed hang '^sysrq: Show Blocked State'
	check "and for what runs on the CPUs" diagnosed busy '^Call [Tt]race:'
fi
check "which is no splat" judged misbehave 1 'fail: bad .*, crash .*, hang \(timeout\), busy \(timeout\), deaf \(timeout\); 6 passed, 5 failed'
keep_console misbehave

if has MAGIC_SYSRQ && has LKDTM; then
	machine stuck 1 <<'LIST'
good		10 misbehave exit 0
stuck		2 misbehave stuck HUNG_TASK
never		10 misbehave exit 0
LIST
	check "a machine with a stuck process powers itself off" powered_off stuck
	check "its test ends by its time limit" result stuck timeout
	check "and is said to be unkillable" grep -qx 'gate: unkillable stuck' "$TMP/console"
	check "where it is stuck" diagnosed stuck '^gate: out stuck: .* stack: \[<0>\] (lkdtm_|direct_entry)'
	check "among all tasks" diagnosed stuck '^sysrq: Show State'
	check "the rest of the list does not run" test "$(grep -c '^gate: test 3 ' "$TMP/console")" -eq 0
	check "the end is said" grep -qx 'gate: end ran=2' "$TMP/console"
	check "that is a splat" judged stuck 3 'splat: unkillable: .* 1 of 3 tests have no result: never'
	keep_console stuck
else
	skip "a process that cannot be killed" "this kernel has no sysrq or no LKDTM"
fi
tap_end
