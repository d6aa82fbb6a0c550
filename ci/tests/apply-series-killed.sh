#!/bin/bash
# ci/tests/apply-series-killed.sh - test of scripts/apply-series when it is
# interrupted, or killed.
#
# Usage:   ci/tests/apply-series-killed.sh
# Inputs:  the scripts as they are, a made-up project and a made-up kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 quilt missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages quilt patch patchutils

# interrupted SIGNAL CODE: while patches are applied: a series long enough to hit.
interrupted() {
	local i pid rc=0
	fresh
	for i in $(seq 40); do
		sed -i "$((i * 4))s/.*/line $i/" "$TMP/edit/b/$MMU/tdp_mmu.c"
		next_patch "patches/rwlock-rcu/many$i.patch"
		echo "patches/rwlock-rcu/many$i.patch" >>"$TMP/project/patches/stable.series"
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
	[ $rc -eq "$2" ] && grep -q 'interrupted' "$TMP/log" && unchanged
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
		complete || return 1
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
		complete
}

check "SIGTERM puts the tree back" interrupted TERM 143
check "SIGINT puts the tree back" interrupted INT 130
check "after kill -9 the next run completes the series" killed
tap_end
