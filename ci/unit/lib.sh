# shellcheck shell=bash
# ci/unit/lib.sh - what the unit tests of kernel code on the host have in common: their
# only option, a folder $TMP that goes with them, the compiler with its sanitizers.
#
# Usage:   . ci/unit/lib.sh    at the head of a test, which passes on its arguments
# Outputs: $TMP, and the functions below
# Exit codes: 0 -h, 2 an unknown option or no kernel tree, 5 packages missing
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../scripts/lib.sh"

case "${1-}" in
-h | --help) usage; exit 0 ;;
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
