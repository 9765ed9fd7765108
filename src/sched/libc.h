/* SPDX-License-Identifier: MIT */
/*
 * sched/libc.h -- what the runtime's versions of libc's calls share (internal)
 *
 * Compiled code's calls come here (plugin/libc.c renames them).  Each sees what
 * a thread of its own would see, and costs its thread nothing while it waits:
 *
 *   sockets, pipes, terminals, ...   an attempt that does not block, else park
 *   files, names, children, locks    the call itself, the processor handed over
 *
 * An attempt never changes O_NONBLOCK, which belongs to everybody who has the
 * open file: MSG_DONTWAIT, RWF_NOWAIT, or poll first.  A descriptor that the
 * program made non-blocking is recognised when an attempt finds nothing, or
 * soon after the goroutine has parked [NP8], and the program gets its EAGAIN.
 */
#ifndef MWI_SCHED_LIBC_H
#define MWI_SCHED_LIBC_H

#include "os/os.h"
#include "gc/jumps.h"
#include "os/syscall.h"
#include "sched/iowait.h"
#include "sched/proc.h"

#include <pthread.h>
#include <time.h>

/* How the calling code can wait. */
enum mwi_where {
  MWI_ON_PLAIN,  /* like any external code: a thread that has not met the runtime, a signal handler
                  */
  MWI_ON_THREAD, /* an attached thread: it blocks itself and hands its processor over */
  MWI_ON_GOROUTINE /* parks */
};
enum mwi_where mwi_where(void);

/* One system call, blocking or not; a processor is handed over if it takes long.
 * Value or -errno. */
long mwi_call6(enum mwi_where where, long number, long a, long b, long c, long d, long e, long f);
#define mwi_call1(w, nr, a) mwi_call6(w, nr, MWI_SYS_ARG(a), 0, 0, 0, 0, 0)
#define mwi_call2(w, nr, a, b) mwi_call6(w, nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), 0, 0, 0, 0)
#define mwi_call3(w, nr, a, b, c)                                                                  \
  mwi_call6(w, nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), 0, 0, 0)
#define mwi_call4(w, nr, a, b, c, d)                                                               \
  mwi_call6(w, nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), 0, 0)
#define mwi_call5(w, nr, a, b, c, d, e)                                                            \
  mwi_call6(w, nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), MWI_SYS_ARG(e), \
            0)
/* One that does not block. */
long mwi_attempt6(long number, long a, long b, long c, long d, long e, long f);
#define mwi_attempt3(nr, a, b, c)                                                                  \
  mwi_attempt6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), 0, 0, 0)
#define mwi_attempt4(nr, a, b, c, d)                                                               \
  mwi_attempt6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), 0, 0)
#define mwi_attempt5(nr, a, b, c, d, e)                                                            \
  mwi_attempt6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), MWI_SYS_ARG(e), \
               0)
/* The same for calls that SA_RESTART does not restart (cut.c). */
long mwi_call_restarted(enum mwi_where where, long number, long a, long b, long c, long d, long e,
                        long f);
/* One that the program makes by its number: no cancellation point.  restarts: SA_RESTART works.
 * Not MWI_ON_PLAIN. */
long mwi_call_raw(bool restarts, enum mwi_where where, long number, const long *arg);

/* A thread of the program's is cancelled in a wait, and leaves the runtime before the program's
 * clean-up runs.  cleanup: what pthread_cleanup_push has registered, which a jump takes back. */
void mwi_wait_cancelled(void *unused);
void mwi_wait_uncancelled(struct mwi_m *m);

/*
 * A function of libc's that may block, in SYS.  A handler that comes there may jump out of it, as
 * out of all that is libc's: curl gives the look-up of a name its time so.  The jump leaves SYS
 * first (jump.c).  On the thread's way into SYS and out of it the jump waits:
 *
 *     mwi_jumps_wait(g);          a section (gc/jumps.h), of the running goroutine's or thread's
 *     mwi_syscall_enter();
 *     r = MWI_LIBC(type, call);   in_libc: the jump need not wait
 *     mwi_syscall_exit();
 *     mwi_jumps_go(g);            a jump that has waited is made
 *
 * enter and the call are made by one function, and errno goes with the goroutine.
 */
