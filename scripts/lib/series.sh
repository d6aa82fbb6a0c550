# shellcheck shell=bash disable=SC2034
# scripts/lib/series.sh - the series and the kernel tree it is to be applied to.
#
# Usage:   . scripts/lib/series.sh        after scripts/lib/lib.sh
# Inputs:  series, patches/
# Outputs: PATCHES (array: the patches asked for), LEFT_OUT (array: LEFT_OUT[I] are those
#          asked for that the tree has, in the place before PATCHES[I]), TREE, APPLIED (how
#          many of the series' patches the tree's quilt stack has) and the functions
#          below, those of scripts/lib/base.sh, fingerprint.sh, hunks.sh and
#          stack.sh too. Sets quilt's and patch's environment, so that nobody's own
#          settings change what a patch does.
# Exit codes: 2 refused input, 5 quilt or patch cannot be installed

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=base.sh
. "$TOP/scripts/lib/base.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=fingerprint.sh
. "$TOP/scripts/lib/fingerprint.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=hunks.sh
. "$TOP/scripts/lib/hunks.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../scripts/lib source=stack.sh
. "$TOP/scripts/lib/stack.sh"

# Names that this series, or openEuler's own backport of the same work, brings
# in, and that no 5.10 without it has. (Not `yielded`: that is the fix of CVE-2021-47094,
# which a 5.10 may have alone.)
FEATURE='tdp_ptep_t|REMOVED_SPTE|rwlock_t mmu_lock|KVM_HAVE_MMU_RWLOCK|SPTE_MMU_PRESENT_MASK|kvm_tdp_mmu_invalidate_all_roots'
FEATURE_FILES='arch/x86/kvm/mmu/*.[ch] arch/x86/include/asm/kvm_host.h include/linux/kvm_host.h'

WAY_ON="'Another 5.10 tree' in README.md tells how to bring the series over: scripts/series-to-git, git rebase --onto, scripts/git-to-series --base"

unset "${!QUILT@}" "${!PATCH_@}" POSIXLY_CORRECT VERSION_CONTROL SIMPLE_BACKUP_SUFFIX
export QUILT_PATCHES=$TOP QUILT_SERIES=$SERIES QUILT_PC=.pc

