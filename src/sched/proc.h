/* SPDX-License-Identifier: MIT */
/*
 * sched/proc.h -- M, P and the scheduler's global state (internal)
 *
 * For the scheduler's own files and its hooks; primitives need only
 * sched/sched.h.
 */
#ifndef MWI_SCHED_PROC_H
#define MWI_SCHED_PROC_H

#include <signal.h>

#include "base/knobs.h"
#include "gc/work.h"
#include "os/restart.h"
#include "sched/aside.h"
#include "sched/sched.h"
#include "sched/switch.h"

/*
 * Where a thread stands towards those who want it stopped (sched/stop.c).
 *
 *        syscall_enter, going idle          stopper's CAS
 *   RUN ---------------------------> SYS ----------------> HELD
 *    ^  <--------------------------      <----------------
 *    |    CAS, on the way back            release by the stopper
 *    |                                   (the thread waits in exit while HELD)
 *    |  poll, or handler in external code
 *   RUN ---------------------------> STOPPED --> RUN, by the stopper
 *
 * While a handler of the program's runs that has interrupted a wait, its thread is in RUN [N6]:
 *
 *   SYS --> RUN, handler --> SYS       (HELD: it waits before that)
 *
 * A fork, whose stop nobody scans in, makes FORKED of HELD where the thread is in libc's code,
 * which it may have taken locks of: such a handler does not wait there.
 */
enum mwi_mstate { MWI_M_DEAD, MWI_M_RUN, MWI_M_SYS, MWI_M_HELD, MWI_M_FORKED, MWI_M_STOPPED };

#define MWI_CREATOR_FRAMES 16

struct mwi_m {
  struct mwi_tcb tcb; /* first: %gs points here */
  char pad[128 - sizeof(struct mwi_tcb)];
  uintptr_t regs[MWI_NREGS]; /* offset 128: mwi_syscall_enter's registers, while SYS or HELD */

  /* owner */
  uintptr_t g0_sp;       /* the scheduler loop's context while a goroutine runs */
  struct mwi_g *foreign; /* attached thread: the goroutine that is the thread itself */
  struct mwi_g *prev;    /* goroutine that just left its stack, not settled yet (park.c) */
  bool (*commit)(struct mwi_g *, void *); /* what to do with prev once it is off its stack */
  void *commit_arg;
  struct mwi_g *chosen; /* taken from the queue for the loop to run: it is bound to its thread */
  bool chosen_inherits; /* from runnext */
  bool spinning;        /* looks for work without having any; counted in sched.nspinning */
  uint32_t rand;        /* state of mwi_rand: not 0, and another in each process */
  /* the set that it asks for descriptors now and then: that of its CPU; 0 while it is idle.
   * Owner writes, others read (netpoll.c) */
  _Atomic uint8_t home;
  bool kept_watch;              /* owner: it has run nobody since it was the keeper */
  uintptr_t stack_lo, stack_hi; /* the thread's own stack (mwi_os_stack) */
  void *sigstack;
  /* owner, and handlers on its thread: scratch.c */
  char *scratch;       /* constant */
  size_t scratch_used; /* asked for; more than there is: what was too much is elsewhere */
  struct mwi_scratch *scratches;
  const void *asan_stack; /* that stack as AddressSanitizer knows it (sched/asan.h) */
  size_t asan_bytes;

  /* under allm_lock */
  uintptr_t creator[MWI_CREATOR_FRAMES]; /* who needed it: innermost first */
  uint32_t ncreator;

  /* constant after start */
  _Atomic int32_t tid; /* 0: the record is free; sysmon and stoppers signal it */
  uint32_t id;
  int *errno_at; /* the thread's errno */

