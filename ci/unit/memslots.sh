#!/usr/bin/env bash
# ci/unit/memslots.sh - which memslot a gfn is in, for a VM and for a vCPU: a kernel tree's own
# code on the host, under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/memslots.sh            the last milestone of the series
#          ci/unit/memslots.sh [--compile] TREE...  these kernel trees; or compile only
# Inputs:  TREE/include/linux/kvm_host.h: search_memslots(), and if the tree has them
#          find_memslot() and memslot_at_index(), with what they call;
#          TREE/virt/kvm/kvm_main.c: kvm_vcpu_gfn_to_memslot(); the iterator, which all unit
#          tests link; the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# build TREE OUT
build() {
	local header=$1/include/linux/kvm_host.h dir=$2.src flags=() names=()
	take_iterator "$1" "$dir"
	! grep -q ' gfn_in_memslot(struct' "$header" || names+=(gfn_in_memslot)
	if grep -q 'last_used_slot;' "$header"; then
		names+=(memslot_at_index find_memslot)
		flags+=(-DVCPUS_REMEMBER)
	fi
	parts "$header" ${names[@]+"${names[@]}"} search_memslots __gfn_to_memslot >"$dir/lookups.h"
	parts "$1/virt/kvm/kvm_main.c" kvm_vcpu_gfn_to_memslot >"$dir/vcpu.h"
	compile "$dir" "$2" ${flags[@]+"${flags[@]}"} "$TOP/ci/unit/memslots.c" ||
		die $EX_HARNESS "what looks for memslots in $1 does not compile with the stand-ins in ci/unit/include"
}

test_trees "$@"
