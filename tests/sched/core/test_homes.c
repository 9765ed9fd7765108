/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_homes.c -- what a server of many connections lives by, counted
 *
 * Policies that change no result, only what it costs, so that without this only the echo
 * benchmark would tell that one is gone: when a thread that has run dry steps aside
 * (sched/aside.h), for how many goroutines of a ring it prefetches at once (runq.c), for how many
 * that became ready it wakes another thread (mwi_glist_run), and for what it leaves behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/proc.h"

/* How often it is left out before the next time, after the same has come of it n times. */
static uint32_t left_out(struct mwi_aside *a, int n, int64_t ns, uint32_t found) {
  for (int i = 0; i < n; i++) {
    while (!mwi_aside_now(a)) {
    }
    mwi_aside_judge(a, ns, found);
  }
  uint32_t k = 0;
  for (struct mwi_aside copy = *a; !mwi_aside_now(&copy);) k++;
  return k;
}

static void who_is_fed_steps_aside_each_time(void **state) { /* [AS1] */
  (void)state;
  struct mwi_aside a = {0};
  assert_int_equal(left_out(&a, 20, 3000000, 16), 0); /* a whole slice, for a batch */
  assert_int_equal(left_out(&a, 20, 20000000, 96), 0);
  assert_int_equal(left_out(&a, 20, 1000000, 1), 0); /* little, but soon */
  assert_int_equal(left_out(&a, 20, 100, 1), 0);
  /* it makes up for all that was useless before */
  assert_true(left_out(&a, 20, 3000000, 0) > 0);
  assert_int_equal(left_out(&a, 1, 3000000, 16), 0);
}

static void alone_it_is_mostly_left_out(void **state) { /* [AS2] */
  (void)state;
  struct mwi_aside a = {0};
  static const uint32_t want[] = {1, 3, 7, 15, 31, 31, 31};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++)
    assert_int_equal(left_out(&a, 1, 300, 0), want[i]);
  assert_int_equal(left_out(&a, 1, 5001, 0), 0); /* somebody was there */
}

static void beside_loops_it_is_nearly_always_left_out(void **state) { /* [AS3] */
  (void)state;
  struct mwi_aside a = {0};
  static const uint32_t want[] = {31, 93, 217, 465, 961, 1023, 1023};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++)
    assert_int_equal(left_out(&a, 1, 3000000, i % 2 ? 15 : 0),
                     want[i]); /* 15: too few for a slice */
}

static void stacks_are_prefetched_for_in_groups(void **state) {
  (void)state;
  if (__has_feature(thread_sanitizer)) skip(); /* the reads ahead are no races, but look so */
  enum { N = 40 };
  static struct mwi_g g[N];
  struct mwi_p *p = mwi_meta_alloc(sizeof *p, 64);
  for (int i = 0; i < N; i++) mwi_runq_put(p, &g[i], false);
  for (uint32_t i = 0; i < N; i++) {
    assert_ptr_equal(mwi_runq_get_ring(p), &g[i]);
    /* up to where: with the first, the group behind it; with the last of a group, the next one */
    uint32_t end = 1 + (i / MWI_EXPECTED + 1) * MWI_EXPECTED;
    assert_int_equal(p->expected, end < N ? end : N);
  }
  assert_true(MWI_EXPECTED >= 4); /* walks side by side */
}

/* In the place of m.c's: no thread comes, so nobody takes the test's goroutines.  sysmon may call
 * it too. */
static _Thread_local int wakes;
void __wrap_mwi_m_start(struct mwi_p *p, bool spinning);
void __wrap_mwi_m_start(struct mwi_p *p, bool spinning) {
  wakes++;
  mwi_idle_p_put(p);
  if (spinning) atomic_fetch_sub(&mwi_sched.nspinning, 1);
}

/* How many of `tries` times a thread is woken when n become ready. */
static int woken_for(uint32_t n, int tries) {
  static struct mwi_g g[MWI_RUNQ];
  wakes = 0;
  for (int t = 0; t < tries; t++) {
    struct mwi_glist l = {0};
    for (uint32_t i = 0; i < n; i++) {
      g[i].next = NULL;
      if (l.tail)
        l.tail->next = &g[i];
      else
        l.head = &g[i];
      l.tail = &g[i];
      l.n++;
    }
    mwi_glist_run(&l);
    while (mwi_runq_get(mwi_tcb()->p)) {
    }
  }
  return wakes;
}

static void few_that_are_ready_wake_nobody(void **state) {
  (void)state;
  mwi_attach();
  mwi_rt_enter(); /* the processor stays */
  while (!mwi_tcb()->p) {
    struct mwi_p *p = mwi_idle_p_get();
    if (p) mwi_acquire_p(mwi_self(), p);
  }
  assert_int_equal(woken_for(0, 1000), 0);
  assert_int_equal(woken_for(1, 1000), 0);
  assert_int_equal(woken_for(MWI_HELP_FROM - 1, 1000), 0);
  /* not each time: sysmon, who sees somebody wait, may be about to */
  while (!woken_for(MWI_HELP_FROM, 1000)) continue;
  while (!woken_for(96, 1000)) continue;
  assert_true(MWI_HELP_FROM > 4); /* a thread would come for less than it costs */
  mwi_rt_leave();
}

/* Does somebody wait for a descriptor?  In the place of iowait.c's. */
static _Atomic bool waited;
bool __wrap_mwi_netpoll_waited(void);
bool __wrap_mwi_netpoll_waited(void) {
  return waited;
}

/* How many of 100 processors that are handed over, with nothing to do, wake a thread. */
static int woken_for_nothing(void) {
  wakes = 0;
  for (int i = 0; i < 100; i++) {
    struct mwi_p *p;
    while (!(p = mwi_idle_p_get())) {
    }
    mwi_handoff_p(p);
  }
  return wakes;
}

/* Edges need a thread that waits for them, even where nothing else is to be done. */
static void descriptors_are_watched(void **state) {
  (void)state;
  mwi_rt_enter(); /* after the test before: this thread has one of two processors */
  assert_non_null(mwi_tcb()->p);
  waited = false;
  assert_int_equal(woken_for_nothing(), 0);
  waited = true;
  while (!woken_for_nothing()) continue;                  /* sysmon may be about to */
  mwi_store_seqcst(&mwi_sched.keeper_until, MWI_KEEP_ON); /* there is one */
  assert_int_equal(woken_for_nothing(), 0);
  mwi_store_seqcst(&mwi_sched.keeper_until, INT64_MAX);
  waited = false;
  mwi_rt_leave();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_is_fed_steps_aside_each_time),
      cmocka_unit_test(alone_it_is_mostly_left_out),
      cmocka_unit_test(beside_loops_it_is_nearly_always_left_out),
      cmocka_unit_test(stacks_are_prefetched_for_in_groups),
      cmocka_unit_test(few_that_are_ready_wake_nobody),
      cmocka_unit_test(descriptors_are_watched),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
