/* SPDX-License-Identifier: MIT */
/*
 * sched/iowait.c -- parking for a descriptor, and waking
 *
 * Job      Waits on one descriptor, sleeps that can be cut short, and whom an edge, a close, a
 *          deadline or a handler wakes.
 * Promise  [NP2], [NP3], [NP5] and [NP6] of netpoll.h.
 * How      An attempt in direction d takes the readiness (ready[d] = 0) before its
 *          system call and passes it on (ready[d] = 1, wake one more) unless the
 *          call found nothing left.  A goroutine that finds 0 queues itself, looks
 *          once more and parks; the record's lock is dropped off its stack.  A
 *          deadline is a timer of the goroutine's own; whoever changes the
 *          wait's state first wakes it.
 * Threads  A record's lock guards its queues; edges and closes take it, attempts do not.
 *          Locks: NETPOLL, then TIMER, then SCHED.
 * Rejected a lock-free slot for one reader and one writer, as Go has: it
 *          serialises readers of one descriptor above this; in C several
 *          goroutines accept on one socket.
 * Next     iomany.c, netpoll.c (edges), libc.c (mwi_io_try and its kin)
 */
#include "sched/iowait.h"

#include <errno.h>

#include "os/os.h"
#include "sched/netpoll.h"
#include "sched/unasked.h"

/*
 * Who waits, as the difference of two counts that only grow, in pieces: every park and
 * every end of one changes a count, and one that all processors share would be on its
 * way between their caches all the time.  seq_cst.
 */
enum { TALLIES = 16 };
static struct tally {
  _Atomic uint64_t parks, ends;
} MWI_ALIGNED(64) tallies[TALLIES];

static struct tally *tally(void) {
  struct mwi_p *p = mwi_tcb()->p; /* any will do, and so may be another's by now */
  return &tallies[p ? p->id % TALLIES : 0];
}

/* All ends first: what is counted meanwhile can only make somebody wait who does not. */
bool mwi_netpoll_waited(void) {
  uint64_t ends = 0, parks = 0;
  for (int i = 0; i < TALLIES; i++) ends += mwi_load_seqcst(&tallies[i].ends);
  for (int i = 0; i < TALLIES; i++) parks += mwi_load_seqcst(&tallies[i].parks);
  return parks != ends;
}

/* ---- Waking ------------------------------------------------------------ */

/* The goroutine, awake again: out of the queue if nobody took it out. */
void mwi_ionode_leave(struct mwi_ionode *n) {
  if (!mwi_load_acquire(&n->queued)) return;
  struct mwi_pd *pd = n->pd;
  mwi_lock(&pd->lock);
  if (mwi_load_relaxed(&n->queued)) mwi_ionode_unlink_locked(n);
  mwi_unlock(&pd->lock);
}

/* The first to come wakes it.  The state that it was in, if that was us; else 0. */
static uint32_t claim(struct mwi_iowait *io, uint32_t why) {
  uint32_t s = mwi_load_relaxed(&io->state);
  do {
    if (s != MWI_IOW_PENDING && s != MWI_IOW_PARKED) return 0;
  } while (!mwi_cas_seqcst(&io->state, &s, why));
  return s;
}
_Static_assert(MWI_IOW_PENDING != 0 && MWI_IOW_PARKED != 0, "claim returns 0 for none of them");

/* Returns whether we were the first; adds the goroutine to `ready` if it was parked already. */
static bool wake(struct mwi_iowait *io, uint32_t why, struct mwi_glist *ready) {
  uint32_t s = claim(io, why);
  if (s == MWI_IOW_PARKED) { /* else its commit will see */
    mwi_g_transition(io->g, MWI_G_WAITING, MWI_G_RUNNABLE);
    mwi_glist_add(ready, io->g);
  }
  return s != 0;
}

