// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/guest.c - what the vCPUs of the stress do.
 *
 * Runs inside the guest, without libc and without vector registers. Each vCPU
 * takes a working set of a few pages, half of the time from its own part of a
 * region, else from anywhere, and reads, writes, cross-checks and calls them in
 * random order. A small set is used for long, so that translations stay in the
 * TLB while the host changes what is below. See shared.h for what is checked.
 */
#include "shared.h"

static struct ctl *const ctl = (struct ctl *)CTL_GPA;

/* One plain access each: what may be emulated must be easy to decode. */
static u64 read_word(u64 gva)
{
	u64 v;

#if defined(__x86_64__)
	asm volatile("mov (%1), %0" : "=r"(v) : "r"(gva) : "memory");
#else
	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(gva) : "memory");
#endif
	return v;
}

static void write_word(u64 gva, u64 v)
{
#if defined(__x86_64__)
	asm volatile("mov %0, (%1)" : : "r"(v), "r"(gva) : "memory");
#else
	asm volatile("str %0, [%1]" : : "r"(v), "r"(gva) : "memory");
#endif
}

static void call_host(u64 what)
{
	write_word(DOOR_GPA, what);
}

static void __attribute__((noinline)) bad(u64 id, u32 what, u32 region, u32 page,
					  u32 window, u64 got, u64 low, u64 high)
{
	struct guest_error *e = &ctl->vcpu[id].error;

	e->region = region;
	e->page = page;
	e->window = window;
	e->got = got;
	e->low = low;
	e->high = high;
	store(&e->bad, what);
	for (;;)
		call_host(CALL_FAIL);
}

struct access {
	u64 id;
	u32 region, page, window;
	const struct region_ctl *r;
	struct page_ctl *p;
	const struct window_ctl *w;
	u64 gva;
	u32 w0, life0;
};

static void before(struct access *a)
{
	a->w0 = load(&a->w->end);
	a->life0 = load(&a->p->life_end);
}

/*
 * After a read: true if the value is one of memory. ABSENT is right when the
 * window was away or changing; anything else when it stood or was changing.
 */
static bool present(struct access *a, u64 v)
{
	u32 w1;

	fence();
	w1 = load(&a->w->begin);
	if (v == ABSENT) {
		if (w1 == a->w0 && !(w1 & 1))
			bad(a->id, BAD_ABSENT, a->region, a->page, a->window, v, a->w0, w1);
		ctl->vcpu[a->id].absent++;
		return false;
	}
	if (w1 == a->w0 && (w1 & 1))
		bad(a->id, BAD_PRESENT, a->region, a->page, a->window, v, a->w0, w1);
	ctl->vcpu[a->id].reads[a->region][a->window]++;
	return true;
}

static void check_tag(struct access *a)
{
	u32 gen0 = load(&a->p->gen_end), gen1, gen;
	u64 v = read_word(a->gva);

	if (!present(a, v))
		return;
	gen1 = load(&a->p->gen_begin);
	ctl->vcpu[a->id].checks++;
	if (!v) {
		if (load(&a->p->life_begin) == a->life0)
			bad(a->id, BAD_ZERO, a->region, a->page, a->window, v, gen0, gen1);
		return;
	}
	gen = v;
	if (v != make_word(TAG_MAGIC, tag_id(a->r, a->page), 0, gen))
		bad(a->id, BAD_PAGE, a->region, a->page, a->window, v, gen0, gen1);
	if ((s32)(gen - gen0) < 0)
		bad(a->id, BAD_STALE, a->region, a->page, a->window, v, gen0, gen1);
	if ((s32)(gen1 - gen) < 0)
		bad(a->id, BAD_FUTURE, a->region, a->page, a->window, v, gen0, gen1);
}

