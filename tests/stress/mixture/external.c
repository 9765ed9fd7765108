/* SPDX-License-Identifier: MIT */
/* tests/stress/mixture/external.c -- external code, see mixture.h */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void plain_sort(void *base, size_t n, size_t size, int (*less)(const void *, const void *));
void plain_spin(unsigned us);
void *plain_thread(void *unused);
int plain_callback(int (*fn)(void *), void *arg);

void plain_sort(void *base, size_t n, size_t size, int (*less)(const void *, const void *)) {
  qsort(base, n, size, less);
}

void plain_spin(unsigned us) {
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < us);
}

void *plain_thread(void *unused) {
  (void)unused;
  for (size_t i = 1; i < 200; i++) {
    char *p = malloc(i * 10);
    if (!p) abort();
    memset(p, (int)i, i * 10);
    free(p);
  }
  return NULL;
}

int plain_callback(int (*fn)(void *), void *arg) {
  volatile char frame[200];
  frame[0] = 1;
  return fn(arg) + frame[0] - 1;
}
