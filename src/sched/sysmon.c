/* SPDX-License-Identifier: MIT */
/*
 * sched/sysmon.c -- the thread that watches the others
 *
 * Job      End time slices after 10 ms; take the processor of
 *          a thread stuck in external code or in a system call, or of one that a handler keeps
 *          from taking it up, when somebody else could use it; have somebody ask for ready
 *          descriptors when nobody has; create threads, and start one for processors left by
 *          signal handlers; notice a deadlock when the program's last thread of its
 *          own ends; ask for a collection every two minutes; under a memory limit, look
 *          whether stacks may have grown.
 * How      Sleeps 20 us, and after 50 idle rounds twice as long each time, to
 *          1 ms, or 2.5 where nobody can be waiting; with every processor
 *          idle it sleeps until woken.  Where processors are idle for moments only
 *          (a server of many connections between two batches) it would be woken for each of them,
 *          to look every 20 us: there it goes on as before, and sleeps without end after a
 *          look that finds that nobody has run since the last.  So it does where timers wake the
 *          program each moment.
 * Promise  [SM1] There is nothing for it to do while there is none.  A program whose main has met
 *          nobody has no sysmon: no second goroutine or attached thread, no collection,
 *          timer or memory limit, and main has never waited in the scheduler.  Whoever changes that
 * calls mwi_sysmon_need before: a process that forks, or ends soon, then has one thread to copy or
 * to end, and no other CPU's address translations to flush at each page written after a fork.  What
 * it was asked before it is there (mwi_sysmon_wake) it finds then. Threads  It has no P and never
 * touches the collected heap, so it is not in the list of threads and is not stopped.
 */
#include <stdio.h>

#include <mallow.h>

#include "base/knobs.h"
#include "base/traces.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/pacer.h"
#include "os/thread.h"
#include "sched/iowait.h"
#include "sched/netpoll.h"
#include "sched/proc.h"
#include "sched/unasked.h"

#define SLICE_NS 10000000 /* Go's time slice */
#define RETAKE_NS 500000  /* a signal costs its thread 2 us, so 0.4 % while others wait */
#define POLL_NS 10000000  /* Go's */
#define FIRST_SLEEP_US 20
#define CUT_AGAIN_US 50
#define MAX_SLEEP_US 1000 /* bounds how long a readied goroutine waits beside a running one */
#define BRISK_US 2500     /* where all are busy, and switch so often that nobody can be waiting */
enum { BRISK_TICKS = 64 };
/* Idle for less than this, after goroutines came in batches: soon busy again.  (Where they come
 * one by one, what the looks take of another CPU is no loss: with one connection on an idle
 * machine the answers come twice as often beside them, docs/benchmarks.md.) */
#define FLICKER_NS 10000000
/* The same where timers wake so often; who sleeps longer is looked at as soon as it wakes. */
#define FLICKER_TIMED_NS 2000000

static struct mwi_tcb sysmon_tcb;

/* GODEBUG=schedtrace=N: Go's line, every N ms. */
static void trace(int64_t now) {
  static int64_t last;
  if (now - last < (int64_t)mwi_knobs.schedtrace * 1000000) return;
  last = now;
  char queues[1024], ticks[1024];
  size_t q = 0, t = 0;
  for (int i = 0; i < mwi_sched.nprocs && q < sizeof queues - 24 && t < sizeof ticks - 24; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    uint32_t n = mwi_load_relaxed(&p->runq_tail) - mwi_load_relaxed(&p->runq_head);
    q += (size_t)snprintf(queues + q, sizeof queues - q, " %u", n);
    t += (size_t)snprintf(ticks + t, sizeof ticks - t, " %u", mwi_load_relaxed(&p->tick));
  }
  mwi_trace_line("SCHED %ldms: gomaxprocs=%d idleprocs=%u threads=%u spinningthreads=%u "
                 "needspinning=0 idlethreads=%u runqueue=%u [%s ] schedticks=[%s ]",
                 (long)((now - mwi_sched.start_ns) / 1000000), mwi_sched.nprocs,
                 mwi_load_relaxed(&mwi_sched.nidle_p), mwi_load_relaxed(&mwi_sched.nm) + 1,
                 mwi_load_relaxed(&mwi_sched.nspinning), mwi_load_relaxed(&mwi_sched.nidle_m),
                 mwi_load_relaxed(&mwi_sched.runq_size), queues, ticks);
}

