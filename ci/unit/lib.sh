# shellcheck shell=bash
# ci/unit/lib.sh - what the unit tests of kernel code on the host have in common: their
# options, a folder $TMP that goes with them, the compiler with its sanitizers.
#
# Usage:   . ci/unit/lib.sh    at the head of a test, which passes on its arguments
#          --compile TREE...   as first of these: the test is compiled for these trees, and
#                              does not run
# Outputs: $TMP, and the functions below
# Exit codes: 0 -h, 1 from test_trees: a tree fails, 2 an unknown option or no kernel tree,
#          5 packages missing, or a function of the tree's
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../scripts/lib/lib.sh"

compile_only=
case "${1-}" in
-h | --help) usage; exit 0 ;;
--compile) compile_only=yes; shift ;;
-*) die $EX_USAGE "unknown option '$1': see -h" ;;
esac
need_packages gcc libc6-dev
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

# take_iterator TREE DIR: copy what all of them compile.
take_iterator() {
	local mmu=$1/arch/x86/kvm/mmu
	[ -f "$mmu/tdp_iter.c" ] || die $EX_USAGE "$1: no arch/x86/kvm/mmu/tdp_iter.c in it"
	mkdir -p "$2"
	cp "$mmu"/tdp_iter.[ch] "$2/"
}

# compile DIR OUT ARGUMENT...: with the iterator in DIR and the stand-ins for kernel headers.
compile() {
	local dir=$1 out=$2
	shift 2
	gcc -std=gnu11 -g -O2 -Wall -Wextra -Werror -Wno-sign-compare \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-I "$dir" -I "$TOP/ci/unit/include" -o "$out" "$@" "$dir/tdp_iter.c"
}

# runs COMMAND...: unless they were only to be compiled.
runs() {
	[ -n "$compile_only" ] || "$@"
}

# setters TREE: flags for the form of the tree's atomic setters: see include/setters.h.
setters() {
	local file=$1/arch/x86/kvm/mmu/tdp_mmu.c
	! grep -q 'return -EBUSY;' "$file" || echo -DSETTERS_SAY_BUSY
	! grep -q 'iter->old_spte = old_spte;' "$file" || echo -DSETTERS_LOOK_AGAIN
}

# parts FILE NAME...: these functions, or macros, of a C file; what they return may be in a
# line of its own, if they are static.
parts() {
	local file=$1 name text
	shift
	for name; do
		text=$(sed '/^static [^(;={]*$/{N;s/\n/ /}' "$file" |
			sed -n "/^\(static\|u64\|struct\).*[ *]$name(/,/^}/p; /^#define $name(/,/[^\\\\]\$/p")
		[ -n "$text" ] ||
			die $EX_HARNESS "$file:1: no $name() in it: teach ci/unit/$(basename "$0") its new form"
		printf '%s\n' "$text"
	done
}

# test_trees TREE...: KTAP, a subtest for each tree, of what the caller's `build TREE OUT`
# makes; without one, of the last milestone's. The caller's `lacks TREE`, if there is such
# a function, prints what an earlier milestone has not got yet: that tree is skipped. The
# last one never is: there it would be a function that has another name now.
test_trees() {
	local last='' m nr=0 word failed=0 reason
	if [ $# -eq 0 ]; then
		lacks() { :; }
		for m in $MILESTONES; do
			! grep -q "^patches/$m/" <(series_patches) || last=$m
		done
		m=$("$TOP/scripts/prepare-tree" "${last:-base}")
		set -- "$m"
	fi
	echo "KTAP version 1"
	echo "1..$#"
	for m; do
		nr=$((nr + 1)) reason=''
		[ "$(type -t lacks)" != function ] || reason=$(lacks "$m")
		[ -z "$reason" ] || { echo "ok $nr $m # SKIP $reason" && continue; }
		build "$m" "$TMP/tree$nr"
		word=ok
		runs "$TMP/tree$nr" >"$TMP/ktap" 2>&1 || { word="not ok" failed=1; }
		sed 's/^/  /' "$TMP/ktap"
		echo "$word $nr $m"
	done
	[ $failed -eq 0 ] || exit $EX_FAIL
}
