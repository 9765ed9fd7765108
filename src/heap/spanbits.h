/* SPDX-License-Identifier: MIT */
/*
 * heap/spanbits.h -- ranges of a span's alloc and mark bits (internal)
 *
 * Alloc bits have one writer, the span's owner, so a range is changed by plain
 * loads and stores (atomic, relaxed: markers read them).  Mark bits have many
 * writers while marking is on: fetch_or then.
 */
#ifndef MWI_HEAP_SPANBITS_H
#define MWI_HEAP_SPANBITS_H

#include "heap/heap.h"
#include "heap/pagebits.h"

MWI_INLINE void mwi_span_bits_set(_Atomic uint64_t *b, size_t from, size_t n) {
  MWI_BITS_EACH_WORD(from, n, w, mask) mwi_store_relaxed(&b[w], mwi_load_relaxed(&b[w]) | mask);
}
MWI_INLINE void mwi_span_bits_clear(_Atomic uint64_t *b, size_t from, size_t n) {
  MWI_BITS_EACH_WORD(from, n, w, mask) mwi_store_relaxed(&b[w], mwi_load_relaxed(&b[w]) & ~mask);
}
/* Release: a marker that sees the bit sees the zeroed slot. */
MWI_INLINE void mwi_span_bits_or(_Atomic uint64_t *b, size_t from, size_t n) {
  MWI_BITS_EACH_WORD(from, n, w, mask)
  atomic_fetch_or_explicit(&b[w], mask, memory_order_release);
}

/* Slot number of an address in a small span. */
MWI_INLINE uint32_t mwi_span_index(const struct mwi_span *s, uintptr_t addr) {
  return (uint32_t)(((uint64_t)(addr - s->base) * s->info->magic) >> 32);
}

#endif
