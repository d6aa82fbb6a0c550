#!/bin/bash
# ci/tests/prepare-tree.sh - test of scripts/prepare-tree and ci/base-matrix.
#
# Usage:   ci/tests/prepare-tree.sh
# Inputs:  the scripts as they are, a made-up project, tarballs of made-up kernels
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages xz-utils quilt patch patchutils curl ca-certificates

export TDP_BUILD=$TMP/build TDP_KERNEL_ORG=file://$TMP/nowhere
CACHE=$TMP/build/cache/tarballs
BASE=$TMP/build/base/$BASE_VERSION

# tarball VERSION: the made-up tree becomes that version, known and cached.
tarball() {
	local file=$CACHE/linux_$1.orig.tar.xz
	mkdir -p "$CACHE"
	rm -rf "$TMP/linux-$1"
	cp -r "$TMP/tree" "$TMP/linux-$1"
	find "$TMP/linux-$1" -exec touch -d 2024-01-01 {} +
	tar -cJf "$file" -C "$TMP" "linux-$1"
	echo "version $1 - $(sha256sum <"$file" | cut -d' ' -f1) -" \
		>>"$TMP/project/scripts/lib/base-checksums"
}

project() {
	rm -rf "$TMP/build"
	fresh
	: >"$TMP/project/scripts/lib/base-checksums"
	tarball "$BASE_VERSION"
}

prepare() {
	"$TMP/project/scripts/prepare-tree" "$@"
}

base() {
	project
	expect 0 "^$TMP/build/tree/base\$" prepare base &&
		diff -r -x .key -x .made "$TMP/before" "$TMP/build/tree/base"
}

milestones() {
	local t=$TMP/build/tree
	project
	expect 0 "^$t/iterator\$" prepare iterator && prepare rwlock-rcu &&
		diff -r -x .pc -x .key -x .made "$TMP/edit/b" "$t/rwlock-rcu" &&
		! cmp -s "$t/iterator/virt/kvm/kvm_main.c" "$t/rwlock-rcu/virt/kvm/kvm_main.c" &&
		cmp "$t/iterator/$MMU/mmu.c" "$t/rwlock-rcu/$MMU/mmu.c" &&
		! cmp -s "$t/iterator/.key" "$t/rwlock-rcu/.key"
}

# Made again when a patch of the prefix changes, and only then.
again() {
	local t=$TMP/build/tree/iterator key
	project
	prepare iterator && key=$(cat "$t/.key") && touch "$t/mark" && prepare iterator &&
		[ -e "$t/mark" ] && echo >>"$TMP/project/patches/rwlock-rcu/three.patch" &&
		prepare iterator && [ -e "$t/mark" ] || return 1
	sed -i '1i A word of explanation' "$TMP/project/patches/iterator/two.patch"
	prepare iterator && [ ! -e "$t/mark" ] && [ "$key" != "$(cat "$t/.key")" ] || return 1
	# the order counts too
	key=$(cat "$t/.key")
	sed -i '/one.patch/d; 1a patches/iterator/zero.patch' "$TMP/project/series"
	cp "$TMP/project/patches/iterator/one.patch" "$TMP/project/patches/iterator/zero.patch"
	"$TMP/project/scripts/derive-series" 2>/dev/null
	prepare iterator && [ "$key" != "$(cat "$t/.key")" ]
}

# What is done in the tree must not reach the base.
base_is_safe() {
	local t=$TMP/build/tree/iterator
	project
	prepare iterator && (cd "$t" && quilt --quiltrc - pop -a && quilt --quiltrc - push &&
		echo more >>"$MMU/mmu.c" && echo more >>virt/kvm/kvm_main.c) || return 1
	[ -z "$(find "$BASE" -type f -newer "$BASE/.base")" ] &&
		diff -r -x .base "$TMP/before" "$BASE"
}

