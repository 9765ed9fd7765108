/* SPDX-License-Identifier: MIT */
/*
 * heap/mheap.c -- the one reservation, cut into pages and spans
 *
 * Job      Reserves address space at start; commits it from the bottom
 *          upwards; hands out page runs with a span struct each; keeps the
 *          page map.
 * Promise  [MH1] On failure NULL, and no page, struct or counter has changed.
 *          [MH2] A page's scavenged bit is set only while it reads as zero, so
 *          a span whose pages all had it needs no zeroing.  Pages that were
 *          never used have it.
 *          [MH3] A page map word is nonzero exactly while its page belongs to a
 *          published span.
 * How      The heap grows when no run of free pages is long enough: at least
 *          one chunk (4 MB), more for a larger heap so that growing stays
 *          rare.  The parts of page map, bitmaps and summaries that describe
 *          the new pages are committed first: they may stay when the heap's
 *          own commit fails.  Requests below 16 pages come from the mcache's
 *          page cache, 64 aligned pages taken at a time.
 * Start    The reservation is the largest power of two, from 4 TB down, that
 *          leaves half as much again (at least 128 MB) for stacks, threads and
 *          libraries; under `ulimit -v` that is a third to two thirds of the limit.
 * Threads  mheap.lock, but the page cache belongs to the mcache's owner, and
 *          page map words are atomic.
 * Next     pagealloc.c, scavenge.c
 */
#include "heap/mheap.h"
#include "heap/class.h"
#include "heap/mcentral.h"

struct mwi_heap mwi_heap;
struct mwi_heap_hooks mwi_heap_hooks;
struct mwi_mheap mwi_mheap = {.lock = MWI_LOCK_INIT(MWI_RANK_MHEAP)};

#define RESERVE_MOST ((size_t)4 << 40)
#define META_STEP (64 * MWI_KB) /* commit step of page map and bitmaps */
#define PAGE_CACHE_REQUEST 16   /* requests below come from the page cache */
#if MW_STRESS
#define GROW_MOST 0
#define SLAB_BYTES (4 * MWI_KB)
#define SPAN_CACHE_REFILL 1
#else
#define GROW_MOST MWI_ARENA_BYTES /* most that is committed unasked */
#define SLAB_BYTES (256 * MWI_KB) /* span structs taken from the OS at a time */
#define SPAN_CACHE_REFILL 32      /* structs moved to an mcache at a time, at most 64 */
#endif

/* ---- Start ------------------------------------------------------------- */

/* Bytes of each region for a heap of so many bytes. */
static size_t pagemap_bytes(size_t heap) {
  return heap / MWI_PAGE_BYTES * sizeof(mwi_pagedesc);
}
static size_t chunks_bytes(size_t heap) {
  return heap / MWI_CHUNK_BYTES * sizeof(struct mwi_chunk);
}
static size_t level_bytes(size_t heap, int level) {
  return mwi_pa_entries(heap / MWI_CHUNK_BYTES, level) * sizeof(struct mwi_summary);
}

static size_t meta_room(size_t bytes) {
  return mwi_align_up(bytes, META_STEP);
}

/* Reserve a heap of `bytes` and what describes it, leaving room for the rest. */
static bool reserve(size_t bytes) {
  size_t room = bytes / 2;
  if (room < 128 * MWI_MB) room = 128 * MWI_MB;
  size_t meta = meta_room(pagemap_bytes(bytes)) + meta_room(chunks_bytes(bytes));
  for (int i = 0; i < MWI_PA_LEVELS; i++) meta += meta_room(level_bytes(bytes, i));

  char *h = mwi_os.reserve(bytes, MWI_ARENA_BYTES);
  if (!h) return false;
  char *m = mwi_os.reserve(meta, META_STEP);
  char *probe = m ? mwi_os.reserve(room, mwi_os_page_bytes()) : NULL;
  if (probe) mwi_os.unreserve(probe, room);
  if (!probe) {
    if (m) mwi_os.unreserve(m, meta);
    mwi_os.unreserve(h, bytes);
    return false;
  }

  struct mwi_mheap *mh = &mwi_mheap;
  mwi_heap.base = (uintptr_t)h;
  mwi_heap.reserved = bytes;
  mh->pagemap = (struct mwi_region){m, 0};
  m += meta_room(pagemap_bytes(bytes));
  mh->chunks = (struct mwi_region){m, 0};
  m += meta_room(chunks_bytes(bytes));
  for (int i = 0; i < MWI_PA_LEVELS; i++) {
    mh->level[i] = (struct mwi_region){m, 0};
    mh->pages.level[i] = (struct mwi_summary *)m;
    m += meta_room(level_bytes(bytes, i));
  }
  mwi_heap.pagemap = (_Atomic mwi_pagedesc *)mh->pagemap.base;
  mh->pages.chunks = (struct mwi_chunk *)mh->chunks.base;
  return true;
}

