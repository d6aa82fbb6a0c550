# shellcheck shell=bash disable=SC2034
# scripts/lib/hunks.sh - what patch(1) makes of a patch of the series in a tree.
#
# Usage:   . scripts/lib/hunks.sh         after scripts/lib/lib.sh
# Inputs:  patches/
# Outputs: the functions below
# Exit codes: none of its own

# hunk_line PATCH FILE N: line of the N-th hunk of FILE in PATCH.
hunk_line() {
	awk -v f="b/$2" -v n="$3" '/^\+\+\+ / { on = $2 == f; i = 0 }
		on && /^@@ / && ++i == n { print NR; exit }' "$TOP/$1"
}

# failures PATCH: what patch(1) says on stdin, one line "LINE TEXT" for each
# thing that does not apply: where it is in PATCH (1: unknown) and what it is.
failures() {
	local line file='' skipped=''
	while IFS= read -r line; do
		case $line in
		'patching file '*) file=${line#patching file } ;;
		'checking file '*) file=${line#checking file } ;;
		"can't find file to patch"*) skipped=1 ;;
		'|+++ b/'* | '|--- a/'*)
			[ -z "$skipped" ] || file=${line:7} file=${file%%$'\t'*}
			;;
		*'Skipping patch.')
			echo "$(hunk_line "$1" "$file" 1) hunk #1 of $file does not apply: no such file in the tree"
			skipped=
			;;
		'Hunk #'*' FAILED at '*)
			set -- "$1" "${line#Hunk #}"
			set -- "$1" "${2%% *}" "${2##* }"
			echo "$(hunk_line "$1" "$file" "$2") hunk #$2 of $file does not apply at line ${3%.}"
			;;
		*'**** '*) echo "1 ${line#*\*\*\*\* }" ;;
		esac
	done
}

# try DIR PATCH ARGUMENT...: patch(1) on the files in DIR, all it says in $out.
try() {
	local dir=$1 p=$2
	shift 2
	out=$(patch -d "$dir" -p1 -f --no-backup-if-mismatch -r - "$@" -i "$TOP/$p" 2>&1)
}

# failed_hunks PATCH: of what patch(1) says on stdin the hunks, "#N of FILE".
failed_hunks() {
	failures "$1" | sed -n 's/^[0-9]* hunk \(.*\) does not apply at line .*/\1/p' | sort
}

# presence DIR PATCH: does DIR have the change of a patch already? PRESENT = whole: all of it
# reverses with zero fuzz (asked first: a few patches apply on top of themselves); applies:
# no; part: hunks of it, which THERE names; none: it does not apply either way.
presence() {
	local backward
	PRESENT=whole THERE=''
	! try "$1" "$2" -R -F0 --dry-run || return 0
	PRESENT=applies backward=$out
	! try "$1" "$2" -F0 --dry-run || return 0
	PRESENT=none
	THERE=$(comm -23 <(failed_hunks "$2" <<<"$out") <(failed_hunks "$2" <<<"$backward") |
		sed 's/^/hunk /' | paste -sd, | sed 's/,/, /g')
	[ -z "$THERE" ] || PRESENT=part
}
