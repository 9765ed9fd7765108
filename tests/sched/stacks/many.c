/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/many.c -- goroutines while address space is limited (ulimit -v)
 *
 *     many N
 *
 * N goroutines are parked at once.  Neither the heap nor the first of them, whose stacks
 * are large where space is free, may take it all.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>

static mw_chan *end;
static mw_waitgroup parked, done;

static void waits(void *unused) {
  (void)unused;
  mw_waitgroup_done(&parked);
  long v;
  mw_chan_recv(end, &v);
  mw_waitgroup_done(&done);
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1000;
  end = mw_chan_make(long, 0);
  mw_waitgroup_add(&parked, n);
  mw_waitgroup_add(&done, n);
  for (int i = 0; i < n; i++) {
    mw_go(waits, NULL);
    if (i % 1000 == 0) mw_yield();
  }
  mw_waitgroup_wait(&parked);
  mw_chan_close(end);
  mw_waitgroup_wait(&done);
  puts("ok");
}
