/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/helpers.c -- functions that libc calls on threads of its own
 *
 * Of a timer, of a message queue and of a read that has ended: they allocate, beside main, which
 * does the same, and collections.  Main sleeps at the end, and is woken by one: no deadlock.
 */
#define _GNU_SOURCE 1
#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"
#include "list.h"

enum { TIMERS = 300, QUEUE = 100, READS = 200, VALUES = 400 };
static _Atomic int called[VALUES]; /* with which value: a timer's may come late */
static mw_chan *told;
static void nothing(void *p) {
  (void)p;
}
static void (*volatile touch)(void *) = nothing;

static void on_helper(union sigval v) {
  for (int i = 0; i < 10; i++) {
    long mine[20] = {v.sival_int}; /* a variable that moves */
    touch(mine);
    CHECK(intact(list(100), 100) && mine[0] == v.sival_int && !mine[19]);
  }
  called[v.sival_int]++;
}
static void tells(union sigval v) {
  on_helper(v);
  int value = v.sival_int;
  mw_chan_send(told, value);
}

static struct sigevent event(void (*fn)(union sigval), int value) {
  struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = value};
  e.sigev_notify_function = fn;
  return e;
}

static void until(int value, int n) {
  while (called[value] < n) CHECK(intact(list(200), 200));
}

/* Four at once, and again when these have come: at a rate of its own one timer would begin threads
 * faster than a busy machine ends them. */
static void timers(void) {
  enum { AT_ONCE = 4, ROUNDS = 25 };
  struct sigevent e = event(on_helper, TIMERS);
  timer_t t[AT_ONCE];
  for (int i = 0; i < AT_ONCE; i++) CHECK(timer_create(CLOCK_MONOTONIC, &e, &t[i]) == 0);
  for (int n = 1; n <= ROUNDS; n++) {
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    for (int i = 0; i < AT_ONCE; i++) CHECK(timer_settime(t[i], 0, &soon, NULL) == 0);
    until(TIMERS, n * AT_ONCE);
  }
  for (int i = 0; i < AT_ONCE; i++) CHECK(timer_delete(t[i]) == 0);
}

static void queue(void) {
  char name[40];
  snprintf(name, sizeof name, "/mallow-helpers-%d", (int)getpid());
  struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 8};
  mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_EXCL, 0600, &a);
  if (q == (mqd_t)-1) return; /* none in this kernel */
  mq_unlink(name);
  for (int i = 0; i < 10; i++) {
    struct sigevent e = event(on_helper, QUEUE + i);
    char b[8];
    CHECK(mq_notify(q, &e) == 0);
    CHECK(mq_send(q, "x", 1, 0) == 0);
    until(QUEUE + i, 1);
    CHECK(mq_receive(q, b, sizeof b, NULL) == 1);
  }
  mq_close(q);
}

static void reads(void) {
  static char buffer[100];
  int fd = open("/proc/self/exe", O_RDONLY);
  CHECK(fd >= 0);
  for (int i = 0; i < 20; i++) {
    struct aiocb cb = {.aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = sizeof buffer};
    cb.aio_sigevent = event(on_helper, READS + i);
    CHECK(aio_read(&cb) == 0);
    until(READS + i, 1);
    CHECK(aio_return(&cb) == sizeof buffer);
  }
  close(fd);
}

int main(void) {
  timers();
  queue();
  reads();
  told = mw_chan_make(int, 0);
  struct sigevent e = event(tells, 77);
  timer_t t;
  CHECK(timer_create(CLOCK_MONOTONIC, &e, &t) == 0);
  struct itimerspec once = {.it_value.tv_nsec = 20000000};
  CHECK(timer_settime(t, 0, &once, NULL) == 0);
  int value = 0;
  CHECK(mw_chan_recv(told, &value) && value == 77);
  puts("ok");
  return 0;
}
