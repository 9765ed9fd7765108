/* SPDX-License-Identifier: MIT */
/*
 * sched/unasked.h -- goroutines that parked without asking whether their descriptor blocks
 *
 * Job      O_NONBLOCK belongs to everybody who has the open file, so whether a descriptor blocks
 *          is asked before a goroutine parks; by a system call, for each message, though the
 *          answer is ever the same.  A TCP socket that blocked when it was asked last is not asked
 *          then, but noted here, and asked later if its goroutine waits still, which with clients
 *          that hurry is none.
 * Promise  [NP8] of netpoll.h.
 * How      A ring for each processor, of descriptors with the count of their parks:
 *
 *              [ fd parks at | fd parks at | ...          ]
 *                ^ head: who looks at the old ones          ^ tail: the processor's owner
 *
 *          Who looks for edges, and the thread that goes idle, ask for those that are old enough
 *          and wait there still; sysmon does where nobody has for another while.  A goroutine
 *          that finds others in the queue asks: so an entry whose count has passed is nobody's.
 * Next     unasked.c; libc.c (mwi_io_try, mwi_io_block)
 */
#ifndef MWI_SCHED_UNASKED_H
#define MWI_SCHED_UNASKED_H

#include "sched/descriptor.h"
#include "sched/proc.h"

/* Entries: a few thousand messages, two slices. */
#if MW_STRESS
enum { MWI_UNASKED = 4 };
#elif MW_CHECK
enum { MWI_UNASKED = 64 };
#else
enum { MWI_UNASKED = 2048 };
#endif

struct mwi_unasked {
  _Atomic uint32_t tail;    /* the processor's owner; release */
  _Atomic uint32_t now;     /* when somebody looked last; relaxed: older than it is, at worst */
  struct mwi_unasked *next; /* constant: all of them */
  _Atomic uint32_t busy MWI_ALIGNED(64); /* 1: somebody takes entries out */
  _Atomic uint32_t head;                 /* who has busy; release */
  struct {
    int32_t fd;
    uint32_t parks, at;
  } entry[MWI_UNASKED];
};

/* It blocks, the kernel says: the next read may park without asking. */
void mwi_pd_blocks(struct mwi_pd *pd);
MWI_INLINE bool mwi_pd_may_park(const struct mwi_pd *pd) {
  return mwi_load_relaxed(&pd->blocks) && !mwi_load_relaxed(&pd->shared);
}

/* pd's lock held; before its goroutine enters the queue.  Where it can be noted; NULL: it has to
 * ask. */
MWI_INLINE struct mwi_unasked *mwi_unasked_room_locked(const struct mwi_pd *pd) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_unasked *u = p ? p->unasked : NULL;
  if (!u || mwi_load_relaxed(&pd->queue[MWI_IO_READ])) return NULL;
  /* pairs with ask_old */
  return mwi_load_relaxed(&u->tail) - mwi_load_acquire(&u->head) < MWI_UNASKED ? u : NULL;
}

/* The same, when it is in the queue: who finds an entry and nobody in the queue drops it. */
MWI_INLINE void mwi_unasked_note_locked(struct mwi_unasked *u, struct mwi_pd *pd, int fd) {
  uint32_t t = mwi_load_relaxed(&u->tail);
  uint32_t parks = mwi_load_relaxed(&pd->parks) + 1;
  mwi_store_relaxed(&pd->parks, parks); /* a change of the flag at this very moment is before it */
  u->entry[t % MWI_UNASKED].fd = fd;
  u->entry[t % MWI_UNASKED].parks = parks;
  u->entry[t % MWI_UNASKED].at = mwi_load_relaxed(&u->now);
  mwi_store_release(&u->tail, t + 1); /* pairs with ask_old */
}

/* The owner's look, on the way to look for edges. */
void mwi_unasked_mine(int64_t now);
/* The owner goes idle: all that p has. */
void mwi_unasked_idle(struct mwi_p *p);
/* sysmon: where nobody else does.  all: it will not look again soon.  True: there are none left. */
bool mwi_unasked_rest(int64_t now, bool all);
void mwi_unasked_forked(void);

#endif
