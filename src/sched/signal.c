/* SPDX-License-Identifier: MIT */
/*
 * sched/signal.c -- the program's signals: handlers, notifications, masks
 *
 * Job      Handlers that compiled code installs run with polls held off,
 *          whatever they interrupt.  mw_signal_notify turns signals into
 *          values on channels.  A goroutine that changes its signal mask keeps
 *          the thread whose mask that is.
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
 *          [N2] Delivery to channels never blocks: the handler sets a bit and
 *          wakes a thread that no signal interrupts; a channel without room
 *          misses the signal, and signals that come twice before anybody looks
 *          come once, as in Go.
 *          [N5] A program that has started neither a goroutine nor a thread sees
 *          its signals as plain C does: a handler runs between two instructions of
 *          main's or while main waits, never beside it, and the mask is the process's.
 *          One with threads and no goroutine sees no handler on a thread that plain C does not
 *          have, unless main has changed its mask since.
 *          [N7] With goroutines, too, a signal to the process that main does not block has its
 *          handler run on main's thread, while main has one: whatever blocks main there, in a
 *          library or in the kernel, is interrupted as it is in plain C.  Where main is parked its
 *          call is ended by cut.c.
 *          [N3] After mw_signal_stop has returned nothing is sent to the channel; what came before
 *          it was called has been.
 *          [N4] A folded stack comes back (sched/fold.c, [L2]) whatever compiled
 *          code has asked for SIGSEGV, which hears of no such fault.
 * How      Compiled code's sigaction and signal come here.  The kernel is given
 *          `trampoline`, which counts the handler in tcb->sig; the program sees
 *          its own handlers in what it asks for.  A handler that is left by
 *          siglongjmp is forgotten by sched/jump.c.
 *          Once compiled code has asked for SIGSEGV, the trampoline stays in the
 *          kernel whatever is asked, SIG_DFL and SIG_IGN too, and does what the
 *          kernel would do [N4]; and what compiled code blocks, in masks and
 *          during handlers of other signals, SIGSEGV is not among it.
 *          SA_RESETHAND the trampoline does itself: the kernel would take the handler away
 *          from a signal that has to go on to main's thread first [N5].
 *          `notified` and `pending` are words of bits.  sysmon readies the
 *          goroutine that sends.
 * Threads  actions_lock for changes; the trampoline reads without it.  Rank
 *          SEMA: channels are used inside of it.  `settling`, a spinlock under which no
 *          signal comes, keeps table and kernel together: handlers change them too.
 * Limits   The stop signal (SIGURG) stays the runtime's: the program's handler
 *          for it is called for signals that are not from the runtime, and it
 *          is never blocked.  SIGSEGV ignored is not inherited by exec.
 *          Timers wait for a handler that has come on the thread that keeps them (keeper.c), while
 *          nobody else is awake.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/os.h"
#include "os/restart.h"
#include "os/syscall.h"
#include "os/thread.h"
#include "sched/chan.h"
#include "sched/lend.h"
#include "sched/proc.h"
#include "sched/stack.h"

#define NSIG_MAX 65
#define BIT(sig) (UINT64_C(1) << ((sig) - 1))

typedef void handler_fn(int);
typedef void action_fn(int, siginfo_t *, void *);

/* What the program asked for.  The handler is read by the trampoline: seq_cst
 * loads, and a new one is written before the kernel hears of it. */
static struct action {
  /* 0: the trampoline is not installed; for SIGSEGV, where it stays, what was asked */
  _Atomic uintptr_t handler;
  _Atomic int flags;
  bool masks_segv; /* asked to block SIGSEGV meanwhile; under actions_lock */
} actions[NSIG_MAX];
static mw_mutex actions_lock;

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

