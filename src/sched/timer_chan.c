/* SPDX-License-Identifier: MIT */
/*
 * sched/timer_chan.c -- mw_sleep, mw_after, mw_timer, mw_ticker
 *
 * Job      Time as programs see it: goroutines that sleep, channels that tick.
 * Promise  [TC1] A timer's channel holds at most one tick, and after stop or
 *          reset none from before.
 *          [TC2] A timer or ticker that nothing refers to is collected, stopped
 *          or not.
 * How      A timer, its channel and the one-element buffer are one collected
 *          object without pointers out of itself.  Nobody can see whether a
 *          tick is in the buffer except by an operation on the channel, so
 *          such an operation looks at the clock first (mwi_timer_chan_look);
 *          the timer is in a heap only while a goroutine waits on the channel.
 *          That makes timeouts that never fire nearly free, and gives [TC2].
 *          A sleeper's timer is in its waiter: nothing else is allocated.
 * Threads  `when`, `period`: under the channel's lock.  Locks: CHAN, then TIMER.
 * Next     timer.c, chan.h
 */
#include "gc/alloc.h"
#include "os/os.h"
#include "sched/chan.h"

struct mwi_timer_chan {
  mw_chan *c;     /* first: the public struct; points to chan below */
  int64_t when;   /* next tick, 0 none; under chan.lock */
  int64_t period; /* of a ticker, else 0; under chan.lock */
  struct mwi_timer timer;
  struct mw_chan chan;
  int64_t buffer;
};
_Static_assert(offsetof(struct mwi_timer_chan, c) == offsetof(mw_timer, c), "public head");
_Static_assert(offsetof(struct mwi_timer_chan, c) == offsetof(mw_ticker, c), "public head");

MWI_INLINE struct mwi_timer_chan *of_chan(struct mw_chan *ch) {
  return MWI_CONTAINER(ch, struct mwi_timer_chan, chan);
}

/* ---- Sleep ------------------------------------------------------------- */

static void wake_sleeper(struct mwi_timer *t, int64_t now) {
  (void)now;
  struct mwi_waiter *w = MWI_CONTAINER(t, struct mwi_waiter, timer);
  struct mwi_g *g = w->g;
  if (atomic_exchange_explicit(&t->want, 0, memory_order_acq_rel) != 0) mwi_ready_due(g);
}

/* The sleeper is off its stack: once the timer is armed it may be woken, and
 * `arg`, on that stack, be gone. */
static bool sleep_commit(struct mwi_g *g, void *arg) {
  mwi_timer_arm(&g->waiters->timer, *(const int64_t *)arg);
  return true;
}

void mw_sleep(int64_t ns) {
  mwi_attach();
  if (ns <= 0) {
    mwi_yield();
    return;
  }
  struct mwi_waiter *w = mwi_waiter_mine(mwi_getg());
  w->timer = (struct mwi_timer){.fire = wake_sleeper};
  int64_t when = mwi_timer_deadline(ns);
  mwi_park(sleep_commit, &when, MWI_WAIT_SLEEP);
}

/* ---- Timer channels; lock held ----------------------------------------- */

/* The tick at `when` has come: the next one, or none. */
static void advance(struct mwi_timer_chan *t, int64_t now) {
  if (t->period == 0) {
    t->when = 0;
    return;
  }
  int64_t missed = (now - t->when) / t->period; /* ticks that a slow reader lost */
  if (__builtin_mul_overflow(missed + 1, t->period, &missed) ||
      __builtin_add_overflow(t->when, missed, &t->when) || t->when > MWI_TIMER_FAR)
    t->when = MWI_TIMER_FAR;
}

void mwi_timer_chan_look(struct mw_chan *ch) {
  struct mwi_timer_chan *t = of_chan(ch);
  if (t->when == 0) return;
  int64_t now = mwi_os.nanotime();
  if (t->when > now) return;
  /* waiters are served by fire, which runs when they wait */
  if (ch->recvq.first != NULL) return;
  if (mwi_load_relaxed(&ch->count) == 0) {
    t->buffer = now;
    mwi_store_relaxed(&ch->count, 1);
  }
  advance(t, now);
}

