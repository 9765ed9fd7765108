/* SPDX-License-Identifier: MIT */
/*
 * heap/large.c -- objects above MWI_MAX_SMALL, one in a span
 *
 * Promise  A large object is not found by the collector before it is
 *          published, so it may be zeroed in pieces between which the thread
 *          is stopped, even by a whole cycle.  Publishing takes the colour
 *          and the sweep generation of that moment.
 * How      The span is on the lists of class MWI_CLASS_LARGE, always full.
 * Threads  alloc: the owner of mc.  publish: the caller, inside mwi_rt_enter;
 *          other threads find the object from the page map's release on.
 */
#include "heap/class.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"

/*
 * A pointer to the first byte behind an object keeps it, where a stack holds one (gc/mark.c,
 * gather_end); and so would every pointer to the object that begins there, if this one filled its
 * last page.  Arrays of whole pages often lie beside each other, and the dead ones would stay.  So
 * they have a page more where that is little, 1.6 % at most.
 */
#define SPARE_FROM (64 * MWI_PAGE_BYTES)

size_t mwi_large_pages(size_t bytes) {
  return bytes < SPARE_FROM ? mwi_align_up(bytes, MWI_PAGE_BYTES) >> MWI_PAGE_SHIFT
                            : (bytes >> MWI_PAGE_SHIFT) + 1;
}

struct mwi_span *mwi_large_alloc(struct mwi_mcache *mc, size_t bytes, const struct mwi_layout *l,
                                 bool *needzero) {
  if (bytes > mwi_heap.reserved) return NULL;
  uint32_t period = 1;
  const uint64_t *mask = l ? mwi_mask_intern(l, &period) : NULL;
  struct mwi_span *s = mwi_mheap_take_span(mc, mwi_large_pages(bytes));
  if (!s) return NULL;
  s->cls = MWI_CLASS_LARGE;
  s->nelems = 1;
  s->slot = mwi_align_up(bytes, sizeof(uintptr_t));
  s->noscan = period == 0;
  s->large_mask = mask;
  s->large_period = mask ? period : 0;
  *needzero = s->needzero;
  return s;
}

void mwi_large_publish(struct mwi_span *s) {
  s->nalloc = s->free_index = 1;
  mwi_store_relaxed(&s->sweepgen, mwi_heap.sweepgen);
  mwi_store_relaxed(&s->mark[0], mwi_heap.black_alloc); /* [H6] */
  mwi_store_relaxed(&s->alloc[0], 1);
  mwi_add_relaxed(&mwi_mheap.alloc_bytes, s->slot);
  mwi_add_relaxed(&mwi_mheap.alloc_objects, 1);
  mwi_mheap_publish(s);
  mwi_mcentral_put(mwi_tcb()->mcache->shard, s, MWI_LIST_FULL);
}
