/* SPDX-License-Identifier: MIT */
/*
 * sched/run.h -- what the scheduler's own files share (internal)
 *
 * Job      proc.c is the loop, park.c how goroutines leave it and come back, find.c what
 *          runs next, keeper.c who waits while nothing does, ending.c how it all ends.  What
 *          others may call is in proc.h.
 * Promise  [D1]-[D3] of proc.c.
 */
#ifndef MWI_SCHED_RUN_H
#define MWI_SCHED_RUN_H

#include "sched/proc.h"

/* A new time slice of p's, on m. */
MWI_INLINE void mwi_slice_begin(struct mwi_m *m, struct mwi_p *p) {
  mwi_store_relaxed(&p->slice, mwi_load_relaxed(&p->slice) + 1);
  mwi_store_relaxed(&p->slice_over, 0);
  mwi_store_relaxed(&m->preempt_req, 0);
}

/* g goes from a queue to this thread; inherits: from runnext. */
MWI_INLINE void mwi_g_take_up(struct mwi_m *m, struct mwi_p *p, struct mwi_g *g, bool inherits) {
  mwi_g_transition(g, MWI_G_RUNNABLE, MWI_G_RUNNING);
  g->m = m;
  m->tcb.g = g;
  mwi_store_relaxed(&p->tick, mwi_load_relaxed(&p->tick) + 1);
  if (!inherits) mwi_slice_begin(m, p);
}

/* park.c: to a queue of this thread's processor, or the global one.  next: to runnext. */
void mwi_g_queue(struct mwi_g *g, bool next);

/* find.c: a goroutine to run, on a P.  Sleeps when there is none.  *inherits: it comes from
 * runnext, and goes on with the time slice there is. */
struct mwi_g *mwi_find_runnable(struct mwi_m *m, bool *inherits);
/* This thread has found work, and looks no more. */
void mwi_spin_end_slow(struct mwi_m *m);
MWI_INLINE void mwi_spin_end(struct mwi_m *m) {
  if (m->spinning) mwi_spin_end_slow(m);
}
/* Run what is due, whichever processor's it is, on the one that this thread has. */
void mwi_run_timers_here(void);
/* Is there anything to run?  A look without locks. */
bool mwi_any_work(void);

/* keeper.c */
int64_t mwi_earliest_timer(void);
/* Wait, as the one keeper, for the earliest timer and for descriptors.  Returns
 * with a P, or without when another thread should do it. */
void mwi_keep_watch(struct mwi_m *m);

#endif