/* The same where scanners may work beside the caller: sysmon, which no stop includes. */
static void wake_beside_scanners(struct mwi_iowait *io, uint32_t why, struct mwi_glist *ready) {
  if (claim(io, why) != MWI_IOW_PARKED) return;
  mwi_g_transition_slow(io->g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_glist_add(ready, io->g);
}

/* [NP3], [NP4].  Whose wait is over by itself leaves the queue, under the lock, before its
 * goroutine can begin another: so the wait of a node that is queued is the one for this descriptor,
 * and what is claimed before the node is unlinked is no other's. At the beginning of a close, those
 * that only want to know are left for its end: the kernel would tell them nothing yet. */
MWI_INLINE void wake_locked(struct mwi_pd *pd, enum mwi_io_dir dir, uint32_t why,
                            struct mwi_glist *ready) {
  struct mwi_ionode *n = mwi_load_relaxed(&pd->queue[dir]);
  if (!n) return;
  bool one = false; /* a goroutine that will try itself */
  bool begin = why == MWI_IOW_CLOSED && mwi_load_relaxed(&pd->closing);
  struct mwi_ionode *last = n->prev;
  for (;;) {
    struct mwi_ionode *next = n->next;
    bool end = n == last;
    if (n->many) {
      if (!begin) wake(n->wait, why, ready);
    } else if (!one || why == MWI_IOW_CLOSED) {
      mwi_assert(mwi_load_relaxed(&n->queued));
      one |= wake(n->wait, why, ready);
      mwi_ionode_unlink_locked(n);
    }
    if (end) return;
    n = next;
  }
}

void mwi_pd_wake_locked(struct mwi_pd *pd, enum mwi_io_dir dir, uint32_t why,
                        struct mwi_glist *ready) {
  wake_locked(pd, dir, why, ready);
}

void mwi_io_pass_on(struct mwi_pd *pd, enum mwi_io_dir dir) {
  mwi_store_seqcst(&pd->ready[dir], 1);
  if (MWI_LIKELY(!mwi_load_seqcst(&pd->queue[dir]))) return; /* [NP2] */
  struct mwi_glist ready = {0};
  mwi_rt_enter();
  mwi_lock(&pd->lock);
  mwi_pd_wake_locked(pd, dir, MWI_IOW_READY, &ready);
  mwi_unlock(&pd->lock);
  mwi_glist_run_beside(&ready);
  mwi_rt_leave();
}

void mwi_pd_wake_readers(struct mwi_pd *pd) {
  struct mwi_glist woken = {0};
  mwi_rt_enter();
  mwi_lock(&pd->lock);
  struct mwi_ionode *n = mwi_load_relaxed(&pd->queue[MWI_IO_READ]), *last = n ? n->prev : NULL;
  while (n) {
    struct mwi_ionode *next = n == last ? NULL : n->next;
    if (!n->many) {
      mwi_assert(mwi_load_relaxed(&n->queued)); /* as in wake_locked */
      wake_beside_scanners(n->wait, MWI_IOW_READY, &woken);
      mwi_ionode_unlink_locked(n);
    }
    n = next;
  }
  mwi_unlock(&pd->lock);
  /* To the global queue: a thread that looks for work may be here, with an empty ring that is to
   * stay so until it steals or goes idle (mwi_runq_steal). */
  for (struct mwi_g *g = woken.head, *next; g; g = next) {
    next = g->next;
    mwi_globq_put(g);
  }
  if (woken.n) mwi_wake_p();
  mwi_rt_leave();
}

/*
 * What events further on will touch is to be on its way: records, then who is first in
 * their queues, then its goroutine.  Guesses, read in a race: of these nothing is ever
 * freed, and `wait` is NULL or a wait.
 */
MWI_INLINE void expect(const struct mwi_poll_events *ev, int i) {
  if (__has_feature(thread_sanitizer)) return;
  enum { FAR = 9, NEAR = 6, NEXT = 3 };
  if (i + FAR < ev->n) __builtin_prefetch(mwi_pd_find(ev->at[i + FAR].fd), 1);
  if (i + NEAR < ev->n) {
    struct mwi_pd *pd = mwi_pd_find(ev->at[i + NEAR].fd);
    const char *n = pd ? (char *)mwi_load_relaxed(&pd->queue[MWI_IO_READ]) : NULL;
    if (n) {
      __builtin_prefetch(n, 1);
      __builtin_prefetch(n - MWI_CACHE_LINE, 1); /* the wait around it */
    }
  }
  if (i + NEXT < ev->n) {
    struct mwi_pd *pd = mwi_pd_find(ev->at[i + NEXT].fd);
    struct mwi_ionode *n = pd ? mwi_load_relaxed(&pd->queue[MWI_IO_READ]) : NULL;
    struct mwi_iowait *io = n ? *(struct mwi_iowait *volatile *)&n->wait : NULL;
    if (io) __builtin_prefetch((char *)io->g + MWI_CACHE_LINE, 1);
  }
}

void mwi_netpoll_deliver(const struct mwi_poll_events *ev, struct mwi_glist *ready) {
  for (int i = 0; i < ev->n; i++) {
    expect(ev, i);
    struct mwi_pd *pd = mwi_pd_find(ev->at[i].fd);
    uint32_t what = ev->at[i].what;
    if (!pd) continue;
    mwi_lock(&pd->lock);
    if (mwi_load_relaxed(&pd->seq) == ev->at[i].seq) { /* [NP4] */
      if (what & MWI_EV_STICKY) mwi_store_relaxed(&pd->sticky, true);
      for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++) {
        if (!(what & (1u << d))) continue;
        /* relaxed: [NP2] by the lock, which waiters have, too */
        mwi_store_relaxed(&pd->ready[d], 1);
        wake_locked(pd, d, MWI_IOW_READY, ready);
      }
    }
    mwi_unlock(&pd->lock);
  }
}
_Static_assert(MWI_EV_READ == 1 << MWI_IO_READ && MWI_EV_WRITE == 1 << MWI_IO_WRITE, "bits");

