/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_io.c -- read, write, recv, send and their relatives
 *
 * Job      What sched/libc.h says, for the calls that move data.
 * Promise  [LC3] A call returns what it would return on a thread of its own: a
 *          blocking send goes on until all is sent, a receive returns what
 *          there is, MSG_WAITALL waits for all.  EINTR where a signal is for the
 *          goroutine (cut.c).
 *          [LC4] The kernel is done with the buffers when a call returns; none
 *          of them is in its hands while the goroutine is parked [NP5].
 * How      Attempts on sockets are recv and send with MSG_DONTWAIT; on pipes and
 *          the like preadv2 and pwritev2 with RWF_NOWAIT; where the kernel does
 *          not know that for a descriptor, poll and then the plain call, which
 *          blocks its thread if somebody else was faster.
 * Next     libc.c, netpoll.h; tests/net
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/fault.h"
#include "sched/libc.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif
#ifndef RWF_APPEND
#define RWF_APPEND 16
#endif

/* clang-format off */
ssize_t mwi_rt_read(int fd, void *buf, size_t n);
ssize_t mwi_rt_write(int fd, const void *buf, size_t n);
ssize_t mwi_rt_readv(int fd, const struct iovec *v, int count);
ssize_t mwi_rt_writev(int fd, const struct iovec *v, int count);
ssize_t mwi_rt_recv(int fd, void *buf, size_t n, int flags);
ssize_t mwi_rt_recvfrom(int fd, void *restrict buf, size_t n, int flags, struct sockaddr *restrict from, socklen_t *restrict len);
ssize_t mwi_rt_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t mwi_rt_send(int fd, const void *buf, size_t n, int flags);
ssize_t mwi_rt_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len);
ssize_t mwi_rt_sendmsg(int fd, const struct msghdr *msg, int flags);
int mwi_rt_recvmmsg(int fd, struct mmsghdr *v, unsigned count, int flags, struct timespec *timeout);
int mwi_rt_sendmmsg(int fd, struct mmsghdr *v, unsigned count, int flags);
ssize_t mwi_rt_read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t mwi_rt_recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t mwi_rt_recvfrom_chk(int fd, void *restrict buf, size_t n, size_t room, int flags, struct sockaddr *restrict from, socklen_t *restrict len);
_Noreturn void __chk_fail(void); /* libc's, for _FORTIFY_SOURCE */
/* clang-format on */

static bool is_socket(int kind) {
  return kind == MWI_FD_TCP || kind == MWI_FD_STREAM || kind == MWI_FD_DGRAM;
}

/* ---- Attempts ---------------------------------------------------------- */

/* On what is no socket: vectors, without blocking as far as the kernel can. */
static long try_vector(struct mwi_io_op *op, const struct iovec *v, size_t count) {
  bool in = op->dir == MWI_IO_READ;
  uint8_t bit = (uint8_t)(1u << op->dir);
  if (!(mwi_load_relaxed(&op->pd->nowait_no) & bit)) {
    long r = mwi_attempt6(in ? SYS_preadv2 : SYS_pwritev2, op->fd, (long)v, (long)count, -1, -1,
                          RWF_NOWAIT);
    if (r != -EOPNOTSUPP && r != -ENOSYS) return r;
    mwi_or_relaxed(&op->pd->nowait_no, bit);
  }
  int ready = mwi_fd_ready(op->fd, op->dir);
  if (ready < 0) return ready;
  /* Not ready, but a FIFO that nobody writes to is at its end: a call that does not block knows. */
  if (!ready && mwi_fd_nonblocking(op->fd) != 1) return -EAGAIN;
  if (in || count != 1 || v->iov_len <= PIPE_BUF)
    return mwi_call3(MWI_ON_GOROUTINE, in ? SYS_readv : SYS_writev, op->fd, v, count);
  /* A pipe that is ready takes this much without blocking. */
  return mwi_call3(MWI_ON_GOROUTINE, SYS_write, op->fd, v->iov_base, PIPE_BUF);
}

