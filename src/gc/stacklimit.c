/* SPDX-License-Identifier: MIT */
/*
 * gc/stacklimit.c -- goroutine stacks under the memory limit
 *
 * Job      A stack grows by page faults, which the runtime does not see, and a program whose
 *          memory is stacks allocates nothing that would start a cycle.  Under a limit this
 *          notices when stacks may have grown so far that the limit is near, counts what they
 *          hold, lets the heap make room for that, and has stacks give back what they can.
 * How      sysmon reads the process's count of page faults, a system call of a microsecond: stacks
 *          hold no more than at the last count and a page for each fault since.  Where that would
 *          be near the limit, the scavenger's thread counts exactly (stack_memory.c asks the kernel
 *          about each resident stack).  If the limit is near indeed, and stacks have grown enough
 *          since they last gave back to be worth it (pacer.c), a cycle is asked for that
 *          *squeezes*: every goroutine that it scans at rest becomes due for shrinking, free
 *          stacks are dropped, and if that was not enough the next cycle folds all that are
 *          parked (sched/fold.c).  Then what is left is counted, and the goal reckoned anew.
 * Promise  [ML3] What stacks hold enters held memory within a count: 1/128 of the limit of page
 *          faults, or some milliseconds, where counting takes less than its share of a CPU.
 *          A program whose stacks are all in use above the limit goes on: the next squeeze comes
 *          when they have grown by an eighth.
 *          [ML4] While more is held than the limit and a squeeze is on its way, who starts a
 *          goroutine waits for it, once, and free stacks keep no memory.  Nobody waits in
 *          vain: until one has ended, a cycle has been asked for (requested), or marks, or
 *          the goroutine that tidies is runnable.  (The growth of stacks that there are
 *          cannot be held up: it is page faults.)
 * Threads  watch: sysmon.  look: the scavenger's thread, which no stop waits for: it touches
 *          atomics and asks the kernel about addresses.  tidied: a goroutine.  What they hand each
 *          other are single numbers, relaxed: a stale one makes a count early or late.
 *          mwi_squeeze: set with the world stopped, cleared by the goroutine that tidied.
 * Rejected /proc/self/statm: needs a descriptor for a moment, and a program may rely on which
 *          number it gets next.  Counting at parks: a deep call is over by then.
 */
#include "base/knobs.h"
#include "gc/cycle.h"
#include "gc/pacer.h"
#include "gc/roots.h"

#define WATCH_NS 1000000 /* between two looks of sysmon's: a CPU touches some MB in it */
/* A twentieth of a CPU counts at most; a fifth, where more may be held than the limit allows. */
#define SHORT_NS 100000000 /* then what was short is counted again, perhaps it is no longer */
#define COUNT_REST 19
#define COUNT_REST_OVER 4
/* After a squeeze the next one rests so many times the CPU time that the last one took, one when
 * more is held than the limit allows: then only the CPU limiter bounds them. */
#define PACE 4
#define WALK_SHARE 3 /* what giving back costs, in counts: a call or two for each stack */

_Atomic uint32_t mwi_squeeze;
_Atomic bool mwi_stacks_short;

static _Atomic uint64_t counted;        /* bytes that stacks held, as last counted */
static _Atomic uint64_t faults_counted; /* page faults of the process then */
static _Atomic uint64_t left;           /* of that, after stacks last gave back what they could */
static _Atomic int64_t count_ns;        /* CPU time that it took */
static _Atomic int64_t count_ended;     /* ns */
static _Atomic uint32_t wanted;         /* how hard the next cycle is to squeeze; 0: not */
static _Atomic uint32_t nsqueezes;      /* that have ended */
static _Atomic uint32_t squeezed_in;  /* number of the cycle that does, where mwi_squeeze is set */
static _Atomic int64_t squeeze_again; /* ns; not before */

uint64_t mwi_stacks_counted(void) {
  return mwi_load_relaxed(&counted);
}

static uint64_t page_faults(void) {
  return mwi_os_page_faults();
}

void mwi_stacklimit_watch(int64_t now) {
  static int64_t next; /* sysmon's */
  uint64_t limit = mwi_memlimit_now();
  if (!limit || now < next) return;
  next = now + WATCH_NS;
  if (mwi_load_relaxed(&wanted)) {
    /* Asked for, but a cycle for another reason may have been under way: again then. */
    if (mwi_load_acquire(&mwi_gc.phase) == MWI_PHASE_OFF) mwi_gc_request(MWI_GC_STACKS);
    return;
  }
  uint64_t faults = page_faults() - mwi_load_relaxed(&faults_counted);
  uint64_t since = faults * mwi_os_page_bytes();
  uint64_t held = mwi_memory_beside_stacks() + mwi_load_relaxed(&counted);
  int64_t ago = now - mwi_load_relaxed(&count_ended);
  bool look_again = mwi_load_relaxed(&mwi_stacks_short) && ago >= SHORT_NS;
  if (!look_again && !mwi_pacer_stacks_due(limit, held, since)) return;
  int64_t rest = held + since > limit ? COUNT_REST_OVER : COUNT_REST;
  if (ago >= mwi_load_relaxed(&count_ns) * rest) mwi_scavenger_count();
}

