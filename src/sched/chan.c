/* SPDX-License-Identifier: MIT */
/*
 * sched/chan.c -- channels
 *
 * Job      What programs do with one channel: make, send, receive, try, close,
 *          look at the length.
 * Promise  [CH1]-[CH4] of chan.h.  Values arrive in the order in which their
 *          sends took effect; goroutines are served in the order in which they
 *          began to wait.
 * How      Each operation is one critical section under the channel's lock.  A
 *          receiver finds a value in the buffer, or in the waiter of a parked
 *          sender; a sender finds a parked receiver's waiter, or room.  Else
 *          it puts a waiter of its own into the queue and parks; whoever comes
 *          along completes the operation for it, so a woken goroutine has
 *          nothing to look for and needs no lock.
 * Callers  compiled and plain C code, on goroutine stacks.  Nothing here may
 *          stop between a shade and its copy: the lock sees to that, and the
 *          copies after a wake-up are bracketed by mwi_rt_enter.
 * Rejected copying straight from stack to stack as Go does: it saves one copy,
 *          but a parked goroutine's stack may be folded.
 */
#include "sched/chan.h"

#include "gc/alloc.h"

/* ---- Make -------------------------------------------------------------- */

/* Layout of a header with a buffer of its own: one pointer. */
static const uint64_t header_mask[1] = {(uint64_t)1 << (offsetof(struct mw_chan, buf) / 8)};
static struct mwi_layout header_layout = {
    .size = sizeof(struct mw_chan),
    .align = _Alignof(struct mw_chan),
    .period = sizeof(struct mw_chan) / 8,
    .mask = header_mask,
    .name = "mw_chan",
};

_Static_assert(sizeof(struct mw_chan) <= 64 * 8, "one mask word covers the header");

void mwi_ch_setup(struct mw_chan *ch, size_t elem_size, uint64_t cap, void *buf, bool noscan) {
  ch->lock = (struct mwi_asymlock)MWI_ASYMLOCK_INIT(MWI_RANK_CHAN);
  ch->elem_size = (uint32_t)elem_size;
  ch->cap = cap;
  ch->noscan = noscan;
  mwi_store_ptr((void **)&ch->buf, buf);
}

/* layout NULL: unknown, every word may be a pointer. */
static mw_chan *chan_make(size_t size, uint64_t cap, const struct mwi_layout *layout) {
  mwi_attach();
  size_t bytes;
  if (size > UINT32_MAX || cap > (uint64_t)PTRDIFF_MAX ||
      __builtin_mul_overflow(size, (size_t)cap, &bytes) ||
      bytes > (size_t)PTRDIFF_MAX - sizeof(struct mw_chan))
    mwi_fatal("makechan: size out of range: %lu elements of %zu bytes", (unsigned long)cap, size);
  /* no pointer fits, or none could be aligned in the second element */
  bool noscan = (layout != NULL && layout->period == 0) || size % sizeof(void *) != 0;
  struct mw_chan *ch;
  if (noscan || bytes == 0) {
    ch = mwi_gc_alloc(sizeof *ch + bytes, &mwi_layout_noscan);
    mwi_ch_setup(ch, size, cap, ch + 1, noscan);
  } else {
    void *buf = mwi_gc_alloc(bytes, layout);
    ch = mwi_gc_alloc(sizeof *ch, &header_layout);
    mwi_rt_enter();
    mwi_ch_setup(ch, size, cap, buf, false);
    mwi_rt_leave();
  }
  return ch;
}

MWI_EXPORT mw_chan *mwi_rt_chan_make(struct mwi_layout *elem, uint64_t cap);
mw_chan *mwi_rt_chan_make(struct mwi_layout *elem, uint64_t cap) {
  return chan_make(elem->size, cap, elem);
}

/* Without the plugin: the witness tells nothing. */
mw_chan *mwi_chan_make_typed(size_t size, size_t cap, const void *witness) {
  (void)witness;
  return chan_make(size, cap, NULL);
}

/* ---- Shared with select ------------------------------------------------ */

void mwi_ch_bad_size(const struct mw_chan *ch, size_t size) {
  mwi_fatal("channel element size is %u bytes, value has %zu", ch->elem_size, size);
}

void *mwi_ch_big_buffer(const struct mw_chan *ch) {
  if (MWI_LIKELY(ch->elem_size <= MWI_WAITER_SLOT)) return NULL;
  return mwi_gc_alloc(ch->elem_size, ch->noscan ? &mwi_layout_noscan : NULL);
}

