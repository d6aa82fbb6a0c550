# shellcheck shell=bash
# scripts/lib/evidence.sh - what ran, and passed, on the series as it is: ci/evidence.csv.
#
# Usage:   . scripts/lib/evidence.sh      after scripts/lib/lib.sh
# Inputs:  ci/evidence.csv, written by ci/gate --record, a row a run:
#            day        YYYY-MM-DD
#            base       name of the base
#            milestone  that the kernel was of
#            patches    twelve digits of what its patches change: see patches_digest
#            lane, variant, mmu, cpus   as ci/gate has them; cpus `-`: the lane's own
#            suite      tests, stress, guest, modules or the name of a list
#            verdict    pass, fail, splat, skip, harness; flaky: it passed when it was booted
#                       again (ci/gate --retry)
#            pass,fail,known,skip,lost  tests; none of those that --skip-known left out
#          series and the patches, for what they are now
# Outputs: EVIDENCE, the file's path, EVIDENCE_HEADER, and the functions below
# Exit codes: 2 the file is not in order

EVIDENCE=$TOP/ci/evidence.csv
# shellcheck disable=SC2034 # for those who source this
EVIDENCE_HEADER=day,base,milestone,patches,lane,variant,mmu,cpus,suite,verdict,pass,fail,known,skip,lost

# patches_digest KIND MILESTONE: twelve digits of the sha256 of the diffs of all patches up
# to the end of MILESTONE that bases of that kind get: a header does not count. `base`: none.
patches_digest() {
	local p m paths=() upto=" $MILESTONES "
	[ "$2" != base ] || { echo base; return; }
	upto="${upto%%" $2 "*} $2 "
	while read -r p; do
		m=${p#patches/} m=${m%%/*}
		[[ $upto = *" $m "* ]] || continue
		paths+=("$TOP/$p")
	done < <(use_kind "$1"; series_patches)
	[ ${#paths[@]} -gt 0 ] || { echo none; return; }
	sed -s -n '/^diff --git /,$p' "${paths[@]}" | sha256sum | cut -c1-12
}

# evidence_rows: the rows, without the header, each checked for its form.
evidence_rows() {
	[ -f "$EVIDENCE" ] || return 0
	local line n=1 word='[A-Za-z0-9._-]+' form
	form="^[0-9]{4}-[0-9]{2}-[0-9]{2}(,$word){8},(pass|fail|splat|skip|harness|flaky)(,[0-9]+){5}\$"
	{
		IFS= read -r line || true
		[ "$line" = "$EVIDENCE_HEADER" ] || die "$EX_USAGE" "ci/evidence.csv:1: the header row is not $EVIDENCE_HEADER"
		while IFS= read -r line; do
			n=$((n + 1))
			[[ $line =~ $form ]] || die "$EX_USAGE" "ci/evidence.csv:$n: '$line' is not a row of it: ci/gate --record writes them"
			printf '%s\n' "$line"
		done
	} <"$EVIDENCE"
}

# record_runs BASE MILESTONE DIGEST RESULTS: a row for each "RUN LANE VARIANT MMU CPUS SUITE"
# on stdin, by what it left in RESULTS/RUN; `harness` where that is nothing, or of an
# earlier run: ci/gate marks its own by .RUN.done.part beside it.
record_runs() {
	local run lane variant mmu cpus suite word pass fail known skip lost rows=''
	[ -s "$EVIDENCE" ] || rows=$EVIDENCE_HEADER$'\n'
	while read -r run lane variant mmu cpus suite; do
		word='' lost=''
		[[ ! -s $4/$run/row.txt || ! -f $4/.$run.done.part ]] || read -r _ word pass fail known skip lost _ <"$4/$run/row.txt"
		[[ $lost =~ ^[0-9]+$ ]] || pass=0 fail=0 known=0 skip=0 lost=0
		: "${word:=harness}"
		[ "$word" != pass ] || [ ! -d "$4/$run-first" ] || word=flaky
		rows+="$(date -u +%F),$1,$2,$3,$lane,$variant,$mmu,$cpus,$suite,$word,$pass,$fail,$known,$skip,$lost"$'\n'
	done
	# one write: all of them, or none
	printf '%s' "$rows" >>"$EVIDENCE"
	say "ci/evidence.csv: recorded"
}

# evidence_latest: of each run the last row, as "BASE MILESTONE LANE VARIANT MMU CPUS SUITE
# STATE PASS DAY": STATE is the verdict, or `older` for a pass with other patches than now.
evidence_latest() {
	local rows day base milestone patches lane variant mmu cpus suite verdict pass rest key kind
	local -A last=() digest_of=()
	rows=$(evidence_rows) || return
	while IFS=, read -r day base milestone patches lane variant mmu cpus suite verdict pass rest; do
		[ -n "$day" ] || continue
		key="$base $milestone"
		if [ -z "${digest_of[$key]-}" ]; then
			kind=$(base_kind "$base") || return
			digest_of[$key]=$(patches_digest "$kind" "$milestone")
		fi
		[ "$verdict" != pass ] || [ "$patches" = "${digest_of[$key]}" ] || verdict=older
		last["$key $lane $variant $mmu $cpus $suite"]="$verdict $pass $day"
	done <<<"$rows"
	for key in "${!last[@]}"; do
		echo "$key ${last[$key]}"
	done | LC_ALL=C sort
}

# evidence_table: Markdown, a row for each base and milestone that something ran of, a
# column for each lane: what passed of each kernel on the series as it is, with each MMU and
# number of CPUs that was recorded; what passed with other patches stands in brackets.
evidence_table() {
	local rows base milestone lane variant mmu cpus suite state pass day key word m lanes_sorted
	local -A worst=() cell=() lane_seen=() base_seen=()
	rows=$(evidence_latest) || return
	while read -r base milestone lane variant mmu cpus suite state pass day; do
		[ -n "$base" ] || continue
		lane_seen[$lane]=1 base_seen[$base]=1
		[ "$mmu" != shadow ] || suite=shadow
		[ "$variant" = plain ] || { [ "$suite" = "$variant" ] || [ "$suite" = tests ]; } || suite="$variant $suite"
		[ "$variant" = plain ] || [ "$suite" != tests ] || suite=$variant
		key="$base $milestone $lane|$suite"
		case ${worst[$key]-pass}:$state in
		pass:* | older:[!p]*) worst[$key]=$state ;;
		esac
	done <<<"$rows"
	while read -r key; do
		[ -n "$key" ] || continue
		word=${key#*|}
		case ${worst[$key]} in
		pass) ;;
		older) word="($word)" ;;
		*) word="$word: ${worst[$key]}" ;;
		esac
		cell[${key%|*}]+="${cell[${key%|*}]+, }$word"
	done < <(printf '%s\n' "${!worst[@]}" | LC_ALL=C sort)
	mapfile -t lanes_sorted < <(printf '%s\n' "${!lane_seen[@]}" | LC_ALL=C sort)
	[ ${#lane_seen[@]} -gt 0 ] || { echo "Nothing has been recorded yet."; return; }
	echo "| base | milestone |$(printf ' %s |' "${lanes_sorted[@]}")"
	echo "| --- | --- |$(printf ' --- |%.0s' "${lanes_sorted[@]}")"
	while read -r base; do
		for milestone in base $MILESTONES; do
			word=
			for lane in "${lanes_sorted[@]}"; do
				m=${cell["$base $milestone $lane"]-}
				word+=" $m |"
			done
			[[ $word != *[a-z]* ]] || echo "| $base | \`$milestone\` |$word"
		done
	done < <(printf '%s\n' "${!base_seen[@]}" | LC_ALL=C sort)
}
