#!/bin/bash
# ci/tests/fetch-base.sh - test of scripts/fetch-base and scripts/fetch-tarball.
#
# Usage:   ci/tests/fetch-base.sh
# Inputs:  the scripts as they are, with small made-up tarballs, a checksum list
#          that names them, and a folder in the place of kernel.org
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$(readlink -f "$0")")/tap.sh"
need_packages xz-utils curl ca-certificates

export TDP_BUILD=$TMP/build TDP_KERNEL_ORG=file://$TMP/mirror
FETCH=$TMP/project/scripts/fetch-base
CACHE=$TMP/build/cache/tarballs
DEBIANS=$TMP/linux_5.10.1.orig.tar.xz
UPSTREAMS=$TMP/linux-5.10.1.tar.xz

# once: two tarballs of a made-up 5.10.1: as Debian packs it, with less in it,
# and as kernel.org does. Their checksums go into the list of a project's copy.
once() {
	local content
	mkdir -p "$TMP/project" "$TMP/mirror" "$TMP/linux-5.10.1/arch" "$TMP/linux-5.10.1/firm/ware"
	cp -r "$TOP/scripts" "$TMP/project/scripts"
	printf 'VERSION = 5\nPATCHLEVEL = 10\n' >"$TMP/linux-5.10.1/Makefile"
	seq 20000 >"$TMP/linux-5.10.1/arch/some.c"
	ln -s arch/some.c "$TMP/linux-5.10.1/link"
	echo blob >"$TMP/linux-5.10.1/firm/ware/blob"
	touch -d 2024-01-01 "$TMP/linux-5.10.1/arch/some.c" "$TMP/linux-5.10.1/Makefile" \
		"$TMP/linux-5.10.1/firm/ware/blob"
	tar -cJf "$UPSTREAMS" -C "$TMP" linux-5.10.1
	rm -r "$TMP/linux-5.10.1/firm"
	tar -cJf "$DEBIANS" -C "$TMP" linux-5.10.1
	content=$(cd "$TMP/linux-5.10.1" && { sha256sum ./Makefile ./arch/some.c
		echo './link -> arch/some.c'; } | sha256sum | cut -d' ' -f1)
	{
		echo "version 5.10.1 - $(sha256sum <"$DEBIANS" | cut -d' ' -f1) $content"
		echo "version 5.10.2 - $(sha256sum <"$DEBIANS" | cut -d' ' -f1) -"
		echo "left-out firm/ware"
		echo "left-out firm"
	} >"$TMP/project/scripts/base-checksums"
}

fresh() {
	chmod -R u+w "$TMP/build" 2>/dev/null || true
	rm -rf "$TMP/build" "$TMP/mirror" "$TMP/out" "$TMP/extra"
	mkdir "$TMP/mirror"
}

fetch() {
	"$FETCH" --version 5.10.1 "$@"
}

# right DIR: the tree, and nothing of a half-done one beside it.
right() {
	diff -r -x .base "$TMP/linux-5.10.1" "$1" &&
		[ "$(find "$(dirname "$1")" -mindepth 1 -maxdepth 1)" = "$1" ]
}

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

cached() {
	fresh
	mkdir -p "$CACHE"
	cp "$DEBIANS" "$CACHE/"
	fetch && right "$TMP/build/base/5.10.1"
}

upstream() {
	fresh
	cp "$UPSTREAMS" "$TMP/mirror/"
	expect 0 "checking its content" fetch && right "$TMP/build/base/5.10.1" || return 1
	rm -r "$TMP/mirror"
	expect 0 "linux-5.10.1.tar.xz$" "$TMP/project/scripts/fetch-tarball" --version 5.10.1 &&
		! grep -q 'checking' "$TMP/.out"
}

upstream_absent() {
	fresh
	expect 5 'cannot get linux 5.10.1: kernel.org: curl: .*fetch-base --tarball' fetch &&
		[ ! -e "$TMP/build/base/5.10.1" ] && [ -z "$(find "$CACHE" -type f)" ]
}