void mwi_heap_init(void) {
  size_t bytes = RESERVE_MOST;
  while (!reserve(bytes)) {
    bytes /= 2;
    if (bytes < MWI_ARENA_BYTES)
      mwi_fatal("heap: cannot reserve %zu MB of address space", MWI_ARENA_BYTES / MWI_MB);
  }
  mwi_heap.sweepgen = 2;
  mwi_class_init();
}

/* ---- Growth ------------------------------------------------------------ */

/* Commit a region up to `bytes` from its start. */
static bool region_reach_locked(struct mwi_region *r, size_t bytes) {
  bytes = meta_room(bytes);
  if (bytes <= r->committed) return true;
  if (!mwi_os.commit(r->base + r->committed, bytes - r->committed)) return false;
  mwi_add_relaxed(&mwi_heap.meta_bytes, bytes - r->committed);
  r->committed = bytes;
  return true;
}

/* Commit heap memory so that `used` bytes from base are usable. */
static bool extend_locked(size_t used) {
  struct mwi_mheap *mh = &mwi_mheap;
  size_t old = mwi_load_relaxed(&mwi_heap.used);
  if (used > mwi_heap.reserved) return false;
  if (!region_reach_locked(&mh->pagemap, pagemap_bytes(used))) return false;
  if (!region_reach_locked(&mh->chunks, chunks_bytes(used))) return false;
  for (int i = 0; i < MWI_PA_LEVELS; i++)
    if (!region_reach_locked(&mh->level[i], level_bytes(used, i))) return false;
  if (!mwi_os.commit((char *)mwi_heap.base + old, used - old)) return false;
  if (mwi_heap_hooks.huge_pages) mwi_os_want_huge((char *)mwi_heap.base + old, used - old);

  mwi_pa_grow(&mh->pages, used / MWI_CHUNK_BYTES);
  mwi_add_relaxed(&mwi_heap.committed, used - old);
  mwi_add_relaxed(&mwi_heap.released, used - old);
  /* pairs with the read in mwi_heap_lookup: the page map below it is committed */
  mwi_store_release(&mwi_heap.used, used);
  return true;
}

/* Make a run of n free pages possible at the end. */
static bool grow_locked(size_t npages) {
  size_t old = mwi_load_relaxed(&mwi_heap.used);
  size_t tail = mwi_pa_tail(&mwi_mheap.pages);
  size_t need = npages > tail ? mwi_align_up((npages - tail) * MWI_PAGE_BYTES, MWI_CHUNK_BYTES) : 0;
  if (need > mwi_heap.reserved - old) return false;
  size_t want = mwi_align_up(old / 8, MWI_CHUNK_BYTES);
  if (want > GROW_MOST) want = GROW_MOST;
  if (want > mwi_heap.reserved - old) want = mwi_heap.reserved - old;
  return (want > need && extend_locked(old + want)) || extend_locked(old + need);
}

/* ---- Pages ------------------------------------------------------------- */

static size_t alloc_pages_locked(size_t n, size_t *scav) {
  size_t page = mwi_pa_alloc(&mwi_mheap.pages, n, scav);
  if (page == MWI_PA_NONE && grow_locked(n)) page = mwi_pa_alloc(&mwi_mheap.pages, n, scav);
  return page;
}

