#!/usr/bin/env bash
# ci/unit/tdp-split.sh - the TDP MMU splits huge pages: a kernel tree's own code on the host,
# under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/tdp-split.sh            the last milestone of the series
#          ci/unit/tdp-split.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch]; of tdp_mmu.c there
#          tdp_mmu_split_huge_pages_root() and what it calls, of spte.c
#          make_huge_page_split_spte(); the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# lacks TREE
lacks() {
	grep -qs eager_page_split "$1/arch/x86/kvm/x86.c" || echo "huge pages are not split there"
}

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src
	take_iterator "$1" "$dir"
	{
		parts "$mmu/spte.c" make_spte_executable make_huge_page_split_spte
		parts "$mmu/tdp_mmu.c" tdp_mmu_iter_cond_resched tdp_mmu_init_child_sp tdp_mmu_link_sp \
			tdp_mmu_alloc_sp_for_split tdp_mmu_split_huge_page tdp_mmu_split_huge_pages_root
	} >"$dir/split.h"
	compile "$dir" "$2" -Wno-unused-parameter "$TOP/ci/unit/tdp_split.c" ||
		die $EX_HARNESS "what splits huge pages in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
