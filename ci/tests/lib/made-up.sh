# shellcheck shell=bash
# ci/tests/lib/made-up.sh - a made-up project and kernel tree for tests of the tools.
#
# Usage:   . ci/tests/lib/made-up.sh         after tap.sh; then fresh
# Inputs:  scripts/ and ci/ of the project: copied, so the tools run as they are
# Outputs: $TMP/project with a series of three patches in two milestones,
#          $TMP/tree they apply to, $TMP/before a copy of it, $TMP/edit/b what
#          it has to be in the end; the functions below.
# Exit codes: none of its own

MMU=arch/x86/kvm/mmu

# fresh: all of it new. one adds a file in a new directory and changes another,
# two changes two files, three sits elsewhere.
fresh() {
	local d p=$TMP/project t=$TMP/tree
	rm -rf "$p" "$t" "$TMP/edit" "$TMP/before"
	mkdir -p "$p/patches/iterator" "$p/patches/rwlock-rcu" "$TMP/edit" "$p/ci"
	cp -r "$TOP/scripts" "$p/scripts"
	cp "$TOP/ci/base-matrix" "$p/ci"
	mkdir -p "$t/$MMU" "$t/arch/x86/include/asm" "$t/include/linux" "$t/virt/kvm"
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n' >"$t/Makefile"
	touch "$t/Kbuild" "$t/arch/x86/kvm/Makefile"
	touch "$t/arch/x86/include/asm/kvm_host.h" "$t/include/linux/kvm_host.h"
	seq 100 >"$t/$MMU/mmu.c"
	seq 200 >"$t/$MMU/tdp_mmu.c"
	seq 50 >"$t/virt/kvm/kvm_main.c"
	cp -r "$t" "$TMP/edit/a"
	cp -r "$t" "$TMP/edit/b"
	d=$TMP/edit/b
	mkdir -p "$d/Documentation/new/deep"
	echo text >"$d/Documentation/new/deep/file.rst"
	sed -i 's/^20$/twenty/' "$d/$MMU/mmu.c"
	next_patch patches/iterator/one.patch
	sed -i 's/^60$/sixty/' "$d/$MMU/mmu.c"
	sed -i 's/^30$/thirty/; s/^150$/hundred and fifty/' "$d/$MMU/tdp_mmu.c"
	next_patch patches/iterator/two.patch
	sed -i 's/^25$/twenty-five/' "$d/virt/kvm/kvm_main.c"
	next_patch patches/rwlock-rcu/three.patch
	{
		echo '# milestone: iterator'
		echo patches/iterator/one.patch
		echo patches/iterator/two.patch
		echo '# milestone: rwlock-rcu'
		echo patches/rwlock-rcu/three.patch
	} >"$p/series"
	cp "$p/series" "$p/patches/stable.series"
	cp -a "$t" "$TMP/before"
}

# next_patch PATH: a patch of what changed in work/b since the last one.
next_patch() {
	(cd "$TMP/edit" && diff -urN a b) >"$TMP/project/$1" || true
	rm -rf "$TMP/edit/a"
	cp -r "$TMP/edit/b" "$TMP/edit/a"
}

apply() {
	"$TMP/project/scripts/apply-series" "$@"
}

# unchanged: the tree is what it was before, to the last file and directory.
unchanged() {
	diff -r "$TMP/before" "$TMP/tree"
}

# applied NAME...: exactly these patches are on the tree's stack.
applied() {
	diff <(printf '%s\n' "$@") "$TMP/tree/.pc/applied-patches"
}

# complete: the tree has the whole series.
complete() {
	diff -r -x .pc "$TMP/edit/b" "$TMP/tree"
}

# kinds: as fresh, with a patch for openEuler only behind one, and one for stable only
# behind two; $TMP/euler is the tree as a kernel of openEuler.
kinds() {
	local p=$TMP/project
	fresh
	rm -rf "$TMP/euler"
	cp -r "$TMP/tree" "$TMP/euler"
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 0\nOPENEULER_MAJOR = 2203\nOPENEULER_MINOR = 2\n' >"$TMP/euler/Makefile"
	rm "$p"/scripts/lib/bases/*.files
	only_for openeuler patches/iterator/oe.patch
	only_for stable patches/iterator/st.patch
	sed -i 's@^patches/iterator/one.patch@&\npatches/iterator/oe.patch@
		s@^patches/iterator/two.patch@&\n#stable: patches/iterator/st.patch@' "$p/series"
	"$p/scripts/derive-series"
}

# only_for KIND PATH: a patch that adds a file.
only_for() {
	printf '%s\n' "Base: $1" --- "--- /dev/null" "+++ b/virt/kvm/$1.c" '@@ -0,0 +1 @@' "+int $1;" >"$TMP/project/$2"
}
