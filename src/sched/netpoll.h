/* SPDX-License-Identifier: MIT */
/*
 * sched/netpoll.h -- goroutines that wait for descriptors (internal)
 *
 * Job      One record for each descriptor number: who waits for it, whether it
 *          may be ready, what kind it is.  The kernel tells readiness by edges
 *          (netpoll_epoll.c); the scheduler's idle thread collects them.
 * Promise  [NP1] `ready[d]` == 0 on a registered record means: the last attempt in
 *          direction d found nothing left, or one is under way that will set it
 *          again if it leaves something; and no edge has come since.  So a
 *          goroutine that finds 0 may park.
 *          [NP2] No lost wake-up: a waiter enters the queue, then looks at
 *          ready[d]; whoever sets ready[d] then looks at the queue (seq_cst).
 *          [NP3] One edge wakes one goroutine that will try itself, and all that
 *          only want to know (poll, select).  The first passes the readiness on
 *          if its attempt leaves some.
 *          [NP4] A record's `seq` names one life of its number.  An edge of another
 *          life is dropped; who waits across the end of one gets EBADF.
 *          [NP5] Nothing points into a parked goroutine's stack: it does its system
 *          call itself, after it has woken.
 *          [NP6] A call that has begun to wait, and then is cut short by a signal's
 *          handler (sched/cut.c), returns EINTR, however often it parks: the cut
 *          is written into `wait`, then `state` is changed; who waits sets the
 *          state, then looks at `wait` (seq_cst).  A cut names the wait that it is for.
 *          [NP7] An edge is collected within a few milliseconds of its thread's or any
 *          other's passing through the scheduler's loop, whichever set tells it.
 *          [NP8] A goroutine that has parked without asking whether its descriptor
 *          blocks, and still waits after LATE (netpoll.c), is asked for then, and woken if
 *          O_NONBLOCK is set.  To the program it is as if the call's thread had had no CPU
 *          until then.
 * How      A descriptor is told of by one of several sets: everybody's, or that of the
 *          CPU on which its packets arrive, if a thread of ours passes there
 *          ("Homes", netpoll.c).
 * Next     netpoll.c, netpoll_epoll.c, libc_io.c (who calls), proc.c (keep_watch)
 */
#ifndef MWI_SCHED_NETPOLL_H
#define MWI_SCHED_NETPOLL_H

#include "sched/proc.h"
#include "sched/timer.h"

enum mwi_io_dir { MWI_IO_READ, MWI_IO_WRITE };

enum mwi_fd_kind {
  MWI_FD_UNKNOWN,
  MWI_FD_FILE,   /* cannot be polled: regular files, directories, disks */
  MWI_FD_TCP,    /* a short read has emptied it, and an edge will tell of more */
  MWI_FD_STREAM, /* other sockets that carry bytes */
  MWI_FD_DGRAM,  /* sockets that carry messages */
  MWI_FD_OTHER   /* pipes, terminals, eventfds, ... */
};

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
};

struct mwi_pd {
  struct mwi_lock lock; /* rank NETPOLL */

  /* changed under lock; head also read without (seq_cst, [NP2]).  Circular. */
  _Atomic(struct mwi_ionode *) queue[2];

  /* changed under lock, read without */
  _Atomic uint32_t seq;       /* [NP4] */
  _Atomic bool registered;    /* the kernel tells us edges for this life */
  _Atomic bool closing;       /* between the end of a life and the kernel's close */
  _Atomic uint8_t kind;       /* enum mwi_fd_kind */
  _Atomic bool opts_known;    /* timeout and lowat are the socket's */
  _Atomic bool lowat;         /* SO_RCVLOWAT is not 1: only poll tells whether it is reached */
  _Atomic bool foreign;       /* made by external code: the registration is verified */
  _Atomic bool shared;        /* duplicated: options are asked for each time */
  _Atomic bool sticky;        /* a hang-up, error or urgent byte was seen: attempts come first */
  _Atomic uint8_t nowait_no;  /* bit d: RWF_NOWAIT does not work in direction d */
  _Atomic uint8_t ready[2];   /* [NP1]; seq_cst */
  _Atomic uint8_t home;       /* the set that tells of it */
  _Atomic uint8_t turns;      /* waits since its home was looked at; lost updates harm nobody */
  _Atomic bool blocks;        /* O_NONBLOCK was off when somebody asked: a guess [NP8] */
  _Atomic uint32_t parks;     /* those without asking, and changes of the flag [NP8] */
  _Atomic int64_t timeout[2]; /* ns, 0 none: SO_RCVTIMEO, SO_SNDTIMEO */
} MWI_ALIGNED(64);
_Static_assert(sizeof(struct mwi_pd) == 64, "one cache line");

/* ---- For the scheduler ------------------------------------------------- */

enum { MWI_POLL_BATCH = 128 };
/* Sets: everybody's, and one for each CPU, modulo 16. */
enum { MWI_POLL_ALL, MWI_POLL_CPUS = 16, MWI_POLL_SETS };
enum { MWI_EV_READ = 1, MWI_EV_WRITE = 2, MWI_EV_STICKY = 4 };

struct mwi_poll_events {
  int n;
  struct {
    int32_t fd;
    uint32_t seq, what;
  } at[MWI_POLL_BATCH];
};

extern _Atomic bool mwi_netpoll_is_open;
extern _Atomic bool mwi_netpoll_due; /* relaxed: sysmon wants somebody to ask the kernel */

extern _Atomic bool mwi_netpoll_blocking; /* relaxed: a thread waits in the kernel for edges */

