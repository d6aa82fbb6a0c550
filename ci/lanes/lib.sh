# shellcheck shell=bash
# ci/lanes/lib.sh - what the lanes share: what they tell of themselves, options, time
# limit, clean end.
#
# Usage:   . ci/lanes/lib.sh; then
#          lane_options KEY=VALUE... -- OPTION...; lane_run COMMAND...; lane_end [DIED_REASON]
# Inputs:  the options of every lane:
#          --kernel IMAGE --initrd FILE --out DIR [--cpus N] [--memory MIB]
#          [--append "CMDLINE"] [--timeout SECONDS], and where a lane says so [--cpu FEATURES]
#          [--numa NODES]; or one of --packages, --arch, -h, --about KEY. KEY is one of
#            cpus        CPUs of each of its boots, "-": as many as it has by itself
#            stress      the same, of a boot under stress
#            boots       of it that ci/gate has side by side here
#            variants    of kernels that it takes
#            unasked     those of them that ci/gate boots when no lane is named
#            mmus        that a boot is to have: tdp0 and tdp1, as KVM asks its parameter
#                        tdp_mmu here, and shadow; or none, as there is one MMU
#            nested      what switches nested paging off, and how KVM's parameter reads then
#            lists       of tests that are its own: LANE, and LANE-SUITE of ci/machine/lists
#            short       what ci/test does with it without --all: `boots`, `compiles` KVM
#                        for its architecture, `openeuler` (boots openEuler's kernels with
#                        that list, of what only these have), or `-`
#            clock       what its clock counts: instructions, as ci/bench wants it, or
#                        `host`, which says nothing
#            suites      of ci/mutants, a line each: ORDER SUITE VARIANT MMU CPUS LIST
#            options     those that not every lane has: --cpu, --numa
#            patch       for its kernel, which the emulator asks for; or nothing
#            all         lines "KEY ANSWER" of these, of arch and of packages
#          and of the lane lane_options takes what --about tells, but for lists and boots,
#          besides arch, packages, memory and limit (MiB and seconds, defaults), size (CPUs
#          that it has by itself), threads (1: a boot keeps one CPU of the host busy), nodes
# Outputs: MACHINE[KEY], an array: kernel, initrd, out, append, features, nodes, cpus, memory,
#          limit, as the options say; cmdline, what every kernel gets; work, a folder that
#          is removed at the end; ended, by lane_run: exit N | timeout
#          DIR/console.log  the serial console
#          DIR/lane.txt     one line: ended: poweroff|timeout|died ... after N s
#          progress on stderr every 15 s: seconds, last test that began
# Exit codes: 0 the machine powered itself off, 2 usage, 5 anything else
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../scripts/lib/lib.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../lib source=lists.sh
. "$TOP/ci/lib/lists.sh"

declare -A MACHINE=() _LANE=()
_ANSWER=''

_lane_number() {
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die $EX_USAGE "$1 wants a number, not '$2'"
}

# _lane_about KEY: sets _ANSWER.
_lane_about() {
	case $1 in
	boots) if [ "${_LANE[threads]-}" = 1 ]; then _ANSWER=$(nproc); else _ANSWER=1; fi ;;
	lists)
		_ANSWER=$(table_lists "${0##*/}" | paste -sd' ')
		;;
	patch | options | suites | arch | packages) _ANSWER=${_LANE[$1]-} ;;
	cpus | stress | short | nested) _ANSWER=${_LANE[$1]:--} ;;
	variants | unasked) _ANSWER=${_LANE[$1]-plain} ;;
	mmus) _ANSWER=${_LANE[mmus]-none} ;;
	clock) _ANSWER=${_LANE[clock]-host} ;;
	*) die $EX_USAGE "--about: nothing is known of '$1': see -h" ;;
	esac
}

# _lane_all: "KEY WORDS" of all of them, a line for each line of an answer.
_lane_all() {
	local key
	for key in arch packages cpus stress boots variants unasked mmus nested lists short clock suites options patch; do
		_lane_about "$key"
		echo "$key ${_ANSWER//$'\n'/$'\n'"$key "}"
	done
}

