/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/mutex_turns.c -- whose turn it is at a mutex, on one processor
 *
 *   Who was woken and found the mutex taken again waits in front of those that came later.
 *   Who has waited for long gets it from the unlock itself, and runs at once.
 *
 * One processor: others run only where this goroutine lets them.
 */
#define _GNU_SOURCE 1
#include "../parked.h"
#include "check.h"

static mw_mutex m;
static _Atomic int turns;
static int order[2];
static mw_waitgroup done;

static void waiter(void *arg) {
  mw_mutex_lock(&m);
  order[turns++] = (int)(intptr_t)arg;
  mw_mutex_unlock(&m);
  mw_waitgroup_done(&done);
}

static void wait_for(int waiters) {
  until_parked(waiters, "[sync.Mutex.Lock");
}

/* The n-th who waits. */
static void start_waiter(int n) {
  mw_waitgroup_add(&done, 1);
  mw_go(waiter, (void *)(intptr_t)n);
  wait_for(n);
}

static void in_front(void) {
  turns = 0;
  mw_mutex_lock(&m);
  start_waiter(1);
  start_waiter(2);
  mw_mutex_unlock(&m); /* wakes 1, which does not run yet */
  mw_mutex_lock(&m);
  wait_for(2); /* it has looked, and waits again */
  CHECK_EQ(turns, 0);
  mw_mutex_unlock(&m);
  mw_waitgroup_wait(&done);
  CHECK_EQ(order[0], 1);
  CHECK_EQ(order[1], 2);
}

static void at_once(void) {
  turns = 0;
  mw_mutex_lock(&m);
  start_waiter(1);
  for (int64_t end = mw_nanotime() + 2000000; mw_nanotime() < end;) continue; /* long enough */
  mw_mutex_unlock(&m);
  mw_mutex_lock(&m);
  wait_for(1); /* it has looked, and is starving */
  CHECK_EQ(turns, 0);
  mw_mutex_unlock(&m);
  CHECK_EQ(turns, 1);
  mw_waitgroup_wait(&done);
}

int main(void) {
  for (int i = 0; i < 20; i++) {
    in_front();
    at_once();
  }
  puts("ok");
  return 0;
}
