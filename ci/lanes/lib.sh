# shellcheck shell=bash disable=SC2034
# ci/lanes/lib.sh - what the lanes share: options, time limit, clean end.
#
# Usage:   . ci/lanes/lib.sh, set LANE_ARCH, LANE_PACKAGES, LANE_CPUS, LANE_MEMORY
#          and LANE_TIMEOUT (defaults), then
#          lane_options "$@"; lane_run COMMAND...; lane_end DIED_REASON
# Inputs:  the options of every lane:
#          --kernel IMAGE --initrd FILE --out DIR [--cpus N] [--memory MIB]
#          [--append "CMDLINE"] [--timeout SECONDS], and where a lane says so [--cpu FEATURES]
#          [--numa NODES]; or one of --packages, --arch, -h, --about KEY. KEY is one of
#            cpus        CPUs of each of its boots, "-": as many as it has by itself
#            stress      the same, of a boot under stress
#            threads     of the host that a machine keeps busy: 1, or all
#            nested      how KVM's parameter reads that switches nested paging off
#            patch       for its kernel, which the emulator asks for; or nothing
# Outputs: DIR/console.log  the serial console
#          DIR/lane.txt     one line: ended: poweroff|timeout|died ... after N s
#          progress on stderr every 15 s: seconds, last test that began
# Exit codes: 0 the machine powered itself off, 2 usage, 5 anything else
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../scripts/lib/lib.sh"

# What every kernel here gets: all records reach the console, a dead kernel ends.
LANE_CMDLINE="printk.devkmsg=on loglevel=8 ignore_loglevel panic=-1"

_lane_value() {
	[ $# -ge 2 ] || die $EX_USAGE "$1 wants a value: see -h"
}

_lane_number() {
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die $EX_USAGE "$1 wants a number, not '$2'"
}

# _lane_about KEY
_lane_about() {
	case $1 in
	cpus) echo "${LANE_COUNTS:--}" ;;
	stress) echo "${LANE_STRESS:--}" ;;
	threads) echo "${LANE_THREADS:-all}" ;;
	nested) echo "${LANE_NESTED:-kvm_amd.npt=0}" ;;
	patch) echo "${LANE_PATCH-}" ;;
	*) die $EX_USAGE "--about: nothing is known of '$1': see -h" ;;
	esac
}

# lane_options OPTION...: sets kernel, initrd, out, cpus, memory, append, features, nodes,
# limit.
# Makes $work, a folder that is removed at the end, whatever the end is.
lane_options() {
	kernel='' initrd='' out='' append='' features='' nodes=${LANE_NODES-}
	cpus=$LANE_CPUS memory=$LANE_MEMORY limit=$LANE_TIMEOUT
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		--packages) echo "$LANE_PACKAGES"; exit 0 ;;
		--arch) echo "$LANE_ARCH"; exit 0 ;;
		--about) _lane_value "$@"; _lane_about "$2"; exit 0 ;;
		--kernel) _lane_value "$@"; kernel=$2; shift ;;
		--initrd) _lane_value "$@"; initrd=$2; shift ;;
		--out) _lane_value "$@"; out=$2; shift ;;
		--append) _lane_value "$@"; append=$2; shift ;;
		--cpu)
			_lane_value "$@"
			[ -n "${LANE_FEATURES-}" ] || die $EX_USAGE "--cpu: this lane has one model of CPU"
			features=$2
			shift
			;;
		--numa)
			_lane_value "$@"; _lane_number "$@"
			[ -n "${LANE_NODES-}" ] || die $EX_USAGE "--numa: this lane has one node"
			nodes=$2
			shift
			;;
		--cpus) _lane_value "$@"; _lane_number "$@"; cpus=$2; shift ;;
		--memory) _lane_value "$@"; _lane_number "$@"; memory=$2; shift ;;
		--timeout) _lane_value "$@"; _lane_number "$@"; limit=$2; shift ;;
		*) die $EX_USAGE "unknown option '$1': see -h" ;;
		esac
		shift
	done
	[[ -n $kernel && -n $initrd && -n $out ]] ||
		die $EX_USAGE "--kernel, --initrd and --out are wanted: see -h"
	[ -s "$kernel" ] || die $EX_USAGE "no kernel image '$kernel', or an empty one"
	[ -s "$initrd" ] || die $EX_USAGE "no initrd '$initrd', or an empty one"
	kernel=$(readlink -f "$kernel") initrd=$(readlink -f "$initrd")
	# shellcheck disable=SC2086 # a list of words
	need_packages $LANE_PACKAGES
	mkdir -p "$out"
	out=$(readlink -f "$out")
	rm -f "$out/console.log" "$out/lane.txt"
	work=$(mktemp -d "$out/.work.XXXXXX")
	pid='' started=$SECONDS
	trap _lane_clean EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# The emulator has a session of its own: all of it goes, and only it.
_lane_clean() {
	if [ -n "$pid" ]; then
		kill -KILL -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	fi
	rm -rf "$work"
}

# _lane_watch: kills the emulator's session when this script is gone, even by
# kill -9. It lives in another session than both, and holds no file of ours.
_lane_watch() {
	# shellcheck disable=SC2016 # its own variables
	setsid bash -c '
		while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 1; done
		kill -0 "$1" 2>/dev/null && exit
		kill -KILL -- "-$2" 2>/dev/null
		rm -rf "$3"' watch $$ "$pid" "$work" </dev/null >/dev/null 2>&1 &
}

# lane_run COMMAND...: run the emulator until it ends or the time is up. Its own
# words go to $work/emulator.log, the console is $out/console.log.
# Sets ended: exit N | timeout.
lane_run() {
	local next=$((SECONDS + 15)) rc=0 last
	: >"$out/console.log"
	setsid "$@" </dev/null >"$work/emulator.log" 2>&1 &
	pid=$!
	_lane_watch
	ended=''
	while kill -0 "$pid" 2>/dev/null; do
		if [ $((SECONDS - started)) -ge "$limit" ]; then
			ended=timeout
			kill -KILL -- "-$pid" 2>/dev/null || true
			break
		fi
		if [ $SECONDS -ge $next ]; then
			last=$(grep -aoE 'gate: (test [0-9]+ [^ ]+ begin|end.*)' "$out/console.log" | tail -n1) || true
			say "$((SECONDS - started)) s, ${last:-no test yet}"
			next=$((SECONDS + 15))
		fi
		sleep 0.2
	done
	wait "$pid" 2>/dev/null || rc=$?
	# What is left of its session.
	kill -KILL -- "-$pid" 2>/dev/null || true
	pid=''
	[ -n "$ended" ] || ended="exit $rc"
}

# lane_end [REASON]: write lane.txt and exit. No REASON: the machine powered
# itself off.
lane_end() {
	local took=$((SECONDS - started)) line=${1:+died: $1}
	[ "$ended" != timeout ] || line="timeout of $limit s"
	line="ended: ${line:-poweroff} after $took s"
	echo "$line" >"$out/lane.txt.new"
	mv "$out/lane.txt.new" "$out/lane.txt"
	[ "$line" != "ended: poweroff after $took s" ] || exit 0
	tail -n 3 "$work/emulator.log" | sed 's/^/emulator: /' >&2
	die $EX_HARNESS "$line, see $out/console.log"
}

# powering_off: the kernel has said that it is about to.
powering_off() {
	grep -aqE 'reboot: Power down|reboot: System halted' "$out/console.log"
}
