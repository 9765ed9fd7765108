/* SPDX-License-Identifier: MIT */
/*
 * heap/pagealloc.c -- first-fit page allocation over bitmaps and summaries
 *
 * Job      Finds, takes and gives back runs of pages.
 * Promise  [PG1] Address order: the lowest run that is long enough.  Long-lived
 *          data gathers at low addresses, and the top of the heap can be given
 *          back.
 *          [PG2] A summary always equals what its bitmaps or children say.
 *          [PG3] No page below hint is free.
 * How      A search walks down from level 0.  At each level it goes over
 *          the entries from left to right, adding up the free run that crosses
 *          from one entry to the next; it stops when that run is long enough
 *          (its address is then known) or when an entry's max is (the run is
 *          inside: go down).  After a change summaries are recomputed upwards
 *          until one stays the same.
 * Threads  the caller holds mheap.lock.  No system calls.
 * Not done best fit or trees by size: they need a node for each free run, and
 *          scatter small spans over the whole heap.
 * Next     pagebits.h; mheap.c, which owns the one instance.
 */
#include "heap/pagealloc.h"
#include "heap/pagebits.h"

/* log2 of the pages that an entry of each level covers */
static const uint8_t level_shift[MWI_PA_LEVELS] = {21, 18, 15, 12, 9};
#define LEAF (MWI_PA_LEVELS - 1)

static inline bool summary_equal(struct mwi_summary a, struct mwi_summary b) {
  return a.start == b.start && a.max == b.max && a.end == b.end;
}

/* Summary of a chunk. */
static struct mwi_summary summarize_chunk(const uint64_t used[MWI_CHUNK_WORDS]) {
  struct mwi_summary s = {0, 0, 0};
  bool first = true;
  uint32_t run = 0;
  for (unsigned w = 0; w < MWI_CHUNK_WORDS; w++) {
    uint64_t u = used[w];
    if (u == 0) {
      run += 64;
      continue;
    }
    run += mwi_ctz64(u);
    if (first) s.start = run;
    first = false;
    if (run > s.max) s.max = run;
    uint32_t inner = mwi_longest_inner_gap(u, s.max);
    if (inner > s.max) s.max = inner;
    run = mwi_clz64(u);
  }
  if (first) s.start = run;
  s.end = run;
  if (run > s.max) s.max = run;
  return s;
}

/* Summary of entry i of a level from its children on the level below. */
static struct mwi_summary summarize_children(const struct mwi_pagealloc *a, int level, size_t i) {
  size_t lo = i * 8, hi = lo + 8;
  if (hi > a->count[level + 1]) hi = a->count[level + 1];
  const uint32_t full = (uint32_t)1 << level_shift[level + 1];
  struct mwi_summary s = {0, 0, 0};
  bool first = true;
  uint32_t run = 0;
  for (size_t c = lo; c < hi; c++) {
    struct mwi_summary k = a->level[level + 1][c];
    if (k.start == full) {
      run += full;
      continue;
    }
    run += k.start;
    if (first) s.start = run;
    first = false;
    if (run > s.max) s.max = run;
    if (k.max > s.max) s.max = k.max;
    run = k.end;
  }
  if (first) s.start = run;
  if (run > s.max) s.max = run;
  s.end = hi == lo + 8 ? run : 0; /* children that do not exist are not free */
  return s;
}

/* Bitmaps of chunks [c0, c1] have changed. */
static void update(struct mwi_pagealloc *a, size_t c0, size_t c1) {
  bool changed = false;
  for (size_t c = c0; c <= c1; c++) {
    struct mwi_summary s = summarize_chunk(a->chunks[c].used);
    if (summary_equal(s, a->level[LEAF][c])) continue;
    a->level[LEAF][c] = s;
    changed = true;
  }
  for (int level = LEAF - 1; changed && level >= 0; level--) {
    changed = false;
    c0 /= 8;
    c1 /= 8;
    for (size_t i = c0; i <= c1; i++) {
      struct mwi_summary s = summarize_children(a, level, i);
      if (summary_equal(s, a->level[level][i])) continue;
      a->level[level][i] = s;
      changed = true;
    }
  }
}

