/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/yields.c -- sched_yield and thrd_yield let others have the processor
 *
 *     yields thread|locked|goroutine
 *
 * On one processor: what waits for it runs at the next yields of a thread of the program's, of a
 * goroutine that is bound to its thread, and of one that is not.  Yields are counted, not time.
 */
#include <pthread.h>
#include <sched.h>
#include <threads.h>

#include "../check.h"

enum { ROUNDS = 300 };
static _Atomic int ran;

static void runs(void *unused) {
  (void)unused;
  ran++;
}

/* The look at the global queue comes first at times, and finds ourselves there: so a few. */
static void yields(void) {
  long n = 0;
  for (int i = 0; i < ROUNDS; i++) {
    mw_go(runs, NULL);
    for (; ran <= i; n++)
      if (i % 2)
        CHECK_EQ(sched_yield(), 0);
      else
        thrd_yield();
  }
  printf("%ld yields in %d rounds\n", n, ROUNDS);
  CHECK(n <= 4 * ROUNDS);
}

/* Woken by a timer: its processor is never idle, and nobody else's. */
static void sleeps(void *unused) {
  (void)unused;
  mw_sleep(1000000);
  ran++;
}
static void yields_until_timer(void) {
  ran = 0;
  mw_go(sleeps, NULL);
  while (!ran) CHECK_EQ(sched_yield(), 0);
}

static void *thread(void *unused) {
  (void)unused;
  yields();
  yields_until_timer();
  return NULL;
}
static void in_thread(void) {
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, thread, NULL), 0);
  CHECK_EQ(pthread_join(t, NULL), 0);
}
static void locked(void) {
  mw_thread_lock();
  thread(NULL);
  mw_thread_unlock();
}
static void goroutine(void) {
  thread(NULL);
}

int main(int argc, char **argv) {
  static const struct check_case cases[] = {
      {"thread", in_thread}, {"locked", locked}, {"goroutine", goroutine}};
  check_start();
  return CHECK_CASE(cases, argc, argv);
}
