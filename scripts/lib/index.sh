# shellcheck shell=bash
# scripts/lib/index.sh - patches with git's index lines, by which `git am -3` finds the
# files that they were made for.
#
# Usage:   . scripts/lib/index.sh         after scripts/lib/series.sh and git.sh
#          with_index REPO DIR PATCH...
# Inputs:  REPO  a git repository whose HEAD is the base; it is only read
#          PATCH...  of the series, as far as they are wanted, from the first one on
# Outputs: DIR/N for the Nth patch: as it is, with an index line for each file;
#          DIR/base-N: the commit that it stands on, as scripts/series-to-git makes it
# Exit codes: 1 a patch does not apply there, 2 no repository, or no commit in it

# _insert RAW PATCH: RAW is git diff-tree's output for the commit of the patch.
_insert() {
	awk 'NR == FNR {
			split($0, part, "\t")
			split(part[1], f, " ")
			same = substr(f[1], 2) == f[2] ? " " f[2] : ""
			index_of[part[2]] = "index " f[3] ".." f[4] same
			next
		}
		/^diff --git / { file = substr($3, 3) }
		/^--- / && file != "" { print index_of[file]; file = "" }
		{ print }' "$@"
}

with_index() {
	local repo=$1 dir=$2 p n=0 base next=$((SECONDS + 10))
	shift 2
	open_repo "$repo/.git"
	COMMIT=$(ref_commit HEAD) || die "$EX_USAGE" "$repo has no commit: check out the base"
	for p; do
		n=$((n + 1)) base=$COMMIT
		echo "$base" >"$dir/base-$n"
		commit_patch "$TOP/$p" "$p" "$base" || die "$EX_FAIL" "$WHY"
		git diff-tree -r --no-renames --full-index "$base" "$COMMIT" >"$SCRATCH/raw"
		_insert "$SCRATCH/raw" "$TOP/$p" >"$dir/$n"
		[ $SECONDS -lt $next ] || { say "$n of $# patches"; next=$((SECONDS + 10)); }
	done
}
