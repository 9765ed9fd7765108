/* SPDX-License-Identifier: MIT */
/*
 * bench/pool/mallow.c -- a get and a put, on mallow's mw_pool
 *
 *     pool-mallow [PAIRS] [GOROUTINES]      (defaults 20000000, 1)
 *
 * Job      Each goroutine takes an object from one shared pool, writes to it
 *          and puts it back, PAIRS times.  Prints nanoseconds of CPU time a pair.
 */
#include "bench.h"

#include <mallow.h>

typedef struct object {
  long uses;
  char rest[56];
} object;

static void *make(void) {
  return mw_new(object);
}
static mw_pool pool = {.make = make};

typedef struct worker {
  size_t pairs;
  mw_waitgroup *done;
} worker;

static void work(void *arg) {
  worker *w = arg;
  for (size_t i = 0; i < w->pairs; i++) {
    object *o = mw_pool_get(&pool);
    o->uses++;
    mw_pool_put(&pool, o);
  }
  mw_waitgroup_done(w->done);
}

int main(int argc, char **argv) {
  size_t pairs = (size_t)bench_arg(argc, argv, 1, 20000000);
  int n = (int)bench_arg(argc, argv, 2, 1);
  static mw_waitgroup done;
  mw_waitgroup_add(&done, n);
  struct timespec t0, t1;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
  for (int i = 0; i < n; i++) {
    worker *w = mw_new(worker);
    *w = (worker){pairs, &done};
    mw_go(work, w);
  }
  mw_waitgroup_wait(&done);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
  double ns = (double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec);
  printf("pool_%d_ns %.2f\n", n, ns / ((double)pairs * n));
  return 0;
}
