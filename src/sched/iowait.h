/* SPDX-License-Identifier: MIT */
/*
 * sched/iowait.h -- goroutines that wait for descriptors (internal)
 *
 * Job      Park a goroutine until a descriptor may be ready, a deadline has passed, its life is
 *          over or a signal's handler cuts the call short; wake those whom an edge is for.
 * Promise  [NP2], [NP3], [NP5] and [NP6] of netpoll.h.
 *
 *     record ---queue[d]---> node <--> node <--> node      a ring, in the order of arrival
 *                             | wait    |         |
 *                           iowait    iowait    iowait --g--> goroutine
 *
 * Who waits for one descriptor has its node in its iowait; who waits for several (poll, select)
 * takes a node for each (iomany.c).
 *
 * Next     iowait.c, iomany.c; libc.c and libc_poll.c (who calls)
 */
#ifndef MWI_SCHED_IOWAIT_H
#define MWI_SCHED_IOWAIT_H

#include "os/os.h"
#include "sched/descriptor.h"
#include "sched/proc.h"
#include "sched/timer.h"

struct mwi_iowait;

/* A place in a record's queue. */
struct mwi_ionode {
  struct mwi_ionode *next, *prev; /* under the record's lock */
  struct mwi_iowait *wait;        /* constant while queued */
  struct mwi_pd *pd;              /* constant while queued */
  uint8_t dir;                    /* constant while queued */
  bool many;                      /* only wants to know: leaves the queue by itself */
  _Atomic bool queued;            /* written under the lock */
};

enum {
  MWI_IOW_IDLE,
  MWI_IOW_PENDING,
  MWI_IOW_PARKED,
  MWI_IOW_READY,
  MWI_IOW_TIMEOUT,
  MWI_IOW_CLOSED,
  MWI_IOW_CUT
};

/* What a handler ends: calls that SA_RESTART restarts, if it has no SA_RESTART; calls that are
 * never restarted. */
enum mwi_cut { MWI_CUT_RESTARTED = 1, MWI_CUT_NEVER = 2, MWI_WAIT_NEXT = 4 };

/*
 * A goroutine's wait.  Metadata, made once for each record of a goroutine: a
 * timer's stale entry always finds a timer.
 *
 *     IDLE -> PENDING -> PARKED        the goroutine
 *               \________/_> READY, TIMEOUT, CLOSED, CUT    the first who wakes it, by CAS
 */
struct mwi_iowait {
  struct mwi_g *g; /* constant */
  struct mwi_timer timer;
  int64_t deadline; /* of this park; 0: none */
  _Atomic uint32_t state;
  /* [NP6]: the number of the goroutine's latest call that waits, times MWI_WAIT_NEXT, and how
   * it has been cut.  The goroutine counts, handlers set bits by CAS.  seq_cst */
  _Atomic uint64_t wait;
  struct mwi_ionode node; /* for waits on one descriptor */
#if MW_CHECK
  _Atomic bool unasked; /* it parked without asking, and nobody has asked since [NP8] */
#endif
};

/* ---- For the calls ----------------------------------------------------- */

/*
 * Park until fd may be ready.  Goroutine context, on a goroutine.  cut_by: which
 * handlers end it.  unasked: whether it blocks was not asked, as mwi_pd_may_park allows.
 *   0        try again (perhaps for nothing)
 *   1        not without asking
 *   -EAGAIN  the deadline has passed (ns, 0 none)
 *   -EINTR   a handler has cut the call short
 *   -EBADF   this life is over
 *   -EPERM   it cannot be polled; other errors: netpoll has no room for it
 */
int mwi_io_wait(struct mwi_pd *pd, int fd, uint32_t seq, enum mwi_io_dir dir, int64_t deadline,
                enum mwi_cut cut_by, bool unasked);
/* The calling goroutine's call begins to wait; has it been cut since? */
void mwi_io_wait_begins(void);
bool mwi_io_is_cut(enum mwi_cut which);
/* With a deadline (SO_RCVTIMEO, SO_SNDTIMEO) SA_RESTART does not restart a call. */
MWI_INLINE enum mwi_cut mwi_io_cut_by(int64_t deadline) {
  return deadline ? MWI_CUT_NEVER : MWI_CUT_RESTARTED;
}
/* Sleep, as a call that can be cut short.  ns that were left then, or 0. */
int64_t mwi_io_sleep(int64_t ns);
/* sysmon: g's call has been cut; whatever it waits for here, it looks. */
void mwi_io_cut(struct mwi_g *g);
/* An attempt that may have left something in direction d is over [NP1]. */
void mwi_io_pass_on(struct mwi_pd *pd, enum mwi_io_dir dir);

