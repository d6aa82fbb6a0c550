#!/usr/bin/env bash
# ci/tests/find-users-broken.sh - test of find-users' C program, built with
# AddressSanitizer and UBSan, on patches and sources that are cut anywhere.
#
# Usage:   ci/tests/find-users-broken.sh
# Inputs:  the sources of the program, a made-up series, the series
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-users.sh
. "$TOP/ci/tests/lib/made-up-users.sh"
need_packages gcc libc6-dev

sane_build() {
	"$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" find-users
}

# sane CODE ARGUMENT...: no sanitizer says a word.
sane() {
	local code=$1 rc=0
	"$TMP/sanitized/find-users" "${@:2}" >"$TMP/.out" 2>&1 || rc=$?
	[ $rc -le "$code" ] && ! grep -E 'Sanitizer|runtime error' "$TMP/.out"
}

# A patch and a source, cut at any byte, are at worst refused.
cuts() {
	local n size series rules=$project/scripts/lib/find-users.rules
	fresh
	mapfile -t series <"$project/series"
	mkdir -p "$TMP/cut"
	size=$(stat -c %s "$project/$P")
	for ((n = 0; n < size; n += 37)); do
		head -c $n "$project/$P" >"$TMP/cut/p"
		sane 0 --list --rules "$rules" "$TMP/cut" p || return
	done
	printf '#if defined(CONFIG_X86) && (1 < 2\nint kvm_resolve(struct kvm *k, a[2], int (*f)(int)) \\\n{ spin_lock(&kvm->mmu_lock); "a\\" /* */; }\n#elif !X\n#endif\n#define A(x, y) kvm_old_hook\n' >"$TMP/source"
	size=$(stat -c %s "$TMP/source")
	for ((n = 0; n <= size; n += 4)); do
		head -c $n "$TMP/source" >"$TMP/cut/s"
		sane 1 --scan --rules "$rules" "$project" "${series[@]}" <<<"arch/x86/s.c	$TMP/cut/s	base" || return
	done
}

mapfile -t patches < <(series_patches)
check "it builds with the sanitizers" sane_build
check "the project's own series" sane 0 --list --rules "$TOP/scripts/lib/find-users.rules" "$TOP" "${patches[@]}"
check "cut at any byte" cuts
tap_end
