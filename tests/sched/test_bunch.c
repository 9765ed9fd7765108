/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/test_bunch.c -- when the keeper wakes for timers that come close together
 *
 * sched/bunch.h beside a clock of the test's own: timers come in at given times, a thread waits
 * as the policy says, runs what is due and waits again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sched/bunch.h"

/* On credit at the start, and one more; held for no whole MWI_BUNCH_NS; the last, who are few. */
enum { MANY = 100000, EXTRA = MWI_BUNCH_EXACT + 1 + 1 + (MWI_BUNCH_FROM - 1) };
static int64_t due_at[MANY];

struct result {
  int waits, late; /* timers that were held at all */
  int64_t latest;  /* ns */
};

/* n timers, in order; the policy may know those that are due by then. */
static struct result run(int n) {
  struct mwi_bunch b = {0};
  struct result r = {0};
  int64_t now = 0;
  for (int i = 0; i < n; r.waits++) {
    int64_t when = due_at[i], from = mwi_bunch_wait(&b, now);
    int crowd = 1;
    while (i + crowd < n && due_at[i + crowd] <= when + MWI_BUNCH_NS) crowd++;
    if (from > when && crowd >= MWI_BUNCH_FROM) when = mwi_bunch_until(from, when);
    assert_true(when >= due_at[i]);
    if (when > now) now = when;
    for (; i < n && due_at[i] <= now; i++) {
      int64_t late = now - due_at[i];
      r.late += late > 0;
      if (late > r.latest) r.latest = late;
    }
  }
  return r;
}

static struct result run_each(int64_t ns, int n) {
  for (int i = 0; i < n; i++) due_at[i] = 1000000000 + i * ns;
  return run(n);
}

static void a_crowd_is_held_a_little(void **state) { /* [BU1] [BU3] */
  (void)state;
  for (int64_t ns = 1; ns <= MWI_BUNCH_NS / MWI_BUNCH_FROM; ns = ns * 3 + 1) {
    struct result r = run_each(ns, MANY);
    assert_true(r.latest <= MWI_BUNCH_NS);
    assert_true(r.waits <= MANY * ns / MWI_BUNCH_NS + EXTRA);
    assert_true(r.waits >= MANY * ns / (2 * MWI_BUNCH_NS));
  }
}

static void few_are_not(void **state) { /* [BU2] */
  (void)state;
  int64_t ns = MWI_BUNCH_NS / (MWI_BUNCH_FROM - 1) + 1;
  struct result r = run_each(ns, MANY);
  assert_int_equal(r.late, 0);
  assert_int_equal(r.waits, MANY);
}

/* Groups that meet seldom: each of their timers has its own time. */
static void a_crowd_after_a_lull_is_not(void **state) { /* [BU3] */
  (void)state;
  enum { GROUP = MWI_BUNCH_EXACT };
  for (int i = 0; i < MANY; i++)
    due_at[i] = 1000000000 + i / GROUP * (int64_t)(GROUP * MWI_BUNCH_NS) + i % GROUP * 1000;
  struct result r = run(MANY);
  assert_int_equal(r.late, 0);
  assert_int_equal(r.waits, MANY);
}

static void any_times(void **state) { /* [BU1] */
  (void)state;
  uint64_t seed = 88172645463325252u;
  for (int turn = 0; turn < 200; turn++) {
    int64_t at = 0;
    for (int i = 0; i < 1000; i++) {
      seed ^= seed << 13;
      seed ^= seed >> 7;
      seed ^= seed << 17;
      due_at[i] = at += (int64_t)(seed >> (24 + seed % 40));
    }
    assert_true(run(1000).latest <= MWI_BUNCH_NS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_crowd_is_held_a_little),
      cmocka_unit_test(few_are_not),
      cmocka_unit_test(a_crowd_after_a_lull_is_not),
      cmocka_unit_test(any_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
