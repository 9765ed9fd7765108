/* SPDX-License-Identifier: MIT */
/* tests/stress/plain_lib.c -- see plain_lib.h; compiled by clang without the plugin */
#include "plain_lib.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static int by_value(const void *a, const void *b) {
  unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
  return x < y ? -1 : x > y;
}

void plain_sort(unsigned long *words, size_t n) {
  qsort(words, n, sizeof *words, by_value);
}

static atomic_int waiting, woken;
static pthread_t waiter;

static void on_wake(int signal) {
  (void)signal;
}

void plain_wait(void) {
  struct sigaction action = {.sa_handler = on_wake};
  sigaction(SIGUSR2, &action, NULL);
  waiter = pthread_self();
  atomic_store(&woken, 0);
  atomic_store(&waiting, 1);
  while (!atomic_load(&woken)) pause();
  atomic_store(&waiting, 0);
}

int plain_waiting(void) {
  return atomic_load(&waiting);
}

void plain_wake(void) {
  atomic_store(&woken, 1);
  while (atomic_load(&waiting)) { /* again: it may have been just before its pause() */
    pthread_kill(waiter, SIGUSR2);
    usleep(1000);
  }
}

unsigned long plain_spin(unsigned long n) {
  unsigned long x = 88172645463325252u;
  while (n--) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

void plain_call(void (*fn)(void *), void *arg) {
  fn(arg);
}
