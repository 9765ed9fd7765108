/* SPDX-License-Identifier: MIT */
/*
 * gc/cycle.c -- a collection from start to end
 *
 *   1. sweep termination  finish sweeping; stop; barrier on, allocation black,
 *                         roots counted, thread-locals scanned; start
 *   2. mark               workers (25 % of the processors, more when idle) and
 *                         assists run root jobs and drain work
 *   3. mark termination   no worker active, no work: flush each processor's
 *                         barrier buffer, one at a time; if nothing came, stop;
 *                         flush again, scan what external code was given; if
 *                         still nothing: barrier off, caches flushed, start
 *   4. sweep              on allocation, and in idle time
 *
 * Promise  [C1] phase and every thread's barrier flag change together, with
 *          the world stopped.
 *          [C2] Marking ends only when, with the world stopped, no ring, list
 *          or barrier buffer holds work and every root job is finished.  So at
 *          that moment no black object points to a white one (gccheckmark=1
 *          verifies it), and everything reachable is marked.
 *          [C3] At most one thread is between idle and phase 2 (`starting`) or
 *          between phase 2 and 4 (`finishing`).
 * Threads  worker counts and job claims are atomic; phase is read without a
 *          lock by allocation (a stale value costs one slow path).
 * Next     gc/assist.c, gc/mark.c, sched/gchooks.c
 */
#include "gc/cycle.h"

#include <mallow.h>

#include "base/knobs.h"
#include "base/traces.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/roots.h"

struct mwi_gc_hooks mwi_gc_hooks;
_Atomic uint32_t mwi_jumps_pending;
void (*mwi_jumps_look)(struct mwi_g *g);
struct mwi_gc_stats mwi_gc_stats;
struct mwi_pacer mwi_pacer;
struct mwi_heap_live mwi_heap_live;
struct mwi_gc mwi_gc;

#define FORCE_PERIOD_NS (int64_t)120000000000
/* Attempts to end marking that found more work; then a little of it is done in the
 * stop, twice as much in each attempt, so that there is a last one. */
#define FINISH_TRIES 3
#define FINISH_BYTES (32 * MWI_KB) /* some 20 us of marking */

bool mwi_gc_wb_state(void) {
  return mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK;
}

/* ---- Waiting for a cycle ----------------------------------------------- */

struct waiter {
  struct waiter *next;
  void *g;
};
static struct mwi_lock wait_lock = MWI_LOCK_INIT(MWI_RANK_GC);
static struct waiter *waiters;            /* under wait_lock */
static struct mwi_meta_free free_waiters; /* likewise */

static void park_waiter_unlock(bool assist) {
  struct waiter *w = mwi_meta_take(&free_waiters, sizeof *w, 16);
  w->g = mwi_gc_hooks.current();
  w->next = waiters;
  waiters = w;
  mwi_store_relaxed(&mwi_gc.waiting, 1);
  mwi_gc_hooks.park_unlock(&wait_lock, assist);
  mwi_gc_attach();
}

/* Park until the cycle numbered `cycle` has ended its marking. */
static void wait_for(uint32_t cycle) {
  for (;;) {
    mwi_lock(&wait_lock);
    if ((int32_t)(mwi_load_acquire(&mwi_gc.done) - cycle) >= 0) { /* the numbers wrap */
      mwi_unlock(&wait_lock);
      return;
    }
    park_waiter_unlock(false);
  }
}

/* Park until workers have got on, or marking has ended. */
void mwi_gc_wait_progress(void) {
  mwi_lock(&wait_lock);
  if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK)
    park_waiter_unlock(true);
  else
    mwi_unlock(&wait_lock);
}

/*
 * Park until no thread is starting a cycle.  A starter that has lost its CPU
 * would otherwise see the heap grow far past the goal under it: until the
 * phase changes nobody assists.
 */
void mwi_gc_wait_started(void) {
  for (;;) {
    mwi_lock(&wait_lock);
    /* seq_cst, both: if we see a start under way, its end sees `waiting` (Dekker) */
    mwi_store_seqcst(&mwi_gc.waiting, 1);
    if (!mwi_load_seqcst(&mwi_gc.starting)) {
      mwi_unlock(&wait_lock);
      return;
    }
    park_waiter_unlock(false);
  }
}

void mwi_gc_wait_while(bool (*holds)(uint32_t), uint32_t n) {
  for (;;) {
    mwi_lock(&wait_lock); /* who changes it calls mwi_gc_wake_waiters after that */
    if (!holds(n)) {
      mwi_unlock(&wait_lock);
      return;
    }
    park_waiter_unlock(false);
  }
}

