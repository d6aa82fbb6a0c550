# shellcheck shell=bash disable=SC2154,SC2034 # variables of ci/prove and of the proof
# ci/lib/sides.sh - the kernel without a fix, and the one with it, and the tests.
#
# Usage:   . ci/lib/sides.sh         in ci/prove
# Inputs:  the variables of read_proof and choose_base; CCACHE_DIR
# Outputs: the functions below. A side is this project with another series: its scripts, as
#          they are, in $BUILD/prove/SIDE/project, and what they build in
#          $BUILD/prove/SIDE/build. Without undo.patch the series ends in front of
#          the patch, or with it. With undo.patch it ends with the milestone, and
#          undo.patch is one patch more.
# Exit codes: 1 it does not build, 2 a patch of the proof does not apply, 5 trouble

declare -A project_of build_of tree_of

# own_tools SIDE COMMAND...: a command of the project of a side.
own_tools() {
	local side=$1 tool=$2
	shift 2
	CCACHE_DIR=${CCACHE_DIR:-$BUILD/ccache} TDP_BUILD=${build_of[$side]} \
		"${project_of[$side]}/$tool" ${base_option[@]+"${base_option[@]}"} "$@"
}

# make_project SIDE EXTRA.patch...: sets project_of and build_of.
make_project() {
	local side=$1 p base end
	shift
	end=$patch
	if [ -f "$dir/undo.patch" ]; then
		end=$(series_patches | grep "^patches/$milestone/" | tail -n 1)
		if [ $# -eq 0 ]; then	# the milestone as it is
			project_of[$side]=$TOP build_of[$side]=$BUILD
			return
		fi
	fi
	base=$BUILD/prove/$side
	project_of[$side]=$base/project build_of[$side]=$base/build
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
	last=$(grep -v '^#' "${project_of[$1]}/series" | tail -n 1)
	if [ "${project_of[$1]}" = "$TOP" ]; then
		echo "$milestone"
	elif [ -z "$last" ]; then
		echo base
	else
		basename "$(dirname "$last")"
	fi
}

# tell LOG: copies what a tool says, and ends when the tool did.
tell() {
	tee "$1" >&2
}

# tree SIDE: makes it; an extra patch that does not apply is refused.
make_tree() {
	local side=$1 rc=0 line
	tree_of[$side]=$(own_tools "$side" scripts/prepare-tree "$(last_of "$side")" 2> >(tell "$logs/$side.tree.log")) || rc=$?
	[ $rc -ne 0 ] || return 0
	line=$(grep -m 1 -oE "prove-(undo|window)\.patch:[0-9]+: error: .*" "$logs/$side.tree.log") || line=''
	[ -z "$line" ] || result refused "ci/proofs/$proof/${line#prove-}"
	result harness "the tree $side the fix cannot be made: see $logs/$side.tree.log"
}

# side_for SIDE PATTERN: SIDE, if the two sides differ in files that match; what
# does not differ is built once, with the fix.
side_for() {
	local file=$TOP/$patch
	[ ! -f "$dir/undo.patch" ] || file=$dir/undo.patch
	if lsdiff --strip 1 "$file" | grep -qE "$2"; then echo "$1"; else echo with; fi
}

# build SIDE TOOL ARGUMENT...: the last line of its stdout; 1 when it does not build.
build() {
	local rc=0 out
	out=$(own_tools "$@" 2> >(tell "$logs/$1.${2##*/}.log")) || rc=$?
	case $rc in
	0) tail -n 1 <<<"$out" ;;
	"$EX_FAIL") return "$EX_FAIL" ;;
	*) return "$EX_HARNESS" ;;
	esac
}

# objects_tree SIDE: the tree of a side again, in a folder that both sides of all
# proofs use in turn, so that make compiles only what differs.
objects_tree() {
	local work=$BUILD/prove/objects/$BELOW$arch-$variant stamp base
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
	(cd "${project_of[$1]}" && grep '^patches/' series | xargs -r lsdiff --no-filename --strip 1) |
		sort -u - "$work.touched" >"$work.new"
	mv "$work.new" "$work.touched"
	rsync -lpc --chmod=u+w --files-from="$work.touched" --delete-missing-args "${tree_of[$1]}/" "$work/"
	echo "$work"
}

# build_kernel SIDE
build_kernel() {
	local options=(--lane "$lane") tree
	if [ "${project_of[$1]}" != "$TOP" ]; then
		tree=$(objects_tree "$1") || return "$EX_HARNESS"
		options=(--tree "$tree")
	fi
	build "$1" ci/build-kernel ${options[@]+"${options[@]}"} "${kernel_from:-$(last_of "$1")}" "$variant" "$arch"
}
