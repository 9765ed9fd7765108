/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/restart.c -- the stop signal does not show in blocking calls
 *
 * A plain library waits for events without a timeout while collections stop
 * its thread again and again.  The wait comes back once, when its own signal
 * has come.  A sleep lasts as long as it should.
 */
#include <mallow.h>
#include <stdio.h>

#include "plain.h"

static _Atomic int times, slept_result;
static _Atomic int64_t slept_ns;
static _Atomic bool back;

static void waiter(void *arg) {
  int64_t ns = 0;
  times = plain_wait((enum plain_wait)(intptr_t)arg, &ns);
  slept_ns = ns;
  back = true;
}

static void sleeper(void *arg) {
  int64_t start = mw_nanotime();
  slept_result = plain_sleep_ms((int)(intptr_t)arg);
  slept_ns = mw_nanotime() - start;
  back = true;
}

/* And until there were two, however loaded the machine is. */
static int collect_until(int64_t end) {
  int n = 0;
  while ((mw_nanotime() < end || n < 2) && !back) {
    mw_gc();
    n++;
    mw_sleep(2000000);
  }
  return n;
}

int main(void) {
  static const char *const names[] = {"pause", "poll", "epoll_wait", "select", "sigsuspend"};
  int failed = 0;
  mw_set_max_procs(2);
  for (int w = 0; w < PLAIN_NWAITS; w++) {
    back = false;
    mw_go(waiter, (void *)(intptr_t)w);
    while (!plain_tid) mw_yield();
    int n = collect_until(mw_nanotime() + 150000000);
    bool early = back;
    while (!back) {
      plain_wake();
      mw_sleep(5000000);
    }
    printf("%s: came back %d times in %.1f ms, %d collections\n", names[w], times,
           (double)slept_ns / 1e6, n);
    if (times != 1 || early || n < 2) failed = 1;
  }
  back = false;
  mw_go(sleeper, (void *)300);
  int n = collect_until(mw_nanotime() + 1000000000);
  while (!back) mw_sleep(1000000);
  printf("nanosleep of 300 ms: %d after %.1f ms, %d collections\n", slept_result,
         (double)slept_ns / 1e6, n);
  if (slept_result != 0 || slept_ns < 299000000) failed = 1;
  puts(failed ? "FAIL" : "ok");
  return failed;
}
