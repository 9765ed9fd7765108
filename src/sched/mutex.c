/* SPDX-License-Identifier: MIT */
/*
 * sched/mutex.c -- mw_mutex and mw_rwmutex
 *
 * Job      Mutual exclusion between goroutines, with Go's behaviour: fast when
 *          there is little contention, bounded waiting when there is much.
 * Promise  [MX1] The holder's writes are seen by the next holder: acquiring is an
 *          acquire, releasing a release, on `state`.
 *          [MX2] A waiter that has waited STARVING_NS gets the mutex ahead of
 *          every newcomer.
 * How      `state` holds three flags and the number of waiters:
 *
 *              31             3      2        1       0
 *              [   waiters    | STARVING | WOKEN | LOCKED ]
 *
 *          Normal mode: a release wakes the first waiter, which then competes
 *          with newcomers; those usually win, because they run already, and
 *          throughput is high.  WOKEN says that somebody is awake and trying,
 *          so a release need not wake another.
 *          Starving mode, entered by a waiter that lost for too long: a
 *          release hands the mutex, still marked unlocked, to the first waiter;
 *          newcomers do not try and do not spin but queue.  The waiter that
 *          gets the mutex and is the last, or waited only briefly, ends it.
 * Callers  goroutine stacks; every mutex operation may be the first thing a
 *          foreign thread does.
 * Next     sema.c
 */
#include "mallow.h"
#include "os/os.h"
#include "sched/proc.h"
#include "sched/sema.h"

#undef mw_mutex_lock
#undef mw_mutex_unlock

enum { LOCKED = 1, WOKEN = 2, STARVING = 4, WAITER_SHIFT = 3, ONE_WAITER = 1 << WAITER_SHIFT };

/* Go's value: long against a critical section, short for a human. */
#define STARVING_NS 1000000

/* Spins before parking: worth a microsecond or two, about the price of a park. */
enum { SPINS = 4, SPIN_PAUSES = 30 };

/* Spinning pays only if the holder runs on another processor now, and no other
 * goroutine could use ours. */
static bool may_spin(int spins) {
  if (spins >= SPINS || mwi_sched.nprocs <= 1) return false;
  uint32_t quiet = mwi_load_relaxed(&mwi_sched.nidle_p) + mwi_load_relaxed(&mwi_sched.nspinning);
  if ((int)quiet + 1 >= mwi_sched.nprocs) return false;
  static _Atomic uint32_t ncpu;
  uint32_t n = mwi_load_relaxed(&ncpu);
  if (n == 0) mwi_store_relaxed(&ncpu, n = mwi_os_ncpu());
  if (n <= 1) return false;
  mwi_rt_enter(); /* keep the processor while looking into its queue */
  struct mwi_p *p = mwi_tcb()->p;
  bool idle = p != NULL && mwi_runq_empty(p);
  mwi_rt_leave();
  return idle;
}

/* old: the state, as last seen. */
MWI_NOINLINE void mwi_rt_mutex_lock(mw_mutex *m, int32_t old) {
  mwi_attach();
  int64_t since = 0; /* when waiting began; 0: has not waited */
  bool starving = false, awake = false;
  int spins = 0;
  for (;;) {
    if ((old & (LOCKED | STARVING)) == LOCKED && may_spin(spins)) {
      /* tell the holder that it need not wake anybody */
      if (!awake && (old & WOKEN) == 0 && old >> WAITER_SHIFT != 0 &&
          mwi_cas_acqrel(&m->state, &old, old | WOKEN))
        awake = true;
      for (int i = 0; i < SPIN_PAUSES; i++) mwi_pause();
      spins++;
      old = mwi_load_relaxed(&m->state);
      continue;
    }
    int32_t want = old;
    if ((old & STARVING) == 0) want |= LOCKED;
    if ((old & (LOCKED | STARVING)) != 0) want += ONE_WAITER;
    if (starving && (old & LOCKED) != 0) want |= STARVING;
    if (awake) want &= ~WOKEN; /* it is taken back, whether we get the mutex or park */
    if (!mwi_cas_acqrel(&m->state, &old, want)) continue;
    if ((old & (LOCKED | STARVING)) == 0) return; /* [MX1] */

    bool again = since != 0;
    if (!again) since = mwi_os.nanotime();
    mwi_sema_acquire(&m->sema, /* lifo: it has waited before */ again, MWI_WAIT_MUTEX);
    starving = starving || mwi_os.nanotime() - since > STARVING_NS;
    old = mwi_load_relaxed(&m->state);
    if ((old & STARVING) != 0) {
      /* It was handed to us: we are still counted as a waiter, and LOCKED is not set. */
      mwi_assert((old & (LOCKED | WOKEN)) == 0 && old >> WAITER_SHIFT != 0);
      int32_t delta = LOCKED - ONE_WAITER;
      if (!starving || old >> WAITER_SHIFT == 1) delta -= STARVING;
      mwi_add_acqrel(&m->state, delta);
      return;
    }
    awake = true;
    spins = 0;
  }
}

