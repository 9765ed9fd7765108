/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_fd.c -- descriptors' lives: open, socket, accept, connect, dup, close
 *
 * Job      The calls that make and end descriptors, which may wait too.
 * Promise  [FD1] Closing a descriptor wakes the goroutines that wait for it; they
 *          get EBADF.
 *          [FD2] A number's record belongs to the file that is open under it: every
 *          close and dup2 that goes through libc's symbols is seen, those of
 *          libraries too.  What is not seen (libc's own calls inside fclose, raw
 *          system calls) leaves a record that is verified before each wait,
 *          unless compiled code made a TCP socket under that number.
 * How      close, dup2, dup3, close_range, closefrom and setsockopt are interposed,
 *          like pthread_create.  accept polls before it calls, because there
 *          is no accept with MSG_DONTWAIT.  connect on TCP makes the socket
 *          non-blocking for the length of one system call: nothing else can block
 *          on a socket that has no peer, so nobody can notice.  It asks again at the end, as
 *          the socket only then is what a blocking call leaves: connected, or
 *          ready for another attempt.
 *          A handler's jump waits where the kernel and a record must come to say the same: a
 *          section (gc/jumps.h).
 * Next     libc.h, netpoll.h
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sched/lend.h"
#include "sched/libc.h"
#include "sched/netpoll.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

/* clang-format off */
int mwi_rt_open(const char *path, int flags, ...);
int mwi_rt_openat(int dir, const char *path, int flags, ...);
int mwi_rt_open_2(const char *path, int flags);
int mwi_rt_openat_2(int dir, const char *path, int flags);
int mwi_rt_creat(const char *path, mode_t mode);
int mwi_rt_close(int fd);
int mwi_rt_dup(int fd);
int mwi_rt_dup2(int fd, int to);
int mwi_rt_dup3(int fd, int to, int flags);
int mwi_rt_fcntl(int fd, int cmd, ...);
int mwi_rt_socket(int domain, int type, int protocol);
int mwi_rt_socketpair(int domain, int type, int protocol, int fd[2]);
int mwi_rt_pipe(int fd[2]);
int mwi_rt_pipe2(int fd[2], int flags);
int mwi_rt_accept(int fd, struct sockaddr *restrict addr, socklen_t *restrict len);
int mwi_rt_accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags);
int mwi_rt_connect(int fd, const struct sockaddr *addr, socklen_t len);
int mwi_rt_fclose(FILE *f);
int mwi_rt_pclose(FILE *f);
FILE *mwi_rt_freopen(const char *restrict path, const char *restrict mode, FILE *restrict f);
/* clang-format on */

/* ---- Opening ----------------------------------------------------------- */

static bool wants_mode(int flags) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

/* An argument that is only there where flags ask for it. */
static mode_t mode_in(va_list ap, int flags) {
  return wants_mode(flags) ? va_arg(ap, mode_t) : 0;
}

/* FIFOs wait for the other side, network file systems for the network. */
static int open_common(int dir, const char *path, int flags, mode_t mode) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  long r = mwi_call4(mwi_where(), SYS_openat, dir, path, flags, mode);
  if (r >= 0) mwi_pd_fresh((int)r, MWI_FD_UNKNOWN);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_open(const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  mode_t mode = mode_in(ap, flags);
  va_end(ap);
  return open_common(AT_FDCWD, path, flags, mode);
}

MWI_EXPORT int mwi_rt_openat(int dir, const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  mode_t mode = mode_in(ap, flags);
  va_end(ap);
  return open_common(dir, path, flags, mode);
}

/* _FORTIFY_SOURCE: without a mode, so not with flags that want one. */
_Noreturn void __chk_fail(void);

MWI_EXPORT int mwi_rt_open_2(const char *path, int flags) {
  if (wants_mode(flags)) __chk_fail();
  return open_common(AT_FDCWD, path, flags, 0);
}

MWI_EXPORT int mwi_rt_openat_2(int dir, const char *path, int flags) {
  if (wants_mode(flags)) __chk_fail();
  return open_common(dir, path, flags, 0);
}

