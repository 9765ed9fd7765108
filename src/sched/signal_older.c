/* SPDX-License-Identifier: MIT */
/*
 * sched/signal_older.c -- signal, and what else came before sigaction and sigprocmask
 *
 * Job      signal, BSD's functions and System V's, by the runtime's sigaction and sigprocmask.  In
 *          libc they ask the kernel by themselves, and the runtime would know neither handler, nor
 *          flags, nor mask.
 * Promise  they mean what they mean in glibc.  Fit for handlers, as the two are.
 * Next     signal.c, signal_mask.c
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>

#include "sched/signal.h"

typedef void handler_fn(int);

int mwi_rt_sigsuspend(const sigset_t *mask);
handler_fn *mwi_rt_signal(int sig, handler_fn *fn);
handler_fn *mwi_rt_sysv_signal(int sig, handler_fn *fn);
int mwi_rt_siginterrupt(int sig, int ends);
handler_fn *mwi_rt_sigset(int sig, handler_fn *fn);
int mwi_rt_sigignore(int sig);
int mwi_rt_sighold(int sig);
int mwi_rt_sigrelse(int sig);
int mwi_rt_sigpause(int sig);
int mwi_rt_sigblock(int mask);
int mwi_rt_sigsetmask(int mask);
int mwi_rt_siggetmask(void);

#define BIT(sig) (UINT64_C(1) << ((sig) - 1))

/* Signals that siginterrupt has made to end calls: signal() goes by it.  Relaxed, as it orders
 * nothing: who asks for both from two threads at once gets one of the two. */
static _Atomic uint64_t ending;

static bool valid(int sig, handler_fn *fn) {
  if (mwi_signal_valid(sig) && fn != SIG_ERR) return true;
  errno = EINVAL;
  return false;
}

static sigset_t only(int sig) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, sig);
  return set;
}

static handler_fn *ask(int sig, const struct sigaction *act) {
  struct sigaction old;
  return mwi_rt_sigaction(sig, act, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* BSD's meaning, which is libc's: the handler stays, calls are restarted. */
MWI_EXPORT handler_fn *mwi_rt_signal(int sig, handler_fn *fn) {
  if (!valid(sig, fn)) return SIG_ERR;
  bool ends = mwi_load_relaxed(&ending) & BIT(sig);
  return ask(sig, &(struct sigaction){
                      .sa_handler = fn, .sa_mask = only(sig), .sa_flags = ends ? 0 : SA_RESTART});
}

/* System V's: once, and not held back. */
MWI_EXPORT handler_fn *mwi_rt_sysv_signal(int sig, handler_fn *fn) {
  if (!valid(sig, fn)) return SIG_ERR;
  return ask(sig,
             &(struct sigaction){.sa_handler = fn, .sa_flags = (int)SA_RESETHAND | SA_NODEFER});
}

MWI_EXPORT int mwi_rt_siginterrupt(int sig, int ends) {
  struct sigaction now;
  if (!valid(sig, SIG_DFL) || mwi_rt_sigaction(sig, NULL, &now) != 0) return -1;
  if (ends) {
    atomic_fetch_or_explicit(&ending, BIT(sig), memory_order_relaxed);
    now.sa_flags &= ~SA_RESTART;
  } else {
    atomic_fetch_and_explicit(&ending, ~BIT(sig), memory_order_relaxed);
    now.sa_flags |= SA_RESTART;
  }
  return mwi_rt_sigaction(sig, &now, NULL);
}

/* ---- System V's ---------------------------------------------------------- */

/* SIG_HOLD: it is blocked, or was. */
MWI_EXPORT handler_fn *mwi_rt_sigset(int sig, handler_fn *fn) {
  if (!valid(sig, fn)) return SIG_ERR;
  bool hold = fn == SIG_HOLD;
  handler_fn *was = ask(sig, hold ? NULL : &(struct sigaction){.sa_handler = fn});
  if (was == SIG_ERR) return SIG_ERR;
  sigset_t set = only(sig), before;
  if (mwi_rt_sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, &before) != 0) return SIG_ERR;
  return sigismember(&before, sig) == 1 ? SIG_HOLD : was;
}

MWI_EXPORT int mwi_rt_sigignore(int sig) {
  return mwi_rt_sigaction(sig, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static int mask_one(int how, int sig) {
  if (!valid(sig, SIG_DFL)) return -1;
  sigset_t set = only(sig);
  return mwi_rt_sigprocmask(how, &set, NULL);
}

MWI_EXPORT int mwi_rt_sighold(int sig) {
  return mask_one(SIG_BLOCK, sig);
}

MWI_EXPORT int mwi_rt_sigrelse(int sig) {
  return mask_one(SIG_UNBLOCK, sig);
}

MWI_EXPORT int mwi_rt_sigpause(int sig) {
  sigset_t now;
  if (!valid(sig, SIG_DFL) || mwi_rt_sigprocmask(SIG_BLOCK, NULL, &now) != 0) return -1;
  sigdelset(&now, sig);
  return mwi_rt_sigsuspend(&now);
}

/* ---- BSD's: the first 32 signals as an int's bits ------------------------- */

static int change_mask(int how, int mask) {
  sigset_t set, before;
  sigemptyset(&set);
  for (int sig = 1; sig <= 32; sig++)
    if ((unsigned)mask >> (sig - 1) & 1) sigaddset(&set, sig);
  if (mwi_rt_sigprocmask(how, &set, &before) != 0) return -1;
  unsigned was = 0;
  for (int sig = 1; sig <= 32; sig++)
    if (sigismember(&before, sig) == 1) was |= 1u << (sig - 1);
  return (int)was;
}

MWI_EXPORT int mwi_rt_sigblock(int mask) {
  return change_mask(SIG_BLOCK, mask);
}

MWI_EXPORT int mwi_rt_sigsetmask(int mask) {
  return change_mask(SIG_SETMASK, mask);
}

MWI_EXPORT int mwi_rt_siggetmask(void) {
  return change_mask(SIG_BLOCK, 0);
}
