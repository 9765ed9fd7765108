/* SPDX-License-Identifier: MIT */
/*
 * sched/sched.h -- goroutines, threads, processors (internal)
 *
 *   G  goroutine: a stack and where it stands
 *   M  OS thread: runs one G at a time, or the scheduler on its own stack (g0)
 *   P  processor: the right to run Go code; owns mcache, run queue, timers,
 *      barrier buffer, mark work.  GOMAXPROCS of them.
 *
 * Blocking primitives (chan.c, sema.c, timer.c, ...) are built on three calls:
 * mwi_park, mwi_ready and the locks.  The rest of this header is for proc.c and its kin,
 * stop.c and the collector.
 */
#ifndef MWI_SCHED_SCHED_H
#define MWI_SCHED_SCHED_H

#include "base/tcb.h"
#include "gc/barrier.h"
#include "gc/jumps.h"
#include "heap/heap.h"
#include "os/lock.h"

/* ---- Goroutines -------------------------------------------------------- */

/* Life of a goroutine.  SCAN is a lock bit on RUNNABLE and WAITING: whoever
 * set it scans or folds the stack, and nobody runs the goroutine meanwhile.  It
 * is set only while tcb->scan is: while marking is on, and after it while stacks
 * are folded.  At other times the scheduler changes the status by plain stores,
 * which would not see it (mwi_g_transition). */
enum mwi_gstatus {
  MWI_G_DEAD = 0,     /* unused, in a free list */
  MWI_G_RUNNABLE = 1, /* in a run queue */
  MWI_G_RUNNING = 2,  /* a thread's curg, perhaps in external code or in a system call */
  MWI_G_WAITING = 3,  /* parked; somebody has or will have a reference to ready it */
  MWI_G_SCAN = 16
};

/* Why a goroutine is parked: Go's words, as traces print them. */
enum mwi_wait {
  MWI_WAIT_NONE,
  MWI_WAIT_CHAN_RECV,
  MWI_WAIT_CHAN_SEND,
  MWI_WAIT_CHAN_RECV_NIL,
  MWI_WAIT_CHAN_SEND_NIL,
  MWI_WAIT_SELECT,
  MWI_WAIT_SELECT_NONE,
  MWI_WAIT_SEMA,
  MWI_WAIT_MUTEX,
  MWI_WAIT_RWMUTEX_R,
  MWI_WAIT_RWMUTEX_W,
  MWI_WAIT_WAITGROUP,
  MWI_WAIT_COND,
  MWI_WAIT_SLEEP,
  MWI_WAIT_IO,
  MWI_WAIT_GC_ASSIST,
  MWI_WAIT_GC,
  MWI_WAIT_FINALIZER,
  MWI_NWAITS
};
extern const char *const mwi_wait_names[MWI_NWAITS];

/* Why the program's goroutine stays on its thread. */
enum mwi_pin {
  MWI_PIN_THREAD, /* mw_thread_lock */
  MWI_PIN_LOCK,   /* it holds locks of libc's that belong to the thread */
  MWI_PIN_MASK,   /* its thread's signal mask is not the usual one */
  MWI_PIN_ALONE,  /* main's, until it starts a goroutine: plain C has one thread */
  MWI_NPINS
};

/* Saved context of a goroutine that is not running: callee-saved registers
 * are on its stack, below sp (switch_amd64.S). */
struct mwi_stack {
  uintptr_t lo, hi; /* usable bytes [lo, hi) */
  uint32_t slot;    /* stack_slot.h; MWI_NO_STACK_SLOT: a thread's own stack */
};
#define MWI_NO_STACK_SLOT UINT32_MAX

struct mwi_waiter; /* sched/waiter.h, by the sync primitives */
struct mwi_lent;   /* sched/lend.h */
struct mwi_iowait; /* sched/iowait.h */

