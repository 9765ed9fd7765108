/* SPDX-License-Identifier: MIT */
/*
 * sched/proc.c -- the scheduler: which goroutine runs next, on which thread
 *
 * Job      A loop on each thread's own stack: settle what the last goroutine
 *          asked for (park, yield, exit), find the next one, switch to it.
 * Promise  [D1] A runnable goroutine runs eventually: every 61st turn looks at
 *          the global queue first, and sysmon preempts after 10 ms.
 *          [D2] No lost wake-up: whoever makes work visible then looks for an
 *          idle processor; whoever goes idle first makes that visible and then
 *          looks for work once more (both seq_cst).
 *          [D3] The loop runs with tcb->rt == 1 throughout; a goroutine starts
 *          or resumes with it and drops it itself.  So a thread in the loop is
 *          stopped only where it asks (mwi_stop_check).
 * How      Order of search: own timers, collector work that is due, own queue,
 *          global queue, other processors' queues, idle-time marking, sleep.
 *          At most half of the busy processors' number of threads spin.  As
 *          in Go's runtime (Vyukov, "Scalable Go Scheduler Design", 2012).
 * Next     sched/runq.c, sched/stop.c, sched/sysmon.c, gc/mark.c (workers)
 */
#include <errno.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/thread.h"
#include "sched/proc.h"

struct mwi_sched mwi_sched = {
    .lock = MWI_LOCK_INIT(MWI_RANK_SCHED),
    .allm_lock = MWI_LOCK_INIT(MWI_RANK_ALLG),
    .keeper_until = INT64_MAX,
};

const char *const mwi_wait_names[MWI_NWAITS] = {
    [MWI_WAIT_NONE] = "",
    [MWI_WAIT_CHAN_RECV] = "chan receive",
    [MWI_WAIT_CHAN_SEND] = "chan send",
    [MWI_WAIT_CHAN_RECV_NIL] = "chan receive (nil chan)",
    [MWI_WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
    [MWI_WAIT_SELECT] = "select",
    [MWI_WAIT_SELECT_NONE] = "select (no cases)",
    [MWI_WAIT_SEMA] = "semacquire",
    [MWI_WAIT_MUTEX] = "sync.Mutex.Lock",
    [MWI_WAIT_RWMUTEX_R] = "sync.RWMutex.RLock",
    [MWI_WAIT_RWMUTEX_W] = "sync.RWMutex.Lock",
    [MWI_WAIT_WAITGROUP] = "sync.WaitGroup.Wait",
    [MWI_WAIT_COND] = "sync.Cond.Wait",
    [MWI_WAIT_SLEEP] = "sleep",
    [MWI_WAIT_IO] = "IO wait",
    [MWI_WAIT_GC_ASSIST] = "GC assist wait",
    [MWI_WAIT_GC] = "wait for GC cycle",
    [MWI_WAIT_FINALIZER] = "finalizer wait",
};

uint32_t mwi_rand(void) {
  struct mwi_m *m = mwi_self();
  uint32_t x = m->rand ? m->rand : m->id * 2654435761u + 1; /* xorshift32, Marsaglia 2003 */
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return m->rand = x;
}

/* ---- Processors -------------------------------------------------------- */

void mwi_acquire_p(struct mwi_m *m, struct mwi_p *p) {
  mwi_assert(!m->tcb.p && p);
  mwi_store_relaxed(&p->m, m);
  m->tcb.p = p;
  m->tcb.gcp = &p->gcp;
  m->tcb.mcache = p->mcache;
}

struct mwi_p *mwi_release_p(struct mwi_m *m) {
  struct mwi_p *p = m->tcb.p;
  if (!p) return NULL;
  m->tcb.mcache = &mwi_mcache_none;
  m->tcb.gcp = NULL;
  m->tcb.p = NULL;
  mwi_store_relaxed(&p->m, NULL);
  return p;
}

void mwi_idle_p_put(struct mwi_p *p) {
  mwi_lock(&mwi_sched.lock);
  p->next_idle = mwi_sched.idle_p;
  mwi_sched.idle_p = p;
  atomic_fetch_add(&mwi_sched.nidle_p, 1);
  mwi_unlock(&mwi_sched.lock);
}

static struct mwi_p *idle_p_get_locked(void) {
  struct mwi_p *p = mwi_sched.idle_p;
  if (!p) return NULL;
  mwi_sched.idle_p = p->next_idle;
  atomic_fetch_sub(&mwi_sched.nidle_p, 1);
  if (mwi_load_seqcst(&mwi_sched.sysmon_deep)) mwi_sysmon_wake();
  return p;
}

struct mwi_p *mwi_idle_p_get(void) {
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) return NULL;
  mwi_lock(&mwi_sched.lock);
  struct mwi_p *p = idle_p_get_locked();
  mwi_unlock(&mwi_sched.lock);
  return p;
}

