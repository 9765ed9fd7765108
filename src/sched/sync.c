/* SPDX-License-Identifier: MIT */
/*
 * sched/sync.c -- wait groups, once, condition variables, semaphores
 *
 * Job      The rest of <mallow.h>'s synchronisation, with Go's behaviour and
 *          Go's words for misuse.
 * Promise  [SY1] What happened before add(-1), signal, release or the end of a
 *          once function is seen by whoever it lets go.
 * How      Each is an atomic word or two, with sema.c for parking.
 * Next     mutex.c, sema.c
 */
#include "mallow.h"
#include "sched/sema.h"

/* ---- WaitGroup: state is counter << 32 | waiters ----------------------- */

void mw_waitgroup_add(mw_waitgroup *wg, int delta) {
  uint64_t change = (uint64_t)(uint32_t)delta << 32;
  uint64_t now = mwi_add_acqrel(&wg->state, change) + change;
  int32_t counter = (int32_t)(now >> 32);
  uint32_t waiters = (uint32_t)now;
  if (MWI_UNLIKELY(counter < 0)) mwi_fatal("sync: negative WaitGroup counter");
  if (MWI_UNLIKELY(waiters != 0 && delta > 0 && counter == delta))
    mwi_fatal("sync: WaitGroup misuse: Add called concurrently with Wait");
  if (counter > 0 || waiters == 0) return;
  /* The counter is 0 and goroutines wait: no add and no wait may come now. */
  if (mwi_load_relaxed(&wg->state) != now)
    mwi_fatal("sync: WaitGroup misuse: Add called concurrently with Wait");
  mwi_store_release(&wg->state, 0);
  for (; waiters > 0; waiters--) {
    mwi_sema_release(&wg->sema, false);
    mwi_poll();
  }
}

void mw_waitgroup_done(mw_waitgroup *wg) {
  mw_waitgroup_add(wg, -1);
}

void mw_waitgroup_wait(mw_waitgroup *wg) {
  uint64_t old = mwi_load_acquire(&wg->state);
  do
    if (old >> 32 == 0) return;
  while (!mwi_cas_acqrel(&wg->state, &old, old + 1));
  mwi_sema_acquire(&wg->sema, false, MWI_WAIT_WAITGROUP);
  if (mwi_load_acquire(&wg->state) != 0)
    mwi_fatal("sync: WaitGroup is reused before previous Wait has returned");
}

/* ---- Once -------------------------------------------------------------- */

void mw_once_do(mw_once *o, void (*fn)(void *), void *arg) {
  /* acquire: pairs with the release below [SY1] */
  if (MWI_LIKELY(mwi_load_acquire(&o->done) != 0)) return;
  if (fn == NULL) mwi_fatal("mw_once_do: no function");
  mw_mutex_lock(&o->m);
  if (mwi_load_relaxed(&o->done) == 0) {
    fn(arg);
    mwi_store_release(&o->done, 1);
  }
  mw_mutex_unlock(&o->m);
}

/* ---- Condition variable: `wait` is the next ticket to draw, `notify` the
 * next to be woken ------------------------------------------------------- */

void mw_cond_wait(mw_cond *c, mw_mutex *m) {
  /* The ticket is drawn with the mutex held: a signal after our unlock covers it. */
  uint32_t ticket = atomic_fetch_add_explicit(&c->wait, 1, memory_order_seq_cst);
  mw_mutex_unlock(m);
  mwi_notify_wait(&c->notify, ticket);
  mw_mutex_lock(m);
}

void mw_cond_signal(mw_cond *c) {
  mwi_notify_one(&c->wait, &c->notify);
}

void mw_cond_broadcast(mw_cond *c) {
  mwi_notify_all(&c->wait, &c->notify);
}

/* ---- Semaphore --------------------------------------------------------- */

void mw_sem_acquire(mw_sem *s) {
  mwi_sema_acquire(&s->count, false, MWI_WAIT_SEMA);
}

void mw_sem_release(mw_sem *s) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&s->count) == UINT32_MAX))
    mwi_fatal("mw_sem_release: the count is %u already", UINT32_MAX);
  mwi_sema_release(&s->count, false);
}
