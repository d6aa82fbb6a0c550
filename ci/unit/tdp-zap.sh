#!/usr/bin/env bash
# ci/unit/tdp-zap.sh - the order in which the TDP MMU takes mappings away: freeze, flush
# the TLBs, clear, free. A kernel tree's own code on the host, under AddressSanitizer and
# UBSan.
#
# Usage:   ci/unit/tdp-zap.sh            the last milestone of the series
#          ci/unit/tdp-zap.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch]; of tdp_mmu.c there tdp_mmu_zap_spte_atomic(),
#          handle_removed_tdp_mmu_page(), tdp_mmu_zap_leafs(), zap_collapsible_spte_range(),
#          tdp_mmu_zap_root() and what they walk by, and tdp_mmu_make_huge_spte() if the
#          tree has it; the stand-ins for kernel headers in
#          ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src flags=() huge=()
	take_iterator "$1" "$dir"
	! grep -q 'tdp_mmu_make_huge_spte(' "$mmu/tdp_mmu.c" || huge=(tdp_mmu_make_huge_spte)
	parts "$mmu/tdp_mmu.c" tdp_root_for_each_pte tdp_mmu_iter_cond_resched handle_removed_tdp_mmu_page \
		tdp_mmu_zap_spte_atomic tdp_mmu_zap_leafs ${huge[@]+"${huge[@]}"} zap_collapsible_spte_range \
		__tdp_mmu_zap_root tdp_mmu_zap_root >"$dir/zaps.h"
	mapfile -t flags < <(setters "$1")
	[ ${#huge[@]} -eq 0 ] || flags+=(-DMAKES_HUGE)
	compile "$dir" "$2" -Wno-unused-parameter ${flags[@]+"${flags[@]}"} "$TOP/ci/unit/tdp_zap.c" ||
		die $EX_HARNESS "what zaps in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
