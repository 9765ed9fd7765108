/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/deep.c -- how deep a recursion may go, and what happens beyond
 *
 *     deep CASE [DEPTH]
 *
 * Cases    main, go      recursion DEPTH deep (default a million) in main, in a goroutine
 *          go-stack      in a goroutine that asked for its size, while thousands have small stacks
 *          few-again     in a goroutine started when thousands have ended
 *          over-max      past mw_set_max_stack: fatal
 *          over-stack    past mw_go_stack's size: fatal
 *          over-small    past what a goroutine gets when they are many: fatal
 *          too-much      mw_go_stack with more than the limit: fatal
 */
#include "../check.h"

static volatile long bottom;

__attribute__((noinline)) static long recurse(long n) {
  volatile long kept[4] = {n, 0, 0, 1};
  return n == bottom ? kept[3] : recurse(n + 1) + kept[3];
}

static long depth = 1000000;
static mw_chan *done, *gate;
static mw_waitgroup at_rest;

static void go_deep(void *arg) {
  bottom = (long)(intptr_t)arg;
  CHECK_EQ(recurse(0), bottom + 1);
  mw_chan_send(done, (char)1);
}

static void waits(void *unused) {
  (void)unused;
  mw_waitgroup_done(&at_rest); /* it has a stack */
  mw_chan_recv(gate, NULL);
  mw_chan_send(done, (char)1);
}

static void crowd(int n) {
  mw_waitgroup_add(&at_rest, n);
  for (int i = 0; i < n; i++) mw_go(waits, NULL);
  mw_waitgroup_wait(&at_rest);
}

static void wait_for(int n) {
  while (n-- > 0) mw_chan_recv(done, NULL);
}

int main(int argc, char **argv) {
  const char *which = argc > 1 ? argv[1] : "";
  if (argc > 2) depth = strtol(argv[2], NULL, 10);
  void *for_ever = (void *)(intptr_t)1000000000;
  done = mw_chan_make(char, 0);
  gate = mw_chan_make(char, 0);
  if (strcmp(which, "main") == 0) {
    bottom = depth;
    CHECK_EQ(recurse(0), depth + 1);
  } else if (strcmp(which, "go") == 0) {
    mw_go(go_deep, (void *)depth);
    wait_for(1);
  } else if (strcmp(which, "go-stack") == 0) {
    crowd(5000);
    mw_go_stack(go_deep, (void *)depth, (size_t)depth * 200);
    wait_for(1);
  } else if (strcmp(which, "few-again") == 0) {
    crowd(2000);
    mw_chan_close(gate);
    wait_for(2000);
    while (mw_num_goroutine() > 1) mw_yield(); /* they have sent, and then end */
    mw_go(go_deep, (void *)depth);
    wait_for(1);
  } else if (strcmp(which, "over-max") == 0) {
    CHECK_EQ(mw_set_max_stack(1 << 20), 1 << 30);
    CHECK_EQ(mw_set_max_stack(0), 1 << 20);
    mw_go(go_deep, for_ever);
    wait_for(1);
  } else if (strcmp(which, "over-stack") == 0) {
    mw_go_stack(go_deep, for_ever, 100000);
    wait_for(1);
  } else if (strcmp(which, "over-small") == 0) {
    crowd(5000);
    mw_go(go_deep, for_ever);
    wait_for(1);
  } else if (strcmp(which, "too-much") == 0) {
    mw_set_max_stack(1 << 20);
    mw_go_stack(go_deep, for_ever, (1 << 20) + 1);
  } else {
    return 64;
  }
  puts("ok");
}
