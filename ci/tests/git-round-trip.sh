#!/usr/bin/env bash
# ci/tests/git-round-trip.sh - the whole series as a git branch, and back.
#
# Usage:   ci/tests/git-round-trip.sh
# Inputs:  a copy of the project, and what it touches of the base
# Outputs: TAP on stdout; skipped when there is no base to be had
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/whole-series.sh
. "$TOP/ci/tests/lib/whole-series.sh"

# to_git DIR: the branch, on a new tree DIR; what it says is in $TMP/ids
to_git() {
	cp -r "$PRISTINE" "$1"
	"$P/scripts/series-to-git" "$1" >"$TMP/ids"
}

branch() {
	to_git "$TMP/tree" || return 1
	mv "$TMP/ids" "$TMP/ids.first"
	[ "$(git -C "$TMP/tree" log --reverse --format='%(trailers:key=Patch-file,valueonly,separator=)' tdp-mmu-base..tdp-mmu)" = \
		"$(printf '%s\n' "${PATCHES[@]}")" ]
}

like_quilt() {
	quilted "$TMP/quilt" || return 1
	mkdir "$TMP/content"
	git -C "$TMP/tree" archive tdp-mmu | tar -x -C "$TMP/content"
	diff -r "$TMP/quilt" "$TMP/content"
}

milestones() {
	local m p
	for m in $MILESTONES; do
		p=$(printf '%s\n' "${PATCHES[@]}" | grep "^patches/$m/" | tail -n 1) || continue
		git -C "$TMP/tree" log -1 "tdp-mmu-$m" | grep -q " Patch-file: $p\$" || { echo "$m is not $p"; return 1; }
	done
}

# In place: no byte changes, however a patch was written.
in_place() {
	cp -r "$P" "$TMP/was"
	"$P/scripts/git-to-series" "$TMP/tree" >"$TMP/changes" && [ ! -s "$TMP/changes" ] && diff -r "$TMP/was" "$P"
}

# From nothing: headers and series to the byte, diffs too unless a patch was not
# written the way git writes it; in any case the same commits come of it.
from_nothing() {
	local p other=0
	for p in "${PATCHES[@]}"; do
		rm "$P/$p"
	done
	"$P/scripts/git-to-series" "$TMP/tree" >/dev/null || return 1
	cmp "$TMP/was/series" "$P/series" || return 1
	for p in "${PATCHES[@]}"; do
		! cmp -s "$TMP/was/$p" "$P/$p" || continue
		other=$((other + 1))
		echo "# $p has another form than git's"
		diff <(sed '/^---$/q' "$TMP/was/$p") <(sed '/^---$/q' "$P/$p") || return 1
	done >&3
	[ $other -lt ${#PATCHES[@]} ] || return 1
	to_git "$TMP/second" && diff "$TMP/ids.first" "$TMP/ids"
}

exec 3>&1
check "the branch has each patch as a commit, in order" branch
check "its tree is what quilt makes" like_quilt
check "each milestone has its tag" milestones
check "git-to-series in place changes no byte" in_place
check "git-to-series from nothing: ${#PATCHES[@]} patches" from_nothing
tap_end
