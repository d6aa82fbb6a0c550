#!/usr/bin/env bash
# ci/unit/tdp-clear.sh - CLEAR of the dirty log in the TDP MMU: which SPTEs lose a bit, and
# which bit. A kernel tree's own code on the host, under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/tdp-clear.sh            the last milestone of the series
#          ci/unit/tdp-clear.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch]; of tdp_mmu.c there clear_dirty_pt_masked()
#          and what it calls; the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src flags=()
	take_iterator "$1" "$dir"
	parts "$mmu/tdp_mmu.c" handle_cleared_spte_bit tdp_mmu_last_sptep clear_dirty_spte \
		clear_dirty_pt_masked >"$dir/clear.h"
	! grep -q 'bool skip_huge' "$dir/clear.h" || flags+=(-DSKIPS_HUGE)
	compile "$dir" "$2" -Wno-unused-parameter ${flags[@]+"${flags[@]}"} "$TOP/ci/unit/tdp_clear.c" ||
		die $EX_HARNESS "what clears the dirty log in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
