# shellcheck shell=bash
# ci/lanes/bochs.sh - Bochs' Intel machines: VMX with EPT.
#
# Usage:   . ci/lanes/bochs.sh, which sources lib.sh; then
#          lane_bochs MODEL CMDLINE KEY=VALUE... -- OPTION...; MODEL is Bochs' name for a
#          CPU (bochs-bin --help cpu), CMDLINE what its kernel is told besides, perhaps
#          nothing; what the lane tells of itself, see lib.sh, but for what all have
# Inputs:  the options of every lane, see lib.sh; defaults: 1 CPU, 2048 MiB, 1800 s of
#          wall clock. --cpus is 1, 2, 4, 8 or 12.
#          Simulated time counts instructions (200 million a second), so what
#          the machine measures does not depend on how busy this one is.
# Outputs: DIR/console.log, DIR/lane.txt (see lib.sh)
# Exit codes: as those of every lane
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

# lane_bochs MODEL CMDLINE KEY=VALUE... -- OPTION...: all of a lane.
lane_bochs() {
	local model=$1 more=$2 count cmdline work
	shift 2
	lane_options arch=x86_64 size=1 memory=2048 limit=1800 threads=1 \
		packages="bochs bochs-term bochsbios vgabios grub-pc-bin grub-common xorriso mtools bsdutils util-linux" \
		nested="kvm_intel.ept=0 kvm_intel.ept=N" "$@"
	work=${MACHINE[work]}

	# Two threads a core: with one, the kernel decides that there is no SMT and takes
	# every other CPU offline again. Bochs has too few timers for 16 CPUs.
	case ${MACHINE[cpus]} in
	1) count=1:1:1 ;;
	2) count=1:1:2 ;;
	4) count=2:1:2 ;;
	8) count=4:1:2 ;;
	12) count=6:1:2 ;;
	*) die $EX_USAGE "--cpus ${MACHINE[cpus]}: this lane has 1, 2, 4, 8 or 12" ;;
	esac

	# Each character on the console costs simulated time: 115200 baud, and of the
	# kernel's words only warnings and worse, which PID 1's records are, too.
	# idle=halt: a CPU that waits by other means is busy for Bochs.
	cmdline="${MACHINE[cmdline]/loglevel=8 ignore_loglevel/loglevel=5} $more ${MACHINE[append]}"

	# Kernel and initrd travel on a CD.
	mkdir -p "$work/iso/boot/grub"
	ln "${MACHINE[kernel]}" "$work/iso/boot/kernel" 2>/dev/null || cp "${MACHINE[kernel]}" "$work/iso/boot/kernel"
	ln "${MACHINE[initrd]}" "$work/iso/boot/initrd" 2>/dev/null || cp "${MACHINE[initrd]}" "$work/iso/boot/initrd"
	cat >"$work/iso/boot/grub/grub.cfg" <<GRUB
set timeout=0
linux /boot/kernel console=ttyS0,115200 idle=halt $cmdline
initrd /boot/initrd
boot
GRUB
	TMPDIR=$work grub-mkrescue -o "$work/boot.iso" "$work/iso" >"$work/emulator.log" 2>&1 ||
		lane_end "grub-mkrescue failed"
	rm -rf "$work/iso"

	cat >"$work/bochsrc" <<BOCHS
config_interface: textconfig
display_library: term
cpu: model=$model, count=$count, ips=200000000, reset_on_triple_fault=0
memory: guest=${MACHINE[memory]}, host=${MACHINE[memory]}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=${MACHINE[out]}/console.log
log: $work/bochs.log
clock: sync=none
panic: action=report
error: action=report
sound: driver=dummy, waveout=none, wavein=none, midiout=none
plugin_ctrl: speaker=0, sb16=0, es1370=0, e1000=0, ne2k=0, pcipnic=0, voodoo=0
BOCHS
	# Debian's Bochs stops at its debugger's prompt first: c is "continue".
	echo c >"$work/start.rc"

	# The term display wants a terminal: script(1) gives it one, in a session of its
	# own, so that Bochs asks to be killed when script is.
	cd "$work"
	export TERM=xterm BXSHARE=/usr/share/bochs
	LTDL_LIBRARY_PATH=$(dirname "$(dpkg -L bochs-term | grep -m1 "/libbx_term")")
	export LTDL_LIBRARY_PATH
	# It draws the machine's screen, whose cursor blinks by the wall clock, on another
	# terminal, and when nobody has read what it drew in seven minutes it waits for good.
	cat >"$work/screen" <<'END'
while sleep 0.5 && [ -f emulator.log ]; do
	screen=$(sed -n 's/^Bochs connected to screen "\([^"]*\)".*/\1/p' emulator.log)
	[ -z "$screen" ] || break
done
exec <"$screen" && stty raw -echo && exec cat >/dev/null
END
	lane_run script -qec "bash screen & exec setpriv --pdeathsig KILL bochs-bin -q -f bochsrc -rc start.rc" /dev/null
	# A power-off ends Bochs through a panic of its own, whatever its exit code.
	if ! powering_off; then
		tail -n 5 "$work/bochs.log" >>"$work/emulator.log" 2>/dev/null || true
		lane_end "Bochs' ${MACHINE[ended]} before power-off"
	fi
	lane_end
}
