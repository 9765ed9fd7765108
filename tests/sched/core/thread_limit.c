/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/thread_limit.c -- too many threads are a clear fatal error
 *
 *   external   every goroutine blocks in a library, so each takes a thread
 *   pthreads   the program's own threads use the runtime, all at the same time
 *   in_turn    the same, one after the other: that is no error
 *   lower      the limit is set below what there is
 */
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "plain.h"

enum { LIMIT = 24, MANY = 60 };

static pthread_barrier_t all_here;

static void block(void *arg) {
  (void)arg;
  for (;;) plain_block_ms(20000);
}
static void *use_and_stay(void *arg) {
  mw_yield(); /* attached from here */
  if (arg) pthread_barrier_wait(arg);
  return NULL;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  int old = mw_set_max_threads(LIMIT);
  if (old != 10000 || mw_set_max_threads(0) != LIMIT || mw_set_max_threads(-5) != LIMIT) {
    puts("FAIL: what mw_set_max_threads returns");
    return 1;
  }
  if (strcmp(name, "external") == 0) {
    for (int i = 0; i < MANY; i++) mw_go(block, NULL);
    for (;;) mw_sleep(20000000000);
  }
  if (strcmp(name, "lower") == 0) {
    pthread_t t[3];
    pthread_barrier_init(&all_here, NULL, 4);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, use_and_stay, &all_here);
    plain_block_ms(100);
    mw_set_max_threads(1);
  }
  bool at_once = strcmp(name, "pthreads") == 0;
  pthread_t t[MANY];
  if (at_once) pthread_barrier_init(&all_here, NULL, MANY + 1);
  for (int i = 0; i < MANY; i++) {
    if (pthread_create(&t[i], NULL, use_and_stay, at_once ? &all_here : NULL) != 0) return 1;
    if (!at_once) pthread_join(t[i], NULL);
  }
  if (at_once) pthread_barrier_wait(&all_here);
  puts("ok: within the limit");
  return 0;
}
