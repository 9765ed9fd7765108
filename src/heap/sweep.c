/* SPDX-License-Identifier: MIT */
/*
 * heap/sweep.c -- marks become allocations, what was not marked becomes free
 *
 * Job      After a cycle, visits each span once: its mark bits become its
 *          alloc bits, its mark and scanned bits become clear, an empty span's
 *          pages go back to the heap.
 * Promise  [SW1] A marked slot was allocated.  If not, somebody made a pointer
 *          to a free slot reachable: fatal, since two objects would share it.
 *          [SW2] unswept_spans counts a span until its sweep is complete, so
 *          when it is zero nothing is unswept and no sweeper is at work.
 *          [SW3] Objects are not touched (unless clobber_free is set): a sweep
 *          reads and writes the span struct only.  Free runs are found, and
 *          zeroed, when a cursor takes them.
 * How      Sweepers go over the classes of a shard with one shared index; a class is
 *          passed when both its unswept lists are empty, and they never grow
 *          again in this cycle.  Large spans come first: they free the most.
 *          A sweeper begins with its own processor's shard.
 *          Several spans are taken, counted and put back at a time: a locked
 *          instruction for each of that cost more than the sweep.
 * Threads  any number, inside mwi_rt_enter; a span has one sweeper [H4].
 * Next     mcache.c uses the alloc bits; gc/ decides when to sweep.
 */
#include "heap/sweep.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

/* Classes below this one have nothing unswept, for each shard.  Atomic, relaxed: a hint that
 * only rises within a cycle; written as 0 with the world stopped. */
static struct {
  _Atomic uint32_t c MWI_ALIGNED(64);
} sweep_class[MWI_SHARDS];

#define CLOBBER 0xdeadbeefu

void mwi_clobber(uintptr_t p, size_t bytes) {
  uint32_t *w = (uint32_t *)p;
  for (size_t i = 0; i < bytes / sizeof *w; i++) w[i] = CLOBBER;
}

MWI_COLD static void clobber_slots(const struct mwi_span *s, unsigned word, uint64_t dead) {
  for (; dead; dead &= dead - 1)
    mwi_clobber(s->base + (word * 64 + mwi_ctz64(dead)) * s->slot, s->slot);
}

MWI_COLD _Noreturn static void zombie(const struct mwi_span *s, unsigned word, uint64_t bits) {
  size_t i = word * 64 + mwi_ctz64(bits);
  mwi_fatal("found pointer to free object %p (slot %zu of %zu bytes, span %p, class %u)",
            (void *)(s->base + i * s->slot), i, s->slot, (void *)s->base, s->cls);
}

/* Bits of a span whose sweep has begun.  Returns the number of slots freed. */
static uint32_t sweep_bits(struct mwi_span *s) {
  mwi_assert(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen - 1);
  if (MWI_UNLIKELY(mwi_load_relaxed(&s->specials) != NULL) && mwi_heap_hooks.swept_object_free)
    mwi_heap_hooks.swept_object_free(s);
  uint32_t live = 0;
  unsigned words = (s->nelems + 63) / 64;
  bool clobber = mwi_heap_hooks.clobber_free;
  for (unsigned w = 0; w < words; w++) {
    uint64_t m = mwi_load_relaxed(&s->mark[w]), a = mwi_load_relaxed(&s->alloc[w]);
    if (MWI_UNLIKELY(m & ~a)) zombie(s, w, m & ~a);
    live += mwi_popcount64(m);
    if (MWI_UNLIKELY(clobber) && (a & ~m)) clobber_slots(s, w, a & ~m);
    mwi_store_relaxed(&s->alloc[w], m);
    mwi_store_relaxed(&s->mark[w], 0);
    mwi_store_relaxed(&s->scanned[w], 0);
  }
  uint32_t freed = s->nalloc - live;
  s->nalloc = live;
  s->free_index = 0;
  if (freed) s->needzero = 1;
  mwi_store_release(&s->sweepgen, mwi_heap.sweepgen); /* after marks and specials [H5] */
  return freed;
}

