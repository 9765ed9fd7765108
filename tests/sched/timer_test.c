/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/timer_test.c -- sleep, after, timers, tickers, as programs see them
 *
 * Time is only ever compared from below ("not before"): how late a busy machine
 * is proves nothing, nor does the order in which woken goroutines get to run.
 */
#define _GNU_SOURCE 1
#include "../parked.h"
#include "check.h"

#define MS 1000000LL
#define HOUR (3600000 * MS)

static void sleep_is_long_enough(void) {
  for (int i = 0; i < 5; i++) {
    int64_t before = mw_nanotime();
    mw_sleep(i * MS);
    CHECK(mw_nanotime() - before >= i * MS);
  }
  mw_sleep(0);
  mw_sleep(-5);
}

static void after_comes_after(void) {
  int64_t before = mw_nanotime(), tick = 0;
  mw_chan *c = mw_after(5 * MS);
  CHECK_EQ(mw_chan_cap(c), 1);
  CHECK(mw_chan_recv(c, &tick));
  CHECK(tick >= before + 5 * MS);
  CHECK(mw_nanotime() >= tick);
  CHECK_EQ(mw_chan_try_recv(c, &tick), -1); /* once */
  CHECK(mw_chan_recv(mw_after(-1), &tick));
}

typedef struct seq {
  _Atomic int next;
  mw_chan *out;
  mw_waitgroup wg;
} seq;
typedef struct sleeper {
  seq *s;
  int id;
} sleeper;

static void sleep_and_tell(void *arg) {
  sleeper *me = arg;
  int64_t before = mw_nanotime();
  mw_sleep((me->id * 3 + 3) * MS);
  CHECK(mw_nanotime() >= before + (me->id * 3 + 3) * MS);
  mw_chan_send(me->s->out, 1 << me->id);
}

/* Deadlines set in random order are all met, none early. */
static void everyone_wakes(void) {
  enum { N = 8 };
  seq *s = mw_new(seq);
  s->out = mw_chan_make(int, 0);
  static const int order[N] = {3, 7, 0, 5, 1, 6, 2, 4};
  for (int i = 0; i < N; i++) {
    sleeper *me = mw_new(sleeper);
    me->s = s;
    me->id = order[i];
    mw_go(sleep_and_tell, me);
  }
  int all = 0;
  for (int i = 0; i < N; i++) {
    int id = 0;
    CHECK(mw_chan_recv(s->out, &id));
    CHECK_EQ(all & id, 0);
    all |= id;
  }
  CHECK_EQ(all, (1 << N) - 1);
}

static void timer_stop_and_reset(void) {
  int64_t tick = 0;
  mw_timer *t = mw_timer_new(HOUR);
  CHECK(mw_timer_stop(t));
  CHECK(!mw_timer_stop(t));
  CHECK(!mw_timer_reset(t, 1 * MS));
  CHECK(mw_chan_recv(t->c, &tick));
  CHECK(!mw_timer_reset(t, 1)); /* due at once, value unread */
  mw_sleep(2 * MS);
  CHECK(mw_timer_reset(t, HOUR)); /* the unread value is gone [TC1] */
  CHECK_EQ(mw_chan_try_recv(t->c, &tick), -1);
  CHECK_EQ(mw_chan_len(t->c), 0);
  CHECK(mw_timer_reset(t, 1));
  mw_sleep(2 * MS);
  CHECK_EQ(mw_chan_len(t->c), 1);
  CHECK(mw_timer_stop(t));
  CHECK_EQ(mw_chan_len(t->c), 0);
  mw_sleep(1 * MS);
  CHECK_EQ(mw_chan_try_recv(t->c, &tick), -1);
}

static void blocked_reader(void *arg) {
  seq *s = arg;
  int64_t tick;
  CHECK(mw_chan_recv(s->out, &tick));
  s->next++;
  mw_waitgroup_done(&s->wg);
}

