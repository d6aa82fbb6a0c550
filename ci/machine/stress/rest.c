// SPDX-License-Identifier: GPL-2.0
/*
 * ci/machine/stress/rest.c - the threads of a round: they start, rest and end.
 *
 * A thread rests between two operations, when all are to. One that has ended is not
 * waited for. Who waits tells a machine that is slow from one that hangs by movement():
 * as long as that is not the same for STILL looks, a second apart, somebody gets on,
 * and REST_S is the limit. Looks, not seconds: where the emulator gets no CPU, who
 * looks gets none either.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define STILL		10
#define SLICE_US	20000	/* a resting worker looks up so often */

void rest_make(struct vm *vm)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&vm->park_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->park_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void *thread(void *arg)
{
	struct worker *me = arg;
	struct vm *vm = me->vm;

	prctl(PR_SET_NAME, me->name);
	me->tid = syscall(SYS_gettid);
	me->fn(me);
	pthread_mutex_lock(&vm->park_lock);
	me->ended = true;
	vm->threads--;
	pthread_cond_broadcast(&vm->park_cond);
	pthread_mutex_unlock(&vm->park_lock);
	return NULL;
}

void start(struct vm *vm, const char *name, u32 nr, void *(*fn)(void *arg), u64 *rnd)
{
	struct worker *w = &vm->worker[vm->workers++];
	int err;

	w->vm = vm;
	snprintf(w->name, sizeof(w->name), "%s-%u", name, nr);
	w->fn = fn;
	w->nr = nr;
	w->rnd = next_random(rnd);
	pthread_mutex_lock(&vm->park_lock);
	vm->threads++;
	pthread_mutex_unlock(&vm->park_lock);
	/* It maps the stack. */
	pthread_mutex_lock(&vm->map_lock);
	err = pthread_create(&w->thread, NULL, thread, w);
	pthread_mutex_unlock(&vm->map_lock);
	if (err)
		fail("pthread_create: %s", strerror(err));
}

void rest(struct worker *me)
{
	struct vm *vm = me->vm;

	pthread_mutex_lock(&vm->park_lock);
	vm->parked++;
	me->resting = true;
	pthread_cond_broadcast(&vm->park_cond);
	while (vm->parking)
		pthread_cond_wait(&vm->park_cond, &vm->park_lock);
	me->resting = false;
	vm->parked--;
	pthread_mutex_unlock(&vm->park_lock);
}

/* Between two operations; false: enough. */
bool worker_rest(struct worker *me, long us)
{
	struct vm *vm = me->vm;

	for (; us > 0 && !load(&vm->parking) && !vm->stop; us -= SLICE_US)
		sleep_us(us < SLICE_US ? us : SLICE_US);
	if (load(&vm->parking))
		rest(me);
	return !vm->stop;
}

/*
 * Between two operations, of which the last one began then: at least twice as
 * long as it took. While an operation is at work KVM lets no fault through, and
 * on a slow machine the vCPUs would come to nothing.
 */
bool worker_pace(struct worker *me, long began_ms, long us)
{
	long took = (now_ms() - began_ms) * 1000;

	return worker_rest(me, us > 2 * took ? us : 2 * took);
}

/* Until somebody comes to rest, or a second is over: then, true. */
static bool wait_a_second(struct vm *vm)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	return pthread_cond_timedwait(&vm->park_cond, &vm->park_lock, &until) == ETIMEDOUT;
}

void all_rest(struct vm *vm)
{
	long began = now_ms(), still = 0;
	u64 before = 0, now;

	pthread_mutex_lock(&vm->park_lock);
	store(&vm->parking, true);
	store(&vm->ctl->pause, 1);
	while (vm->parked < vm->threads) {
		if (!wait_a_second(vm) || vm->parked >= vm->threads)
			continue;
		pthread_mutex_unlock(&vm->park_lock);
		now = movement(vm);
		still = now == before ? still + 1 : 0;
		before = now;
		if (still >= STILL * patience())
			hang(vm, "nothing has moved for", still * 1000);
		if (now_ms() - began > REST_S * 1000 * patience())
			hang(vm, "this is the limit:", now_ms() - began);
		pthread_mutex_lock(&vm->park_lock);
	}
	pthread_mutex_unlock(&vm->park_lock);
	vm->n.pauses++;
}

void all_go(struct vm *vm)
{
	pthread_mutex_lock(&vm->park_lock);
	store(&vm->ctl->pause, 0);
	store(&vm->parking, false);
	pthread_cond_broadcast(&vm->park_cond);
	pthread_mutex_unlock(&vm->park_lock);
}

/* When they have been told to stop. */
void all_end(struct vm *vm)
{
	while (vm->workers)
		pthread_join(vm->worker[--vm->workers].thread, NULL);
}
