/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_poll.c -- poll, select, epoll_wait and their relatives
 *
 * Job      A goroutine that waits for one of several descriptors parks.
 * Promise  [LC5] The kernel judges: each look is the call itself with a timeout of
 *          zero, so results are the kernel's in every detail.
 * How      Look; queue a waiter at each descriptor; look again, park, look again.
 *          What becomes ready after a look ends the park that follows it.
 *          With a signal mask, or a descriptor that netpoll has no room for, the
 *          thread waits instead, and its processor is handed over.
 * Next     netpoll.h (mwi_many)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "os/fault.h"
#include "sched/libc.h"
#include "sched/netpoll.h"

/* clang-format off */
int mwi_rt_pollfds(struct pollfd *fds, nfds_t n, int ms);
int mwi_rt_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);
int mwi_rt_poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room);
int mwi_rt_ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);
int mwi_rt_select(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e, struct timeval *restrict timeout);
int mwi_rt_pselect(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e, const struct timespec *restrict timeout, const sigset_t *restrict mask);
int mwi_rt_epoll_wait(int ep, struct epoll_event *events, int max, int ms);
int mwi_rt_epoll_pwait(int ep, struct epoll_event *events, int max, int ms, const sigset_t *mask);
int mwi_rt_epoll_pwait2(int ep, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask);
_Noreturn void __chk_fail(void);
/* clang-format on */

/* ---- The loop ---------------------------------------------------------- */

/* The call itself, with a timeout of zero. */
typedef long look_fn(void *arg);
/* A waiter at each descriptor.  False: there is no room for one. */
typedef bool queue_fn(struct mwi_many *m, void *arg);

/* Park between looks.  What look says, 0 at the deadline; *waited is false when
 * the waiters cannot be queued. */
static long wait_until(int64_t deadline, queue_fn *queue, look_fn *look, void *arg, bool *waited) {
  mwi_io_wait_begins();
  *waited = true;
  for (;;) {
    struct mwi_many m;
    enum mwi_many_why why = MWI_MANY_LOOK;
    mwi_many_begin(&m, deadline);
    *waited = queue(&m, arg);
    while (*waited && why == MWI_MANY_LOOK) {
      mwi_many_arm(&m);
      long r = look(arg);
      if (r == 0 && mwi_io_is_cut(MWI_CUT_NEVER)) r = -EINTR; /* with SA_RESTART, too */
      if (r != 0) {
        mwi_many_end(&m);
        return r;
      }
      why = mwi_many_park(&m);
    }
    mwi_many_end(&m);
    if (why == MWI_MANY_DEADLINE) return look(arg);
    if (!*waited) return 0;
  }
}

/* ns from now; -1: for ever; -2: not a valid time. */
static int64_t timespec_ns(const struct timespec *t) {
  if (!t) return -1;
  if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec > 999999999) return -2;
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)t->tv_sec, 1000000000, &ns) ||
      __builtin_add_overflow(ns, t->tv_nsec, &ns))
    return INT64_MAX;
  return ns;
}

static int64_t ms_ns(int ms) {
  return ms < 0 ? -1 : (int64_t)ms * 1000000;
}

static int64_t deadline_of(int64_t ns) {
  return ns < 0 ? 0 : mwi_timer_deadline(ns);
}

static int64_t left_ns(int64_t deadline) {
  if (!deadline) return -1;
  int64_t left = deadline - mwi_os_monotonic();
  return left < 0 ? 0 : left;
}

/* ---- poll -------------------------------------------------------------- */

struct poll_args {
  struct pollfd *fds;
  nfds_t n;
};

static long look_poll(void *arg) {
  struct poll_args *a = arg;
  return mwi_attempt3(SYS_poll, a->fds, a->n, 0);
}

