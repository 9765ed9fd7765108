/* SPDX-License-Identifier: MIT */
/*
 * gc/memlimit.c -- GOMEMLIMIT, the CPU limiter's clock, the background scavenger
 *
 * Job      Keep what the runtime holds from the OS below the limit: by a lower
 *          heap goal (gc/pacer.c), by giving free pages back before new ones
 *          are taken, and in the background.
 * How      Held memory = committed heap without released pages, metadata, and
 *          stacks: as last counted (gc/stacklimit.c), or their used parts as last
 *          scanned, if that is more.  docs/design/collector.md
 *          has the formula.
 *          Without a limit the scavenger keeps 10 % more than the heap that
 *          the next cycle is expected to use and gives the rest back, using
 *          about 1 % of one CPU: it works for at most a millisecond and then
 *          sleeps a hundred times as long as it worked.  With a limit it also
 *          aims below 95 % of that.
 * Promise  [ML1] Of memory for objects no more is held than the limit leaves beside the
 *          rest, however long the collector takes: who needs a span asks, and is
 *          refused what would exceed it.  What several ask for at a time adds up.
 *          [ML2] Nobody waits for room that cannot come, or whose price is too
 *          high.  An allocation that was refused sweeps; while marking is on it
 *          marks, and then waits for those who do, until marking ends; it starts
 *          a cycle if enough was allocated since the last for that to be worth
 *          it.  It takes memory regardless when the limit is off, while the CPU
 *          limiter is on, and when cycles have not helped.  A limit that the
 *          live heap leaves too little room below is replaced by one an eighth
 *          above what is live (pacer.c).
 *          Nothing that a cycle needs waits for its end: workers take no spans, and
 *          an allocation waits only where it may also wait for an assist.
 * Threads  the scavenger is a thread of its own without a P; it touches no
 *          collected memory, and no stop waits for it.  Inputs of the pacer are written with the
 * world stopped.  The limiter's state has a lock.
 */
#include "base/knobs.h"
#include "base/traces.h"
#include "gc/cycle.h"
#include "gc/pacer.h"
#include "gc/roots.h"

#define EXTRA_PERCENT 10 /* kept beyond the goal, so that a steady heap never faults pages in */
#define LIMIT_PERCENT 95 /* of the memory limit: where background scavenging begins */
#define QUANTUM (64 * MWI_KB)
#define WORK_NS 1000000
#define SLEEP_FACTOR 99 /* 1 % of a CPU */
#define TICK_NS 10000000
#define PAGE_CACHE_BYTES ((uint64_t)64 * MWI_PAGE_BYTES) /* of a processor, at most */
#define SWEEPS 8 /* between looks at what that has freed: some microseconds */
/* Cycles after which a wait is given up.  The first may not free what died after its start; the
 * next does.  When others got what was freed there will be more: but nobody is to starve. */
#define FRUITLESS_CYCLES 2
#define MOST_CYCLES 16

/* ---- What is held ------------------------------------------------------ */

/* The pacer's, written with the world stopped, for threads that no stop waits for. */
static _Atomic uint64_t limit_now, scanned_now;

static uint64_t heap_ready(void) {
  uint64_t committed = mwi_load_relaxed(&mwi_heap.committed);
  uint64_t released = mwi_load_relaxed(&mwi_heap.released);
  return committed > released ? committed - released : 0;
}

uint64_t mwi_memlimit_now(void) {
  return mwi_load_relaxed(&limit_now);
}

uint64_t mwi_memory_beside_stacks(void) {
  return heap_ready() + mwi_load_relaxed(&mwi_heap.meta_bytes) + mwi_meta_total();
}

uint64_t mwi_memory_ready(void) {
  uint64_t scanned = mwi_load_relaxed(&scanned_now), counted = mwi_stacks_counted();
  return mwi_memory_beside_stacks() + (counted > scanned ? counted : scanned);
}

/* Free slots of spans in use, when marking last ended: then everything is swept, so
 * mwi_heap_live says what is allocated.  World stopped. */
static uint64_t heap_unused;

