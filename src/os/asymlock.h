/* SPDX-License-Identifier: MIT */
/*
 * os/asymlock.h -- a mutex that is released with a plain store (internal)
 *
 * Job      The lock of a channel.  An uncontended operation on one is two
 *          locked instructions and little else, so half of it is the release.
 * Promise  [J1] No lost wake-up: a thread sleeps only on a lock whose holder
 *          will see `sleepers` when it lets go.
 *          [J2] Who finds the lock free with mwi_asym_looks_free, and then the
 *          data as they were, has looked after every critical section that had
 *          ended by then.
 * How      A release stores 0 and then loads `sleepers`; the processor may
 *          exchange the two.  The one who wants to sleep pays for the order:
 *          it announces itself and has the kernel put a barrier into every
 *          running thread (membarrier, "private expedited").  Releases that
 *          loaded before that barrier have stored before it, and the sleeper's
 *          next look at `state` finds it; those that load after see the
 *          announcement.  Without membarrier the release is an exchange.
 *          For [J2]: taking the lock is a full barrier, so an operation that
 *          has ended left `state` 1 for everybody, or has been seen to end.
 * Limits   Unlike mwi_unlock a release is no barrier: what a thread does after
 *          it may be seen before it, unless it takes a lock again.
 *          Of this file's locks only CHAN's rank exists; a thread that holds
 *          one cannot be stopped (tcb->rt), as with os/lock.h.
 * Next     Dice, Huang and Yang, "Asymmetric Dekker Synchronization" (2001); membarrier(2)
 */
#ifndef MWI_OS_ASYMLOCK_H
#define MWI_OS_ASYMLOCK_H

#include "base/rank.h"
#include "os/lock.h"

struct mwi_asymlock {
  _Atomic uint32_t state;    /* 0 free, 1 held */
  uint16_t rank;             /* constant: enum mwi_rank */
  _Atomic uint16_t sleepers; /* threads that sleep, or are about to */
};
#define MWI_ASYMLOCK_INIT(r) {.rank = (r)}

/* The kernel puts barriers into our threads; constant after mwi_asymlock_init. */
extern bool mwi_asymlock_plain;

/* Before the first lock is taken. */
void mwi_asymlock_init(void);

/*
 * Two who each write, and then read what the other writes: one of them sees it, where this one has
 * a light barrier in between, which costs nothing, and the other the heavy one, which costs
 * microseconds.  False: a filter has taken membarrier away, and both may miss it.
 */
bool mwi_asym_heavy_barrier(void);
MWI_INLINE void mwi_asym_light_barrier(void) {
  if (MWI_LIKELY(mwi_asymlock_plain))
    atomic_signal_fence(memory_order_seq_cst);
  else
    atomic_thread_fence(memory_order_seq_cst);
}

void mwi_asym_lock_slow(struct mwi_asymlock *l);
void mwi_asym_unlock_slow(struct mwi_asymlock *l);

MWI_INLINE void mwi_asym_lock(struct mwi_asymlock *l) {
  mwi_rt_enter();
#if MW_CHECK
  mwi_lock_rank_take(l, l->rank);
#endif
  uint32_t free_state = 0;
  /* acquire: pairs with the release in mwi_asym_unlock */
  if (!mwi_cas_acqrel(&l->state, &free_state, 1)) mwi_asym_lock_slow(l);
}

MWI_INLINE void mwi_asym_unlock(struct mwi_asymlock *l) {
  mwi_assert(mwi_load_relaxed(&l->state) == 1);
#if MW_CHECK
  mwi_lock_rank_drop(l);
#endif
  if (MWI_LIKELY(mwi_asymlock_plain))
    mwi_store_release(&l->state, 0);
  else
    (void)mwi_xchg_acqrel(&l->state, 0);
  atomic_signal_fence(memory_order_seq_cst); /* the compiler keeps the order [J1] */
  if (MWI_UNLIKELY(mwi_load_relaxed(&l->sleepers) != 0)) mwi_asym_unlock_slow(l);
  mwi_rt_leave();
}

/* Before a look at what the lock protects, without it [J2]. */
MWI_INLINE bool mwi_asym_looks_free(const struct mwi_asymlock *l) {
  return mwi_load_acquire(&l->state) == 0;
}

#endif
