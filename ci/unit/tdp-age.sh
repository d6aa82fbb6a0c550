#!/usr/bin/env bash
# ci/unit/tdp-age.sh - aging in the TDP MMU, without mmu_lock: a kernel tree's own code on the
# host, under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/tdp-age.sh            the last milestone of the series
#          ci/unit/tdp-age.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch]; of tdp_mmu.c there age_gfn_range() and what
#          it calls; the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# lacks TREE
lacks() {
	grep -qs LOCKLESS_AGING "$1/arch/x86/kvm/Kconfig" || echo "mmu_lock is held to age pages there"
}

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src
	take_iterator "$1" "$dir"
	parts "$mmu/tdp_mmu.c" tdp_root_for_each_pte tdp_root_for_each_leaf_pte age_spte age_gfn_range >"$dir/age.h"
	compile "$dir" "$2" -Wno-unused-parameter "$TOP/ci/unit/tdp_age.c" ||
		die $EX_HARNESS "what ages in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
