/* SPDX-License-Identifier: MIT */
/*
 * sched/keeper.c -- the thread that waits when there is nothing to run
 *
 * Job      One idle thread, the keeper, waits for the earliest timer and for descriptors;
 *          others sleep until they are given a processor.
 * Promise  A timer or an edge is acted upon when it is due, whoever is idle.
 *          [KW1] Who gives its processor away, and does not look for work after that, wakes
 *          another thread where a timer is pending, or a descriptor waited for, and nobody keeps
 *          watch.  So with all threads asleep and a processor idle there is a keeper.
 * How      `keeper_until` says until when there is one: INT64_MAX, nobody waits; MWI_KEEP_ON,
 *          until something comes.  Who adds an earlier timer breaks the wait: netpoll's
 *          eventfd where netpoll is open, else the futex.  Where many are due one after
 *          another the keeper holds the first of them for a moment (bunch.h), and it runs all
 *          that are due, whichever processor's they are: no other thread is woken to look for them.
 * Next     find.c (who becomes it), proc.c (who leaves one), timer.c, netpoll.c
 */
#include "os/thread.h"
#include "sched/bunch.h"
#include "sched/netpoll.h"
#include "sched/run.h"

int64_t mwi_earliest_timer(void) {
  int64_t when = INT64_MAX;
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    int64_t w = mwi_timers_next(mwi_sched.procs[i]->timers);
    if (w < when) when = w;
  }
  return when;
}

/*
 * A busy thread that asked for descriptors a moment ago will do so again when its
 * queue is empty, and gets many for one call.  A keeper that the kernel wakes for
 * each of them would take them from it one by one, at a switch each.  So it naps
 * first; a thread that computes, and does not ask, is not trusted for long.
 */
#define TRUST_NS 200000
#define NAP_NS 100000

static int64_t nap_ns(int64_t wait) {
  if (mwi_load_relaxed(&mwi_sched.nidle_p) == (uint32_t)mwi_sched.nprocs) return 0;
  if (mwi_os_monotonic() - mwi_netpoll_last() > TRUST_NS) return 0;
  return wait >= 0 && wait < NAP_NS ? wait : NAP_NS;
}

static struct mwi_bunch bunch; /* the keeper's: keeper_until hands it on */

static bool crowd(int64_t when) {
  int n = 0;
  for (int i = 0; i < mwi_sched.nprocs && n < MWI_BUNCH_FROM; i++)
    n += mwi_timers_due_by(mwi_sched.procs[i]->timers, when + MWI_BUNCH_NS, MWI_BUNCH_FROM - n);
  return n == MWI_BUNCH_FROM;
}

/* The earliest timer is due at `when`; how long to wait for it and those that follow.  With no
 * processor to be had there is nothing to be saved: others will run them. */
static int64_t wait_ns(int64_t when) {
  int64_t now = mwi_os_monotonic(), from = mwi_bunch_wait(&bunch, now);
  if (from > when && mwi_load_seqcst(&mwi_sched.nidle_p) && crowd(when)) {
    when = mwi_bunch_until(from, when);
    mwi_store_relaxed(&mwi_sched.keeper_holds, when);
  }
  return when > now ? when - now : 0;
}

/* Wait, as the one keeper, for the earliest timer and for descriptors.  Returns
 * with a P, or without when another thread should do it. */
void mwi_keep_watch(struct mwi_m *m) {
  mwi_sysmon_need();
  int64_t when = mwi_earliest_timer();
  int64_t none = INT64_MAX;
  if (when == INT64_MAX && mwi_netpoll_waited()) when = MWI_KEEP_ON;
  if (when == INT64_MAX || !mwi_cas_seqcst(&mwi_sched.keeper_until, &none, when)) return;
  uint32_t seen = mwi_load_seqcst(&mwi_sched.keeper_futex);
  struct mwi_poll_events ev = {.n = 0};
  /* A timer added before keeper_until was visible is found here; one added
   * after bumps the futex, or writes to netpoll's eventfd.  netpoll opens (once)
   * by bumping the futex after it can be seen: so who finds it closed is woken. */
  if (mwi_earliest_timer() >= when) {
    int64_t wait = when == MWI_KEEP_ON ? -1 : wait_ns(when);
    bool poll = mwi_netpoll_open();
    int64_t nap = poll ? nap_ns(wait) : 0;
    mwi_enter_sys(m);
    if (nap) {
      mwi_netpoll_keep(&ev, nap, true);
    } else if (poll) {
      mwi_store_seqcst(&mwi_netpoll_blocking, true);
      mwi_netpoll_keep(&ev, wait, false);
      mwi_store_seqcst(&mwi_netpoll_blocking, false);
    } else if (wait > 0 || wait == -1) {
      mwi_futex_wait(&mwi_sched.keeper_futex, seen, wait);
    }
    mwi_leave_sys(m);
  }
  mwi_store_seqcst(&mwi_sched.keeper_until, INT64_MAX);
  m->kept_watch = true; /* else its own looks would have it trust them, and nap for ever */
  /* An edge may be the first of many; a timer is mostly alone, or with others that are run here. */
  struct mwi_p *p = ev.n ? mwi_idle_p_get() : mwi_idle_p_get_timed();
  if (p) mwi_acquire_p(m, p); /* else all are busy, and their threads do what is due */
  struct mwi_glist ready = {0};
  mwi_netpoll_deliver(&ev, &ready);
  mwi_glist_run(&ready);
  if (p) mwi_run_timers_here();
}

bool mwi_timers_pending(void) {
  return mwi_earliest_timer() != INT64_MAX;
}

#if MW_CHECK
void mwi_keeper_check(void) {
  mwi_lock(&mwi_sched.lock); /* nobody falls asleep, or is woken */
  /* before the counts: who asks for this and has not said so yet is awake, and in them */
  bool wanted = mwi_timers_pending() || mwi_netpoll_waited();
  bool foreign = mwi_load_seqcst(&mwi_sched.nforeign) + mwi_load_seqcst(&mwi_thread_count) > 0;
  int64_t asleep =
      (int64_t)mwi_load_seqcst(&mwi_sched.nidle_m) + mwi_load_seqcst(&mwi_sched.nbound);
  bool all = !foreign && asleep >= mwi_load_seqcst(&mwi_sched.nm) &&
             mwi_load_seqcst(&mwi_sched.nidle_p) == (uint32_t)mwi_sched.nprocs &&
             !mwi_load_seqcst(&mwi_sched.runq_size);
  mwi_assert(!wanted || !all); /* the keeper is not on the idle list */
  mwi_unlock(&mwi_sched.lock);
}
#endif

/* Somebody has to look again: the keeper, if there is one. */
static void keeper_break(void) {
  if (mwi_netpoll_open()) {
    mwi_netpoll_os_break();
    return;
  }
  atomic_fetch_add(&mwi_sched.keeper_futex, 1);
  mwi_futex_wake(&mwi_sched.keeper_futex, 1);
}

void mwi_timer_notify(int64_t when) {
  mwi_sysmon_need(); /* everybody may be computing, or in system calls */
  int64_t until = mwi_load_seqcst(&mwi_sched.keeper_until);
  if (when >= until) return;
  if (until != INT64_MAX) {
    keeper_break();
  } else if (mwi_load_seqcst(&mwi_sched.nidle_p)) {
    mwi_wake_p();
  }
}
