#!/usr/bin/env bash
# ci/tests/lock-model.sh - test of scripts/src/lock-model.c: of the simulated lock by times
# that can be told by hand, of the model by results whose answers can.
#
# Usage:   ci/tests/lock-model.sh
# Inputs:  the program, with AddressSanitizer and UBSan; ci/tests/lib/made-up-results.sh
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-results.sh
. "$TOP/ci/tests/lib/made-up-results.sh"

need_packages gcc libc6-dev make
TOOL=$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" lock-model)
# A report of a sanitizer must not look like a refusal.
export ASAN_OPTIONS=exitcode=99:detect_leaks=0 UBSAN_OPTIONS=exitcode=99

# lock NAME WANT TRANSFER HOW...: what comes of each HOW, separated by "; ".
lock() {
	local name=$1 want=$2
	shift 2
	check "$name" simulated "$want" "$@"
}
simulated() {
	local want=$1 got
	shift
	got=$(timeout 60 "$TOOL" --simulate "$@" | paste -sd';' | sed 's/;/; /g') || return
	[ "$got" = "$want" ] || { echo "want $want, got $got"; return 1; }
}

# END DONE LONGEST WAITED
lock "one thread: times of outside and held" '10000 10 0 0' 0 write,1,900,100,10
# 100 outside, and 800 times 900; the last of 8 waits for 7, later outside is in that time
lock "writers, one at a time" "720100 800 6300 $((900 * 28 + 8 * 99 * 6200))" 0 write,8,100,900,100
lock "readers do not wait for readers" '10000 4160 0 0' 0 read,416,900,100,10
lock "a writer waits for the reader, a reader for the writer that waits" \
	'1100 1 0 0; 1150 1 900 900; 1160 1 850 850' 0 read,1,100,1000,1 write,1,200,50,1 read,1,300,10,1
lock "readers come in together when a writer goes" '100 1 0 0; 150 3 90 270' 0 write,1,0,100,1 read,3,10,50,1
lock "a writer waits for the last of the readers" '60 3 0 0; 110 1 0 0; 130 1 90 90' 0 \
	read,3,10,50,1 read,1,10,100,1 write,1,20,20,1
lock "first come, first served" '100 1 0 0; 120 1 90 90; 110 1 90 90' 0 write,1,0,100,1 write,1,20,10,1 write,1,10,10,1
lock "one goes on until the others have done" '1055 1 0 0; 1100 11 0 0' 0 write,1,1050,5,1 read,1,90,10,0
lock "and no longer" '15 2 0 0; 100 1 0 0' 0 read,2,10,5,1 read,1,100,0,0
# The first has the line, the second gets it at 110; so with giving the lock back.
lock "a cache line, two readers" '130 2 10 10' 10 read,2,100,0,1
lock "one CPU keeps the line" '1000 10 0 0' 10 read,1,100,0,10
lock "readers: twice the line for each" '199990 10000 1000 9949500' 10 read,100,0,0,100
# 90 and the line twice for each, but not for the first and the last
lock "writers: the line twice, too" '19990 200 105 20890' 5 write,2,0,90,100
lock "times that vary" '156 1 0 0' 0 vary-read,1,1000,0,1
lock "come to their mean" '100000 100 0 0' 0 vary-read,1,1000,0,100
waits_if_vary() {
	[ "$("$TOOL" --simulate 0 "$1" | cut -d' ' -f4)" -gt $((10 * $("$TOOL" --simulate 0 "${1#vary-}" | cut -d' ' -f4))) ]
}
check "and make threads wait" waits_if_vary vary-write,2,100,50,1000
for how in writes,1,1,1,1 write write,1,1,1 write,1,1,1,1,1 write,-1,1,1,1 write,1,,1,1 write,4097,1,1,1 write,1,1,1,99999999999999999999; do
	check "--simulate 0 $how" expect 2 'lock-model: error: ' "$TOOL" --simulate 0 "$how"
done
check "a transfer that is no number" expect 2 'lock-model: error: ' "$TOOL" --simulate x write,1,1,1,1
check "no threads" expect 2 'lock-model: error: 0 kinds' "$TOOL" --simulate 0

