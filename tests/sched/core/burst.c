/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/burst.c -- goroutines that start together and end one after another need few
 * stacks
 *
 * A goroutine takes over the stack of one that has ended: when it is started, if there is one then,
 * or when it first runs.  With one processor a new stack is made only where all are with goroutines
 * that have begun, or that were started with one and not run yet, since others were preempted and
 * came back later; the latter have no more than there were when the round began.  So a round adds
 * as many as there are begun at a time, at most, and the one that has just ended.  What they leave
 * on a stack, and what they find there, is theirs alone: each fills its frames.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 400, ROUNDS = 5 };

static _Atomic long begun, most, total;
static mw_waitgroup done;
static uintptr_t where[N];

static __attribute__((noinline)) long deep(long n, unsigned char fill) {
  volatile unsigned char frame[1000];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = fill;
  long sum = n ? deep(n - 1, fill) : 0;
  for (size_t i = 0; i < sizeof frame; i++)
    if (frame[i] != fill) {
      printf("FAIL: a frame of goroutine %d was overwritten\n", fill);
      exit(1);
    }
  return sum + frame[n % 1000];
}

static void work(void *arg) {
  long i = (long)arg, b = ++begun;
  if (b > most) most = b;
  where[i] = (uintptr_t)__builtin_frame_address(0);
  total += deep(20, (unsigned char)i) / (unsigned char)(i | 1);
  if (i % 100 == 7) mw_yield(); /* some are not alone */
  begun--;
  mw_waitgroup_done(&done);
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
  return x < y ? -1 : x > y;
}

int main(void) {
  mw_set_gc_percent(-1); /* no cycle gives kept stacks back */
  static uintptr_t all[N * ROUNDS];
  long n = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < N; i++) {
      mw_waitgroup_add(&done, 1);
      mw_go(work, (void *)i);
    }
    mw_waitgroup_wait(&done);
    memcpy(all + n, where, sizeof where);
    n += N;
  }
  qsort(all, (size_t)n, sizeof *all, by_address);
  long stacks = 1;
  for (long i = 1; i < n; i++) stacks += all[i] - all[i - 1] > 32768; /* else one stack */
  if (mw_set_max_procs(0) == 1 && stacks > ROUNDS * (most + 1)) {
    printf("FAIL: %ld stacks for %ld goroutines at a time\n", stacks, most);
    return 1;
  }
  puts("ok");
  return 0;
}
