# shellcheck shell=bash disable=SC2034
# scripts/lib-base.sh - what the base kernel has to be, and unpacking it.
#
# Usage:   . scripts/lib-base.sh          after scripts/lib.sh
# Inputs:  scripts/base-checksums         the versions known, their checksums
# Outputs: variables BASE_SUITE, BASE_TARBALL, BASE_CONTENT (set by base_row),
#          UNPACK_ERROR and its exit code UNPACK_CODE (set by unpack_base) and the functions below.
# Exit codes: 2 from base_row for a version that is not in the list.

CHECKSUMS=$TOP/scripts/base-checksums
TARBALLS=$BUILD/cache/tarballs

# base_row VERSION: read the row of a version.
base_row() {
	local kind version
	while read -r kind version BASE_SUITE BASE_TARBALL BASE_CONTENT; do
		[ "$kind" = version ] && [ "$version" = "$1" ] && return 0
	done <"$CHECKSUMS"
	die "$EX_USAGE" "unknown version '$1': use one of $(sed -n 's/^version \([^ ]*\).*/\1/p' "$CHECKSUMS" | paste -sd' ')"
}

# file_sha256 FILE
file_sha256() {
	local sum
	sum=$(sha256sum <"$1")
	echo "${sum%% *}"
}

# tree_content DIR: sha256 over the sorted list of "sha256  path" of every file
# and "path -> target" of every symbolic link.
tree_content() {
	(
		cd "$1" || exit
		export LC_ALL=C
		find . -type f -print0 | sort -z | xargs -0r sha256sum
		find . -type l -printf '%p -> %l\n' | sort
	) | file_sha256 /dev/stdin
}

# unpack_base TARBALL VERSION DIR: unpack into the new directory DIR and check.
# Debian's tarball is known by its checksum, any other by its content. Returns 1
# with UNPACK_ERROR set and DIR removed when the tarball is not what it has to
# be. Needs base_row VERSION.
unpack_base() {
	local tarball=$1 version=$2 dir=$3 sum path log
	UNPACK_ERROR='' UNPACK_CODE=$EX_USAGE
	[ -f "$tarball" ] || UNPACK_ERROR="no such file"
	[ -n "$UNPACK_ERROR" ] || [ -r "$tarball" ] || UNPACK_ERROR="not readable"
	[ -n "$UNPACK_ERROR" ] || [ -s "$tarball" ] || UNPACK_ERROR="empty file"
	[ -z "$UNPACK_ERROR" ] || return 1
	sum=$(file_sha256 "$tarball")
	if [ "$sum" != "$BASE_TARBALL" ] && [ "$BASE_CONTENT" = - ]; then
		UNPACK_ERROR="wrong checksum $sum (expected $BASE_TARBALL)"
		return 1
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	log=$dir.log
	say "unpacking $(basename "$tarball")"
	if ! tar -xf "$tarball" -C "$dir" --strip-components=1 \
		--no-same-owner --no-same-permissions >"$log" 2>&1; then
		UNPACK_ERROR="does not unpack: $(tail -n 1 "$log" | tr -d '\n')"
		[ "$sum" = "$BASE_TARBALL" ] ||
			UNPACK_ERROR="wrong checksum $sum, and it $UNPACK_ERROR"
	elif [ "$sum" != "$BASE_TARBALL" ]; then
		say "not Debian's tarball: checking its content"
		while read -r _ path; do
			rm -rf "${dir:?}/$path"
		done < <(grep '^left-out ' "$CHECKSUMS")
		[ "$(tree_content "$dir")" = "$BASE_CONTENT" ] ||
			UNPACK_ERROR="wrong checksum $sum, and its content is not Linux $version"
	fi
	if [ "$sum" = "$BASE_TARBALL" ]; then	# the tarball is right, so it is the disk
		UNPACK_CODE=$EX_HARNESS
	fi
	rm -f "$log"
	[ -n "$UNPACK_ERROR" ] || return 0
	rm -rf "$dir"
	return 1
}