/* With MSG_DONTWAIT a datagram socket that was shut down says EAGAIN; at its end it is all the
 * same. */
static bool shut_down(const struct mwi_io_op *op) {
  if (MWI_LIKELY(op->kind != MWI_FD_DGRAM || !mwi_load_relaxed(&op->pd->sticky))) return false;
  int there = mwi_fd_events(op->fd, POLLRDHUP);
  return there > 0 && (there & POLLRDHUP);
}

static long try_recv(struct mwi_io_op *op, struct msghdr *msg, int flags) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&op->pd->lowat))) {
    int ready = mwi_fd_ready(op->fd, op->dir);
    if (ready <= 0) return ready == 0 ? -EAGAIN : ready;
  }
  if (op->simple)
    return mwi_attempt6(SYS_recvfrom, op->fd, (long)msg->msg_iov->iov_base,
                        (long)msg->msg_iov->iov_len, flags | MSG_DONTWAIT, 0, 0);
  return mwi_attempt3(SYS_recvmsg, op->fd, msg, flags | MSG_DONTWAIT);
}

static long try_send(struct mwi_io_op *op, const struct msghdr *msg, int flags) {
  if (msg->msg_iovlen == 1 && !msg->msg_controllen)
    return mwi_attempt6(SYS_sendto, op->fd, (long)msg->msg_iov->iov_base,
                        (long)msg->msg_iov->iov_len, flags | MSG_DONTWAIT, (long)msg->msg_name,
                        msg->msg_namelen);
  return mwi_attempt3(SYS_sendmsg, op->fd, msg, flags | MSG_DONTWAIT);
}

/* ---- Receiving --------------------------------------------------------- */

/* Of what can be read. */
static size_t total(const struct iovec *v, size_t count) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) n += v[i].iov_len;
  return n;
}

/*
 * A part has been received.  An attempt that finds nothing more takes the socket's error away,
 * which is the next call's to report: so there is none unless bytes are there.  1: they are, or the
 * end; 0: nothing yet, -1: an error.
 */
static int there_is_more(const struct mwi_io_op *op) {
  int there = mwi_fd_events(op->fd, POLLIN), bytes = 0;
  if (there < 0 || !(there & POLLERR)) return there != 0;
  if (mwi_sys3(SYS_ioctl, op->fd, FIONREAD, &bytes) == 0 && bytes > 0) return 1;
  return mwi_fd_has_error(op->fd, there) ? -1 : 0;
}

/* One receive on a socket, or one read elsewhere.  want: bytes asked for. */
static long receive(struct mwi_io_op *op, struct msghdr *msg, int flags, size_t want) {
  socklen_t name_room = msg->msg_namelen;
  size_t control_room = msg->msg_controllen;
  for (;;) {
    long r = -EAGAIN;
    bool may = mwi_io_try(op);
    if (may && op->partly) {
      int more = there_is_more(op);
      if (more < 0) {
        mwi_io_done(op, false);
        return 0;
      }
      may = more;
    }
    if (may) {
      /* A failed attempt may have cleared them.  Else they may be where nobody may write. */
      if (msg->msg_namelen != name_room) msg->msg_namelen = name_room;
      if (msg->msg_controllen != control_room) msg->msg_controllen = control_room;
      r = is_socket(op->kind) ? try_recv(op, msg, flags)
                              : try_vector(op, msg->msg_iov, msg->msg_iovlen);
    }
    if (r == -EAGAIN) {
      if (MWI_UNLIKELY(shut_down(op))) {
        r = mwi_call3(MWI_ON_GOROUTINE, SYS_recvmsg, op->fd, msg, flags);
        mwi_io_done(op, false);
        return r;
      }
      r = mwi_io_block(op);
      if (r == 0 && op->kind == MWI_FD_FILE)
        return mwi_call3(MWI_ON_GOROUTINE, SYS_readv, op->fd, msg->msg_iov, msg->msg_iovlen);
      if (r == 0) continue;
      mwi_io_done(op, r == -EAGAIN);
      return r;
    }
    if (MWI_UNLIKELY(r == 0 && want && mwi_io_hung_up(op))) r = -EIO;
    mwi_io_done(op, op->kind == MWI_FD_TCP && r > 0 && (size_t)r < want && !(flags & MSG_PEEK) &&
                        !mwi_load_relaxed(&op->pd->sticky));
    return r;
  }
}

