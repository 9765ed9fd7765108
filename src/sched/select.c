/* SPDX-License-Identifier: MIT */
/*
 * sched/select.c -- wait for one of several channel operations
 *
 * Job      mw_select, mw_try_select.
 * Promise  [SL1] Exactly one case takes effect, or (try) none.
 *          [SL2] Among the cases that could go on, each is equally likely.
 *          [SL3] mw_try_select returns -1 only if at one moment no case could
 *          go on.
 * How      1. In random order, each channel that looks ready is locked alone
 *             and tried: the common case costs one lock.  A random order makes
 *             the first that succeeds a fair choice [SL2].
 *          2. Otherwise all channels are locked, by address so that selects
 *             cannot deadlock, and tried again: now nothing moves [SL3].
 *          3. A waiter goes into each queue and the goroutine parks; the
 *             scheduler unlocks the channels once it is off its stack.  Whoever
 *             wants to complete one of the waiters must first win the
 *             goroutine's select_done, 0 -> 1 [SL1].
 *          4. Awake, it takes the losers out of their queues, locking each
 *             channel once more, the winner's too: then nobody is between
 *             having taken one of our waiters out and trying select_done (a
 *             late success would count for the next select).  It begins with
 *             the channel that step 3 unlocks last, so that is over as well.
 * Callers  goroutine stacks.  Step 3's unlocking runs on the system stack and
 *          reads this frame, which step 4 keeps alive.
 * Threads  locks of rank CHAN nest here, and only here.
 */
#include "sched/chan.h"

#include "gc/alloc.h"
#include "sched/proc.h"

/* Go's limit, and what the 16-bit case numbers hold. */
enum { MAX_CASES = 65536, SMALL = 32 };

struct select {
  mw_case *cases;
  uint32_t n;
  uint32_t nlock;       /* cases with a channel */
  uint16_t *poll_order; /* those cases, shuffled */
  uint16_t *lock_order; /* those cases, by channel address */
};

/* ---- Orders ------------------------------------------------------------ */

/* Shuffled numbers of the cases that have a channel. */
static void make_poll_order(struct select *s) {
  uint32_t k = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    if (s->cases[i].chan == NULL) continue;
    uint32_t j = (uint32_t)(((uint64_t)mwi_rand() * (k + 1)) >> 32);
    s->poll_order[k] = s->poll_order[j];
    s->poll_order[j] = (uint16_t)i;
    k++;
  }
  s->nlock = k;
}

static uintptr_t lock_key(const struct select *s, uint16_t i) {
  return (uintptr_t)s->cases[i].chan;
}

/* Heap sort: no recursion, no more memory, n log n whatever the addresses. */
static void sift(const struct select *s, uint16_t *a, uint32_t n, uint32_t i) {
  uint16_t x = a[i];
  for (;;) {
    uint32_t c = 2 * i + 1;
    if (c >= n) break;
    if (c + 1 < n && lock_key(s, a[c + 1]) > lock_key(s, a[c])) c++;
    if (lock_key(s, a[c]) <= lock_key(s, x)) break;
    a[i] = a[c];
    i = c;
  }
  a[i] = x;
}

static void make_lock_order(struct select *s) {
  uint16_t *a = s->lock_order;
  uint32_t n = s->nlock;
  if (n <= 8) {
    for (uint32_t i = 0; i < n; i++) {
      uint16_t x = s->poll_order[i];
      uint32_t j = i;
      for (; j > 0 && lock_key(s, a[j - 1]) > lock_key(s, x); j--) a[j] = a[j - 1];
      a[j] = x;
    }
    return;
  }
  memcpy(a, s->poll_order, n * sizeof *a);
  for (uint32_t i = n / 2; i-- > 0;) sift(s, a, n, i);
  for (uint32_t end = n - 1; end > 0; end--) {
    uint16_t x = a[end];
    a[end] = a[0];
    a[0] = x;
    sift(s, a, end, 0);
  }
}

/* ---- Locks ------------------------------------------------------------- */

/* The channel of the i-th case in lock order, NULL if the one before has the same. */
static struct mw_chan *lock_at(const struct select *s, uint32_t i) {
  struct mw_chan *ch = s->cases[s->lock_order[i]].chan;
  return i > 0 && s->cases[s->lock_order[i - 1]].chan == ch ? NULL : ch;
}

