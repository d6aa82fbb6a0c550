# scripts/src/tools.mk - how a host tool is made of its sources: flags, and when it is old.
#
# Usage:   included at the end of a Makefile that names the tools and their sources:
#          scripts/src/Makefile, ci/verdict/Makefile. For a tool there is scripts/lib/build-tool
# Inputs:  tools, and for each TOOL of them sources-TOOL and libraries-TOOL;
#          of the command line: OUT  the folder that tools go to, SANITIZED=1
# Outputs: OUT/TOOL, by rename; the target `sources` prints the sources, one a line
CC := gcc
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror
ifdef SANITIZED
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all
endif
folders := . $(dir $(foreach t,$(tools),$(sources-$t)))
all_need := $(sort $(MAKEFILE_LIST) $(wildcard $(folders:%=%/*.h)))

.PHONY: all sources
all: $(tools:%=$(OUT)/%)
sources:
	@printf '%s\n' $(sort $(foreach t,$(tools),$(sources-$t)))

.SECONDEXPANSION:
$(tools:%=$(OUT)/%): $(OUT)/%: $$(sources-$$*) $(all_need)
	@$(CC) $(CFLAGS) -o $@.new $(filter %.c,$^) $(libraries-$*)
	@mv $@.new $@