/* Leave the state between idle and phase 2 [C3]. */
static void end_starting(void) {
  mwi_store_seqcst(&mwi_gc.starting, 0);
  if (mwi_load_seqcst(&mwi_gc.waiting)) mwi_gc_wake_waiters();
}

void mwi_gc_wake_waiters(void) {
  mwi_lock(&wait_lock);
  mwi_store_relaxed(&mwi_gc.waiting, 0);
  for (struct waiter *w; (w = waiters) != NULL;) {
    waiters = w->next;
    mwi_gc_hooks.ready(w->g);
    mwi_meta_give(&free_waiters, w);
  }
  mwi_unlock(&wait_lock);
}

void mwi_gc_forget_waiters(void) {
  mwi_store_relaxed(&wait_lock.state, 0);
  mwi_store_relaxed(&mwi_gc.waiting, 0);
  mwi_store_relaxed(&mwi_gc.starting, 0);
  mwi_store_relaxed(&mwi_gc.finishing, 0);
  mwi_store_release(&mwi_gc.done, mwi_gc_stats.ncycles);
  while (waiters) {
    struct waiter *w = waiters;
    waiters = w->next;
    mwi_meta_give(&free_waiters, w);
  }
}

/* ---- Phase 1 ----------------------------------------------------------- */

static void begin_p(struct mwi_gcp *w, struct mwi_mcache *mc) {
  mwi_assert(w->head == w->tail && w->nwb == 0); /* nothing is recorded between cycles */
  w->head = w->tail = 0;
  w->credit = 0;
  mwi_add_relaxed(&mwi_heap_live.bytes, w->uncharged); /* white */
  w->uncharged = 0;
  w->marked_bytes = w->scan_work = 0;
  w->fractional_ns = 0;
  mwi_mcache_start_black_stw(mc);
}

static void finish_sweep(void) {
  for (;;) {
    mwi_gc_attach(); /* without a P we may run beside a fork [Z3] */
    mwi_rt_enter();
    mwi_assert(mwi_tcb()->p);
    size_t pages = mwi_sweep_some();
    mwi_rt_leave();
    if (pages) continue;
    if (mwi_sweep_done()) return;
    mwi_gc_hooks.yield(); /* somebody else is in the middle of a span */
  }
}

static void mark_all_stw(struct mwi_gcp *w) {
  mwi_gc_hooks.scan_all_roots_stw(w);
  do {
    mwi_drain(w, 0, NULL);
    mwi_gc_hooks.flush_all_stw(w);
  } while (w->head != w->tail || mwi_work_any());
}

static unsigned long mb(uint64_t bytes) {
  return (unsigned long)(bytes >> 20);
}