/* Hang-ups and errors come as edges of both directions. */
static unsigned dirs_of(short events) {
  unsigned dirs = 0;
  if (events & ~(POLLOUT | POLLWRNORM | POLLWRBAND)) dirs |= 1u << MWI_IO_READ;
  if (events & (POLLOUT | POLLWRNORM | POLLWRBAND)) dirs |= 1u << MWI_IO_WRITE;
  return dirs ? dirs : 1u << MWI_IO_READ;
}

static bool queue_poll(struct mwi_many *m, void *arg) {
  const struct poll_args *a = arg;
  for (nfds_t i = 0; i < a->n; i++) {
    if (a->fds[i].fd < 0) continue;
    int e = mwi_many_add(m, a->fds[i].fd, dirs_of(a->fds[i].events));
    if (e != 0 && e != -EPERM)
      return false; /* EPERM: a file, always ready where it is asked about */
  }
  return true;
}

static long poll_common(struct pollfd *fds, nfds_t n, int64_t ns) {
  struct poll_args a = {fds, n};
  long r = look_poll(&a);
  if (r != 0 || ns == 0) return r;
  bool waited;
  int64_t deadline = deadline_of(ns);
  r = wait_until(deadline, queue_poll, look_poll, &a, &waited);
  if (waited) return r;
  ns = left_ns(deadline);
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  return mwi_call_restarted(MWI_ON_GOROUTINE, SYS_ppoll, (long)fds, (long)n, ns < 0 ? 0 : (long)&t,
                            0, 0, 0);
}

MWI_EXPORT int mwi_rt_pollfds(struct pollfd *fds, nfds_t n, int ms) {
  enum mwi_where where = mwi_where();
  if (where != MWI_ON_GOROUTINE)
    return (int)mwi_result(mwi_call_restarted(where, SYS_poll, (long)fds, (long)n, ms, 0, 0, 0));
  return (int)mwi_result(poll_common(fds, n, ms_ns(ms)));
}

MWI_EXPORT int mwi_rt_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                            const sigset_t *mask) {
  enum mwi_where where = mwi_where();
  int64_t ns = timespec_ns(timeout);
  if (where == MWI_ON_GOROUTINE && !mask && ns != -2)
    return (int)mwi_result(poll_common(fds, n, ns));
  struct timespec left; /* the kernel writes what is left; libc's does not */
  if (timeout) left = *timeout;
  return (int)mwi_result(mwi_call_restarted(where, SYS_ppoll, (long)fds, (long)n,
                                            timeout ? (long)&left : 0, (long)mask, MWI_SIGSET_BYTES,
                                            0));
}

MWI_EXPORT int mwi_rt_poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room) {
  if (room / sizeof *fds < n) __chk_fail();
  return mwi_rt_pollfds(fds, n, ms);
}

MWI_EXPORT int mwi_rt_ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                                const sigset_t *mask, size_t room) {
  if (room / sizeof *fds < n) __chk_fail();
  return mwi_rt_ppoll(fds, n, timeout, mask);
}

/* ---- select ------------------------------------------------------------ */

/* So much of a set the kernel reads and writes; the program's may end there. */
static size_t set_bytes(int n) {
  return ((size_t)n + 63) / 64 * 8;
}

struct select_args {
  int n;
  fd_set *set[3]; /* the program's: read, write, exceptional */
  fd_set found[3];
};

/*
 * The kernel looks at no descriptor past its table's end, which grows with the highest number ever
 * used: in a plain program a bit out there is nothing, in ours EBADF, because netpoll's
 * own descriptors are that high.  How large the table would be without those.
 */
static int plain_table(void) {
  int size = 64; /* what each process begins with */
  for (int fd = FD_SETSIZE - 1; fd >= size; fd--)
    if (!mwi_netpoll_os_owns(fd) && !mwi_sys_failed(mwi_sys2(SYS_fcntl, fd, F_GETFD))) {
      while (size <= fd) size *= 2;
      break;
    }
  return size;
}