# A patch that fails: the old tree stays, nothing half-done beside it.
failing() {
	local t=$TMP/build/tree
	project
	prepare iterator && sed -i 's/^-60$/-61/' "$TMP/project/patches/iterator/two.patch" || return 1
	expect 1 '^patches/iterator/two.patch:[0-9]+: error: hunk #1 of' prepare iterator &&
		[ -f "$t/iterator/.key" ] || return 1
	expect 1 'two.patch does not apply' prepare rwlock-rcu &&
		[ "$(ls -A "$t")" = iterator ]
}

killed() {
	local i pid
	for i in 10 25 40 60 80; do
		project
		setsid "$TMP/project/scripts/prepare-tree" rwlock-rcu >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -9 -- -$pid || true
		wait $pid || true
		prepare rwlock-rcu && [ "$(ls -A "$TMP/build/tree")" = rwlock-rcu ] &&
			diff -r -x .pc -x .key -x .made "$TMP/edit/b" "$TMP/build/tree/rwlock-rcu" || return 1
	done
}

refused() {
	project
	expect 2 "unknown milestone 'itertor'" prepare itertor &&
		expect 2 "no patch of the milestone 'default-on'" prepare default-on &&
		expect 2 'which milestone' prepare
}

no_base() {
	project
	rm -rf "$TMP/build"
	expect 5 'cannot get linux' prepare iterator && [ ! -e "$TMP/build/tree/iterator" ]
}

matrix() {
	project
	sed -i '1i moved' "$TMP/tree/virt/kvm/kvm_main.c"
	tarball 5.10.900
	echo "version 5.10.901 - 00 -" >>"$TMP/project/scripts/lib/base-checksums"
	expect 0 "^ok 1 - $BASE_VERSION: 3 patches, zero fuzz, 0 with an offset" \
		"$TMP/project/ci/base-matrix" "$BASE_VERSION" 5.10.900 5.10.901 &&
		grep -q '^ok 2 - 5.10.900: 3 patches, zero fuzz, 1 with an offset$' "$TMP/.out" &&
		grep -q '^ok 3 - 5.10.901 # SKIP .*cannot get linux 5.10.901' "$TMP/.out" &&
		expect 4 'SKIP' "$TMP/project/ci/base-matrix" 5.10.901 &&
		expect 2 'unknown base' "$TMP/project/ci/base-matrix" 5.10.902
}

matrix_fails() {
	project
	sed -i 's/^153$/changed/' "$TMP/tree/$MMU/tdp_mmu.c"
	tarball 5.10.900
	expect 1 '^not ok 2 - 5.10.900: patches/iterator/two.patch:[0-9]*: error: hunk #2 .* fuzz 1' \
		"$TMP/project/ci/base-matrix" "$BASE_VERSION" 5.10.900 &&
		grep -q '^ok 1 ' "$TMP/.out" && [ ! -e "$TMP/build/base-matrix" ]
}

# A tree by its path, which has a patch already.
matrix_tree() {
	project
	patch -s -d "$TMP/tree" -p1 -i "$TMP/project/patches/rwlock-rcu/three.patch"
	rm -rf "$TMP/before"
	cp -a "$TMP/tree" "$TMP/before"
	expect 0 "^ok 1 - $TMP/tree/: 2 patches, zero fuzz, 0 with an offset, 1 it has already$" \
		"$TMP/project/ci/base-matrix" "$TMP/tree/" &&
		grep -qx '#   patches/rwlock-rcu/three.patch' "$TMP/.out" && diff -r "$TMP/before" "$TMP/tree" &&
		expect 2 'tree/virt is not a kernel tree' "$TMP/project/ci/base-matrix" "$TMP/tree/virt"
}

check "the base's tree" base
check "trees of two milestones" milestones
check "made again when a patch changes, and only then" again
check "work in the tree does not reach the base" base_is_safe
check "a failing patch leaves the old tree" failing
check "kill -9 leaves nothing that the next run minds" killed
check "unknown and empty milestones are refused" refused
check "no base to be had" no_base
check "the matrix counts patches and offsets, skips what cannot be had" matrix
check "the matrix fails on fuzz" matrix_fails
check "the matrix takes a tree, and tells what it has already" matrix_tree
tap_end