R=$TMP/results.csv
results() {
	echo kernel,base,milestone,mmu,case,vcpus,mib,repetition,value,unit
	model_rows default-on
}
results >"$R"
# table [C]: with so many instructions for a cache line; to $TMP/table.
table() {
	"$TOOL" --transfer "${1:-100}" --table "$R" >"$TMP/table"
}
# row PATTERN: a line of the table is that, from beginning to end; _ is any cell.
row() {
	grep -qxE -- "\\| ${1//_/[^|]+} \\|" "$TMP/table" || { grep -F "| ${1%% *}" "$TMP/table"; return 1; }
}
check "a table" table
check "a fault, and the line it is of" row 'a fault \| _ \| 5000 \(2\) \| 5000 \(32\) \| 5000 \(62\)'
check "what is one at a time" row 'of it one at a time, at most \| _ \| 1249 \(7\) \| 1249 \(37\) \| 0 \(67\)'
# shellcheck disable=SC2016 # they are Markdown's
check "what a page takes" row 'each page \| `dirty-manual-4k.clear`, 8 and 32 MiB \| 100.0 \(10, 14\) \| 100.0 \(40, 44\) \| 50.0 \(70, 74\)'
check "what a call takes" row 'one more call of CLEAR \| _ \| 1000 \(29\) \| 1000 \(59\) \| 1000 \(89\)'
check "a hold" row 'held for write to delete \| _ \| 3276800 \(30\) \| 3276800 \(60\) \| 100000 \(90\)'
check "4 vCPUs that just do not queue" row 'base, legacy \| 4 \| 4 \| 160000 \| 1599.. \| \+0.0 % \| _ \| -.*'
check "more that do" row 'series, legacy \| 7 \| 35 \| 160000 \| 160... \| \+0.1 % \| _ \| _'
check "readers that do not" row 'series, TDP \| 7 \| 65 \| 280000 \| 280000 \| \+0.0 % \| 280000 \| \+0.0 %'
check "the line meets the others" row 'clear \| series, TDP \| \+0.0 % \| \+0.0 % \| \+0.0 % \| not measured'
check "by each vCPU's pages where they do it" row 'pass-2 \| series, TDP \| \+0.0 % \| \+0.0 % \| \+0.0 % \| not measured'
check "a gap" row 'base, legacy \| 1 \| 32 \| 30 \| 3281800 \| 3281800 \| \+0.0 %'
# 2048 pages, and the queue of 7 behind them
check "with more vCPUs" row 'base, legacy \| 7 \| 8 \| 31 \| 824200 \| 827... \| \+0.5 %'
check "one that does not depend on size" row 'series, TDP \| 7 \| 8 \| 91 \| 105000 \| 105000 \| \+0.0 %'
check "one of 416 vCPUs has the legacy lock, 416 the other; a reader needs the line twice" \
	row '416 \| 16640 \| 160 \| 160 \| 16640 \| 138 \| 138 \| 1000 \| 97 \| 97 \| 250'
# 3221225472 pages; of 2 MiB 6291456, 400000 instructions by 416 vCPUs
check "12 TiB" row '4 KiB \| 201. \| 201. \| 19 \| 233. \| 233. \| 322 \| 331. \| 331. \| 1289'
check "in huge pages" row '2 MiB \| 4 \| 4 \| 3 \| 5 \| 5 \| 3 \| 7 \| 7 \| 3'
check "to delete it stops the vCPUs of the legacy MMU" row 'base, legacy \| 644 \| 644'
check "not those of the TDP MMU" row 'series, TDP \| 322 \| 5.2.e-05'
check "enable, CLEAR, a chunk" row 'series, TDP \| 161 \| 81 \| 0.0066 \| 0.0066 \| _ \| 8. % \| 3.9'
check "of the legacy MMU" row 'base, legacy \| 322 \| 161 \| 0.0131 \| 0.013. \| _ \| 9. % \| 3.9'
cp "$TMP/table" "$TMP/first"
check "another cache line" table 50
check "makes other figures" row '416 \| 16640 \| 160 \| 160 \| 16640 \| 148 \| 148 \| 1999 \| _ \| _ \| 500'

