# shellcheck shell=bash
# ci/lanes/amd.sh - QEMU's AMD machines: SVM with nested paging.
#
# Usage:   . ci/lanes/amd.sh, which sources lib.sh; then
#          lane_amd FEATURES KEY=VALUE... -- OPTION...; FEATURES of the CPU, besides those
#          all have; what the lane tells of itself, see lib.sh, but for what all have
# Inputs:  the options of every lane, see lib.sh, and --cpu FEATURES, --numa NODES
# Outputs: DIR/console.log, DIR/lane.txt (see lib.sh)
# Exit codes: as those of every lane
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

# _lane_nodes NODES CPUS MEMORY: QEMU's options for several NUMA nodes, one a line.
_lane_nodes() {
	local n first last size nodes=$1 left=$3 all=$(($2 + 1))
	[ "$nodes" -gt 1 ] || return 0
	[ "$nodes" -le $all ] || die $EX_USAGE "--numa $nodes: this machine has $all CPUs"
	for ((n = 0; n < nodes; n++)); do
		first=$(((n * all + nodes - 1) / nodes)) last=$((((n + 1) * all + nodes - 1) / nodes - 1))
		size=$((left / (nodes - n))) left=$((left - left / (nodes - n)))
		printf '%s\n' -object "memory-backend-ram,id=node$n,size=${size}M" \
			-numa "node,nodeid=$n,memdev=node$n,cpus=$first-$last"
	done
}

# lane_amd FEATURES KEY=VALUE... -- OPTION...: all of a lane that is QEMU's AMD machine, with SVM and
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
	local model=max,+svm,+npt,-pku,-pks,-mpx,-avx,-avx2,$1 numa text cpus
	shift
	lane_options arch=x86_64 packages=qemu-system-x86 options="--cpu --numa" nodes=1 size=4 \
		memory=4096 limit=900 mmus="tdp0 tdp1 shadow" nested="kvm_amd.npt=0 kvm_amd.npt=0" "$@"
	cpus=$((MACHINE[cpus] + 1))
	text=$(_lane_nodes "${MACHINE[nodes]}" "${MACHINE[cpus]}" "${MACHINE[memory]}")
	mapfile -t numa < <(printf %s "$text")
	lane_run qemu-system-x86_64 -accel tcg,thread=multi -cpu "$model${MACHINE[features]:+,${MACHINE[features]}}" \
		-smp "$cpus,sockets=$cpus" -m "${MACHINE[memory]}M" ${numa[@]+"${numa[@]}"} \
		-nodefaults -no-user-config -display none -monitor none \
		-chardev "file,id=console,path=${MACHINE[out]}/console.log" -serial chardev:console \
		-no-reboot -kernel "${MACHINE[kernel]}" -initrd "${MACHINE[initrd]}" \
		-append "console=ttyS0,115200 isolcpus=0 no_timer_check ${MACHINE[cmdline]} ${MACHINE[append]}"
	[ "${MACHINE[ended]}" = "exit 0" ] || lane_end "QEMU's ${MACHINE[ended]}"
	powering_off || lane_end "the machine was reset before power-off"
	lane_end
}
