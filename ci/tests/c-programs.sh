#!/usr/bin/env bash
# c-programs.sh - test of how the project's C is compiled: scripts/lib/build-tool, and
# ci/lint c-programs, which may leave no source out.
#
# Usage:   ci/tests/c-programs.sh
# Inputs:  the two, lib.sh and the Makefiles, in a made-up project whose sources have
#          these names and nothing in them
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
need_packages gcc libc6-dev libgit2-dev make
unset TDP_BUILD
P=$TMP/project
LINT=("$P/ci/lint" c-programs)
TOOL=$P/scripts/lib/build-tool
NOTHING='extern int nothing;'

# source_file FILE [LINE]: as good as empty, or that line.
source_file() {
	mkdir -p "$(dirname "$P/$1")"
	printf '%s\n' "${2-$NOTHING}" >"$P/$1"
}
project() {
	local dir f tools
	mkdir -p "$P/scripts/lib" "$P"/ci/{unit,tests/lib/made-up-rpm}
	cp "$TOP"/scripts/lib/{lib.sh,host-packages.sh,build-tool} "$P/scripts/lib/"
	cp "$TOP/ci/lint" "$P/ci/"
	for dir in scripts/src ci/verdict ci/machine; do
		mkdir -p "$P/$dir"
		cp "$TOP/$dir/Makefile" "$P/$dir/"
		tools=$(sed -n 's/^tools := //p' "$P/$dir/Makefile")
		while read -r f; do
			if [[ " $tools " = *" ${f%.c} "* ]]; then
				source_file "$dir/$f" 'int main(void) { return 0; }'
			else
				source_file "$dir/$f"
			fi
		done < <(make -s -C "$TOP/$dir" sources)
	done
	cp "$TOP/scripts/src/tools.mk" "$P/scripts/src/"
	source_file ci/tests/lib/misbehave.c
	source_file ci/tests/lib/made-up-rpm/module.c
	source_file ci/unit/tdp_one.c
	# shellcheck disable=SC2016 # the script expands its own variables
	printf '#!/bin/sh\n# of ci/unit/tdp_one.c\n[ ! -f "$2/bad" ] || { echo "one: it does not compile" >&2; exit 1; }\n' >"$P/ci/unit/one.sh"
	chmod +x "$P/ci/unit/one.sh"
	mkdir -p "$TMP/tree/arch/x86/kvm/mmu"
	touch "$TMP/tree/arch/x86/kvm/mmu/tdp_mmu.c"
}
# found PATTERN: the lint of all that is bad said so.
found() {
	grep -E -- "$1" "$TMP/found" || { cat "$TMP/found"; return 1; }
}

project
check "without a tree it says what it leaves out" expect 0 ' not compiled here: ci/unit/tdp_one\.c ci/machine/kvm/.* ci/machine/stress/vm\.c' "${LINT[@]}"
check "with one it leaves out nothing" expect 0 ' 0 of them not compiled here' "${LINT[@]}" "$TMP/tree"
check "a tree that is none" expect 2 "'/dev' is no kernel tree" "${LINT[@]}" /dev

# All at once: it tells of each.
bad=(scripts/src/text.c ci/verdict/splat.c ci/machine/{init/init,lib/files,facts/vm,stress/vm,kvm/pml}.c
	ci/tests/lib/misbehave.c)
stray=(scripts/src ci/verdict ci/machine/modules ci/unit ci/tests/lib configs)
for f in "${bad[@]}"; do
	source_file "$f" 'int f(void); int f(void) { int i; return 0; }'
done
for f in "${stray[@]}"; do
	source_file "$f/stray.c"
done
source_file ci/machine/stress/guest.c 'int f(void); int g(void); int g(void) { return f(); }'
touch "$TMP/tree/bad"
rc=0
"${LINT[@]}" "$TMP/tree" >"$TMP/found" 2>&1 || rc=$?
check "much that is wrong" test $rc -eq 1
for f in "${bad[@]}"; do
	check "a warning in $f" found "(^|/)$(basename "$f"):1:[0-9]+: error: unused variable"
done
for f in "${stray[@]}"; do
	check "a source in $f that nothing compiles" found "^$f/stray\.c:1: error: nothing compiles it"
done
check "the guest of stress calls somebody" found 'guest\.c:1: error: the guest calls .*U f'
check "a unit test that does not compile" found '^one: it does not compile'
source_file scripts/src/text.c
source_file ci/verdict/splat.c

OUT=$P/build/bin/check-kabi
check "a tool is made" expect 0 "^$OUT\$" "$TOOL" check-kabi
check "it runs" "$OUT"
same() {
	local was now
	was=$(stat -c %i%Y "$OUT")
	"$TOOL" check-kabi || return
	now=$(stat -c %i%Y "$OUT")
	[ "$was" = "$now" ]
}
newer() {
	touch -d '1 hour ago' "$OUT" && ! same
}
broken() {
	source_file scripts/src/text.h '#error made up'
	source_file scripts/src/text.c '#include "text.h"'
	expect 1 'check-kabi does not compile' "$TOOL" check-kabi && [ -x "$OUT" ] && [ ! -e "$OUT.new" ]
}
at_once() {
	local i pids=()
	source_file scripts/src/text.h "$NOTHING"
	for i in 1 2 3 4; do
		"$TOOL" check-kabi >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return
	done
	"$OUT"
}
check "it is not made again" same
check "but when a source is newer" newer
check "one that does not compile leaves the old one" broken
check "four at once" at_once
check "one of another folder" expect 0 "/build/bin/verdict\$" "$TOOL" ci/verdict/verdict
check "no such tool" expect 2 "no tool 'check-nothing'" "$TOOL" check-nothing
check "no such folder" expect 2 'ci/nowhere has no tools' "$TOOL" ci/nowhere/verdict
check "two tools" expect 2 'which tool' "$TOOL" check-kabi verdict
tap_end