/* Resets while somebody waits on the channel: earlier, later, stop, start. */
static void reset_under_waiter(void) {
  mw_timer *t = mw_timer_new(HOUR);
  seq *s = mw_new(seq);
  s->out = t->c;
  mw_waitgroup_add(&s->wg, 1);
  mw_go(blocked_reader, s);
  mw_sleep(2 * MS);
  CHECK(mw_timer_reset(t, 2 * HOUR));
  CHECK(mw_timer_reset(t, HOUR / 2));
  CHECK(mw_timer_stop(t));
  mw_sleep(2 * MS);
  CHECK_EQ(s->next, 0);
  int64_t before = mw_nanotime();
  CHECK(!mw_timer_reset(t, 3 * MS));
  mw_waitgroup_wait(&s->wg);
  CHECK(mw_nanotime() >= before + 3 * MS);
  CHECK_EQ(s->next, 1);
}

static void ticker_ticks(void) {
  int64_t start = mw_nanotime(), last = start, tick;
  mw_ticker *t = mw_ticker_new(2 * MS);
  for (int i = 0; i < 5; i++) {
    CHECK(mw_chan_recv(t->c, &tick));
    CHECK(tick > last || i == 0);
    last = tick;
  }
  CHECK(last >= start + 5 * 2 * MS);
  mw_sleep(20 * MS); /* a slow reader finds one tick, not ten */
  CHECK_EQ(mw_chan_try_recv(t->c, &tick), 1);
  CHECK(mw_chan_len(t->c) <= 1);
  mw_ticker_stop(t);
  CHECK_EQ(mw_chan_try_recv(t->c, &tick), -1);
  mw_sleep(5 * MS);
  CHECK_EQ(mw_chan_try_recv(t->c, &tick), -1);
  mw_ticker_reset(t, 1 * MS);
  CHECK(mw_chan_recv(t->c, &tick));
  mw_ticker_stop(t);
}

/* Timeouts that lose the race again and again, with collections between. */
static void answer(void *arg) {
  seq *s = arg;
  for (int i = 0; i < 3000; i++) mw_chan_send(s->out, i);
}
static void timeouts_that_never_fire(void) {
  seq *s = mw_new(seq);
  s->out = mw_chan_make(int, 0);
  mw_go(answer, s);
  for (int i = 0; i < 3000; i++) {
    int v = -1;
    mw_case cases[] = {mw_case_recv(s->out, &v), mw_case_recv(mw_after(HOUR), NULL)};
    CHECK_EQ(mw_select(cases, 2), 0);
    CHECK_EQ(v, i);
    if (i % 500 == 0) mw_gc();
  }
  mw_chan *never = mw_chan_make(int, 0);
  mw_case cases[] = {mw_case_recv(never, NULL), mw_case_recv(mw_after(2 * MS), NULL)};
  CHECK_EQ(mw_select(cases, 2), 1);
}

/* Ticks that nobody took in time are lost: behind the one that waited comes the next in step, and
 * not those in between. */
static void slow_readers_lose_ticks(void) {
  const int64_t period = 20 * MS;
  for (int round = 0; round < 3; round++) {
    int64_t before = mw_nanotime(), first, second;
    mw_ticker *t = mw_ticker_new(period);
    int64_t after = mw_nanotime();
    mw_sleep(7 * period / 2);
    int64_t from = mw_nanotime(); /* of the ticks that are due now, one is there */
    CHECK(mw_chan_recv(t->c, &first) && mw_chan_recv(t->c, &second));
    CHECK(second >= before + ((from - after) / period + 1) * period);
    mw_ticker_stop(t);
  }
}

/* Stop, reset and receive from several goroutines at once: no crash, no value
 * after the last stop, every receive ends. */
