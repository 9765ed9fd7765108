/* SPDX-License-Identifier: MIT */
/*
 * sched/park.c -- a goroutine leaves its thread, and becomes runnable again
 *
 * Job      mwi_park and its kin, mwi_ready, mwi_yield: what blocking operations are made of.
 * Promise  [D1] and [D2] of proc.c: who is readied is run, woken for or not.
 * How      The goroutine that leaves says what is to be done once it is off its stack (commit:
 *          to drop a lock, say) and switches to the thread's loop, or, where the next
 *          one is plain, to that one.  Whoever arrives settles it:
 *
 *              park:  m->prev, m->commit  ->  mwi_switch  ->  mwi_settle, on the other stack
 *                                                              status = WAITING, commit
 *
 *          From then on anybody may ready it.  If commit returns false there was no reason
 *          to wait, and it is runnable at once.
 * Threads  on the goroutine's stack, with tcb->rt raised; mwi_settle on another's or the loop's.
 * Next     chan.c, sema.c, iowait.c (who parks); find.c
 */
#include <mallow.h>

#include "os/thread.h"
#include "sched/asan.h"
#include "sched/run.h"
#include "sched/stack.h"

void mwi_g_transition_slow(struct mwi_g *g, uint32_t from, uint32_t to) {
  for (uint32_t n = 0;; n++) {
    uint32_t s = from;
    if (mwi_cas_acqrel(&g->status, &s, to)) return; /* pairs with scanners' CAS and release */
    if (s != (from | MWI_G_SCAN))
      mwi_fatal("scheduler: goroutine %lu has status %u, expected %u", (unsigned long)g->id, s,
                from);
    if (n < 1000)
      mwi_pause();
    else
      mwi_os_yield(); /* the holder of the bit has lost its CPU */
  }
}

void mwi_g_queue(struct mwi_g *g, bool next) {
  struct mwi_p *p = mwi_tcb()->p;
  if (p) {
    mwi_runq_put(p, g, next);
    return;
  }
  mwi_globq_put(g);
}

/*
 * The readied goroutine waits in runnext.  Mostly the running one blocks soon
 * and the pair goes on here; waking a thread then costs more than all the rest:
 * a system call, and a thief that comes for nothing.  So while its ring is
 * empty a processor leaves out `wake_skip` wake-ups.  Each wake-up doubles the
 * number to leave out before the next; a thief that did find work here sets it
 * back to 0.  Who is readied and not woken for is not forgotten: if no switch
 * comes, sysmon sees it within a millisecond.
 */
#if MW_STRESS
enum { BACKOFF_MAX = 2, SKIP_BUSY = 0 };
#else
enum { BACKOFF_MAX = 16384, SKIP_BUSY = 16 };
#endif

static bool ring_empty(struct mwi_p *p) {
  return mwi_load_relaxed(&p->runq_head) == mwi_load_relaxed(&p->runq_tail);
}

/* After a store to runnext that was a full barrier [D2]. */
static void wake_for_next(struct mwi_p *p) {
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) {
    if (p) mwi_store_relaxed(&p->wake_skip, SKIP_BUSY);
    return;
  }
  if (p && ring_empty(p)) {
    uint32_t skip = mwi_load_relaxed(&p->wake_skip);
    if (skip) {
      mwi_store_relaxed(&p->wake_skip, skip - 1);
      return;
    }
    uint32_t backoff = mwi_load_relaxed(&p->wake_backoff);
    mwi_store_relaxed(&p->wake_skip, backoff);
    mwi_store_relaxed(&p->wake_backoff, backoff < BACKOFF_MAX ? 2 * backoff + 1 : BACKOFF_MAX);
  }
  if (mwi_load_seqcst(&mwi_sched.nspinning) == 0) mwi_wake_p();
}

void mwi_ready(struct mwi_g *g) {
  mwi_rt_enter();
  mwi_assert(mwi_self()); /* not from sysmon, which no stop includes: mwi_g_transition */
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  struct mwi_p *p = mwi_tcb()->p;
  uint32_t skip = p ? mwi_load_relaxed(&p->wake_skip) : 0;
  if (MWI_LIKELY(skip && ring_empty(p) && mwi_runq_put_next_try(p, g))) {
    mwi_store_relaxed(&p->wake_skip, skip - 1);
  } else {
    mwi_g_queue(g, true);
    wake_for_next(p);
  }
  mwi_rt_leave();
}

void mwi_ready_due(struct mwi_g *g) {
  mwi_assert(mwi_tcb()->p); /* its thread is in the loop, and looks into the queue next */
  mwi_rt_enter();
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_g_queue(g, true);
  mwi_rt_leave();
}

