#!/bin/bash
# ci/tests/skip-patches.sh - test of scripts/apply-series on a base that has patches of
# the series already, and on one whose files are not what quilt left.
#
# Usage:   ci/tests/skip-patches.sh
# Inputs:  the scripts as they are, a made-up project and a made-up kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 quilt missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages quilt patch patchutils git

TWO=patches/iterator/two.patch
THREE=patches/rwlock-rcu/three.patch

# has PATCH...: fresh, and the base has these patches; $TMP/before too.
has() {
	local p
	fresh
	for p; do
		patch -s -d "$TMP/tree" -p1 -F0 -i "$TMP/project/$p" || return
	done
	again
}

# again: $TMP/before is what the tree is now.
again() {
	rm -rf "$TMP/before"
	cp -a "$TMP/tree" "$TMP/before"
}

# The dry run names them, and its command, as it stands, gives the series' end.
command_of_dry_run() {
	local command
	has $TWO $THREE || return
	expect 1 "^$TWO: already applied\$" apply --dry-run "$TMP/tree" &&
		grep -qx "patches/iterator/one.patch: applies" "$TMP/.out" &&
		grep -qx "$THREE: already applied" "$TMP/.out" && unchanged &&
		! grep -q "Another 5.10 tree" "$TMP/.out" || return
	command=$(sed -n 's/^dry-run-series: the tree has 2 .*: \(scripts\/apply-series --skip .*\)/\1/p' "$TMP/.out")
	expect 1 "two.patch does not apply, since the tree has it; .*--skip" apply "$TMP/tree" && unchanged &&
		expect 0 '1 patches applied, 2 skipped' bash -c "cd $TMP/project && $command" &&
		complete && applied patches/iterator/one.patch
}

# The list in a file, by hand with comments or as the dry run gives it; by quilt too.
list_in_file() {
	has $TWO || return
	apply --dry-run "$TMP/tree" | sed -n 's/: already applied$//p' >"$TMP/list"
	printf '# ours\n\n%s  # since 5.10.9\n' two >"$TMP/by-hand"
	grep -qx $TWO "$TMP/list" || return
	expect 0 '^3 patches: 0 applied, 2 apply, .* 0 fail, 1 skipped$' apply --dry-run --skip "$TMP/list" "$TMP/tree" &&
		grep -qx "$TWO: skipped" "$TMP/.out" && unchanged &&
		apply --skip "$TMP/by-hand" "$TMP/tree" && complete &&
		applied patches/iterator/one.patch $THREE || return
	rm -rf "$TMP/tree"
	cp -a "$TMP/before" "$TMP/tree"
	grep -vxFf "$TMP/list" "$TMP/project/series" >"$TMP/mine"
	(cd "$TMP/tree" && QUILT_PATCHES=$TMP/project QUILT_SERIES=$TMP/mine quilt --quiltrc - push -a --fuzz=0) && complete
}

# What is left out stays so: for the command again, for plain quilt, up to the pop.
kept() {
	has $TWO || return
	expect 0 '1 patches applied, 1 skipped' apply --until two --skip two "$TMP/tree" &&
		applied patches/iterator/one.patch &&
		expect 0 '^patches/iterator/two.patch: skipped$' apply --dry-run "$TMP/tree" &&
		expect 0 '1 patches applied, 1 were there, 1 skipped' apply "$TMP/tree" && complete &&
		expect 0 '0 patches applied, 2 were there, 1 skipped' apply "$TMP/tree" &&
		expect 2 'more than asked for' apply --until iterator "$TMP/tree" &&
		expect 2 "three.patch' is to be skipped, but was applied here: quilt pop" apply --skip three "$TMP/tree" || return
	(cd "$TMP/tree" && env -u QUILT_PATCHES -u QUILT_SERIES quilt --quiltrc - pop -a &&
		env -u QUILT_PATCHES -u QUILT_SERIES quilt --quiltrc - push -a --fuzz=0) && complete &&
		expect 0 '0 patches applied, 2 were there, 1 skipped' apply "$TMP/tree" || return
	(cd "$TMP/tree" && quilt --quiltrc - pop -a) && patch -s -R -d "$TMP/tree" -p1 -i "$TMP/project/$TWO" &&
		expect 0 '3 patches applied$' apply "$TMP/tree" && complete
}