# select_patches [UNTIL]: PATCHES = the series up to a milestone or a patch
# (path, file name or file name without .patch); all of it without UNTIL.
# `base` is none. Those of SKIP are in LEFT_OUT instead.
select_patches() {
	local until=${1-} i last=-1 p all
	[ -f "$SERIES" ] || die "$EX_USAGE" "no series file: $SERIES"
	mapfile -t all < <(series_patches)
	for i in "${!all[@]}"; do
		p=${all[i]}
		[ -s "$TOP/$p" ] ||
			die "$EX_USAGE" "${SERIES#"$TOP/"}:$(grep -nxF -- "$p" "$SERIES" | cut -d: -f1 | head -n 1): $p is missing or empty"
		case $p in
		"$until" | patches/"$until"/* | */"$until" | */"$until".patch) last=$i ;;
		esac
	done
	case $until in
	'') last=${#all[@]} ;;
	base) last=-1 ;;
	*)
		[ "$last" -ge 0 ] || ! is_milestone "$until" ||
			die "$EX_USAGE" "the series has no patch of the milestone '$until' yet"
		[ "$last" -ge 0 ] ||
			die "$EX_USAGE" "no milestone and no patch '$until' in the series: milestones are $MILESTONES"
		;;
	esac
	PATCHES=() LEFT_OUT=()
	for p in "${all[@]:0:last+1}"; do
		if [[ " ${SKIP[*]} " = *" $p "* ]]; then
			LEFT_OUT[${#PATCHES[@]}]+="$p "
		else
			PATCHES+=("$p")
		fi
	done
}

# series_version: of PATCHES: the milestone of the last one, and eight digits of
# what all of them hold, in order. `base` when there are none.
series_version() {
	local sum
	[ ${#PATCHES[@]} -gt 0 ] || { echo base; return; }
	sum=$(cd "$TOP" && sha256sum -- "${PATCHES[@]}" | cut -d' ' -f1 | sha256sum)
	echo "$(milestone_of "${PATCHES[-1]}").${sum:0:8}"
}

# touched_files PATCH...: the files that patches change, add or remove.
touched_files() {
	[ $# -eq 0 ] || (cd "$TOP" && lsdiff --no-filename --strip 1 -- "$@") | sort -u
}

# use_tree DIR FORCE [BASE [SKIP]]: TREE = DIR, if the series belongs on it, and use_kind
# for what it is, or for BASE; APPLIED = how far it is, without the patches that SKIP names.
# Keeps the tree locked until this process and its children end.
use_tree() {
	local v p file line
	[ -d "$1" ] || die "$EX_USAGE" "$1 is not a directory"
	TREE=$(realpath "$1")
	for file in Makefile Kbuild arch/x86/kvm/Makefile; do
		[ -f "$TREE/$file" ] || die "$EX_USAGE" "$1 is not a kernel tree: it has no $file"
	done
	v=$(sed -n 's/^\(VERSION\|PATCHLEVEL\) *= *//p' "$TREE/Makefile" | head -n 2 | paste -sd.)
	if [ "$v" != 5.10 ]; then
		[ -n "$2" ] || die "$EX_USAGE" "$TREE/Makefile:$(grep -n -m 1 '^PATCHLEVEL' "$TREE/Makefile" | cut -d: -f1): this is Linux $v, the series is for 5.10: --force tries it all the same"
		say "warning: this is Linux $v, the series is for 5.10"
	fi
	exec {TREE_LOCK}<"$TREE"
	flock -n "$TREE_LOCK" || {
		say "waiting for another run that is at work in $TREE, or for what a killed one has left running"
		flock "$TREE_LOCK"
	}
	_use_kind_of_tree "${3-}"
	check_stack "${4-}"
	if [ "$APPLIED" -gt 0 ]; then
		say "$TREE: ${SERIES#"$TOP/"}, $APPLIED patches applied"
		return 0
	fi
	# shellcheck disable=SC2086 # a list of words
	line=$(cd "$TREE" && grep -nE -m 1 "$FEATURE" /dev/null $FEATURE_FILES 2>/dev/null | head -n 1) || true
	[ -z "$line" ] || {
		p=${line#*:}
		die "$EX_USAGE" "$TREE/${line%%:*}:${p%%:*}: this tree has (part of) the TDP MMU feature already, '$(grep -oE "$FEATURE" <<<"$p" | head -n 1)': apply the series to a tree without it; BACKPORT-NOTES.md has a section on openEuler's own backport"
	}
	# shellcheck disable=SC2153 # set by use_kind
	if [ "$KIND" = stable ]; then
		say "$TREE is Linux $v.$(sed -n 's/^SUBLEVEL *= *//p' "$TREE/Makefile"): ${SERIES#"$TOP/"}"
	elif [ -z "$TREE_BASE" ]; then
		say "$TREE is a kernel of openEuler, of a release that nobody has tested: ${SERIES#"$TOP/"}"
	else
		base_verdict "$TREE_BASE" "$TREE" quick
		say "$TREE is $(base_title "$TREE_BASE"): ${SERIES#"$TOP/"}; $(verdict_text "$TREE_BASE")"
	fi
}

# _use_kind_of_tree [BASE]: which series is on the tree, or belongs on it? TREE_BASE is
# the base of openEuler that it is, if known.
_use_kind_of_tree() {
	local kind='' k value
	TREE_BASE=${1-}
	[ -z "$TREE_BASE" ] || kind=$(base_kind "$TREE_BASE") || exit
	if [ "$(series_file stable)" != "$(series_file openeuler)" ] && value=$(stack_series); then
		for k in openeuler stable; do
			[ "$value" = "$(realpath "$(series_file $k)")" ] || continue
			[ "${kind:-$k}" = $k ] ||
				die "$EX_USAGE" "$TREE/.pc/.quilt_series:1: quilt has the series for $k here, and $TREE_BASE is $kind: pop it (quilt pop -a) and remove .pc, or leave --base out"
			kind=$k
		done
	fi
	[ -n "$kind" ] || kind=$(tree_kind "$TREE") ||
		die "$EX_USAGE" "$TREE/Makefile:$(grep -n -m 1 '^SUBLEVEL' "$TREE/Makefile" | cut -d: -f1): this is neither openEuler's kernel nor stable 5.10.y: --base NAME takes the series for a base like NAME; 'Another 5.10 tree' in README.md tells how to go on"
	use_kind "$kind"
	[ "$kind" = stable ] || [ -n "$TREE_BASE" ] || TREE_BASE=$(tree_base "$TREE")
}
