/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/test_timers_threads.c -- arming against running, cleaning and moving
 *
 * Threads arm and disarm timers in any heap while others run the heaps, and
 * one moves entries between them.  As with a channel, a timer's owner and its
 * fire function are kept apart by a lock of the timer's own.  No wish is ever
 * forgotten [TM2]: when everyone has stopped and the clock has passed all
 * deadlines, every timer that was armed has fired.  Runs under TSan too.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/thread.h"
#include "sched/timer.h"

enum { HEAPS = 3, ARMERS = 3, RUNNERS = 2, TIMERS = 300, OPS = 60000 };

struct timer {
  struct mwi_timer t;
  pthread_mutex_t lock;
  long armed, fired, cancelled; /* under lock */
};

static struct mwi_timers *heaps[HEAPS];
static struct timer timers[ARMERS][TIMERS];
static _Atomic int64_t now;
static _Atomic int armers_left;

static __thread uint64_t seed;
static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

/* ---- What the scheduler and gc/barrier.c provide ----------------------- */

struct mwi_timers *mwi_timers_mine(void) {
  return heaps[next_random() % HEAPS];
}
void mwi_timer_notify(int64_t when) {
  (void)when;
}
void mwi_shade_slow(uintptr_t p) {
  (void)p;
}

/* ---- The test ---------------------------------------------------------- */

static void fire(struct mwi_timer *t, int64_t at) {
  struct timer *x = MWI_CONTAINER(t, struct timer, t);
  pthread_mutex_lock(&x->lock);
  int64_t want = mwi_load_relaxed(&t->want);
  if (want != 0 && want <= at) {
    mwi_timer_disarm(t);
    x->fired++;
  } else if (want != 0) {
    mwi_timer_arm(t, want);
  }
  pthread_mutex_unlock(&x->lock);
}

static void *armer(void *arg) {
  struct timer *mine = arg;
  mwi_test_thread_init();
  seed = (uintptr_t)arg * 2654435761u | 1;
  for (int i = 0; i < OPS; i++) {
    struct timer *x = &mine[next_random() % TIMERS];
    pthread_mutex_lock(&x->lock);
    bool was = mwi_load_relaxed(&x->t.want) != 0;
    if (next_random() % 3 == 0) {
      x->cancelled += was;
      mwi_timer_disarm(&x->t);
    } else {
      if (!was) x->armed++;
      mwi_timer_arm(&x->t, mwi_load_relaxed(&now) + 1 + (int64_t)(next_random() % 3000));
    }
    pthread_mutex_unlock(&x->lock);
    if (i % 4 == 0) mwi_add_relaxed(&now, 1);
  }
  mwi_sub_acqrel(&armers_left, 1);
  return NULL;
}

static bool all_empty(void) {
  for (int i = 0; i < HEAPS; i++)
    if (mwi_timers_next(heaps[i]) != INT64_MAX) return false;
  return true;
}

static void *runner(void *arg) {
  mwi_test_thread_init();
  seed = (uintptr_t)arg * 40503u + 12345;
  for (;;) {
    bool last = mwi_load_acquire(&armers_left) == 0;
    if (last) mwi_add_relaxed(&now, 10000);
    for (int i = 0; i < HEAPS; i++) (void)mwi_timers_run(heaps[i], mwi_load_relaxed(&now));
    if (arg == NULL && !last && next_random() % 64 == 0)
      mwi_timers_move(heaps[0], heaps[1 + next_random() % (HEAPS - 1)]);
    if (last && all_empty()) return NULL;
  }
}

static void no_wish_is_forgotten(void **state) {
  (void)state;
  pthread_t t[ARMERS + RUNNERS];
  mwi_store_relaxed(&now, 1000);
  mwi_store_relaxed(&armers_left, ARMERS);
  for (int i = 0; i < HEAPS; i++) heaps[i] = mwi_timers_new();
  for (int a = 0; a < ARMERS; a++)
    for (int i = 0; i < TIMERS; i++) {
      timers[a][i].t.fire = fire;
      pthread_mutex_init(&timers[a][i].lock, NULL);
    }
  for (int i = 0; i < ARMERS; i++) pthread_create(&t[i], NULL, armer, timers[i]);
  for (int i = 0; i < RUNNERS; i++)
    pthread_create(&t[ARMERS + i], NULL, runner, (void *)(uintptr_t)i);
  for (int i = 0; i < ARMERS + RUNNERS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < HEAPS; i++) mwi_timers_check(heaps[i]);
  for (int a = 0; a < ARMERS; a++)
    for (int i = 0; i < TIMERS; i++) {
      struct timer *x = &timers[a][i];
      if (mwi_load_relaxed(&x->t.want) != 0) fail_msg("timer %d.%d was forgotten", a, i);
      assert_int_equal(x->armed, x->fired + x->cancelled);
    }
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_wish_is_forgotten)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
