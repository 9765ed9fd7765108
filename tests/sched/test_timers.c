/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/test_timers.c -- the timer heap against a list
 *
 * Random arming, putting off, bringing forward, cancelling, moving between
 * heaps and advancing a fake clock; after each advance exactly those timers
 * have fired that a plain array says are due.  MW_TEST_SEED=n repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake/fake_fatal.h"
#include "fake/fake_os.h"
#include "os/thread.h"
#include "sched/timer.h"

/* ---- What the scheduler and gc/barrier.c provide ----------------------- */

static struct mwi_timers *mine;
static int64_t notified; /* the latest call; 0 none */
struct mwi_timers *mwi_timers_mine(void) {
  return mine;
}
void mwi_timer_notify(int64_t when) {
  notified = when;
}
static void (*on_shade)(uintptr_t p);
void mwi_shade_slow(uintptr_t p) {
  if (on_shade) on_shade(p);
}

/* ---- The model --------------------------------------------------------- */

enum { TIMERS = 3000, HEAPS = 3 };

struct timer {
  struct mwi_timer t;
  int64_t want; /* the model's: 0 none */
  int fired, expected;
  int64_t rearm; /* a ticker: arms itself again this much later */
};
static struct timer timers[TIMERS];
static struct mwi_timers *heaps[HEAPS];

static void fire(struct mwi_timer *t, int64_t now) {
  struct timer *x = MWI_CONTAINER(t, struct timer, t);
  int64_t want = mwi_load_relaxed(&t->want);
  if (want == 0 || want > now) {
    if (want != 0) mwi_timer_arm(t, want);
    return;
  }
  mwi_store_relaxed(&t->want, 0);
  x->fired++;
  if (x->rearm != 0) mwi_timer_arm(t, now + x->rearm);
}

static uint64_t seed;
static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}
static size_t below(size_t n) {
  return next_random() % n;
}

static void arm(struct timer *x, int64_t when) {
  mine = heaps[below(HEAPS)];
  mwi_timer_arm(&x->t, when);
  x->want = when;
}

static void disarm(struct timer *x) {
  mwi_timer_disarm(&x->t);
  x->want = 0;
}

static void advance(int64_t now) {
  fake_os.now = now;
  for (int i = 0; i < HEAPS; i++)
    while (mwi_timers_next(heaps[i]) <= now) mwi_timers_run(heaps[i], now);
  for (int i = 0; i < TIMERS; i++) {
    struct timer *x = &timers[i];
    if (x->want != 0 && x->want <= now) {
      x->expected++;
      x->want = x->rearm != 0 ? now + x->rearm : 0;
    }
    if (x->fired != x->expected)
      fail_msg("timer %d fired %d times, expected %d (seed %lu)", i, x->fired, x->expected,
               (unsigned long)seed);
  }
}

/* The heaps' next deadlines are never later than the model's. */
static void check_next(void) {
  int64_t want = INT64_MAX, next = INT64_MAX;
  for (int i = 0; i < TIMERS; i++)
    if (timers[i].want != 0 && timers[i].want < want) want = timers[i].want;
  for (int i = 0; i < HEAPS; i++) {
    mwi_timers_check(heaps[i]);
    if (mwi_timers_next(heaps[i]) < next) next = mwi_timers_next(heaps[i]);
  }
  assert_true(next <= want);
}

static int setup(void **state) {
  (void)state;
  mwi_test_thread_init();
  fake_os_install(MWI_GB);
  const char *s = getenv("MW_TEST_SEED");
  seed = s != NULL ? strtoull(s, NULL, 10) : 88172645463325252u;
  memset(timers, 0, sizeof timers);
  for (int i = 0; i < TIMERS; i++) timers[i].t.fire = fire;
  for (int i = 0; i < HEAPS; i++) heaps[i] = mwi_timers_new();
  mine = heaps[0];
  fake_os.now = 1000;
  return 0;
}

static void random_operations(void **state) {
  (void)state;
  int64_t now = 1000;
  for (int step = 0; step < 60000; step++) {
    struct timer *x = &timers[below(TIMERS)];
    switch (below(16)) {
    case 0:
    case 1:
    case 2:
      disarm(x);
      break;
    case 3: /* a ticker, for a while */
      x->rearm = x->rearm != 0 ? 0 : 500 + (int64_t)below(5000);
      break;
    case 4:
      if (step % 16 == 0) advance(now += (int64_t)below(2000));
      break;
    case 5:
      if (step % 64 == 0) mwi_timers_move(heaps[below(HEAPS - 1)], heaps[HEAPS - 1]);
      break;
    default:
      arm(x, now + 1 + (int64_t)below(20000));
    }
    if (step % 1000 == 0) check_next();
  }
  for (int i = 0; i < TIMERS; i++) timers[i].rearm = 0;
  advance(now + 100000);
  advance(now + 200000);
  for (int i = 0; i < HEAPS; i++) {
    assert_int_equal(mwi_timers_count(heaps[i]), 0);
    assert_true(mwi_timers_next(heaps[i]) == INT64_MAX);
  }
}

