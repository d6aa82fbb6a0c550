#!/usr/bin/env bash
# ci/unit/tdp-iter.sh - the page-table iterator of a kernel tree, tested on the
# host under AddressSanitizer and UBSan.
#
# Usage:   ci/unit/tdp-iter.sh          the base, which must fail the restart
#                                       tests (CVE-2021-47094) and no other, and
#                                       every milestone, which must pass them all
#          ci/unit/tdp-iter.sh [--compile] TREE...  these kernel trees; all must pass,
#                                       or only compile
# Inputs:  TREE/arch/x86/kvm/mmu/tdp_iter.[ch], tdp_mmu_iter_cond_resched() of
#          tdp_mmu.c, whether direct_page_fault() of mmu.c looks at the root's
#          reach; the stand-ins for kernel headers in ci/unit/include/
# Outputs: KTAP
# Exit codes: 0 pass, 1 failure, 2 usage, 5 the tree's code does not fit
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib/series.sh
. "$TOP/scripts/lib/series.sh"

# build TREE OUT: the iterator's API differs between prefixes of the series:
# what is given to it as root, and the arguments of the yield helper.
build() {
	local mmu=$1/arch/x86/kvm/mmu out=$2 dir=$2.src flags=()
	take_iterator "$1" "$dir"
	sed -n '/^static inline bool.*tdp_mmu_iter_cond_resched(/,/^}/p' "$mmu/tdp_mmu.c" >"$dir/cond_resched.h"
	[ -s "$dir/cond_resched.h" ] ||
		die $EX_HARNESS "$mmu/tdp_mmu.c:1: no tdp_mmu_iter_cond_resched() in it: teach ci/unit/tdp-iter.sh its new form"
	! grep -q 'bool shared' "$dir/cond_resched.h" || flags+=(-DRESCHED_SHARED)
	grep -q 'for_each_tdp_pte_min_level(iter, root, root_level' "$dir/tdp_iter.h" ||
		flags+=(-DITER_ROOT_IS_SP)
	# As soon as faults beyond the root's reach are refused, no walk has to go there.
	! grep -qF 'level * PT64_PT_BITS' "$mmu/mmu.c" || flags+=(-DREACH)
	compile "$dir" "$out" ${flags[@]+"${flags[@]}"} "$TOP/ci/unit/tdp_iter.c" ||
		die $EX_HARNESS "the iterator of $1 does not compile with the stand-ins in ci/unit/include"
}

# grow BASE TREE: make TREE, what the series knows of BASE: the milestones come on top of
# each other there.
grow() {
	local file all=()
	mapfile -t all < <(series_patches)
	mkdir -p "$2"
	for file in Makefile Kbuild arch/x86/kvm/Makefile $(touched_files "${all[@]}"); do
		[ ! -f "$1/$file" ] || (cd "$1" && cp --parents "$file" "$2/" && chmod u+w "$2/$file")
	done
}

# run NAME TREE OUT: KTAP of one tree, as a subtest.
run() {
	local rc=0
	build "$2" "$TMP/$1"
	runs "$TMP/$1" >"$3" 2>&1 || rc=$?
	sed 's/^/  /' "$3"
	return $rc
}

# shows_the_bug KTAP: all tests of the restart failed, and none other.
shows_the_bug() {
	[ "$(grep -c '^not ok' "$1")" -gt 0 ] &&
		! grep '^not ok' "$1" | grep -qv ' restart: ' &&
		! grep '^ok' "$1" | grep -q ' restart: '
}

nr=0 failed=0
result() {
	nr=$((nr + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $nr $2"
}

echo "KTAP version 1"
if [ $# -gt 0 ]; then
	echo "1..$#"
	for tree; do
		if run "tree$nr" "$tree" "$TMP/ktap"; then result ok "$tree"; else result "not ok" "$tree"; fi
	done
else
	milestones=()
	for m in $MILESTONES; do
		! series_patches | grep -q "^patches/$m/" || milestones+=("$m")
	done
	echo "1..$((1 + ${#milestones[@]}))"
	tree=$("$TOP/scripts/prepare-tree" base)
	if run base "$tree" "$TMP/ktap"; then rc=0; else rc=$?; fi
	if [ $rc -eq 1 ] && shows_the_bug "$TMP/ktap"; then
		result ok "base: fails after a restart, as it must"
	else
		result "not ok" "base: should fail the restart tests, and only those"
	fi
	need_packages patch
	grow "$tree" "$TMP/tree"
	for m in ${milestones[@]+"${milestones[@]}"}; do
		echo "tdp-iter: $m" >&2
		series_patches | grep "^patches/$m/" | (cd "$TOP" && xargs cat) |
			patch -d "$TMP/tree" -p1 -s -F0 --no-backup-if-mismatch >&2 ||
			die $EX_HARNESS "the patches of $m do not apply: see scripts/apply-series"
		if run "$m" "$TMP/tree" "$TMP/ktap"; then result ok "$m"; else result "not ok" "$m"; fi
	done
fi
[ $failed -eq 0 ] || exit $EX_FAIL
