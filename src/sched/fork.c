/* SPDX-License-Identifier: MIT */
/*
 * sched/fork.c -- the runtime on both sides of fork
 *
 * Job      In the child only the calling goroutine goes on; it can allocate,
 *          collect, start goroutines, use channels and timers.  In the parent
 *          nothing changes.
 * Promise  [Z1] At the moment of the fork no other thread is inside the runtime
 *          with a lock held or a structure half made, and no cycle is under
 *          way; so the child's copy is consistent.
 *          [Z2] No thread that may hold a lock of libc's is kept stopped: libc's
 *          fork takes malloc's locks after our handler.  That goes for what handlers of the
 *          program's have interrupted, too, and for those that have not begun [N6].
 *          [Z3] Whoever changes what the child inherits holds a P then, or a lock that
 *          the forker takes.  A thread that the stop has met in libc, called by the
 *          runtime itself perhaps, goes on without a P; so runtime code that may have
 *          been in libc attaches before it sweeps or takes other locks.
 * How      Before: no cycle marks and none begins (mwi_gc_exclude), the world
 *          is stopped, and the locks that threads outside of the stop may hold
 *          (sysmon, the scavenger, threads that are being born or leave, those
 *          that load a module) are taken in the order of their ranks.  Then the
 *          threads that were stopped in external code go on, without their
 *          processors: coming back to compiled code they ask for one, which
 *          needs a lock that is held, and until then they have changed nothing.
 *          After, in the parent: all of that backwards.
 *          After, in the child: other threads' records are dead and the caller
 *          has no processor.  The rest waits until it asks for one (`finish`,
 *          from mwi_need_p), since most children exec and never do: processors
 *          are idle and their queues empty; goroutines are dead, off the queues
 *          of channels and timers, their stacks free; sysmon and the scavenger
 *          start anew.  debug/forked.c does this for look-ups and profiles.
 *          Our handlers are registered before any of the program's, so its own
 *          run outside of all this.
 * Limits   A mutex that another goroutine held stays locked, as a pthread mutex
 *          does.  A fork in a signal handler is not prepared, and the child must
 *          exec or _exit.
 * Threads  one fork at a time between the handlers: the one that excludes the
 *          collector.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <unistd.h>

#include <mallow.h>

#include "gc/gc.h"
#include "gc/jumps.h"
#include "gc/pacer.h"
#include "gc/roots.h"
#include "gc/special.h"
#include "heap/mheap.h"
#include "os/thread.h"
#include "sched/chan.h"
#include "sched/netpoll.h"
#include "sched/proc.h"
#include "sched/stack.h"
#include "sched/sema.h"

void (*mwi_fork_debug)(enum mwi_fork_step step);

static _Atomic bool started;    /* there is a runtime */
static struct mwi_m *forker;    /* between prepare and the handlers after; NULL: not prepared */
static bool on_main_thread;     /* it is the process's first */
static _Atomic bool unfinished; /* a child that has not asked for a processor yet */

/* ---- Before ------------------------------------------------------------- */

static void lock_heap(void) {
  for (;;) {
    mwi_lock(&mwi_mheap.lock);
    if (!mwi_mheap.in_hand) return; /* else a scavenger has pages out, without the lock */
    mwi_unlock(&mwi_mheap.lock);
    mwi_os_yield();
  }
}

static void prepare(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (!mwi_load_acquire(&started) || (t->attached && (t->rt > 0 || mwi_in_handler(t)))) return;
  mwi_attach();
  mwi_gc_exclude();
  mwi_fork_debug(MWI_FORK_BEFORE); /* while others run: it waits for one of them */
  mwi_stop_world();
  mwi_stop_take_external_ps();
  mwi_lock(&mwi_sched.allm_lock);
  mwi_lock(&mwi_sched.lock);
  mwi_lock(&mwi_roots_lock);
  lock_heap();
  mwi_lock(&mwi_meta_lock);
  forker = mwi_self();
  on_main_thread = forker->tid == getpid();
  mwi_stop_release_external(); /* [Z2] */
}

static void unlock_all(void) {
  mwi_unlock(&mwi_meta_lock);
  mwi_unlock(&mwi_mheap.lock);
  mwi_unlock(&mwi_roots_lock);
  mwi_unlock(&mwi_sched.lock);
  mwi_unlock(&mwi_sched.allm_lock);
}

static bool mine(void) {
  struct mwi_tcb *t = mwi_tcb();
  return t->attached && t->m && forker == t->m;
}

static void in_parent(void) {
  if (!mine()) return;
  forker = NULL;
  unlock_all();
  mwi_start_world();
  mwi_fork_debug(MWI_FORK_PARENT);
  mwi_gc_allow();
}

/* ---- After, in the child --------------------------------------------------- */

