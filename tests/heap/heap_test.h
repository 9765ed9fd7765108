/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/heap_test.h -- what the heap's unit tests share
 *
 * A heap over the fake operating system, a random number generator whose seed
 * MW_TEST_SEED sets, and the collector's moves reduced to what the heap sees.
 */
#ifndef HEAP_TEST_H
#define HEAP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/fake_fatal.h"
#include "fake/fake_os.h"
#include "heap/heap.h"
#include "heap/mheap.h"
#include "heap/mcentral.h"
#include "os/thread.h"

/* ---- Random numbers (xorshift64*) --------------------------------------- */

struct rng {
  uint64_t s;
};

static inline uint64_t rng_next(struct rng *r) {
  r->s ^= r->s >> 12;
  r->s ^= r->s << 25;
  r->s ^= r->s >> 27;
  return r->s * 0x2545f4914f6cdd1du;
}
static inline size_t rng_below(struct rng *r, size_t n) {
  return (rng_next(r) >> 11) % n;
}

static inline struct rng rng_start(void) {
  const char *env = getenv("MW_TEST_SEED");
  uint64_t seed = env ? strtoull(env, NULL, 0) : 20240229;
  printf("MW_TEST_SEED=%llu\n", (unsigned long long)seed);
  return (struct rng){seed * 2 + 1};
}

/* ---- Heap ---------------------------------------------------------------- */

/* Once per process: the calling thread's block, the fake OS, the heap. */
static inline void heap_start(size_t address_space) {
  mwi_test_thread_init();
  mwi_rt_enter(); /* for the whole test: nobody stops us */
  fake_os_install(address_space);
  mwi_heap_init();
}

/* As compiled code and gc/alloc.c do: through the cursor, else from the rest, else the slow half.
 */
static inline void *heap_alloc(struct mwi_mcache *mc, mwi_spanclass c, size_t *charged) {
  struct mwi_cursor *cur = &mc->of[c].cursor;
  size_t slot = mwi_classes[c].slot;
  *charged = 0;
  if (cur->next + slot <= cur->limit) {
    void *p = (void *)cur->next;
    cur->next += slot;
    return p;
  }
  void *p = mwi_mcache_alloc_rest(mc, c);
  return p ? p : mwi_mcache_alloc_slow(mc, c, charged);
}

static inline bool heap_marked(const void *p) {
  mwi_pagedesc d = mwi_heap_lookup((uintptr_t)p);
  uint32_t i = mwi_object_index(d, (uintptr_t)p);
  return mwi_load_relaxed(&mwi_desc_span(d)->mark[i / 64]) >> i % 64 & 1;
}

/* What the collector does with a candidate word, scanning left out. */
static inline void heap_mark(const void *p) {
  mwi_pagedesc d = mwi_heap_lookup((uintptr_t)p);
  if (!d) return;
  struct mwi_span *s = mwi_desc_span(d);
  uint32_t i = mwi_object_index(d, (uintptr_t)p);
  if (i >= s->nelems || !(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1)) return;
  mwi_or_relaxed(&s->mark[i / 64], (uint64_t)1 << i % 64);
}

static inline size_t heap_sweep_all(void) {
  size_t pages = 0, n;
  while ((n = mwi_sweep_some()) != 0) pages += n;
  return pages;
}

/* End of marking: every mcache flushed, sweeping begins. */
static inline size_t heap_end_marking(struct mwi_mcache **mc, size_t n) {
  for (size_t i = 0; i < n; i++) mwi_mcache_flush_stw(mc[i]);
  return mwi_heap_start_sweep_stw();
}

#endif
