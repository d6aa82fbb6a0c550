# shellcheck shell=bash disable=SC2034
# ci/lanes/lib.sh - what the lanes share: options, time limit, clean end.
#
# Usage:   . ci/lanes/lib.sh, set LANE_ARCH, LANE_PACKAGES, LANE_CPUS, LANE_MEMORY
#          and LANE_TIMEOUT (defaults), then
#          lane_options "$@"; lane_run COMMAND...; lane_end DIED_REASON
#          QEMU's AMD machines: set the last three, then lane_amd FEATURES "$@"
# Inputs:  the options of every lane:
#          --kernel IMAGE --initrd FILE --out DIR [--cpus N] [--memory MIB]
#          [--append "CMDLINE"] [--timeout SECONDS], and where a lane says so [--cpu FEATURES]
#          [--numa NODES]; or one of --packages, --arch, -h
# Outputs: DIR/console.log  the serial console
#          DIR/lane.txt     one line: ended: poweroff|timeout|died ... after N s
#          progress on stderr every 15 s: seconds, last test that began
# Exit codes: 0 the machine powered itself off, 2 usage, 5 anything else
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../scripts/lib.sh"

# What every kernel here gets: all records reach the console, a dead kernel ends.
LANE_CMDLINE="printk.devkmsg=on loglevel=8 ignore_loglevel panic=-1"

_lane_value() {
	[ $# -ge 2 ] || die $EX_USAGE "$1 wants a value: see -h"
}

_lane_number() {
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die $EX_USAGE "$1 wants a number, not '$2'"
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

# _lane_nodes: sets numa, QEMU's options for CPUs and memory of several NUMA nodes.
_lane_nodes() {
	local n first last size left=$memory all=$((cpus + 1))
	numa=()
	[ "$nodes" -gt 1 ] || return 0
	[ "$nodes" -le $all ] || die $EX_USAGE "--numa $nodes: this machine has $all CPUs"
	for ((n = 0; n < nodes; n++)); do
		first=$(((n * all + nodes - 1) / nodes)) last=$((((n + 1) * all + nodes - 1) / nodes - 1))
		size=$((left / (nodes - n))) left=$((left - left / (nodes - n)))
		numa+=(-object "memory-backend-ram,id=node$n,size=${size}M"
			-numa "node,nodeid=$n,memdev=node$n,cpus=$first-$last")
	done
}

# lane_amd FEATURES OPTION...: all of a lane that is QEMU's AMD machine, with SVM and
# NPT, and these features of the CPU.
# Model max is what TCG has: named models promise SVM features that it lacks, and
# qemu64 has no XSAVE, which openEuler's FPU code cannot be without: guests that
# migrate get wrong registers. What is off here changes the size of XSAVE's area, whose
# layout guests then complain of: x87 and SSE are left.
# No guest may run on CPU 0. Any CPU that loads the FPU's status word clears IGNNE# in
# CPU 0's hflags2 (QEMU 7.2, cpu_set_fpus() and cpu_clear_ignne()), neither atomic nor
# locked. When CPU 0 is in VMRUN or #VMEXIT just then, its HF2_NPT_MASK is lost or comes
# back: the guest is translated without nested paging, or the host with it.
# A socket for each CPU: those of a socket belong to one NUMA node. no_timer_check: where
# the build machine is busy, the kernel takes its timer for broken now and then.
lane_amd() {
	local model=max,+svm,+npt,-pku,-pks,-mpx,-avx,-avx2,$1 numa
	shift
	LANE_ARCH=x86_64 LANE_PACKAGES=qemu-system-x86 LANE_FEATURES=1 LANE_NODES=${LANE_NODES:-1}
	lane_options "$@"
	_lane_nodes
	lane_run qemu-system-x86_64 -accel tcg,thread=multi -cpu "$model${features:+,$features}" \
		-smp "$((cpus + 1)),sockets=$((cpus + 1))" -m "${memory}M" ${numa[@]+"${numa[@]}"} \
		-nodefaults -no-user-config -display none -monitor none \
		-chardev "file,id=console,path=$out/console.log" -serial chardev:console \
		-no-reboot -kernel "$kernel" -initrd "$initrd" \
		-append "console=ttyS0,115200 isolcpus=0 no_timer_check $LANE_CMDLINE $append"
	[ "$ended" = "exit 0" ] || lane_end "QEMU's $ended"
	powering_off || lane_end "the machine was reset before power-off"
	lane_end
}
