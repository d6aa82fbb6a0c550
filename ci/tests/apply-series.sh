#!/bin/bash
# ci/tests/apply-series.sh - test of scripts/apply-series and its dry run.
#
# Usage:   ci/tests/apply-series.sh
# Inputs:  the scripts as they are, a made-up project and a made-up kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 quilt missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages quilt patch patchutils

whole_series() {
	fresh
	expect 0 '3 patches applied' apply "$TMP/tree" &&
		complete &&
		[ -z "$(find "$TMP/tree" -name '*.orig' -o -name '*.rej')" ]
}

plain_quilt() {
	fresh
	(cd "$TMP/tree" && QUILT_PATCHES=$TMP/project QUILT_SERIES=$TMP/project/series \
		quilt push -a --fuzz=0) && complete
}

until_milestone() {
	fresh
	apply --until iterator "$TMP/tree" &&
		applied patches/iterator/one.patch patches/iterator/two.patch
}

until_patch() {
	local name
	for name in one one.patch patches/iterator/one.patch; do
		fresh
		apply --until "$name" "$TMP/tree" && applied patches/iterator/one.patch || return 1
	done
}

until_unknown() {
	fresh
	expect 2 "no milestone and no patch 'itertor'" apply --until itertor "$TMP/tree" &&
		expect 2 "no patch of the milestone 'default-on'" apply --until default-on "$TMP/tree" &&
		expect 2 "unknown option" apply --utnil iterator "$TMP/tree" && unchanged
}

partly_applied() {
	fresh
	apply --until one "$TMP/tree" && expect 0 '2 patches applied, 1 were there' apply "$TMP/tree" &&
		complete &&
		expect 0 '0 patches applied, 3 were there' apply "$TMP/tree" &&
		expect 2 'more than asked for' apply --until iterator "$TMP/tree"
}

fuzz_refused() {
	fresh
	sed -i 's/^153$/changed/' "$TMP/tree/$MMU/tdp_mmu.c"
	sed -i 's/^153$/changed/' "$TMP/before/$MMU/tdp_mmu.c"
	expect 1 '^patches/iterator/two.patch:[0-9]+: error: hunk #2 of arch/x86/kvm/mmu/tdp_mmu.c does not apply at line 147 \(only with fuzz 1, which is refused\)$' \
		apply "$TMP/tree" && unchanged
}

# Nobody's own settings may let fuzz in.
own_settings() {
	fresh
	sed -i 's/^153$/changed/' "$TMP/tree/$MMU/tdp_mmu.c" "$TMP/before/$MMU/tdp_mmu.c"
	mkdir -p "$TMP/home"
	echo 'QUILT_PATCH_OPTS="-F3"; QUILT_PUSH_ARGS="-f"' >"$TMP/home/.quiltrc"
	expect 1 'hunk #2 of' env HOME="$TMP/home" QUILT_PATCH_OPTS=-F3 QUILT_PC=.other \
		"$TMP/project/scripts/apply-series" "$TMP/tree" && unchanged
}

failing_hunk() {
	local at
	fresh
	sed -i 's/^149$/other/; s/^151$/other/' "$TMP/tree/$MMU/tdp_mmu.c" "$TMP/before/$MMU/tdp_mmu.c"
	at=$(grep -n '^@@ -147' "$TMP/project/patches/iterator/two.patch" | cut -d: -f1)
	expect 1 "^patches/iterator/two.patch:$at: error: hunk #2 of arch/x86/kvm/mmu/tdp_mmu.c does not apply at line 147\$" \
		apply "$TMP/tree" && unchanged
}

# What was on the stack before the command stays.
failing_partly() {
	fresh
	apply --until one "$TMP/tree"
	rm "$TMP/tree/virt/kvm/kvm_main.c"
	expect 1 '^patches/rwlock-rcu/three.patch:[0-9]+: error: hunk #1 of virt/kvm/kvm_main.c does not apply: no such file' \
		apply "$TMP/tree" && applied patches/iterator/one.patch &&
		grep -qx twenty "$TMP/tree/$MMU/mmu.c" && ! grep -qx sixty "$TMP/tree/$MMU/mmu.c" &&
		[ -f "$TMP/tree/Documentation/new/deep/file.rst" ]
}

wrong_version() {
	fresh
	sed -i 's/^PATCHLEVEL = 10/PATCHLEVEL = 15/' "$TMP/tree/Makefile" "$TMP/before/Makefile"
	expect 2 "Makefile:2: error: this is Linux 5.15, the series is for 5.10" apply "$TMP/tree" &&
		unchanged && expect 0 'warning: this is Linux 5.15' apply --force "$TMP/tree"
}

no_kernel() {
	mkdir -p "$TMP/empty"
	expect 2 'not a kernel tree' apply "$TMP/empty" && expect 2 'not a directory' apply "$TMP/none"
}

