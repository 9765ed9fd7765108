/* SPDX-License-Identifier: MIT */
/*
 * sched/signal.c -- the program's handlers of signals
 *
 * Job      Handlers that compiled code installs run with polls held off, whatever they interrupt,
 *          and where plain C would have them run.
 * Promise  [N1] While a handler of the program's runs, its thread's goroutine
 *          neither yields nor changes threads, and where the handler has
 *          interrupted compiled code or the runtime the thread is not stopped
 *          either: what was interrupted may be between a barrier's flag and its
 *          store, or in the middle of an allocation.
 *          [N6] A thread that waits in the runtime counts as stopped, and nobody asks it. So a
 *          handler that comes there takes that back until it ends, and if the world is stopped
 *          by then, does not begin before it goes on. Compiled code in handlers, too,
 *          runs in RUN only; so [A2] holds for its stores, and what it holds is
 *          scanned: its frames in the stop that begins marking, where no goroutine's scan covers
 *          them. It can be stopped in turn, as over external code [N1]: the wait, which holds no
 *          lock [P4], is a place to be stopped in.
 *          [N5] A program that has started neither a goroutine nor a thread sees
 *          its signals as plain C does: a handler runs between two instructions of
 *          main's or while main waits, never beside it, and the mask is the process's
 *          (signal_mask.c).
 *          One with threads and no goroutine sees no handler on a thread that plain C does not
 *          have, unless main blocks the signal.
 *          [N7] With goroutines, too, a signal to the process that main does not block has its
 *          handler run on main's thread, while main has one: whatever blocks main there, in a
 *          library or in the kernel, is interrupted as it is in plain C.  Where main is parked its
 *          call is ended by cut.c.
 *          [N4] A folded stack comes back (sched/fold.c, [L2]) whatever compiled
 *          code has asked for SIGSEGV, which hears of no such fault.
 * How      Compiled code's sigaction comes here.  The kernel is given
 *          `trampoline`, which counts the handler in tcb->sig; the program sees
 *          its own handlers in what it asks for.  A handler that is left by
 *          siglongjmp is forgotten by sched/jump.c.
 *          Once compiled code has asked for SIGSEGV, the trampoline stays in the
 *          kernel whatever is asked, SIG_DFL and SIG_IGN too, and does what the
 *          kernel would do [N4]; and what compiled code blocks, in masks and
 *          during handlers of other signals, SIGSEGV is not among it.
 *          The runtime's own handlers the program sees as they are; what it gives back is installed
 *          as it was.
 *          SA_RESETHAND the trampoline does itself: the kernel would take the handler away
 *          from a signal that has to go on to main's thread first [N5] [N7].
 * Threads  mwi_actions_lock for changes; the trampoline reads without it.  `settling`, a spinlock
 *          under which no signal comes, keeps table and kernel together: handlers change them too.
 * Limits   The stop signal (SIGURG) stays the runtime's: the program's handler
 *          for it is called for signals that are not from the runtime, and it
 *          is never blocked.  SIGSEGV ignored is not inherited by exec.
 *          Timers wait for a handler that has come on the thread that keeps them (keeper.c), while
 *          nobody else is awake.
 * Next     signal_older.c (signal and others), cut.c (whose call ends), scratch.c (their
 * variables), jump.c (how they are left)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include "gc/gc.h"
#include "os/fault.h"
#include "os/os.h"
#include "os/restart.h"
#include "os/syscall.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/signal.h"
#include "sched/stack.h"

typedef void handler_fn(int);
typedef void action_fn(int, siginfo_t *, void *);

/* What the program asked for.  The handler is read by the trampoline: seq_cst
 * loads, and a new one is written before the kernel hears of it. */
static struct action {
  /* 0: the trampoline is not installed; for SIGSEGV, where it stays, what was asked */
  _Atomic uintptr_t handler;
  _Atomic int flags;
  /* the others: settled with the kernel */
  bool masks_segv;          /* asked to block SIGSEGV meanwhile */
  bool heard;               /* channels get it, by mwi_signal_note */
  struct sigaction unheard; /* what it does otherwise, as the program sees it */
} actions[MWI_NSIG];
mw_mutex mwi_actions_lock;