static void lock_all(const struct select *s) {
  for (uint32_t i = 0; i < s->nlock; i++) {
    struct mw_chan *ch = lock_at(s, i);
    if (ch != NULL) mwi_asym_lock(&ch->lock);
  }
}

/* Backwards: the first in lock order is the last to be unlocked, and after that
 * nothing of s is read, because its goroutine may be running again. */
static void unlock_all(const struct select *s) {
  for (uint32_t i = s->nlock; i-- > 0;) {
    struct mw_chan *ch = lock_at(s, i);
    if (ch != NULL) mwi_asym_unlock(&ch->lock);
  }
}

static bool unlock_all_commit(struct mwi_g *g, void *arg) {
  (void)g;
  unlock_all(arg);
  return true;
}

/* ---- Cases ------------------------------------------------------------- */

/* Can c probably go on?  No lock; a wrong answer costs time only. */
static bool looks_ready(const mw_case *c) {
  const struct mw_chan *ch = c->chan;
  if (mwi_load_relaxed(&ch->closed) || ch->timer) return true;
  uint64_t count = mwi_load_relaxed(&ch->count);
  return c->send ? count < ch->cap || __atomic_load_n(&ch->recvq.first, __ATOMIC_RELAXED) != NULL
                 : count > 0 || __atomic_load_n(&ch->sendq.first, __ATOMIC_RELAXED) != NULL;
}

static enum mwi_move try_case_locked(mw_case *c, struct mwi_g **wake) {
  if (c->send) return mwi_ch_send_locked(c->chan, c->elem, wake);
  enum mwi_move move = mwi_ch_recv_locked(c->chan, c->elem, wake);
  if (move != MWI_MOVE_BLOCK) c->ok = move == MWI_MOVE_DONE;
  return move;
}

/* After a case has been decided and everything is unlocked. */
static int finish(const struct select *s, uint32_t i, enum mwi_move move, struct mwi_g *wake) {
  if (move == MWI_MOVE_CLOSED && s->cases[i].send) mwi_fatal("send on closed channel");
  if (wake != NULL) mwi_ready(wake);
  return (int)i;
}

static void check_case(const mw_case *c) {
  if (c->chan == NULL) return;
  mwi_ch_check_size(c->chan, c->size);
  if (MWI_UNLIKELY(c->send && c->elem == NULL && c->chan->elem_size != 0))
    mwi_fatal("select: a case sends, and has no value (elem is NULL)");
  if (MWI_UNLIKELY(c->send && c->chan->timer))
    mwi_fatal("send on a timer's channel, which is receive-only");
}

/* ---- The steps --------------------------------------------------------- */

/* Step 1.  The case that went on, or -1. */
static int try_each(struct select *s) {
  for (uint32_t k = 0; k < s->nlock; k++) {
    uint32_t i = s->poll_order[k];
    mw_case *c = &s->cases[i];
    if (!looks_ready(c)) continue;
    struct mwi_g *wake = NULL;
    mwi_asym_lock(&c->chan->lock);
    enum mwi_move move = try_case_locked(c, &wake);
    mwi_asym_unlock(&c->chan->lock);
    if (move != MWI_MOVE_BLOCK) return finish(s, i, move, wake);
  }
  return -1;
}

/* Step 2.  -1: nothing can go on, and all channels are locked. */
static int try_all(struct select *s) {
  lock_all(s);
  for (uint32_t k = 0; k < s->nlock; k++) {
    uint32_t i = s->poll_order[k];
    struct mwi_g *wake = NULL;
    enum mwi_move move = try_case_locked(&s->cases[i], &wake);
    if (move == MWI_MOVE_BLOCK) continue;
    unlock_all(s);
    return finish(s, i, move, wake);
  }
  return -1;
}

/* Steps 3 and 4, with w the first of enough waiters: the k-th waiter is for
 * the k-th case in lock order; large values' buffers are in place. */
