/* SPDX-License-Identifier: MIT */
/*
 * sched/netpoll.c -- asking the kernel for edges: which set, when, by whom
 *
 * Job      Open netpoll when the first goroutine waits; collect edges for threads that pass
 *          through the scheduler's loop and for the keeper; choose each descriptor's home.
 * Promise  [NP7] of netpoll.h.
 * How      "Homes", below.  Times and marks of the sets are guesses, read and written in races.
 * Next     netpoll_epoll.c (the kernel), iowait.c (whom edges wake)
 */
#define _GNU_SOURCE 1
#include "sched/netpoll.h"

#include <errno.h>
#include <sys/socket.h>

#include "os/os.h"
#include "os/syscall.h"
#include "sched/iowait.h"
#include "sched/unasked.h"

_Atomic bool mwi_netpoll_is_open;
_Atomic bool mwi_netpoll_due;
_Atomic bool mwi_netpoll_blocking;

static struct mwi_lock open_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);

/* 0 or -errno.  An idle thread that waits on the futex is woken to wait here. */
MWI_COLD int mwi_netpoll_need_slow(void) {
  mwi_lock(&open_lock);
  int e = mwi_netpoll_open() ? 0 : mwi_netpoll_os_open();
  if (e == 0 && !mwi_netpoll_open()) {
    mwi_store_seqcst(&mwi_netpoll_is_open, true);
    atomic_fetch_add(&mwi_sched.keeper_futex, 1);
    mwi_futex_wake(&mwi_sched.keeper_futex, 1);
  }
  mwi_unlock(&open_lock);
  return e;
}

/*
 * Homes.  What a connection costs depends on where it is touched: its packets come in
 * on one CPU (that of the network's interrupt, or of the peer's thread), and answered
 * there they find the kernel's records of it in that CPU's cache, and wake nobody on
 * another.  So descriptors that are waited for often move to the set of that CPU, and a
 * thread asks the set of the CPU that it happens to be on first, whatever thread or
 * processor it is.  Nothing is pinned.
 *
 * Sets of other CPUs are left to the threads there, but not for long [NP7]: a thread
 * asks those that nobody attends to, or has asked for OTHERS_NS, and has what it finds
 * there looked at again.  A descriptor moves only to a CPU where a thread of ours has
 * passed lately; everybody's set is for the others, and for all that has no CPU.
 */
#define ALL_NS 50000 /* everybody's set is asked again after this */
#if MW_CHECK
#define PASSED_NS (INT64_MAX / 2) /* "lately" is always: what tests see does not depend on load */
#else
#define PASSED_NS 10000000 /* "lately" */
#endif
#define AT_HOME_NS 3000000 /* a batch takes its time */
/* Longer than a slice of the kernel's: others on that CPU, clients for one, may keep its
 * thread off it. */
#define OTHERS_NS 5000000
#define GO_NS 20000000                       /* between two moves of threads */
enum { FROM_HOME = MWI_POLL_BATCH * 3 / 4 }; /* leaves room for what is elsewhere */
enum { MUCH = MWI_POLL_BATCH / 8 };          /* edges that make a CPU worth going to */

/* relaxed: guesses, and lost updates harm nobody */
static struct set {
  _Atomic int64_t asked;      /* when its edges were asked for */
  _Atomic int64_t passed;     /* ... by a thread on its CPU */
  _Atomic int64_t found;      /* ... who found some */
  _Atomic(struct mwi_m *) by; /* ... by whom */
  _Atomic unsigned cpu;       /* one that it is of */
} MWI_ALIGNED(64) sets[MWI_POLL_SETS];
static _Atomic bool homes;        /* some CPU's set may be there; seq_cst */
static _Atomic int64_t last_poll; /* by a busy thread, of any set; relaxed: a guess */

int64_t mwi_netpoll_last(void) {
  return mwi_load_relaxed(&last_poll);
}

static unsigned home_of_cpu(unsigned cpu) {
  return 1 + cpu % MWI_POLL_CPUS;
}

/* The calling thread's. */
static unsigned home_here(void) {
  return home_of_cpu(mwi_os_cpu());
}

static void ask(struct mwi_poll_events *ev, unsigned k, int room, int64_t now) {
  if (room > MWI_POLL_BATCH - ev->n) room = MWI_POLL_BATCH - ev->n;
  if (room <= 0) return;
  mwi_store_relaxed(&sets[k].asked, now);
  mwi_netpoll_os_ask(ev, k, room);
}

/* Does the thread that asked last have a processor, and is it there still?  If it has left
 * without a word (a system call that blocks it), OTHERS_NS is all that this costs. */
static bool attended(unsigned k) {
  struct mwi_m *m = mwi_load_acquire(&sets[k].by); /* its record was made before */
  return m && mwi_load_relaxed(&m->home) == k;
}

/* Returns whether another thread of ours is on this CPU. */
static bool attend(unsigned here) {
  struct mwi_m *m = mwi_self(), *by = mwi_load_relaxed(&sets[here].by);
  if (mwi_load_relaxed(&m->home) != here) mwi_store_relaxed(&m->home, (uint8_t)here);
  if (by == m) return false;
  mwi_store_release(&sets[here].by, m);
  return by && mwi_load_relaxed(&by->home) == here;
}

/* Two threads on one CPU, and none on one that gives much to do.  The kernel, which balances
 * load and knows nothing of this, can leave it so for ever. */
static void go_to(unsigned k, int64_t now) {
  static _Atomic int64_t last; /* by whichever thread */
  int64_t before = mwi_load_relaxed(&last);
  if (now - before < GO_NS || !mwi_cas_acqrel(&last, &before, now)) return;
  mwi_os_go_to_cpu(mwi_load_relaxed(&sets[k].cpu));
}

