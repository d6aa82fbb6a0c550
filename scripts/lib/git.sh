# shellcheck shell=bash disable=SC2034
# scripts/lib/git.sh - patches as git commits, and commits as patches.
#
# Usage:   . scripts/lib/git.sh           after scripts/lib/lib.sh; then open_repo
# Inputs:  a git repository
# Outputs: SCRATCH, a directory of this run's own; TIDY, what is removed at the end
#          of the run, SCRATCH among it; the functions below. Nobody's git
#          settings, hooks or attributes change what they make: git works in an
#          empty repository in $SCRATCH that only shares the objects.
# Exit codes: 1 a patch does not apply or has no header, 2 no repository

BRANCH=tdp-mmu
SERIES_REF=refs/tdp-mmu/series	# the commit that was the same as patches/ last
unset "${!GIT_@}"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_GLOBAL=/dev/null
SCRATCH=$(mktemp -d)
TIDY=("$SCRATCH")
trap tidy EXIT
exit_on_signals

# tidy: at the end; git's own 128, say for a full disk, is harness trouble.
tidy() {
	local rc=$?
	rm -rf "${TIDY[@]}"
	[ $rc -ne 128 ] || exit "$EX_HARNESS"
}

# open_repo GITDIR [KEEP]: from now on git sees its objects, and nothing else of
# it. With KEEP new objects go into it; without they are gone at the end.
open_repo() {
	local shallow
	REPO=$(git --git-dir="$1" rev-parse --absolute-git-dir 2>/dev/null) ||
		die "$EX_USAGE" "$1 is not a git repository"
	git init -q --bare --template= --object-format="$(repo rev-parse --show-object-format)" "$SCRATCH/git"
	git -C "$SCRATCH/git" config core.attributesFile /dev/null
	mkdir -p "$SCRATCH/git/info"
	# as the kernel's own .gitattributes: which function a hunk lies in
	printf '%s\n' '* -text !diff !filter !working-tree-encoding' \
		'*.[ch] diff=cpp' '*.dts diff=dts' '*.dtsi diff=dts' >"$SCRATCH/git/info/attributes"
	shallow=$(repo rev-parse --path-format=absolute --git-path shallow)
	[ ! -f "$shallow" ] || cp "$shallow" "$SCRATCH/git/shallow"
	export GIT_DIR=$SCRATCH/git GIT_INDEX_FILE=$SCRATCH/index
	if [ -n "${2-}" ]; then
		GIT_OBJECT_DIRECTORY=$(repo rev-parse --path-format=absolute --git-path objects)
		export GIT_OBJECT_DIRECTORY
	else
		repo rev-parse --path-format=absolute --git-path objects >"$GIT_DIR/objects/info/alternates"
	fi
	INDEX_TREE=
}

# repo ARGUMENT...: git in the repository itself: its references.
repo() {
	env -u GIT_OBJECT_DIRECTORY -u GIT_INDEX_FILE git --git-dir="$REPO" -c core.hooksPath=/dev/null "$@"
}

# ref_commit REV: the commit that a name stands for; 1 if there is none.
ref_commit() {
	repo rev-parse -q --verify "$1^{commit}" 2>/dev/null
}

# commit_patch FILE PATH PARENT: COMMIT = FILE, the patch PATH of the series, as
# a child of PARENT; author, committer and both dates are those of its header.
# A patch without a diff is an empty commit. 1 with WHY set when that fails.
commit_patch() {
	local line tree rest body='' last='' i=4
	mapfile -t line <"$1"
	WHY="$2:1: no header: From, Date, Subject and an empty line come first"
	[[ ${line[0]-} =~ ^From:\ ([^<>]+)\ \<([^<>]*)\>$ ]] || return 1
	local name=${BASH_REMATCH[1]} mail=${BASH_REMATCH[2]}
	[[ ${line[1]-} = 'Date: '* && ${line[2]-} = 'Subject: '* && -z ${line[3]-} ]] || return 1
	WHY="$2:1: no line '---' behind the header"
	for (( ; ; i++)); do
		[ $i -lt ${#line[@]} ] || return 1
		[ "${line[i]}" != --- ] || break
		last=${line[i]}
		body+=$last$'\n'
	done
	[ -z "$body" ] || [[ $last =~ ^[A-Za-z][A-Za-z-]*:\  ]] || body+=$'\n'
	tree=$(git rev-parse "$3^{tree}")
	if [ "$INDEX_TREE" != "$tree" ]; then
		git read-tree "$tree"
		INDEX_TREE=$tree
	fi
	printf -v rest '%s\n' "${line[@]:i}"
	if [[ $rest = *$'\ndiff --git '* || $rest = *$'\n--- '* ]]; then
		if ! git apply --cached --whitespace=nowarn - <<<"${rest%$'\n'}" 2>"$SCRATCH/why"; then
			WHY="$2:1: does not apply: $(sed -n '1s/^error: //p' "$SCRATCH/why")"
			return 1
		fi
		INDEX_TREE=$(git write-tree)
	fi
	WHY="$2:2: git does not take this author or date"
	COMMIT=$(printf '%s\n\n%sPatch-file: %s\n' "${line[2]#Subject: }" "$body" "$2" |
		GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$mail GIT_AUTHOR_DATE=${line[1]#Date: } \
			GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$mail \
			GIT_COMMITTER_DATE=${line[1]#Date: } \
			git commit-tree "$INDEX_TREE" -p "$3" 2>"$SCRATCH/why")
}

# split_message MESSAGE: TITLE, BODY, and NAMES: what its Patch-file lines say.
# 1 with WHY set when it cannot be the header of a patch.
split_message() {
	local line named=''
	NAMES=() BODY=''
	TITLE=${1%%$'\n'*}
	WHY="its title is longer than a line"
	[[ $1 != *$'\n'* || $1 = "$TITLE"$'\n' || $1 = "$TITLE"$'\n\n'* ]] || return 1
	while IFS= read -r line; do
		named=
		case $line in
		'Patch-file: '*)
			NAMES+=("${line#Patch-file: }")
			named=1
			;;
		--- | 'diff --git '* | 'Index: '*)
			WHY="its message has a line '$line', which would begin the diff"
			return 1
			;;
		*) BODY+=$line$'\n' ;;
		esac
	done < <(printf '%s' "$1" | sed 1,2d)
	case $named:$BODY in
	1:*$'\n\n' | 1:$'\n') BODY=${BODY%$'\n'} ;;
	esac
}

# commits_of BASE TIP: one NUL-ended record for each commit between, oldest
# first: id, author, mail, date of RFC 2822 and message, a line each.
commits_of() {
	git log --reverse -z --format='%H%n%an%n%ae%n%aD%n%B' "$1..$2"
}

# patch_text COMMIT NAME MAIL DATE: a commit as a patch file, after
# split_message: the form is that of git diff --histogram --stat=75, without
# index lines.
patch_text() {
	printf 'From: %s <%s>\nDate: %s\nSubject: %s\n\n%s---\n' "$2" "$3" "$4" "$TITLE" "$BODY"
	git diff-tree -r -p --stat=75 --no-commit-id --histogram --no-renames \
		--no-ext-diff --no-textconv --no-color "$1" | sed '/^index [0-9a-f]*\.\./d'
}

# same_commits A B: but for parents, committer and signatures, are they the same?
same_commits() {
	[ "$(git log -1 --date=raw --format='%T%n%an%n%ae%n%ad%n%B' "$1")" = \
		"$(git log -1 --date=raw --format='%T%n%an%n%ae%n%ad%n%B' "$2")" ]
}