# Whoever else packs it: the content decides.
upstream_wrong() {
	fresh
	mkdir "$TMP/extra"
	cp -r "$TMP/linux-5.10.1" "$TMP/extra/"
	echo changed >>"$TMP/extra/linux-5.10.1/Makefile"
	tar -cJf "$TMP/mirror/linux-5.10.1.tar.xz" -C "$TMP/extra" linux-5.10.1
	expect 5 'its content is not Linux 5.10.1; removed' fetch &&
		[ -z "$(find "$CACHE" -type f)" ] && [ ! -e "$TMP/build/base/5.10.1" ]
}

upstream_empty() {
	fresh
	: >"$TMP/mirror/linux-5.10.1.tar.xz"
	expect 5 'empty file; removed' fetch && [ -z "$(find "$CACHE" -type f)" ]
}

# Without a content to compare with, only Debian's own tarball will do.
no_content() {
	fresh
	expect 2 'wrong checksum [0-9a-f]* \(expected ' \
		"$FETCH" --version 5.10.2 --tarball "$UPSTREAMS" "$TMP/out" && [ ! -e "$TMP/out" ]
}

# A download that was cut short.
partial() {
	fresh
	cp "$UPSTREAMS" "$TMP/mirror/"
	mkdir -p "$CACHE/partial"
	head -c 700 "$UPSTREAMS" >"$CACHE/partial/linux-5.10.1.tar.xz"
	fetch && right "$TMP/build/base/5.10.1" || return 1
	# complete, but killed before it was moved
	fresh
	cp "$UPSTREAMS" "$TMP/mirror/"
	mkdir -p "$CACHE/partial"
	cp "$UPSTREAMS" "$CACHE/partial/"
	fetch && right "$TMP/build/base/5.10.1" || return 1
	# something else altogether: refused once, fetched whole by the next run
	fresh
	cp "$UPSTREAMS" "$TMP/mirror/"
	mkdir -p "$CACHE/partial"
	head -c 500 /dev/urandom >"$CACHE/partial/linux-5.10.1.tar.xz"
	fetch || fetch && right "$TMP/build/base/5.10.1"
}

wrong_checksum() {
	fresh
	mkdir -p "$CACHE"
	head -c 3000 /dev/urandom >"$CACHE/linux_5.10.1.orig.tar.xz"
	cp "$UPSTREAMS" "$TMP/mirror/"
	expect 0 'linux_5.10.1.orig.tar.xz: wrong checksum .*; removed' fetch &&
		[ ! -e "$CACHE/linux_5.10.1.orig.tar.xz" ] && right "$TMP/build/base/5.10.1"
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
	expect 2 "unknown version '5.10.9': use one of 5.10.1 5.10.2" "$FETCH" --version 5.10.9 "$TMP/out" &&
		expect 2 "unknown option '--verison'" "$FETCH" --verison 5.10.1 &&
		expect 2 'needs a value' "$FETCH" --tarball && expect 0 '^fetch-base - ' "$FETCH" -h
}

once
check "a tarball given" given
check "the normal place, read-only" normal_place
check "a tarball in the cache" cached
check "kernel.org's tarball, checked by its content" upstream
check "no source at all: says so and leaves nothing" upstream_absent
check "kernel.org's tarball with another content is removed" upstream_wrong
check "an empty answer is removed" upstream_empty
check "no content known: only the pinned tarball" no_content
check "a download cut short" partial
check "a cached tarball with a wrong checksum is removed and replaced" wrong_checksum
check "a wrong tarball given is refused, not removed" given_wrong
check "an empty tarball given is refused" given_empty
check "a directory in use is refused" in_use
check "a changed tree is noticed" changed
check "kill -9 leaves nothing that the next run minds" killed
check "two runs at once" at_once
check "usage errors" usage_errors
tap_end
