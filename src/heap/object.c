/* SPDX-License-Identifier: MIT */
/*
 * heap/object.c -- from an address to the object that it points into
 *
 * Threads  any; the answer is stable while the object is reachable, or the
 *          world is stopped.
 */
#include "heap/heap.h"

uintptr_t mwi_object_of(uintptr_t addr, size_t *size, struct mwi_span **span) {
  mwi_pagedesc d = mwi_heap_lookup(addr);
  if (!d) return 0;
  struct mwi_span *s = mwi_desc_span(d);
  uint32_t i = mwi_object_index(d, addr);
  if (i >= s->nelems || !(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1)) return 0;
  if (size) *size = s->slot;
  if (span) *span = s;
  return s->base + i * s->slot;
}
