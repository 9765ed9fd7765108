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
    mwi_globq_put(g);
  }
  mwi_timers_move(p->timers, into->timers);
  if (mwi_gc_wb_state()) mwi_wb_flush(&p->gcp);
  mwi_work_publish(&p->gcp);
  mwi_gc_account(&p->gcp);
  p->gcp.nwb = 0;
  mwi_mcache_flush_stw(p->mcache);
}

/*
 * World stopped, no cycle marking (a worker stopped in the middle of its work
 * keeps a pointer to its processor).  Threads keep the processors that remain.
 * False: a processor is on its way from one thread to another; nothing has
 * changed.  sysmon, which no stop includes, makes such handovers meanwhile, so
 * all of them are counted and taken in one critical section.
 */
static bool set_procs_stw(int n) {
  struct mwi_m *self = mwi_self();
  int old = mwi_sched.nprocs;
  for (int i = old; i < n; i++) {
    if (!all_p[i]) all_p[i] = p_new((uint32_t)i);
    mwi_sched.procs[i] = all_p[i];
  }
  mwi_lock(&mwi_sched.lock);
  uint32_t held = 0;
  for (int i = 0; i < old; i++) held += mwi_load_relaxed(&all_p[i]->m) != NULL;
  if (held + mwi_load_relaxed(&mwi_sched.nidle_p) != (uint32_t)old) {
    mwi_unlock(&mwi_sched.lock);
    return false;
  }
  mwi_sched.idle_p = NULL;
  uint32_t nidle = 0;
  if (self->tcb.p->id >= (uint32_t)n) { /* the caller goes on on P 0 */
    mwi_release_p(self);
    struct mwi_m *m = mwi_load_relaxed(&all_p[0]->m);
    if (m) {
      mwi_release_p_stw(m);
      mwi_store_relaxed(&m->tcb.poll, 1);
    }
    mwi_acquire_p(self, all_p[0]);
  }
  for (int i = n > old ? n : old; i-- > 0;) {
    struct mwi_p *p = all_p[i];
    struct mwi_m *m = mwi_load_relaxed(&p->m);
    if (i >= n && m) {
      mwi_release_p_stw(m);
      mwi_store_relaxed(&m->tcb.poll, 1); /* it looks for another one there */
    }
    if (i >= n || m) continue;
    p->next_idle = mwi_sched.idle_p;
    mwi_sched.idle_p = p;
    nidle++;
  }
  mwi_store_seqcst(&mwi_sched.nidle_p, nidle);
  mwi_sched.nprocs = n;
  mwi_unlock(&mwi_sched.lock);
  for (int i = n; i < old; i++) empty_stw(all_p[i], all_p[0]);
  return true;
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
  mwi_gc_exclude();
  for (;;) {
    mwi_stop_world();
    old = mwi_sched.nprocs;
    bool done = mwi_tcb()->p && set_procs_stw(n);
    mwi_start_world();
    if (done) break;
    mwi_yield();
    mwi_attach();
  }
  mwi_gc_allow();
  mwi_wake_p();
  return old;
}

MWI_EXPORT int64_t mw_nanotime(void) {
  return mwi_os_monotonic();
}
