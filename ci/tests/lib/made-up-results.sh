# shellcheck shell=bash
# ci/tests/lib/made-up-results.sh - rows of results.csv that scripts/src/lock-model.c needs,
# with numbers of which the model's answers can be told by hand.
#
# Usage:   . ci/tests/lib/made-up-results.sh
# Outputs: model_rows MILESTONE, that of the series, prints the rows. In instructions:
#            a fault      5000, of which the legacy MMU does 1250 one at a time: with more than
#                         4 vCPUs a fault each 1250. The TDP MMU nothing
#            huge page    400000
#            each page    legacy: enable 200, clear 100, delete 400, a write 1000; TDP: half of
#                         it, a write as much. A call takes 1000 more
#            a gap        legacy: a fault and 400 for each page; TDP: a fault and 100000

# _model_row MILESTONE MMU CASE VCPUS MIB VALUE UNIT
_model_row() {
	echo "5.10.1,b,$1,$2,$3,$4,$5,1,$6,$7"
}

# _model_side MILESTONE MMU
_model_side() {
	local vcpus mib each=2 gap pages rates='1 40000 2 80000 4 160000 7 160000 8 160000 12 160000'
	[ "$2" = tdp0 ] || { each=1 rates='1 40000 2 80000 4 160000 7 280000 8 320000 12 480000'; }
	while read -r vcpus mib; do
		_model_row "$@" demand-private-4k.rate "$vcpus" 8 "$mib" pages/s
	done < <(xargs -n 2 <<<"$rates")
	_model_row "$@" demand-private-thp.per-fault 1 32 400000 instructions
	# 5 ns are an instruction
	while read -r vcpus mib; do
		pages=$((vcpus * mib * 256))
		_model_row "$@" dirty-manual-4k.enable "$vcpus" "$mib" $((5 * (1000 + pages * 100 * each))) ns
		_model_row "$@" dirty-manual-4k.clear "$vcpus" "$mib" $((5 * (1000 + pages * 50 * each))) ns
		_model_row "$@" dirty-manual-4k.delete "$vcpus" "$mib" $((5 * (1000 + pages * 200 * each))) ns
		_model_row "$@" dirty-manual-4k.pass-2 "$vcpus" "$mib" $((5 * (1000 + mib * 256 * 1000))) ns
	done <<<$'1 8\n1 32\n2 8\n4 8\n7 8'
	_model_row "$@" dirty-manual-4k.clear-64 1 32 $((5 * (1000 + 8192 * 50 * each + 128 * 1000))) ns
	while read -r vcpus mib; do
		gap=100000
		[ "$2" != tdp0 ] || gap=$((mib * 256 * 400))
		_model_row "$@" slots-4k.delete-gap "$vcpus" "$mib" $((gap + 5000)) instructions
	done <<<$'1 32\n7 8'
}

model_rows() {
	_model_side base tdp0
	_model_side "$1" tdp0
	_model_side "$1" tdp1
}
