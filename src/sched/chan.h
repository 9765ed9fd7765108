/* SPDX-License-Identifier: MIT */
/*
 * sched/chan.h -- channels, as chan.c, select.c and timer_chan.c share them (internal)
 *
 * Job      The channel object, and the moves that can be made on it without
 *          blocking, under its lock.
 * Promise  [CH1] At least one of the two queues is empty, except that one
 *          goroutine's select may stand in both.
 *          [CH2] count > 0 implies that no receiver waits (other than a select
 *          that has been woken elsewhere); count < cap implies the same for senders.
 *          [CH3] Vacated elements of the buffer are zero if they may hold pointers.
 *          [CH4] While marking is on, a value is shaded in the critical section
 *          that moves it, and so is what it overwrites, unless elements hold no
 *          pointers.
 * How      One collected object: the header, and behind it the buffer when
 *          elements hold no pointers, else a buffer of its own whose layout is
 *          the element's.  The header then has one pointer, `buf`; the queues
 *          hold waiters, which are not collected.
 * Threads  everything under `lock`, except where said.
 *          Names are mwi_ch_, because mwi_chan_ is what libmallow.so exports.
 * Next     sched/waiter.h, docs/design/sched-sync.md
 */
#ifndef MWI_SCHED_CHAN_H
#define MWI_SCHED_CHAN_H

#include "mallow.h"
#include "os/asymlock.h"
#include "sched/waiter.h"

/* first->prev is the last one, which has next NULL. */
struct mwi_waitq {
  struct mwi_waiter *first;
};

/* One cache line: on two processors it is what moves between them. */
struct mw_chan {
  struct mwi_asymlock lock; /* rank CHAN; select takes several, by address */

  /* constant after make */
  uint32_t elem_size; /* bytes */
  bool noscan;        /* elements hold no pointers */
  bool timer;         /* part of a struct mwi_timer_chan: look at the clock first */

  /* under lock for writing; the unlocked looks of try and len read them relaxed */
  _Atomic bool closed;
  _Atomic uint64_t count; /* elements in the buffer, <= cap */

  uint64_t cap; /* constant after make */
  char *buf;    /* constant after make */

  /* under lock */
  uint64_t recvx; /* next element to receive; `count` from there is the next to fill */
  struct mwi_waitq recvq, sendq; /* `first` is also looked at without the lock */
};
_Static_assert(sizeof(struct mw_chan) <= MWI_CACHE_LINE, "one cache line");

/* What a move came to. */
enum mwi_move {
  MWI_MOVE_BLOCK,  /* it would block; nothing was done */
  MWI_MOVE_DONE,   /* a value passed; *wake, if set, is to be readied after unlocking */
  MWI_MOVE_CLOSED, /* closed: a receive has zeroed its target, a send has done nothing */
};

/* ---- Timer channels (timer_chan.c); lock held -------------------------- */

/* Put the tick that is due into the buffer. */
void mwi_timer_chan_look(struct mw_chan *ch);
/* A receiver has begun to wait; the last one has stopped. */
void mwi_timer_chan_waited(struct mw_chan *ch);
void mwi_timer_chan_idle(struct mw_chan *ch);

/* ---- Queues; lock held ------------------------------------------------- */

MWI_INLINE void mwi_waitq_push(struct mwi_waitq *q, struct mwi_waiter *w) {
  mwi_assert(!w->queued);
  struct mwi_waiter *first = q->first;
  w->next = NULL;
  w->queued = true;
  if (first == NULL) {
    w->prev = w;
    q->first = w;
    return;
  }
  w->prev = first->prev;
  first->prev->next = w;
  first->prev = w;
}

MWI_INLINE void mwi_waitq_remove(struct mwi_waitq *q, struct mwi_waiter *w) {
  if (q->first == w)
    q->first = w->next;
  else
    w->prev->next = w->next;
  if (w->next != NULL)
    w->next->prev = w->prev;
  else if (q->first != NULL) /* it was the last */
    q->first->prev = w->prev;
  w->queued = false;
}

/* The first waiter that can still be woken, now the caller's to wake. */
MWI_INLINE struct mwi_waiter *mwi_waitq_pop(struct mwi_waitq *q) {
  for (;;) {
    struct mwi_waiter *w = q->first;
    if (w == NULL) return NULL;
    mwi_waitq_remove(q, w);
    uint32_t open = 0;
    /* acq_rel: the loser must see nothing of the select's next round; that is
     * why a select takes each of its channels' locks before it returns */
    if (!w->select || mwi_cas_acqrel(&w->g->select_done, &open, 1)) return w;
  }
}

/* ---- Values ------------------------------------------------------------ */

MWI_INLINE void mwi_value_copy(void *dst, const void *src, size_t n) {
  if (MWI_LIKELY(n == 8))
    __builtin_memcpy(dst, src, 8);
  else if (n == 16)
    __builtin_memcpy(dst, src, 16);
  else if (n == 4)
    __builtin_memcpy(dst, src, 4);
  else
    memcpy(dst, src, n);
}

MWI_INLINE void mwi_value_clear(void *dst, size_t n) {
  if (MWI_LIKELY(n == 8))
    __builtin_memset(dst, 0, 8);
  else
    memset(dst, 0, n);
}

/* *dst = *src, for a dst whose old content counts for nothing. [CH4] */
MWI_INLINE void mwi_value_move(const struct mw_chan *ch, void *dst, const void *src) {
  if (MWI_UNLIKELY(mwi_wb_on()) && !ch->noscan) mwi_shade_range(src, ch->elem_size);
  mwi_value_copy(dst, src, ch->elem_size);
}