/* g was put into runnext, with a full barrier. */
void mwi_wake_for_new(void) {
  if (mwi_load_seqcst(&mwi_sched.nidle_p) && mwi_load_seqcst(&mwi_sched.nspinning) == 0)
    mwi_wake_p();
}

/* A goroutine that stays on its thread: a foreign thread's, which lives on that
 * thread's stack, or one bound by [X1] or by the program.  The thread itself
 * sleeps, on the goroutine's stack, and gives its P away. */
struct bound_park {
  struct mwi_m *m;
  bool (*commit)(struct mwi_g *, void *);
  void *arg;
};

/* g, bound to the calling thread m, is runnable and in no queue: until m has a processor for it.
 * In the global queue it has its turn by the scheduler's fairness [D1], and who takes it from
 * there gives m the processor (execute, proc.c). */
static void get_turn(struct mwi_m *m, struct mwi_g *g) {
  do {
    struct mwi_p *p = mwi_idle_p_get();
    if (p) {
      m->next_inherits = false;
      mwi_acquire_p(m, p);
      return;
    }
    mwi_globq_put(g); /* before it counts as asleep, or mwi_check_dead finds all of them so */
    if (!g->foreign) mwi_add_relaxed(&mwi_sched.nbound, 1);
    mwi_sysmon_need();
    mwi_wake_p(); /* one may have gone idle since we looked [D2] */
  } while (!mwi_p_await(m));
}

static void park_bound(void *arg, uintptr_t sp) {
  struct bound_park *f = arg;
  struct mwi_m *m = f->m;
  struct mwi_g *g = m->tcb.g;
  bool ours = !g->foreign;
  g->sp = sp;
  g->locked = true;
  m->stop_sp = sp;
  m->stop_fp = sp + MWI_SPILL_FP;
  mwi_store_release(&g->status, MWI_G_WAITING);
  if (f->commit && !f->commit(g, f->arg)) {
    mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNING);
    return;
  }
  struct mwi_p *p = mwi_release_p(m);
  if (p) mwi_handoff_p(p);
  if (ours) { /* as good as idle, for mwi_check_dead */
    mwi_lock(&mwi_sched.lock);
    mwi_add_relaxed(&mwi_sched.nbound, 1);
    mwi_check_dead();
    mwi_unlock(&mwi_sched.lock);
  }
  if (!mwi_p_await(m)) get_turn(m, g); /* not before: it takes locks [P4] */
  mwi_g_take_up(m, m->tcb.p, g, m->next_inherits);
}

void mwi_begin_bound(struct mwi_m *m, struct mwi_g *g) {
  g->m = m;
  g->locked = true;
  get_turn(m, g);
  g->locked = false;
  m->chosen = g;
  m->chosen_inherits = m->next_inherits;
}

_Atomic int64_t mwi_block_rate, mwi_mutex_fraction;
void (*mwi_wait_ended)(int64_t ns);
void (*mwi_wait_caused)(int64_t ns);

/* For others' sake, on their account: what the block profile is about. */
static bool is_blocking(enum mwi_wait reason) {
  return reason >= MWI_WAIT_CHAN_RECV && reason <= MWI_WAIT_COND;
}

/*
 * What runs next, where that is plain: no stop asked for, time slice not over,
 * no marking (workers) or folding, no timer due, not the turn of the global queue.  NULL:
 * the loop has to look around.
 */
MWI_INLINE struct mwi_g *next_at_once(struct mwi_m *m) {
  struct mwi_p *p = m->tcb.p;
  if (MWI_UNLIKELY(!p || mwi_load_relaxed(&m->tcb.scan) || mwi_load_relaxed(&m->stop_req) ||
                   mwi_load_relaxed(&p->slice_over) || mwi_load_relaxed(&p->tick) % 61 == 0))
    return NULL;
  int64_t when = mwi_timers_next(p->timers);
  if (when != INT64_MAX && when <= mwi_os_monotonic()) return NULL;
  struct mwi_g *g = mwi_runq_get_next(p);
  bool inherits = g != NULL;
  if (!g && !(g = mwi_runq_get_ring(p))) return NULL;
  /* not for this thread to run, or not before its stack is there */
  if (MWI_UNLIKELY(g->locked || mwi_load_relaxed(&g->rest))) {
    m->chosen = g;
    m->chosen_inherits = inherits;
    return NULL;
  }
  mwi_g_take_up(m, p, g, inherits);
  return g;
}