/* Of table and kernel, for some system calls' time.  Handlers take it. */
static _Atomic bool settling;
static void settle_begin(sigset_t *before) {
  sigset_t all;
  mwi_os_fill_mask(&all);
  pthread_sigmask(SIG_SETMASK, &all, before);
  while (mwi_xchg_acqrel(&settling, true)) mwi_os_yield();
}
static void settle_end(const sigset_t *before) {
  mwi_store_release(&settling, false);
  pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- Where main is -------------------------------------------------------- */

/*
 * [N5], [N7].  Plain C runs its handlers where its code runs, between two instructions, and one
 * beside another never.  Here a signal may come on a thread that main is not on, and is sent on to
 * main's.  While main is alone it keeps its own (MWI_PIN_ALONE), parked or not.  Later it may have
 * left it when the signal comes there; once is enough.
 */
bool mwi_single(void) {
  return mwi_load_relaxed(&mwi_sched.single) &&
         mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) == 0;
}

static bool is_fault(int sig) {
  return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP;
}

/* The kernel lets a thread give others only codes below zero, as sigqueue has them, so
 * the code that came (kill's, a timer's) travels in one that nobody else uses. */
#define SENT_ON INT_MIN
static bool send_on(int sig, const siginfo_t *info, const struct mwi_m *to) {
  siginfo_t copy = *info;
  copy.si_code = SENT_ON + (uint16_t)info->si_code;
  return mwi_sys4(SYS_rt_tgsigqueueinfo, mwi_sys0(SYS_getpid), to->tid, sig, &copy) == 0;
}
static bool was_sent_on(const siginfo_t *info) {
  return info->si_code <= SENT_ON + UINT16_MAX;
}
static void as_it_came(siginfo_t *info) {
  if (was_sent_on(info)) info->si_code = (int16_t)(info->si_code - SENT_ON);
}

static bool on_main(void) {
  const struct mwi_tcb *t = mwi_tcb();
  return t->attached && t->g == mwi_sched.main_g;
}

/* Beside goroutines or threads of the program's: has it come on a thread of ours, which plain C
 * does not have, where it is not another's?  A goroutine's, while there are any, is what was sent
 * to its thread; and what main blocks somebody else may want. */
static bool is_mains(int sig, const siginfo_t *info) {
  const struct mwi_tcb *t = mwi_tcb();
  if (!t->attached || !t->m || t->m->foreign) return false;
  if (sigismember(&mwi_sched.main_mask, sig) == 1) return false;
  return mwi_load_relaxed(&mwi_sched.single) || info->si_code != SI_TKILL;
}

/* Is it another thread's, main's?  Then it has been sent on.  (Not one of SIGRTMIN and above
 * of which the kernel keeps no more.) */
static bool sent_to_main(int sig, const siginfo_t *info) {
  const struct mwi_g *main = mwi_sched.main_g;
  if (!main || !mwi_load_relaxed(&mwi_sched.main_ours)) return false;
  if (on_main() || is_fault(sig) || was_sent_on(info)) return false;
  if (!mwi_single() && !is_mains(sig, info)) return false;
  const struct mwi_m *to = main->m; /* a guess, unless main is alone */
  return to && to->tcb.g == main && send_on(sig, info, to);
}

static bool is_function(handler_fn *fn) {
  return fn != SIG_DFL && fn != SIG_IGN && fn != SIG_ERR;
}

/* As the kernel would: at once when the signal was sent; a fault is repeated. */
static void die_of_segv(bool sent) {
  struct sigaction sa = {.sa_handler = SIG_DFL};
  sigaction(SIGSEGV, &sa, NULL);
  if (!sent) return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  mwi_os_signal_thread(mwi_os_tid(), SIGSEGV);
}

