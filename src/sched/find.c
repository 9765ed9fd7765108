/* SPDX-License-Identifier: MIT */
/*
 * sched/find.c -- what a thread runs next
 *
 * Job      Search for a goroutine, steal one, or sleep until there is something to do.
 * Promise  [D1] and [D2] of proc.c.
 * How      Order of search: own timers, collector work that is due, own queue,
 *          global queue, ready descriptors, other processors' queues, idle-time
 *          marking, sleep.
 *          At most half of the busy processors' number of threads spin.  As
 *          in Go's runtime (Vyukov, "Scalable Go Scheduler Design", 2012).
 * Threads  in the loop, on the thread's own stack.  A processor can be lost wherever the thread
 *          stops or goes through SYS: whoever did such a thing looks at m->tcb.p again.
 * Next     runq.c, keeper.c, netpoll.c, gc/mark.c (workers)
 */
#include "gc/gc.h"
#include "os/thread.h"
#include "sched/netpoll.h"
#include "sched/run.h"

bool mwi_any_work(void) {
  if (mwi_load_seqcst(&mwi_sched.runq_size) || mwi_gc_work_available()) return true;
  for (int i = 0; i < mwi_sched.nprocs; i++)
    if (!mwi_runq_empty(mwi_sched.procs[i])) return true;
  return false;
}

/* Without having found anything.  True when it spun. */
static bool spin_quit(struct mwi_m *m) {
  if (!m->spinning) return false;
  m->spinning = false;
  atomic_fetch_sub(&mwi_sched.nspinning, 1);
  return true;
}

void mwi_spin_end_slow(struct mwi_m *m) {
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

/*
 * So many who sleep or wait for a tick, and are woken together, are worth another thread's while.
 * Mostly they do little, and sleep again.  If not, sysmon sees the rest within a millisecond.
 */
enum { HELP_TIMERS = 64 };

static int run_due(struct mwi_timers *t, int64_t *now) {
  int64_t when = mwi_timers_next(t);
  if (when == INT64_MAX) return 0;
  if (!*now) *now = mwi_os_monotonic();
  return when <= *now ? mwi_timers_run(t, *now) : 0;
}

static void run_timers(struct mwi_timers *t) {
  int64_t now = 0;
  if (run_due(t, &now) >= HELP_TIMERS) mwi_wake_p();
}

/* What is left, after a batch, is found by whoever looks next: this thread, or the one it wakes. */
void mwi_run_timers_here(void) {
  int64_t now = 0;
  int n = 0;
  for (int i = 0; i < mwi_sched.nprocs && n < HELP_TIMERS; i++)
    n += run_due(mwi_sched.procs[i]->timers, &now);
  if (n >= HELP_TIMERS) mwi_wake_p();
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

/* Scheduler loop, no P: sleep until given one, which it may lose on the way. */
static void stop_m(void) {
  struct mwi_m *m = mwi_self();
  mwi_sysmon_need();
  mwi_lock(&mwi_sched.lock);
  m->next_idle = mwi_sched.idle_m;
  mwi_sched.idle_m = m;
  mwi_add_relaxed(&mwi_sched.nidle_m, 1);
  mwi_check_dead();
  mwi_unlock(&mwi_sched.lock);
  (void)mwi_p_await(m);
}

/* A goroutine to run, on a P.  Sleeps when there is none.  *inherits: it comes from
 * runnext, and goes on with the time slice there is. */
struct mwi_g *mwi_find_runnable(struct mwi_m *m, bool *inherits) {
  struct mwi_g *g;
  *inherits = false;
  for (;;) {
    mwi_stop_check();
    struct mwi_p *p = m->tcb.p;
    if (!p) {
      if (spin_quit(m)) mwi_wake_p(); /* others counted on what it would have found [D2] [KW1] */
      mwi_netpoll_idle(NULL);
      stop_m();
      continue;
    }
    /* Goroutines that ready each other share one slice [D1].  Before the timers:
     * whom they wake has not had it. */
    if (mwi_load_relaxed(&p->slice_over)) {
      mwi_runq_demote(p);
      mwi_slice_begin(m, p);
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
    if (mwi_any_work()) { /* [D2] */
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
    mwi_keep_watch(m);
  }
}
