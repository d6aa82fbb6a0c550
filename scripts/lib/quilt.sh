# shellcheck shell=bash
# scripts/lib/quilt.sh - quilt at work in a tree, and what it left there when it was killed.
#
# Usage:   . scripts/lib/quilt.sh         after scripts/lib/series.sh
# Inputs:  TREE, APPLIED of scripts/lib/series.sh
# Outputs: QUILT_STOP, the exit code when a signal came while quilt was at work, else
#          nothing; the functions below
# Exit codes: 5 quilt cannot undo a patch

# shellcheck disable=SC2034 # for those who source this
QUILT_STOP=''

# quiltly LOG COMMAND...: quilt in the tree, what it says in the file LOG. It does not see
# signals, so that no patch is ever left half applied; they set QUILT_STOP.
quiltly() {
	local rc pid log=$1
	shift
	trap '' INT TERM HUP
	(cd "$TREE" && exec quilt --quiltrc - "$@") >"$log" 2>&1 &
	pid=$!
	trap 'QUILT_STOP=129' HUP
	trap 'QUILT_STOP=130' INT
	trap 'QUILT_STOP=143' TERM
	while rc=0; wait $pid || rc=$?; [ $rc -gt 128 ] && kill -0 $pid 2>/dev/null; do
		:
	done
	if [ $rc -gt 128 ]; then	# it was wait that the signal ended
		rc=0
		wait $pid || rc=$?
	fi
	return $rc
}

# undo_leftover LOG: an earlier run was killed (-9) within a patch. Have quilt put
# its backups back; remove patch's temporary files and half-made notes.
undo_leftover() {
	local p f all
	mapfile -t all < <(stack_patches)
	if { ! [ -s "$TREE/.pc/.version" ] || ! [ -s "$TREE/.pc/.quilt_patches" ] ||
		! [ -s "$TREE/.pc/.quilt_series" ]; } && [ -z "$(find "$TREE/.pc" -mindepth 2)" ]; then
		rm -rf "$TREE/.pc"
		return 0
	fi
	for p in "${all[@]:APPLIED}"; do
		[ -d "$TREE/.pc/$p" ] || continue
		say "undoing $p, which an earlier run left half applied"
		touch "$TREE/.pc/$p/.timestamp"
		echo "$p" >>"$TREE/.pc/applied-patches"
		quiltly "$1" pop -f || die "$EX_HARNESS" "quilt cannot undo $p in $TREE"
	done
	touched_files "${all[@]:APPLIED:1}" | while read -r f; do
		rm -f "$TREE/$f".o[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]
	done
}
