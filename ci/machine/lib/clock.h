/* SPDX-License-Identifier: GPL-2.0 */
/* ci/machine/lib/clock.h - time that only goes on, in ms. */
#ifndef CLOCK_H
#define CLOCK_H

long now_ms(void);

#endif