/* Inside mwi_rt_enter, with a P: its ring takes what is found in the stop. */
static void begin_cycle(bool forced) {
  mwi_assert(mwi_tcb()->p);
  struct mwi_gc_stats *st = &mwi_gc_stats;
  mwi_gc_attach(); /* a trace line may have cost us the P, and so may a clock */
  mwi_rt_enter();
  int64_t t0 = mwi_os_monotonic(), cpu0 = mwi_os_thread_cputime();
  mwi_gc_hooks.stop_world();
  mwi_rt_leave();
  mwi_assert(mwi_tcb()->gcp);
  mwi_assert(mwi_sweep_done());
  st->cycle_start_ns = t0;
  st->forced = forced;
  st->nprocs = mwi_gc_hooks.nprocs();
  st->heap_start = mwi_load_relaxed(&mwi_heap_live.bytes);
  st->assist_cpu_ns = st->dedicated_cpu_ns = st->idle_cpu_ns = 0;
  mwi_heap.black_alloc = true;
  mwi_store_relaxed(&mwi_gc.phase, MWI_PHASE_MARK); /* [C1] */
  mwi_gc_hooks.set_wb_stw(true);
  mwi_gc_hooks.each_p_stw(begin_p);
  double fraction;
  uint32_t dedicated;
  mwi_pacer_workers(st->nprocs, &dedicated, &fraction);
  mwi_store_relaxed(&mwi_gc.dedicated_wanted, (int32_t)dedicated);
  mwi_gc.fraction = fraction;
  mwi_store_relaxed(&mwi_gc.scan_done, 0);
  mwi_store_relaxed(&mwi_gc.background_credit, 0);
  mwi_store_relaxed(&mwi_gc.assist_ns, 0);
  mwi_store_relaxed(&mwi_gc.worker_ns, 0);
  mwi_store_relaxed(&mwi_gc.idle_ns, 0);
  mwi_store_relaxed(&mwi_gc.marked, 0);
  mwi_store_relaxed(&mwi_gc.black, 0);
  mwi_store_relaxed(&mwi_gc.stack_bytes, 0);
  mwi_store_relaxed(&mwi_gc.global_bytes, 0);
  mwi_gc_hooks.prepare_roots_stw();
  mwi_store_relaxed(&mwi_gc.njobs, mwi_gc_hooks.njobs());
  uint32_t mine =
      !mwi_knobs.gcstoptheworld && mwi_gc_hooks.starter_jobs ? mwi_gc_hooks.starter_jobs() : 0;
  mwi_store_relaxed(&mwi_gc.next_job, mine);
  mwi_store_relaxed(&mwi_gc.jobs_done, 0);
  mwi_store_relaxed(&mwi_gc.nactive, 0);
  mwi_gc.tries = 0;
  mwi_gc_update_ratio();
  struct mwi_gcp *w = mwi_tcb()->gcp;
  mwi_gc_hooks.scan_thread_roots_stw(w);
  if (mwi_knobs.gcstoptheworld) {
    mark_all_stw(w);
    mwi_store_relaxed(&mwi_gc.next_job, mwi_load_relaxed(&mwi_gc.njobs));
    mwi_store_relaxed(&mwi_gc.jobs_done, mwi_load_relaxed(&mwi_gc.njobs));
  }
  mwi_work_publish(w);
  if (mwi_knobs.gcpacertrace)
    mwi_trace_line("pacer: assist ratio=%s (scan %lu MB in %lu->%lu MB) workers=%u+%s",
                   mwi_real(mwi_load_relaxed(&mwi_gc.ratio)).text, mb(mwi_pacer.heap_scanned),
                   mb(st->heap_start), mb(mwi_pacer.goal), dedicated, mwi_real(fraction).text);
  int64_t t1 = mwi_os_monotonic();
  st->stw1_ns = t1 - t0;
  st->stw1_end_ns = t1;
  st->total_work_cpu_ns += mwi_os_thread_cputime() - cpu0;
  mwi_gc_hooks.start_world();
  mwi_gc_run_first_jobs(mine);
  mwi_gc_hooks.wake();
}

/* The cycle that just ended may have been the one asked for. */
static bool still_due(enum mwi_gc_reason reason) {
  switch (reason) {
  case MWI_GC_HEAP:
    return mwi_load_relaxed(&mwi_heap_live.bytes) >= mwi_pacer.trigger;
  case MWI_GC_PERIODIC:
    return mwi_gc_forced_in_ns() == 0;
  case MWI_GC_LIMIT:
    return mwi_pacer_worth(&mwi_pacer, mwi_load_relaxed(&mwi_heap_live.bytes));
  case MWI_GC_STACKS:
    return mwi_stacklimit_wanted();
  default:
    return true;
  }
}

void mwi_gc_start(enum mwi_gc_reason reason) {
  mwi_gc_attach();
  if (mwi_load_acquire(&mwi_gc.phase) != MWI_PHASE_OFF) return;
  uint32_t no = 0;
  if (!mwi_cas_acqrel(&mwi_gc.starting, &no, 1)) return; /* [C3] */
  if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_OFF) {
    finish_sweep();
    if (mwi_knobs.gcpacertrace && mwi_gc_stats.ncycles) mwi_gc_trace_swept();
    if (still_due(reason)) {
      mwi_gc_attach(); /* the P must not be lost between here and the stop */
      mwi_rt_enter();
      begin_cycle(reason == MWI_GC_FORCED);
      mwi_rt_leave();
    }
  }
  end_starting();
  if (mwi_knobs.gcstoptheworld) {
    mwi_gc_attach();
    mwi_gc_try_finish();
  }
}

/* ---- Phase 3 ----------------------------------------------------------- */

static void flush_ragged(struct mwi_gcp *w) {
  mwi_wb_flush(w);
  mwi_work_publish(w);
}

static bool looks_finished(void) {
  return mwi_load_seqcst(&mwi_gc.phase) == MWI_PHASE_MARK &&
         mwi_load_seqcst(&mwi_gc.nactive) == 0 && !mwi_work_any() &&
         mwi_load_seqcst(&mwi_gc.jobs_done) >= mwi_load_seqcst(&mwi_gc.njobs);
}

