/* SPDX-License-Identifier: MIT */
/* tests/stress/mixture/io.c -- sockets, pipes, files, names: each byte is checked */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../../net/net.h"
#include "mixture.h"

static unsigned char byte_at(uint64_t seed, size_t i) {
  return (unsigned char)(seed + i * 7 + (i >> 8) * 13);
}

static void fill(char *buf, uint64_t seed, size_t from, size_t n) {
  for (size_t i = 0; i < n; i++) buf[i] = (char)byte_at(seed, from + i);
}
static void verify(const char *buf, uint64_t seed, size_t from, size_t n) {
  for (size_t i = 0; i < n; i++) CHECK_EQ((unsigned char)buf[i], byte_at(seed, from + i));
}

/* ---- A stream through a pair ----------------------------------------------- */

typedef struct transfer {
  int fd[2]; /* writes, reads */
  size_t n;
  uint64_t seed;
} transfer;

static void sends(void *arg) {
  transfer *t = arg;
  rng r = rng_for(t->seed);
  char *buf = mw_make(char, 9000);
  for (size_t at = 0; at < t->n;) {
    size_t n = 1 + rng_below(&r, 9000);
    if (n > t->n - at) n = t->n - at;
    fill(buf, t->seed, at, n);
    struct iovec v[2] = {{buf, n / 2}, {buf + n / 2, n - n / 2}};
    CHECK_EQ(rng_below(&r, 2) ? writev(t->fd[0], v, 2) : write(t->fd[0], buf, n), n);
    at += n;
    if (rng_below(&r, 8) == 0) mw_sleep((int64_t)rng_below(&r, 200) * 1000);
  }
  CHECK_EQ(close(t->fd[0]), 0);
}

static void wait_readable(int fd, rng *r) {
  switch (rng_below(r, 4)) {
  case 0: {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, -1), 1);
    return;
  }
  case 1: {
    fd_set set;
    if (fd >= FD_SETSIZE) return;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    CHECK_EQ(select(fd + 1, &set, NULL, NULL, NULL), 1);
    return;
  }
  case 2: {
    int e = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 99}, got;
    CHECK(e >= 0);
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev), 0);
    CHECK_EQ(epoll_wait(e, &got, 1, -1), 1);
    CHECK_EQ(got.data.u64, 99);
    CHECK_EQ(close(e), 0);
    return;
  }
  default:
    return;
  }
}

static void transfers(enum pair_kind kind, rng *r) {
  transfer *t = mw_new(transfer);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  make_pair(kind, t->fd);
  t->n = 1 + rng_below(r, 100000);
  t->seed = rng_next(r);
  spawn(all, sends, t);
  char small[700]; /* on this stack, which is parked and folded meanwhile */
  char *large = mw_make(char, 5000);
  size_t at = 0;
  for (;;) {
    wait_readable(t->fd[1], r);
    char *buf = rng_below(r, 2) ? small : large;
    ssize_t n = read(t->fd[1], buf, buf == small ? sizeof small : 5000);
    CHECK(n >= 0);
    if (n == 0) break;
    verify(buf, t->seed, at, (size_t)n);
    at += (size_t)n;
  }
  CHECK_EQ(at, t->n);
  CHECK_EQ(close(t->fd[1]), 0);
  mw_waitgroup_wait(all);
}

static void sockets(rng *r) {
  transfers(rng_below(r, 2) ? PAIR_TCP : PAIR_UNIX, r);
}
static void pipes(rng *r) {
  transfers(PAIR_PIPE, r);
}

/* ---- A server with clients --------------------------------------------------- */

typedef struct server {
  int listener;
  uint16_t port;
  mw_waitgroup all;
} server;
typedef struct connection {
  int fd;
} connection;

static void serves(void *arg) {
  connection *c = arg;
  char buf[256];
  ssize_t n;
  while ((n = recv(c->fd, buf, sizeof buf, 0)) > 0) CHECK_EQ(send(c->fd, buf, (size_t)n, 0), n);
  CHECK_EQ(n, 0);
  CHECK_EQ(close(c->fd), 0);
}

static void accepts(void *arg) {
  server *s = arg;
  for (;;) {
    connection *c = mw_new(connection);
    c->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd < 0) return; /* the listener is closed */
    spawn(&s->all, serves, c);
  }
}

