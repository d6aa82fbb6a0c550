#!/usr/bin/env bash
# ci/tests/evidence.sh - test of ci/gate --record and ci/evidence, with made-up machines.
#
# Usage:   ci/tests/evidence.sh
# Inputs:  the gate and ci/evidence as they are; what it calls is made up
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"
cp "$TOP/ci/evidence" "$P/ci/"
E=$P/ci/evidence CSV=$P/ci/evidence.csv
BASE=$(sed -n 's/^BASE_VERSION=//p' "$TOP/scripts/lib/lib.sh")
mkdir -p "$P/patches/iterator"
printf '%s\n' 'Subject: one' '---' 'diff --git a/x b/x' '+one' >"$P/patches/iterator/one.patch"
printf 'Subject: oe\nBase: openeuler\n---\ndiff --git a/x b/x\n+oe\n' >"$P/patches/iterator/oe.patch"
printf 'patches/iterator/%s.patch\n' one oe >"$P/series"
echo patches/iterator/one.patch >"$P/patches/stable.series"
printf '%s\n' head '<!-- evidence -->' old '<!-- /evidence -->' tail >"$P/README.md"

# state RUN: what ci/evidence says of it: "LANE VARIANT MMU CPUS SUITE".
state() {
	"$E" >"$TMP/cells" 2>"$TMP/count" || true
	sed -n "s/^\([a-z]*\) *$BASE iterator $1: .*/\1/p" "$TMP/cells"
}
is() { [ "$(state "$1")" = "$2" ] || { state "$1"; return 1; }; }

fresh
check "nothing has been recorded" is "amd-npt plain tdp0 - tests" missing
check "that is an exit code" expect 1 'missing$' "$E"
check "and a table" expect 0 'Nothing has been recorded' "$E" --table
"$P/ci/gate" --lane amd-npt iterator >/dev/null 2>&1 || true
check "a gate without --record writes nothing" test ! -e "$CSV"
check "a gate with it" expect 0 ' pass ' "$P/ci/gate" --record --lane amd-npt iterator
rows() {
	{ [ "$(wc -l <"$CSV")" -eq 3 ] && grep -qE "^$(date -u +%F),$BASE,iterator,[0-9a-f]{12},amd-npt,plain,tdp1,-,tests,pass,2,0,0,0,0\$" "$CSV"; } ||
		{ cat "$CSV"; return 1; }
}
check "has a row for each run" rows
check "it passed" is "amd-npt plain tdp1 - tests" pass
check "another lane did not" is "arm64 plain none - tests" missing
check "the command that would run it" grep -q ': ci/gate --record --lane arm64 iterator$' "$TMP/cells"
check "what is missing only" expect 1 '2 pass, ' "$E" --missing
check "without what passed" bash -c "! grep -q ^pass '$TMP/.out'"
sed -i 's/^Subject: one/Subject: two/' "$P/patches/iterator/one.patch"
check "a changed header changes nothing" is "amd-npt plain tdp1 - tests" pass
sed -i 's/^+oe/+eo/' "$P/patches/iterator/oe.patch"
check "nor does a patch that this base does not get" is "amd-npt plain tdp1 - tests" pass
check "the table is not there" expect 1 'README.md:2: error: not the table .*: ci/evidence --write' "$E" --check
check "it is written" "$E" --write
written() {
	"$E" --check && [ "$(sed -n '1p;$p' "$P/README.md" | paste -sd' ')" = "head tail" ] &&
		grep -qxF "| $BASE | \`iterator\` | tests |" "$P/README.md" && ! grep -qx old "$P/README.md"
}
check "and is what stands there then" written
sed -i 's/^+one/+other/' "$P/patches/iterator/one.patch"
check "a changed patch makes it older" is "amd-npt plain tdp1 - tests" older
check "the table tells it" expect 0 "^\| $BASE \| .iterator. \| \(tests\) \|" "$E" --table
records iterator exit=254
check "a failing run" expect 1 ' fail ' "$P/ci/gate" --record --lane amd-npt iterator
check "is recorded too" is "amd-npt plain tdp0 - tests" fail
check "and the table tells it" expect 0 'tests: fail' "$E" --table
tests_of amd-npt-stress one two
records iterator exit=0
# the first boot mends what it fails of
cp "$P/fake/emulator" "$TMP/emulator"
sed -i '$i sed -i "s/^two exit=254/two exit=0/" "$here/$1"' "$P/fake/emulator"
records iterator exit=254
check "a run that passes in a second boot" expect 0 ' flaky ' "$P/ci/gate" --record --retry --lane amd-npt iterator
check "is flaky" is "amd-npt plain tdp0 - tests" flaky
check "which the table tells" expect 0 'tests: flaky' "$E" --table
cp "$TMP/emulator" "$P/fake/emulator"
check "under stress" expect 0 ' pass ' "$P/ci/gate" --record --stress --lane amd-npt iterator
check "is a suite of its own" is "amd-npt plain tdp0 - stress" pass
printf '#!/bin/bash\nexit 5\n' >"$P/ci/boot"
check "a boot that leaves nothing" expect 5 'the run left no result' "$P/ci/gate" --record --stress --lane amd-npt iterator
check "is not taken for the run before" is "amd-npt plain tdp0 - stress" harness
touch "$P/fake/broken"
rows_stay() {
	local before after
	before=$(wc -l <"$CSV")
	"$P/ci/gate" --record --lane amd-npt iterator >/dev/null 2>&1 && return 1
	after=$(wc -l <"$CSV")
	[ "$before" -eq "$after" ] || { tail -n 1 "$CSV"; return 1; }
}
check "a gate whose kernel does not build records nothing" rows_stay
rm "$P/fake/broken"
echo 'today,by,hand' >>"$CSV"
check "a row that no gate wrote" expect 2 "^ci/evidence.csv:12: error: 'today,by,hand' is not a row" "$E"
cp "$P/README.md" "$TMP/README.md"
check "with it no table is written" expect 2 "^ci/evidence.csv:12: error: 'today,by,hand' is not a row" "$E" --write
check "and README.md is as it was" cmp "$TMP/README.md" "$P/README.md"
sed -i 1d "$CSV"
check "no header row" expect 2 '^ci/evidence.csv:1: error: the header row is not' "$E"
check "the project's own table" "$TOP/ci/evidence" --check
tap_end
