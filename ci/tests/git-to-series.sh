#!/usr/bin/env bash
# ci/tests/git-to-series.sh - test of scripts/git-to-series: what it writes for
# what was done on the branch. (What it refuses: ci/tests/git-to-series-refused.sh.)
#
# Usage:   ci/tests/git-to-series.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/git-to-series.sh
. "$TOP/ci/tests/lib/git-to-series.sh"

unchanged_branch() {
	branch
	wrote_nothing && same
}

from_nothing() {
	branch
	find "$P/patches" -type f ! -name omitted.csv -delete
	wrote "new $ONE" "new $TWO" "new $THREE" "new $STABLE" && same
}

# A form that git would not write, and other line numbers, are no change.
other_form() {
	branch
	sed -i '/^diff --git/d; s/^@@ -57,7 +57,7 @@.*/@@ -54,7 +54,7 @@/' "$P/$TWO"
	cp "$P/$TWO" "$TMP/was/$TWO"
	wrote_nothing && same || return 1
	to_series --refresh "$TMP/tree" | grep -x "changed $TWO" || return 1
	cp "$P/$TWO" "$TMP/was/$TWO"
	same && grep -q '^@@ -57,7 +57,7 @@' "$P/$TWO"
}

changed() {
	branch
	rebase '1s/pick/edit/'
	sed -i '1i zero' "$TMP/tree/$MMU/mmu.c"
	in_tree git commit -q -a --amend --no-edit && in_tree git rebase --continue || return 1
	wrote "changed $ONE" && same "$ONE" && grep -qx '+zero' "$P/$ONE" && stable
}

retitled() {
	branch
	in_tree git commit -q --amend -m "$(in_tree git log -1 --format=%B | sed '1s/.*/KVM: Other words/')"
	wrote "changed $THREE" "changed upstream-map.csv" && same "$THREE" upstream-map.csv && sed '3s/.*/Subject: KVM: three/' "$P/$THREE" | diff - "$TMP/was/$THREE" && stable
}

new() {
	branch
	rebase '1s/pick/edit/'
	sed -i '1i zero' "$TMP/tree/virt/kvm/kvm_main.c"
	commit "KVM: x86/mmu: Don't count A/D (of \"it\")" $'Why.\n\nSigned-off-by: A <a@example.org>'
	in_tree git rebase --continue || return 1
	local path=patches/iterator/dont-count-ad-of-it.patch
	wrote "new $path" "changed series" "changed $STABLE" "changed upstream-map.csv" && same "$path" series "$STABLE" upstream-map.csv &&
		series_is '# milestone: iterator' $ONE $path $TWO '# milestone: rwlock-rcu' $THREE || return 1
	grep -qx 'From: Somebody <somebody@example.org>' "$P/$path" &&
		[ "$(sed -n '5,/^---$/p' "$P/$path")" = $'Why.\n\nSigned-off-by: A <a@example.org>\n---' ] &&
		grep -q "^$path:5: error: expected 'mainline inclusion'" "$TMP/log" &&
		stable && grep -q Patch-file: <(git -C "$TMP/second" log tdp-mmu~2 -1)
}

new_milestone() {
	branch
	in_tree git rm -q virt/kvm/kvm_main.c
	commit "KVM: Away" "Patch-file: patches/default-on/gone.patch"
	mkdir "$TMP/tree/fs"
	seq 3 >"$TMP/tree/fs/new.c"
	in_tree git add fs/new.c
	commit "fs: Next"
	wrote "new patches/default-on/gone.patch" "new patches/default-on/next.patch" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		series_is '# milestone: iterator' $ONE $TWO '# milestone: rwlock-rcu' $THREE '' \
			'# milestone: default-on' patches/default-on/{gone,next}.patch && stable &&
		grep -q '^deleted file mode' "$P/patches/default-on/gone.patch"
}

removed() {
	branch
	rebase '3d'
	wrote "removed $THREE" "changed series" "changed $STABLE" "changed upstream-map.csv" && [ ! -e "$P/$(dirname $THREE)" ] &&
		series_is '# milestone: iterator' $ONE $TWO &&
		! grep -q three "$P/upstream-map.csv" && stable
}

