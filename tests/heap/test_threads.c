/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_threads.c -- several processors refill, mark and sweep at once
 *
 * Each thread has an mcache and objects of its own, whose contents it checks.
 * A barrier stands for stopping the world: what the collector does there one
 * thread does, while the others wait.  Between stops the threads allocate
 * while others sweep, or mark while others allocate.  Under ThreadSanitizer
 * (heap.threads-thread) this is the proof that the lists of mcentral.c and the
 * bits of a span are handed over properly.
 */
#include <pthread.h>

#include "heap/class.h"
#include "heap/heap_test.h"

#define NTHREADS 4
#define NCYCLES 12
#define KEEP 1500

struct worker {
  struct mwi_mcache *mc;
  struct rng r;
  uint64_t *live[KEEP];
  size_t words[KEEP];
  uint64_t charged;
};
static struct worker workers[NTHREADS];
static pthread_barrier_t stop;
static _Atomic size_t swept;

static void allocate(struct worker *w, size_t steps) {
  for (size_t i = 0; i < steps; i++) {
    size_t k = rng_below(&w->r, KEEP), charged = 0;
    if (w->live[k])
      for (size_t j = 0; j < w->words[k]; j++)
        if (w->live[k][j] != (uintptr_t)w->live[k] + j) abort();
    size_t words = 2 + rng_below(&w->r, rng_below(&w->r, 50) ? 20 : 1000);
    uint64_t *p;
    if (rng_below(&w->r, 300) == 0) {
      bool needzero;
      words += 5000;
      struct mwi_span *s = mwi_large_alloc(w->mc, words * 8, NULL, &needzero);
      if (needzero) memset((void *)s->base, 0, s->slot);
      mwi_large_publish(s);
      p = (uint64_t *)s->base;
    } else if (rng_below(&w->r, 20) == 0) {
      char *tiny = mwi_mcache_alloc_tiny(w->mc, 1 + rng_below(&w->r, 15), &charged);
      if (tiny[0]) abort();
      tiny[0] = 1;
      continue;
    } else {
      p = heap_alloc(w->mc, mwi_class_untyped(words * 8, k % 2), &charged);
    }
    w->charged += charged;
    for (size_t j = 0; j < words; j++) {
      if (p[j]) abort();
      p[j] = (uintptr_t)p + j;
    }
    w->live[k] = p;
    w->words[k] = words;
  }
}

static struct mwi_mcache *caches[NTHREADS];

static void *run(void *arg) {
  struct worker *w = arg;
  bool first = w == workers;
  if (!first) {
    mwi_test_thread_init();
    mwi_rt_enter();
  }
  for (int cycle = 0; cycle < NCYCLES; cycle++) {
    allocate(w, 3000);
    while (mwi_sweep_some()) mwi_add_relaxed(&swept, 1);
    pthread_barrier_wait(&stop);
    if (first) { /* world stopped: mark start */
      if (!mwi_sweep_done()) abort();
      mwi_heap_check_stw();
      for (int i = 0; i < NTHREADS; i++) mwi_mcache_start_black_stw(caches[i]);
    }
    pthread_barrier_wait(&stop);
    /* what is live now must be marked; what is allocated meanwhile is black */
    uint64_t *old[KEEP];
    memcpy(old, w->live, sizeof old);
    for (size_t i = 0; i < KEEP; i++) {
      if (i % 100 == 0) allocate(w, 40);
      heap_mark(old[i]);
      /* any word may be a pointer, into a span that is being made too */
      for (int k = 0; k < 4; k++) {
        size_t size = 0;
        uintptr_t word = mwi_heap.base + rng_below(&w->r, mwi_load_relaxed(&mwi_heap.used));
        uintptr_t p = mwi_object_of(word, &size, NULL);
        if (p && (word < p || !size)) abort();
      }
    }
    pthread_barrier_wait(&stop);
    if (first) { /* world stopped: mark termination */
      mwi_heap_check_stw();
      heap_end_marking(caches, NTHREADS);
      mwi_heap_check_stw();
    }
    pthread_barrier_wait(&stop);
    for (int i = 0; i < 200; i++) {
      allocate(w, 5);
      if (mwi_sweep_some()) mwi_add_relaxed(&swept, 1);
      if (i % 50 == (int)(w - workers)) mwi_heap_scavenge(MWI_MB);
    }
  }
  return NULL;
}

static void threads(void **state) {
  (void)state;
  pthread_barrier_init(&stop, NULL, NTHREADS);
  struct rng r = rng_start();
  pthread_t t[NTHREADS];
  for (int i = 0; i < NTHREADS; i++) {
    caches[i] = workers[i].mc = mwi_mcache_new();
    workers[i].r.s = rng_next(&r) | 1;
  }
  for (int i = 1; i < NTHREADS; i++)
    assert_int_equal(pthread_create(&t[i], NULL, run, &workers[i]), 0);
  run(&workers[0]);
  for (int i = 1; i < NTHREADS; i++) pthread_join(t[i], NULL);
  assert_true(swept > 0);
  heap_sweep_all();
  mwi_heap_check_stw();
}

/* Many threads meet the same new layouts: each gets one class. */
static mwi_spanclass seen[NTHREADS][100];
static void *intern(void *arg) {
  size_t me = (size_t)(uintptr_t)arg;
  if (me) {
    mwi_test_thread_init();
    mwi_rt_enter();
  }
  pthread_barrier_wait(&stop);
  for (size_t i = 0; i < 100; i++) {
    uint64_t mask = 1 + 2 * i;
    struct mwi_layout l = {.size = 96, .align = 8, .period = 12, .mask = &mask};
    mwi_spanclass c = seen[me][i] = mwi_class_for(96, &l);
    const struct mwi_class *k = &mwi_classes[c]; /* complete already [CL1] */
    if (k->slot != 96) abort();
    for (size_t w = 0; w < 12; w++)
      if ((mask >> w & 1) != (k->mask >> w % k->period & 1)) abort();
  }
  return NULL;
}

static void one_class_for_a_layout(void **state) {
  (void)state;
  pthread_t t[NTHREADS];
  for (uintptr_t i = 1; i < NTHREADS; i++)
    assert_int_equal(pthread_create(&t[i], NULL, intern, (void *)i), 0);
  intern(NULL);
  for (int i = 1; i < NTHREADS; i++) pthread_join(t[i], NULL);
  for (int i = 1; i < NTHREADS; i++) assert_memory_equal(seen[0], seen[i], sizeof seen[0]);
}

int main(void) {
  heap_start(4 * MWI_GB);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads),
      cmocka_unit_test(one_class_for_a_layout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
