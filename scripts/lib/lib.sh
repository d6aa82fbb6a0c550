# shellcheck shell=bash disable=SC2034
# scripts/lib/lib.sh - what all scripts of the project share.
#
# Usage:   . "$(dirname "$(readlink -f "$0")")/lib/lib.sh"      (ci/: ../scripts/lib/lib.sh)
# Inputs:  TDP_BUILD  where everything built or fetched goes (default: build/ in the project)
#          JOBS       parallel compile jobs (default: number of CPUs)
#          TDP_INSTALLED  packages known to be installed; set by need_packages
# Outputs: the exit codes EX_*, the functions below, and what a library may read without
#          being handed it; all else is an argument, or its head says who sets it:
#          TOP, BUILD, JOBS, MAP, BASE_VERSION, MILESTONES; SERIES, KIND (use_kind);
#          BASE_NAME, BASE_KIND, BELOW, base_option (choose_base of scripts/lib/which.sh);
#          PATCHES, TREE, SKIP, KEPT, APPLIED (scripts/lib/series.sh, stack.sh)
# Exit codes, the same in every command of the project:
#   0 pass, 1 failure (a test, a patch, a check), 2 usage or refused input,
#   3 kernel splat, 4 skipped, 5 harness trouble (emulator, download, packages)

set -Eeuo pipefail
trap '_unexpected $? "$BASH_COMMAND" "${BASH_SOURCE[0]}:$LINENO" "${PIPESTATUS[*]}"' ERR
export LC_ALL=C.UTF-8
umask 022

TOP=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
BUILD=${TDP_BUILD:-$TOP/build}
JOBS=${JOBS:-$(nproc)}
MAP=$TOP/upstream-map.csv
BASE_VERSION=5.10.223
MILESTONES="iterator rwlock-rcu parallel-faults leak-unsync-fixes default-on beyond-5.15"
readonly EX_FAIL=1 EX_USAGE=2 EX_SPLAT=3 EX_SKIP=4 EX_HARNESS=5

# usage: print the comment at the head of the running script.
usage() {
	sed -n '2,/^[^#]/{/^# shellcheck/d;/^#/s/^# \{0,1\}//p}' "$(readlink -f "$0")"
}

# die CODE MESSAGE...: one line on stderr, then exit CODE.
# Start MESSAGE with "file:line: " where a file is at fault.
die() {
	local code=$1 msg
	shift
	msg="$*"
	if [[ $msg =~ ^([^:\ ]+:[0-9]+:)\ (.*)$ ]]; then
		printf '%s error: %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >&2
	else
		printf '%s: error: %s\n' "$(basename "$0")" "$msg" >&2
	fi
	exit "$code"
}

