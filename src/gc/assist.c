/* SPDX-License-Identifier: MIT */
/*
 * gc/assist.c -- who does the marking and sweeping: workers and assists
 *
 * Job      Run workers on processors as the pacer decided; make mutators that
 *          allocate while marking is on do their share; sweep in proportion
 *          to allocation.
 * How      A worker runs on its thread's system stack, called from the
 *          scheduler loop, and returns when it runs out of work or its
 *          processor is wanted.  Dedicated workers keep their processor until
 *          marking ends; fractional ones take fraction x the time since
 *          marking began; idle ones stop as soon as a goroutine is runnable.
 *          An allocation that empties its processor's credit owes scan work in
 *          the ratio that the pacer set: it first takes what workers earned
 *          (background credit), then marks.
 * Promise  [B1] Every thread with work in a ring counts in nactive; it leaves
 *          with an empty ring, the rest published, so [C2]'s test is complete.
 *          An assist that finds neither credit nor work parks until workers have
 *          got on; they wake it after each piece of work.
 */
#include "base/knobs.h"
#include "base/traces.h"
#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/roots.h"

#define ASSIST_LEAST 65536 /* bytes of scan work at a time: amortises the bookkeeping */
#define CREDIT_FLUSH 65536 /* worker scan work between updates of the shared counters */

/* ---- Bookkeeping ------------------------------------------------------- */

void mwi_gc_account(struct mwi_gcp *w) {
  mwi_add_relaxed(&mwi_gc.marked, w->marked_bytes);
  mwi_add_relaxed(&mwi_gc.scan_done, w->scan_work);
  w->marked_bytes = w->scan_work = 0;
}

void mwi_gc_update_ratio(void) {
  double r = mwi_pacer_assist_ratio(&mwi_pacer, mwi_load_relaxed(&mwi_heap_live.bytes),
                                    mwi_load_relaxed(&mwi_gc.scan_done));
  mwi_store_relaxed(&mwi_gc.ratio, r);
}

/* ---- Draining ---------------------------------------------------------- */

/* Run a root job if one is left. */
static bool run_job(struct mwi_gcp *w) {
  uint32_t n = mwi_load_relaxed(&mwi_gc.njobs);
  if (mwi_load_relaxed(&mwi_gc.next_job) >= n) return false;
  uint32_t i = mwi_add_relaxed(&mwi_gc.next_job, 1);
  if (i >= n) return false;
  mwi_gc_hooks.run_job(i, w);
  atomic_fetch_add(&mwi_gc.jobs_done, 1);
  return true;
}

/* Whoever counts them ends marking, or not, by that. */
static void no_longer_active(const struct mwi_gcp *w) {
  mwi_assert(w->head == w->tail); /* [B1] */
  atomic_fetch_sub(&mwi_gc.nactive, 1);
}

/* Inside mwi_rt_enter. */
void mwi_gc_run_first_jobs(uint32_t n) {
  if (!n) return;
  struct mwi_gcp *w = mwi_tcb()->gcp;
  atomic_fetch_add(&mwi_gc.nactive, 1);
  for (uint32_t i = 0; i < n; i++) mwi_gc_hooks.run_job(i, w);
  mwi_work_publish(w);
  mwi_gc_account(w);
  atomic_fetch_add(&mwi_gc.jobs_done, n);
  no_longer_active(w);
}

/* Jobs and work until none is left, `units` are done or stop() says so.
 * Inside mwi_rt_enter.  True when stopped by stop() or units. */
static bool work(struct mwi_gcp *w, uint64_t units, bool (*stop)(void), uint64_t *done) {
  atomic_fetch_add(&mwi_gc.nactive, 1);
  bool more = true, stopped = false;
  while (more && !stopped) {
    if (run_job(w)) {
      *done += MWI_DRAIN_CHECK; /* about what a stack costs */
    } else {
      uint64_t n = mwi_drain(w, units ? units : CREDIT_FLUSH, stop);
      *done += n;
      mwi_gc_account(w); /* assists elsewhere reckon with what is left */
      more = n != 0 || w->head != w->tail || mwi_work_any();
      if (!more && w->nwb) {
        mwi_wb_flush(w);
        more = w->head != w->tail;
      }
    }
    stopped = (units && *done >= units) || (stop && stop());
  }
  mwi_work_publish(w);
  mwi_gc_account(w);
  no_longer_active(w);
  return stopped;
}