/* Has anybody ever waited for a descriptor? */
MWI_INLINE bool mwi_netpoll_open(void) {
  return mwi_load_seqcst(&mwi_netpoll_is_open);
}
/* Does anybody now? */
bool mwi_netpoll_waited(void);
/* When a busy thread last asked the kernel; the keeper does not count. */
int64_t mwi_netpoll_last(void);
/* Ask the kernel without waiting; append whom to run.  A thread of ours in RUN.  Asks
 * the set of the CPU that it is on, everybody's, and those of other CPUs that nobody has
 * asked for a while. */
void mwi_netpoll_now(struct mwi_glist *ready);
/* This thread goes idle, and asks no more.  It has p still, or none: NULL. */
void mwi_netpoll_idle(struct mwi_p *p);
/* sysmon: [NP8] where nobody else does.  all: it will not look again soon.  True: there are none
 * left. */
bool mwi_netpoll_unasked(int64_t now, bool all);
/* Is this thread's CPU one where descriptors are at home, and edges came lately? */
bool mwi_netpoll_at_home(void);
/* The keeper's, in SYS: wait until an edge or a break; ns < 0: for ever.  nap: others ask
 * often; for edges of this CPU only, then collect as a thread that is dry does. */
void mwi_netpoll_keep(struct mwi_poll_events *ev, int64_t ns, bool nap);
/* Whom the events are for.  Not in SYS. */
void mwi_netpoll_deliver(const struct mwi_poll_events *ev, struct mwi_glist *ready);
/* In the child of a fork: its epoll set was the parent's, and nobody waits. */
void mwi_netpoll_forked(void);

/* ---- For the calls ----------------------------------------------------- */

/* The record of a number; NULL: there cannot be one, or none yet and !make. */
struct mwi_pd *mwi_pd_get(int fd, bool make);
/* What fd is; asks the kernel the first time.  < 0: -errno. */
int mwi_pd_kind(struct mwi_pd *pd, int fd);
/* The kernel said that it is something else by now. */
void mwi_pd_mistaken(struct mwi_pd *pd);
/* A new descriptor, made by compiled code: a new life. */
void mwi_pd_fresh(int fd, enum mwi_fd_kind kind);
/* The number is about to be closed: ends this life, wakes all who wait with
 * EBADF.  Returns what end wants; NULL: nothing to do. */
struct mwi_pd *mwi_pd_close_begin(int fd, uint32_t *seq);
void mwi_pd_close_end(struct mwi_pd *pd, uint32_t seq);
/* fd's options changed; it was duplicated. */
void mwi_pd_options_changed(int fd);
void mwi_pd_shared(int fd);
void mwi_pd_low_water(int fd);
/* O_NONBLOCK was set or taken away. */
void mwi_pd_flags_changed(int fd);
/* It blocks, the kernel says: the next read may park without asking [NP8]. */
void mwi_pd_blocks(struct mwi_pd *pd);
/* Close all that have records, from first to last. */
void mwi_pd_close_many(unsigned first, unsigned last);
/* close and its like are interposed: libc_fd.c. */
extern const bool mwi_closes_are_seen;
/* Read a socket's timeouts and low-water mark if they are not known. */
void mwi_pd_options(struct mwi_pd *pd, int fd);

/*
 * Park until fd may be ready.  Goroutine context, on a goroutine.  unasked: whether it blocks was
 * not asked, as mwi_pd_may_park allows.
 *   0        try again (perhaps for nothing)
 *   1        not without asking
 *   -EAGAIN  the deadline has passed (ns, 0 none)
 *   -EINTR   a handler has cut the call short
 *   -EBADF   this life is over
 *   -EPERM   it cannot be polled; other errors: netpoll has no room for it
 */
int mwi_io_wait(struct mwi_pd *pd, int fd, uint32_t seq, enum mwi_io_dir dir, int64_t deadline,
                bool unasked);
MWI_INLINE bool mwi_pd_may_park(const struct mwi_pd *pd) {
  return mwi_load_relaxed(&pd->blocks) && !mwi_load_relaxed(&pd->shared);
}
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
  struct mwi_ionode *nodes; /* struct many_node of netpoll.c */
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

/* ---- netpoll_epoll.c --------------------------------------------------- */

int mwi_netpoll_os_open(void); /* 0 or -errno */
bool mwi_netpoll_os_has(unsigned set);
bool mwi_netpoll_os_make(unsigned set);
/* fd's edges are told with seq, by this set, from here on; level once at the start. */
int mwi_netpoll_os_add(unsigned set, int fd, uint32_t seq);
/* The same where it is registered already; -ENOENT where it is not. */
int mwi_netpoll_os_renew(unsigned set, int fd, uint32_t seq);
void mwi_netpoll_os_remove(unsigned set, int fd);
/* Append at most `room` of a set's edges, without waiting. */
void mwi_netpoll_os_ask(struct mwi_poll_events *ev, unsigned set, int room);
/* Until a break, or an edge of one of the sets; ns < 0: no limit. */
void mwi_netpoll_os_wait(uint64_t sets, int64_t ns);
/* The same for everybody's set alone, and append its edges. */
void mwi_netpoll_os_wait_one(struct mwi_poll_events *ev, int64_t ns);
void mwi_netpoll_os_break(void); /* the thread that waits returns */
void mwi_netpoll_os_forked(void);
/* A descriptor of the runtime's own: not the program's to close. */
bool mwi_netpoll_os_owns(int fd);
/* The first of them from there on; ~0u: none. */
unsigned mwi_netpoll_os_next(unsigned from);

#endif
