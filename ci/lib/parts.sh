# shellcheck shell=bash
# ci/lib/parts.sh - what a patch affects.
#
# Usage:   . ci/lib/parts.sh         after choose_base of scripts/lib/which.sh; then
#          begin_parts BASE [OTHERS]
# Inputs:  the base that was chosen
# Outputs: the functions below. A part is what is built and remembered as one:
#          an architecture's objects (x86_64, arm64, those of CROSS_ARCHES), or
#          the selftests of an architecture (tests-x86_64, tests-arm64).
# Exit codes: none of its own

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"

_PARTS_BASE='' _PARTS_OTHERS='' _PARTS_NOTES=2

# begin_parts BASE [OTHERS]: the pristine tree; further parts for what touches the code of
# all architectures, a list of words. Notes for people go where stderr goes now.
begin_parts() {
	_PARTS_BASE=$1 _PARTS_OTHERS=${2-}
	[ "$_PARTS_NOTES" -ne 2 ] || exec {_PARTS_NOTES}>&2
}

# parts_of FILE...: the parts that a change of these files affects.
parts_of() {
	local f
	# shellcheck disable=SC2086 # a list of words
	for f; do
		case $f in
		arch/x86/*) echo x86_64 i386 ;;
		arch/arm64/*) echo x86_64 arm64 ;;
		arch/mips/*) echo x86_64 mips mips-vz ;;
		arch/powerpc/*) echo x86_64 powerpc powerpc-e500 ;;
		arch/s390/*) echo x86_64 s390 ;;
		arch/riscv/*) echo riscv ;;
		arch/loongarch/* | arch/sw_64/*) say "note: $f: there is no compiler for it, it is not built" 2>&"$_PARTS_NOTES" ;;
		Documentation/* | MAINTAINERS) ;;
		tools/testing/selftests/kvm/*x86_64/*) echo tests-x86_64 ;;
		tools/testing/selftests/kvm/*aarch64/*) echo tests-arm64 ;;
		tools/*) echo tests-x86_64 tests-arm64 ;;
		*) echo x86_64 i386 arm64 $_PARTS_OTHERS ;;
		esac
		case $f in
		*/uapi/*) echo tests-x86_64 tests-arm64 ;;
		esac
	done | tr ' ' '\n' | sort -u
}

# variant_of PART: of openEuler's kernel what openEuler builds, else our smallest.
variant_of() {
	case $BASE_KIND:$1 in
	openeuler:x86_64 | openeuler:arm64) echo own ;;
	*) echo plain ;;
	esac
}

# users_of_kvm PART: what else uses KVM's structures there, of the base.
users_of_kvm() {
	local f
	[ "$(variant_of "$1")" = own ] || return 0
	for f in fs/proc/etmem_scan fs/proc/etmem_swap \
		"$([ "$1" = x86_64 ] && echo drivers/gpu/drm/i915/gvt/kvmgt || echo drivers/firmware/arm_sdei)"; do
		[ ! -f "$_PARTS_BASE/$f.c" ] || echo "$f.o"
	done
}

# users_of_headers PART: on what a header is tried that all of the kernel reads.
users_of_headers() {
	case $(variant_of "$1"):$1 in
	own:x86_64) printf '%s\n' kernel/entry/ kernel/locking/ kernel/sched/core.o ;;
	own:*) printf '%s\n' kernel/locking/ kernel/sched/core.o ;;
	*:x86_64 | *:i386 | *:arm64) echo kernel/ ;;
	esac
}

# kvm_dir PART
kvm_dir() {
	case $1 in
	x86_64 | i386) echo arch/x86/kvm/ ;;
	*) echo "arch/${1%%-*}/kvm/" ;;
	esac
}

# targets_of PART FILE...: the folders to build, KVM's always: kbuild finds the
# objects in them that the files affect. Folders that are not part of our configurations are
# named on stderr, so that nobody believes they were built.
targets_of() {
	local part=$1 f dir
	shift
	kvm_dir "$part"
	users_of_kvm "$part"
	for f; do
		dir=$(dirname "$f")/
		case $f in
		Documentation/* | tools/* | virt/kvm/* | arch/*/kvm/*) ;;
		include/linux/kvm* | include/kvm/* | include/trace/events/kvm*) ;;
		arch/*/include/asm/kvm*) ;;
		arch/*/include/* | include/*) users_of_headers "$part" ;;
		arch/*.[cS])
			case $(kvm_dir "$part") in "${f%"${f#arch/*/}"}"*) echo "$dir" ;; esac
			;;
		kernel/*.c | mm/*.c | lib/*.c | fs/*.c)
			case $(variant_of "$part"):$part in
			own:*) echo "${f%.c}.o" ;;
			*:x86_64 | *:i386 | *:arm64) echo "$dir" ;;
			esac
			;;
		*) say "note: $f is in none of our configurations, not built for $part" 2>&"$_PARTS_NOTES" ;;
		esac
	done | sort -u
}
