# shellcheck shell=bash disable=SC2034 # variables of the tests
# ci/tests/lib/made-up-tarballs.sh - small made-up kernel tarballs for the tests of
# scripts/fetch-base, and a folder in the place of kernel.org.
#
# Usage:   . ci/tests/lib/made-up-tarballs.sh      after tap.sh; then fresh, fetch...
# Inputs:  scripts/ of the project: copied, with a checksum list that names the
#          made-up tarballs, so that the scripts run as they are
# Outputs: $DEBIANS and $UPSTREAMS, tarballs of a made-up 5.10.1, $FETCH, $CACHE
#          (its tarballs), $TMP/mirror; the functions below
# Exit codes: 5 packages missing

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
	} >"$TMP/project/scripts/lib/base-checksums"
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

once