/* Why it is woken: something is to be done; or only that a processor is busy again, with what
 * timers woke. */
enum { ASKED = 1, STIRRED = 2, TIMED = 4 };

static void wake_for(uint32_t why) {
  if (atomic_fetch_or(&mwi_sched.need_sysmon, why) == 0) mwi_futex_wake(&mwi_sched.need_sysmon, 1);
}

void mwi_sysmon_wake(void) {
  wake_for(ASKED);
}

void mwi_sysmon_stir(void) {
  wake_for(STIRRED);
}

void mwi_sysmon_stir_timed(void) {
  wake_for(TIMED);
}

/* Does p have something that it does not get to?  What is in runnext goes on at
 * the next switch, so it waits only if there has been none since the last look. */
static bool waits_at(struct mwi_p *p) {
  if (mwi_load_relaxed(&p->runq_head) != mwi_load_relaxed(&p->runq_tail)) return true;
  return mwi_load_relaxed(&p->runnext) && mwi_load_relaxed(&p->tick) == p->seen_tick;
}

/* A timer that is due waits too, but where the keeper lets it: the processors may all be with
 * threads in external code. */
static bool somebody_waits(int64_t now) {
  bool held = now < mwi_load_relaxed(&mwi_sched.keeper_holds); /* [BU1]: not for long */
  if (mwi_load_seqcst(&mwi_sched.runq_size) || mwi_gc_work_available()) return true;
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    if (waits_at(p) || (!held && mwi_timers_next(p->timers) <= now)) return true;
  }
  return false;
}

/*
 * The processor of a thread that is in the same system call as at the last
 * look, or that was given it and is still in a handler, goes to others who wait, and after a time
 * slice in any case: sysmon cannot rest while a processor is out.  Under sched.lock, so that a
 * change of GOMAXPROCS sees it on one side.
 */
static bool retake_left(struct mwi_p *p, struct mwi_m *m, int64_t now, bool waits) {
  if (mwi_load_relaxed(&p->given) && !mwi_load_relaxed(&m->tcb.sig)) return false; /* it comes */
  uint32_t tick = mwi_load_relaxed(&p->sys_tick);
  if (tick != p->seen_sys_tick) {
    p->seen_sys_tick = tick;
    p->seen_sys_since = now;
    return false;
  }
  if (!waits && now - p->seen_sys_since < SLICE_NS) return false;
  struct mwi_p *left = p;
  mwi_lock(&mwi_sched.lock);
  bool mine = mwi_cas_acqrel(&m->sys_p, &left, NULL);
  if (mine) mwi_store_relaxed(&p->m, NULL);
  mwi_unlock(&mwi_sched.lock);
  if (mine) mwi_p_pass_on(p);
  return mine;
}

/* Descriptors that nobody has asked for: all processors are busy.  One of them
 * will ask at its next turn through the loop; sysmon, which no stop includes, may
 * not ready goroutines itself. */
static bool poll_overdue(int64_t now) {
  if (!mwi_netpoll_waited() || mwi_load_relaxed(&mwi_netpoll_blocking) ||
      now - mwi_netpoll_last() < POLL_NS)
    return false;
  mwi_store_relaxed(&mwi_netpoll_due, true);
  return true;
}

/* One look at every processor; true when one was taken.  Ending a slice does not
 * count, as in Go: sysmon would look every 20 us after each start of a collection. */
