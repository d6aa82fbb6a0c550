#!/usr/bin/env bash
# ci/tests/import-base.sh - test of scripts/lib/import-base, and of scripts/fetch-base and
# scripts/fingerprint for openEuler's kernels.
#
# Usage:   ci/tests/import-base.sh
# Inputs:  the scripts as they are, a made-up project, kernel tree and clone
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
export TDP_BASES=$TMP/bases
NAME=openeuler-22.03-lts-sp2 DIR=$TMP/bases/openeuler-22.03-lts-sp2

fetch() { "$TMP/project/scripts/fetch-base" $NAME "$@"; }

# euler: the made-up tree is openEuler's, was tested, and is in the clone $TMP/clone.
euler() {
	rm -rf "$TDP_BASES"
	copy_of euler make_euler
	rm -rf "$TMP/clone"
	cp -r "$TMP/made-clone" "$TMP/clone"
}
make_euler() {
	start
	printf '%s = %s\n' VERSION 5 PATCHLEVEL 10 SUBLEVEL 0 OPENEULER_MAJOR 2203 OPENEULER_MINOR 2 >"$TMP/tree/Makefile"
	mkdir "$TMP/tree/drivers"
	echo 'a big header' >"$TMP/tree/drivers/big header.h"
	ln -s big "$TMP/tree/drivers/link"
	"$TMP/project/scripts/fingerprint" --write $NAME "$TMP/tree"
	clone
	mv "$TMP/clone" "$TMP/made-clone"
}
# right: the tree that was imported
right() {
	diff -r --no-dereference -x .base -x .git "$TMP/tree" "$DIR" && [ -z "$(find "$DIR" -type f -perm /222 ! -name .base)" ] &&
		[ "$(find "$TDP_BASES" -mindepth 1 -maxdepth 1 ! -name '.*.lock')" = "$DIR" ]
}

nobody() {
	euler
	expect 4 "^fetch-base: error: $NAME is not imported: .*--git CLONE \(of https://gitee.com/openeuler/kernel.git, at openEuler-22.03-LTS-SP2\)" fetch &&
		[ "$(wc -l <"$TMP/.out")" -eq 1 ] && [ ! -e "$TDP_BASES" ]
}

from_git() {
	local was
	euler
	was=$(git -C "$TMP/clone" rev-parse HEAD)
	expect 0 "^$DIR\$" fetch --git "$TMP/clone" && grep -q 'the tree .* that was tested' "$TMP/.out" && right &&
		grep -qx "from commit $was" "$DIR/.base" && grep -qx 'verdict tested' "$DIR/.base" &&
		expect 0 "^$DIR\$" fetch && rm -rf "$DIR" && expect 4 'is not imported' fetch
}