static void asks(void *arg) {
  server *s = arg;
  int fd = connect_tcp(s->port);
  rng r = rng_for((uint64_t)fd);
  char out[200], in[200];
  for (int i = 0; i < 20; i++) {
    size_t n = 1 + rng_below(&r, sizeof out), at = 0;
    fill(out, (uint64_t)i, 0, n);
    struct iovec v = {out, n};
    struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1};
    CHECK_EQ(sendmsg(fd, &msg, MSG_NOSIGNAL), n);
    while (at < n) {
      struct iovec w[2] = {{in + at, (n - at) / 2},
                           {in + at + (n - at) / 2, n - at - (n - at) / 2}};
      struct msghdr answer = {.msg_iov = w, .msg_iovlen = 2};
      ssize_t got = recvmsg(fd, &answer, 0);
      CHECK(got > 0);
      at += (size_t)got;
    }
    verify(in, (uint64_t)i, 0, n);
  }
  CHECK_EQ(close(fd), 0);
}

static void servers(rng *r) {
  server *s = mw_new(server);
  mw_waitgroup *clients = mw_new(mw_waitgroup);
  s->listener = listen_tcp(&s->port);
  spawn(&s->all, accepts, s);
  for (unsigned i = 0, n = 1 + rng_below(r, 6); i < n; i++) spawn(clients, asks, s);
  mw_waitgroup_wait(clients);
  CHECK_EQ(shutdown(s->listener, SHUT_RDWR), 0); /* wakes accept */
  mw_waitgroup_wait(&s->all);
  CHECK_EQ(close(s->listener), 0);
}

/* ---- Time-outs, early close -------------------------------------------------- */

static void reads_one(void *arg) {
  transfer *t = arg;
  char c;
  ssize_t n = read(t->fd[1], &c, 1);
  CHECK(n == 0 || (n == 1 && c == 'x') || (n == -1 && (errno == ECONNRESET || errno == EBADF)));
}

static void ends(rng *r) {
  transfer *t = mw_new(transfer);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  char c;
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, t->fd), 0);
  struct timeval tv = {.tv_usec = 500};
  CHECK_EQ(setsockopt(t->fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
  CHECK_FAILS(recv(t->fd[1], &c, 1, 0), EAGAIN);
  struct pollfd p = {.fd = t->fd[1], .events = POLLIN};
  CHECK_EQ(poll(&p, 1, 1), 0);
  tv.tv_usec = 0;
  CHECK_EQ(setsockopt(t->fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
  CHECK_EQ(fcntl(t->fd[1], F_SETFL, O_NONBLOCK), 0);
  CHECK_FAILS(read(t->fd[1], &c, 1), EAGAIN);
  CHECK_EQ(fcntl(t->fd[1], F_SETFL, 0), 0);
  spawn(all, reads_one, t);
  if (rng_below(r, 2)) mw_sleep((int64_t)rng_below(r, 300) * 1000);
  if (rng_below(r, 2)) CHECK_EQ(write(t->fd[0], "x", 1), 1);
  CHECK_EQ(close(t->fd[0]), 0);
  mw_waitgroup_wait(all);
  CHECK_EQ(close(t->fd[1]), 0);
}

/* ---- Files, names, sleeps ----------------------------------------------------- */

static void files(rng *r) {
  char path[] = "/tmp/mixture.XXXXXX";
  int fd = mkostemp(path, O_CLOEXEC);
  CHECK(fd >= 0);
  CHECK_EQ(unlink(path), 0);
  uint64_t seed = rng_next(r);
  size_t n = 1 + rng_below(r, 60000);
  char *buf = mw_make(char, n);
  fill(buf, seed, 0, n);
  CHECK_EQ(write(fd, buf, n), n);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  char part[500];
  for (size_t at = 0; at < n;) {
    ssize_t got = read(fd, part, 1 + rng_below(r, sizeof part));
    CHECK(got > 0);
    verify(part, seed, at, (size_t)got);
    at += (size_t)got;
  }
  CHECK_EQ(read(fd, part, 1), 0);
  size_t at = rng_below(r, (unsigned)n);
  ssize_t got = pread(fd, part, sizeof part, (off_t)at);
  CHECK(got > 0);
  verify(part, seed, at, (size_t)got);
  FILE *f = fdopen(fd, "r+");
  CHECK(f != NULL);
  CHECK_EQ(fseek(f, 0, SEEK_SET), 0);
  for (size_t i = 0; i < n && i < 3000; i++) CHECK_EQ(getc(f), byte_at(seed, i));
  CHECK_EQ(fclose(f), 0);
}

static void names(rng *r) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
  CHECK_EQ(getaddrinfo("127.0.0.1", "80", &hints, &list), 0);
  CHECK_EQ(((struct sockaddr_in *)(void *)list->ai_addr)->sin_port, htons(80));
  freeaddrinfo(list);
  int64_t before = mw_nanotime();
  usleep(100 + rng_below(r, 2000));
  CHECK(mw_nanotime() - before >= 100000);
}

const part io_parts[] = {{"sockets", sockets, 2}, {"pipes", pipes, 2}, {"servers", servers, 1},
                         {"ends", ends, 1},       {"files", files, 1}, {"names", names, 1},
                         {NULL, NULL, 0}};
