/* SPDX-License-Identifier: MIT */
/*
 * sched/waiter.h -- a goroutine's place in a wait queue (internal)
 *
 * Job      What stands in the queues of channels, semaphores and timers on
 *          behalf of a parked goroutine.  A select stands in several queues,
 *          with one waiter in each.
 * Promise  [WT1] A waiter is memory outside the collected heap and is never
 *          given back: a stale pointer to one still points to a waiter.
 *          [WT2] Nobody touches a parked goroutine's stack.  A value on its way
 *          to or from it rests in the waiter: in `slot`, or, if larger, in a
 *          collected buffer that `big` points to.
 *          [WT3] A value that enters or leaves a waiter while marking is on is
 *          shaded in the same unstoppable section.  So it does not matter
 *          when, against the goroutine's stack, the waiter is scanned.
 * How      Each goroutine owns its waiters, used or not, on the list
 *          g->waiters, and keeps a few for the next time: parking again takes
 *          no lock and no allocation.  A goroutine that is reused after its
 *          death keeps them too.
 * Threads  The list: its goroutine, which is running, or the collector while
 *          it holds the goroutine's scan bit.  Each field: as grouped below.
 * Next     sched/chan.h, sched/sema.c, sched/timer.h
 */
#ifndef MWI_SCHED_WAITER_H
#define MWI_SCHED_WAITER_H

#include "sched/sched.h"
#include "sched/timer.h"

/* Bytes of a value that a waiter holds itself.  Large enough for every common
 * message; a waiter as a whole is two cache lines. */
#define MWI_WAITER_SLOT 64

struct mw_chan;

struct mwi_waiter {
  /* constant: the owner */
  struct mwi_g *g;
  struct mwi_waiter *own_next; /* g->waiters */

  /* owner while it is not parked, else under the queue's lock */
  struct mwi_waiter *next, *prev; /* channel queue; sema.c: list of one address */
  struct mw_chan *chan;           /* what it waits on; a root; NULL: not in use */
  void *big;                      /* collected buffer for a large value; a root */
  uint32_t scan_bytes;            /* of slot that may hold pointers */
  uint16_t index;                 /* select: number of the case */
  bool select;                    /* wake only after winning g->select_done */
  bool queued;                    /* in its channel's queue */
  bool ok;                        /* set by the waker: a value passed (not: closed) */

  /* by kind of wait, under the same lock */
  union {
    unsigned char slot[MWI_WAITER_SLOT] MWI_ALIGNED(8); /* channels */
    struct mwi_timer timer;                             /* mw_sleep */
    struct {                                            /* sema.c */
      const void *addr;                                 /* key */
      struct mwi_waiter *left, *right, *up;             /* tree of addresses */
      struct mwi_waiter *tail;                          /* first of a list: its last */
      int64_t since;                                    /* when it began; 0: not measured */
      uint32_t priority;                                /* tree order */
      uint32_t ticket;                                  /* condition variable: turn */
      bool granted;                                     /* the count was taken for it */
    } sema;
  };
} MWI_ALIGNED(64);

_Static_assert(sizeof(struct mwi_waiter) == 128, "two cache lines");

/* Add waiters to g, the running goroutine, until it owns n.  Returns the first. */
struct mwi_waiter *mwi_waiters_need(struct mwi_g *g, unsigned n);
/* Give back what g, the running goroutine, owns beyond a few. */
void mwi_waiters_trim(struct mwi_g *g);

/* A waiter of the running goroutine's own, for waits in one place. */
MWI_INLINE struct mwi_waiter *mwi_waiter_mine(struct mwi_g *g) {
  struct mwi_waiter *w = g->waiters;
  return MWI_LIKELY(w != NULL) ? w : mwi_waiters_need(g, 1);
}

#endif
