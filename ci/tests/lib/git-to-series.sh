# shellcheck shell=bash
# ci/tests/lib/git-to-series.sh - what the tests of scripts/git-to-series share.
#
# Usage:   . ci/tests/lib/git-to-series.sh     after tap.sh
# Outputs: all of ci/tests/lib/made-up-git.sh; $P, the made-up project; $STABLE, its
#          series for stable; the functions below.
# Exit codes: none of its own

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
# shellcheck disable=SC2034 # for those who source this
P=$TMP/project STABLE=patches/stable.series

# same [PATH...]: the project is as it was, but for these paths.
same() {
	local exclude=() p
	for p; do
		exclude+=(-x "$(basename "$p")")
	done
	diff -r "${exclude[@]}" "$TMP/was" "$P"
}

# wrote LINE...: git-to-series says just these changes.
wrote() {
	to_series "$TMP/tree" >"$TMP/changes" 2>"$TMP/log" || { cat "$TMP/log"; return 1; }
	printf '%s\n' "$@" | diff - "$TMP/changes"
}

# stable: what was written makes the branch's trees again, and again nothing else.
stable() {
	rm -rf "$TMP/second"
	cp -r "$TMP/before" "$TMP/second"
	to_git "$TMP/second" >/dev/null 2>&1 || return 1
	diff <(in_tree git log --format='%T %s %an %ad' tdp-mmu) <(git -C "$TMP/second" log --format='%T %s %an %ad' tdp-mmu) &&
		wrote_nothing
}
wrote_nothing() { to_series "$TMP/tree" >"$TMP/changes" 2>/dev/null && [ ! -s "$TMP/changes" ]; }

# series_is LINE...
series_is() {
	printf '%s\n' "$@" | diff - "$P/series"
}

# commit TITLE [TEXT]: all that was changed in the tree, as a new commit
commit() {
	in_tree git commit -q -a -m "$1" ${2:+-m "$2"}
}