void mwi_pa_grow(struct mwi_pagealloc *a, size_t nchunks) {
  size_t first = a->nchunks;
  mwi_assert(nchunks > first);
  for (int level = 0; level < MWI_PA_LEVELS; level++)
    a->count[level] = mwi_pa_entries(nchunks, level);
  for (size_t c = first; c < nchunks; c++)
    for (unsigned w = 0; w < MWI_CHUNK_WORDS; w++) a->chunks[c].scav[w] = ~(uint64_t)0;
  a->nchunks = nchunks;
  if (a->hint > first * MWI_CHUNK_PAGES) a->hint = first * MWI_CHUNK_PAGES;
  update(a, first, nchunks - 1);
}

/* First page of the lowest run of n free pages. */
static size_t find_run(const struct mwi_pagealloc *a, size_t n) {
  size_t lo = a->hint >> level_shift[0], hi = a->count[0];
  int level = 0;
  for (;;) {
    const size_t full = (size_t)1 << level_shift[level];
    size_t run = 0, base = 0, i = lo;
    for (; i < hi; i++) {
      struct mwi_summary s = a->level[level][i];
      if (run == 0) base = i << level_shift[level];
      if (run + s.start >= n) return base;
      if (s.max >= n) break;
      if (s.start == full) {
        run += full;
      } else {
        run = s.end;
        base = ((i + 1) << level_shift[level]) - run;
      }
    }
    if (i == hi) return MWI_PA_NONE;
    if (level == LEAF) return (i << level_shift[LEAF]) + mwi_chunk_find(a->chunks[i].used, n);
    level++;
    lo = i * 8;
    hi = lo + 8 < a->count[level] ? lo + 8 : a->count[level];
  }
}

/* Split [page, page + n) at chunk boundaries. */
#define FOR_EACH_CHUNK(page, n, c, from, len)                                                      \
  for (size_t c = (page) / MWI_CHUNK_PAGES, from = (page) % MWI_CHUNK_PAGES, left_ = (n), len;     \
       left_ > 0 && (len = left_ < MWI_CHUNK_PAGES - from ? left_ : MWI_CHUNK_PAGES - from, true); \
       c++, from = 0, left_ -= len)

size_t mwi_pa_alloc(struct mwi_pagealloc *a, size_t n, size_t *scav) {
  mwi_assert(n > 0);
  *scav = 0;
  size_t page = find_run(a, n);
  if (page == MWI_PA_NONE) {
    if (n == 1) a->hint = a->nchunks * MWI_CHUNK_PAGES;
    return page;
  }
  FOR_EACH_CHUNK(page, n, c, from, len) {
    struct mwi_chunk *k = &a->chunks[c];
    mwi_assert(mwi_bits_count(k->used, from, len) == 0);
    mwi_bits_set(k->used, from, len);
    *scav += mwi_bits_take(k->scav, from, len);
  }
  update(a, page / MWI_CHUNK_PAGES, (page + n - 1) / MWI_CHUNK_PAGES);
  /* one page: nothing below was free.  More: only known when it was at the hint. */
  if (n == 1 || page == a->hint) a->hint = page + n;
  return page;
}

void mwi_pa_free(struct mwi_pagealloc *a, size_t page, size_t n) {
  FOR_EACH_CHUNK(page, n, c, from, len) {
    struct mwi_chunk *k = &a->chunks[c];
    if (mwi_bits_count(k->used, from, len) != len)
      mwi_fatal("pagealloc: pages %zu+%zu freed twice", page, n);
    mwi_bits_clear(k->used, from, len);
  }
  size_t last = (page + n - 1) / MWI_CHUNK_PAGES;
  update(a, page / MWI_CHUNK_PAGES, last);
  if (page < a->hint) a->hint = page;
  if (last >= a->scav_hint) a->scav_hint = last + 1;
}

size_t mwi_pa_take_block(struct mwi_pagealloc *a, uint64_t *free, uint64_t *scav) {
  size_t page = find_run(a, 1);
  if (page == MWI_PA_NONE) {
    a->hint = a->nchunks * MWI_CHUNK_PAGES;
    return page;
  }
  page &= ~(size_t)63;
  struct mwi_chunk *k = &a->chunks[page / MWI_CHUNK_PAGES];
  size_t w = page % MWI_CHUNK_PAGES / 64;
  *free = ~k->used[w];
  *scav = k->scav[w] & *free;
  k->used[w] = ~(uint64_t)0;
  k->scav[w] = 0;
  update(a, page / MWI_CHUNK_PAGES, page / MWI_CHUNK_PAGES);
  a->hint = page + 64;
  return page;
}