static bool look(int64_t now, bool waits, bool *brisk) {
  bool did = false;
  *brisk = !mwi_load_relaxed(&mwi_sched.nidle_p);
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    struct mwi_m *m = mwi_load_acquire(&p->m);
    uint32_t tick = mwi_load_relaxed(&p->tick), slice = mwi_load_relaxed(&p->slice);
    bool left = m && mwi_load_acquire(&m->sys_p) == p; /* in RUN, when a handler runs there [N6] */
    bool in_syscall = left || (m && mwi_m_in_syscall(m));
    if (left && retake_left(p, m, now, waits)) {
      did = true;
      continue;
    }
    bool moved = !m || tick != p->seen_tick;
    if (tick - p->seen_tick < BRISK_TICKS) *brisk = false;
    if (moved) {
      p->seen_tick = tick;
      p->seen_since = now;
    }
    if (slice != p->seen_slice) {
      p->seen_slice = slice;
      /* It began after the last look, unless that was before a sleep of ours. */
      int64_t earliest = now - BRISK_US * 1000;
      p->slice_since = p->seen_at > earliest ? p->seen_at : earliest;
    }
    p->seen_at = now;
    if (!waits) continue;
    /* In external code, perhaps asleep there?  The handler finds out, and gives
     * the processor back if so.  m may have lost p since; that costs it a yield. */
    if (!moved && !in_syscall && now - p->seen_since >= RETAKE_NS && now - p->probed >= RETAKE_NS) {
      p->probed = now;
      mwi_store_relaxed(&m->retake_req, 1);
      mwi_stop_signal(m, 0);
    }
    if (now - p->slice_since < SLICE_NS) continue;
    /* p's thread may be another by now, or p on its way between two: both until
     * both are seen.  An idle processor begins a slice when it is taken. */
    if (mwi_load_relaxed(&p->slice_over) && (!m || mwi_load_relaxed(&m->preempt_req))) continue;
    mwi_store_relaxed(&p->slice_over, 1);
    if (!m) continue;
    mwi_store_relaxed(&m->preempt_req, 1);
    mwi_store_relaxed(&m->tcb.poll, 1);
  }
  return did;
}

static bool all_idle(void) {
  return mwi_load_seqcst(&mwi_sched.nidle_p) == (uint32_t)mwi_sched.nprocs &&
         !mwi_load_seqcst(&mwi_sched.runq_size);
}

/* Has nobody run since the last time that this was asked? */
static bool nobody_ran(void) {
  static uint32_t seen;
  uint32_t sum = 0;
  for (int i = 0; i < mwi_sched.nprocs; i++) sum += mwi_load_relaxed(&mwi_sched.procs[i]->tick);
  bool same = sum == seen;
  seen = sum;
  return same;
}

/* Do so many wait at one processor that edges must come in batches? */
static bool crowded(void) {
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    uint32_t head = mwi_load_relaxed(&p->runq_head); /* first: a consumer moves it meanwhile */
    uint32_t n = mwi_load_relaxed(&p->runq_tail) - head;
    if (n >= MWI_HELP_FROM && n <= MWI_RUNQ) return true;
  }
  return false;
}

static int64_t deep_sleep_ns(void) {
  int64_t ns = mwi_gc_forced_in_ns(), period = (int64_t)mwi_knobs.schedtrace * 1000000;
  return period && (ns < 0 || period < ns) ? period : ns;
}

