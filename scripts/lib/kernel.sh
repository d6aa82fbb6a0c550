# shellcheck shell=bash
# scripts/lib/kernel.sh - how this project calls make in a kernel tree.
#
# Usage:   . scripts/lib/kernel.sh        after scripts/lib/lib.sh
# Inputs:  BUILD, JOBS               from scripts/lib/lib.sh
#          CCACHE_DIR                compiler cache (default: $BUILD/ccache)
#          CCACHE_MAXSIZE            its limit (default: 3G)
# Outputs: the functions below.
# Exit codes: 2 unknown architecture, else those of make.
#
# Objects of two trees share their ccache entries because no path of a tree is
# in the compiler's command line: kbuild uses the relative path `..` when the
# output folder is directly below the source tree, so that is where it has to
# be, and ccache is told not to mix in the working directory. It takes the files that
# kbuild has the compiler name (-MMD) for what an object depends on, and runs no
# preprocessor of its own.

# Those whose KVM is compiled, not booted: a name, and behind a hyphen which of
# an architecture's kinds of KVM. Only openEuler's kernel has one for riscv; for its
# other ones, loongarch and sw_64, Debian has no compiler.
CROSS_ARCHES="i386 mips mips-vz powerpc powerpc-e500 s390 riscv"

# kernel_arch ARCH: ARCH, if it is known here.
kernel_arch() {
	case " x86_64 arm64 $CROSS_ARCHES " in
	*" $1 "*) echo "$1" ;;
	*) die "$EX_USAGE" "unknown architecture '$1': use x86_64, arm64 or one of: $CROSS_ARCHES" ;;
	esac
}

# kernel_cross ARCH: prefix of the compiler.
kernel_cross() {
	local want
	case $1 in
	arm64) want=aarch64 ;;
	mips*) want=mips ;;
	powerpc*) want=powerpc64le ;;
	s390) want=s390x ;;
	riscv) want=riscv64 ;;
	*) want=x86_64 ;;
	esac
	[ "$(uname -m)" = "$want" ] || echo "$want-linux-gnu-"
}

# kernel_packages ARCH [VARIANT]: Debian packages that a kernel build needs.
kernel_packages() {
	echo gcc libc6-dev libelf-dev make bc flex bison ccache diffutils findutils
	# It has keys for signatures.
	[ "${2-}" != own ] || echo libssl-dev openssl
	[ -z "$(kernel_cross "$1")" ] ||
		case $1 in
		arm64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross ;;
		mips*) echo gcc-mips-linux-gnu ;;
		powerpc*) echo gcc-powerpc64le-linux-gnu ;;
		s390) echo gcc-s390x-linux-gnu ;;
		riscv) echo gcc-riscv64-linux-gnu ;;
		*) echo gcc-x86-64-linux-gnu libc6-dev-amd64-cross ;;
		esac
}

# kernel_make TREE OBJ ARCH ARGUMENT...: make in TREE with output in TREE/OBJ.
kernel_make() {
	local tree=$1 obj=$2 arch=$3 cross ccache='' cc=''
	shift 3
	cross=$(kernel_cross "$arch")
	! command -v ccache >/dev/null || ccache='ccache ' cc='ccache '
	# Kconfig only asks what the compiler can do: those answers are not kept.
	[[ ${*: -1} != *config ]] || cc=''
	env -u MAKEFLAGS -u KBUILD_OUTPUT -u CFLAGS -u LDFLAGS \
		CCACHE_DIR="${CCACHE_DIR:-$BUILD/ccache}" CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 \
		CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-3G}" \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' \
		KBUILD_BUILD_USER=tdp KBUILD_BUILD_HOST=build KBUILD_BUILD_VERSION=1 \
		LOCALVERSION='' \
		make -C "$tree" O="$obj" ARCH="${arch%%-*}" CROSS_COMPILE="$cross" \
		CC="$cc${cross}gcc" HOSTCC="${ccache}gcc" -j"$JOBS" "$@"
}

# tree_key TREE: the content of a tree that scripts/prepare-tree made, in one line.
tree_key() {
	cat "$1/.key"
}

# without_lock COMMAND...: which does not keep the lock of hold_lock when this script is
# killed: no next run has to wait for it.
without_lock() {
	[ -n "${HELD_LOCK-}" ] || { "$@"; return; }
	"$@" {HELD_LOCK}>&-
}

# log_progress LOG: copy stdin to LOG, tell every 15 s how far make is, show
# the compiler's warnings and errors.
log_progress() {
	local line objects=0 next=$((SECONDS + 15)) t0=$SECONDS
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		"  CC "* | "  AS "*) objects=$((objects + 1)) ;;
		*warning:* | *error:* | *Error\ *) printf '%s\n' "$line" >&2 ;;
		esac
		[ $SECONDS -lt $next ] && continue
		say "$objects objects, $((SECONDS - t0)) s"
		next=$((SECONDS + 15))
	done >"$1"
}
