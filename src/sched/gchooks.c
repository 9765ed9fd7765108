/* SPDX-License-Identifier: MIT */
/*
 * sched/gchooks.c -- the scheduler's answers to the collector (gc/gc.h, hooks)
 *
 * Job      Goroutine stacks as roots, flags and buffers of every processor,
 *          parking for collector waits.
 * Promise  [E1] A stack is scanned while its goroutine cannot run: with the
 *          scan bit on its status, or with its thread suspended.
 *          [E2] A goroutine found in external code when marking begins, or
 *          anywhere with external frames below it (sched/external.c), is kept
 *          from running until its stack, and the objects that the stack points
 *          to, are scanned: external code may delete any pointer in those, and
 *          it has no barrier.  The same objects, and its stack as it is then,
 *          are scanned again when marking ends, for what it may have inserted.
 *          Such a goroutine has a thread to itself [X1]: it is stopped in
 *          external code or at a poll, or held in a wait (parked, in a system
 *          call, for somebody else's stop), or it is the one that begins the
 *          cycle, and then scans itself before it does anything else.
 * Threads  said at each function; *_stw run with the world stopped.
 */
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/roots.h"
#include "gc/special.h"
#include "os/context.h"
#include "os/tls.h"
#include "sched/pool.h"
#include "sched/proc.h"
#include "sched/stack.h"

/* ---- World stopped ----------------------------------------------------- */

static void set_wb_stw(bool on) {
  mwi_lock(&mwi_sched.allm_lock);
  mwi_sched.scan_bits = on || mwi_fold_needs_bits();
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    m->tcb.wb = on;
    mwi_store_relaxed(&m->tcb.scan, mwi_sched.scan_bits);
  }
  mwi_unlock(&mwi_sched.allm_lock);
}

static void each_p_stw(void (*fn)(struct mwi_gcp *, struct mwi_mcache *)) {
  for (int i = 0; i < mwi_sched.nprocs; i++)
    fn(&mwi_sched.procs[i]->gcp, mwi_sched.procs[i]->mcache);
}

static void flush_all_stw(struct mwi_gcp *mine) {
  (void)mine;
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_gcp *w = &mwi_sched.procs[i]->gcp;
    mwi_wb_flush(w);
    mwi_work_publish(w);
  }
}

static void scan_kept(void *w, uintptr_t lo, uintptr_t hi) {
  mwi_scan_conservative(w, lo, hi, false);
}

/* libc changes these without barriers, so they are scanned at both ends of marking. */
static void scan_kept_by_libc_stw(struct mwi_gcp *w) {
  mwi_os_environment(scan_kept, w);
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (mwi_load_relaxed(&m->state) == MWI_M_DEAD) continue;
    mwi_os_specific(m->tcb.thread, scan_kept, w);
  }
  mwi_unlock(&mwi_sched.allm_lock);
}

static void scan_scratch(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi) {
  mwi_scan_conservative(w, lo, hi, true);
}
static void scratch_pointees(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi) {
  (void)w;
  mwi_scan_pointees(NULL, lo, hi);
}

static const struct mwi_handler *outermost_in_wait(const struct mwi_m *m) {
  const struct mwi_handler *found = NULL;
  for (const struct mwi_handler *h = m->tcb.handlers; h; h = h->up)
    if (h->wait) found = h;
  return found;
}

/* m's registers, where a signal has stopped it: external code may be at any instruction. */
static void scan_context(struct mwi_gcp *w, struct mwi_m *m) {
  if (!m->ctx_lo) return;
  mwi_scan_conservative(w, m->ctx_lo, m->ctx_hi, true);
  struct mwi_context c;
  mwi_context_from_signal(&c, (const void *)m->ctx_lo);
  mwi_scan_rounded(w, (uintptr_t)c.reg, (uintptr_t)(c.reg + MWI_CTX_NREGS));
}

/*
 * Handlers of the program's: their variables [HV2], and where they have interrupted a wait [N6]
 * their frames. The goroutine that waits is scanned from its wait on, if it is at rest, and there
 * may be none. Behind the first stop both are like a stack that has been scanned [G2]. Where the
 * thread is stopped in external code they are looked at again in the last one, with what they point
 * to, as at [E2]: again says that it is that.
 */