static bool work_for(struct mwi_p *p) {
  return !mwi_runq_empty(p) || mwi_load_seqcst(&mwi_sched.runq_size) || mwi_gc_work_available();
}

void mwi_handoff_p(struct mwi_p *p) {
  if (work_for(p)) {
    mwi_m_start(p, false);
    return;
  }
  mwi_idle_p_put(p);
  /* Its timers need somebody to watch them; work that came meanwhile, too [D2]. */
  int64_t when = mwi_timers_next(p->timers);
  if (when != INT64_MAX) mwi_timer_notify(when);
  if (work_for(p)) mwi_wake_p();
}

void mwi_wake_p(void) {
  atomic_thread_fence(memory_order_seq_cst); /* [D2]: the work is visible before we look */
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) return;
  uint32_t none = 0;
  if (mwi_load_seqcst(&mwi_sched.nspinning) != 0 || !mwi_cas_seqcst(&mwi_sched.nspinning, &none, 1))
    return; /* a spinning thread will find it */
  struct mwi_p *p = mwi_idle_p_get();
  if (!p) {
    atomic_fetch_sub(&mwi_sched.nspinning, 1);
    return;
  }
  mwi_m_start(p, true);
}

/* Any heap will do for a thread that has lost its P on the way. */
struct mwi_timers *mwi_timers_mine(void) {
  struct mwi_p *p = mwi_tcb()->p;
  return (p ? p : mwi_sched.procs[0])->timers;
}

/* ---- Parking and readying ---------------------------------------------- */

void mwi_g_transition(struct mwi_g *g, uint32_t from, uint32_t to) {
  for (;;) {
    uint32_t s = from;
    if (mwi_cas_acqrel(&g->status, &s, to)) return; /* pairs with scanners' CAS and release */
    if (s != (from | MWI_G_SCAN))
      mwi_fatal("scheduler: goroutine %lu has status %u, expected %u", (unsigned long)g->id, s,
                from);
    mwi_pause();
  }
}

static void make_runnable(struct mwi_g *g, bool next) {
  struct mwi_p *p = mwi_tcb()->p;
  if (p) {
    mwi_runq_put(p, g, next);
    return;
  }
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
}

/*
 * The readied goroutine waits in runnext.  Mostly the running one blocks soon
 * and the pair goes on here, and waking a thread (a system call, and a thief
 * that comes for nothing) costs more than all the rest.  So with nothing else
 * in the queue a processor wakes others at most every WAKE_EVERY_CYCLES; if it
 * goes on running, sysmon sees the waiting goroutine within a millisecond.
 */
#define WAKE_EVERY_CYCLES 60000 /* about 20 us */

static void wake_for_next(void) {
  struct mwi_p *p = mwi_tcb()->p;
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) return;
  if (p && mwi_load_relaxed(&p->runq_head) == mwi_load_relaxed(&p->runq_tail)) {
    uint64_t now = mwi_os_cycles();
    if (now - p->last_wake < WAKE_EVERY_CYCLES) return;
    p->last_wake = now;
  }
  mwi_wake_p();
}

void mwi_ready(struct mwi_g *g) {
  mwi_rt_enter();
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  make_runnable(g, true);
  wake_for_next();
  mwi_rt_leave();
}

/* A foreign thread's goroutine lives on that thread's own stack, so the
 * thread itself sleeps, and gives its P away. */
struct foreign_park {
  struct mwi_m *m;
  bool (*commit)(struct mwi_g *, void *);
  void *arg;
};

