# shellcheck shell=bash
# ci/tests/lib/made-up-kernel.sh - a made-up kernel that builds: five files, and the
# targets that ci/build-kernel and ci/bisect call, with the real compilers.
#
# Usage:   . ci/tests/lib/made-up-kernel.sh      after tap.sh
# Outputs: $B, the kernel's tree; compile caches and results below $TMP
# Exit codes: none of its own

need_packages gcc libc6-dev make ccache diffutils patch patchutils gcc-aarch64-linux-gnu
export TDP_BUILD=$TMP/build CCACHE_DIR=$TMP/ccache

B=$TMP/base
mkdir -p "$B"/{arch/{x86,arm64}/kvm,virt/kvm,include/linux,scripts/kconfig,tools/testing/selftests/kvm}
cat >"$B/Makefile" <<'END'
tinyconfig openeuler_defconfig:
	mkdir -p $(O)
	: >$(O)/.config
olddefconfig prepare headers_install:
	mkdir -p $(O) $(if $(INSTALL_HDR_PATH),$(INSTALL_HDR_PATH))
m32-i386 := -m32
dirs := arch/x86/kvm arch/arm64/kvm
.SECONDEXPANSION:
$(addsuffix /,$(dirs)): $$(addprefix $(O)/,$$(patsubst %.c,%.o,$$(wildcard $$@*.c virt/kvm/*.c)))
	@mkdir -p $(O)/$@
	rm -f $(O)/$@built-in.a
	ar rcsT $(O)/$@built-in.a $(filter-out $(if $(filter i386,$(ARCH)),%/wide.o),$^)
$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(wildcard slow),sleep 3)
	$(CC) $(m32-$(ARCH)) -Wall $(KCFLAGS) -Iinclude -MMD -ffreestanding -c -o $@ $<
fs/proc/etmem_scan.o: $(O)/fs/proc/etmem_scan.o
	@:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
END
cat >"$B/scripts/kconfig/merge_config.sh" <<'END'
#!/bin/sh
shift 4
cat "$@" >.config
END
chmod +x "$B/scripts/kconfig/merge_config.sh"
touch "$B/Kconfig"
printf 'VERSION = 5\n' >"$B/VERSION"
printf '#define LIMIT 4\nint walk(int n);\nint wide(int n);\n' >"$B/include/linux/kvm_host.h"
printf '#include <linux/kvm_host.h>\n\nint walk(int n)\n{\n\treturn n + LIMIT;\n}\n\nint last;\n' >"$B/arch/x86/kvm/mmu.c"
printf '#include <linux/kvm_host.h>\n\nint wide(int n)\n{\n\treturn n;\n}\n' >"$B/arch/x86/kvm/wide.c"
printf '#include <linux/kvm_host.h>\n\nint walk(int n)\n{\n\treturn n;\n}\n' >"$B/arch/arm64/kvm/mmu.c"
printf '#include <linux/kvm_host.h>\n\nint main_loop(void)\n{\n\treturn walk(1);\n}\n' >"$B/virt/kvm/kvm_main.c"
# shellcheck disable=SC2016 # for make
printf 'all:\n\t$(CROSS_COMPILE)gcc -Wall -O2 -c -o /dev/null test.c\n' >"$B/tools/testing/selftests/kvm/Makefile"
printf 'int t(void)\n{\n\tint unused;\n\treturn 0;\n}\n' >"$B/tools/testing/selftests/kvm/test.c"