static void putting_off_costs_no_entry(void **state) {
  (void)state;
  for (int64_t i = 0; i < 1000; i++) {
    mwi_timer_arm(&timers[0].t, 2000 + i);
    timers[0].want = 2000 + i;
  }
  assert_int_equal(mwi_timers_count(heaps[0]), 1);
  advance(2500);
  assert_int_equal(timers[0].fired, 0);
  advance(2999);
  assert_int_equal(timers[0].fired, 1);
}

static void those_due_are_counted(void **state) {
  (void)state;
  enum { N = 1000 };
  for (int turn = 0; turn < 2000; turn++) {
    if (turn < N) {
      timers[turn].want = 2000 + (int64_t)below(100);
      mwi_timer_arm(&timers[turn].t, timers[turn].want);
    }
    int64_t by = 1999 + (int64_t)below(102);
    int due = 0, most = (int)below(MWI_TIMERS_COUNTED + 1);
    for (int i = 0; i < N; i++) due += timers[i].want != 0 && timers[i].want <= by;
    assert_int_equal(mwi_timers_due_by(heaps[0], by, most), due < most ? due : most);
  }
  for (int i = 0; i < N; i++) timers[i].expected = 1;
  for (int i = 0; i < N; i++) timers[i].want = 0;
  advance(3000);
  assert_int_equal(mwi_timers_due_by(heaps[0], INT64_MAX - 1, 8), 0);
}

/* In a forked child the sleepers are gone, and their timers with them. */
static void a_child_forgets_sleepers(void **state) {
  (void)state;
  enum { N = 500 };
  for (int i = 0; i < N; i++) {
    timers[i].t.collected = i % 3 == 0; /* others are in waiters of goroutines that sleep */
    mwi_timer_arm(&timers[i].t, 2000 + (int64_t)below(1000));
  }
  for (int i = 0; i < 2; i++) {
    mwi_timers_forget_sleepers(heaps[0]);
    mwi_timers_check(heaps[0]);
    assert_int_equal(mwi_timers_count(heaps[0]), (N + 2) / 3);
  }
  mwi_timers_run(heaps[0], 3000);
  mwi_timers_run(heaps[0], 3000); /* a batch is smaller */
  for (int i = 0; i < N; i++) assert_int_equal(timers[i].fired, i % 3 == 0);

  /* Who called fork waits again, for longer than the wait that it had cancelled. */
  for (int i = 0; i < N; i++)
    if (i % 3) mwi_timer_arm(&timers[i].t, 4000);
  for (int i = 0; i < 8; i++) mwi_timers_run(heaps[0], 4000);
  for (int i = 0; i < N; i++) assert_int_equal(timers[i].fired, 1);
}

static void cancelled_timers_are_cleaned_away(void **state) {
  (void)state;
  enum { LIVE = 1000, CANCELLED = 100000 };
  for (int i = 0; i < LIVE; i++) arm(&timers[i], 1000000 + i);
  struct mwi_timer *t = calloc(CANCELLED, sizeof *t);
  mine = heaps[0];
  for (int i = 0; i < CANCELLED; i++) { /* timeouts that did not come */
    t[i].fire = fire;
    mwi_timer_arm(&t[i], 500000 + (int64_t)below(1000000));
    mwi_timer_disarm(&t[i]);
    assert_true(mwi_timers_count(heaps[0]) <= LIVE + LIVE / 2 + 100);
  }
  check_next();
  advance(2000000);
  for (int i = 0; i < LIVE; i++) assert_int_equal(timers[i].fired, 1);
  for (int i = 0; i < HEAPS; i++) assert_int_equal(mwi_timers_count(heaps[i]), 0);
  free(t);
}

static void an_earlier_deadline_is_announced(void **state) {
  (void)state;
  notified = 0;
  mwi_timer_arm(&timers[0].t, 5000);
  assert_int_equal(notified, 5000);
  mwi_timer_arm(&timers[1].t, 6000);
  assert_int_equal(notified, 5000);
  mwi_timer_arm(&timers[2].t, 4000);
  assert_int_equal(notified, 4000);
  mwi_timer_arm(&timers[1].t, 3000);
  assert_int_equal(notified, 3000);
  assert_int_equal(mwi_timers_next(heaps[0]), 3000);
}

