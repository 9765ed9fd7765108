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
 * How      Sweepers go over the classes with one shared index; a class is
 *          passed when both its unswept lists are empty, and they never grow
 *          again in this cycle.  Large spans come first: they free the most.
 * Threads  any number, inside mwi_rt_enter; a span has one sweeper [H4].
 * Next     mcache.c uses the alloc bits; gc/ decides when to sweep.
 */
#include "heap/sweep.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

/* Classes below this one have nothing unswept.  Atomic, relaxed: a hint that
 * only rises within a cycle; written as 0 with the world stopped. */
static _Atomic uint32_t sweep_class;

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

/* Bits of a span whose sweeper we are.  Returns the number of slots freed. */
static uint32_t sweep_bits(struct mwi_span *s) {
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
  if (freed) {
    s->needzero = 1;
    mwi_add_relaxed(&mwi_mcentrals[s->cls].freed_objects, freed);
    if (s->cls == MWI_CLASS_LARGE) mwi_add_relaxed(&mwi_mcentrals[s->cls].freed_bytes, s->slot);
  }
  mwi_store_release(&s->sweepgen, mwi_heap.sweepgen); /* after marks and specials [H5] */
  return freed;
}

/* The sweep of a span of so many pages is complete [SW2]. */
static void complete(size_t pages) {
  mwi_add_relaxed(&mwi_heap.pages_swept, pages);
  /* release half: pairs with the acquire in mwi_sweep_done */
  mwi_sub_acqrel(&mwi_heap.unswept_spans, 1);
}

bool mwi_sweep_keep(struct mwi_span *s) {
  sweep_bits(s);
  complete(s->npages);
  return s->nalloc < s->nelems;
}

static size_t sweep(struct mwi_span *s) {
  size_t pages = s->npages;
  sweep_bits(s);
  if (s->nalloc == 0)
    mwi_mheap_put_span(s, true);
  else
    mwi_mcentral_put(s, s->nalloc == s->nelems ? MWI_LIST_FULL : MWI_LIST_PARTIAL);
  complete(pages);
  return pages;
}

size_t mwi_sweep_one(void) {
  if (mwi_load_relaxed(&mwi_heap.unswept_spans) == 0) return 0;
  uint32_t c = mwi_load_relaxed(&sweep_class), n = mwi_load_acquire(&mwi_nclasses);
  for (; c < n; c++) {
    struct mwi_span *s = mwi_mcentral_take_unswept(c, MWI_LIST_FULL);
    if (!s) s = mwi_mcentral_take_unswept(c, MWI_LIST_PARTIAL);
    if (s) return sweep(s);
    /* a slower sweeper may set it back: it only looks at empty lists again */
    mwi_store_relaxed(&sweep_class, c + 1);
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
  mwi_store_relaxed(&sweep_class, MWI_CLASS_LARGE);
  mwi_store_release(&mwi_heap.unswept_spans, n);
  return n;
}
