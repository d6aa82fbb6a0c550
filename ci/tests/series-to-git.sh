#!/usr/bin/env bash
# ci/tests/series-to-git.sh - test of scripts/series-to-git.
#
# Usage:   ci/tests/series-to-git.sh
# Inputs:  the scripts as they are, a made-up project and kernel tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-git.sh
. "$TOP/ci/tests/lib/made-up-git.sh"
need_packages quilt patch

# content REV: what the tree of a commit is, against directory $2
content() {
	rm -rf "$TMP/content"
	mkdir "$TMP/content"
	in_tree git archive "$1" | tar -x -C "$TMP/content"
	diff -r "$2" "$TMP/content"
}

plain_tree() {
	start
	mkdir "$TMP/tree/.pc"
	touch "$TMP/tree/.base" "$TMP/tree/ignored.o"
	echo '*.o' >"$TMP/tree/.gitignore"
	to_git "$TMP/tree" || return 1
	cp "$TMP/tree"/{.gitignore,ignored.o} "$TMP/edit/b"
	content tdp-mmu "$TMP/edit/b" && content tdp-mmu-rwlock-rcu "$TMP/edit/b" &&
		[ "$(in_tree git symbolic-ref HEAD)" = refs/heads/base ] &&
		[ "$(in_tree git rev-parse HEAD)" = "$(in_tree git rev-parse tdp-mmu-base)" ] &&
		[ "$(in_tree git log -1 --format=%s)" = 'Linux 5.10.223' ] &&
		[ -z "$(in_tree git status --porcelain)" ] &&
		[ "$(in_tree git log --format=%s tdp-mmu-iterator)" = $'KVM: two\nKVM: one\nLinux 5.10.223' ] &&
		in_tree git fsck --strict
}

like_quilt() {
	local m
	start
	to_git "$TMP/tree" || return 1
	for m in iterator rwlock-rcu; do
		rm -rf "$TMP/quilt"
		cp -r "$TMP/before" "$TMP/quilt"
		apply --until $m "$TMP/quilt" && rm -r "$TMP/quilt/.pc" && content "tdp-mmu-$m" "$TMP/quilt" || return 1
	done
}

git_clone() {
	local head
	start
	clone
	head=$(git -C "$TMP/clone" rev-parse v1)
	to_git --tag-prefix my/ "$TMP/clone" || return 1
	(
		cd "$TMP/clone"
		[ "$(git rev-parse HEAD tdp-mmu~3 my/base | uniq)" = "$head" ] && [ -z "$(git status --porcelain)" ] &&
			[ "$(git tag | paste -sd' ')" = 'my/base my/iterator my/rwlock-rcu v1' ] &&
			git switch -q tdp-mmu && diff -r -x .git "$TMP/edit/b" . && git fsck --strict
	)
}

linked_worktree() {
	start
	clone
	git -C "$TMP/clone" worktree add -q "$TMP/linked" v1
	to_git "$TMP/linked" && git -C "$TMP/clone" rev-parse -q --verify tdp-mmu-rwlock-rcu
	rm -rf "$TMP/linked"
}

header_of_patch() {
	start
	to_git "$TMP/tree" || return 1
	in_tree git cat-file commit tdp-mmu~1 | sed 1,2d >"$TMP/commit"
	local who='TDP MMU backport maintainers <tdp-mmu-backport@example.org> 1795262520 +0000'
	{
		printf 'author %s\ncommitter %s\n\n' "$who" "$who"
		sed -n '/^---$/q;3,$p' "$TMP/project/$TWO" | sed '1s/^Subject: //'
		echo "Patch-file: $TWO"
	} | diff - "$TMP/commit"
}

# The same ids whatever the user has set, and whoever runs it.
same_ids() {
	start
	echo "*.c text eol=crlf" >"$TMP/tree/.gitattributes"
	cp -r "$TMP/tree" "$TMP/again"
	to_git "$TMP/tree" >"$TMP/ids" || return 1
	mkdir -p "$TMP/other/git/hooks" "$TMP/other/git/info"
	printf '[%s]\n\t%s\n' core 'autocrlf = true' core "hooksPath = $TMP/other/git/hooks" core 'safecrlf = true' \
		core "attributesFile = $TMP/other/attributes" i18n 'commitEncoding = ISO-8859-1' \
		apply 'whitespace = error' commit 'gpgSign = true' user 'name = Else' >"$TMP/other/.gitconfig"
	echo '* text eol=crlf' >"$TMP/other/attributes"
	printf '#!/bin/sh\nexit 1\n' >"$TMP/other/git/hooks/reference-transaction"
	chmod +x "$TMP/other/git/hooks/reference-transaction"
	(
		umask 077
		HOME=$TMP/other GIT_AUTHOR_NAME=Else GIT_COMMITTER_DATE='@1 +0100' TZ=Asia/Shanghai \
			LC_ALL=C GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.eol GIT_CONFIG_VALUE_0=crlf \
			GIT_DIR=$TMP/none to_git "$TMP/again"
	) >"$TMP/ids.other" || return 1
	rm -rf "$TMP/again"
	[ -s "$TMP/ids" ] && diff "$TMP/ids" "$TMP/ids.other"
}

again() {
	start
	to_git "$TMP/tree" >"$TMP/ids" || return 1
	to_git "$TMP/tree" >"$TMP/ids.again" && diff "$TMP/ids" "$TMP/ids.again" &&
		to_git --tag-prefix x "$TMP/tree" && [ "$(in_tree git rev-parse xiterator)" = "$(in_tree git rev-parse tdp-mmu~1)" ]
}

