# shellcheck shell=bash
# scripts/lib/project.sh - names of patches, the text of the series for both kinds of
# base, and changing several files of the project as one.
#
# Usage:   . scripts/lib/project.sh       after scripts/lib/lib.sh
#          project_begin; project_put PATH <text; project_remove PATH; project_commit
# Inputs:  series, the headers of the patches, and patches/omitted.csv
# Outputs: PATCH_ERE (what the path of a patch looks like), STABLE_SERIES and DERIVED
#          (paths of the files that follow from the others) and the functions
#          below. What project_commit has begun and a kill -9 has interrupted,
#          project_finish completes: it goes first in each command that writes.
# Exit codes: none of its own

# shellcheck disable=SC2034 # for those who source this
PATCH_ERE='patches/[a-z0-9.-]+/[a-z0-9-]+\.patch'
STABLE_SERIES=patches/stable.series
DERIVED=("$STABLE_SERIES" upstream-map.csv)
PROJECT_NEW=$TOP/.series.new
PROJECT_TODO=$TOP/.series.todo

# slug TITLE: file name of a patch, without .patch: lower case, words joined by
# '-', without the area (KVM's own parts other than the MMU and VMX or SVM stay).
slug() {
	sed -E "s#^((KVM|kvm): (x86/mmu: |x86: |mmu: |n?(VMX|SVM): )?|[^ ]+: )##I
		s/[\"'()]//g; s#A/D#AD#g; s/[^A-Za-z0-9]+/-/g; s/^-+|-+\$//g" <<<"$1" | tr '[:upper:]' '[:lower:]'
}

# read_bases: BASE_OF[PATH] = openeuler or stable, for a patch whose header says so,
# else both. What project_put was given counts, where it is.
read_bases() {
	local path base dir
	declare -gA BASE_OF=()
	for dir in "$TOP" "$PROJECT_NEW/files"; do
		[ -d "$dir/patches" ] || continue
		while read -r path base; do
			BASE_OF[$path]=$base
		done < <(cd "$dir" && find patches -name '*.patch' -size +0 -exec awk '
			FNR == 1 { print FILENAME, "both"; head = 1 }
			/^---$/ { head = 0 }
			head && /^Base: (openeuler|stable)$/ { print FILENAME, $2 }' {} +)
	done
}

# derive: the series for stable, of the text of `series` on stdin.
derive() {
	local line
	read_bases
	while IFS= read -r line; do
		line=${line#"#stable: "}
		[ "${BASE_OF[${line:-none}]-}" = openeuler ] || printf '%s\n' "$line"
	done
}

# project_derive: of what project_put was given, series among it: the files that follow.
project_derive() {
	local tool
	tool=$("$TOP/scripts/lib/build-tool" derive-map) || exit
	derive <"$PROJECT_NEW/files/series" | project_put "$STABLE_SERIES"
	"$tool" "$TOP" "$PROJECT_NEW/files" >"$PROJECT_NEW/files/upstream-map.csv" || exit "$EX_USAGE"
}

# with_others KIND PATH...: these patches, all that bases of that kind have, in this
# order, and with them those of the other kind only: each behind the patch of its
# milestone that it stands behind now, or first in its milestone.
with_others() {
	local kind=$1 p q m at i last='' all
	local -A here=() place=()
	shift
	for p; do
		here[$p]=1
	done
	read_bases
	while read -r p; do
		m=$(milestone_of "$p")
		[ "$m" = "${last%% *}" ] || last="$m "
		if [ -z "${here[$p]-}" ]; then
			case ${BASE_OF[$p]-both} in
			both | "$kind") continue ;;
			esac
			all=("$@") at=0
			for i in "${!all[@]}"; do
				q=${all[i]#patches/}
				if [ "${all[i]}" = "${last#* }" ] || [[ " $MILESTONES " = *" ${q%%/*} "*"$m "* ]]; then
					at=$((i + 1))
				fi
			done
			set -- "${all[@]:0:at}" "$p" "${all[@]:at}"
		fi
		last="$m $p"
	done < <(project_patches)
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# compose_series PATH...: the text of `series` with these patches in this order.
# Comments stay: the heading of a milestone above its first patch, any other one
# above the patch it stands above now.
compose_series() {
	local -A above=() heading=() begun=()
	local block='' head='' line m p
	read_bases
	while IFS= read -r line; do
		line=${line#"#stable: "}
		case $line in
		'' | '#'*) block+=$line$'\n'; continue ;;
		esac
		m=$(milestone_of "$line")
		if [ -n "${heading[$m]+set}" ]; then
			above[$line]=$block
		else
			if [ ${#heading[@]} -eq 0 ] && [[ $block = *$'\n\n'* ]]; then
				head=${block%$'\n\n'*}$'\n\n'
				block=${block##*$'\n\n'}
			fi
			heading[$m]=$block
		fi
		block=
	done <"$TOP/series"
	printf '%s' "$head"
	for p; do
		m=$(milestone_of "$p")
		if [ -z "${begun[$m]-}" ]; then
			begun[$m]=1
			printf '%s' "${heading[$m]-$'\n'"# milestone: $m"$'\n'}"
		fi
		[ "${BASE_OF[$p]-}" != stable ] || p="#stable: $p"
		printf '%s%s\n' "${above[${p#"#stable: "}]-}" "$p"
	done
	printf '%s' "$block"
}

# project_begin: nothing is to be changed yet.
project_begin() {
	rm -rf "$PROJECT_NEW"
	mkdir -p "$PROJECT_NEW/files"
	: >"$PROJECT_NEW/remove"
}

# project_put PATH: its new content is on stdin.
project_put() {
	mkdir -p "$(dirname "$PROJECT_NEW/files/$1")"
	cat >"$PROJECT_NEW/files/$1"
}

# project_remove PATH
project_remove() {
	echo "$1" >>"$PROJECT_NEW/remove"
}

# project_commit: all of it, from now on even when this process is killed.
project_commit() {
	trap '' INT TERM HUP
	mv -T "$PROJECT_NEW" "$PROJECT_TODO"
	project_finish
	exit_on_signals
}

# project_finish: complete what an earlier run has begun. What cannot be put in
# its place stays for the next run.
project_finish() {
	local path
	[ -d "$PROJECT_TODO" ] || { rm -rf "$PROJECT_NEW"; return 0; }
	find "$PROJECT_TODO/files" -type f -printf '%P\n' | sort | while read -r path; do
		{ mkdir -p "$(dirname "$TOP/$path")" && mv -f "$PROJECT_TODO/files/$path" "$TOP/$path"; } || exit
	done || die "$EX_HARNESS" "$TOP cannot be written to: run this again when it can, $PROJECT_TODO holds the rest"
	while read -r path; do
		rm -f "$TOP/$path"
		[ ! -d "$TOP/$(dirname "$path")" ] ||
			rmdir --ignore-fail-on-non-empty "$TOP/$(dirname "$path")"
	done <"$PROJECT_TODO/remove"
	rm -rf "$PROJECT_NEW"
	mv -T "$PROJECT_TODO" "$PROJECT_NEW"
	rm -rf "$PROJECT_NEW"
}
