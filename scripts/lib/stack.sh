# shellcheck shell=bash disable=SC2034
# scripts/lib/stack.sh - the quilt stack of a tree: what of the series is on it, and
# which patches it leaves out because the tree has them from elsewhere.
#
# Usage:   . scripts/lib/stack.sh         after scripts/lib/lib.sh
# Inputs:  TREE, SERIES, TREE/.pc; TREE/.pc/series, where patches are left out: the
#          series with `#skipped: ` before these, and its name behind `#series: `
# Outputs: SKIP (array: the patches left out), KEPT (those that the stack left out
#          before), APPLIED and the functions below
# Exit codes: 2 refused input

SKIP=()

# stack_patches: the patches of SERIES without those of SKIP, one a line.
stack_patches() {
	series_patches | grep -vxF -f <(printf '%s\n' "${SKIP[@]}") || true
}

# _find_patch NAME: the patch of SERIES of that path, file name, or that without .patch
_find_patch() {
	local p
	while read -r p; do
		case $p in
		"$1" | */"$1" | */"$1".patch) echo "$p"; return 0 ;;
		esac
	done < <(series_patches)
	return 1
}

# _add_skips LIST: SKIP has these too: PATCH[,PATCH]..., or a file that names one a line.
_add_skips() {
	local name p names
	mapfile -t names < <(tr , '\n' <<<"$1")
	if [ -r "$1" ] && [ ! -d "$1" ] &&
		! _find_patch "${names[0]}" >/dev/null; then
		mapfile -t names < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$1")
	fi
	for name in "${names[@]}"; do
		p=$(_find_patch "$name") ||
			die "$EX_USAGE" "--skip: there is no patch '$name' in ${SERIES#"$TOP/"}, and no file of that name"
		SKIP+=("$p")
	done
}

# stack_series: the series file of the tree's stack; 1 if quilt has noted none.
stack_series() {
	local value
	[ -s "$TREE/.pc/.quilt_series" ] || return 1
	value=$(cat "$TREE/.pc/.quilt_series")
	if [ "$value" = series ] && [ -f "$TREE/.pc/series" ]; then
		value=$TOP/$(sed -n '1s/^#series: //p' "$TREE/.pc/series")
	fi
	(cd "$TREE" && realpath -m "$value")
}

# check_stack [LIST]: APPLIED, and SKIP by LIST and by what was left out before; death
# when the stack in the tree is not ours.
check_stack() {
	local value line all
	APPLIED=0 SKIP=()
	if [ -s "$TREE/.pc/applied-patches" ] && [ -f "$TREE/.pc/series" ]; then
		mapfile -t SKIP < <(sed -n 's/^#skipped: //p' "$TREE/.pc/series")
	fi
	KEPT=("${SKIP[@]}")
	[ -z "${1-}" ] || _add_skips "$1"
	[ -e "$TREE/.pc" ] || return 0
	if [ -s "$TREE/.pc/.quilt_patches" ]; then
		value=$(cat "$TREE/.pc/.quilt_patches")
		[ "$(cd "$TREE" && realpath -m "$value")" = "$(realpath "$TOP")" ] ||
			die "$EX_USAGE" "$TREE/.pc belongs to another quilt stack (patches: $value): pop it there (quilt pop -a), or remove .pc if nothing is applied"
	fi
	value=$(stack_series) && [ "$value" != "$(realpath "$SERIES")" ] &&
		die "$EX_USAGE" "$TREE/.pc belongs to another quilt stack (series: $(cat "$TREE/.pc/.quilt_series")): pop it there (quilt pop -a), or remove .pc if nothing is applied"
	[ -s "$TREE/.pc/applied-patches" ] || return 0
	mapfile -t all < <(stack_patches)
	while read -r line; do
		[[ " ${SKIP[*]} " != *" $line "* ]] ||
			die "$EX_USAGE" "$TREE/.pc/applied-patches:$((APPLIED + 1)): '$line' is to be skipped, but was applied here: quilt pop takes it back"
		[ "$line" = "${all[APPLIED]-}" ] ||
			die "$EX_USAGE" "$TREE/.pc/applied-patches:$((APPLIED + 1)): '$line' is not patch $((APPLIED + 1)) of the series: pop the stack it belongs to (quilt pop -a)"
		APPLIED=$((APPLIED + 1))
	done <"$TREE/.pc/applied-patches"
	_check_files "${all[@]}"
}

# _check_files PATCH...: death when the files are not as the first APPLIED ones left them,
# e.g. after git checkout: of each file, the last patch that changes it has to reverse. What
# a killed run has left half applied (apply-series undoes it) is passed over.
_check_files() {
	local p file out bad n
	local -A topmost=() files=()
	while IFS=: read -r p file; do
		topmost[$file]=$p
	done < <(cd "$TOP" && lsdiff -H --strip 1 -- "${@:1:APPLIED}")
	for p in "${@:APPLIED+1}"; do
		[ -d "$TREE/.pc/$p" ] || continue
		while read -r file; do
			unset "topmost[$file]"
		done < <(cd "$TREE/.pc/$p" && find . -type f -printf '%P\n')
	done
	[ ${#topmost[@]} -gt 0 ] || return 0
	for file in "${!topmost[@]}"; do
		files[${topmost[$file]}]+="-i $file "
	done
	# shellcheck disable=SC2086 # lists of words
	out=$(for p in "${!files[@]}"; do
		filterdiff --clean --strip-match=1 ${files[$p]} "$TOP/$p"
	done | patch -d "$TREE" -R -p1 -f -F0 --dry-run -r - 2>&1) && return 0
	bad=$(failures "$1" <<<"$out" | sed -n 's/.* of \(.*\) does not apply.*/\1/p' | sort -u)
	n=$(($(wc -l <<<"$bad") - 1))
	die "$EX_USAGE" "$TREE/.pc says that $APPLIED patches are applied, but not in $(head -n 1 <<<"$bad")$([ $n -eq 0 ] || echo " and $n other files"): put back what changed, or revert all (git checkout . && git clean -fd) and remove .pc"
}

# note_skips: into TREE/.pc, for quilt, what series it has: without SKIP.
note_skips() {
	local pc=$TREE/.pc
	[ ${#SKIP[@]} -gt 0 ] || [ -f "$pc/series" ] || return 0
	mkdir -p "$pc"
	[ -s "$pc/.version" ] || echo 2 >"$pc/.version"
	echo "$TOP" >"$pc/.quilt_patches"
	if [ ${#SKIP[@]} -eq 0 ]; then
		echo "$SERIES" >"$pc/.quilt_series"
		rm -f "$pc/series"
		return 0
	fi
	awk -v s="${SERIES#"$TOP/"}" 'BEGIN { print "#series: " s }
		NR == FNR { skip[$0] = 1; next }
		{ print ($0 in skip ? "#skipped: " : "") $0 }' \
		<(printf '%s\n' "${SKIP[@]}") "$SERIES" >"$pc/series"
	echo series >"$pc/.quilt_series"
}