/* ---- Workers ----------------------------------------------------------- */

bool mwi_gc_work_available(void) {
  if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK)
    return mwi_work_any() || mwi_load_relaxed(&mwi_gc.next_job) < mwi_load_relaxed(&mwi_gc.njobs) ||
           (mwi_load_relaxed(&mwi_gc.nactive) == 0 && !mwi_load_relaxed(&mwi_gc.finishing));
  return mwi_load_relaxed(&mwi_heap.unswept_spans) != 0 || mwi_gc_requested();
}

static bool stop_dedicated(void) {
  return mwi_gc_hooks.worker_poll() && false;
}
static bool stop_idle(void) {
  return mwi_gc_hooks.worker_poll() || mwi_gc_hooks.other_work();
}
static bool stop_fractional(void) {
  if (mwi_gc_hooks.worker_poll()) return true;
  struct mwi_gcp *w = mwi_tcb()->gcp;
  int64_t now = mwi_os_monotonic();
  int64_t mine = w->fractional_ns + (now - w->fractional_start);
  return (double)mine > 1.2 * mwi_gc.fraction * (double)(now - mwi_gc_stats.stw1_end_ns);
}

/* A failed claim must leave no trace: a count below zero is a worker less for
 * the rest of the cycle. */
static bool claim_dedicated(void) {
  int32_t n = mwi_load_relaxed(&mwi_gc.dedicated_wanted);
  while (n > 0)
    if (mwi_cas_acqrel(&mwi_gc.dedicated_wanted, &n, n - 1)) return true;
  return false;
}

static void earn(uint64_t done) {
  atomic_fetch_add(&mwi_gc.background_credit, (int64_t)done);
  if (done && mwi_load_relaxed(&mwi_gc.waiting)) mwi_gc_wake_waiters();
  mwi_gc_update_ratio();
  mwi_limiter_tick();
}

bool mwi_gc_run_due(uint32_t pid) {
  (void)pid;
  if (mwi_load_acquire(&mwi_gc.phase) != MWI_PHASE_MARK) {
    if (!mwi_gc_requested()) return false;
    mwi_gc_start_requested();
    return true;
  }
  struct mwi_gcp *w = mwi_tcb()->gcp;
  if (!mwi_gc_work_available()) return false;
  int64_t t0 = mwi_os_monotonic(), cpu0 = mwi_os_thread_cputime();
  uint64_t done = 0;
  bool dedicated = false;
  if (claim_dedicated()) {
    dedicated = true;
    work(w, 0, stop_dedicated, &done);
    /* Out of work, or the world changed: whoever finds more starts anew. */
    atomic_fetch_add(&mwi_gc.dedicated_wanted, 1);
  } else if (mwi_gc.fraction > 0 && (double)w->fractional_ns <=
                                        mwi_gc.fraction * (double)(t0 - mwi_gc_stats.stw1_end_ns)) {
    w->fractional_start = t0;
    work(w, 0, stop_fractional, &done);
    w->fractional_ns += mwi_os_monotonic() - t0;
  } else {
    return false;
  }
  atomic_fetch_add(&mwi_gc.worker_ns, mwi_os_thread_cputime() - cpu0);
  earn(done);
  bool ended = mwi_gc_try_finish();
  return ended || dedicated || done != 0;
}

bool mwi_gc_run_idle(uint32_t pid) {
  (void)pid;
  if (mwi_load_acquire(&mwi_gc.phase) != MWI_PHASE_MARK) {
    size_t n = 0;
    while (n < 2 && mwi_sweep_some()) n++; /* about a microsecond */
    return n != 0;
  }
  if (!mwi_gc_work_available()) return false;
  int64_t cpu0 = mwi_os_thread_cputime();
  uint64_t done = 0;
  work(mwi_tcb()->gcp, 0, stop_idle, &done);
  atomic_fetch_add(&mwi_gc.idle_ns, mwi_os_thread_cputime() - cpu0);
  earn(done);
  return mwi_gc_try_finish() || done != 0;
}

