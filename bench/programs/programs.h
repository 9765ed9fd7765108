/* SPDX-License-Identifier: MIT */
/*
 * bench/programs/programs.h -- one source for mallow and, with -DMALLOC, for malloc and free
 *
 * drop marks where a program without a collector has to know that an object is
 * not needed any more; with mallow it is nothing.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef MALLOC
#include <pthread.h>
#define make(T) ((T *)calloc(1, sizeof(T)))
#define make_array(T, n) ((T *)calloc((n), sizeof(T)))
#define make_bytes(n) ((char *)malloc(n))
#define drop(p) free(p)
#else
#include <mallow.h>
#define make(T) mw_new(T)
#define make_array(T, n) mw_make(T, n)
#define make_bytes(n) ((char *)mw_alloc_noscan(n))
#define drop(p) ((void)(p))
#endif

/* ---- fn(arg) in n goroutines, or threads; then wait ---------------------- */

struct job {
  void (*fn)(long i);
  long i;
};

#ifdef MALLOC
static inline void *run_job(void *arg) {
  struct job *j = arg;
  j->fn(j->i);
  return NULL;
}
static inline void run_all(long n, void (*fn)(long i)) {
  pthread_t *threads = calloc((size_t)n, sizeof *threads);
  struct job *jobs = calloc((size_t)n, sizeof *jobs);
  for (long i = 0; i < n; i++) {
    jobs[i] = (struct job){fn, i};
    pthread_create(&threads[i], NULL, run_job, &jobs[i]);
  }
  for (long i = 0; i < n; i++) pthread_join(threads[i], NULL);
  free(jobs);
  free(threads);
}
#else
static mw_waitgroup programs_running;
static inline void run_job(void *arg) {
  struct job *j = arg;
  j->fn(j->i);
  mw_waitgroup_done(&programs_running);
}
static inline void run_all(long n, void (*fn)(long i)) {
  mw_waitgroup_add(&programs_running, (int)n);
  for (long i = 0; i < n; i++) {
    struct job *j = mw_new(struct job);
    *j = (struct job){fn, i};
    mw_go(run_job, j);
  }
  mw_waitgroup_wait(&programs_running);
}
#endif

/* ---- Small things ------------------------------------------------------- */

static inline uint64_t next_random(uint64_t *state) { /* xorshift; the Go programs have the same */
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static inline long number(int argc, char **argv, int i, long otherwise) {
  return i < argc ? atol(argv[i]) : otherwise;
}

static inline int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

#endif