void mwi_memlimit_inputs_stw(bool marking_ended) {
  uint64_t inuse = (uint64_t)mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT;
  uint64_t ready = heap_ready(), live = mwi_load_relaxed(&mwi_heap_live.bytes);
  mwi_store_relaxed(&limit_now, mwi_pacer.limit);
  mwi_store_relaxed(&scanned_now, mwi_pacer.stacks);
  if (marking_ended) heap_unused = inuse > live ? inuse - live : 0;
  mwi_pacer.ready = mwi_memory_ready();
  mwi_pacer.heap_free = ready > inuse ? ready - inuse : 0;
  mwi_pacer.heap_alloc = inuse > heap_unused ? inuse - heap_unused : 0;
}

static _Atomic uint64_t eager_bytes, background_bytes; /* released since the last trace line */

static void trace_scavenger(bool forced) {
  if (!mwi_knobs.scavtrace) return;
  uint64_t ready = heap_ready();
  uint64_t inuse = (uint64_t)mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT;
  mwi_trace_line("scav %lu KiB work (bg), %lu KiB work (eager), %lu KiB now, %lu%% util%s",
                 (unsigned long)(mwi_xchg_acqrel(&background_bytes, 0) >> 10),
                 (unsigned long)(mwi_xchg_acqrel(&eager_bytes, 0) >> 10),
                 (unsigned long)(ready >> 10), (unsigned long)(ready ? inuse * 100 / ready : 0),
                 forced ? " (forced)" : "");
}

void mwi_scavenge_all(void) {
  size_t n;
  while ((n = mwi_heap_scavenge(MWI_MB)) != 0) /* in pieces: stops are not held up */
    mwi_add_relaxed(&eager_bytes, n);
  trace_scavenger(true);
}

void mwi_memlimit_make_room(void) {
  uint64_t ready = mwi_memory_ready(), limit = mwi_pacer.limit;
  if (ready <= limit || mwi_limiter_on()) return;
  mwi_add_relaxed(&eager_bytes, mwi_heap_scavenge(ready - limit));
}

/* ---- At the limit ------------------------------------------------------ */

static _Atomic uint64_t asked;   /* bytes that threads are about to take [ML1] */
static _Atomic uint32_t granted; /* how often there was room */

/* The limit is no reason to wait [ML2]. */
static bool no_reason_to_wait(void) {
  return !mwi_pacer.limit || mwi_limiter_on();
}

/* Could so many bytes more be held?  Free pages that the OS backs are taken first, or given back
 * for them; but those in page caches cannot be. */
static bool room_for(uint64_t bytes) {
  uint64_t want = mwi_memory_ready() + bytes, cap = mwi_pacer.cap;
  if (want <= cap) return true;
  uint64_t over = want - cap, ready = heap_ready();
  uint64_t inuse = (uint64_t)mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT;
  uint64_t free = ready > inuse ? ready - inuse : 0;
  if (free < over) return false;
  if (free - over >= mwi_gc_hooks.nprocs() * PAGE_CACHE_BYTES) return true;
  size_t n = mwi_heap_scavenge(over);
  mwi_add_relaxed(&eager_bytes, n);
  return n >= over;
}

static bool ask(size_t bytes) {
  mwi_assert(mwi_tcb()->rt > 0); /* no stop, so no other limit, until told */
  /* pairs with the release in told: who sees that sees the memory as held */
  uint64_t all = mwi_add_acqrel(&asked, bytes) + bytes;
  if (no_reason_to_wait() || room_for(all)) return true;
  mwi_sub_acqrel(&asked, bytes);
  return false;
}

static void told(size_t bytes) {
  mwi_assert(mwi_load_relaxed(&asked) >= bytes);
  mwi_sub_acqrel(&asked, bytes);
  mwi_add_relaxed(&granted, 1);
}

/* A cycle has ended since w waits, and all is swept: is the next worth waiting for? */
static bool given_up(struct mwi_room_wait *w, uint32_t cycles) {
  uint32_t now = mwi_load_relaxed(&granted);
  if (w->waited && w->cycle == cycles) return false;
  if (w->waited) w->fruitless = w->granted == now ? w->fruitless + 1 : 0;
  w->waited++;
  w->cycle = cycles;
  w->granted = now;
  return w->fruitless >= FRUITLESS_CYCLES || w->waited > MOST_CYCLES;
}