/* ---- Assists ----------------------------------------------------------- */

/*
 * Bytes.  The ratio says little until a cycle knows what there is to scan, and rises once the goal
 * is passed; so what is bought at one ratio is soon used up.  A multiple of the work of an assist.
 */
#define MOST_CREDIT (INT64_C(256) * 1024)

/* What so much scan work is worth; what is beyond MOST_CREDIT others may have. */
static void pay(struct mwi_gcp *w, uint64_t units, double ratio) {
  double bytes = (double)units / ratio;
  int64_t room = MOST_CREDIT > w->credit ? MOST_CREDIT - w->credit : 0;
  if (bytes <= (double)room) {
    w->credit += (int64_t)bytes;
  } else {
    w->credit += room;
    uint64_t used = (uint64_t)((double)room * ratio);
    if (used < units) atomic_fetch_add(&mwi_gc.background_credit, (int64_t)(units - used));
  }
}

static bool stop_assist(void) {
  mwi_gc_hooks.worker_poll();
  mwi_limiter_tick();
  return mwi_load_relaxed(&mwi_gc.phase) != MWI_PHASE_MARK || mwi_limiter_on();
}

MWI_COLD static void assist(void) {
  mwi_gc_update_ratio(); /* credit buys what it is worth now */
  double ratio = mwi_load_relaxed(&mwi_gc.ratio);
  if (ratio <= 0 || mwi_limiter_on()) return;
  struct mwi_gcp *w = mwi_tcb()->gcp;
  if (!w) return;
  double debt = (double)-w->credit * ratio, least = (double)MOST_CREDIT * ratio;
  if (least > ASSIST_LEAST) least = ASSIST_LEAST;
  if (debt > 0x1p62) debt = 0x1p62; /* an array of gigabytes, with no room left: all there is */
  int64_t owed = (int64_t)(debt > least ? debt : least) + 1; /* rounded up */
  int64_t background = mwi_load_relaxed(&mwi_gc.background_credit);
  if (background > 0) { /* a race may overdraw it a little */
    int64_t take = background < owed ? background : owed;
    atomic_fetch_sub(&mwi_gc.background_credit, take);
    owed -= take;
    pay(w, (uint64_t)take, ratio);
  }
  if (owed > 0) {
    mwi_rt_enter();
    int64_t cpu0 = mwi_os_thread_cputime();
    uint64_t done = 0;
    work(w, (uint64_t)owed, stop_assist, &done);
    /* Under a memory limit what was not done stays owed: the next refill waits again. */
    uint64_t paid = done > (uint64_t)owed || mwi_pacer.limit ? done : (uint64_t)owed;
    pay(w, paid, ratio);
    atomic_fetch_add(&mwi_gc.assist_ns, mwi_os_thread_cputime() - cpu0);
    mwi_gc_update_ratio();
    mwi_limiter_tick();
    mwi_rt_leave();
    /* Nothing left to do: others hold the rest, or hold up the end.  To allocate
     * on would take the heap past its goal, so wait for them. */
    if (done < (uint64_t)owed && !mwi_limiter_on() && !mwi_gc_try_finish()) mwi_gc_wait_progress();
  }
}

/*
 * The caller cannot go on before marking has ended.  What it marks meanwhile is
 * paid in advance; in pieces, so that others on this processor get their turn.
 */
#define HASTEN_UNITS ((uint64_t)256 * MWI_KB)

void mwi_gc_hasten(void) {
  struct mwi_gcp *w = mwi_tcb()->gcp;
  uint64_t done = 0;
  if (w) {
    mwi_rt_enter();
    double ratio = mwi_load_relaxed(&mwi_gc.ratio);
    int64_t cpu0 = mwi_os_thread_cputime();
    work(w, HASTEN_UNITS, stop_assist, &done);
    if (ratio > 0) pay(w, done, ratio);
    atomic_fetch_add(&mwi_gc.assist_ns, mwi_os_thread_cputime() - cpu0);
    mwi_gc_update_ratio();
    mwi_limiter_tick();
    mwi_rt_leave();
  }
  if (mwi_gc_try_finish()) return;
  if (done)
    mwi_gc_hooks.yield();
  else
    mwi_gc_wait_progress();
}

