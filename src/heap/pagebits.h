/* SPDX-License-Identifier: MIT */
/*
 * heap/pagebits.h -- ranges of bits in arrays of 64-bit words (internal)
 *
 * For the page allocator's bitmaps: plain memory under a lock.  Ranges are
 * (first bit, number of bits).
 */
#ifndef MWI_HEAP_PAGEBITS_H
#define MWI_HEAP_PAGEBITS_H

#include "heap/pagealloc.h"

/* Bits [from, from + n) of one word; 1 <= n, from + n <= 64. */
MWI_INLINE uint64_t mwi_bits_mask(unsigned from, unsigned n) {
  return ~(uint64_t)0 >> (64 - n) << from;
}

#define MWI_BITS_EACH_WORD(from, n, w, mask)                                                       \
  for (size_t w = (from) / 64, at_ = (from) % 64, rest_ = (n), take_, mask;                        \
       rest_ > 0 && (take_ = rest_ < 64 - at_ ? rest_ : 64 - at_,                                  \
                    mask = mwi_bits_mask((unsigned)at_, (unsigned)take_), true);                   \
       w++, at_ = 0, rest_ -= take_)

MWI_INLINE void mwi_bits_set(uint64_t *b, size_t from, size_t n) {
  MWI_BITS_EACH_WORD(from, n, w, mask) b[w] |= mask;
}
MWI_INLINE void mwi_bits_clear(uint64_t *b, size_t from, size_t n) {
  MWI_BITS_EACH_WORD(from, n, w, mask) b[w] &= ~mask;
}
MWI_INLINE size_t mwi_bits_count(const uint64_t *b, size_t from, size_t n) {
  size_t count = 0;
  MWI_BITS_EACH_WORD(from, n, w, mask) count += mwi_popcount64(b[w] & mask);
  return count;
}
/* Clear; how many were set. */
MWI_INLINE size_t mwi_bits_take(uint64_t *b, size_t from, size_t n) {
  size_t count = mwi_bits_count(b, from, n);
  mwi_bits_clear(b, from, n);
  return count;
}

/*
 * Length of the longest run of zeros between two ones of u (u != 0), or
 * something not above `known` when there is none longer than that.
 */
MWI_INLINE uint32_t mwi_longest_inner_gap(uint64_t u, uint32_t known) {
  u >>= mwi_ctz64(u);
  if (64 - mwi_clz64(u) - mwi_popcount64(u) <= known) return 0;
  uint32_t best = 0;
  for (;;) {
    unsigned ones = mwi_ctz64(~u); /* u is odd; all ones only without a gap */
    if (ones >= 64) return best;
    u >>= ones;
    if (!u) return best;
    unsigned gap = mwi_ctz64(u);
    if (gap > best) best = gap;
    u >>= gap;
  }
}

/* Lowest i such that n bits from i on are zero in 64-bit word u, or 64. */
MWI_INLINE unsigned mwi_word_find(uint64_t u, unsigned n) {
  uint64_t f = ~u; /* after the loop: bit i set = n free from i on */
  for (unsigned have = 1; f && have < n;) {
    unsigned step = have < n - have ? have : n - have;
    f &= f >> step;
    have += step;
  }
  return f ? mwi_ctz64(f) : 64;
}

/* Lowest run of n zeros in a chunk's bitmap, which has one. */
MWI_INLINE size_t mwi_chunk_find(const uint64_t used[MWI_CHUNK_WORDS], size_t n) {
  size_t run = 0;
  for (unsigned w = 0; w < MWI_CHUNK_WORDS; w++) {
    uint64_t u = used[w];
    if (u == 0) {
      run += 64;
      if (run >= n) return w * 64 + 64 - run;
      continue;
    }
    if (run + mwi_ctz64(u) >= n) return w * 64 - run;
    if (n < 64) {
      unsigned i = mwi_word_find(u, (unsigned)n);
      if (i < 64) return w * 64 + i;
    }
    run = mwi_clz64(u);
  }
  if (run >= n) return MWI_CHUNK_PAGES - run;
  mwi_fatal("pagealloc: no run of %zu pages where the summary has one", n);
}

#endif
