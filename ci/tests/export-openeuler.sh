#!/usr/bin/env bash
# export-openeuler.sh - test of scripts/export-openeuler: what it makes, applied
# by the rule of openEuler's kernel packaging, on a made-up tree and on the base.
#
# Usage:   export-openeuler.sh
# Inputs:  the scripts as they are; scripts/fetch-base for the second half
# Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages quilt patch patchutils bzip2 tar
export TDP_BUILD=$TMP/build
URL='https://gitee.com/openeuler/kernel/issues/I9&x=|\1'
TAKER='T. A. Ker <taker@example.org>'

# headed: the made-up project, its patches with the header of the real ones.
headed() {
	local p n=0
	fresh
	for p in "$TMP"/project/patches/*/*.patch; do
		n=$((n + 1))
		{
			printf 'From: Us <us@example.org>\nDate: Sat, 21 Nov 2026 12:0%d:00 +0000\nSubject: one\n\n' $n
			printf 'openEuler inclusion\ncategory: other\nbugzilla: NA\nCVE: NA\n\n%032d\n\nWhy.\n\n' 0
			printf 'Signed-off-by: Us <us@example.org>\n---\n'
			cat "$p"
		} >"$TMP/headed"
		mv "$TMP/headed" "$p"
	done
}

export_it() {
	"$TMP/project/scripts/export-openeuler" "$@"
}

# packaging EXPORT TREE: what the packaging's %prep does with both files.
packaging() {
	local src
	src=$(mktemp -d "$TMP/sources.XXXXXX")
	tar -xjf "$1/patches.tar.bz2" -C "$src"
	sed '/^#/d; /^$/d' "$1/series.conf" >"$src/list"
	sed "s|.*|patch -s -F0 -E -p1 --no-backup-if-mismatch -i '$src/&'|; 1i set -ex" "$src/list" >"$src/apply"
	[ "$(find "$src/patches" -type f | wc -l)" = "$(wc -l <"$src/list")" ] &&
		(cd "$2" && sh "$src/apply")
}

whole() {
	headed
	expect 0 '^export-openeuler: 3 patches in ' export_it "$TMP/out" && packaging "$TMP/out" "$TMP/tree" &&
		diff -r "$TMP/edit/b" "$TMP/tree"
}
form() {
	headed
	export_it "$TMP/out" && diff -u - <(grep -v '^# The' "$TMP/out/series.conf") <<-END
	# milestone: iterator
	patches/0001-one.patch
	patches/0002-two.patch
	# milestone: rwlock-rcu
	patches/0003-three.patch
	END
}
# What differs from the series: those two lines and nothing else.
header() {
	headed
	export_it --bugzilla "$URL" --signoff "$TAKER" "$TMP/out" || return
	tar -xjOf "$TMP/out/patches.tar.bz2" patches/0002-two.patch >"$TMP/two"
	diff "$TMP/project/patches/iterator/two.patch" "$TMP/two" >"$TMP/diff"
	diff -u - "$TMP/diff" <<-END
	7c7
	< bugzilla: NA
	---
	> bugzilla: $URL
	14a15
	> Signed-off-by: $TAKER
	END
}
until_there() {
	headed
	export_it --until iterator "$TMP/out" && ! grep -q three "$TMP/out/series.conf" &&
		[ "$(tar -tjf "$TMP/out/patches.tar.bz2" | grep -c 'patch$')" -eq 2 ]
}
# Other times, owners, umask, settings of tar and bzip2; other place.
same_bytes() {
	local sum
	headed
	export_it "$TMP/out" && sum=$(cat "$TMP/out"/* | sha256sum) || return
	find "$TMP/project/patches" -exec touch -d 2001-02-03 {} +
	chmod -R go-rwx "$TMP/project/patches"
	mv "$TMP/project" "$TMP/moved"
	(umask 077; cd / && env TZ=Asia/Tokyo BZIP2=-1 TAR_OPTIONS=--xattrs "$TMP/moved/scripts/export-openeuler" "$TMP/other")
	mv "$TMP/moved" "$TMP/project"
	[ "$sum" = "$(cat "$TMP/other"/* | sha256sum)" ]
}
again() {
	headed
	export_it "$TMP/out" && export_it --until one "$TMP/out" && ! grep -q two "$TMP/out/series.conf" || return
	touch "$TMP/out/kernel.spec"
	expect 2 'holds files that this command has not made' export_it "$TMP/out" && [ -f "$TMP/out/kernel.spec" ]
}
not_in_form() {
	headed
	sed -i "$1" "$TMP/project/patches/iterator/two.patch"
	expect 1 '^patches/iterator/two.patch:1: error: no ' export_it "$TMP/out" && [ ! -e "$TMP/out" ] &&
		! compgen -G "$TMP/.out.*"
}
# kill -9 at any time: the old export or the new one, whole; the next run gets through.
killed() {
	local i pid
	headed
	export_it --until one "$TMP/out"
	for i in 05 10 15 20 25 30 40 50; do
		setsid "$TMP/project/scripts/export-openeuler" "$TMP/out" >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -9 -- -$pid || true
		wait $pid || true
		[ ! -e "$TMP/out" ] || [ "$(grep -c '^patches/' "$TMP/out/series.conf")" = \
			"$(tar -tjf "$TMP/out/patches.tar.bz2" | grep -c 'patch$')" ] || return 1
	done
	export_it "$TMP/out" && ! compgen -G "$TMP/.out.*" && [ "$(grep -c '^patches/' "$TMP/out/series.conf")" = 3 ]
}
between_renames() {
	headed
	export_it --until one "$TMP/out" && mv "$TMP/out" "$TMP/.out.tdp-part.old" || return
	sed -i 's/^bugzilla/buzgilla/' "$TMP/project/patches/rwlock-rcu/three.patch"
	expect 1 'three.patch:1: error:' export_it "$TMP/out" && grep -q one "$TMP/out/series.conf"
}

try() {
	rm -rf "$TMP/out" "$TMP/other"
	check "$@"
}
try "applied as the packaging does" whole
try "series.conf, to the letter" form
try "bugzilla and sign-off, and no other line" header
try "up to a milestone" until_there
try "the same bytes everywhere" same_bytes
try "an export is replaced, other files are not" again
try "no bugzilla line" not_in_form '/^bugzilla/d'
try "two bugzilla lines" not_in_form 's/^Why/bugzilla: 1\n&/'
try "the inclusion line is too far down" not_in_form '4s/$/\n\n\n\n\n\n\n/'
try "no end of the header" not_in_form '/^---$/d'
try "no date" not_in_form '/^Date/d'
try "a date that is none" not_in_form 's/^Date: .*/Date: soon/'
try "kill -9" killed
try "kill -9 between the two renames" between_renames
headed
try "bugzilla is a URL" expect 2 "'I1234' is no http" export_it --bugzilla I1234 "$TMP/out"
try "a sign-off has a mail address" expect 2 "'Me' is not 'Name <mail>'" export_it --signoff Me "$TMP/out"
try "a sign-off is one line" expect 2 "is not 'Name <mail>'" export_it --signoff $'Me\nSigned-off-by: You <y@e.org>' "$TMP/out"
try "an unknown milestone" expect 2 "no milestone and no patch 'itertor'" export_it --until itertor "$TMP/out"
try "nothing to export" expect 2 'no patch to export' export_it --until base "$TMP/out"
try "no directory" expect 2 'which directory' export_it
try "a file in its place" expect 2 'is not a directory' export_it "$TMP/project/series"
try "an unknown option" expect 2 "unknown option '--bugzila'" export_it --bugzila x

# The whole series, on the files of the real base that it touches, if that was imported.
real() {
	local base all f
	base=$("$TOP/scripts/fetch-base" openeuler-22.03-lts-sp2) || return
	use_kind openeuler
	mapfile -t all < <(series_patches)
	mkdir -p "$TMP/real/a"
	(cd "$TOP" && lsdiff --no-filename --strip 1 "${all[@]}") | sort -u >"$TMP/touched"
	while read -r f; do
		[ ! -f "$base/$f" ] || (cd "$base" && cp --parents "$f" "$TMP/real/a")
	done <"$TMP/touched"
	(cd "$TMP/real" && chmod -R u+w a && cp -r a b) || return
	"$TOP/scripts/export-openeuler" --bugzilla "$URL" --signoff "$TAKER" "$TMP/out" &&
		packaging "$TMP/out" "$TMP/real/a" || return
	for f in "${all[@]}"; do
		patch -s -d "$TMP/real/b" -E -p1 --no-backup-if-mismatch -i "$TOP/$f" || return
	done
	diff -r "$TMP/real/b" "$TMP/real/a" && [ "$(grep -c '^patches/' "$TMP/out/series.conf")" = ${#all[@]} ]
}
if "$TOP/scripts/fetch-base" openeuler-22.03-lts-sp2 >/dev/null 2>&1; then
	try "the whole series on the base" real
else
	skip "the whole series on the base" "openeuler-22.03-lts-sp2 is not imported"
fi
tap_end
