/* SPDX-License-Identifier: MIT */
/*
 * heap/mcache.c -- the slow half of a small allocation, and tiny objects
 *
 * Job      Refills a cursor: with the next free run of its span, or with
 *          another span.  Packs pointer-free objects below 16 bytes.  Empties
 *          an mcache when the collector asks.
 * Promise  [H2] What a marker or the program can see of a run has no old
 *          pointers: it is zero before its alloc bits are set.  A rest is zero
 *          before a cursor gets it only, unless marking is on, and goes
 *          back when marking begins: until then nobody scans it.  Where there are no
 *          pointers nobody ever does, so such a rest is zeroed late in any case.  The runs
 *          of raw classes are zero while marking is on only, if they have pointers:
 *          their objects are then black unseen [H6], and before, marking scans them
 *          whatever is in them (gc/mark.c [K3]).
 *          [H3] The alloc bits of a whole run, or of a run and its rest, are set
 *          when a cursor gets it; a flush clears those of the part not handed out.
 *          [H6] While black_alloc is set, mark bits are set along with them.
 * How      A run is a maximal stretch of clear alloc bits, RUN_BYTES at most,
 *          so that it is still in the first-level cache when it is used.  In a
 *          fragmented span most runs are one slot: then this file's speed is
 *          the allocator's.  So where a run ends in the word of the bitmap in
 *          which it begins, that word's other free slots are taken with it, the
 *          *rest*: bits, counted and charged once, runs of which the cursor
 *          gets one by one.
 * Stats    a run and its rest count as allocated when the cursor gets the run;
 *          flush and totals take back what is left of them.
 * Threads  the owner of the P, inside mwi_rt_enter; the _stw functions: any
 *          one thread while the world is stopped.
 * Next     mcentral.c for where spans come from.
 */
#include "heap/class.h"
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/spanbits.h"
#include "heap/sweep.h"

/* More zeroes memory that leaves the cache before it is used (the first-level
 * cache has 32 KB and more); less makes refills of empty spans frequent. */
#if MW_STRESS
#define RUN_BYTES 64 /* the slow half all the time */
#define REST_BYTES 128
#else
#define RUN_BYTES (8 * MWI_KB)
#define REST_BYTES (8 * MWI_KB) /* what one page has; a word of the bitmap has no more, mostly */
#endif

#define AHEAD_BYTES 512 /* of the slot after this one, on its way into the cache */

struct mwi_mcache mwi_mcache_none;

/* ---- Sample points ----------------------------------------------------- */

/*
 * Bytes handed out carry sample points, at exponential distances of mean
 * sample_rate: whether a byte is one does not depend on those before it.  So
 * one countdown serves all classes, a run's rest can be given to a new one,
 * and a flush may forget a point.  A run that a point falls into gets a limit
 * before the slot with that point; the allocation of that slot comes to
 * mwi_mcache_alloc_slow, and the inline path knows nothing of it.
 */

/* ln(u) for 0 < u <= 1, to five digits: libm is not ours to link. */
static double logarithm(double u) {
  int e = 0;
  for (; u < 0.5; u *= 2) e++;
  double t = (u - 1) / (u + 1), t2 = t * t;
  return 2 * t * (1 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 / 7))) - e * 0.69314718056;
}

static uint64_t next_gap(struct mwi_mcache *mc) {
  uint64_t rate = mwi_heap.sample_rate;
  if (rate <= 1) return rate ? 0 : UINT64_MAX;
  uint64_t x = mc->sample_rand += 0x9e3779b97f4a7c15u; /* splitmix64 */
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return (uint64_t)(-logarithm((double)((x >> 11) + 1) / 9007199254740992.0) * (double)rate);
}

bool mwi_mcache_sample(struct mwi_mcache *mc, size_t bytes) {
  mwi_assert(mc != &mwi_mcache_none);
  if (MWI_LIKELY(bytes <= mc->sample_left)) {
    mc->sample_left -= bytes;
    return false;
  }
  mc->sample_left = next_gap(mc);
  return mwi_heap.sample_rate != 0;
}

MWI_NOINLINE static void cut_run(struct mwi_mcache *mc, struct mwi_supply *u, uintptr_t end) {
  u->cursor.limit = u->cursor.next + mc->sample_left / u->slot * u->slot;
  u->run_end = end;
  mc->sample_left = next_gap(mc);
}

