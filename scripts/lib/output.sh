# shellcheck shell=bash
# scripts/lib/output.sh - a folder of results that appears at once, when complete.
#
# Usage:   . scripts/lib/output.sh        after scripts/lib/lib.sh
#          begin_output DIR GLOB...; write into $PART; finish_output
# Inputs:  DIR    new, or holding nothing but files that match a GLOB, i.e. those
#                 of an earlier run, which are replaced
# Outputs: OUT (DIR's absolute path), PART (where its files are to be made), and
#          the functions below. On failure, SIGINT, SIGTERM or SIGHUP PART goes
#          and DIR stays as it was. After kill -9 the next run puts it right.
# Exit codes: 2 DIR holds something else

# begin_output DIR GLOB...
begin_output() {
	local f g known
	OUT=$(realpath -m "$1")
	shift
	[ ! -e "$OUT" ] || [ -d "$OUT" ] || die "$EX_USAGE" "$OUT is not a directory"
	while IFS= read -r f; do
		known=''
		for g; do
			# shellcheck disable=SC2053 # a pattern
			[[ $f != $g ]] || known=1
		done
		[ -n "$known" ] ||
			die "$EX_USAGE" "$OUT holds files that this command has not made ($f): name a new directory"
	done < <([ ! -d "$OUT" ] || find "$OUT" -mindepth 1 -printf '%P\n' 2>/dev/null)
	hold_lock "output-$(sha256sum <<<"$OUT" | cut -c1-16)"
	PART=$(dirname "$OUT")/.$(basename "$OUT").tdp-part
	# killed between its two renames, an earlier run left what was there before
	[ -e "$OUT" ] || [ ! -d "$PART.old" ] || mv -T "$PART.old" "$OUT"
	rm -rf "$PART" "$PART.old"
	# before there is anything to remove: a signal may come in between
	trap 'rm -rf "$PART"' EXIT
	exit_on_signals
	mkdir -p "$PART"
}

finish_output() {
	trap '' INT TERM HUP
	[ ! -d "$OUT" ] || mv -T "$OUT" "$PART.old"
	mv -T "$PART" "$OUT"
	rm -rf "$PART.old"
}
