# shellcheck shell=bash disable=SC2034
# scripts/lib/fingerprint.sh - is a tree the base that was tested?
#
# Usage:   . scripts/lib/fingerprint.sh    after scripts/lib/base.sh
# Inputs:  scripts/lib/bases/NAME.files       what the series touches or depends on in the
#                                         base NAME: lines as sha256sum writes them, or
#                                         `absent  PATH` for a file that it adds
#          scripts/lib/bases/needed           patterns of what it depends on
#          scripts/lib/bases/NAME             content, left-out: all of the tested tree
# Outputs: VERDICT, DIFFERS and CONTENT (set by base_verdict), and the functions below.
# Exit codes: none of its own.

# base_verdict NAME TREE [QUICK]: VERDICT is tested (it is the tree that was tested),
# same (in all that matters; with QUICK nothing else is looked at), differs (DIFFERS
# are the files), or unknown (nobody tested that base). CONTENT is what tree_content
# says, if it was asked.
base_verdict() {
	local list=$BASES/$1.files left_out
	DIFFERS=() VERDICT=unknown CONTENT=''
	[ -s "$list" ] || return 0
	mapfile -t DIFFERS < <(
		cd "$2" || exit
		grep -v '^absent ' "$list" | sha256sum --check --quiet 2>/dev/null | sed 's/: FAILED.*//' || true
		sed -n 's/^absent  //p' "$list" | while IFS= read -r f; do
			[ ! -e "$f" ] || echo "$f"
		done
	)
	VERDICT=differs
	[ ${#DIFFERS[@]} -eq 0 ] || return 0
	VERDICT=same
	[ -z "${3-}" ] || return 0
	mapfile -t left_out < <(base_field "$1" left-out)
	CONTENT=$(tree_content "$2" "${left_out[@]}")
	[ "$CONTENT" != "$(base_field "$1" content)" ] || VERDICT=tested
}

# verdict_text NAME: the verdict in words.
verdict_text() {
	local n=${#DIFFERS[@]} title
	title=$(base_title "$1")
	case $VERDICT in
	tested) echo "this is the tree of $title that was tested" ;;
	same) echo "the same as the tested tree of $title in all that matters" ;;
	differs)
		printf '%s\n' "${DIFFERS[@]:0:8}" | paste -sd' ' |
			sed "s/^/$n files that matter differ from the tested tree of $title: /; s/^1 files that matter differ/1 file that matters differs/"
		[ "$n" -le 8 ] || echo "and $((n - 8)) more: scripts/fingerprint tells all"
		;;
	unknown) echo "nobody has tested $title: nothing to compare the tree with" ;;
	esac | paste -sd' '
}