static void end_p(struct mwi_gcp *w, struct mwi_mcache *mc) {
  mwi_assert(w->head == w->tail && w->nwb == 0);
  mwi_gc_account(w);
  mwi_add_relaxed(&mwi_gc.black, w->uncharged); /* what is live follows from it */
  w->uncharged = 0;
  mwi_mcache_flush_stw(mc);
  w->credit = 0;
}

static void record_pause(struct mwi_gc_stats *st, int64_t ns) {
  if (ns < 0) ns = 0;
  if ((uint64_t)ns > st->max_pause_ns) st->max_pause_ns = (uint64_t)ns;
  st->pause_hist[ns ? 63 - mwi_clz64((uint64_t)ns) : 0]++;
}

/* World stopped, everything marked. */
static void end_cycle_stw(int64_t t2, int64_t cpu0) {
  struct mwi_gc_stats *st = &mwi_gc_stats;
  if (mwi_knobs.gccheckmark) mwi_checkmark_stw();
  mwi_store_relaxed(&mwi_gc.phase, MWI_PHASE_OFF); /* [C1] */
  mwi_gc_hooks.set_wb_stw(false);
  mwi_ext_reset_stw();
  st->heap_end = mwi_load_relaxed(&mwi_heap_live.bytes);
  mwi_gc_hooks.each_p_stw(end_p);
#if MW_CHECK
  mwi_heap_check_stw();
#endif
  uint64_t marked = mwi_load_relaxed(&mwi_gc.marked) + mwi_load_relaxed(&mwi_gc.black);
  if (mwi_gc_hooks.sweep_begins_stw) mwi_gc_hooks.sweep_begins_stw();
  size_t pages = mwi_heap_start_sweep_stw();
  (void)pages;

  int64_t elapsed = t2 - st->stw1_end_ns;
  if (elapsed < 1) elapsed = 1;
  double procs = st->nprocs;
  double assist = (double)mwi_load_relaxed(&mwi_gc.assist_ns) / ((double)elapsed * procs);
  double idle = (double)mwi_load_relaxed(&mwi_gc.idle_ns) / ((double)elapsed * procs);
  uint64_t scanned = mwi_load_relaxed(&mwi_gc.scan_done);
  mwi_pacer_learn(&mwi_pacer, st->heap_start, st->heap_end, scanned,
                  MWI_GC_CPU_PERCENT / 100.0 + assist, idle);
  if (mwi_knobs.gcpacertrace)
    mwi_trace_line(
        "pacer: %.0f%% CPU (%d exp.) for %lu+%lu+%lu B work (%lu B exp.) in %lu B -> %lu B "
        "(∆goal %ld, cons/mark %s)",
        100 * (MWI_GC_CPU_PERCENT / 100.0 + assist), MWI_GC_CPU_PERCENT, (unsigned long)scanned,
        (unsigned long)mwi_load_relaxed(&mwi_gc.stack_bytes),
        (unsigned long)mwi_load_relaxed(&mwi_gc.global_bytes),
        (unsigned long)(mwi_pacer.heap_scanned + mwi_pacer.stacks + mwi_pacer.globals),
        (unsigned long)st->heap_start, (unsigned long)st->heap_end,
        (long)(st->heap_end - mwi_pacer.goal), mwi_real(mwi_pacer.cons_mark[0]).text);
  mwi_pacer.marked = marked;
  mwi_pacer.heap_scanned = scanned;
  mwi_pacer.stacks = mwi_load_relaxed(&mwi_gc.stack_bytes);
  mwi_pacer.globals = mwi_load_relaxed(&mwi_gc.global_bytes);
  st->goal = mwi_pacer.goal; /* of the cycle that ends, as gctrace wants it */
  mwi_memlimit_inputs_stw(true);
  mwi_pacer_commit(&mwi_pacer);
  mwi_scavenge_goal_stw(st->goal);
  mwi_store_relaxed(&mwi_heap_live.bytes, marked);
  mwi_gc_sweep_basis_stw();

  st->heap_marked = marked;
  st->stacks = mwi_pacer.stacks;
  st->globals = mwi_pacer.globals;
  st->ncycles++;
  if (st->forced) st->nforced++;
  st->mark_ns = t2 - st->stw1_end_ns;
  st->assist_cpu_ns = mwi_load_relaxed(&mwi_gc.assist_ns);
  st->dedicated_cpu_ns = mwi_load_relaxed(&mwi_gc.worker_ns);
  st->idle_cpu_ns = mwi_load_relaxed(&mwi_gc.idle_ns);
  st->last_end_wall_ns = mwi_os_walltime();
  mwi_store_relaxed(&mwi_gc.last_ns, mwi_os_monotonic());
  st->stw2_ns = mwi_os_monotonic() - t2;
  st->total_gc_cpu_ns +=
      st->assist_cpu_ns + st->dedicated_cpu_ns + (st->stw1_ns + st->stw2_ns) * (int64_t)st->nprocs;
  st->total_work_cpu_ns +=
      st->assist_cpu_ns + st->dedicated_cpu_ns + (mwi_os_thread_cputime() - cpu0);
  st->total_idle_cpu_ns += st->idle_cpu_ns;
  record_pause(st, st->stw1_ns);
  record_pause(st, st->stw2_ns);
  st->pause_ns[(st->ncycles + 255) % 256] = (uint64_t)(st->stw1_ns + st->stw2_ns);
  st->pause_end[(st->ncycles + 255) % 256] = (uint64_t)st->last_end_wall_ns;
  st->pause_total_ns += (uint64_t)(st->stw1_ns + st->stw2_ns);
}