/* The same for a target of the program's, which may be in the heap. */
MWI_INLINE void mwi_value_deliver(const struct mw_chan *ch, void *out, const void *src) {
  if (out == NULL) return;
  if (MWI_UNLIKELY(mwi_wb_on()) && !ch->noscan) mwi_shade_range(out, ch->elem_size);
  mwi_value_move(ch, out, src);
}

/* What a receive from a closed channel delivers. */
MWI_INLINE void mwi_value_deliver_zero(const struct mw_chan *ch, void *out) {
  if (out == NULL) return;
  if (MWI_UNLIKELY(mwi_wb_on()) && !ch->noscan) mwi_shade_range(out, ch->elem_size);
  mwi_value_clear(out, ch->elem_size);
}

/* Where a waiter keeps its value. */
MWI_INLINE void *mwi_waiter_value(struct mwi_waiter *w) {
  return w->big != NULL ? w->big : w->slot;
}

MWI_INLINE char *mwi_ch_elem(const struct mw_chan *ch, uint64_t i) {
  return ch->buf + i * ch->elem_size;
}

MWI_INLINE uint64_t mwi_ch_next(const struct mw_chan *ch, uint64_t i) {
  return i + 1 == ch->cap ? 0 : i + 1;
}

/* Where the next element goes, with `count` of them there. */
MWI_INLINE uint64_t mwi_ch_sendx(const struct mw_chan *ch, uint64_t count) {
  uint64_t i = ch->recvx + count;
  return i >= ch->cap ? i - ch->cap : i;
}

/* ---- Moves; lock held -------------------------------------------------- */

MWI_INLINE enum mwi_move mwi_ch_send_locked(struct mw_chan *ch, const void *value,
                                            struct mwi_g **wake) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&ch->closed))) return MWI_MOVE_CLOSED;
  struct mwi_waiter *w = mwi_waitq_pop(&ch->recvq);
  if (w != NULL) {
    /* the scan of the receiver may be under way: the move shades [WT3] */
    mwi_value_move(ch, mwi_waiter_value(w), value);
    w->ok = true;
    w->g->wake_param = w;
    *wake = w->g;
    return MWI_MOVE_DONE;
  }
  uint64_t count = mwi_load_relaxed(&ch->count);
  if (count == ch->cap) return MWI_MOVE_BLOCK;
  mwi_value_move(ch, mwi_ch_elem(ch, mwi_ch_sendx(ch, count)), value);
  mwi_store_relaxed(&ch->count, count + 1);
  return MWI_MOVE_DONE;
}

/* Take the element at recvx out of the buffer. */
MWI_INLINE void mwi_ch_take_elem(struct mw_chan *ch, void *out) {
  char *e = mwi_ch_elem(ch, ch->recvx);
  if (MWI_UNLIKELY(mwi_wb_on()) && !ch->noscan && out == NULL) mwi_shade_range(e, ch->elem_size);
  mwi_value_deliver(ch, out, e);
  if (!ch->noscan) mwi_value_clear(e, ch->elem_size); /* [CH3] */
  ch->recvx = mwi_ch_next(ch, ch->recvx);
}

MWI_INLINE enum mwi_move mwi_ch_recv_locked(struct mw_chan *ch, void *out, struct mwi_g **wake) {
  if (MWI_UNLIKELY(ch->timer)) mwi_timer_chan_look(ch);
  uint64_t count = mwi_load_relaxed(&ch->count);
  struct mwi_waiter *w = mwi_waitq_pop(&ch->sendq);
  if (w != NULL) {
    if (ch->cap == 0) {
      mwi_value_deliver(ch, out, mwi_waiter_value(w));
    } else {
      /* the buffer is full [CH2]: its head goes out, the sender's value to the tail */
      mwi_assert(count == ch->cap);
      mwi_ch_take_elem(ch, out);
      mwi_value_move(ch, mwi_ch_elem(ch, mwi_ch_sendx(ch, count - 1)), mwi_waiter_value(w));
    }
    w->ok = true;
    w->g->wake_param = w;
    *wake = w->g;
    return MWI_MOVE_DONE;
  }
  if (count != 0) {
    mwi_ch_take_elem(ch, out);
    mwi_store_relaxed(&ch->count, count - 1);
    return MWI_MOVE_DONE;
  }
  if (mwi_load_relaxed(&ch->closed)) {
    mwi_value_deliver_zero(ch, out);
    return MWI_MOVE_CLOSED;
  }
  return MWI_MOVE_BLOCK;
}

/* ---- Waiting ----------------------------------------------------------- */

/* A collected buffer for values that do not fit into a waiter, else NULL.
 * Allocates: no lock held. */
void *mwi_ch_big_buffer(const struct mw_chan *ch);

/* Make w, the running goroutine's, stand in ch's queue; lock held.  value: what
 * it sends, NULL: it receives. */
void mwi_ch_enqueue(struct mw_chan *ch, struct mwi_waiter *w, const void *value, void *big);
/* In a forked child: w's goroutine is not there. */
void mwi_ch_abandon(struct mwi_waiter *w);
/* w is no longer in use. */
MWI_INLINE void mwi_waiter_release(struct mwi_waiter *w) {
  w->chan = NULL;
  w->big = NULL;
  w->scan_bytes = 0;
}

/* size is that of the program's value, 0 for any. */
_Noreturn void mwi_ch_bad_size(const struct mw_chan *ch, size_t size);
MWI_INLINE void mwi_ch_check_size(const struct mw_chan *ch, size_t size) {
  if (MWI_UNLIKELY(size != ch->elem_size) && size != 0) mwi_ch_bad_size(ch, size);
}

/* Header fields of a fresh channel whose memory is zero. */
void mwi_ch_setup(struct mw_chan *ch, size_t elem_size, uint64_t cap, void *buf, bool noscan);

#endif