static void scan_handlers_stw(struct mwi_gcp *w, bool again) {
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    /* in this order: who takes a dead one's record resets it before it has the lock */
    if (mwi_load_relaxed(&m->state) == MWI_M_DEAD || MWI_LIKELY(!m->tcb.handlers)) continue;
    if (again && !m->in_external) continue;
    mwi_scratch_each(m, scan_scratch, w);
    if (again) mwi_scratch_each(m, scratch_pointees, w);
    const struct mwi_handler *h = outermost_in_wait(m);
    if (!h || m == mwi_self()) continue;
    mwi_assert(mwi_load_relaxed(&m->state) == MWI_M_STOPPED);
    uintptr_t lo = m->stop_sp, hi = m->tcb.g ? h->stop_sp : m->stack_hi;
    mwi_assert(lo <= hi);
    mwi_scan_conservative(w, lo, hi, true);
    scan_context(w, m);
    if (!m->in_external) continue;
    struct mwi_gcp *into = again ? NULL : w;
    mwi_scan_pointees(into, lo, hi);
    mwi_scan_pointees(into, m->ctx_lo, m->ctx_hi);
  }
  mwi_unlock(&mwi_sched.allm_lock);
}

static void scan_thread_roots_stw(struct mwi_gcp *w) {
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (mwi_load_relaxed(&m->state) == MWI_M_DEAD) continue;
    mwi_tls_scan(w, m->tcb.thread);
  }
  mwi_unlock(&mwi_sched.allm_lock);
  scan_kept_by_libc_stw(w);
}

/* ---- One goroutine ----------------------------------------------------- */

/* mwi_waiters_scan takes a plain function; workers scan in parallel, so the
 * destination is the calling thread's own P. */
static void scan_words(const void *p, size_t bytes) {
  mwi_scan_conservative(mwi_tcb()->gcp, (uintptr_t)p, (uintptr_t)p + bytes, false);
}

static void scan_words_of(struct mwi_gcp *w, struct mwi_g *g, uintptr_t lo, uintptr_t hi) {
  mwi_assert(lo <= hi);
  mwi_scan_conservative(w, lo, hi, true);
  mwi_scan_conservative(w, (uintptr_t)&g->arg, (uintptr_t)(&g->arg + 1), false);
  mwi_waiters_scan(g, scan_words);
  mwi_add_relaxed(&mwi_gc.stack_bytes, hi - lo);
}

/* A stack that the program switched to by itself has its frames elsewhere, and
 * those that it left on g's at a depth that nobody knows. */
static void check_own_stack(const struct mwi_g *g, uintptr_t sp) {
  if (MWI_UNLIKELY(sp - g->stack.lo > g->stack.hi - g->stack.lo))
    mwi_fatal(
        "a goroutine is on a stack of the program's own, which cannot be scanned (makecontext, "
        "sigaltstack?)");
}

/* g runs, its thread is stopped at sp. */
static void scan_stack(struct mwi_gcp *w, struct mwi_g *g, uintptr_t sp) {
  check_own_stack(g, sp);
  scan_words_of(w, g, sp, g->stack.hi);
  mwi_stack_scanned_running(g);
}

/* g is at rest, and its words perhaps not on its stack. */
static void scan_at_rest(struct mwi_gcp *w, struct mwi_g *g) {
  if (g->stack.hi) check_own_stack(g, g->sp);
  struct mwi_stack_view v = mwi_stack_borrow(g);
  scan_words_of(w, g, v.lo, v.hi);
  mwi_stack_return(g);
  mwi_stack_scanned(g);
}

/* g's thread is stopped, g runs on it. */
static void scan_on_thread(struct mwi_gcp *w, struct mwi_g *g, struct mwi_m *m) {
  scan_stack(w, g, m->stop_sp);
  mwi_scan_conservative(w, (uintptr_t)m->regs, (uintptr_t)(m->regs + MWI_NREGS), true);
  scan_context(w, m);
}

/* What all these words point to; w as in mwi_scan_pointees. */
static void pointees_on_thread(struct mwi_gcp *w, struct mwi_g *g, struct mwi_m *m) {
  mwi_scan_pointees(w, m->stop_sp, g->stack.hi);
  mwi_scan_pointees(w, (uintptr_t)m->regs, (uintptr_t)(m->regs + MWI_NREGS));
  if (m->ctx_lo) mwi_scan_pointees(w, m->ctx_lo, m->ctx_hi);
}

