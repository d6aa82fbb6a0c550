#!/usr/bin/env bash
# ci/tests/options.sh - what every command does with -h, with an option that wants a
# value and gets none, and with an option that it does not know.
#
# Usage:   ci/tests/options.sh [COMMAND]...     default: all of scripts/, ci/, ci/lanes/
# Inputs:  the commands as they are. Which options want a value, their -h says: there
#          it stands behind them, one space away, e.g. `--base NAME`.
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
commands=("$@")
[ $# -gt 0 ] || mapfile -t commands < <(cd "$TOP" &&
	find scripts ci ci/lanes -maxdepth 1 -type f -perm -u+x | sort)

# with_value COMMAND: the options that want a value. Behind --dry-run it is the tree.
with_value() {
	timeout 60 "$TOP/$1" -h </dev/null |
		grep -oE '(^|[^a-z-])--[a-z-]+ ("?[A-Z]|vX)' | grep -oE -- '--[a-z-]+' |
		grep -vx -- --dry-run | sort -u
}

# refused COMMAND OPTION: code 2 (ci/bisect-step: no verdict), one line, and our own.
refused() {
	local want=$EX_USAGE rc=0
	[ "$1" != ci/bisect-step ] || want=125
	(cd "$TMP" && timeout 60 "$TOP/$1" "$2") </dev/null >"$TMP/out" 2>"$TMP/err" || rc=$?
	[ $rc -eq $want ] && [ ! -s "$TMP/out" ] && [ "$(wc -l <"$TMP/err")" -eq 1 ] &&
		grep -qE "^${1##*/}: error: .*[a-z]" "$TMP/err" && return 0
	echo "$1 $2: want exit $want and one line, '${1##*/}: error: ...', got exit $rc and:"
	cat "$TMP/out" "$TMP/err"
	return 1
}

# options COMMAND: each of them.
options() {
	local option bad=0
	for option in $(with_value "$1") --no-such-option; do
		refused "$1" "$option" || bad=1
	done
	return $bad
}

# helps COMMAND: -h prints how it is used, whatever the folder.
helps() {
	(cd / && timeout 60 "$TOP/$1" -h </dev/null) >"$TMP/out" 2>"$TMP/err" && [ ! -s "$TMP/err" ] &&
		grep -q '^Usage: ' "$TMP/out" && grep -qE '^Exit( codes)?[:,]' "$TMP/out"
}

for command in "${commands[@]}"; do
	check "$command -h" helps "$command"
	check "$command: an option without its value, and one that is not known" options "$command"
done
check "options that want a value are found" expect 0 '^--tag-prefix$' with_value scripts/series-to-git
tap_end