void mwi_netpoll_idle(struct mwi_p *p) {
  mwi_store_relaxed(&mwi_self()->home, MWI_POLL_ALL);
  if (p) mwi_unasked_idle(p);
}

/* Returns the time. */
static int64_t collect(struct mwi_poll_events *ev, int64_t others_ns) {
  int64_t now = mwi_os_monotonic();
  unsigned here = home_here();
  bool doubled = attend(here);
  unsigned lonely = 0;
  mwi_store_relaxed(&sets[here].passed, now);
  if (!mwi_load_seqcst(&homes)) {
    ask(ev, MWI_POLL_ALL, MWI_POLL_BATCH, now);
    return now;
  }
  if (mwi_netpoll_os_has(here)) {
    ask(ev, here, FROM_HOME, now);
    if (ev->n) mwi_store_relaxed(&sets[here].found, now);
  }
  if (now - mwi_load_relaxed(&sets[MWI_POLL_ALL].asked) > ALL_NS)
    ask(ev, MWI_POLL_ALL, MWI_POLL_BATCH, now);
  /* Not always from the same one: the batch may be full. */
  unsigned start = here + (unsigned)(now >> 10) % MWI_POLL_CPUS;
  for (unsigned i = 0; i < MWI_POLL_CPUS; i++) {
    unsigned k = home_of_cpu(start + i);
    if (k == here || !mwi_netpoll_os_has(k) ||
        (now - mwi_load_relaxed(&sets[k].asked) <= others_ns && attended(k)))
      continue;
    int n = ev->n;
    bool alone = !attended(k);
    ask(ev, k, MWI_POLL_BATCH, now);
    if (alone && ev->n - n >= MUCH) lonely = k;
    for (; n < ev->n; n++) { /* is it right there? */
      struct mwi_pd *pd = mwi_pd_find(ev->at[n].fd);
      if (pd) mwi_store_relaxed(&pd->turns, MWI_HOME_TURNS - 1);
    }
  }
  if (doubled && lonely) go_to(lonely, now);
  return now;
}

bool mwi_netpoll_at_home(void) {
  if (!mwi_load_seqcst(&homes)) return false;
  return mwi_os_monotonic() - mwi_load_relaxed(&sets[home_here()].found) < AT_HOME_NS;
}

void mwi_netpoll_keep(struct mwi_poll_events *ev, int64_t ns, bool nap) {
  if (nap) {
    unsigned here = home_here();
    bool taken = attended(here); /* by another thread: this one is idle */
    if (!taken) attend(here);
    mwi_netpoll_os_wait(taken ? 0 : 1u << here, ns);
    collect(ev, OTHERS_NS);
    return;
  }
  if (!mwi_load_seqcst(&homes)) {
    mwi_netpoll_os_wait_one(ev, ns);
    return;
  }
  mwi_netpoll_os_wait(~(uint64_t)0, ns);
  collect(ev, -1);
}

void mwi_home_look_locked(struct mwi_pd *pd, int fd, uint32_t seq) {
  int cpu = -1;
  socklen_t bytes = sizeof cpu;
  mwi_store_relaxed(&pd->turns, 0);
  if (mwi_sched.nprocs == 1 && !mwi_load_seqcst(&homes)) return;
  if (mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &bytes) < 0 || cpu < 0)
    return;
  unsigned from = mwi_load_relaxed(&pd->home), to = home_of_cpu((unsigned)cpu);
  if (to == from) return;
  if (mwi_os_monotonic() - mwi_load_relaxed(&sets[to].passed) > PASSED_NS) to = MWI_POLL_ALL;
  if (to == from) return;
  if (mwi_load_relaxed(&sets[to].cpu) != (unsigned)cpu)
    mwi_store_relaxed(&sets[to].cpu, (unsigned)cpu);
  if (!mwi_netpoll_os_has(to)) {
    mwi_lock(&open_lock);
    mwi_store_seqcst(&homes, true); /* before os_make has the keeper begin again */
    bool made = mwi_netpoll_os_has(to) || mwi_netpoll_os_make(to);
    mwi_unlock(&open_lock);
    if (!made) return;
  }
  if (mwi_netpoll_os_add(to, fd, seq) != 0) return;
  mwi_store_relaxed(&pd->home, (uint8_t)to);
  mwi_netpoll_os_remove(from, fd);
}

void mwi_netpoll_now(struct mwi_glist *ready) {
  struct mwi_poll_events ev;
  ev.n = 0;
  if (!mwi_netpoll_open()) return; /* it could not be opened, or all only sleep */
  mwi_store_relaxed(&mwi_netpoll_due, false);
  if (!mwi_self()->kept_watch) mwi_store_relaxed(&last_poll, mwi_os_monotonic());
  mwi_unasked_mine(collect(&ev, OTHERS_NS));
  mwi_netpoll_deliver(&ev, ready);
}

void mwi_netpoll_forked(void) {
  mwi_pd_forked();
  mwi_iowait_forked();
  mwi_many_forked();
  mwi_unasked_forked();
  /* Never used: there is nothing to forget, and no page to be copied for that. */
  if (!mwi_netpoll_open() && !mwi_load_relaxed(&open_lock.state)) return;
  open_lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_LEAF);
  if (mwi_netpoll_open()) mwi_netpoll_os_forked();
  mwi_store_seqcst(&mwi_netpoll_is_open, false);
  mwi_store_seqcst(&homes, false);
  for (int k = 0; k < MWI_POLL_SETS; k++) mwi_store_relaxed(&sets[k].by, NULL);
}