bool mwi_signal_fault_is_ours(int sig, const siginfo_t *info, void *uc) {
  if (info->si_code <= 0 || (sig != SIGSEGV && sig != SIGBUS)) return false;
  return (sig == SIGSEGV && mwi_stack_fault((uintptr_t)info->si_addr)) || mwi_os_copy_faulted(uc);
}

/* What to call for a SIGSEGV [N4]; 0: nothing. */
static uintptr_t segv_handler(const siginfo_t *info) {
  bool sent = info->si_code <= 0;
  uintptr_t fn = mwi_load_seqcst(&actions[SIGSEGV].handler);
  while (is_function((handler_fn *)fn) &&
         (mwi_load_relaxed(&actions[SIGSEGV].flags) & (int)SA_RESETHAND) &&
         !atomic_compare_exchange_strong(&actions[SIGSEGV].handler, &fn, (uintptr_t)SIG_DFL))
    continue;
  if (is_function((handler_fn *)fn)) return fn;
  if (!sent || (handler_fn *)fn != SIG_IGN) die_of_segv(sent);
  return 0;
}

/* ---- The trampoline ------------------------------------------------------ */

static void handler_enter(struct mwi_handler *h, void *uc, uintptr_t pc) {
  struct mwi_tcb *t = mwi_tcb();
  struct mwi_m *m = t->attached ? t->m : NULL;
  h->uc = uc;
  h->tcb = t;
  h->up = t->handlers;
  h->sig = t->sig;
  h->held_below = t->held;
  h->calls = t->attached && t->g ? mwi_load_relaxed(&t->g->in_call) : 0;
  h->in_call = h->calls > (h->up ? h->up->calls : 0);
  h->frame = (uintptr_t)h;
  h->rt_depth = t->attached ? t->rt : 0;
  h->external = !mwi_text_contains(pc);
  h->wait = false;
  h->cleanup = NULL;
  if (m) {
    h->stop_sp = m->stop_sp;
    h->stop_fp = m->stop_fp;
    if (mwi_m_in_syscall(m) && !mwi_m_waits_in_libc(m)) h->external = false; /* a wait of ours */
    h->wait = mwi_stop_come_in(m, h->external); /* first: a stopper reads the rest */
  }
  /* more than what a handler below it met, and began from */
  h->rt = !h->wait && h->rt_depth > (h->up && !h->up->wait ? h->up->rt_depth : 0);
  h->fault = false;
  /* [N1] In external code, or a wait, with no lock of ours this thread may be stopped, also
   * while the handler runs; but not on another stack, which nobody scans. */
  stack_t ss;
  bool asked =
      mwi_sys2(SYS_sigaltstack, NULL, &ss) == 0; /* not by libc, where it could be stopped */
  h->held = (mwi_text_contains(pc) && !h->wait) || (asked && (ss.ss_flags & SS_ONSTACK));
  if (!m) return;
  h->scratch_from = m->scratch_used;
  t->ext = 1; /* what lies below the handler is not all compiled code */
  t->handlers = h;
  t->sig++;
  t->mcache = &mwi_mcache_none; /* an allocation that was interrupted goes on with its own */
  if (h->held) t->held++;
  if (!h->wait) return;
  t->waits++;
  t->rt = 0; /* nothing is half done there; last: from here it can be stopped */
}

/* Another handler's jump may interrupt this, and leave h once more. */
void mwi_handler_leave(struct mwi_handler *h) {
  struct mwi_tcb *t = h->tcb;
  if (!t->attached) return;
  if (MWI_UNLIKELY(h->cleanup != NULL)) __pthread_unregister_cancel(h->cleanup);
  h->cleanup = NULL;
  mwi_scratch_leave(t->m, h);
  if (h->wait) { /* first: from here it cannot be stopped, but where it was */
    t->rt = h->rt_depth;
    t->waits--;
  }
  t->sig = h->sig;
  t->held = h->held_below;
  t->handlers = h->up;
  if (!t->sig && t->p) t->mcache = t->p->mcache;
  mwi_store_relaxed(&t->poll, 1); /* what was held off */
  if (!h->wait) return;
  t->m->stop_sp = h->stop_sp;
  t->m->stop_fp = h->stop_fp;
  mwi_enter_sys(t->m);
}

