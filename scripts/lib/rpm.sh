# shellcheck shell=bash
# scripts/lib/rpm.sh - packages on a machine that has rpm and not dpkg.
#
# Usage:   need_packages of scripts/lib/lib.sh reads it there
# Inputs:  names of Debian packages; dnf's own settings
# Outputs: the functions below
# Exit codes: 5 a package is missing and cannot be installed

# rpm_name PACKAGE: openEuler's name of a Debian package; nothing for what this
# project only uses where it is there.
rpm_name() {
	case $1 in
	ccache) ;;
	libc6-dev) echo glibc-devel ;;
	libelf-dev) echo elfutils-devel ;;
	libgit2-dev) echo libgit2-devel ;;
	libssl-dev) echo openssl-devel ;;
	rpm) echo rpm-build ;;
	shellcheck) echo ShellCheck ;;
	xz-utils) echo xz ;;
	*) echo "$1" ;;
	esac
}

# need_rpms PACKAGE...: what need_packages promises, by rpm and dnf.
need_rpms() {
	local p name missing=()
	command -v rpm >/dev/null ||
		die "$EX_HARNESS" "neither dpkg nor rpm here: install what does the work of $*"
	for p; do
		name=$(rpm_name "$p")
		[ -z "$name" ] || rpm -q --whatprovides "$name" >/dev/null 2>&1 ||
			 missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] ||
		die "$EX_HARNESS" "missing packages: ${missing[*]}: run 'dnf install ${missing[*]}' as root"
	say "installing ${missing[*]}"
	with_lock dnf _dnf_install "${missing[@]}"
}

_dnf_install() {
	local log=$BUILD/lock/dnf.log
	dnf install -y --setopt=install_weak_deps=False "$@" >"$log" 2>&1 ||
		die "$EX_HARNESS" "dnf install $* failed: see $log"
}
