#!/usr/bin/env bash
# build-rpm.sh - test of scripts/build-rpm and scripts/check-rpm: rpmbuild and the
# kernel's own mkspec, with a small Makefile in the place of the kernel's.
#
# Usage:   build-rpm.sh
# Inputs:  the scripts as they are; mkspec of the base, by scripts/fetch-base
# Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
case $(uname -m) in
x86_64 | aarch64) ;;
*) skip "kernel RPMs" "not on $(uname -m)"; tap_end; exit 0 ;;
esac
need_packages gcc libc6-dev make rpm cpio kmod rsync bzip2 gzip patchutils quilt patch
BASE=$("$TOP/scripts/fetch-base")
export TDP_BUILD=$TMP/build
RPMS=$TMP/rpms

# kernel [OPTION...]: the made-up tree with the series, and what stands for the
# rest of a kernel. WISH=... makes that go wrong.
kernel() {
	fresh
	rm -rf "$TMP/build" "$RPMS"
	cp -r "$TOP/configs" "$TMP/project/"
	mkdir -p "$TMP/tree/scripts/package"
	cp "$BASE/scripts/package/mkspec" "$TMP/tree/scripts/package/"
	cp "$TOP/ci/tests/lib/made-up-rpm/module.c" "$TMP/tree/"
	cat "$TOP/ci/tests/lib/made-up-rpm/rules.mk" >>"$TMP/tree/Makefile"
	printf 'CONFIG_MODULES=y\nCONFIG_NOT_HERE=y\n' >"$TMP/config"
	apply "$@" "$TMP/tree"
}

build() {
	"$TMP/project/scripts/build-rpm" --config "$TMP/config" --tree "$TMP/tree" "$RPMS"
}

whole() {
	local v
	kernel && expect 0 "^build-rpm: 5.10.223-tdp.rwlock-rcu.[0-9a-f]{8} in $RPMS\$" build || return
	v=$(grep -o 'tdp.rwlock-rcu.[0-9a-f]*' "$TMP/.out" | head -n 1)
	grep -qx "check-rpm: kernel 5.10.223-$v: [0-9]* files, 2 modules, 0 findings" "$TMP/.out" &&
		grep -q "^check-rpm: kernel-headers .* 0 findings" "$TMP/.out" &&
		grep -q "1 options of $TMP/config are not in the result" "$TMP/.out" &&
		[ "$(find "$RPMS" -type f -printf '%f\n' | sort | tr '\n' ' ')" = \
		"Module.symvers build.log config kernel-5.10.223_${v//-/_}-1.$(uname -m).rpm kernel-headers-5.10.223_${v//-/_}-1.$(uname -m).rpm " ] &&
		diff -r -x .pc "$TMP/edit/b/virt" "$TMP/tree/virt" && [ ! -e "$TMP/tree/obj-rpm" ] &&
		[ -z "$(ls "$TMP/build/rpm")" ]
}
# A tree with a part of the series; an RPM of it takes the other one's place.
part() {
	kernel && build && apply --until base "$TMP/tree" 2>/dev/null
	(cd "$TMP/tree" && QUILT_PATCHES=$TMP/project QUILT_SERIES=$TMP/project/series quilt --quiltrc - pop) &&
		expect 0 '^build-rpm: 5.10.223-tdp.iterator.[0-9a-f]{8} in' build && [ "$(find "$RPMS" -name 'kernel-5*' | wc -l)" -eq 1 ]
}
# wrong WISH MESSAGE: no RPM appears.
wrong() {
	kernel && WISH=$1 expect 1 "^kernel-.*: error: $2" build &&
		grep -q "are not in order, see above: they are in $TMP/build/rpm/" "$TMP/.out" && [ ! -e "$RPMS" ]
}
does_not_build() {
	kernel && WISH=compile expect 1 'error: the kernel does not build: module.c:1: error: made up' build && [ ! -e "$RPMS" ]
}
# slow_build: one that is half-way; its process is $pid.
slow_build() {
	local i
	WISH=slow setsid "$TMP/project/scripts/build-rpm" --config "$TMP/config" --tree "$TMP/tree" "$RPMS" &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		! compgen -G "$TMP/build/rpm/*/src/obj-rpm/binkernel.spec" >/dev/null || return 0
		sleep 0.1
	done
	echo "it never came so far"
	return 1
}
killed() {
	local pid
	kernel && build && touch -d 2001-01-01 "$RPMS/config" && slow_build || return
	kill -9 -- "-$pid"
	wait "$pid" || true
	[ "$(stat -c %Y "$RPMS/config")" = "$(date -d 2001-01-01 +%s)" ] && build &&
		[ "$(stat -c %Y "$RPMS/config")" != "$(date -d 2001-01-01 +%s)" ]
}
# Told to stop, it does not wait for make to end, and make ends too.
stopped() {
	local pid rc=0 t0
	kernel && build && touch -d 2001-01-01 "$RPMS/config" && slow_build || return
	t0=$SECONDS
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ $rc -eq 143 ] && flock -w 10 "$TMP/build/lock"/output-* true && [ $((SECONDS - t0)) -lt 15 ] &&
		[ "$(stat -c %Y "$RPMS/config")" = "$(date -d 2001-01-01 +%s)" ] && [ -z "$(find "$TMP" -maxdepth 1 -name '.rpms*')" ]
}

check "RPMs of kernel and headers" whole
check "a tree with a part of the series" part
check "a module of another kernel" wrong vermagic '/lib/modules/.*/fs/a.ko is for .*x'
check "a module that modules.order names is missing" wrong missing 'module kernel/fs/b.ko is missing'
check "a symbol that the kernel does not have" wrong symbol '.*b.ko needs unknown symbol nothing'
check "a symbol with another CRC" wrong crc '.*a.ko disagrees about version of symbol printk'
check "an image that is another kernel" wrong image 'its kernel does not call itself 5.10.223-tdp'
check "a release without the series' version" wrong version 'its release 5.10.223 does not carry rwlock-rcu\.'
check "a file where none belongs" wrong stray '/boot/stray does not belong there'
check "an empty header" wrong headers 'no /usr/include/linux/kvm.h, or an empty one'
check "a kernel that does not build" does_not_build
check "kill -9: the RPMs of before stay, the next run gets through" killed
check "SIGTERM: it stops at once, the RPMs of before stay" stopped

kernel --until base
check "a tree without the series" expect 2 'has no patch of the series: scripts/apply-series' build
kernel
touch "$TMP/tree/.config"
check "a tree that was built in" expect 2 'has been built in \(.config is there\): make mrproper' build
B=$TMP/project/scripts/build-rpm
check "no configuration" expect 2 'is no kernel configuration' "$B" --config "$TMP/tree/Makefile" "$RPMS"
check "an unknown milestone" expect 2 "unknown milestone 'itertor'" "$B" --config "$TMP/config" --milestone itertor "$RPMS"
check "a milestone and a tree" expect 2 'not both' "$B" --milestone iterator --tree "$TMP/tree" "$RPMS"
check "no directory" expect 2 'which directory' "$B"
check "an unknown option" expect 2 "unknown option '--confg'" "$B" --confg x "$RPMS"
check "check-rpm: no RPM" expect 2 'is no RPM' "$TMP/project/scripts/check-rpm" "$TMP/config"
check "check-rpm: no file" expect 2 'is no file' "$TMP/project/scripts/check-rpm"
tap_end
