#!/usr/bin/env bash
# check-series.sh - test of scripts/check-series: each kind of finding is
# provoked once, alone, in a made-up project.
#
# Usage:   check-series.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/check-series.sh
. "$TOP/ci/tests/lib/check-series.sh"

project
check "a sound project" expect 0 "" run
check "a sound project with its plan" expect 0 "" run --plan "$P/plan.csv"
sed -i 's/$/\r/' "$P/plan.csv"
check "a plan with CRLF" expect 0 "" run --plan "$P/plan.csv"
check "one patch alone" expect 0 "" run "$A"

# series and files: line by line  FILE | SED | finding
while IFS='~' read -r file edit pattern; do
	check "$file: ${pattern#*error: }" finds "$file" "$edit" "$pattern"
done <<END
series~1s/iterator/walks/~series:2: error: no heading above the first patch of iterator
upstream-map.csv~1s/note/remark/~upstream-map.csv:1: error: not what the headers and patches/omitted.csv give: scripts/derive-series
upstream-map.csv~4s/5.13/5.14/~upstream-map.csv:4: error: not what the headers
upstream-map.csv~4d~upstream-map.csv:4: error: not what the headers
upstream-map.csv~\$s/\$/\nx/~upstream-map.csv:7: error: no header and no row of patches/omitted.csv gives this line
patches/omitted.csv~1s/reason/why/~patches/omitted.csv:1: error: the header row is not
patches/omitted.csv~2s/No,/No,,/~patches/omitted.csv:2: error: 6 fields instead of 5
patches/omitted.csv~2s/c{40}/ccc/~patches/omitted.csv:2: error: commit 'ccc' is not an id
patches/omitted.csv~2s/v5.14/5.14/~patches/omitted.csv:2: error: version '5.14' is not
patches/omitted.csv~2s/C Person//~patches/omitted.csv:2: error: no author
patches/omitted.csv~2s/mm: No//~patches/omitted.csv:2: error: no title
patches/omitted.csv~2s/"not needed//;3d~patches/omitted.csv:2: error: left out without a reason
patches/omitted.csv~2s/not needed/FILL-IN/~patches/omitted.csv:2: error: FILL-IN is still to be written
patches/omitted.csv~2s/c{40}/$ID_A/~patches/omitted.csv:2: error: commit a{12} is in $A already, on line 7
patches/omitted.csv~2s/c{40}/${ID_F:0:12}/~patches/omitted.csv:2: error: commit f{12} is in $L already, on line 18
$L~18s/f{40}/$ID_A/~$L:18: error: commit a{12} is in $A already, on line 7
$L~18s/f{40}/fff/~$L:18: error: expected 'Folds: \(' 40 hex digits ', vX.Y\)'
$L~18s/, v5.13/, 5.13/~$L:18: error: expected 'Folds: \('
$L~19s/"mm/mm/~$L:18: error: expected 'Folds: \('
$A~1s/TDP MMU/Somebody/;23s/TDP MMU/Somebody/~$A:1: error: 'Somebody backport .*' is not one of scripts/lib/identities
$A~1s/From/Form/~$A:1: error: expected 'From: NAME
$A~2s/Sat/Sun/~$A:2: error: .* is not a date of RFC 2822
$A~3s/Subject: /Subject: [PATCH] /~$A:3: error: the subject starts with a bracket
$A~4d~$A:4: error: expected an empty line after the mail header
$A~6s/from/from:/~$A:6: error: expected 'from mainline
$A~8s/cleanup/clean/~$A:8: error: expected 'category: '
$A~9s/NA/none/~$A:9: error: expected 'bugzilla: '
$A~10s/NA/2021/~$A:10: error: expected 'CVE: '
$A~12s/a{12}/aaaabaaaaaaa/~$A:12: error: expected 'https
$A~14s/-//~$A:14: error: expected a line of 32 dashes
$A~16d~$A:17: error: no explanation
$A~16s/Walk/FILL-IN/~$A:16: error: FILL-IN is still to be written
$A~18s/Adap/Adop/~$A:20: error: expected 'Adaptation: '
$A~20d~$A:20: error: expected 'Upstream-author: '
$A~20s/^/Base: sometimes\n/~$A:20: error: expected 'Base: ' openeuler or stable
$A~20s/^/Base: stable\n/~$A:20: error: Base: stable, and line 2 of 'series' gives it to openEuler: write '#stable: $A' there
patches/stable.series~2d~patches/stable.series:2: error: line 2 of 'series' gives another line here: scripts/derive-series
patches/stable.series~\$s/\$/\n/~patches/stable.series:6: error: 'series' gives no such line
$A~21s/built//~$A:21: error: expected 'Tested: '
$A~23s/TDP/PDT/~$A:23: error: signed off by 'PDT MMU .*', and From is 'TDP MMU
$A~23s/Signed/Singed/~$A:23: error: expected 'Signed-off-by: 
$A~17s/^/Signed-off-by: A Person <a@example.org>\n/~$A:24: error: a second sign-off
$A~24s/^/Cc: me\n/~$A:24: error: expected '---' right after
$A~25s/3/4/~$A:25: error: the diff changes 3 lines of fs/walk.c
$A~26d~$A:39: error: fs/new.txt is missing from the diffstat
$A~26s/new/old/;26s/\$/\n fs\/new.txt | 1 +/~$A:26: error: the diff does not touch fs/old.txt
$A~27s/3/2/~$A:27: error: the diff has 2 files, 3 insertions
$A~27d~$A:24: error: no diffstat
$A~28s/^/words/~$A:28: error: .* only the diffstat stands there
$A~29s#b/fs/walk#b/fs/talk#~$A:29: error: expected 'diff --git
$A~29s/\$/\nindex 123..456 100644/~$A:30: error: an index line
$A~29s/\$/\nrename from fs\/x.c/~$A:30: error: a git rename
$A~29s/\$/\ncopy from fs\/x.c/~$A:30: error: a git copy
$A~29s/\$/\nold mode 100644/~$A:30: error: a mode change
$A~29s/\$/\nfunny/~$A:30: error: 'funny' does not belong
$A~30s/\$/\t2026-11-21 12:00:00/~$A:30: error: text after the path: no timestamps
$A~31s#b/fs#b/mm#~$A:31: error: expected '\+\+\+ b/fs/walk.c'
$A~32s/3 @@/4 @@/~$A:32: error: hunk is 0 old and 1 new lines short
$A~32s/10,3 @@/11,3 @@/~$A:32: error: hunk starts at new line 11, the hunks before it say 10
$A~37s/20/12/g~$A:37: error: hunk starts at old line 12, before the end
$A~39s/\$/\n+int more;/~$A:37: error: hunk has more lines than its numbers say
$A~39s/\$/\nlost/~$A:40: error: 'lost' after a hunk
$A~45s/^/ \n/;44s/,1/,2/;44s/0,0/1,1/~$A:44: error: a new file is one hunk
END

