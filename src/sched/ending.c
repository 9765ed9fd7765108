/* SPDX-License-Identifier: MIT */
/*
 * sched/ending.c -- no goroutine left, or none that can ever run
 *
 * Job      Tell a deadlock from waiting; end the process when main has left it to the others
 *          (pthread_exit) and the last of them has ended.
 * Promise  A deadlock is reported only where nothing but the runtime could have ended it: not
 *          beside threads of the program's own, signals that are listened to, timers, or
 *          descriptors.  Where main has left the process to the others, its end is that none
 *          is left, and no deadlock.
 * Next     m.c and sysmon.c (who calls)
 */
#include <stdlib.h>
#include <unistd.h>

#include <mallow.h>

#include "os/thread.h"
#include "sched/netpoll.h"
#include "sched/run.h"

static void exit_empty(void *unused) {
  (void)unused;
  exit(0);
}

/* No lock held.  A goroutine or a thread has ended: was it the last? */
void mwi_exit_if_empty(void) {
  uint32_t yes = MWI_EXIT_EMPTY;
  if (MWI_LIKELY(mwi_load_relaxed(&mwi_sched.exit_when_empty) != yes) || mw_num_goroutine() > 0 ||
      mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) > 0 ||
      !mwi_cas_acqrel(&mwi_sched.exit_when_empty, &yes, MWI_EXITING))
    return;
  struct mwi_g *g = mwi_g_new_try(exit_empty, NULL, 0, false);
  if (!g) _exit(0);
  mwi_globq_put(g);
  mwi_wake_p();
}

void mwi_check_dead(void) {
  /* Under sched.lock, called by a thread that has just put itself on the idle
   * list, or by sysmon when a thread of the program's own has ended: if all are
   * there, nothing can ever wake one, except a timer.  Where main is not ours,
   * it may call us at any time. */
  if (!mwi_load_relaxed(&mwi_sched.main_ours)) return;
  if (mwi_load_relaxed(&mwi_sched.nforeign) + mwi_load_relaxed(&mwi_thread_count) > 0) return;
  if (mwi_signal_listening() || mwi_load_relaxed(&mwi_sched.exit_when_empty) == MWI_EXITING) return;
  int64_t asleep =
      (int64_t)mwi_load_relaxed(&mwi_sched.nidle_m) + mwi_load_relaxed(&mwi_sched.nbound);
  if (asleep < mwi_load_relaxed(&mwi_sched.nm)) return;
  if (mwi_load_relaxed(&mwi_sched.keeper_until) != INT64_MAX || mwi_netpoll_waited()) return;
  if (mwi_earliest_timer() != INT64_MAX || mwi_any_work()) return;
  if (mw_num_goroutine() == 0 && mwi_load_relaxed(&mwi_sched.exit_when_empty) != MWI_EXIT_NOT) {
    /* Who ended last has not looked yet, or two ended at once and each saw the other. */
    mwi_sysmon_wake();
    return;
  }
  mwi_unlock(&mwi_sched.lock);
  if (mw_num_goroutine() == 0) mwi_fatal("no goroutines (main called mw_goexit) - deadlock!");
  mwi_fatal("all goroutines are asleep - deadlock!");
}
