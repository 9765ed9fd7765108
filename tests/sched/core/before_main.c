/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/before_main.c -- a constructor starts goroutines that never end: main has its
 * turn
 *
 * More than there are processors, some of which compute and some of which yield.  main queues for a
 * processor like anybody, and after that waits and collects beside them.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mallow.h>

enum { GOROUTINES = 12 };
static _Atomic long turns[GOROUTINES];

static void computes(void *n) {
  for (;;) turns[(long)n]++;
}
static void yields(void *n) {
  for (;;) {
    turns[(long)n]++;
    mw_yield();
  }
}

__attribute__((constructor)) static void early(void) {
  for (long i = 0; i < GOROUTINES; i++) mw_go(i % 2 ? computes : yields, (void *)i);
  while (!turns[0] || !turns[1]) mw_yield(); /* they have the processors */
}

int main(void) {
  for (int i = 0; i < GOROUTINES; i++)
    for (long before = turns[i]; turns[i] == before;) mw_yield();
  mw_gc();
  mw_sleep(1000000);
  puts("ok");
  return 0;
}
