# shellcheck shell=bash
# ci/lib/proof.sh - what lies in ci/proofs, and what the patches' headers say of it.
#
# Usage:   . ci/lib/proof.sh         after choose_base of scripts/lib/which.sh
# Inputs:  ci/proofs/PROOF/, series, the headers of the patches; the base that was chosen
# Outputs: PROOF (array: what read_proof has read) and the functions below
# Exit codes: 1 proofs and headers do not fit, 2 a proof that is not in order

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=lanes.sh
. "$TOP/ci/lib/lanes.sh"

PROOFS=$TOP/ci/proofs
declare -A PROOF=()
PROOF_KEYS="patch shows lane command variant mmu cpus cpu append milestone kernel tests fails base run"

all_proofs() {
	[ ! -d "$PROOFS" ] || find "$PROOFS" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
}

# proof_value PROOF KEY
proof_value() {
	[ ! -f "$PROOFS/$1/proof" ] || sed -n "s/^$2: *//p" "$PROOFS/$1/proof"
}

# patch_path NAME: the path in the series of a patch; nothing if there is none.
patch_path() {
	local p
	while read -r p; do
		case $p in "$1" | */"$1" | */"$1".patch) echo "$p"; return ;; esac
	done < <(series_patches)
}

# kind_for PROOF: of bases that it, or else its patch, is for: stable or openeuler; where
# it is for both, that of the base chosen.
kind_for() {
	local p
	p=$(proof_value "$1" patch)
	{ proof_value "$1" base | grep . ||
		sed '/^---$/,$d' "$TOP/${p:-none}" 2>/dev/null | sed -nE 's/^Base: (stable|openeuler)$/\1/p' | grep .; } ||
		echo "$BASE_KIND"
}

# read_proof NAME: checks all of it, and sets PROOF[KEY] for each key, PROOF[name] and
# PROOF[dir].
read_proof() {
	local file=ci/proofs/$1/proof line n=0 key value f dir=$PROOFS/$1 lane fails
	PROOF=([name]=$1 [dir]=$dir [patch]='' [shows]='' [lane]='' [command]='' [variant]=plain [mmu]=tdp1
		[cpus]='' [cpu]='' [append]='' [milestone]='' [kernel]='' [tests]='' [fails]='' [base]='' [run]='')
	[ -f "$TOP/$file" ] || die "$EX_USAGE" "$file:1: no such file"
	[[ $1 =~ ^[a-z0-9-]+$ ]] || die "$EX_USAGE" "$file:1: a proof's name has a-z, 0-9 and hyphens"
	while IFS= read -r line || [ -n "$line" ]; do
		n=$((n + 1))
		case $line in '' | '#'*) continue ;; esac
		[[ $line =~ ^([a-z]+):\ +(.*[^\ ])\ *$ ]] || die "$EX_USAGE" "$file:$n: not 'KEY: VALUE'"
		key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		case " $PROOF_KEYS " in *" $key "*) ;; *) die "$EX_USAGE" "$file:$n: unknown key '$key': $PROOF_KEYS" ;; esac
		if [ "$key" = run ]; then PROOF[run]+=$value$'\n'; else PROOF[$key]=$value; fi
	done <"$TOP/$file"
	[ -n "${PROOF[shows]}" ] || die "$EX_USAGE" "$file:1: no 'shows:', in a line what is shown"
	[[ -n ${PROOF[patch]} && $(patch_path "${PROOF[patch]}") = "${PROOF[patch]}" ]] ||
		die "$EX_USAGE" "$file:$(line_of "$1" patch): the series has no patch '${PROOF[patch]}'"
	: "${PROOF[milestone]:=$(milestone_of "${PROOF[patch]}")}"
	for key in milestone kernel tests; do
		[ -z "${PROOF[$key]}" ] || is_milestone "${PROOF[$key]}" ||
			die "$EX_USAGE" "$file:$(line_of "$1" "$key"): no milestone '${PROOF[$key]}': $MILESTONES"
	done
	case ${PROOF[base]} in
	'' | stable | openeuler) ;;
	*) die "$EX_USAGE" "$file:$(line_of "$1" base): '${PROOF[base]}' is no kind of base: openeuler or stable" ;;
	esac
	for f in undo window; do
		[ ! -f "$dir/$f.patch" ] || sed '/^\(diff \|--- \)/,$d' "$dir/$f.patch" | grep -q '[a-z]' ||
			die "$EX_USAGE" "${dir#"$TOP/"}/$f.patch:1: its head does not say what it does"
	done
	lane=${PROOF[lane]} fails=${PROOF[fails]}
	case $fails in
	"test "?* | "splat "?* | "output "?*) ;;
	check) [ -x "$dir/check" ] || die "$EX_USAGE" "$file:$(line_of "$1" fails): no program ci/proofs/$1/check" ;;
	build) ;;
	*) die "$EX_USAGE" "$file:$(line_of "$1" fails): fails: 'test NAME...', 'splat REGEX', 'check', 'output REGEX' or 'build', not '$fails'" ;;
	esac
	if [ -n "${PROOF[command]}" ]; then
		[ -x "$TOP/${PROOF[command]}" ] || die "$EX_USAGE" "$file:$(line_of "$1" command): '${PROOF[command]}' cannot be run"
		[[ -z $lane && $fails = "output "* ]] ||
			die "$EX_USAGE" "$file:1: a command has no lane, and 'fails: output REGEX'"
		return
	fi
	is_lane "${lane:-none}" ||
		die "$EX_USAGE" "$file:$(line_of "$1" lane): neither a lane nor a command: '$lane'"
	[[ $fails != "output "* ]] || die "$EX_USAGE" "$file:$(line_of "$1" fails): 'output' is for a command"
	case ${PROOF[mmu]} in
	tdp0 | tdp1 | shadow | none) ;;
	*) die "$EX_USAGE" "$file:$(line_of "$1" mmu): mmu '${PROOF[mmu]}': tdp0, tdp1, shadow or none" ;;
	esac
	[ -n "${PROOF[run]}" ] || die "$EX_USAGE" "$file:1: no 'run: TEST SECONDS COMMAND...', which tests?"
	[[ $fails != "test "* ]] || for f in ${fails#test }; do
		grep -qE "^${f}[[:space:]]" <<<"${PROOF[run]}" ||
			die "$EX_USAGE" "$file:$(line_of "$1" fails): no test '$f' among the lines 'run:'"
	done
}

