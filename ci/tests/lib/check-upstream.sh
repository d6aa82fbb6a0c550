# shellcheck shell=bash disable=SC2034
# ci/tests/lib/check-upstream.sh - a made-up clone of Linux and a project beside it, for
# the tests of scripts/check-upstream.
#
# Usage:   . ci/tests/lib/check-upstream.sh       after tap.sh
# Outputs: $CLONE, in which git works from now on, $P (the project), $ONE (the
#          path of its patch), ID[NAME] (ids of commits), and the functions below

need_packages git gcc libc6-dev libgit2-dev
export TDP_BUILD=$TMP/build
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY
P=$TMP/project CLONE=$TMP/linux ONE=patches/iterator/one.patch
AUTHOR="A Person <a@example.org>"
NUMBER=0
declare -A ID
mkdir -p "$P"
cp -r "$TOP/scripts" "$P/"
git() { command git -C "$CLONE" "$@"; }
command git init -q -b master "$CLONE"

# commit NAME MESSAGE [TAG]: on top of master, 1000 s after the one before.
commit() {
	NUMBER=$((NUMBER + 1))
	local tree parent
	[ -e "$CLONE/file" ] || echo start >"$CLONE/file"
	git add -A
	tree=$(git write-tree)
	parent=$(git rev-parse -q --verify master || true)
	ID[$1]=$(made "$tree" ${parent:+-p "$parent"} -m "$2")
	git update-ref refs/heads/master "${ID[$1]}"
	[ -z "${3-}" ] || git tag "$3" master
}

# merge NAME BRANCH TAG
merge() {
	NUMBER=$((NUMBER + 1))
	ID[$1]=$(made "master^{tree}" -p master -p "$2" -m "Merge $2")
	git update-ref refs/heads/master "${ID[$1]}"
	git tag "$3" master
}

made() {
	GIT_AUTHOR_NAME=${AUTHOR% <*} GIT_AUTHOR_EMAIL=a@example.org \
		GIT_COMMITTER_NAME=Committer GIT_COMMITTER_EMAIL=c@example.org \
		GIT_AUTHOR_DATE="1500000000 +0000" GIT_COMMITTER_DATE="$((1600000000 + NUMBER * 1000)) +0000" \
		git commit-tree "$@"
}

# map: a map without rows. row PATCH NAME VERSION AUTHOR TITLE RELATION [NOTE]
map() {
	sed -n 1p "$TOP/upstream-map.csv" >"$P/upstream-map.csv"
}
row() {
	local patch=${1:+iterator/$1} into=''
	[ "$6" != folded ] || into=$patch patch=''
	echo "${ID[$2]},$6,$patch,$into,$3,$4,$5,,${7-}" >>"$P/upstream-map.csv"
}

smaller() { printf '%s\n' "${ID[$1]}" "${ID[$2]}" | sort | head -n 1; }
larger() { printf '%s\n' "${ID[$1]}" "${ID[$2]}" | sort | tail -n 1; }

run() {
	"$P/scripts/check-upstream" --git "$CLONE" "$@"
}

# good_map: of the commits that ci/tests/check-upstream.sh makes, in order.
good_map() {
	map
	row one walk v5.12-rc1 "A Person (with B Person)" "mm: Walk once" adapted
	row one first "" "" "" folded
	row one fix v5.13-rc1 "A Person" '"mm: Fix the ""walk"", and its comma"' folded
	row one revert v5.14-rc1 "R Person" '"Revert ""mm: Walk once"""' partial
	row "" last none "R Person" "mm: A fix of both" omitted "not needed"
	sed -i 's/,none,R Person/,v5.14,R Person/' "$P/upstream-map.csv"
	git tag -f v5.14 master
}
