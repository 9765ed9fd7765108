/* SPDX-License-Identifier: MIT */
/*
 * sched/netpoll_epoll.c -- netpoll over Linux's epoll
 *
 * How      Epoll sets, edge triggered, both directions at once.  A descriptor is
 *          registered once in its life, in everybody's set; netpoll.c may move it
 *          to the set of a CPU later, made when the first one moves there.  An
 *          eventfd in everybody's set, level triggered, breaks a wait.  All these
 *          are moved out of the way of programs that count on low numbers.
 * Threads  the sets are the kernel's to guard; break_sent: see os_break.
 * Rejected the sets of CPUs in everybody's set: each event would pass through both, at
 *          its sender's cost, and under the lock that all CPUs share.
 * Next     netpoll.c
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "os/os.h"
#include "os/syscall.h"
#include "sched/netpoll.h"

#define OUT_OF_THE_WAY 1000 /* first number to try: the table of descriptors then takes 8 KB */
#define EDGES (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* Constant once they are there: everybody's and the eventfd when netpoll is open, a CPU's when a
 * descriptor has moved to it.  relaxed: others look at them meanwhile (os_owns).  By number of
 * the set, plus one: 0 is none yet. */
static _Atomic int epfd[MWI_POLL_SETS];
static _Atomic int evfd = -1;
static int set(unsigned k) {
  return mwi_load_relaxed(&epfd[k]) - 1;
}
static int breaker(void) {
  return mwi_load_relaxed(&evfd);
}
static _Atomic uint32_t break_sent;
static _Atomic bool no_pwait2; /* before Linux 5.11 */

static int move_away(int fd) {
  if (fd < 0) return fd;
  for (int from = OUT_OF_THE_WAY; from > 3; from /= 2) {
    long moved = mwi_sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
    if (mwi_sys_failed(moved)) continue; /* RLIMIT_NOFILE */
    mwi_sys1(SYS_close, fd);
    return (int)moved;
  }
  return fd;
}

static int control(unsigned k, int op, int fd, uint32_t events, uint64_t key) {
  struct epoll_event e = {.events = events, .data.u64 = key};
  return (int)mwi_sys4(SYS_epoll_ctl, set(k), op, fd, &e);
}

static uint64_t key_of(int fd, uint32_t seq) {
  return (uint64_t)seq << 32 | (uint32_t)fd;
}

