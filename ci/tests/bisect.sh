#!/usr/bin/env bash
# bisect.sh - test of ci/bisect: a made-up kernel of five files, and series on
# it that are sound, or broken in each way that bisect is to find.
#
# Usage:   bisect.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-kernel.sh
. "$TOP/ci/tests/lib/made-up-kernel.sh"

# add NAME FILE SED: a patch on what the series so far makes of the base.
P=$TMP/project
add() {
	mkdir -p "$P/patches/iterator"
	cp -a "$TMP/now" "$TMP/next"
	mkdir -p "$(dirname "$TMP/next/$2")"
	touch "$TMP/next/$2"
	sed -i "$3" "$TMP/next/$2"
	{
		printf 'Subject: %s\n---\n' "$1"
		{ diff -u --label "a/$2" --label "b/$2" "$TMP/now/$2" "$TMP/next/$2" || true; } | sed "1i diff --git a/$2 b/$2"
	} >"$P/patches/iterator/$1.patch"
	echo "patches/iterator/$1.patch" >>"$P/series"
	rm -rf "$TMP/now"
	mv "$TMP/next" "$TMP/now"
}
series() {
	rm -rf "$P" "$TMP/now"
	mkdir -p "$P"
	echo "# iterator" >"$P/series"
	cp -a "$B" "$TMP/now"
}
bisect() { "$TOP/ci/bisect" --root "$P" --tree "$B" "$@"; }

