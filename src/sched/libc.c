/* SPDX-License-Identifier: MIT */
/*
 * sched/libc.c -- the common parts of sched/libc.h
 *
 * Job      Where a call runs, system calls that hand the processor over, and the
 *          steps of an operation that may park.
 * Promise  [LC1] errno is set after the last migration, on the thread that returns.
 *          [LC2] The program's O_NONBLOCK, SO_RCVTIMEO and SO_SNDTIMEO decide, as
 *          they are when the goroutine is about to park, or a little later [NP8].
 *          [LC7] A pointer that leads nowhere is the kernel's to judge, with EFAULT as in plain C:
 *          what the runtime reads before the call does, or writes after it, goes through
 *          os/fault.h.
 *          sched/lend.c's [L4] holds for each system call.
 * Next     libc_io.c, libc_fd.c, libc_poll.c, libc_block.c; iowait.c
 */
#define _GNU_SOURCE 1
#include "sched/libc.h"

#include "os/waits.h"
#include "sched/lend.h"
#include "sched/unasked.h"

#include <errno.h>
#include <fcntl.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum mwi_where mwi_where(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (!t->attached || t->rt > 0 || t->sig || !t->g) return MWI_ON_PLAIN;
  struct mwi_g *g = t->g;
  if (g->foreign) return MWI_ON_THREAD;
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (here < g->stack.lo || here >= g->stack.hi) return MWI_ON_PLAIN;
  /* main, with no goroutine beside it, but perhaps threads: the kernel waits as in plain C.  A
   * goroutine that another thread starts meanwhile, and that closes the descriptor, does not wake
   * us. */
  return MWI_UNLIKELY(g->pins && g->pin[MWI_PIN_ALONE]) && mwi_load_relaxed(&mwi_sched.single)
             ? MWI_ON_THREAD
             : MWI_ON_GOROUTINE;
}

/* May the thread be cancelled here?  One that has not met the runtime; one of the program's in a
 * handler, which ends then (signal.c), if what it has interrupted can end, too: it is no work of
 * the runtime's, and if it is a wait, a clean-up sees to that. */
static bool cancelable(void) {
  const struct mwi_tcb *t = mwi_tcb();
  if (!t->attached) return true;
  if (!t->g || !t->g->foreign || t->rt > 0) return false;
  return t->waits ? mwi_load_relaxed(&t->m->cleanup) != NULL : !mwi_load_relaxed(&t->g->in_call);
}

/* libc's syscall(): while it blocks, the thread is in external code. */
static MWI_COLD long plain_call(long number, long a, long b, long c, long d, long e, long f) {
  int type;
  bool thread = cancelable();
  if (thread) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  long r = syscall(number, a, b, c, d, e, f);
  int saved = mwi_errno_get();
  if (thread) pthread_setcanceltype(type, NULL);
  mwi_errno_set(saved);
  return r == -1 ? -mwi_errno_get() : r;
}

/* For cut.c.  Release: where the number is seen, so is the state that goes with it. */
static uint32_t call_begins(struct mwi_m *m, uint32_t kind) {
  uint32_t call = mwi_load_relaxed(&m->calls);
  mwi_store_release(&m->calls, call | kind);
  return call;
}
static void call_ends(struct mwi_m *m, uint32_t call) {
  mwi_store_release(&m->calls, call + MWI_CALL_NEXT);
}

/* A call with these arguments is CALL; if they may point to parked stacks, those stay where they
 * are meanwhile.  That is seldom, and a function of its own. */
#define LENDING(call)                                                                              \
  do {                                                                                             \
    const long arg[6] = {a, b, c, d, e, f};                                                        \
    struct mwi_lent lent;                                                                          \
    mwi_lend(&lent, number, arg);                                                                  \
    long r;                                                                                        \
    MWI_WHILE_LENT(&lent, r, call);                                                                \
    mwi_lend_back(&lent);                                                                          \
    return r;                                                                                      \
  } while (0)

/* Who calls says that SA_RESTART does not restart it: so does the table [OW1]. */
MWI_INLINE void check_kinds(uint32_t kinds, long number, const long *arg) {
#if MW_CHECK
  if (!(kinds & MWI_CALL_NEVER_RESTARTED)) return;
  const struct mwi_os_wait *w = mwi_os_wait_of(number, arg);
  mwi_assert(w && (w->restarts == MWI_OS_NEVER || mwi_os_wait_is_timed(w, arg)));
#else
  (void)kinds, (void)number, (void)arg;
#endif
}

