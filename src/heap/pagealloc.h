/* SPDX-License-Identifier: MIT */
/*
 * heap/pagealloc.h -- which pages of the reservation are free (internal)
 *
 * Pages are numbered from the start of the reservation.  A *chunk* is 512 of
 * them with two bitmaps: used, and scavenged (known to read as zero and not
 * backed by the OS; meaningful for free pages only).  Above the bitmaps stands
 * a radix tree of summaries (start, max, end): the free run at the beginning,
 * the longest one, the one at the end.
 *
 *     level 0   2^21 pages (16 GB) an entry, scanned one after the other
 *     level 1   2^18   level 2   2^15   level 3   2^12
 *     level 4   2^9 = one chunk
 */
#ifndef MWI_HEAP_PAGEALLOC_H
#define MWI_HEAP_PAGEALLOC_H

#include "heap/heap.h"

#define MWI_CHUNK_PAGES 512
#define MWI_CHUNK_BYTES (MWI_CHUNK_PAGES * MWI_PAGE_BYTES)
#define MWI_CHUNK_WORDS (MWI_CHUNK_PAGES / 64)
#define MWI_PA_LEVELS 5
#define MWI_PA_NONE SIZE_MAX

struct mwi_chunk {
  uint64_t used[MWI_CHUNK_WORDS];
  uint64_t scav[MWI_CHUNK_WORDS]; /* only where used is clear */
};
struct mwi_summary {
  uint32_t start, max, end; /* pages */
};

/* Everything under mheap.lock. */
struct mwi_pagealloc {
  struct mwi_chunk *chunks;                 /* [nchunks] */
  struct mwi_summary *level[MWI_PA_LEVELS]; /* [count[i]] */
  size_t count[MWI_PA_LEVELS];              /* entries in use; count[4] == nchunks */
  size_t nchunks;                           /* chunks that exist; grows only */
  size_t hint;                              /* no page below it is free */
  size_t scav_hint;                         /* no chunk from it on has free, unscavenged pages */
};

/* Entries of a level when there are n chunks. */
MWI_INLINE size_t mwi_pa_entries(size_t n, int level) {
  for (int i = level; i < MWI_PA_LEVELS - 1; i++) n = (n + 7) / 8;
  return n;
}

/* More chunks, all free and scavenged; their memory is there and zero. */
void mwi_pa_grow(struct mwi_pagealloc *a, size_t nchunks);

/* Lowest run of n free pages, now used; *scav: how many of them were scavenged.
 * MWI_PA_NONE: no such run. */
size_t mwi_pa_alloc(struct mwi_pagealloc *a, size_t n, size_t *scav);
void mwi_pa_free(struct mwi_pagealloc *a, size_t page, size_t n);

/* Take all free pages of the lowest aligned group of 64 that has any: bit i of
 * *free is page + i.  MWI_PA_NONE: no free page at all. */
size_t mwi_pa_take_block(struct mwi_pagealloc *a, uint64_t *free, uint64_t *scav);
void mwi_pa_put_block(struct mwi_pagealloc *a, size_t page, uint64_t free, uint64_t scav);

/* Take the highest run of free pages that are not scavenged, at most `most`
 * pages and within 64 aligned ones.  MWI_PA_NONE: none. */
size_t mwi_pa_take_unscavenged(struct mwi_pagealloc *a, size_t most, size_t *n);
void mwi_pa_put_scavenged(struct mwi_pagealloc *a, size_t page, size_t n);

/* Free pages at the very end. */
size_t mwi_pa_tail(const struct mwi_pagealloc *a);

/* Recompute everything and compare; fatal when it differs. */
void mwi_pa_check(const struct mwi_pagealloc *a);

#endif
