#!/usr/bin/env bash
# ci/tests/bisect-step.sh - test of ci/bisect-step: `git bisect run` finds a
# planted bug with a command, and a commit that does not build.
#
# Usage:   ci/tests/bisect-step.sh
# Inputs:  the scripts as they are, a made-up project with nine patches, a
#          made-up kernel with nine commits
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-kernel.sh
. "$TOP/ci/tests/lib/made-up-kernel.sh"

step_in() {
	(cd "$1" && shift && exec "$TOP/ci/bisect-step" "$@")
}

# bisect_run DIR GOOD BAD ARGUMENT...: what git bisect says in the end
bisect_run() {
	(
		cd "$1" || exit
		git bisect start "$3" "$2" >/dev/null &&
			git bisect run "$TOP/ci/bisect-step" "${@:4}" 2>&1
		git bisect reset >/dev/null 2>&1
	)
}

# The example of ci/bisect-step -h: each patch adds a line to a program; the
# sixth adds it wrongly.
planted_bug() {
	local i line out patch=patches/rwlock-rcu/count-6.patch
	start
	cat >"$TMP/edit/b/virt/kvm/count.c" <<-END_OF_C
	#include <stdio.h>
	int main(void)
	{
		int n = 0;
		printf("%s\n", n < 0 ? "wrong" : "right");
	}
	END_OF_C
	minute=0
	for i in 1 2 3 4 5 6 7 8; do
		line="n += $i;"
		[ $i -ne 6 ] || line="n = -n - 100;"
		sed -i "/printf/i \\\\t$line" "$TMP/edit/b/virt/kvm/count.c"
		next_patch patches/rwlock-rcu/count-$i.patch
		echo "patches/rwlock-rcu/count-$i.patch" >>"$TMP/project/series"
	done
	"$TMP/project/scripts/derive-series" 2>/dev/null || return
	to_git "$TMP/tree" || return 1
	out=$(bisect_run "$TMP/tree" tdp-mmu-iterator tdp-mmu \
		sh -c "gcc -o '$TMP/t' virt/kvm/count.c && '$TMP/t' | grep -qx right")
	echo "$out"
	grep -q "^$(in_tree git log --format=%H --grep="Patch-file: $patch" tdp-mmu) is the first bad commit" <<<"$out" &&
		grep -q "Patch-file: $patch" <<<"$out"
}

# history FAULT: nine commits on the made-up kernel, FAULT (a sed script on the
# KVM MMU's source) in the fifth, undone in none.
history() {
	local i
	rm -rf "$TMP/kernel"
	cp -r "$B" "$TMP/kernel"
	(
		cd "$TMP/kernel" || exit
		git init -q
		git add -A
		git commit -q -m base
		git tag good
		for i in 1 2 3 4 5 6 7 8 9; do
			echo "int number_$i;" >>arch/x86/kvm/mmu.c
			[ $i -ne 5 ] || sed -i "$1" arch/x86/kvm/mmu.c
			git commit -q -a -m "KVM: Number $i"
		done
	)
}

found() {
	local out
	out=$("${@:2}")
	echo "$out"
	grep -A8 'is the first bad commit' <<<"$out" | grep -q "KVM: Number $1\$"
}

does_not_build() {
	history "$1"
	found 5 bisect_run "$TMP/kernel" good HEAD || return 1
	[ -z "$(git -C "$TMP/kernel" status --porcelain --untracked-files=no)" ]
}

# What does not build is no answer to what the command asks.
skipped() {
	local out
	history 's/return/retrun/'
	out=$(bisect_run "$TMP/kernel" good HEAD --part x86_64 --build sh -c '! grep -q number_8 arch/x86/kvm/mmu.c')
	echo "$out"
	grep -q "only 'skip'ped commits left" <<<"$out" && ! grep -q 'is the first bad commit' <<<"$out"
}

# codes: what a command's exit code becomes
codes() {
	local want got rc
	while read -r want got; do
		rc=0
		step_in "$TMP/kernel" sh -c "$got" || rc=$?
		[ $rc -eq "$want" ] || { echo "$got: $rc instead of $want"; return 1; }
	done <<-'END_OF_TABLE'
	0 exit 0
	1 exit 1
	1 exit 2
	1 exit 4
	1 exit 124
	125 exit 125
	125 exit 126
	125 exit 127
	125 exit 200
	1 kill -SEGV $$
	1 kill -ABRT $$
	125 kill -KILL $$
	143 kill -TERM $$
	END_OF_TABLE
}

# own_codes: of this project's commands 2, 4 and 5 say nothing of the commit
own_codes() {
	local code
	cp -r "$TOP/ci" "$TOP/scripts" "$TMP/copy"
	# shellcheck disable=SC2016 # for sh
	printf '#!/bin/sh\nexit $1\n' >"$TMP/copy/ci/gate"
	for code in 0:0 1:1 2:125 3:1 4:125 5:125; do
		(cd "$TMP/kernel" && expect "${code#*:}" '' "$TMP/copy/ci/bisect-step" "$TMP/copy/ci/gate" "${code%:*}") || return 1
	done
}

no_compiler() {
	mkdir -p "$TMP/none"
	printf '#!/bin/sh\nexit 1\n' >"$TMP/none/ccache"
	chmod +x "$TMP/none/ccache"
	rm -rf "$TMP/kernel"/obj-*
	sed -i 's/^prepare/prepare:; false\nnone/;s/ prepare / /' "$TMP/kernel/Makefile"
	step_in "$TMP/kernel" --part x86_64
}

interrupted() {
	local pid rc=0
	(cd "$TMP/kernel" && exec env --default-signal=TERM "$TOP/ci/bisect-step" sleep 3) &
	pid=$!
	sleep 1
	kill -TERM $pid
	wait $pid || rc=$?
	[ $rc -eq 143 ]
}

check "the example: a planted bug is found, and its patch named" planted_bug
check "a syntax error is found" does_not_build 's/return/retrun/'
check "an error of i386 only is found" does_not_build 's/return/_Static_assert(sizeof(long) == 8, "wide"); return/'
check "--build: what does not build is skipped" skipped
history ''
check "exit codes of a command" codes
mkdir "$TMP/copy"
check "exit codes of the project's own commands" own_codes
check "a build of the last commit, without a bisection" expect 0 'KVM: Number 9: builds for x86_64' step_in "$TMP/kernel" --part x86_64
check "no such command" expect 125 'No such file' step_in "$TMP/kernel" ./none
check "unknown option" expect 125 "unknown option '--fast'" step_in "$TMP/kernel" --fast
check "unknown part" expect 125 "no part 'mips'" step_in "$TMP/kernel" --part mips
check "no git tree" expect 125 'not in a git work tree' step_in "$TMP"
check "a kernel that cannot be configured" expect 125 '.' no_compiler
check "-h" expect 0 'git bisect run' step_in "$TMP" -h
check "SIGTERM stops git bisect" interrupted
tap_end