int mwi_netpoll_os_open(void) {
  int ep = move_away((int)mwi_sys1(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (ep < 0) return ep;
  int ev = move_away((int)mwi_sys2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (ev < 0) {
    mwi_sys1(SYS_close, ep);
    return ev;
  }
  mwi_store_relaxed(&epfd[MWI_POLL_ALL], ep + 1);
  mwi_store_relaxed(&evfd, ev);
  int e = control(MWI_POLL_ALL, EPOLL_CTL_ADD, breaker(), EPOLLIN, key_of(-1, 0));
  if (e < 0) mwi_fatal("netpoll: no eventfd in an epoll set (errno=%d)", -e);
  return 0;
}

bool mwi_netpoll_os_has(unsigned k) {
  return set(k) >= 0;
}

/* A thread that waits does not wait for this set: it is to begin again. */
bool mwi_netpoll_os_make(unsigned k) {
  int ep = move_away((int)mwi_sys1(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (ep < 0) return false;
  mwi_store_seqcst(&epfd[k], ep + 1);
  mwi_netpoll_os_break();
  return true;
}

int mwi_netpoll_os_add(unsigned k, int fd, uint32_t seq) {
  int e = control(k, EPOLL_CTL_ADD, fd, EDGES, key_of(fd, seq));
  /* Under the same number once before, and kept in the set by a duplicate. */
  return e == -EEXIST ? mwi_netpoll_os_renew(k, fd, seq) : e;
}

int mwi_netpoll_os_renew(unsigned k, int fd, uint32_t seq) {
  return control(k, EPOLL_CTL_MOD, fd, EDGES, key_of(fd, seq));
}

void mwi_netpoll_os_remove(unsigned k, int fd) {
  control(k, EPOLL_CTL_DEL, fd, 0, 0);
}

static long wait_for(unsigned k, struct epoll_event *ev, int room, int64_t ns) {
  if (ns > 0 && !mwi_load_relaxed(&no_pwait2)) {
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    long n = mwi_sys6(SYS_epoll_pwait2, set(k), (long)ev, room, (long)&t, 0, 0);
    if (n != -ENOSYS && n != -EPERM) return n;
    mwi_store_relaxed(&no_pwait2, true);
  }
  int64_t ms = ns <= 0 ? ns : ns / 1000000 + (ns % 1000000 != 0);
  if (ms > INT32_MAX) ms = INT32_MAX;
  return mwi_sys6(SYS_epoll_pwait, set(k), (long)ev, room, ns < 0 ? -1 : (long)ms, 0, 0);
}

static uint32_t what_of(uint32_t events) {
  uint32_t what = 0;
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) what |= MWI_EV_READ;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) what |= MWI_EV_WRITE;
  if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) what |= MWI_EV_STICKY;
  return what;
}

static void take_break(void) {
  uint64_t count;
  mwi_sys3(SYS_read, breaker(), &count, sizeof count);
  mwi_store_seqcst(&break_sent, 0);
}

/*
 * A thread that does not wait leaves a break to the one that does.  break_sent
 * is cleared after the eventfd is read: a break sent in between is not written,
 * but its sender made what it is about visible before, and the caller looks at
 * that after this.
 */
static void collect(struct mwi_poll_events *out, unsigned k, int room, int64_t ns) {
  struct epoll_event ev[MWI_POLL_BATCH];
  mwi_assert(room > 0 && room <= MWI_POLL_BATCH - out->n);
  long n = wait_for(k, ev, room, ns);
  if (n < 0 && n != -EINTR) mwi_fatal("netpoll: epoll_wait failed (errno=%ld)", -n);
  for (long i = 0; i < n; i++) {
    int32_t fd = (int32_t)ev[i].data.u64;
    if (fd == -1) {
      if (ns != 0) take_break();
      continue;
    }
    out->at[out->n].fd = fd;
    out->at[out->n].seq = (uint32_t)(ev[i].data.u64 >> 32);
    out->at[out->n++].what = what_of(ev[i].events);
  }
}

void mwi_netpoll_os_ask(struct mwi_poll_events *out, unsigned k, int room) {
  collect(out, k, room, 0);
}

void mwi_netpoll_os_wait(uint64_t sets, int64_t ns) {
  struct pollfd p[1 + MWI_POLL_SETS] = {{.fd = breaker(), .events = POLLIN}};
  unsigned n = 1;
  for (unsigned k = 0; k < MWI_POLL_SETS; k++)
    if (sets >> k & 1 && mwi_load_seqcst(&epfd[k]))
      p[n++] = (struct pollfd){.fd = set(k), .events = POLLIN};
  struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  long r = mwi_sys5(SYS_ppoll, p, n, ns < 0 ? NULL : &t, 0, 0);
  if (r > 0 && p[0].revents) take_break();
}

void mwi_netpoll_os_wait_one(struct mwi_poll_events *out, int64_t ns) {
  collect(out, MWI_POLL_ALL, MWI_POLL_BATCH, ns);
}

void mwi_netpoll_os_break(void) {
  uint64_t one = 1;
  if (mwi_xchg_acqrel(&break_sent, 1) == 0) mwi_sys3(SYS_write, breaker(), &one, sizeof one);
}

void mwi_netpoll_os_forked(void) {
  for (unsigned k = 0; k < MWI_POLL_SETS; k++) {
    if (set(k) >= 0) mwi_sys1(SYS_close, set(k));
    mwi_store_relaxed(&epfd[k], 0);
  }
  mwi_sys1(SYS_close, breaker());
  mwi_store_relaxed(&evfd, -1);
  mwi_store_relaxed(&break_sent, 0);
}

bool mwi_netpoll_os_owns(int fd) {
  if (fd < 0) return false;
  for (unsigned k = 0; k < MWI_POLL_SETS; k++)
    if (fd == set(k)) return true;
  return fd == breaker();
}

unsigned mwi_netpoll_os_next(unsigned from) {
  unsigned next = breaker() >= 0 && (unsigned)breaker() >= from ? (unsigned)breaker() : ~0u;
  for (unsigned k = 0; k < MWI_POLL_SETS; k++)
    if (set(k) >= 0 && (unsigned)set(k) >= from && (unsigned)set(k) < next) next = (unsigned)set(k);
  return next;
}
