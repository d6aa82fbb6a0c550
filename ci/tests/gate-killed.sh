#!/usr/bin/env bash
# gate-killed.sh - test of ci/gate in a made-up project (made-up-gate.sh): emulator,
# run or gate are killed half-way. Nothing is left running, and the next gate works.
#
# Usage:   gate-killed.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"

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
# The gate's process for one boot is gone: its machine goes with it.
killed_run() {
	local rc=0 run
	start_and_hang || return 1
	run=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$(cat "$P/fake/lane-pid")/status") || return 1
	records iterator exit=0
	kill -KILL "$run"
	wait "$gate_pid" || rc=$?
	cat "$TMP/killed.out"
	[ $rc -eq 5 ] && grep -qE '^amd-npt-plain-tdp0 +harness' "$TMP/killed.out" &&
		grep -qE '^amd-npt-plain-tdp1 +pass' "$TMP/killed.out" && gone "$emulator"
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
check "the process of one boot is killed, the other boot goes on" killed_run
fresh
check "the gate is stopped half-way, and works again" killed_gate TERM
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