static bool swept_some(void) {
  size_t n = 0;
  mwi_rt_enter();
  mwi_assert(mwi_tcb()->p);
  while (n < SWEEPS && mwi_sweep_some()) n++;
  mwi_rt_leave();
  return n != 0;
}

bool mwi_memlimit_wait(size_t bytes, struct mwi_room_wait *w) {
  mwi_assert(!mwi_tcb()->rt && mwi_gc_hooks.current());
  for (;;) {
    mwi_gc_attach(); /* without a P we may run beside a fork [Z3] */
    if (no_reason_to_wait()) return false;
    if (room_for(bytes + mwi_load_relaxed(&asked))) return true;
    uint32_t cycles = mwi_gc_stats.ncycles;
    if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK) {
      mwi_gc_hasten();
    } else if (!mwi_sweep_done()) {
      if (!swept_some()) mwi_gc_hooks.yield(); /* others have the last spans in hand */
    } else {
      if (given_up(w, cycles)) return false;
      if (!mwi_pacer_worth(&mwi_pacer, mwi_load_relaxed(&mwi_heap_live.bytes))) return false;
      mwi_gc_start(MWI_GC_LIMIT);
      if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_MARK || mwi_gc_stats.ncycles != cycles)
        continue;
      if (!mwi_load_relaxed(&mwi_gc.starting)) return false; /* one has just ended */
      mwi_gc_wait_started();
    }
  }
}

/* ---- CPU limiter ------------------------------------------------------- */

static struct mwi_lock limiter_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);
static struct mwi_limiter limiter; /* under limiter_lock */
static _Atomic bool limiter_full;
static _Atomic int64_t last_tick; /* ns */
/* under limiter_lock: CPU time counted so far, ns */
static struct cpu_times {
  int64_t gc, idle, all;
} counted;

bool mwi_limiter_on(void) {
  return mwi_load_relaxed(&limiter_full);
}

/* CPU time since the start: the collector's, idle marking, the whole process's.  All of them
 * CPU time, so that what other processes take from this one counts for nobody. */
static struct cpu_times cpu_times(void) {
  struct cpu_times t = {mwi_gc_stats.total_work_cpu_ns, mwi_gc_stats.total_idle_cpu_ns,
                        mwi_os_process_cputime()};
  if (mwi_load_acquire(&mwi_gc.phase) ==
      MWI_PHASE_MARK) { /* then the cycle's are not in the totals */
    t.gc += mwi_load_relaxed(&mwi_gc.assist_ns) + mwi_load_relaxed(&mwi_gc.worker_ns);
    t.idle += mwi_load_relaxed(&mwi_gc.idle_ns);
  }
  return t;
}

void mwi_limiter_tick(void) {
  int64_t now = mwi_os_monotonic();
  if (now - mwi_load_relaxed(&last_tick) < TICK_NS) return;
  mwi_lock(&limiter_lock);
  if (now - mwi_load_relaxed(&last_tick) >= TICK_NS) {
    struct cpu_times t = cpu_times();
    int64_t gc = t.gc - counted.gc, idle = t.idle - counted.idle, all = t.all - counted.all;
    counted = t;
    limiter.capacity_ns = (int64_t)mwi_gc_hooks.nprocs() * 1000000000;
    /* a cycle that ends between the reads moves its counters: then some come later */
    if (gc < 0) gc = 0;
    if (idle < 0) idle = 0;
    mwi_limiter_add(&limiter, gc, all > gc + idle ? all - gc - idle : 0);
    mwi_store_relaxed(&limiter_full, limiter.full);
    mwi_store_relaxed(&last_tick, now);
  }
  mwi_unlock(&limiter_lock);
}

/* ---- Background scavenger ---------------------------------------------- */

static _Atomic uint64_t keep_bytes = UINT64_MAX; /* heap memory to leave; set after each cycle */
enum { RELEASE = 1, COUNT = 2 };
static _Atomic uint32_t wanted; /* of these; futex */