/* In SYS, where the thread stays.  kinds: MWI_CALL_*. */
static long wait_in_kernel(struct mwi_g *g, uint32_t kinds, long number, long a, long b, long c,
                           long d, long e, long f) {
  struct mwi_m *m = mwi_self();
  check_kinds(kinds, number, (const long[]){a, b, c, d, e, f});
  mwi_store_relaxed(&m->sys_number_1, number + 1);
  uint32_t call = call_begins(m, kinds);
  atomic_signal_fence(memory_order_seq_cst);
  long r = -EINTR;
  if (MWI_LIKELY(!mwi_load_relaxed(&mwi_jumps_pending)) || !mwi_jump_is_pending(g))
    r = mwi_os_call(number, a, b, c, d, e, f);
  call_ends(m, call);
  mwi_store_relaxed(&m->sys_number_1, 0);
  return r;
}

/*
 * A thread of the program's may be cancelled (pthread_cancel) while it waits, as in libc's
 * functions, which are cancellation points; a raw system call is none.  Cancelled, it comes out of
 * SYS, and of handlers that are over the wait, before the program's clean-up runs.
 */
void mwi_wait_cancelled(void *unused) {
  (void)unused;
  struct mwi_m *m = mwi_self();
  struct mwi_g *g = m->tcb.g;
  mwi_handlers_end();
  uint32_t call = mwi_load_relaxed(&m->calls);
  if (call % MWI_CALL_NEXT) call_ends(m, call - call % MWI_CALL_NEXT);
  mwi_store_relaxed(&m->sys_number_1, 0);
  mwi_store_relaxed(&m->in_libc, false);
  mwi_store_relaxed(&m->cleanup, NULL);
  mwi_syscall_exit();
  mwi_store_relaxed(&g->in_call, 0);
  mwi_jumps_forget(g);
  mwi_lend_leave(g, UINTPTR_MAX);
}

void mwi_wait_uncancelled(struct mwi_m *m) {
  __pthread_unwind_buf_t *registered = mwi_load_relaxed(&m->cleanup);
  if (!registered) return;
  mwi_store_relaxed(&m->cleanup, NULL);
  __pthread_unregister_cancel(registered);
}

/* What a thread of the program's waits in.  point: it is a cancellation point.  If not, calls of a
 * handler over it are, all the same. */
static MWI_NOINLINE long wait_cancelable(bool point, uint32_t kinds, long number, long a, long b,
                                         long c, long d, long e, long f) {
  long r;
  int type;
  pthread_cleanup_push(mwi_wait_cancelled, NULL);
  mwi_store_relaxed(&mwi_self()->cleanup, &__cancel_buf);
  if (point) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  r = wait_in_kernel(mwi_getg(), kinds, number, a, b, c, d, e, f);
  if (point) pthread_setcanceltype(type, NULL);
  mwi_store_relaxed(&mwi_self()->cleanup, NULL);
  pthread_cleanup_pop(0);
  return r;
}

/* Between mwi_syscall_enter and exit. */
MWI_INLINE long wait_here(struct mwi_g *g, bool point, uint32_t kinds, long number, long a, long b,
                          long c, long d, long e, long f) {
  return MWI_UNLIKELY(g->foreign) ? wait_cancelable(point, kinds, number, a, b, c, d, e, f)
                                  : wait_in_kernel(g, kinds, number, a, b, c, d, e, f);
}

static MWI_NOINLINE long call_now(enum mwi_where where, long number, long a, long b, long c, long d,
                                  long e, long f) {
  if (MWI_UNLIKELY(where == MWI_ON_PLAIN)) return plain_call(number, a, b, c, d, e, f);
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_syscall_enter();
  long r = wait_here(g, true, MWI_CALL_CUT, number, a, b, c, d, e, f);
  mwi_syscall_exit();
  mwi_jumps_go(g);
  return r;
}

