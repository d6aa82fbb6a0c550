#!/bin/bash
# ci/tests/apply-series.sh - test of scripts/apply-series and its dry run.
#
# Usage:   ci/tests/apply-series.sh
# Inputs:  the scripts as they are, a made-up project and a made-up kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 quilt missing

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$(readlink -f "$0")")/tap.sh"
need_packages quilt patch patchutils

MMU=arch/x86/kvm/mmu

# fresh: a project with three patches of two milestones, and a tree they fit.
# one adds a file in a new directory, two changes two files, three sits elsewhere.
fresh() {
	local d p=$TMP/project t=$TMP/tree
	rm -rf "$p" "$t" "$TMP/work" "$TMP/before"
	mkdir -p "$p/patches/iterator" "$p/patches/rwlock-rcu" "$TMP/work"
	cp -r "$TOP/scripts" "$p/scripts"
	mkdir -p "$t/$MMU" "$t/arch/x86/include/asm" "$t/include/linux" "$t/virt/kvm"
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n' >"$t/Makefile"
	touch "$t/Kbuild" "$t/arch/x86/kvm/Makefile"
	touch "$t/arch/x86/include/asm/kvm_host.h" "$t/include/linux/kvm_host.h"
	seq 100 >"$t/$MMU/mmu.c"
	seq 200 >"$t/$MMU/tdp_mmu.c"
	seq 50 >"$t/virt/kvm/kvm_main.c"
	cp -r "$t" "$TMP/work/a"
	cp -r "$t" "$TMP/work/b"
	d=$TMP/work/b
	mkdir -p "$d/Documentation/new/deep"
	echo text >"$d/Documentation/new/deep/file.rst"
	sed -i 's/^20$/twenty/' "$d/$MMU/mmu.c"
	next_patch patches/iterator/one.patch
	sed -i 's/^60$/sixty/' "$d/$MMU/mmu.c"
	sed -i 's/^30$/thirty/; s/^150$/hundred and fifty/' "$d/$MMU/tdp_mmu.c"
	next_patch patches/iterator/two.patch
	sed -i 's/^25$/twenty-five/' "$d/virt/kvm/kvm_main.c"
	next_patch patches/rwlock-rcu/three.patch
	{
		echo '# milestone: iterator'
		echo patches/iterator/one.patch
		echo patches/iterator/two.patch
		echo '# milestone: rwlock-rcu'
		echo patches/rwlock-rcu/three.patch
	} >"$p/series"
	cp -a "$t" "$TMP/before"
}

# next_patch PATH: the difference since the last patch.
next_patch() {
	(cd "$TMP/work" && diff -urN a b) >"$TMP/project/$1" || true
	rm -rf "$TMP/work/a"
	cp -r "$TMP/work/b" "$TMP/work/a"
}

apply() {
	"$TMP/project/scripts/apply-series" "$@"
}

# unchanged: the tree is what it was before, to the last file and directory.
unchanged() {
	diff -r "$TMP/before" "$TMP/tree"
}

# applied NAME...: exactly these patches are on the tree's stack.
applied() {
	diff <(printf '%s\n' "$@") "$TMP/tree/.pc/applied-patches"
}

whole_series() {
	fresh
	expect 0 '3 patches applied' apply "$TMP/tree" &&
		diff -r -x .pc "$TMP/work/b" "$TMP/tree" &&
		[ -z "$(find "$TMP/tree" -name '*.orig' -o -name '*.rej')" ]
}

plain_quilt() {
	fresh
	(cd "$TMP/tree" && QUILT_PATCHES=$TMP/project QUILT_SERIES=$TMP/project/series \
		quilt push -a --fuzz=0) && diff -r -x .pc "$TMP/work/b" "$TMP/tree"
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
		diff -r -x .pc "$TMP/work/b" "$TMP/tree" &&
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
		expect 2 "feature already" apply --force --dry-run "$TMP/tree" && unchanged
}

foreign_stack() {
	fresh
	mkdir -p "$TMP/other"
	(cd "$TMP/work" && cp -r b c && echo x >>c/Kbuild && diff -urN b c >"$TMP/other/x.patch") || true
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
	expect 2 '^series:5: error: .*three.patch is missing or empty' apply "$TMP/tree" && unchanged
}

# SIGTERM or SIGINT while patches are applied: a series long enough to hit.
interrupted() {
	local i pid rc=0
	fresh
	for i in $(seq 40); do
		sed -i "$((i * 4))s/.*/line $i/" "$TMP/work/b/$MMU/tdp_mmu.c"
		next_patch "patches/rwlock-rcu/many$i.patch"
		echo "patches/rwlock-rcu/many$i.patch" >>"$TMP/project/series"
	done
	env --default-signal="$1" "$TMP/project/scripts/apply-series" "$TMP/tree" >"$TMP/log" 2>&1 &
	pid=$!
	until [ "$(wc -l <"$TMP/tree/.pc/applied-patches")" -ge 3 ]; do
		kill -0 $pid || return 1
		sleep 0.02
	done 2>/dev/null
	kill -s "$1" $pid
	wait $pid || rc=$?
	cat "$TMP/log"
	[ $rc -eq 1 ] && grep -q 'interrupted' "$TMP/log" && unchanged
}

# kill -9, of quilt and patch too, at any time: the next run puts it right.
killed() {
	local i pid n
	for i in 1 2 3 4 5 6; do
		fresh
		setsid "$TMP/project/scripts/apply-series" "$TMP/tree" >/dev/null 2>&1 &
		pid=$!
		sleep "0.$((i * 8 + 10))"
		kill -9 -- -$pid
		wait $pid || true
		apply "$TMP/tree" || return 1
		diff -r -x .pc "$TMP/work/b" "$TMP/tree" || return 1
	done 2>/dev/null
	# and quilt killed while it made its notes
	for n in .version .quilt_patches .quilt_series; do
		fresh
		apply --until base "$TMP/tree"
		mkdir "$TMP/tree/.pc"
		for i in .version .quilt_patches .quilt_series; do
			[ "$i" != "$n" ] || break
			echo 2 >"$TMP/tree/.pc/$i"
			[ "$i" != .quilt_patches ] || echo "$TMP/project" >"$TMP/tree/.pc/$i"
		done
		touch "$TMP/tree/.pc/$n"
		expect 0 '3 patches applied' apply "$TMP/tree" || return 1
	done
	# the worst moment, on purpose: patch done, quilt's books not
	fresh
	apply --until one "$TMP/tree"
	n=$TMP/tree/.pc/patches/iterator/two.patch
	(cd "$TMP/tree" && patch -s -p1 --backup --prefix="$n/" <"$TMP/project/patches/iterator/two.patch")
	cp "$n/$MMU/mmu.c" "$TMP/tree/$MMU/mmu.c"
	expect 0 'which an earlier run left half applied' apply "$TMP/tree" &&
		diff -r -x .pc "$TMP/work/b" "$TMP/tree"
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
		grep -q '1 apply, 0 apply with offset, 0 already applied, 1 need fuzz, 1 fail$' "$TMP/.out" && unchanged
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
check "SIGTERM puts the tree back" interrupted TERM
check "SIGINT puts the tree back" interrupted INT
check "after kill -9 the next run completes the series" killed
check "--dry-run reports every patch and changes nothing" dry_run
check "--dry-run tells offset, fuzz, failure, already applied" dry_run_states
tap_end