  /* stop protocol: sched/stop.c */
  _Atomic uint32_t state;       /* enum mwi_mstate; futex */
  _Atomic uint32_t stop_req;    /* a stopper waits for this thread */
  _Atomic uint32_t retake_req;  /* sysmon wants the P of a thread in external code */
  _Atomic uint32_t preempt_req; /* the goroutine has run for its slice: yield at the next poll */
  /* the stop signal on its way to this thread [P7]: by who sends, before and behind (a futex);
   * owner: of those sent, how many it has met */
  _Atomic uint32_t signals_begun, signals_sent;
  uint32_t signals_met;
  /* written by the thread before it leaves RUN; read by the stopper after it saw that (acquire) */
  uintptr_t stop_sp;          /* scan [stop_sp, top) of the goroutine's or the thread's stack */
  uintptr_t stop_fp;          /* the first frame there; not when in_external */
  uintptr_t ctx_lo, ctx_hi;   /* registers saved by the signal handler, 0 when stopped at a poll */
  bool in_external;           /* stopped by the handler */
  _Atomic bool comes_in;      /* seq_cst: a handler waits for HELD to end (signal.c) */
  _Atomic bool held_for_scan; /* stays stopped past the stop, until its stack and what that points
                                 to are scanned; set with the world stopped */
  /* owner: the number of the call that it waits in, which a stray signal must not end
   * (os/restart.h), plus one, for read's is 0; else 0 */
  _Atomic long sys_number_1;
  struct mwi_os_since since;    /* its handlers: the call of external code's that one of ours met */
  uintptr_t again_pc, again_sp; /* its handlers: a call that one of ours has begin again, or 0 */
  /* owner, and handlers: it is in SYS, in a function of libc's, which a handler's jump may leave
   * (libc.h) */
  _Atomic bool in_libc;
  /* owner, and handlers: what is registered with libc, in case that the thread is cancelled in this
   * wait: it ends the handlers over it, too.  NULL: it must not be cancelled there */
  void *_Atomic cleanup;
  /* cut.c: the call that blocks this thread, if it is one that EINTR can end: a number with
   * MWI_CALL_* in it.  Owner writes, others read */
  _Atomic uint32_t calls;
  _Atomic uint32_t cut_call;  /* the one that is to end, as in calls; 0: none.  seq_cst */
  _Atomic uint32_t mask_turn; /* of mwi_sched.mask_turn: the last that this thread has seen */
  _Atomic bool cut_bound;     /* a handler ran here: the calls of the goroutine bound to it end */
  /* the P that a thread has left for a system call (mwi_syscall_enter), or is given while it
   * sleeps without one (mwi_p_give): who exchanges it for NULL owns it.  The thread itself; sysmon,
   * under sched.lock; a stopper that holds the thread.  p->m stays meanwhile.  release on entry and
   * when it is given, acq_rel else. */
  _Atomic(struct mwi_p *) sys_p;

#if MW_CHECK
  uint32_t yields_in_vain; /* owner: libc_lock.c [LK3] */
#endif

  /* idle parking */
  _Atomic uint32_t park;   /* futex: 1 when woken */
  bool next_inherits;      /* of the P that it is given, for its goroutine: that was in runnext */
  struct mwi_p *first_p;   /* a new thread's, before it begins */
  bool first_spinning;     /* ... which is counted in nspinning */
  struct mwi_m *next_idle; /* under sched.lock */

  /* under sched.allm_lock */
  struct mwi_m *next_all;
};
_Static_assert(offsetof(struct mwi_m, regs) == 128, "switch_amd64.S");

#define MWI_RUNQ 256
/* What the ring prefetches of a stack from sp on: the frames of a park, and of the call that
 * parks.  Those of a read on a socket take eleven lines. */
enum { MWI_EXPECTED = 8 }; /* goroutines of a ring that are prefetched for together */
enum { MWI_NEAR_LINES = 12, MWI_NEAR_BYTES = MWI_NEAR_LINES * MWI_CACHE_LINE };

struct mwi_p {
  /* atomic: the thread that holds it; NULL while idle.  Written under sched.lock or by the holder
   */
  _Atomic(struct mwi_m *) m;

  /* run queue: owner pushes at tail, anyone takes at head (runq.c) */
  _Atomic(struct mwi_g *) runnext; /* runs next, inherits the time slice */
  _Atomic uint32_t runq_head, runq_tail;
  /* owner writes, others read */
  _Atomic uint32_t tick;  /* goroutines started here: sysmon and thieves see whether it moves */
  _Atomic uint32_t slice; /* time slices begun here */
  /* sysmon's word that this one has lasted long enough: the next switch ends it, on whatever
   * thread; taken back there */
  _Atomic uint32_t slice_over;
  /* readies that wake nobody, and how many the next useless wake-up makes it (park.c); the owner
   * counts, a thief that found work here sets both to 0: lost updates harm nobody */
  _Atomic uint32_t wake_skip, wake_backoff;
  uint32_t id; /* constant */
  /* owner */
  struct mwi_aside aside;
  uint32_t expected; /* owner: up to here prefetched, in the ring (runq.c) */
  struct mwi_timers *timers;
  struct mwi_mcache *mcache;
  struct mwi_unasked *unasked; /* unasked.h; NULL: none yet */