struct self_scan {
  struct mwi_gcp *w;
  struct mwi_g *g;
};
static void scan_self(void *arg, uintptr_t sp) {
  struct self_scan *s = arg;
  scan_stack(s->w, s->g, sp);
}
static void pointees_of_self(void *arg, uintptr_t sp) {
  struct self_scan *s = arg;
  mwi_scan_pointees(s->w, sp, s->g->stack.hi);
}

/* [E1] */
static void scan_goroutine(struct mwi_gcp *w, struct mwi_g *g) {
  for (;;) {
    uint32_t s = mwi_load_acquire(&g->status);
    switch (s) {
    case MWI_G_DEAD:
      return;
    case MWI_G_RUNNABLE:
    case MWI_G_WAITING:
      if (!mwi_cas_acqrel(&g->status, &s, s | MWI_G_SCAN)) continue;
      scan_at_rest(w, g);
      mwi_store_release(&g->status, s); /* pairs with mwi_g_transition's CAS */
      return;
    case MWI_G_RUNNING: {
      struct mwi_m *m = g->m, *self = mwi_self();
      if (!m) continue; /* on its way in or out */
      if (m == self) {
        struct self_scan me = {w, g};
        mwi_spill_call(scan_self, &me);
        return;
      }
      mwi_stop_lock();
      bool ok = mwi_suspend_m(m);
      bool same = ok && mwi_load_acquire(&g->status) == MWI_G_RUNNING && g->m == m && m->tcb.g == g;
      if (same) scan_on_thread(w, g, m);
      if (ok) mwi_resume_m(m);
      mwi_stop_unlock();
      if (same) return;
      continue;
    }
    default:
      mwi_pause(); /* another scanner */
    }
  }
}

static void scan_goroutine_stw(struct mwi_gcp *w, struct mwi_g *g) {
  uint32_t s = mwi_load_acquire(&g->status);
  if (s == MWI_G_DEAD) return;
  struct mwi_m *m = g->m;
  if (s != MWI_G_RUNNING)
    scan_at_rest(w, g);
  else if (m == mwi_self())
    scan_goroutine(w, g);
  else
    scan_on_thread(w, g, m);
}

/* ---- Root jobs --------------------------------------------------------- */

/* Goroutines born later are not roots: their argument is shaded at birth, and
 * what reaches them goes through barriers. */
static uint32_t
    nsnapshot; /* records that existed when marking began; written with the world stopped */
/* Found in external code then [E2].  deep: perhaps; the truth is found when it is scanned,
 * outside of the stop.  Written there by the one who does the job. */
static struct external {
  struct mwi_g *_Atomic g; /* relaxed; NULL: it was not */
  uintptr_t fp;
  bool deep;
} external[MWI_MOST_THREADS + 1];
static uint32_t nexternal;
static bool self_called_back; /* one of them begins the cycle */
static uint32_t nglobal_jobs, nstarter_jobs;

#define JOB_GS 16 /* goroutines a job: a claim costs less than a stack */
enum {
  JOB_SELF,
  JOB_HELD,
  JOB_HANDLES,
  JOB_TIMERS,
  JOB_SPECIALS,
  JOB_POOLS,
  JOB_GLOBALS /* so many as their bytes want; then the stacks */
};

static enum mwi_below stands_in_external(struct mwi_m *m) {
  uint32_t s = mwi_load_relaxed(&m->state); /* first, as in scan_handlers_stw */
  if ((s != MWI_M_STOPPED && s != MWI_M_HELD) || !m->tcb.g) return MWI_BELOW_OURS;
  if (s == MWI_M_STOPPED && m->in_external) return MWI_BELOW_EXTERNAL;
  return mwi_called_back(&m->tcb, m->stop_fp);
}

static void found_external(struct mwi_g *g, uintptr_t fp, enum mwi_below what) {
  external[nexternal++] = (struct external){g, fp, what == MWI_BELOW_DEEP};
}

/* Is g, which has not run since, in external code indeed?  If not, it is forgotten here, and
 * scanned like any other. */
