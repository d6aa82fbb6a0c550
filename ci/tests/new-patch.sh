#!/usr/bin/env bash
# ci/tests/new-patch.sh - test of scripts/new-patch.
#
# Usage:   ci/tests/new-patch.sh
# Inputs:  the scripts as they are, a made-up project, a made-up clone of Linux
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
P=$TMP/project
ID=0123456789abcdef0123456789abcdef01234567
FOLDED=ffffffffffffffffffffffffffffffffffffffff
LEFT_OUT=eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee

new() {
	"$P/scripts/new-patch" "$@"
}

# marked: check-series finds something in the project, and each finding is on a
# line that bears the mark.
marked() {
	local file line rest n=0
	"$P/scripts/check-series" --no-checkpatch >"$TMP/findings" || true
	while IFS=: read -r file line rest; do
		[[ $file != check-series ]] || continue
		n=$((n + 1))
		sed -n "${line}p" "$P/$file" | grep -q FILL-IN || { echo "$file:$line:$rest"; return 1; }
	done <"$TMP/findings"
	[ $n -gt 0 ]
}

# filled: with the marks replaced there is nothing left to find but the diff.
filled() {
	local path=$1
	sed -i 's/^category: FILL-IN/category: bugfix/; s/mainline-FILL-IN/mainline-v5.13-rc2/; s/FILL-IN/Words/' "$P/$path"
	"$P/scripts/derive-series"
	! "$P/scripts/check-series" --no-checkpatch >"$TMP/findings" || return 1
	diff <(grep -v "^$path:[0-9]*: error: no 'diff --git' line" "$TMP/findings") - <<<"check-series: 4 patches, 1 findings"
}

upstream() {
	local path=patches/rwlock-rcu/walk-the-list-once.patch
	branch
	expect 0 "^$path\$" new --title 'KVM: x86/mmu: Walk "the" list, once' $ID || return 1
	[ "$(tail -n 1 "$P/series")" = $path ] &&
		[ "$(tail -n 1 "$P/upstream-map.csv")" = "$ID,adapted,rwlock-rcu/walk-the-list-once,,,FILL-IN,\"KVM: x86/mmu: Walk \"\"the\"\" list, once\",,FILL-IN: how 5.10 differs here" ] &&
		grep -qx "commit $ID" "$P/$path" && marked && filled $path
}

all_known() {
	branch
	new --title "KVM: Known" --author "A Person" --version v5.13-rc1 --slug as-told --milestone iterator $ID || return 1
	local path=patches/iterator/as-told.patch
	[ "$(sed -n '3,5p' "$P/series" | paste -sd' ')" = "$TWO $path # milestone: rwlock-rcu" ] &&
		[ "$(sed -n 4p "$P/upstream-map.csv")" = "$ID,adapted,iterator/as-told,,v5.13-rc1,A Person,KVM: Known,,FILL-IN: how 5.10 differs here" ] &&
		marked && filled $path
}

own() {
	branch
	new --local --title "KVM: selftests: Our own" --milestone parallel-faults || return 1
	local path=patches/parallel-faults/selftests-our-own.patch
	grep -qx '# milestone: parallel-faults' "$P/series" && marked && filled $path
}

# one_kind: patches for one kind of base, in the series of that kind only.
one_kind() {
	branch
	new --local --title "KVM: Theirs" --base-kind openeuler --milestone iterator &&
		new --local --title "KVM: For both" --milestone iterator &&
		new --local --title "KVM: Stables" --base-kind stable --milestone iterator || return 1
	[ "$(sed -n '4,6p' "$P/series" | paste -sd' ')" = "patches/iterator/theirs.patch patches/iterator/for-both.patch #stable: patches/iterator/stables.patch" ] &&
		[ "$(sed -n '4,5p' "$P/patches/stable.series" | paste -sd' ')" = "patches/iterator/for-both.patch patches/iterator/stables.patch" ] &&
		"$P/scripts/derive-series" --check && grep -qx 'Base: openeuler' "$P/patches/iterator/theirs.patch" && marked || return 1
	echo >>"$P/series"
	expect 1 "patches/stable.series:1: error: not what 'series' and the headers give" "$P/scripts/derive-series" --check &&
		"$P/scripts/derive-series" && "$P/scripts/derive-series" --check
}