static void in_child(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (!t->attached || !t->m) return;
  struct mwi_m *self = t->m;
  self->tid = mwi_os_tid();
  self->rand = mwi_os_random(); /* not the parent's order of things */
  mwi_store_relaxed(&self->stop_req, 0);
  mwi_store_relaxed(&self->retake_req, 0);
  mwi_store_relaxed(&self->preempt_req, 0);
  mwi_stop_forget_signals(self);
  mwi_netpoll_forked();
  mwi_signal_forked();
  mwi_jumps_forked();
  if (!mine()) { /* not prepared: compiled code on its way to exec waits for nobody */
    forker = NULL;
    mwi_store_relaxed(&t->poll, 0);
    return;
  }
  forker = NULL;
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (m == self) continue;
    mwi_m_forget(m);
  }
  mwi_sched.nthreads = 1;
  mwi_store_relaxed(&mwi_sched.has_sysmon, 0);
  unlock_all();
  mwi_fork_debug(MWI_FORK_CHILD);
  mwi_stop_forget();
  mwi_gc_forget_waiters();
  mwi_release_p(self);
  mwi_store_relaxed(&t->poll, 1);
  mwi_store_relaxed(&unfinished, true);
}

/* ---- When the child goes on ---------------------------------------------- */

/* Idle, and nothing depends on a thread that is gone. */
static bool survives(const struct mwi_g *g) {
  return g->system && !g->foreign && mwi_load_relaxed(&g->status) == MWI_G_WAITING &&
         g->wait_reason == MWI_WAIT_FINALIZER;
}

static void leave_queues(struct mwi_g *g) {
  for (struct mwi_waiter *w = g->waiters; w; w = w->own_next) {
    if (w->queued) mwi_ch_abandon(w);
    mwi_waiter_release(w);
  }
}

static void forget_threads(const struct mwi_g *self) {
  bool foreign = self->foreign;
  mwi_lock(&mwi_sched.lock);
  mwi_sched.runq_head = mwi_sched.runq_tail = NULL;
  mwi_store_relaxed(&mwi_sched.runq_size, 0);
  mwi_sched.idle_m = mwi_sched.new_m = NULL;
  mwi_sched.idle_p = NULL;
  mwi_store_relaxed(&mwi_sched.nidle_p, 0);
  mwi_store_relaxed(&mwi_sched.nidle_m, 0);
  mwi_store_relaxed(&mwi_sched.nbound, 0);
  mwi_store_relaxed(&mwi_sched.nspinning, 0);
  mwi_store_relaxed(&mwi_sched.nm, foreign ? 0 : 1);
  mwi_store_relaxed(&mwi_sched.nforeign, foreign ? 1 : 0);
  mwi_store_relaxed(&mwi_thread_count, foreign && !on_main_thread ? 1 : 0);
  mwi_store_relaxed(&mwi_sched.keeper_until, INT64_MAX);
  mwi_store_relaxed(&mwi_sched.sysmon_deep, 0);
  mwi_store_relaxed(&mwi_sched.need_sysmon, 0);
  mwi_unlock(&mwi_sched.lock);
  for (int i = mwi_sched.nprocs; i-- > 0;) {
    struct mwi_p *p = mwi_sched.procs[i];
    mwi_store_relaxed(&p->m, NULL);
    mwi_store_relaxed(&p->runnext, NULL);
    mwi_store_relaxed(&p->runq_head, 0);
    mwi_store_relaxed(&p->runq_tail, 0);
    mwi_timers_forget_sleepers(p->timers);
    mwi_idle_p_put(p);
  }
}

bool mwi_fork_unfinished(void) {
  return mwi_load_relaxed(&unfinished);
}

/* The only thread there is. */
void mwi_fork_finish(void) {
  if (MWI_LIKELY(!mwi_load_relaxed(&unfinished))) return;
  mwi_rt_enter();
  mwi_store_relaxed(&unfinished, false);
  struct mwi_g *self = mwi_getg();
  forget_threads(self);
  mwi_sema_forget();
  mwi_fold_forget();
  MWI_EACH_G(g) {
    if (g != self && mwi_load_relaxed(&g->status) != MWI_G_DEAD && !survives(g)) {
      leave_queues(g);
      mwi_g_bury(g);
    }
  }
  /* who returns from a thread's function ends the process when it was the last */
  bool on_main = self->foreign ? on_main_thread : self == mwi_sched.main_g;
  mwi_store_relaxed(&mwi_sched.exit_when_empty, on_main ? MWI_EXIT_NOT : MWI_EXIT_EMPTY);
  mwi_rt_leave();
  mwi_fork_debug(MWI_FORK_GOES_ON);
  mwi_signal_restart();
  mwi_sysmon_look_for_need(); /* else when there is something to do [SM1] */
  mwi_scavenger_forget();
  mwi_due_goroutines_restart();
}

void mwi_fork_init(void) {
  mwi_store_release(&started, true);
}

/* Before every other constructor: prepare runs last, and the others first. */
__attribute__((constructor(101))) static void early(void) {
  pthread_atfork(prepare, in_parent, in_child);
}

/* ---- The program's calls -------------------------------------------------- */

#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
pid_t __fork(void);

/* Weak: a program linked with libmallow.a may have one of its own.  A handler's jump out of it
 * waits until it is over, where the parent makes it; before, what was begun would stay undone. */
MWI_EXPORT __attribute__((weak)) pid_t fork(void) {
  struct mwi_g *g = mwi_load_acquire(&started) ? mwi_getg() : NULL;
  mwi_jumps_wait(g);
  pid_t pid = __fork();
  mwi_jumps_go(g);
  return pid;
}
#endif
