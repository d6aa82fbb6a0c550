# shellcheck shell=bash
# scripts/lib/cover.sh - the cover letter of the series, from what the project
# says of itself.
#
# Usage:   . scripts/lib/cover.sh         after scripts/lib/series.sh, evidence.sh and
#          project.sh; then cover BASE [MILESTONE]
# Inputs:  PATCHES            of scripts/lib/series.sh: what it covers
#          upstream-map.csv   their upstream authors and relations
#          patches/M/COVER    plain text, lines of 75 columns at most: what the
#                             milestone M brings, what to look at in a review
# Outputs: cover: the letter on stdout
# Exit codes: 2 the map cannot be read; 1 a patch has no row in it, or a milestone no COVER

# texts: of each milestone that PATCHES are of, what its COVER says.
texts() {
	local m file line
	for m in $MILESTONES; do
		[[ " ${PATCHES[*]}" = *" patches/$m/"* ]] || continue
		file=patches/$m/COVER
		[ -s "$TOP/$file" ] ||
			die "$EX_FAIL" "$file:1: missing or empty: write there what the milestone brings, and what a review should look at"
		line=$(grep -n -m 1 '^From ' "$TOP/$file" | cut -d: -f1) || true
		[ -z "$line" ] ||
			die "$EX_FAIL" "$file:$line: a line that begins with 'From ' would end the mail in an mbox: reword it"
		printf 'Milestone %s\n\n' "$m"
		cat "$TOP/$file"
		echo
	done
}

# shortlog: the patches by upstream author, as git shortlog prints them.
shortlog() {
	local p author title
	local -A titles=() n=()
	while IFS= read -r title; do
		p=${title%%:*} title=${title#*:Subject: }
		[ -n "${RELATION[$p]-}" ] || die "$EX_FAIL" "$p:1: no row in upstream-map.csv: run scripts/check-series"
		author=${AUTHOR[$p]:-Patches of our own}
		n[$author]=$((${n[$author]-0} + 1))
		titles[$author]+="  $title"$'\n'
	done < <(cd "$TOP" && grep -H -m 1 '^Subject: ' "${PATCHES[@]}")
	printf '%s\n' "${!n[@]}" | sort | while IFS= read -r author; do
		printf '%s (%d):\n%s\n' "$author" "${n[$author]}" "${titles[$author]}"
	done
}

# read_map: AUTHOR and RELATION of each patch, and COUNT of the relations, of the
# milestones that PATCHES are of.
read_map() {
	local tool rows patch m into author relation
	local -A mine=()
	while read -r patch; do
		mine[$patch]=1
	done < <(series_patches)
	tool=$("$TOP/scripts/lib/build-tool" map-rows)
	rows=$("$tool" "$MAP") || exit "$EX_USAGE"
	while IFS=$'\x1f' read -r _ _ relation patch into _ author _; do
		m=${patch%%/*}${into%%/*} patch=patches/$patch$into.patch
		if [ "$relation" != omitted ]; then
			[[ -n ${mine[$patch]-} && " ${PATCHES[*]}" = *" patches/$m/"* ]] || continue
		fi
		COUNT[$relation]=$((${COUNT[$relation]-0} + 1))
		case $relation in
		adapted | partial | local) AUTHOR[$patch]=$author RELATION[$patch]=$relation ;;
		esac
	done <<<"$rows"
}

# recorded BASE MILESTONE: what gates recorded as passed, a line for each lane and suite.
recorded() {
	local rows base milestone lane variant mmu cpus suite state pass _
	rows=$(evidence_latest) || exit
	while read -r base milestone lane variant mmu cpus suite state pass _; do
		[[ $base = "$1" && $state = pass && -z ${2#"$milestone"} ]] || continue
		echo "  $milestone, $lane, $variant, $suite: $mmu${cpus/#-*/}: $pass passed"
	done <<<"$rows" | sed -E 's/(tdp[01]|shadow|none)([0-9]+):/\1, \2 CPUs:/' | grep . || echo "  nothing yet"
}

# cover BASE MILESTONE: for that base; of one milestone, of all when it is empty.
cover() {
	local -A AUTHOR=() RELATION=() COUNT=()
	local before=''
	read_map
	before=$(series_patches | sed "\\#^${PATCHES[0]}\$#,\$d" | tail -n 1)
	{
		echo "This is ${2:+the milestone $2 of }the TDP MMU for Linux 5.10 as openEuler ships it:"
		echo "${#PATCHES[@]} patches for $(base_title "$1")${before:+, on top of the milestone $(milestone_of "$before")}."
		echo "Each is our own adaptation of the upstream commit that its header names; the upstream authors have signed off none of it."
	} | paste -sd' ' | fmt -w 72
	echo
	texts
	echo "What gates recorded of the series as it is, by lane (the project's README.md, section"
	echo "\"Milestones\", has the rest)"
	echo
	recorded "$1" "$2"
	echo
	echo "Upstream commits, by what became of them"
	echo "  ${COUNT[adapted]-0} adapted, ${COUNT[partial]-0} in part, ${COUNT[folded]-0} folded into others; ${COUNT[local]-0} patches of our own"
	echo "  ${COUNT[omitted]-0} left out of the series, each for the reason in its row of upstream-map.csv"
	printf '\nBy upstream author\n\n'
	shortlog
	printf 'Files, summed up over the patches\n\n'
	(cd "$TOP" && cat -- "${PATCHES[@]}") | env -u DIFFSTAT_EXT_OPTIONS diffstat -p1 -w 75
}