  _Atomic(struct mwi_g *) runq[MWI_RUNQ];

  struct mwi_gcp gcp; /* collector: barrier buffer, work, credit */
  struct mwi_g *kept; /* dead goroutines, each with the stack it had (goroutine.c) */
  uint32_t nkept;
  struct mwi_g *bare; /* records whose stacks others took over */
  uint32_t nbare;
  uint64_t next_id, end_id;    /* numbers for new goroutines: [next_id, end_id) */
  _Atomic int32_t ngoroutines; /* births less deaths here; others read */

  _Atomic uint32_t sys_tick; /* how often it has come to be in m->sys_p; sysmon watches it */
  _Atomic uint8_t given;     /* enum mwi_given: how.  Owner; sysmon guesses */

  /* sysmon's */
  uint32_t seen_tick, seen_slice, seen_sys_tick;
  int64_t seen_at, seen_since, slice_since, seen_sys_since, probed;

  struct mwi_p *next_idle; /* under sched.lock */
} MWI_ALIGNED(64);

/* In m->sys_p: left there for a system call, or given to a thread that sleeps without one, which
 * may be counted in nspinning. */
enum mwi_given { MWI_GIVEN_NOT, MWI_GIVEN, MWI_GIVEN_SPINNING };

#define MWI_MAX_THREADS 10000       /* unless mw_set_max_threads says otherwise; Go's number */
#define MWI_MOST_THREADS (1u << 17) /* that it accepts */
#define MWI_KEEP_ON (INT64_MAX - 1)

/* exit(0) when the last goroutine and thread have ended? */
enum mwi_exit { MWI_EXIT_NOT, MWI_EXIT_EMPTY, MWI_EXITING };

struct mwi_sched {
  /* constant between stops of the world */
  int nprocs;
  struct mwi_p *procs[MWI_MAX_PROCS];

  struct mwi_lock lock; /* rank SCHED */
  /* under lock */
  struct mwi_g *runq_head, *runq_tail; /* global run queue */
  struct mwi_p *idle_p;
  struct mwi_m *idle_m;
  struct mwi_g *kept;    /* dead goroutines with stacks */
  struct mwi_g *records; /* without */
  struct mwi_m *new_m;   /* wanted threads, for sysmon to create; linked by next_idle */
  /* atomic copies, read without the lock to skip it */
  _Atomic uint32_t runq_size, nidle_p, nidle_m, nkept, nrecords;
  _Atomic int32_t
      nbound; /* threads of ours that wait with a parked goroutine [X1]; -1 for a moment */
  _Atomic uint32_t nspinning;
  _Atomic uint64_t gid;
  _Atomic int32_t ngoroutines; /* user goroutines: births less deaths without a processor */
  _Atomic int32_t nforeign;    /* attached foreign threads: no deadlock detection then */

  struct mwi_lock allm_lock; /* rank ALLG */
  /* under allm_lock */
  struct mwi_m *all_m;
  uint32_t nthreads, max_threads; /* registered now, ours and others'; more than max is fatal */
  _Atomic uint32_t nm;            /* our threads alive, sysmon left out; written under lock */
  bool world_stopped;             /* new threads are born HELD */
  bool scan_bits;                 /* what tcb->scan is born with */

  _Atomic uint32_t ng; /* records of goroutines ever made: mwi_g_at(0 .. ng - 1) */

