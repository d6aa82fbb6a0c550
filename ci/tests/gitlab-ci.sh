#!/usr/bin/env bash
# gitlab-ci.sh - test of ci/gitlab-ci.yml and ci/README.md: the commands and
# options that they name are there, and nothing is left out.
#
# Usage:   gitlab-ci.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
YML=$TOP/ci/gitlab-ci.yml README=$TOP/ci/README.md
cd "$TOP"

# job LINES: the job's name, and the value of each key, one a line.
jobs() {
	sed -n 's/^\([a-z][a-z-]*\):$/\1/p' "$YML" | grep -vx 'default\|variables'
}
# value JOB KEY
value() {
	sed -n "/^$1:\$/,/^\$/s/^  $2: //p" "$YML"
}

# command JOB: its script is one command of the project that takes these options.
command_is_there() {
	local line words help option
	line=$(value "$1" script)
	read -ra words <<<"$line"
	[ -x "$TOP/${words[0]}" ] || { echo "$1: no ${words[0]}"; return 1; }
	help=$("$TOP/${words[0]}" -h) || { echo "$1: ${words[0]} has no -h"; return 1; }
	while read -r option; do
		[[ $help = *"$option"* ]] || { echo "$1: ${words[0]} knows no $option"; return 1; }
	done < <(grep -oE -- "--[a-z]+" <<<"${line%%\$(*}" || true)
}
commands() {
	local job n=0
	while read -r job; do
		command_is_there "$job" || return
		n=$((n + 1))
	done < <(jobs)
	[ $n -ge 10 ] || { echo "only $n jobs found"; return 1; }
}
# Every job has one of the stages, and only keys that are known here.
form() {
	local job stages bad
	stages=$(sed -n 's/^stages: \[\(.*\)\]$/\1/p' "$YML")
	while read -r job; do
		[[ ", $stages, " = *", $(value "$job" stage), "* ]] || { echo "$job: no stage of $stages"; return 1; }
	done < <(jobs)
	bad=$(sed '/^default:$/,/^$/d; /^variables:$/,/^$/d' "$YML" | grep -E '^ ' |
		grep -vE '^  (stage|script|before_script|parallel|allow_failure|rules|timeout): [^ ]|^  - |^    (when|allow_failure): ')
	[ -z "$bad" ] || { echo "$bad"; return 1; }
	! grep -nP '\t' "$YML"
}
# What may end in a skip is not red for it.
skips() {
	local job command
	while read -r job; do
		command=$(value "$job" script)
		case ${command%% *} in
		ci/base-matrix | scripts/check-upstream)
			[ "$(value "$job" allow_failure)" = '*may-skip' ] || { echo "$job: a skip is red"; return 1; }
			;;
		esac
	done < <(jobs)
	[[ $(value bases script) = ci/base-matrix* ]] && [[ $(value upstream script) = scripts/check-upstream* ]]
}
milestone() {
	local line
	line=$(sed -n '/^\.milestone:/{n;s/^  - //p}' "$YML")
	(unset MILESTONE; eval "$line"; is_milestone "$MILESTONE" && grep -q "^patches/$MILESTONE/" "$SERIES") &&
		(MILESTONE=mine; eval "$line"; [ "$MILESTONE" = mine ])
}
# list JOB NAME: the words of a matrix, sorted.
list() {
	value "$1" parallel | sed -n "s/.*$2: \[\([^]]*\)\].*/\1/p" | tr -d ' ' | tr , '\n' | sort
}
lanes() {
	diff <(list gate LANE) <(find ci/lanes -type f -executable -printf '%f\n' | sort) &&
		diff <(list stress LANE) <(grep -l '^stress ' ci/machine/lists/* | sed 's/.*\///; s/\.table//' | sort)
}
# Each job that takes a base is there for the default one and each that was tested.
bases() {
	local job n=0
	while read -r job; do
		[[ $(value "$job" script) = *"--base \"\$BASE\""* ]] || continue
		n=$((n + 1))
		diff <(value "$job" parallel | grep -oE 'BASE: \[[^]]*' | cut -c8- | tr -d ' ' | tr , '\n' | sort) \
			<({ echo "$BASE_VERSION"; grep -l '^content ' scripts/lib/bases/* | sed 's/.*\///'; } | sort) || return
		[ "$(value "$job" allow_failure)" = '*may-skip' ] || { echo "$job: a base that is not there is red"; return 1; }
	done < <(jobs)
	[ $n -ge 8 ] || { echo "only $n jobs with a base"; return 1; }
}
# What takes a base has a job for each.
takes_base() {
	local job command
	while read -r job; do
		command=$(value "$job" script)
		command=${command%% *}
		[[ $command = ci/* && $("$command" -h) = *'--base NAME'* ]] || continue
		[[ $(value "$job" script) = *--base* ]] || { echo "$job: on the default base only"; return 1; }
	done < <(jobs)
}
# Whatever ci/test --all has the gate do is done by a job.
kinds() {
	local option n=0
	while read -r option; do
		n=$((n + 1))
		grep -qE "^  (script: ci/gate .*|parallel: .*HOW: .*)$option\\b" "$YML" || { echo "no job with ci/gate $option"; return 1; }
	done < <(grep 'add_gate "' ci/lib/tests.sh | grep -v retry | grep -oE -- ' --[a-z]+' | tr -d ' ' | sort -u)
	[ $n -ge 4 ] || { echo "only $n options found"; return 1; }
}
lints() {
	diff <(list lint WHAT) <(sed -n 's/^\([a-z-]*\)) [a-z_]* ;;$/\1/p' ci/lint | sort)
}
variants() {
	diff <(list instrumented HOW) <(ci/gate -h | sed -n 's/^ *\(--[a-z]*\)  *kernel with.*/\1/p' | sort)
}
tests_of_tools() {
	local command
	command=$(value tools script)
	eval "printf '%s\n' ${command#ci/test }" >"$TMP/tools"
	"$TOP/ci/test" --list | grep '^tool-' | grep -vx tool-boot-init >"$TMP/listed"
	diff "$TMP/tools" "$TMP/listed" && grep -qx tool-gitlab-ci "$TMP/tools"
}
# The contract: the commands of the jobs, and each exit code that README.md has.
contract() {
	local job command
	while read -r job; do
		command=$(value "$job" script)
		grep -qF "${command%% *}" "$README" || { echo "$README: nothing about ${command%% *}"; return 1; }
	done < <(jobs)
	diff <(grep -oE '^\| [0-5] \|' "$README") <(grep -oE '^\| [0-5] \|' "$TOP/README.md") &&
		[ "$(grep -cE '^\| [0-5] \|' "$README")" -eq 6 ]
}
# shellcheck disable=SC2016 # the backquotes are Markdown's
# Files of a run that it promises are those of ci/gate.
files() {
	local f help names
	help=$(ci/gate -h)
	mapfile -t names < <(sed -n '/^## Result files/,/^## /s/^| `\([a-z.]*\)` |.*/\1/p' "$README")
	for f in "${names[@]}"; do
		[[ $help = *"$f"* ]] || { echo "$README: ci/gate says nothing of $f"; return 1; }
	done
	[ ${#names[@]} -ge 5 ]
}
check "each job is a command, with options that it has" commands
check "stages and keys" form
check "skips are not red" skips
check "the milestone, unless given" milestone
check "all lanes" lanes
check "all bases" bases
check "whatever takes a base" takes_base
check "all kinds of runs of the gate" kinds
check "all parts of ci/lint" lints
check "all instrumented variants" variants
check "all tests of the tools" tests_of_tools
check "the contract has every command and exit code" contract
check "the contract's result files" files
tap_end