# what needs more than a line changed
more() {
	local want=$1
	shift
	project
	(cd "$P" && "$@")
	[ "$1" = map_crlf ] || derive_map || true
	expect 1 "$want" run
}
option() { sed -i "2s/$/ -p0/" series; }
again() { sed -i "3s#.*#$A#" series; }
indent() { sed -i "3s/^/ # x/" series; }
map_crlf() { sed -i 's/$/\r/' upstream-map.csv; }
omitted_crlf() { sed -i 's/$/\r/' patches/omitted.csv; }
no_map() { rm upstream-map.csv; mkdir upstream-map.csv; }
stray() { echo x >patches/iterator/README; }
cover_sound() {
	project
	echo x >"$P/patches/iterator/COVER"
	expect 0 '' run
}
stray_cover() { mkdir patches/someday; echo x >patches/someday/COVER; }
gone() { rm "$A"; }
order() { printf '# rwlock-rcu\n%s\n# iterator\n%s\n' "$L" "$A" >series; }
unknown() { mv patches/iterator patches/walks; sed -i 's#patches/iterator#patches/walks#' series; }
binary() { sed -i '30,$d' "$A"; printf 'GIT binary patch\nliteral 0\n' >>"$A"; }
nothing() { sed -i '29,$d' "$A"; }
cut_off() { truncate -s -1 "$A"; }
carriage() { sed -i '5s/$/\r/' "$A"; }
deep() { sed -i '4s/$/\n\n\n\n\n\n\n/' "$A"; }
parent() { sed -i 's#fs/walk.c#fs/../../walk.c#g' "$A"; }
twice() { local again; again=$(sed -n 29,35p "$A"); echo "$again" >>"$A"; }
same_text() { sed -i '34,35d;33s/$/\n int c;/;32s/.*/@@ -10,3 +10,3 @@/' "$A"; }
base() { sed -i "s/^\(Upstream-author\|Folds\|Tested\):/Base: $2\n&/;tx;b;:x;n;bx" "$1"; }
both_kinds() {
	base "$A" openeuler
	base "$L" stable
	sed -i "s@^$L@#stable: &@" series
	sed "s/^#stable: //; /^${A//\//.}/d" series >patches/stable.series
}
kinds_sound() {
	project
	(cd "$P" && both_kinds)
	expect 0 '' run
}
no_stable() { rm patches/stable.series; }
stable_too() { both_kinds; sed "s/^#stable: //" series >patches/stable.series; }
no_base() { both_kinds; sed -i '/^Base: /d' "$L"; }
base_late() { sed -i 's/^Tested:/Base: openeuler\n&/' "$A"; }
base_early() { sed -i 's/^Adaptation:/Base: openeuler\n&/' "$A"; }
stable_word() { sed -i "s@^$L@#stable:$L@" series patches/stable.series; }
check "patches for one kind of base" kinds_sound
check "no series for stable" more '^patches/stable.series:1: error: cannot read it .*: scripts/derive-series' no_stable
check "a patch for openEuler in the series for stable" \
	more "^patches/stable.series:2: error: line 3 of 'series' gives another line" stable_too