/* The kernel's own; 0: not known, or larger than select's sets, with nothing to correct. */
static int table_now(void) {
  char text[1024];
  long fd = mwi_sys4(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
  if (mwi_sys_failed(fd)) return 0;
  long n = mwi_sys3(SYS_read, fd, text, sizeof text - 1);
  mwi_sys1(SYS_close, fd);
  text[n > 0 ? n : 0] = 0;
  const char *size = strstr(text, "FDSize:");
  long r = size ? strtol(size + 7, NULL, 10) : 0;
  return r <= FD_SETSIZE ? (int)r : 0;
}

/* Leave out what a plain program's kernel would not look at; false: there is no such. */
static bool beyond_table(struct select_args *a) {
  int size = table_now(), own = (int)mwi_netpoll_os_next(0);
  if (own >= 0) {
    int plain = plain_table();
    if (own >= plain && plain < size) size = plain;
  }
  if (size == 0 || a->n <= size) return false;
  a->n = size;
  return true;
}

static long look_select(void *arg) {
  struct select_args *a = arg;
  struct timeval now = {0};
  fd_set *found[3] = {NULL};
  for (int i = 0; i < 3; i++)
    if (a->set[i]) {
      found[i] = &a->found[i];
      if (!mwi_os_copy(found[i], a->set[i], set_bytes(a->n)))
        return beyond_table(a) ? look_select(a) : -EFAULT;
    }
  long r = mwi_attempt5(SYS_select, a->n, found[0], found[1], found[2], &now);
  return r == -EBADF && beyond_table(a) ? look_select(a) : r;
}

static bool queue_select(struct mwi_many *m, void *arg) {
  const struct select_args *a = arg;
  static const unsigned dir[3] = {1u << MWI_IO_READ, 1u << MWI_IO_WRITE, 1u << MWI_IO_READ};
  for (int fd = 0; fd < a->n; fd++) {
    unsigned dirs = 0;
    for (int i = 0; i < 3; i++)
      if (a->set[i] && FD_ISSET(fd, a->set[i])) dirs |= dir[i];
    int e = dirs ? mwi_many_add(m, fd, dirs) : 0;
    if (e != 0 && e != -EPERM && e != -EBADF) return false; /* EBADF: the look's to say */
  }
  return true;
}

/* Sets whose descriptors are counted in FD_SETSIZE. */
static long select_common(struct select_args *a, int64_t ns, bool *waited) {
  *waited = true;
  long r = look_select(a);
  if (r == 0 && ns != 0) {
    r = wait_until(deadline_of(ns), queue_select, look_select, a, waited);
    if (!*waited) return 0;
  }
  for (int i = 0; r >= 0 && i < 3; i++)
    if (a->set[i] && !mwi_os_copy(a->set[i], &a->found[i], set_bytes(a->n))) r = -EFAULT;
  return r;
}

static bool load_sets(struct select_args *a, int n, fd_set *r, fd_set *w, fd_set *e) {
  if (n < 0 || n > FD_SETSIZE) return false;
  *a = (struct select_args){.n = n, .set = {r, w, e}};
  return true;
}

MWI_EXPORT int mwi_rt_select(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e,
                             struct timeval *restrict timeout) {
  struct select_args a;
  enum mwi_where where = mwi_where();
  struct timespec t;
  if (timeout) t = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
  bool valid = !timeout || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0);
  if (valid && timeout && timeout->tv_usec > 999999) { /* the kernel carries it over */
    t.tv_sec += timeout->tv_usec / 1000000;
    t.tv_nsec = timeout->tv_usec % 1000000 * 1000;
  }
  if (valid && where == MWI_ON_GOROUTINE && load_sets(&a, n, r, w, e)) {
    int64_t ns = timespec_ns(timeout ? &t : NULL), begin = mwi_os_monotonic();
    bool waited;
    long found = select_common(&a, ns, &waited);
    if (waited) {
      if (timeout) { /* Linux writes what is left */
        int64_t left = ns - (mwi_os_monotonic() - begin);
        if (left < 0) left = 0;
        *timeout = (struct timeval){left / 1000000000, left % 1000000000 / 1000};
      }
      return (int)mwi_result(found);
    }
  }
  return (int)mwi_result(
      mwi_call_restarted(where, SYS_select, n, (long)r, (long)w, (long)e, (long)timeout, 0));
}

