# shellcheck shell=bash
# ci/lib/range.sh - which part of the series a run is about.
#
# Usage:   . ci/lib/range.sh         after scripts/lib/lib.sh
# Inputs:  PATCH... of the functions below: the series
# Outputs: the functions below
# Exit codes: 2 no such patch, no such commit

# place NAME PATCH...: index of a patch in the series.
place() {
	local name=$1 i=0 p
	shift
	for p; do
		case $p in
		"$name" | */"$name" | */"$name".patch) echo "$i"; return ;;
		esac
		i=$((i + 1))
	done
	die "$EX_USAGE" "no patch '$name' in the series"
}

# in_milestone_of NAME PATCH...: all patches of its milestone.
in_milestone_of() {
	printf '%s\n' "${@:2}" | grep "^${1%/*}/"
}

# changed_range ROOT REV PATCH...: "FROM TO": the first patch that is not in that commit
# of the project in ROOT, or not as it is now, and the last one of the milestone of the last
# such one; nothing, if there is none.
changed_range() {
	local root=$1 since=$2 differ
	shift 2
	git -C "$root" rev-parse -q --verify "$since^{commit}" >/dev/null ||
		die "$EX_USAGE" "--since: no commit '$since' in $root: git fetch"
	mapfile -t differ < <({
		git -C "$root" diff --name-only --no-renames --relative "$since" -- patches
		git -C "$root" ls-files --others --exclude-standard -- patches
	} | grep -Fx -f - <(printf '%s\n' "$@") || true)
	[ ${#differ[@]} -gt 0 ] || return 0
	echo "${differ[0]} $(in_milestone_of "${differ[-1]}" "$@" | tail -n 1)"
}