/* A switch touches the first two cache lines, and so do the queues. */
struct mwi_g {
  /* owner: the M that runs it; else the holder of the status transition */
  uintptr_t sp; /* saved stack pointer while not running; 0 before it first runs */
  struct mwi_stack stack;
  struct mwi_m *m;    /* thread that runs it */
  struct mwi_g *next; /* run queue, free list */
  void *arg;          /* owner, before it runs */
  uint32_t pins;      /* reasons of the program's to stay on its thread: their number */
  /* runs only on its m, which waits for it: written by m, read by whoever took the goroutine
   * from a queue */
  bool locked;
  bool foreign;            /* constant: an attached thread's, which lives on that thread's stack */
  bool system;             /* constant: the runtime's own: not counted, not in deadlock detection */
  _Atomic uint8_t in_call; /* owner, and handlers on its thread: gc/jumps.h */

  enum mwi_wait wait_reason; /* owner */

  /* atomic: release on the way out of RUNNING pairs with acquire of the taker */
  _Atomic uint32_t status;

  /* sched/fold.c: the M that resumes it, or the holder of the scan bit; read as hints */
  _Atomic uintptr_t fold; /* its used bytes, while they are not on the stack */
  _Atomic uint8_t rest;   /* what is due before it runs: MWI_REST_* */
  uint8_t scans;          /* since its unused pages were looked for */
  uint16_t rest_epoch;    /* when a scan first saw it parked */
  /* system calls that may use its stack: seq_cst, any thread (sched/lend.c) */
  _Atomic uint32_t lent;

  /* sync primitives, under their own locks (sched/waiter.h) */
  _Atomic(struct mwi_iowait *)
      io;                       /* sched/iowait.h; made by the first wait, kept; a handler looks */
  struct mwi_waiter *waiters;   /* what it is parked on; elements are GC roots */
  _Atomic uint32_t select_done; /* select: first to CAS 0 -> 1 wins */
  /* bytes from the top of its stack down to the first frame that its park did not leave near sp;
   * 0: none.  Owner; read as a hint (runq.c) */
  uint32_t outer;
  void *wake_param; /* set by the waker before mwi_ready */

  int64_t wait_since; /* owner: ns, 0 unless asked for */

  /* owner, and handlers on its thread: what the calls under way have lent, innermost first */
  struct mwi_lent *lends;

  /* constant for the goroutine's life */
  uint64_t id;
  uintptr_t start_pc, creator_pc; /* its function, of one argument; who started it */
  uint64_t creator_id;

  /* owner: reasons to stay, mw_thread_lock and pthread locks held, by kind; 0: unpinning does
   * nothing */
  uint32_t pin[MWI_NPINS];
} MWI_ALIGNED(64);
_Static_assert(offsetof(struct mwi_g, lends) == 128, "two cache lines");
_Static_assert(offsetof(struct mwi_g, in_call) == MWI_G_IN_CALL, "gc/jumps.h");

/* The running goroutine. */
MWI_INLINE struct mwi_g *mwi_getg(void) {
  return mwi_tcb()->g;
}

/* The running goroutine. */
MWI_INLINE void mwi_pin(struct mwi_g *g, enum mwi_pin why) {
  g->pin[why]++;
  g->pins++;
}
MWI_INLINE void mwi_unpin(struct mwi_g *g, enum mwi_pin why) {
  if (!g->pin[why]) return;
  g->pin[why]--;
  g->pins--;
}

/*
 * Park the running goroutine.  On the system stack, after its state is saved
 * and its status is WAITING, `commit(g, arg)` runs (NULL: none): it typically
 * releases the lock that protects the wait queue; from then on anyone may
 * mwi_ready it.  If commit returns false the goroutine goes on at once.
 * Caller holds no lock other than the one that commit releases (mwi_lock nests
 * tcb->rt; the count moves with the thread, so commit must release exactly
 * what the caller took).  Returns when readied.  On return the thread may be
 * another: re-read mwi_tcb().
 */
void mwi_park(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason);
/* The same for a commit that needs little stack (some hundred bytes, no fatal
 * error to report): it may run on the stack of the goroutine that runs next. */
void mwi_park_light(bool (*commit)(struct mwi_g *g, void *arg), void *arg, enum mwi_wait reason);
/* Convenience: park lightly, releasing l. */
void mwi_park_unlock(struct mwi_lock *l, enum mwi_wait reason);

/* Waits are measured for profiles while these are not 0 (debug/blockprof.c),
 * and reported in goroutine context: to the one who waited, to the one who
 * unlocked.  The functions are constant after init: others read them at any time. */
