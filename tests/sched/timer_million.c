/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/timer_million.c -- a million pending timers
 *
 *   timer_million [TIMERS] [SLEEPERS]
 *
 * TIMERS timers, each with its own channel, all pending together with SLEEPERS
 * goroutines in mw_sleep.  Half the timers are stopped; the others all fire,
 * none early; so do the sleepers.  One goroutine selects over the timers in
 * groups, so that they do enter the heap.
 */
#include "check.h"

#define MS 1000000LL
enum { GROUP = 100 };

typedef struct pending {
  mw_timer **t;
  int64_t *due;
  long n;
  _Atomic long fired, slept;
  mw_waitgroup wg;
  int64_t until;
} pending;

typedef struct group {
  pending *p;
  long first;
} group;

/* Wait for the odd timers of a group, in whatever order they come. */
static void wait_group(void *arg) {
  group *me = arg;
  pending *p = me->p;
  mw_case *cases = mw_make(mw_case, GROUP / 2);
  int64_t *ticks = mw_make(int64_t, GROUP / 2);
  for (int i = 0; i < GROUP / 2; i++)
    cases[i] = mw_case_recv(p->t[me->first + 2 * i + 1]->c, &ticks[i]);
  for (int left = GROUP / 2; left > 0; left--) {
    int i = mw_select(cases, GROUP / 2);
    CHECK(ticks[i] >= p->due[me->first + 2 * i + 1]);
    cases[i].chan = NULL;
    p->fired++;
  }
  mw_waitgroup_done(&p->wg);
}

static void sleep_until(void *arg) {
  pending *p = arg;
  mw_sleep(p->until - mw_nanotime());
  CHECK(mw_nanotime() >= p->until);
  p->slept++;
  mw_waitgroup_done(&p->wg);
}

int main(int argc, char **argv) {
  check_start();
  pending *p = mw_new(pending);
  p->n = arg_or(argc, argv, 1, 1000000) / GROUP * GROUP;
  long sleepers = arg_or(argc, argv, 2, 20000);
  p->t = mw_make(mw_timer *, (size_t)p->n);
  p->due = mw_make(int64_t, (size_t)p->n);
  rng g = rng_for(1);
  int64_t start = mw_nanotime();
  for (long i = 0; i < p->n; i++) {
    int64_t ns = 500 * MS + (int64_t)(rng_next(&g) % (1000 * MS));
    p->due[i] = mw_nanotime() + ns;
    p->t[i] = mw_timer_new(ns);
  }
  int64_t made = mw_nanotime();
  p->until = start + 1000 * MS;
  mw_waitgroup_add(&p->wg, (int)(sleepers + p->n / GROUP));
  for (long i = 0; i < sleepers; i++) mw_go(sleep_until, p);
  for (long i = 0; i < p->n; i += GROUP) {
    group *me = mw_new(group);
    me->p = p;
    me->first = i;
    mw_go(wait_group, me);
  }
  int64_t waiting = mw_nanotime();
  for (long i = 0; i < p->n; i += 2) (void)mw_timer_stop(p->t[i]);
  mw_waitgroup_wait(&p->wg);
  CHECK_EQ(p->fired, p->n / 2);
  CHECK_EQ(p->slept, sleepers);
  for (long i = 0; i < p->n; i += 2) CHECK_EQ(mw_chan_len(p->t[i]->c), 0);
  printf("ok: made in %lld ms, waited for from %lld ms, all done at %lld ms\n",
         (long long)((made - start) / MS), (long long)((waiting - start) / MS),
         (long long)((mw_nanotime() - start) / MS));
  return 0;
}