/* Any thread that runs out of work comes here.  True when the cycle ended. */
bool mwi_gc_try_finish(void) {
  if (!looks_finished()) return false;
  uint32_t no = 0;
  if (!mwi_cas_seqcst(&mwi_gc.finishing, &no, 1)) return false; /* [C3] */
  mwi_rt_enter();
  bool ended = false;
  if (looks_finished()) {
    mwi_ext_rescan_early();
    mwi_gc_hooks.each_p_ragged(flush_ragged);
    if (looks_finished()) {
      int64_t t2 = mwi_os_monotonic(), cpu0 = mwi_os_thread_cputime();
      mwi_gc_hooks.stop_world();
      if (looks_finished()) { /* assists may have begun meanwhile */
        struct mwi_gcp *w = mwi_tcb()->gcp;
        mwi_gc_hooks.flush_all_stw(w);
        mwi_gc_hooks.rescan_external_stw(w);
        mwi_ext_rescan_stw(w);
        mwi_work_publish(w);
        if (mwi_work_any() && ++mwi_gc.tries >= FINISH_TRIES) {
          uint32_t doublings = mwi_gc.tries - FINISH_TRIES;
          mwi_drain(w, (uint64_t)FINISH_BYTES << (doublings < 24 ? doublings : 24), NULL);
          mwi_work_publish(w);
        }
        if (!mwi_work_any()) {
          end_cycle_stw(t2, cpu0);
          ended = true;
        }
      }
      mwi_gc_hooks.start_world();
    }
  }
  mwi_store_seqcst(&mwi_gc.finishing, 0);
  if (ended) {
    /* before mw_gc's caller goes on: it may exit */
    if (mwi_gc_hooks.trace) mwi_gc_hooks.trace();
    mwi_store_release(&mwi_gc.done, mwi_gc_stats.ncycles);
    mwi_gc_wake_waiters();
    mwi_scavenger_wake();
    if (mwi_gc_hooks.cycle_ended) mwi_gc_hooks.cycle_ended();
  }
  mwi_gc_hooks.wake(); /* to mark on, or to sweep */
  mwi_rt_leave();
  return ended;
}

/* ---- Kept away -------------------------------------------------------- */

void mwi_gc_exclude(void) {
  for (;;) {
    mwi_gc_attach();
    uint32_t no = 0;
    if (!mwi_cas_acqrel(&mwi_gc.starting, &no, 1)) {
      mwi_gc_hooks.yield();
      continue;
    }
    if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_OFF) return;
    end_starting();
    wait_for(mwi_load_acquire(&mwi_gc.done) + 1);
  }
}

void mwi_gc_allow(void) {
  end_starting();
}

/* ---- Asked for --------------------------------------------------------- */

void mwi_gc_full(void) {
  mwi_gc_attach();
  if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK) wait_for(mwi_gc_stats.ncycles + 1);
  for (;;) {
    uint32_t cycle =
        mwi_gc_stats.ncycles + 1; /* phase and this change in one stop; `done` trails */
    mwi_gc_start(MWI_GC_FORCED);
    /* Not started: another thread is starting one, which is as good, since
     * what is garbage now is garbage then; or a cycle has just ended. */
    if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK || mwi_gc_stats.ncycles >= cycle) {
      wait_for(cycle);
      break;
    }
    mwi_gc_hooks.yield();
    mwi_gc_attach();
  }
  finish_sweep();
}