void mwi_ch_enqueue(struct mw_chan *ch, struct mwi_waiter *w, const void *value, void *big) {
  w->chan = ch;
  w->big = big;
  w->ok = false;
  w->scan_bytes = 0;
  if (big == NULL && !ch->noscan) {
    /* the collector may scan a receiver's slot before it is filled */
    if (value == NULL) mwi_value_clear(w->slot, ch->elem_size);
    w->scan_bytes = ch->elem_size;
  }
  mwi_shade(ch);
  mwi_shade(big);
  if (value != NULL) {
    mwi_value_move(ch, mwi_waiter_value(w), value);
    mwi_waitq_push(&ch->sendq, w);
  } else {
    mwi_waitq_push(&ch->recvq, w);
    if (MWI_UNLIKELY(ch->timer)) mwi_timer_chan_waited(ch);
  }
}

void mwi_ch_abandon(struct mwi_waiter *w) {
  struct mwi_waiter *first = w;
  while (first->prev->next != NULL) first = first->prev; /* the first's prev is the last */
  mwi_waitq_remove(w->chan->recvq.first == first ? &w->chan->recvq : &w->chan->sendq, w);
}

static bool unlock_commit(struct mwi_g *g, void *ch) {
  (void)g;
  mwi_asym_unlock(&((struct mw_chan *)ch)->lock);
  return true;
}

/* ---- Send -------------------------------------------------------------- */

/* Returns with the value sent, or with the channel unlocked and false. */
MWI_INLINE bool send_now(struct mw_chan *ch, const void *value) {
  struct mwi_g *wake = NULL;
  enum mwi_move move = mwi_ch_send_locked(ch, value, &wake);
  if (MWI_LIKELY(move == MWI_MOVE_DONE)) {
    mwi_asym_unlock(&ch->lock);
    if (wake != NULL) mwi_ready(wake);
    return true;
  }
  if (move == MWI_MOVE_CLOSED) {
    mwi_asym_unlock(&ch->lock);
    mwi_fatal("send on closed channel");
  }
  return false;
}

/* The channel is locked and has no room. */
static MWI_NOINLINE void send_park(struct mw_chan *ch, const void *value) {
  struct mwi_g *g = mwi_getg();
  void *big = NULL;
  if (ch->elem_size > MWI_WAITER_SLOT) {
    mwi_asym_unlock(&ch->lock);
    big = mwi_ch_big_buffer(ch);
    mwi_asym_lock(&ch->lock);
    if (send_now(ch, value)) return;
  }
  struct mwi_waiter *w = mwi_waiter_mine(g);
  w->select = false;
  mwi_ch_enqueue(ch, w, value, big);
  mwi_park_light(unlock_commit, ch, MWI_WAIT_CHAN_SEND);
  bool ok = w->ok;
  mwi_waiter_release(w);
  if (!ok) mwi_fatal("send on closed channel");
}

static MWI_COLD _Noreturn void block_forever(enum mwi_wait reason) {
  for (;;) mwi_park(NULL, NULL, reason);
}

static MWI_COLD void refuse_timer_send(void) {
  mwi_fatal("send on a timer's channel, which is receive-only");
}

void mwi_chan_send(mw_chan *ch, const void *value, size_t size) {
  mwi_attach();
  if (MWI_UNLIKELY(ch == NULL)) block_forever(MWI_WAIT_CHAN_SEND_NIL);
  mwi_ch_check_size(ch, size);
  if (MWI_UNLIKELY(ch->timer)) refuse_timer_send();
  mwi_asym_lock(&ch->lock);
  if (!send_now(ch, value)) send_park(ch, value);
}

bool mwi_chan_try_send(mw_chan *ch, const void *value, size_t size) {
  mwi_attach();
  if (ch == NULL) return false;
  mwi_ch_check_size(ch, size);
  if (MWI_UNLIKELY(ch->timer)) refuse_timer_send();
  /* Without the lock: not closed, and no room, after all operations that have
   * ended [J2].  A channel is never opened again, so if it has no room at some
   * moment after it was seen open, that moment is when this send failed. */
  if (mwi_asym_looks_free(&ch->lock) && !mwi_load_relaxed(&ch->closed)) {
    atomic_thread_fence(memory_order_acquire);
    bool full = ch->cap == 0 ? __atomic_load_n(&ch->recvq.first, __ATOMIC_RELAXED) == NULL
                             : mwi_load_relaxed(&ch->count) == ch->cap;
    if (full) return false;
  }
  mwi_asym_lock(&ch->lock);
  if (send_now(ch, value)) return true;
  mwi_asym_unlock(&ch->lock);
  return false;
}

/* ---- Receive ----------------------------------------------------------- */

/* As mwi_ch_recv_locked; unlocked unless it would block. */
MWI_INLINE enum mwi_move recv_now(struct mw_chan *ch, void *out) {
  struct mwi_g *wake = NULL;
  enum mwi_move move = mwi_ch_recv_locked(ch, out, &wake);
  if (MWI_LIKELY(move != MWI_MOVE_BLOCK)) {
    mwi_asym_unlock(&ch->lock);
    if (wake != NULL) mwi_ready(wake);
  }
  return move;
}

