# shellcheck shell=bash
# ci/lib/figures.sh - tables, targets and plots of what ci/bench measured.
#
# Usage:   . ci/lib/figures.sh       after scripts/lib/lib.sh
# Inputs:  DIR/results.csv, DIR/run.txt; ci/figures/targets; scripts/src/bench-figures.c
# Outputs: the functions below
# Exit codes: 1 a target is missed, README.md has other tables, 2 a file is not in order

# figures_tool ARGUMENT...: the program that computes.
figures_tool() {
	local tool
	tool=$("$TOP/scripts/lib/build-tool" bench-figures) || return
	"$tool" "$@"
}

# figures_run COMMAND LANE PROGRAM: with what it was measured, a line each.
figures_run() {
	local packages p
	echo "command: $1"
	echo "program: bench, sha256 $3"
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
	figures_tool --targets "$TOP/ci/figures/targets" "$1/results.csv"
}

figures_plots() { :; }