# The way that -h tells: as a commit, amended, and back.
through_git() {
	branch
	local path t
	path=$(new --local --title "KVM: More") || return 1
	in_tree git switch -q base
	in_tree git branch -q -D tdp-mmu
	in_tree git tag -d tdp-mmu-{iterator,rwlock-rcu} >/dev/null
	to_git "$TMP/tree" && in_tree git switch -q tdp-mmu || return 1
	echo x >"$TMP/tree/Kbuild"
	t=$(in_tree git log -1 --format=%B | sed 's/^category: FILL-IN/category: bugfix/; s/FILL-IN/Words/')
	in_tree git commit -q -a --amend -m "$t"
	to_series "$TMP/tree" | diff - <(printf 'changed %s\n' "$path" upstream-map.csv) && grep -qx '+x' "$P/$path" || return 1
	"$P/scripts/check-series" --no-checkpatch
}

from_clone() {
	branch
	local id
	git init -q "$TMP/linux"
	git -C "$TMP/linux" commit -q --allow-empty -m "KVM: x86: From the clone" --author "C Person <c@example.org>"
	id=$(git -C "$TMP/linux" rev-parse HEAD)
	git -C "$TMP/linux" tag -a -m tag v5.12.3
	git -C "$TMP/linux" commit -q --allow-empty -m next
	git -C "$TMP/linux" tag -a -m tag v5.13-rc4
	new --git "$TMP/linux" "${id:0:10}" || return 1
	[ "$(tail -n 1 "$P/upstream-map.csv")" = "$id,adapted,rwlock-rcu/from-the-clone,,v5.13-rc4,C Person,KVM: x86: From the clone,,FILL-IN: how 5.10 differs here" ] &&
		marked && expect 2 'no commit 1234 in' new --git "$TMP/linux" 1234
}

# refused PATTERN ARGUMENT...: nothing changes
refused() {
	branch
	sed -i "s/^openEuler inclusion/mainline inclusion\nfrom mainline-v5.12\ncommit $ID/; s/^Adaptation: .*/&\nUpstream-author: A Person\nFolds: ($FOLDED)/" "$P/$ONE"
	echo "$LEFT_OUT,v5.12,A Person,mm: No,not needed" >>"$P/patches/omitted.csv"
	rm -rf "$TMP/was"
	cp -a "$P" "$TMP/was"
	expect 2 "$@" && diff -r "$TMP/was" "$P"
}

killed() {
	branch
	cp -a "$P" "$TMP/whole"
	"$TMP/whole/scripts/new-patch" --local --title "KVM: More" >/dev/null || return 1
	mkdir -p "$P/.series.todo/files/patches/rwlock-rcu"
	: >"$P/.series.todo/remove"
	cp "$TMP/whole/patches/rwlock-rcu/more.patch" "$P/patches/rwlock-rcu"
	cp "$TMP/whole"/{series,upstream-map.csv} "$P/.series.todo/files"
	cp "$TMP/whole/patches/stable.series" "$P/.series.todo/files/patches"
	expect 2 'more.patch:1: error: is there already' new --local --title "KVM: More" && diff -r "$TMP/whole" "$P"
}

check "an upstream commit of which only the title is known" upstream
check "an upstream commit of which all is known, in an earlier milestone" all_known
check "a patch of our own, in a new milestone" own
check "patches for one kind of base; the series is derived" one_kind
check "a kind of base that is none" refused "'mine' is neither openeuler nor stable" new --local --title x --base-kind mine
check "the skeleton as a commit, amended, and back" through_git
check "title, author and version from a clone" from_clone
check "a commit that is there" refused "^$ONE:7: error: $ID is this patch already" new --title x $ID
check "a commit that is folded into another" refused "^$ONE:[0-9]*: error: $FOLDED is folded into this patch already" new --title x $FOLDED
check "a commit that is left out" refused "^patches/omitted.csv:2: error: $LEFT_OUT is left out" new --title x $LEFT_OUT
check "a short id" refused "'0123456789ab' is not a full id" new --title x ${ID:0:12}
check "no title" refused 'which title' new ${ID/0/9}
check "a title with [PATCH]" refused 'without \[PATCH\]' new --title "[PATCH] x" ${ID/0/9}
check "a version that is none" refused "'5.13' is not vX.Y" new --title x --version 5.13 ${ID/0/9}
check "an unknown milestone" refused "unknown milestone 'later'" new --title x --milestone later ${ID/0/9}
check "a file that is there" refused "^$THREE:1: error: is there already" new --title "KVM: Three" ${ID/0/9}
check "a file name that is none" refused "is not a file name" new --title "KVM: x86: ???" ${ID/0/9}
check "neither commit nor --local" refused 'which upstream commit' new --title x
check "both" refused 'has no upstream commit' new --local --title x ${ID/0/9}
check "unknown option" refused "unknown option '--fast'" new --fast
check "what a killed run began is completed" killed
tap_end