# A repository without the content of a file: one that does not matter, one that does.
without_blobs() {
	local blob
	euler
	blob=$(git -C "$TMP/clone" rev-parse 'HEAD:drivers/big header.h')
	git -C "$TMP/clone" unpack-objects -q <"$(find "$TMP/clone/.git/objects/pack" -name '*.pack' -exec mv {} "$TMP/pack" \; -exec echo "$TMP/pack" \;)"
	rm -f "$TMP/clone/.git/objects/pack"/* "$TMP/clone/.git/objects/${blob:0:2}/${blob:2}"
	expect 0 'without 1 files' fetch --git "$TMP/clone" && grep -qx 'missing drivers/big header.h' "$DIR/.base" &&
		grep -q 'the same as the tested tree' "$TMP/.out" && rm "$TMP/tree/drivers/big header.h" && right || return 1
	echo 'left-out drivers/big header.h' >>"$TMP/project/scripts/lib/bases/$NAME"
	blob=$(git -C "$TMP/clone" rev-parse HEAD:virt/kvm/kvm_main.c)
	rm -f "$TMP/clone/.git/objects/${blob:0:2}/${blob:2}"
	expect 2 'that matters differs.*: virt/kvm/kvm_main.c' fetch --git "$TMP/clone" && right
}

another() {
	euler
	echo more >>"$TMP/clone/virt/kvm/kvm_main.c"
	git -C "$TMP/clone" commit -qam more
	expect 2 'is another kernel than .*--rev' fetch --git "$TMP/clone" && [ ! -e "$DIR" ] &&
		expect 0 "^$DIR\$" fetch --git "$TMP/clone" --rev HEAD^ && right &&
		expect 0 "^$DIR\$" fetch --git "$TMP/clone" --force && grep -qx 'verdict differs' "$DIR/.base" &&
		expect 2 "no commit 'v9'" fetch --git "$TMP/clone" --rev v9 && [ -d "$DIR" ]
}

from_tree() {
	euler
	expect 0 "^$DIR\$" fetch --tree "$TMP/tree" && right && touch "$TMP/tree/.config" &&
		expect 2 'has been built, or patched' fetch --tree "$TMP/tree" || return 1
	expect 2 'is no kernel of openEuler' fetch --tree "$TMP/before" && expect 2 'one of --git' "$TMP/project/scripts/lib/import-base" $NAME &&
		expect 2 'is for openEuler' "$TMP/project/scripts/fetch-base" 5.10.223 --tree "$TMP/tree" &&
		expect 2 "unknown base 'openeuler-22'" "$TMP/project/scripts/fetch-base" openeuler-22
}

cloned() {
	euler
	git -C "$TMP/clone" branch -q openEuler-22.03-LTS-SP2
	sed -i "s#^url .*#url file://$TMP/clone#" "$TMP/project/scripts/lib/bases/$NAME"
	expect 0 "^$DIR\$" fetch --clone && right || return 1
	sed -i "s#^url .*#url file://$TMP/none#" "$TMP/project/scripts/lib/bases/$NAME"
	expect 5 'cannot be cloned' fetch --clone && right
}

changed() {
	euler
	fetch --tree "$TMP/tree" || return 1
	sleep 0.1
	chmod u+w "$DIR/Kbuild"
	echo x >"$DIR/Kbuild"
	expect 5 'was changed since it was imported \(Kbuild\): remove it and import it again' fetch &&
		expect 0 "^$DIR\$" fetch --tree "$TMP/tree" && right && expect 0 "^$DIR\$" fetch
}

copied() {
	euler
	fetch --tree "$TMP/tree" && expect 0 "^$TMP/mine\$" fetch "$TMP/mine" && diff -r --no-dereference -x .base "$TMP/tree" "$TMP/mine" &&
		[ -w "$TMP/mine/Kbuild" ] && grep -qx "version $NAME" "$TMP/mine/.base"
}

# Killed in the midst, and between the two renames.
killed() {
	local i pid
	euler
	for i in 1 3 5 8; do
		setsid "$TMP/project/scripts/fetch-base" $NAME --tree "$TMP/tree" >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -9 -- -$pid 2>/dev/null || true
		wait $pid || true
		[ ! -e "$DIR" ] || diff -r --no-dereference -x .base "$TMP/tree" "$DIR" || return 1
	done
	fetch --tree "$TMP/tree" && right || return 1
	mv "$DIR" "$TDP_BASES/.$NAME.part.old"
	expect 2 'not a directory' fetch --tree "$TMP/none" && right
}

compared() {
	euler
	local tool=$TMP/project/scripts/fingerprint
	expect 0 'this is the tree of openEuler 22.03-LTS-SP2 that was tested' "$tool" "$TMP/tree" && "$tool" --check || return 1
	echo x >"$TMP/tree/drivers/link.c"
	expect 0 'the same as the tested tree' "$tool" "$TMP/tree" || return 1
	rm "$TMP/tree/$MMU/mmu.c"
	expect 1 '^arch/x86/kvm/mmu/mmu.c$' "$tool" "$TMP/tree" && expect 2 'names no release' "$tool" "$TMP/before" &&
		expect 4 'nobody has tested openEuler 22.03-LTS:' "$tool" --base openeuler-22.03-lts "$TMP/tree" || return 1
	sed -i '/kvm_main.c$/d' "$TMP/project/scripts/lib/bases/$NAME.files"
	expect 1 "$NAME.files:1: error: it has no virt/kvm/kvm_main.c, which the series touches" "$tool" --check
}

check "nobody has imported it: one line, and exit 4" nobody
check "imported from a clone; removed" from_git
check "a clone without the content of some files" without_blobs
check "another kernel of the same name is refused" another
check "imported from a tree; what is refused" from_tree
check "cloned" cloned
check "a changed one is noticed, and replaced" changed
check "a copy of one's own" copied
check "kill -9 leaves nothing that the next run minds" killed
check "fingerprint: tested, the same, files that differ, a list that is too short" compared
check "the project's own lists have all that the series touches" "$TOP/scripts/fingerprint" --check
tap_end
