/* SPDX-License-Identifier: MIT */
/*
 * sched/unasked.c -- asking later whether a descriptor blocks
 *
 * Job      The rings of unasked.h: made, looked through by who passes, forgotten in a child.
 * Threads  Entries are written by the processor's owner alone; whoever takes some out has
 *          `busy`, and the others go on without waiting.
 */
#include "sched/unasked.h"

#include "sched/iowait.h"
#include "sched/libc.h"

/* Age at which an entry is asked for, in units of 2^AGE_SHIFT ns; twice that for sysmon. */
#if MW_STRESS
enum { LATE = 0 };
#elif MW_CHECK
enum { LATE = 2 };
#else
enum { LATE = 20 }; /* two slices */
#endif
enum { AGE_SHIFT = 20 };

static _Atomic(struct mwi_unasked *) all_unasked;

void mwi_pd_blocks(struct mwi_pd *pd) {
  mwi_rt_enter(); /* keeps p */
  struct mwi_p *p = mwi_tcb()->p;
  if (p && MWI_UNLIKELY(!p->unasked)) {
    struct mwi_unasked *u = mwi_meta_alloc(sizeof *u, 64), *first = mwi_load_relaxed(&all_unasked);
    do u->next = first;
    while (!mwi_cas_acqrel(&all_unasked, &first, u)); /* pairs with mwi_unasked_rest */
    p->unasked = u;
  }
  mwi_rt_leave();
  mwi_store_relaxed(&pd->blocks, true);
}

static void ask_old(struct mwi_unasked *u, uint32_t now, int32_t age) {
  enum { AHEAD = 8 };
  uint32_t h = mwi_load_relaxed(&u->head), t = mwi_load_acquire(&u->tail);
  uint32_t none = 0;
  if (h == t || !mwi_cas_acqrel(&u->busy, &none, 1)) return;
  h = mwi_load_relaxed(&u->head); /* after the acquire of whoever was at it before */
  t = mwi_load_acquire(&u->tail);
  for (; h != t && (int32_t)(now - u->entry[h % MWI_UNASKED].at) >= age; h++) {
    if (t - h > AHEAD) __builtin_prefetch(mwi_pd_find(u->entry[(h + AHEAD) % MWI_UNASKED].fd));
    int fd = u->entry[h % MWI_UNASKED].fd;
    struct mwi_pd *pd = mwi_pd_find(fd);
    if (!pd || mwi_load_relaxed(&pd->parks) != u->entry[h % MWI_UNASKED].parks ||
        !mwi_load_seqcst(&pd->queue[MWI_IO_READ]))
      continue;
    if (mwi_fd_nonblocking(fd) == 0) {
      mwi_io_was_asked(pd);
      continue;
    }
    mwi_store_relaxed(&pd->blocks, false); /* it does not, or is none: who waits there asks */
    mwi_pd_wake_readers(pd);
  }
  mwi_store_release(&u->head, h); /* pairs with mwi_unasked_note_locked */
  mwi_store_release(&u->busy, 0);
}

static uint32_t age_of(int64_t ns) {
  return (uint32_t)(ns >> AGE_SHIFT);
}

void mwi_unasked_mine(int64_t now) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_unasked *u = p ? p->unasked : NULL;
  if (!u) return;
  mwi_store_relaxed(&u->now, age_of(now));
  ask_old(u, age_of(now), LATE);
}

bool mwi_unasked_rest(int64_t now, bool all) {
  bool none = true;
  for (struct mwi_unasked *u = mwi_load_acquire(&all_unasked); u; u = u->next) {
    mwi_store_relaxed(&u->now, age_of(now));
    ask_old(u, age_of(now), all ? INT32_MIN : 2 * LATE);
    none &= mwi_load_relaxed(&u->head) == mwi_load_relaxed(&u->tail);
  }
  return none;
}

void mwi_unasked_idle(struct mwi_p *p) {
  if (p->unasked) ask_old(p->unasked, 0, INT32_MIN);
}

void mwi_unasked_forked(void) {
  for (struct mwi_unasked *u = mwi_load_relaxed(&all_unasked); u; u = u->next) {
    mwi_store_relaxed(&u->head, mwi_load_relaxed(&u->tail));
    mwi_store_relaxed(&u->busy, 0);
  }
}