/* Their frames are gone, and their records with them. The wait is mwi_syscall_enter's. */
void mwi_handlers_end(void) {
  struct mwi_m *m = mwi_self();
  mwi_stop_go_back(m);
  m->tcb.rt = 1;
  m->tcb.sig = m->tcb.held = m->tcb.waits = 0;
  m->tcb.handlers = NULL;
  mwi_scratch_reset(m);
}

/* SA_RESETHAND: who takes the handler has the kernel do the default from here.  0: it has
 * served, and this signal comes again, for the kernel. */
static uintptr_t take_once(int sig, int *flags) {
  static const struct sigaction dfl = {.sa_handler = SIG_DFL};
  sigset_t before;
  settle_begin(&before);
  uintptr_t fn = mwi_load_seqcst(&actions[sig].handler);
  *flags = mwi_load_relaxed(&actions[sig].flags);
  if (fn && (*flags & (int)SA_RESETHAND)) {
    mwi_store_seqcst(&actions[sig].handler, 0);
    if (sig != MWI_STOP_SIGNAL) sigaction(sig, &dfl, NULL);
  }
  settle_end(&before);
  if (!fn && sig != MWI_STOP_SIGNAL) mwi_os_signal_thread(mwi_os_tid(), sig);
  return fn;
}

/* Counted, and fn is what there was to call, or 0. */
static void call_handler(uintptr_t fn, int sig, siginfo_t *info, void *uc) {
  int flags = mwi_load_relaxed(&actions[sig].flags);
  bool once = sig != SIGSEGV && (flags & (int)SA_RESETHAND);
  if ((fn || once) && sent_to_main(sig, info)) return;
  as_it_came(info);
  if (once) fn = take_once(sig, &flags);
  if (!fn) return; /* it has just been taken away */
  mwi_assert(!mwi_single() || on_main() || is_fault(sig) || sig >= SIGRTMIN);            /* [N5] */
  mwi_assert(!mwi_tcb()->attached || mwi_load_relaxed(&mwi_self()->state) == MWI_M_RUN); /* [N6] */
  struct mwi_cuts cuts;
  mwi_cut_begin(&cuts, sig, info);
  const struct mwi_tcb *t = mwi_tcb(); /* before another of ours comes */
  bool again = t->attached && mwi_begins_again(t->m, uc);
  if (flags & SA_SIGINFO)
    ((action_fn *)fn)(sig, info, uc);
  else
    ((handler_fn *)fn)(sig);
  mwi_cut_end(&cuts, flags);
  /* A call that was under way when the stop signal came, and this one on top of it, is to begin
   * again; but this handler ends it, as it would have by itself. */
  if (again && (!(flags & SA_RESTART) || mwi_os_call_never_restarts(uc))) mwi_os_cut_call(uc);
}

/* A thread of the program's may end in its handler (pthread_cancel, pthread_exit): the handler then
 * ends before the program's clean-up runs, which is outside of it. */
static void handler_ends_with_thread(void *h_) {
  struct mwi_handler *h = h_;
  h->cleanup = NULL;                                            /* libc has taken it */
  if (h->wait && mwi_load_relaxed(&h->tcb->m->cleanup)) return; /* which ends all over the wait */
  mwi_handler_leave(h);
}
static MWI_NOINLINE void call_on_thread(struct mwi_handler *h, uintptr_t fn, int sig,
                                        siginfo_t *info, void *uc) {
  pthread_cleanup_push(handler_ends_with_thread, h);
  h->cleanup = &__cancel_buf;
  call_handler(fn, sig, info, uc);
  h->cleanup = NULL;
  pthread_cleanup_pop(0);
}

