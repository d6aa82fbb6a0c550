#!/bin/bash
# ci/tests/fetch-base.sh - test of scripts/fetch-base: the tree that it makes, of a
# tarball that is there; what it refuses, leaves alone, and survives.
#
# Usage:   ci/tests/fetch-base.sh
# Inputs:  the scripts as they are, and made-up-tarballs.sh
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-tarballs.sh
. "$TOP/ci/tests/lib/made-up-tarballs.sh"

given() {
	fresh
	mkdir "$TMP/out"
	expect 0 "^$TMP/out/tree\$" fetch --tarball "$DEBIANS" "$TMP/out/tree" && right "$TMP/out/tree" &&
		grep -qx 'version 5.10.1' "$TMP/out/tree/.base" && [ -f "$DEBIANS" ]
}

normal_place() {
	fresh
	expect 0 "^$TMP/build/base/5.10.1\$" fetch --tarball "$DEBIANS" &&
		right "$TMP/build/base/5.10.1" &&
		[ -z "$(find "$TMP/build/base/5.10.1" -type f -perm /222 ! -name .base)" ]
}

given_wrong() {
	fresh
	head -c 3000 /dev/urandom >"$TMP/wrong.tar.xz"
	expect 2 'wrong.tar.xz: wrong checksum' fetch --tarball "$TMP/wrong.tar.xz" "$TMP/out" &&
		[ -f "$TMP/wrong.tar.xz" ] && [ ! -e "$TMP/out" ] && [ -z "$(find "$TMP" -name '*.part')" ]
}

given_empty() {
	fresh
	: >"$TMP/empty.tar.xz"
	expect 2 'empty.tar.xz: empty file' fetch --tarball "$TMP/empty.tar.xz" "$TMP/out" &&
		[ -f "$TMP/empty.tar.xz" ] && [ ! -e "$TMP/out" ] || return 1
	tar -cJf "$TMP/hollow.tar.xz" -T /dev/null
	expect 2 'hollow.tar.xz: wrong checksum' fetch --tarball "$TMP/hollow.tar.xz" "$TMP/out" &&
		expect 2 'none.tar.xz: no such file' fetch --tarball "$TMP/none.tar.xz" "$TMP/out" &&
		[ ! -e "$TMP/out" ]
}

in_use() {
	fresh
	mkdir "$TMP/out"
	echo mine >"$TMP/out/file"
	expect 2 'is in use and was not made by fetch-base' fetch --tarball "$DEBIANS" "$TMP/out" &&
		[ "$(cat "$TMP/out/file")" = mine ]
}

# A changed tree: the project's own is made again, another is left alone.
changed() {
	local base=$TMP/build/base/5.10.1
	fresh
	mkdir "$TMP/out"
	fetch --tarball "$DEBIANS" && fetch --tarball "$DEBIANS" "$TMP/out/tree" || return 1
	sleep 0.1 # file times go by the ticks of the kernel: the next one at least
	chmod u+w "$base/Makefile"
	echo more >>"$base/Makefile"
	echo more >>"$TMP/out/tree/Makefile"
	expect 0 'was changed since it was unpacked \(Makefile\): making it again' \
		fetch --tarball "$DEBIANS" && right "$base" || return 1
	rm -f "$base/arch/some.c"
	expect 0 '\(number of files\): making it again' fetch --tarball "$DEBIANS" && right "$base" &&
		expect 0 "^$base\$" fetch && ! grep -q unpacking "$TMP/.out" || return 1
	expect 2 'choose another directory' fetch --tarball "$DEBIANS" "$TMP/out/tree" &&
		tail -n 1 "$TMP/out/tree/Makefile" | grep -qx more
}

# kill -9 at any time: never a wrong tree or file, and the next run gets through.
killed() {
	local i pid
	for i in 05 12 20 28 36 44 52 60 75; do
		fresh
		cp "$UPSTREAMS" "$TMP/mirror/"
		setsid "$FETCH" --version 5.10.1 >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -9 -- -$pid || true
		wait $pid || true
		[ ! -e "$TMP/build/base/5.10.1" ] || right "$TMP/build/base/5.10.1" || return 1
		fetch && right "$TMP/build/base/5.10.1" && [ -z "$(find "$CACHE" -name '*.part' -o -name '*.check')" ] || return 1
	done
	# the remains of a run killed while it unpacked
	fresh
	mkdir -p "$TMP/build/base/.5.10.1.part/arch"
	touch "$TMP/build/base/.5.10.1.part/arch/some.c"
	fetch --tarball "$DEBIANS" && right "$TMP/build/base/5.10.1"
}

at_once() {
	local pid
	fresh
	fetch --tarball "$DEBIANS" &
	pid=$!
	fetch --tarball "$DEBIANS" && wait $pid && right "$TMP/build/base/5.10.1"
}

usage_errors() {
	fresh
	expect 2 "unknown base '5.10.9': use one of .*5.10.1 5.10.2" "$FETCH" --version 5.10.9 "$TMP/out" &&
		expect 2 "unknown option '--verison'" "$FETCH" --verison 5.10.1 &&
		expect 2 'needs a value' "$FETCH" --tarball && expect 0 '^fetch-base - ' "$FETCH" -h
}

check "a tarball given" given
check "the normal place, read-only" normal_place
check "a wrong tarball given is refused, not removed" given_wrong
check "an empty tarball given is refused" given_empty
check "a directory in use is refused" in_use
check "a changed tree is noticed" changed
check "kill -9 leaves nothing that the next run minds" killed
check "two runs at once" at_once
check "usage errors" usage_errors
tap_end
