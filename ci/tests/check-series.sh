#!/usr/bin/env bash
# check-series.sh - test of scripts/check-series: each kind of finding is
# provoked once in a made-up project; the parsers meet broken files under
# AddressSanitizer and UBSan.
#
# Usage:   check-series.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
. "$(dirname "$(readlink -f "$0")")/tap.sh"

need_packages gcc libc6-dev
TOOL=$TMP/check-series
gcc -std=gnu11 -g -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -o "$TOOL" \
	"$TOP"/scripts/src/{check-series,csv,diff,patch,text}.c

ID_A=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ID_F=ffffffffffffffffffffffffffffffffffffffff
ME="TDP MMU backport maintainers <tdp-mmu-backport@example.org>"
A=patches/iterator/walk-once.patch
L=patches/rwlock-rcu/own-words.patch

# patch_file SUBJECT BLOCK AUTHOR: a sound patch on stdout.
patch_file() {
	cat <<-END
	From: $ME
	Date: Sat, 21 Nov 2026 12:00:00 +0000
	Subject: $1

	$2
	category: cleanup
	bugzilla: NA
	CVE: NA

	Reference: https://git.kernel.org/torvalds/c/aaaaaaaaaaaa

	--------------------------------

	Walk the tree once. Twice is too often.

	Adaptation: none, the function
	is the same on 5.10.
	${3:+Upstream-author: $3
	}Tested: built

	Signed-off-by: $ME
	---
	 fs/walk.c |    3 ++-
	 fs/new.txt  |    1 +
	 2 files changed, 3 insertions(+), 1 deletion(-)

	diff --git a/fs/walk.c b/fs/walk.c
	--- a/fs/walk.c
	+++ b/fs/walk.c
	@@ -10,3 +10,3 @@ int walk(void)
	 int a;
	-int b;
	+int c;
	 int d;
	@@ -20,1 +20,2 @@
	 int e;
	+int f;
	diff --git a/fs/new.txt b/fs/new.txt
	new file mode 100644
	--- /dev/null
	+++ b/fs/new.txt
	@@ -0,0 +1,1 @@
	+int g;
	END
}

# project: a sound project in $P.
P=$TMP/project
project() {
	rm -rf "$P"
	mkdir -p "$P/patches/iterator" "$P/patches/rwlock-rcu"
	patch_file "mm: Walk once" "mainline inclusion
from mainline-v5.12-rc1
commit $ID_A" "A Person" >"$P/$A"
	patch_file "mm: Ours" "openEuler inclusion" "" >"$P/$L"
	cat >"$P/series" <<-END
	# The milestone iterator: walk
	$A

	# rwlock-rcu
	$L
	END
	cat >"$P/upstream-map.csv" <<-END
	patch,milestone,upstream_commit,upstream_version,upstream_author,upstream_title,relation,folded_fixes,evidence,note,entry
	$A,iterator,$ID_A,v5.12-rc1,A Person,mm: Walk once,adapted,$ID_F,unit test,,1
	$A,iterator,$ID_F,v5.13,B Person,"mm: Fix the ""walk""",folded,,,,X1
	$L,rwlock-rcu,,none,,mm: Ours,local,,unit test,"two
	lines",
	,rwlock-rcu,cccccccccccccccccccccccccccccccccccccccc,v5.14,C Person,mm: No,omitted,,,not needed,X2
	END
	cat >"$P/plan.csv" <<-END
	entry,milestone,upstream_commit,upstream_version,upstream_author,upstream_title,status
	1,iterator,$ID_A,v5.12-rc1,A Person,mm: Walk once,apply
	X1,parallel-faults,$ID_F,v5.13,B Person,"mm: Fix the ""walk""",apply
	X2,rwlock-rcu,cccccccccccccccccccccccccccccccccccccccc,v5.14,C Person,mm: No,skip
	9,default-on,dddddddddddddddddddddddddddddddddddddddd,v5.15,D Person,mm: Later,apply
	END
}

run() {
	"$TOOL" --root "$P" --milestones "$MILESTONES" "$@"
}