/* A call that waits, with what its arguments point to on folded stacks lent to the kernel. */
typedef long waiting_call(enum mwi_where, long, long, long, long, long, long, long);
MWI_INLINE long wait_lent(waiting_call *call, enum mwi_where where, long number, long a, long b,
                          long c, long d, long e, long f) {
  if (where == MWI_ON_PLAIN) LENDING(plain_call(number, a, b, c, d, e, f));
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  const long arg[6] = {a, b, c, d, e, f};
  struct mwi_lent lent;
  mwi_lend(&lent, number, arg);
  mwi_lend_note(&lent);
  long r = call(where, number, a, b, c, d, e, f);
  mwi_lend_back(&lent);
  mwi_jumps_go(g);
  return r;
}

static MWI_NOINLINE long call_lent(enum mwi_where where, long number, long a, long b, long c,
                                   long d, long e, long f) {
  return wait_lent(call_now, where, number, a, b, c, d, e, f);
}

long mwi_call6(enum mwi_where where, long number, long a, long b, long c, long d, long e, long f) {
  return mwi_lend_wanted(number, a, b, c, d, e, f) ? call_lent(where, number, a, b, c, d, e, f)
                                                   : call_now(where, number, a, b, c, d, e, f);
}

static MWI_NOINLINE long attempt(long number, long a, long b, long c, long d, long e, long f) {
  mwi_attempt_enter();
  long r;
  /* It does not wait; but poll and its kin say EINTR, even with a timeout of zero,
   * when a signal arrives meanwhile, which may be the stop's. */
  do r = mwi_sys6(number, a, b, c, d, e, f);
  while (r == -EINTR);
  mwi_attempt_exit();
  return r;
}

static MWI_NOINLINE long attempt_lent(long number, long a, long b, long c, long d, long e, long f) {
  LENDING(attempt(number, a, b, c, d, e, f));
}

long mwi_attempt6(long number, long a, long b, long c, long d, long e, long f) {
  return mwi_lend_wanted(number, a, b, c, d, e, f) ? attempt_lent(number, a, b, c, d, e, f)
                                                   : attempt(number, a, b, c, d, e, f);
}

static MWI_NOINLINE long call_restarted(enum mwi_where where, long number, long a, long b, long c,
                                        long d, long e, long f) {
  if (where == MWI_ON_PLAIN) return plain_call(number, a, b, c, d, e, f);
  struct mwi_g *g = mwi_getg();
  mwi_syscall_enter();
  long r = wait_here(g, true, MWI_CALL_CUT | MWI_CALL_NEVER_RESTARTED, number, a, b, c, d, e, f);
  mwi_syscall_exit();
  return r;
}

long mwi_call_restarted(enum mwi_where where, long number, long a, long b, long c, long d, long e,
                        long f) {
  return wait_lent(call_restarted, where, number, a, b, c, d, e, f);
}

/* A raw system call is no cancellation point. */
static long call_raw(uint32_t kinds, long number, long a, long b, long c, long d, long e, long f) {
  mwi_syscall_enter();
  long r = wait_here(mwi_getg(), false, kinds, number, a, b, c, d, e, f);
  mwi_syscall_exit();
  return r;
}
static MWI_NOINLINE long raw_restarting(enum mwi_where where, long number, long a, long b, long c,
                                        long d, long e, long f) {
  (void)where;
  return call_raw(MWI_CALL_CUT, number, a, b, c, d, e, f);
}
static MWI_NOINLINE long raw_never(enum mwi_where where, long number, long a, long b, long c,
                                   long d, long e, long f) {
  (void)where;
  return call_raw(MWI_CALL_CUT | MWI_CALL_NEVER_RESTARTED, number, a, b, c, d, e, f);
}

long mwi_call_raw(bool restarts, enum mwi_where where, long number, const long *arg) {
  mwi_assert(where != MWI_ON_PLAIN);
  return wait_lent(restarts ? raw_restarting : raw_never, where, number, arg[0], arg[1], arg[2],
                   arg[3], arg[4], arg[5]);
}

long mwi_result(long r) {
  if (MWI_LIKELY(!mwi_sys_failed(r))) return r;
  mwi_errno_set((int)-r); /* [LC1] */
  return -1;
}

int mwi_fd_events(int fd, short of) {
  struct pollfd p = {.fd = fd, .events = of};
  long n;
  do n = mwi_sys3(SYS_poll, &p, 1, 0); /* EINTR: see mwi_attempt6 */
  while (n == -EINTR);
  if (n <= 0) return (int)n;
  return p.revents & POLLNVAL ? -EBADF : p.revents;
}

