# shellcheck shell=bash
# ci/lib/bisect.sh - building just what a patch affects.
#
# Usage:   . ci/lib/bisect.sh        after choose_base of scripts/lib/which.sh; then
#          begin_builds TREE BASE WORK [OTHERS]
# Inputs:  the base that was chosen
# Outputs: the functions below, and those of ci/lib/parts.sh
# Exit codes: build_part: 0 it builds, 1 it does not

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/kernel.sh
. "$TOP/scripts/lib/kernel.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=parts.sh
. "$TOP/ci/lib/parts.sh"

_TREE='' _BASE='' _WORK=''

# begin_builds TREE BASE WORK [OTHERS]: the work tree with its patches, the pristine tree, a
# folder for logs, headers and selftests; OTHERS: see begin_parts.
begin_builds() {
	_TREE=$1 _BASE=$2 _WORK=$3
	begin_parts "$2" "${4-}"
}

# part_key PART: what, besides the patches, decides whether a part builds.
part_key() {
	local arch=${1#tests-}
	{
		echo "$BASE_KIND"
		cat "$TOP"/configs/* "$TOP/scripts/lib/merge-config" "$TOP/scripts/lib/kernel.sh" \
			"$TOP"/ci/lib/{bisect,parts}.sh
		"$(kernel_cross "$arch")gcc" --version
		grep -sE '^(version|tarball|content) ' "$_BASE/.base" || true
	} | sha256sum
}

# configure PART: an output folder with .config in the work tree, made again
# when the configuration or the compiler changed.
configure() {
	local part=$1 obj key
	obj=$_TREE/obj-$1-$(variant_of "$1")
	key=$(part_key "$part")
	[ "$(cat "$obj/.bisect" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$obj"
	"$TOP/ci/build-kernel" ${base_option[@]+"${base_option[@]}"} --config-only --tree "$_TREE" \
		base "$(variant_of "$part")" "$part" >/dev/null || return
	echo "$key" >"$obj/.bisect"
}

# own_undefined PART: functions that KVM's objects call, and that KVM's sources
# define, but no object of KVM has: such a kernel does not link.
own_undefined() {
	local part=$1 dir nm objects
	dir=$(kvm_dir "$part")
	nm=$(kernel_cross "$part")nm
	cd "$_TREE/obj-$part-$(variant_of "$part")" || return
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
	*Kconfig*) kernel_make "$_TREE" "$obj" "$part" olddefconfig || return ;;
	esac
	case $part in
	# Low core is at address 0 there, which GCC 12 takes for an array without bytes.
	s390) flags="-Werror -Wno-error=stringop-overread -Wno-error=array-bounds" ;;
	esac
	kernel_make "$_TREE" "$obj" "$part" KCFLAGS="$flags" "${targets[@]}" || return
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
	local arch=$1 source=$2 log=$3 dir=$_WORK/tests-$1 cross
	cross=$(kernel_cross "$arch")
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -al "$source/tools" "$source/scripts" "$dir/"
	env -u MAKEFLAGS -u KBUILD_OUTPUT -u CFLAGS LDFLAGS=-static make ARCH="$arch" \
		CROSS_COMPILE="$cross" -j"$JOBS" -C "$dir/tools/testing/selftests/kvm" O= \
		INSTALL_HDR_PATH="$_WORK/headers-$arch" KSFT_KHDR_INSTALL_DONE=1 >"$log" 2>&1
}

# build_tests PART FILE...: the selftests compile, with no warning that the
# base's own do not have (-Werror is no measure: those have some).
build_tests() {
	local arch=${1#tests-} log=$_WORK/tests-$1.out new
	shift
	if [ ! -d "$_WORK/headers-$arch" ] || [[ " $* " = */uapi/* ]]; then
		rm -rf "$_WORK/headers-$arch"
		kernel_make "$_TREE" "obj-$arch-headers" "$arch" headers_install \
			INSTALL_HDR_PATH="$_WORK/headers-$arch.new" || return
		mv "$_WORK/headers-$arch.new" "$_WORK/headers-$arch"
	fi
	if [ ! -f "$_WORK/warnings-$arch" ]; then
		make_tests "$arch" "$_BASE" "$log" || { cat "$log"; return 1; }
		warnings "$log" >"$_WORK/warnings-$arch.new"
		mv "$_WORK/warnings-$arch.new" "$_WORK/warnings-$arch"
	fi
	make_tests "$arch" "$_TREE" "$log" || { cat "$log"; return 1; }
	new=$(warnings "$log" | comm -13 "$_WORK/warnings-$arch" - | head -n 1)
	[ -z "$new" ] || { echo "${new%%: *}: error: new warning: ${new#*: }"; return 1; }
}

# build_part PART FILE...: build what the files affect; its log is
# PART.log of the work folder.
build_part() {
	local part=$1
	case $part in
	tests-*) build_tests "$@" ;;
	*) build_objects "$@" ;;
	esac >"$_WORK/$part.log" 2>&1 </dev/null
}

# first_error PART: the line of its log that says why.
first_error() {
	grep -m1 -E '(^|[ :])(fatal )?error:|undefined reference|\*\*\* |No rule' "$_WORK/$1.log" ||
		tail -n 1 "$_WORK/$1.log"
}

# fresh_tree: the work tree without any patch. The objects in it stay, so each file that
# any patch ever touched here is put back with the time of now: make then
# compiles again what was last compiled from a patched one.
fresh_tree() {
	local f stamp
	stamp="$_BASE $(cat "$_BASE/.base" 2>/dev/null || true)"
	if [ "$(cat "$_WORK/stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$_WORK"
		mkdir -p "$_WORK"
		share "$_BASE" "$_TREE"
		: >"$_WORK/touched"
		echo "$stamp" >"$_WORK/stamp"
	fi
	sort -u -o "$_WORK/touched" "$_WORK/touched"
	while read -r f; do
		if [ ! -f "$_BASE/$f" ]; then
			rm -f "$_TREE/$f"
		elif ! cmp -s "$_BASE/$f" "$_TREE/$f"; then
			mkdir -p "$(dirname "$_TREE/$f")"
			cp --remove-destination "$_BASE/$f" "$_TREE/$f"
			chmod u+w "$_TREE/$f"
		fi
	done <"$_WORK/touched"
	rm -rf "$_WORK"/headers-* "$_WORK"/warnings-*
}

# patch_tree PATCH [OPTION]: a patch of the work folder, zero fuzz, no questions, no backups.
patch_tree() {
	(cd "$_TREE" && patch -p1 -F0 -f -s --no-backup-if-mismatch -r - ${2:+"$2"}) <"$_WORK/$1"
}
