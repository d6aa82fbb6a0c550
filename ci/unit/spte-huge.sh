#!/usr/bin/env bash
# ci/unit/spte-huge.sh - the SPTE of a huge page that takes the place of a page table: a
# kernel tree's own code on the host, under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/spte-huge.sh            the last milestone of the series
#          ci/unit/spte-huge.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch]; of spte.[ch] there make_huge_spte(),
#          make_huge_page_split_spte() and what both call; the stand-ins for kernel headers
#          in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# lacks TREE
lacks() {
	grep -qs 'make_huge_spte(' "$1/arch/x86/kvm/mmu/spte.h" || echo "page tables are only zapped there"
}

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src
	take_iterator "$1" "$dir"
	{
		parts "$mmu/spte.h" is_large_pte spte_ad_enabled is_access_track_spte \
			spte_can_locklessly_be_made_writable restore_acc_track_spte
		parts "$mmu/spte.c" mark_spte_for_access_track make_spte_executable \
			make_huge_page_split_spte make_huge_spte
	} >"$dir/spte_parts.h"
	compile "$dir" "$2" "$TOP/ci/unit/spte_huge.c" ||
		die $EX_HARNESS "what makes huge SPTEs in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
