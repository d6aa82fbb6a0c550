// SPDX-License-Identifier: GPL-2.0
/* What modinfo and depmod look at in a module, for ci/tests/build-rpm.sh. */
struct {
	unsigned long crc;
	char name[56];
} versions[] __attribute__((section("__versions"), used)) = { { CRC, "printk" } };
static const char magic[] __attribute__((section(".modinfo"), used)) =
	"vermagic=" RELEASE " SMP mod_unload";

int SYMBOL(void);

int init_module(void)
{
	return SYMBOL();
}