/* May it be called?  No: a jump waits for the end. */
MWI_INLINE bool mwi_libc_enter(void) {
  struct mwi_m *m = mwi_self();
  mwi_store_relaxed(&m->in_libc, true);
  atomic_signal_fence(memory_order_seq_cst); /* a handler sees it, or we see its jump */
  return MWI_LIKELY(!mwi_load_relaxed(&mwi_jumps_pending)) || !mwi_jump_is_pending(mwi_getg());
}
MWI_INLINE void mwi_libc_exit(void) {
  atomic_signal_fence(memory_order_seq_cst);
  mwi_store_relaxed(&mwi_self()->in_libc, false);
}
#define MWI_LIBC(type, call)                                                                       \
  __extension__({                                                                                  \
    type libc_result = (type)0;                                                                    \
    if (mwi_libc_enter()) libc_result = (call);                                                    \
    mwi_libc_exit();                                                                               \
    libc_result;                                                                                   \
  })
/* The same for a thread of the program's, which may be cancelled in it, or in a handler over it. */
#define MWI_LIBC_CANCELABLE(type, call)                                                            \
  __extension__({                                                                                  \
    type cancelable_result;                                                                        \
    pthread_cleanup_push(mwi_wait_cancelled, NULL);                                                \
    mwi_store_relaxed(&mwi_self()->cleanup, &__cancel_buf);                                        \
    cancelable_result = MWI_LIBC(type, call);                                                      \
    mwi_store_relaxed(&mwi_self()->cleanup, NULL);                                                 \
    pthread_cleanup_pop(0);                                                                        \
    cancelable_result;                                                                             \
  })

/* Whichever is right for who waits: an enum mwi_where, not MWI_ON_PLAIN. */
#define MWI_LIBC_ON(where, type, call)                                                             \
  ((where) == MWI_ON_THREAD ? MWI_LIBC_CANCELABLE(type, call) : MWI_LIBC(type, call))

#define MWI_IN_SYS(type, call)                                                                     \
  do {                                                                                             \
    enum mwi_where in_where = mwi_where();                                                         \
    if (in_where == MWI_ON_PLAIN) return call;                                                     \
    struct mwi_g *in_g = mwi_getg();                                                               \
    mwi_jumps_wait(in_g);                                                                          \
    mwi_syscall_enter();                                                                           \
    type in_sys = MWI_LIBC_ON(in_where, type, call);                                               \
    mwi_syscall_exit();                                                                            \
    mwi_jumps_go(in_g);                                                                            \
    return in_sys;                                                                                 \
  } while (0)

int mwi_rt_clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                           struct timespec *left); /* libc_sleep.c */

/* What the caller of libc's function gets: -1 and errno, or the value. */
long mwi_result(long r);

/* ---- One operation that may wait --------------------------------------- */

struct mwi_io_op {
  struct mwi_pd *pd;
  int fd, kind;
  uint32_t seq;
  enum mwi_io_dir dir;
  bool took;        /* the readiness [NP1] */
  bool timed;       /* deadline is known */
  bool blocking;    /* O_NONBLOCK was seen to be off, just now, or: */
  bool unasked;     /* ... some time ago [NP8] */
  bool simple;      /* libc_io.c: recv will do, no need for recvmsg */
  bool partly;      /* some is done: an error is the next call's to report */
  int64_t deadline; /* ns, 0 none */
  int64_t look_ns;  /* libc.c, look_again_at: how long this park may last */
};

/* False: no descriptor of a kind that can park; op->kind says (negative: -errno). */
bool mwi_io_begin(struct mwi_io_op *op, int fd, enum mwi_io_dir dir);
/* An attempt is about to be made.  False: there is nothing to be had; as if it
 * had returned -EAGAIN.  streams_only: a short result of it empties the descriptor. */
bool mwi_io_try(struct mwi_io_op *op);
/* An attempt found nothing.  0: try again; else the result of the call. */
long mwi_io_block(struct mwi_io_op *op);
/* It has waited, and now reads nothing: a terminal whose other side has gone?  Who waits is told
 * EIO, who comes later the end. */
bool mwi_io_hung_up(const struct mwi_io_op *op);
/* Has the socket an error that the next attempt would take away? */
bool mwi_io_has_error(const struct mwi_io_op *op);
/* The operation is over.  empty: its last attempt left nothing. */
void mwi_io_done(struct mwi_io_op *op, bool empty);

/* What poll says of fd now: revents, or -errno. */
int mwi_fd_events(int fd, short of);
/* Do they tell of an error, which the next attempt would take away?  An error queue, too, is told
 * as POLLERR: where it has time stamps and ends of sends as well, a socket has an error for sure
 * only when it has hung up. */
bool mwi_fd_has_error(int fd, int events);
/* May fd be read or written now, as poll says?  0 no, 1 yes, -errno. */
int mwi_fd_ready(int fd, enum mwi_io_dir dir);
/* 0 no, 1 yes, -errno. */
int mwi_fd_nonblocking(int fd);

#endif
