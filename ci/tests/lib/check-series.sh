# shellcheck shell=bash
# ci/tests/lib/check-series.sh - a made-up project for the tests of scripts/check-series,
# and its C program built with AddressSanitizer and UBSan.
#
# Usage:   . ci/tests/lib/check-series.sh       after tap.sh
# Outputs: $TOOL, $P (the project's directory), $A and $L (its patches), and the
#          functions below

need_packages gcc libc6-dev
for t in derive-map check-series; do
	TOOL=$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" $t)
done

ID_A=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ID_F=ffffffffffffffffffffffffffffffffffffffff
ME="TDP MMU backport maintainers <tdp-mmu-backport@example.org>"
A=patches/iterator/walk-once.patch
L=patches/rwlock-rcu/own-words.patch

# patch_file SUBJECT BLOCK AUTHOR [FOLDS]: a sound patch on stdout.
patch_file() {
	cat <<-END
	From: $ME
	Date: Sat, 21 Nov 2026 12:00:00 +0000
	Subject: $1

	$2
	category: cleanup
	bugzilla: NA
	CVE: NA

	Reference: https://git.kernel.org/torvalds/c/aaaaaaaaaaaa

	--------------------------------

	Walk the tree once. Twice is too often.

	Adaptation: none, the function
	is the same on 5.10.
	${3:+Upstream-author: $3
	}${4:+$4
	}Tested: built

	Signed-off-by: $ME
	---
	 fs/walk.c |    3 ++-
	 fs/new.txt  |    1 +
	 2 files changed, 3 insertions(+), 1 deletion(-)

	diff --git a/fs/walk.c b/fs/walk.c
	--- a/fs/walk.c
	+++ b/fs/walk.c
	@@ -10,3 +10,3 @@ int walk(void)
	 int a;
	-int b;
	+int c;
	 int d;
	@@ -20,1 +20,2 @@
	 int e;
	+int f;
	diff --git a/fs/new.txt b/fs/new.txt
	new file mode 100644
	--- /dev/null
	+++ b/fs/new.txt
	@@ -0,0 +1,1 @@
	+int g;
	END
}

# project: a sound project in $P.
P=$TMP/project
project() {
	rm -rf "$P"
	mkdir -p "$P/patches/iterator" "$P/patches/rwlock-rcu"
	patch_file "mm: Walk once" "mainline inclusion
from mainline-v5.12-rc1
commit $ID_A" "A Person" >"$P/$A"
	patch_file "mm: Ours" "openEuler inclusion" "" "Folds: ($ID_F, v5.13)
 \"mm: Fix the \"walk\", and
 its end\"" >"$P/$L"
	cat >"$P/series" <<-END
	# The milestone iterator: walk
	$A

	# rwlock-rcu
	$L
	END
	cp "$P/series" "$P/patches/stable.series"
	cat >"$P/patches/omitted.csv" <<-END
	commit,version,author,title,reason
	cccccccccccccccccccccccccccccccccccccccc,v5.14,C Person,mm: No,"not needed
	here"
	END
	cat >"$P/upstream-map.csv" <<-END
	commit,relation,patch,folded_into,version,author,title,cve,note
	$ID_A,adapted,iterator/walk-once,,v5.12-rc1,A Person,mm: Walk once,,"none, the function is the same on 5.10."
	,local,rwlock-rcu/own-words,,,,mm: Ours,,"none, the function is the same on 5.10."
	$ID_F,folded,,rwlock-rcu/own-words,v5.13,,"mm: Fix the ""walk"", and its end",,
	cccccccccccccccccccccccccccccccccccccccc,omitted,,,v5.14,C Person,mm: No,,"not needed
	here"
	END
	cat >"$P/plan.csv" <<-END
	entry,milestone,upstream_commit,upstream_version,upstream_author,upstream_title,status
	1,iterator,$ID_A,v5.12-rc1,A Person,mm: Walk once,apply
	X1,parallel-faults,$ID_F,v5.13,B Person,"mm: Fix the ""walk"", and its end",apply
	X2,rwlock-rcu,cccccccccccccccccccccccccccccccccccccccc,v5.14,C Person,mm: No,skip
	9,default-on,dddddddddddddddddddddddddddddddddddddddd,v5.15,D Person,mm: Later,apply
	END
}

# derive_map: the map that follows, as scripts/derive-series writes it.
derive_map() { "$TMP/sanitized/derive-map" "$P" >"$TMP/map" 2>/dev/null && cp "$TMP/map" "$P/upstream-map.csv"; }

run() {
	"$TOOL" --root "$P" --milestones "$MILESTONES" --identities "$TOP/scripts/lib/identities" "$@"
}

# finds FILE SED PATTERN [OPTION...]: after SED on FILE there is just that finding.
finds() {
	local file=$1 edit=$2 pattern=$3
	shift 3
	project
	sed -i -E "$edit" "$P/$file"
	[ "$file" != series ] || cp "$P/series" "$P/patches/stable.series"
	[ "$file" = upstream-map.csv ] || derive_map
	expect 1 "^$pattern" run "$@" || return 1
	[ "$(wc -l <"$TMP/.out")" -eq 1 ] || { echo "more than one finding:"; cat "$TMP/.out"; return 1; }
}
