// SPDX-License-Identifier: GPL-2.0
/*
 * lock-sim.c - threads that share one lock, event by event.
 *
 * The lock is as the kernel's queued spinlock and queued rwlock (kernel/locking/qrwlock.c):
 * who cannot have it at once waits in a queue, first come, first served; readers share it,
 * but those who come when a writer waits are behind it. In the kernel a reader that comes
 * while other readers leave the queue need not go to its end; here it has to.
 *
 * Whoever asks for the lock, gets it after a wait, or gives it back needs the lock's cache
 * line. One CPU has it at a time; those that want it get it one after the other.
 */
#include "lock-sim.h"
#include "base.h"

#include <stdlib.h>
#include <string.h>

enum event { ASKS, HAS_ASKED, HOLDS, ENDS, HAS_GIVEN };

struct thread {
	struct crowd *crowd;
	enum event next;
	ticks at, order;		/* of equal times the event planned first is first */
	ticks asked, left, outside;
	bool second;			/* of two times that are outside */
};

static struct {
	struct thread *thread, **heap, **queue;
	size_t nr, planned, waiting, first;
	const struct thread *line_of;
	ticks transfer, line_free, order, unfinished, seed;
	unsigned int readers;
	bool writer, vary;
} s;

static bool before(size_t i, size_t j)
{
	const struct thread *a = s.heap[i], *b = s.heap[j];

	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void swap(size_t i, size_t j)
{
	struct thread *t = s.heap[i];

	s.heap[i] = s.heap[j];
	s.heap[j] = t;
}

/* s.heap is a binary heap from 1 on: nobody is before the one at half its index. */
static void plan(struct thread *t, enum event next, ticks at)
{
	size_t i = ++s.planned;

	t->next = next;
	t->at = at;
	t->order = s.order++;
	for (s.heap[i] = t; i > 1 && before(i, i / 2); i /= 2)
		swap(i, i / 2);
}

static struct thread *first_planned(void)
{
	struct thread *t = s.heap[1];
	size_t i = 1, child;

	s.heap[1] = s.heap[s.planned--];
	while ((child = 2 * i) <= s.planned) {
		child += child < s.planned && before(child + 1, child);
		if (!before(child, i))
			break;
		swap(i, child);
		i = child;
	}
	return t;
}

/* When t, which wants the cache line now, has it. */
static ticks line(const struct thread *t, ticks now)
{
	bool elsewhere = s.line_of && s.line_of != t;

	s.line_of = t;
	if (!elsewhere)
		return now;
	s.line_free = (s.line_free > now ? s.line_free : now) + s.transfer;
	return s.line_free;
}

static bool can_have(const struct thread *t)
{
	return !s.writer && (t->crowd->lock_for == FOR_READ || !s.readers);
}

static void take(const struct thread *t)
{
	if (t->crowd->lock_for == FOR_READ)
		s.readers++;
	else
		s.writer = true;
}

static void give(const struct thread *t)
{
	if (t->crowd->lock_for == FOR_READ)
		s.readers--;
	else
		s.writer = false;
	while (s.waiting && can_have(s.queue[s.first])) {
		struct thread *next = s.queue[s.first];

		s.first = (s.first + 1) % s.nr;
		s.waiting--;
		take(next);
		plan(next, HOLDS, line(next, t->at));
	}
}

/*
 * Times that vary come in pairs that have the mean: threads that do equally much only differ
 * in when they do it. The generator is that of Knuth's MMIX, without its lower bits.
 */
static ticks outside(struct thread *t)
{
	ticks mean = t->crowd->outside;

	if (!s.vary)
		return mean;
	t->second = !t->second;
	if (!t->second)
		return 2 * mean - t->outside;
	s.seed = s.seed * 6364136223846793005ULL + 1442695040888963407ULL;
	t->outside = (s.seed >> 40) * (2 * mean + 1) >> 24;
	return t->outside;
}

static void holds(struct thread *t)
{
	ticks waited = t->at - t->asked;

	t->crowd->waited += waited;
	if (waited > t->crowd->longest)
		t->crowd->longest = waited;
	plan(t, ENDS, t->at + t->crowd->held);
}

static void again(struct thread *t)
{
	struct crowd *c = t->crowd;

	c->done++;
	c->end = t->at;
	if (c->times && !--t->left) {
		s.unfinished--;
		return;
	}
	if (s.unfinished)
		plan(t, ASKS, t->at + outside(t));
}

static void happens(struct thread *t)
{
	switch (t->next) {
	case ASKS:
		t->asked = t->at;
		plan(t, HAS_ASKED, line(t, t->at));
		break;
	case HAS_ASKED:
		if (s.waiting || !can_have(t)) {
			s.queue[(s.first + s.waiting++) % s.nr] = t;
			break;
		}
		take(t);
		/* fall through */
	case HOLDS:
		holds(t);
		break;
	case ENDS:
		plan(t, HAS_GIVEN, line(t, t->at));
		break;
	case HAS_GIVEN:
		give(t);
		again(t);
		break;
	}
}

void lock_simulate(struct crowd *crowd, size_t nr, ticks transfer, bool vary)
{
	struct thread *t;
	unsigned int j;
	size_t i;

	memset(&s, 0, sizeof(s));
	s.transfer = transfer;
	s.vary = vary;
	for (i = 0; i < nr; i++)
		s.nr += crowd[i].nr;
	s.thread = xrealloc(NULL, s.nr, sizeof(*s.thread));
	s.heap = xrealloc(NULL, s.nr + 1, sizeof(*s.heap));
	s.queue = xrealloc(NULL, s.nr, sizeof(*s.queue));
	for (t = s.thread, i = 0; i < nr; i++) {
		struct crowd *c = &crowd[i];

		c->end = c->longest = c->waited = c->done = 0;
		s.unfinished += c->times ? c->nr : 0;
		for (j = 0; j < c->nr; j++, t++) {
			*t = (struct thread){ .crowd = c, .left = c->times };
			plan(t, ASKS, outside(t));
		}
	}
	while (s.planned)
		happens(first_planned());
	free(s.thread);
	free(s.heap);
	free(s.queue);
}
