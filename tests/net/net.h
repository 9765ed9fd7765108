/* SPDX-License-Identifier: MIT */
/*
 * tests/net/net.h -- what the programs here share: pairs of descriptors, clocks
 *
 * No test fails because it was slow: waits have lower bounds only, and a lost
 * wake-up shows as the test's time limit.
 */
#ifndef TESTS_NET_NET_H
#define TESTS_NET_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mallow.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "../sched/check.h"

#define MS INT64_C(1000000)

/* x fails with errno e. */
#define CHECK_FAILS(x, e)                                                                          \
  do {                                                                                             \
    errno = 0;                                                                                     \
    CHECK_EQ(x, -1);                                                                               \
    CHECK_EQ(errno, e);                                                                            \
  } while (0)

/* An address of 127/8 for this process (and its children, once asked for): every connection that
 * any program has closed keeps its port for a minute, on its address. */
__attribute__((unused)) static in_addr_t own_loopback(void) {
  static in_addr_t own;
  if (!own) own = htonl(0x7f000001 | ((uint32_t)getpid() * 2654435761u >> 9 & 0xfffffe));
  return own;
}

__attribute__((unused)) static int listen_at(in_addr_t address, uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = address};
  socklen_t len = sizeof a;
  CHECK(fd >= 0);
  CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  CHECK_EQ(listen(fd, 1024), 0);
  CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
  *port = ntohs(a.sin_port);
  return fd;
}
__attribute__((unused)) static int listen_tcp(uint16_t *port) {
  return listen_at(own_loopback(), port);
}

__attribute__((unused)) static int connect_tcp(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = own_loopback()};
  CHECK(fd >= 0);
  CHECK_EQ(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  return fd;
}

/* Until fd is ready for these: a busy kernel takes its time to bring what one end of a TCP
 * connection has written to the other.  The kernel itself is asked, so the runtime learns nothing
 * by it. */
__attribute__((unused)) static void until_ready(int fd, short events) {
  struct pollfd p = {.fd = fd, .events = events};
  while (syscall(SYS_poll, &p, 1, -1) != 1) CHECK_EQ(errno, EINTR);
}

/* Both ends of a connection. */
__attribute__((unused)) static void tcp_pair(int fd[2]) {
  uint16_t port;
  int l = listen_tcp(&port);
  fd[0] = connect_tcp(port);
  fd[1] = accept(l, NULL, NULL);
  CHECK(fd[1] >= 0);
  CHECK_EQ(close(l), 0);
}

/* The kinds of two-ended descriptors; fd[0] writes, fd[1] reads. */
enum pair_kind { PAIR_TCP, PAIR_UNIX, PAIR_PIPE, PAIR_KINDS };
__attribute__((unused)) static void make_pair(enum pair_kind kind, int fd[2]) {
  int p[2];
  switch (kind) {
  case PAIR_TCP:
    tcp_pair(fd);
    break;
  case PAIR_UNIX:
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    break;
  default:
    CHECK_EQ(pipe(p), 0);
    fd[0] = p[1];
    fd[1] = p[0];
    break;
  }
}

__attribute__((unused)) static void read_all(int fd, void *to, size_t n) {
  for (size_t got = 0; got < n;) {
    ssize_t r = read(fd, (char *)to + got, n - got);
    CHECK(r > 0);
    got += (size_t)r;
  }
}

/* The goroutines of one test, and waiting for them. */
typedef struct task {
  void (*fn)(struct task *);
  int fd, other;
  int64_t n, result;
  int error;
  mw_waitgroup *wg;
} task;

static void task_main(void *arg) {
  task *t = arg;
  t->fn(t);
  mw_waitgroup_done(t->wg);
}

__attribute__((unused)) static task *go_task(mw_waitgroup *wg, void (*fn)(task *), int fd,
                                             int other, int64_t n) {
  task *t = mw_new(task);
  t->fn = fn;
  t->fd = fd;
  t->other = other;
  t->n = n;
  t->wg = wg;
  mw_waitgroup_add(wg, 1);
  mw_go(task_main, t);
  return t;
}

/* Long enough for the others to park, mostly; nothing depends on it. */
__attribute__((unused)) static void let_others_park(void) {
  mw_sleep(5 * MS);
}

#endif
