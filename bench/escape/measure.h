/* SPDX-License-Identifier: MIT */
/*
 * bench/escape/measure.h -- CPU time (all threads) and allocations of one piece of work
 */
#ifndef MEASURE_H
#define MEASURE_H
#include <mallow.h>
#include <stdio.h>
#include <time.h>

static mw_mem_stats measure_before;
static int64_t measure_start;

static int64_t measure_cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void measure_begin(void) {
  mw_read_mem_stats(&measure_before);
  measure_start = measure_cpu();
}

static inline void measure_end(const char *name, double check) {
  int64_t ns = measure_cpu() - measure_start;
  static mw_mem_stats after;
  mw_read_mem_stats(&after);
  printf("%-8s %8.0f ms %12llu allocations %8.1f MB   (result %.6g)\n", name, (double)ns / 1e6,
         (unsigned long long)(after.mallocs - measure_before.mallocs),
         (double)(after.total_alloc - measure_before.total_alloc) / 1e6, check);
}
#endif