static bool confirmed(const struct mwi_g *g) {
  for (uint32_t i = 0; i < nexternal; i++) {
    struct external *e = &external[i];
    if (mwi_load_relaxed(&e->g) != g) continue;
    if (!e->deep || mwi_external_anywhere(e->fp, g->stack.hi)) return true;
    mwi_store_relaxed(&e->g, NULL);
    return false;
  }
  return false;
}

static void prepare_roots_stw(void) {
  mwi_pools_clear_stw();
  mwi_stack_epoch_stw(mwi_gc_stats.forced);
  nsnapshot = mwi_load_acquire(&mwi_sched.ng);
  nglobal_jobs = mwi_roots_begin_stw();
  nexternal = 0;
  /* [E2]: keep them stopped past the start; their P is somebody else's meanwhile. */
  struct mwi_m *self = mwi_self();
  enum mwi_below me = self->tcb.g
                          ? mwi_called_back(&self->tcb, (uintptr_t)__builtin_frame_address(0))
                          : MWI_BELOW_OURS;
  self_called_back = me != MWI_BELOW_OURS;
  if (self_called_back) found_external(self->tcb.g, 0, me); /* this frame ends before the scan */
  bool kept = false;
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    enum mwi_below what = m == self ? MWI_BELOW_OURS : stands_in_external(m);
    if (what == MWI_BELOW_OURS) continue;
    found_external(m->tcb.g, m->stop_fp, what);
    kept = true;
    mwi_store_relaxed(&m->held_for_scan, true);
    /* one that is held in a wait, or in a handler over one, has none, or keeps it: the code there
     * relies on it */
    bool keeps = mwi_load_relaxed(&m->state) != MWI_M_STOPPED || m->tcb.waits;
    struct mwi_p *p = keeps ? NULL : mwi_release_p(m);
    mwi_store_relaxed(&m->tcb.poll, 1);
    if (p) mwi_idle_p_put(p);
  }
  mwi_unlock(&mwi_sched.allm_lock);
  scan_handlers_stw(self->tcb.gcp, false);
  /* Whom we keep may hold the dynamic linker's lock, and then no thread can be
   * created until it goes on.  Without one that can do the scan whatever this
   * one does next, this one does it before anything else. */
  nstarter_jobs = kept && !mwi_load_relaxed(&mwi_sched.nidle_m) ? JOB_HELD + 1
                  : self_called_back                            ? JOB_SELF + 1
                                                                : 0;
}

static void scan_self_called_back(struct mwi_gcp *w) {
  if (!self_called_back) return;
  external[0].fp = (uintptr_t)__builtin_frame_address(0);
  if (!confirmed(mwi_getg())) return;
  struct self_scan me = {w, mwi_getg()};
  mwi_spill_call(scan_self, &me);
  mwi_spill_call(pointees_of_self, &me);
}

static uint32_t starter_jobs(void) {
  return nstarter_jobs;
}

static void scan_one_held(struct mwi_gcp *w, struct mwi_m *m) {
  struct mwi_g *g = m->tcb.g;
  if (!confirmed(g)) return;
  scan_on_thread(w, g, m);
  pointees_on_thread(w, g, m);
}

static void scan_held(struct mwi_gcp *w) {
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (!mwi_load_relaxed(&m->held_for_scan)) continue;
    scan_one_held(w, m);
    mwi_stop_lock(); /* not in the middle of somebody's stop */
    mwi_store_relaxed(&m->held_for_scan, false);
    mwi_resume_m(m);
    mwi_stop_unlock();
  }
}

static uint32_t njobs(void) {
  return JOB_GLOBALS + nglobal_jobs + (nsnapshot + JOB_GS - 1) / JOB_GS;
}