/* The cursor's run goes from its next slot to end: count it, or cut it. */
static inline void set_run(struct mwi_mcache *mc, struct mwi_supply *u, uintptr_t end) {
  size_t bytes = end - u->cursor.next;
  if (MWI_UNLIKELY(bytes > mc->sample_left)) {
    cut_run(mc, u, end);
    return;
  }
  mc->sample_left -= bytes;
  u->cursor.limit = end;
}

/* The slot with a sample point. */
MWI_NOINLINE static void *take_sample(struct mwi_mcache *mc, struct mwi_supply *u) {
  uintptr_t p = u->cursor.next, end = u->run_end;
  u->run_end = 0;
  mc->sampled = mwi_heap.sample_rate != 0;
  u->cursor.next += u->slot;
  set_run(mc, u, end);
  return (void *)p;
}

struct mwi_mcache *mwi_mcache_new(void) {
  struct mwi_mcache_node *n = mwi_meta_alloc(sizeof *n, MWI_CACHE_LINE);
  n->mc.sample_rand = (uintptr_t)n ^ mwi_os_cycles();
  n->mc.sample_left = next_gap(&n->mc);
  n->mc.shard = mwi_mcentral_next_shard();
  mwi_lock(&mwi_mheap.lock);
  n->next = mwi_mheap.mcaches;
  mwi_mheap.mcaches = n;
  mwi_unlock(&mwi_mheap.lock);
  return &n->mc;
}

/* ---- Runs -------------------------------------------------------------- */

typedef uint64_t two_words __attribute__((vector_size(16), aligned(8), may_alias));

static inline void zero_run(uintptr_t p, size_t bytes) {
  if (bytes > 256) {
    memset((void *)p, 0, bytes);
    return;
  }
  uintptr_t end = p + bytes;
  if (bytes & 8) {
    *(uint64_t *)p = 0;
    p += 8;
  }
  for (; p < end; p += sizeof(two_words)) {
    *(two_words *)p = (two_words){0, 0};
    __asm__ volatile("" ::: "memory"); /* keeps the loop from becoming a call of memset */
  }
}

/* A slot that will be wanted soon, and is cold. */
static inline void expect(uintptr_t p, size_t slot) {
  for (size_t i = 0; i < slot && i < AHEAD_BYTES; i += MWI_CACHE_LINE)
    __builtin_prefetch((void *)(p + i), 1);
}

/* The next run of the rest into the cursor. */
static inline void take_rest(struct mwi_supply *u) {
  uint64_t rest = u->rest, after = rest & (rest + (rest & -rest)); /* without its lowest ones */
  uint32_t first = mwi_ctz64(rest), run = mwi_ctz64(~(rest >> first));
  mwi_assert(first + run <= 64 && run < 64); /* a whole word is no rest */
  size_t slot = u->slot, bytes = run * slot;
  uintptr_t p = u->rest_base + first * slot;
  u->rest = after;
  if (after) expect(u->rest_base + mwi_ctz64(after) * slot, slot);
  if (u->rest_zero) zero_run(p, bytes);
  u->cursor.next = p;
  u->cursor.limit = p + bytes;
}

/* The lowest of these bits, so many that their slots have REST_BYTES at most. */
MWI_NOINLINE static uint64_t lowest(uint64_t bits, size_t slot) {
  uint64_t keep = 0;
  for (size_t n = slot < REST_BYTES ? REST_BYTES / slot : 1; n && bits; n--) {
    keep |= bits & -bits;
    bits &= bits - 1;
  }
  return keep;
}

/* Free slots of word w of the bits of s, not all 64 of them: allocated, the rest. */
static inline uint32_t claim_some(struct mwi_span *s, struct mwi_supply *u, uint32_t w,
                                  uint64_t free) {
  uint32_t n = mwi_popcount64(free);
  if (n * s->slot > REST_BYTES) {
    free = lowest(free, s->slot);
    n = mwi_popcount64(free);
  }
  u->rest_base = s->base + (uintptr_t)w * 64 * s->slot;
  u->rest_zero = s->needzero && !s->info->raw;
  if (MWI_UNLIKELY(mwi_heap.black_alloc)) {
    if (s->needzero && !s->noscan) {
      for (uint64_t f = free; f; f &= f - 1)
        zero_run(u->rest_base + mwi_ctz64(f) * s->slot, s->slot);
      u->rest_zero = false;
    }
    /* release: a marker that sees a bit sees zeros [H2] */
    atomic_fetch_or_explicit(&s->mark[w], free, memory_order_release);
  }
  mwi_store_release(&s->alloc[w], mwi_load_relaxed(&s->alloc[w]) | free);
  s->nalloc += n;
  s->free_index = w * 64 + 64 - mwi_clz64(free);
  u->rest = free;
  u->rest_word = (uint8_t)w;
  return n;
}