/* Past the first `done` bytes of a vector: first index, and bytes of it that are done. */
static size_t skip(const struct iovec *v, size_t count, size_t *done) {
  size_t i = 0;
  while (i < count && *done >= v[i].iov_len) *done -= v[i++].iov_len;
  return i;
}

/* No receive passes an urgent byte, which is not among the others. */
static bool at_mark(const struct mwi_io_op *op) {
  int at = 0;
  return op->kind == MWI_FD_TCP && mwi_sys3(SYS_ioctl, op->fd, SIOCATMARK, &at) == 0 && at;
}

/* MSG_WAITALL on bytes: until all is there, or the end, or an error, which is left for the next
 * call. */
static long receive_all(struct mwi_io_op *op, struct msghdr *msg, int flags) {
  size_t want = total(msg->msg_iov, msg->msg_iovlen), got = 0;
  long r = receive(op, msg, flags & ~MSG_WAITALL, want);
  while (r > 0 && (got += (size_t)r) < want && !at_mark(op)) {
    size_t in = got, i = skip(msg->msg_iov, msg->msg_iovlen, &in);
    struct iovec part = {(char *)msg->msg_iov[i].iov_base + in, msg->msg_iov[i].iov_len - in};
    struct msghdr rest = {.msg_iov = &part, .msg_iovlen = 1};
    op->partly = true;
    r = receive(op, &rest, flags & ~MSG_WAITALL, part.iov_len);
  }
  return got ? (long)got : r;
}

/* Never blocks, or has a meaning that only the kernel's wait has. */
static bool kernel_waits(int flags) {
  return (flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB)) ||
         (flags & (MSG_PEEK | MSG_WAITALL)) == (MSG_PEEK | MSG_WAITALL);
}

static long recv_plain(enum mwi_where where, int fd, struct msghdr *msg, int flags, bool simple) {
  if (!simple) return mwi_call3(where, SYS_recvmsg, fd, msg, flags);
  return mwi_call6(where, SYS_recvfrom, fd, (long)msg->msg_iov->iov_base,
                   (long)msg->msg_iov->iov_len, flags, 0, 0);
}

/* simple: one vector, and the caller wants neither flags, name nor control data. */
static long recv_common(int fd, struct msghdr *msg, int flags, bool simple) {
  struct mwi_io_op op;
  enum mwi_where where = mwi_where();
  bool plain = where != MWI_ON_GOROUTINE || kernel_waits(flags);
  /* MSG_WAITALL ends at a message that brings descriptors: the kernel sees where that is. */
  if ((flags & MSG_WAITALL) && msg->msg_control) plain = true;
  if (!plain) plain = !mwi_io_begin(&op, fd, MWI_IO_READ) || !is_socket(op.kind);
  if (plain) return recv_plain(where, fd, msg, flags, simple);
  op.simple = simple;
  long r = (flags & MSG_WAITALL) && op.kind != MWI_FD_DGRAM
               ? receive_all(&op, msg, flags)
               : receive(&op, msg, flags, total(msg->msg_iov, msg->msg_iovlen));
  if (r != -ENOTSOCK) return r;
  mwi_pd_mistaken(op.pd);
  return recv_plain(where, fd, msg, flags, simple);
}

