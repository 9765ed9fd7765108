/* SPDX-License-Identifier: MIT */
/*
 * tests/net/poll_test.c -- poll, select, epoll_wait and the sleeps
 */
#define _GNU_SOURCE 1
#include "net.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>

static mw_waitgroup *wg;

enum { POLL, PPOLL, SELECT, PSELECT, EPOLL, EPOLL_PWAIT, WAYS };

/* May fd be read within ms (-1: ever)?  By each of the calls. */
static int readable(int fd, int ms, int way) {
  struct timespec ts = {ms / 1000, ms % 1000 * 1000000}, *pts = ms < 0 ? NULL : &ts;
  struct timeval tv = {ms / 1000, ms % 1000 * 1000}, *ptv = ms < 0 ? NULL : &tv;
  struct pollfd p = {.fd = fd, .events = POLLIN};
  int r;
  if (way == POLL || way == PPOLL) {
    r = way == POLL ? poll(&p, 1, ms) : ppoll(&p, 1, pts, NULL);
    CHECK_EQ(r > 0, (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0);
    return r;
  }
  if (way == SELECT || way == PSELECT) {
    fd_set set, none;
    FD_ZERO(&set);
    FD_ZERO(&none);
    FD_SET(fd, &set);
    r = way == SELECT ? select(fd + 1, &set, NULL, &none, ptv)
                      : pselect(fd + 1, &set, NULL, &none, pts, NULL);
    CHECK_EQ(r > 0, FD_ISSET(fd, &set) != 0);
    if (r == 0 && way == SELECT && ptv) CHECK_EQ(tv.tv_sec * 1000000 + tv.tv_usec, 0);
    return r;
  }
  int ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
  e.data.fd = -1;
  r = way == EPOLL ? epoll_wait(ep, &e, 1, ms) : epoll_pwait(ep, &e, 1, ms, NULL);
  if (r > 0) CHECK_EQ(e.data.fd, fd);
  close(ep);
  return r;
}

static void waiter(task *t) {
  CHECK_EQ(readable(t->fd, (int)t->n, t->other), 1);
}

static void ways(void) {
  for (int kind = 0; kind < PAIR_KINDS; kind++)
    for (int way = 0; way < WAYS; way++) {
      int fd[2];
      char c = 'x';
      make_pair(kind, fd);
      CHECK_EQ(readable(fd[1], 0, way), 0);
      int64_t begin = mw_nanotime();
      CHECK_EQ(readable(fd[1], 3, way), 0);
      CHECK(mw_nanotime() - begin >= 3 * MS);
      for (int i = 0; i < 3; i++) go_task(wg, waiter, fd[1], way, i == 0 ? 60000 : -1);
      if (way % 2) let_others_park();
      CHECK_EQ(write(fd[0], &c, 1), 1);
      mw_waitgroup_wait(wg); /* all of them, though none takes the byte */
      CHECK_EQ(readable(fd[1], -1, way), 1);
      CHECK_EQ(read(fd[1], &c, 1), 1);
      CHECK_EQ(readable(fd[1], 0, way), 0);
      go_task(wg, waiter, fd[1], way, -1);
      let_others_park();
      close(fd[0]); /* the end can be read, too */
      mw_waitgroup_wait(wg);
      CHECK_EQ(readable(fd[1], -1, way), 1);
      close(fd[1]);
    }
}

/* ---- Many descriptors -------------------------------------------------- */

enum { MANY = 60 };

static void server(task *t) {
  struct pollfd p[MANY + 1];
  int *fd = mw_make(int, MANY);
  for (int i = 0; i < MANY; i++) {
    int pair[2];
    make_pair(i % 2 ? PAIR_UNIX : PAIR_TCP, pair);
    fd[i] = pair[0];
    p[i] = (struct pollfd){.fd = pair[1], .events = POLLIN};
  }
  p[MANY] = (struct pollfd){.fd = -1, .events = POLLIN}; /* left out */
  rng r = rng_for(7);
  char c;
  for (int64_t i = 0; i < t->n; i++) {
    int k = (int)rng_below(&r, MANY);
    CHECK_EQ(poll(p, MANY + 1, i % 5 ? 0 : 1), 0);
    CHECK_EQ(write(fd[k], "x", 1), 1);
    CHECK_EQ(poll(p, MANY + 1, -1), 1);
    for (int j = 0; j < MANY; j++) CHECK_EQ(p[j].revents, j == k ? POLLIN : 0);
    CHECK_EQ(read(p[k].fd, &c, 1), 1);
  }
  for (int i = 0; i < MANY; i++) {
    close(fd[i]);
    close(p[i].fd);
  }
}

static void many(void) {
  for (int i = 0; i < 4; i++) go_task(wg, server, 0, 0, 50);
  mw_waitgroup_wait(wg);
}

/* An event loop as C programs have them, level and edge triggered, in one
 * goroutine; clients in others. */
typedef struct loop {
  int ep, listener;
  int64_t expect;
} loop;

static void event_loop(task *t) {
  int ep = epoll_create1(EPOLL_CLOEXEC), l = t->fd;
  struct epoll_event e = {.events = EPOLLIN, .data.fd = l}, got[8];
  CHECK_EQ(fcntl(l, F_SETFL, O_NONBLOCK), 0);
  CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, l, &e), 0);
  int64_t finished = 0;
  while (finished < t->n) {
    int n = epoll_wait(ep, got, 8, -1);
    CHECK(n > 0);
    for (int i = 0; i < n; i++) {
      int fd = got[i].data.fd;
      if (fd == l) {
        int s;
        while ((s = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          e = (struct epoll_event){.events = EPOLLIN | (t->other ? EPOLLET : 0), .data.fd = s};
          CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e), 0);
        }
        CHECK_EQ(errno, EAGAIN);
        continue;
      }
      char buf[50];
      ssize_t r;
      while ((r = read(fd, buf, sizeof buf)) > 0) CHECK_EQ(write(fd, buf, (size_t)r), r);
      if (r == 0) {
        close(fd);
        finished++;
      } else {
        CHECK_EQ(errno, EAGAIN);
      }
    }
  }
  close(ep);
  close(l);
}

