/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ci/machine/stress/shared.h - what host and guest of the stress share.
 *
 * The guest runs the same program; both see `struct ctl` in memory that nobody
 * drops. All times in it are counters, none is a clock.
 *
 * Tags. The first word of each page is its tag: generation and page number.
 * The host says in page_ctl what it may be:
 *   gen_begin  is raised before a change of the tag starts,
 *   gen_end    follows when the change is complete, translations flushed.
 * Whoever reads gen_end, then the tag, then gen_begin, and finds a generation
 * outside of [gen_end, gen_begin] has used a translation that was to be gone.
 *
 * Lives. A page's contents end when it is dropped or replaced: life_begin and
 * life_end are raised around it in the same way.
 *
 * Records. vCPU i owns the word i + 1 (a cache line each) of every page. It
 * stores a sequence number there, and if no life ended meanwhile and the window
 * stood open, it promises in rec[i] that whoever looks sees this number, or a
 * later one, as long as that life lasts. A write through a stale translation
 * breaks the promise.
 *
 * Windows. A region is visible in up to NR_WINDOWS places of the guest's
 * physical memory, each of them a memslot that comes and goes. An odd window
 * counter says that there is none; reads of it give ABSENT.
 */
#ifndef STRESS_SHARED_H
#define STRESS_SHARED_H

#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define PAGE		4096UL
#define CHUNK		(2UL << 20)
#define CHUNK_PAGES	(CHUNK / PAGE)
#define MAX_VCPUS	8
#define WORDS		(MAX_VCPUS + 1)
#define WORD_STEP	64
#define NR_WINDOWS	3
#define SET		8

enum { R_DATA, R_CODE, R_TWIN, NR_REGIONS };

/* Guest virtual and physical addresses are the same. */
#define CTL_GPA		0x100000000UL
#define DOOR_GPA	0xc0000000UL	/* no memslot: a store there is a call of the host */
#define CODE_GPA	0x80000000UL
#define TWIN_GPA	0xa0000000UL
#define DATA_GPA	0x40000000UL
#define DATA_GPA_2	0x2080000000UL	/* other entries of the upper tables */
#define DATA_GPA_3	0x3100000000UL
#define DUMMY_GPA	0x3900000000UL

/* What the guest says at the door. */
enum { CALL_PARK = 1, CALL_FAIL };

#define ABSENT		(~0ULL)
#define TAG_MAGIC	0xa5ULL
#define WORD_MAGIC	0x5aULL

/* 63..56 magic, 55..36 page, 35..32 vCPU, 31..0 generation or sequence */
static inline u64 make_word(u64 magic, u64 page, u64 vcpu, u32 n)
{
	return magic << 56 | (page & 0xfffff) << 36 | (vcpu & 0xf) << 32 | n;
}

/* Function in a page of the code region: mov $generation, %eax; ret */
#define CODE_OFF	0x803
#define CODE_IMM	0x804

struct page_ctl {
	u32 gen_begin, gen_end;
	u32 life_begin, life_end;
	u64 rec[MAX_VCPUS];		/* life << 32 | sequence */
};

struct window_ctl {
	u32 begin, end;			/* odd: absent */
	u64 gpa;
};

struct region_ctl {
	u32 first, pages;		/* in ctl.page[] */
	u32 windows;
	u32 twin;			/* pages look alike, for KSM: id = page % twin */
	u32 exec;			/* percent of accesses that are calls */
	u32 write;			/* percent of accesses that are stores */
	u32 weight;			/* percent of working sets that lie here */
	u32 pad;
	struct window_ctl win[NR_WINDOWS];
};

enum {
	BAD_NONE, BAD_STALE, BAD_FUTURE, BAD_PAGE, BAD_ABSENT, BAD_PRESENT,
	BAD_ZERO, BAD_LOST, BAD_CODE, BAD_WORD, NR_BAD
};

struct guest_error {
	u32 bad, region, page, window;
	u64 got, low, high;
};

struct vcpu_ctl {
	u64 steps, writes, promises, checks, calls, absent;
	u64 reads[NR_REGIONS][NR_WINDOWS];	/* that found memory, so that it was mapped */
	u32 set[SET];			/* pages at work, for the host to aim at */
	struct guest_error error;
} __attribute__((aligned(128)));

struct ctl {
	u32 pause;
	u32 vcpus;
	u64 seed;
	u32 dwell;			/* accesses before a new working set, at most */
	u32 calm;			/* execute nothing in the pages */
	struct region_ctl region[NR_REGIONS];
	struct vcpu_ctl vcpu[MAX_VCPUS];
	struct page_ctl page[];
};

static inline u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Less than n, near enough to even. */
static inline u32 below(u64 *state, u32 n)
{
	return (next_random(state) >> 32) * n >> 32;
}

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline u64 tag_id(const struct region_ctl *r, u32 page)
{
	return r->twin ? page % r->twin : page;
}

/* stress/guest.c */
void guest_main(u64 vcpu);

#endif
