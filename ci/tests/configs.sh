#!/bin/bash
# ci/tests/configs.sh - test scripts/lib/merge-config: nothing that is asked for gets lost.
#
# Usage:   ci/tests/configs.sh
# Inputs:  the base tree, by scripts/prepare-tree base; configs/
#          TDP_ALL  not empty: all architectures; else x86_64 only
# Outputs: TAP on stdout: every variant of configs/rules merges; an option that
#          does not exist, one whose dependencies are not there, one that cannot
#          be switched off and a misspelt line are refused with their place
# Exit codes: 0 all passed, 1 one failed, 5 no base tree or packages missing
# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib/kernel.sh
. "$TOP/scripts/lib/kernel.sh"

[ "${1:-}" != -h ] || { usage; exit 0; }
merge=$TOP/scripts/lib/merge-config
base=$("$TOP/scripts/prepare-tree" base) || die $EX_HARNESS "no base tree: see scripts/prepare-tree base"
# Below $BUILD, where a copy is made of hard links.
mkdir -p "$BUILD"
tree=$(mktemp -d "$BUILD/configs-test.XXXXXX")
trap 'rm -rf "$TMP" "$tree"' EXIT
cp -al "$base/." "$tree/"

# refused LINE PATTERN: a fragment with this line exits 2 with such a message.
# shellcheck disable=SC2317 # called by check
refused() {
	echo "# made up" >"$TMP/x.config"
	echo "$1" >>"$TMP/x.config"
	expect 2 "/x.config:2: error: $2" \
		"$merge" --fragment "$TMP/x.config" "$tree" plain x86_64 obj-test || return
	[ ! -e "$tree/obj-test/.config" ] || { echo "the refused .config is still there"; return 1; }
}

check "unknown option" expect 2 "unknown option" "$merge" --colour
check "unknown variant" expect 2 "no rule" "$merge" "$tree" fast x86_64 obj-test
check "unknown architecture" expect 2 "unknown architecture" "$merge" "$tree" plain vax obj-test
check "no kernel tree" expect 2 "no kernel tree" "$merge" "$TMP" plain x86_64 obj-test
while read -r arch variant _; do
	if [ "$arch" != x86_64 ] && [ -z "${TDP_ALL-}" ]; then
		skip "$variant on $arch" "takes long: with ci/test --all"
		continue
	fi
	# Not in the check: what is installed is told.
	# shellcheck disable=SC2046 # a list of words
	need_packages $(kernel_packages "$arch")
	check "$variant on $arch" expect 0 "" "$merge" "$tree" "$variant" "$arch" "obj-$arch-$variant"
done < <("$merge" --list)
check "an option that does not exist" refused "CONFIG_WERROR=y" "CONFIG_WERROR=y is not in the result"
check "an option without its dependencies" refused "CONFIG_VHOST_NET=y" "CONFIG_VHOST_NET=y is not"
check "an option that others select" refused "# CONFIG_MMU_NOTIFIER is not set" "CONFIG_MMU_NOTIFIER=n is not"
check "a misspelt line" refused "CONFIG_KVM: y" "neither an option nor a comment"
tap_end