  /* one idle thread at a time, the keeper, waits for the earliest timer and for
   * descriptors (sched/netpoll.h) */
  _Atomic uint32_t keeper_futex; /* until netpoll is open; then its eventfd */
  _Atomic int64_t keeper_until;  /* INT64_MAX: no keeper; MWI_KEEP_ON: no timer */
  _Atomic int64_t keeper_holds;  /* relaxed: timers that are due are left to the keeper till then */
  _Atomic uint32_t need_sysmon;  /* futex: not 0 asks sysmon to look now (sysmon.c says why) */
  _Atomic uint32_t has_sysmon;   /* [SM1]; set once, by the only thread; fork takes it back */
  _Atomic uint32_t sysmon_deep;  /* sysmon sleeps until asked: every P was idle */
  int64_t start_ns;
  struct mwi_g *main_g;
  _Atomic uint32_t exit_when_empty; /* enum mwi_exit: what threads do */
  _Atomic bool main_ours;      /* main is a goroutine: without it nobody can be called deadlocked */
  _Atomic bool cuts, cut_main; /* cut.c: sysmon is to look at all, and at main */
  _Atomic bool single;         /* the program has not started a goroutine yet */
  sigset_t sigmask;            /* new threads begin with it.  Under lock; handlers guess */
  sigset_t main_mask;          /* main's thread's; the same */
  _Atomic uint32_t mask_turn;  /* counts its changes while there were other threads of ours */
  _Atomic bool mask_spreads;   /* they are taking it over */
};
extern struct mwi_sched mwi_sched;

/* runq.c */
void mwi_runq_put(struct mwi_p *p, struct mwi_g *g, bool next);
/* Into runnext if that is empty, and no barrier: for who wakes nobody.  Thieves only
 * take from runnext, so NULL stays NULL.  release: pairs with the acquire of their CAS. */
MWI_INLINE bool mwi_runq_put_next_try(struct mwi_p *p, struct mwi_g *g) {
  if (mwi_load_relaxed(&p->runnext)) return false;
  mwi_store_release(&p->runnext, g);
  return true;
}
struct mwi_g *mwi_runq_get(struct mwi_p *p);
struct mwi_g *mwi_runq_get_ring(struct mwi_p *p); /* leaving runnext alone */
void mwi_runq_demote(struct mwi_p *p);            /* runnext loses its turn: to the global queue */
/* runnext alone; it inherits the time slice. */
MWI_INLINE struct mwi_g *mwi_runq_get_next(struct mwi_p *p) {
  struct mwi_g *g = mwi_load_relaxed(&p->runnext);
  /* Only thieves race for it, and they only take it. */
  return g && mwi_cas_acqrel(&p->runnext, &g, NULL) ? g : NULL;
}
struct mwi_g *mwi_runq_steal(struct mwi_p *p, struct mwi_p *victim, bool steal_next);
bool mwi_runq_empty(struct mwi_p *p);
void mwi_globq_put_locked(struct mwi_g *g);
void mwi_globq_put(struct mwi_g *g);
struct mwi_g *mwi_globq_get_locked(struct mwi_p *p);

/* park.c; more in sched.h */
/* First thing that a goroutine does on its stack after a switch: what the one before it asked for.
 */
void mwi_settle(void);
/* The running goroutine, not a foreign one, ends.  light: as for mwi_park_light. */
_Noreturn void mwi_leave(bool (*commit)(struct mwi_g *g, void *arg), bool light);
/* The loop of the calling thread m, without a processor, is to begin with g, which is new: when it
 * has one.  A constructor's goroutines, or a collection's workers, may have them all. */
void mwi_begin_bound(struct mwi_m *m, struct mwi_g *g);
void mwi_need_p(void); /* goroutine context: returns holding a P, maybe on another thread */
void mwi_wake_for_new(void);

/* ending.c */
void mwi_check_dead(void);
void mwi_exit_if_empty(void);

/* proc.c */
_Noreturn void mwi_schedule_loop(void);
void mwi_wake_p(void); /* there is work: start one more thread if a P is idle */
void mwi_acquire_p(struct mwi_m *m, struct mwi_p *p);
struct mwi_p *mwi_release_p(struct mwi_m *m);
struct mwi_p *mwi_release_p_stw(struct mwi_m *m); /* also one that is in sys_p */
void mwi_handoff_p(struct mwi_p *p);              /* give a held P to others, or make it idle */
/* To m, which sleeps without one, or is about to (mwi_p_await). */
void mwi_p_give(struct mwi_m *m, struct mwi_p *p, bool spinning);
/* The calling thread m sleeps until it is given a P, and has it.  False: it has lost that again,
 * for a handler of the program's has kept it from taking it.  Registers and stop_sp are published.
 */