line_of() {
	local n
	n=$(grep -n -m 1 "^$2:" "$PROOFS/$1/proof" | cut -d: -f1) || true
	echo "${n:-1}"
}

# tested_proofs: "PATCH:LINE PATCH PROOF" for each `prove PROOF` that the Tested: of a patch
# has; LINE is where the Tested: begins.
tested_proofs() {
	local p line n at text
	while read -r p; do
		n=0 at='' text=''
		while IFS= read -r line; do
			n=$((n + 1))
			case $line in
			---) break ;;
			Tested:*) at=$n text=$line ;;
			'') [ -z "$at" ] || break ;;
			*) text+=${at:+ $line} ;;
			esac
		done <"$TOP/$p"
		while [[ $text =~ (^|[^a-z])prove\ ([a-z0-9-]+) ]]; do
			echo "$p:$at $p ${BASH_REMATCH[2]}"
			text=${text#*"${BASH_REMATCH[0]}"}
		done
	done < <(project_patches)
}

named_proofs() {
	tested_proofs | cut -d' ' -f3 | sort -u
}

# check_proofs: each proof is in order, and named by the header of its own patch; each
# name in a header is that of a proof.
check_proofs() {
	local slug rows at p bad=0 n=0
	rows=$(tested_proofs) || exit
	while read -r slug; do
		n=$((n + 1))
		(use_kind "$(kind_for "$slug")"; read_proof "$slug") || { bad=$EX_FAIL; continue; }
		if ! grep -qE " $slug\$" <<<"$rows"; then
			echo "ci/proofs/$slug/proof:1: error: no patch names it: 'prove $slug' belongs into the Tested: of its patch" >&2
			bad=$EX_FAIL
		fi
	done < <(all_proofs)
	while read -r at p slug; do
		[ -n "$at" ] || continue
		if [ ! -d "$PROOFS/$slug" ]; then
			echo "$at: error: no proof '$slug' in ci/proofs" >&2
			bad=$EX_FAIL
		elif [ "$(proof_value "$slug" patch)" != "$p" ]; then
			echo "$at: error: '$slug' proves $(proof_value "$slug" patch), not this patch" >&2
			bad=$EX_FAIL
		fi
	done <<<"$rows"
	echo "$n proofs, named by $(grep -c . <<<"$rows") headers"
	return "$bad"
}
