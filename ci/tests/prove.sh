#!/usr/bin/env bash
# prove.sh - test of ci/prove in a made-up project (made-up-gate.sh): a series of
# four patches on a kernel of a few lines, which say how each test ends on it.
#
# Usage:   prove.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$(readlink -f "$0")")/tap.sh"
# shellcheck source-path=SCRIPTDIR source=made-up-gate.sh
. "$TOP/ci/tests/made-up-gate.sh"
need_packages quilt patch patchutils diffutils xz-utils git

# All packages are there, see above: the tools need not look each time.
mkdir "$TMP/bin"
printf '#!/bin/sh\necho installed\n' >"$TMP/bin/dpkg-query"
chmod +x "$TMP/bin/dpkg-query"
export PATH=$TMP/bin:$PATH

export FAKE=$P/fake
PROVE=$P/ci/prove
V=$B/base/$BASE_VERSION
MMU=arch/x86/kvm/mmu
cp -r "$TOP"/scripts/. "$P/scripts/"
cp "$TOP"/ci/{prove,lib-proof.sh,lib-sides.sh,lib-judge.sh,prepare-tree} "$P/ci/"
mkdir -p "$P/configs" "$P/ci/unit" "$P/ci/proofs" "$P/ci/guest"

# The builders: an image is the name of a copy of what the tree says.
cat >"$P/ci/build-kernel" <<'END2'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib.sh"
if [ "$1" = --tree ]; then
	tree=$2
	shift 2
else
	tree=$("$TOP/ci/prepare-tree" "$1") || exit
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
cat >"$P/ci/build-initrd" <<'END2'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib.sh"
echo "guest $TOP" >>"$FAKE/builds"
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
chmod +x "$P"/ci/build-* "$P/ci/unit/two.sh" "$FAKE/check"

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
	for t in "${@:4}"; do echo "$t 30 $t"; done >"$P/ci/proofs/$name/list"
}
row() {
	echo "patches/$1.patch,iterator,,,,title,local,,\"$2\",," >>"$P/upstream-map.csv"
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
	echo patch,milestone,upstream_commit,upstream_version,upstream_author,upstream_title,relation,folded_fixes,evidence,note,entry >"$P/upstream-map.csv"
	row iterator/two "gate iterator; prove two"
	row rwlock-rcu/five "prove five"
	row rwlock-rcu/more "read, prove more"
}
builds() { grep -qxE -- "$1" "$FAKE/builds" || { cat "$FAKE/builds"; return 1; }; }

# What it refuses.
new
check "nothing asked for" expect 2 'which patch or proof' "$PROVE"
check "an unknown option" expect 2 "unknown option '--fast'" "$PROVE" --fast
check "an unknown patch" expect 2 "no patch of the series is 'seven'" "$PROVE" seven
check "a patch without a proof" expect 2 'no proof of patches/iterator/tool.patch' "$PROVE" tool
proof bad iterator/none "test one" one
check "a proof of no patch" expect 2 "ci/proofs/bad/proof:1: error: the series has no patch" "$PROVE" bad
proof bad iterator/two "test three" one
check "a proof of a test that it does not run" expect 2 "proof:4: error: no test 'three'" "$PROVE" bad
proof bad iterator/two "sometimes" one
check "a proof that fails in no known way" expect 2 "proof:4: error: fails: 'test NAME" "$PROVE" bad
proof bad iterator/two "test one" one
echo 'colour: red' >>"$P/ci/proofs/bad/proof"
check "an unknown key" expect 2 "proof:5: error: unknown key 'colour'" "$PROVE" bad
proof bad rwlock-rcu/more "test more" more
proof_patch bad undo 's/^more exit=0/more exit=1/' ""
check "an undo.patch that does not say what it does" expect 2 'undo.patch:1: error: its head' "$PROVE" bad
proof_patch bad undo 's/^more exit=0/more exit=1/' "undo it"
sed -i 's/^-more exit=0/-more exit=9/' "$P/ci/proofs/bad/undo.patch"
check "an undo.patch that does not apply" expect 2 '^bad +refused +ci/proofs/bad/undo.patch:[0-9]+: error: hunk #1' "$PROVE" bad

