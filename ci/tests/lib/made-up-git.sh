# shellcheck shell=bash disable=SC2034
# ci/tests/lib/made-up-git.sh - a made-up project whose patches have headers, and git
# as a user has it, for tests of the tools that speak git.
#
# Usage:   . ci/tests/lib/made-up-git.sh     after tap.sh; then start, or branch
# Outputs: all of ci/tests/lib/made-up.sh; the patches are in the form that
#          scripts/git-to-series writes and scripts/check-series accepts,
#          $TMP/project/upstream-map.csv has their rows; the functions below.
# Exit codes: none of its own

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=made-up.sh
. "$TOP/ci/tests/lib/made-up.sh"
need_packages git patchutils gcc libc6-dev
unset "${!GIT_@}"
export HOME=$TMP/home GIT_CONFIG_NOSYSTEM=1 TDP_BUILD=$TMP/build EDITOR=true
mkdir -p "$HOME" "$TMP/build"
git config --global user.name Somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
git config --global init.templateDir ''
ONE=patches/iterator/one.patch TWO=patches/iterator/two.patch THREE=patches/rwlock-rcu/three.patch

# header PATH: title "KVM: NAME", a minute later each.
header() {
	minute=$((minute + 1))
	cat <<-END_OF_HEADER
	From: TDP MMU backport maintainers <tdp-mmu-backport@example.org>
	Date: Sat, 21 Nov 2026 12:0$minute:00 +0000
	Subject: KVM: $(basename "$1" .patch)

	openEuler inclusion
	category: cleanup
	bugzilla: NA
	CVE: NA

	Reference: NA

	--------------------------------

	Count in words.

	  Indented, and a line of two: 1 # 2

	Adaptation: none
	Tested: read

	Signed-off-by: TDP MMU backport maintainers <tdp-mmu-backport@example.org>
	---
	END_OF_HEADER
}

# tree_of DIR: the git tree of a directory, in $TMP/edit/git.
tree_of() {
	rm -f "$TMP/edit/git/index"
	git --git-dir="$TMP/edit/git" --work-tree="$1" add -A -f "$1"
	git --git-dir="$TMP/edit/git" write-tree
}

# next_patch PATH: a patch of what changed in edit/b since the last one.
next_patch() {
	local row
	row=${1#patches/}
	row=",local,${row%.patch},,,,KVM: $(basename "$1" .patch),,"
	if [ ! -d "$TMP/edit/git" ]; then
		git init -q --bare "$TMP/edit/git"
		minute=0
		sed -n 1p "$TOP/upstream-map.csv" >"$TMP/project/upstream-map.csv"
		sed -n 1p "$TOP/patches/omitted.csv" >"$TMP/project/patches/omitted.csv"
	fi
	echo "$row" >>"$TMP/project/upstream-map.csv"
	header "$1" >"$TMP/project/$1"
	git --git-dir="$TMP/edit/git" diff-tree -r -p --stat=75 "$(tree_of "$TMP/edit/a")" \
		"$(tree_of "$TMP/edit/b")" | sed '/^index /d' >>"$TMP/project/$1"
	rm -rf "$TMP/edit/a"
	cp -r "$TMP/edit/b" "$TMP/edit/a"
}

# clone: make $TMP/clone, a shallow clone of the tree at its tag v1, HEAD at it.
clone() {
	rm -rf "$TMP/origin" "$TMP/clone"
	cp -r "$TMP/tree" "$TMP/origin"
	(
		cd "$TMP/origin" || exit
		git init -q
		git commit -q --allow-empty -m before
		git add -A
		git commit -q -m base
		git tag v1
	)
	git clone -q --depth 1 --branch v1 "file://$TMP/origin" "$TMP/clone" 2>/dev/null
}

to_git() {
	"$TMP/project/scripts/series-to-git" "$@"
}

to_series() {
	"$TMP/project/scripts/git-to-series" "$@"
}

# in_tree COMMAND...: in the kernel tree
in_tree() {
	(cd "$TMP/tree" && "$@")
}

# copy_of NAME COMMAND...: project and trees as COMMAND makes them. It is run
# once: a copy takes less time, and new sources of check-series would be compiled.
copy_of() {
	local d
	if [ ! -d "$TMP/made-$1" ]; then
		"${@:2}" >/dev/null 2>&1
		mkdir "$TMP/made-$1"
		cp -a "$TMP"/{project,tree,before,edit} "$TMP/made-$1"
	fi
	for d in project tree before edit was; do
		rm -rf "${TMP:?}/$d"
	done
	cp -a "$TMP/made-$1"/* "$TMP"
}

# start: a fresh project and tree
start() {
	copy_of fresh fresh
}

# branch: a fresh project and tree, its branch checked out; $TMP/was is what the
# project was.
branch() {
	copy_of branch make_branch
	cp -a "$TMP/project" "$TMP/was"
}
make_branch() {
	start
	to_git "$TMP/tree"
	in_tree git switch -q tdp-mmu
}

# rebase SED: the branch through `git rebase -i` with its list edited so.
rebase() {
	(cd "$TMP/tree" && GIT_SEQUENCE_EDITOR="sed -i '$1'" git rebase -q -i tdp-mmu-base)
}

# split_code [CODE:]PATTERN DEFAULT: CODE and PATTERN, for expect
split_code() {
	CODE=$2 PATTERN=$1
	! [[ $1 = [0-9]:* ]] || CODE=${1%%:*} PATTERN=${1#*:}
}