# A list that is wrong: nothing is left out unseen, and nothing stays.
wrong_list() {
	has $THREE || return
	expect 1 'two.patch is to be skipped, but is not there; ' apply --skip two,three "$TMP/tree" && unchanged &&
		expect 1 "^$TWO: fails: is to be skipped, and the tree does not" apply --dry-run --skip two,three "$TMP/tree" &&
		expect 2 "no patch 'twoo' in patches/stable.series, and no file" apply --skip three,twoo "$TMP/tree" &&
		expect 2 '--skip needs patches' apply --skip '' "$TMP/tree" && unchanged || return
	# a failure later puts back what was noted, and keeps what was there before
	apply --until one "$TMP/tree" && again &&
		expect 1 'three.patch does not apply, since the tree has it' apply "$TMP/tree" &&
		diff -r -x .pc "$TMP/before" "$TMP/tree" && applied patches/iterator/one.patch &&
		expect 1 'two.patch is to be skipped' apply --skip two "$TMP/tree" &&
		diff "$TMP/before/.pc/.quilt_series" "$TMP/tree/.pc/.quilt_series" && [ ! -e "$TMP/tree/.pc/series" ] &&
		expect 0 '1 patches applied, 1 were there, 1 skipped' apply --skip three "$TMP/tree" && complete
}

# Some hunks of a patch: said, and neither skipped nor applied.
in_part() {
	fresh
	sed -i 's/^150$/hundred and fifty/' "$TMP/tree/$MMU/tdp_mmu.c"
	again
	expect 1 "^$TWO: there in part: the tree has hunk #2 of $MMU/tdp_mmu.c, and not the rest$" apply --dry-run "$TMP/tree" &&
		grep -q ', 1 there in part, 0 need fuzz, 0 fail$' "$TMP/.out" &&
		grep -q "'Another 5.10 tree' in README.md" "$TMP/.out" && ! grep -q -- --skip "$TMP/.out" && unchanged &&
		expect 1 "two.patch does not apply, and the tree has it in part: hunk #2 of $MMU/tdp_mmu.c; .*'Another 5.10 tree'" apply "$TMP/tree" && unchanged &&
		expect 1 "is to be skipped, but is there in part only: hunk #2 .*'Another 5.10 tree'" apply --skip two "$TMP/tree" && unchanged &&
		expect 1 "^$TWO: there in part" apply --dry-run --skip two "$TMP/tree"
}

# The files back to what they were, quilt's notes not: all, some of them, one.
reverted() {
	fresh
	(cd "$TMP/tree" && echo '.*' >.gitignore && git init -q . && git add -A -f . &&
		git -c user.name=x -c user.email=x@example.org commit -qm base)
	apply "$TMP/tree" && (cd "$TMP/tree" && git checkout -q . && git clean -qfd) || return
	again
	expect 2 'says that 3 patches are applied, but not in .* and [0-9] other files: put back .*, or revert all .* and remove .pc$' apply "$TMP/tree" &&
		expect 2 'says that 3 patches' apply --dry-run "$TMP/tree" && unchanged &&
		rm -r "$TMP/tree/.pc" && expect 0 '3 patches applied' apply "$TMP/tree" || return
	(cd "$TMP/tree" && git checkout -q virt)
	expect 2 'applied, but not in virt/kvm/kvm_main.c: put back' apply "$TMP/tree" || return
	patch -s -d "$TMP/tree" -p1 -i "$TMP/project/$THREE"
	# what somebody wrote elsewhere in such a file is his
	sed -i '1i mine' "$TMP/tree/$MMU/mmu.c"
	expect 0 '0 patches applied, 3 were there' apply "$TMP/tree"
	rm "$TMP/tree/Documentation/new/deep/file.rst"
	expect 2 'applied, but not in Documentation/new/deep/file.rst: put back' apply "$TMP/tree"
}

check "the dry run names what is there, and its command gives the same end" command_of_dry_run
check "the list in a file, and the same by quilt" list_in_file
check "what is left out stays left out, for quilt too, until the stack is popped" kept
check "a patch that is to be skipped and is not there" wrong_list
check "a patch that is there in part" in_part
check "files that were reverted below quilt's notes" reverted
tap_end