/* On both sides of the count only code of ours, in which nobody is stopped: what is below may be
 * between flag and store, and not every handler's signal is blocked, by which others could tell. */
static void trampoline(int sig, siginfo_t *info, void *uc) {
  (void)mwi_tcb_of_thread();
  if (mwi_signal_fault_is_ours(sig, info, uc)) return;
  uintptr_t fn = sig == SIGSEGV ? segv_handler(info) : mwi_load_seqcst(&actions[sig].handler);
  if (!fn && (sig == SIGSEGV || !(mwi_load_relaxed(&actions[sig].flags) & (int)SA_RESETHAND)))
    return;
  struct mwi_handler h;
  handler_enter(&h, uc, (uintptr_t)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP]);
  h.fault = is_fault(sig) && info->si_code > 0;
  int saved = errno; /* for handlers that do not think of it */
  if (h.tcb->g && h.tcb->g->foreign)
    call_on_thread(&h, fn, sig, info, uc);
  else
    call_handler(fn, sig, info, uc);
  errno = saved;
  mwi_handler_leave(&h);
  /* The thread has met the runtime in its handler: it keeps the signal stack that it was given. */
  if (MWI_UNLIKELY(!h.tcb->attached && mwi_tcb()->attached))
    sigaltstack(NULL, &((ucontext_t *)uc)->uc_stack);
}

/* The stop signal, not from the runtime (sched/stop.c). */
void mwi_signal_spare(int sig, siginfo_t *info, void *uc) {
  if (mwi_load_seqcst(&actions[sig].handler)) trampoline(sig, info, uc);
}

/* ---- sigaction -------------------------------------------------------------- */

/* A handler that the runtime has installed by itself.  The program sees it, and may give it back.
 */
static bool is_runtimes(const struct sigaction *act) {
  return is_function(act->sa_handler) &&
         (act->sa_sigaction == mwi_signal_fault || act->sa_sigaction == mwi_signal_note);
}

/* It comes back as it was: signal() tells neither flags nor mask.  Where no channel listens any
 * more, that is what was before one did. */
