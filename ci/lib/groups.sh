# shellcheck shell=bash
# ci/lib/groups.sh - work in the background that can be stopped whole.
#
# Usage:   . ci/lib/groups.sh        after scripts/lib/lib.sh; trap stop_all EXIT
# Inputs:  none
# Outputs: the functions below
# Exit codes: alone: that of the command

_GROUPS=()

# launch PREFIX COMMAND...: in the background and in a process group of its own, so
# that all of it can be stopped. PREFIX, if there is one, stands before its lines.
launch() {
	local prefix=$1
	shift
	set -m
	if [ -z "$prefix" ]; then
		(set +m; "$@") </dev/null &
	else
		(set +m; "$@" 2> >(sed -u "s/^/$prefix: /" >&2)) </dev/null &
	fi
	set +m
	_GROUPS+=($!)
}

# running: how many were launched since they were last waited for.
running() {
	echo "${#_GROUPS[@]}"
}

# wait_all: until all of them have ended. A group whose leader was killed goes too.
wait_all() {
	local g
	for g in ${_GROUPS[@]+"${_GROUPS[@]}"}; do
		wait "$g" || true
		kill -TERM -- "-$g" 2>/dev/null || true
	done
	_GROUPS=()
}

# alone COMMAND...: launched and waited for; its exit code.
alone() {
	local rc=0
	launch '' "$@"
	wait "${_GROUPS[-1]}" || rc=$?
	wait_all
	return $rc
}

stop_all() {
	local g
	for g in ${_GROUPS[@]+"${_GROUPS[@]}"}; do
		kill -TERM -- "-$g" 2>/dev/null || true
	done
}
