/* SPDX-License-Identifier: MIT */
/*
 * sched/cut.c -- calls that a signal's handler cuts short: EINTR
 *
 * Job      A thread's call in the kernel ends with EINTR when a handler has run on the
 *          thread.  A parked goroutine is on no thread, and a handler runs on
 *          whatever thread the kernel has chosen.  So here is decided whose call it ends.
 * Promise  [I1] A signal to the process ends the main goroutine's call, parked or not, as in
 *          a program with threads, where the kernel gives it to main's thread if that does
 *          not block it.  (While main is on a thread it is that very thread's: signal.c, [N7].)
 *          If main's does block it, it ends the
 *          call of the goroutine that is bound to the thread where the handler ran,
 *          which is also the one that a signal to that thread means.
 *          [I2] SA_RESTART means what it means to the kernel: the calls that
 *          signal(7) says are never restarted end all the same.
 *          [I3] The handler has returned before the call does.
 * How      The trampoline (signal.c) asks before the handler which calls are under way, and
 *          behind it cuts them, if they still are: in a parked goroutine's `wait` [NP6], and
 *          sysmon, which it wakes, readies the goroutine: a handler may
 *          take no lock.  Where main blocks a thread, another than the handler's,
 *          that thread gets the stop signal, whose handler (stop.c) lets the call
 *          return EINTR.  The thread may not be in the kernel yet, or be about to
 *          leave it, so sysmon repeats that until m->calls tells that the call is over.
 * Limits   A goroutine that is neither main nor bound gets EINTR only where it
 *          blocks the very thread that the kernel chose.
 */
#define _GNU_SOURCE 1
#include <signal.h>

#include "os/os.h"
#include "os/syscall.h"
#include "sched/iowait.h"
#include "sched/proc.h"

bool mwi_cut_reaches(const struct mwi_g *g) {
  return g == mwi_sched.main_g || g->pins;
}

/* The goroutine that a signal on this thread is for; NULL: none of ours. */
static struct mwi_g *target(const struct mwi_m *m, int sig, const siginfo_t *info) {
  struct mwi_g *main = mwi_sched.main_g, *here = m ? m->tcb.g : NULL;
  bool bound = here && here != main && here->pins;
  if (!main || !mwi_load_relaxed(&mwi_sched.main_ours)) return NULL;
  if (info->si_code == SI_TKILL) { /* to this thread; main's, when nothing runs on it */
    if (here) return here == main || bound ? here : NULL;
    return m && m->tid == (int)mwi_sys0(SYS_getpid) ? main : NULL;
  }
  if (here != main && sigismember(&mwi_sched.main_mask, sig) == 1) return bound ? here : NULL;
  return main;
}

void mwi_cut_begin(struct mwi_cuts *c, int sig, const siginfo_t *info) {
  struct mwi_tcb *t = mwi_tcb();
  struct mwi_m *self = t->attached ? t->m : NULL; /* NULL: a thread that has not met the runtime */
  *c = (struct mwi_cuts){.g = target(self, sig, info)};
  if (!c->g) return;
  struct mwi_iowait *io = mwi_load_acquire(&c->g->io); /* pairs with mwi_iowait_new */
  if (io) c->wait = mwi_load_seqcst(&io->wait) / MWI_WAIT_NEXT;
  struct mwi_m *m = c->g->m; /* a guess: m's handler and sysmon look again */
  if (!m || m == self || m->tcb.g != c->g) return;
  c->m = m;
  c->call = mwi_load_seqcst(&m->calls);
}

/* m's call is to end, if it is still under way.  A handler that was quicker may have asked for the
 * end of a later one, which stays asked for: call numbers only grow, so whoever reads its request
 * finds here that this call is over. */
static void cut_call(struct mwi_m *m, uint32_t call) {
  uint32_t was = mwi_load_seqcst(&m->cut_call);
  while (mwi_load_seqcst(&m->calls) == call && !mwi_cas_seqcst(&m->cut_call, &was, call)) {
  }
}

/* An atomic pointer's worth of work, and a futex. */
void mwi_cut_end(const struct mwi_cuts *c, int flags) {
  if (!c->g) return;
  bool restarts = flags & SA_RESTART;
  uint64_t how = restarts ? MWI_CUT_NEVER : MWI_CUT_NEVER | MWI_CUT_RESTARTED;
  struct mwi_iowait *io = mwi_load_acquire(&c->g->io);
  uint64_t wait = io ? mwi_load_seqcst(&io->wait) : 0;
  while (io && wait / MWI_WAIT_NEXT == c->wait && !mwi_cas_seqcst(&io->wait, &wait, wait | how)) {
  }
  if (c->m && (c->call & (restarts ? MWI_CALL_NEVER_RESTARTED : MWI_CALL_CUT)))
    cut_call(c->m, c->call);
  if (c->g == mwi_sched.main_g)
    mwi_store_seqcst(&mwi_sched.cut_main, true);
  else
    mwi_store_seqcst(&c->g->m->cut_bound, true); /* it is bound to this thread */
  mwi_store_seqcst(&mwi_sched.cuts, true);
  mwi_sysmon_wake();
}

/* A bound goroutine whose call is to end, or NULL.  Without the lock it may be in another call by
 * now, and then looks for nothing. */
static struct mwi_g *next_bound(void) {
  struct mwi_g *g = NULL;
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m && !g; m = m->next_all)
    if (mwi_load_relaxed(&m->cut_bound) && atomic_exchange(&m->cut_bound, false)) g = m->tcb.g;
  mwi_unlock(&mwi_sched.allm_lock);
  return g;
}

bool mwi_cut_look(void) {
  if (!mwi_load_seqcst(&mwi_sched.cuts)) return false;
  mwi_store_seqcst(&mwi_sched.cuts, false); /* before we look: what comes now is seen next time */
  if (atomic_exchange(&mwi_sched.cut_main, false)) mwi_io_cut(mwi_sched.main_g);
  /* Not under allm_lock: readying may need a new thread, whose record goes into that list. */
  for (struct mwi_g *g; (g = next_bound()) != NULL;) mwi_io_cut(g);
  bool again = false;
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    uint32_t call = mwi_load_seqcst(&m->cut_call);
    if (!call) continue;
    if (call == mwi_load_seqcst(&m->calls)) {
      mwi_stop_signal(m, call);
      again = true;
    } else {
      mwi_cas_seqcst(&m->cut_call, &call, 0);
    }
  }
  mwi_unlock(&mwi_sched.allm_lock);
  if (again) mwi_store_seqcst(&mwi_sched.cuts, true);
  return again;
}
