# Behind the Makefile of the made-up tree, for ci/tests/build-rpm.sh: an image, two
# modules that use a symbol of it, and headers; mkspec and rpmbuild are called as
# the kernel calls them. WISH is what is to go wrong.
MAKEFLAGS += --no-print-directory
REL := $(VERSION).$(PATCHLEVEL).$(SUBLEVEL)$(if $(filter version,$(WISH)),,$(LOCALVERSION))
MODS = $(INSTALL_MOD_PATH)/lib/modules/$(REL)
HEADERS = $(INSTALL_HDR_PATH)/include
OBJ = $(CURDIR)/$(O)
SLEEP = $(if $(filter slow,$(WISH)),sleep 20)
module = gcc -c -o $(1) -DRELEASE='"$(REL)$(if $(filter vermagic,$(WISH)),x)"' -DSYMBOL=$(2) \
	-DCRC=$(if $(filter crc,$(WISH)),2,1) ../module.c

olddefconfig:
	sed -i '/CONFIG_NOT_HERE/d' $(OBJ)/.config

binrpm-pkg:
	@[ "$(WISH)" != compile ] || { echo "module.c:1: error: made up" >&2; exit 1; }
	mkdir -p $(OBJ)/include/config
	echo $(REL) >$(OBJ)/include/config/kernel.release
	printf '0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n' >$(OBJ)/Module.symvers
	echo "HdrS $(REL)$(if $(filter image,$(WISH)),y) (us@here) #1" >$(OBJ)/image
	echo "ffffffff81000000 T _text" >$(OBJ)/System.map
	echo 'int f;' | gcc -shared -nostdlib -Wl,--build-id -x c -o $(OBJ)/vmlinux -
	cd $(OBJ) && KERNELRELEASE=$(REL) srctree=.. MAKE="$(MAKE)" \
		sh ../scripts/package/mkspec prebuilt >binkernel.spec
	$(SLEEP)
	+cd $(OBJ) && rpmbuild $(RPMOPTS) --define "_builddir $(OBJ)" \
		--target $(shell uname -m) -bb binkernel.spec

image_name:
	@echo image

modules_install:
	mkdir -p $(MODS)/kernel/fs
	$(call module,$(MODS)/kernel/fs/a.ko,printk)
	$(call module,$(MODS)/kernel/fs/b.ko,$(if $(filter symbol,$(WISH)),nothing,printk))
	printf 'kernel/fs/a.ko\nkernel/fs/b.ko\n' >$(MODS)/modules.order
	[ "$(WISH)" != missing ] || rm $(MODS)/kernel/fs/b.ko
	[ "$(WISH)" != stray ] || echo 1 >$(INSTALL_MOD_PATH)/boot/stray

headers_install:
	mkdir -p $(HEADERS)/linux $(HEADERS)/asm
	for f in linux/version.h linux/kvm.h asm/kvm.h; do echo 1 >$(HEADERS)/$$f; done
	[ "$(WISH)" != headers ] || : >$(HEADERS)/linux/kvm.h
