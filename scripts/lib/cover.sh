# shellcheck shell=bash disable=SC2154 # base is the caller's
# scripts/lib/cover.sh - the cover letter of the series, from what the project
# says of itself.
#
# Usage:   . scripts/lib/cover.sh         after scripts/lib/series.sh and
#          scripts/lib/project.sh; then cover [MILESTONE]
# Inputs:  PATCHES, base      the patches that it covers, the base that they are for
#          upstream-map.csv   their upstream authors and relations
#          README.md          table of milestones: what each brings, its gate
#          BACKPORT-NOTES.md  section of each milestone: what changes, what for
# Outputs: cover: the letter on stdout
# Exit codes: 2 the map cannot be read; 1 a patch has no row in it

# paragraph: stdin as lines of 72 columns, indented by two, without markup.
paragraph() {
	sed 's/`//g' | fmt -w 70 | sed 's/^/  /'
}

# cell ROW N: the N-th cell of a row of a Markdown table.
cell() {
	local cells text
	IFS='|' read -r -a cells <<<"$1"
	read -r text <<<"${cells[$2]-}" || true
	printf '%s\n' "$text"
}

# readme_row MILESTONE: its row in README's table of milestones.
readme_row() {
	grep -m 1 "^| \`$1\` |" "$TOP/README.md" || true
}

# or_nothing TEXT WORDS: TEXT, or WORDS when there is none.
or_nothing() {
	printf '%s\n' "${1:-$2}" | paragraph
}

# notes MILESTONE: the rows of the table in its section of BACKPORT-NOTES.md.
notes() {
	local row what risk
	sed -n "/^## Milestone \`$1\`/,/^##/{/^| what |/d;/^| --/d;/^| /p}" "$TOP/BACKPORT-NOTES.md" |
		while IFS= read -r row; do
			what=$(cell "$row" 1) risk=$(cell "$row" 3)
			printf '%s\n' "$what ($(cell "$row" 2))${risk:+. Look at: $risk}" | sed 's/`//g' |
				fmt -w 68 | sed '1s/^/  - /; 1!s/^/    /'
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
	local tool rows patch m author relation
	local -A mine=()
	while read -r patch; do
		mine[$patch]=1
	done < <(series_patches)
	tool=$("$TOP/scripts/lib/build-tool" map-rows "$TOP"/scripts/src/{map-rows,csv,text}.c)
	rows=$("$tool" "$MAP") || exit "$EX_USAGE"
	while IFS=$'\x1f' read -r _ patch m _ _ author _ relation _; do
		[[ " ${PATCHES[*]}" = *" patches/$m/"* ]] || continue
		[ -z "$patch" ] || [ -n "${mine[$patch]-}" ] || continue
		COUNT[$relation]=$((${COUNT[$relation]-0} + 1))
		case $relation in
		adapted | partial | local) AUTHOR[$patch]=$author RELATION[$patch]=$relation ;;
		esac
	done <<<"$rows"
}

# cover MILESTONE: of one milestone; of all when it is empty.
cover() {
	local -A AUTHOR=() RELATION=() COUNT=()
	local m row before='' changes
	read_map
	before=$(series_patches | sed "\\#^${PATCHES[0]}\$#,\$d" | tail -n 1)
	{
		echo "This is ${1:+the milestone $1 of }the TDP MMU for Linux 5.10 as openEuler ships it:"
		echo "${#PATCHES[@]} patches for $(base_title "$base")${before:+, on top of the milestone $(milestone_of "$before")}."
		echo "Each is our own adaptation of the upstream commit that its header names; the upstream authors have signed off none of it."
	} | paste -sd' ' | fmt -w 72
	echo
	for m in $MILESTONES; do
		[[ " ${PATCHES[*]}" = *" patches/$m/"* ]] || continue
		row=$(readme_row "$m")
		printf '%s brings\n' "$m"
		or_nothing "$(cell "$row" 3)" "(nothing is written down)"
		printf '\nIts gate ran\n'
		or_nothing "$(cell "$row" 4)" "(nothing is written down yet)"
		printf '\nWhat changes, in how many patches, and where to look\n'
		changes=$(notes "$m")
		echo "${changes:-  (nothing is written down yet)}"
		echo
	done
	echo "Upstream commits, by what became of them"
	echo "  ${COUNT[adapted]-0} adapted, ${COUNT[partial]-0} in part, ${COUNT[folded]-0} folded into others, ${COUNT[omitted]-0} left out; ${COUNT[local]-0} patches of our own"
	printf '\nBy upstream author\n\n'
	shortlog
	printf 'Files, summed up over the patches\n\n'
	(cd "$TOP" && cat -- "${PATCHES[@]}") | env -u DIFFSTAT_EXT_OPTIONS diffstat -p1 -w 75
}
