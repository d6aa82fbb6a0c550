# shellcheck shell=bash disable=SC2034 # variables of the tests
# ci/tests/lib/made-up-gate.sh - a made-up project for the tests of ci/gate: the real
# gate, lane library and verdict as processes, with builders that build nothing and
# an emulator that is a script.
#
# Usage:   . ci/tests/lib/made-up-gate.sh      after tap.sh; then fresh
# Inputs:  scripts/ and ci/ of the project: copied, so that the gate runs as it is
# Outputs: $P the project, $B its build folder, $G its gate, $R the results of the
#          milestone iterator, ${ONE[@]} its gate in one lane; the functions below.
#          fake/boots: "MILESTONE CMDLINE" of each boot, fake/limits: its time limit
# Exit codes: 5 packages missing

need_packages gcc libc6-dev util-linux cpio gzip
P=$TMP/project
mkdir -p "$P/scripts/lib" "$P"/ci/{lib,lanes} "$P/ci/machine/lists" "$P/fake"
cp -r "$TOP"/scripts/lib/{lib.sh,host-packages.sh,base.sh,fingerprint.sh,kernel.sh,which.sh,evidence.sh,build-tool,base-checksums,bases} "$P/scripts/lib/"
cp "$TOP/scripts/fetch-base" "$P/scripts/"
cp "$TOP"/ci/{gate,boot} "$P/ci/"
cp "$TOP"/ci/lib/*.sh "$P/ci/lib/"
cp -r "$TOP/ci/verdict" "$P/ci/"
cp -r "$TOP/scripts/src" "$P/scripts/"
cp "$TOP/ci/lanes/lib.sh" "$P/ci/lanes/"
: >"$P/ci/known-failures"
# shellcheck source-path=SCRIPTDIR source=../../lib/lists.sh
. "$TOP/ci/lib/lists.sh"
unset TDP_BUILD
export TDP_BASES=$TMP/bases
OE=openeuler-22.03-lts-sp2
B=$P/build
G=$P/ci/gate
R=$B/results/iterator
ONE=("$G" --lane amd-npt iterator)

# Builders: the "image" is the milestone's name.
cat >"$P/ci/build-kernel" <<'END'
#!/bin/bash
. "$(dirname "$0")/../scripts/lib/lib.sh"
below=''
[ "$1" != --lane ] || shift 2
[ "$1" != --base ] || { below=$2/; shift 2; }
[ ! -f "$TOP/fake/no-network" ] || exit 5
[ ! -f "$TOP/fake/broken" ] || die 1 "arch/x86/kvm/mmu/mmu.c:1: no semicolon"
dir=$BUILD/kernel/$below$1/$3-$2
mkdir -p "$dir"
echo "$below$1" | tr / : >"$dir/image"
echo "CONFIG_OF=$1-$2" >"$dir/config"
echo "$dir"
END
cat >"$P/ci/lib/build-initrd" <<'END'
#!/bin/bash
. "$(dirname "$0")/../../scripts/lib/lib.sh"
below=''
[ "$1" != --base ] || { below=$2/; shift 2; }
. "$TOP/ci/lib/lists.sh"
name=$(basename "$3" .list)
mkdir -p "$BUILD/initrd/root/etc" "$BUILD/initrd/$below"
if [[ $3 = */* ]]; then
	cp "$3" "$BUILD/initrd/root/etc/testlist"
else
	list_tests "$1" "$3" | grep . >"$BUILD/initrd/root/etc/testlist"