static MWI_NOINLINE bool recv_park(struct mw_chan *ch, void *out) {
  struct mwi_g *g = mwi_getg();
  void *big = NULL;
  if (ch->elem_size > MWI_WAITER_SLOT) {
    mwi_asym_unlock(&ch->lock);
    big = mwi_ch_big_buffer(ch);
    mwi_asym_lock(&ch->lock);
    enum mwi_move move = recv_now(ch, out);
    if (move != MWI_MOVE_BLOCK) return move == MWI_MOVE_DONE;
  }
  struct mwi_waiter *w = mwi_waiter_mine(g);
  w->select = false;
  mwi_ch_enqueue(ch, w, NULL, big);
  mwi_park_light(unlock_commit, ch, MWI_WAIT_CHAN_RECV);
  bool ok = w->ok;
  mwi_rt_enter();
  if (MWI_LIKELY(ok))
    mwi_value_deliver(ch, out, mwi_waiter_value(w));
  else
    mwi_value_deliver_zero(ch, out);
  mwi_waiter_release(w);
  mwi_rt_leave();
  return ok;
}

bool mwi_chan_recv(mw_chan *ch, void *out, size_t size) {
  mwi_attach();
  if (MWI_UNLIKELY(ch == NULL)) block_forever(MWI_WAIT_CHAN_RECV_NIL);
  mwi_ch_check_size(ch, size);
  mwi_asym_lock(&ch->lock);
  enum mwi_move move = recv_now(ch, out);
  if (MWI_UNLIKELY(move == MWI_MOVE_BLOCK)) return recv_park(ch, out);
  return move == MWI_MOVE_DONE;
}

int mwi_chan_try_recv(mw_chan *ch, void *out, size_t size) {
  mwi_attach();
  if (ch == NULL) return -1;
  mwi_ch_check_size(ch, size);
  /* Without the lock, after all operations that have ended [J2]: empty, and then
   * still open.  Open now means open when it was empty, so the receive would
   * have blocked at that moment. */
  if (!ch->timer && mwi_asym_looks_free(&ch->lock)) {
    bool empty = ch->cap == 0 ? __atomic_load_n(&ch->sendq.first, __ATOMIC_RELAXED) == NULL
                              : mwi_load_relaxed(&ch->count) == 0;
    atomic_thread_fence(memory_order_acquire);
    if (empty && !mwi_load_relaxed(&ch->closed)) return -1;
  }
  mwi_asym_lock(&ch->lock);
  enum mwi_move move = recv_now(ch, out);
  if (move == MWI_MOVE_BLOCK) {
    mwi_asym_unlock(&ch->lock);
    return -1;
  }
  return move == MWI_MOVE_DONE;
}

/* ---- Close, len, cap --------------------------------------------------- */

/* Waiters that a close wakes before it lets others have the lock, and stops the
 * thread if asked. */
enum { CLOSE_BATCH = 256 };

/* Take up to CLOSE_BATCH waiters out of q, with ok = false, linked by next.
 * The channel is closed already, so nobody comes new. */
static struct mwi_waiter *close_some(struct mwi_waitq *q) {
  struct mwi_waiter *list = NULL, **end = &list, *w;
  for (int i = 0; i < CLOSE_BATCH && (w = mwi_waitq_pop(q)) != NULL; i++) {
    w->ok = false;
    w->g->wake_param = w;
    w->next = NULL;
    *end = w;
    end = &w->next;
  }
  return list;
}

void mw_chan_close(mw_chan *ch) {
  mwi_attach();
  if (ch == NULL) mwi_fatal("close of nil channel");
  if (ch->timer) mwi_fatal("close of a timer's channel, which is receive-only");
  mwi_asym_lock(&ch->lock);
  if (mwi_load_relaxed(&ch->closed)) {
    mwi_asym_unlock(&ch->lock);
    mwi_fatal("close of closed channel");
  }
  mwi_store_relaxed(&ch->closed, true);
  for (;;) {
    struct mwi_waiter *w = close_some(&ch->sendq), *next;
    if (w == NULL) w = close_some(&ch->recvq);
    mwi_asym_unlock(&ch->lock);
    if (w == NULL) return;
    for (; w != NULL; w = next) {
      next = w->next; /* once ready, w is its goroutine's again */
      mwi_ready(w->g);
    }
    mwi_poll();
    mwi_attach(); /* the poll may have cost us the P */
    mwi_asym_lock(&ch->lock);
  }
}

size_t mw_chan_len(const mw_chan *ch) {
  if (ch == NULL) return 0;
  if (ch->timer) {
    struct mw_chan *t = (struct mw_chan *)(uintptr_t)ch;
    mwi_attach();
    mwi_asym_lock(&t->lock);
    mwi_timer_chan_look(t);
    mwi_asym_unlock(&t->lock);
  }
  return mwi_load_relaxed(&ch->count);
}

size_t mw_chan_cap(const mw_chan *ch) {
  return ch == NULL ? 0 : ch->cap;
}