void mw_mutex_lock(mw_mutex *m) {
  mwi_mutex_lock(m);
}

bool mw_mutex_trylock(mw_mutex *m) {
  int32_t old = mwi_load_relaxed(&m->state);
  return (old & (LOCKED | STARVING)) == 0 && mwi_cas_acqrel(&m->state, &old, old | LOCKED);
}

/* The state after LOCKED was taken off is `now`: not 0, and not only WOKEN and waiters. */
MWI_NOINLINE void mwi_rt_mutex_unlocked(mw_mutex *m, int32_t now) {
  if (((now + LOCKED) & LOCKED) == 0) mwi_fatal("sync: unlock of unlocked mutex");
  if ((now & STARVING) != 0) {
    mwi_sema_release(&m->sema, /* handoff */ true);
    return;
  }
  for (int32_t old = now;;) {
    /* nobody waits, or somebody is awake to take it, or has */
    if (old >> WAITER_SHIFT == 0 || (old & (LOCKED | WOKEN | STARVING)) != 0) return;
    if (mwi_cas_acqrel(&m->state, &old, (old - ONE_WAITER) | WOKEN)) {
      mwi_sema_release(&m->sema, false);
      return;
    }
  }
}

void mw_mutex_unlock(mw_mutex *m) {
  mwi_mutex_unlock(m);
}

/* ---- Reader/writer ----------------------------------------------------- */

/*
 * reader_count counts readers, in and waiting.  A writer that has `w`
 * subtracts MAX_READERS: then it is negative, and new readers wait on
 * reader_sem.  The readers that were in are moved to reader_wait; the last of
 * them wakes the writer.
 */
enum { MAX_READERS = 1 << 30 };

void mw_rwmutex_rlock(mw_rwmutex *m) {
  if (mwi_add_acqrel(&m->reader_count, 1) + 1 < 0)
    mwi_sema_acquire(&m->reader_sem, false, MWI_WAIT_RWMUTEX_R);
}

void mw_rwmutex_runlock(mw_rwmutex *m) {
  int32_t now = mwi_add_acqrel(&m->reader_count, -1) - 1;
  if (MWI_LIKELY(now >= 0)) return;
  if (now + 1 == 0 || now + 1 == -MAX_READERS) mwi_fatal("sync: RUnlock of unlocked RWMutex");
  if (mwi_add_acqrel(&m->reader_wait, -1) - 1 == 0) mwi_sema_release(&m->writer_sem, false);
}

void mw_rwmutex_lock(mw_rwmutex *m) {
  mw_mutex_lock(&m->w);
  int32_t in = mwi_add_acqrel(&m->reader_count, -MAX_READERS);
  /* readers that left in between have made reader_wait negative */
  if (in != 0 && mwi_add_acqrel(&m->reader_wait, in) + in != 0)
    mwi_sema_acquire(&m->writer_sem, false, MWI_WAIT_RWMUTEX_W);
}

void mw_rwmutex_unlock(mw_rwmutex *m) {
  int32_t readers = mwi_add_acqrel(&m->reader_count, MAX_READERS) + MAX_READERS;
  if (readers >= MAX_READERS) mwi_fatal("sync: Unlock of unlocked RWMutex");
  for (int32_t i = 0; i < readers; i++) {
    mwi_sema_release(&m->reader_sem, false);
    mwi_poll();
  }
  mw_mutex_unlock(&m->w);
}