/* Slots [first, end) of s, all free: allocated, for the cursor. */
static inline uint32_t claim_run(struct mwi_span *s, struct mwi_cursor *cur, uint32_t first,
                                 uint32_t end) {
  size_t slot = s->slot;
  uint32_t run = end - first;
  if (run > 1 && run * slot > RUN_BYTES) run = slot < RUN_BYTES ? (uint32_t)(RUN_BYTES / slot) : 1;
  uintptr_t p = s->base + first * slot;
  if (s->needzero && (!s->info->raw || (mwi_heap.black_alloc && !s->noscan)))
    zero_run(p, run * slot);
  atomic_thread_fence(memory_order_release); /* a marker that sees an alloc bit sees zeros [H2] */
  if (MWI_UNLIKELY(mwi_heap.black_alloc)) mwi_span_bits_or(s->mark, first, run);
  mwi_span_bits_set(s->alloc, first, run);
  s->nalloc += run;
  s->free_index = first + run;
  cur->next = p;
  cur->limit = p + run * slot;
  return run;
}

/* The next free slots of the span: a run for the cursor, and perhaps a rest.  Returns their number,
 * 0: it is full. */
static inline uint32_t claim(struct mwi_supply *u) {
  struct mwi_span *s = u->span;
  uint32_t i = s->free_index, n = s->nelems, w = i / 64, words = (n + 63) / 64;
  mwi_assert(!u->rest);
  if (i >= n) return 0;
  uint64_t free = ~mwi_load_relaxed(&s->alloc[w]) & (~(uint64_t)0 << i % 64);
  while (!free && ++w < words) free = ~mwi_load_relaxed(&s->alloc[w]);
  if (n < w * 64 + 64) free &= ~(~(uint64_t)0 << n % 64); /* w == words: none are left */
  if (!free) {
    s->free_index = n;
    return 0;
  }
  uint32_t first = w * 64 + mwi_ctz64(free);
  if (MWI_UNLIKELY(free == ~(uint64_t)0 << first % 64)) { /* it may go on in the next word */
    uint64_t used = 0;
    for (w++; w < words && (used = mwi_load_relaxed(&s->alloc[w])) == 0; w++) {
    }
    uint32_t end = used ? w * 64 + mwi_ctz64(used) : n;
    return claim_run(s, &u->cursor, first, end < n ? end : n);
  }
  uint32_t some = claim_some(s, u, w, free);
  take_rest(u);
  return some;
}

/* Count what the cursor of class c was given, but for `rest` slots, in the totals. */
static void handed_flush(struct mwi_mcache *mc, size_t c, uint32_t rest) {
  mwi_add_relaxed(&mwi_mcentrals[mc->shard][c].alloc_objects, (uint64_t)mc->of[c].handed - rest);
  mc->of[c].handed = 0;
}

/* Another span for class c; the present one, if any, is full. */
MWI_NOINLINE static bool next_span(struct mwi_mcache *mc, mwi_spanclass c) {
  struct mwi_supply *u = &mc->of[c];
  struct mwi_span *s = u->span;
  if (s) {
    mwi_assert(s->nalloc == s->nelems && !u->rest);
    u->span = NULL;
    u->cursor = (struct mwi_cursor){0, 0};
    mc->used_classes[c / 64] &= ~((uint64_t)1 << c % 64);
    s->in_cache = 0;
    handed_flush(mc, c, 0);
    mwi_mcentral_put(mc->shard, s, MWI_LIST_FULL);
  }
  s = mwi_mcentral_take(mc, c);
  if (!s) return false;
  u->span = s;
  u->slot = (uint32_t)s->slot;
  mc->used_classes[c / 64] |= (uint64_t)1 << c % 64;
  return true;
}