/* ---- Sweeping in proportion -------------------------------------------- */

/* See mwi_pacer_charge.  charge_least: written with the world stopped. */
#define CHARGE_LEAST 4096
#define CHARGE_MOST 32768 /* what was not swept in proportion meanwhile takes some microseconds */
#define CHARGE_PART 64
static uint32_t charge_least = CHARGE_LEAST;

static void set_charge_least_stw(uint64_t room) {
  uint64_t n = room / CHARGE_PART / mwi_gc_stats.nprocs;
  charge_least = n < CHARGE_LEAST ? CHARGE_LEAST : n > CHARGE_MOST ? CHARGE_MOST : (uint32_t)n;
}

void mwi_gc_sweep_basis_stw(void) {
  uint64_t live = mwi_load_relaxed(&mwi_heap_live.bytes);
  uint64_t trigger = mwi_pacer.trigger;
  set_charge_least_stw(mwi_pacer.goal > live ? mwi_pacer.goal - live : 0);
  uint64_t pages = mwi_load_relaxed(&mwi_heap.inuse_pages);
  /* All must be swept 1 MB of allocation before the next trigger. */
  uint64_t room =
      trigger != UINT64_MAX && trigger > live + 2 * MWI_MB ? trigger - live - MWI_MB : MWI_MB;
  mwi_gc.sweep_live_basis = live;
  mwi_gc.sweep_pages_basis = mwi_load_relaxed(&mwi_heap.pages_swept);
  mwi_store_relaxed(&mwi_gc.sweep_ratio, (double)pages / (double)room);
}

static void sweep_share(uint64_t live) {
  if (mwi_load_relaxed(&mwi_heap.unswept_spans) == 0) return;
  uint64_t basis = mwi_gc.sweep_live_basis;
  if (live <= basis) return;
  uint64_t want = (uint64_t)(mwi_load_relaxed(&mwi_gc.sweep_ratio) * (double)(live - basis));
  mwi_gc_attach(); /* without a P we may run beside a fork [Z3] */
  mwi_rt_enter();
  mwi_assert(mwi_tcb()->p);
  while (mwi_load_relaxed(&mwi_heap.pages_swept) - mwi_gc.sweep_pages_basis < want)
    if (!mwi_sweep_some()) break;
  mwi_rt_leave();
}

void mwi_gc_trace_swept(void) {
  uint64_t live = mwi_load_relaxed(&mwi_heap_live.bytes), basis = mwi_gc.sweep_live_basis;
  mwi_trace_line(
      "pacer: sweep done at heap size %luMB; allocated %luMB during sweep; swept %lu pages "
      "at %s pages/byte",
      (unsigned long)(live >> 20), (unsigned long)((live > basis ? live - basis : 0) >> 20),
      (unsigned long)(mwi_load_relaxed(&mwi_heap.pages_swept) - mwi_gc.sweep_pages_basis),
      mwi_real(mwi_load_relaxed(&mwi_gc.sweep_ratio)).text);
}

/* ---- After each refill ------------------------------------------------- */

/*
 * Runs of one slot come one by one, and a locked addition to a counter that all
 * share would cost as much as the rest of the allocation, and several times that
 * where processors take its line from each other.  So a processor's small
 * ones are added up, charge_least bytes at a time: mwi_heap_live is so much too
 * low for each processor, for all of them together a CHARGE_PART of what may be allocated before
 * the goal, and in small heaps CHARGE_LEAST each.  A cycle's beginning and end
 * see all (gc/cycle.c).  What an allocation owes while marking is on is the
 * processor's own matter, and not put off.  Not under a limit.
 */
/* So much is live, while marking is not on. */
MWI_INLINE void start_if_due(uint64_t live) {
  if (live < mwi_pacer.trigger) return;
  mwi_gc_start(MWI_GC_HEAP);
  /* Somebody else is starting it, and has not got far. */
  if (live >= mwi_pacer.goal && mwi_load_relaxed(&mwi_gc.starting)) mwi_gc_wait_started();
}