static bool valid(int sig) {
  return sig > 0 && sig < NSIG_MAX;
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

/* What to call for a SIGSEGV [N4]; 0: nothing. */
static uintptr_t segv_handler(const siginfo_t *info) {
  bool sent = info->si_code <= 0;
  if (!sent && mwi_stack_fault((uintptr_t)info->si_addr)) return 0;
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

int mwi_rt_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
handler_fn *mwi_rt_signal(int sig, handler_fn *fn);

/* Does the kernel get the trampoline for what is asked? */
static bool goes_through_us(int sig, const struct sigaction *act) {
  if (sig != SIGSEGV) return is_function(act->sa_handler);
  return act->sa_sigaction != mwi_signal_fault; /* which comes back from those who saved it */
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

/* actions_lock held, but in handlers. */
static int set_action_settled(int sig, const struct sigaction *act, struct sigaction *old) {
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
  if (act && !through) mwi_store_seqcst(&actions[sig].handler, 0);
  *old = was;
  if (masked) sigaddset(&old->sa_mask, SIGSEGV);
  if (was.sa_sigaction == trampoline && (before || sig == SIGSEGV)) {
    old->sa_sigaction = (action_fn *)before;
    old->sa_flags = flags;
  }
  return 0;
}

static int set_action_locked(int sig, const struct sigaction *act, struct sigaction *old) {
  sigset_t mask;
  settle_begin(&mask);
  int r = set_action_settled(sig, act, old);
  settle_end(&mask);
  return r;
}

/* The program's memory is touched before and behind what is done with all signals blocked: SIGSEGV
 * unfolds the stack that it may lie on [L2]. */
MWI_EXPORT int mwi_rt_sigaction(int sig, const struct sigaction *act, struct sigaction *old) {
  if (!valid(sig)) return sigaction(sig, act, old);
  struct sigaction wanted, was;
  if (act) wanted = *act;
  const struct sigaction *to = act ? &wanted : NULL;
  int r;
  if (mwi_in_handler(mwi_tcb())) { /* where sigaction is allowed and a lock is not */
    r = set_action_locked(sig, to, &was);
    if (r == 0 && old) *old = was;
  } else {
    struct mwi_g *g = mwi_getg();
    mwi_jumps_wait(g);
    mw_mutex_lock(&actions_lock);
    r = set_action_locked(sig, to, &was);
    int e = errno;
    mw_mutex_unlock(&actions_lock);
    if (r == 0 && old) *old = was; /* also where a handler's jump comes now */
    mwi_errno_set(e);
    mwi_jumps_go(g);
  }
  return r;
}

/* BSD's meaning, which is libc's: the handler stays, calls are restarted. */
MWI_EXPORT handler_fn *mwi_rt_signal(int sig, handler_fn *fn) {
  struct sigaction act = {.sa_handler = fn, .sa_flags = SA_RESTART}, old;
  if (fn == SIG_ERR || !valid(sig)) {
    errno = EINVAL;
    return SIG_ERR;
  }
  sigemptyset(&act.sa_mask);
  sigaddset(&act.sa_mask, sig);
  return mwi_rt_sigaction(sig, &act, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* System V's: once, and not held back. */
handler_fn *mwi_rt_sysv_signal(int sig, handler_fn *fn);
MWI_EXPORT handler_fn *mwi_rt_sysv_signal(int sig, handler_fn *fn) {
  struct sigaction act = {.sa_handler = fn, .sa_flags = (int)SA_RESETHAND | SA_NODEFER}, old;
  if (fn == SIG_ERR || !valid(sig)) {
    errno = EINVAL;
    return SIG_ERR;
  }
  return mwi_rt_sigaction(sig, &act, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* ---- Masks -------------------------------------------------------------------- */

int mwi_rt_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int mwi_rt_sigprocmask(int how, const sigset_t *set, sigset_t *old);

static bool same(const sigset_t *a, const sigset_t *b) {
  for (int sig = 1; sig < NSIG_MAX; sig++)
    if (sigismember(a, sig) != sigismember(b, sig)) return false;
  return true;
}

/*
 * The process is one goroutine and threads of ours that serve it: to the program, its mask
 * is the process's.  So all of them take it over, each in the stop signal's handler.  Until then no
 * handler of the program's ends on one of them either: one that is under way was let
 * in by the mask that was.
 */
static void spread_mask(void) {
  struct mwi_m *self = mwi_self();
  uint32_t turn = mwi_load_relaxed(&mwi_sched.mask_turn) + 1;
  mwi_store_seqcst(&mwi_sched.mask_turn, turn);
  mwi_store_seqcst(&mwi_sched.mask_spreads, true);
  mwi_lock(&mwi_sched.allm_lock);
  struct mwi_m *first = mwi_sched.all_m; /* later ones begin with the new mask */
  mwi_unlock(&mwi_sched.allm_lock);
  mwi_syscall_enter(); /* a stop may come first */
  for (struct mwi_m *m = first; m; m = m->next_all) {
    if (m == self) continue;
    for (int i = 0; mwi_load_seqcst(&m->mask_turn) != turn; i++) {
      if (mwi_load_acquire(&m->state) == MWI_M_DEAD) break;
      if (i % 16 == 0) mwi_os_signal_thread(m->tid, MWI_STOP_SIGNAL);
      mwi_os_yield();
    }
  }
  mwi_store_seqcst(&mwi_sched.mask_spreads, false);
  mwi_syscall_exit();
}

/* In the stop signal's handler. */
void mwi_mask_take_over(struct mwi_m *m, sigset_t *interrupted) {
  uint32_t turn = mwi_load_seqcst(&mwi_sched.mask_turn);
  if (mwi_load_relaxed(&m->mask_turn) == turn || m->tcb.sig) return;
  *interrupted = mwi_sched.sigmask; /* nobody changes it before we have answered */
  mwi_store_seqcst(&m->mask_turn, turn);
}

/* Nobody but main at the moment. */
static bool alone(const struct mwi_g *g) {
  return g == mwi_sched.main_g && mw_num_goroutine() == 1 &&
         mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) == 0;
}

void mwi_mask_changed(struct mwi_g *g, const sigset_t *now) {
  bool all = alone(g), spread = false;
  mwi_lock(&mwi_sched.lock);
  if (g == mwi_sched.main_g) mwi_sched.main_mask = *now;
  bool own = !same(now, &mwi_sched.sigmask);
  if (own && (all || mwi_load_relaxed(&mwi_sched.nm) == 1)) {
    mwi_sched.sigmask = *now;
    own = false;
    spread = mwi_load_relaxed(&mwi_sched.nm) > 1;
  }
  mwi_unlock(&mwi_sched.lock);
  if (spread) spread_mask();
  if (own && !g->pin[MWI_PIN_MASK]) mwi_pin(g, MWI_PIN_MASK);
  if (!own) mwi_unpin(g, MWI_PIN_MASK);
}

/* Start-up: *mask is what the initial thread's is, with SIGSEGV let through [N4]. */
void mwi_signal_open(sigset_t *mask) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSEGV);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, mask);
  mwi_sched.main_mask = *mask;
}

/* The mask is the thread's.  While it is not what every thread of ours begins
 * with, the goroutine keeps its thread.  As long as there is only main, that
 * beginning changes with it: a program that blocks signals in main means all
 * goroutines to come. */
MWI_EXPORT int mwi_rt_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  sigset_t wanted;
  if (set) {
    wanted = *set;
    if (how != SIG_UNBLOCK) {
      sigdelset(&wanted, MWI_STOP_SIGNAL);
      sigdelset(&wanted, SIGSEGV); /* [N4] */
    }
  }
  sigset_t now;
  if (!set) {
    int r = pthread_sigmask(how, NULL, &now);
    if (r == 0 && old) *old = now; /* by the kernel it would be EFAULT on a folded stack */
    return r;
  }
  struct mwi_tcb *t = mwi_tcb();
  struct mwi_g *g = t->g;
  if (!t->attached || t->sig || !g) return pthread_sigmask(how, &wanted, old);
  struct mwi_lent lent;
  mwi_jumps_wait(g); /* what is let through may jump */
  mwi_lend_objects(&lent, old, NULL);
  int r = pthread_sigmask(how, &wanted, old);
  if (r == 0 && !g->foreign && pthread_sigmask(SIG_SETMASK, NULL, &now) == 0)
    mwi_mask_changed(g, &now);
  mwi_lend_back(&lent);
  mwi_jumps_go(g);
  return r;
}

MWI_EXPORT int mwi_rt_sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  int e = mwi_rt_pthread_sigmask(how, set, old);
  if (e == 0) return 0;
  mwi_errno_set(e);
  return -1;
}

/* ---- Notifications -------------------------------------------------------------- */

struct listener {
  struct listener *next;
  mw_handle channel;
  uint64_t signals;
};
static struct listener *listeners; /* under actions_lock */
static _Atomic uint64_t notified;  /* signals that somebody listens to; under actions_lock */
static _Atomic uint64_t pending;   /* set by handlers, taken by the sender */
static struct sigaction replaced[NSIG_MAX]; /* under actions_lock: what notify replaced */

void (*mwi_signal_fault)(int sig, siginfo_t *info, void *uc);
void (*mwi_signal_defaults)(void);

static _Atomic(struct mwi_g *) sender; /* parked until sysmon sees something pending */
static bool sender_started;            /* under actions_lock */

static void note(int sig, siginfo_t *info, void *uc) {
  if (info->si_code > 0 && (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL)) {
    mwi_signal_fault(sig, info, uc); /* a fault, and no message */
    return;
  }
  atomic_fetch_or_explicit(&pending, BIT(sig), memory_order_seq_cst);
  mwi_sysmon_wake(); /* an exchange and a futex: fit for handlers */
}

/* Is it a handler of ours, through which faults come to mwi_stack_fault? */
bool mwi_signal_passes_faults(const struct sigaction *a) {
  return (a->sa_flags & SA_SIGINFO) && (a->sa_sigaction == trampoline || a->sa_sigaction == note);
}

bool mwi_signal_listening(void) {
  return mwi_load_relaxed(&notified) != 0;
}

/* sysmon: not interrupted, so it may take locks. */
void mwi_signal_look(void) {
  if (!mwi_load_seqcst(&pending)) return;
  struct mwi_g *g = atomic_exchange_explicit(&sender, NULL, memory_order_seq_cst);
  if (!g) return;
  /* not mwi_ready: scanners work beside this thread, which no stop includes */
  mwi_g_transition_slow(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_wake_p();
}

/* Taken and sent under the lock: what has come before somebody stops is in nobody's hand then. */
static void send_pending_locked(void) {
  uint64_t bits = atomic_exchange_explicit(&pending, 0, memory_order_seq_cst);
  for (int sig = 1; bits && sig < NSIG_MAX; sig++) {
    if (!(bits & BIT(sig))) continue;
    for (struct listener *l = listeners; l; l = l->next)
      if (l->signals & BIT(sig)) {
        int value = sig;
        mwi_chan_try_send(mw_handle_get(l->channel), &value, sizeof value); /* [N2] */
      }
  }
}

static bool sender_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_store_seqcst(&sender, g);
  /* seq_cst: a handler that came before this store is seen here, a later one's look sees g */
  if (!mwi_load_seqcst(&pending)) return true;
  return atomic_exchange_explicit(&sender, NULL, memory_order_seq_cst) == NULL; /* sysmon has it */
}

static void run_sender(void *unused) {
  (void)unused;
  for (;;) {
    if (!mwi_load_seqcst(&pending)) {
      mwi_park(sender_commit, NULL, MWI_WAIT_FINALIZER);
      continue;
    }
    mw_mutex_lock(&actions_lock);
    send_pending_locked();
    mw_mutex_unlock(&actions_lock);
  }
}

static void start_sender(void) {
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(run_sender, NULL, 0, true);
  if (!g) mwi_fatal("out of memory: no stack for the goroutine that delivers signals");
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_rt_leave();
  mwi_wake_p();
}

/* In a forked child: whoever settled is not there. */
void mwi_signal_forked(void) {
  mwi_store_relaxed(&settling, false);
}

/* A forked child: it is parked, or it was under way and is not there. */
void mwi_signal_restart(void) {
  actions_lock = (mw_mutex){0}; /* whoever held it or waited for it is not there */
  if (sender_started && !mwi_load_relaxed(&sender)) start_sender();
}

/* Those between 31 and SIGRTMIN are libc's own (cancellation, setuid): it refuses them. */
static void check(const char *who, int sig) {
  if (!valid(sig) || sig == SIGKILL || sig == SIGSTOP || sig == MWI_STOP_SIGNAL ||
      (sig > SIGSYS && sig < SIGRTMIN))
    mwi_fatal("%s: signal %d cannot be caught", who, sig);
}

static void listen_locked(int sig) {
  if (mwi_load_relaxed(&notified) & BIT(sig)) return;
  struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigfillset(&sa.sa_mask);
  sigaction(sig, &sa, &replaced[sig]);
  atomic_fetch_or(&notified, BIT(sig));
}

static void unlisten_locked(int sig) {
  if (!(mwi_load_relaxed(&notified) & BIT(sig))) return;
  struct sigaction now;
  /* the program may have installed another handler meanwhile */
  if (sigaction(sig, NULL, &now) == 0 && now.sa_sigaction == note)
    sigaction(sig, &replaced[sig], NULL);
  atomic_fetch_and(&notified, ~BIT(sig));
}

static void drop_unused_locked(void) {
  uint64_t used = 0;
  for (struct listener **at = &listeners; *at;) {
    struct listener *l = *at;
    used |= l->signals;
    if (l->signals) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    mw_handle_free(l->channel);
    free(l);
  }
  for (int sig = 1; sig < NSIG_MAX; sig++)
    if (!(used & BIT(sig))) unlisten_locked(sig);
}

MWI_EXPORT void mw_signal_notify(mw_chan *ch, int sig) {
  check("mw_signal_notify", sig);
  if (!ch) mwi_fatal("mw_signal_notify: the channel is NULL");
  if (ch->elem_size != sizeof(int))
    mwi_fatal("mw_signal_notify: not a channel of int: its elements have %u bytes", ch->elem_size);
  mwi_attach();
  mw_mutex_lock(&actions_lock);
  struct listener *l = listeners;
  while (l && mw_handle_get(l->channel) != ch) l = l->next;
  if (!l) {
    l = malloc(sizeof *l);
    if (!l) mwi_fatal("out of memory: mw_signal_notify");
    *l = (struct listener){listeners, mw_handle_new(ch), 0};
    listeners = l;
  }
  l->signals |= BIT(sig);
  if (!sender_started) {
    sender_started = true;
    start_sender();
  }
  listen_locked(sig);
  mw_mutex_unlock(&actions_lock);
}

MWI_EXPORT void mw_signal_stop(mw_chan *ch) {
  mwi_attach();
  mw_mutex_lock(&actions_lock); /* [N3]: the sender holds it while it sends */
  send_pending_locked();
  for (struct listener *l = listeners; l; l = l->next)
    if (mw_handle_get(l->channel) == ch) l->signals = 0;
  drop_unused_locked();
  mw_mutex_unlock(&actions_lock);
}

static void take_away(int sig, handler_fn *disposition) {
  mwi_attach();
  mw_mutex_lock(&actions_lock);
  for (struct listener *l = listeners; l; l = l->next) l->signals &= ~BIT(sig);
  drop_unused_locked();
  struct sigaction sa = {.sa_handler = disposition};
  if (sig == SIGSEGV && disposition == SIG_DFL) /* in one step [N4] */
    sa = (struct sigaction){.sa_sigaction = mwi_signal_fault, .sa_flags = MWI_FAULT_FLAGS};
  struct sigaction was;
  set_action_locked(sig, &sa, &was);
  if (disposition == SIG_DFL) mwi_signal_defaults(); /* what the runtime does by itself */
  mw_mutex_unlock(&actions_lock);
}

MWI_EXPORT void mw_signal_ignore(int sig) {
  check("mw_signal_ignore", sig);
  take_away(sig, SIG_IGN);
}

MWI_EXPORT void mw_signal_reset(int sig) {
  check("mw_signal_reset", sig);
  take_away(sig, SIG_DFL);
}