static bool no_room(const struct mwi_supply *u) {
  return u->cursor.limit - u->cursor.next < u->slot || !u->slot;
}

/* Slots for a cursor that has none, and whose rest is used up. */
MWI_NOINLINE static bool refill(struct mwi_mcache *mc, mwi_spanclass c, size_t *charged) {
  struct mwi_supply *u = &mc->of[c];
  uint32_t n = u->span ? claim(u) : 0;
  while (MWI_UNLIKELY(!n)) {
    if (!next_span(mc, c)) return false;
    n = claim(u);
  }
  *charged = (size_t)n * u->slot;
  mc->alloc_bytes += *charged;
  mc->alloc_objects += n;
  u->handed += n;
  return true;
}

void *mwi_mcache_alloc_slow(struct mwi_mcache *mc, mwi_spanclass c, size_t *charged) {
  mwi_assert(mc != &mwi_mcache_none && c >= MWI_CLASS_TINY && c < mwi_load_relaxed(&mwi_nclasses));
  struct mwi_supply *u = &mc->of[c];
  *charged = 0;
  if (no_room(u) && MWI_LIKELY(!u->run_end)) {
    if (u->rest)
      take_rest(u);
    else if (!refill(mc, c, charged))
      return NULL;
    set_run(mc, u, u->cursor.limit);
  }
  if (MWI_UNLIKELY(u->cursor.next == u->cursor.limit)) return take_sample(mc, u);
  void *p = (void *)u->cursor.next;
  u->cursor.next += u->slot;
  return p;
}

void *mwi_mcache_alloc_rest(struct mwi_mcache *mc, mwi_spanclass c) {
  struct mwi_supply *u = &mc->of[c];
  if (MWI_UNLIKELY(!u->rest || u->run_end || !no_room(u))) return NULL;
  if (MWI_UNLIKELY(mc->sample_left < REST_BYTES + u->slot)) return NULL; /* more than a run has */
  take_rest(u);
  mc->sample_left -= u->cursor.limit - u->cursor.next;
  void *p = (void *)u->cursor.next;
  u->cursor.next += u->slot;
  return p;
}

/* ---- Freed objects ------------------------------------------------------ */

/*
 * They stay allocated, unreachable, so any collection may free them: what is on
 * the lists counts until marking begins only, and none come on them while it is
 * on.  Nor from spans that are not swept, where a mark decides.
 * Links are complemented, so that a stale pointer to one does not keep the rest.
 */
static bool freed_lists(struct mwi_mcache *mc) {
  if (mwi_heap.black_alloc || mc == &mwi_mcache_none) return false;
  if (MWI_UNLIKELY(mc->freed_gen != mwi_heap.sweepgen)) {
    memset(mc->freed, 0, sizeof mc->freed);
    mc->freed_gen = mwi_heap.sweepgen;
  }
  return true;
}

bool mwi_mcache_free(struct mwi_mcache *mc, uintptr_t p) {
  mwi_pagedesc d = mwi_heap_lookup(p);
  if (!d || mwi_desc_class(d) - MWI_CLASS_FIRST >= 2 * MWI_NSIZECLASSES || !freed_lists(mc))
    return false;
  struct mwi_span *s = mwi_desc_span(d);
  uint32_t i = mwi_object_index(d, p);
  if (mwi_load_relaxed(&s->sweepgen) != mwi_heap.sweepgen || i >= s->nelems ||
      p != s->base + i * s->slot || !(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1) ||
      mwi_load_relaxed(&s->specials)) /* a finalizer, or a profile's sample */
    return false;
  uintptr_t *list = &mc->freed[mwi_desc_class(d) - MWI_CLASS_FIRST];
  if (MWI_UNLIKELY(*list == ~p)) mwi_fatal("free(%p): freed twice", (void *)p);
  if (MWI_UNLIKELY(mwi_heap_hooks.clobber_free)) mwi_clobber(p, s->slot);
  *(uintptr_t *)p = *list;
  *list = ~p;
  return true;
}

void *mwi_mcache_reuse(struct mwi_mcache *mc, mwi_spanclass c) {
  mwi_assert(c - MWI_CLASS_FIRST < 2 * MWI_NSIZECLASSES);
  if (!freed_lists(mc)) return NULL;
  uintptr_t *list = &mc->freed[c - MWI_CLASS_FIRST];
  if (!*list) return NULL;
  uintptr_t p = ~*list;
  *list = *(uintptr_t *)p;
  return (void *)p;
}

