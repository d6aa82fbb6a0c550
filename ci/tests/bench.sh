#!/usr/bin/env bash
# ci/tests/bench.sh - test of ci/bench in a made-up project (made-up-gate.sh): what it
# refuses, what it boots and does not boot again, the rows, the tables, the targets.
#
# Usage:   ci/tests/bench.sh
# Inputs:  ci/bench and its libraries as they are; machines and builders are made up
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-gate.sh
. "$TOP/ci/tests/lib/made-up-gate.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-results.sh
. "$TOP/ci/tests/lib/made-up-results.sh"

need_packages gnuplot-nox gcc libc6-dev make
mkdir -p "$P/ci/figures" "$P/patches/iterator" "$B/tests/iterator-x86_64/tests"
cp "$TOP/ci/bench" "$P/ci/"
echo patches/iterator/one.patch | tee "$P/series" >"$P/patches/stable.series"
echo "the program" >"$B/tests/iterator-x86_64/tests/bench"
cat >"$P/ci/lib/build-peer" <<'END'
#!/bin/bash
. "$(dirname "$0")/../../scripts/lib/lib.sh"
mkdir -p "$BUILD/peer/kernel"
echo peer >"$BUILD/peer/kernel/image"
echo "# Linux/x86 6.1.9 Kernel Configuration" >"$BUILD/peer/kernel/config"
echo "$BUILD/peer/kernel"
END
chmod +x "$P/ci/lib/build-peer"
printf '%s\n' '# a comment' '2 one-1 30 bench -m 8 one' '2 two-1 30 bench two' '8 one-8 30 bench -v 8 -m 8 one' >"$P/ci/figures/cases"
cat >"$P/ci/figures/targets" <<'END'
# a comment
ratio one.step 1 8 0.65 less work
most  two.step 1 8 3 few of them
END
BENCH=$P/ci/bench
R=$B/bench/results.csv

# kernel NAME NS COUNT: what the cases measure on it.
kernel() {
	cat >"$P/fake/$1" <<-END
		one-1 exit=0
		one-1: gate: out one-1: one.step 1 8 1 $(($2 + 9)) ns
		one-1: gate: out one-1: one.step 1 8 2 $2 ns
		two-1 exit=0
		two-1: gate: out two-1: two.step 1 8 1 $3 count
		one-8 exit=0
		one-8: gate: out one-8: one.step 8 8 1 $2 ns
	END
}
fresh
kernel base 1000 1
kernel peer 900 1
kernel iterator 500 3
boots() {
	[ "$(wc -l <"$P/fake/boots")" -eq "$1" ] || { cat "$P/fake/boots"; return 1; }
}
rows() {
	[ "$(grep -c . "$R")" -eq "$1" ] || { cat "$R"; return 1; }
}

for option in --kernel --case; do
	check "$option that is not there" expect 2 "bench: error: unknown .* 'nowhere'" "$BENCH" "$option" nowhere
done
check "a word that is none" expect 2 "unknown argument 'base'" "$BENCH" base
check "no results yet" expect 2 'results.csv: ci/bench makes one' "$BENCH" --targets --results "$B/bench"
check "none of this has booted" test ! -e "$P/fake/boots"
check "the cases" expect 0 '^two$' "$BENCH" --case help

check "one case" expect 0 '\| one.step \| 1 \| 8 \| us \|' "$BENCH" --quick --case one
check "on two CPUs, three kernels with both MMUs" boots 6
check "two rows of each" rows 13
check "all cases" expect 0 '\| two.step \| 1 \| 8 \| count \|' "$BENCH" --quick
check "boots for those that are left" boots 12
check "and has them with the others" rows 19
check "once more" expect 0 '\| two.step \|' "$BENCH" --quick
check "boots nothing" boots 12
echo "of a run that goes on" >"$B/bench/boots/base-tdp0-2cpu.list"
check "neither does --measured" expect 0 "one.step" "$BENCH" --measured
check "which leaves alone what another run boots" grep -qxF "of a run that goes on" "$B/bench/boots/base-tdp0-2cpu.list"
check "it has booted nothing" boots 12
check "judged by targets that are missed" expect 1 "^no +less work" "$BENCH" --quick --judge
check "a row" grep -qxF '6.1.9,debian-12,peer,tdp1,one.step,1,8,2,900,ns' "$R"
# Both MMUs of a made-up machine are the same: another legacy one.
legacy() {
	sed -i -E '/,iterator,tdp0,one.step/s/,[0-9]+,ns$/,1000,ns/' "$R"
}
legacy
check "the smallest is shown, in us, and the ratio to the best" expect 0 \
	'^\| one.step \| 1 \| 8 \| us \| 1.0 \| 1.0 \| 1.0 \| 0.5 \| 0.9 \| 0.9 \| 0.56 \|$' "$BENCH" --table --results "$B/bench"
