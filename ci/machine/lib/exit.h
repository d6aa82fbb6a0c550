/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/exit.h - what a program of the machine exits with: kselftest's, but for 2. */
#ifndef EXIT_H
#define EXIT_H

enum { EX_PASS = 0, EX_FAIL = 1, EX_USAGE = 2, EX_SKIP = 4 };

#endif
