#!/usr/bin/env bash
# ci/tests/skip-patches-whole.sh - the series on a base that has patches of it already.
#
# Usage:   ci/tests/skip-patches-whole.sh
# Inputs:  a copy of the project, and what it touches of the base (whole-series.sh)
# Outputs: TAP on stdout; skipped when there is no base to be had
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/whole-series.sh
. "$TOP/ci/tests/lib/whole-series.sh"

# In the order of the series, patches that apply to the base as it is, and leave room for
# those before: what a stable release may bring, the fixes of CVE-2024-46830 and
# CVE-2026-98164, and what changes virt/kvm.
HAS=()
for p in iterator/selftests-fix-32-bit-truncation-of-vm-get-max-gfn.patch \
	iterator/acquire-kvm-srcu-when-handling-kvm-set-vcpu-events.patch \
	parallel-faults/refactor-memslot-copy.patch \
	leak-unsync-fixes/check-write-tracking-in-all-address-spaces.patch; do
	[ ! -f "$P/patches/$p" ] || HAS+=("patches/$p")
done

# Nothing but these is told, and what is told is enough.
told() {
	local p
	cp -r "$PRISTINE" "$TMP/tree"
	for p in "${HAS[@]}"; do
		patch -s -d "$TMP/tree" -p1 -F0 --no-backup-if-mismatch -i "$P/$p" || return
	done
	cp -r "$TMP/tree" "$TMP/before"
	expect 1 ', 0 there in part, 0 need fuzz, 0 fail$' "$P/scripts/apply-series" --dry-run "$TMP/tree" || return
	sed -n 's/: already applied$//p' "$TMP/.out" >"$TMP/list"
	diff <(printf '%s\n' "${HAS[@]}") "$TMP/list" && diff -r "$TMP/before" "$TMP/tree"
}

same_end() {
	quilted "$TMP/without" &&
		expect 0 "${#HAS[@]} skipped" "$P/scripts/apply-series" --skip "$TMP/list" "$TMP/tree" &&
		diff -r -x .pc "$TMP/without" "$TMP/tree" &&
		expect 0 '^apply-series: 0 patches applied' "$P/scripts/apply-series" "$TMP/tree"
}

# Each patch is told apart: before it is applied the tree does not have it, then it does,
# though some apply on top of themselves.
told_apart() {
	local p bad=0
	cp -r "$PRISTINE" "$TMP/apart"
	for p in "${PATCHES[@]}"; do
		presence "$TMP/apart" "$p"
		[ "$PRESENT" = applies ] || { echo "$p, not applied yet: $PRESENT"; bad=1; }
		try "$TMP/apart" "$p" -F0 || return
		presence "$TMP/apart" "$p"
		[ "$PRESENT" = whole ] || { echo "$p, applied: $PRESENT"; bad=1; }
	done
	return $bad
}

check "the dry run names the patches that the base has, and these only" told
check "without these the end is the same as on a base that has none" same_end
check "of each patch it is told whether the tree has it" told_apart
tap_end
