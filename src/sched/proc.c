/* SPDX-License-Identifier: MIT */
/*
 * sched/proc.c -- the scheduler: which goroutine runs next, on which thread
 *
 * Job      A loop on each thread's own stack: settle what the last goroutine
 *          asked for (park, yield, exit), find the next one, switch to it.
 *          Where the next one is plain, the goroutine that leaves switches to
 *          it without the loop.
 * Promise  [D1] A runnable goroutine runs eventually: every 61st turn looks at
 *          the global queue first, and after a time slice of 10 ms, which
 *          goroutines that ready each other share, it is others' turn.
 *          [D2] No lost wake-up: whoever makes work visible then looks for an
 *          idle processor; whoever goes idle first makes that visible and then
 *          looks for work once more (both seq_cst).  A goroutine in runnext of a
 *          processor that does not switch is found by sysmon (mwi_ready).
 *          [D3] The loop runs with tcb->rt == 1 throughout; a goroutine starts
 *          or resumes with it and drops it itself.  So a thread in the loop is
 *          stopped only where it asks (mwi_stop_check).
 * How      Order of search: own timers, collector work that is due, own queue,
 *          global queue, ready descriptors, other processors' queues, idle-time
 *          marking, sleep.
 *          At most half of the busy processors' number of threads spin.  As
 *          in Go's runtime (Vyukov, "Scalable Go Scheduler Design", 2012).
 * Next     sched/runq.c, sched/stop.c, sched/sysmon.c, gc/mark.c (workers)
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/thread.h"
#include "sched/asan.h"
#include "sched/netpoll.h"
#include "sched/proc.h"
#include "sched/stack.h"

struct mwi_sched mwi_sched = {
    .lock = MWI_LOCK_INIT(MWI_RANK_SCHED),
    .allm_lock = MWI_LOCK_INIT(MWI_RANK_ALLG),
    .keeper_until = INT64_MAX,
    .max_threads = MWI_MAX_THREADS,
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

struct mwi_p *mwi_release_p_stw(struct mwi_m *m) {
  struct mwi_p *p = mwi_release_p(m);
  if (p) return p;
  p = mwi_xchg_acqrel(&m->sys_p, NULL);
  if (p) mwi_store_relaxed(&p->m, NULL);
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
  mwi_store_relaxed(&p->slice, mwi_load_relaxed(&p->slice) + 1);
  mwi_store_relaxed(&p->slice_over, 0);
  atomic_fetch_sub(&mwi_sched.nidle_p, 1);
  if (mwi_load_seqcst(&mwi_sched.sysmon_deep)) mwi_sysmon_stir();
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
  /* So do descriptors: a thread that finds nothing to run becomes the keeper. */
  if (work_for(p) ||
      (mwi_netpoll_waited() && mwi_load_seqcst(&mwi_sched.keeper_until) == INT64_MAX))
    mwi_wake_p();
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
    make_runnable(g, true);
    wake_for_next(p);
  }
  mwi_rt_leave();
}

/* g was put into runnext, with a full barrier. */
void mwi_wake_for_new(void) {
  if (mwi_load_seqcst(&mwi_sched.nidle_p) && mwi_load_seqcst(&mwi_sched.nspinning) == 0)
    mwi_wake_p();
}

static void begin_slice(struct mwi_m *m, struct mwi_p *p) {
  mwi_store_relaxed(&p->slice, mwi_load_relaxed(&p->slice) + 1);
  mwi_store_relaxed(&p->slice_over, 0);
  mwi_store_relaxed(&m->preempt_req, 0);
}

/* g goes from a queue to this thread; inherits: from runnext. */
MWI_INLINE void take_up(struct mwi_m *m, struct mwi_p *p, struct mwi_g *g, bool inherits) {
  mwi_g_transition(g, MWI_G_RUNNABLE, MWI_G_RUNNING);
  g->m = m;
  m->tcb.g = g;
  mwi_store_relaxed(&p->tick, mwi_load_relaxed(&p->tick) + 1);
  if (!inherits) begin_slice(m, p);
}

