# shellcheck shell=bash
# ci/lib/figures.sh - tables, targets and plots of what ci/bench measured.
#
# Usage:   . ci/lib/figures.sh       after scripts/lib/lib.sh
# Inputs:  DIR/results.csv, DIR/run.txt; ci/figures/targets; scripts/src/bench-figures.c and
#          lock-model.c
# Outputs: the functions below; those of which.sh and evidence.sh
# Exit codes: 1 a target is missed, README.md has other tables, 2 a file is not in order

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=../../scripts/lib/evidence.sh
. "$TOP/scripts/lib/evidence.sh"

# _figures_program TOOL ARGUMENT...: one of the programs that compute.
_figures_program() {
	local tool
	tool=$("$TOP/scripts/lib/build-tool" "$1") || return
	"$tool" "${@:2}"
}

figures_tool() {
	_figures_program bench-figures "$@"
}

# figures_run COMMAND LANE PROGRAM RESULTS: with what it was measured, a line each.
figures_run() {
	local packages p
	echo "command: $1"
	echo "program: bench, sha256 $3"
	sed 1d "$4" | cut -d, -f1-3 | sort -u | while IFS=, read -r p packages; do
		echo "kernel: $p, ${packages#*,} on ${packages%,*}"
	done
	echo "patches: $(patches_digest "$BASE_KIND" "$(last_milestone)")"
	packages=$("$TOP/ci/lanes/$2" --packages) || return
	for p in gcc $packages; do
		case $p in
		gcc | bochs | qemu-system-x86) echo "$p: $(dpkg-query -W -f='${Version}' "$p" 2>/dev/null || echo unknown)" ;;
		esac
	done
}

# figures_table DIR: Markdown.
figures_table() {
	[ -f "$1/results.csv" ] || die "$EX_USAGE" "no $1/results.csv: ci/bench makes one, in \$BUILD/bench"
	[ ! -f "$1/run.txt" ] || { sed 's/^/    /' "$1/run.txt"; echo; }
	figures_tool --table "$TOP/ci/figures/targets" "$1/results.csv"
}

# figures_targets DIR: a line for each; code 1 when one is missed.
figures_targets() {
	[ -f "$1/results.csv" ] || die "$EX_USAGE" "no $1/results.csv: ci/bench makes one, in \$BUILD/bench"
	local patches
	patches=$(sed -n 's/^patches: //p' "$1/run.txt" 2>/dev/null) || true
	[ "$patches" = "$(patches_digest "$BASE_KIND" "$(last_milestone)")" ] ||
		say "these figures are of other patches than there are now: ci/bench measures anew"
	figures_tool --targets "$TOP/ci/figures/targets" "$1/results.csv"
}

