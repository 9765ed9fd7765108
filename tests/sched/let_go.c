/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/let_go.c -- what nobody refers to any more, the runtime does not keep
 *
 * Job   The other side of unseen.c: values that have left a channel [CH3], timers whose waits
 *       are over [TC2], waiters' values and buffers, a finished goroutine's argument.  Weak
 *       pointers tell.
 * How   Everything is done on goroutines that end, a hundred of each: a stale word on a stack may
 *       keep some.  On one processor, so that who is started runs when the starter parks.
 */
#include "check.h"

enum { MANY = 100, SOME = 20 /* kept by chance */, TIMEOUTS = 2000 };
#define HOUR INT64_C(3600000000000)

typedef struct box {
  uint64_t check;
  struct box *more;
} box;
typedef struct wide {
  uint64_t pad[11];
  box *b;
} wide;

static mw_weak weak[TIMEOUTS];
static int nweak;
static mw_waitgroup done;

static void collect(void) {
  volatile char junk[8192];
  for (size_t i = 0; i < sizeof junk; i++) junk[i] = 0;
  mw_gc();
  mw_gc();
}

static int left_over(void) {
  int left = 0;
  collect();
  for (int i = 0; i < nweak; i++) left += mw_weak_get(weak[i]) != NULL;
  return left;
}

/* Whether all but some are gone. */
static void all_gone(const char *what, int most) {
  int left = left_over();
  if (left > most) printf("%s: %d of %d are still there\n", what, left, nweak);
  CHECK(left <= most);
  nweak = 0;
}

static void run(void (*fn)(void *), void *arg) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, arg);
  mw_waitgroup_wait(&done);
}

static box *watched(void) {
  box *b = mw_new(box);
  b->check = 1;
  weak[nweak++] = mw_weak_make(b);
  return b;
}

/* ---- Values that have passed through a channel ------------------------------ */

static void through(void *ch) {
  mw_chan *c = ch;
  box *b;
  for (int i = 0; i < MANY; i++) mw_chan_send(c, watched());
  for (int i = 0; i < MANY; i++) CHECK(mw_chan_recv(c, &b));
  b = NULL;
  mw_keep_alive(&b);
  mw_waitgroup_done(&done);
}
static void through_and_away(void *ch) {
  for (int i = 0; i < MANY; i++) mw_chan_send((mw_chan *)ch, watched());
  for (int i = 0; i < MANY; i++) CHECK(mw_chan_recv((mw_chan *)ch, NULL));
  mw_waitgroup_done(&done);
}

/* ---- ... by way of parked senders and receivers ------------------------------ */

static void sends_wide(void *ch) {
  wide v = {.b = watched()};
  mw_chan_send((mw_chan *)ch, v);
  mw_waitgroup_done(&done);
}
static void sends(void *ch) {
  mw_chan_send((mw_chan *)ch, watched());
  mw_waitgroup_done(&done);
}
static void hands_over(void *arg) {
  mw_chan **c = arg;
  for (int i = 0; i < MANY; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(i % 2 ? sends : sends_wide, c[i % 2]);
    if (i % 4 < 2) mw_yield(); /* it parks first, or we do */
    if (i % 2)
      CHECK(mw_chan_recv(c[1], (box **)NULL));
    else
      CHECK(mw_chan_recv(c[0], (wide *)NULL));
  }
  mw_waitgroup_done(&done);
}

/* ---- Timers ------------------------------------------------------------------- */

static void sends_one(void *ch) {
  mw_chan_send((mw_chan *)ch, 1);
}
/* Each waits for a timeout that does not come. */
static void timeouts(void *ch) {
  for (int i = 0; i < TIMEOUTS; i++) {
    mw_chan *late = mw_after(HOUR);
    weak[nweak++] = mw_weak_make(late);
    mw_go(sends_one, ch);
    mw_case cases[] = {mw_case_recv(late, NULL), mw_case_recv((mw_chan *)ch, NULL)};
    CHECK_EQ(mw_select(cases, 2), 1);
  }
  mw_waitgroup_done(&done);
}
static void stopped(void *unused) {
  for (int i = 0; i < TIMEOUTS; i++) {
    mw_ticker *t = mw_ticker_new(HOUR);
    weak[nweak++] = mw_weak_make(t);
    if (i % 2) mw_ticker_stop(t);
  }
  (void)unused;
  mw_waitgroup_done(&done);
}

/* Each is waited for once; the entry goes when it is due. */
static void ticked(void *unused) {
  for (int i = 0; i < MANY; i++) {
    mw_ticker *t = mw_ticker_new(50000);
    weak[nweak++] = mw_weak_make(t);
    CHECK(mw_chan_recv(t->c, NULL));
  }
  (void)unused;
  mw_waitgroup_done(&done);
}

/* ---- What a goroutine was given ------------------------------------------------- */

static void forgets(void *arg) {
  ((box *)arg)->more = NULL;
  mw_waitgroup_done(&done);
}
static void starts(void *unused) {
  (void)unused;
  for (int i = 0; i < MANY; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(forgets, watched());
  }
  mw_waitgroup_done(&done);
}

int main(void) {
  check_start();
  mw_chan *boxes = mw_chan_make(box *, MANY), *one = mw_chan_make(int, 0);
  mw_chan *hands[2] = {mw_chan_make(wide, 0), mw_chan_make(box *, 1)};
  run(through, boxes);
  all_gone("values of a buffered channel", SOME);
  run(through_and_away, boxes);
  all_gone("values received into nothing", SOME);
  run(hands_over, hands);
  all_gone("values of parked senders", SOME);
  run(timeouts, one);
  /* entries that are not cleaned away yet: a quarter of those there are, and few */
  all_gone("timeouts that lost", TIMEOUTS / 4);
  run(stopped, NULL);
  all_gone("tickers that nobody waits for", SOME);
  run(ticked, NULL);
  while (left_over() > SOME) mw_sleep(1000000); /* each goes with its second tick; ctest's limit */
  all_gone("tickers that were waited for once", SOME);
  run(starts, NULL);
  all_gone("arguments of goroutines", SOME);
  mw_keep_alive(boxes);
  mw_keep_alive(hands);
  puts("ok");
  return 0;
}
