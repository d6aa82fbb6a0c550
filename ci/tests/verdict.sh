#!/usr/bin/env bash
# verdict.sh - test of ci/verdict/verdict.c: recorded consoles in, verdicts out.
#
# Usage:   verdict.sh
# Inputs:  ci/tests/consoles/NAME.log, a console; expected, "NAME exit conclusion"
#          a line; beside them, where needed, NAME.list (else golden.list),
#          NAME.known and NAME.args (options of verdict, one word a line)
# Outputs: TAP. Exit: 0 pass, 1 a test failed.
# verdict runs under AddressSanitizer and UBSan throughout.
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"

need_packages gcc libc6-dev libxml2-utils perl
GOLD=$TOP/ci/tests/consoles
TOOL=$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" ci/verdict/verdict)
# A report of a sanitizer must not look like a failed test.
export ASAN_OPTIONS=exitcode=99:detect_leaks=0 UBSAN_OPTIONS=exitcode=99
OUT=$TMP/out
mkdir -p "$OUT"

# judge NAME [OPTION...]: run verdict as NAME's golden case wants it.
judge() {
	local name=$1 list=$GOLD/golden.list args=()
	shift
	[ ! -f "$GOLD/$name.list" ] || list=$GOLD/$name.list
	[ ! -f "$GOLD/$name.args" ] || mapfile -t args <"$GOLD/$name.args"
	[ ! -f "$GOLD/$name.known" ] || args+=(--known "$GOLD/$name.known")
	rm -f "$OUT"/*
	"$TOOL" --list "$list" --name golden --out "$OUT" "${args[@]}" "$@" "$GOLD/$name.log"
}

golden() {
	local name=$1 want=$2 rc=0
	judge "$name" || rc=$?
	diff <(echo "$want") <(echo "$rc $(cat "$OUT/conclusion.txt")") || return 1
	xmllint --noout "$OUT/junit.xml" || return 1
	agrees
}

# The figures of the files agree with each other: tests.txt is the truth.
agrees() {
	local n plan cases lines
	n=$(wc -l <"$OUT/tests.txt")
	plan=$(sed -n 's/^1\.\.//p' "$OUT/results.ktap")
	lines=$(grep -cE '^(not )?ok [0-9]+ ' "$OUT/results.ktap")
	cases=$(xmllint --xpath 'count(//testcase)' "$OUT/junit.xml")
	[ "$plan $lines $cases" = "$((n + 2)) $((n + 2)) $((n + 2))" ] || {
		echo "$n tests, but plan $plan, $lines KTAP lines, $cases JUnit cases"
		return 1
	}
	for kind in failure error skipped; do
		attribute=${kind}s
		[ $kind != skipped ] || attribute=skipped
		[ "$(xmllint --xpath "string(//testsuite/@$attribute)" "$OUT/junit.xml")" = \
			"$(xmllint --xpath "count(//$kind)" "$OUT/junit.xml")" ] || {
			echo "JUnit's attribute $attribute is wrong"
			return 1
		}
	done
}

while read -r name want; do
	check "golden: $name" golden "$name" "$want"
done <"$GOLD/expected"

same_names() {
	diff <(cd "$GOLD" && printf '%s\n' *.log | sed 's/\.log$//' | sort) \
		<(cut -d' ' -f1 "$GOLD/expected" | sort)
}
check "every console has an expected verdict and the reverse" same_names

whole_files() {
	judge mixed || true
	diff "$GOLD/mixed.ktap" "$OUT/results.ktap" && diff "$GOLD/mixed.xml" "$OUT/junit.xml"
}
check "KTAP and JUnit of a run with one of each result, to the letter" whole_files

# A run with nothing but known failures is green for prove(1), one with any other is red.
for_prove() {
	local rc=0
	judge known && prove -e cat "$OUT/results.ktap" >"$TMP/prove" 2>&1 && grep -q ' # XFAIL ' "$OUT/results.ktap" || return 1
	judge mixed || true
	prove -e cat "$OUT/results.ktap" >"$TMP/prove" 2>&1 || rc=$?
	cat "$TMP/prove"
	[ $rc -ne 0 ] && grep -q 'Failed tests*: *2, 6-10' "$TMP/prove"
}
check "prove(1) takes a known failure as passed, and no other" for_prove

# The detector: each pattern finds its console, and is missed there when off.
covered() {
	local want
	want=$(sed -n "s/^splat-$1 //p" "$GOLD/expected")
	case $want in
	"3 splat: $1: "*) ;;
	*) echo "no golden console splat-$1"; return 1 ;;
	esac
	judge "splat-$1" --without "$1" || true
	[ "$(cat "$OUT/conclusion.txt")" != "${want#3 }" ] || {
		echo "splat-$1 comes out the same without the pattern"
		return 1
	}
}
for id in $("$TOOL" --list-patterns); do
	check "pattern $id is needed" covered "$id"
done

# cut NAME STEP WORST: cut a console after every STEP bytes. Up to the end marker
# no cut may pass; a splat once seen stays (WORST: 5 none, 3 splat).
cut_anywhere() {
	local log=$GOLD/$1.log step=$2 worst=$3 end size rc seen=5
	end=$(grep -abo 'gate: end ran=3' "$log" | cut -d: -f1)
	for ((size = 0; size < end + 15; size += step)); do
		head -c "$size" "$log" >"$TMP/cut.log"
		rc=0
		"$TOOL" --list "$GOLD/golden.list" --name cut --out "$OUT" "$TMP/cut.log" \
			>"$TMP/cut.out" 2>&1 || rc=$?
		if [ $rc -ne 5 ] && [ $rc -ne "$worst" ] || [ $rc -gt $seen ]; then
			echo "cut after $size bytes: exit $rc, before that $seen"
			cat "$TMP/cut.out"
			return 1
		fi
		seen=$rc
	done
	[ "$seen" -eq "$worst" ]
}
check "a console cut anywhere does not pass" cut_anywhere clean 11 5
check "a splat stays a splat wherever the console is cut" cut_anywhere splat-kasan 13 3

# Junk: the tool's own code, behind, before and instead of a console.
junk() {
	local rc=0
	cat "$@" >"$TMP/junk.log"
	"$TOOL" --list "$GOLD/golden.list" --name junk --out "$OUT" "$TMP/junk.log" >"$TMP/junk.out" 2>&1 || rc=$?
	[ $rc -ne 99 ] || { cat "$TMP/junk.out"; return 1; }
	xmllint --noout "$OUT/junit.xml" && agrees
}
check "binary junk instead of a console" junk "$TOOL"
check "binary junk around a console" junk "$TOOL" "$GOLD/clean.log" "$TOOL"

long_line() {
	{ cat "$GOLD/clean.log"; head -c 3000000 /dev/zero | tr '\0' '['; } >"$TMP/long.log"
	expect 0 'pass' "$TOOL" --list "$GOLD/golden.list" --name long --out "$OUT" "$TMP/long.log"
}
check "a line of megabytes" long_line

# What verdict refuses.
run=(--name x --out "$OUT" "$GOLD/clean.log")
: >"$TMP/empty.list"
printf 'a 5 a\na 5 b\n' >"$TMP/twice.list"
printf 'a b\n' >"$TMP/limit.list"
printf 'A 5 a\n' >"$TMP/name.list"
printf 'dirty_log exit=1\n' >"$TMP/reason.known"
printf '# words\nnobody exit=1 because\n' >"$TMP/nobody.known"
printf 'dirty_log somehow because\n' >"$TMP/way.known"
check "an empty list" expect 2 'empty\.list:1: error: .*empty' "$TOOL" --list "$TMP/empty.list" "${run[@]}"
check "a name twice" expect 2 'twice\.list:2: error: .*twice' "$TOOL" --list "$TMP/twice.list" "${run[@]}"
check "no time limit" expect 2 'limit\.list:1: error: .*limit' "$TOOL" --list "$TMP/limit.list" "${run[@]}"
check "a bad name" expect 2 'name\.list:1: error: ' "$TOOL" --list "$TMP/name.list" "${run[@]}"
check "no list" expect 2 'error: .*--list' "$TOOL" "${run[@]}"
check "a list that is not there" expect 2 'no\.list: No such file' "$TOOL" --list "$TMP/no.list" "${run[@]}"
run+=(--list "$GOLD/golden.list")
check "a known failure without reason" expect 2 'reason\.known:1: error: no reason' "$TOOL" --known "$TMP/reason.known" "${run[@]}"
check "a known failure of no test" expect 2 'nobody\.known:2: error: no test nobody' "$TOOL" --known "$TMP/nobody.known" "${run[@]}"
check "a known failure without its way" expect 2 'way\.known:1: error: how' "$TOOL" --known "$TMP/way.known" "${run[@]}"
check "an unknown option" expect 2 "unknown option '--colour'" "$TOOL" --colour
check "an unknown pattern" expect 2 "no pattern 'colour'" "$TOOL" --without colour "${run[@]}"
check "results that cannot be written" expect 5 'cannot write' "$TOOL" "${run[@]}" --out "$TMP/nowhere"
check "help" expect 0 '^usage: verdict' "$TOOL" -h

tap_end