/* Several at once. */
struct mwi_many {
  struct mwi_iowait *io;
  struct mwi_ionode *nodes; /* struct many_node of iomany.c */
  int64_t deadline;         /* ns, 0 none */
};
void mwi_many_begin(struct mwi_many *m, int64_t deadline);
/* dirs: bit MWI_IO_READ, bit MWI_IO_WRITE.  0 or -errno. */
int mwi_many_add(struct mwi_many *m, int fd, unsigned dirs);
/* About to look: what happens from here on ends the next park. */
void mwi_many_arm(struct mwi_many *m);
/* CLOSED: one of the descriptors is another one now, or none; begin again. */
enum mwi_many_why { MWI_MANY_LOOK, MWI_MANY_DEADLINE, MWI_MANY_CLOSED };
enum mwi_many_why mwi_many_park(struct mwi_many *m);
void mwi_many_end(struct mwi_many *m);

/* ---- Among the files of this subject ----------------------------------- */

MWI_INLINE void mwi_ionode_enqueue_locked(struct mwi_ionode *n, struct mwi_pd *pd,
                                          enum mwi_io_dir dir) {
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[dir]);
  n->pd = pd;
  n->dir = (uint8_t)dir;
  mwi_store_relaxed(&n->queued, true);
  if (!head) {
    n->next = n->prev = n;
    mwi_store_seqcst(&pd->queue[dir], n); /* [NP2] */
    return;
  }
  n->next = head;
  n->prev = head->prev;
  head->prev->next = n;
  head->prev = n;
}

MWI_INLINE void mwi_ionode_unlink_locked(struct mwi_ionode *n) {
  struct mwi_pd *pd = n->pd;
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[n->dir]);
  /* relaxed: who finds it there yet, without the lock, takes that and looks again */
  if (n->next == n) {
    mwi_store_relaxed(&pd->queue[n->dir], NULL);
  } else {
    n->prev->next = n->next;
    n->next->prev = n->prev;
    if (head == n) mwi_store_relaxed(&pd->queue[n->dir], n->next);
  }
  mwi_store_release(&n->queued, false); /* pairs with mwi_ionode_leave */
}

/* The goroutine, awake again: out of the queue if nobody took it out. */
void mwi_ionode_leave(struct mwi_ionode *n);
struct mwi_iowait *mwi_iowait_new(struct mwi_g *g);
/* g is the calling goroutine. */
MWI_INLINE struct mwi_iowait *mwi_iowait_of(struct mwi_g *g) {
  struct mwi_iowait *io = mwi_load_relaxed(&g->io);
  return MWI_LIKELY(io != NULL) ? io : mwi_iowait_new(g);
}
/* Park until the state changes.  The reason. */
uint32_t mwi_iowait_park(struct mwi_iowait *io, int64_t deadline);
MWI_INLINE bool mwi_deadline_passed(int64_t deadline) {
  return deadline && mwi_os_monotonic() >= deadline;
}
/* See to it that the kernel tells of fd.  0 or -errno. */
int mwi_pd_register_locked(struct mwi_pd *pd, int fd, uint32_t seq);
/* [NP3].  Adds to `ready` who was parked. */
void mwi_pd_wake_locked(struct mwi_pd *pd, enum mwi_io_dir dir, uint32_t why,
                        struct mwi_glist *ready);
/* Everybody who would try to read looks again.  Scanners may work beside the caller. */
void mwi_pd_wake_readers(struct mwi_pd *pd);

/*
 * What [NP8] promises, where all would sleep without end: nobody is parked unasked.  An entry in
 * unasked.c may be lost, or another wait's; what counts is whether this wait was asked for.
 */
#if MW_CHECK
MWI_INLINE void mwi_io_unasked_is(struct mwi_iowait *io, bool yes) {
  mwi_store_seqcst(&io->unasked, yes);
}
void mwi_io_was_asked(struct mwi_pd *pd); /* or need not be: for all who wait there */
bool mwi_io_all_asked(void);              /* a guess while somebody runs */
#else
MWI_INLINE void mwi_io_unasked_is(struct mwi_iowait *io, bool yes) {
  (void)io, (void)yes;
}
MWI_INLINE void mwi_io_was_asked(struct mwi_pd *pd) {
  (void)pd;
}
MWI_INLINE bool mwi_io_all_asked(void) {
  return true;
}
#endif

#endif