static void park_foreign(void *arg, uintptr_t sp) {
  struct foreign_park *f = arg;
  struct mwi_m *m = f->m;
  struct mwi_g *g = m->foreign;
  g->sp = sp;
  m->stop_sp = sp;
  mwi_store_release(&g->status, MWI_G_WAITING);
  if (f->commit && !f->commit(g, f->arg)) {
    mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNING);
    return;
  }
  struct mwi_p *p = mwi_release_p(m);
  mwi_enter_sys(m);
  if (p) mwi_handoff_p(p);
  while (!mwi_load_acquire(&m->park)) mwi_futex_wait(&m->park, 0, -1);
  mwi_leave_sys(m);
  mwi_store_relaxed(&m->park, 0);
  mwi_acquire_p(m, m->next_p);
  mwi_g_transition(g, MWI_G_RUNNABLE, MWI_G_RUNNING);
}

_Atomic int64_t mwi_block_rate, mwi_mutex_fraction;
void (*mwi_wait_ended)(int64_t ns);
void (*mwi_wait_caused)(int64_t ns);

/* For others' sake, on their account: what the block profile is about. */
static bool is_blocking(enum mwi_wait reason) {
  return reason >= MWI_WAIT_CHAN_RECV && reason <= MWI_WAIT_COND;
}

void mwi_park(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason) {
  int64_t since = 0;
  if (MWI_UNLIKELY(mwi_load_acquire(&mwi_block_rate)) && is_blocking(reason))
    since = mwi_os_monotonic();
  mwi_rt_enter();
  int saved = mwi_errno_get(); /* a poll or an allocation may move to another thread */
  struct mwi_m *m = mwi_self();
  struct mwi_g *g = m->tcb.g;
  g->wait_reason = reason;
  if (g->foreign) {
    struct foreign_park f = {m, commit, arg};
    mwi_spill_call(park_foreign, &f);
  } else {
    m->prev = g;
    m->commit = commit;
    m->commit_arg = arg;
    mwi_switch(&g->sp, m->g0_sp);
    /* Another thread, perhaps: m is stale. */
  }
  mwi_errno_set(saved);
  mwi_rt_leave();
  if (MWI_UNLIKELY(since)) mwi_wait_ended(mwi_os_monotonic() - since);
}

static bool unlock_commit(struct mwi_g *g, void *l) {
  (void)g;
  mwi_unlock(l);
  return true;
}

void mwi_park_unlock(struct mwi_lock *l, enum mwi_wait reason) {
  mwi_park(unlock_commit, l, reason);
}

/* To the tail of this processor's queue, behind all that it has. */
static bool yield_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  make_runnable(g, false);
  return true;
}

/* To the global queue: after its time slice, or without a processor. */
static bool requeue_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  /* Without a processor this thread goes to sleep, and those that were busy
   * may have gone idle since [D2]. */
  if (!mwi_tcb()->p) mwi_wake_p();
  return true;
}

void mwi_yield(void) {
  mwi_park(yield_commit, NULL, MWI_WAIT_NONE);
}
void mwi_requeue(void) {
  mwi_park(requeue_commit, NULL, MWI_WAIT_NONE);
}

MWI_EXPORT void mw_yield(void) {
  mwi_attach();
  mwi_yield();
}

void mwi_need_p(void) {
  while (!mwi_tcb()->p) {
    if (!mwi_tcb()->attached) {
      mwi_attach_slow();
      continue;
    }
    mwi_rt_enter();
    struct mwi_p *p = mwi_idle_p_get();
    if (p) mwi_acquire_p(mwi_self(), p);
    mwi_rt_leave();
    if (!p) mwi_preempt();
  }
}

/* ---- Finding work ------------------------------------------------------ */

/* Without having found anything.  True when it spun. */
static bool spin_quit(struct mwi_m *m) {
  if (!m->spinning) return false;
  m->spinning = false;
  atomic_fetch_sub(&mwi_sched.nspinning, 1);
  return true;
}

static void spin_end(struct mwi_m *m) {
  if (!m->spinning) return;
  m->spinning = false;
  /* The last spinner found work: another one may be needed for the rest [D2]. */
  if (atomic_fetch_sub(&mwi_sched.nspinning, 1) == 1) mwi_wake_p();
}