no_diff() {
	start
	sed -i '/^---$/q' "$TMP/project/$THREE"
	to_git "$TMP/tree" && [ "$(in_tree git rev-parse 'tdp-mmu^{tree}')" = "$(in_tree git rev-parse 'tdp-mmu~1^{tree}')" ]
}

# refused PATTERN COMMAND...: after COMMAND, and nothing is left behind.
refused() {
	split_code "$1" 2
	start
	"${@:2}" || return 1
	expect "$CODE" "$PATTERN" to_git "$TMP/tree" || return 1
	[ ! -e "$TMP/tree/.git" ] || ! in_tree git for-each-ref | grep tdp-mmu || return 1
	[ -z "$(find "$TMP/tree" -name '.git.*')" ]
}
version() { sed -i 's/^PATCHLEVEL = 10/PATCHLEVEL = 15/' "$TMP/tree/Makefile"; }
feature() { echo 'tdp_ptep_t p;' >>"$TMP/tree/$MMU/tdp_mmu.c"; }
no_kernel() { rm "$TMP/tree/Kbuild"; }
built() { touch "$TMP/tree/.config"; }
quilted() { apply --until one "$TMP/tree"; }
no_hunk() { sed -i 's/^61$/other/' "$TMP/tree/$MMU/mmu.c"; }
no_hunk_clone() { no_hunk; clone; replace; }
replace() { rm -rf "$TMP/tree"; mv "$TMP/clone" "$TMP/tree"; }
changed() { clone; replace; echo x >>"$TMP/tree/$MMU/mmu.c"; }
unborn() { in_tree git init -q; }
no_date() { sed -i 2d "$TMP/project/$TWO"; }
bad_date() { sed -i '2s/.*/Date: soon/' "$TMP/project/$TWO"; }
no_separator() { sed -i 's/^---$/--/' "$TMP/project/$TWO"; }
no_patch() { rm "$TMP/project/$TWO"; }
empty() { echo '# none' | tee "$TMP/project/series" >"$TMP/project/patches/stable.series"; }
own_base() { mkdir -p "$TMP/build/base"; rm -rf "$TMP/build/base/x"; mv "$TMP/tree" "$TMP/build/base/x"; ln -sfn "$TMP/build/base/x" "$TMP/tree"; }

in_use() {
	start
	to_git "$TMP/tree" >"$TMP/ids" || return 1
	in_tree git branch -q -f tdp-mmu tdp-mmu~1
	expect 2 'the branch tdp-mmu is not this series: rename it' to_git --tag-prefix y "$TMP/tree" || return 1
	[ "$(in_tree git tag -l 'y*' | wc -l)" -eq 0 ] || return 1
	in_tree git branch -q -D tdp-mmu
	in_tree git tag -f tdp-mmu-iterator tdp-mmu-base
	expect 2 'the tag tdp-mmu-iterator is another commit' to_git "$TMP/tree" || return 1
	! in_tree git rev-parse -q --verify tdp-mmu
}

on_its_branch() {
	branch
	expect 2 'HEAD of .*/tree is the branch tdp-mmu, .*: git switch --detach tdp-mmu-base \([0-9a-f]{12}\)$' to_git "$TMP/tree" &&
		in_tree git switch -q --detach tdp-mmu-base && to_git "$TMP/tree"
}

check "a plain tree" plain_tree
check "each milestone's tag is what quilt makes" like_quilt
check "a shallow clone at a tag, another prefix" git_clone
check "a linked worktree" linked_worktree
check "a commit is the header of its patch, to the byte" header_of_patch
check "the same ids with other settings, umask and time zone" same_ids
check "again: the same; other tags beside" again
check "a patch without a diff is an empty commit" no_diff
check "another kernel version" refused 'Makefile:2: error: this is Linux 5.15' version
check "the feature is there" refused 'feature already' feature
check "no kernel tree" refused 'not a kernel tree: it has no Kbuild' no_kernel
check "a tree that was built in" refused 'has been built in \(.config' built
check "patches are applied" refused 'has 1 patches of the series' quilted
check "the project's own base" refused "is the project's own" own_base
check "a changed file in a clone" refused "$MMU/mmu.c is not as in HEAD" changed
check "a repository without a commit" refused 'has no commit' unborn
check "an empty series" refused '^patches/stable.series:1: error: there is no patch' empty
check "a missing patch" refused '^patches/stable.series:3: error: .*two.patch is missing' no_patch
check "a patch that does not apply" refused "1:^$TWO:1: error: does not apply: .*mmu.c" no_hunk
check "the same in a clone" refused "1:^$TWO:1: error: does not apply: .*mmu.c" no_hunk_clone
check "a header without a date" refused "1:^$TWO:1: error: no header" no_date
check "a date that is none" refused "1:^$TWO:2: error: git does not take" bad_date
check "no line of three dashes" refused "1:^$TWO:1: error: no line '---'" no_separator
check "unknown option" expect 2 'unknown option' to_git --tags x "$TMP/tree"
check "a prefix that no tag can have" expect 2 "no tag can begin with 'a..b'" to_git --tag-prefix a..b "$TMP/before"
check "on its own branch" on_its_branch
check "branch and tags in use are kept" in_use
tap_end
