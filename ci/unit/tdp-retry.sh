#!/usr/bin/env bash
# ci/unit/tdp-retry.sh - the walks of the TDP MMU that share mmu_lock, when
# somebody else is faster: a kernel tree's own code on the host, under
# AddressSanitizer and UBSan.
#
# Usage:   ci/unit/tdp-retry.sh            the last milestone of the series
#          ci/unit/tdp-retry.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch], the walks in tdp_mmu.c that set or clear
#          bits of leaves, the end of a fault's, handle_changed_spte_dirty_log(), and
#          what both ask if faults mark pages themselves,
#          kvm_tdp_mmu_write_spte() if it returns something; with what a fault may
#          already, if its end knows the error code; whether the removal of a table
#          flushes; the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# build TREE OUT
build() {
	local mmu=$1/arch/x86/kvm/mmu dir=$2.src flags=() marks=()
	take_iterator "$1" "$dir"
	! grep -q ' spte_change_dirties(' "$mmu/tdp_mmu.c" || marks=(spte_change_dirties)
	parts "$mmu/tdp_mmu.c" tdp_root_for_each_pte tdp_root_for_each_leaf_pte tdp_mmu_iter_cond_resched \
		wrprot_gfn_range clear_dirty_gfn_range ${marks[@]+"${marks[@]}"} tdp_mmu_map_handle_target_level \
		handle_changed_spte_dirty_log >"$dir/walks.h"
	! grep -q 'u64 kvm_tdp_mmu_write_spte(' "$dir/tdp_iter.h" || flags+=(-DWRITE_RETURNS)
	[ ${#marks[@]} -eq 0 ] || flags+=(-DFAULTS_MARK)
	! grep -q 'error_code' "$dir/walks.h" || flags+=(-DACCESS_ALLOWED)
	parts "$mmu/tdp_mmu.c" handle_removed_tdp_mmu_page | grep -q kvm_flush_remote_tlbs_with_address || flags+=(-DUNLINKER_FLUSHES)
	mapfile -t -O ${#flags[@]} flags < <(setters "$1")
	compile "$dir" "$2" -Wno-unused-parameter ${flags[@]+"${flags[@]}"} "$TOP/ci/unit/tdp_retry.c" ||
		die $EX_HARNESS "the walks of $1 do not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
