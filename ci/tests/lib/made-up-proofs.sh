# shellcheck shell=bash disable=SC2034 # variables of the tests
# ci/tests/lib/made-up-proofs.sh - a made-up project for the test of ci/prove: a series
# of four patches on a kernel of a few lines, which say how each test ends on it,
# with the real tools as processes and builders that build nothing.
#
# Usage:   . ci/tests/lib/made-up-proofs.sh    after made-up-gate.sh; then new
# Inputs:  scripts/ and ci/ of the project: copied
# Outputs: $PROVE the tool, $FAKE/builds what was built, $V the base's tree, $MMU;
#          the functions below
# Exit codes: 5 packages missing

need_packages quilt patch patchutils diffutils xz-utils git

# All packages are there, see above: the tools need not look each time.
mkdir "$TMP/bin"
# shellcheck disable=SC2016 # the stand-in expands its own
printf '#!/bin/sh\nshift 2\nfor p; do echo "$p installed"; done\n' >"$TMP/bin/dpkg-query"
chmod +x "$TMP/bin/dpkg-query"
export PATH=$TMP/bin:$PATH

export FAKE=$P/fake
PROVE=$P/ci/prove
V=$B/base/$BASE_VERSION
MMU=arch/x86/kvm/mmu
cp -r "$TOP"/scripts/. "$P/scripts/"
cp "$TOP/ci/prove" "$P/ci/"
mkdir -p "$P/configs" "$P/ci/unit" "$P/ci/proofs" "$P/ci/machine"

# The builders: an image is the name of a copy of what the tree says.
cat >"$P/ci/build-kernel" <<'END2'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib/lib.sh"
if [ "$1" = --tree ]; then
	tree=$2
	shift 2
else
	[ "$1" != --lane ] || shift 2
	tree=$("$TOP/scripts/prepare-tree" "$1") || exit
fi
echo "kernel $TOP" >>"$FAKE/builds"
! grep -q broken "$tree/arch/x86/kvm/mmu/says" || die 1 "arch/x86/kvm/mmu/says:1: no semicolon"
dir=$BUILD/kernel/$1/$3-$2
mkdir -p "$dir"
image=says-$(sha256sum <"$tree/arch/x86/kvm/mmu/says" | cut -c1-8)
cat "$tree/arch/x86/kvm/mmu/says" "$tree/tools/says" >"$FAKE/$image"
echo "$image" >"$dir/image"
echo "CONFIG_OF=$1" >"$dir/config"
echo "$dir"
END2
cat >"$P/ci/lib/build-initrd" <<'END2'
#!/bin/bash
. "$(dirname "$0")/../../scripts/lib/lib.sh"
echo "tests $TOP" >>"$FAKE/builds"
out=$BUILD/initrd/$1-$(basename "$3" .list)
mkdir -p "$BUILD/initrd/root/etc"
cp "$3" "$BUILD/initrd/root/etc/testlist"
cp "$3" "$out.list"
cd "$BUILD/initrd/root"
find . | cpio -o -H newc --quiet | gzip -n >"$out.gz"
echo "$out.gz"
END2
cat >"$P/ci/unit/two.sh" <<'END2'
#!/bin/bash
if grep -q "two exit=0" "$1/arch/x86/kvm/mmu/says"; then echo "ok 1 two"; else echo "not ok 1 two"; exit 1; fi
END2
cat >"$FAKE/check" <<'END2'
#!/bin/bash
grep -q CONFIG_OF=iterator "$(dirname "$1")/config"
END2
chmod +x "$P"/ci/{build-kernel,lib/build-initrd} "$P/ci/unit/two.sh" "$FAKE/check"

# patch NAME FILE SED: one more patch of the series.
series_patch() {
	local f=$2
	rm -rf "$TMP/b"
	cp -r "$TMP/a" "$TMP/b"
	sed -i "$3" "$TMP/b/$f"
	mkdir -p "$P/patches/${1%/*}"
	(cd "$TMP" && diff -u "a/$f" "b/$f") >"$P/patches/$1.patch" || true
	echo "patches/$1.patch" >>"$P/series"
	rm -rf "$TMP/a"
	mv "$TMP/b" "$TMP/a"
}
# undo PROOF NAME SED WORDS: a patch of a proof's, on the whole series.
proof_patch() {
	cp -r "$TMP/a" "$TMP/b"
	sed -i "$3" "$TMP/b/$MMU/says"
	{
		echo "$4"
		(cd "$TMP" && diff -U1 a/$MMU/says b/$MMU/says) || true
	} >"$P/ci/proofs/$1/$2.patch"
	rm -rf "$TMP/b"
}
# proof NAME PATCH FAILS TEST...: with a list of the tests
proof() {
	local name=$1 t
	mkdir -p "$P/ci/proofs/$name"
	printf '%s\n' "patch: patches/$2.patch" "shows: it" "lane: amd-npt" "fails: $3" >"$P/ci/proofs/$name/proof"
	for t in "${@:4}"; do echo "run: $t 30 $t"; done >>"$P/ci/proofs/$name/proof"
}
# tested PATCH TEXT: its header says so
tested() {
	sed -i "1i Tested: $2\n" "$P/patches/$1.patch"
}
new() {
	rm -rf "${B:?}"/{base,tree,prove,results,cache,kernel,initrd} "$P"/{patches,series,ci/proofs} "$TMP/a"
	: >"$FAKE/builds"
	mkdir -p "$TMP/a/$MMU" "$TMP/a/arch/x86/include/asm" "$TMP/a/include/linux" "$TMP/a/tools" "$P/ci/proofs"
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n' >"$TMP/a/Makefile"
	touch "$TMP/a"/{Kbuild,arch/x86/kvm/Makefile,arch/x86/include/asm/kvm_host.h,include/linux/kvm_host.h}
	printf '%s\n' "one exit=0" "two exit=254" "three exit=0" "four exit=254" \
		"five exit=0" "five: WARNING: CPU: 1 PID: 70 at $MMU/tdp_mmu.c:299 foo+0x1/0x2" \
		"hung hang" >"$TMP/a/$MMU/says"
	echo "tool exit=254" >"$TMP/a/tools/says"
	mkdir -p "$B/base"
	cp -r "$TMP/a" "$V"
	printf '%s\n' "version $BASE_VERSION" "tarball x" "files $(($(find "$V" -type f | wc -l) + 1))" "made 1" >"$V/.base"
	find "$V" -type f ! -name .base -exec touch -d 2020-01-01 {} +
	series_patch iterator/two $MMU/says 's/two exit=254/two exit=0/'
	series_patch iterator/tool tools/says 's/254/0/'
	series_patch rwlock-rcu/five $MMU/says '/^five:/d'
	series_patch rwlock-rcu/more $MMU/says 's/^one.*/&\n\n\n\nmore exit=0\n\n\n/'
	proof two iterator/two "test two" one two
	proof five rwlock-rcu/five "splat WARNING: .*tdp_mmu.c:299" five
	proof more rwlock-rcu/more "test more" more
	proof_patch more undo 's/^more exit=0/more exit=1/' "takes the fix back"
	tested iterator/two "gate iterator; prove two"
	tested rwlock-rcu/five "prove five"
	tested rwlock-rcu/more "read, prove\nmore"
}
builds() { grep -qxE -- "$1" "$FAKE/builds" || { cat "$FAKE/builds"; return 1; }; }