void mwi_pacer_charge(size_t charged) {
  struct mwi_gcp *w = mwi_tcb()->gcp;
  if (MWI_LIKELY(w)) {
    if (mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK) w->credit -= (int64_t)charged;
    charged += w->uncharged;
    if (charged < charge_least && w->credit >= 0 && !mwi_pacer.limit) {
      w->uncharged = (uint32_t)charged;
      return;
    }
    w->uncharged = 0;
  }
  uint64_t live = mwi_add_relaxed(&mwi_heap_live.bytes, charged) + charged;
  if (MWI_UNLIKELY(mwi_pacer.limit)) mwi_memlimit_make_room();
  if (mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK) {
    mwi_add_relaxed(&mwi_gc.black, charged);
    if (w && w->credit < 0) assist();
    return;
  }
  if (live >= mwi_pacer.trigger)
    start_if_due(live);
  else
    sweep_share(live);
  if (MWI_UNLIKELY(mwi_gc_requested())) mwi_gc_start_requested();
}

/* ---- Large objects ------------------------------------------------------ */

/* Its pages may be had from garbage: large spans are swept first, and no more others than the
 * object has pages, whose zeroing costs more than that. */
static void sweep_for(size_t pages) {
  size_t before = mwi_load_relaxed(&mwi_heap.inuse_pages);
  for (size_t n = 0; n < pages + 64; n += MWI_SWEEP_SPANS) {
    if (mwi_load_relaxed(&mwi_heap.unswept_spans) == 0) return;
    mwi_gc_attach(); /* without a P we may run beside a fork [Z3] */
    mwi_rt_enter();
    size_t swept = mwi_sweep_some();
    mwi_rt_leave();
    size_t now = mwi_load_relaxed(&mwi_heap.inuse_pages);
    if (!swept || (now < before && before - now >= pages)) return;
  }
}

void mwi_pacer_foresee(size_t pages, struct mwi_foreseen *f) {
  uint64_t bytes = (uint64_t)pages << MWI_PAGE_SHIFT;
  uint64_t live = mwi_load_relaxed(&mwi_heap_live.bytes) + bytes;
  if (mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK || live >= mwi_pacer.trigger) {
    mwi_rt_enter(); /* no cycle ends in between */
    f->cycle = mwi_gc_stats.ncycles;
    f->live = true;
    mwi_add_relaxed(&mwi_heap_live.bytes, bytes);
    mwi_rt_leave();
    if (mwi_load_relaxed(&mwi_gc.phase) != MWI_PHASE_MARK) {
      start_if_due(live);
      mwi_gc_attach();
    }
    mwi_rt_enter();
    struct mwi_gcp *w = mwi_tcb()->gcp;
    f->black =
        mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK && mwi_gc_stats.ncycles == f->cycle;
    if (f->black) mwi_add_relaxed(&mwi_gc.black, bytes);
    bool owes = f->black && w && (w->credit -= (int64_t)bytes) < 0;
    mwi_rt_leave();
    if (owes) assist();
  }
  sweep_for(pages);
}

/* The end of a cycle makes what was marked, and what was charged as black in it, live; nothing else
 * that was charged before counts any more. */
void mwi_pacer_charge_foreseen(size_t pages, const struct mwi_foreseen *f) {
  uint64_t bytes = (uint64_t)pages << MWI_PAGE_SHIFT;
  mwi_rt_enter();
  uint32_t ended = mwi_gc_stats.ncycles - f->cycle;
  bool live = f->live && (ended == 0 || (ended == 1 && f->black));
  if (live && mwi_load_relaxed(&mwi_gc.phase) == MWI_PHASE_MARK && !(f->black && ended == 0))
    mwi_add_relaxed(&mwi_gc.black, bytes);
  mwi_rt_leave();
  if (!live) {
    mwi_pacer_charge(bytes);
  } else {
    if (MWI_UNLIKELY(mwi_pacer.limit)) mwi_memlimit_make_room();
    if (MWI_UNLIKELY(mwi_gc_requested())) mwi_gc_start_requested();
  }
}
