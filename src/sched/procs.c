/* SPDX-License-Identifier: MIT */
/*
 * sched/procs.c -- how many processors: GOMAXPROCS and its change at run time
 *
 * Processors are made once and kept; a smaller GOMAXPROCS empties those past
 * the end (queues, timers, barrier buffer, caches) with the world stopped.
 */
#include <mallow.h>

#include "gc/cycle.h"
#include "gc/mark.h"
#include "sched/proc.h"

static struct mwi_p *all_p[MWI_MAX_PROCS]; /* ever made */

static struct mwi_p *p_new(uint32_t id) {
  struct mwi_p *p = mwi_meta_alloc(sizeof *p, 64);
  p->id = id;
  p->mcache = mwi_mcache_new();
  p->timers = mwi_timers_new();
  return p;
}

static void empty_stw(struct mwi_p *p, struct mwi_p *into) {
  struct mwi_g *g;
  while ((g = mwi_runq_get(p))) {
    mwi_lock(&mwi_sched.lock);
    mwi_globq_put_locked(g);
    mwi_unlock(&mwi_sched.lock);
  }
  mwi_timers_move(p->timers, into->timers);
  if (mwi_gc_wb_state()) mwi_wb_flush(&p->gcp);
  mwi_work_publish(&p->gcp);
  mwi_gc_account(&p->gcp);
  p->gcp.nwb = 0;
  mwi_mcache_flush_stw(p->mcache);
}

/*
 * World stopped (or not begun).  Every processor but the caller's becomes
 * idle; threads that held one find none and queue up again.
 */
void mwi_set_procs_stw(int n) {
  struct mwi_m *self = mwi_self();
  int old = mwi_sched.nprocs;
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (!m->tcb.p) continue;
    mwi_release_p(m);
    mwi_store_relaxed(&m->tcb.poll, 1);
  }
  mwi_unlock(&mwi_sched.allm_lock);
  for (int i = 0; i < n; i++) {
    if (!all_p[i]) all_p[i] = p_new((uint32_t)i);
    mwi_sched.procs[i] = all_p[i];
  }
  mwi_lock(&mwi_sched.lock);
  mwi_sched.idle_p = NULL;
  mwi_store_seqcst(&mwi_sched.nidle_p, 0);
  mwi_sched.nprocs = n;
  mwi_unlock(&mwi_sched.lock);
  for (int i = n; i < old; i++) empty_stw(all_p[i], all_p[0]);
  for (int i = n; i-- > 1;) mwi_idle_p_put(all_p[i]);
  mwi_acquire_p(self, all_p[0]);
}

/* Before there are threads: n idle processors. */
void mwi_procs_init(int n) {
  for (int i = 0; i < n; i++) mwi_sched.procs[i] = all_p[i] = p_new((uint32_t)i);
  mwi_sched.nprocs = n;
  for (int i = n; i-- > 0;) mwi_idle_p_put(all_p[i]);
}

MWI_EXPORT int mw_set_max_procs(int n) {
  mwi_attach();
  int old = mwi_sched.nprocs;
  if (n < 1 || n == old) return old;
  if (n > MWI_MAX_PROCS) n = MWI_MAX_PROCS;
  mwi_stop_world();
  old = mwi_sched.nprocs;
  mwi_set_procs_stw(n);
  mwi_start_world();
  mwi_wake_p();
  return old;
}

MWI_EXPORT int64_t mw_nanotime(void) {
  return mwi_os_monotonic();
}
