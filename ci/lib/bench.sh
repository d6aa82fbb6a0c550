# shellcheck shell=bash
# ci/lib/bench.sh - the boots of ci/bench: which there are, what is left of them to run, and
# the rows that they give.
#
# Usage:   . ci/lib/bench.sh         after ci/lib/lanes.sh; choose_base, then use_bench
# Inputs:  ci/figures/cases (see there); ci/build-kernel, ci/lib/build-peer, ci/lib/build-initrd,
#          ci/boot
# Outputs: BENCH, the folder $BUILD/bench/[NAME/], when use_bench was called; in it for each boot
#          raw/KERNEL-MMU-CPUS-KEY/CASE-KEY.csv   rows of a case; KEY is of the kernel, of
#                       the programs and the lane, and of the case's command. They stay: what
#                       is there is not run again. What ci/figures keeps, of the
#                       same kernels and programs, is laid there first
#          boots/KERNEL-MMU-CPUS/                 what ci/boot left of the last one
#          and the functions below
# Exit codes: as ci/bench

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"

# shellcheck disable=SC2034 # for those who source this
BENCH_HEADER=kernel,base,milestone,mmu,case,vcpus,mib,repetition,value,unit
BENCH_CASES=$TOP/ci/figures/cases

# use_bench: sets BENCH; for the base chosen.
use_bench() {
	BENCH=$BUILD/bench/$BELOW
	BENCH=${BENCH%/}
}

# bench_cases: "CPUS CASE SECONDS COMMAND..." of each.
bench_cases() {
	grep -vE '^(#|$)' "$BENCH_CASES"
}

# The kernel measures its TSC once more when it has run for a second. A VM that is made then is
# to have the rate that KVM saw before; where that is more than the new one by more than this,
# KVM sets the TSC anew at each entry, which is 220 instructions for each exit of some boots.
BENCH_APPEND=kvm.tsc_tolerance_ppm=20000

# bench_machines: their CPUs, the fewest first.
bench_machines() {
	bench_cases | cut -d' ' -f1 | sort -un
}

# bench_names: what --case takes, a name a line.
bench_names() {
	bench_cases | while read -r _ name _; do
		[[ $name =~ ^([a-z]+(-[a-z][a-z]+)*)(-v?[0-9]+)?$ ]] && echo "${BASH_REMATCH[1]}"
	done | sort -u
}

