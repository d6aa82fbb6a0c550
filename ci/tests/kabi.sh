#!/usr/bin/env bash
# kabi.sh - test of ci/kabi: a stand-in for ci/build-kernel gives it the kernels.
#
# Usage:   kabi.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
need_packages gcc libc6-dev
P=$TMP/project
mkdir -p "$P/ci"
cp -r "$TOP/scripts" "$P/"
cp "$TOP/ci/kabi" "$P/ci/"
printf 'patches/iterator/a.patch\npatches/rwlock-rcu/b.patch\n' >"$P/series"
cat >"$P/ci/build-kernel" <<'END'
#!/bin/bash
[ "$2 $3" = "modules x86_64" ] && [ -f "${0%/*}/$1" ] || { echo "build-kernel: error: $* does not build" >&2; exit 1; }
mkdir -p "${0%/*}/kernel/$1"
tr ' ' '\t' <"${0%/*}/$1" >"${0%/*}/kernel/$1/Module.symvers"
echo "${0%/*}/kernel/$1"
END
chmod +x "$P/ci/build-kernel"
# kernel NAME CRC-OF-CORE CRC-OF-KVM
kernel() {
	printf '%s\n' "0x$2 call_rcu vmlinux EXPORT_SYMBOL_GPL " "0x$3 kvm_put arch/x86/kvm/kvm EXPORT_SYMBOL " >"$P/ci/$1"
}
kernel base 1 2
kernel iterator 1 3
kernel rwlock-rcu 4 2
export TDP_BUILD=$TMP/build
K=$P/ci/kabi
cd "$TMP"
echo kvm_put >promised

check "KVM's own symbols may change" expect 0 'note: changed: kvm_put .*0x2 -> 0x3' "$K" iterator
report() {
	diff "$TMP/.out" "$TMP/build/results/iterator/kabi.txt"
}
check "the report is kept" report
check "others may not; the last milestone" expect 1 '^rwlock-rcu:1: error: changed: call_rcu .*promised in outside-of-kvm:1' "$K"
check "a list, and only that" expect 0 'note: changed: call_rcu' "$K" --list promised rwlock-rcu
check "a symbol of the list" expect 1 '^iterator:2: error: changed: kvm_put .*, promised in /.*/promised:1$' "$K" --list promised iterator
rm "$P/ci/iterator"
check "a kernel that does not build" expect 1 'does not build' "$K" iterator
check "an unknown milestone" expect 2 "unknown milestone 'itertor'" "$K" itertor
check "no such list" expect 2 'needs a file' "$K" --list nowhere
check "an unknown option" expect 2 "unknown option '--lsit'" "$K" --lsit promised
tap_end
