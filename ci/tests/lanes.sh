#!/bin/bash
# ci/tests/lanes.sh - test the lanes with machines that never get to a kernel.
#
# Usage:   ci/tests/lanes.sh [LANE]...         default: all of ci/lanes
# Inputs:  the emulators. The "kernels" are a few bytes that loop, or reset the
#          machine, made here.
# Outputs: TAP on stdout. A lane is asked for its refusals; its emulator is
#          killed half-way, the lane itself is ended by TERM and by KILL, its time
#          runs out, the machine is reset: each gives the right exit code and
#          word, and leaves no process and no folder. The AMD machines have the CPU
#          and the nodes that they are to have.
# Exit codes: 0 all passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

# shellcheck source-path=SCRIPTDIR source=../lib/lists.sh
. "$TOP/ci/lib/lists.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
lanes=("$@")
[ $# -gt 0 ] || mapfile -t lanes < <(cd "$TOP/ci/lanes" && find . -maxdepth 1 -type f -perm -u+x -printf "%f\n" | sort)

# ends CODE COMMAND...: the command exits with CODE.
ends() {
	local want=$1 rc=0
	shift
	"$@" || rc=$?
	[ "$rc" -eq "$want" ] || { echo "exit code $rc, not $want"; return 1; }
}

# tells_all: each key of ci/lanes/lib.sh has an answer, and as one of all; a patch is a file,
# and so is each list of a suite.
tells_all() {
	local key answer list
	for key in cpus stress boots variants unasked mmus nested lists short clock suites options patch; do
		answer=$("$lane_cmd" --about $key) || return
		case $key in
		patch) [ -z "$answer" ] || [ -s "$answer" ] || { echo "no file $answer"; return 1; } ;;
		suites)
			while read -r _ _ _ _ _ list; do
				[ -z "$list" ] || has_list "$list" || { echo "no list $list"; return 1; }
			done <<<"$answer"
			;;
		options) ;;
		*) [ -n "$answer" ] || { echo "nothing on $key"; return 1; } ;;
		esac
		diff <(echo "$answer") <("$lane_cmd" --about all | sed -n "s/^$key //p") || return
	done
}

# said PATTERN: lane.txt of the last run.
said() {
	grep -q "$1" "$TMP/out/lane.txt" || { cat "$TMP/out/lane.txt"; return 1; }
}

# emulators: the processes that work for our folder.
emulators() {
	local d cmdline cwd
	for d in /proc/[0-9]*; do
		cmdline=$(tr "\0" " " <"$d/cmdline") || continue
		cwd=$(readlink "$d/cwd") || continue
		[[ $cmdline =~ ^(qemu|bochs|script|bash screen|cat) && "$cmdline $cwd" == *$TMP/out* ]] && echo "${d#/proc/}"
	done 2>/dev/null
	return 0
}

# nothing_left: no process, no folder; a killed lane has a few seconds for it.
nothing_left() {
	local i
	for i in {1..50}; do
		[ -z "$(emulators)" ] && [ -z "$(find "$TMP/out" -name '.work*')" ] && return 0
		sleep 0.2
	done
	echo "left after $((i / 5)) s: processes $(emulators), folders $(find "$TMP/out" -name '.work*')"
	return 1
}

# screen_read: somebody reads what Bochs draws, while it does.
screen_read() {
	local i p
	for i in {1..75}; do
		for p in $(emulators); do
			[ "$(tr "\0" " " <"/proc/$p/cmdline")" = "cat " ] || continue
			if [ "$(sed -n 's/^rchar: //p' "/proc/$p/io")" -gt 16000 ]; then return 0; fi
		done 2>/dev/null
		sleep 0.2
	done
	echo "nobody in $((i / 5)) s"
	return 1
}

# start LANE TIMEOUT: run a lane in the background; wait for its emulator.
start() {
	local i
	"$TOP/ci/lanes/$1" --kernel "$TMP/loop.$("$TOP/ci/lanes/$1" --arch)" --initrd "$TMP/initrd" \
		--out "$TMP/out" --memory 512 --timeout "$2" >"$TMP/lane.log" 2>&1 &
	lane=$!
	for i in {1..150}; do
		[ -z "$(emulators)" ] || { sleep 1; return 0; }
		sleep 0.2
	done
	echo "no emulator after $((i / 5)) s"
	cat "$TMP/lane.log"
	return 1
}