int mwi_fd_ready(int fd, enum mwi_io_dir dir) {
  int there = mwi_fd_events(fd, dir == MWI_IO_READ ? POLLIN : POLLOUT);
  return there > 0 ? 1 : there;
}

/* Is something put on the socket's error queue that is no error: time stamps, ends of sends? */
static bool queues_more_than_errors(int fd) {
  struct so_timestamping stamps = {0};
  int zero_copy = 0;
  socklen_t len = sizeof stamps;
  if (mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, &len) == 0 &&
      (stamps.flags & SOF_TIMESTAMPING_TX_RECORD_MASK))
    return true;
  len = sizeof zero_copy;
  return mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_ZEROCOPY, &zero_copy, &len) == 0 && zero_copy;
}

bool mwi_fd_has_error(int fd, int events) {
  if (events < 0 || !(events & POLLERR)) return false;
  return (events & POLLHUP) || !queues_more_than_errors(fd);
}

int mwi_fd_nonblocking(int fd) {
  long flags = mwi_sys2(SYS_fcntl, fd, F_GETFL);
  return mwi_sys_failed(flags) ? (int)flags : (flags & O_NONBLOCK) != 0;
}

/* ---- Operations -------------------------------------------------------- */

bool mwi_io_begin(struct mwi_io_op *op, int fd, enum mwi_io_dir dir) {
  *op = (struct mwi_io_op){.fd = fd, .dir = dir, .kind = MWI_FD_FILE};
  op->pd = mwi_pd_get(fd);
  if (MWI_UNLIKELY(!op->pd)) return false;
  op->seq = mwi_load_seqcst(&op->pd->seq);
  op->kind = mwi_pd_kind(op->pd, fd);
  return op->kind > MWI_FD_FILE;
}

bool mwi_io_try(struct mwi_io_op *op) {
  struct mwi_pd *pd = op->pd;
  if (!mwi_load_relaxed(&pd->registered)) return true;
  if (mwi_load_seqcst(&pd->ready[op->dir])) {
    /* Before the attempt: what comes after it is an edge of its own [NP1]. */
    if (op->dir == MWI_IO_READ) op->took |= mwi_xchg_acqrel(&pd->ready[op->dir], 0) != 0;
    return true;
  }
  /* Emptied, and no edge since: not even an attempt, if edges can be trusted.  A
   * non-blocking descriptor is asked: its edge may not have been collected yet. */
  if (op->kind != MWI_FD_TCP || op->dir != MWI_IO_READ || mwi_load_relaxed(&pd->sticky) ||
      mwi_load_relaxed(&pd->foreign) || mwi_load_relaxed(&pd->lowat))
    return true;
  op->unasked = mwi_pd_may_park(pd);
  if (MWI_LIKELY(op->unasked)) {
    op->blocking = true;
    return false;
  }
  op->blocking = mwi_fd_nonblocking(op->fd) == 0; /* an error: the attempt will say so */
  if (op->blocking) mwi_pd_blocks(pd);
  return !op->blocking;
}

/* No room in netpoll: the thread waits, others get the processor. */
static long block_thread(struct mwi_io_op *op) {
  struct pollfd p = {.fd = op->fd, .events = op->dir == MWI_IO_READ ? POLLIN : POLLOUT};
  int64_t ms = -1;
  if (op->deadline) {
    int64_t left = op->deadline - mwi_os_monotonic();
    ms = left <= 0 ? 0 : (left + 999999) / 1000000;
    if (ms > INT32_MAX) ms = INT32_MAX;
  }
  long n = mwi_call3(MWI_ON_GOROUTINE, SYS_poll, &p, 1, ms);
  if (n == -EINTR && mwi_io_is_cut(mwi_io_cut_by(op->deadline))) return n;
  if (n == 0 && op->deadline && mwi_os_monotonic() >= op->deadline) return -EAGAIN;
  return n < 0 && n != -EINTR ? n : 0;
}

/* A terminal whose reads end after a time of its own, or at once: no readiness tells of that. */
static bool has_own_clock(int fd) {
  struct termios t;
  return mwi_sys3(SYS_ioctl, fd, TCGETS, &t) == 0 && !(t.c_lflag & ICANON) &&
         (t.c_cc[VTIME] || !t.c_cc[VMIN]);
}