MWI_EXPORT void mw_gc(void) {
  mwi_gc_full();
  if (mwi_gc_hooks.swept) mwi_gc_hooks.swept();
  if (mwi_gc_hooks.tidy) mwi_gc_hooks.tidy();
}

/* Neither GOGC nor a limit: nothing is collected unasked.  For sysmon, which no stop waits for. */
static _Atomic bool never;

static void set_percent_stw(int percent) {
  mwi_pacer.percent = percent < 0 ? -1 : percent;
  mwi_store_relaxed(&never, mwi_pacer.percent < 0 && !mwi_pacer.limit);
  mwi_memlimit_inputs_stw(false);
  mwi_pacer_commit(&mwi_pacer);
}

/* A limit of nothing is one, like that of a byte. */
static void set_limit_stw(int64_t limit) {
  mwi_pacer.limit = limit == INT64_MAX ? 0 : limit ? (uint64_t)limit : 1;
  mwi_heap_hooks.limited = mwi_pacer.limit != 0;
  mwi_store_relaxed(&never, mwi_pacer.percent < 0 && !mwi_pacer.limit);
  mwi_memlimit_inputs_stw(false);
  mwi_pacer_commit(&mwi_pacer);
}

MWI_EXPORT int64_t mw_set_memory_limit(int64_t limit) {
  mwi_gc_attach();
  mwi_gc_hooks.stop_world();
  int64_t old = mwi_pacer.limit ? (int64_t)mwi_pacer.limit : INT64_MAX;
  if (limit >= 0) set_limit_stw(limit);
  if (mwi_gc_wb_state()) mwi_gc_update_ratio();
  mwi_gc_hooks.start_world();
  mwi_gc_wake_waiters(); /* there may be room now */
  return old;
}

MWI_EXPORT void mw_free_os_memory(void) {
  mwi_gc_full();
  if (mwi_gc_hooks.tidy) mwi_gc_hooks.tidy();
  mwi_scavenge_all();
}

MWI_EXPORT int mw_set_gc_percent(int percent) {
  mwi_gc_attach();
  mwi_gc_hooks.stop_world();
  int old = mwi_pacer.percent;
  set_percent_stw(percent);
  if (mwi_gc_wb_state()) mwi_gc_update_ratio();
  mwi_gc_hooks.start_world();
  return old;
}

int64_t mwi_gc_forced_in_ns(void) {
  if (mwi_load_relaxed(&never)) return -1;
  int64_t left = mwi_load_relaxed(&mwi_gc.last_ns) + FORCE_PERIOD_NS - mwi_os_monotonic();
  return left > 0 ? left : 0;
}

void mwi_gc_request(enum mwi_gc_reason reason) {
  mwi_or_release(&mwi_gc.requested, 1u << reason);
}
bool mwi_gc_requested(void) {
  return mwi_load_relaxed(&mwi_gc.requested) != 0;
}

void mwi_gc_start_requested(void) {
  if (mwi_load_acquire(&mwi_gc.phase) != MWI_PHASE_OFF) return; /* when this one has ended */
  uint32_t reasons = mwi_xchg_acqrel(&mwi_gc.requested, 0);
  if (reasons & 1u << MWI_GC_STACKS) {
    mwi_gc_start(MWI_GC_STACKS);
    if (mwi_stacklimit_wanted()) mwi_gc_request(MWI_GC_STACKS); /* not begun [ML4] */
  }
  if (reasons & 1u << MWI_GC_PERIODIC) mwi_gc_start(MWI_GC_PERIODIC);
}

void mwi_gc_init(void) {
  mwi_gc_stats.program_start_ns = mwi_os_monotonic();
  mwi_store_relaxed(&mwi_gc.last_ns, mwi_gc_stats.program_start_ns);
  mwi_heap_hooks.clobber_free = mwi_knobs.clobberfree != 0;
  mwi_heap_hooks.huge_pages = mwi_knobs.hugepages != 0;
  set_percent_stw(mwi_knobs.gogc);
  int64_t limit = mwi_memlimit_at_start();
  if (limit != INT64_MAX) set_limit_stw(limit);
  mwi_memlimit_init();
}
