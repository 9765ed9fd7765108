/* SPDX-License-Identifier: MIT */
/* tests/sched/core/plain.c -- see plain.h */
#include "plain.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void plain_spin_ms(int ms) {
  int64_t end = now_ns() + (int64_t)ms * 1000000;
  while (now_ns() < end) continue;
}

void plain_block_ms(int ms) {
  int64_t end = now_ns() + (int64_t)ms * 1000000;
  struct timespec ts = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0) continue;
}

static void *nothing(void *p) {
  return p;
}

/* More threads use malloc than it has arenas, or not: they meet now and then. */
void plain_libc_locks(void) {
  void *block[200];
  for (int i = 0; i < 200; i++) block[i] = malloc((size_t)(i % 50) * 100 + 2000);
  for (int i = 0; i < 200; i++) free(block[i]);
  void *m = dlopen("libm.so.6", RTLD_NOW);
  if (m) dlclose(m);
  m = dlopen("libutil.so.1", RTLD_NOW);
  if (m) dlclose(m);
  pthread_t t;
  if (pthread_create(&t, NULL, nothing, NULL) == 0) pthread_join(t, NULL);
}