check "what it was measured with" grep -qx 'command: ci/bench --quick --judge' "$B/bench/run.txt"
check "all targets are reached" expect 0 '^yes +less work .*0.56, wanted <= 0.65' "$BENCH" --targets --results "$B/bench"

kernel iterator 600 4
echo "another program" >"$B/tests/iterator-x86_64/tests/bench"
check "another program" expect 0 'one.step' "$BENCH" --quick --kernel iterator --kernel base --kernel peer
check "is measured anew" boots 18
legacy
check "targets are missed" expect 1 '^no +less work .*0.67, wanted <= 0.65' "$BENCH" --targets --results "$B/bench"
check "each of them" grep -q '^no  *few of them .*4, wanted <= 3' "$TMP/.out"
check "of one kernel there is no ratio" expect 0 'one.step' "$BENCH" --quick --kernel iterator
check "which is told" expect 1 '^missing less work .*not measured' "$BENCH" --targets --results "$B/bench"
check "on eight CPUs" expect 0 '\| one.step \| 8 \| 8 \|' "$BENCH"
check "with the programs that are there" boots 24

printf '%s\n' head '<!-- bench -->' old '<!-- /bench -->' tail >"$P/README.md"
check "tables are not there" expect 2 'no .*results.csv' "$BENCH" --check
check "the model lacks a row" expect 2 "results.csv:1: error: no row of base, legacy: demand-private-4k.rate with 1 vCPUs" "$BENCH" --write --results "$B/bench"
check "then nothing is written" test ! -e "$P/ci/figures/results.csv"
model_rows iterator >>"$R"
check "they are written" "$BENCH" --write --results "$B/bench"
check "rows that no boot gave" expect 1 'runs.txt:1: error: does not have the rows' "$BENCH" --check
echo "model $(model_rows iterator | wc -l)" >>"$B/bench/runs.txt"
check "all of them have one" "$BENCH" --write --results "$B/bench"
check "and are what stands there then" "$BENCH" --check
check "between the lines" test "$(sed -n '1p;$p' "$P/README.md" | paste -sd' ')" = "head tail"
sed -i 's/| yes |/| no |/' "$P/README.md"
sed -i 's/^\(| less work .*\)| [^|]* |$/\1| maybe |/' "$P/README.md"
check "a table by hand" expect 1 'README.md:2: error: not the tables' "$BENCH" --check
check "written again" "$BENCH" --write
for file in model.md model.svg dirty.svg; do
	sed -i 's/1/2/' "$P/ci/figures/$file"
	check "$file by hand" expect 1 "ci/figures/$file:1: error: not what results.csv gives" "$BENCH" --check
	check "$file written again" "$BENCH" --write
done
rm "$P/ci/figures/model.md"
check "no model" expect 1 'ci/figures/model.md:1: error: not what results.csv gives' "$BENCH" --check
check "is written, too" "$BENCH" --write
check "and is there then" "$BENCH" --check
mv "$B/bench" "$TMP/bench"
check "what is kept is not measured again" expect 0 'one.step' "$BENCH" --quick --kernel iterator
check "it boots nothing" boots 24
check "and gives the same" cmp "$R" <(grep -E '^kernel,|,iterator,tdp[01],(one|two).step,1,8,' "$P/ci/figures/results.csv")
sed -i 's/,600,ns/,900,ns/' "$P/ci/figures/results.csv"
check "other results" expect 1 'tables.md:1: error: not what results.csv gives' "$BENCH" --check
echo 'by,hand' >>"$P/ci/figures/results.csv"
check "a row that is none" expect 2 'results.csv:[0-9]+: error: ' "$BENCH" --targets

