# shellcheck shell=bash
# ci/lib/mutants.sh - the planted bugs: what their patches say, the tree with all of them,
# and the kernel that is made of it.
#
# Usage:   . ci/lib/mutants.sh       after choose_base of scripts/lib/which.sh
# Inputs:  ci/mutant-patches/NAME.patch; parameter.patch, which comes first, has no bug
# Outputs: PLANTS (the folder of the patches), LAST (the milestone), WORK (of begin_work):
#          $WORK/tree, $WORK/kernel/, and the functions below
# Exit codes: 1 a patch or a head is not in order, or the kernel does not build; 5 trouble

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../../scripts/lib source=../../scripts/lib/which.sh
. "$TOP/scripts/lib/which.sh"
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=lanes.sh
. "$TOP/ci/lib/lanes.sh"

PLANTS=$TOP/ci/mutant-patches
LAST=$(last_milestone)
WORK=''

# begin_work: sets WORK, the folder for the base chosen.
begin_work() { WORK=$BUILD/mutants${BELOW:+/${BELOW%/}}; }

short_sum() {
	sha256sum | cut -c1-12
}

all_mutants() {
	find "$PLANTS" -name '*.patch' ! -name parameter.patch -printf '%f\n' | sed 's/\.patch$//' | sort
}

# mutant_value NAME KEY: what the head says, in one line.
mutant_value() {
	sed -n '/^---/q; /^'"$2"': /,/^[^ ]/p' "$PLANTS/$1.patch" |
		sed -n "1{s/^$2: *//;p;d}; /^[^ ]/q; s/^  *//p" | paste -sd' '
}

# plants: parameter.patch and all others, in order; in front of them what lanes change in
# their kernels (--about patch).
plants() {
	local m
	for m in $(all_lanes); do
		about "$m" patch | { grep . || true; }
	done
	echo "$PLANTS/parameter.patch"
	while read -r m; do echo "$PLANTS/$m.patch"; done < <(all_mutants)
}

# is_for_base NAME: a mutant may be for one kind of base only.
is_for_base() {
	[[ $(mutant_value "$1" Base) = @(|"$BASE_KIND") ]]
}

# planted DIR: makes DIR, the files that the patches touch as they are with all of them.
planted() {
	local base p line all=()
	base=$("$TOP/scripts/prepare-tree" ${base_option[@]+"${base_option[@]}"} "$LAST") || return "$EX_HARNESS"
	rm -rf "$1"
	mkdir -p "$1"
	mapfile -t all < <(plants)
	mapfile -t all < <(lsdiff --no-filename --strip 1 "${all[@]}" | sort -u)
	(cd "$base" && cp --parents "${all[@]}" "$1/") || return "$EX_FAIL"
	chmod -R u+w "$1"
	for p in $(plants); do
		patch -d "$1" -s -p1 -F0 --no-backup-if-mismatch <"$p" >"$1.log" 2>&1 || {
			line=$(grep -m 1 FAILED "$1.log" || tail -n 1 "$1.log")
			echo "${p#"$TOP/"}:1: error: does not apply behind those before it: $line" >&2
			return "$EX_FAIL"
		}
	done
	rm -f "$1.log"
}

# check_head NAME SUITES: what is wrong, a line each.
check_head() {
	local file=$PLANTS/$1.patch key word names
	for key in Bug Harm Kinds Suites; do
		[ -n "$(mutant_value "$1" $key)" ] || echo "no '$key:' in its head"
	done
	for word in $(mutant_value "$1" Suites); do
		[[ " $2 " = *" $word "* ]] || echo "no suite '$word': $2"
	done
	word=$(mutant_value "$1" Base)
	[[ $word = @(|stable|openeuler) ]] || echo "'$word' is no kind of base: stable or openeuler"
	names=$(grep '^+' "$file" | grep -o 'kvm_mutant("[^"]*")' | sort -u) || true
	[ "$names" = "kvm_mutant(\"$1\")" ] || echo "adds ${names:-no kvm_mutant()}, not kvm_mutant(\"$1\")"
	[[ $1 =~ ^[a-z0-9-]+$ ]] || echo "a name has a-z, 0-9 and hyphens"
}

# check_plants SUITES: all heads, and that all apply; SUITES is a list of words.
check_plants() {
	local m words line bad=0 n=0
	while read -r m; do
		n=$((n + 1))
		words=$(check_head "$m" "$1")
		[ -n "$words" ] || continue
		while read -r line; do
			echo "ci/mutant-patches/$m.patch:1: error: $line" >&2
		done <<<"$words"
		bad=$EX_FAIL
	done < <(all_mutants)
	planted "$WORK/check" || bad=$?
	rm -rf "$WORK/check"
	echo "$n mutants"
	return "$bad"
}