/* A goroutine that stays on its thread: a foreign thread's, which lives on that
 * thread's stack, or one bound by [X1] or by the program.  The thread itself
 * sleeps, on the goroutine's stack, and gives its P away. */
struct bound_park {
  struct mwi_m *m;
  bool (*commit)(struct mwi_g *, void *);
  void *arg;
};

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
  mwi_enter_sys(m);
  if (p) mwi_handoff_p(p);
  if (ours) { /* as good as idle, for mwi_check_dead */
    mwi_lock(&mwi_sched.lock);
    mwi_add_relaxed(&mwi_sched.nbound, 1);
    mwi_check_dead();
    mwi_unlock(&mwi_sched.lock);
  }
  while (!mwi_load_acquire(&m->park)) mwi_futex_wait(&m->park, 0, -1);
  mwi_leave_sys(m);
  mwi_store_relaxed(&m->park, 0);
  mwi_acquire_p(m, m->next_p);
  take_up(m, m->next_p, g, m->next_inherits);
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
  take_up(m, p, g, inherits);
  return g;
}

/*
 * Off this goroutine's stack, and straight to the next one's where that is
 * plain and `light` says that commit needs little stack; else to the loop's.
 * Whoever arrives settles what was left behind.
 */
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
    m->prev = g;
    m->commit = commit;
    m->commit_arg = arg;
    struct mwi_g *next = light ? next_at_once(m) : NULL;
    mwi_asan_from_g(m, next);
    mwi_switch(&g->sp, next ? next->sp : m->g0_sp);
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
  struct mwi_g *g = m->tcb.g;
  m->tcb.ext = 0;
  m->prev = g;
  m->commit = commit;
  m->commit_arg = NULL;
  struct mwi_g *next = light ? next_at_once(m) : NULL;
  mwi_asan_from_g(m, next);
  mwi_switch(&g->sp, next ? next->sp : m->g0_sp);
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

/* How long it took; -1: left out (aside.h). */
static int64_t step_aside(struct mwi_m *m, struct mwi_p *p) {
  if (!mwi_aside_now(&p->aside)) return -1;
  mwi_enter_sys(m);
  int64_t since = mwi_os_monotonic();
  mwi_os_yield();
  int64_t ns = mwi_os_monotonic() - since;
  mwi_leave_sys(m);
  return ns;
}

/* Goroutines whose descriptors are ready, if nobody waits for them in the kernel.  NULL: or
 * we have lost p to a stopper. */
static struct mwi_g *poll_ready(struct mwi_m *m, struct mwi_p *p) {
  if (!mwi_netpoll_waited() || mwi_load_relaxed(&mwi_netpoll_blocking)) return NULL;
  struct mwi_glist ready = {0};
  mwi_netpoll_now(&ready);
  if (!ready.n && mwi_runq_empty(p) && mwi_netpoll_at_home()) {
    /* Not while others count on this thread to find what they make runnable. */
    int64_t ns = m->spinning ? -1 : step_aside(m, p);
    if (m->tcb.p != p) return NULL;
    if (ns >= 0) {
      mwi_netpoll_now(&ready);
      mwi_aside_judge(&p->aside, ns, ready.n);
    }
  }
  if (!ready.n) return NULL;
  mwi_glist_run(&ready);
  return mwi_runq_get(p);
}

static void run_timers(struct mwi_timers *t) {
  int64_t when = mwi_timers_next(t);
  if (when == INT64_MAX) return;
  int64_t now = mwi_os_monotonic();
  if (when <= now) mwi_timers_run(t, now);
}

/* Nominally; the kernel's timer slack makes it fifty. */
#define HOLD_OFF_US 3

/*
 * What v's runnext holds will mostly run within a microsecond, beside what it
 * works with: a pair torn apart goes slower on two processors than on one.  So
 * a thief sleeps, and takes it only if v has not switched meanwhile.  NULL: no,
 * or we have lost p to a stopper.
 */