fi
cp "$BUILD/initrd/root/etc/testlist" "$BUILD/initrd/$below$1-$2-$name.list"
cd "$BUILD/initrd/root"
find . | cpio -o -H newc --quiet | gzip -n >"../$below$1-$2-$name.gz"
arch=$("$TOP/ci/lanes/$2" --arch)
mkdir -p "$BUILD/tests/$below$1-$arch"
echo "selftests of $1" >"$BUILD/tests/$below$1-$arch/key"
echo "$BUILD/initrd/$below$1-$2-$name.gz"
END
# The machine: runs the list of its initrd, where later archives go over earlier
# ones. fake/MILESTONE says how each test ends ("NAME exit=0", "NAME hang") and
# what the kernel says meanwhile ("NAME: words"); "no end" is for PID 1.
cat >"$P/fake/emulator" <<'END'
#!/bin/bash
# emulator MILESTONE CPUS CMDLINE CONSOLE INITRD
exec >"$4" 2>/dev/null
here=$(dirname "$0")
echo "$1 $3" >>"$here/boots"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
gzip -dc "$5" | (cd "$root" && cpio -iu; cpio -iu)
case "$1 $3" in *tdp_mmu=1*) tdp=Y ;; *tdp_mmu=0*) tdp=N ;; default-on*) tdp=Y ;; *) tdp=N ;; esac
! grep -qxsF "$1" "$here/other-mmu" || tdp=N
echo "[    0.000000] Linux version 5.10.223"
echo "[    1.000000] gate: begin tests=$(grep -c . "$root/etc/testlist") list=x"
echo "[    1.000000] gate: param cpus=$2"
case "$3" in
*slab_nomerge*) [ -f "$here/built-in" ] && kvm=present || kvm=absent ;;
*) kvm=present ;;
esac
echo "[    1.000000] gate: param kvm=$kvm"
case "$3" in *gate.patience=4*) echo "[    1.000000] gate: param gate.patience=4" ;; esac
echo "[    1.000000] gate: param kvm.tdp_mmu=$tdp"
i=0
while read -r name _; do
	i=$((i + 1))
	echo "[    2.000000] gate: test $i $name begin"
	sed -n "s/^$name: /[    2.000000] /p" "$here/$1"
	how=$(sed -n "s/^$name \(.*\)/\1/p" "$here/$1")
	[ "$how" != hang ] || { rm -rf "$root"; echo $$ >"$here/pid"; exec sleep 300; }
	echo "[    2.000000] gate: test $i $name $how taint=0 ms=10"
done <"$root/etc/testlist"
grep -q '^no end' "$here/$1" || echo "[    2.000000] gate: end ran=$i"
echo "[    3.000000] reboot: Power down"
END
# lane NAME FACT...: a lane, with this to tell of itself. Its machine is the emulator.
lane() {
	{
		cat <<'END'
#!/bin/bash
. "$(dirname "$0")/lib.sh"
packages=$(cat "$TOP/fake/package" 2>/dev/null) || packages=bash
END
		printf '%q ' lane_options size=4 memory=64 limit=20 "${@:2}"
		cat <<'END'
packages="$packages" -- "$@"
echo $$ >"$TOP/fake/lane-pid"
echo "${MACHINE[limit]}" >>"$TOP/fake/limits"
lane_run "$TOP/fake/emulator" "$(cat "${MACHINE[kernel]}")" "${MACHINE[cpus]}" "${MACHINE[append]}" \
	"${MACHINE[out]}/console.log" "${MACHINE[initrd]}"
powering_off || lane_end "the emulator's ${MACHINE[ended]}"
lane_end
END
	} >"$P/ci/lanes/$1"
	chmod +x "$P/ci/lanes/$1"
	tests_of "$1" one two
}
# tests_of LIST NAME...: the tests of a suite, none for no name.
tests_of() {
	local table suite name
	read -r table suite < <(list_table "$1")
	table=$P/ci/machine/lists/$table.table
	touch "$table"
	sed -i "/^$suite /d" "$table"
	for name in "${@:2}"; do
		echo "$suite base $name 30 $name"
	done >>"$table"
}
lane amd-npt arch=x86_64 mmus="tdp0 tdp1 shadow" nested="kvm_amd.npt=0 kvm_amd.npt=0" \
	variants="plain debug kasan modules server" unasked="plain debug kasan modules server" \
	suites="10 plain plain tdp1 - amd-npt
20 stress plain tdp1 - amd-npt-stress"
lane intel-ept arch=x86_64 mmus="tdp0 tdp1 shadow" nested="kvm_intel.ept=0 kvm_intel.ept=N" \
	variants="plain modules" unasked="plain modules" cpus="1 8" stress=2 threads=1 clock=instructions
lane arm64 arch=arm64
chmod +x "$P"/ci/{build-kernel,lib/build-initrd} "$P/fake/emulator"

# records MILESTONE HOW [WORDS]: test two ends so there, and the kernel says this.
records() {
	printf '%s\n' "one exit=0" "two $2" ${3:+"two: $3"} >"$P/fake/$1"
}
fresh() {
	rm -rf "${B:?}/results" "$B/cache" "$P"/fake/{boots,limits,broken,no-network,built-in,other-mmu,package,pid}
	: >"$P/ci/known-failures"
	records base exit=0
	records iterator exit=0
	records default-on exit=0
}
# files DIR: everything a run is to leave.
files() {
	local f
	for f in console.log lane.txt config results.ktap junit.xml tests.txt conclusion.txt; do
		[ -s "$1/$f" ] || { echo "no $1/$f"; return 1; }
	done
}