static void run_job(uint32_t i, struct mwi_gcp *w) {
  switch (i) {
  case JOB_SELF: /* run, where it has work, by the one who begins the cycle */
    scan_self_called_back(w);
    return;
  case JOB_HELD:
    scan_held(w);
    return;
  case JOB_HANDLES:
    mwi_handles_scan(w);
    return;
  case JOB_TIMERS:
    mwi_timers_scan(scan_words);
    return;
  case JOB_SPECIALS:
    mwi_specials_scan(w);
    return;
  case JOB_POOLS:
    mwi_pools_scan(scan_words);
    return;
  default:
    break;
  }
  if (i - JOB_GLOBALS < nglobal_jobs) {
    mwi_add_relaxed(&mwi_gc.global_bytes, mwi_roots_scan_piece(w));
    return;
  }
  uint32_t from = (i - JOB_GLOBALS - nglobal_jobs) * JOB_GS;
  for (uint32_t k = from; k < from + JOB_GS && k < nsnapshot; k++) {
    struct mwi_g *g = mwi_g_at(k);
    if (g) scan_goroutine(w, g);
  }
}

static void scan_all_roots_stw(struct mwi_gcp *w) {
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all)
    if (mwi_load_relaxed(&m->held_for_scan)) {
      scan_one_held(w, m);
      mwi_store_relaxed(&m->held_for_scan, false); /* the start of the world releases it */
    }
  scan_self_called_back(w);
  mwi_add_relaxed(&mwi_gc.global_bytes, mwi_roots_scan_stw(w));
  mwi_handles_scan(w);
  mwi_timers_scan(scan_words);
  mwi_specials_scan(w);
  mwi_pools_scan(scan_words);
  MWI_EACH_G(g) scan_goroutine_stw(w, g);
}

const char mwi_root_globals[] = "global";

/* Roots other than stacks, by kind, for mwi_scan_sink. */
void mwi_show_roots_stw(void (*kind)(const char *)) {
  struct mwi_gcp *w = mwi_tcb()->gcp;
  kind(mwi_root_globals);
  mwi_roots_scan_stw(w);
  kind("handle");
  mwi_handles_scan(w);
  kind("timer");
  mwi_timers_scan(scan_words);
  kind("finalizer or cleanup");
  mwi_specials_scan(w);
  kind("pool");
  mwi_pools_scan(scan_words);
  kind("thread-local");
  scan_thread_roots_stw(w);
  kind("waiting goroutine");
  MWI_EACH_G(g) mwi_waiters_scan(g, scan_words);
}

/* Those of this cycle's [E2] that are still there. */
static void rescan_external_stw(struct mwi_gcp *w) {
  scan_kept_by_libc_stw(w);
  scan_handlers_stw(w, true);
  for (uint32_t i = 0; i < nexternal; i++) {
    struct mwi_g *g = mwi_load_relaxed(&external[i].g);
    if (!g) continue;
    uint32_t s = mwi_load_acquire(&g->status);
    if (s == MWI_G_DEAD) continue;
    scan_goroutine_stw(w, g);
    struct mwi_m *m = g->m;
    if (s != MWI_G_RUNNING) {
      struct mwi_stack_view v = mwi_stack_view(g);
      mwi_scan_pointees(NULL, v.lo, v.hi);
    } else if (m == mwi_self()) { /* called back, it ends the cycle itself */
      struct self_scan me = {NULL, g};
      mwi_spill_call(pointees_of_self, &me);
    } else {
      pointees_on_thread(NULL, g, m);
    }
  }
}

/* One processor after the other, its thread suspended, so that most of what
 * the last stop would find is found before it.  A processor that changes hands
 * meanwhile is left to that stop. */
static void each_p_ragged(void (*fn)(struct mwi_gcp *)) {
  struct mwi_m *self = mwi_self();
  /* More processors than CPUs: each thread in turn would first have to get a
   * CPU.  The stop asks all at once. */
  if (mwi_sched.nprocs > (int)mwi_os_ncpu()) return;
  mwi_stop_lock();
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    struct mwi_m *m = mwi_load_acquire(&p->m);
    if (m == self) {
      fn(&p->gcp);
    } else if (m && mwi_suspend_m(m)) {
      if (m->tcb.p == p) {
        fn(&p->gcp);
      } else {
        /* In a system call: sysmon, which nobody suspends, must not give it away meanwhile. */
        struct mwi_p *left = p;
        if (mwi_cas_acqrel(&m->sys_p, &left, NULL)) {
          fn(&p->gcp);
          mwi_store_release(&m->sys_p, p);
        }
      }
      mwi_resume_m(m);
    }
  }
  mwi_stop_unlock();
}