static int park_on_all(struct select *s, struct mwi_g *g) {
  mwi_store_relaxed(&g->select_done, 0);
  struct mwi_waiter *w = g->waiters;
  for (uint32_t k = 0; k < s->nlock; k++, w = w->own_next) {
    mw_case *c = &s->cases[s->lock_order[k]];
    w->select = true;
    w->index = s->lock_order[k];
    mwi_ch_enqueue(c->chan, w, c->send ? c->elem : NULL, w->big);
  }
  mwi_park_light(unlock_all_commit, s, MWI_WAIT_SELECT);

  struct mwi_waiter *won = g->wake_param;
  w = g->waiters;
  for (uint32_t k = 0; k < s->nlock;) {
    struct mw_chan *ch = w->chan;
    mwi_asym_lock(&ch->lock);
    for (; k < s->nlock && w->chan == ch; k++, w = w->own_next) {
      if (!w->queued) continue;
      bool send = s->cases[w->index].send;
      mwi_waitq_remove(send ? &ch->sendq : &ch->recvq, w);
    }
    if (MWI_UNLIKELY(ch->timer) && ch->recvq.first == NULL) mwi_timer_chan_idle(ch);
    mwi_asym_unlock(&ch->lock);
    if (w == NULL) break;
  }

  mw_case *c = &s->cases[won->index];
  int index = won->index;
  bool ok = won->ok;
  mwi_rt_enter();
  if (!c->send) {
    c->ok = ok;
    if (ok)
      mwi_value_deliver(c->chan, c->elem, mwi_waiter_value(won));
    else
      mwi_value_deliver_zero(c->chan, c->elem);
  }
  w = g->waiters;
  for (uint32_t k = 0; k < s->nlock; k++, w = w->own_next) mwi_waiter_release(w);
  mwi_rt_leave();
  if (s->nlock > 8) mwi_waiters_trim(g);
  if (c->send && !ok) mwi_fatal("send on closed channel");
  return index;
}

/* Waiters for all cases, and collected buffers for large values, before any
 * lock is taken. */
static void prepare_waiters(struct select *s, struct mwi_g *g) {
  struct mwi_waiter *w = mwi_waiters_need(g, s->nlock);
  for (uint32_t k = 0; k < s->nlock; k++, w = w->own_next) {
    struct mw_chan *ch = s->cases[s->lock_order[k]].chan;
    if (ch->elem_size <= MWI_WAITER_SLOT) continue;
    w->big = mwi_ch_big_buffer(ch);
    w->chan = ch; /* from here the collector sees w->big */
  }
}

static int select_with(struct select *s, bool block) {
  make_poll_order(s);
  int i = try_each(s);
  if (i >= 0) return i;
  if (s->nlock == 0) {
    if (!block) return -1;
    for (;;) mwi_park(NULL, NULL, MWI_WAIT_SELECT_NONE);
  }
  make_lock_order(s);
  struct mwi_g *g = mwi_getg();
  if (block) prepare_waiters(s, g);
  i = try_all(s);
  if (i < 0 && block) return park_on_all(s, g);
  if (i < 0) {
    unlock_all(s);
    return -1;
  }
  if (block) {
    struct mwi_waiter *w = g->waiters;
    for (uint32_t k = 0; k < s->nlock; k++, w = w->own_next) mwi_waiter_release(w);
  }
  return i;
}

static MWI_NOINLINE int select_large(struct select *s, bool block) {
  /* On the heap: a goroutine's stack may be small, and the frame is our
   * caller's wait for as long as it lasts. */
  uint16_t *orders = mwi_gc_alloc(2 * (size_t)s->n * sizeof *orders, &mwi_layout_noscan);
  s->poll_order = orders;
  s->lock_order = orders + s->n;
  return select_with(s, block);
}

static int do_select(mw_case *cases, int n, bool block) {
  mwi_attach();
  if (MWI_UNLIKELY(n < 0 || n > MAX_CASES)) mwi_fatal("select: %d cases", n);
  if (MWI_UNLIKELY(n > 0 && cases == NULL)) mwi_fatal("select: %d cases at NULL", n);
  struct select s = {.cases = cases, .n = (uint32_t)n};
  for (int i = 0; i < n; i++) check_case(&cases[i]);
  if (n > SMALL) return select_large(&s, block);
  uint16_t poll_order[SMALL], lock_order[SMALL];
  s.poll_order = poll_order;
  s.lock_order = lock_order;
  return select_with(&s, block);
}

int mw_select(mw_case *cases, int n) {
  return do_select(cases, n, true);
}

int mw_try_select(mw_case *cases, int n) {
  return do_select(cases, n, false);
}