bool mwi_p_await(struct mwi_m *m);
/* sysmon, which has exchanged p in m->sys_p for NULL: it goes to somebody else. */
void mwi_p_pass_on(struct mwi_p *p);
struct mwi_p *mwi_idle_p_get(void);
struct mwi_p *mwi_idle_p_get_timed(void); /* the same, for timers that are due */
void mwi_idle_p_put(struct mwi_p *p);
/* A list of goroutines by g->next, in state RUNNABLE and in no queue. */
struct mwi_glist {
  struct mwi_g *head, *tail;
  uint32_t n;
};
MWI_INLINE void mwi_glist_add(struct mwi_glist *l, struct mwi_g *g) {
  g->next = NULL;
  if (l->tail)
    l->tail->next = g;
  else
    l->head = g;
  l->tail = g;
  l->n++;
}
/* For a goroutine that goes on running: queue them all, wake a thread. */
void mwi_glist_run_beside(struct mwi_glist *l);
void mwi_glist_run(struct mwi_glist *l); /* queue them all, wake threads for them */
/* ... but not for fewer than this, which run sooner one after the other than a sleeping thread is
 * there to help, some fifty microseconds after it is woken, and it would take half of them
 * from where they are at home.  If one of them is long about it, sysmon sees the rest within a
 * millisecond. */
enum { MWI_HELP_FROM = 9 };
void mwi_procs_init(int n);
void mwi_gchooks_init(void);
/* gchooks.c: walk the roots but stacks for mwi_scan_sink (gc/mark.h); kind() says what comes
 * next: mwi_root_globals, then others. */
void mwi_show_roots_stw(void (*kind)(const char *));
extern const char mwi_root_globals[];
void mwi_due_goroutines_init(void);
void mwi_due_goroutines_restart(void); /* in a forked child */

/* m.c */
#define MWI_SIGSTACK_BYTES (64 * MWI_KB) /* the vector state alone can take 11 KB with AMX */
/* For variables of handlers, behind it.  Memory once it is touched: a handler that has used it
 * all has cost as much as a signal stack. */
#define MWI_SCRATCH_BYTES (64 * MWI_KB)
struct mwi_m *mwi_m_new(void);
void mwi_m_forget(struct mwi_m *m); /* in a forked child: its thread is not there */
void mwi_m_adopt(struct mwi_m *m);  /* the calling thread becomes m */
void mwi_detach(void); /* an attached thread leaves: it ends, or becomes the main one */
/* The calling goroutine's stack, for the threadcreate profile; NULL: nobody asks.  Any stack,
 * no lock held. */
extern size_t (*mwi_thread_creator)(uintptr_t *pc, size_t max);
/* The calling thread, of the program's, before its function fn begins. */
void mwi_attach_for(void (*fn)(void));
/* A new or idle thread runs p.  spinning: it counts in nspinning already. */
void mwi_m_start(struct mwi_p *p, bool spinning);
void mwi_m_start_new(void); /* sysmon: create the threads that mwi_m_start wants */
/* Is the thread, with a goroutine on it, between mwi_syscall_enter and exit?  A guess. */
MWI_INLINE bool mwi_m_in_syscall(struct mwi_m *m) {
  uint32_t s = mwi_load_relaxed(&m->state);
  return s == MWI_M_SYS || s == MWI_M_HELD || s == MWI_M_FORKED;
}
MWI_INLINE struct mwi_m *mwi_self(void) {
  return mwi_tcb()->m;
}

/* xorshift32 (Marsaglia 2003).  Where the goroutine migrates meanwhile two threads may share a
 * number: any will do. */
MWI_INLINE uint32_t mwi_rand(void) {
  struct mwi_m *m = mwi_self();
  uint32_t x = m->rand;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return m->rand = x;
}

/* In SYS, is it in a function of libc's that the runtime has called for compiled code?  From a call
 * with a number nobody gets there before he has come back from it. */
MWI_INLINE bool mwi_m_waits_in_libc(const struct mwi_m *m) {
  const struct mwi_g *g = m->tcb.g;
  return g && !m->tcb.p && mwi_load_relaxed(&g->status) == MWI_G_RUNNING &&
         !mwi_load_relaxed(&m->sys_number_1);
}