static struct sigaction as_it_was(int sig, const struct sigaction *act) {
  if (act->sa_sigaction == mwi_signal_fault)
    return (struct sigaction){.sa_sigaction = mwi_signal_fault, .sa_flags = MWI_FAULT_FLAGS};
  if (!actions[sig].heard) return actions[sig].unheard;
  struct sigaction note = {.sa_sigaction = mwi_signal_note,
                           .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigfillset(&note.sa_mask);
  return note;
}

/* Does the kernel get the trampoline for what is asked? */
static bool goes_through_us(int sig, const struct sigaction *act) {
  return !is_runtimes(act) && (sig == SIGSEGV || is_function(act->sa_handler));
}

/* What the kernel is told instead of *act, which goes through us. */
static struct sigaction covered(int sig, const struct sigaction *act) {
  struct sigaction k = *act;
  k.sa_sigaction = trampoline;
  k.sa_flags |= SA_SIGINFO;
  k.sa_flags &= ~(int)SA_RESETHAND; /* take_once; a fault of ours would use SIGSEGV's up */
  if (sig != SIGSEGV) return k;
  if (!is_function(act->sa_handler)) k.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  return k;
}

/* mwi_actions_lock held, but in handlers. */
static int set_action_settled(int sig, const struct sigaction *act, struct sigaction *old) {
  struct sigaction own;
  if (act && is_runtimes(act)) {
    own = as_it_was(sig, act);
    act = &own;
  }
  uintptr_t before = mwi_load_relaxed(&actions[sig].handler);
  int flags = mwi_load_relaxed(&actions[sig].flags);
  bool masked = actions[sig].masks_segv, through = act && goes_through_us(sig, act);
  struct sigaction kernel, was;
  if (act) {
    kernel = *act;
    if (sig != SIGSEGV) {
      actions[sig].masks_segv = sigismember(&act->sa_mask, SIGSEGV) == 1;
      sigdelset(&kernel.sa_mask, SIGSEGV); /* [N4] */
    }
    if (through) {
      /* Another thread's signal between these stores may find a handler with the other's flags. */
      mwi_store_relaxed(&actions[sig].flags, act->sa_flags);
      mwi_store_seqcst(&actions[sig].handler, (uintptr_t)act->sa_handler);
      struct sigaction k = covered(sig, &kernel);
      kernel = k;
    }
  }
  int r = 0;
  if (sig != MWI_STOP_SIGNAL) {
    r = sigaction(sig, act ? &kernel : NULL, &was);
  } else { /* the runtime's own handler stays */
    was = (struct sigaction){.sa_handler = SIG_DFL};
    if (before) was.sa_sigaction = trampoline;
  }
  if (r != 0) {
    mwi_store_relaxed(&actions[sig].flags, flags);
    mwi_store_seqcst(&actions[sig].handler, before);
    actions[sig].masks_segv = masked;
    return r;
  }
  if (act && !through && !is_runtimes(act)) mwi_store_seqcst(&actions[sig].handler, 0);
  *old = was;
  if (masked) sigaddset(&old->sa_mask, SIGSEGV);
  if (was.sa_sigaction == trampoline && (before || sig == SIGSEGV)) {
    old->sa_sigaction = (action_fn *)before;
    old->sa_flags = flags;
  }
  return 0;
}

int mwi_action_set_locked(int sig, const struct sigaction *act, struct sigaction *old) {
  sigset_t mask;
  settle_begin(&mask);
  int r = set_action_settled(sig, act, old);
  settle_end(&mask);
  return r;
}

/* Channels get the signal from now on, whatever it did; or no longer, and then it does that again,
 * unless the program has asked for something else meanwhile. */
void mwi_action_hear_locked(int sig, bool hear) {
  struct action *a = &actions[sig];
  struct sigaction now, note = {.sa_sigaction = mwi_signal_note};
  sigset_t mask;
  settle_begin(&mask);
  set_action_settled(sig, NULL, &now);
  bool heard = now.sa_sigaction == mwi_signal_note;
  if (hear && !heard) a->unheard = now;
  a->heard = hear;
  if (hear != heard) set_action_settled(sig, hear ? &note : &a->unheard, &now);
  settle_end(&mask);
}

/* The program's memory is touched before and behind what is done with all signals blocked: SIGSEGV
 * unfolds the stack that it may lie on [L2]. */
MWI_EXPORT int mwi_rt_sigaction(int sig, const struct sigaction *act, struct sigaction *old) {
  if (!mwi_signal_valid(sig)) return sigaction(sig, act, old);
  struct sigaction wanted, was;
  if (act) wanted = *act;
  const struct sigaction *to = act ? &wanted : NULL;
  int r;
  if (mwi_in_handler(mwi_tcb())) { /* where sigaction is allowed and a lock is not */
    r = mwi_action_set_locked(sig, to, &was);
    if (r == 0 && old) *old = was;
  } else {
    struct mwi_g *g = mwi_getg();
    mwi_jumps_wait(g);
    mw_mutex_lock(&mwi_actions_lock);
    r = mwi_action_set_locked(sig, to, &was);
    int e = errno;
    mw_mutex_unlock(&mwi_actions_lock);
    if (r == 0 && old) *old = was; /* also where a handler's jump comes now */
    mwi_errno_set(e);
    mwi_jumps_go(g);
  }
  return r;
}

/* In a forked child: whoever settled is not there. */
void mwi_signal_forked(void) {
  mwi_store_relaxed(&settling, false);
}

/* Is it a handler of ours, through which faults come to mwi_stack_fault? */
bool mwi_signal_passes_faults(const struct sigaction *a) {
  return (a->sa_flags & SA_SIGINFO) &&
         (a->sa_sigaction == trampoline || a->sa_sigaction == mwi_signal_note);
}