/* What we cannot look at is the kernel's to judge. */
static bool is_wrong(const struct msghdr *msg) {
  return !mwi_os_readable(msg, sizeof *msg) || msg->msg_iovlen > IOV_MAX ||
         !mwi_os_readable(msg->msg_iov, msg->msg_iovlen * sizeof *msg->msg_iov);
}
static bool is_wrong_vector(const struct iovec *v, int count) {
  return count <= 0 || count > IOV_MAX || !mwi_os_readable(v, (size_t)count * sizeof *v);
}
/* A buffer that ends where no program has memory: read and write say so before they look at the
 * descriptor, receiving and sending take less. */
static bool is_wrong_buffer(const void *p, size_t n) {
  return (int64_t)((uintptr_t)p | n | ((uintptr_t)p + n)) < 0;
}

MWI_EXPORT ssize_t mwi_rt_recvmsg(int fd, struct msghdr *msg, int flags) {
  if (is_wrong(msg)) return mwi_result(mwi_call3(mwi_where(), SYS_recvmsg, fd, msg, flags));
  long r = recv_common(fd, msg, flags, false);
  if (r < 0 || !msg->msg_control) return mwi_result(r);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
      int got;
      memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
      mwi_pd_fresh(got, MWI_FD_UNKNOWN);
    }
  }
  return r;
}

MWI_EXPORT ssize_t mwi_rt_recvfrom(int fd, void *restrict buf, size_t n, int flags,
                                   struct sockaddr *restrict from, socklen_t *restrict len) {
  enum mwi_where where = mwi_where();
  socklen_t room = 0;
  if (where != MWI_ON_GOROUTINE || kernel_waits(flags) ||
      (from && !mwi_os_copy(&room, len, sizeof room)))
    return mwi_result(
        mwi_call6(where, SYS_recvfrom, fd, (long)buf, (long)n, flags, (long)from, (long)len));
  struct iovec v = {buf, n};
  struct msghdr msg = {.msg_name = from, .msg_namelen = room, .msg_iov = &v, .msg_iovlen = 1};
  long r = recv_common(fd, &msg, flags, !from);
  if (r >= 0 && from && !mwi_os_copy(len, &msg.msg_namelen, sizeof *len)) r = -EFAULT;
  return mwi_result(r);
}

MWI_EXPORT ssize_t mwi_rt_recv(int fd, void *buf, size_t n, int flags) {
  return mwi_rt_recvfrom(fd, buf, n, flags, NULL, NULL);
}

/* read and readv. */
static long read_common(enum mwi_where where, int fd, const struct iovec *v, int count, size_t n) {
  struct mwi_io_op op;
  for (;;) {
    if (where != MWI_ON_GOROUTINE || n == 0 || !mwi_io_begin(&op, fd, MWI_IO_READ))
      return count == 1 ? mwi_call3(where, SYS_read, fd, v->iov_base, v->iov_len)
                        : mwi_call3(where, SYS_readv, fd, v, count);
    struct iovec *unconst = (struct iovec *)(uintptr_t)v;
    struct msghdr msg = {.msg_iov = unconst, .msg_iovlen = (size_t)count};
    op.simple = count == 1;
    long r = receive(&op, &msg, 0, n);
    if (r != -ENOTSOCK) return r;
    mwi_pd_mistaken(op.pd);
  }
}

MWI_EXPORT ssize_t mwi_rt_read(int fd, void *buf, size_t n) {
  struct iovec v = {buf, n};
  enum mwi_where where = mwi_where();
  if (MWI_UNLIKELY(is_wrong_buffer(buf, n)))
    return mwi_result(mwi_call3(where, SYS_read, fd, buf, n));
  return mwi_result(read_common(where, fd, &v, 1, n));
}

MWI_EXPORT ssize_t mwi_rt_readv(int fd, const struct iovec *v, int count) {
  enum mwi_where where = mwi_where();
  if (where != MWI_ON_GOROUTINE || is_wrong_vector(v, count))
    return mwi_result(mwi_call3(where, SYS_readv, fd, v, count));
  return mwi_result(read_common(where, fd, v, count, total(v, (size_t)count)));
}

