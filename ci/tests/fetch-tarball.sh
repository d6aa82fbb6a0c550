#!/bin/bash
# ci/tests/fetch-tarball.sh - test of scripts/fetch-base and scripts/lib/fetch-tarball:
# where a tarball comes from, and what happens to a wrong or a half one.
#
# Usage:   ci/tests/fetch-tarball.sh
# Inputs:  the scripts as they are, and made-up-tarballs.sh
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh disable=SC2119
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-tarballs.sh
. "$TOP/ci/tests/lib/made-up-tarballs.sh"

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
	expect 0 "linux-5.10.1.tar.xz$" "$TMP/project/scripts/lib/fetch-tarball" --version 5.10.1 &&
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

check "a tarball in the cache" cached
check "kernel.org's tarball, checked by its content" upstream
check "no source at all: says so and leaves nothing" upstream_absent
check "kernel.org's tarball with another content is removed" upstream_wrong
check "an empty answer is removed" upstream_empty
check "no content known: only the pinned tarball" no_content
check "a download cut short" partial
check "a cached tarball with a wrong checksum is removed and replaced" wrong_checksum
tap_end