extern _Atomic int64_t mwi_block_rate, mwi_mutex_fraction;
extern void (*mwi_wait_ended)(int64_t ns);
extern void (*mwi_wait_caused)(int64_t ns);

/* Make a parked goroutine runnable on the calling P (run next), waking an
 * idle P if there is one.  Any thread, with locks of rank < SCHED held. */
void mwi_ready(struct mwi_g *g);
/* The same for a timer's `fire`: who runs the timers runs whom they wake, and wakes others for
 * many (find.c). */
void mwi_ready_due(struct mwi_g *g);

/* Attach the calling thread if it has never met the runtime, and hold a P.  Every public
 * entry point that uses mwi_getg begins with this. */
/* Around what uses files by libc's calls: see mwi_os_cancel_off.  Any thread, any goroutine. */
int mwi_cancel_off(void);
void mwi_cancel_back(int state);
void mwi_attach_slow(void);
MWI_INLINE void mwi_attach(void) {
  if (MWI_UNLIKELY(!mwi_tcb()->p)) mwi_attach_slow();
}

/* Stop, yield or collect if somebody asked for it: for long loops of runtime
 * code on goroutine stacks, with no lock held. */
MWI_PRESERVE_MOST void mwi_rt_poll(void);
MWI_INLINE void mwi_poll(void) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_tcb()->poll) != 0)) mwi_rt_poll();
}

/* Let others run: to the tail of the P's queue (yield), or of the global one. */
void mwi_yield(void);
void mwi_preempt(void);

/*
 * Around a wait in the kernel, or in libc, that runs no instrumented code and
 * writes no pointer of the program's: the thread may be held by a stopper
 * meanwhile, and sysmon may take its P.  Two stores in, two locked instructions
 * out.  Callee-saved registers are published; the calls in
 * between are made by the function that called enter (debug/goroutines.c).
 * On an attached thread, in goroutine context, with tcb->rt == 0.  Keeps
 * errno; afterwards the goroutine has a P, perhaps on another thread.
 */
void mwi_syscall_enter(void);
void mwi_syscall_exit(void);
/* Instead of exit, where a jump leaves the wait: the processor may be missing until the next poll,
 * as behind any external code. */
void mwi_syscall_left(void);
/* The same around a system call that does not block: the thread keeps its P.
 * When it is long about it, it has lost its CPU, and another thread would only
 * compete with it. */
void mwi_attempt_enter(void);
void mwi_attempt_exit(void);

/* ---- Timers: what the scheduler asks of timer.c ------------------------ */

struct mwi_timers; /* per P: a heap, sched/timer.c */
struct mwi_timers *mwi_timers_new(void);
/* Earliest deadline of a P's heap, INT64_MAX when none.  Any thread, no lock. */
int64_t mwi_timers_next(struct mwi_timers *t);
/* Run what is due at `now` on the calling P (system stack, no lock held):
 * readies goroutines, sends on timer channels.  Returns how many ran. */
int mwi_timers_run(struct mwi_timers *t, int64_t now);
/* How many are due by then, stale ones too; no more than `most` are counted. */
enum { MWI_TIMERS_COUNTED = 8 };
int mwi_timers_due_by(struct mwi_timers *t, int64_t by, int most);
/* Move all timers from one heap to another (GOMAXPROCS shrank). */
void mwi_timers_move(struct mwi_timers *from, struct mwi_timers *to);
/* In a forked child: entries for goroutines that slept are dropped, channels' stay. */
void mwi_timers_forget_sleepers(struct mwi_timers *t);
/* keeper.c provides: an earlier deadline was added to a heap; an idle thread
 * that sleeps past it must be woken. */
void mwi_timer_notify(int64_t when);
bool mwi_timers_pending(void); /* anywhere */
/* The calling P's heap (proc.c). */
struct mwi_timers *mwi_timers_mine(void);

/* ---- Collector's view of sync primitives ------------------------------- */

/* Words that the primitives hold for a parked goroutine (waiters' element
 * slots), and pending timers' channels: call scan(p, bytes) on each range.
 * First: g's scan bit is held or its thread is stopped.  Second: any time. */
void mwi_waiters_scan(struct mwi_g *g, void (*scan)(const void *p, size_t bytes));
void mwi_timers_scan(void (*scan)(const void *p, size_t bytes));

#endif
