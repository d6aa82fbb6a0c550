#!/usr/bin/env bash
# ci/tests/export-mbox.sh - test of scripts/export-mbox: b4 takes it, git am of
# it makes the tree that quilt makes; the cover letter; what is refused.
#
# Usage:   ci/tests/export-mbox.sh
# Inputs:  a copy of the project with the whole series, and what it touches of
#          the base; Debian's b4 (0.12), which is not asked to go online
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/whole-series.sh
. "$TOP/ci/tests/lib/whole-series.sh"
need_packages b4 diffstat

export_mbox() {
	"$P/scripts/export-mbox" "$@"
}

# repo DIR TREE: a repository DIR with the files of TREE
repo() {
	rm -rf "$1"
	cp -r "$2" "$1"
	git -C "$1" init -q
	git -C "$1" add -A -f
	git -C "$1" commit -q -m base
}

# messages DIR: what git made of the mails, against the patches' own headers
messages() {
	[ "$(git -C "$1" rev-list --count HEAD)" -eq $((${#PATCHES[@]} + 1)) ] &&
		diff <(git -C "$1" log --reverse --format='From: %an <%ae>%nDate: %aD%nSubject: %B---' HEAD~${#PATCHES[@]}..) \
			<(cd "$P" && awk 'FNR == 1 { head = 1 } head; $0 == "---" { head = 0 }' "${PATCHES[@]}")
}

plain_am() {
	export_mbox "$TMP/out" 2>"$TMP/err" || { cat "$TMP/err"; return 1; }
	! grep error "$TMP/err" || return 1
	repo "$TMP/am" "$PRISTINE"
	git -C "$TMP/am" am -q --empty=drop "$TMP/out/tdp-mmu.mbox" || return 1
	diff -r -x .git "$TMP/quilt" "$TMP/am" && messages "$TMP/am"
}

b4_am() {
	local box
	mkdir "$TMP/b4"
	(cd "$TMP" && HOME=$TMP b4 --offline-mode am -m "$TMP/out/tdp-mmu.mbox" -o "$TMP/b4") >"$TMP/b4.log" 2>&1 ||
		{ cat "$TMP/b4.log"; return 1; }
	box=$(find "$TMP/b4" -name '*.mbx')
	! sed '/\[PATCH/d' "$TMP/b4.log" | grep -iE 'missing|error|traceback' || return 1
	find "$TMP/b4" -name '*.cover' | grep -q . || return 1
	repo "$TMP/am" "$PRISTINE"
	git -C "$TMP/am" am -q "$box" && diff -r -x .git "$TMP/quilt" "$TMP/am" && messages "$TMP/am"
}

# With the clone's blobs named, a tree that differs beside a hunk is merged.
three_way() {
	local box=$TMP/three/tdp-mmu.mbox file
	repo "$TMP/clone" "$PRISTINE"
	export_mbox --git "$TMP/clone" "$TMP/three" || return 1
	grep -qx "base-commit: $(git -C "$TMP/clone" rev-parse HEAD)" "$box" || return 1
	# the cover letter and the first patch
	awk '/^From 0{40} /{ n++ } n < 3' "$box" >"$TMP/one.mbox"
	file=$(cd "$P" && lsdiff --strip 1 "${PATCHES[0]}" | head -n 1)
	grep -qE "^index $(git -C "$TMP/clone" rev-parse "HEAD:$file")\.\.[0-9a-f]{40} 100644\$" "$TMP/one.mbox" || return 1
	# its first line of context, which stands three lines in front of the first change
	sed -i "$(sed -n '/^@@ -\([0-9]*\),.*/{s//\1/p;q}' "$TMP/one.mbox")s/\$/ \/* theirs *\//" "$TMP/clone/$file"
	git -C "$TMP/clone" commit -q -a -m theirs
	! git -C "$TMP/clone" am -q --empty=drop "$TMP/one.mbox" 2>/dev/null && git -C "$TMP/clone" am -q --abort || return 1
	git -C "$TMP/clone" am -q -3 --empty=drop "$TMP/one.mbox" && grep -q theirs "$TMP/clone/$file" || return 1
	repo "$TMP/am" "$PRISTINE"
	git -C "$TMP/am" am -q --empty=drop "$box" && diff -r -x .git "$TMP/quilt" "$TMP/am"
}

# Each milestone by itself, one on top of the other.
milestones() {
	local m
	repo "$TMP/am" "$PRISTINE"
	for m in $MILESTONES; do
		grep -q "^patches/$m/" "$P/series" || continue
		export_mbox --milestone "$m" --prefix "PATCH OLK-5.10" "$TMP/out-$m" || return 1
		grep -q "^Subject: \[PATCH OLK-5.10 0*/[0-9]*\] KVM: the TDP MMU for Linux 5.10: $m\$" "$TMP/out-$m/tdp-mmu-$m.mbox" || return 1
		git -C "$TMP/am" am -q --empty=drop "$TMP/out-$m/tdp-mmu-$m.mbox" || return 1
	done
	diff -r -x .git "$TMP/quilt" "$TMP/am"
}

# One thread: the cover letter has no parent, each other mail has it for parent,
# and no id comes twice.
thread() {
	local box=$TMP/out/tdp-mmu.mbox cover n=${#PATCHES[@]}
	cover=$(sed -n '/^Message-ID: /{s///p;q}' "$box")
	[ "$(grep -c '^Message-ID: ' "$box")" -eq $((n + 1)) ] &&
		[ -z "$(grep '^Message-ID: ' "$box" | sort | uniq -d)" ] &&
		[ "$(grep -cxF "In-Reply-To: $cover" "$box")" -eq "$n" ] &&
		[ "$(grep -cxF "References: $cover" "$box")" -eq "$n" ] &&
		[ "$(grep -c '^Subject: \[PATCH [0-9]*/'"$n"'\] ' "$box")" -eq $((n + 1)) ]
}

# has WORDS: the cover letter has them, however its lines are broken.
has() {
	{ [ -n "$1" ] && [[ $text = *" $(sed 's/  */ /g; s/^ //; s/ $//' <<<"$1") "* ]]; } || { echo "no: $1"; return 1; }
}

# What COVER says of each milestone, the map of the first patch.
cover_letter() {
	local text m title
	text=" $(sed -n '/^From 0/,/^From 0/p' "$TMP/out/tdp-mmu.mbox" | sed 's/^ *//' | paste -sd' ' | sed 's/  */ /g') "
	for m in $MILESTONES; do
		! grep -q "^patches/$m/" "$P/series" ||
			has "Milestone $m $(paste -sd' ' "$P/patches/$m/COVER")" || return 1
	done
	title=$(sed -n '3s/^Subject: //p' "$P/${PATCHES[0]}")
	has "${#PATCHES[@]} patches for" && has "$title" &&
		has "$(cd "$P" && lsdiff --no-filename --strip 1 "${PATCHES[@]}" | sort -u | wc -l) files changed," || return 1
	# behind its author, with no other author between
	m=${PATCHES[0]#patches/}
	m=$(sed -n "s#^[^,]*,[^,]*,${m%.patch},[^,]*,[^,]*,\([^,]*\),.*#\1#p" "$P/upstream-map.csv")
	sed -n "/^$m ([0-9]*):\$/,/^\$/p" "$TMP/out/tdp-mmu.mbox" | grep -qxF "  $title"
}

# The same bytes whatever the user has set; other ones when a patch is other.
same_bytes() {
	(
		umask 077
		TZ=Asia/Shanghai LC_ALL=C COLUMNS=200 export_mbox "$TMP/again"
	) && cmp "$TMP/out/tdp-mmu.mbox" "$TMP/again/tdp-mmu.mbox" || return 1
	sed -i 's/^Tested: /&now /' "$P/${PATCHES[0]}"
	export_mbox "$TMP/again" || return 1
	sed -i 's/^Tested: now /Tested: /' "$P/${PATCHES[0]}"
	! grep -qF "$(sed -n '/^Message-ID: /{p;q}' "$TMP/out/tdp-mmu.mbox")" "$TMP/again/tdp-mmu.mbox"
}

# What is not ASCII arrives: in the title, in the name, in the text.
not_ascii() {
	local p=${PATCHES[-1]} title='KVM: Größe – 页表 of a long title that is far from being ASCII, 页表'
	cp "$P/$p" "$TMP/saved"
	sed -i "1s/maintainers/Jürgen/; 3s/.*/Subject: $title/; s/^Tested: /&für /" "$P/$p"
	export_mbox "$TMP/again" || return 1
	! grep -qP '^(From|Subject): .*[^\x00-\x7f]' "$TMP/again/tdp-mmu.mbox" || return 1
	repo "$TMP/am" "$PRISTINE"
	git -C "$TMP/am" am -q --empty=drop "$TMP/again/tdp-mmu.mbox" && messages "$TMP/am"
	local rc=$?
	cp "$TMP/saved" "$P/$p"
	return $rc
}

# refused CODE PATTERN ARGUMENT...: and what was there stays
refused() {
	rm -rf "$TMP/was"
	cp -r "$TMP/out" "$TMP/was"
	expect "$1" "$2" export_mbox "${@:3}" "$TMP/out" && diff -r "$TMP/was" "$TMP/out" &&
		[ -z "$(find "$TMP" -maxdepth 1 -name '*tdp-part*')" ]
}

# with_edit SED FILE COMMAND...: while FILE of the project is edited
with_edit() {
	local rc=0
	cp "$P/$2" "$TMP/saved"
	sed -i "$1" "$P/$2"
	"${@:3}" || rc=$?
	cp "$TMP/saved" "$P/$2"
	return $rc
}

other_files() {
	mkdir "$TMP/mine"
	touch "$TMP/mine/letter"
	expect 2 'holds files that this command has not made' export_mbox "$TMP/mine"
}

quilted "$TMP/quilt" >/dev/null 2>&1
check "git am makes the tree of quilt, and the patches' messages" plain_am
check "b4 am takes it, and git am its result" b4_am
check "git am -3 with the index lines of a clone" three_way
check "the milestones one on top of the other" milestones
check "one thread" thread
check "the cover letter" cover_letter
check "the same bytes and Message-IDs, other ones for other patches" same_bytes
check "a title and a name that are not ASCII" not_ascii
first=${PATCHES[0]}
mkdir "$TMP/nothing"
touch "$TMP/nothing/file"
repo "$TMP/other" "$TMP/nothing"
check "a line that would end the mail" with_edit '20s/^/From here\n/' "$first" refused 1 "^$first:20: error: a line that begins with 'From '"
check "a patch without a date" with_edit 2d "$first" refused 1 "^$first:1: error: no header"
check "a patch without a row" with_edit "2d" upstream-map.csv refused 1 "^$first:1: error: no row"
check "a milestone without a text" with_edit "1,\$d" "$(dirname "$first")/COVER" refused 1 "^patches/iterator/COVER:1: error: missing or empty"
check "a text that would end the mail" with_edit '3s/^/From here\n/' "$(dirname "$first")/COVER" refused 1 "^patches/iterator/COVER:3: error: a line that begins with 'From '"
check "a broken map" with_edit '2s/^/"/' upstream-map.csv refused 2 'upstream-map.csv:2: error'
check "an unknown milestone" refused 2 "unknown milestone 'later'" --milestone later
check "an unknown option" refused 2 "unknown option '--fast'" --fast
check "a clone that is none" refused 2 'is no git repository: --git wants' --git "$TMP"
check "a clone of another kernel" refused 1 'does not apply' --git "$TMP/other"
check "a prefix that breaks the subject" refused 2 'holds more than letters' --prefix 'PATCH] x'
check "a directory of somebody else" other_files
tap_end
