#!/usr/bin/env bash
# ci/tests/trouble.sh - test of what commands exit with when something inside of them
# fails that nobody expects: a tool that breaks, a disk that is full.
#
# Usage:   ci/tests/trouble.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree; root, for a
#          small tmpfs in a name space of its own
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck disable=SC2016 # what other shells expand
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
need_packages bzip2 tar diffstat quilt patch util-linux
P=$TMP/project

# script LINE...: a command of the project that runs these lines.
script() {
	{
		printf '%s\n' '#!/usr/bin/env bash' '# made-up - a command' \
			". '$P/scripts/lib/lib.sh'" 'own() { die "$1" "own words"; }' "$@"
	} >"$P/scripts/made-up"
	chmod +x "$P/scripts/made-up"
}

# ends CODE PATTERN LINE...: what such a script exits with, and says.
ends() {
	script "${@:3}"
	expect "$1" "$2" "$P/scripts/made-up"
}
LOST="^.*made-up:[0-9]+: error: .*' ended with [0-9]+, which nobody expects"

inner_code() {
	start
	ends 5 "$LOST" 'sed p /none/x' && ends 5 "$LOST" 'f() { sed p /none/x; }' f &&
		ends 5 "$LOST" 'x=$(sed p /none/x)' && ends 5 "$LOST" 'f() { cat >/dev/full; }' 'echo a | f' &&
		ends 5 "$LOST" 'echo a >/dev/full' && ends 5 "$LOST" 'ls /none | cat | sort' &&
		ends 5 "$LOST" '(cd /none && ls)' && ends 5 "$LOST" 'x=($(true)); x+=$(sed p /none/x)' &&
		ends 5 "$LOST" 'no-such-tool'
}

# What a command says itself stays, and what it tolerates too.
own_code() {
	local n
	start
	for n in 1 2 4; do
		ends $n 'made-up: error: own words' "own $n" && ends $n 'own words' "x=\$(own $n)" &&
			ends $n 'own words' "a=1 x=\$(own $n) b=2" &&
			ends $n 'own words' "x=\$(for p in a b; do own $n; done | sort)" &&
			ends $n 'own words' "(own $n)" && ends $n 'own words' "own $n | sort" && ends $n '' "exit $n" &&
			ends $n '' "f() { return $n; }" f && ends $n '' "(exit $n)" &&
			[ "$(grep -c . "$TMP/.out")" -eq 0 ] || return 1
	done
	ends 1 '' 'grep -q nothing /dev/null' && ends 1 '' '[ a = b ]' && ends 1 '' 'f() { [[ a = b ]]; }' f &&
		ends 2 'unknown milestone' '"$TOP/scripts/export-mbox" --milestone x /none' &&
		ends 0 '^on$' 'mapfile -t x < <(grep x /dev/null)' 'sed p /none/x 2>/dev/null || echo on' &&
		ends 0 '^on$' 'f() { false; echo on; }' 'x=$(f)' 'echo "$x"' &&
		ends 143 '' 'kill -TERM $BASHPID' &&
		ends 0 "'head -n 1' ended with 141, which nobody expects" 'cat < <(yes | head -n 1; echo on)' &&
		ends 2 'own words' 'while read -r x; do sleep 0.2; die 2 "own words"; done < <(f() { yes; }; f; echo on)' &&
		sleep 0.5 && [ "$(grep -c . "$TMP/.out")" -eq 1 ]
}

# on_full DIR COMMAND...: the command, where DIR is a file system without room: as much of
# it is left as the command needs to begin.
on_full() {
	unshare -m bash -euc 'cp -a "$1" "$1.copy"; mount -t tmpfs -o "size=$2" none "$1"
		cp -a "$1.copy/." "$1"; "${@:3}"' on-full "$@"
}

# full: those that write a folder of results.
full() {
	local m
	start
	for m in "$P"/patches/*/; do echo "What it brings." >"$m/COVER"; done
	rm -rf "$TMP/small"
	mkdir -p "$TMP/small"
	# a first run builds the tools
	"$P/scripts/export-mbox" "$TMP/out" && "$P/scripts/export-openeuler" "$TMP/out2" || return 1
	expect 5 ' error: ' on_full "$TMP/small" 8k "$P/scripts/export-mbox" "$TMP/small/out" &&
		expect 5 ' error: ' on_full "$TMP/small" 8k "$P/scripts/export-openeuler" "$TMP/small/out"
}
full_new_patch() {
	local room
	start
	rm -rf "$P.copy"
	room=$(($(du -s --apparent-size -B4096 "$P" | cut -f1) + $(find "$P" | wc -l)))
	while [ "$room" -gt 0 ]; do
		rm -rf "$P.copy"
		unshare -m bash -euc 'cp -a "$1" "$1.copy"; mount -t tmpfs -o "size=$2" none "$1"; cp -a "$1.copy/." "$1"' \
			x "$P" $((room * 4096)) 2>/dev/null || break
		room=$((room - 1))
	done
	rm -rf "$P.copy"
	expect 5 ' error: ' on_full "$P" $(((room + 1) * 4096)) "$P/scripts/new-patch" --local --title "KVM: More"
}
# The room for the tree, and no more: quilt's backups do not fit.
full_apply() {
	local room
	start
	room=$(($(find "$TMP/tree" -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) } END { print n }') + 4))
	expect 5 'quilt failed: .*' on_full "$TMP/tree" $((room * 4096)) "$P/scripts/apply-series" "$TMP/tree"
}

check "an inner tool's code is no answer of the command" inner_code
check "what a command itself answers stays" own_code
if unshare -m true 2>/dev/null; then
	check "a full disk: export-mbox, export-openeuler" full
	check "a full disk: new-patch" full_new_patch
	check "a full disk: apply-series" full_apply
else
	skip "a full disk" "this machine allows no name space"
fi
tap_end