check "a line #stable: without Base: stable" \
	more "^series:5: error: a line '#stable: ', and the header of $L has no 'Base: stable'" no_base
check "Base: behind the author" more "^$A:21: error: expected 'Tested: ' and what was run, found 'Base" base_late
check "Base: before the adaptation" more "^$A:18: error: expected 'Adaptation: '.*, found 'Base" base_early
check "a line #stable without its form" more "^series:5: error: '#stable:$L' is neither" stable_word
check "a patch twice in the series" more '^series:3: error: .* for the second time, first on line 2' again
check "an option in the series" more "^series:2: error: .*neither a comment from column 1" option
check "an indented comment" more "^series:3: error: .*neither a comment from column 1" indent
check "a map with CRLF" more '^upstream-map.csv:1: error: not what the headers' map_crlf
check "commits that are left out, with CRLF" more '^patches/omitted.csv:1: error: holds a carriage return' omitted_crlf
check "no map" more '^upstream-map.csv:1: error: cannot read it .*: scripts/derive-series' no_map
check "a file without a line" more '^patches/iterator/README:1: error: no line' stray
check "a milestone's text for the cover letter" cover_sound
check "such a text of no milestone" more '^patches/someday/COVER:1: error: no line' stray_cover
check "a line without a file" more "^$A:1: error: cannot read it" gone
check "milestones out of order" more '^series:4: error: milestone iterator out of order' order
check "an unknown milestone" more "^series:2: error: 'walks' is not a milestone" unknown
check "a binary diff" more "^$A:30: error: a binary diff" binary
check "a patch without a diff" more "error: no 'diff --git' line" nothing
check "no newline at the end" more "^$A:45: error: does not end with a newline" cut_off
check "a carriage return" more "^$A:5: error: carriage return" carriage
check "inclusion line too far down" more "^$A:[0-9]*: error: expected 'mainline inclusion'" deep
check "a path that leaves the tree" more "^$A:29: error: .* is not a plain path" parent
check "a file twice in a patch" more "^$A:46: error: fs/walk.c is in this patch twice, first on line 29" twice
check "a hunk that changes nothing" more "^$A:32: error: hunk changes nothing" same_text

# a commit that mainline has not; one upstream change for two kinds of base
stable() {
	project
	sed -i 's/, v5.13/, stable/' "$P/$L"
	sed -i 's/v5.13/stable/' "$P/plan.csv"
	derive_map
	expect 0 '' run --plan "$P/plan.csv"
}
two_bases() {
	project
	(cd "$P" && both_kinds && sed -i "/^Folds/,/ its end/d; s/^openEuler inc.*/$(sed -n 5,7p "$A" | paste -sd@ | sed 's/@/\\n/g')/; s/^Base: stable/&\nUpstream-author: A Person/; s#^Ref.*#Reference: https://git.kernel.org/torvalds/c/${ID_A:0:12}#" "$L")
	derive_map
	expect 0 '' run
}
check "a commit of stable branches only" stable
check "one commit, a patch for each kind of base" two_bases
tap_end
