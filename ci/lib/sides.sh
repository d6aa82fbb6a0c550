# shellcheck shell=bash
# ci/lib/sides.sh - the kernel without a fix, and the one with it, and the tests.
#
# Usage:   . ci/lib/sides.sh         after choose_base of scripts/lib/which.sh; then
#          read_proof PROOF and begin_sides LOGS
# Inputs:  PROOF, of ci/lib/proof.sh; the base that was chosen; CCACHE_DIR
# Outputs: PROJECT_OF, BUILD_OF, TREE_OF (arrays, by SIDE: without, with; or named, this
#          project as it is), and the functions below. A side is this project with another
#          series: its scripts, as they are, in $BUILD/prove/SIDE/project, and what they
#          build in $BUILD/prove/SIDE/build. Without undo.patch the series ends in front of
#          the patch, or with it. With undo.patch it ends with the milestone, and
#          undo.patch is one patch more.
# Exit codes: 1 it does not build, 2 a patch of the proof does not apply, 5 trouble

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=proof.sh
. "$TOP/ci/lib/proof.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"

declare -A PROJECT_OF=() BUILD_OF=() TREE_OF=()
_SIDE_LOGS=''

# begin_sides LOGS: none is made yet; what the tools say goes to the folder LOGS.
begin_sides() {
	PROJECT_OF=([named]=$TOP) BUILD_OF=([named]=$BUILD) TREE_OF=() _SIDE_LOGS=$1
}

# own_tools SIDE COMMAND...: a command of the project of a side.
own_tools() {
	local side=$1 tool=$2
	shift 2
	CCACHE_DIR=${CCACHE_DIR:-$BUILD/ccache} TDP_BUILD=${BUILD_OF[$side]} \
		"${PROJECT_OF[$side]}/$tool" ${base_option[@]+"${base_option[@]}"} "$@"
}

# make_project SIDE EXTRA.patch...: sets PROJECT_OF and BUILD_OF.
make_project() {
	local side=$1 p base end=${PROOF[patch]} dir=${PROOF[dir]} milestone=${PROOF[milestone]}
	shift
	if [ -f "$dir/undo.patch" ]; then
		end=$(series_patches | grep "^patches/$milestone/" | tail -n 1)
		if [ $# -eq 0 ]; then	# the milestone as it is
			PROJECT_OF[$side]=$TOP BUILD_OF[$side]=$BUILD
			return
		fi
	fi
	base=$BUILD/prove/$side
	PROJECT_OF[$side]=$base/project BUILD_OF[$side]=$base/build
	rm -rf "$base/project"
	mkdir -p "$base/project" "$base/build" "$BUILD/cache"
	cp -r "$TOP/scripts" "$TOP/configs" "$TOP/ci" "$base/project/"
	ln -sfn "$BUILD/base" "$base/build/base"
	ln -sfn "$BUILD/cache" "$base/build/cache"
	while read -r p; do
		[ "$p" != "$end" ] || [ -f "$dir/undo.patch" ] || [ "$side" = with ] || break
		install -D -m 644 "$TOP/$p" "$base/project/$p"
		echo "$p"
		[ "$p" != "$end" ] || break
	done < <(series_patches) >"$base/project/series"
	for p; do
		install -D -m 644 "$p" "$base/project/patches/$milestone/prove-$(basename "$p")"
		echo "patches/$milestone/prove-$(basename "$p")"
	done >>"$base/project/series"
	[ "$SERIES" = "$TOP/series" ] || install -D -m 644 "$base/project/series" "$base/project/${SERIES#"$TOP/"}"
}

# last_of SIDE: what is asked of the tools of a side.
last_of() {
	local last
	last=$(grep -v '^#' "${PROJECT_OF[$1]}/series" | tail -n 1)
	if [ "${PROJECT_OF[$1]}" = "$TOP" ]; then
		echo "${PROOF[milestone]}"
	elif [ -z "$last" ]; then
		echo base
	else
		milestone_of "$last"
	fi
}

# tell LOG: copies what a tool says, and ends when the tool did.
tell() {
	tee "$1" >&2
}

# make_tree SIDE: sets TREE_OF; where it cannot, why on stdout, and 2 where an extra patch
# does not apply.
make_tree() {
	local side=$1 rc=0 line log=$_SIDE_LOGS/$1.tree.log
	TREE_OF[$side]=$(own_tools "$side" scripts/prepare-tree "$(last_of "$side")" 2> >(tell "$log")) || rc=$?
	[ $rc -ne 0 ] || return 0
	if line=$(grep -m 1 -oE "prove-(undo|window)\.patch:[0-9]+: error: .*" "$log"); then
		echo "ci/proofs/${PROOF[name]}/${line#prove-}"
		return "$EX_USAGE"
	fi
	echo "the tree $side the fix cannot be made: see $log"
	return "$EX_HARNESS"
}

# side_for SIDE PATTERN: SIDE, if the two sides differ in files that match; what
# does not differ is built once, with the fix.
side_for() {
	local file=$TOP/${PROOF[patch]}
	[ ! -f "${PROOF[dir]}/undo.patch" ] || file=${PROOF[dir]}/undo.patch
	if lsdiff --strip 1 "$file" | grep -qE "$2"; then echo "$1"; else echo with; fi
}

# build SIDE TOOL ARGUMENT...: the last line of its stdout; 1 when it does not build.
build() {
	local rc=0 out
	out=$(own_tools "$@" 2> >(tell "$_SIDE_LOGS/$1.${2##*/}.log")) || rc=$?
	case $rc in
	0) tail -n 1 <<<"$out" ;;
	"$EX_FAIL") return "$EX_FAIL" ;;
	*) return "$EX_HARNESS" ;;
	esac
}

# objects_tree SIDE ARCH: the tree of a side again, in a folder that both sides of all
# proofs use in turn, so that make compiles only what differs.
objects_tree() {
	local work=$BUILD/prove/objects/$BELOW$2-${PROOF[variant]} stamp base
	base=$(base_tree) || return
	stamp="$TOP $(cat "$base/.base")"
	if [ "$(cat "$work.stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$work" "$work.stamp"
		mkdir -p "${work%/*}"
		share "$base" "$work"
		: >"$work.touched"
		echo "$stamp" >"$work.stamp"
	fi
	# Only what a patch touches, now or earlier, can differ; it gets the time of now.
	(cd "${PROJECT_OF[$1]}" && grep '^patches/' series | xargs -r lsdiff --no-filename --strip 1) |
		sort -u - "$work.touched" >"$work.new"
	mv "$work.new" "$work.touched"
	rsync -lpc --chmod=u+w --files-from="$work.touched" --delete-missing-args "${TREE_OF[$1]}/" "$work/"
	echo "$work"
}

# build_kernel SIDE ARCH
build_kernel() {
	local options=(--lane "${PROOF[lane]}") tree
	if [ "${PROJECT_OF[$1]}" != "$TOP" ]; then
		tree=$(objects_tree "$1" "$2") || return "$EX_HARNESS"
		options=(--tree "$tree")
	fi
	build "$1" ci/build-kernel ${options[@]+"${options[@]}"} "${PROOF[kernel]:-$(last_of "$1")}" "${PROOF[variant]}" "$2"
}