static void client(task *t) {
  int fd = connect_tcp((uint16_t)t->fd);
  char out[200], in[200];
  for (int64_t i = 0; i < t->n; i++) {
    memset(out, (int)i, sizeof out);
    CHECK_EQ(write(fd, out, sizeof out), sizeof out);
    read_all(fd, in, sizeof in);
    CHECK(memcmp(in, out, sizeof in) == 0);
  }
  close(fd);
}

static void loops(void) {
  for (int edge = 0; edge < 2; edge++) {
    uint16_t port;
    int l = listen_tcp(&port);
    go_task(wg, event_loop, l, edge, 20);
    for (int i = 0; i < 20; i++) go_task(wg, client, port, 0, 20);
    mw_waitgroup_wait(wg);
  }
}

/* ---- Details ----------------------------------------------------------- */

static void closer(task *t) {
  let_others_park();
  close(t->fd);
}

static void details(void) {
  int fd[2], file = open("/dev/null", O_RDWR), regular = open("/proc/self/exe", O_RDONLY);
  make_pair(PAIR_UNIX, fd);
  struct pollfd p[3] = {{.fd = fd[1], .events = POLLIN | POLLOUT},
                        {.fd = regular, .events = POLLIN},
                        {.fd = 9999, .events = POLLIN}};
  CHECK_EQ(poll(p, 3, -1), 3);
  CHECK_EQ(p[0].revents, POLLOUT);
  CHECK_EQ(p[1].revents, POLLIN);
  CHECK_EQ(p[2].revents, POLLNVAL);
  CHECK_FAILS(poll(p, ~0ul, 0), EINVAL);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd[1], &set);
  int gone = dup(fd[1]);
  close(gone);
  FD_SET(gone, &set);
  CHECK_FAILS(select(gone + 1, &set, NULL, NULL, NULL), EBADF);
  struct timeval bad = {-1, 0};
  CHECK_FAILS(select(0, NULL, NULL, NULL, &bad), EINVAL);
  struct epoll_event e;
  CHECK_FAILS(epoll_wait(fd[1], &e, 1, 0), EINVAL);

  /* writable again after the buffer was full */
  char *big = mw_make(char, 1 << 20);
  ssize_t n, sent = 0;
  while ((n = send(fd[0], big, 1 << 20, MSG_DONTWAIT)) > 0) sent += n;
  p[0] = (struct pollfd){.fd = fd[0], .events = POLLOUT};
  CHECK_EQ(poll(p, 1, 2), 0);
  task *t = go_task(wg, closer, open("/dev/null", O_RDONLY), 0, 0);
  (void)t;
  for (ssize_t got = 0; got < sent; got += n) CHECK((n = read(fd[1], big, 1 << 20)) > 0);
  CHECK_EQ(poll(p, 1, -1), 1);
  CHECK_EQ(p[0].revents, POLLOUT);
  mw_waitgroup_wait(wg);

  /* with a signal mask: the thread waits, others go on */
  sigset_t none;
  sigemptyset(&none);
  struct timespec ts = {0, 3 * MS};
  p[0].events = POLLIN;
  CHECK_EQ(ppoll(p, 1, &ts, &none), 0);
  CHECK_EQ(pselect(0, NULL, NULL, NULL, &ts, &none), 0);

  int tfd = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec its = {.it_value = {0, 3 * MS}};
  CHECK_EQ(timerfd_settime(tfd, 0, &its, NULL), 0);
  uint64_t ticks;
  CHECK_EQ(read(tfd, &ticks, sizeof ticks), 8);
  CHECK_EQ(ticks, 1);
  close(tfd);
  close(file);
  close(regular);
  close(fd[0]);
  close(fd[1]);
}