typedef struct race {
  mw_timer *t;
  mw_chan *end;
  _Atomic int64_t got;
  mw_waitgroup wg;
} race;
static void race_reader(void *arg) {
  race *r = arg;
  for (;;) {
    int64_t tick;
    mw_case cases[] = {mw_case_recv(r->t->c, &tick), mw_case_recv(r->end, NULL)};
    if (mw_select(cases, 2) == 1) break;
    r->got++;
  }
  mw_waitgroup_done(&r->wg);
}
static void race_setter(void *arg) {
  race *r = arg;
  rng g = rng_for((uintptr_t)&g);
  for (int i = 0; i < 3000; i++) {
    switch (rng_below(&g, 4)) {
    case 0:
      mw_timer_stop(r->t);
      break;
    case 1:
      mw_timer_reset(r->t, (int64_t)rng_below(&g, 100000));
      break;
    case 2:
      mw_timer_reset(r->t, HOUR);
      break;
    default:
      mw_yield();
    }
  }
  mw_waitgroup_done(&r->wg);
}
static void races(void) {
  race *r = mw_new(race);
  r->t = mw_timer_new(1);
  r->end = mw_chan_make(int, 0);
  mw_waitgroup_add(&r->wg, 3);
  for (int i = 0; i < 3; i++) mw_go(race_setter, r);
  for (int i = 0; i < 3; i++) mw_go(race_reader, r);
  mw_waitgroup_wait(&r->wg);
  mw_waitgroup_add(&r->wg, 3);
  mw_timer_stop(r->t);
  int64_t got = r->got;
  mw_sleep(2 * MS);
  CHECK(r->got <= got + 3); /* receives that had happened but were not counted yet */
  got = r->got;
  mw_timer_reset(r->t, 1); /* and it still works */
  while (r->got == got) mw_sleep(MS / 10);
  mw_chan_close(r->end);
  mw_waitgroup_wait(&r->wg);
}

/* Goroutines that never block do not keep a sleeper from waking. */
static mw_chan *told;
static void burn(void *arg) {
  seq *s = arg;
  for (volatile long i = 0; s->next == 0; i = i + 1) {
  }
  mw_waitgroup_done(&s->wg);
}
static void wake_and_tell(void *arg) {
  seq *s = arg;
  mw_sleep(2 * MS);
  s->next = 1;
  mw_waitgroup_done(&s->wg);
}
static void busy_processors_still_look_at_timers(void) {
  seq *s = mw_new(seq);
  mw_waitgroup_add(&s->wg, 9);
  mw_go(wake_and_tell, s);
  mw_sleep(MS / 2); /* it sleeps now */
  for (int i = 0; i < 8; i++) mw_go(burn, s);
  mw_waitgroup_wait(&s->wg);
}

/* Unreferenced, unstopped timers and tickers do not pile up. */
static void waits_for_tick(void *arg) {
  mw_timer *t = arg;
  int64_t at;
  CHECK(mw_chan_recv(t->c, &at));
  mw_chan_send(told, 1);
}

/* A tick that is due is for who waits, though another one looks first.  On one processor, where
 * nobody else runs between; a round in which it did not wait before the tick was due is none. */
static void looking_takes_no_tick_away(void) {
  if (mw_set_max_procs(0) != 1) return;
  enum { ROUNDS = 20 };
  told = mw_chan_make(int, 1);
  for (int round = 0; round < ROUNDS;) {
    mw_timer *t = mw_timer_new(MS);
    int64_t due = mw_nanotime() + MS;
    mw_go(waits_for_tick, t);
    mw_yield();
    if (parked_as("[chan receive") == 1) {
      while (mw_nanotime() <= due) {
      }
      CHECK(round % 2 ? mw_chan_len(t->c) == 0 : mw_chan_try_recv(t->c, NULL) == -1);
      round++;
    }
    CHECK(mw_chan_recv(told, NULL));
  }
}

static void dropped_timers_are_collected(void) {
  mw_mem_stats before, after;
  mw_gc();
  mw_read_mem_stats(&before);
  for (int i = 0; i < 100000; i++) {
    (void)mw_ticker_new(HOUR);
    (void)mw_timer_new(HOUR);
  }
  mw_gc();
  mw_gc();
  mw_read_mem_stats(&after);
  CHECK(after.heap_objects < before.heap_objects + 20000);
}

int main(void) {
  check_start();
  sleep_is_long_enough();
  after_comes_after();
  everyone_wakes();
  timer_stop_and_reset();
  reset_under_waiter();
  ticker_ticks();
  slow_readers_lose_ticks();
  timeouts_that_never_fire();
  races();
  busy_processors_still_look_at_timers();
  looking_takes_no_tick_away();
  dropped_timers_are_collected();
  puts("ok");
  return 0;
}
