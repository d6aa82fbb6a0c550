#!/usr/bin/env bash
# check-upstream-diff.sh - test of scripts/check-upstream --diff.
#
# Usage:   check-upstream-diff.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/check-upstream.sh
. "$TOP/ci/tests/lib/check-upstream.sh"

# upstream changes line 20 and 200 of a file and adds another one
seq 300 >"$CLONE/file"
commit base "Base" v5.10
sed -i 's/^20$/twenty/; s/^200$/two hundred/' "$CLONE/file"
echo new >"$CLONE/new"
commit walk "mm: Walk once" v5.11
commit fix "mm: Fix the walk" v5.12

# ours: elsewhere in the file, one line differs, one file less
mkdir -p "$P/patches/iterator"
cat >"$P/$ONE" <<'END'
Subject: mm: Walk once

--- what is no diff
---
diff --git a/file b/file
--- a/file
+++ b/file
@@ -1017,7 +1017,7 @@
 17
 18
 19
-20
+twenty
 21
 22
 23
@@ -1197,7 +1197,7 @@
 197
 198
 199
-200
+TWO HUNDRED
 201
 202
 203
END
sed 's/TWO HUNDRED/two hundred/' "$P/$ONE" >"$P/patches/iterator/same.patch"
cat >>"$P/patches/iterator/same.patch" <<'END'
diff --git a/new b/new
new file mode 100644
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+new
END
echo 'Subject: ours' >"$P/patches/iterator/own.patch"
printf 'patches/iterator/%s.patch\n' one same own >"$P/series"
map
row one walk v5.11 "A Person" "mm: Walk once" adapted
row one fix v5.12 "A Person" "mm: Fix the walk" folded
row same base v5.10 "A Person" "Base" adapted

range_diff() {
	run --diff "$1" >"$TMP/have" && diff -u - "$TMP/have" <<-END
	upstream ${ID[walk]} (mm: Walk once)
	folded into the patch: ${ID[fix]}
	--- upstream ${ID[walk]:0:12}
	+++ $ONE
	@@ -13,11 +13,7 @@
	  198
	  199
	 -200
	-+two hundred
	++TWO HUNDRED
	  201
	  202
	  203
	-## new ##
	-new file mode 100644
	-@@
	-+new
	END
}
no_difference() {
	sed -i "s/^${ID[base]}/${ID[walk]}/; s/v5.10/v5.11/; /iterator.one/d" "$P/upstream-map.csv"
	expect 0 '^no difference but line numbers$' run --diff same
}
my_settings() {
	git config diff.noprefix true
	git config diff.external false
	git config color.ui always
	range_diff one
}
check "by name" range_diff one
check "by file name" range_diff one.patch
check "by path" range_diff "$ONE"
check "a patch of our own" expect 2 'own: no row of upstream-map.csv names an upstream commit' run --diff own
check "an unknown patch" expect 2 'nowhere: no row' run --diff nowhere
check "the user's own settings of git" my_settings
check "nothing to tell apart" no_difference
ID[none]=9999999999999999999999999999999999999999
row one none v5.10 "A Person" "Base" adapted
check "a commit that the clone does not have" expect 2 'linux: git show 9999999999999*: fatal: bad object' run --diff one
check "with --tip" expect 2 'goes with --git only' run --tip master --diff one
check "without a clone" expect 4 'nothing done' "$P/scripts/check-upstream" --diff one
tap_end