/* cut.c */
enum { MWI_CALL_CUT = 1, MWI_CALL_NEVER_RESTARTED = 2, MWI_CALL_NEXT = 4 };
/* Around a handler of the program's: the calls that its signal ends. */
struct mwi_cuts {
  struct mwi_g *g; /* whose; NULL: nobody's */
  uint64_t wait;   /* of g->io */
  struct mwi_m *m; /* another thread, that g blocks; NULL: none */
  uint32_t call;   /* of m->calls */
};
void mwi_cut_begin(struct mwi_cuts *c, int sig, const siginfo_t *info);
void mwi_cut_end(const struct mwi_cuts *c, int flags);
/* Do signals end g's parked calls? */
bool mwi_cut_reaches(const struct mwi_g *g);
bool mwi_cut_look(void); /* sysmon; true: once more, soon */

/* signal.c */
/* Plain C so far: main has started no goroutine, and there is no thread but ours. */
bool mwi_single(void);
/* A handler of the program's under way; on its stack. */
struct mwi_handler {
  struct mwi_handler *up; /* the one that it interrupted */
  struct mwi_tcb *tcb;
  uintptr_t frame;            /* somewhere on the stack that it runs on */
  void *uc;                   /* what it interrupted */
  int32_t rt_depth;           /* tcb->rt there */
  uint32_t sig, held_below;   /* tcb->sig and tcb->held there */
  size_t scratch_from;        /* the thread's scratch_used there */
  uintptr_t stop_sp, stop_fp; /* the wait's, if it interrupted one */
  void *cleanup;              /* what is registered with libc for it, or NULL */
  uint8_t calls;              /* there, the goroutine's in_call */
  bool rt;                    /* it interrupted the runtime, and not in a wait */
  bool wait;                  /* in SYS: its thread is in RUN meanwhile, with rt 0 [N6] */
  bool external; /* it interrupted external code, which may have taken locks of libc's */
  bool in_call;  /* there, a section that comes to its end (gc/jumps.h), or a call of libc.c's */
  bool held;     /* it interrupted compiled code: no stop before it ends */
  bool fault;    /* of what it interrupted */
};
MWI_INLINE bool mwi_in_handler(const struct mwi_tcb *t) {
  return t->sig != 0;
}
/* No goroutine's code: a signal handler, or a thread in the middle of the runtime, which a handler
 * interrupted.  What may be called there must go to libc as it is. */
MWI_INLINE bool mwi_off_goroutine(void) {
  const struct mwi_tcb *t = mwi_tcb();
  return t->attached && (t->sig || t->rt > 0 || !t->g);
}
void mwi_handler_leave(struct mwi_handler *h);
/* The calling thread has been cancelled in a wait, or in handlers over it, and is in the wait. */
void mwi_handlers_end(void);
/* scratch.c: memory of the latest handler's; compiled code's variables. */
void *mwi_scratch_new(size_t bytes, bool zero);
void mwi_scratch_leave(struct mwi_m *m, const struct mwi_handler *h);
void mwi_scratch_reset(struct mwi_m *m);
/* fn for each piece that m's handlers have.  m is stopped, or the caller's. */
void mwi_scratch_each(const struct mwi_m *m,
                      void (*fn)(struct mwi_gcp *, uintptr_t lo, uintptr_t hi), struct mwi_gcp *w);
/* jump.c.  Does a jump wait for the end of what g, which runs, is in? */
bool mwi_jump_is_pending(const struct mwi_g *g);
void mwi_jumps_forget(const struct mwi_g *g); /* g ends in the middle of a call */
void mwi_jumps_forked(void); /* in a child: who was about to jump did so in the parent */
/* Does a jump of g's, which runs, to sp leave the frame at?  UINTPTR_MAX: it ends. */
bool mwi_jump_leaves(const struct mwi_g *g, uintptr_t at, uintptr_t sp);
void mwi_jumps_init(void);
void mwi_mask_changed(struct mwi_g *g, const sigset_t *now); /* the running goroutine's thread's */
void mwi_mask_take_over(struct mwi_m *m, sigset_t *interrupted); /* mask_spreads */
/* stop.c: at the end of a handler of the runtime's.  What it has interrupted goes on. */
void mwi_restart_interrupted(struct mwi_m *m, void *uc);
/* Is uc where it goes on? */
bool mwi_begins_again(const struct mwi_m *m, const void *uc);
void mwi_signal_spare(int sig, siginfo_t *info, void *uc); /* the stop signal, from elsewhere */
void mwi_signal_look(void);      /* sysmon: is a signal to be delivered to channels? */
bool mwi_signal_listening(void); /* a signal may come and wake somebody */
void mwi_signal_restart(void);   /* in a forked child */
void mwi_signal_forked(void);    /* the same, before anything else */
extern void (*mwi_signal_fault)(int sig, siginfo_t *info,
                                void *uc); /* debug/crash.c: report, die */
