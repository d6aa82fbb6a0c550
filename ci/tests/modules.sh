#!/usr/bin/env bash
# modules.sh - test of ci/machine/modules/modules.c as far as no kernel is needed for it: what
# it refuses, and how it finds what a module depends on.
#
# Usage:   modules.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
need_packages gcc libc6-dev make
M=$TMP/tests/modules
check "it compiles" machine_program tests/modules CPPFLAGS="-DMODULES='\"$TMP/ko\"'"

# What it refuses.
check "no command" expect 2 'what, and which module' "$M"
check "no module" expect 2 'what, and which module' "$M" load
check "an unknown command" expect 2 'error: what\?' "$M" reload kvm_amd
check "what is no setting" expect 2 'MODULE.PARAMETER=VALUE' "$M" load kvm_amd tdp_mmu
check "a setting of no module" expect 2 'MODULE.PARAMETER=VALUE' "$M" load kvm_amd .tdp_mmu=1
check "a setting of no parameter" expect 2 'MODULE.PARAMETER=VALUE' "$M" load kvm_amd kvm.=1
check "a setting without value" expect 2 'MODULE.PARAMETER=VALUE' "$M" load kvm_amd kvm.tdp_mmu=
check "--expect without a setting" expect 2 'MODULE.PARAMETER=VALUE' "$M" load kvm_amd --expect
check "settings for another command" expect 2 'for load only' "$M" unload kvm_amd kvm.tdp_mmu=1
check "no folder of modules" expect 2 "no $TMP/ko: see" "$M" load kvm_amd

# What a module depends on: nothing is loaded, since something is always missing.
mkdir "$TMP/ko"
check "no such module" expect 2 "no module kvm_amd in" "$M" load kvm_amd
printf 'x\0license=GPL\0depends=kvm,ccp\0name=kvm_amd\0' >"$TMP/ko/kvm-amd.ko"
check "a module that it depends on" expect 2 "no module kvm in" "$M" unload kvm_amd
printf 'x\0depends=irqbypass\0' >"$TMP/ko/kvm.ko"
check "one that this one depends on" expect 2 "no module irqbypass in" "$M" busy kvm_amd
printf 'x\0depends=\0' >"$TMP/ko/irqbypass.ko"
check "the next one" expect 2 "no module ccp in" "$M" refused kvm_amd
head -c 4096 /dev/zero | tr '\0' a >"$TMP/ko/$(printf 'x%.0s' {1..70}).ko"
check "too long a name" expect 2 "too long a name" "$M" load "$(printf 'x%.0s' {1..70})"

# Packing.
echo "one 10 modules load kvm_amd" >"$TMP/x.list"
check "an initrd without a kernel" expect 2 "x.list:1: error: the test of modules wants a KERNEL" \
	"$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list"
echo >"$TMP/image"
check "a kernel without modules" expect 2 "x.list:1: error: no modules/kvm.ko beside $TMP/image" \
	"$TOP/ci/lib/build-initrd" base amd-npt "$TMP/x.list" "$TMP/image"

# Its list.
rounds() {
	local m
	for m in base $MILESTONES; do
		list_tests "$m" "$1" >"$TMP/rounds" || return
		grep -q '^load-1 ' "$TMP/rounds" || { echo "$m loads nothing"; return 1; }
		diff <(sed -n 's/^load-\([0-9]*\) .*/\1/p' "$TMP/rounds") <(sed -n 's/^unload-\([0-9]*\) .*/\1/p' "$TMP/rounds") ||
			{ echo "$m: what it loads (<) is not what it unloads (>)"; return 1; }
	done
}
# shellcheck source-path=SCRIPTDIR source=../lib/lists.sh
. "$TOP/ci/lib/lists.sh"
lists=$(grep -l '^modules ' "$LISTS"/*.table)
for table in $lists; do
	list=$(basename "$table" .table)-modules
	check "$list: what is loaded is unloaded" rounds "$list"
done
tap_end
