/* SPDX-License-Identifier: MIT */
/*
 * bench/alloc_micro.c -- what the heap's own operations cost
 *
 * Links the runtime's heap without collector and scheduler: marks are set by
 * hand, sweeping is called directly, on one thread.  Prints CPU nanoseconds for
 * an operation; the best of several rounds, as the machine may be shared.
 *
 *     cmake --build build --target alloc-micro && build/bin/alloc-micro [MB of heap]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "heap/heap.h"
#include "heap/mheap.h"
#include "os/thread.h"

#define ROUNDS 5
static struct mwi_mcache *mc;
static size_t heap_bytes = 256 * MWI_MB;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline void *alloc(mwi_spanclass c, size_t slot) {
  struct mwi_cursor *cur = &mc->of[c].cursor;
  if (cur->next + slot <= cur->limit) {
    void *p = (void *)cur->next;
    cur->next += slot;
    return p;
  }
  size_t charged;
  void *p = mwi_mcache_alloc_slow(mc, c, &charged);
  if (!p) abort();
  return p;
}

/* ---- Cycles by hand ------------------------------------------------------ */

static uint64_t keep_mask; /* slots with the bit of their number mod 64 survive */
static void mark_span(struct mwi_span *s, void *arg) {
  (void)arg;
  for (unsigned w = 0; w < (s->nelems + 63) / 64; w++)
    mwi_store_relaxed(&s->mark[w], mwi_load_relaxed(&s->alloc[w]) & keep_mask);
}

static size_t cycle(uint64_t keep) {
  keep_mask = keep;
  mwi_mcache_flush_stw(mc);
  mwi_heap_each_span(mark_span, NULL);
  return mwi_heap_start_sweep_stw();
}

static void sweep_all(void) {
  while (mwi_sweep_some()) {
  }
}

static void clear(void) {
  cycle(0);
  sweep_all();
}

struct best {
  double ns;
};
static void keep_best(struct best *b, double ns) {
  if (b->ns == 0 || ns < b->ns) b->ns = ns;
}

/* ---- The questions ------------------------------------------------------- */

static void small(size_t bytes) {
  mwi_spanclass c = mwi_class_untyped(bytes, true);
  size_t slot = mwi_slot_bytes(bytes), n = heap_bytes / slot;
  struct best first = {0}, again = {0}, half = {0}, eighth = {0}, full = {0}, part = {0},
              dead = {0};
  for (int r = 0; r < ROUNDS; r++) {
    clear();
    mwi_heap_scavenge(SIZE_MAX);
    double t = now();
    for (size_t i = 0; i < n; i++) *(char *)alloc(c, slot) = 1;
    keep_best(&first, (now() - t) / (double)n);

    size_t spans = cycle(~(uint64_t)0); /* all live */
    t = now();
    sweep_all();
    keep_best(&full, (now() - t) / (double)spans);

    spans = cycle(0x5555555555555555); /* every second one dead: runs of one slot */
    t = now();
    sweep_all();
    keep_best(&part, (now() - t) / (double)spans);
    t = now();
    for (size_t i = 0; i < n / 2; i++) *(char *)alloc(c, slot) = 1;
    keep_best(&half, (now() - t) / (double)(n / 2));

    cycle(~(uint64_t)0x0101010101010101); /* every eighth one dead */
    t = now();
    for (size_t i = 0; i < n / 8; i++) *(char *)alloc(c, slot) = 1; /* sweeps as it goes */
    keep_best(&eighth, (now() - t) / (double)(n / 8));
    sweep_all();

    spans = cycle(0);
    t = now();
    sweep_all();
    keep_best(&dead, (now() - t) / (double)spans);

    t = now();
    for (size_t i = 0; i < n; i++) *(char *)alloc(c, slot) = 1;
    keep_best(&again, (now() - t) / (double)n);
  }
  printf("%6zu  %8.1f %8.1f %8.1f %8.1f   %8.1f %8.1f %8.1f\n", slot, first.ns, again.ns, half.ns,
         eighth.ns, full.ns, part.ns, dead.ns);
}

static void large(size_t bytes) {
  struct mwi_layout noscan = {0};
  size_t n = heap_bytes / bytes;
  struct best a = {0}, f = {0};
  for (int r = 0; r < ROUNDS; r++) {
    clear();
    double t = now();
    for (size_t i = 0; i < n; i++) {
      bool needzero;
      struct mwi_span *s = mwi_large_alloc(mc, bytes, &noscan, &needzero);
      if (!s) abort();
      mwi_large_publish(s);
    }
    keep_best(&a, (now() - t) / (double)n);
    cycle(0);
    t = now();
    sweep_all();
    keep_best(&f, (now() - t) / (double)n);
  }
  printf("%6zu KB  %8.1f %8.1f\n", bytes / MWI_KB, a.ns, f.ns);
}

static void tiny(void) {
  struct best b = {0};
  size_t n = heap_bytes / 16;
  for (int r = 0; r < ROUNDS; r++) {
    clear();
    double t = now();
    for (size_t i = 0; i < n; i++) {
      size_t charged;
      *(char *)mwi_mcache_alloc_tiny(mc, 5, &charged) = 1;
    }
    keep_best(&b, (now() - t) / (double)n);
  }
  printf("tiny objects of 5 bytes: %.1f ns\n", b.ns);
}

int main(int argc, char **argv) {
  if (argc > 1) heap_bytes = strtoul(argv[1], NULL, 0) * MWI_MB;
  mwi_test_thread_init();
  mwi_rt_enter();
  mwi_heap_init();
  mc = mwi_mcache_new();
  printf("heap of %zu MB, one thread, best of %d; ns\n\n", heap_bytes / MWI_MB, ROUNDS);
  printf("        allocation of one object              sweep of one span\n");
  printf("  slot  from OS     reused  1/2 free 1/8 free*  all live half live all dead\n");
  const size_t sizes[] = {16, 32, 64, 256, 1024, 8192, 32768};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) small(sizes[i]);
  printf("  * sweeping included\n\n");
  printf("large objects, without zeroing: allocation, sweep\n");
  for (size_t kb = 40; kb <= 10240; kb *= 4) large(kb * MWI_KB);
  printf("\n");
  tiny();
  return 0;
}