static void refill_page_cache_locked(struct mwi_mcache *mc) {
  struct mwi_pagealloc *a = &mwi_mheap.pages;
  size_t page = mwi_pa_take_block(a, &mc->page_free, &mc->page_scav);
  if (page == MWI_PA_NONE && grow_locked(1))
    page = mwi_pa_take_block(a, &mc->page_free, &mc->page_scav);
  if (page == MWI_PA_NONE)
    mc->page_free = mc->page_scav = 0;
  else
    mc->page_base = mwi_heap.base + page * MWI_PAGE_BYTES;
}

/* n pages out of the page cache; 0: no such run there. */
static uintptr_t cached_pages(struct mwi_mcache *mc, size_t n, size_t *scav) {
  uint64_t f = mc->page_free; /* after the loop: bit i set = n free from i on */
  for (size_t have = 1; f && have < n;) {
    size_t step = have < n - have ? have : n - have;
    f &= f >> step;
    have += step;
  }
  if (!f) return 0;
  unsigned i = mwi_ctz64(f);
  uint64_t mask = (((uint64_t)1 << n) - 1) << i;
  *scav = mwi_popcount64(mc->page_scav & mask);
  mc->page_free &= ~mask;
  mc->page_scav &= ~mask;
  return mc->page_base + i * MWI_PAGE_BYTES;
}

/* Address of n pages, 0: no memory. */
static uintptr_t alloc_pages(struct mwi_mcache *mc, size_t n, size_t *scav) {
  uintptr_t p = 0;
  if (n < PAGE_CACHE_REQUEST && mc->page_free) p = cached_pages(mc, n, scav);
  if (p) return p;
  mwi_lock(&mwi_mheap.lock);
  if (n < PAGE_CACHE_REQUEST && !mc->page_free) {
    refill_page_cache_locked(mc);
    p = mc->page_free ? cached_pages(mc, n, scav) : 0;
  }
  if (!p) {
    size_t page = alloc_pages_locked(n, scav);
    if (page != MWI_PA_NONE) p = mwi_heap.base + page * MWI_PAGE_BYTES;
  }
  mwi_unlock(&mwi_mheap.lock);
  return p;
}

/* ---- Span structs ------------------------------------------------------ */

static struct mwi_span *take_struct_locked(void) {
  struct mwi_mheap *mh = &mwi_mheap;
  struct mwi_span *s = mh->free_spans;
  if (s) {
    mh->free_spans = mwi_load_relaxed(&s->next);
    return s;
  }
  if ((size_t)(mh->slab_end - mh->slab) < sizeof *s) {
    char *slab = mwi_os.map(SLAB_BYTES);
    if (!slab) return NULL;
    mwi_add_relaxed(&mwi_heap.meta_bytes, SLAB_BYTES);
    mh->slab = slab;
    mh->slab_end = slab + SLAB_BYTES;
  }
  s = (struct mwi_span *)mh->slab;
  mh->slab += sizeof *s;
  return s;
}

static void put_struct_locked(struct mwi_span *s) {
  mwi_store_relaxed(&s->next, mwi_mheap.free_spans);
  mwi_mheap.free_spans = s;
}

static struct mwi_span *take_struct(struct mwi_mcache *mc) {
  if (mc->nspan_cache == 0) {
    mwi_lock(&mwi_mheap.lock);
    struct mwi_span *s;
    while (mc->nspan_cache < SPAN_CACHE_REFILL && (s = take_struct_locked()) != NULL)
      mc->span_cache[mc->nspan_cache++] = s;
    mwi_unlock(&mwi_mheap.lock);
    if (mc->nspan_cache == 0) return NULL;
  }
  return mc->span_cache[--mc->nspan_cache];
}

/* ---- Spans ------------------------------------------------------------- */

static struct mwi_span *take_span(struct mwi_mcache *mc, size_t npages) {
  struct mwi_span *s = take_struct(mc);
  if (!s) return NULL;
  size_t scav = 0;
  uintptr_t base = alloc_pages(mc, npages, &scav);
  if (!base) {
    mc->span_cache[mc->nspan_cache++] = s;
    return NULL;
  }
  /* Who takes spans off a list may still read the link that the struct had there (mcentral.c). */
  memset((void *)s, 0, offsetof(struct mwi_span, next));
  mwi_store_relaxed(&s->next, NULL);
  mwi_store_relaxed(&s->specials, NULL);
  s->base = base;
  s->npages = npages;
  s->needzero = scav != npages; /* [MH2] */
  mwi_store_relaxed(&s->sweepgen, mwi_heap.sweepgen);
  mwi_add_relaxed(&mwi_heap.inuse_pages, npages);
  if (scav)
    atomic_fetch_sub_explicit(&mwi_heap.released, scav * MWI_PAGE_BYTES, memory_order_relaxed);
  return s;
}

