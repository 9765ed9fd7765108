/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/errno.c -- errno belongs to the goroutine
 *
 * More goroutines than processors set errno and then run through polls and
 * allocations, at which they are preempted and go on elsewhere.  Each has to
 * find its own value again.
 */
#include <errno.h>
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>

enum { GOROUTINES = 12 };
static _Atomic bool over;
static _Atomic int wrong, moves;
static mw_waitgroup done;
static volatile unsigned sink;

static void body(void *arg) {
  int mine = 1000 + (int)(intptr_t)arg;
  while (!over) {
    errno = mine;
    for (unsigned i = 0; i < 3000000; i++) sink = sink * 3 + i;
    sink += *mw_new(unsigned);
    if (errno != mine) wrong++;
    moves++;
  }
  mw_waitgroup_done(&done);
}

int main(void) {
  for (intptr_t i = 0; i < GOROUTINES; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(body, (void *)i);
  }
  mw_sleep(700000000);
  while (!moves) mw_yield();
  over = true;
  mw_waitgroup_wait(&done);
  printf("%d rounds, errno wrong in %d\n", moves, wrong);
  if (wrong) return 1;
  puts("ok");
  return 0;
}