static struct mwi_g *steal_next(struct mwi_m *m, struct mwi_p *p, struct mwi_p *v) {
  if (!mwi_load_relaxed(&v->runnext)) return NULL;
  if (mwi_load_acquire(&v->m)) { /* else nobody is about to run it */
    uint32_t tick = mwi_load_relaxed(&v->tick);
    mwi_enter_sys(m);
    mwi_os_usleep(HOLD_OFF_US);
    mwi_leave_sys(m);
    if (m->tcb.p != p || mwi_load_relaxed(&v->tick) != tick) return NULL;
  }
  return mwi_runq_steal(p, v, true);
}

static struct mwi_g *steal(struct mwi_m *m, struct mwi_p *p) {
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
      struct mwi_g *g = mwi_runq_steal(p, v, false);
      if (!g && round == 3) {
        g = steal_next(m, p, v);
        if (m->tcb.p != p) return NULL;
      }
      if (!g) continue;
      mwi_store_relaxed(&v->wake_backoff, 0); /* it was worth waking us */
      mwi_store_relaxed(&v->wake_skip, 0);
      return g;
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

/* Ready goroutines to where they are found: the ring of the processor at hand, else
 * the global queue. */
void mwi_glist_run(struct mwi_glist *l) {
  if (!l->n) return;
  struct mwi_p *p = mwi_tcb()->p;
  if (!p) mwi_lock(&mwi_sched.lock);
  for (struct mwi_g *g = l->head, *next; g; g = next) {
    next = g->next;
    if (p)
      mwi_runq_put(p, g, false);
    else
      mwi_globq_put_locked(g);
  }
  if (!p) mwi_unlock(&mwi_sched.lock);
  if (!p || l->n >= MWI_HELP_FROM) mwi_wake_p();
}

void mwi_glist_run_beside(struct mwi_glist *l) {
  if (!l->n) return;
  mwi_glist_run(l);
  mwi_wake_p();
}

/*
 * A busy thread that asked for descriptors a moment ago will do so again when its
 * queue is empty, and gets many for one call.  A keeper that the kernel wakes for
 * each of them would take them from it one by one, at a switch each.  So it naps
 * first; a thread that computes, and does not ask, is not trusted for long.
 */
#define TRUST_NS 200000
#define NAP_NS 100000

static int64_t nap_ns(int64_t wait) {
  if (mwi_load_relaxed(&mwi_sched.nidle_p) == (uint32_t)mwi_sched.nprocs) return 0;
  if (mwi_os_monotonic() - mwi_netpoll_last() > TRUST_NS) return 0;
  return wait >= 0 && wait < NAP_NS ? wait : NAP_NS;
}

/* Wait, as the one keeper, for the earliest timer and for descriptors.  Returns
 * with a P, or without when another thread should do it. */
static void keep_watch(struct mwi_m *m) {
  mwi_sysmon_need();
  int64_t when = earliest_timer();
  int64_t none = INT64_MAX;
  if (when == INT64_MAX && mwi_netpoll_waited()) when = MWI_KEEP_ON;
  if (when == INT64_MAX || !mwi_cas_seqcst(&mwi_sched.keeper_until, &none, when)) return;
  uint32_t seen = mwi_load_seqcst(&mwi_sched.keeper_futex);
  struct mwi_poll_events ev = {.n = 0};
  /* A timer added before keeper_until was visible is found here; one added
   * after bumps the futex, or writes to netpoll's eventfd.  netpoll opens (once)
   * by bumping the futex after it can be seen: so who finds it closed is woken. */
  if (earliest_timer() >= when) {
    int64_t wait = when == MWI_KEEP_ON ? -1 : when - mwi_os_monotonic();
    if (wait < 0 && when != MWI_KEEP_ON) wait = 0;
    bool poll = mwi_netpoll_open();
    int64_t nap = poll ? nap_ns(wait) : 0;
    mwi_enter_sys(m);
    if (nap) {
      mwi_netpoll_keep(&ev, nap, true);
    } else if (poll) {
      mwi_store_seqcst(&mwi_netpoll_blocking, true);
      mwi_netpoll_keep(&ev, wait, false);
      mwi_store_seqcst(&mwi_netpoll_blocking, false);
    } else if (wait > 0 || wait == -1) {
      mwi_futex_wait(&mwi_sched.keeper_futex, seen, wait);
    }
    mwi_leave_sys(m);
  }
  mwi_store_seqcst(&mwi_sched.keeper_until, INT64_MAX);
  m->kept_watch = true; /* else its own looks would have it trust them, and nap for ever */
  struct mwi_p *p = mwi_idle_p_get();
  if (p) mwi_acquire_p(m, p); /* else all are busy, and their threads do what is due */
  struct mwi_glist ready = {0};
  mwi_netpoll_deliver(&ev, &ready);
  mwi_glist_run(&ready);
}

bool mwi_timers_pending(void) {
  return earliest_timer() != INT64_MAX;
}

/* Somebody has to look again: the keeper, if there is one. */
static void keeper_break(void) {
  if (mwi_netpoll_open()) {
    mwi_netpoll_os_break();
    return;
  }
  atomic_fetch_add(&mwi_sched.keeper_futex, 1);
  mwi_futex_wake(&mwi_sched.keeper_futex, 1);
}

void mwi_timer_notify(int64_t when) {
  mwi_sysmon_need(); /* everybody may be computing, or in system calls */
  int64_t until = mwi_load_seqcst(&mwi_sched.keeper_until);
  if (when >= until) return;
  if (until != INT64_MAX) {
    keeper_break();
  } else if (mwi_load_seqcst(&mwi_sched.nidle_p)) {
    mwi_wake_p();
  }
}

static void exit_empty(void *unused) {
  (void)unused;
  exit(0);
}

/* No lock held.  A goroutine or a thread has ended: was it the last? */
void mwi_exit_if_empty(void) {
  uint32_t yes = MWI_EXIT_EMPTY;
  if (MWI_LIKELY(mwi_load_relaxed(&mwi_sched.exit_when_empty) != yes) || mw_num_goroutine() > 0 ||
      mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) > 0 ||
      !mwi_cas_acqrel(&mwi_sched.exit_when_empty, &yes, MWI_EXITING))
    return;
  struct mwi_g *g = mwi_g_new_try(exit_empty, NULL, 0, false);
  if (!g) _exit(0);
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_wake_p();
}