static struct mwi_g *globq_get(struct mwi_p *p) {
  if (!mwi_load_seqcst(&mwi_sched.runq_size)) return NULL;
  mwi_lock(&mwi_sched.lock);
  struct mwi_g *g = mwi_globq_get_locked(p);
  mwi_unlock(&mwi_sched.lock);
  return g;
}

static void run_timers(struct mwi_timers *t) {
  int64_t when = mwi_timers_next(t);
  if (when == INT64_MAX) return;
  int64_t now = mwi_os_monotonic();
  if (when <= now) mwi_timers_run(t, now);
}

static struct mwi_g *steal(struct mwi_p *p) {
  int n = mwi_sched.nprocs;
  for (int round = 0; round < 4; round++) {
    uint32_t start = mwi_rand();
    for (int i = 0; i < n; i++) {
      struct mwi_p *v = mwi_sched.procs[(start + (uint32_t)i) % (uint32_t)n];
      if (v == p) continue;
      if (round == 3) {
        run_timers(v->timers);
        struct mwi_g *g = mwi_runq_get(p);
        if (g) return g;
      }
      struct mwi_g *g = mwi_runq_steal(p, v, round == 3);
      if (g) return g;
    }
  }
  return NULL;
}

static bool any_work(void) {
  if (mwi_load_seqcst(&mwi_sched.runq_size) || mwi_gc_work_available()) return true;
  for (int i = 0; i < mwi_sched.nprocs; i++)
    if (!mwi_runq_empty(mwi_sched.procs[i])) return true;
  return false;
}

static int64_t earliest_timer(void) {
  int64_t when = INT64_MAX;
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    int64_t w = mwi_timers_next(mwi_sched.procs[i]->timers);
    if (w < when) when = w;
  }
  return when;
}

/* Wait, as the one keeper, for the earliest timer.  Returns with a P, or
 * without when another thread should do it. */
static void keep_timers(struct mwi_m *m) {
  int64_t when = earliest_timer();
  int64_t none = INT64_MAX;
  if (when == INT64_MAX || !mwi_cas_seqcst(&mwi_sched.keeper_until, &none, when)) return;
  uint32_t seen = mwi_load_seqcst(&mwi_sched.keeper_futex);
  /* A timer added before keeper_until was visible is found here; one added
   * after bumps the futex. */
  if (earliest_timer() >= when) {
    int64_t wait = when - mwi_os_monotonic();
    mwi_enter_sys(m);
    if (wait > 0) mwi_futex_wait(&mwi_sched.keeper_futex, seen, wait);
    mwi_leave_sys(m);
  }
  mwi_store_seqcst(&mwi_sched.keeper_until, INT64_MAX);
  struct mwi_p *p = mwi_idle_p_get();
  if (p) mwi_acquire_p(m, p); /* else all are busy, and their threads run the timers */
}

void mwi_timer_notify(int64_t when) {
  int64_t until = mwi_load_seqcst(&mwi_sched.keeper_until);
  if (when >= until) return;
  if (until != INT64_MAX) {
    atomic_fetch_add(&mwi_sched.keeper_futex, 1);
    mwi_futex_wake(&mwi_sched.keeper_futex, 1);
  } else if (mwi_load_seqcst(&mwi_sched.nidle_p)) {
    mwi_wake_p();
  }
}

void mwi_check_dead(void) {
  /* Under sched.lock, called by a thread that has just put itself on the idle
   * list, or by sysmon when a thread of the program's own has ended: if all are
   * there, nothing can ever wake one, except a timer.  Where main is not ours,
   * it may call us at any time. */
  if (!mwi_load_relaxed(&mwi_sched.main_ours)) return;
  if (mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) > 0) return;
  if (mwi_load_relaxed(&mwi_sched.nidle_m) < mwi_load_relaxed(&mwi_sched.nm)) return;
  if (mwi_load_relaxed(&mwi_sched.keeper_until) != INT64_MAX) return;
  if (earliest_timer() != INT64_MAX || any_work()) return;
  mwi_unlock(&mwi_sched.lock);
  if (mw_num_goroutine() == 0) mwi_fatal("no goroutines (main called mw_goexit) - deadlock!");
  mwi_fatal("all goroutines are asleep - deadlock!");
}