/* The sweep of n spans of a class is complete [SW2]. */
static void complete(uint32_t shard, mwi_spanclass c, uint32_t n, size_t pages, size_t freed,
                     size_t freed_large) {
  if (freed) mwi_add_relaxed(&mwi_mcentrals[shard][c].freed_objects, freed);
  if (freed_large) mwi_add_relaxed(&mwi_mcentrals[shard][c].freed_bytes, freed_large);
  mwi_add_relaxed(&mwi_heap.pages_swept, pages);
  /* release half: pairs with the acquire in mwi_sweep_done */
  mwi_sub_acqrel(&mwi_heap.unswept_spans, n);
}

bool mwi_sweep_keep(struct mwi_span *s) {
  uint32_t freed = sweep_bits(s);
  complete(mwi_tcb()->mcache->shard, s->cls, 1, s->npages, freed, 0);
  return s->nalloc < s->nelems;
}

static void append(struct mwi_spans *to, struct mwi_span *s) {
  if (to->first)
    mwi_store_relaxed(&to->last->next, s);
  else
    to->first = s;
  to->last = s;
}

/* n spans of class c, linked.  Returns their pages. */
static size_t sweep(uint32_t shard, mwi_spanclass c, struct mwi_span *s, uint32_t n) {
  struct mwi_spans empty = {0}, partial = {0}, full = {0};
  size_t pages = 0, freed = 0, freed_large = 0;
  for (uint32_t i = 0; i < n; i++) {
    struct mwi_span *next = mwi_load_relaxed(&s->next);
    mwi_mcentral_begin_sweep(s);
    uint32_t dead = sweep_bits(s);
    freed += dead;
    if (dead && c == MWI_CLASS_LARGE) freed_large += s->slot;
    pages += s->npages;
    append(s->nalloc == 0 ? &empty : s->nalloc == s->nelems ? &full : &partial, s);
    s = next;
  }
  mwi_mcentral_put_all(shard, &partial, MWI_LIST_PARTIAL);
  mwi_mcentral_put_all(shard, &full, MWI_LIST_FULL);
  mwi_mheap_put_spans(&empty);
  complete(shard, c, n, pages, freed, freed_large);
  return pages;
}

static size_t sweep_some_of(uint32_t shard) {
  _Atomic uint32_t *at = &sweep_class[shard].c;
  uint32_t c = mwi_load_relaxed(at), most = mwi_load_acquire(&mwi_nclasses), n;
  for (; c < most; c++) {
    struct mwi_span *s = mwi_mcentral_take_unswept(shard, c, MWI_LIST_FULL, MWI_SWEEP_SPANS, &n);
    if (!s) s = mwi_mcentral_take_unswept(shard, c, MWI_LIST_PARTIAL, MWI_SWEEP_SPANS, &n);
    if (s) return sweep(shard, c, s, n);
    /* a slower sweeper may set it back: it only looks at empty lists again */
    mwi_store_relaxed(at, c + 1);
  }
  return 0;
}

size_t mwi_sweep_some(void) {
  if (mwi_load_relaxed(&mwi_heap.unswept_spans) == 0) return 0;
  uint32_t shard = mwi_tcb()->mcache->shard, shards = mwi_load_acquire(&mwi_nshards);
  for (uint32_t i = 0; i < shards; i++) {
    size_t pages = sweep_some_of((shard + i) % shards);
    if (pages) return pages;
  }
  return 0;
}

bool mwi_sweep_done(void) {
  /* pairs with the release in complete */
  return mwi_load_acquire(&mwi_heap.unswept_spans) == 0;
}

size_t mwi_heap_start_sweep_stw(void) {
  mwi_assert(mwi_load_relaxed(&mwi_heap.unswept_spans) == 0);
  size_t n = mwi_load_relaxed(&mwi_mheap.nspans);
  mwi_heap.sweepgen += 2; /* and so the lists' roles swap (mwi_swept_parity) */
  mwi_heap.black_alloc = false;
  for (uint32_t k = 0; k < MWI_SHARDS; k++) mwi_store_relaxed(&sweep_class[k].c, MWI_CLASS_LARGE);
  mwi_store_release(&mwi_heap.unswept_spans, n);
  return n;
}
