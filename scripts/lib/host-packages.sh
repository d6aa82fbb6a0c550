# shellcheck shell=bash
# scripts/lib/host-packages.sh - packages that a command needs: Debian's, or by rpm and dnf.
#
# Usage:   lib.sh reads it
# Inputs:  names of Debian packages; the machine's own settings of apt or dnf;
#          TDP_INSTALLED, packages that were seen
# Outputs: the functions below
# Exit codes: 5 a package is missing and cannot be installed

# need_packages PACKAGE...: Debian packages, or their namesakes where rpm rules;
# installed when root, named otherwise. Those that were seen are kept in TDP_INSTALLED,
# for what this process starts too: to ask dpkg takes longer than many a script.
need_packages() {
	local p asked=() missing=()
	for p; do
		[[ " ${TDP_INSTALLED-} " = *" $p "* ]] || asked+=("$p")
	done
	[ ${#asked[@]} -gt 0 ] || return 0
	if ! command -v dpkg-query >/dev/null; then
		need_rpms "${asked[@]}"
		return
	fi
	_look_for "${asked[@]}"
	for p in "${asked[@]}"; do
		[[ " $TDP_INSTALLED " = *" $p "* ]] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	_install apt-get _apt_install "${missing[@]}"
	_look_for "${missing[@]}"
}

# _install TOOL FUNCTION PACKAGE...: by that function when root, else it is told how.
_install() {
	[ "$(id -u)" -eq 0 ] ||
		die "$EX_HARNESS" "missing packages: ${*:3}: run '$1 install ${*:3}' as root"
	say "installing ${*:3}"
	with_lock "$1" "$2" "${@:3}"
}

# _look_for PACKAGE...: those that are there join TDP_INSTALLED.
_look_for() {
	local found
	found=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p') || true
	export TDP_INSTALLED="${TDP_INSTALLED-} ${found//$'\n'/ }"
}

# All checkouts of a machine share its packages: the lock is the machine's. What a
# package starts must not keep it.
_apt_install() {
	local log=$BUILD/lock/apt.log
	export DEBIAN_FRONTEND=noninteractive
	(
		flock -n 9 || { say "waiting for another apt-get"; flock 9; }
		apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 9<&- ||
			{ apt-get update && apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1 9<&-
	) 9</var/lib/dpkg ||
		die "$EX_HARNESS" "apt-get install $* failed: see $log"
}

# rpm_names PACKAGE: what openEuler calls a Debian package, a line each; nothing for what
# this project only uses where it is there.
rpm_names() {
	case $1 in
	ccache) ;;
	libc6-dev) echo glibc-devel ;;
	libelf-dev) echo elfutils-devel ;;
	libgit2-dev) echo libgit2-devel ;;
	libssl-dev) echo openssl-devel ;;
	perl) printf '%s\n' perl /usr/bin/prove 'perl(CPAN::Meta::YAML)' ;; # all Debian's perl
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
		while read -r name; do
			[ -z "$name" ] || rpm -q --whatprovides "$name" >/dev/null 2>&1 || missing+=("$name")
		done < <(rpm_names "$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	_install dnf _dnf_install "${missing[@]}"
}

_dnf_install() {
	local log=$BUILD/lock/dnf.log
	dnf install -y --setopt=install_weak_deps=False "$@" >"$log" 2>&1 ||
		die "$EX_HARNESS" "dnf install $* failed: see $log"
}
