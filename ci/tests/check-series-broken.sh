#!/usr/bin/env bash
# check-series-broken.sh - test of scripts/check-series: the plan; its parsers meet broken
# files under AddressSanitizer and UBSan; options, checkpatch and exit codes.
#
# Usage:   check-series-broken.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/check-series.sh
. "$TOP/ci/tests/lib/check-series.sh"

# broken: the tool ends with findings or refuses, and no sanitizer speaks.
broken() {
	local rc=0
	run "$@" >"$TMP/.out" 2>&1 || rc=$?
	[ $rc -eq 1 ] && ! grep -qE 'Sanitizer|runtime error' "$TMP/.out" && return 0
	echo "exit $rc"
	head -c 2000 "$TMP/.out"
	return 1
}

# broken files
feed() { project; "$@"; broken --milestones "$MILESTONES"; }
# shellcheck disable=SC2317 # called by name
{
cut_at() { truncate -s "$1" "$P/$A"; }
nul_in() { printf 'a\0b\n' >>"$P/$1"; }
long_in() { head -c 3000000 /dev/zero | tr '\0' x >>"$P/$1"; echo >>"$P/$1"; }
open_quote() { sed -i '2s/C Person/"C Person/' "$P/patches/omitted.csv"; }
quotes() { sed -i '2s/C Person/C "P" erson/;2s/mm: No/"x"y/' "$P/patches/omitted.csv"; }
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
for f in "$A" series upstream-map.csv patches/omitted.csv; do
	for how in nul_in long_in empty crlf noise; do
		check "broken: $how $f" feed $how "$f"
	done
done
check "broken: a quote left open" feed open_quote
check "broken: quotes in wrong places" feed quotes
check "broken: hunk numbers out of all bounds" feed huge

# says PATTERN COMMAND...: what is found after COMMAND.
says() { project; "${@:2}"; expect 1 "$1" run; }
# shellcheck disable=SC2317 # called by name
{
bytes() { sed -i "16s/Walk/W${1}lk/" "$P/$A"; }
utf8() { project; sed -i '16s/Walk/W\xc3\xa4lk \xe2\x82\xac \xf0\x9f\x90\xa7/' "$P/$A"; expect 0 '' run; }
crlf_series() { project; crlf "$1"; expect 1 "^$1:1: error: carriage return at the end of the line" run && [ "$(wc -l <"$TMP/.out")" -eq 1 ]; }
}
for b in '\xe4' '\xc0\xaf' '\xe2\x82' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xff'; do
	check "a message that is no UTF-8: $b" says "^$A:16: error: is not UTF-8" bytes "$b"
done
check "a message in UTF-8" utf8
check "an empty patch" says "^$A:1: error: is empty" empty "$A"
check "a series with CRLF" crlf_series series
check "the series of stable with CRLF" crlf_series patches/stable.series

# the plan
while IFS='~' read -r edit pattern; do
	check "plan: ${pattern#*error: }" finds plan.csv "$edit" "$pattern" --plan "$P/plan.csv"
done <<END
s/^9,default-on/9,iterator/~patches/omitted.csv:1: error: neither a patch nor a reason for d{12} of the plan \(entry 9, iterator\), 'mm: Later'
2s/A Person/Z Person/~$A:7: error: author 'A Person', the plan has 'Z Person'
2s/5.12-rc1/5.12/~$A:7: error: version
2s/once/twice/~$A:7: error: title
4s/5.14/5.15/~patches/omitted.csv:2: error: version 'v5.14', the plan has 'v5.15'
END

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
check "script: unknown option" expect 2 "unknown option '--what'" script --what
check "script: no such patch" expect 2 'no such patch' script nowhere.patch
check "script: no such plan" expect 2 'cannot read it' script --plan "$TMP/nowhere"
mkdir -p "$TMP/slow/scripts"
touch "$TMP"/slow/scripts/{spelling.txt,const_structs.checkpatch}
# not what an earlier run has remembered
echo "sleep 12; # $$ $RANDOM" >"$TMP/slow/scripts/checkpatch.pl"
check "script: progress" expect 0 'checkpatch.pl has looked at [01] of 2 patches' script --base "$TMP/slow"
check "script: not a project" expect 2 'is this the root' "$TOP/scripts/check-series" --root "$TMP"
check "script: a base that is none" expect 2 'no scripts/checkpatch.pl' script --base "$TMP"
tap_end