# finds FILE SED PATTERN [OPTION...]: after SED on FILE there is just that finding.
finds() {
	local file=$1 edit=$2 pattern=$3
	shift 3
	project
	sed -i -E "$edit" "$P/$file"
	expect 1 "^$pattern" run "$@" || return 1
	[ "$(wc -l <"$TMP/.out")" -eq 1 ] || { echo "more than one finding:"; cat "$TMP/.out"; return 1; }
}

# broken: the tool ends with findings or refuses, and no sanitizer speaks.
broken() {
	local rc=0
	run "$@" >"$TMP/.out" 2>&1 || rc=$?
	[ $rc -eq 1 ] && ! grep -qE 'Sanitizer|runtime error' "$TMP/.out" && return 0
	echo "exit $rc"
	head -c 2000 "$TMP/.out"
	return 1
}

project
check "a sound project" expect 0 "" run
check "a sound project with its plan" expect 0 "" run --plan "$P/plan.csv"
check "one patch alone" expect 0 "" run "$A"

# series and files: line by line  FILE | SED | finding
while IFS='~' read -r file edit pattern; do
	check "$file: ${pattern#*error: }" finds "$file" "$edit" "$pattern"
done <<END
series~1s/iterator/walks/~series:2: error: no heading above the first patch of iterator
series~3s#.*#$A#~series:3: error: .* for the second time, first on line 2
upstream-map.csv~1s/note/remark/~upstream-map.csv:1: error: the header row is not
upstream-map.csv~2s/,1\$/,1,/~upstream-map.csv:2: error: 12 fields instead of 11
upstream-map.csv~2s/adapted/taken/~upstream-map.csv:2: error: relation 'taken'
upstream-map.csv~2s/,iterator,/,rwlock-rcu,/~upstream-map.csv:2: error: milestone 'rwlock-rcu', the patch lies in iterator
upstream-map.csv~6s/rwlock-rcu/someday/~upstream-map.csv:6: error: 'someday' is not a milestone
upstream-map.csv~6s#^#$A#~upstream-map.csv:6: error: an omitted row names no patch
upstream-map.csv~6s/not needed//~upstream-map.csv:6: error: omitted without a reason
upstream-map.csv~6s/c{40}/ccc/~upstream-map.csv:6: error: upstream_commit 'ccc'
upstream-map.csv~6s/v5.14/5.14/~upstream-map.csv:6: error: upstream_version '5.14'
upstream-map.csv~6s/C Person//~upstream-map.csv:6: error: no upstream_author
upstream-map.csv~6s/mm: No//~upstream-map.csv:6: error: no upstream_title
upstream-map.csv~6s/X2/two/~upstream-map.csv:6: error: entry 'two'
upstream-map.csv~6s/X2/X1/~upstream-map.csv:6: error: entry X1 has a row already, on line 3
upstream-map.csv~6s/c{40}/$ID_A/~upstream-map.csv:6: error: commit a* has a row already, on line 2
upstream-map.csv~4s/,none,/,v5.12,/~upstream-map.csv:4: error: upstream_version 'v5.12' without an upstream_commit
upstream-map.csv~2s/unit test//~upstream-map.csv:2: error: no evidence
upstream-map.csv~2s/f{40}/ff/~upstream-map.csv:2: error: folded_fixes 'ff'
upstream-map.csv~3s/,folded,,/,folded,$ID_F,/~upstream-map.csv:3: error: folded_fixes belong to the row
upstream-map.csv~3s#^$A,iterator#$L,rwlock-rcu#~upstream-map.csv:3: error: f{12} is a folded fix of $A
upstream-map.csv~3s#,folded,,,#,partial,,test,#;2s/$ID_F//~upstream-map.csv:3: error: $A has its row on line 2
$A~1s/TDP MMU/Somebody/~$A:1: error: expected 'From: TDP
$A~2s/Sat/Sun/~$A:2: error: .* is not a date of RFC 2822
$A~3s/Subject: /Subject: [PATCH] /~$A:3: error: the subject starts with a bracket
$A~3s/Walk/Run/~$A:3: error: subject 'mm: Run once', upstream-map.csv line 2
$A~4d~$A:4: error: expected an empty line after the mail header
$A~6s/12-rc1/13/~$A:6: error: version 'v5.13', upstream-map.csv line 2
$A~6s/from/from:/~$A:6: error: expected 'from mainline
$A~8s/cleanup/clean/~$A:8: error: expected 'category: '
$A~9s/NA/none/~$A:9: error: expected 'bugzilla: '
$A~10s/NA/2021/~$A:10: error: expected 'CVE: '
$A~12s/a{12}/aaaabaaaaaaa/~$A:12: error: expected 'https
$A~14s/-//~$A:14: error: expected a line of 32 dashes
$A~16d~$A:17: error: no explanation
$A~18s/Adap/Adop/~$A:20: error: expected 'Adaptation: '
$A~20s/A Person/B Person/~$A:20: error: Upstream-author 'B Person', upstream-map.csv line 2
$A~20d~$A:20: error: expected 'Upstream-author: '
$A~21s/built//~$A:21: error: expected 'Tested: '
$A~23s/TDP/PDT/~$A:23: error: expected 'Signed-off-by: 
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
	expect 1 "$want" run
}
option() { sed -i "2s/$/ -p0/" series; }
indent() { sed -i "3s/^/ # x/" series; }
no_row() { echo patches/rwlock-rcu/none.patch >>series; }
stray() { echo x >patches/iterator/README; }
gone() { rm "$A"; }
order() { printf '# rwlock-rcu\n%s\n# iterator\n%s\n' "$L" "$A" >series; }
unknown() { mv patches/iterator patches/walks; sed -i 's#patches/iterator#patches/walks#' series upstream-map.csv; }
binary() { sed -i '30,$d' "$A"; printf 'GIT binary patch\nliteral 0\n' >>"$A"; }
nothing() { sed -i '29,$d' "$A"; }
cut_off() { truncate -s -1 "$A"; }
carriage() { sed -i '5s/$/\r/' "$A"; }
wrong_kind() { sed -i 's/,local,/,partial,/;s/,,none,,mm/,'$ID_A',v5.12,A,mm/' upstream-map.csv; }
deep() { sed -i '4s/$/\n\n\n\n\n\n\n/' "$A"; }
parent() { sed -i 's#fs/walk.c#fs/../../walk.c#g' "$A"; }
twice() { local again; again=$(sed -n 29,35p "$A"); echo "$again" >>"$A"; }
same_text() { sed -i '34,35d;33s/$/\n int c;/;32s/.*/@@ -10,3 +10,3 @@/' "$A"; }
check "an option in the series" more "^series:2: error: .*neither a comment from column 1" option
check "an indented comment" more "^series:3: error: .*neither a comment from column 1" indent
check "a line without a row" more "^series:6: error: no row adapted, partial or local" no_row
check "a file without a line" more '^patches/iterator/README:1: error: no line' stray
check "a line without a file" more "^$A:1: error: cannot read it" gone
check "milestones out of order" more '^series:4: error: milestone iterator out of order' order
check "an unknown milestone" more "^series:2: error: 'walks' is not a milestone" unknown
check "a binary diff" more "^$A:30: error: a binary diff" binary
check "a patch without a diff" more "error: no 'diff --git' line" nothing
check "no newline at the end" more "^$A:45: error: does not end with a newline" cut_off
check "a carriage return" more "^$A:5: error: carriage return" carriage
check "inclusion against relation" more "^$L:5: error: 'openEuler inclusion', upstream-map.csv line 4 says 'partial'" wrong_kind
check "inclusion line too far down" more "^$A:[0-9]*: error: expected 'mainline inclusion'" deep
check "a path that leaves the tree" more "^$A:29: error: .* is not a plain path" parent
check "a file twice in a patch" more "^$A:46: error: fs/walk.c is in this patch twice, first on line 29" twice
check "a hunk that changes nothing" more "^$A:32: error: hunk changes nothing" same_text