MWI_EXPORT int mwi_rt_creat(const char *path, mode_t mode) {
  return open_common(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static enum mwi_fd_kind kind_of(int domain, int type, int protocol) {
  if ((type & 0xf) != SOCK_STREAM) return MWI_FD_DGRAM;
  bool tcp =
      (domain == AF_INET || domain == AF_INET6) && (protocol == 0 || protocol == IPPROTO_TCP);
  return tcp ? MWI_FD_TCP : MWI_FD_STREAM;
}

MWI_EXPORT int mwi_rt_socket(int domain, int type, int protocol) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  long r = mwi_sys3(SYS_socket, domain, type, protocol);
  if (r >= 0) mwi_pd_fresh((int)r, kind_of(domain, type, protocol));
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_socketpair(int domain, int type, int protocol, int fd[2]) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  long r = mwi_call4(mwi_where(), SYS_socketpair, domain, type, protocol, fd);
  for (int i = 0; r == 0 && i < 2; i++) mwi_pd_fresh(fd[i], kind_of(domain, type, protocol));
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_pipe2(int fd[2], int flags) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  long r = mwi_call2(mwi_where(), SYS_pipe2, fd, flags);
  for (int i = 0; r == 0 && i < 2; i++) mwi_pd_fresh(fd[i], MWI_FD_OTHER);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_pipe(int fd[2]) {
  return mwi_rt_pipe2(fd, 0);
}

/* ---- Accept and connect ------------------------------------------------ */

static bool listens(int fd) {
  int yes = 0;
  socklen_t len = sizeof yes;
  return mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes;
}

static long accept_parking(struct mwi_io_op *op, struct sockaddr *addr, socklen_t *len, int flags) {
  for (;;) {
    long r = mwi_io_try(op) ? mwi_fd_ready(op->fd, MWI_IO_READ) : 0;
    /* Somebody else may be faster: then this thread waits, as a thread does.  A socket that cannot
     * accept says so at once. */
    if (r > 0 || (r == 0 && !op->timed && !listens(op->fd)))
      r = mwi_call4(MWI_ON_GOROUTINE, SYS_accept4, op->fd, addr, len, flags);
    else if (r == 0)
      r = -EAGAIN;
    if (r == -EAGAIN) {
      r = mwi_io_block(op);
      if (r == 0 && op->kind != MWI_FD_FILE) continue;
    }
    mwi_io_done(op, r == -EAGAIN);
    return r;
  }
}

MWI_EXPORT int mwi_rt_accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len,
                              int flags) {
  struct mwi_io_op op = {.kind = MWI_FD_UNKNOWN};
  enum mwi_where where = mwi_where();
  long r = -ENOTSOCK;
  bool valid = !(flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK));
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  if (where == MWI_ON_GOROUTINE && valid && mwi_io_begin(&op, fd, MWI_IO_READ) &&
      op.kind != MWI_FD_OTHER) {
    r = accept_parking(&op, addr, len, flags);
    if (r == -ENOTSOCK) mwi_pd_mistaken(op.pd);
  }
  if (r == -ENOTSOCK) r = mwi_call4(where, SYS_accept4, fd, addr, len, flags);
  if (r >= 0)
    mwi_pd_fresh((int)r, op.kind > MWI_FD_FILE ? (enum mwi_fd_kind)op.kind : MWI_FD_UNKNOWN);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_accept(int fd, struct sockaddr *restrict addr, socklen_t *restrict len) {
  return mwi_rt_accept4(fd, addr, len, 0);
}

static long connect_parking(struct mwi_io_op *op, const struct sockaddr *addr, socklen_t len) {
  long begun = 0; /* what the first attempt said: EALREADY, if an earlier call has begun it */
  for (;;) {
    long flags = mwi_sys2(SYS_fcntl, op->fd, F_GETFL);
    if (flags < 0 || (flags & O_NONBLOCK))
      return mwi_call3(MWI_ON_GOROUTINE, SYS_connect, op->fd, addr, len);
    mwi_sys3(SYS_fcntl, op->fd, F_SETFL, flags | O_NONBLOCK);
    long r = mwi_sys3(SYS_connect, op->fd, addr, len);
    mwi_sys3(SYS_fcntl, op->fd, F_SETFL, flags);
    if (r == -EISCONN && begun) return 0; /* another goroutine that waited has asked first */
    if (r != -EINPROGRESS && r != -EALREADY) return r;
    if (!begun) begun = r;
    while ((r = mwi_fd_ready(op->fd, MWI_IO_WRITE)) == 0) {
      long e = mwi_io_block(op);
      if (e == -EAGAIN) return begun; /* SO_SNDTIMEO */
      if (e) return e;
    }
    if (r < 0) return r;
  }
}

MWI_EXPORT int mwi_rt_connect(int fd, const struct sockaddr *addr, socklen_t len) {
  struct mwi_io_op op;
  enum mwi_where where = mwi_where();
  if (where != MWI_ON_GOROUTINE || !mwi_io_begin(&op, fd, MWI_IO_WRITE) || op.kind != MWI_FD_TCP)
    return (int)mwi_result(mwi_call3(where, SYS_connect, fd, addr, len));
  return (int)mwi_result(connect_parking(&op, addr, len));
}

/* ---- Duplicates -------------------------------------------------------- */

static void duplicated(int fd, long copy) {
  mwi_pd_fresh((int)copy, MWI_FD_UNKNOWN);
  mwi_pd_shared(fd);
  mwi_pd_shared((int)copy);
}

MWI_EXPORT int mwi_rt_dup(int fd) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  long r = mwi_sys1(SYS_dup, fd);
  if (r >= 0) duplicated(fd, r);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

static int dup_onto(int fd, int to, int flags, bool dup3) {
  uint32_t seq = 0;
  if (mwi_netpoll_os_owns(to)) return (int)mwi_result(-EBUSY);
  if (fd == to || (dup3 && (flags & ~O_CLOEXEC)))
    return (int)mwi_result(dup3 ? mwi_sys3(SYS_dup3, fd, to, flags) : mwi_sys2(SYS_dup2, fd, to));
  if (mwi_sys_failed(mwi_sys2(SYS_fcntl, fd, F_GETFD))) return (int)mwi_result(-EBADF);
  struct mwi_g *g = mwi_pd_section();
  mwi_jumps_wait(g);
  struct mwi_pd *pd = mwi_pd_close_begin(to, &seq);
  long r = mwi_sys3(SYS_dup3, fd, to, flags);
  mwi_pd_close_end(pd, seq);
  if (r >= 0) {
    mwi_pd_shared(fd);
    mwi_pd_shared(to);
  }
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_dup2(int fd, int to) {
  return dup_onto(fd, to, 0, false);
}
MWI_EXPORT int mwi_rt_dup3(int fd, int to, int flags) {
  return dup_onto(fd, to, flags, true);
}

MWI_EXPORT int mwi_rt_fcntl(int fd, int cmd, ...) {
  va_list ap;
  va_start(ap, cmd);
  long arg = va_arg(ap, long); /* whatever it is, as libc does */
  va_end(ap);
  if (cmd == F_GETOWN) return fcntl(fd, cmd, arg); /* the kernel's small negative ones are values */
  long r;
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  switch (cmd) {
  case F_SETLKW: /* these have memory of the program's: on whatever stack */
  case F_OFD_SETLKW:
  case F_SETLK:
  case F_OFD_SETLK:
  case F_GETLK:
  case F_OFD_GETLK:
  case F_GETOWN_EX:
  case F_SETOWN_EX:
  case F_GET_RW_HINT:
  case F_SET_RW_HINT:
  case F_GET_FILE_RW_HINT:
  case F_SET_FILE_RW_HINT:
    r = mwi_call3(mwi_where(), SYS_fcntl, fd, cmd, arg);
    break;
  default:
    r = mwi_sys3(SYS_fcntl, fd, cmd, arg);
    break;
  }
  if (r >= 0 && cmd == F_SETFL) mwi_pd_flags_changed(fd);
  if (r >= 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)) duplicated(fd, r);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

/* ---- Closing ----------------------------------------------------------- */

/*
 * A thread of the program's is not cancelled in the middle: whoever polls the descriptor waits for
 * the end.  Before, it may be, and nothing has begun.  (Nothing here looks at %gs before there is
 * a record: libraries close before start-up.)
 */
struct ending {
  struct mwi_lent lent; /* first: ends it where libc's function is left by a jump */
  struct mwi_pd *pd;
  uint32_t seq;
  bool thread;
  int cancel; /* the thread's state */
};

static void ending_begins(struct ending *e, int fd) {
  pthread_testcancel();
  *e = (struct ending){0};
  e->pd = fd < 0 ? NULL : mwi_pd_close_begin(fd, &e->seq);
  e->thread = e->pd && mwi_where() != MWI_ON_GOROUTINE;
  if (e->thread) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &e->cancel);
}

static void ending_ends(const struct ending *e) {
  mwi_pd_close_end(e->pd, e->seq);
  if (e->thread) pthread_setcancelstate(e->cancel, NULL);
}

MWI_EXPORT int mwi_rt_close(int fd) {
  struct ending e;
  if (mwi_netpoll_os_owns(fd)) return (int)mwi_result(-EBADF);
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  ending_begins(&e, fd);
  long r = mwi_call1(mwi_where(), SYS_close, fd); /* may linger */
  ending_ends(&e);
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}

static void stream_left(struct mwi_lent *lent) {
  ending_ends(MWI_CONTAINER(lent, struct ending, lent));
}

/* stdio closes by itself, and may be long about it: no section, but for both ends. */
static void stream_closes(struct ending *e, FILE *f, const char *path, const char *mode) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  ending_begins(e, f ? fileno(f) : -1);
  mwi_lend_objects(&e->lent, path, mode);
  e->lent.back = stream_left;
  mwi_lend_note(&e->lent);
  mwi_jumps_go(g);
}
static void stream_closed(struct ending *e) {
  mwi_lend_over(&e->lent);
}