void mwi_check_dead(void) {
  /* Under sched.lock, called by a thread that has just put itself on the idle
   * list, or by sysmon when a thread of the program's own has ended: if all are
   * there, nothing can ever wake one, except a timer.  Where main is not ours,
   * it may call us at any time. */
  if (!mwi_load_relaxed(&mwi_sched.main_ours)) return;
  if (mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) > 0) return;
  if (mwi_signal_listening() || mwi_load_relaxed(&mwi_sched.exit_when_empty) == MWI_EXITING) return;
  int64_t asleep =
      (int64_t)mwi_load_relaxed(&mwi_sched.nidle_m) + mwi_load_relaxed(&mwi_sched.nbound);
  if (asleep < mwi_load_relaxed(&mwi_sched.nm)) return;
  if (mwi_load_relaxed(&mwi_sched.keeper_until) != INT64_MAX || mwi_netpoll_waited()) return;
  if (earliest_timer() != INT64_MAX || any_work()) return;
  mwi_unlock(&mwi_sched.lock);
  if (mw_num_goroutine() == 0) mwi_fatal("no goroutines (main called mw_goexit) - deadlock!");
  mwi_fatal("all goroutines are asleep - deadlock!");
}

/* Scheduler loop, no P: sleep until given one. */
static void stop_m(void) {
  struct mwi_m *m = mwi_self();
  mwi_sysmon_need();
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

/* A goroutine to run, on a P.  Sleeps when there is none.  *inherits: it comes from
 * runnext, and goes on with the time slice there is. */
static struct mwi_g *find_runnable(struct mwi_m *m, bool *inherits) {
  struct mwi_g *g = m->chosen;
  if (g) {
    m->chosen = NULL;
    *inherits = m->chosen_inherits;
    return g;
  }
  *inherits = false;
  for (;;) {
    mwi_stop_check();
    struct mwi_p *p = m->tcb.p;
    if (!p) {
      spin_quit(m);
      mwi_netpoll_idle(NULL);
      stop_m();
      continue;
    }
    /* Goroutines that ready each other share one slice [D1].  Before the timers:
     * whom they wake has not had it. */
    if (mwi_load_relaxed(&p->slice_over)) {
      mwi_runq_demote(p);
      begin_slice(m, p);
    }
    run_timers(p->timers);
    if ((mwi_wb_on() || mwi_gc_requested()) && mwi_gc_run_due(p->id))
      continue;                  /* worked for the collector; look again */
    if (m->tcb.p != p) continue; /* stopped on the way, and GOMAXPROCS changed */
    if (mwi_load_relaxed(&mwi_netpoll_due) && (g = poll_ready(m, p))) return g;
    if (m->tcb.p != p) continue;
    if (mwi_load_relaxed(&p->tick) % 61 == 0 && (g = globq_get(p))) return g;
    if ((g = mwi_runq_get_next(p))) {
      *inherits = true;
      return g;
    }
    if ((g = mwi_runq_get_ring(p)) || (g = globq_get(p)) || (g = poll_ready(m, p))) return g;
    if (m->tcb.p != p) continue;

    uint32_t busy = (uint32_t)mwi_sched.nprocs - mwi_load_relaxed(&mwi_sched.nidle_p);
    if (m->spinning || 2 * mwi_load_relaxed(&mwi_sched.nspinning) < busy) {
      if (!m->spinning) {
        m->spinning = true;
        atomic_fetch_add(&mwi_sched.nspinning, 1);
      }
      if ((g = steal(m, p))) return g;
      if (m->tcb.p != p) continue;
    }
    if (mwi_gc_run_idle(p->id) || m->tcb.p != p) continue;

    mwi_netpoll_idle(p);
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
    keep_watch(m);
  }
}

/* ---- The loop ---------------------------------------------------------- */

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
    make_runnable(g, true);
  }
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_fold_at_park))) mwi_fold_parked(g);
  mwi_assert(m->tcb.rt == 1);
}