/*
 * A writer on a Unix socket whose peer reads no more (SHUT_RD), or that others shut down for
 * writing (SHUT_WR), gets EPIPE, but the kernel tells those who poll nothing, in whatever process
 * it was done.  So a parked one looks again: after 10 ms, then after twice as long, and so on, up
 * to a second.
 */
#define LOOK_FIRST_NS INT64_C(10000000)
#define LOOK_MOST_NS INT64_C(1000000000)
static int64_t look_again_at(struct mwi_io_op *op) {
  if (op->dir != MWI_IO_WRITE || (op->kind != MWI_FD_STREAM && op->kind != MWI_FD_DGRAM)) return 0;
  op->look_ns = !op->look_ns                     ? LOOK_FIRST_NS
                : op->look_ns > LOOK_MOST_NS / 2 ? LOOK_MOST_NS
                                                 : 2 * op->look_ns;
  int64_t at = mwi_timer_deadline(op->look_ns);
  return op->deadline && op->deadline <= at ? 0 : at;
}

/* The kernel's numbers for the sides of pseudo-terminals that programs run on (devpts). */
enum { PTS_MAJOR = 136, PTS_MAJORS = 8 };

bool mwi_io_hung_up(const struct mwi_io_op *op) {
  struct termios t;
  struct stat st;
  if (op->kind != MWI_FD_OTHER || !op->timed) return false; /* or it has not waited */
  if (mwi_sys3(SYS_ioctl, op->fd, TCGETS, &t) != -EIO) return false;
  if (mwi_sys2(SYS_fstat, op->fd, &st) != 0 || !S_ISCHR(st.st_mode)) return false;
  return major(st.st_rdev) - PTS_MAJOR < PTS_MAJORS;
}

bool mwi_io_has_error(const struct mwi_io_op *op) {
  if (!mwi_load_relaxed(&op->pd->sticky)) return false; /* no edge has told of one */
  return mwi_fd_has_error(op->fd, mwi_fd_events(op->fd, 0));
}

long mwi_io_block(struct mwi_io_op *op) {
  if (!op->blocking) {
    int nonblocking = mwi_fd_nonblocking(op->fd);
    if (nonblocking) {
      mwi_store_relaxed(&op->pd->blocks, false);
      return nonblocking < 0 ? nonblocking : -EAGAIN; /* [LC2] */
    }
  }
  op->blocking = false; /* ask again next time */
  if (!op->timed) {
    mwi_pd_options(op->pd, op->fd);
    int64_t ns = mwi_load_relaxed(&op->pd->timeout[op->dir]);
    op->deadline = ns ? mwi_timer_deadline(ns) : 0;
    mwi_io_wait_begins();
    op->timed = true;
  }
  if (op->kind == MWI_FD_OTHER && op->dir == MWI_IO_READ &&
      mwi_load_relaxed(&op->pd->nowait_no) & 1u << MWI_IO_READ && has_own_clock(op->fd)) {
    op->kind = MWI_FD_FILE; /* the thread waits */
    return 0;
  }
  op->took = false; /* found nothing: nothing to pass on */
  /* An edge since the attempt: take it and try again. */
  if (op->dir == MWI_IO_WRITE && mwi_load_relaxed(&op->pd->registered) &&
      mwi_xchg_acqrel(&op->pd->ready[op->dir], 0)) {
    op->took = true;
    return 0;
  }
  int64_t look_at = look_again_at(op);
  int e = mwi_io_wait(op->pd, op->fd, op->seq, op->dir, look_at ? look_at : op->deadline,
                      mwi_io_cut_by(op->deadline), op->unasked);
  op->unasked = false;
  if (look_at && e == -EAGAIN) return 0;
  if (e == 1) return 0;
  op->took = e == 0; /* woken by an edge, perhaps for others in the queue too [NP3] */
  if (e == 0 || e == -EAGAIN || e == -EBADF || e == -EINTR) return e;
  if (e == -EPERM) {
    op->kind = MWI_FD_FILE;
    return 0;
  }
  return block_thread(op);
}

void mwi_io_done(struct mwi_io_op *op, bool empty) {
  if (empty || !mwi_load_relaxed(&op->pd->registered)) return;
  if (op->dir == MWI_IO_READ || op->took) mwi_io_pass_on(op->pd, op->dir);
}