/* The descriptor goes away while somebody polls it: POLLNVAL, as soon as the
 * close, not never. */
static void poller(task *t) {
  struct pollfd p = {.fd = t->fd, .events = POLLIN};
  CHECK_EQ(poll(&p, 1, -1), 1);
  CHECK_EQ(p.revents, POLLNVAL);
}

static void closed_under_poll(void) {
  int fd[2];
  make_pair(PAIR_TCP, fd);
  go_task(wg, poller, fd[1], 0, 0);
  let_others_park();
  close(fd[1]);
  mw_waitgroup_wait(wg);
  close(fd[0]);
}

static void sleeper(task *t) {
  struct timespec ts = {0, t->n}, at;
  int64_t begin = mw_nanotime();
  switch (t->other) {
  case 0:
    CHECK_EQ(usleep((useconds_t)(t->n / 1000)), 0);
    break;
  case 1:
    CHECK_EQ(nanosleep(&ts, NULL), 0);
    break;
  case 2:
    CHECK_EQ(poll(NULL, 0, (int)(t->n / MS)), 0);
    break;
  case 3: {
    struct timeval tv = {0, t->n / 1000};
    CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
    break;
  }
  case 4:
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0);
    break;
  case 5:
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += t->n;
    if (at.tv_nsec >= 1000000000) {
      at.tv_sec++;
      at.tv_nsec -= 1000000000;
    }
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0);
    break;
  default:
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += t->n;
    if (at.tv_nsec >= 1000000000) {
      at.tv_sec++;
      at.tv_nsec -= 1000000000;
    }
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL), 0);
    break;
  }
  CHECK(mw_nanotime() - begin >= t->n - MS / 10);
}

static void sleeps(void) {
  for (int i = 0; i < 70; i++) go_task(wg, sleeper, 0, i % 7, (3 + i % 5) * MS);
  mw_waitgroup_wait(wg);
  CHECK_EQ(sleep(0), 0);
  struct timespec bad = {0, -1};
  CHECK_FAILS(nanosleep(&bad, NULL), EINVAL);
  CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
}

/* A number past the end of a plain program's table, which no file has: select looks at none. */
static void beyond(void) {
  int p[2];
  CHECK_EQ(pipe(p), 0);
  let_others_park(); /* netpoll has descriptors of its own */
  go_task(wg, waiter, p[0], POLL, -1);
  let_others_park();
  fd_set r;
  FD_ZERO(&r);
  FD_SET(900, &r);
  struct timeval t = {0, 1000};
  CHECK_EQ(select(901, &r, NULL, NULL, &t), 0);
  CHECK(FD_ISSET(900, &r)); /* not even to clear it */
  t = (struct timeval){0};
  CHECK_EQ(select(901, &r, NULL, NULL, &t), 0);
  CHECK_EQ(write(p[1], "x", 1), 1);
  mw_waitgroup_wait(wg);
  FD_ZERO(&r);
  FD_SET(900, &r);
  FD_SET(p[0], &r);
  CHECK_EQ(select(901, &r, NULL, NULL, NULL), 1);
  CHECK(FD_ISSET(p[0], &r));
  FD_SET(60, &r); /* within it */
  CHECK_FAILS(select(901, &r, NULL, NULL, NULL), EBADF);
  int high = fcntl(p[0], F_DUPFD, 950); /* and now it is longer */
  CHECK(high >= 950);
  FD_ZERO(&r);
  FD_SET(900, &r);
  CHECK_FAILS(select(901, &r, NULL, NULL, &t), EBADF);
  close(high);
  close(p[0]);
  close(p[1]);
}