void mwi_pa_put_block(struct mwi_pagealloc *a, size_t page, uint64_t free, uint64_t scav) {
  if (!free) return;
  size_t chunk = page / MWI_CHUNK_PAGES, w = page % MWI_CHUNK_PAGES / 64;
  struct mwi_chunk *k = &a->chunks[chunk];
  mwi_assert((~k->used[w] & free) == 0 && (scav & ~free) == 0);
  k->used[w] &= ~free;
  k->scav[w] |= scav;
  update(a, chunk, chunk);
  if (page + mwi_ctz64(free) < a->hint) a->hint = page + mwi_ctz64(free);
  if ((free & ~scav) && chunk >= a->scav_hint) a->scav_hint = chunk + 1;
}

size_t mwi_pa_take_unscavenged(struct mwi_pagealloc *a, size_t most, size_t *n) {
  while (a->scav_hint > 0) {
    size_t chunk = a->scav_hint - 1;
    struct mwi_chunk *k = &a->chunks[chunk];
    for (unsigned w = MWI_CHUNK_WORDS; w-- > 0;) {
      uint64_t x = ~k->used[w] & ~k->scav[w];
      if (!x) continue;
      unsigned top = 63 - mwi_clz64(x);
      uint64_t rest = ~x << (63 - top); /* zeros: the run below top */
      unsigned run = rest ? mwi_clz64(rest) : top + 1;
      if (run > top + 1) run = top + 1;
      if (run > most) run = (unsigned)most;
      size_t from = w * 64 + top + 1 - run;
      mwi_bits_set(k->used, from, run);
      update(a, chunk, chunk);
      *n = run;
      return chunk * MWI_CHUNK_PAGES + from;
    }
    a->scav_hint = chunk;
  }
  return MWI_PA_NONE;
}

void mwi_pa_put_scavenged(struct mwi_pagealloc *a, size_t page, size_t n) {
  size_t chunk = page / MWI_CHUNK_PAGES;
  mwi_bits_set(a->chunks[chunk].scav, page % MWI_CHUNK_PAGES, n);
  mwi_bits_clear(a->chunks[chunk].used, page % MWI_CHUNK_PAGES, n);
  update(a, chunk, chunk);
  if (page < a->hint) a->hint = page;
}

size_t mwi_pa_tail(const struct mwi_pagealloc *a) {
  size_t n = 0;
  for (size_t c = a->nchunks; c-- > 0;) {
    n += a->level[LEAF][c].end;
    if (a->level[LEAF][c].end != MWI_CHUNK_PAGES) break;
  }
  return n;
}

void mwi_pa_check(const struct mwi_pagealloc *a) {
  for (size_t c = 0; c < a->nchunks; c++) {
    if (!summary_equal(summarize_chunk(a->chunks[c].used), a->level[LEAF][c]))
      mwi_fatal("pagealloc: summary of chunk %zu is wrong", c);
    for (unsigned w = 0; w < MWI_CHUNK_WORDS; w++) {
      uint64_t free = ~a->chunks[c].used[w], scav = a->chunks[c].scav[w];
      size_t page = c * MWI_CHUNK_PAGES + w * 64;
      if (scav & ~free) mwi_fatal("pagealloc: used page at %zu counts as scavenged", page);
      if (free && page + mwi_ctz64(free) < a->hint)
        mwi_fatal("pagealloc: free page %zu below hint %zu", page + mwi_ctz64(free), a->hint);
      if ((free & ~scav) && c >= a->scav_hint)
        mwi_fatal("pagealloc: scavenger would miss %zu", page);
    }
  }
  for (int level = LEAF - 1; level >= 0; level--)
    for (size_t i = 0; i < a->count[level]; i++)
      if (!summary_equal(summarize_children(a, level, i), a->level[level][i]))
        mwi_fatal("pagealloc: summary %zu of level %d is wrong", i, level);
}
