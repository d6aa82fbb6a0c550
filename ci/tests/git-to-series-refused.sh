#!/usr/bin/env bash
# ci/tests/git-to-series-refused.sh - test of scripts/git-to-series: what it
# refuses, and that a killed one is made good by the next.
#
# Usage:   ci/tests/git-to-series-refused.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/git-to-series.sh
. "$TOP/ci/tests/lib/git-to-series.sh"

# refused PATTERN COMMAND...: after COMMAND; nothing changes.
refused() {
	split_code "$1" 1
	branch
	"${@:2}" || return 1
	rm -rf "$TMP/was"
	cp -r "$P" "$TMP/was"
	expect "$CODE" "$PATTERN" to_series "$TMP/tree" && same
}
merged() { in_tree git switch -q -c side base && echo x >"$TMP/tree/Kbuild" && commit side && in_tree git switch -q tdp-mmu && in_tree git merge -q side; }
binary() { printf 'a\0b' >"$TMP/tree/Kbuild"; commit "KVM: Binary"; }
dashes() { echo x >"$TMP/tree/Kbuild"; commit "KVM: Dashes" $'a\n---\nb'; }
long_title() { echo x >"$TMP/tree/Kbuild"; commit $'KVM: Long\ntitle'; }
out_of_order() { rebase '1{h;d};3G'; }
named_twice() { echo x >"$TMP/tree/Kbuild"; commit "KVM: Twice" "Patch-file: $THREE"; }
bad_name() { echo x >"$TMP/tree/Kbuild"; commit "KVM: Bad" "Patch-file: $1"; }
nothing() { in_tree git reset -q --hard base; }
beside_changed() { rebase '3d'; sed -i 's/Count/Say/' "$P/$THREE"; }
beside_added() { local p=patches/rwlock-rcu/four.patch; sed 's/three/four/' "$P/$THREE" >"$P/$p"; echo $p | tee -a "$P/$STABLE" >>"$P/series"; }
both_changed() { rebase '1s/pick/edit/'; echo x >"$TMP/tree/Kbuild"; in_tree git commit -q -a --amend --no-edit; in_tree git rebase --continue; sed -i 's/Count/Say/' "$P/$ONE"; }

forced() {
	branch
	both_changed
	to_series --force "$TMP/tree" | grep -x "changed $ONE" && ! grep -q Say "$P/$ONE"
}

# Killed at the worst moment: one file is there, the series is not. (Killed at any
# time: ci/tests/killed.sh.)
killed() {
	branch
	rebase '1{h;d};2G' >/dev/null || return 1
	in_tree git commit -q --amend -m "KVM: Other" || return 1
	cp -a "$P" "$TMP/whole"
	"$TMP/whole/scripts/git-to-series" "$TMP/tree" >/dev/null 2>&1 || return 1
	in_tree git update-ref refs/tdp-mmu/series tdp-mmu-rwlock-rcu
	mkdir -p "$P/.series.todo/files/patches/rwlock-rcu"
	cp "$TMP/whole/patches/rwlock-rcu/other.patch" "$P/patches/rwlock-rcu"
	cp "$TMP/whole/series" "$P/.series.todo/files"
	cp "$TMP/whole/patches/stable.series" "$P/.series.todo/files/patches"
	echo $THREE >"$P/.series.todo/remove"
	to_series "$TMP/tree" >/dev/null && diff -r "$TMP/whole" "$P"
}

check "a merge" refused '2:is a merge' merged
check "a binary file" refused 'KVM: Binary: no patch can hold it' binary
check "a line of dashes in a message" refused "KVM: Dashes: its message has a line '---'" dashes
check "a title of two lines" refused 'KVM: Long: its title is longer' long_title
check "a patch behind a later milestone" refused "$ONE comes after a patch of rwlock-rcu" out_of_order
check "a patch twice" refused "are both $THREE" named_twice
check "an unknown milestone" refused "patches/no/x.patch' is not patches/MILESTONE" bad_name patches/no/x.patch
check "a path that leaves patches/" refused "is not patches/MILESTONE" bad_name patches/iterator/../../x.patch
check "a branch without a commit" refused '2:no commit of its own' nothing
check "removed here, changed there" refused "2:^$THREE:1: error: changed since the branch was made" beside_changed
check "a patch the branch has never seen" refused '2:four.patch:1: error: the branch was made without it' beside_added
check "changed here and there" refused "2:^$ONE:1: error: changed since the branch was made" both_changed
check "--force takes the branch's word" forced
check "no repository" expect 2 'is not a git repository' to_series "$TMP/before"
check "no branch" expect 2 "no commit 'none'" to_series "$TMP/tree" none
check "unknown option" expect 2 'unknown option' to_series --all "$TMP/tree"
check "killed at the worst moment" killed
tap_end