# touched FILE...: "FILE FUNCTION" for each hunk of these patches; FUNCTION is `?` where the
# hunk's head names none, or a label.
touched() {
	local file='' line
	cat "$@" | while IFS= read -r line; do
		case $line in
		"+++ "*) file=${line#+++ ?/} file=${file%%[[:space:]]*} ;;
		"@@ "*"("*) line=${line%%(*} && echo "$file ${line##*[ *]}" ;;
		"@@ "*) echo "$file ?" ;;
		esac
	done | sort -u
}

# meets FILE FUNCTION: is that in $WORK/changed/touched?
meets() {
	grep -qxF -e "$1 $2" -e "$1 ?" "$WORK/changed/touched" ||
		{ [ "$2" = "?" ] && grep -qF -- "$1 " "$WORK/changed/touched"; }
}

# changed_since REV: the mutants in whose files and functions a patch of the series that
# was changed since then changes something, and those that were changed themselves.
changed_since() {
	local p m file function changed=$WORK/changed
	git -C "$TOP" rev-parse -q --verify "$1^{commit}" >/dev/null ||
		die "$EX_USAGE" "no commit '$1' in this project"
	mkdir -p "$changed"
	git -C "$TOP" diff --name-only "$1" -- patches ci/mutant-patches >"$changed/files"
	git -C "$TOP" ls-files -o --exclude-standard -- ci/mutant-patches >>"$changed/files"
	while read -r p; do
		case $p in
		ci/mutant-patches/*) m=${p##*/} && echo "${m%.patch}" >&3 ;;
		*)
			git -C "$TOP" show "$1:$p" 2>/dev/null || true
			[ ! -f "$TOP/$p" ] || cat "$TOP/$p"
			;;
		esac
	done <"$changed/files" 3>"$changed/own" >"$changed/patches"
	touched "$changed/patches" >"$changed/touched"
	while read -r m; do
		if grep -qxF -- "$m" "$changed/own"; then
			echo "$m"
			continue
		fi
		while read -r file function; do
			! meets "$file" "$function" || { echo "$m"; break; }
		done < <(touched "$PLANTS/$m.patch")
	done < <(all_mutants)
}

# plant_tree: $WORK/tree, whose objects stay, so that make compiles what has changed.
plant_tree() {
	local base stamp
	base=$("$TOP/scripts/prepare-tree" ${base_option[@]+"${base_option[@]}"} "$LAST") || return "$EX_HARNESS"
	stamp="$TOP $(tree_key "$base")"
	planted "$WORK/planted" || return
	if [ "$(cat "$WORK/tree.stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$WORK/tree" "$WORK/tree.stamp"
		share "$base" "$WORK/tree"
		: >"$WORK/tree.touched"
		echo "$stamp" >"$WORK/tree.stamp"
	fi
	# What no patch touches any more becomes as it was.
	(cd "$WORK/planted" && find . -type f -printf '%P\n' | sort) >"$WORK/tree.new"
	sort -u "$WORK/tree.new" "$WORK/tree.touched" | comm -23 - "$WORK/tree.new" >"$WORK/tree.gone"
	rsync -lpc --chmod=u+w --files-from="$WORK/tree.gone" "$base/" "$WORK/tree/"
	rsync -lpc --files-from="$WORK/tree.new" "$WORK/planted/" "$WORK/tree/"
	mv "$WORK/tree.new" "$WORK/tree.touched"
	{ echo "$stamp"; plants | xargs cat; } | short_sum >"$WORK/key"
}

# plant_kernel VARIANT ARCH: folder of the kernel, which has no warning.
plant_kernel() {
	local dir=$WORK/kernel/$BELOW$LAST/$2-$1 key
	key=$(cat "$WORK/key" "$TOP"/configs/* "$TOP"/scripts/lib/{merge-config,kernel.sh} | short_sum)
	if [ "$(cat "$dir/planted" 2>/dev/null)" != "$key" ]; then
		CCACHE_DIR=${CCACHE_DIR:-$BUILD/ccache} TDP_BUILD=$WORK "$TOP/ci/build-kernel" \
			${base_option[@]+"${base_option[@]}"} --tree "$WORK/tree" "$LAST" "$1" "$2" >&2 || return
		! grep -sE '^[^ ]*/(arch/[a-z0-9]+/kvm|virt/kvm|include)/.*warning:' "$dir/build.log" >&2 || return "$EX_FAIL"
		echo "$key" >"$dir/planted"
	fi
	echo "$dir"
}

# plant_sources NAME DIR: DIR, what unit tests take of a kernel tree, with that bug in
# place, or with none if NAME is `none`, and no question left.
plant_sources() {
	rm -rf "$2"
	mkdir -p "$2"
	(cd "$WORK/tree" && cp -r --parents Makefile Kbuild arch/x86/kvm arch/x86/include/asm/kvm_host.h \
		arch/arm64/kvm virt/kvm include/linux/kvm_host.h "$2/")
	grep -rlZ 'kvm_mutant("' "$2" |
		xargs -0 -r sed -i "s/kvm_mutant(\"$1\")/1/g; s/kvm_mutant(\"[^\"]*\")/0/g"
}