# 31/32 of 12 times the rate of one: 200 million / 465000 are 430 instructions.
sed -i '/tdp1,demand-private-4k.rate,12/s/480000/465000/' "$R"
check "12 vCPUs that lack a little" table
check "may lack it for a part that is serial" row 'of it one at a time, at most \| _ \| _ \| _ \| 429 \(67\)'
check "the model says that it does not know it" row 'series, TDP \| 12 \| 67 \| 465000 \| 480000 \| \+3.2 % \| 465... \| \+0.. %'
check "and gives the lesser figure, too" row '416 \| 709 \| _ \| _ \| 16640 \| .*'
check "the one of fewer vCPUs would not know" grep -qx -- '- series, TDP, times vary: +3.2 %' "$TMP/table"

results >"$R"
echo "5.10.1,b,default-on,tdp1,dirty-manual-4k.clear,1,128,1,$((5 * 32768 * 100)),ns" >>"$R"
check "128 MiB" table
check "are off" row 'clear \| series, TDP \| _ \| _ \| _ \| -50.0 %'
check "which is said" grep -qxE 'The largest error is 50.0 %.' "$TMP/table"
results >"$R"
sed -E 's/,1,([0-9]+,(ns|instructions))$/,2,9\1/; s/,1,([0-9]+,pages.s)$/,2,1,pages\/s/' "$R" | tail -n +2 >"$TMP/more"
cat "$TMP/more" >>"$R"
check "repetitions that are worse" table
check "do not count, and the same figures give the same table" cmp "$TMP/first" "$TMP/table"
{ head -n 1 "$R"; cat "$TMP/more"; sed -n '2,91p' "$R"; } >"$TMP/worse-first" && mv "$TMP/worse-first" "$R"
check "before the others" table
check "neither" row 'a fault \| _ \| 5000 \(92\) \| 5000 \(122\) \| 5000 \(152\)'
results >"$R"
"$TOOL" --plot "$R" >"$TMP/plot"
check "a plot: its columns" grep -qxE 'vCPUs "base, legacy, 0" .* "series, TDP, 400" "base, legacy" "series, legacy" "series, TDP" "series, TDP, a part one at a time"' "$TMP/plot"
check "with what was measured" grep -qxE '7 160[.0-9]* 160[.0-9]* 280 .* 160 160 280 280' "$TMP/plot"
check "as far as it was" grep -qxE '416 160[.0-9]* 160[.0-9]* 16640 138[.0-9]* 138[.0-9]* 999[.0-9]* 97[.0-9]* 97[.0-9]* 249[.0-9]* \? \? \? 16640' "$TMP/plot"

# each_row_is_needed: refused without it, in one line, which names the case.
each_row_is_needed() {
	local n bad=0 name all
	all=$(wc -l <"$R")
	for ((n = 2; n <= all; n++)); do
		name=$(sed -n "${n}p" "$R" | cut -d, -f5)
		sed "${n}d" "$R" >"$TMP/less.csv"
		expect 2 "less.csv:1: error: no row of .*, .*: $name with " "$TOOL" --table "$TMP/less.csv" || bad=1
		[ "$(wc -l <"$TMP/.out")" -eq 1 ] || bad=1
	done
	[ "$all" -eq 91 ] && [ $bad -eq 0 ]
}
check "each row is needed" each_row_is_needed
sed 's/,40000,pages/,0,pages/' "$R" >"$TMP/zero.csv"
check "a figure of 0" expect 2 'zero.csv:2: error: the model can do nothing with 0 pages/s' "$TOOL" --plot "$TMP/zero.csv"
sed 's/,40000,pages/,nan,pages/' "$R" >"$TMP/nan.csv"
check "one that is none" expect 2 'nan.csv:2: error: ' "$TOOL" --plot "$TMP/nan.csv"
check "no such file" expect 2 'lock-model: error: /nowhere: cannot read it' "$TOOL" --table /nowhere
echo vcpus,value >"$TMP/other.csv"
check "another table" expect 2 "other.csv: the header row is not" "$TOOL" --table "$TMP/other.csv"
check "help" expect 0 '^usage: lock-model ' "$TOOL" -h
for option in '' --nothing --table "--table $R $R" "$R"; do
	# shellcheck disable=SC2086 # a list of words
	check "options '$option'" expect 2 'usage: lock-model' "$TOOL" $option
done
check "a cache line that is no number" expect 2 "lock-model: error: 'much'" "$TOOL" --transfer much --table "$R"
tap_end
