#!/usr/bin/env bash
# ci/tests/dry-run-users.sh - test of what the dry run says of the users of what the
# series changes (scripts/find-users).
#
# Usage:   ci/tests/dry-run-users.sh
# Inputs:  the scripts as they are, a made-up series and tree
# Outputs: TAP on stdout
# Exit codes: 0 every test passed, 1 one failed, 5 packages missing

# shellcheck source-path=SCRIPTDIR source=lib/tap.sh
. "$(dirname "$(readlink -f "$0")")/lib/tap.sh"
# shellcheck source-path=SCRIPTDIR source=lib/made-up-users.sh
. "$TOP/ci/tests/lib/made-up-users.sh"
need_packages quilt patch patchutils gcc libc6-dev

# Files that the series touches: only the dry run looks, at what it has left there.
touched() {
	fresh
	printf 'void extra(struct kvm *kvm)\n{\n\tspin_lock(&kvm->mmu_lock);\n\tkvm_resolve(kvm, 2);\n\tlockdep_assert_held(&kvm->mmu_lock);\n}\n' >>"$tree/arch/x86/kvm/mmu.c"
	none "$tree" || return
	cat >"$TMP/want" <<-END
		arch/x86/kvm/mmu.c:13: spin_lock()$lock write_lock() ($R) (the line is that of the patched file)
		arch/x86/kvm/mmu.c:14: kvm_resolve(): it was \`int (struct kvm *, gfn_t)\` and becomes \`int (struct kvm *, gfn_t, bool *)\` ($P) (the line is that of the patched file)
	END
	expect 1 '^3 patches: 0 applied, 3 apply, ' "$project/scripts/apply-series" --dry-run "$tree" &&
		diff -u "$TMP/want" <(grep -E '^arch' "$TMP/.out")
}

dry_run() {
	fresh
	expect 0 '^find-users: 0 users ' "$project/scripts/apply-series" --dry-run "$tree" || return
	user mm/memory.c <<<'void f(void) { mm_change(1); }'
	expect 1 '^mm/memory.c:1: ' "$project/scripts/apply-series" --dry-run "$tree" &&
		expect 0 '^2 patches: 0 applied, 2 apply, ' "$project/scripts/apply-series" --dry-run --until rwlock-rcu "$tree" &&
		expect 2 'no milestone and no patch' "$project/scripts/apply-series" --dry-run --until none "$tree"
}

check "what is left in files that the series touches" touched
check "the dry run says it, and fails" dry_run
tap_end