static void sysmon_main(void *unused) {
  (void)unused;
  sysmon_tcb =
      (struct mwi_tcb){.self = &sysmon_tcb, .attached = 1, .mcache = &mwi_mcache_none, .rt = 1};
  mwi_os_set_gs(&sysmon_tcb);
  mwi_lock_rank_forget(&sysmon_tcb); /* it may have been another thread's, before a fork */
  int64_t sleep_us = FIRST_SLEEP_US;
  int idle = 0;
  bool brisk = false, batches = false, flickers = false; /* idle for moments only */
  for (;;) {
    bool at_rest = nobody_ran(), idle_now = all_idle();
    if (idle_now && (at_rest || !flickers)) {
      int64_t since = mwi_os_monotonic();
      mwi_store_seqcst(&mwi_sched.sysmon_deep, 1);
      /* seq_cst both: whoever took a processor before it could see the flag is seen here */
      /* What they left unasked before they went idle is seen, too. */
      if (all_idle() && mwi_unasked_rest(since, true)) {
        mwi_assert(mwi_io_all_asked() || !all_idle()); /* [NP8] */
        mwi_keeper_check();                            /* [KW1] */
        mwi_futex_wait(&mwi_sched.need_sysmon, 0, deep_sleep_ns());
      }
      mwi_store_seqcst(&mwi_sched.sysmon_deep, 0);
      int64_t ns = mwi_os_monotonic() - since;
      bool timed = mwi_load_relaxed(&mwi_sched.need_sysmon) == TIMED;
      flickers = (batches && ns < FLICKER_NS) || (timed && ns < FLICKER_TIMED_NS);
      batches = false;
      if (!flickers) {
        sleep_us = FIRST_SLEEP_US;
        idle = 0;
      }
    } else {
      int64_t us = idle_now ? MAX_SLEEP_US : brisk ? BRISK_US : sleep_us;
      mwi_futex_wait(&mwi_sched.need_sysmon, 0, us * 1000);
    }
    uint32_t why = mwi_xchg_acqrel(&mwi_sched.need_sysmon, 0);
    /* Who comes back from more than a moment may have brought others (mwi_wake_p below); but
     * those whom timers woke are all in a queue by now, or with their thread. */
    bool asked = why & ASKED || (why & STIRRED && !flickers);
    if (asked) {
      mwi_exit_if_empty();
      mwi_signal_look();
      if (mwi_cut_look()) {
        mwi_os_usleep(CUT_AGAIN_US);
        mwi_sysmon_wake(); /* ourselves, at once */
      }
      mwi_m_start_new();
      mwi_lock(&mwi_sched.lock);
      mwi_check_dead();
      mwi_unlock(&mwi_sched.lock);
    }
    int64_t now = mwi_os_monotonic();
    if (mwi_knobs.schedtrace) trace(now);
    mwi_unasked_rest(now, false);
    batches |= crowded();
    bool overdue = poll_overdue(now), waits = overdue || somebody_waits(now);
    if (asked || waits) mwi_wake_p();
    if (look(now, waits, &brisk) || asked) {
      idle = 0;
      sleep_us = FIRST_SLEEP_US;
    } else if (++idle > 50) {
      sleep_us = sleep_us * 2 > MAX_SLEEP_US ? MAX_SLEEP_US : sleep_us * 2;
    }
    if (mwi_load_relaxed(&mwi_gc.done)) mwi_scavenger_start(); /* small programs never need it */
    if (mwi_gc_forced_in_ns() == 0) mwi_gc_request(MWI_GC_PERIODIC);
    mwi_stacklimit_watch(now);
  }
}

void mwi_sysmon_start(void) {
  uint32_t no = 0;
  if (!mwi_cas_acqrel(&mwi_sched.has_sysmon, &no, 1)) return;
  mwi_rt_enter();
  int saved = mwi_errno_get();
  int e = mwi_os_thread_start(sysmon_main, NULL);
  if (e) mwi_fatal("failed to create new OS thread (sysmon; errno=%d)", e);
  mwi_errno_set(saved);
  mwi_rt_leave();
}

#if MW_CHECK
/* Nobody runs sysmon's errands while there is no sysmon: so there are none.  For the only thread,
 * where it gives its CPU away; another one means that there is a sysmon. */
void mwi_sysmon_check(void) {
  if (MWI_LIKELY(mwi_load_relaxed(&mwi_sched.has_sysmon)) || mwi_fork_unfinished()) return;
  mwi_assert(mwi_load_relaxed(&mwi_sched.nm) + (uint32_t)mwi_load_relaxed(&mwi_sched.nforeign) <=
             1);
  mwi_assert(mw_num_goroutine() <= 1 && !mwi_load_relaxed(&mwi_sched.runq_size));
  for (int i = 0; i < mwi_sched.nprocs; i++) mwi_assert(mwi_runq_empty(mwi_sched.procs[i]));
  mwi_assert(!mwi_timers_pending());
  mwi_assert(!mwi_netpoll_waited());
  mwi_assert(!mwi_memlimit_now());
  mwi_assert(mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_OFF && !mwi_gc_requested());
}
#endif

void mwi_sysmon_look_for_need(void) {
  if (mwi_knobs.schedtrace || mwi_memlimit_now() || mwi_timers_pending()) mwi_sysmon_need();
}

void mwi_sysmon_init(void) {
  mwi_thread_ended_hook = mwi_sysmon_wake;
  mwi_sysmon_look_for_need();
}