feature_present() {
	fresh
	echo 'typedef u64 __rcu *tdp_ptep_t;' >"$TMP/tree/$MMU/tdp_iter.h"
	cp "$TMP/tree/$MMU/tdp_iter.h" "$TMP/before/$MMU/"
	expect 2 "$MMU/tdp_iter.h:1: error: .*feature already, 'tdp_ptep_t'" apply "$TMP/tree" &&
		expect 2 "BACKPORT-NOTES.md has a section on openEuler's own backport" apply "$TMP/tree" &&
		expect 2 "feature already" apply --force --dry-run "$TMP/tree" && unchanged
}

foreign_stack() {
	fresh
	mkdir -p "$TMP/other"
	(cd "$TMP/edit" && cp -r b c && echo x >>c/Kbuild && diff -urN b c >"$TMP/other/x.patch") || true
	echo x.patch >"$TMP/other/series"
	(cd "$TMP/tree" && QUILT_PATCHES=$TMP/other quilt --quiltrc - push)
	rm -rf "$TMP/before"
	cp -a "$TMP/tree" "$TMP/before"
	expect 2 'belongs to another quilt stack' apply "$TMP/tree" && unchanged || return 1
	# the same place, other patches
	echo "$TMP/project" >"$TMP/tree/.pc/.quilt_patches"
	echo "$TMP/project/series" >"$TMP/tree/.pc/.quilt_series"
	expect 2 "applied-patches:1: error: 'x.patch' is not patch 1" apply "$TMP/tree"
}

missing_patch() {
	fresh
	: >"$TMP/project/patches/rwlock-rcu/three.patch"
	expect 2 '^patches/stable.series:5: error: .*three.patch is missing or empty' apply "$TMP/tree" && unchanged
}

dry_run() {
	fresh
	expect 0 '^patches/iterator/two.patch: applies$' apply --dry-run "$TMP/tree" &&
		expect 0 '^3 patches: 0 applied, 3 apply, 0 ' apply --dry-run "$TMP/tree" &&
		expect 0 '^2 patches: ' apply --dry-run --until iterator "$TMP/tree" && unchanged
}

dry_run_states() {
	fresh
	apply --until one "$TMP/tree"
	sed -i '1i new\nnew' "$TMP/tree/$MMU/tdp_mmu.c"
	sed -i 's/^25$/twenty-five/' "$TMP/tree/virt/kvm/kvm_main.c"
	rm -rf "$TMP/before"
	cp -a "$TMP/tree" "$TMP/before"
	expect 1 '^patches/iterator/one.patch: applied$' apply --dry-run "$TMP/tree" &&
		grep -q '^patches/iterator/two.patch: applies with offset 2$' "$TMP/.out" &&
		grep -q '^patches/rwlock-rcu/three.patch: already applied$' "$TMP/.out" && unchanged || return 1
	fresh
	sed -i 's/^28$/other/; s/^147$/other/' "$TMP/tree/$MMU/tdp_mmu.c"
	sed -i 's/^25$/other/' "$TMP/tree/virt/kvm/kvm_main.c"
	rm -rf "$TMP/before"
	cp -a "$TMP/tree" "$TMP/before"
	expect 1 '^patches/iterator/two.patch: fuzz 2$' apply --dry-run "$TMP/tree" &&
		grep -q '^patches/rwlock-rcu/three.patch: fails: hunk #1 of virt/kvm/kvm_main.c does not apply at line 22$' "$TMP/.out" &&
		grep -q '1 apply, 0 apply with offset, 0 already applied, 0 there in part, 1 need fuzz, 1 fail$' "$TMP/.out" && unchanged
}

way_on() {
	fresh
	sed -i 's/^25$/other/' "$TMP/tree/virt/kvm/kvm_main.c" "$TMP/before/virt/kvm/kvm_main.c"
	expect 1 "three.patch does not apply; .*'Another 5.10 tree' in README.md .*git-to-series --base\$" apply "$TMP/tree" &&
		unchanged && expect 1 "'Another 5.10 tree' in README.md" apply --dry-run "$TMP/tree"
}

check "the whole series applies" whole_series
check "plain quilt push -a gives the same tree" plain_quilt
check "--until a milestone" until_milestone
check "--until a patch, by path, file name and name" until_patch
check "unknown milestone, patch and option are refused" until_unknown
check "a partly applied series is continued" partly_applied
check "fuzz is refused and the tree put back" fuzz_refused
check "quilt settings of the user change nothing" own_settings
check "a failing hunk is named and the tree put back" failing_hunk
check "a failure puts back only what this run applied" failing_partly
check "another kernel version needs --force" wrong_version
check "what is no kernel tree is refused" no_kernel
check "a tree that has the feature is refused" feature_present
check "a foreign quilt stack is refused" foreign_stack
check "a missing or empty patch is refused" missing_patch
check "--dry-run reports every patch and changes nothing" dry_run
check "--dry-run tells offset, fuzz, failure, already applied" dry_run_states
check "a patch that does not apply: the way on" way_on
tap_end