sound() {
	series
	add limit include/linux/kvm_host.h 's/LIMIT 4/LIMIT 5/'
	add use-limit arch/x86/kvm/mmu.c 's/n + LIMIT/n - LIMIT/'
	add words VERSION 's/5/6/'
	add twice virt/kvm/kvm_main.c 's/walk(1)/walk(2)/'
	add test tools/testing/selftests/kvm/test.c 's/return 0/return 1/'
}
content() { (cd "$B" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
before=$(content)

sound
check "a sound series" expect 0 '^bisect: 5 patches build: 13 builds, 0 remembered' bisect
check "again: all remembered" expect 0 '^bisect: 5 patches build: 0 builds, 13 remembered' bisect
check "again with --all: nothing remembered" expect 0 '^bisect: 5 patches build: 13 builds, 0 remembered' bisect --all
check "part of it" expect 0 '^bisect: 2 patches build: 0 builds, 5 remembered' bisect --from use-limit --to words
since() {
	git -C "$P" init -q && git -C "$P" add . && git -C "$P" -c user.name=a -c user.email=a@b commit -qm a
	expect 0 '^bisect: no patch differs from HEAD' bisect --since HEAD || return
	echo >>"$P/patches/iterator/words.patch"
	expect 0 '^bisect: 3 patches build: [1-9][0-9]* builds, 0 remembered' bisect --since HEAD
	local rc=$?
	git -C "$P" checkout -q .
	return $rc
}
check "what differs from a commit, and the rest of its milestone" since
check "--since without such a commit" expect 2 "no commit 'elsewhere'" bisect --since elsewhere
check "--quick: the other architectures behind the last patch" expect 0 '^bisect: 5 patches build: 3 builds, 6 remembered' bisect --quick
check "the last milestone" expect 0 '^bisect: 5 patches build: 0 builds, 13 remembered' bisect --last
check "the base is untouched" test "$before" = "$(content)"

# a change further up: what was remembered of the later patches is void
sed -i 's/LIMIT 5/LIMITS 5/' "$P/patches/iterator/limit.patch"
check "a header that breaks a file it does not touch" expect 1 \
	"^patches/iterator/limit.patch:1: error: does not build for (x86_64|i386): .*LIMIT.* undeclared" bisect
check "broken before: --from says so" expect 1 \
	'^patches/iterator/use-limit.patch:1: error: \(and the tree before it' bisect --from use-limit
sound
check "mended" expect 0 '^bisect: 5 patches build: 0 builds, 13 remembered' bisect
check "mended, all built again" expect 0 '13 builds, 0 remembered' bisect --all

# broken NAME PATTERN FILE SED: the second of three patches has a fault.
broken() {
	local pattern=$2
	series
	add first include/linux/kvm_host.h 's/LIMIT 4/LIMIT 6/'
	add fault "$3" "$4"
	add third arch/x86/kvm/mmu.c 's/last/final/'
	check "$1" expect 1 "^patches/iterator/fault.patch:1: error: does not build for $pattern" bisect
}
broken "a syntax error" "(x86_64|i386): .*mmu.c:.*error:" arch/x86/kvm/mmu.c 's/return/retrun/'
broken "a warning" "(x86_64|i386): .*unused.*-Werror" arch/x86/kvm/mmu.c 's/return/int x; return/'
broken "only on i386" "i386: .*mmu.c:.*error:" arch/x86/kvm/mmu.c 's/return/_Static_assert(sizeof(long) == 8, "wide"); return/'
broken "only on arm64" "arm64: .*error:" virt/kvm/kvm_main.c '1i #ifdef __aarch64__\n#error none\n#endif'
check "--quick finds it behind the last patch" expect 1 \
	'^patches/iterator/third.patch:1: error: \(and the tree before it, .* does not build for arm64: ' bisect --quick
broken "i386 calls what it does not compile" "i386: wide: error: called, but not compiled" arch/x86/kvm/mmu.c 's/n + LIMIT/wide(n) + LIMIT/'
broken "a selftest that does not compile" "tests-(x86_64|arm64): test.c:.*error:" tools/testing/selftests/kvm/test.c 's/return/retrun/'
broken "a new warning of a selftest" "tests-(x86_64|arm64): test.c: error: new warning: .*second" tools/testing/selftests/kvm/test.c 's/int unused;/int unused, second;/'
check "the patches before it are fine" expect 0 '^bisect: 1 patches build' bisect --to first

# what is left of a series that has lost a patch
series
add define include/linux/kvm_host.h 's/LIMIT 4/LIMIT 4\n#define MORE 5/'
add use arch/x86/kvm/mmu.c 's/n + LIMIT/n + MORE/'
check "a definition and its use" expect 0 '2 patches build' bisect
sed -i '/define/d' "$P/series"
check "the use alone" expect 1 '^patches/iterator/use.patch:1: error: does not build for .*MORE. undeclared' bisect

# patches that do not apply
sound
sed -i 's/^ #define LIMIT/ #define LIMITS/;s/^ int walk/ int talk/' "$P/patches/iterator/limit.patch"
check "fuzz" expect 1 '^patches/iterator/limit.patch:1: error: does not apply without fuzz: .*FAILED' bisect
sound
sed -i 's#virt/kvm/kvm_main#virt/kvm/none#' "$P/patches/iterator/twice.patch"
check "a file that is not there" expect 1 '^patches/iterator/twice.patch:1: error: does not apply' bisect
sound
check "mended again" expect 0 '^bisect: 5 patches build' bisect
rm "$P/patches/iterator/words.patch"
check "a missing patch, before anything is built" expect 2 'words.patch:1: error: missing or empty' bisect
check "unknown base" expect 2 "unknown base 'fedora'" bisect --base fedora
check "unknown option" expect 2 "unknown argument '--fast'" bisect --fast
check "unknown patch" expect 2 "no patch 'none'" bisect --from none

# openEuler's kernel: its own configuration, and who else uses KVM's structures.
mkdir -p "$B/fs/proc"
printf '#include <linux/kvm_host.h>\n\nint scan(void)\n{\n\treturn LIMIT;\n}\n' >"$B/fs/proc/etmem_scan.c"
sound
check "openEuler's kernel" expect 0 '^bisect: 5 patches build: 13 builds, 0 remembered' bisect --base openeuler-22.03-lts-sp2
check "in its own configuration" test -f "$TDP_BUILD/bisect/openeuler-22.03-lts-sp2/tree/obj-arm64-own/fs/proc/etmem_scan.o"
series
add gone include/linux/kvm_host.h 's/LIMIT 4/LIMITS 4/'
add first arch/x86/kvm/mmu.c 's/n + LIMIT/n/'
sed -i '/gone/d; $a patches/iterator/gone.patch' "$P/series"
check "who uses what is gone" expect 1 "gone.patch:1: error: does not build for .*etmem_scan.c:.*LIMIT. undeclared" \
	bisect --base openeuler-22.03-lts-sp2
check "on stable it is not built" expect 0 '^bisect: 2 patches build' bisect
rm -r "$B/fs"

# killed half-way, with compilers at work
killed() {
	local pid
	touch "$B/slow"
	sound
	"$TOP/ci/bisect" --root "$P" --tree "$B" --all >/dev/null 2>&1 &
	pid=$!
	sleep 2
	kill -9 $pid
	rm "$B/slow"
	expect 0 '^bisect: 5 patches build: 13 builds' bisect --all
}
check "killed, then run again" killed

stopped() {
	touch "$B/slow"
	sound
	"$TOP/ci/bisect" --root "$P" --tree "$B" --all >/dev/null 2>&1 &
	sleep 2
	kill -TERM $!
	wait $! || true
	rm "$B/slow"
	flock -w 1 "$TDP_BUILD/lock/bisect" true || { echo "something it started still runs"; return 1; }
}
check "stopped: nothing goes on in the background" stopped
tap_end