# runs_with CPU NODES: what the emulator of start() was told.
runs_with() {
	local p
	# shellcheck disable=SC2046 # a list of words
	for p in $(emulators); do
		tr "\0" " " <"/proc/$p/cmdline"
	done >"$TMP/cmdline"
	if ! grep -qE -- "-cpu max[^ ]*$1" "$TMP/cmdline" ||
		[ "$(grep -oE -- "-numa node" "$TMP/cmdline" | wc -l)" -ne "$2" ]; then
		cat "$TMP/cmdline"
		return 1
	fi
}

# stopped CODE: wait for the lane of start().
stopped() {
	ends "$1" wait "$lane"
}

# x86: setup code at 0x200 jumps over the boot header, protocol 2.02.
x86_kernel() {
	head -c 497 /dev/zero
	printf '\x01'
	head -c 14 /dev/zero
	printf '\xeb\x66HdrS\x02\x02'
	head -c 96 /dev/zero
	printf '%b' "$1"
	head -c 4096 /dev/zero
}
x86_kernel '\xeb\xfe' >"$TMP/loop.x86_64"
x86_kernel '\xb0\xfe\xe6\x64\xf4\xeb\xfe' >"$TMP/reset.x86_64"
# arm64: "b ." and nothing else.
printf '\x00\x00\x00\x14%4092s' '' >"$TMP/loop.arm64"
echo initrd >"$TMP/initrd"
: >"$TMP/empty"

for l in "${lanes[@]}"; do
	lane_cmd=$TOP/ci/lanes/$l
	arch=$("$lane_cmd" --arch)
	common=(--initrd "$TMP/initrd" --out "$TMP/out")
	check "$l names its packages" test -n "$("$lane_cmd" --packages)"
	check "$l tells of itself" tells_all
	check "$l does not tell what it does not know" ends 2 "$lane_cmd" --about colour
	check "$l refuses an unknown option" ends 2 "$lane_cmd" --colour
	check "$l refuses to run without a kernel" ends 2 "$lane_cmd" "${common[@]}"
	check "$l refuses an empty kernel" ends 2 "$lane_cmd" --kernel "$TMP/empty" "${common[@]}"
	check "$l refuses a word for a number" \
		ends 2 "$lane_cmd" --kernel "$TMP/loop.$arch" "${common[@]}" --cpus many
	options=$("$lane_cmd" --about options)
	if [ -n "$options" ]; then
		check "$l refuses more nodes than CPUs" \
			ends 2 "$lane_cmd" --kernel "$TMP/loop.$arch" "${common[@]}" --cpus 2 --numa 4
	else
		check "$l refuses features for its CPU" \
			ends 2 "$lane_cmd" --kernel "$TMP/loop.$arch" "${common[@]}" --cpu phys-bits=36
		check "$l refuses nodes" ends 2 "$lane_cmd" --kernel "$TMP/loop.$arch" "${common[@]}" --numa 2
	fi
	[[ $l != intel-* ]] || check "$l refuses 3 CPUs" \
		ends 2 "$lane_cmd" --kernel "$TMP/loop.$arch" "${common[@]}" --cpus 3

	check "$l gives up when its time is over" ends 5 "$lane_cmd" --kernel "$TMP/loop.$arch" \
		"${common[@]}" --memory 512 --timeout 3
	check "$l says timeout" said '^ended: timeout'
	check "$l leaves nothing then" nothing_left

	check "$l runs an emulator" start "$l" 60
	case $l in
	amd-npt) check "$l has four levels and one node" runs_with '[,]-la57' 0 ;;
	amd-la57) check "$l has five levels and two nodes" runs_with '[,][+]la57' 2 ;;
	esac
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(emulators) || true
	check "$l notices that its emulator was killed" stopped 5
	check "$l says died" said '^ended: died'
	check "$l leaves nothing then" nothing_left

	for signal in TERM KILL; do
		check "$l runs an emulator" start "$l" 60
		[[ $l != intel-* ]] || check "$l reads the screen" screen_read
		kill -$signal "$lane" || true
		check "$l ends by $signal" stopped $((128 + $(kill -l $signal)))
		check "$l leaves nothing then" nothing_left
	done

	[[ $l != amd-* ]] || {
		check "$l does not take a reset for a power-off" \
			ends 5 "$lane_cmd" --kernel "$TMP/reset.$arch" "${common[@]}" --memory 512 --timeout 30
		check "$l says reset" said '^ended: died: the machine was reset'
	}
done
tap_end