/* ---- Tiny objects ------------------------------------------------------ */

void *mwi_mcache_alloc_tiny(struct mwi_mcache *mc, size_t n, size_t *charged) {
  mwi_assert(n > 0 && n < MWI_TINY_BYTES);
  *charged = 0;
  void *packed = mwi_mcache_tiny_bump(mc, n);
  if (packed) return packed;
  uintptr_t p = (uintptr_t)mwi_mcache_alloc_slow(mc, MWI_CLASS_TINY, charged);
  if (!p) return NULL;
  mc->ntiny++;
  if (!mc->tiny || n < mc->tiny_off) { /* the new block has more room left */
    mc->tiny = p;
    mc->tiny_off = (uint32_t)n;
  }
  return (void *)p;
}

/* ---- The collector's side ---------------------------------------------- */

/* Slots [*first, *first + n) of the span are in the cursor, not handed out. */
static uint32_t cursor_rest(const struct mwi_supply *u, uint32_t *first) {
  uintptr_t next = u->cursor.next;
  *first = next ? mwi_span_index(u->span, next) : 0;
  return next ? mwi_span_index(u->span, mwi_cursor_end(u)) - *first : 0;
}

/* A class in use of an mcache, in a loop; u is what there is of it. */
#define FOR_EACH_CACHED(mc, c, u)                                                                  \
  for (size_t w_ = 0; w_ < MWI_NCLASSES / 64; w_++)                                                \
    for (uint64_t bits_ = (mc)->used_classes[w_]; bits_; bits_ &= bits_ - 1)                       \
      for (size_t c = w_ * 64 + mwi_ctz64(bits_), once_ = 1; once_; once_ = 0)                     \
        for (struct mwi_supply *u = &(mc)->of[c]; once_; once_ = 0)

/* How many slots of the span are neither free nor handed out. */
static uint32_t left(const struct mwi_supply *u) {
  uint32_t first;
  return cursor_rest(u, &first) + mwi_popcount64(u->rest);
}

/* The rest is free again.  World stopped. */
static void give_back_stw(struct mwi_mcache *mc, struct mwi_supply *u) {
  if (!u->rest) return;
  struct mwi_span *s = u->span;
  uint32_t w = u->rest_word, n = mwi_popcount64(u->rest);
  mwi_store_relaxed(&s->alloc[w], mwi_load_relaxed(&s->alloc[w]) & ~u->rest);
  mwi_store_relaxed(&s->mark[w], mwi_load_relaxed(&s->mark[w]) & ~u->rest);
  s->nalloc -= n;
  s->free_index = w * 64 + mwi_ctz64(u->rest);
  u->rest = 0;
  mc->alloc_bytes -= n * s->slot;
  mc->alloc_objects -= n;
  u->handed -= n;
}

void mwi_mcache_start_black_stw(struct mwi_mcache *mc) {
  mwi_heap.black_alloc = true;
  FOR_EACH_CACHED(mc, c, u) {
    give_back_stw(mc, u); /* not zero [H2] */
    struct mwi_span *s = u->span;
    uint32_t first, n = cursor_rest(u, &first);
    mwi_span_bits_set(s->mark, first, n);
    /* of RUN_BYTES at most, and few classes are raw and in use [H2] */
    if (n && s->info->raw && !s->noscan) zero_run(s->base + first * s->slot, n * s->slot);
  }
  /* pieces of it will be handed out while marking is on */
  if (mc->tiny) {
    struct mwi_span *s = mwi_desc_span(mwi_heap_lookup(mc->tiny));
    mwi_span_bits_set(s->mark, mwi_span_index(s, mc->tiny), 1);
  }
}

void mwi_mcache_resample_stw(struct mwi_mcache *mc) {
  mc->sample_left = next_gap(mc);
  FOR_EACH_CACHED(mc, c, u) {
    uintptr_t end = mwi_cursor_end(u);
    if (!u->cursor.next) continue;
    u->run_end = 0;
    set_run(mc, u, end);
  }
}

