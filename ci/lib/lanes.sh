# shellcheck shell=bash
# ci/lib/lanes.sh - which lanes there are, and what they tell of themselves.
#
# Usage:   . ci/lib/lanes.sh         after scripts/lib/lib.sh
# Inputs:  the programs of ci/lanes
# Outputs: the functions below, those of lists.sh; no lane's name stands in here, or behind it
# Exit codes: 2 no such lane

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=lists.sh
. "$TOP/ci/lib/lists.sh"

# all_lanes: their names.
all_lanes() {
	find "$TOP/ci/lanes" -maxdepth 1 -type f -perm -u+x -printf '%f\n' | sort
}

# is_lane NAME
is_lane() {
	[[ $1 != */* && -f $TOP/ci/lanes/$1 && -x $TOP/ci/lanes/$1 ]]
}

# What the lanes were heard to tell, by "LANE KEY"; and of which lanes it is all.
declare -A _TOLD=() _HEARD=()

# hear LANE: ask it once; each question starts a program.
hear() {
	local key answer text
	[ -z "${_HEARD[$1]-}" ] || return 0
	text=$("$TOP/ci/lanes/$1" --about all) || return "$EX_HARNESS"
	while read -r key answer; do
		_TOLD[$1 $key]+=${_TOLD[$1 $key]+$'\n'}$answer
	done <<<"$text"
	_HEARD[$1]=1
}

# about LANE KEY: what it tells, see ci/lanes/lib.sh.
about() {
	hear "$1" && printf '%s\n' "${_TOLD[$1 $2]-}"
}

# has_word LANE KEY WORD: is that among what it tells?
has_word() {
	hear "$1" && [[ " ${_TOLD[$1 $2]-} " = *" $3 "* ]]
}

# lanes_with KEY WORD: the lanes that tell so.
lanes_with() {
	local lane
	for lane in $(all_lanes); do
		! has_word "$lane" "$1" "$2" || echo "$lane"
	done
}

# known_lane NAME: death if it is none.
known_lane() {
	is_lane "$1" || die "$EX_USAGE" "unknown lane '$1': $(all_lanes | paste -sd' ')"
	hear "$1"
}

# lane_key LANE: what it is made of, for the keys of what is kept.
lane_key() {
	cat "$TOP/ci/lanes/$1" "$TOP"/ci/lanes/*.sh "$TOP/ci/boot"
}
