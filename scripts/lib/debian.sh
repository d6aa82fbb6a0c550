# shellcheck shell=bash
# scripts/lib/debian.sh - the kernel tarball from Debian's archive, through apt,
# without touching the machine's own apt settings, lists or caches.
#
# Usage:   . scripts/lib/debian.sh        after scripts/lib/lib.sh
# Inputs:  the archives that this machine's apt uses
# Outputs: APT_REVISION; APT_ERROR, why the last one failed; and the functions below; state of apt
#          under build/cache/apt/SUITE/.
# Exit codes: none of its own.

# mirrors SUITE: archives this machine's apt uses that may carry SUITE. apt
# itself reads its settings, so both formats of them are understood.
mirrors() {
	local want=archive kind release component uri
	case $1 in *-security) want=security ;; esac
	# shellcheck disable=SC2016 # the variables are apt's
	apt-get indextargets --no-release-info -o APT::Get::IndexTargets::Filtered=false \
		--format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
		while read -r release component uri; do
			case $release in
			*-security | */updates) kind=security ;;
			*[-/]*) kind=other ;;
			*) kind=archive ;;
			esac
			case $uri in cdrom:*) kind=other ;; esac
			[ "$kind:$component" != "$want:main" ] || echo "$uri"
		done | awk '!seen[$0]++'
}

# apt_config SUITE URI DIR: sources and settings of our own.
apt_config() {
	mkdir -p "$3/parts" "$3/lists/partial" "$3/cache/archives/partial"
	(
		umask 077	# a mirror's URI may hold a password
		printf '%s\n' "Types: deb-src" "URIs: $2" "Suites: $1" "Components: main" \
			"Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" \
			>"$3/parts/base.sources"
	)
	cat >"$3/apt.conf" <<-EOF
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$3/parts/";
		Dir::State::lists "$3/lists/";
		Dir::Cache "$3/cache/";
		APT::Sandbox::User "root";
		APT::Update::Error-Mode "any";
		Acquire::Check-Valid-Until "false";
		Acquire::Retries "2";
		Acquire::http::Timeout "30";
		Acquire::https::Timeout "30";
	EOF
}

# say_percent WHAT: percentages on stdin, one line of progress for every ten.
say_percent() {
	local pct last=-10
	while read -r pct; do
		[ $((pct - last)) -ge 10 ] || continue
		last=$((pct / 10 * 10))
		say "$1: $pct % downloaded"
	done
}

# apt_find SUITE URI VERSION: sets APT_REVISION, the newest one of that version's package,
# from an index of our own.
apt_find() {
	local suite=$1 version=$3 dir=$BUILD/cache/apt/$1
	apt_config "$suite" "$2" "$dir"
	say "reading the index of Debian's $suite"
	if ! apt-get -c "$dir/apt.conf" update >"$dir/apt.log" 2>&1; then
		APT_ERROR="$suite: $(grep -m 1 '^[EW]:' "$dir/apt.log" || echo 'no index'), log $dir/apt.log"
		return 1
	fi
	APT_REVISION=$(apt-cache -c "$dir/apt.conf" showsrc --only-source linux 2>/dev/null |
		sed -n 's/^Version: //p' | { grep "^${version//./\\.}-" || true; } | sort -V | tail -n 1)
	APT_ERROR="$suite does not have linux $version"
	[ -n "$APT_REVISION" ]
}

# apt_download SUITE VERSION DIR: DIR/linux_VERSION.orig.tar.xz, of APT_REVISION.
apt_download() {
	local dir=$BUILD/cache/apt/$1
	(
		cd "$3" || exit
		apt-get -c "$dir/apt.conf" -o APT::Status-Fd=3 source \
			--download-only --tar-only "linux=$APT_REVISION" \
			3>&1 >"$dir/apt.log" 2>&1 |
			sed -un 's/^dlstatus:[^:]*:\([0-9]*\)[.:].*/\1/p' | say_percent "linux $2"
	) && [ -f "$3/linux_$2.orig.tar.xz" ] && return 0
	# shellcheck disable=SC2034 # for who calls
	APT_ERROR="$1: $(grep -m 1 '^E:' "$dir/apt.log" || echo 'download failed'), log $dir/apt.log"
	return 1
}