static void count(void) {
  uint64_t faults = page_faults(); /* before: what is touched meanwhile counts once more */
  int64_t t0 = mwi_os_thread_cputime();
  mwi_store_relaxed(&counted, mwi_gc_hooks.stacks_held());
  mwi_store_relaxed(&faults_counted, faults);
  mwi_store_relaxed(&count_ns, mwi_os_thread_cputime() - t0);
  mwi_store_relaxed(&count_ended, mwi_os_monotonic());
}

static bool under_way(void) {
  /* in this order, as begin_stw moves it the other way */
  return mwi_load_seqcst(&wanted) || mwi_load_seqcst(&mwi_squeeze);
}

/* Not ended since nsqueezes was n. */
static bool under_way_since(uint32_t n) {
  return mwi_load_relaxed(&mwi_stacks_short) && under_way() && mwi_load_seqcst(&nsqueezes) == n;
}

static void want(uint32_t how_hard) {
  mwi_store_seqcst(&wanted, how_hard);
  mwi_gc_request(MWI_GC_STACKS);
  mwi_gc_hooks.wake(); /* where everything has come to rest */
}

void mwi_stacklimit_look(void) {
  uint64_t limit = mwi_memlimit_now();
  if (!limit || !mwi_gc_hooks.stacks_held) return;
  count();
  uint64_t beside = mwi_memory_beside_stacks(), stacks = mwi_load_relaxed(&counted);
  bool worth = mwi_pacer_stacks_worth(limit, beside, stacks, mwi_load_relaxed(&left));
  mwi_store_relaxed(&mwi_stacks_short, worth && beside + stacks > limit);
  if (under_way() || mwi_limiter_on()) return;
  if (mwi_os_monotonic() < mwi_load_relaxed(&squeeze_again)) return;
  if (worth) want(MWI_SQUEEZE_SHRINK);
}

void mwi_stacklimit_wait(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (t->rt || mwi_gc_hooks.in_handler() || !mwi_gc_hooks.current()) return;
  uint32_t n = mwi_load_seqcst(&nsqueezes);
  mwi_gc_wait_while(under_way_since, n);
}

bool mwi_stacklimit_wanted(void) {
  return mwi_load_seqcst(&wanted) != 0;
}

bool mwi_stacklimit_begin_stw(void) {
  uint32_t how_hard = mwi_load_seqcst(&wanted);
  if (how_hard) {
    mwi_store_seqcst(&mwi_squeeze, how_hard);
    mwi_store_relaxed(&squeezed_in, mwi_gc_stats.ncycles + 1);
    mwi_store_seqcst(&wanted, 0);
  }
  return how_hard != 0;
}

/* Other than at the last commit, so that the goal is wrong by it? */
static bool matters(uint64_t before, uint64_t now, uint64_t limit) {
  return (before > now ? before - now : now - before) > limit / 64;
}

static void commit_again(void) {
  mwi_gc_attach();
  mwi_gc_hooks.stop_world();
  if (mwi_pacer.limit) {
    mwi_memlimit_inputs_stw(false);
    mwi_pacer_commit(&mwi_pacer);
    if (mwi_gc_wb_state()) mwi_gc_update_ratio();
  }
  mwi_gc_hooks.start_world();
  mwi_gc_wake_waiters(); /* there may be room now */
}

/* Of a squeeze, ns of CPU. */
static int64_t price(void) {
  const struct mwi_gc_stats *st = &mwi_gc_stats;
  return st->assist_cpu_ns + st->dedicated_cpu_ns + st->idle_cpu_ns +
         mwi_load_relaxed(&count_ns) * WALK_SHARE;
}

void mwi_stacklimit_tidied(void) {
  uint64_t limit = mwi_memlimit_now();
  uint32_t how_hard = mwi_load_relaxed(&mwi_squeeze);
  /* Tidied while that cycle still marks: it has not scanned everybody. */
  if (how_hard && (int32_t)(mwi_load_acquire(&mwi_gc.done) - mwi_load_relaxed(&squeezed_in)) < 0)
    return;
  uint64_t before = mwi_load_relaxed(&counted);
  if (limit) count();
  uint64_t now = mwi_load_relaxed(&counted);
  if (how_hard) {
    mwi_store_relaxed(&left, now);
    bool over = mwi_memory_beside_stacks() + now > limit;
    mwi_store_relaxed(&squeeze_again, mwi_os_monotonic() + price() * (over ? 1 : PACE));
    bool again = limit && over && how_hard == MWI_SQUEEZE_SHRINK &&
                 mwi_pacer_stacks_worth(limit, mwi_memory_beside_stacks(), now, 0);
    if (again) want(MWI_SQUEEZE_FOLD);
    /* What is left above the limit is in use, or not stacks: nobody need wait for that. */
    mwi_store_relaxed(&mwi_stacks_short, again);
    mwi_store_seqcst(&mwi_squeeze, 0);
    mwi_add_acqrel(&nsqueezes, 1);
    mwi_gc_wake_waiters(); /* [ML4] */
  }
  if (limit && matters(before, now, limit)) commit_again();
}

void mwi_stacklimit_forget(void) {
  mwi_store_relaxed(&wanted, 0);
  mwi_store_relaxed(&mwi_squeeze, 0);
  mwi_store_relaxed(&mwi_stacks_short, false);
  mwi_store_relaxed(&faults_counted, 0); /* the child's own begin at 0 */
  mwi_store_relaxed(&count_ns, 0);
  mwi_store_relaxed(&squeeze_again, 0);
}
