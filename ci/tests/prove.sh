#!/usr/bin/env bash
# prove.sh - test of ci/prove in a made-up project (made-up-proofs.sh).
#
# Usage:   prove.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-proofs.sh
. "$TOP/ci/tests/lib/made-up-proofs.sh"

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
check "an unknown key" expect 2 "proof:6: error: unknown key 'colour'" "$PROVE" bad
proof bad iterator/two "test one" one
echo 'base: fedora' >>"$P/ci/proofs/bad/proof"
check "an unknown kind of base" expect 2 "proof:6: error: 'fedora' is no kind of base" "$PROVE" bad
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
check "its programs without" builds 'tests .*/without/project'
printf 'kernel: iterator\ntests: rwlock-rcu\n' >>"$P/ci/proofs/tool/proof"
: >"$FAKE/builds"
check "with the kernel and the tests of milestones" expect 1 '^tool +failed' "$PROVE" tool
check "both are the project's own" builds "(kernel|tests) $P"
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
echo 'run: three 30 three' >>"$P/ci/proofs/window/proof"
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
sed -i 's/limit=20/limit=6/' "$P/ci/lanes/amd-npt"
check "a machine that hangs is no proof" expect 5 '^hung +harness +without the fix: ' "$PROVE" hung
check "a failure outweighs it" expect 1 '^hung +harness' "$PROVE" hung one

# All of them, and the headers.
new
check "proofs and headers fit" expect 0 '^3 proofs, named by 3 headers' "$PROVE" --check
check "the list" expect 0 '^five +patches/rwlock-rcu/five.patch' "$PROVE" --list
proof new iterator/two "test two" two
check "a proof that no patch names" expect 1 '^new +failed +no patch names it' "$PROVE" --all
check "the others are run" grep -q '^two *proved' "$TMP/.out"
check "and it is found by the check" expect 1 'ci/proofs/new/proof:1: error: no patch names it' "$PROVE" --check
echo 'base: openeuler' >>"$P/ci/proofs/new/proof"
check "a proof for another kind of base" expect 0 '^prove: new: .* not for 5.10' "$PROVE" --all
sed -i /^base:/d "$P/ci/proofs/new/proof"
tested iterator/tool "prove new"
check "the header of another patch" expect 1 "^patches/iterator/tool.patch:1: error: 'new' proves patches/iterator/two.patch" "$PROVE" --check
sed -i '1s/$/; prove nothing-like-this/' "$P/patches/iterator/two.patch"
check "a header that names no proof" expect 1 "^patches/iterator/two.patch:1: error: no proof 'nothing-like-this'" "$PROVE" --check

check "the project's own proofs and headers fit" "$TOP/ci/prove" --check

tap_end
