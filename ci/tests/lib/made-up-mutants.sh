# shellcheck shell=bash disable=SC2034 # variables of the tests
# ci/tests/lib/made-up-mutants.sh - made-up bugs for the test of ci/mutants, in the kernel of
# made-up-proofs.sh, which is a file that says how each test ends.
#
# Usage:   . ci/tests/lib/made-up-mutants.sh   after made-up-proofs.sh; then plant
# Inputs:  scripts/ and ci/ of the project: copied
# Outputs: $MUTANTS the tool, $D what it leaves; the functions below
# Exit codes: 5 packages missing

need_packages rsync
MUTANTS=$P/ci/mutants
D=$B/results/mutants
cp "$TOP/ci/mutants" "$P/ci/"
touch "$P/configs/rules"
cat >"$P/ci/unit/unit.sh" <<'END2'
#!/bin/bash
! grep -q ^1 "$1/arch/x86/kvm/mmu/unit" || { echo "not ok 1 unit"; exit 1; }
END2
chmod +x "$P/ci/unit/unit.sh"
rm -f "$P/ci/unit/two.sh"
sed -i 's/limit=20/limit=15/' "$P/ci/lanes/amd-npt"

# The machine: what is behind kvm_mutant("NAME") counts where kvm.mutant=NAME says so, and
# then in the place of what else is said of that test.
mv "$P/fake/emulator" "$P/fake/machine"
cat >"$P/fake/emulator" <<'END2'
#!/bin/bash
here=$(dirname "$0")
name=$(sed -n 's/.*kvm\.mutant=\([^ ]*\).*/\1/p' <<<"$3")
echo "${name:-none}" >>"$here/mutants"
mine=$(sed -n "s/^kvm_mutant(\"$name\") //p" "$here/$1")
{
	grep -v '^kvm_mutant' "$here/$1" | grep -vE "^(none such$(sed 's/[ :].*//' <<<"$mine" | sort -u | sed 's/^/|/' | tr -d '\n'))[ :]"
	echo "$mine"
} >"$here/$1-$name"
case $3 in *tdp_mmu=0*) tdp= ;; *) tdp=kvm.tdp_mmu=1 ;; esac
exec "$here/machine" "$1-$name" "$2" "$3 $tdp" "$4" "$5"
END2
chmod +x "$P/fake/emulator"

# mutant NAME SUITES FILE LINE...: a bug: lines in FILE of the MMU, where a place for it is.
mutant() {
	local name=$1 suites=$2 file=$MMU/$3 line
	shift 3
	{
		printf 'Bug: %s\n  is there.\nHarm: some\nKinds: flush\nSuites: %s\n\n' "$name" "$suites"
		printf -- '--- a/%s\n+++ b/%s\n' "$file" "$file"
		echo "@@ -1,2 +1,$(($# + 2)) @@ int ${name%%-*}(void)"
		echo " $name begin"
		for line; do echo "+kvm_mutant(\"$name\")${line:+ $line}"; done
		echo " $name end"
	} >"$P/ci/mutant-patches/$name.patch"
}
reached() { echo "$1: kvm: mutant $2 is reached"; }
# plant: a series, and three bugs.
plant() {
	local name
	rm -rf "${B:?}"/{base,tree,results,cache,kernel,initrd,mutants} "$TMP/a" \
		"$P"/{patches,series,ci/mutant-patches} "$FAKE/mutants"
	: >"$FAKE/builds"
	mkdir -p "$P/ci/mutant-patches" "$B/base" "$B/tests/default-on-x86_64" \
		"$TMP/a"/{virt/kvm,arch/arm64/kvm,arch/x86/include/asm,include/linux,tools,"$MMU"}
	printf 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n' >"$TMP/a/Makefile"
	(
		cd "$TMP/a" || exit
		touch Kbuild arch/x86/{kvm/Makefile,include/asm/kvm_host.h} tools/says
		echo 0 | tee "$MMU/last" virt/kvm/x arch/arm64/kvm/x include/linux/kvm_host.h >"$MMU/unit"
		printf '%s\n' "one exit=0" "two exit=254" "three exit=0" "four exit=254" "hung hang" >"$MMU/says"
		for name in code two-fails warns lives nowhere shaky dies; do
			printf '%s begin\n%s end\n' "$name" "$name" | tee -a "$MMU/says" >>"$MMU/unit"
		done
	)
	cp -r "$TMP/a" "$V"
	printf '%s\n' "version $BASE_VERSION" "tarball x" "files $(($(find "$V" -type f | wc -l) + 1))" "made 1" >"$V/.base"
	find "$V" -type f ! -name .base -exec touch -d 2020-01-01 {} +
	series_patch default-on/two "$MMU/says" 's/two exit=254/two exit=0/'
	series_patch default-on/last "$MMU/last" 's/0/1/'
	echo tests >"$B/tests/default-on-x86_64/key"
	{
		printf 'The parameter.\n\n--- a/include/linux/kvm_host.h\n+++ b/include/linux/kvm_host.h\n'
		printf '@@ -1,1 +1,2 @@\n 0\n+kvm_mutant\n'
	} >"$P/ci/mutant-patches/parameter.patch"
	tests_of amd-npt one two three
	tests_of amd-npt-stress one two three
	mutant code "unit plain" unit ""
	mutant two-fails "plain stress" says "two exit=1" "$(reached two two-fails)"
	mutant warns "plain" says "three exit=0" "$(reached three warns)" \
		"three: WARNING: CPU: 1 PID: 70 at $MMU/tdp_mmu.c:299 foo+0x1/0x2"
}
# boots MUTANT N: so often did a machine start with that bug.
boots() {
	[ "$(grep -cxF "$1" "$FAKE/mutants")" -eq "$2" ] || { cat "$FAKE/mutants"; return 1; }
}
