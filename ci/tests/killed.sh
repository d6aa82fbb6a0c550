#!/usr/bin/env bash
# ci/tests/killed.sh - each tool that writes something, killed at any time:
# what it writes is there, whole, or not at all, and the next run gets through.
#
# Usage:   ci/tests/killed.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
need_packages bzip2 tar diffstat
P=$TMP/project OUT=$TMP/out
mkdir "$TMP/tmp"

# A tool is a command, behind $RUN, and what is there before it and after it.
RUN='command'
with_series_to_git() { start; }
series_to_git() { "$RUN" "$P/scripts/series-to-git" "$TMP/tree"; }
left_by_series_to_git() {
	[ ! -e "$TMP/tree/.git" ] || git --git-dir="$TMP/tree/.git" for-each-ref
}

with_git_to_series() {
	branch
	rebase '1{h;d};2G' >/dev/null
	in_tree git commit -q --amend -m "KVM: Other"
}
git_to_series() { "$RUN" "$P/scripts/git-to-series" "$TMP/tree"; }
left_by_git_to_series() { (cd "$P" && cat series && ls patches/* && cat patches/*/*); }

with_new_patch() { start; }
# its date is that of the run
new_patch() { "$RUN" "$P/scripts/new-patch" --local --title "KVM: More"; }
left_by_new_patch() {
	(cd "$P" && cat series upstream-map.csv && ls patches/* && cat patches/*/* | sed '/^Date: /d')
}

with_export_mbox() {
	start
	for m in "$P"/patches/*/; do echo "What it brings." >"$m/COVER"; done
	rm -rf "$OUT"
	"$P/scripts/export-mbox" --milestone iterator "$OUT" 2>/dev/null
}
export_mbox() { "$RUN" "$P/scripts/export-mbox" "$OUT"; }
left_by_export_mbox() { (cd "$OUT" && ls && cat ./*); }

with_export_openeuler() {
	start
	rm -rf "$OUT"
	"$P/scripts/export-openeuler" --until iterator "$OUT" 2>/dev/null
}
export_openeuler() { "$RUN" "$P/scripts/export-openeuler" "$OUT"; }
left_by_export_openeuler() { (cd "$OUT" && ls && cat ./*); }

# rest: what no run leaves behind.
rest() {
	find "$TMP" -maxdepth 3 \( -name '.git.series-to-git' -o -name '*tdp-part*' -o -name '.series.*' \) \
		-not -path "$TMP/made-*" -not -path "$TMP/was/*" | grep . && return 1
	return 0
}

# killed SIGNAL TOOL: at six points of its time; KILL for all of its processes,
# TERM for the script alone.
killed() {
	local signal=$1 tool=$2 i pid t0 ms to rc
	"with_$tool"
	"left_by_$tool" >"$TMP/before-it"
	t0=$(date +%s%N)
	"$tool" >/dev/null 2>&1 || return 1
	ms=$((($(date +%s%N) - t0) / 1000000))
	"left_by_$tool" >"$TMP/after-it"
	! cmp -s "$TMP/before-it" "$TMP/after-it" || { echo "it does nothing"; return 1; }
	for i in 1 2 3 4 5 6; do
		"with_$tool"
		set -m
		RUN=exec TMPDIR=$TMP/tmp "$tool" >/dev/null 2>&1 &
		pid=$! to=$!
		set +m
		[ "$signal" = TERM ] || to=-$pid
		sleep "$(printf '%d.%03d' $((ms * i / 7000)) $((ms * i / 7 % 1000)))"
		kill "-$signal" -- "$to" || true
		rc=0
		wait $pid || rc=$?
		flock -w 20 "$TMP/build/lock" true # children that are still at work
		"left_by_$tool" >"$TMP/it"
		echo "$i: exit $rc"
		# a repository appears by one rename, whatever the signal
		if [ "$signal" = TERM ] || [ "$tool" = series_to_git ]; then
			cmp -s "$TMP/it" "$TMP/before-it" || cmp -s "$TMP/it" "$TMP/after-it" || { echo "half-written"; return 1; }
		fi
		[ "$signal" != TERM ] || rest || return 1
		"$tool" >"$TMP/again" 2>&1 || grep -q 'is there already' "$TMP/again" || { cat "$TMP/again"; return 1; }
		"left_by_$tool" | cmp - "$TMP/after-it" || return 1
		rest || return 1
	done
}

for tool in series_to_git git_to_series new_patch export_mbox export_openeuler; do
	check "${tool//_/-}, SIGTERM" killed TERM $tool
	check "${tool//_/-}, SIGKILL" killed KILL $tool
done
tap_end