# What is proved.
new
check "by the series up to the patch" expect 0 '^two +proved +without the fix: fail: two .*; with it: pass' "$PROVE" patches/iterator/two.patch
check "both consoles are kept" test -s "$B/results/prove/two/without/console.log" -a -s "$B/results/prove/two/with/console.log"
check "the line is kept" grep -q '^two *proved' "$B/results/prove/two/result.txt"
check "by a splat" expect 0 '^five +proved +without the fix: splat' "$PROVE" five
check "by an undo.patch" expect 0 '^more +proved' "$PROVE" more
proof tool iterator/tool "test one" one
: >"$FAKE/builds"
check "a selftest that passes without the fix" expect 1 '^tool +failed +test cannot show it: without the fix it passes' "$PROVE" tool
check "its kernel is built with the fix, for both sides" builds 'kernel .*/with/project'
check "its programs without" builds 'guest .*/without/project'
printf 'kernel: iterator\ntests: rwlock-rcu\n' >>"$P/ci/proofs/tool/proof"
: >"$FAKE/builds"
check "with the kernel and the tests of milestones" expect 1 '^tool +failed' "$PROVE" tool
check "both are the project's own" builds "(kernel|guest) $P"
new
mkdir -p "$P/ci/proofs/unit"
printf '%s\n' 'patch: patches/iterator/two.patch' 'shows: it' 'command: ci/unit/two.sh' 'fails: output ^not ok 1 two' >"$P/ci/proofs/unit/proof"
check "by a command, and both proofs of a patch" expect 0 '^unit +proved +without the fix: ci/unit/two.sh: exit 1' "$PROVE" two.patch
check "the other one" grep -q '^two *proved' "$TMP/.out"
proof check iterator/two check one
cp "$FAKE/check" "$P/ci/proofs/check/check"
check "by a look at the console" expect 0 '^check +proved' "$PROVE" check
proof build rwlock-rcu/more build more
proof_patch build undo 's/^more exit=0/broken/' "breaks the build"
check "by a kernel that does not build" expect 0 '^build +proved' "$PROVE" build
proof window rwlock-rcu/more "test more" more
proof_patch window window 's/^three exit=0/three exit=7/' "opens the window"
proof_patch window undo 's/^more exit=0/more exit=1/' "takes the fix back"
check "window.patch is for both sides" expect 0 '^window +proved' "$PROVE" window
echo 'three 30 three' >>"$P/ci/proofs/window/list"
sed -i 's/^fails: .*/fails: test more three/' "$P/ci/proofs/window/proof"
check "on the side with the fix too" expect 1 '^window +failed +fails with the fix: fail: three' "$PROVE" window

# What is not.
proof one iterator/two "test one" one
check "a test that passes without the fix" expect 1 '^one +failed +test cannot show it: without the fix it passes' "$PROVE" one
check "the side with the fix was not booted for it" test ! -e "$B/results/prove/one/with"
proof other iterator/two "test one" one two
check "another test fails" expect 1 '^other +failed +test cannot show it: .*not as said' "$PROVE" other
proof both iterator/two "test four" four
check "a test that fails with the fix" expect 1 '^both +failed +fails with the fix: fail: four' "$PROVE" both
proof hung iterator/two "test hung" hung

# killed SIGNAL CODE: in the middle of a boot; nothing goes on.
killed() {
	local rc=0 pid i
	rm -f "$FAKE/pid"
	"$PROVE" hung >"$TMP/killed" 2>&1 &
	pid=$!
	for i in {1..300}; do [ ! -s "$FAKE/pid" ] || break; sleep 0.1; done
	kill "-$1" $pid
	wait $pid || rc=$?
	[ $rc -eq "$2" ] || { echo "exit $rc"; cat "$TMP/killed"; return 1; }
	for i in {1..50}; do
		kill -0 "$(cat "$FAKE/pid")" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "the machine still runs, after $i tries"
	return 1
}
check "ended by TERM" killed TERM 143
sed -i 's/LANE_TIMEOUT=20/LANE_TIMEOUT=2/' "$P/ci/lanes/amd-npt"
check "a machine that hangs is no proof" expect 5 '^hung +harness +without the fix: ' "$PROVE" hung
check "a failure outweighs it" expect 1 '^hung +harness' "$PROVE" hung one

# All of them, and the map.
new
check "proofs and map fit" expect 0 '^3 proofs, 3 rows' "$PROVE" --check
check "the list" expect 0 '^five +patches/rwlock-rcu/five.patch' "$PROVE" --list
proof new iterator/two "test two" two
check "a proof that the map does not name" expect 1 '^new +failed +upstream-map.csv: the map does not name it' "$PROVE" --all
check "the others are run" grep -q '^two *proved' "$TMP/.out"
check "and it is found by the check" expect 1 'ci/proofs/new/proof:1: error: the map does not name it' "$PROVE" --check
row iterator/tool "prove new"
check "a row of another patch" expect 1 "upstream-map.csv:5: error: 'new' proves patches/iterator/two.patch" "$PROVE" --check
row iterator/two "prove nothing-like-this"
check "a row that names no proof" expect 1 "upstream-map.csv:6: error: no proof 'nothing-like-this'" "$PROVE" --check

check "the project's own proofs and map fit" "$TOP/ci/prove" --check

tap_end
