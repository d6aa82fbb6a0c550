# shellcheck shell=bash disable=SC2034
# scripts/lib/base.sh - the base kernels: which there are, of what kind each is, and
# what a tree is.
#
# Usage:   . scripts/lib/base.sh          after scripts/lib/lib.sh
# Inputs:  scripts/lib/base-checksums         versions of stable 5.10.y
#          scripts/lib/bases/NAME             openEuler's, lines `KEY VALUE`: kind, title,
#                                         url and ref (where git has it), mark (a line
#                                         of its Makefile), content (sha256 over all
#                                         of the tree that was tested, see
#                                         scripts/fingerprint), left-out (a file that
#                                         content does not count)
#          TDP_BASES                      where imported bases are
# Outputs: variables BASE_SUITE, BASE_TARBALL, BASE_CONTENT (set by base_row),
#          UNPACK_ERROR and its exit code UNPACK_CODE (set by unpack_base), and
#          the functions below.
# Exit codes: 2 for a base that is not in the lists.

CHECKSUMS=$TOP/scripts/lib/base-checksums
TARBALLS=$BUILD/cache/tarballs
BASES=$TOP/scripts/lib/bases
IMPORTED=${TDP_BASES:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tdp-mmu-bases}

# openeuler_bases: their names.
openeuler_bases() {
	(cd "$BASES" 2>/dev/null && grep -ls '^kind ' -- *) || true
}

# base_names: all that fetch-base knows.
base_names() {
	openeuler_bases
	sed -n 's/^version \([^ ]*\).*/\1/p' "$CHECKSUMS"
}

# base_row VERSION: read the row of a version of stable.
base_row() {
	local kind version
	while read -r kind version BASE_SUITE BASE_TARBALL BASE_CONTENT; do
		[ "$kind" = version ] && [ "$version" = "$1" ] && return 0
	done <"$CHECKSUMS"
	die "$EX_USAGE" "unknown version '$1': use one of $(sed -n 's/^version \([^ ]*\).*/\1/p' "$CHECKSUMS" | paste -sd' ')"
}

# base_field NAME KEY: its values, one a line.
base_field() {
	sed -n "s/^$2 //p" "$BASES/$1"
}

# base_kind NAME: openeuler or stable.
base_kind() {
	[[ $1 =~ ^[a-z0-9][a-z0-9.-]*$ ]] || die "$EX_USAGE" "'$1' is no name of a base: use one of $(base_names | paste -sd' ')"
	if [ -f "$BASES/$1" ] && grep '^kind ' "$BASES/$1" >/dev/null; then
		base_field "$1" kind
	elif grep -q "^version ${1//./\\.} " "$CHECKSUMS"; then
		echo stable
	else
		die "$EX_USAGE" "unknown base '$1': use one of $(base_names | paste -sd' ')"
	fi
}

# base_title NAME
base_title() {
	if [ "$(base_kind "$1")" = stable ]; then
		echo "Linux $1"
	else
		base_field "$1" title
	fi
}

# tree_kind TREE: openeuler or stable, by the tree itself; 1 when it is neither.
tree_kind() {
	if grep -q '^OPENEULER_' "$1/Makefile" || [ -f "$1/fs/proc/etmem_scan.c" ]; then
		echo openeuler
	elif grep -qE '^SUBLEVEL *= *[1-9]' "$1/Makefile"; then
		echo stable
	else
		return 1
	fi
}

# tree_base TREE: the base of openEuler whose marks the tree's Makefile has, if any.
tree_base() {
	local name
	for name in $(openeuler_bases); do
		[ -n "$(base_field "$name" mark)" ] || continue
		grep -qvxFf "$1/Makefile" <(base_field "$name" mark) || { echo "$name"; return 0; }
	done
}

# file_sha256 FILE
file_sha256() {
	local sum
	sum=$(sha256sum <"$1")
	echo "${sum%% *}"
}

# tree_content DIR [FILE...]: sha256 over the sorted list of "sha256  path" of every
# file and "path -> target" of every symbolic link, but for these and what git, quilt
# and this project keep in a tree.
tree_content() {
	(
		cd "$1" || exit
		shift
		export LC_ALL=C
		find . \( -name .git -o -path ./.pc -o -path ./.base \) -prune -o -type f -print0 | sort -z |
			grep -zvxFf <(printf './%s\n' "$@") | xargs -0r sha256sum
		find . -name .git -prune -o -type l -printf '%p -> %l\n' | sort
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

# stamp_base DIR NAME KIND LINE...: DIR/.base says what the tree of the base NAME, of that
# kind, is. All else in DIR is older.
stamp_base() {
	local dir=$1 lines
	lines=$(printf '%s\n' "version $2" "kind $3" "${@:4}")
	rm -f "$dir/.base"
	printf '%s\n' "$lines" "files $(($(find "$dir" -type f -printf . | wc -c) + 1))" \
		"made $(date +%s.%N)" >"$dir/.base"
}

# changed_file DIR: the first file that is not as it was when DIR was made, if any.
changed_file() {
	local file files
	file=$(find "$1" -type f -newer "$1/.base" -printf '%P' -quit)
	files=$(find "$1" -type f -printf . | wc -c)
	if [ -n "$file" ]; then
		echo "$file"
	elif [ "$files" != "$(sed -n 's/^files //p' "$1/.base")" ]; then
		echo "number of files"
	fi
}
