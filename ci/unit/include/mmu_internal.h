/* SPDX-License-Identifier: GPL-2.0 */
/* Stand-in: all that is needed is in linux/kvm_host.h beside it. */
#include <linux/kvm_host.h>