void mwi_scavenge_goal_stw(uint64_t last_goal) {
  uint64_t inuse = (uint64_t)mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT;
  double ratio = last_goal && last_goal != UINT64_MAX && mwi_pacer.goal != UINT64_MAX
                     ? (double)mwi_pacer.goal / (double)last_goal
                     : 1;
  uint64_t keep = (uint64_t)((double)inuse * ratio * (100 + EXTRA_PERCENT) / 100);
  mwi_store_relaxed(&keep_bytes, keep);
}

/* With the world running: the woken thread may take the waker's CPU at once. */
void mwi_scavenger_wake(void) {
  if (heap_ready() <= mwi_load_relaxed(&keep_bytes) && !mwi_load_relaxed(&limit_now)) return;
  mwi_or_release(&wanted, RELEASE);
  mwi_futex_wake(&wanted, 1);
}

void mwi_scavenger_count(void) {
  mwi_scavenger_start();
  mwi_or_release(&wanted, COUNT);
  mwi_futex_wake(&wanted, 1);
}

static bool too_much(void) {
  uint64_t limit = mwi_load_relaxed(&limit_now);
  return heap_ready() > mwi_load_relaxed(&keep_bytes) ||
         (limit && mwi_memory_ready() > limit / 100 * LIMIT_PERCENT);
}

static struct mwi_tcb scavenger_tcb;

/* Release what is too much, for a while.  When to go on with it: INT64_MAX when asked again. */
static int64_t release_some(void) {
  int64_t t0 = mwi_os_monotonic(), t = t0;
  bool more = true;
  while (more && t - t0 < WORK_NS) {
    size_t n = too_much() ? mwi_heap_scavenge(QUANTUM) : 0;
    mwi_add_relaxed(&background_bytes, n);
    more = n != 0;
    t = mwi_os_monotonic();
  }
  if (mwi_load_relaxed(&background_bytes)) trace_scavenger(false);
  return more ? t + (t - t0) * SLEEP_FACTOR : INT64_MAX;
}

static void scavenger_main(void *unused) {
  (void)unused;
  scavenger_tcb =
      (struct mwi_tcb){.self = &scavenger_tcb, .attached = 1, .mcache = mwi_tcb()->mcache, .rt = 1};
  mwi_os_set_gs(&scavenger_tcb);
  mwi_lock_rank_forget(&scavenger_tcb); /* it may have been another thread's, before a fork */
  int64_t next = INT64_MAX;             /* of release_some */
  for (;;) {
    int64_t now = mwi_os_monotonic();
    if (now < next) mwi_futex_wait(&wanted, 0, next == INT64_MAX ? -1 : next - now);
    uint32_t what = mwi_xchg_acqrel(&wanted, 0);
    if (what & COUNT) mwi_stacklimit_look();
    now = mwi_os_monotonic();
    if (now >= next || ((what & RELEASE) && next == INT64_MAX)) next = release_some();
  }
}

/* Of a control group's limit: the rest is for the program's code, libc's malloc and what the
 * kernel counts, which the runtime does not see. */
#define CGROUP_PERCENT 90

int64_t mwi_memlimit_at_start(void) {
  if (mwi_knobs.gomemlimit_given || !mwi_knobs.cgroupmemlimit) return mwi_knobs.gomemlimit;
  uint64_t limit = mwi_os_cgroup_limit("");
  return limit == UINT64_MAX ? INT64_MAX : (int64_t)(limit / 100 * CGROUP_PERCENT);
}

void mwi_memlimit_init(void) {
  mwi_heap_hooks.ask = ask;
  mwi_heap_hooks.told = told;
  mwi_store_relaxed(&last_tick, mwi_os_monotonic());
}

static _Atomic uint32_t scavenger_started;

void mwi_scavenger_forget(void) {
  mwi_store_relaxed(&scavenger_started, 0);
  mwi_stacklimit_forget();
}

/* By sysmon at each look, after the first cycle: creating a thread takes locks of libc (sched/m.c,
 * [M3]). */
void mwi_scavenger_start(void) {
  if (mwi_load_relaxed(&scavenger_started) || mwi_xchg_acqrel(&scavenger_started, 1)) return;
  /* No thread to be had just now: allocation goes on returning memory, and sysmon asks again. */
  if (mwi_os_thread_start(scavenger_main, NULL)) mwi_store_relaxed(&scavenger_started, 0);
}