# a test that fails, and one that does not; a kernel that complains
echo "a third program" >"$B/tests/iterator-x86_64/tests/bench"
sed -i 's/^two-1 exit=0/two-1 exit=1/' "$P/fake/iterator"
: >"$P/fake/boots"
check "a case fails" expect 1 'console.log:1: error: .*a case failed' "$BENCH" --quick --kernel iterator
check "the one that passed is kept" expect 0 'one.step' "$BENCH" --quick --kernel iterator --case one
check "with one MMU" boots 2
sed -i 's/^two-1 exit=1/two-1 exit=0/' "$P/fake/iterator"
echo "two-1: WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2" >>"$P/fake/iterator"
check "a splat" expect 3 'no figures from such a run' "$BENCH" --quick --kernel iterator
# the program that computes, with AddressSanitizer and UBSan, on results by hand
TOOL=$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" bench-figures)
rate() {
	printf '%s\n' kernel,base,milestone,mmu,case,vcpus,mib,repetition,value,unit \
		5.10,b,base,tdp0,x.rate,1,8,1,100,pages/s 5.10,b,base,tdp0,x.rate,8,8,1,400,pages/s \
		5.10,b,iterator,tdp0,x.rate,1,8,1,100,pages/s 5.10,b,iterator,tdp0,x.rate,8,8,1,410,pages/s \
		5.10,b,iterator,tdp1,x.rate,1,8,1,100,pages/s "5.10,b,iterator,tdp1,x.rate,8,8,1,$1,pages/s" \
		5.10,b,iterator,tdp1,x.rate,8,8,2,1,pages/s 6.1,d,peer,tdp1,x.rate,8,8,1,790,pages/s
}
target() {
	echo "$*" >"$TMP/targets"
	"$TOOL" --targets "$TMP/targets" "$TMP/rates.csv"
}
rate 792 >"$TMP/rates.csv"
check "a rate, of which the largest counts" expect 0 '^yes .* 1.00, wanted >= 1.00$' target rate x.rate 8 8 1.00 fast
check "the scaling" expect 0 '^yes .* 99, wanted >= 98$' target scaling x.rate 8 8 98 scales
check "is not enough" expect 1 '^no .* 99, wanted >= 100$' target scaling x.rate 8 8 100 scales
check "the legacy MMU" expect 1 '^no .* 1.02, wanted <= 1.01$' target legacy x.rate 8 8 1.01 legacy
check "a case that is not there" expect 1 '^missing ' target ratio y 8 8 1 none
check "a target that is none" expect 2 'targets:1: error: not KIND CASE' target fast x.rate 8 8 1 none
check "a limit that is none" expect 2 "targets:1: error: 'x' is no number" target ratio x.rate 8 8 x none
echo "rate x.rate 8 8 1 fast" >"$TMP/targets"
check "a table" expect 0 '^\| 5.10 \| iterator \| TDP \|' "$TOOL" --table "$TMP/targets" "$TMP/rates.csv"
check "for a plot" expect 0 '^8 400 . 410 792 . 790$' "$TOOL" --plot x.rate 8 "$TMP/rates.csv"
check "no milestone behind default-on" expect 1 '^missing ' target later x.rate 8 8 1 gain
sed -i 's/,iterator,/,default-on,/' "$TMP/rates.csv"
echo 5.10,b,beyond-5.15,tdp1,x.rate,8,8,1,1600,pages/s >>"$TMP/rates.csv"
check "a milestone behind it" expect 1 '^no .* 2.02, wanted <= 2.00$' target later x.rate 8 8 2 gain
check "it is not the series" expect 0 '^yes .* 1.00, wanted >= 1.00$' target rate x.rate 8 8 1.00 fast
echo "later x.rate 8 8 2.02 gain" >"$TMP/targets"
check "it has a column" expect 0 '^\| gain \| 8 \| 8 \| pages/s \| 400 \| 410 \| 792 \| 790 \| 1600 \| 2.02 \| <= 2.02 \| yes \|$' \
	"$TOOL" --brief "$TMP/targets" "$TMP/rates.csv"
check "in the table of all cases, too" expect 0 '^\| x.rate \| 8 \| 8 \| pages/s \| 400 \|  \| 410 \| 792 \|  \| 790 \| 1600 \| 1.00 \|$' \
	"$TOOL" --table "$TMP/targets" "$TMP/rates.csv"
rate many >"$TMP/rates.csv"
check "a figure that is none" expect 2 "rates.csv:7: error: 'many' is no number" target rate x.rate 8 8 1.00 fast
tap_end