# the plan
while IFS='~' read -r edit pattern; do
	check "plan: ${pattern#*error: }" finds plan.csv "$edit" "$pattern" --plan "$P/plan.csv"
done <<END
s/^9,default-on/9,iterator/~upstream-map.csv:1: error: no row for entry 9 of the plan
2s/A Person/Z Person/~upstream-map.csv:2: error: upstream_author 'A Person', the plan has 'Z Person'
2s/5.12-rc1/5.12/~upstream-map.csv:2: error: upstream_version
2s/once/twice/~upstream-map.csv:2: error: upstream_title
4s/rwlock-rcu/iterator/~upstream-map.csv:6: error: milestone 'rwlock-rcu', the plan has 'iterator'
4s/X2/X3/;4s/rwlock-rcu/default-on/~upstream-map.csv:6: error: the plan has no entry X2
END

# broken files
feed() { project; "$@"; broken --milestones "$MILESTONES"; }
# shellcheck disable=SC2317 # called by name
{
cut_at() { truncate -s "$1" "$P/$A"; }
nul_in() { printf 'a\0b\n' >>"$P/$1"; }
long_in() { head -c 3000000 /dev/zero | tr '\0' x >>"$P/$1"; echo >>"$P/$1"; }
open_quote() { sed -i '2s/A Person/"A Person/' "$P/upstream-map.csv"; }
quotes() { sed -i '2s/A Person/A "P" erson/;3s/""walk"""/"x"y/' "$P/upstream-map.csv"; }
huge() { sed -i '32s/.*/@@ -999999999,999999999 +999999999,999999999 @@/' "$P/$A"; }
empty() { : >"$P/$1"; }
crlf() { sed -i 's/$/\r/' "$P/$1"; }
noise() { head -c 100000 "$TOOL" >"$P/$1"; }
}
size=$(project; stat -c %s "$P/$A")
cuts_all() {
	local n
	for ((n = 1; n < size; n += 29)); do feed cut_at $n || { echo "cut at byte $n"; return 1; }; done
}
check "broken: patch cut at any byte" cuts_all
for f in "$A" series upstream-map.csv; do
	for how in nul_in long_in empty crlf noise; do
		check "broken: $how $f" feed $how "$f"
	done