static void without_memory_it_is_fatal(void **state) {
  (void)state;
  enum { CHUNK = 4096 - 3 };
  static struct mwi_timer many[CHUNK + 1];
  for (int i = 0; i <= CHUNK; i++) many[i].fire = fire;
  for (int i = 0; i < CHUNK; i++) mwi_timer_arm(&many[i], 1000000);
  fake_os.fail_map_after = 0;
  EXPECT_FATAL("out of memory: 4093 timers", mwi_timer_arm(&many[CHUNK], 1000000));
}

static void a_million(void **state) {
  (void)state;
  enum { N = 1000000 };
  struct timer *t = calloc(N, sizeof *t);
  int64_t now = 1000;
  for (int i = 0; i < N; i++) {
    t[i].t.fire = fire;
    mwi_timer_arm(&t[i].t, now + 1 + (int64_t)below(1000000000));
  }
  mwi_timers_check(heaps[0]);
  assert_int_equal(mwi_timers_count(heaps[0]), N);
  int ran = 0;
  while (mwi_timers_next(heaps[0]) != INT64_MAX) {
    int some = mwi_timers_run(heaps[0], now + 1000000000);
    assert_true(some > 0 && some <= 1000); /* in batches: a stop does not wait for all */
    ran += some;
  }
  assert_int_equal(ran, N);
  for (int i = 0; i < N; i++) assert_int_equal(t[i].fired, 1);
  free(t);
}

/* ---- A scan between two batches ----------------------------------------- */

/* What is scanned is the heap in the order of its places.  A scan that has come to any of them
 * misses whoever moves from behind to before it, or leaves, unless that is shaded. */
enum { ROOTS = 300 };
static struct timer roots[ROOTS];
static int place[ROOTS], nplaces; /* -1: not there */
static bool shaded[ROOTS];

static int root_of(uintptr_t p) {
  size_t i = (p - (uintptr_t)roots) / sizeof *roots;
  return p >= (uintptr_t)roots && i < ROOTS ? (int)i : -1;
}
static void see(const void *p, size_t bytes) {
  assert_int_equal(bytes, sizeof(uintptr_t));
  int i = root_of(*(const uintptr_t *)p);
  if (i >= 0) place[i] = nplaces++;
}
static void see_shade(uintptr_t p) {
  int i = root_of(p);
  if (i >= 0) shaded[i] = true;
}
static void look_at_places(void) {
  nplaces = 0;
  for (int i = 0; i < ROOTS; i++) place[i] = -1;
  mwi_timers_scan(see);
}

static void what_moves_while_marking_is_shaded(void **state) {
  (void)state;
  int moved = 0, left = 0;
  memset(roots, 0, sizeof roots);
  for (int i = 0; i < ROOTS; i++) {
    roots[i].t.fire = fire;
    roots[i].t.collected = true;
  }
  on_shade = see_shade;
  mwi_tcb()->wb = 1;
  for (int step = 0; step < 3000; step++) {
    int before[ROOTS];
    look_at_places();
    memcpy(before, place, sizeof before);
    memset(shaded, 0, sizeof shaded);
    struct timer *x = &roots[below(ROOTS)];
    if (below(3) == 0) {
      fake_os.now += 40;
      (void)mwi_timers_run(heaps[0], fake_os.now);
    } else if (mwi_load_relaxed(&x->t.heap) == NULL) { /* else it had two entries */
      mwi_timer_arm(&x->t, fake_os.now + 1 + (int64_t)below(10000));
    }
    look_at_places();
    for (int i = 0; i < ROOTS; i++) {
      if (before[i] < 0 || (place[i] >= 0 && place[i] >= before[i])) continue;
      if (!shaded[i]) fail_msg("step %d: from %d to %d, not shaded", step, before[i], place[i]);
      *(place[i] < 0 ? &left : &moved) += 1;
    }
  }
  mwi_tcb()->wb = 0;
  on_shade = NULL;
  assert_true(moved > 500 && left > 500);
}

static void deadlines_do_not_overflow(void **state) {
  (void)state;
  assert_true(mwi_timer_deadline(INT64_MAX) == MWI_TIMER_FAR);
  assert_true(mwi_timer_deadline(-5) == 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(random_operations, setup),
      cmocka_unit_test_setup(those_due_are_counted, setup),
      cmocka_unit_test_setup(putting_off_costs_no_entry, setup),
      cmocka_unit_test_setup(cancelled_timers_are_cleaned_away, setup),
      cmocka_unit_test_setup(a_child_forgets_sleepers, setup),
      cmocka_unit_test_setup(an_earlier_deadline_is_announced, setup),
      cmocka_unit_test_setup(a_million, setup),
      cmocka_unit_test_setup(what_moves_while_marking_is_shaded, setup),
      cmocka_unit_test_setup(deadlines_do_not_overflow, setup),
      cmocka_unit_test_setup(without_memory_it_is_fatal, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