MWI_EXPORT int mwi_rt_fclose(FILE *f) {
  struct ending e;
  stream_closes(&e, f, NULL, NULL);
  int r = fclose(f);
  stream_closed(&e);
  return r;
}

MWI_EXPORT int mwi_rt_pclose(FILE *f) {
  struct ending e;
  stream_closes(&e, f, NULL, NULL);
  int r = pclose(f);
  stream_closed(&e);
  return r;
}

MWI_EXPORT FILE *mwi_rt_freopen(const char *restrict path, const char *restrict mode,
                                FILE *restrict f) {
  struct ending e;
  stream_closes(&e, f, path, mode);
  FILE *r;
  MWI_WHILE_LENT(&e.lent, r, freopen(path, mode, f));
  stream_closed(&e);
  return r;
}

/* ---- What libraries call [FD2] ------------------------------------------ */

#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
const bool mwi_closes_are_seen = true;
/* Weak: a program linked with libmallow.a may have one of its own. */
#define MWI_INTERPOSED MWI_EXPORT __attribute__((weak))
int __close(int fd);

/* Before start-up too, when %gs points nowhere: nothing here looks at it until a
 * record exists.  libc's own, because it is a cancellation point. */
MWI_INTERPOSED int close(int fd) {
  struct ending e;
  if (mwi_netpoll_os_owns(fd)) return (int)mwi_result(-EBADF);
  struct mwi_g *g = mwi_pd_section();
  mwi_jumps_wait(g);
  ending_begins(&e, fd);
  int r = __close(fd);
  ending_ends(&e);
  mwi_jumps_go(g);
  return r;
}

