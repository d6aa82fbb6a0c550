#!/usr/bin/env bash
# ci/tests/git-to-series-kinds.sh - test of scripts/series-to-git and git-to-series with
# patches for one kind of base only; and of what holds still: dates, context.
#
# Usage:   ci/tests/git-to-series-kinds.sh
# Inputs:  the scripts as they are, a made-up project, a tree of stable and one of
#          openEuler
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/git-to-series.sh
. "$TOP/ci/tests/lib/git-to-series.sh"
OE=patches/iterator/oe.patch ST=patches/rwlock-rcu/st.patch
minute=5

# only KIND PATH: a patch for that kind, which adds a file.
only() {
	{
		header "$2" | sed "s/^Tested:/Base: $1\n&/"
		printf ' %s\n' "virt/kvm/$1.c | 1 +" '1 file changed, 1 insertion(+)'
		printf '%s\n' '' "diff --git a/virt/kvm/$1.c b/virt/kvm/$1.c" 'new file mode 100644' \
			--- "+++ b/virt/kvm/$1.c" '@@ -0,0 +1 @@' "+int $1;" | sed 's,^---$,--- /dev/null,'
	} >"$P/$2"
}

# both: series: one, oe, two; st, three. The tree is stable's, or with an argument
# openEuler's; its branch is checked out.
both() { copy_of "both$*" make_both "$@"; cp -a "$P" "$TMP/was"; }
make_both() {
	start
	only openeuler $OE
	only stable $ST
	sed -i "s@^$ONE@&\n$OE@; s@^$THREE@#stable: $ST\n&@" "$P/series"
	"$P/scripts/derive-series"
	[ $# -eq 0 ] || euler "$TMP/tree/Makefile" "$TMP/before/Makefile"
	to_git "$TMP/tree"
	in_tree git switch -q tdp-mmu
}
euler() { printf '%s = %s\n' VERSION 5 PATCHLEVEL 10 SUBLEVEL 0 OPENEULER_MAJOR 2203 OPENEULER_MINOR 2 | tee "$@" >/dev/null; }
commits_are() { in_tree git log --reverse --format=%s tdp-mmu-base..tdp-mmu | sed 's/^KVM: //' | paste -sd' ' | grep -x "$*"; }
R='# milestone: rwlock-rcu' I='# milestone: iterator'

sound() {
	both && "$P/scripts/check-series" --no-checkpatch && commits_are one two st three && wrote_nothing && same || return 1
	both euler && commits_are one oe two three && wrote_nothing && same
}

others_stay() {
	both && rebase '1{h;d};2G' && wrote "changed series" "changed $STABLE" "changed upstream-map.csv" && same series "$STABLE" upstream-map.csv &&
		series_is "$I" $TWO $ONE $OE "$R" "#stable: $ST" $THREE && stable || return 1
	both && rebase '1d' && wrote "removed $ONE" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		series_is "$I" $OE $TWO "$R" "#stable: $ST" $THREE || return 1
	both euler && rebase '4d' && wrote "removed $THREE" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		series_is "$I" $ONE $OE $TWO "$R" "#stable: $ST" && printf '%s\n' "$I" $ONE $TWO "$R" $ST | diff - "$P/$STABLE"
}

new_ones() {
	both euler && echo x >"$TMP/tree/Kbuild" && commit "KVM: More" "Base: openeuler" &&
		wrote "new patches/rwlock-rcu/more.patch" "changed series" "changed upstream-map.csv" &&
		series_is "$I" $ONE $OE $TWO "$R" "#stable: $ST" $THREE patches/rwlock-rcu/more.patch && same more.patch series upstream-map.csv || return 1
	both && echo x >"$TMP/tree/Kbuild" && commit "KVM: More" "Base: stable" &&
		wrote "new patches/rwlock-rcu/more.patch" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		series_is "$I" $ONE $OE $TWO "$R" "#stable: $ST" $THREE "#stable: patches/rwlock-rcu/more.patch"
}

wrong_branch() {
	both && echo x >"$TMP/tree/Kbuild" && commit "KVM: More" "Base: openeuler" || return 1
	expect 1 "KVM: More: its 'Base: openeuler' does not belong on a branch for stable: drop the commit" to_series "$TMP/tree" && same
}

# The branch on another kernel of its kind, and of none.
another_kernel() {
	both euler
	in_tree git switch -q -c newer base
	sed -i '1i zero' "$TMP/tree/$MMU/mmu.c"
	commit "openEuler 22.03-LTS-SP2, later"
	in_tree git rebase -q --onto newer tdp-mmu-base tdp-mmu || return 1
	to_series --base newer "$TMP/tree" >"$TMP/changes" && [ ! -s "$TMP/changes" ] && same || return 1
	in_tree git switch -q newer
	sed -i '/^OPEN/d' "$TMP/tree/Makefile"
	commit "Linux 5.10"
	in_tree git rebase -q --onto newer newer~1 tdp-mmu || return 1
	expect 2 'neither openEuler.s kernel nor stable 5.10.y: .*--base-kind' to_series --base newer "$TMP/tree" &&
		expect 0 'for openeuler: series' to_series --base-kind openeuler --base newer "$TMP/tree" && same
}

# One changes a line of two's context, every commit a new date: two keeps its own.
dates() {
	branch
	in_tree git rebase -q -f --reset-author-date tdp-mmu-base && [ "$(in_tree git log -1 --format=%aD)" != "$(sed -n '2s/^Date: //p' "$P/$THREE")" ] &&
		wrote_nothing && same || return 1
	branch
	rebase '1s/pick/edit/'
	sed -i 's/^57$/fifty-seven/' "$TMP/tree/$MMU/mmu.c"
	in_tree git commit -q -a --amend --no-edit --date='Sun, 29 Nov 2026 10:00:00 +0000' && in_tree git rebase --continue &&
		in_tree git rebase -q -f --reset-author-date tdp-mmu~2 && wrote "changed $ONE" "changed $TWO" &&
		same "$ONE" "$TWO" && [ "$(sed -n 2p "$P/$TWO")" = "$(sed -n 2p "$TMP/was/$TWO")" ] &&
		grep -qx ' fifty-seven' "$P/$TWO" && grep -qx 'Date: Sun, 29 Nov 2026 10:00:00 +0000' "$P/$ONE"
}

# A change of a comment in an early patch is a change of that file only.
one_file() {
	branch
	rebase '1s/pick/edit/'
	sed -i 's/^text$/other text/' "$TMP/tree/Documentation/new/deep/file.rst"
	in_tree git commit -q -a --amend --no-edit && in_tree git rebase --continue &&
		wrote "changed $ONE" && same "$ONE" && sed -n 2p "$P/$ONE" | diff - <(sed -n 2p "$TMP/was/$ONE")
}

# Shortened context stays short in a patch that is written for another hunk's sake.
context() {
	branch
	sed -i '/^ 5[78]$/d; /^ 6[23]$/d; s/^@@ -57,7 +57,7 @@/@@ -59,3 +59,3 @@/' "$P/$TWO"
	cp "$P/$TWO" "$TMP/was/$TWO"
	wrote_nothing && same || return 1
	rebase '2s/pick/edit/'
	sed -i 's/^thirty$/30 in words/' "$TMP/tree/$MMU/tdp_mmu.c"
	in_tree git commit -q -a --amend --no-edit && in_tree git rebase --continue && wrote "changed $TWO" &&
		diff "$TMP/was/$TWO" "$P/$TWO" >"$TMP/diff"
	printf '%s\n' '< +thirty' --- '> +30 in words' | diff - <(sed 1d "$TMP/diff")
}

check "each kind of tree gets its series, and back" sound
check "patches for the other kind stay where they are" others_stay
check "new commits for one kind" new_ones
check "a commit for the other kind is refused" wrong_branch
check "another kernel of openEuler; a kernel of neither kind" another_kernel
check "dates stay while the changes do" dates
check "a change in an early patch changes its file only" one_file
check "shortened context stays" context
tap_end