/* ---- Waiting ----------------------------------------------------------- */

static void time_out(struct mwi_timer *t, int64_t now) {
  int64_t want = mwi_load_acquire(&t->want);
  if (want == 0 || want > now || !mwi_cas_acqrel(&t->want, &want, 0)) return;
  /* The wait that armed it may be over, and this one another: it looks at the
   * clock and waits again. */
  struct mwi_glist ready = {0};
  wake(MWI_CONTAINER(t, struct mwi_iowait, timer), MWI_IOW_TIMEOUT, &ready);
  mwi_glist_run(&ready);
}

MWI_COLD struct mwi_iowait *mwi_iowait_new(struct mwi_g *g) {
  mwi_rt_enter();
  struct mwi_iowait *io = mwi_meta_alloc(sizeof *io, 64);
  io->g = g;
  io->timer.fire = time_out;
  io->node.wait = io;
  mwi_store_release(&g->io, io); /* pairs with mwi_io_cut, and cut.c */
  mwi_rt_leave();
  return io;
}

/* Off the goroutine's stack.  Once parked it may run at once, so `lock` is read before. */
static bool commit(struct mwi_g *g, void *arg) {
  struct mwi_lock *lock = arg;
  struct mwi_iowait *io = mwi_load_relaxed(&g->io);
  uint32_t pending = MWI_IOW_PENDING;
  if (io->deadline) mwi_timer_arm(&io->timer, io->deadline);
  bool parked = mwi_cas_seqcst(&io->state, &pending, MWI_IOW_PARKED);
  if (lock) mwi_unlock(lock);
  return parked;
}

/*
 * Where the frame is of whoever called for this park, if it is out of reach of what the ring
 * prefetches from sp on: a function with buffers on its stack keeps the rest of what it works
 * with on another page.  Frames of compiled code and of ours are chained; what looks like no
 * frame further up in this stack ends the search.
 */
static MWI_NOINLINE void note_outer(struct mwi_g *g) {
  enum { DEPTH = 10 };                 /* more frames than any call of libc's takes here */
  enum { BELOW = 2 * MWI_CACHE_LINE }; /* sp will be that much lower, at most */
  uintptr_t fp = (uintptr_t)__builtin_frame_address(0), reach = fp + MWI_NEAR_BYTES - BELOW;
  g->outer = 0;
  for (int i = 0; i < DEPTH; i++) {
    uintptr_t up = *(const uintptr_t *)fp;
    if (up <= fp || up >= g->stack.hi || up % sizeof up) return;
    if (up > reach) {
      g->outer = (uint32_t)(g->stack.hi - up);
      return;
    }
    fp = up;
  }
}