# _figures_svg FILE HEIGHT TITLE YLABEL: the plot that gnuplot makes of the commands on stdin.
_figures_svg() {
	local name=${1##*/}
	{
		cat <<-END
			set terminal svg size 640,$2 background rgb 'white' name '${name%.svg}'
			set output '$1.new'
			set datafile missing '?'
			set title "$3"
			set xlabel "vCPUs"
			set ylabel "$4"
			set key left top
			set grid
		END
		cat
	} | gnuplot || { rm -f "$1.new"; die "$EX_HARNESS" "gnuplot failed, see above"; }
	mv "$1.new" "$1"
}

# figures_plot DIR NAME CASE MIB TITLE: DIR/NAME.svg, time against the number of vCPUs.
figures_plot() {
	local data i lines=()
	data=$(figures_tool --plot "$3" "$4" "$1/results.csv") || return
	# a kernel with one number of vCPUs has no line
	for i in 2 4 5 7; do
		[ "$(cut -d' ' -f"$i" < <(tail -n +2 <<<"$data") | grep -c '[0-9]')" -lt 2 ] ||
			lines+=("\$data using 1:$i with linespoints title columnheader($i)")
	done
	[ ${#lines[@]} -gt 0 ] || return 0
	_figures_svg "$1/$2.svg" 400 "$5" "simulated ms" <<-END
		set yrange [0:*]
		set xtics (1, 2, 4, 7, 8, 12)
		\$data << EOD
		$data
		EOD
		plot $(printf '%s, ' "${lines[@]}" | sed 's/, $//')
	END
}

# figures_plots DIR
figures_plots() {
	need_packages gnuplot-nox
	figures_plot "$1" demand demand-private-4k.time 8 "Demand paging, 8 MiB for each vCPU"
	figures_plot "$1" overlap demand-overlap-4k.time 8 "Demand paging of the same 8 MiB"
	figures_plot "$1" dirty dirty-manual-4k.pass-2 8 "Dirty logging: a write to each page of 8 MiB for each vCPU"
}

# figures_model DIR TO: TO/model.md and TO/model.svg, what mmu_lock does to more vCPUs than
# there are figures of. It needs those of the series with both MMUs, too, or makes nothing.
figures_model() {
	local data text
	need_packages gnuplot-nox
	text=$(_figures_program lock-model --table "$1/results.csv") || return
	data=$(_figures_program lock-model --plot "$1/results.csv") || return
	# columns: base, legacy; series, legacy; series, TDP: for each of three cache lines, and
	# what was measured; series, TDP, if a part is done one at a time
	_figures_svg "$2/model.svg" 480 "Demand paging, measured (points) and by the model (lines),\nwith 0, 100, 400 instructions to bring a cache line" \
		"1000 faults in a simulated second" <<-END
		set logscale xy
		set xrange [1:512]
		set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256, 416)
		\$data << EOD
		$data
		EOD
		plot for [i=0:2] \$data using 1:(column(2 + 3 * i)) with lines lc 1 dt i + 1 title columnheader(2 + 3 * i), \
			for [i=0:2] \$data using 1:(column(4 + 3 * i)) with lines lc 2 dt i + 1 title columnheader(4 + 3 * i), \
			\$data using 1:14 with lines lc 2 dt 4 title columnheader(14), \
			\$data using 1:11 with points lc 1 pt 7 title columnheader(11), \
			\$data using 1:12 with points lc 3 pt 6 title columnheader(12), \
			\$data using 1:13 with points lc 2 pt 5 title columnheader(13)
	END
	printf '%s\n' "$text" >"$2/model.md"
}

# _figures_readme DIR: README.md with the tables as they are to be.
_figures_readme() {
	local table readme=$TOP/README.md
	table=$(figures_tool --brief "$TOP/ci/figures/targets" "$1/results.csv") || return
	[ "$(grep -cxE '<!-- /?bench -->' "$readme")" -eq 2 ] ||
		die "$EX_USAGE" "README.md:1: no lines <!-- bench --> and <!-- /bench -->, between which the tables stand"
	sed '/^<!-- bench -->$/q' "$readme"
	echo "\`$(sed -n 's/^command: //p' "$1/run.txt")\`, all cases in \`ci/figures/tables.md\`:"
	echo
	printf '%s\n' "$table"
	sed -n '/^<!-- \/bench -->$/,$p' "$readme"
}

# figures_write DIR: DIR becomes ci/figures, if it is another one, and README.md follows.
figures_write() {
	local text keep=$TOP/ci/figures f
	[[ -f $1/results.csv && -f $1/run.txt ]] || die "$EX_USAGE" "no $1/results.csv and run.txt: ci/bench makes them, in \$BUILD/bench"
	figures_model "$1" "$keep" || return
	if [ ! "$1" -ef "$keep" ]; then
		[ -f "$1/runs.txt" ] || die "$EX_USAGE" "no $1/runs.txt: ci/bench makes it"
		cp "$1"/{results.csv,run.txt,runs.txt} "$keep/"
	fi
	text=$(figures_table "$keep") || return
	printf '%s\n' "$text" >"$keep/tables.md"
	figures_plots "$keep"
	text=$(_figures_readme "$keep" && echo .) || return
	printf '%s' "${text%.}" >"$TOP/README.md.new"
	mv "$TOP/README.md.new" "$TOP/README.md"
}

# figures_check DIR: are tables.md, the plots and README.md what results.csv gives?
figures_check() {
	local text work f
	[ ! -f "$1/runs.txt" ] || [ "$(awk '{ n += $2 } END { print n + 1 }' "$1/runs.txt")" -eq "$(wc -l <"$1/results.csv")" ] ||
		die "$EX_FAIL" "ci/figures/runs.txt:1: does not have the rows of results.csv: ci/bench makes both"
	text=$(figures_table "$1") || return
	cmp -s - "$1/tables.md" <<<"$text" ||
		die "$EX_FAIL" "ci/figures/tables.md:1: not what results.csv gives: ci/bench --write"
	text=$(_figures_readme "$1" && echo .) || return
	cmp -s - "$TOP/README.md" <<<"${text%$'\n'.}" ||
		die "$EX_FAIL" "README.md:$(grep -nx '<!-- bench -->' "$TOP/README.md" | cut -d: -f1): not the tables that ci/figures/results.csv gives: ci/bench --write puts them there"
	work=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder is this one
	trap "rm -rf '$work'" EXIT
	cp "$1/results.csv" "$work/"
	figures_plots "$work"
	figures_model "$1" "$work" || return
	for f in "$work"/*.svg "$work/model.md"; do
		[ ! -e "$f" ] || cmp -s "$f" "$1/${f##*/}" || die "$EX_FAIL" "ci/figures/${f##*/}:1: not what results.csv gives: ci/bench --write"
	done
}
