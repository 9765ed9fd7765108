/* SPDX-License-Identifier: MIT */
/*
 * bench/bench.h -- what the benchmark programs share, whatever their allocator
 *
 * Job      Arguments, a clock, and the order of samples.  No allocation here.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* argv[i] as a number from 1 on, or fallback when there is none. */
static inline long bench_arg(int argc, char **argv, int i, long fallback) {
  if (i >= argc) return fallback;
  char *end;
  long value = strtol(argv[i], &end, 10);
  if (*end || value < 1) {
    fprintf(stderr, "%s: '%s' is not a number from 1 on\n", argv[0], argv[i]);
    exit(64);
  }
  return value;
}

static inline int64_t bench_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int bench_by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* Print median, 99th percentile and maximum of n samples (which get sorted). */
static inline void bench_print_latency(const char *what, int64_t *samples_ns, size_t n) {
  qsort(samples_ns, n, sizeof samples_ns[0], bench_by_value);
  printf("%s_ms median %.3f p99 %.3f max %.3f\n", what, (double)samples_ns[n / 2] / 1e6,
         (double)samples_ns[n - 1 - n / 100] / 1e6, (double)samples_ns[n - 1] / 1e6);
}

/* xorshift: the same sequence in every language. */
static inline uint64_t bench_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

#endif