void mwi_timer_chan_waited(struct mw_chan *ch) {
  struct mwi_timer_chan *t = of_chan(ch);
  if (t->when != 0) mwi_timer_arm(&t->timer, t->when);
}

void mwi_timer_chan_idle(struct mw_chan *ch) {
  mwi_timer_disarm(&of_chan(ch)->timer);
}

/* The heap's call: give the tick to a waiter. */
static void fire(struct mwi_timer *timer, int64_t now) {
  struct mwi_timer_chan *t = MWI_CONTAINER(timer, struct mwi_timer_chan, timer);
  struct mwi_g *wake = NULL;
  mwi_asym_lock(&t->chan.lock);
  if (t->when != 0 && t->when <= now) {
    (void)mwi_ch_send_locked(&t->chan, &now, &wake); /* a full buffer drops the tick */
    advance(t, now);
  }
  if (t->when != 0 && t->chan.recvq.first != NULL)
    mwi_timer_arm(&t->timer, t->when);
  else
    mwi_timer_disarm(&t->timer);
  mwi_asym_unlock(&t->chan.lock);
  if (wake != NULL) mwi_ready_due(wake);
}

/* ---- Timers and tickers ------------------------------------------------ */

static struct mwi_timer_chan *timer_chan_new(int64_t ns, int64_t period) {
  mwi_attach();
  struct mwi_timer_chan *t =
      mwi_gc_alloc(sizeof *t, &mwi_layout_noscan); /* its pointers lead to itself */
  mwi_ch_setup(&t->chan, sizeof t->buffer, 1, &t->buffer, true);
  t->chan.timer = true;
  t->timer.fire = fire;
  t->timer.collected = true;
  t->c = &t->chan;
  t->period = period;
  t->when = mwi_timer_deadline(ns);
  return t;
}

/* Stop, and start again at `when` if that is not 0.  True if a tick was still
 * to come or unread. */
static bool restart(struct mwi_timer_chan *t, int64_t when, int64_t period) {
  if (t->c != &t->chan)
    mwi_fatal("timer or ticker that mw_timer_new or mw_ticker_new did not make");
  mwi_attach();
  mwi_asym_lock(&t->chan.lock);
  bool pending = t->when != 0;
  if (mwi_load_relaxed(&t->chan.count) != 0) { /* [TC1] */
    mwi_store_relaxed(&t->chan.count, 0);
    t->chan.recvx = 0;
    pending = true;
  }
  t->when = when;
  t->period = period;
  if (when != 0 && t->chan.recvq.first != NULL)
    mwi_timer_arm(&t->timer, when);
  else
    mwi_timer_disarm(&t->timer);
  mwi_asym_unlock(&t->chan.lock);
  return pending;
}

mw_chan *mw_after(int64_t ns) {
  return timer_chan_new(ns, 0)->c;
}

mw_timer *mw_timer_new(int64_t ns) {
  return (mw_timer *)timer_chan_new(ns, 0);
}

bool mw_timer_reset(mw_timer *t, int64_t ns) {
  return restart((struct mwi_timer_chan *)t, mwi_timer_deadline(ns), 0);
}

bool mw_timer_stop(mw_timer *t) {
  return restart((struct mwi_timer_chan *)t, 0, 0);
}

mw_ticker *mw_ticker_new(int64_t ns) {
  if (ns <= 0) mwi_fatal("non-positive interval for mw_ticker_new");
  return (mw_ticker *)timer_chan_new(ns, ns);
}

void mw_ticker_reset(mw_ticker *t, int64_t ns) {
  if (ns <= 0) mwi_fatal("non-positive interval for mw_ticker_reset");
  (void)restart((struct mwi_timer_chan *)t, mwi_timer_deadline(ns), ns);
}

void mw_ticker_stop(mw_ticker *t) {
  (void)restart((struct mwi_timer_chan *)t, 0, 0);
}
