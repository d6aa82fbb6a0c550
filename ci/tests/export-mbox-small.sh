#!/usr/bin/env bash
# ci/tests/export-mbox-small.sh - test of scripts/export-mbox on a made-up series of
# three patches: what does not take the whole one.
#
# Usage:   ci/tests/export-mbox-small.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
need_packages diffstat
OUT=$TMP/out

export_mbox() {
	"$TMP/project/scripts/export-mbox" "$@"
}

# documented: a fresh project with the texts that the cover letter is made of.
documented() {
	local m
	start
	for m in "$TMP/project"/patches/*/; do echo "What it brings." >"$m/COVER"; done
	rm -rf "$OUT"
}

# One folder for several milestones, and for all of the series.
beside() {
	documented
	export_mbox --milestone iterator "$OUT" && cp "$OUT/tdp-mmu-iterator.mbox" "$TMP/kept" &&
		export_mbox --milestone rwlock-rcu "$OUT" && export_mbox "$OUT" && export_mbox --milestone rwlock-rcu "$OUT" &&
		cmp "$TMP/kept" "$OUT/tdp-mmu-iterator.mbox" &&
		[ "$(cd "$OUT" && echo *)" = "tdp-mmu-iterator.mbox tdp-mmu-rwlock-rcu.mbox tdp-mmu.mbox" ]
}

check "a file beside those of other milestones" beside
tap_end
