/* SPDX-License-Identifier: MIT */
/*
 * os/asymlock.c -- slow halves of the lock that is released with a plain store
 *
 * Rejected giving the whole runtime this lock: the scheduler's locks are barriers
 *          for what is read after them without one, and none of them is taken
 *          for every message.
 */
#include "os/asymlock.h"

#include <linux/membarrier.h>

#include "os/os.h"
#include "os/syscall.h"

/* A filter took membarrier away after we had registered: look again this often. */
enum { BLIND_SLEEP_NS = 100000 };

bool mwi_asymlock_plain;

static bool membarrier(int command) {
  return mwi_sys3(SYS_membarrier, command, 0, 0) == 0;
}

void mwi_asymlock_init(void) {
  mwi_asymlock_plain = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool mwi_asym_heavy_barrier(void) {
  atomic_thread_fence(memory_order_seq_cst);
  return !mwi_asymlock_plain || membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

static bool take(struct mwi_asymlock *l) {
  uint32_t expected = 0;
  return mwi_load_relaxed(&l->state) == 0 && mwi_cas_acqrel(&l->state, &expected, 1);
}

void mwi_asym_lock_slow(struct mwi_asymlock *l) {
  if (mwi_lock_spin(&l->state)) return;
  mwi_add_acqrel(&l->sleepers, 1);
  bool sure = mwi_asym_heavy_barrier();
  /* [J1]: from here each release either is seen by take and by the futex's own
   * look, or sees us */
  while (!take(l)) mwi_futex_wait(&l->state, 1, sure ? -1 : BLIND_SLEEP_NS);
  mwi_sub_acqrel(&l->sleepers, 1);
}

void mwi_asym_unlock_slow(struct mwi_asymlock *l) {
  mwi_futex_wake(&l->state, 1);
}