/* Park until the state changes; lock: to be dropped then.  The reason. */
MWI_INLINE uint32_t park(struct mwi_iowait *io, struct mwi_lock *lock, int64_t deadline) {
  io->deadline = deadline;
  note_outer(io->g);
  atomic_fetch_add(&tally()->parks, 1);
  if (deadline)
    mwi_park(commit, lock, MWI_WAIT_IO); /* arming a timer takes stack */
  else
    mwi_park_light(commit, lock, MWI_WAIT_IO);
  atomic_fetch_add(&tally()->ends, 1);
  if (deadline) mwi_timer_disarm(&io->timer);
  return mwi_load_seqcst(&io->state);
}

uint32_t mwi_iowait_park(struct mwi_iowait *io, int64_t deadline) {
  return park(io, NULL, deadline);
}

void mwi_io_wait_begins(void) {
  mwi_attach();
  struct mwi_iowait *io = mwi_iowait_of(mwi_getg());
  /* Cut or not, that call is over: what a handler writes there meanwhile goes lost.  relaxed: the
   * state, set next, is seq_cst. */
  uint64_t before = mwi_load_relaxed(&io->wait);
  mwi_store_relaxed(&io->wait, (before / MWI_WAIT_NEXT + 1) * MWI_WAIT_NEXT);
}

/* [NP6], after the state has been set. */
bool mwi_io_is_cut(enum mwi_cut which) {
  return mwi_load_seqcst(&mwi_iowait_of(mwi_getg())->wait) & which;
}

/* The cut is written; g may be in another call by now, or in none, and then looks for
 * nothing. */
void mwi_io_cut(struct mwi_g *g) {
  struct mwi_iowait *io = mwi_load_acquire(&g->io); /* pairs with mwi_iowait_new */
  struct mwi_glist woken = {0};
  if (io) wake_beside_scanners(io, MWI_IOW_CUT, &woken);
  mwi_glist_run_beside(&woken);
}

int64_t mwi_io_sleep(int64_t ns) {
  mwi_attach();
  struct mwi_iowait *io = mwi_iowait_of(mwi_getg());
  mwi_io_wait_begins();
  int64_t deadline = mwi_timer_deadline(ns), left;
  for (;;) {
    mwi_store_seqcst(&io->state, MWI_IOW_PENDING);
    left = deadline - mwi_os_monotonic();
    if (left <= 0 || mwi_io_is_cut(MWI_CUT_NEVER)) break;
    io->deadline = deadline;
    mwi_park(commit, NULL, MWI_WAIT_SLEEP);
    mwi_timer_disarm(&io->timer);
  }
  mwi_store_seqcst(&io->state, MWI_IOW_IDLE);
  return left > 0 ? left : 0;
}

int mwi_pd_register_locked(struct mwi_pd *pd, int fd, uint32_t seq) {
  int e = 0;
  unsigned home = mwi_load_relaxed(&pd->home);
  if (!mwi_load_relaxed(&pd->registered))
    e = mwi_netpoll_os_add(home, fd, seq);
  else if (mwi_load_relaxed(&pd->foreign) && (e = mwi_netpoll_os_renew(home, fd, seq)) == -ENOENT)
    e = mwi_netpoll_os_add(home, fd, seq); /* closed and made anew where we do not see it */
  else
    return e;
  if (e == 0) {
    /* ADD has told the level: what an attempt before it missed is an edge now. */
    mwi_store_seqcst(&pd->ready[MWI_IO_READ], 0);
    mwi_store_seqcst(&pd->ready[MWI_IO_WRITE], 0);
    mwi_store_seqcst(&pd->registered, true);
  } else if (e == -EPERM) {
    mwi_store_relaxed(&pd->kind, MWI_FD_FILE);
  }
  return e;
}

