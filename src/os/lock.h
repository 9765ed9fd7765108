/* SPDX-License-Identifier: MIT */
/*
 * os/lock.h -- the runtime's mutex (internal)
 *
 * A futex lock of three states (free, held, held with waiters; Drepper,
 * "Futexes Are Tricky", 2011).  Holding one keeps the thread from being
 * stopped (tcb->rt), so critical sections are short, never allocate from the
 * collected heap, never park.  Check builds verify base/rank.h.
 */
#ifndef MWI_OS_LOCK_H
#define MWI_OS_LOCK_H

#include "base/rank.h"
#include "base/tcb.h"

struct mwi_lock {
  _Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
  uint16_t rank;          /* constant: enum mwi_rank */
};
#define MWI_LOCK_INIT(r) {.rank = (r)}

void mwi_lock_slow(struct mwi_lock *l);
void mwi_unlock_slow(struct mwi_lock *l);
/* Try for about four microseconds to take a lock's word from 0 to 1. */
bool mwi_lock_spin(_Atomic uint32_t *state);
void mwi_lock_rank_take(const void *l, uint16_t rank); /* check builds */
void mwi_lock_rank_drop(const void *l);
bool mwi_lock_rank_none(void); /* true in other builds */
/* Set at start-up: is the thread where it must take no lock ([P4] of sched/stop.c)? */
extern bool (*mwi_lock_forbidden)(void);
void mwi_lock_rank_forget(struct mwi_tcb *t); /* a thread that is not there after a fork */

MWI_INLINE void mwi_lock(struct mwi_lock *l) {
  mwi_rt_enter();
#if MW_CHECK
  mwi_lock_rank_take(l, l->rank);
#endif
  uint32_t free_state = 0;
  /* acquire: pairs with the release in mwi_unlock */
  if (!mwi_cas_acqrel(&l->state, &free_state, 1)) mwi_lock_slow(l);
}

MWI_INLINE bool mwi_trylock(struct mwi_lock *l) {
  mwi_rt_enter();
  uint32_t free_state = 0;
  if (mwi_cas_acqrel(&l->state, &free_state, 1)) {
#if MW_CHECK
    mwi_lock_rank_take(l, l->rank);
#endif
    return true;
  }
  mwi_rt_leave();
  return false;
}

MWI_INLINE void mwi_unlock(struct mwi_lock *l) {
#if MW_CHECK
  mwi_lock_rank_drop(l);
#endif
  if (mwi_xchg_acqrel(&l->state, 0) == 2) mwi_unlock_slow(l);
  mwi_rt_leave();
}

extern struct mwi_lock mwi_meta_lock; /* mwi_meta_alloc's, for sched/fork.c */

MWI_INLINE bool mwi_lock_held(struct mwi_lock *l) {
  return mwi_load_relaxed(&l->state) != 0;
}

#endif
