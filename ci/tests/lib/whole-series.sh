# shellcheck shell=bash disable=SC2034
# ci/tests/lib/whole-series.sh - a copy of the project with the whole series, and the
# files of the base that it touches, for tests of the tools on all of it.
#
# Usage:   . ci/tests/lib/whole-series.sh     after tap.sh; ends the test with a skip
#          when there is no base to be had
# Inputs:  TDP_ALL  not empty: all of the series; else its first two milestones
#          series, patches/, scripts/; of the base (scripts/fetch-base) the files
#          that the series touches: git on a whole kernel tree takes a minute and
#          changes nothing for the others
# Outputs: $P the copy of the project, $PRISTINE the files, PATCHES all patches;
#          TOP is the copy from then on, results of tools go below $TMP
# Exit codes: none of its own

# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/lib source=../../../scripts/lib/series.sh
. "$TOP/scripts/lib/series.sh"
need_packages git quilt patch patchutils gcc libc6-dev
unset "${!GIT_@}"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$TMP/gitconfig
git config --file "$TMP/gitconfig" user.name Somebody
git config --file "$TMP/gitconfig" init.templateDir ''
git config --file "$TMP/gitconfig" user.email somebody@example.org
P=$TMP/project
PRISTINE=$TMP/pristine
if ! base=$("$TOP/scripts/fetch-base" 2>"$TMP/why"); then
	skip "the whole series" "no base: $(tail -n 1 "$TMP/why")"
	tap_end
	exit
fi
export TDP_BUILD=$TMP/build
mkdir "$P" "$PRISTINE"
cp -r "$TOP"/{scripts,patches,series,upstream-map.csv} "$P"
if [ -z "${TDP_ALL-}" ]; then
	rm -r "$P"/patches/{parallel-faults,leak-unsync-fixes,default-on}
	sed -i '/^# milestone: parallel-faults$/,$d; /^\(#stable: \)\?patches\/parallel-faults\//,$d' "$P"/{series,patches/stable.series}
	"$P/scripts/derive-series" >/dev/null
fi
TOP=$P
use_kind stable
select_patches ''
(
	cd "$base" || exit
	# shellcheck disable=SC2086 # a list of patterns
	for f in Makefile Kbuild arch/x86/kvm/Makefile $FEATURE_FILES $(touched_files "${PATCHES[@]}"); do
		[ ! -f "$f" ] || cp --parents "$f" "$PRISTINE"
	done
)

# quilted DIR: what the series makes of the files, without quilt's notes
quilted() {
	cp -r "$PRISTINE" "$1"
	"$P/scripts/apply-series" "$1" && rm -r "$1/.pc"
}