MWI_EXPORT int mwi_rt_recvmmsg(int fd, struct mmsghdr *v, unsigned count, int flags,
                               struct timespec *timeout) {
  enum mwi_where where = mwi_where();
  struct mwi_io_op op;
  if (timeout || count == 0 || where != MWI_ON_GOROUTINE || kernel_waits(flags) ||
      (flags & MSG_WAITALL) || !mwi_io_begin(&op, fd, MWI_IO_READ) || !is_socket(op.kind))
    return (int)mwi_result(mwi_call5(where, SYS_recvmmsg, fd, v, count, flags, timeout));
  unsigned got = 0;
  for (;;) {
    bool may = mwi_io_try(&op);
    /* An error behind a message is the next call's, and an attempt would take it away: there is
     * none where there is nothing else. */
    int there = may && got ? mwi_fd_events(fd, POLLIN) : POLLIN;
    if (mwi_fd_has_error(fd, there)) break;
    long r = may && there ? mwi_call5(where, SYS_recvmmsg, fd, v + got, count - got,
                                      (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT, NULL)
                          : -EAGAIN;
    if (r == -EAGAIN && shut_down(&op))
      r = mwi_call5(where, SYS_recvmmsg, fd, v + got, count - got, flags, NULL);
    if (r == -EAGAIN) {
      if (got && (flags & MSG_WAITFORONE)) break;
      r = mwi_io_block(&op);
      if (r == 0 && op.kind != MWI_FD_FILE) continue;
    }
    if (r <= 0) {
      mwi_io_done(&op, r == -EAGAIN);
      return got ? (int)got : (int)mwi_result(r);
    }
    got += (unsigned)r;
    if (got == count || (flags & MSG_WAITFORONE)) break;
  }
  mwi_io_done(&op, false);
  return (int)got;
}

/* ---- Sending ----------------------------------------------------------- */

static bool is_unix(int fd) {
  int domain = 0;
  socklen_t len = sizeof domain;
  return mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
         domain == AF_UNIX;
}

/*
 * The first attempt that succeeds or fails, after waits.  While it waits in the kernel, a Unix
 * socket's sender gets the socket's error (its peer has gone, with bytes unread), and no SIGPIPE; a
 * call that only begins then gets EPIPE, and SIGPIPE.  Others say the same to both.
 */
static long try_send_again(struct mwi_io_op *op, const struct msghdr *msg, int flags) {
  long r = try_send(op, msg, flags | MSG_NOSIGNAL);
  if (r != -EPIPE) return r;
  if (!is_unix(op->fd)) return try_send(op, msg, flags);
  int error = 0;
  socklen_t len = sizeof error;
  mwi_sys5(SYS_getsockopt, op->fd, SOL_SOCKET, SO_ERROR, &error, &len);
  return error ? -error : -EPIPE;
}

/* A datagram to an address: whether that has room does not show in this socket's readiness. */
static bool other_is_full(const struct mwi_io_op *op, const struct msghdr *msg) {
  return op->kind == MWI_FD_DGRAM && msg->msg_name && mwi_fd_ready(op->fd, MWI_IO_WRITE) == 1 &&
         mwi_fd_nonblocking(op->fd) == 0;
}

/* Until all is sent where bytes are sent; one message is one attempt. */
static long send_all(struct mwi_io_op *op, const struct msghdr *msg, int flags) {
  size_t want = total(msg->msg_iov, msg->msg_iovlen), sent = 0;
  bool bytes = op->kind != MWI_FD_DGRAM;
  for (;;) {
    long r;
    (void)mwi_io_try(op);
    if (sent == 0 && is_socket(op->kind)) {
      r = op->timed ? try_send_again(op, msg, flags) : try_send(op, msg, flags);
      if (r == -EAGAIN && other_is_full(op, msg))
        r = mwi_call3(MWI_ON_GOROUTINE, SYS_sendmsg, op->fd, msg, flags);
    } else if (sent == 0) {
      r = try_vector(op, msg->msg_iov, msg->msg_iovlen);
    } else {
      size_t in = sent, i = skip(msg->msg_iov, msg->msg_iovlen, &in);
      struct iovec part = {(char *)msg->msg_iov[i].iov_base + in, msg->msg_iov[i].iov_len - in};
      struct msghdr rest = {.msg_iov = in ? &part : &msg->msg_iov[i],
                            .msg_iovlen = in ? 1 : msg->msg_iovlen - i};
      /* What was sent is the result, even if the other side is gone by now. */
      r = is_socket(op->kind) ? try_send(op, &rest, flags | MSG_NOSIGNAL)
                              : try_vector(op, rest.msg_iov, rest.msg_iovlen);
    }
    bool full = r == -EAGAIN;
    if (full) {
      r = mwi_io_block(op);
      bool over = sent && r == 0 && is_socket(op->kind) && mwi_io_has_error(op);
      if (r == 0 && op->kind != MWI_FD_FILE && !over) continue;
      if (r == 0 && !over)
        r = mwi_call3(MWI_ON_GOROUTINE, SYS_writev, op->fd, msg->msg_iov, msg->msg_iovlen);
    }
    if (r > 0) sent += (size_t)r;
    if (r <= 0 || sent >= want || !bytes) {
      mwi_io_done(op, full && r < 0);
      return sent ? (long)sent : r;
    }
  }
}

static long send_plain(enum mwi_where where, int fd, const struct msghdr *msg, int flags,
                       bool simple) {
  if (!simple) return mwi_call3(where, SYS_sendmsg, fd, msg, flags);
  return mwi_call6(where, SYS_sendto, fd, (long)msg->msg_iov->iov_base, (long)msg->msg_iov->iov_len,
                   flags, (long)msg->msg_name, msg->msg_namelen);
}

/* simple: one vector, and no control data. */
static long send_common(int fd, const struct msghdr *msg, int flags, bool simple) {
  struct mwi_io_op op;
  enum mwi_where where = mwi_where();
  bool plain = where != MWI_ON_GOROUTINE || (flags & (MSG_DONTWAIT | MSG_FASTOPEN));
  if (!plain) plain = !mwi_io_begin(&op, fd, MWI_IO_WRITE) || !is_socket(op.kind);
  if (plain) return send_plain(where, fd, msg, flags, simple);
  long r = send_all(&op, msg, flags);
  if (r != -ENOTSOCK) return r;
  mwi_pd_mistaken(op.pd);
  return send_plain(where, fd, msg, flags, simple);
}

static long send_message(int fd, const struct msghdr *msg, int flags) {
  return is_wrong(msg) ? mwi_call3(mwi_where(), SYS_sendmsg, fd, msg, flags)
                       : send_common(fd, msg, flags, false);
}

MWI_EXPORT ssize_t mwi_rt_sendmsg(int fd, const struct msghdr *msg, int flags) {
  return mwi_result(send_message(fd, msg, flags));
}

MWI_EXPORT ssize_t mwi_rt_sendto(int fd, const void *buf, size_t n, int flags,
                                 const struct sockaddr *to, socklen_t len) {
  struct iovec v = {(void *)(uintptr_t)buf, n};
  struct msghdr msg = {.msg_name = (void *)(uintptr_t)to,
                       .msg_namelen = to ? len : 0,
                       .msg_iov = &v,
                       .msg_iovlen = 1};
  return mwi_result(send_common(fd, &msg, flags, true));
}

MWI_EXPORT ssize_t mwi_rt_send(int fd, const void *buf, size_t n, int flags) {
  return mwi_rt_sendto(fd, buf, n, flags, NULL, 0);
}

static bool is_seqpacket(int fd) {
  int type = 0;
  socklen_t len = sizeof type;
  return mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
         type == SOCK_SEQPACKET;
}

static long write_common(enum mwi_where where, int fd, const struct iovec *v, int count, size_t n) {
  struct mwi_io_op op;
  for (;;) {
    if (where != MWI_ON_GOROUTINE || !mwi_io_begin(&op, fd, MWI_IO_WRITE) ||
        (n == 0 && op.kind != MWI_FD_DGRAM))
      return count == 1 ? mwi_call3(where, SYS_write, fd, v->iov_base, v->iov_len)
                        : mwi_call3(where, SYS_writev, fd, v, count);
    struct iovec *unconst = (struct iovec *)(uintptr_t)v;
    struct msghdr msg = {.msg_iov = unconst, .msg_iovlen = (size_t)count};
    /* As the kernel does for write. */
    int flags = op.kind == MWI_FD_DGRAM && is_seqpacket(fd) ? MSG_EOR : 0;
    long r = send_all(&op, &msg, flags);
    if (r != -ENOTSOCK) return r;
    mwi_pd_mistaken(op.pd);
  }
}

MWI_EXPORT ssize_t mwi_rt_write(int fd, const void *buf, size_t n) {
  struct iovec v = {(void *)(uintptr_t)buf, n};
  enum mwi_where where = mwi_where();
  if (MWI_UNLIKELY(is_wrong_buffer(buf, n)))
    return mwi_result(mwi_call3(where, SYS_write, fd, buf, n));
  return mwi_result(write_common(where, fd, &v, 1, n));
}

MWI_EXPORT ssize_t mwi_rt_writev(int fd, const struct iovec *v, int count) {
  enum mwi_where where = mwi_where();
  if (where != MWI_ON_GOROUTINE || is_wrong_vector(v, count))
    return mwi_result(mwi_call3(where, SYS_writev, fd, v, count));
  return mwi_result(write_common(where, fd, v, count, total(v, (size_t)count)));
}

MWI_EXPORT int mwi_rt_sendmmsg(int fd, struct mmsghdr *v, unsigned count, int flags) {
  enum mwi_where where = mwi_where();
  struct mwi_io_op op;
  if (count == 0 || where != MWI_ON_GOROUTINE || (flags & MSG_DONTWAIT) ||
      !mwi_io_begin(&op, fd, MWI_IO_WRITE) || !is_socket(op.kind))
    return (int)mwi_result(mwi_call4(where, SYS_sendmmsg, fd, v, count, flags));
  if (count > IOV_MAX) count = IOV_MAX; /* as the kernel does */
  for (unsigned i = 0; i < count; i++) {
    long r = send_message(fd, &v[i].msg_hdr, flags);
    unsigned sent = (unsigned)r;
    if (r >= 0 && !mwi_os_copy(&v[i].msg_len, &sent, sizeof sent)) r = -EFAULT;
    if (r < 0) return i ? (int)i : (int)mwi_result(r);
  }
  return (int)count;
}

/* ---- _FORTIFY_SOURCE --------------------------------------------------- */

MWI_EXPORT ssize_t mwi_rt_read_chk(int fd, void *buf, size_t n, size_t room) {
  if (n > room) __chk_fail();
  return mwi_rt_read(fd, buf, n);
}

MWI_EXPORT ssize_t mwi_rt_recv_chk(int fd, void *buf, size_t n, size_t room, int flags) {
  if (n > room) __chk_fail();
  return mwi_rt_recv(fd, buf, n, flags);
}

MWI_EXPORT ssize_t mwi_rt_recvfrom_chk(int fd, void *restrict buf, size_t n, size_t room, int flags,
                                       struct sockaddr *restrict from, socklen_t *restrict len) {
  if (n > room) __chk_fail();
  return mwi_rt_recvfrom(fd, buf, n, flags, from, len);
}
