/* SPDX-License-Identifier: MIT */
/*
 * os/lock.c -- slow halves of the runtime's mutex, and the rank check
 *
 * A waiter spins briefly (the holder is on another CPU and about to leave:
 * critical sections are tens of instructions), then sleeps on the futex.
 */
#include "os/lock.h"
#include "os/os.h"

#define SPIN_TRIES                                                                                 \
  4 /* rounds of SPIN_PAUSES before sleeping; more burns a CPU that the holder may need */
#define SPIN_PAUSES 30 /* about a microsecond */

bool mwi_lock_spin(_Atomic uint32_t *state) {
  static _Atomic unsigned known; /* relaxed: every thread finds the same number */
  unsigned ncpu = mwi_load_relaxed(&known);
  if (!ncpu) mwi_store_relaxed(&known, ncpu = mwi_os_ncpu());
  for (int i = 0; ncpu > 1 && i < SPIN_TRIES; i++) {
    for (int j = 0; j < SPIN_PAUSES; j++) mwi_pause();
    uint32_t expected = 0;
    if (mwi_load_relaxed(state) == 0 && mwi_cas_acqrel(state, &expected, 1)) return true;
  }
  return false;
}

void mwi_lock_slow(struct mwi_lock *l) {
  if (mwi_lock_spin(&l->state)) return;
  /* acquire: pairs with the release in mwi_unlock.  State 2 from here: the
   * holder that frees it must wake somebody. */
  while (mwi_xchg_acqrel(&l->state, 2) != 0) mwi_futex_wait(&l->state, 2, -1);
}

void mwi_unlock_slow(struct mwi_lock *l) {
  mwi_futex_wake(&l->state, 1);
}

/*
 * Ranks held by each thread, in a table keyed by the thread's block: a
 * thread-local would be stale after a migration.  Check builds only.
 */
bool (*mwi_lock_forbidden)(void);

#if MW_CHECK
#define HELD_MAX 80 /* select over many channels */
struct held {
  _Atomic(struct mwi_tcb *) owner;
  int n;
  struct {
    const void *lock;
    uint16_t rank;
  } lock[HELD_MAX];
};
static struct held held_table[4096];

static struct held *held_mine(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (t == &mwi_tcb_foreign) return NULL;
  uint32_t h = (uint32_t)(((uintptr_t)t >> 6) * 2654435761u) >> 20;
  for (uint32_t i = 0; i < 4096; i++) {
    struct held *e = &held_table[(h + i) & 4095];
    struct mwi_tcb *o = mwi_load_relaxed(&e->owner);
    if (o == t) return e;
    if (!o && mwi_cas_acqrel(&e->owner, &o, t)) return e;
    if (o == t) return e;
  }
  return NULL;
}

void mwi_lock_rank_take(const void *l, uint16_t rank) {
  struct held *h = held_mine();
  if (!h) return;
  if (rank == 0) mwi_fatal("lock %p has no rank", l);
  if (mwi_lock_forbidden && mwi_lock_forbidden())
    mwi_fatal("lock rank: taking %u in a wait (sched/stop.c)", rank);
  for (int i = 0; i < h->n; i++) {
    uint16_t other = h->lock[i].rank;
    bool ok = other < rank || (other == rank && rank == MWI_RANK_CHAN);
    if (!ok || h->lock[i].lock == l)
      mwi_fatal("lock rank: taking %u while holding %u (base/rank.h)", rank, other);
  }
  if (h->n == HELD_MAX) return;
  h->lock[h->n].lock = l;
  h->lock[h->n++].rank = rank;
}

void mwi_lock_rank_drop(const void *l) {
  struct held *h = held_mine();
  if (!h) return;
  for (int i = h->n - 1; i >= 0; i--)
    if (h->lock[i].lock == l) {
      h->lock[i] = h->lock[--h->n];
      return;
    }
}

bool mwi_lock_rank_none(void) {
  const struct held *h = held_mine();
  return !h || h->n == 0;
}

void mwi_lock_rank_forget(struct mwi_tcb *t) {
  for (int i = 0; i < 4096; i++)
    if (mwi_load_relaxed(&held_table[i].owner) == t) held_table[i].n = 0;
}
#else
void mwi_lock_rank_forget(struct mwi_tcb *t) {
  (void)t;
}
bool mwi_lock_rank_none(void) {
  return true;
}
void mwi_lock_rank_take(const void *l, uint16_t rank) {
  (void)l;
  (void)rank;
}
void mwi_lock_rank_drop(const void *l) {
  (void)l;
}
#endif