extern void (*mwi_signal_defaults)(void);  /* and its handlers, again */
/* A fault on a folded stack, or on memory that the runtime has a look at (os/fault.h), for handlers
 * of SIGSEGV and SIGBUS.  True: it is dealt with, and nobody is to hear of it. */
bool mwi_signal_fault_is_ours(int sig, const siginfo_t *info, void *uc);
/* NODEFER: a fault inside the handler must be reported too */
#define MWI_FAULT_FLAGS (SA_SIGINFO | SA_ONSTACK | SA_NODEFER)
bool mwi_signal_passes_faults(const struct sigaction *a);
/* debug/forked.c.  Before: nothing is locked yet.  Child: at once; goes on: it has a processor. */
enum mwi_fork_step { MWI_FORK_BEFORE, MWI_FORK_PARENT, MWI_FORK_CHILD, MWI_FORK_GOES_ON };
extern void (*mwi_fork_debug)(enum mwi_fork_step step);
void mwi_signal_open(sigset_t *mask); /* start-up, on the initial thread */

/* src/init.c: start-up, once, in order */
void mwi_init_once(void);

/* goroutine.c */
/* Runnable, in no queue yet.  Its stack comes when it first runs, unless a size is asked for;
 * then NULL: no address space. */
struct mwi_g *mwi_g_new_try(void (*fn)(void *), void *arg, size_t stack_bytes, bool system);
struct mwi_g *mwi_g_record(void); /* record only, with what was in it */
/* Nothing of the last goroutine's that had the record; not its name, stack and state. */
MWI_INLINE void mwi_g_clear(struct mwi_g *g) {
  g->arg = NULL;
  g->m = NULL;
  g->foreign = g->locked = g->system = false;
  g->pins = 0;
  mwi_store_relaxed(&g->in_call, 0);
  g->lends = NULL;
  memset(g->pin, 0, sizeof g->pin);
  g->wake_param = NULL;
  g->wait_reason = MWI_WAIT_NONE;
  mwi_store_relaxed(&g->select_done, 0);
  g->scans = 0;
}
void mwi_g_bury(struct mwi_g *g); /* in a forked child */
/* Some KB below the caller's frame are zero: frames that come to lie there cover words that
 * earlier ones have left without writing to all of them, and a collection would see those. */
void mwi_stack_wipe_below(void);
void mwi_g_record_put(struct mwi_g *g);
/* A kept stack for a goroutine that is to run first; false: none is kept.  With a P, under
 * mwi_rt_enter. */
