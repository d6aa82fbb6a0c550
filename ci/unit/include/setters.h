/* SPDX-License-Identifier: GPL-2.0 */
/*
 * setters.h - what the tree's atomic setters return, and what they leave in the iterator
 * when somebody else was faster: see setters() of ci/unit/lib.sh.
 */
#ifndef SETTERS_H
#define SETTERS_H

#ifdef SETTERS_SAY_BUSY		/* 3e72c791fd33 */
typedef int set_result;
#define SET	0
#define NOT_SET	(-16)		/* -EBUSY */
#else
typedef bool set_result;
#define SET	true
#define NOT_SET	false
#endif

#ifdef SETTERS_LOOK_AGAIN	/* 3255530ab191 */
#define look_again(iter) ((iter)->old_spte = *(iter)->sptep)
#else
#define look_again(iter) ((void)(iter))
#endif

#endif
