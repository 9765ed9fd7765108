/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_mark_threads.c -- markers on the same spans at once [K1] [K2] [W1]
 *
 * Several threads mark one random graph, of small objects that share few spans, so
 * that a span is queued by one, dequeued by another and marked in by a third at the
 * same time.  Each round ends when nobody has work; then exactly what is reachable
 * is marked, and was counted once.
 */
#include <pthread.h>

#include "heap/class.h"
#include "heap/heap_test.h"

#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/roots.h"

#define NTHREADS 4
#define N 6000
#define EDGES 3
#define ROUNDS 60

static struct mwi_mcache *mc;
static struct mwi_gcp ring[NTHREADS];
static void **node[N];
static bool reachable[N];
static uint32_t first[NTHREADS];
static pthread_barrier_t barrier;
static _Atomic int active;

static uint32_t always(void) {
  return 1; /* idle processors: rings share what they have */
}
static bool never(void) {
  return false;
}
static void nothing(void) {}

static void mark(struct mwi_gcp *w, uint32_t root) {
  uintptr_t stack[1] = {(uintptr_t)node[root] + 8};
  mwi_scan_conservative(w, (uintptr_t)stack, (uintptr_t)(stack + 1), false);
  for (;;) {
    while (mwi_drain(w, 4096, NULL)) continue;
    mwi_work_publish(w);
    mwi_add_relaxed(&active, -1);
    while (!mwi_work_any())
      if (mwi_load_seqcst(&active) == 0) return;
    mwi_add_relaxed(&active, 1);
  }
}

static void *run(void *arg) {
  size_t me = (size_t)(uintptr_t)arg;
  if (me) {
    mwi_test_thread_init();
    mwi_rt_enter();
  }
  mwi_tcb()->gcp = &ring[me];
  for (int round = 0; round < ROUNDS; round++) {
    pthread_barrier_wait(&barrier); /* the first has made the graph */
    mark(&ring[me], first[me]);
    pthread_barrier_wait(&barrier);
    if (me == 0) return NULL; /* its rounds are below */
  }
  return NULL;
}

static void reach(uint32_t i) {
  static uint32_t stack[N];
  uint32_t n = 0;
  if (!reachable[i]) reachable[i] = true, stack[n++] = i;
  while (n) {
    void **p = node[stack[--n]];
    for (int e = 0; e < EDGES; e++)
      if (p[e]) {
        uint32_t k = (uint32_t)(uintptr_t)((void **)p[e])[EDGES]; /* its number, a small integer */
        if (!reachable[k]) reachable[k] = true, stack[n++] = k;
      }
  }
}

static void forget(struct mwi_span *s, void *unused) {
  (void)unused;
  for (int i = 0; i < MWI_SPAN_MAX_OBJECTS / 64; i++) {
    mwi_store_relaxed(&s->mark[i], 0);
    mwi_store_relaxed(&s->scanned[i], 0);
  }
}

static void all_that_is_reachable_once(void **state) {
  (void)state;
  struct rng r = rng_start();
  pthread_barrier_init(&barrier, NULL, NTHREADS);
  size_t charged;
  for (uint32_t i = 0; i < N; i++) {
    node[i] = heap_alloc(mc, mwi_class_untyped(8 * (EDGES + 1), false), &charged);
    node[i][EDGES] = (void *)(uintptr_t)i;
  }
  pthread_t t[NTHREADS];
  for (uintptr_t i = 1; i < NTHREADS; i++)
    assert_int_equal(pthread_create(&t[i], NULL, run, (void *)i), 0);
  for (int round = 0; round < ROUNDS; round++) {
    mwi_heap_each_span(forget, NULL);
    memset(reachable, 0, sizeof reachable);
    for (uint32_t i = 0; i < N; i++)
      for (int e = 0; e < EDGES; e++)
        node[i][e] = rng_below(&r, 5) < 2 ? node[rng_below(&r, N)] : NULL;
    uint64_t want = 0, got = 0;
    for (int i = 0; i < NTHREADS; i++) {
      reach(first[i] = (uint32_t)rng_below(&r, N));
      ring[i].marked_bytes = 0;
    }
    mwi_store_relaxed(&active, NTHREADS);
    run(NULL); /* one round of ours, and one of everybody's */
    for (uint32_t i = 0; i < N; i++) {
      if (heap_marked(node[i]) != reachable[i])
        fail_msg("round %d: object %u of %d is %s", round, i, N,
                 reachable[i] ? "lost" : "marked for nothing");
      want += reachable[i] * (uint64_t)(8 * (EDGES + 1));
    }
    for (int i = 0; i < NTHREADS; i++) got += ring[i].marked_bytes;
    assert_int_equal(got, want);
  }
  for (int i = 1; i < NTHREADS; i++) pthread_join(t[i], NULL);
}

int main(void) {
  heap_start(MWI_GB);
  mwi_gc_hooks.idle_procs = always;
  mwi_gc_hooks.worker_poll = never;
  mwi_gc_hooks.wake = nothing;
  mc = mwi_mcache_new();
  mwi_tcb()->mcache = mc;
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_that_is_reachable_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