MWI_INTERPOSED int dup2(int fd, int to) {
  return dup_onto(fd, to, 0, false);
}
MWI_INTERPOSED int dup3(int fd, int to, int flags) {
  return dup_onto(fd, to, flags, true);
}

MWI_INTERPOSED int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  long r = mwi_sys5(SYS_setsockopt, fd, level, name, value, len);
  if (r == 0 && ((level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) ||
                 (level == IPPROTO_TCP && name == TCP_ULP)))
    mwi_pd_options_changed(fd);
  if (r == 0 && level == SOL_SOCKET && name == SO_RCVLOWAT) mwi_pd_low_water(fd);
  return (int)mwi_result(r);
}

/* All but the runtime's own. */
static long close_span(unsigned first, unsigned last, int flags) {
  for (;;) {
    unsigned own = mwi_netpoll_os_next(first);
    bool more = own <= last && own != ~0u;
    if (!more) return mwi_sys3(SYS_close_range, first, last, flags);
    long r = own > first ? mwi_sys3(SYS_close_range, first, own - 1, flags) : 0;
    if (r < 0 || own == last) return r;
    first = own + 1;
  }
}

MWI_INTERPOSED int close_range(unsigned first, unsigned last, int flags) {
  if (flags & CLOSE_RANGE_CLOEXEC)
    return (int)mwi_result(mwi_sys3(SYS_close_range, first, last, flags));
  /* With CLOSE_RANGE_UNSHARE the other threads have them still; with what is no flag, everybody. */
  if (!flags) mwi_pd_close_many(first, last);
  return (int)mwi_result(close_span(first, last, flags));
}

MWI_INTERPOSED void closefrom(int first) {
  close_range(first < 0 ? 0 : (unsigned)first, ~0u, 0);
}
#else
const bool mwi_closes_are_seen = false; /* the sanitizer's covers come first */
#endif