# reordered, and comments go with their patches
reordered() {
	start
	printf '%s\n' '# head' '' '# milestone: iterator' $ONE '# about two' $TWO '' '# milestone: rwlock-rcu' $THREE '# end' >"$P/series"
	cp "$P/series" "$P/$STABLE"
	to_git "$TMP/tree" >/dev/null 2>&1 && in_tree git switch -q tdp-mmu || return 1
	rm -rf "$TMP/was"
	cp -r "$P" "$TMP/was"
	sed -i 's/^23$/&/' "$TMP/tree/$MMU/mmu.c"
	rebase '1{h;d};2G' || return 1
	wrote "changed series" "changed $STABLE" "changed upstream-map.csv" && same series "$STABLE" upstream-map.csv && stable &&
		series_is '# head' '' '# milestone: iterator' '# about two' $TWO $ONE '' '# milestone: rwlock-rcu' $THREE '# end'
}

squashed() {
	branch
	rebase '2s/pick/squash/' || return 1
	wrote "changed $ONE" "removed $TWO, folded into $ONE" "changed series" "changed $STABLE" "changed upstream-map.csv" && same "$ONE" "$TWO" series "$STABLE" upstream-map.csv &&
		! grep -q Patch-file "$P/$ONE" &&
		! grep -q iterator/two "$P/upstream-map.csv" && stable
}

fixed_up() {
	branch
	rebase '2s/pick/fixup/' || return 1
	wrote "changed $ONE" "removed $TWO" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		diff <(sed '/^---$/q' "$TMP/was/$ONE") <(sed '/^---$/q' "$P/$ONE") && stable
}

renamed() {
	branch
	in_tree git commit -q --amend -m "$(in_tree git log -1 --format=%B | sed 's/three.patch/drei.patch/')"
	wrote "new patches/rwlock-rcu/drei.patch" "removed $THREE" "changed series" "changed $STABLE" "changed upstream-map.csv" &&
		diff "$TMP/was/$THREE" "$P/patches/rwlock-rcu/drei.patch" && stable
}

# Twice, without making the branch anew; and after a rebase onto another base.
goes_on() {
	branch
	sed -i '2i x' "$TMP/tree/Kbuild"
	echo first >"$TMP/tree/Kbuild"
	commit "KVM: More"
	wrote "new patches/rwlock-rcu/more.patch" "changed series" "changed $STABLE" "changed upstream-map.csv" || return 1
	echo second >"$TMP/tree/Kbuild"
	in_tree git commit -q -a --amend --no-edit
	wrote "changed patches/rwlock-rcu/more.patch" && stable || return 1
	in_tree git switch -q -c newer base
	sed -i '1i zero' "$TMP/tree/$MMU/mmu.c"
	commit "Linux 5.10.224"
	in_tree git rebase -q --onto newer tdp-mmu-base tdp-mmu || return 1
	expect 2 'name its base with --base' to_series --base newer~1 --base "$(in_tree git commit-tree -m x HEAD:)" "$TMP/tree" || return 1
	to_series --base newer "$TMP/tree" >"$TMP/changes" && [ ! -s "$TMP/changes" ] || return 1
	to_series --refresh --base newer "$TMP/tree" | diff <(echo "changed $ONE"; echo "changed $TWO") -
}

dry_run() {
	branch
	rebase '3d'
	# Not -q: who is still writing when it ends fails.
	to_series --dry-run "$TMP/tree" | grep -x "removed $THREE" && same && wrote "removed $THREE" "changed series" "changed $STABLE" "changed upstream-map.csv"
}

other_branch() {
	branch
	in_tree git switch -q -c mine
	echo x >"$TMP/tree/Kbuild"
	commit "KVM: Mine"
	wrote_nothing && to_series "$TMP/tree" mine | grep -x 'new patches/rwlock-rcu/mine.patch'
}

check "an unchanged branch changes nothing" unchanged_branch
check "all of it from nothing, to the byte" from_nothing
check "a file of another form stays, --refresh writes it" other_form
check "a changed commit changes its file alone" changed
check "a retitled commit keeps its file" retitled
check "a new commit gets a name, a line, and needs a header" new
check "new commits in a new milestone, a file added, one deleted" new_milestone
check "a removed commit" removed
check "reordered commits take their comments along" reordered
check "squash folds one patch into the other" squashed
check "fixup does so too, and keeps the header" fixed_up
check "another Patch-file line renames" renamed
check "written back twice; a newer base" goes_on
check "--dry-run only says it" dry_run
check "another branch" other_branch
tap_end
