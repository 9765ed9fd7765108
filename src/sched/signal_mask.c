/* SPDX-License-Identifier: MIT */
/*
 * sched/signal_mask.c -- which signals a goroutine blocks
 *
 * Job      Compiled code's pthread_sigmask and sigprocmask.  A mask is the thread's, so a goroutine
 *          whose mask is not what every thread of ours begins with keeps its thread
 *          (MWI_PIN_MASK).
 * Promise  [N5], of signal.c: while main is alone its mask is the process's.  All threads of ours
 *          take it over before the call returns; later ones begin with it.
 *          [N4]: neither SIGSEGV nor the stop signal is ever blocked.
 * Threads  sched.sigmask and main_mask under sched.lock; handlers guess (signal.c, cut.c).
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <mallow.h>

#include "gc/jumps.h"
#include "os/fault.h"
#include "os/os.h"
#include "os/thread.h"
#include "sched/lend.h"
#include "sched/proc.h"
#include "sched/signal.h"

int mwi_rt_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

static bool same(const sigset_t *a, const sigset_t *b) {
  for (int sig = 1; sig < MWI_NSIG; sig++)
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
  sigset_t wanted = {0};
  if (set) {
    memcpy(&wanted, set, MWI_SIGSET_BYTES); /* the rest may not be there */
    if (how != SIG_UNBLOCK) {
      sigdelset(&wanted, MWI_STOP_SIGNAL);
      sigdelset(&wanted, SIGSEGV); /* [N4] */
    }
  }
  sigset_t now;
  if (!set) {
    int r = pthread_sigmask(how, NULL, &now);
    /* by the kernel it would be EFAULT on a folded stack, too */
    return r == 0 && old && !mwi_os_copy(old, &now, MWI_SIGSET_BYTES) ? EFAULT : r;
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
