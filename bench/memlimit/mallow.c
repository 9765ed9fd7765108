/* SPDX-License-Identifier: MIT */
/*
 * bench/memlimit/mallow.c -- a large live heap and much garbage under GOMEMLIMIT, on mallow
 *
 *     GOMEMLIMIT=256MiB memlimit-mallow [LIVE_MB] [GARBAGE_MB] [WORKERS]   (defaults 150, 3000, 2)
 *
 * Job      Hold LIVE_MB of chains of objects of 24 to 400 bytes.  WORKERS
 *          goroutines replace chains chosen at random until GARBAGE_MB have
 *          been allocated, and with every twentieth chain write a buffer of
 *          48 KB that is garbage at once.  Meanwhile another goroutine reads,
 *          every 2 ms, what the runtime holds from the OS: sys - heap_released.
 */
#include "bench.h"

#include <mallow.h>
#include <sys/resource.h>

enum { LINKS = 16, CHAIN_BYTES = 2 * 1080, BUFFER = 48 << 10, BUFFER_EVERY = 20 };

typedef struct object {
  struct object *next;
  uint64_t value;
} object;

/* The sizes are size classes of both runtimes, so that the live heap is the same. */
#define OBJECT(bytes)                                                                              \
  typedef struct object##bytes {                                                                   \
    object head;                                                                                   \
    char more[bytes - sizeof(object)];                                                             \
  } object##bytes
OBJECT(24);
OBJECT(32);
OBJECT(48);
OBJECT(64);
OBJECT(96);
OBJECT(160);
OBJECT(256);
OBJECT(400);

static object *link(int i) {
  switch (i % 8) {
  case 0:
    return &mw_new(object24)->head;
  case 1:
    return &mw_new(object32)->head;
  case 2:
    return &mw_new(object48)->head;
  case 3:
    return &mw_new(object64)->head;
  case 4:
    return &mw_new(object96)->head;
  case 5:
    return &mw_new(object160)->head;
  case 6:
    return &mw_new(object256)->head;
  default:
    return &mw_new(object400)->head;
  }
}

static object *chain(uint64_t seed) {
  object *first = NULL;
  for (int i = 0; i < LINKS; i++) {
    object *o = link(i);
    o->next = first;
    o->value = seed + (uint64_t)i;
    first = o;
  }
  return first;
}

typedef struct work {
  object **table; /* this worker's part */
  size_t nchains;
  size_t replaced;
  uint64_t state, sum;
  mw_waitgroup *done;
} work;

static void replace(void *arg) {
  work *w = arg;
  for (size_t i = 0; i < w->replaced; i++) {
    uint64_t r = bench_random(&w->state);
    object **slot = &w->table[r % w->nchains];
    for (const object *o = *slot; o; o = o->next) w->sum += o->value;
    *slot = chain(r % 1000);
    if (i % BUFFER_EVERY == 0) {
      unsigned char *buffer = mw_alloc_noscan(BUFFER);
      memset(buffer, (int)(i % 100), BUFFER);
      w->sum += buffer[r % BUFFER];
    }
  }
  mw_waitgroup_done(w->done);
}

static uint64_t peak_bytes;
static _Atomic bool stop;

static void sample(void *done) {
  static mw_mem_stats s;
  while (!stop) {
    mw_read_mem_stats(&s);
    if (s.sys - s.heap_released > peak_bytes) peak_bytes = s.sys - s.heap_released;
    mw_sleep(2000000);
  }
  mw_waitgroup_done(done);
}

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
  size_t nchains = ((size_t)bench_arg(argc, argv, 1, 150) << 20) / CHAIN_BYTES;
  size_t replaced =
      ((size_t)bench_arg(argc, argv, 2, 3000) << 20) / (CHAIN_BYTES + BUFFER / BUFFER_EVERY);
  size_t workers = (size_t)bench_arg(argc, argv, 3, 2);

  static mw_waitgroup working, sampling;
  mw_waitgroup_add(&sampling, 1);
  mw_go(sample, &sampling);
  object **table = mw_make(object *, nchains);
  for (size_t i = 0; i < nchains; i++) table[i] = chain(i % 1000);

  double cpu = cpu_seconds();
  int64_t start_ns = bench_now_ns();
  work **works = mw_make(work *, workers);
  mw_waitgroup_add(&working, (int)workers);
  for (size_t i = 0; i < workers; i++) {
    work *w = works[i] = mw_new(work);
    *w = (work){table + nchains / workers * i,
                nchains / workers,
                replaced / workers,
                88172645463325252u + i,
                0,
                &working};
    mw_go(replace, w);
  }
  mw_waitgroup_wait(&working);
  double seconds = (double)(bench_now_ns() - start_ns) / 1e9;
  cpu = cpu_seconds() - cpu;
  stop = true;
  mw_waitgroup_wait(&sampling);

  uint64_t sum = 0;
  for (size_t i = 0; i < workers; i++) sum += works[i]->sum;
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  printf("memlimit wall_s %.3f cpu_s %.3f peak_mb %.1f cycles %u sum %llu\n", seconds, cpu,
         (double)peak_bytes / 1048576, s.num_gc, (unsigned long long)sum);
  mw_keep_alive(table);
  return 0;
}