int mwi_io_wait(struct mwi_pd *pd, int fd, uint32_t seq, enum mwi_io_dir dir, int64_t deadline,
                enum mwi_cut cut_by, bool unasked) {
  mwi_attach();
  if (mwi_deadline_passed(deadline)) return -EAGAIN;
  int e = mwi_netpoll_need();
  if (e) return e;
  struct mwi_iowait *io = mwi_iowait_of(mwi_getg());
  mwi_lock(&pd->lock);
  if (mwi_load_relaxed(&pd->seq) != seq || mwi_load_relaxed(&pd->closing)) {
    bool over = mwi_load_relaxed(&pd->seq) != seq;
    mwi_unlock(&pd->lock);
    if (over) return -EBADF;
    mwi_yield(); /* the kernel is about to close it, and will say so */
    return 0;
  }
  if ((e = mwi_pd_register_locked(pd, fd, seq)) != 0) {
    mwi_unlock(&pd->lock);
    return e;
  }
  uint8_t turns = mwi_load_relaxed(&pd->turns) + 1;
  mwi_store_relaxed(&pd->turns, turns);
  if (MWI_UNLIKELY(turns >= MWI_HOME_TURNS) && mwi_load_relaxed(&pd->kind) == MWI_FD_TCP &&
      !mwi_load_relaxed(&pd->foreign) && !mwi_load_relaxed(&pd->shared))
    mwi_home_look_locked(pd, fd, seq);
  struct mwi_unasked *noted = unasked ? mwi_unasked_room_locked(pd) : NULL;
  if (unasked && !noted) {
    mwi_unlock(&pd->lock);
    mwi_store_relaxed(&pd->blocks, false); /* until somebody has asked */
    return 1;
  }
  mwi_store_seqcst(&io->state, MWI_IOW_PENDING);
  mwi_io_unasked_is(io, unasked);
  io->node.many = false;
  mwi_ionode_enqueue_locked(&io->node, pd, dir);
  if (noted) mwi_unasked_note_locked(noted, pd, fd);
  bool ready = mwi_load_seqcst(&pd->ready[dir]); /* [NP2] */
  if (ready || mwi_io_is_cut(cut_by)) {
    mwi_ionode_unlink_locked(&io->node);
    mwi_store_seqcst(&io->state, MWI_IOW_IDLE);
    mwi_io_unasked_is(io, false);
    mwi_unlock(&pd->lock);
    return ready ? 0 : -EINTR;
  }
  uint32_t why = park(io, &pd->lock, deadline);
  mwi_ionode_leave(&io->node);
  mwi_store_relaxed(&io->state, MWI_IOW_IDLE);
  mwi_io_unasked_is(io, false);
  if (why == MWI_IOW_CLOSED) return -EBADF;
  if (why == MWI_IOW_CUT && mwi_io_is_cut(cut_by)) return -EINTR;
  return why == MWI_IOW_TIMEOUT && mwi_deadline_passed(deadline) ? -EAGAIN : 0;
}

#if MW_CHECK
void mwi_io_was_asked(struct mwi_pd *pd) {
  mwi_rt_enter();
  mwi_lock(&pd->lock);
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[MWI_IO_READ]), *n = head;
  for (; n; n = n->next == head ? NULL : n->next) mwi_io_unasked_is(n->wait, false);
  mwi_unlock(&pd->lock);
  mwi_rt_leave();
}

bool mwi_io_all_asked(void) {
  MWI_EACH_G(g) {
    struct mwi_iowait *io = mwi_load_acquire(&g->io); /* pairs with mwi_iowait_new */
    if (io && mwi_load_seqcst(&io->unasked) && mwi_load_seqcst(&io->state) == MWI_IOW_PARKED)
      return false;
  }
  return true;
}
#endif

/* Whoever waited is not in the child: its record may serve another goroutine. */
void mwi_iowait_forked(void) {
  for (int i = 0; i < TALLIES; i++) { /* written only if they were: a page would be copied */
    if (mwi_load_relaxed(&tallies[i].parks)) mwi_store_seqcst(&tallies[i].parks, 0);
    if (mwi_load_relaxed(&tallies[i].ends)) mwi_store_seqcst(&tallies[i].ends, 0);
  }
  MWI_EACH_G(g) {
    struct mwi_iowait *io = mwi_load_relaxed(&g->io);
    if (!io) continue;
    mwi_store_relaxed(&io->state, MWI_IOW_IDLE);
    mwi_store_relaxed(&io->node.queued, false);
    mwi_timer_disarm(&io->timer);
  }
}
