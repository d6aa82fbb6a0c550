#!/bin/bash
# ci/tests/apply-series-kinds.sh - test of which series scripts/apply-series takes, and
# what it says of the tree.
#
# Usage:   ci/tests/apply-series-kinds.sh
# Inputs:  the scripts as they are, a made-up project and a made-up kernel tree of each kind
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 quilt missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages quilt patch patchutils

# Which series: by what the tree is, or as --base says.
by_the_tree() {
	kinds
	expect 0 "tree is Linux 5.10.223: patches/stable.series" apply "$TMP/tree" && applied patches/iterator/{one,two,st}.patch patches/rwlock-rcu/three.patch &&
		expect 0 "is openEuler 22.03-LTS-SP2: series; nobody has tested" apply "$TMP/euler" &&
		diff <(printf '%s\n' patches/iterator/{one,oe,two}.patch patches/rwlock-rcu/three.patch) "$TMP/euler/.pc/applied-patches" &&
		[ -f "$TMP/euler/virt/kvm/openeuler.c" ] && [ ! -e "$TMP/euler/virt/kvm/stable.c" ] &&
		[ "$(cat "$TMP/euler/.pc/.quilt_series")" = "$TMP/project/series" ]
}

by_base() {
	kinds
	expect 2 "unknown base '5.10.9'" apply --base 5.10.9 "$TMP/tree" && unchanged &&
		expect 0 'euler is Linux 5.10' apply --base 5.10.223 "$TMP/euler" && [ -f "$TMP/euler/virt/kvm/stable.c" ]
}

continued() {
	kinds
	apply --base openeuler-22.03-lts-sp2 --until one "$TMP/tree" &&
		expect 2 "quilt has the series for openeuler here" apply --base 5.10.223 "$TMP/tree" &&
		expect 0 '3 patches applied, 1 were there' apply "$TMP/tree" && [ -f "$TMP/tree/virt/kvm/openeuler.c" ] &&
		expect 0 '^patches/iterator/oe.patch: applied' apply --dry-run "$TMP/tree"
}

neither() {
	kinds
	sed -i 's/^SUBLEVEL.*/SUBLEVEL = 0/' "$TMP/tree/Makefile" "$TMP/before/Makefile"
	expect 2 "/Makefile:3: error: this is neither openEuler's kernel nor stable 5.10.y: .*--base NAME.*Another 5.10 tree" \
		apply "$TMP/tree" && unchanged && expect 0 '4 patches applied' apply --base 5.10.223 "$TMP/tree"
}

# The verdict of the fingerprint, of a file that was changed and of one that must not be there.
compared() {
	local b=$TMP/project/scripts/lib/bases/openeuler-22.03-lts-sp2
	kinds
	"$TMP/project/scripts/fingerprint" --write openeuler-22.03-lts-sp2 "$TMP/euler" || return 1
	grep -qx 'absent  virt/kvm/openeuler.c' "$b.files" && ! grep -q 'virt/kvm/stable.c' "$b.files" &&
		grep -q '  virt/kvm/kvm_main.c$' "$b.files" || return 1
	expect 0 'SP2: series; the same as the tested tree of .*SP2 in all that matters' apply --dry-run "$TMP/euler" || return 1
	echo more >>"$TMP/euler/$MMU/mmu.c"
	expect 0 'SP2: series; 1 file that matters differs from .*: arch/x86/kvm/mmu/mmu.c' apply --dry-run "$TMP/euler" || return 1
	echo more >"$TMP/euler/virt/kvm/openeuler.c"
	expect 1 'SP2: series; 2 files that matter differ from .* virt/kvm/openeuler.c' apply --dry-run "$TMP/euler"
}

check "the series that the tree wants, each on its own" by_the_tree
check "--base takes the other series" by_base
check "a tree half-applied is continued with the same series" continued
check "a tree of neither kind is refused" neither
check "openEuler's tree is compared with the one that was tested" compared
tap_end
