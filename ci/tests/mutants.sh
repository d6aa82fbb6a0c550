#!/usr/bin/env bash
# mutants.sh - test of ci/mutants in a made-up project (made-up-mutants.sh).
#
# Usage:   mutants.sh      Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-proofs.sh
. "$TOP/ci/tests/lib/made-up-proofs.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-mutants.sh
. "$TOP/ci/tests/lib/made-up-mutants.sh"
ONLY=("$MUTANTS" --mutant)

# What it refuses.
plant
check "an unknown argument" expect 2 "unknown argument '--fast'" "$MUTANTS" --fast
check "an unknown mutant" expect 2 "no mutant 'nine'" "${ONLY[@]}" nine
check "the patch of the parameter is none" expect 2 "no mutant 'parameter'" "${ONLY[@]}" parameter
check "an unknown suite" expect 2 "no suite 'slow'" "$MUTANTS" --suite slow
check "an unknown revision" expect 2 "no commit 'nowhere'" "$MUTANTS" --changed nowhere

# Patches and heads.
check "the list" expect 0 '^two-fails +flush: plain stress' "$MUTANTS" --list
check "a text of two lines" expect 0 '^ +two-fails is there\.' "$MUTANTS" --list
check "all in order" expect 0 '^3 mutants' "$MUTANTS" --check
sed -i '/^Harm/d' "$P/ci/mutant-patches/code.patch"
check "a head that lacks something" expect 1 "code.patch:1: error: no 'Harm:'" "$MUTANTS" --check
mutant code "unit soon" unit "1"
check "a suite that is none" expect 1 "code.patch:1: error: no suite 'soon'" "$MUTANTS" --check
mutant code "unit" unit "1"
sed -i 's/"code"/"coda"/' "$P/ci/mutant-patches/code.patch"
check "a bug under another name" expect 1 'code.patch:1: error: adds kvm_mutant\("coda"\)' "$MUTANTS" --check
mutant warns "plain" says "three exit=0"
sed -i 's/^ warns begin/ once/' "$P/ci/mutant-patches/warns.patch"
check "a patch that does not apply" expect 1 'warns.patch:1: error: does not apply' "$MUTANTS" --check

# Runs.
plant
check "caught by a unit test" expect 0 '^code +unit +caught +unit: not ok 1 unit' "${ONLY[@]}" code
check "no machine for it" test ! -e "$FAKE/mutants"
check "the unit tests without a bug were first" grep -q '^none unit pass' "$D/results.txt"
check "caught by a test that fails" expect 0 '^two-fails +plain +caught +fail: two' "${ONLY[@]}" two-fails
check "no further suite" test ! -e "$D/stress"
check "caught by a splat" expect 0 '^warns +plain +caught +splat' "${ONLY[@]}" warns
check "the run without a bug was once" boots none 1
check "it is kept" test -s "$D/plain/none/console.log" -a -s "$D/plain/warns/console.log"
check "all, from what was kept" expect 0 '^warns +plain +caught' "$MUTANTS"
check "none ran again" boots two-fails 1
check "in the table" grep -q '^| two-fails | flush |.* caught |.* plain: fail: two' "$D/table.md"
check "the next suite, too" expect 0 '^two-fails +stress +caught' "$MUTANTS" --mutant two-fails --all-suites
mutant two-fails "plain stress" says "two exit=2" "$(reached two two-fails)"
check "another kernel" expect 0 '^two-fails +plain +caught' "${ONLY[@]}" two-fails
check "runs anew" boots two-fails 3

mutant lives "plain" says "two exit=0" "$(reached two lives)"
check "a bug that nobody notices" expect 1 '^lives +plain +survived' "${ONLY[@]}" lives
check "the others run all the same" expect 1 '^warns +plain +caught' "$MUTANTS"
mutant nowhere "plain" says "six exit=1"
check "a bug that nothing comes to" expect 1 '^nowhere +plain +unreached' "${ONLY[@]}" nowhere
mutant shaky "plain" says "two exit=1"
check "a failure without the bug" expect 5 '^shaky +plain +harness +not by the bug' "${ONLY[@]}" shaky
mutant dies "plain" says "two hang" "$(reached two dies)"
check "a machine that dies of it" expect 0 '^dies +plain +caught' "${ONLY[@]}" dies
check "twice" boots dies 2
tests_of amd-npt one two four
check "what fails without a bug" expect 0 '^two-fails +plain +caught +fail: two' "${ONLY[@]}" two-fails
check "is not asked" test "$(cut -d' ' -f1 "$D/plain/two-fails/tests.txt" | sort | paste -sd' ')" = "one two"
tests_of amd-npt hung
check "a suite that dies without a bug" expect 5 '^none +plain +harness' "${ONLY[@]}" warns

# What changed.
plant
sed -i 's/^@@ .*/& int two(void)/' "$P/patches/default-on/two.patch"
git -C "$P" init -q
git -C "$P" add -A ci/mutant-patches patches series
git -C "$P" -c user.name=t -c user.email=t@t commit -qm one
check "nothing has" expect 0 'no mutant is where something changed' "$MUTANTS" --changed HEAD
sed -i '1i Words.' "$P/patches/default-on/two.patch"
check "a function has" expect 0 '^two-fails +plain +caught' "$MUTANTS" --changed HEAD
check "no other function's bug" test "$(grep -cE '^(warns|code) ' "$TMP/.out")" -eq 0

tap_end
