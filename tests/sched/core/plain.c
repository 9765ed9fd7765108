/* SPDX-License-Identifier: MIT */
/* tests/sched/core/plain.c -- see plain.h */
#include "plain.h"

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
