#!/usr/bin/env bash
# check-kabi.sh - test of scripts/check-kabi on small made-up Module.symvers; its
# C program built with AddressSanitizer and UBSan for what is broken.
#
# Usage:   check-kabi.sh        Outputs: TAP. Exit: 0 pass, 1 a test failed.
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
need_packages gcc libc6-dev
export TDP_BUILD=$TMP/build
cd "$TMP"
KABI=$TOP/scripts/check-kabi

# symvers FILE LINE...: fields with blanks between; the last one may be missing.
symvers() {
	local crc symbol module type namespace
	printf '%s\n' "${@:2}" | while read -r crc symbol module type namespace; do
		printf '%s\t%s\t%s\t%s\t%s\n' "$crc" "$symbol" "$module" "$type" "$namespace"
	done >"$1"
}
symvers before "0x00000001 call_rcu vmlinux EXPORT_SYMBOL_GPL" "0x00000002 kvm_put arch/x86/kvm/kvm EXPORT_SYMBOL" \
	"0x00000003 old vmlinux EXPORT_SYMBOL" "0x00000000 memcpy vmlinux EXPORT_SYMBOL" \
	"0x00000005 same vmlinux EXPORT_SYMBOL" "0x00000006 walk lib/walk EXPORT_SYMBOL WALK"
symvers after "0x00000005 same vmlinux EXPORT_SYMBOL" "0x00000012 kvm_put arch/x86/kvm/kvm EXPORT_SYMBOL" \
	"0x00000001 call_rcu kernel/rcu EXPORT_SYMBOL_GPL" "0x00000000 memcpy vmlinux EXPORT_SYMBOL" \
	"0x00000016 walk vmlinux EXPORT_SYMBOL_GPL" "0x00000007 new vmlinux EXPORT_SYMBOL"
printf '[_x86_64_whitelist]\n    same\n\n# a comment\n    memcpy\n    never_there\n' >list

# prints CODE COMMAND...: what COMMAND prints, to the letter, stands on stdin.
prints() {
	local code=$1 rc=0
	shift
	cat >want
	"$@" >have 2>&1 || rc=$?
	diff -u want have && [ $rc -eq "$code" ]
}
told() {
	prints 0 "$KABI" before after <<-END
	after:3: note: moved: call_rcu (vmlinux): module vmlinux -> kernel/rcu
	after:2: note: changed: kvm_put (arch/x86/kvm/kvm): crc 0x00000002 -> 0x00000012
	before:3: note: lost: old (vmlinux)
	after:5: note: changed and moved: walk (lib/walk): crc 0x00000006 -> 0x00000016, module lib/walk -> vmlinux, type EXPORT_SYMBOL -> EXPORT_SYMBOL_GPL, namespace WALK -> none
	check-kabi: 6 symbols before, 6 after: 2 changed, 1 lost, 2 moved, 1 added; no list of promised symbols given
	END
}
# broken SYMBOL LINE: on the list, it fails.
broken() {
	echo "    $1" >addition
	cat list addition >promised
	expect 1 "^$2, promised in promised:7\$" "$KABI" --list promised before after &&
		grep -q '; 4 promised, 3 of them exported before, 1 without a CRC, 1 broken$' "$TMP/.out"
}
folders() {
	mkdir -p "$TMP/a b" c
	cp before "a b/Module.symvers"
	cp before c/Module.symvers
	prints 0 "$KABI" --list "$TMP/list" "a b" c <<-END
	check-kabi: 6 symbols before, 6 after: 0 changed, 0 lost, 0 moved, 0 added; 3 promised, 2 of them exported before, 1 without a CRC, 0 broken
	END
}
# A list with CRCs of another build: only the names count.
reference() {
	printf '0xdeadbeef\tsame\tvmlinux\tEXPORT_SYMBOL\n' >reference
	expect 0 '1 promised, 1 of them exported before, 0 without a CRC, 0 broken' "$KABI" --list reference before after
}
check "changed, lost and moved are told" told
check "the list is kept" expect 0 ' 0 broken$' "$KABI" --list list before after
check "changed, on the list" broken kvm_put "after:2: error: changed: kvm_put .*0x00000012"
check "lost, on the list" broken old "before:3: error: lost: old \(vmlinux\)"
check "moved, on the list" broken call_rcu "after:3: error: moved: call_rcu .* -> kernel/rcu"
check "folders, and nothing changed" folders
check "a list with CRCs" reference

echo stranger >strangers
check "a list of another kernel" expect 2 'strangers: none of its symbols is in before' "$KABI" --list strangers before after
symvers zero "0x00000000 same vmlinux EXPORT_SYMBOL"
check "no CRCs" expect 2 'zero: no CRCs in it: build the kernel with CONFIG_MODVERSIONS' "$KABI" zero after
cat before before >twice
check "a symbol twice" expect 2 '^twice:[0-9]+: error: .* stands here and on line' "$KABI" twice after
check "no such file" expect 2 'nowhere: No such file' "$KABI" before nowhere
check "a folder without one" expect 2 'build/Module.symvers: No such file' "$KABI" before "$TMP/build"
check "one file" expect 2 'BEFORE and AFTER wanted' "$KABI" before
check "three files" expect 2 'BEFORE and AFTER wanted' "$KABI" before after before
check "an unknown option" expect 2 "unknown option '--lsit'" "$KABI" --lsit list before after

mv "$("$TOP/scripts/lib/build-tool" --sanitized "$TMP/sanitized" check-kabi)" sane
bad() {
	expect 2 "$1" ./sane "${@:2}" && ! grep -qE 'Sanitizer|runtime error' "$TMP/.out"
}
cuts() {
	local n
	for ((n = 1; n < $(stat -c %s before); n++)); do
		head -c $n before >partial
		./sane before partial >"$TMP/.out" 2>&1 || [ $? -eq 2 ] || { cat "$TMP/.out"; return 1; }
		./sane --list partial before after >"$TMP/.out" 2>&1 || [ $? -le 2 ] || { cat "$TMP/.out"; return 1; }
	done
}
: >empty
printf '0x1\ta\tb\tc\td\te\n' >six
printf '0x1 a b c d\n' >blanks
printf '0x00000001\ta b\tvmlinux\tEXPORT_SYMBOL\t\n' >space
printf '0x1\ta\0\tb\tc\td\n' >nul
check "empty" bad 'no symbols in it' before empty
check "an empty list" bad 'no symbols in it' --list empty before after
check "too many fields" bad '^six:1: error: not CRC, symbol' six after
sed 's/$/\r/' before >crlf
check "carriage returns" bad '^crlf:1: error: carriage return in the line' crlf after
check "carriage returns behind the patched kernel's" bad '^crlf:1: error: carriage return' before crlf
check "blanks for tabs" bad '^blanks:1: error: not CRC, symbol' blanks after
check "a symbol with a blank" bad "^space:1: error: 'a b' is not the name" space after
check "a NUL byte" bad '^nul:1: error: holds a NUL byte' before nul
check "a program" bad 'error: ' before sane
check "a program as list" bad 'error: ' --list sane before after
check "cut at any byte" cuts
check "sound files, sanitized" expect 0 ' 0 broken$' ./sane --list list before after
tap_end
