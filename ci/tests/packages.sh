#!/usr/bin/env bash
# packages.sh - test of need_packages where there is no dpkg: rpm and dnf are
# stand-ins that know two packages and write down what they are asked for.
#
# Usage:   packages.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck disable=SC2016 # a stand-in expands its own variables
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

export TDP_BUILD=$TMP/build ASKED=$TMP/asked
unset TDP_INSTALLED
BIN=$TMP/bin
mkdir "$BIN"
for f in bash basename cat dirname env flock mkdir mv nproc readlink; do
	ln -s "$(command -v "$f")" "$BIN/$f"
done

# program NAME LINE...: a stand-in.
program() {
	rm -f "${BIN:?}/$1" # never through a link
	{ echo "#!$BIN/bash"; printf '%s\n' "${@:2}"; } >"$BIN/$1"
	chmod +x "$BIN/$1"
}
program rpm 'case $3 in glibc-devel | make) ;; *) echo "no package provides $3"; exit 1 ;; esac'
program dnf 'echo "$*" >"$ASKED"'
program tool '. "$TOP/scripts/lib/lib.sh"; need_packages "$@"'

need() {
	rm -f "$ASKED"
	env PATH="$BIN" TOP="$TOP" "$BIN/tool" "$@"
}
# as root: id says so
program id 'echo 0'
asked() {
	expect 0 installing need "$@" && grep -qx 'install -y .* libgit2-devel rpm-build' "$ASKED"
}
quiet() {
	expect 0 '' need "$@" && [ ! -e "$ASKED" ]
}
check "what is there is left alone" quiet libc6-dev make
check "what is only a help is not asked for" quiet ccache
check "the rest goes to dnf, by openEuler's names" asked libgit2-dev make rpm libc6-dev
program dnf 'echo "nothing provides it"; exit 1'
check "dnf fails" expect 5 'dnf install .*libgit2-devel failed: see ' need libgit2-dev
program id 'echo 1000'
check "not root" expect 5 "missing packages: xz quilt: run 'dnf install xz quilt' as root" need xz-utils quilt
rm "$BIN/rpm"
check "no rpm either" expect 5 'neither dpkg nor rpm' need make
tap_end
