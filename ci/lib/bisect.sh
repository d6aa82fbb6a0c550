# shellcheck shell=bash disable=SC2154 # variables of those who source this
# ci/lib/bisect.sh - building just what a patch affects.
#
# Usage:   . ci/lib/bisect.sh        after scripts/lib/lib.sh and scripts/lib/kernel.sh
# Inputs:  TREE, BASE   the work tree with its patches, the pristine tree
#          fd 3         where notes for people go
#          WORK         where logs, headers and selftests go
#          BASE_KIND    stable or openeuler; base_option, to hand on
#          OTHERS       further parts for what touches the code of all architectures
# Outputs: the functions below, and those of ci/lib/parts.sh
# Exit codes: build_part: 0 it builds, 1 it does not

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=parts.sh
. "$TOP/ci/lib/parts.sh"

# part_key PART: what, besides the patches, decides whether a part builds.
part_key() {
	local arch=${1#tests-}
	{
		echo "$BASE_KIND"
		cat "$TOP"/configs/* "$TOP/scripts/lib/merge-config" "$TOP/scripts/lib/kernel.sh" \
			"$TOP"/ci/lib/{bisect,parts}.sh
		"$(kernel_cross "$arch")gcc" --version
		grep -sE '^(version|tarball|content) ' "$BASE/.base" || true
	} | sha256sum
}

# configure PART: an output folder with .config in the work tree, made again
# when the configuration or the compiler changed.
configure() {
	local part=$1 obj key
	obj=$TREE/obj-$1-$(variant_of "$1")
	key=$(part_key "$part")
	[ "$(cat "$obj/.bisect" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$obj"
	"$TOP/ci/build-kernel" ${base_option[@]+"${base_option[@]}"} --config-only --tree "$TREE" \
		base "$(variant_of "$part")" "$part" >/dev/null || return
	echo "$key" >"$obj/.bisect"
}

# own_undefined PART: functions that KVM's objects call, and that KVM's sources
# define, but no object of KVM has: such a kernel does not link.
own_undefined() {
	local part=$1 dir nm objects
	dir=$(kvm_dir "$part")
	nm=$(kernel_cross "$part")nm
	cd "$TREE/obj-$part-$(variant_of "$part")" || return
	objects=("$dir"kvm.o "$dir"kvm-*.o)	# when it is a module
	grep -qx CONFIG_KVM=m .config || objects=("$dir/built-in.a")
	comm -12 \
		<(comm -23 <("$nm" -u "${objects[@]}" | sed -n 's/.* U //p' | sort -u) \
			<("$nm" --defined-only "${objects[@]}" | sed -n 's/.* [A-Za-z] //p' | sort -u)) \
		<(find "../$dir" ../virt/kvm -name '*.c' -exec \
			sed -nE 's/^[a-z][a-zA-Z0-9_ *]*[ *]([a-zA-Z_0-9]+)\(.*[^;]$/\1/p' {} + | sort -u)
}

# build_objects PART FILE...
build_objects() {
	local part=$1 missing targets flags=-Werror obj
	obj=obj-$part-$(variant_of "$part")
	mapfile -t targets < <(targets_of "$@")
	case " ${*:2} " in
	*Kconfig*) kernel_make "$TREE" "$obj" "$part" olddefconfig || return ;;
	esac
	case $part in
	# Low core is at address 0 there, which GCC 12 takes for an array without bytes.
	s390) flags="-Werror -Wno-error=stringop-overread -Wno-error=array-bounds" ;;
	esac
	kernel_make "$TREE" "$obj" "$part" KCFLAGS="$flags" "${targets[@]}" || return
	missing=$(own_undefined "$part" | paste -sd' ')
	[ -z "$missing" ] || { echo "$missing: error: called, but not compiled: this does not link"; return 1; }
}

# warnings LOG: what the compiler complained about, without line numbers.
warnings() {
	sed -nE 's/^([^ :]+):[0-9]+:([0-9]+:)? (warning|error): (.*)/\1: \4/p' "$1" | sort -u
}

# make_tests ARCH SOURCE LOG: the KVM selftests of a tree, in a copy, because
# that build leaves files behind.
make_tests() {
	local arch=$1 source=$2 log=$3 dir=$WORK/tests-$1 cross
	cross=$(kernel_cross "$arch")
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -al "$source/tools" "$source/scripts" "$dir/"
	env -u MAKEFLAGS -u KBUILD_OUTPUT -u CFLAGS LDFLAGS=-static make ARCH="$arch" \
		CROSS_COMPILE="$cross" -j"$JOBS" -C "$dir/tools/testing/selftests/kvm" O= \
		INSTALL_HDR_PATH="$WORK/headers-$arch" KSFT_KHDR_INSTALL_DONE=1 >"$log" 2>&1
}

# build_tests PART FILE...: the selftests compile, with no warning that the
# base's own do not have (-Werror is no measure: those have some).
build_tests() {
	local arch=${1#tests-} log=$WORK/tests-$1.out new
	shift
	if [ ! -d "$WORK/headers-$arch" ] || [[ " $* " = */uapi/* ]]; then
		rm -rf "$WORK/headers-$arch"
		kernel_make "$TREE" "obj-$arch-headers" "$arch" headers_install \
			INSTALL_HDR_PATH="$WORK/headers-$arch.new" || return
		mv "$WORK/headers-$arch.new" "$WORK/headers-$arch"
	fi
	if [ ! -f "$WORK/warnings-$arch" ]; then
		make_tests "$arch" "$BASE" "$log" || { cat "$log"; return 1; }
		warnings "$log" >"$WORK/warnings-$arch.new"
		mv "$WORK/warnings-$arch.new" "$WORK/warnings-$arch"
	fi
	make_tests "$arch" "$TREE" "$log" || { cat "$log"; return 1; }
	new=$(warnings "$log" | comm -13 "$WORK/warnings-$arch" - | head -n 1)
	[ -z "$new" ] || { echo "${new%%: *}: error: new warning: ${new#*: }"; return 1; }
}

# build_part PART FILE...: build what the files affect; its log is
# $WORK/PART.log.
build_part() {
	local part=$1
	case $part in
	tests-*) build_tests "$@" ;;
	*) build_objects "$@" ;;
	esac >"$WORK/$part.log" 2>&1 </dev/null
}

# first_error PART: the line of its log that says why.
first_error() {
	grep -m1 -E '(^|[ :])(fatal )?error:|undefined reference|\*\*\* |No rule' "$WORK/$1.log" ||
		tail -n 1 "$WORK/$1.log"
}
