# shellcheck shell=bash disable=SC2034 # for those who source this
# scripts/lib/which.sh - on which base a command works, and where what it builds for it goes.
#
# Usage:   . scripts/lib/which.sh         after scripts/lib/lib.sh; then choose_base NAME
# Inputs:  scripts/lib/base.sh, scripts/fetch-base
# Outputs: BASE_NAME, BASE_KIND (stable or openeuler), SERIES (that of the kind),
#          BELOW (nothing for the default base, else "NAME/": what is made for it
#          goes to $BUILD/tree/$BELOW... and so on), base_option (array: what to
#          hand on to other commands), and the functions below.
# Exit codes: 2 no such base

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=base.sh
. "$TOP/scripts/lib/base.sh"

# choose_base [NAME]: without a name, the default base.
choose_base() {
	BASE_NAME=${1:-$BASE_VERSION} BELOW='' base_option=()
	BASE_KIND=$(base_kind "$BASE_NAME") || exit
	use_kind "$BASE_KIND"
	[ "$BASE_NAME" != "$BASE_VERSION" ] || return 0
	BELOW=$BASE_NAME/ base_option=(--base "$BASE_NAME")
}

# base_tree: the pristine tree of the base chosen, made or told how to get.
base_tree() {
	"$TOP/scripts/fetch-base" "$BASE_NAME"
}

# share FROM TO: a copy of the tree FROM in the new folder TO that costs no space,
# if the file system can do that: reflinks, else hard links of files that are
# read-only, else a copy. Its folders can be written to.
share() {
	rm -rf "$2.probe"
	if cp --reflink=always "$1/Makefile" "$2.probe" 2>/dev/null; then
		cp -a --reflink=always "$1" "$2"
	elif cp -l "$1/Makefile" "$2.probe" 2>/dev/null; then
		cp -al "$1" "$2"
	else
		cp -a "$1" "$2"
	fi
	rm -f "$2.probe"
	find "$2" -type d ! -perm -u+w -exec chmod u+w {} +
}

