/* SPDX-License-Identifier: MIT */
/*
 * tests/special/memstats.c -- mw_read_mem_stats keeps its identities while the heap changes
 *
 * The recount against a shadow model is tests/heap/test_cycles.c; here a whole
 * program with goroutines, and the fields that are sums of others.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../sched/check.h"

typedef struct item {
  struct item *next;
  char pad[88]; /* 96 bytes: a size class of its own */
} item;
typedef struct big {
  struct item *p[8192]; /* 64 KB: large */
} big;

static item *list;
static big *bigs[10];
static mw_waitgroup wg;

static void churn(void *unused) {
  (void)unused;
  for (int i = 0; i < 100000; i++) {
    item *it = mw_new(item);
    it->next = i % 16 ? NULL : mw_new(item);
  }
  mw_waitgroup_done(&wg);
}

static void identities(const mw_mem_stats *s) {
  CHECK(s->alloc == s->heap_alloc);
  CHECK(s->mallocs - s->frees == s->heap_objects);
  CHECK(s->heap_idle + s->heap_inuse == s->heap_sys);
  CHECK(s->heap_released <= s->heap_idle);
  CHECK(s->heap_alloc <= s->heap_inuse);
  CHECK(s->total_alloc >= s->heap_alloc);
  CHECK(s->sys == s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys + s->gc_sys +
                      s->buck_hash_sys + s->other_sys);
  CHECK(s->enable_gc && !s->debug_gc && s->lookups == 0);
  CHECK(s->gc_cpu_fraction >= 0 && s->gc_cpu_fraction <= 1);
  uint64_t mallocs = 0, frees = 0;
  for (size_t i = 0; i < sizeof s->by_size / sizeof s->by_size[0]; i++) {
    CHECK(s->by_size[i].mallocs >= s->by_size[i].frees);
    mallocs += s->by_size[i].mallocs;
    frees += s->by_size[i].frees;
  }
  CHECK(mallocs <= s->mallocs && frees <= s->frees);
}

static uint64_t live_of_size(const mw_mem_stats *s, uint32_t size) {
  for (size_t i = 0; i < sizeof s->by_size / sizeof s->by_size[0]; i++)
    if (s->by_size[i].size == size) return s->by_size[i].mallocs - s->by_size[i].frees;
  return 0;
}

int main(void) {
  static mw_mem_stats a, b;
  mw_read_mem_stats(&a);
  identities(&a);
  enum { N = 50000 };
  for (int i = 0; i < N; i++) {
    item *it = mw_new(item);
    it->next = list;
    list = it;
  }
  mw_read_mem_stats(&b);
  identities(&b);
  CHECK(b.total_alloc - a.total_alloc >= N * sizeof(item));
  CHECK(b.mallocs - a.mallocs == N);
  for (int i = 0; i < 10; i++) bigs[i] = mw_new(big);
  for (int i = 0; i < 4; i++) {
    mw_waitgroup_add(&wg, 1);
    mw_go(churn, NULL);
  }
  for (int i = 0; i < 50; i++) {
    mw_read_mem_stats(&b);
    identities(&b);
    mw_yield();
  }
  mw_waitgroup_wait(&wg);
  mw_gc();
  mw_gc();
  mw_read_mem_stats(&b);
  identities(&b);
  uint64_t live = live_of_size(&b, 96);
  CHECK(live >= N && live < N + N / 100); /* a stale word of a stack may hold a few */
  CHECK(b.heap_alloc >= N * 96 + 10 * sizeof(big));
  CHECK(b.num_gc >= 2 && b.num_forced_gc >= 2 && b.last_gc > 0);
  CHECK(b.pause_end[(b.num_gc + 255) % 256] == b.last_gc);
  CHECK(b.next_gc >= 4 << 20);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < b.num_gc && i < 256; i++) sum += b.pause_ns[i];
  CHECK(b.num_gc > 256 || sum == b.pause_total_ns);
  int rate = mw_set_mem_profile_rate(1);
  bigs[0] = mw_new(big);
  mw_set_mem_profile_rate(rate);
  mw_read_mem_stats(&b);
  identities(&b);
  CHECK(b.buck_hash_sys > 0);
  list = NULL;
  mw_free_os_memory();
  mw_mem_stats c;
  mw_read_mem_stats(&c);
  identities(&c);
  CHECK(live_of_size(&c, 96) < N / 100);
  CHECK(c.heap_released > b.heap_released);
  printf("memstats: ok, %" PRIu32 " cycles\n", c.num_gc);
}
