# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # patches, root, from, to: the caller's
# ci/lib/range.sh - which part of the series a run is about.
#
# Usage:   . ci/lib/range.sh         after scripts/lib/lib.sh
# Inputs:  patches        array: the series
#          root           the project's folder
#          from, to       what the user asked for, or empty
#          since          a commit of the project, or empty
#          only_last      not empty: the last milestone
# Outputs: choose_range sets from and to. It ends the run, exit code 0, when
#          no patch differs from `since`.
# Exit codes: 2 no such patch, no such commit

# place NAME: index of a patch in the series.
place() {
	local i
	for i in "${!patches[@]}"; do
		case ${patches[i]} in
		"$1" | */"$1" | */"$1".patch) echo "$i"; return ;;
		esac
	done
	die "$EX_USAGE" "no patch '$1' in the series"
}

# changed: the patches that are not in `since`, or not as they are now.
changed() {
	{
		git -C "$root" diff --name-only --no-renames --relative "$since" -- patches
		git -C "$root" ls-files --others --exclude-standard -- patches
	} | grep -Fx -f - <(printf '%s\n' "${patches[@]}") || true
}

# in_milestone_of PATCH: all patches of its milestone.
in_milestone_of() {
	printf '%s\n' "${patches[@]}" | grep "^${1%/*}/"
}

choose_range() {
	local differ
	[ -z "$only_last" ] || from=$(in_milestone_of "${patches[-1]}" | head -n 1)
	[ -n "$since" ] || return 0
	git -C "$root" rev-parse -q --verify "$since^{commit}" >/dev/null ||
		die "$EX_USAGE" "--since: no commit '$since' in $root: git fetch"
	mapfile -t differ < <(changed)
	if [ ${#differ[@]} -eq 0 ]; then
		echo "${0##*/}: no patch differs from $since"
		exit 0
	fi
	from=${differ[0]}
	to=$(in_milestone_of "${differ[-1]}" | tail -n 1)
}
