/* SPDX-License-Identifier: MIT */
/*
 * heap/check.c -- walks the whole heap and compares what must agree
 *
 * Job      mwi_heap_check_stw: fatal at the first broken promise [H2] to [H6],
 *          [MH2], [MH3], [PG2], [PG3], [SW2], with the numbers at hand.
 * How      Counts spans where they can be (cursors, lists) and in the page
 *          map; both counts and the running one must be equal.  A span says
 *          itself in which of these places it is, so a span on two lists, or
 *          on a list and in a cursor, contradicts one of them.
 * Threads  the world is stopped; sweeping need not be complete, but no sweeper
 *          is in the middle of a span.
 */
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/spanbits.h"

#if MW_CHECK
#define REQUIRE(x, s)                                                                              \
  ((x) ? (void)0                                                                                   \
       : mwi_fatal("heap check: %s fails for span %p (base %p, class %u, list %u)", #x,            \
                   (const void *)(s), (void *)(s)->base, (s)->cls, (s)->list))

static void check_zero(const struct mwi_span *s, uintptr_t p, size_t bytes) {
  const uint64_t *w = (const uint64_t *)p;
  for (size_t i = 0; i < bytes / sizeof *w; i++)
    if (w[i])
      mwi_fatal("heap check: %p is handed out and not zero (span %p)", (const void *)&w[i],
                (void *)s->base);
}

struct walk {
  size_t spans, pages, unswept;
};

/* Facts of one span, and its page map words. */
static void check_span(struct mwi_span *s, void *arg) {
  struct walk *walk = arg;
  uint32_t gen = mwi_load_relaxed(&s->sweepgen), h = mwi_heap.sweepgen;
  bool large = s->cls == MWI_CLASS_LARGE;
  walk->spans++;
  walk->pages += s->npages;
  walk->unswept += gen != h;
  REQUIRE(gen == h || gen == h - 2, s);
  REQUIRE(s->in_cache ? gen == h && !s->list : s->list != 0, s);
  REQUIRE(s->cls >= MWI_CLASS_LARGE && s->cls < mwi_load_relaxed(&mwi_nclasses), s);
  if (large) {
    REQUIRE(s->nelems == 1 && s->slot <= s->npages * MWI_PAGE_BYTES, s);
  } else {
    const struct mwi_class *k = &mwi_classes[s->cls];
    REQUIRE(s->info == k && s->slot == k->slot && s->nelems == k->nelems && s->npages == k->pages &&
                s->noscan == k->noscan,
            s);
  }

  uint32_t nalloc = 0;
  for (unsigned w = 0; w < MWI_SPAN_MAX_OBJECTS / 64; w++) {
    uint64_t a = mwi_load_relaxed(&s->alloc[w]), m = mwi_load_relaxed(&s->mark[w]);
    nalloc += mwi_popcount64(a);
    REQUIRE((m & ~a) == 0, s);
    uint32_t from = w * 64;
    uint64_t beyond = s->nelems >= from + 64 ? 0
                      : s->nelems <= from    ? ~(uint64_t)0
                                             : ~(uint64_t)0 << (s->nelems - from);
    REQUIRE((a & beyond) == 0, s);
  }
  REQUIRE(nalloc == s->nalloc, s);
  for (uint32_t i = 0; i < s->free_index && gen == h; i++)
    REQUIRE(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1, s);
  if (!s->needzero && !large) /* a slot that was never handed out */
    for (uint32_t i = 0; i < s->nelems; i++)
      if (!(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1))
        check_zero(s, s->base + i * s->slot, s->slot);

  size_t page = (s->base - mwi_heap.base) >> MWI_PAGE_SHIFT;
  for (size_t i = 0; i < s->npages; i++) {
    mwi_pagedesc d = mwi_load_relaxed(&mwi_heap.pagemap[page + i]);
    REQUIRE(mwi_desc_span(d) == s && mwi_desc_class(d) == s->cls, s);
    REQUIRE(mwi_desc_page(d) == (large ? 0 : i), s);
  }
}

static size_t check_shard(uint32_t shard) {
  size_t n = 0;
  for (mwi_spanclass c = 0; c < MWI_NCLASSES; c++)
    for (unsigned parity = 0; parity < 2; parity++)
      for (unsigned l = 0; l < MWI_NLISTS; l++)
        for (struct mwi_span *s = mwi_load_relaxed(&mwi_mcentrals[shard][c].head[parity][l]); s;
             s = mwi_load_relaxed(&s->next)) {
          bool swept = parity == mwi_swept_parity();
          REQUIRE(s->cls == c && s->list == MWI_SPAN_ON_LIST(l, parity), s);
          REQUIRE(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen - (swept ? 0 : 2), s);
          if (swept) REQUIRE((s->nalloc == s->nelems) == (l == MWI_LIST_FULL), s);
          n++;
        }
  return n;
}

static size_t check_lists(void) {
  size_t n = 0;
  for (uint32_t k = 0; k < MWI_SHARDS; k++) n += check_shard(k);
  return n;
}

/* Slots set aside for a cursor: allocated, behind them a free one at the earliest; black while
 * marking is on, and zero if they have pointers. */