/* A set of as many words as n reaches: nothing behind it is touched. */
static void short_sets(void) {
  enum { PAGE = 4096 };
  int p[2];
  char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(at != MAP_FAILED && mprotect(at + PAGE, PAGE, PROT_NONE) == 0);
  CHECK_EQ(pipe(p), 0);
  uint64_t *words = (uint64_t *)(at + PAGE) - (p[0] / 64 + 1);
  fd_set *set = (fd_set *)words;
  for (int full = 0; full < 2; full++) {
    memset(words, 0, at + PAGE - (char *)words);
    words[p[0] / 64] |= UINT64_C(1) << p[0] % 64;
    struct timeval t = {0, 1000};
    CHECK_EQ(select(p[0] + 1, set, NULL, NULL, &t), full);
    CHECK_EQ(words[p[0] / 64] >> p[0] % 64 & 1, (uint64_t)full);
    CHECK_EQ(write(p[1], "x", 1), 1);
  }
  munmap(at, 2 * PAGE);
  close(p[0]);
  close(p[1]);
}

/* A thread that is cancelled as it closes a descriptor leaves it as it was, or closed. */
static void *cancelled(void *fd) {
  CHECK_EQ(pthread_cancel(pthread_self()), 0);
  close(*(int *)fd);
  return fd;
}

static void cancelled_close(void) {
  for (int turn = 0; turn < 2; turn++) {
    int *p = mw_make(int, 2);
    pthread_t t;
    void *result;
    CHECK_EQ(pipe(p), 0);
    go_task(wg, waiter, p[0], POLL, -1); /* somebody has waited for it */
    let_others_park();
    CHECK_EQ(write(p[1], "x", 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(pthread_create(&t, NULL, cancelled, p), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    struct pollfd q = {.fd = p[0], .events = POLLPRI};
    int r = poll(&q, 1, 1);
    CHECK(r == 0 || (q.revents & POLLNVAL));
    if (r == 0) CHECK_EQ(close(p[0]), 0);
    close(p[1]);
  }
}

/* What closes nothing, or not here, leaves the descriptors as they are. */
static void *close_apart(void *p) {
  const int *fd = p;
  CHECK_EQ(close_range((unsigned)fd[0], (unsigned)fd[0], CLOSE_RANGE_UNSHARE), 0);
  CHECK_FAILS(fcntl(fd[0], F_GETFD), EBADF);
  return NULL;
}

static void ranges(void) {
  if (close_range(~0u, ~0u, 0) != 0 && errno == ENOSYS) return; /* before Linux 5.9 */
  int *p = mw_make(int, 2);
  pthread_t t;
  char c;
  CHECK_EQ(pipe(p), 0);
  go_task(wg, waiter, p[0], POLL, -1);
  let_others_park();
  CHECK_FAILS(close_range(0, ~0u, 1 << 10), EINVAL);
  CHECK_EQ(pthread_create(&t, NULL, close_apart, p), 0);
  CHECK_EQ(pthread_join(t, NULL), 0);
  CHECK_EQ(write(p[1], "x", 1), 1);
  mw_waitgroup_wait(wg); /* it has not been told of a close */
  CHECK_EQ(read(p[0], &c, 1), 1);
  CHECK_EQ(close_range((unsigned)p[0], (unsigned)p[0], 0), 0);
  CHECK_FAILS(read(p[0], &c, 1), EBADF);
  close(p[1]);
}

static const struct check_case cases[] = {
    {"ways", ways},
    {"many", many},
    {"loops", loops},
    {"details", details},
    {"sleeps", sleeps},
    {"closed_under_poll", closed_under_poll},
    {"beyond", beyond},
    {"short_sets", short_sets},
    {"cancelled_close", cancelled_close},
    {"ranges", ranges},
};

int main(int argc, char **argv) {
  check_start();
  wg = mw_new(mw_waitgroup);
  return CHECK_CASES(cases, argc, argv);
}
