/* SPDX-License-Identifier: MIT */
/*
 * tests/net/cuts.c -- whose calls signals end when there are many goroutines [I1]
 *
 *   cuts [ROUNDS]
 *
 * A timer's signal goes off all the time, its handler without SA_RESTART.  main reads, polls,
 * sleeps and waits for a child: each of its calls ends with EINTR, and none hangs.
 * Others read, poll, accept and sleep meanwhile, and never see one.  A goroutine that
 * lets in a signal that everybody else blocks is bound to its thread, and its calls
 * are ended by that signal.
 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "net.h"

static _Atomic bool over;
static _Atomic long handled;
static mw_waitgroup *wg;

static void on_signal(int sig) {
  (void)sig;
  handled++;
}

/* ---- The others: never EINTR ------------------------------------------- */

static void reader(task *t) {
  char c;
  ssize_t n;
  while ((n = read(t->fd, &c, 1)) == 1) t->result++;
  CHECK_EQ(n, 0);
}
static void writer(task *t) {
  while (!over) {
    CHECK_EQ(write(t->fd, "x", 1), 1);
    CHECK_EQ(usleep(500), 0);
  }
  close(t->fd);
}
static void poller(task *t) {
  while (!over) {
    struct pollfd p = {t->fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 5), 0);
    struct timespec ms = {0, 1000000};
    CHECK_EQ(nanosleep(&ms, NULL), 0);
  }
}
static void acceptor(task *t) {
  int fd = accept(t->fd, NULL, NULL);
  CHECK(fd >= 0);
  close(fd);
}

/* ---- main: always EINTR ------------------------------------------------ */

static void main_is_cut(int64_t rounds) {
  int p[2];
  char c;
  CHECK_EQ(pipe(p), 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0)
    for (;;) pause();
  for (int64_t i = 0; i < rounds; i++) {
    long before = handled;
    CHECK_FAILS(read(p[0], &c, 1), EINTR);
    CHECK(handled > before);
    struct pollfd f = {p[0], POLLIN, 0};
    CHECK_FAILS(poll(&f, 1, -1), EINTR);
    CHECK_FAILS(waitpid(pid, NULL, 0), EINTR);
    CHECK(sleep(1000) > 0);
    CHECK_FAILS(pause(), EINTR);
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) != pid) CHECK_EQ(errno, EINTR);
}

/* ---- Bound by its mask ------------------------------------------------- */

static _Atomic pid_t bound_tid;
static void bound(task *t) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
  bound_tid = gettid();
  char c;
  for (int i = 0; i < t->n; i++) {
    CHECK_FAILS(read(t->fd, &c, 1), EINTR);
    struct timespec hour = {3600, 0};
    CHECK_FAILS(nanosleep(&hour, NULL), EINTR);
  }
  bound_tid = -1;
}

int main(int argc, char **argv) {
  check_start();
  int64_t rounds = arg_or(argc, argv, 1, 20);
  wg = mw_new(mw_waitgroup);
  sigset_t usr;
  sigemptyset(&usr);
  sigaddset(&usr, SIGUSR1);
  CHECK_EQ(pthread_sigmask(SIG_BLOCK, &usr, NULL), 0); /* everybody's from here on */
  struct sigaction sa = {.sa_handler = on_signal};
  sigaction(SIGALRM, &sa, NULL);
  sigaction(SIGUSR1, &sa, NULL);
  int quiet[2], fds[2];
  uint16_t port;
  make_pair(PAIR_UNIX, quiet);
  for (int i = 0; i < PAIR_KINDS; i++) {
    make_pair((enum pair_kind)i, fds);
    go_task(wg, reader, fds[1], 0, 0);
    go_task(wg, writer, fds[0], 0, 0);
    go_task(wg, poller, quiet[0], 0, 0);
  }
  int l = listen_tcp(&port);
  go_task(wg, acceptor, l, 0, 0);
  struct itimerval it = {{0, 5000}, {0, 5000}};
  setitimer(ITIMER_REAL, &it, NULL);

  main_is_cut(rounds);
  go_task(wg, bound, quiet[0], 0, rounds);
  while (bound_tid >= 0) {
    kill(getpid(), SIGUSR1); /* main blocks it, so it is the other's */
    usleep(2000);
  }

  it = (struct itimerval){0};
  setitimer(ITIMER_REAL, &it, NULL);
  over = true;
  int fd = connect_tcp(port);
  mw_waitgroup_wait(wg);
  close(fd);
  CHECK(handled > 0);
  puts("ok");
  return 0;
}
