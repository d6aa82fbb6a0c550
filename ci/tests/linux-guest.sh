#!/bin/bash
# ci/tests/linux-guest.sh - test of linux-guest, which boots and migrates the Linux
# guest of the gate, with a made-up QEMU: what it refuses, and each way to fail.
#
# Usage:   ci/tests/linux-guest.sh
# Inputs:  ci/machine/linux-guest/, ci/verdict/splat.c, ci/tests/lib/made-up-qemu,
#          ci/tests/consoles/, as verdict.sh; ci/lib/pack-qemu, ci/lib/build-initrd
# Outputs: TAP on stdout
# Exit codes: 0 all passed, 1 one failed, 5 packages missing
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
need_packages gcc libc6-dev make coreutils procps
L=$TMP/tests/linux-guest
echo "no kernel" >"$TMP/kernel"
export MADE_UP_DIR=$TMP/qemu

# guest HOW CODE PATTERN OPTION...: with a QEMU that behaves like this.
# shellcheck disable=SC2317 # called by check
guest() {
	local how=$1 code=$2 pattern=$3
	shift 3
	rm -rf "$MADE_UP_DIR" && mkdir "$MADE_UP_DIR"
	MADE_UP=$how expect "$code" "$pattern" timeout -k 5 60 "$L" \
		--qemu "$TOP/ci/tests/lib/made-up-qemu" --kernel "$TMP/kernel" --initrd "$TMP/kernel" "$@" || return
	nothing_left
}
# No QEMU lives on, no socket lies about.
# shellcheck disable=SC2317 # called by check
nothing_left() {
	local f
	for f in "$MADE_UP_DIR"/*.pid; do
		[ -f "$f" ] || continue
		! kill -0 "$(cat "$f")" 2>/dev/null || { echo "$f lives on"; return 1; }
	done
	! compgen -G '/tmp/linux-guest.*' >/dev/null || { echo /tmp/linux-guest.*; return 1; }
}
# said FILE WORD...: an argument of a QEMU.
# shellcheck disable=SC2317 # called by check
said() {
	grep -qF -- "$2" "$MADE_UP_DIR/$1" || { cat "$MADE_UP_DIR/$1"; return 1; }
}

check "it compiles" machine_program tests/linux-guest
check "its guest's PID 1 compiles" machine_program guest-init
check "which refuses to be another process" expect 2 "see linux-guest -h" "$TMP/guest-init"

# What it refuses.
check "help" expect 0 "^Exit codes:" "$L" -h
check "an unknown option" expect 2 "unrecognized option" "$L" --colour
check "an unknown word" guest "" 2 "unknown .fast." fast
check "no number" expect 2 "see -h" "$L" --mib many
check "a negative number" expect 2 "see -h" "$L" --vcpus -1
check "too little memory" expect 2 "from 48 to" "$L" --mib 8
check "nothing to verify" expect 2 "may leave nothing" "$L" --mib 48 --reserve 64
check "two kinds of test" expect 2 "not both" "$L" --migrate --spoil
check "no QEMU" expect 2 "no QEMU '/nowhere'" "$L" --qemu /nowhere
check "no kernel" expect 2 "no kernel '/nowhere'" "$L" --qemu /bin/true --kernel /nowhere
check "no console to look at" expect 2 "no console '/nowhere': No such file" "$L" --look /nowhere
check "a folder" expect 2 "no console '/': Is a directory" "$L" --look /
check "no initrd" expect 2 "no initrd '/nowhere'" "$L" --qemu /bin/true --kernel "$TMP/kernel" --initrd /nowhere

# All is well.
check "a guest" guest "" 0 "^pass: 2 vCPUs, 97 of 128 MiB .18 its kernel.s own. verified, 2 sweeps"
check "its memory" said source 128M
check "KVM is wanted" said source accel=kvm
check "its console is passed on" guest "" 0 '^source: .*guest: begin cpus=3' --vcpus 3
check "its command line" guest "" 0 '^pass' --append guest.then=hang --seed 77
check "has the seed" said source "guest.seed=77"
check "and what was added" said source "guest.then=hang"
check "a changed word that the guest finds" guest "" 0 "^pass: the guest found" --spoil
check "a migration" guest "" 0 '^pass: 2 vCPUs, 97 of 128 MiB .18 its kernel.s own. verified, 9 sweeps' --migrate
check "its figures" guest "" 0 '^migration: completed in 20 ms, 3 ms .* [5-9] rounds, 1024 pages, [0-9]* sent again' --migrate
check "the destination waits for it" said destination "unix:/tmp/linux-guest."
check "huge pages that it has to have" guest "" 1 '^FAIL: coverage: -1 huge pages are mapped for the guest, 1 are wanted' --migrate --huge 1

# What is not well.
check "a wrong word" guest wrong 1 "^FAIL: memory: page 9 word 0"
check "an error of the guest's PID 1" guest error 1 "^FAIL: guest: mmap"
check "a changed word that it does not find" guest blind 1 "^FAIL: memory: the guest has not found" --spoil
check "a panic" guest panic 1 "^FAIL: panic: the guest.s kernel said: BUG: unable .* Kernel panic .*kill init"
check "a warning of the guest's kernel" guest warn 1 "^FAIL: kernel: .*WARNING: CPU: 1"
check "a note that is no warning" guest note 0 "^source: .*Spectre V2 : WARNING: "
check "a guest that boots again" guest again 1 "^FAIL: panic: the guest has begun anew"
check "a guest that says nothing" guest hang 1 "^FAIL: hang: no word from the guest for 1 s" --silence 1
check "where its CPUs are" guest hang 1 "^source: info registers -a: RIP=00000000000fd0a1" --silence 1
check "a guest that comes to no end" guest chatter 1 "^FAIL: timeout: 2 s" --seconds 2
check "a guest that stays" guest stays 1 "^FAIL: hang: .* power-off" --silence 1
check "a reset at the end" guest reset 1 "^FAIL: panic: the guest ended by 'guest-reset'"
check "too little verified" guest few 1 "^FAIL: coverage: 30 of its 110 MiB were verified, 70 are wanted"
check "a guest with half of its memory" guest small 1 "^FAIL: coverage: .* 60 of 128 MiB"
check "too few CPUs" guest cpus 1 "^FAIL: coverage: the guest had 1 CPUs, not 2"
check "QEMU ends" guest die 1 "^FAIL: qemu: the source's QEMU ended with exit code 3"
check "QEMU crashes" guest signal 1 "^FAIL: qemu: the source's QEMU died of signal 11"
check "QEMU says nothing" guest mute 1 "^FAIL: hang: .*greeting" --silence 1
check "QEMU without KVM" guest nokvm 1 "^FAIL: qemu: it does not use KVM"
check "a migration that QEMU refuses" guest refused 1 "^FAIL: qemu: migrate: Failed to connect" --migrate
check "a migration that fails" guest broken 1 "^FAIL: migration: failed: Broken pipe" --migrate
check "one in a single round" guest early 1 "^FAIL: migration: it was over before" --migrate
check "one that sends no page again" guest once 1 "^FAIL: migration: .* 0 pages sent again" --migrate
check "one without an end" guest endless 1 "^FAIL: timeout: " --migrate --seconds 3
check "one that does not arrive" guest stuck 1 "^FAIL: timeout: .*destination" --migrate --seconds 3
check "a word that gets lost on the way" guest lost 1 "^FAIL: memory: page 9 word 0 sweep 2" --migrate

# What it makes of a console.
printf '[    1.000000] %s\r\n' "guest: sweep 1" "WARNING: CPU: 1 PID: 1 at mm/slub.c:299" "BUG: another" >"$TMP/warned"
check "a recorded console" expect 1 "^WARNING: CPU: 1 PID: 1 at mm/slub.c:299$" "$L" --look "$TMP/warned"
head -n 1 "$TMP/warned" >"$TMP/well"
check "one of a guest that is well" expect 0 "" "$L" --look "$TMP/well"
# golden NAME CODE CONCLUSION: as a guest's console, NAME.log has the complaint that
# verdict found, or none. Who speaks is the guest's PID 1 then, and there nobody asks
# the kernel for backtraces.
# shellcheck disable=SC2317 # called by check
golden() {
	local want='' rc=0
	if [ "$2" = 3 ]; then
		want=${3#splat: *: }
		want=${want% (console line *}
	fi
	sed -e '/gate: diagnosis .* begin/,/gate: \(diagnosis .* end\|test \)/{/Call [Tt]race:/d}' \
		-e 's/gate: /guest: /' "$TOP/ci/tests/consoles/$1.log" >"$TMP/played"
	"$L" --look "$TMP/played" >"$TMP/looked" || rc=$?
	[ "$rc $(<"$TMP/looked")" = "$((${#want} > 0)) $want" ] || {
		echo "want '$want', got exit $rc and '$(<"$TMP/looked")'"
		return 1
	}
}
while read -r name code conclusion; do
	case $name in
	# The gate's PID 1 tells, and the kernel says nothing.
	splat-taint | splat-unkillable) code=0 ;;
	esac
	check "a guest's console: $name" golden "$name" "$code" "$conclusion"
done <"$TOP/ci/tests/consoles/expected"

# Killed, it takes its QEMU along.
# shellcheck disable=SC2317 # called by check
killed() {
	rm -rf "$MADE_UP_DIR" && mkdir "$MADE_UP_DIR"
	MADE_UP=hang "$L" --qemu "$TOP/ci/tests/lib/made-up-qemu" --kernel "$TMP/kernel" \
		--initrd "$TMP/kernel" >"$TMP/killed" 2>&1 &
	local pid=$! i
	for ((i = 0; i < 100; i++)); do
		! grep -q 'guest: sweep' "$TMP/killed" || break
		sleep 0.1
	done
	kill "-$1" $pid
	wait $pid 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		kill -0 "$(cat "$MADE_UP_DIR/source.pid")" 2>/dev/null || break
		sleep 0.1
	done
	[ "$1" != KILL ] || rm -rf /tmp/linux-guest.*
	nothing_left
}
check "told to end" killed TERM
check "killed" killed KILL

# What it boots.
echo 'guest 10 linux-guest' >"$TMP/x.list"
check "an initrd without a kernel for it" expect 2 "x.list:1: error: a Linux guest wants a KERNEL" \
	"$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list"
check "nor with one that is not there" expect 2 "no kernel image '/nowhere'" \
	"$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list" /nowhere
check "QEMU is packed nowhere" expect 2 "no folder" "$TOP/ci/lib/pack-qemu" "$TMP/nowhere"
# In a root of its own it finds all it needs: libraries, and firmware.
# shellcheck disable=SC2317 # called by check
packed() {
	local q=usr/bin/qemu-system-x86_64-microvm
	mkdir -p "$TMP/root" && "$TOP/ci/lib/pack-qemu" "$TMP/root" || return
	"$TMP"/root/lib64/ld-linux-x86-64.so.2 --inhibit-cache \
		--library-path "$TMP/root/lib/x86_64-linux-gnu" --list "$TMP/root/$q" >"$TMP/libraries" || return
	! grep -vE "$TMP/root/|linux-vdso" "$TMP/libraries"
}
if [ "$(dpkg --print-architecture)" = amd64 ]; then
	check "QEMU is packed whole" packed
else
	skip "QEMU is packed whole" "this machine's QEMU for x86 is another one"
fi
tap_end