/* ---- The rest ---------------------------------------------------------- */

static uint32_t nprocs(void) {
  return (uint32_t)mwi_sched.nprocs;
}
static uint32_t idle_procs(void) {
  return mwi_load_relaxed(&mwi_sched.nidle_p);
}

static bool worker_poll(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (!mwi_load_relaxed(&t->poll)) return false;
  /* a barrier of many words in a handler, which has interrupted another's flag and store, perhaps
   * [N1]; it ends, and the poll byte stays for who comes next */
  if (MWI_UNLIKELY(t->held)) return false;
  struct mwi_m *m = t->m;
  mwi_store_relaxed(&t->poll, 0);
  atomic_thread_fence(memory_order_seq_cst); /* pairs with stop.c: request after flag */
  mwi_stop_check();
  bool yield = mwi_load_relaxed(&m->preempt_req) != 0;
  if (yield) mwi_store_relaxed(&t->poll, 1); /* for the goroutine, if there is one */
  return yield;
}

/* On the same thread: compiled code may have worked out where a thread-local is, to copy to.  A
 * handler that interrupts this and leaves by a jump does so when the pin has been taken back. */
static void poll_here(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (MWI_UNLIKELY(t->held)) return; /* as above */
  struct mwi_g *g = t->g;
  if (MWI_UNLIKELY(t->sig || !g)) { /* in a handler: no yield, and g's pins are not its */
    mwi_rt_poll();
    return;
  }
  mwi_jumps_wait(g);
  mwi_pin(g, MWI_PIN_THREAD);
  mwi_rt_poll();
  mwi_unpin(g, MWI_PIN_THREAD);
  mwi_jumps_go(g);
}

static bool other_work(void) {
  return !mwi_runq_empty(mwi_tcb()->p) || mwi_load_relaxed(&mwi_sched.runq_size) != 0;
}

static void yield(void) {
  if (mwi_getg())
    mwi_yield();
  else {
    mwi_stop_check();
    mwi_os_yield();
  }
}

/* For a cycle, or a memory limit. */
static void stop_world(void) {
  mwi_sysmon_need();
  mwi_stop_world();
}

static void *current(void) {
  return mwi_getg();
}
static bool in_handler(void) {
  return mwi_in_handler(mwi_tcb());
}
static void park_unlock(struct mwi_lock *l, bool assist) {
  mwi_park_unlock(l, assist ? MWI_WAIT_GC_ASSIST : MWI_WAIT_GC);
}
static void ready(void *g) {
  mwi_ready(g);
}

/* A user's constructor may be the first to call the runtime: that one attaches,
 * which starts everything else. */
__attribute__((constructor(101))) static void early(void) {
  mwi_gc_hooks.need_p = mwi_attach_slow;
}

void mwi_gchooks_init(void) {
  mwi_os_kept_init();
  mwi_gc_hooks = (struct mwi_gc_hooks){
      .need_p = mwi_attach_slow,
      .stop_world = stop_world,
      .start_world = mwi_start_world,
      .set_wb_stw = set_wb_stw,
      .each_p_stw = each_p_stw,
      .prepare_roots_stw = prepare_roots_stw,
      .scan_thread_roots_stw = scan_thread_roots_stw,
      .scan_all_roots_stw = scan_all_roots_stw,
      .flush_all_stw = flush_all_stw,
      .rescan_external_stw = rescan_external_stw,
      .njobs = njobs,
      .run_job = run_job,
      .each_p_ragged = each_p_ragged,
      .nprocs = nprocs,
      .idle_procs = idle_procs,
      .wake = mwi_wake_p,
      .worker_poll = worker_poll,
      .poll_here = poll_here,
      .other_work = other_work,
      .yield = yield,
      .current = current,
      .in_handler = in_handler,
      .handler_variable = mwi_scratch_new,
      .park_unlock = park_unlock,
      .ready = ready,
      .starter_jobs = starter_jobs,
      .variable_goes = mwi_pools_forget,
      .thread_locals_go = mwi_pools_forget_image,
      .cycle_ended = mwi_stacks_tidy_later,
      .tidy = mwi_stacks_tidy,
      .stacks_held = mwi_stacks_held,
      .trace = mwi_gc_hooks.trace,
  };
}