static void execute(struct mwi_m *m, struct mwi_g *g, bool inherits) {
  if (g->locked) { /* its thread waits for it: hand it this P and go idle */
    struct mwi_m *owner = g->m;
    if (mwi_load_relaxed(&owner->held_for_scan)) { /* [E2] has it; that job is the cycle's first */
      mwi_lock(&mwi_sched.lock);
      mwi_globq_put_locked(g);
      mwi_unlock(&mwi_sched.lock);
      mwi_gc_run_idle(m->tcb.p->id);
      return;
    }
    if (!g->foreign) mwi_add_relaxed(&mwi_sched.nbound, -1);
    struct mwi_p *p = mwi_release_p(m);
    owner->next_p = p;
    owner->next_inherits = inherits;
    mwi_store_release(&owner->park, 1); /* pairs with park_bound */
    mwi_futex_wake(&owner->park, 1);
    return;
  }
  take_up(m, m->tcb.p, g, inherits);
  if (MWI_UNLIKELY(mwi_load_relaxed(&g->rest))) mwi_stack_resume(g);
  mwi_asan_to_g(m, g);
  mwi_switch(&m->g0_sp, g->sp);
}

_Noreturn void mwi_schedule_loop(void) {
  struct mwi_m *m = mwi_self(); /* a thread's loop stays on its thread */
  mwi_rt_enter();               /* [D3] */
  for (;;) {
    bool inherits;
    m->tcb.g = NULL;
    mwi_settle();
    struct mwi_g *g = find_runnable(m, &inherits);
    spin_end(m);
    m->kept_watch = false;
    execute(m, g, inherits);
  }
}