struct mwi_span *mwi_mheap_take_span(struct mwi_mcache *mc, size_t npages) {
  if (MWI_LIKELY(!mwi_heap_hooks.limited) || mc->unasked) return take_span(mc, npages);
  if (!mwi_heap_hooks.ask(npages * MWI_PAGE_BYTES)) {
    mc->refused = npages * MWI_PAGE_BYTES;
    return NULL;
  }
  struct mwi_span *s = take_span(mc, npages);
  mwi_heap_hooks.told(npages * MWI_PAGE_BYTES);
  return s;
}

void mwi_mheap_publish(struct mwi_span *s) {
  mwi_add_relaxed(&mwi_mheap.nspans, 1);
  mwi_pagedesc d = (mwi_pagedesc)(uintptr_t)s << 16 | s->cls;
  size_t page = (s->base - mwi_heap.base) >> MWI_PAGE_SHIFT;
  bool small = s->cls != MWI_CLASS_LARGE;
  for (size_t i = 0; i < s->npages; i++)
    /* pairs with the acquire in mwi_heap_lookup: the span is filled in */
    mwi_store_release(&mwi_heap.pagemap[page + i], d | (small ? i << 12 : 0));
}

void mwi_mheap_put_spans(const struct mwi_spans *all) {
  if (!all->first) return;
  size_t pages = 0, n = 0;
  for (struct mwi_span *s = all->first;; s = mwi_load_relaxed(&s->next)) {
    size_t page = (s->base - mwi_heap.base) >> MWI_PAGE_SHIFT;
    for (size_t i = 0; i < s->npages; i++) mwi_store_relaxed(&mwi_heap.pagemap[page + i], 0);
    pages += s->npages;
    n++;
    if (s == all->last) break;
  }
  atomic_fetch_sub_explicit(&mwi_mheap.nspans, n, memory_order_relaxed);
  atomic_fetch_sub_explicit(&mwi_heap.inuse_pages, pages, memory_order_relaxed);
  mwi_lock(&mwi_mheap.lock);
  for (struct mwi_span *s = all->first, *next; n; n--, s = next) {
    next = mwi_load_relaxed(&s->next);
    mwi_pa_free(&mwi_mheap.pages, (s->base - mwi_heap.base) >> MWI_PAGE_SHIFT, s->npages);
    put_struct_locked(s);
  }
  mwi_unlock(&mwi_mheap.lock);
}

void mwi_mheap_flush_cache(struct mwi_mcache *mc) {
  if (!mc->page_free && !mc->nspan_cache) return;
  mwi_lock(&mwi_mheap.lock);
  mwi_pa_put_block(&mwi_mheap.pages, (mc->page_base - mwi_heap.base) >> MWI_PAGE_SHIFT,
                   mc->page_free, mc->page_scav);
  while (mc->nspan_cache) put_struct_locked(mc->span_cache[--mc->nspan_cache]);
  mwi_unlock(&mwi_mheap.lock);
  mc->page_free = mc->page_scav = 0;
}

void mwi_heap_each_span(void (*fn)(struct mwi_span *s, void *arg), void *arg) {
  size_t pages = mwi_load_acquire(&mwi_heap.used) >> MWI_PAGE_SHIFT;
  for (size_t i = 0; i < pages;) {
    mwi_pagedesc d = mwi_load_acquire(&mwi_heap.pagemap[i]);
    struct mwi_span *s = mwi_desc_span(d);
    size_t step = 1;
    if (s && s->base == mwi_heap.base + i * MWI_PAGE_BYTES) {
      if (s->npages > 1) step = s->npages;
      fn(s, arg);
    }
    i += step;
  }
}
