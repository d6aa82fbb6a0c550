#!/usr/bin/env bash
# ci/tests/tree-lock.sh - test of the lock of a kernel tree: who waits for it, and when
# it is free.
#
# Usage:   ci/tests/tree-lock.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
need_packages quilt patch util-linux

# The tree's lock: its holder is waited for, however long, and that is said.
locked() {
	local holder pid i rc=0
	start
	(flock 9; exec sleep 300) 9<"$TMP/tree" &
	holder=$!
	while flock -n "$TMP/tree" true; do
		sleep 0.1
	done
	"$TMP/project/scripts/series-to-git" "$TMP/tree" >"$TMP/log" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q "waiting for another run that is at work in $TMP/tree" "$TMP/log" || break
		sleep 0.1
	done
	[ ! -e "$TMP/tree/.git" ] && kill -0 $pid || rc=1
	kill $holder
	wait $pid || rc=1
	cat "$TMP/log"
	return $rc
}

# kill -9 of the script alone, while git takes in the tree: the lock goes with it.
killed_at_work() {
	local pid i real
	start
	real=$(command -v git)
	mkdir -p "$TMP/slow"
	printf '%s\n' '#!/bin/bash' "[[ \" \$* \" != *' add '* ]] || { touch '$TMP/slow/began'; exec sleep 100; }" \
		"exec $real \"\$@\"" >"$TMP/slow/git"
	chmod +x "$TMP/slow/git"
	PATH=$TMP/slow:$PATH "$TMP/project/scripts/series-to-git" "$TMP/tree" >/dev/null 2>&1 &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		[ ! -e "$TMP/slow/began" ] || break
		sleep 0.1
	done
	! flock -n "$TMP/tree" true || { echo "it has no lock"; return 1; }
	kill -9 $pid
	wait $pid || true
	flock -w 5 "$TMP/tree" true && to_git "$TMP/tree"
}

check "another run is waited for" locked
check "the lock of a killed run is free" killed_at_work
tap_end
