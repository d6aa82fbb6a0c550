# shellcheck shell=bash disable=SC2034 # what it sets is for those who source this
# scripts/lib/branch.sh - what the commits of a branch of scripts/series-to-git are to
# be in patches/.
#
# Usage:   . scripts/lib/branch.sh        after scripts/lib/git.sh, project.sh and
#          base.sh; then begin_branch
# Inputs:  the repository that is open
# Outputs: the functions below, and the variables that they name: ID, WHO, NAME, MADE, and
#          WHY, when one of them fails
# Exit codes: 2 from keep_others, for what was changed beside the branch

# What begin_branch is told; the milestone of the commit before.
_KIND='' _PREFIX='' _MADE_BASE='' _FORCE='' _MILESTONE=''
ID='' WHO=() NAME='' MADE='' WHY=''

# begin_branch KIND PREFIX MADE_BASE FORCE: the kind of base that it is for, how its tags
# begin, where it began when it was made; FORCE: keep_others lets all pass, if not empty.
begin_branch() {
	_KIND=$1 _PREFIX=$2 _MADE_BASE=$3 _FORCE=$4 _MILESTONE=''
}

# read_commit RECORD: ID, WHO (author, mail, date) and what split_message sets.
read_commit() {
	local rest=$1 i
	WHO=()
	ID=${rest%%$'\n'*}
	for i in 1 2 3; do
		rest=${rest#*$'\n'}
		WHO+=("${rest%%$'\n'*}")
	done
	rest=${rest#*$'\n'}
	split_message "${rest%$'\n'}"$'\n'
}

# name_commit: NAME = the path of the commit's patch. It stays in the milestone of the
# one before, or begins a later one.
name_commit() {
	local m
	NAME=${NAMES[0]-patches/${_MILESTONE:-${MILESTONES%% *}}/$(slug "$TITLE").patch}
	m=$(milestone_of "$NAME")
	WHY="'$NAME' is not patches/MILESTONE/SLUG.patch: correct its Patch-file line"
	[[ $NAME =~ ^$PATCH_ERE$ ]] || return 1
	is_milestone "$m" || return 1
	WHY="$NAME comes after a patch of $_MILESTONE: correct the order, or its Patch-file line"
	[[ " $MILESTONES " = *" $_MILESTONE "*"$m "* || $_MILESTONE = "$m" || -z $_MILESTONE ]] || return 1
	_MILESTONE=$m
}

# made_commit PATH: the commit that stood for PATH when branch and patches/ were
# the same, if any.
declare -A made=()
made_known=''
made_commit() {
	local record _MILESTONE='' tip=$SERIES_REF m
	if [ -z "$made_known" ]; then
		made_known=1
		for m in $MILESTONES; do
			ref_commit "$SERIES_REF" >/dev/null || ! ref_commit "$_PREFIX$m" >/dev/null || tip=$_PREFIX$m
		done
		tip=$(ref_commit "$tip") || tip=$_MADE_BASE
		while IFS= read -r -d '' record; do
			if read_commit "$record" && name_commit; then
				made[$NAME]=$ID
			fi
		done < <(commits_of "$_MADE_BASE" "$tip")
	fi
	MADE=${made[$1]-}
}

# essence COMMIT: what a patch file can say of it, but for the date.
essence() (
	IFS= read -r -d '' record < <(commits_of "$1^" "$1") && read_commit "$record" &&
		printf '%s\n' "$(git rev-parse "$1^{tree}")" "${WHO[@]:0:2}" "$TITLE" "$BODY"
)

# makes PATH COMMIT: would series-to-git make that commit of the file PATH?
makes() {
	commit_patch "$TOP/$1" "$1" "$(git rev-parse "$2^")" && [ "$(essence "$COMMIT")" = "$(essence "$2")" ]
}

# content: of the patch on stdin, title, message and the lines that change.
content() {
	awk 'NR > 2 && !diff { print; diff = /^---$/; next }
		/^(--- |[+][+][+] |new file|deleted file|[-+])/'
}

# keep_date PATH: WHO has the date of the file PATH, if the commit changes the same.
keep_date() {
	local date
	[ -f "$TOP/$1" ] || return 0
	date=$(sed -n '2s/^Date: //p' "$TOP/$1")
	[ -n "$date" ] && [ "$date" != "${WHO[2]}" ] || return 0
	[ "$(patch_text "$ID" "${WHO[@]}" | content)" != "$(content <"$TOP/$1")" ] || WHO[2]=$date
}

# keep_context PATH: the patch on stdin; a hunk that has fewer lines of context in the
# file PATH, and changes the same there, has no more here: that may be what lets it
# apply to another base. Not where they are unequal, before and behind: patch(1) takes
# that for the start or the end of the file.
keep_context() {
	local file=$TOP/$1
	[ -f "$file" ] || file=/dev/null
	awk '
	function least(a, b) { return a < b ? a : b }
	function range(start, n) { return n == 1 ? start : start "," n }
	# a hunk ends: h[1..n], its head in head
	function ended(	i, key, lead, trail, old, new, a, b, rest, cut) {
		if (!n) return
		lead = trail = 0
		for (i = 1; i <= n && h[i] ~ /^ /; i++) lead++
		for (i = n; i > lead && h[i] ~ /^ /; i--) trail++
		for (i = 1; i <= n; i++) if (h[i] !~ /^ /) key = key h[i] "\n"
		key = name "\n" key
		if (reading) {
			had_lead[key] = lead; had_trail[key] = trail; seen[key]++
		} else {
			if (seen[key] == 1 && had_lead[key] == had_trail[key]) {
				lead -= least(lead, had_lead[key]); trail -= least(trail, had_trail[key])
			} else lead = trail = 0
			split(head, word, " ")
			a = substr(word[2], 2); b = substr(word[3], 2)
			rest = substr(head, index(substr(head, 4), "@@") + 5)
			old = a ~ /,/ ? substr(a, index(a, ",") + 1) : 1
			new = b ~ /,/ ? substr(b, index(b, ",") + 1) : 1
			cut = lead + trail
			if (old > cut && new > cut && cut)
				head = "@@ -" range(a + lead, old - cut) " +" range(b + lead, new - cut) " @@" rest
			else lead = trail = 0
			print head
			for (i = lead + 1; i <= n - trail; i++) print h[i]
		}
		n = 0
	}
	FNR == 1 { ended(); diff = 0; reading = FILENAME != "-" }
	/^---$/ { diff = 1 }
	diff && /^@@ / { ended(); head = $0; in_hunk = 1; next }
	diff && in_hunk && /^[-+ \\]/ && !/^(--- a\/|--- \/dev\/null|[+][+][+] b\/)/ { h[++n] = $0; next }
	{ ended(); in_hunk = 0 }
	/^[+][+][+] / { name = $2 }
	!reading { print }
	END { ended() }' "$file" -
}

# for_kind: is the commit for that kind of base, by the line Base: of its message?
for_kind() {
	local other
	other=$(grep -xE 'Base: (openeuler|stable)' <<<"$BODY" | grep -vx -m 1 "Base: $_KIND") || return 0
	WHY="its '$other' does not belong on a branch for $_KIND: drop the commit (git rebase -i), or that line if it is for both"
	return 1
}

# commit_kind COMMIT: openeuler or stable, by its tree; 1 when it is neither.
commit_kind() {
	local dir=$SCRATCH/kind
	mkdir -p "$dir/fs/proc"
	git cat-file blob "$1:Makefile" >"$dir/Makefile" 2>/dev/null || return 1
	[ -z "$(git ls-tree "$1" fs/proc/etmem_scan.c)" ] || : >"$dir/fs/proc/etmem_scan.c"
	tree_kind "$dir"
}

# keep_others PATH: die when its file is not what the branch was made from.
keep_others() {
	local why="make a new branch (scripts/series-to-git) and bring your commits over, or see --force"
	[ -z "$_FORCE" ] || return 0
	made_commit "$1"
	[ -n "$MADE" ] || die "$EX_USAGE" "$1:1: the branch was made without it: $why"
	makes "$1" "$MADE" || die "$EX_USAGE" "$1:1: changed since the branch was made: $why"
}