MWI_EXPORT int mwi_rt_pselect(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e,
                              const struct timespec *restrict timeout,
                              const sigset_t *restrict mask) {
  struct select_args a;
  enum mwi_where where = mwi_where();
  int64_t ns = timespec_ns(timeout);
  if (where == MWI_ON_GOROUTINE && !mask && ns != -2 && load_sets(&a, n, r, w, e)) {
    bool waited;
    long found = select_common(&a, ns, &waited);
    if (waited) return (int)mwi_result(found);
  }
  struct timespec left;
  if (timeout) left = *timeout;
  struct {
    const sigset_t *mask;
    size_t bytes;
  } blocked = {mask, MWI_SIGSET_BYTES};
  return (int)mwi_result(mwi_call_restarted(where, SYS_pselect6, n, (long)r, (long)w, (long)e,
                                            timeout ? (long)&left : 0, (long)&blocked));
}

/* ---- epoll_wait -------------------------------------------------------- */

struct epoll_args {
  int ep, max;
  struct epoll_event *events;
};

static long look_epoll(void *arg) {
  struct epoll_args *a = arg;
  return mwi_attempt4(SYS_epoll_wait, a->ep, a->events, a->max, 0);
}

/* An epoll set is itself a descriptor that becomes readable. */
static bool queue_epoll(struct mwi_many *m, void *arg) {
  const struct epoll_args *a = arg;
  return mwi_many_add(m, a->ep, 1u << MWI_IO_READ) == 0;
}

static long epoll_common(struct epoll_args *a, int64_t ns) {
  long r = look_epoll(a);
  if (r != 0 || ns == 0) return r;
  int64_t deadline = deadline_of(ns);
  bool waited;
  r = wait_until(deadline, queue_epoll, look_epoll, a, &waited);
  if (waited) return r;
  ns = left_ns(deadline);
  int64_t ms = ns < 0 ? -1 : ns / 1000000 + (ns % 1000000 != 0);
  return mwi_call_restarted(MWI_ON_GOROUTINE, SYS_epoll_wait, a->ep, (long)a->events, a->max,
                            ms > INT_MAX ? INT_MAX : (long)ms, 0, 0);
}

MWI_EXPORT int mwi_rt_epoll_pwait(int ep, struct epoll_event *events, int max, int ms,
                                  const sigset_t *mask) {
  enum mwi_where where = mwi_where();
  struct epoll_args a = {ep, max, events};
  if (where == MWI_ON_GOROUTINE && !mask) return (int)mwi_result(epoll_common(&a, ms_ns(ms)));
  return (int)mwi_result(mwi_call_restarted(where, SYS_epoll_pwait, ep, (long)events, max, ms,
                                            (long)mask, MWI_SIGSET_BYTES));
}

MWI_EXPORT int mwi_rt_epoll_wait(int ep, struct epoll_event *events, int max, int ms) {
  return mwi_rt_epoll_pwait(ep, events, max, ms, NULL);
}

MWI_EXPORT int mwi_rt_epoll_pwait2(int ep, struct epoll_event *events, int max,
                                   const struct timespec *timeout, const sigset_t *mask) {
  enum mwi_where where = mwi_where();
  struct epoll_args a = {ep, max, events};
  struct timespec t;
  int64_t ns =
      timeout && !mwi_os_copy(&t, timeout, sizeof t) ? -2 : timespec_ns(timeout ? &t : NULL);
  if (where == MWI_ON_GOROUTINE && !mask && ns != -2) return (int)mwi_result(epoll_common(&a, ns));
  return (int)mwi_result(mwi_call_restarted(where, SYS_epoll_pwait2, ep, (long)events, max,
                                            (long)timeout, (long)mask, MWI_SIGSET_BYTES));
}