static void write_own(struct access *a, u32 seq)
{
	u32 life1, w1;

	write_word(a->gva + (a->id + 1) * WORD_STEP,
		   make_word(WORD_MAGIC, a->page, a->id, seq));
	fence();
	life1 = load(&a->p->life_begin);
	w1 = load(&a->w->begin);
	ctl->vcpu[a->id].writes++;
	if (life1 == a->life0 && w1 == a->w0 && !(w1 & 1)) {
		store(&a->p->rec[a->id], (u64)life1 << 32 | seq);
		ctl->vcpu[a->id].promises++;
	}
}

/* What another vCPU, or this one, has promised is there. */
static void check_other(struct access *a, u32 other)
{
	u64 rec = load(&a->p->rec[other]);
	u64 v = read_word(a->gva + (other + 1) * WORD_STEP);

	if (!present(a, v))
		return;
	ctl->vcpu[a->id].checks++;
	if (v && v != make_word(WORD_MAGIC, a->page, other, (u32)v))
		bad(a->id, BAD_WORD, a->region, a->page, a->window, v, rec, other);
	if (rec && (u32)(rec >> 32) == load(&a->p->life_begin) &&
	    (!v || (s32)((u32)v - (u32)rec) < 0))
		bad(a->id, BAD_LOST, a->region, a->page, a->window, v, rec, other);
}

/* The page's function tells its generation: translations for fetches. */
static void check_code(struct access *a)
{
#if defined(__x86_64__)
	u32 gen0 = load(&a->p->gen_end), gen1, gen;
	u64 where = a->gva + CODE_OFF;

	asm volatile("call *%1" : "=a"(gen) : "r"(where) : "memory");
	fence();
	gen1 = load(&a->p->gen_begin);
	ctl->vcpu[a->id].calls++;
	if ((s32)(gen - gen0) < 0 || (s32)(gen1 - gen) < 0)
		bad(a->id, BAD_CODE, a->region, a->page, a->window, gen, gen0, gen1);
#else
	check_tag(a);
#endif
}

static u32 pick_region(u64 *rnd)
{
	u32 n = below(rnd, 100), i;

	for (i = 0; i < NR_REGIONS - 1; i++) {
		if (n < ctl->region[i].weight)
			return i;
		n -= ctl->region[i].weight;
	}
	return i;
}

void guest_main(u64 id)
{
	struct vcpu_ctl *me = &ctl->vcpu[id];
	u64 rnd = ctl->seed + id * 0x1234567ULL;
	struct access a;		/* no initializer: that may call memset() */
	u32 seq = 1, n, i, what;

	a.id = id;
#if defined(__x86_64__)
	/*
	 * Nobody raises an interrupt here. But for one of the host Bochs ends a
	 * guest only if that has interrupts enabled, or does something else
	 * that the host has to see.
	 */
	asm volatile("sti");
#endif

	for (;;) {
		u32 size = 1 + below(&rnd, SET), part, first;

		a.region = pick_region(&rnd);
		a.r = &ctl->region[a.region];
		part = a.r->pages / ctl->vcpus;
		first = a.r->first;
		for (i = 0; i < SET; i++)
			store(&me->set[i], next_random(&rnd) & 1 ?
			      first + part * (u32)id + below(&rnd, part) :
			      first + below(&rnd, a.r->pages));

		n = 1 + below(&rnd, ctl->dwell);
		while (n--) {
			me->steps++;
			if (load(&ctl->pause))
				call_host(CALL_PARK);
			a.window = below(&rnd, a.r->windows);
			a.w = &a.r->win[a.window];
			a.page = me->set[below(&rnd, size)];
			a.p = &ctl->page[a.page];
			a.gva = a.w->gpa + (a.page - a.r->first) * PAGE;
			before(&a);
			if ((a.w0 & 1) && below(&rnd, 8))
				continue;
			what = below(&rnd, 100);
			if (what < a.r->exec && !load(&ctl->calm)) {
				check_code(&a);
			} else if (what < a.r->exec + a.r->write) {
				write_own(&a, seq++);
			} else if (what & 1) {
				check_tag(&a);
			} else {
				check_other(&a, below(&rnd, ctl->vcpus));
			}
		}
	}
}