/* Cumulative counts of mc without what its cursors still hold. */
static struct mwi_heap_totals cache_totals(struct mwi_mcache *mc) {
  struct mwi_heap_totals t = {.alloc_bytes = mc->alloc_bytes, .alloc_objects = mc->alloc_objects};
  FOR_EACH_CACHED(mc, c, u) {
    uint32_t n = left(u);
    t.alloc_bytes -= (uint64_t)n * u->slot;
    t.alloc_objects -= n;
  }
  return t;
}

void mwi_mcache_flush_stw(struct mwi_mcache *mc) {
  FOR_EACH_CACHED(mc, c, u) give_back_stw(mc, u);
  struct mwi_heap_totals t = cache_totals(mc);
  mwi_add_relaxed(&mwi_mheap.alloc_bytes, t.alloc_bytes);
  mwi_add_relaxed(&mwi_mheap.alloc_objects, t.alloc_objects);
  mwi_add_relaxed(&mwi_mheap.ntiny, mc->ntiny);
  mc->alloc_bytes = mc->alloc_objects = mc->ntiny = 0;
  FOR_EACH_CACHED(mc, c, u) {
    struct mwi_span *s = u->span;
    uint32_t first, n = cursor_rest(u, &first);
    if (n) {
      mwi_span_bits_clear(s->alloc, first, n);
      mwi_span_bits_clear(s->mark, first, n);
      s->nalloc -= n;
      s->free_index = first;
    }
    handed_flush(mc, c, n);
    u->cursor = (struct mwi_cursor){0, 0};
    u->run_end = 0;
    u->span = NULL;
    s->in_cache = 0;
    mwi_mcentral_put(mc->shard, s, s->nalloc == s->nelems ? MWI_LIST_FULL : MWI_LIST_PARTIAL);
  }
  memset(mc->used_classes, 0, sizeof mc->used_classes);
  mc->tiny = 0;
  mc->tiny_off = 0;
  mwi_mheap_flush_cache(mc);
}

size_t mwi_heap_by_size_stw(struct mwi_size_totals *out, size_t max, struct mwi_mcache **mc,
                            size_t n) {
  size_t sizes = 0;
  memset(out, 0, max * sizeof *out);
  for (uint32_t c = MWI_CLASS_TINY; c < mwi_load_acquire(&mwi_nclasses); c++) {
    size_t i = mwi_classes[c].sizeclass;
    if (i >= sizes) sizes = i + 1;
    if (i >= max) continue;
    out[i].slot = mwi_classes[c].slot;
    for (uint32_t k = 0; k < mwi_load_acquire(&mwi_nshards); k++) {
      out[i].mallocs += mwi_load_relaxed(&mwi_mcentrals[k][c].alloc_objects);
      out[i].frees += mwi_load_relaxed(&mwi_mcentrals[k][c].freed_objects);
    }
    for (size_t k = 0; k < n; k++) {
      const struct mwi_supply *u = &mc[k]->of[c];
      out[i].mallocs += u->handed - (u->span ? left(u) : 0);
    }
  }
  return sizes;
}

void mwi_heap_totals_stw(struct mwi_heap_totals *t, struct mwi_mcache **mc, size_t n) {
  uint64_t ntiny = mwi_load_relaxed(&mwi_mheap.ntiny);
  *t = (struct mwi_heap_totals){.alloc_bytes = mwi_load_relaxed(&mwi_mheap.alloc_bytes),
                                .alloc_objects = mwi_load_relaxed(&mwi_mheap.alloc_objects)};
  for (size_t i = 0; i < n; i++) {
    struct mwi_heap_totals one = cache_totals(mc[i]);
    t->alloc_bytes += one.alloc_bytes;
    t->alloc_objects += one.alloc_objects;
    ntiny += mc[i]->ntiny;
  }
  for (uint32_t k = 0; k < mwi_load_acquire(&mwi_nshards); k++)
    for (uint32_t c = MWI_CLASS_LARGE; c < mwi_load_acquire(&mwi_nclasses); c++) {
      const struct mwi_mcentral *m = &mwi_mcentrals[k][c];
      uint64_t objects = mwi_load_relaxed(&m->freed_objects);
      t->freed_objects += objects;
      t->freed_bytes += mwi_load_relaxed(&m->freed_bytes) + objects * mwi_classes[c].slot;
    }
  /* each tiny object counts as allocated, and as freed, beside its block: Go's rule */
  t->alloc_objects += ntiny;
  t->freed_objects += ntiny;
}