/*
 * Off this goroutine's stack, and straight to the next one's where that is
 * plain and `light` says that commit needs little stack; else to the loop's.
 * Whoever arrives settles what was left behind.
 */
MWI_INLINE void switch_away(struct mwi_m *m, bool (*commit)(struct mwi_g *g, void *arg), void *arg,
                            bool light) {
  struct mwi_g *g = m->tcb.g;
  m->prev = g;
  m->commit = commit;
  m->commit_arg = arg;
  struct mwi_g *next = light ? next_at_once(m) : NULL;
  mwi_asan_from_g(m, next);
  mwi_switch(&g->sp, next ? next->sp : m->g0_sp);
}

MWI_INLINE void park(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason,
                     bool light) {
  int64_t since = 0;
  if (MWI_UNLIKELY(mwi_load_acquire(&mwi_block_rate)) && is_blocking(reason))
    since = mwi_os_monotonic();
  mwi_rt_enter();
  struct mwi_m *m = mwi_self();
  int saved = *m->errno_at; /* a poll or an allocation may move to another thread */
  struct mwi_g *g = m->tcb.g;
  g->wait_reason = reason;
  if (mwi_bound(m, g)) {
    mwi_sysmon_need();
    struct bound_park f = {m, commit, arg};
    mwi_spill_call(park_bound, &f);
    if (!g->foreign) g->locked = false;
  } else {
    switch_away(m, commit, arg, light);
    mwi_settle();
  }
  *mwi_self()->errno_at = saved; /* another thread, perhaps: m is stale */
  mwi_rt_leave();
  if (MWI_UNLIKELY(since)) mwi_wait_ended(mwi_os_monotonic() - since);
}

void mwi_park(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason) {
  park(commit, arg, reason, false);
}

void mwi_park_light(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason) {
  park(commit, arg, reason, true);
}

static bool unlock_commit(struct mwi_g *g, void *l) {
  (void)g;
  mwi_unlock(l);
  return true;
}

void mwi_park_unlock(struct mwi_lock *l, enum mwi_wait reason) {
  park(unlock_commit, l, reason, true);
}

/* To the tail of this processor's queue, behind all that it has. */
static bool yield_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_g_queue(g, false);
  return true;
}

/* To the global queue: after its time slice, or without a processor. */
static bool requeue_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_globq_put(g);
  /* Without a processor this thread goes to sleep, and those that were busy
   * may have gone idle since [D2]. */
  if (!mwi_tcb()->p) mwi_wake_p();
  return true;
}

void mwi_yield(void) {
  park(yield_commit, NULL, MWI_WAIT_NONE, true);
}
void mwi_preempt(void) {
  mwi_park(requeue_commit, NULL, MWI_WAIT_NONE);
}

/* Frames below that are external go with the stack, and so do the program's
 * reasons to stay. */
_Noreturn void mwi_leave(bool (*commit)(struct mwi_g *g, void *arg), bool light) {
  mwi_rt_enter();
  struct mwi_m *m = mwi_self();
  m->tcb.ext = 0;
  switch_away(m, commit, NULL, light);
  __builtin_unreachable();
}

MWI_EXPORT void mw_yield(void) {
  mwi_attach();
  mwi_yield();
}

void mwi_need_p(void) {
  mwi_fork_finish();
  if (mwi_in_handler(mwi_tcb()) && !mwi_getg())
    mwi_fatal("a signal handler uses the runtime (see mw_signal_notify)");
  while (!mwi_tcb()->p) {
    if (!mwi_tcb()->attached) {
      mwi_attach_slow();
      continue;
    }
    mwi_assert(mwi_load_relaxed(&mwi_self()->state) == MWI_M_RUN); /* as in mwi_acquire_p */
    mwi_rt_enter();
    struct mwi_p *p = mwi_idle_p_get();
    if (p) mwi_acquire_p(mwi_self(), p);
    mwi_rt_leave();
    if (!p) mwi_preempt();
  }
}

/* What the goroutine that just left its stack asked for. */
void mwi_settle(void) {
  struct mwi_m *m = mwi_self();
  struct mwi_g *g = m->prev;
  if (!g) return;
  bool (*commit)(struct mwi_g *, void *) = m->commit;
  void *arg = m->commit_arg;
  m->prev = NULL;
  g->m = NULL;
  mwi_store_release(&g->status, MWI_G_WAITING); /* pairs with scanners: g->sp is written */
  if (commit && !commit(g, arg)) {
    mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
    mwi_g_queue(g, true);
  }
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_fold_at_park))) mwi_fold_parked(g);
  mwi_assert(m->tcb.rt == 1);
}
