/* SPDX-License-Identifier: MIT */
/*
 * sched/netpoll.h -- how goroutines learn that descriptors are ready (internal)
 *
 * Job      One record for each descriptor number: who waits for it, whether it
 *          may be ready, what kind it is.  The kernel tells readiness by edges;
 *          busy threads ask for them on their way, and the scheduler's idle
 *          thread waits for them.
 *
 *              libc_*.c         the calls: an attempt, then a wait
 *                 v
 *              iowait.c         parking and waking; iomany.c: for several descriptors
 *              unasked.c        parked without having asked for O_NONBLOCK
 *                 v
 *              descriptor.c     records, kinds, options, lives
 *                 v
 *              netpoll.c        which set tells of a descriptor, who asks for edges when
 *              netpoll_epoll.c  Linux's epoll
 *
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
 *          blocks, and still waits after LATE (unasked.c), is asked for then, and woken if
 *          O_NONBLOCK is set.  To the program it is as if the call's thread had had no CPU
 *          until then.
 * How      A descriptor is told of by one of several sets: everybody's, or that of the
 *          CPU on which its packets arrive, if a thread of ours passes there
 *          ("Homes", netpoll.c).
 * Next     descriptor.h, iowait.h, unasked.h; keeper.c
 */
#ifndef MWI_SCHED_NETPOLL_H
#define MWI_SCHED_NETPOLL_H

#include "sched/descriptor.h"
#include "sched/proc.h"

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
/* Is this thread's CPU one where descriptors are at home, and edges came lately? */
bool mwi_netpoll_at_home(void);
/* The keeper's, in SYS: wait until an edge or a break; ns < 0: for ever.  nap: others ask
 * often; for edges of this CPU only, then collect as a thread that is dry does. */
void mwi_netpoll_keep(struct mwi_poll_events *ev, int64_t ns, bool nap);
/* Whom the events are for.  Not in SYS. */
void mwi_netpoll_deliver(const struct mwi_poll_events *ev, struct mwi_glist *ready);
/* In the child of a fork: its epoll set was the parent's, and nobody waits. */
void mwi_netpoll_forked(void);

/* ---- For waits --------------------------------------------------------- */

/* Netpoll is open from here on.  0 or -errno. */
int mwi_netpoll_need_slow(void);
MWI_INLINE int mwi_netpoll_need(void) {
  return MWI_LIKELY(mwi_netpoll_open()) ? 0 : mwi_netpoll_need_slow();
}

/* Waits between two looks at a descriptor's home; before the first look. */
#if MW_STRESS
enum { MWI_HOME_TURNS = 1, MWI_HOME_FIRST = 1 };
#elif MW_CHECK
enum { MWI_HOME_TURNS = 2, MWI_HOME_FIRST = 1 };
#else
enum { MWI_HOME_TURNS = 16, MWI_HOME_FIRST = 3 }; /* a look costs a system call, a move two more */
#endif
/* pd's lock held; its goroutine is about to park.  A TCP socket that compiled code made, and
 * that has no duplicate: an edge that the old set told of meanwhile is one too many, and no
 * more.  In the new set its level is told first [NP1]. */
void mwi_home_look_locked(struct mwi_pd *pd, int fd, uint32_t seq);

/* In the child of a fork, the parts of mwi_netpoll_forked. */
void mwi_iowait_forked(void);
void mwi_many_forked(void);

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