done
check "broken: a quote left open" feed open_quote
check "broken: quotes in wrong places" feed quotes
check "broken: hunk numbers out of all bounds" feed huge

# the script around it
project
script() { "$TOP/scripts/check-series" --root "$P" "$@"; }
check "script: sound project, checkpatch too" expect 0 '^check-series: 2 patches, 0 findings$' script
sed -i 's/^+int c;$/+int c; /' "$P/$A"
check "script: what checkpatch says" expect 1 "^$A:35: error: checkpatch: ERROR:TRAILING_WHITESPACE" script
check "script: checkpatch again, remembered" expect 1 "^$A:35: error: checkpatch: ERROR:TRAILING_WHITESPACE" script
sed -i '16s/.*/As commit 1234567890 did./' "$P/$A"
check "script: a commit named badly in the text" expect 1 "^$A:16: error: checkpatch: ERROR:GIT_COMMIT_ID" script
check "script: without checkpatch" expect 0 'patches, 0 findings' script --no-checkpatch
check "script: one patch from another directory" expect 0 '^check-series: 1 patches, 0 findings$' \
	env -C "$P/patches" "$TOP/scripts/check-series" --root "$P" rwlock-rcu/own-words.patch
check "script: unknown option" expect 2 'Usage:' script --what
check "script: no such patch" expect 2 'no such patch' script nowhere.patch
check "script: no such plan" expect 2 'cannot read it' script --plan "$TMP/nowhere"
check "script: not a project" expect 2 'is this the root' "$TOP/scripts/check-series" --root "$TMP"
check "script: a base that is none" expect 2 'no scripts/checkpatch.pl' script --base "$TMP"
tap_end