static void check_rest(const struct mwi_supply *u) {
  if (!u->rest) return;
  const struct mwi_span *s = u->span;
  uint32_t w = u->rest_word;
  REQUIRE(u->rest_base == s->base + (uintptr_t)w * 64 * s->slot, s);
  REQUIRE(w * 64 + 64 - mwi_clz64(u->rest) == s->free_index, s);
  REQUIRE((u->rest & ~mwi_load_relaxed(&s->alloc[w])) == 0, s); /* [H3] */
  REQUIRE(u->rest_zero || !s->needzero || s->info->raw || mwi_heap.black_alloc, s);
  if (!mwi_heap.black_alloc) return;
  REQUIRE((u->rest & ~mwi_load_relaxed(&s->mark[w])) == 0, s); /* [H6] */
  if (s->noscan) return;
  REQUIRE(!u->rest_zero, s);
  for (uint64_t r = u->rest; r; r &= r - 1)
    check_zero(s, s->base + ((uintptr_t)w * 64 + mwi_ctz64(r)) * s->slot, s->slot); /* [H2] */
}

static size_t check_mcache(struct mwi_mcache *mc) {
  size_t n = 0;
  for (mwi_spanclass c = 0; c < MWI_NCLASSES; c++) {
    const struct mwi_supply *u = &mc->of[c];
    const struct mwi_cursor *cur = &u->cursor;
    struct mwi_span *s = u->span;
    bool listed = mc->used_classes[c / 64] >> c % 64 & 1;
    if (listed != (s != NULL) || (!s && (cur->limit || u->rest || u->run_end)))
      mwi_fatal("heap check: cursor %u of mcache %p is stale", c, (void *)mc);
    if (!s) continue;
    n++;
    REQUIRE(s->cls == c && s->in_cache && !s->list && u->slot == s->slot, s);
    check_rest(u);
    if (!cur->next) continue;
    uintptr_t run_end = mwi_cursor_end(u);
    REQUIRE(cur->next <= cur->limit && cur->limit <= run_end && cur->next >= s->base &&
                run_end <= s->base + s->nelems * s->slot,
            s);
    uint32_t first = mwi_span_index(s, cur->next), end = mwi_span_index(s, run_end);
    REQUIRE(end <= (u->rest ? u->rest_word * 64 + mwi_ctz64(u->rest) : s->free_index), s);
    for (uint32_t i = first; i < end; i++) {
      REQUIRE(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1, s); /* [H3] */
      if (mwi_heap.black_alloc) REQUIRE(mwi_load_relaxed(&s->mark[i / 64]) >> i % 64 & 1, s);
    }
    if (!s->info->raw || (mwi_heap.black_alloc && !s->noscan))
      check_zero(s, cur->next, run_end - cur->next); /* [H2] */
  }
  return n;
}

/* Every page is free, in a page cache, in a span (published or not), or in the
 * hand of the background scavenger, which is not stopped with the world. */
static void check_pages(void) {
  const struct mwi_pagealloc *a = &mwi_mheap.pages;
  mwi_lock(&mwi_mheap.lock);
  mwi_pa_check(a);
  size_t used = 0, scav = 0, cached = 0;
  for (size_t c = 0; c < a->nchunks; c++)
    for (unsigned w = 0; w < MWI_CHUNK_WORDS; w++) {
      uint64_t u = a->chunks[c].used[w];
      used += mwi_popcount64(u);
      scav += mwi_popcount64(a->chunks[c].scav[w]);
      for (uint64_t f = ~u; f; f &= f - 1) {
        size_t page = c * MWI_CHUNK_PAGES + w * 64 + mwi_ctz64(f);
        if (mwi_load_relaxed(&mwi_heap.pagemap[page]))
          mwi_fatal("heap check: free page %zu is in the page map", page);
      }
    }
  for (struct mwi_mcache_node *n = mwi_mheap.mcaches; n; n = n->next) {
    cached += mwi_popcount64(n->mc.page_free);
    scav += mwi_popcount64(n->mc.page_scav);
    if (n->mc.page_scav & ~n->mc.page_free) mwi_fatal("heap check: page cache");
  }
  size_t inuse = mwi_load_relaxed(&mwi_heap.inuse_pages), in_hand = mwi_mheap.in_hand;
  size_t released = mwi_load_relaxed(&mwi_heap.released);
  mwi_unlock(&mwi_mheap.lock); /* tests go on after a fatal error */
  if (used != inuse + cached + in_hand)
    mwi_fatal("heap check: %zu pages used, %zu in spans, %zu cached, %zu in hand", used, inuse,
              cached, in_hand);
  if (scav * MWI_PAGE_BYTES != released)
    mwi_fatal("heap check: %zu pages scavenged, %zu bytes released", scav, released);
}

void mwi_heap_check_stw(void) {
  size_t placed = check_lists();
  for (struct mwi_mcache_node *n = mwi_mheap.mcaches; n; n = n->next)
    placed += check_mcache(&n->mc);
  struct walk walk = {0};
  mwi_heap_each_span(check_span, &walk);
  check_pages();
  if (walk.spans != placed || walk.spans != mwi_load_relaxed(&mwi_mheap.nspans))
    mwi_fatal("heap check: %zu spans mapped, %zu on lists and in cursors, %zu counted", walk.spans,
              placed, mwi_load_relaxed(&mwi_mheap.nspans));
  if (walk.unswept != mwi_load_relaxed(&mwi_heap.unswept_spans))
    mwi_fatal("heap check: %zu spans unswept, %zu counted", walk.unswept,
              mwi_load_relaxed(&mwi_heap.unswept_spans));
  if (walk.pages > mwi_load_relaxed(&mwi_heap.inuse_pages))
    mwi_fatal("heap check: %zu pages mapped, %zu in use", walk.pages,
              mwi_load_relaxed(&mwi_heap.inuse_pages));
}
#endif
