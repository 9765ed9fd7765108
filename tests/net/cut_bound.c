/* SPDX-License-Identifier: MIT */
/*
 * tests/net/cut_bound.c -- a signal ends the call of a goroutine that is bound to a thread, and a
 * new thread is needed to go on
 *
 * There are processors for more, but all threads compute, are bound, or wait in the kernel:
 * sysmon, which readies the goroutine, makes one.
 */
#define _GNU_SOURCE 1
#include <signal.h>

#include "net.h"

static _Atomic int tid;
static _Atomic bool ended;
static int ends[2];

static void handler(int sig) {
  (void)sig;
}

static void bound(void *unused) {
  char c;
  (void)unused;
  mw_thread_lock();
  tid = gettid();
  CHECK_FAILS(read(ends[0], &c, 1), EINTR);
  mw_thread_unlock();
  ended = true;
}

static void for_ms(int64_t ms) {
  int64_t until = mw_nanotime() + ms * MS;
  while (mw_nanotime() < until && !ended) continue;
}

static _Atomic bool enough;
static mw_waitgroup done;
static void computes(void *unused) {
  (void)unused;
  while (!enough) continue;
  mw_waitgroup_done(&done);
}

int main(void) {
  struct sigaction sa = {.sa_handler = handler};
  check_start();
  CHECK(pipe(ends) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
  for (int busy = 0; busy < 12; busy++) {
    tid = 0;
    ended = false;
    mw_go(bound, NULL);
    while (!tid) continue;
    for (for_ms(5); !ended; for_ms(5)) CHECK_EQ(tgkill(getpid(), tid, SIGUSR1), 0);
    mw_waitgroup_add(&done, 1); /* one thread less is idle the next time */
    mw_go(computes, NULL);
    for_ms(1);
  }
  enough = true;
  mw_waitgroup_wait(&done);
  mw_gc(); /* and the list of threads is free */
  puts("ok");
  return 0;
}