# _calls_ours COMMAND: a function of ours is called in it somewhere, within $() too.
_calls_ours() {
	local piece
	while read -r piece; do
		[[ $piece =~ ^((do|then|else|if|while|until|\!|\{)[[:space:]]+)*([A-Za-z_][A-Za-z_0-9]*)([[:space:]]|$) ]] || continue
		! declare -F "${BASH_REMATCH[3]}" >/dev/null || return 0
	done < <(tr ';|&()' '\n' <<<"$1")
	return 1
}

# _unexpected CODE COMMAND PLACE CODES: where set -e ends the script, a code of ours, of a
# test or of a signal stays; what else a tool exits with means nothing to our callers. In
# $(), where set -e is off, its caller is asked; a subshell whose reader has ended is
# silent; of a pipe whose end has passed the source line is all there is.
_unexpected() {
	local command=${2%%$'\n'*} line='' word
	[[ $- = *e* ]] || return 0
	[[ $1 -ne 141 || $BASHPID -eq $$ || $4 != *141 ]] || return 0
	[[ $4 != *" 0" || $command = [\[\(]* ]] || line=$(sed -n "${3##*:}{s/^[[:space:]]*//;p}" "${3%:*}" 2>/dev/null) || line='return'
	command=${line:-$command}
	while [[ $command =~ ^([A-Za-z_0-9]+(\[.*\])?\+?=)?\"?\$?\(\ ?(.*) ]]; do
		command=${BASH_REMATCH[3]}
	done
	word=${command%%[ );]*}
	case $1:$word in
	5:* | 129:* | 130:* | 137:* | 143:*) return 0 ;;
	1:\[* | 1:grep | 1:cmp | 1:diff | 1:false) return 0 ;;
	[1-4]:\"\$[A-Za-z]* | [1-4]:return | [1-4]:die | [1-4]:exit | [1-4]:wait) return 0 ;;
	[1-4]:*) ! [[ $2 =~ \$TOP\"?/(scripts|ci)/|[^a-z_](die|exit)\  ]] && ! _calls_ours "$2;$line" || return 0 ;;
	esac
	die $EX_HARNESS "${3#"$TOP/"}: '${2%%$'\n'*}' ended with $1, which nobody expects: is the disk full? See what it said"
}

# say MESSAGE...: progress, on stderr, so that stdout stays for results.
say() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# need_value OPTION [VALUE]...: of the arguments that are left; a value has to be there.
need_value() {
	[ -n "${2-}" ] || die $EX_USAGE "$1 wants a value: see -h"
}

# exit_on_signals: they end the script when the command that runs has ended, so
# that nothing is written behind its EXIT trap.
exit_on_signals() {
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# step NAME COMMAND...: run a command, print how long it took.
step() {
	local name=$1 t0=$SECONDS rc=0
	shift
	say "$name ..."
	"$@" || rc=$?
	say "$name: $((SECONDS - t0)) s$([ $rc -eq 0 ] || echo ", exit $rc")"
	return $rc
}

# with_lock NAME COMMAND...: keep two runs of the same step apart.
with_lock() {
	local name=$1 fd rc=0
	shift
	mkdir -p "$BUILD/lock"
	exec {fd}>"$BUILD/lock/$name"
	flock -n "$fd" || { say "waiting for another run of $name"; flock "$fd"; }
	"$@" {fd}>&- || rc=$?
	exec {fd}>&-
	return $rc
}

# hold_lock NAME: as with_lock, for the rest of the script, so that set -e stays
# in force. The children keep the lock too: when the script is killed, the next run waits
# for the compilers that are still at work.
hold_lock() {
	mkdir -p "$BUILD/lock"
	exec {HELD_LOCK}>"$BUILD/lock/$1"
	flock -n "$HELD_LOCK" && return 0
	say "waiting for another run of $1"
	flock "$HELD_LOCK"
}

# need_packages and what it takes
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=host-packages.sh
. "$TOP/scripts/lib/host-packages.sh"

# is_milestone NAME
is_milestone() {
	case " $MILESTONES " in *" $1 "*) return 0 ;; esac
	return 1
}

# milestone_of PATH: of a patch.
milestone_of() {
	local m=${1#patches/}
	echo "${m%%/*}"
}

# series_file KIND: the series for that kind of base. `series` is openEuler's; a
# project without patches/stable.series has one for both.
series_file() {
	local f=$TOP/series
	case $1 in
	openeuler) ;;
	stable) [ ! -f "$TOP/patches/stable.series" ] || f=$TOP/patches/stable.series ;;
	*) die $EX_USAGE "'$1' is no kind of base: openeuler or stable" ;;
	esac
	echo "$f"
}

# use_kind KIND: SERIES is the series for it from now on.
use_kind() {
	SERIES=$(series_file "$1") || exit
	KIND=$1
	[ -z "${QUILT_SERIES-}" ] || export QUILT_SERIES=$SERIES
}
use_kind stable

# series_patches: the patches of SERIES in order, one path a line.
series_patches() {
	[ ! -f "$SERIES" ] || grep -vE '^[[:space:]]*(#|$)' "$SERIES" || true
}

# last_milestone: that of the last patch of SERIES; nothing when there is none.
last_milestone() {
	milestone_of "$(series_patches | tail -n 1)"
}

# project_patches: the patches of all kinds, in the order of the file `series`.
project_patches() {
	sed -n 's/^#stable: //; /^[[:space:]]*\(#\|$\)/!p' "$TOP/series"
}