void mwi_stop_m(void) {
  struct mwi_m *m = mwi_self();
  mwi_lock(&mwi_sched.lock);
  m->next_idle = mwi_sched.idle_m;
  mwi_sched.idle_m = m;
  mwi_add_relaxed(&mwi_sched.nidle_m, 1);
  mwi_check_dead();
  mwi_unlock(&mwi_sched.lock);
  mwi_enter_sys(m);
  while (!mwi_load_acquire(&m->park)) mwi_futex_wait(&m->park, 0, -1);
  mwi_leave_sys(m);
  mwi_store_relaxed(&m->park, 0);
  m->spinning = m->next_spinning;
  mwi_acquire_p(m, m->next_p);
}

/* A goroutine to run, on a P.  Sleeps when there is none. */
static struct mwi_g *find_runnable(struct mwi_m *m) {
  struct mwi_g *g;
  for (;;) {
    mwi_stop_check();
    struct mwi_p *p = m->tcb.p;
    if (!p) {
      spin_quit(m);
      mwi_stop_m();
      continue;
    }
    run_timers(p->timers);
    if (mwi_gc_run_due(p->id)) continue; /* worked for the collector; look again */
    if (m->tcb.p != p) continue;         /* stopped on the way, and GOMAXPROCS changed */
    if (mwi_load_relaxed(&p->tick) % 61 == 0 && (g = globq_get(p))) return g;
    if ((g = mwi_runq_get(p))) return g;
    if ((g = globq_get(p))) return g;

    uint32_t busy = (uint32_t)mwi_sched.nprocs - mwi_load_relaxed(&mwi_sched.nidle_p);
    if (m->spinning || 2 * mwi_load_relaxed(&mwi_sched.nspinning) < busy) {
      if (!m->spinning) {
        m->spinning = true;
        atomic_fetch_add(&mwi_sched.nspinning, 1);
      }
      if ((g = steal(p))) return g;
    }
    if (mwi_gc_run_idle(p->id) || m->tcb.p != p) continue;

    mwi_release_p(m);
    mwi_idle_p_put(p);
    bool was_spinning = spin_quit(m);
    if (any_work()) { /* [D2] */
      p = mwi_idle_p_get();
      if (p) {
        mwi_acquire_p(m, p);
        if (was_spinning) {
          m->spinning = true;
          atomic_fetch_add(&mwi_sched.nspinning, 1);
        }
        continue;
      }
    }
    keep_timers(m);
  }
}

/* ---- The loop ---------------------------------------------------------- */

/* What the goroutine that just left its stack asked for. */
static void settle(struct mwi_m *m) {
  struct mwi_g *g = m->prev;
  if (!g) return;
  bool (*commit)(struct mwi_g *, void *) = m->commit;
  void *arg = m->commit_arg;
  m->prev = NULL;
  m->tcb.g = NULL;
  g->m = NULL;
  mwi_store_release(&g->status, MWI_G_WAITING); /* pairs with scanners: g->sp is written */
  if (commit && !commit(g, arg)) {
    mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
    make_runnable(g, true);
  }
}

static void execute(struct mwi_m *m, struct mwi_g *g) {
  if (g->locked) { /* a foreign thread's: hand it this P and go idle */
    struct mwi_p *p = mwi_release_p(m);
    struct mwi_m *owner = g->m;
    owner->next_p = p;
    mwi_store_release(&owner->park, 1); /* pairs with park_foreign */
    mwi_futex_wake(&owner->park, 1);
    return;
  }
  mwi_g_transition(g, MWI_G_RUNNABLE, MWI_G_RUNNING);
  g->m = m;
  m->tcb.g = g;
  struct mwi_p *p = m->tcb.p;
  mwi_store_relaxed(&p->tick, mwi_load_relaxed(&p->tick) + 1);
  mwi_store_relaxed(&m->preempt_req, 0);
  mwi_switch(&m->g0_sp, g->sp);
}

_Noreturn void mwi_schedule_loop(void) {
  struct mwi_m *m = mwi_self(); /* a thread's loop stays on its thread */
  mwi_rt_enter();               /* [D3] */
  for (;;) {
    settle(m);
    mwi_assert(m->tcb.rt == 1);
    struct mwi_g *g = find_runnable(m);
    spin_end(m);
    execute(m, g);
  }
}
