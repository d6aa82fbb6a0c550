#!/usr/bin/env bash
# check-upstream.sh - test of scripts/check-upstream: the real one, in a made-up
# project, on a made-up history with releases, a merge, fixes and reverts.
#
# Usage:   check-upstream.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/check-upstream.sh
. "$TOP/ci/tests/lib/check-upstream.sh"

# the history: base, walk (v5.12-rc1), a side branch with its fix, v5.13-rc1,
# then what came later
commit base "Base" v5.10
commit walk "mm: Walk once

The title of it
has an end." v5.12-rc1-dontuse
commit not "mm: Not for us" v5.12
# the merge brings the fix
commit fix "mm: Fix the \"walk\", and
 its comma

Fixes: ${ID[walk]:0:12} (\"mm: Walk once\")"
git update-ref refs/heads/side "${ID[fix]}"
git update-ref refs/heads/master "${ID[not]}"
commit other "mm: Other"
merge merge side v5.13-rc1
commit notfix "mm: A fix of what we do not have

Fixes: ${ID[not]:0:12} (\"mm: Not for us\")"
commit talk "mm: Talk about it

This Fixes: ${ID[walk]} not, nor does ${ID[walk]:0:12} (\"mm: Walk once\") count.
Fixes: https://bugzilla.kernel.org/show_bug.cgi?id=1
Fixes: cafe1234 (\"mm: Someone else's\")"
commit first "mm: A fix of the fix

Fixes: 0123456789ab (\"mm: Nobody's\")
	fixes: commit ${ID[fix]:0:9} (\"mm: Fix the\")"
AUTHOR="R Person <r@example.org>"
commit revert "Revert \"mm: Walk once\"

This reverts
commit ${ID[walk]}.

Fixes: ${ID[walk]:0:12} (\"mm: Walk once\")" v5.14-rc1
commit last "mm: A fix	of both

Fixes: $(tr a-f A-F <<<"${ID[walk]:0:10}"), ${ID[fix]:0:10}"
# a branch that nothing leads to
git update-ref refs/heads/lost "$(made "master^{tree}" -m "mm: Lost")"
git update-ref --no-deref HEAD refs/heads/master
ID[lost]=$(git rev-parse lost)

# porcelain CODE: what the tool prints is what stands on stdin.
porcelain() {
	local rc=0
	cat >"$TMP/want"
	run --porcelain >"$TMP/have" 2>"$TMP/.err" || rc=$?
	diff -u "$TMP/want" "$TMP/have" && [ $rc -eq "$1" ] && [ ! -s "$TMP/.err" ]
}

all_there() {
	good_map
	expect 0 "^check-upstream: 11 commits up to HEAD of .* \(${ID[last]:0:12}\); 5 in the map, 0 findings; follow-ups: 3 taken, 2 omitted, 0 missing\$" run
}
lines_for_programs() {
	good_map
	porcelain 0 <<-END
	omitted	${ID[last]}	1600011000	v5.14	fixes	$(smaller walk fix)	iterator/one	mm: A fix of both
	omitted	${ID[last]}	1600011000	v5.14	fixes	$(larger walk fix)	iterator/one	mm: A fix of both
	taken	${ID[revert]}	1600010000	v5.14-rc1	reverts	${ID[walk]}	iterator/one	Revert "mm: Walk once"
	taken	${ID[first]}	1600009000	v5.14-rc1	fixes	${ID[fix]}	iterator/one	mm: A fix of the fix
	taken	${ID[fix]}	1600004000	v5.13-rc1	fixes	${ID[walk]}	iterator/one	mm: Fix the "walk", and its comma
	end	11	5	0	0
	END
}
missing() {
	git tag -d v5.14
	map
	row one walk v5.12-rc1 "A Person" "mm: Walk once" adapted
	expect 1 "^upstream-map.csv:2: error: no row for ${ID[last]:0:12} \(\"mm: A fix of both\"\), none, 2020-09-13, which fixes ${ID[walk]:0:12}: take it, or say" run || return
	# newest first
	diff <(grep -o 'no row for [^ ]*' "$TMP/.out") <(printf 'no row for %.12s\n' "${ID[last]}" "${ID[revert]}" "${ID[fix]}") &&
		grep -q 'which reverts' "$TMP/.out" && grep -q '3 missing$' "$TMP/.out"
}

# one_wrong SED MESSAGE: the good map with a change gives this and nothing else.
one_wrong() {
	good_map
	sed -i "$1" "$P/upstream-map.csv"
	expect 1 "^upstream-map.csv:2: error: ${ID[walk]:0:12}:? $2\$" run || return
	[ "$(wc -l <"$TMP/.out")" -eq 2 ] || { cat "$TMP/.out"; return 1; }
}
absent() {
	good_map
	row two none v5.14 "A Person" "mm: None" adapted
	row two lost v5.14 "A Person" "mm: Lost" adapted
	expect 1 "^upstream-map.csv:7: error: 999999999999 is not in the clone\$" run &&
		grep -q "^upstream-map.csv:8: error: ${ID[lost]:0:12} is in the clone, but neither its tip" "$TMP/.out"
}
folded_absent() {
	good_map
	row one none "" "" "" folded
	expect 1 "^upstream-map.csv:7: error: 999999999999 is not in the clone\$" run
}
stable() {
	good_map
	row two none stable "A Person" "mm: None" adapted
	row two lost v5.14 "A Person" "mm: Lost" adapted
	expect 1 "^upstream-map.csv:8: error: ${ID[lost]:0:12} is in the clone" run &&
		[ "$(wc -l <"$TMP/.out")" -eq 2 ]
}
ID[none]=9999999999999999999999999999999999999999

check "all in order" all_there
check "lines for programs" lines_for_programs
check "missing follow-ups, newest first" missing
check "a wrong title" one_wrong '2s/mm: Walk once/mm: Walk twice/' "title 'mm: Walk twice', upstream: 'mm: Walk once'"
check "a wrong author" one_wrong '2s/A Person/A Pers/' "author 'A Pers [(]with B Person[)]', upstream: 'A Person'"
check "a release too late" one_wrong '2s/v5.12-rc1/v5.13-rc1/' "version 'v5.13-rc1', upstream: 'v5.12-rc1'"
check "a release too early" one_wrong '2s/v5.12-rc1/v5.10/' "version 'v5.10', upstream: 'v5.12-rc1'"
check "a release without a tag" one_wrong '2s/v5.12-rc1/v5.11/' "version 'v5.11', upstream: 'no such tag'"
check "a commit that is not there, one that nothing leads to" absent
check "a commit of stable branches only" stable
check "a folded fix that is not there" folded_absent

# other forms of a clone
good_map
check "no clone: says what it would do" expect 4 'nothing done. .* the 5 rows' "$P/scripts/check-upstream"
bare() {
	git clone -q --bare "$CLONE" "$TMP/bare" && git -C "$TMP/bare" gc -q &&
		expect 0 ' 0 missing$' "$P/scripts/check-upstream" --git "$TMP/bare"
}
worktree() {
	git -C "$CLONE" worktree add -q --detach "$TMP/worktree" v5.10 &&
		expect 0 'up to v5.14 of' "$P/scripts/check-upstream" --git "$TMP/worktree" --tip v5.14
}
shallow() {
	git clone -q --depth 1 "file://$CLONE" "$TMP/shallow" &&
		expect 2 'a shallow clone, .*: git fetch --unshallow' "$P/scripts/check-upstream" --git "$TMP/shallow"
}
untagged() {
	git clone -q --no-tags "$CLONE" "$TMP/untagged" &&
		expect 2 'no tags vX.Y in it: is this a clone of Linux\? git fetch --tags' "$P/scripts/check-upstream" --git "$TMP/untagged"
}
tip() {
	good_map
	git -C "$CLONE" branch -f old v5.12
	expect 0 'up to old of' run --tip old
}
damaged() {
	git clone -q --no-hardlinks "$CLONE" "$TMP/damaged" &&
		rm -f "$TMP/damaged/.git/objects/${ID[other]:0:2}/${ID[other]:2}" &&
		expect 2 "cannot read its commit ${ID[other]}: git fsck" "$P/scripts/check-upstream" --git "$TMP/damaged"
}
not_linux() {
	command git init -q "$TMP/other"
	command git -C "$TMP/other" -c user.name=x -c user.email=x commit -q --allow-empty -m x
	command git -C "$TMP/other" tag v1.0
	expect 2 'other: not one commit of upstream-map.csv is in it: is this a clone of Linux' \
		"$P/scripts/check-upstream" --git "$TMP/other" && [ "$(wc -l <"$TMP/.out")" -eq 1 ]
}
check "what is no clone of Linux" not_linux
check "a bare clone, packed" bare
check "a worktree, with --tip" worktree
check "what only releases lead to counts" tip
check "a shallow clone is refused" shallow
check "a clone without tags is refused" untagged
check "a damaged clone is refused" damaged
check "no clone at that place" expect 2 'cannot open it as a git repository' "$P/scripts/check-upstream" --git "$TMP"
check "no directory at that place" expect 2 'is not a directory' "$P/scripts/check-upstream" --git "$TMP/nowhere"
check "an unknown tip" expect 2 "no commit 'nowhere' in it" run --tip nowhere
check "an unknown option" expect 2 "unknown argument '--gti'" "$P/scripts/check-upstream" --gti x
check "-h" expect 0 '^check-upstream - ' "$P/scripts/check-upstream" -h

# the map's form
bad_map() {
	good_map
	sed -i "$1" "$P/upstream-map.csv"
	expect 2 "not in order: run scripts/check-series" run
}
check "a row with too few fields" bad_map '2s/,adapted//'
check "an id that is too short" bad_map "2s/${ID[walk]}/${ID[walk]:0:11}/"
check "another header" bad_map '1s/cve,note/note,cve/'
check "a quote left open" bad_map '4s/""walk""/""walk"/'
empty_map() {
	map
	expect 2 'it names no upstream commit' run
}
check "a map without commits" empty_map
tap_end
