# shellcheck shell=bash
# scripts/lib-project.sh - names of patches, the text of the series, and changing
# several files of the project as one.
#
# Usage:   . scripts/lib-project.sh       after scripts/lib.sh
#          project_begin; project_put PATH <text; project_remove PATH; project_commit
# Inputs:  series
# Outputs: PATCH_ERE (what the path of a patch looks like) and the functions
#          below. What project_commit has begun and a kill -9 has interrupted,
#          project_finish completes: it goes first in each command that writes.
# Exit codes: none of its own

# shellcheck disable=SC2034 # for those who source this
PATCH_ERE='patches/[a-z0-9.-]+/[a-z0-9-]+\.patch'
PROJECT_NEW=$TOP/.series.new
PROJECT_TODO=$TOP/.series.todo

# slug TITLE: file name of a patch, without .patch: lower case, words joined by
# '-', without the area (KVM's own parts other than the MMU and VMX or SVM stay).
slug() {
	sed -E "s#^((KVM|kvm): (x86/mmu: |x86: |mmu: |n?(VMX|SVM): )?|[^ ]+: )##I
		s/[\"'()]//g; s#A/D#AD#g; s/[^A-Za-z0-9]+/-/g; s/^-+|-+\$//g" <<<"$1" | tr '[:upper:]' '[:lower:]'
}

# milestone_of PATH
milestone_of() {
	local m=${1#patches/}
	echo "${m%%/*}"
}

# compose_series PATH...: the text of the series with these patches in this
# order. Comments stay: the heading of a milestone above its first patch, any
# other one above the patch it stands above now.
compose_series() {
	local -A above=() heading=() begun=()
	local block='' head='' line m p
	while IFS= read -r line; do
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
	done <"$SERIES"
	printf '%s' "$head"
	for p; do
		m=$(milestone_of "$p")
		if [ -z "${begun[$m]-}" ]; then
			begun[$m]=1
			printf '%s' "${heading[$m]-$'\n'"# milestone: $m"$'\n'}"
		fi
		printf '%s%s\n' "${above[$p]-}" "$p"
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