bool mwi_kept_stack(struct mwi_stack *out);
/* An epoch begins: what is kept from before is put aside; then, later, given up. */
void mwi_kept_age_stw(void);
bool mwi_kept_drop(void); /* some of it; false: there was none */
bool mwi_kept_aged(void);
#define MWI_MAX_GS (1u << 26)
#define MWI_G_CHUNK 256
/* Record i; NULL while it is being made.  Any thread. */
struct mwi_g *mwi_g_at(uint32_t i);
#define MWI_EACH_G(g)                                                                              \
  for (uint32_t g##_i = 0, g##_n = mwi_load_acquire(&mwi_sched.ng); g##_i < g##_n; g##_i++)        \
    for (struct mwi_g *g = mwi_g_at(g##_i); g; g = NULL)
/* Change g's status; waits while a scanner holds the scan bit.  Fatal when it is neither. */
void mwi_g_transition_slow(struct mwi_g *g, uint32_t from, uint32_t to);
MWI_INLINE void mwi_g_transition(struct mwi_g *g, uint32_t from, uint32_t to) {
  /* Nobody holds scan bits then (enum mwi_gstatus), and this does not change here,
   * inside mwi_rt_enter.  release: pairs with a scanner's acquire. */
  if (MWI_LIKELY(!mwi_scan_bits_on() && mwi_load_relaxed(&g->status) == from))
    mwi_store_release(&g->status, to);
  else
    mwi_g_transition_slow(g, from, to);
}

/* external.c */
enum mwi_below {
  MWI_BELOW_OURS,
  MWI_BELOW_EXTERNAL,
  MWI_BELOW_DEEP, /* not known: only ours among the first frames, and there are many */
};
/* Is there a return address into text that is not ours, from the frame at fp on?  Takes
 * some microseconds at most, and then says yes. */
bool mwi_external_below(uintptr_t fp, uintptr_t hi);
/* The truth, if it takes a walk through all of a deep stack. */
bool mwi_external_anywhere(uintptr_t fp, uintptr_t hi);
/* For t's goroutine, which stands still at fp; quick when nothing was called. */
enum mwi_below mwi_called_back(const struct mwi_tcb *t, uintptr_t fp);
extern _Atomic uint32_t mwi_callbacks_everywhere;
/* Must the calling goroutine stay on its thread? [X1] */
bool mwi_bound_slow(struct mwi_m *m, struct mwi_g *g);
MWI_INLINE bool mwi_bound(struct mwi_m *m, struct mwi_g *g) {
  return MWI_UNLIKELY(m->tcb.ext || m->tcb.sig || g->foreign || g->pins ||
                      mwi_load_relaxed(&mwi_callbacks_everywhere)) &&
         mwi_bound_slow(m, g);
}

/* stop.c */
#define MWI_STOP_SIGNAL SIGURG /* ignored by default, and nobody's main business */
void mwi_stop_init(void);
/* The stop signal, if m runs by then, and does not wait; or, with a call of m's (m->calls), if it
 * is in that one still [P7]. */
void mwi_stop_signal(struct mwi_m *m, uint32_t call);
void mwi_stop_forget_signals(struct mwi_m *m); /* in a child: who was about to send is not there */
void mwi_stop_announce(void);                  /* tell a waiting stopper that some state changed */
void mwi_stop_world(void);                     /* returns with every other thread held or stopped */
void mwi_start_world(void);
void mwi_stop_lock_wait(void *m, uintptr_t sp);
void mwi_stop_lock(void); /* serialise stoppers; waits in SYS */
void mwi_stop_unlock(void);
bool mwi_suspend_m(struct mwi_m *m); /* under mwi_stop_lock; false: the thread is gone */
void mwi_resume_m(struct mwi_m *m);
void mwi_stop_check(void); /* scheduler loop, workers: stop here if asked */
void mwi_leave_sys(struct mwi_m *m);
void mwi_enter_sys(
    struct mwi_m *m); /* registers and stop_sp are published already, or not needed */
/* A handler has interrupted external code if `external`.  If its thread waits in SYS it is in RUN
 * afterwards, and the result true; but not before the world goes on. */
bool mwi_stop_come_in(struct mwi_m *m, bool external);
void mwi_stop_go_back(struct mwi_m *m); /* a handler over mwi_syscall_enter's wait has vanished */

/* Around fork: see there. */
void mwi_stop_take_external_ps(void);
void mwi_stop_release_external(void);
void mwi_stop_forget(void);

/* fork.c */
void mwi_fork_init(void);
void mwi_fork_finish(void);     /* first thing of a child that asks for a processor */
bool mwi_fork_unfinished(void); /* it has not asked yet */

/* sysmon.c */
void mwi_sysmon_init(void);
void mwi_sysmon_look_for_need(void); /* in a forked child: is there something already? */
void mwi_sysmon_start(void);
/* [SM1] It has something to do from here on.  Creates a thread the first time, when
 * the caller is the only one: any stack, any lock of the runtime's, no handler of a signal but
 * where it has interrupted a system call. */
MWI_INLINE void mwi_sysmon_need(void) {
  if (MWI_UNLIKELY(!mwi_load_relaxed(&mwi_sched.has_sysmon))) mwi_sysmon_start();
}
#if MW_CHECK
void mwi_sysmon_check(void); /* [SM1] */
void mwi_keeper_check(void); /* [KW1], for sysmon: it is in the middle of nothing */
#else
MWI_INLINE void mwi_sysmon_check(void) {}
MWI_INLINE void mwi_keeper_check(void) {}
#endif
void mwi_sysmon_wake(void);       /* something is to be done */
void mwi_sysmon_stir(void);       /* out of its sleep without end */
void mwi_sysmon_stir_timed(void); /* the same; nobody but a timer has made a processor busy */

#endif