# lane_options KEY=VALUE... -- OPTION...
lane_options() {
	local what
	while [ "$1" != -- ]; do
		_LANE[${1%%=*}]=${1#*=}
		shift
	done
	shift
	MACHINE=([kernel]='' [initrd]='' [out]='' [append]='' [features]='' [nodes]=${_LANE[nodes]-}
		[cpus]=${_LANE[size]} [memory]=${_LANE[memory]} [limit]=${_LANE[limit]})
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		--packages) echo "${_LANE[packages]}"; exit 0 ;;
		--arch) echo "${_LANE[arch]}"; exit 0 ;;
		--about)
			need_value "$@"
			if [ "$2" = all ]; then _lane_all; else _lane_about "$2" && echo "$_ANSWER"; fi
			exit 0
			;;
		--append) [ $# -ge 2 ] || need_value "$@"; MACHINE[append]=$2; shift ;;
		--kernel | --initrd | --out) need_value "$@"; MACHINE[${1#--}]=$2; shift ;;
		--cpus | --memory) need_value "$@"; _lane_number "$@"; MACHINE[${1#--}]=$2; shift ;;
		--timeout) need_value "$@"; _lane_number "$@"; MACHINE[limit]=$2; shift ;;
		--cpu)
			need_value "$@"
			[[ " ${_LANE[options]-} " = *" --cpu "* ]] || die $EX_USAGE "--cpu: this lane has one model of CPU"
			MACHINE[features]=$2; shift
			;;
		--numa)
			need_value "$@"; _lane_number "$@"
			[[ " ${_LANE[options]-} " = *" --numa "* ]] || die $EX_USAGE "--numa: this lane has one node"
			MACHINE[nodes]=$2; shift
			;;
		*) die $EX_USAGE "unknown option '$1': see -h" ;;
		esac
		shift
	done
	[[ -n ${MACHINE[kernel]} && -n ${MACHINE[initrd]} && -n ${MACHINE[out]} ]] ||
		die $EX_USAGE "--kernel, --initrd and --out are wanted: see -h"
	for what in kernel initrd; do
		[ -s "${MACHINE[$what]}" ] || die $EX_USAGE "no $what '${MACHINE[$what]}', or an empty one"
		MACHINE[$what]=$(readlink -f "${MACHINE[$what]}")
	done
	# shellcheck disable=SC2086 # a list of words
	need_packages ${_LANE[packages]}
	mkdir -p "${MACHINE[out]}"
	MACHINE[out]=$(readlink -f "${MACHINE[out]}")
	rm -f "${MACHINE[out]}"/{console.log,lane.txt}
	# All records reach the console, a dead kernel ends.
	MACHINE[cmdline]="printk.devkmsg=on loglevel=8 ignore_loglevel panic=-1"
	MACHINE[work]=$(mktemp -d "${MACHINE[out]}/.work.XXXXXX")
	_lane_work=${MACHINE[work]} _lane_pid='' _lane_started=$SECONDS
	trap _lane_clean EXIT
	exit_on_signals
}

# The emulator has a session of its own: all of it goes, and only it.
_lane_clean() {
	if [ -n "$_lane_pid" ]; then
		kill -KILL -- "-$_lane_pid" 2>/dev/null || true
		wait "$_lane_pid" 2>/dev/null || true
	fi
	rm -rf "$_lane_work"
}

# _lane_watch: kills the emulator's session when this script is gone, even by
# kill -9. It lives in another session than both, and holds no file of ours.
_lane_watch() {
	# shellcheck disable=SC2016 # its own variables
	setsid bash -c '
		while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 1; done
		kill -0 "$1" 2>/dev/null && exit
		kill -KILL -- "-$2" 2>/dev/null
		rm -rf "$3"' watch $$ "$_lane_pid" "$_lane_work" </dev/null >/dev/null 2>&1 &
}

# lane_run COMMAND...: run the emulator until it ends or the time is up. Its own
# words go to emulator.log of the work folder.
lane_run() {
	local next=$((SECONDS + 15)) rc=0 last console=${MACHINE[out]}/console.log
	: >"$console"
	setsid "$@" </dev/null >"$_lane_work/emulator.log" 2>&1 &
	_lane_pid=$!
	_lane_watch
	MACHINE[ended]=''
	while kill -0 "$_lane_pid" 2>/dev/null; do
		if [ $((SECONDS - _lane_started)) -ge "${MACHINE[limit]}" ]; then
			MACHINE[ended]=timeout
			kill -KILL -- "-$_lane_pid" 2>/dev/null || true
			break
		fi
		if [ $SECONDS -ge $next ]; then
			last=$(grep -aoE 'gate: (test [0-9]+ [^ ]+ begin|end.*)' "$console" | tail -n1) || true
			say "$((SECONDS - _lane_started)) s, ${last:-no test yet}"
			next=$((SECONDS + 15))
		fi
		sleep 0.2
	done
	wait "$_lane_pid" 2>/dev/null || rc=$?
	# What is left of its session.
	kill -KILL -- "-$_lane_pid" 2>/dev/null || true
	_lane_pid=''
	[ -n "${MACHINE[ended]}" ] || MACHINE[ended]="exit $rc"
}

# lane_end [REASON]: write lane.txt and exit. No REASON: the machine powered
# itself off.
lane_end() {
	local took=$((SECONDS - _lane_started)) line=${1:+died: $1}
	[ "${MACHINE[ended]-}" != timeout ] || line="timeout of ${MACHINE[limit]} s"
	line="ended: ${line:-poweroff} after $took s"
	echo "$line" >"${MACHINE[out]}/lane.txt.new"
	mv "${MACHINE[out]}/lane.txt.new" "${MACHINE[out]}/lane.txt"
	[ "$line" != "ended: poweroff after $took s" ] || exit 0
	tail -n 3 "$_lane_work/emulator.log" | sed 's/^/emulator: /' >&2
	die $EX_HARNESS "$line, see ${MACHINE[out]}/console.log"
}

# powering_off: the kernel has said that it is about to.
powering_off() {
	grep -aqE 'reboot: Power down|reboot: System halted' "${MACHINE[out]}/console.log"
}
