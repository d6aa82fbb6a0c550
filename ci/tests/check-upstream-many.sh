#!/usr/bin/env bash
# check-upstream-many.sh - test of scripts/check-upstream on a history of many
# commits: ids of every length, ids that fit two commits, and its speed.
#
# Usage:   check-upstream-many.sh
# Inputs:  COMMITS   how many commits to make up (default: 20000; the kernel has
#                    1.3 million)
# Outputs: TAP; as a comment the seconds of CPU and of wall clock that reading
#          them took, and the size of the clone. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/check-upstream.sh
. "$TOP/ci/tests/lib/check-upstream.sh"
COMMITS=${COMMITS:-20000}

# 64 paragraphs of 700 bytes that do not compress well.
RANDOM=1 TEXT=()
for _ in {1..64}; do
	text=
	while [ ${#text} -lt 700 ]; do
		printf -v text '%s%x ' "$text" $((RANDOM * RANDOM % 16777216))
	done
	TEXT+=("$text")
done

# history: one commit after the other; every 16th stands aside, the next merges
# it; every 8th fixes something that no map names. All have the same tree.
history() {
	local i fix more='M 100644 inline file
data 0
'
	for ((i = 1; i <= COMMITS; i++)); do
		case $((i > 16 ? i % 16 : 0)) in
		9) more="from :$((i - 5))"$'\n' ;;
		10) more="from :$((i - 2))"$'\n'"merge :$((i - 1))"$'\n' ;;
		esac
		fix=
		((i % 8)) || printf -v fix 'Fixes: %012x ("mm: No such")\n' $((i * 2654435761))
		printf 'commit refs/heads/master\nmark :%d\nauthor A Person <a@example.org> %d +0000\ncommitter C Person <c@example.org> %d +0000\ndata <<END\nmm: Change %d\n\n%s\n\n%sSigned-off-by: A Person <a@example.org>\nEND\n%s' \
			$i $((1000000000 + i)) $((1000000000 + i)) $i "${TEXT[i % 64]}" "$fix" "$more"
		more=
	done
}

# fixes: on top of it a commit for each line "ID TITLE" of stdin, that fixes ID.
fixes() {
	local id title i=0 from='from refs/heads/master^0
'
	while read -r id title; do
		i=$((i + 1))
		printf 'commit refs/heads/master\ncommitter C Person <c@example.org> %d +0000\ndata <<END\nmm: Fix %d\n\nFixes: %s %s\nEND\n%s' \
			$((1900000000 + i)) $i "$id" "$title" "$from"
		from=
	done
}

title_of() { command git -C "$CLONE" show -s --format=%s "$1"; }

say "making up $COMMITS commits"
history | git fast-import --quiet --force
git tag v5.10 master
git rev-list master | sort >"$TMP/ids"

# one id whose first digits are its own, as few as there are such; two that share theirs
for few in {4..40}; do
	cut -c"1-$few" "$TMP/ids" | uniq -c >"$TMP/heads"
	head=$(awk '$1 == 1 { print $2; exit }' "$TMP/heads")
	[ -z "$head" ] || break
done
ID[alone]=$(grep "^$head" "$TMP/ids")
short=$(awk '$1 == 2 { print $2; exit }' "$TMP/heads")
mapfile -t twins < <(grep "^$short" "$TMP/ids")
ID[twin]=${twins[0]}
map
for name in alone twin; do
	row one $name v5.10 "A Person" "$(title_of "${ID[$name]}")" adapted
done
run >/dev/null 2>&1 || true # builds the tool

# follow_ups: titles of the fixes reported as missing, oldest first.
follow_ups() {
	run --porcelain | sed -n 's/^missing.*\t//p' | tac
}

# cpu FILE COMMAND...: the milliseconds of CPU that COMMAND takes go to FILE.
cpu() {
	local TIMEFORMAT='%U %S' user sys rc=0
	{ time "${@:2}" 2>&3; } 3>&2 2>"$TMP/time" || rc=$?
	read -r user sys <"$TMP/time"
	echo $((10#${user/./} + 10#${sys/./})) >"$1"
	return $rc
}
read_by_git() { command git -C "$CLONE" log --format='%H %P %B' master >/dev/null; }

# It reads each commit once, as git log does: the machine's speed is in both.
nothing_missing() {
	local log own
	cpu "$TMP/log" read_by_git || return
	cpu "$TMP/own" expect 0 " $COMMITS commits .* 2 in the map, 0 findings; .* 0 missing$" run || {
		cat "$TMP/.out"
		return 1
	}
	log=$(cat "$TMP/log") own=$(cat "$TMP/own")
	echo "# $COMMITS commits: $own ms of CPU, git log $log ms; clone $(du -sm "$CLONE" | cut -f1) MiB" >>"$TMP/figures"
	[ "$own" -le $((4 * log + 200)) ]
}
every_length() {
	local n
	for ((n = few; n <= 40; n++)); do echo "${ID[alone]:0:n} (\"whatever\")"; done | fixes | git fast-import --quiet
	diff <(follow_ups) <(seq -f 'mm: Fix %g' $((41 - few)))
}
# The short id of two commits: the title decides; without one it is reported.
shared_ids() {
	git update-ref refs/heads/master v5.10
	fixes <<-END | git fast-import --quiet --force
	$short ("$(title_of "${twins[0]}")")
	$short ("$(title_of "${twins[1]}")")
	$short
	${twins[1]:0:12} ("$(title_of "${twins[0]}")")
	END
	diff <(follow_ups) <(printf 'mm: Fix %d\n' 1 3)
}
# Nothing it does is undefined, on a map and messages as bad as they come.
sanitized() {
	local f sane
	sane=$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" check-upstream) || return
	git update-ref refs/heads/master v5.10
	{
		printf 'commit refs/heads/master\ncommitter <> 0 +0000\ndata 0\nfrom refs/heads/master^0\n'
		for f in 'Fixes:' 'Fixes: ' 'reverts commit' "Fixes: ${ID[alone]:0:3}" "reverts commit $short \"" \
			"Fixes: ${ID[alone]}0" "Fixes: ${ID[alone]} ("; do
			printf 'commit refs/heads/master\ncommitter C <c> 1 +0000\ndata %d\n%s\n' ${#f} "$f"
		done
	} | git fast-import --quiet --force
	expect 1 ' 1 missing$' "$sane" --map "$P/upstream-map.csv" --git "$CLONE" || return
	for f in "$P/scripts/lib/lib.sh" /dev/null "$sane"; do
		expect 2 'error: ' "$sane" --map "$f" --git "$CLONE" || return
	done
	! grep -qE 'Sanitizer|runtime error' "$TMP/.out"
}
check "nothing is missing, and it takes no longer than four git logs" nothing_missing
cat "$TMP/figures" 2>/dev/null || true
check "ids of $few to 40 digits" every_length
check "an id that fits two commits" shared_ids
check "sanitizers see nothing, whatever the messages are" sanitized
tap_end
