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

/*
 * Print the least share of its own speed that the program had over windows of 20 and 100 ms: steps
 * that ran one after another, n samples in their order, beside the step that a tenth of them beat.
 */
static inline void bench_print_utilisation(const int64_t *samples_ns, size_t n) {
  int64_t *sorted = malloc(n * sizeof *sorted);
  if (!sorted) exit(1);
  memcpy(sorted, samples_ns, n * sizeof *sorted);
  qsort(sorted, n, sizeof sorted[0], bench_by_value);
  double step_ns = (double)sorted[n / 10], least[2];
  free(sorted);
  for (int k = 0; k < 2; k++) {
    double window_ns = k ? 100e6 : 20e6, sum_ns = 0;
    size_t first = 0;
    least[k] = 1;
    for (size_t i = 0; i < n;
         i++) { /* the shortest that ends with i and is as long as the window */
      sum_ns += (double)samples_ns[i];
      while (sum_ns - (double)samples_ns[first] >= window_ns) sum_ns -= (double)samples_ns[first++];
      double share = (double)(i - first + 1) * step_ns / sum_ns;
      if (sum_ns >= window_ns && share < least[k]) least[k] = share;
    }
  }
  printf("utilisation 20_ms %.3f 100_ms %.3f\n", least[0], least[1]);
}

/* xorshift: the same sequence in every language. */
static inline uint64_t bench_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

#endif