# bench_selected CPUS [NAME...]: the tests for ci/boot; without a NAME all of that machine.
bench_selected() {
	local cpus name rest want=$1 one
	shift
	while read -r cpus name rest; do
		[ "$cpus" = "$want" ] || continue
		[ $# -gt 0 ] || echo "$name $rest"
		for one; do
			[[ ! $name =~ ^$one(-v?[0-9]+)?$ ]] || echo "$name $rest"
		done
	done < <(bench_cases)
}

# bench_kernel NAME LANE: base, a milestone or peer; the folder with image and config.
bench_kernel() {
	if [ "$1" = peer ]; then
		step "kernel of the peer" "$TOP/ci/lib/build-peer"
	else
		step "kernel of $1" "$TOP/ci/build-kernel" --lane "$2" ${base_option[@]+"${base_option[@]}"} "$1" plain x86_64
	fi
}

# bench_initrd LANE: with all cases; the programs are of one tree for all kernels.
bench_initrd() {
	mkdir -p "$BENCH"
	bench_cases | cut -d' ' -f2- >"$BENCH/cases.list"
	"$TOP/ci/lib/build-initrd" "$(last_milestone)" "$1" "$BENCH/cases.list"
}

# bench_program LANE: the program's digest.
bench_program() {
	local arch
	arch=$("$TOP/ci/lanes/$1" --arch) || return
	sha256sum "$BUILD/tests/$(last_milestone)-$arch/tests/bench" | cut -c1-64
}

# bench_rows CONSOLE TEST HEAD: the rows that TEST printed, each behind HEAD.
bench_rows() {
	sed -nE "s/^\[[^]]*\] gate: out $2: ([a-z0-9.-]+) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+) ([a-zA-Z\/]+)\r?\$/$3,\1,\2,\3,\4,\5,\6/p" "$1"
}

# bench_kept: what ci/figures keeps, wherever it was measured. Its runs.txt names the file of
# each row of its results.csv: "FILE ROWS".
bench_kept() {
	local file rows first=2
	[ -f "$TOP/ci/figures/runs.txt" ] || return 0
	while read -r file rows; do
		if [ ! -e "$BENCH/raw/$file" ]; then
			mkdir -p "$BENCH/raw/${file%/*}"
			sed -n "$first,$((first + rows - 1))p" "$TOP/ci/figures/results.csv" >"$BENCH/raw/$file.new"
			mv "$BENCH/raw/$file.new" "$BENCH/raw/$file"
		fi
		first=$((first + rows))
	done <"$TOP/ci/figures/runs.txt"
}

# bench_boot MEASURED NAME KERNEL MMU CPUS LANE INITRD PROGRAM [CASE...]: what is not there of these
# cases is run, if MEASURED is empty; the files of rows, one a line, on stdout.
bench_boot() {
	local measured=$1 name=$2 kernel=$3 mmu=$4 cpus=$5 lane=$6 initrd=$7 program=$8 key dir out test seconds command release file base rc=0 head list=''
	shift 8
	local -A file_of=()
	key=$({ sha256sum <"$kernel/image"; echo "$program $BENCH_APPEND"; lane_key "$lane"; } | sha256sum | cut -c1-12)
	release=$(sed -nE 's/^# Linux\/[^ ]* ([0-9.]+).*/\1/p' "$kernel/config")
	: "${release:=unknown}"
	base=$BASE_NAME
	[ "$name" != peer ] || base=debian-12
	head="$release,$base,$name,tdp$mmu"
	dir=$BENCH/raw/$name-tdp$mmu-${cpus}cpu-$key
	out=$BENCH/boots/$name-tdp$mmu-${cpus}cpu
	while read -r test seconds command; do
		[ -n "$test" ] || continue
		file=$dir/$test-$(sha256sum <<<"$command" | cut -c1-8).csv
		file_of[$test]=$file
		[[ -n $measured && ! -e $file ]] || echo "$file"
		[ -e "$file" ] || list+="$test $seconds $command"$'\n'
	done < <(bench_selected "$cpus" "$@")
	# Another run may be measuring: what is only looked at changes nothing.
	[[ -n $list && -z $measured ]] || return 0
	mkdir -p "$dir" "$out"
	printf '%s' "$list" >"$out.list"
	step "$name tdp$mmu, $cpus CPUs: $(wc -l <"$out.list") cases" "$TOP/ci/boot" --lane "$lane" --kernel "$kernel/image" \
		--initrd "$initrd" --list "$out.list" --out "$out" --mmu "$mmu" --cpus "$cpus" --timeout 7200 \
		--append "$BENCH_APPEND" --name "$name-tdp$mmu" >/dev/null || rc=$?
	# What passed beside a test that failed is good; of a kernel that complained nothing is.
	case $rc in
	0 | "$EX_FAIL" | "$EX_SKIP") ;;
	*) die $rc "$out/console.log:1: $(cat "$out/conclusion.txt" 2>/dev/null || echo "the boot ended with $rc"): no figures from such a run" ;;
	esac
	while read -r test _; do
		grep -qE "gate: test [0-9]+ $test exit=(0|4) " "$out/console.log" || continue
		bench_rows "$out/console.log" "$test" "$head" >"${file_of[$test]}.new"
		mv "${file_of[$test]}.new" "${file_of[$test]}"
	done <"$out.list"
	[ $rc -ne "$EX_FAIL" ] ||
		die "$EX_FAIL" "$out/console.log:1: $(cat "$out/conclusion.txt"): a case failed"
}
