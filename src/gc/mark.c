/* SPDX-License-Identifier: MIT */
/*
 * gc/mark.c -- tri-colour marking, a span at a time
 *
 * Job      Turn words into grey objects, and grey objects into black ones.
 * Colours  white: mark bit clear.  grey: marked, not yet scanned, covered by a
 *          work item [W1].  black: marked and scanned (or pointer-free).
 * Promise  [K1] A mark bit is set once, by an atomic or; the winner accounts
 *          for the object and sees to it that it is scanned.
 *          [K2] An object is scanned after its mark bit is set, so what it
 *          points to at that moment or later (barrier) becomes grey.
 *          [K3] Words that point to no allocated slot are ignored, whatever
 *          they are: precise and conservative scanning share this code.
 * How      Small objects queue their span, not themselves (Go 1.26's "Green
 *          Tea", go.dev/blog/greenteagc).  A queued span gathers marks until a
 *          worker takes it and scans all objects that are marked and not
 *          scanned.  All objects of a span have one mask.  Large objects are
 *          items of their own, 128 KB a piece.
 *          Pointers found wait in a small ring, with a prefetch each, before
 *          their mark bits are tested (struct gather).  A locked instruction is
 *          what costs most here, so neighbours are marked with one: pointers
 *          that follow each other and lead into the same word of marks share a
 *          place in the ring.  Where nothing else is
 *          grey what they point to is scanned from there, without a queue.
 * Threads  any number of markers; a `scanned` bit may be lost to another marker
 *          (claim): that object is scanned twice.
 * Next     gc/work.c (where items wait), gc/cycle.c (when marking ends)
 */
#include "gc/mark.h"

#include "gc/roots.h"

#define PIECE_BYTES (128 * MWI_KB) /* of a large object: about 100 us of scanning */
#define ITEM_PIECE 1

/* ---- White to grey ----------------------------------------------------- */

/* An object of s is marked and not scanned: s waits for it, with all that it gathers until then. */
static void queue_span(struct mwi_gcp *w, struct mwi_span *s) {
  /* If it waits already, whoever takes it swaps `queued` first and reads the marks then; ours was
   * set before this load. */
  if (mwi_load_seqcst(&s->queued)) return;
  /* seq_cst: pairs with scan_span */
  if (!atomic_exchange_explicit(&s->queued, 1, memory_order_seq_cst)) mwi_work_put(w, (uintptr_t)s);
}

uintptr_t mwi_checking; /* world stopped */

MWI_COLD static _Noreturn void not_marked(const struct mwi_span *s, uint32_t idx) {
  mwi_fatal("checkmark: object %p of %zu bytes is not marked, but %s %p holds a pointer to it",
            (void *)(s->base + (uintptr_t)idx * s->slot), s->slot,
            mwi_checking == 1 ? "a root outside stacks," : "marked object",
            mwi_checking == 1 ? NULL : (void *)mwi_checking);
}

/* Account for n objects just marked.  true: the caller sees to them, small ones with pointers. */
MWI_INLINE bool marked(struct mwi_gcp *w, mwi_pagedesc d, uint32_t n) {
  mwi_spanclass cls = mwi_desc_class(d);
  if (MWI_UNLIKELY(cls == MWI_CLASS_LARGE)) {
    struct mwi_span *s = mwi_desc_span(d);
    w->marked_bytes += s->npages << MWI_PAGE_SHIFT;
    if (!s->noscan) mwi_work_put(w, s->base | ITEM_PIECE);
    return false;
  }
  const struct mwi_class *c = &mwi_classes[cls];
  w->marked_bytes += (uint64_t)n * c->slot;
  return !c->noscan;
}

/* Mark an object [K1].  true: the caller sees to it.  (A slot behind a span's last is never
 * allocated.) */
MWI_INLINE bool mark_one(struct mwi_gcp *w, mwi_pagedesc d, uint32_t idx) {
  struct mwi_span *s = mwi_desc_span(d);
  _Atomic uint64_t *word = &s->mark[idx / 64];
  uint64_t bit = (uint64_t)1 << idx % 64;
  if (mwi_load_relaxed(word) & bit) return false;
  if (!(mwi_load_relaxed(&s->alloc[idx / 64]) & bit)) return false; /* [K3] */
  if (MWI_UNLIKELY(mwi_checking)) not_marked(s, idx);
  if (mwi_or_relaxed(word, bit) & bit) return false;
  return marked(w, d, 1);
}

/* Mark objects of word i of a span's marks.  Returns which of them the caller sees to. */
static MWI_NOINLINE uint64_t mark_some(struct mwi_gcp *w, mwi_pagedesc d, uint32_t i,
                                       uint64_t bits) {
  struct mwi_span *s = mwi_desc_span(d);
  bits &= ~mwi_load_relaxed(&s->mark[i]) & mwi_load_relaxed(&s->alloc[i]); /* [K3] */
  if (!bits) return 0;
  if (MWI_UNLIKELY(mwi_checking)) not_marked(s, i * 64 + mwi_ctz64(bits));
  bits &= ~mwi_or_relaxed(&s->mark[i], bits);
  return bits && marked(w, d, mwi_popcount64(bits)) ? bits : 0;
}

/* Scanned some hundred items from now: in the cache by then. */
MWI_INLINE void prefetch_object(const struct mwi_span *s, uint32_t idx) {
  __builtin_prefetch((void *)(s->base + (uintptr_t)idx * s->slot));
}

static void grey_one(struct mwi_gcp *w, mwi_pagedesc d, uint32_t idx) {
  if (!mark_one(w, d, idx)) return;
  struct mwi_span *s = mwi_desc_span(d);
  prefetch_object(s, idx);
  queue_span(w, s);
}

static void grey_some(struct mwi_gcp *w, mwi_pagedesc d, uint32_t i, uint64_t bits) {
  bits = mark_some(w, d, i, bits);
  if (!bits) return;
  struct mwi_span *s = mwi_desc_span(d);
  for (; bits; bits &= bits - 1) prefetch_object(s, i * 64 + mwi_ctz64(bits));
  queue_span(w, s);
}

void mwi_grey(struct mwi_gcp *w, uintptr_t word) {
  mwi_pagedesc d = mwi_heap_lookup(word);
  if (d) grey_one(w, d, mwi_object_index(d, word));
}

/* ---- Scanning ---------------------------------------------------------- */

#define GATHER 16 /* words between a prefetch and its use: covers a memory access */

/*
 * Words found, with what their mark bits need on its way into the cache: each
 * waits until GATHER others have come, or for a flush.  A worker's stays in use
 * from one object to the next, so that lists and trees, with a pointer or two to
 * an object, gain by it as well.  What waits is in the worker's hand [W1].
 */
struct gather {
  struct mwi_gcp *w;
  uint32_t next; /* where the next one goes; the oldest is n before */
  uint32_t n;
  /* a place for those that follow each other and lead into the same word of the same span's marks
   */
  mwi_pagedesc desc[GATHER];
  uint32_t idx[GATHER];  /* the first one's */
  uint64_t bits[GATHER]; /* of that word: all of theirs */
};

MWI_INLINE void grey(struct mwi_gcp *w, mwi_pagedesc d, uint32_t idx, uint64_t bits) {
  if (bits & (bits - 1))
    grey_some(w, d, idx / 64, bits);
  else
    grey_one(w, d, idx);
}

static void gather_flush(struct gather *g) {
  for (; g->n; g->n--) {
    uint32_t k = (g->next - g->n) % GATHER;
    grey(g->w, g->desc[k], g->idx[k], g->bits[k]);
  }
}

MWI_INLINE void gather_word(struct gather *g, uintptr_t word) {
  uintptr_t off = word - mwi_heap.base;
  if (off >= mwi_load_relaxed(&mwi_heap.used)) return;
  mwi_pagedesc d = mwi_load_acquire(&mwi_heap.pagemap[off >> MWI_PAGE_SHIFT]);
  if (!d) return;
  uint32_t idx = mwi_object_index(d, word);
  uint64_t bit = (uint64_t)1 << idx % 64;
  uint32_t k = g->next, last = (k - 1) % GATHER;
  if (g->desc[last] == d && (g->idx[last] ^ idx) < 64 && g->n) {
    g->bits[last] |= bit;
    return;
  }
  struct mwi_span *s = mwi_desc_span(d);
  __builtin_prefetch(&s->mark[idx / 64], 1);
  __builtin_prefetch(s, 1); /* slot, queued */
  __builtin_prefetch(&s->alloc[idx / 64]);
  mwi_pagedesc oldest = g->desc[k];
  uint32_t oldest_idx = g->idx[k];
  uint64_t oldest_bits = g->bits[k];
  g->desc[k] = d;
  g->idx[k] = idx;
  g->bits[k] = bit;
  g->next = (k + 1) % GATHER;
  if (MWI_LIKELY(g->n == GATHER))
    grey(g->w, oldest, oldest_idx, oldest_bits);
  else
    g->n++;
}

/* Memory that mutators change meanwhile: each word is read once, whole.  On stacks that the unit
 * tests make of their own, AddressSanitizer has its red zones. */
#if __has_feature(address_sanitizer)
__attribute__((no_sanitize("address"), noinline)) static uintptr_t read_word(uintptr_t addr) {
#else
MWI_INLINE uintptr_t read_word(uintptr_t addr) {
#endif
  return mwi_load_relaxed((_Atomic uintptr_t *)addr);
}

_Atomic uint32_t mwi_scan_step = 8;

/* What is no word of its own. */
MWI_COLD static void gather_between(struct gather *g, uintptr_t addr, uintptr_t end) {
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  for (addr = mwi_align_up(addr, step); addr + 8 <= end; addr += step)
    if (addr % 8) gather_word(g, read_word(addr));
}

/* Words that begin in [addr, end) and end before `limit`. */
static void gather_every(struct gather *g, uintptr_t addr, uintptr_t end, uintptr_t limit) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_scan_step) < 8))
    gather_between(g, addr, limit - end < 7 ? limit : end + 7);
  for (; addr + 8 <= end; addr += 8) gather_word(g, read_word(addr));
}

static void gather_mask64(struct gather *g, uintptr_t addr, uintptr_t end, uint64_t mask,
                          uint32_t period) {
  for (; addr + 8 <= end; addr += (uintptr_t)period * 8)
    for (uint64_t m = mask; m; m &= m - 1) {
      uintptr_t a = addr + mwi_ctz64(m) * 8;
      if (a + 8 > end) break;
      gather_word(g, read_word(a));
    }
}

/* A word of the mask at a time: a struct with a large buffer has few pointers. */
static void gather_long(struct gather *g, uintptr_t start, uintptr_t addr, uintptr_t end,
                        const uint64_t *mask, uint32_t period) {
  uint32_t i = (uint32_t)((addr - start) / 8 % period);
  uintptr_t left = (end - addr) / 8; /* words */
  while (left) {
    uint32_t n = 64 - (i & 63); /* words that this part of the mask speaks of */
    if (n > period - i) n = period - i;
    if (n > left) n = (uint32_t)left;
    uint64_t m = mask[i >> 6] >> (i & 63);
    if (n < 64) m &= ((uint64_t)1 << n) - 1;
    for (; m; m &= m - 1) gather_word(g, read_word(addr + mwi_ctz64(m) * 8));
    addr += (uintptr_t)n * 8;
    left -= n;
    i += n;
    if (i == period) i = 0;
  }
}

MWI_INLINE void gather_slot(struct gather *g, const struct mwi_class *c, uintptr_t addr) {
  uintptr_t end = addr + c->slot;
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_scan_step) < 8) && !c->period)
    gather_every(g, addr, end, end);
  else if (MWI_LIKELY(c->slotmask))
    for (uint64_t m = c->slotmask; m; m &= m - 1)
      gather_word(g, read_word(addr + mwi_ctz64(m) * 8));
  else if (!c->period)
    gather_every(g, addr, end, end);
  else if (c->period <= 64)
    gather_mask64(g, addr, end, c->mask, c->period);
  else
    gather_long(g, addr, addr, end, c->longmask, c->period);
}

/* A piece may begin in the middle of the mask. */
static void gather_masked(struct gather *g, uintptr_t start, uintptr_t addr, uintptr_t end,
                          const uint64_t *mask, uint32_t period) {
  if (period <= 32) { /* an array of small structs */
    uint32_t into = (uint32_t)((addr - start) / 8 % period);
    uintptr_t whole = addr + (uintptr_t)(into ? period - into : 0) * 8;
    if (whole > end) whole = end;
    gather_long(g, start, addr, whole, mask, period);
    gather_mask64(g, whole, end, mask[0] & (((uint64_t)1 << period) - 1), period);
  } else {
    gather_long(g, start, addr, end, mask, period);
  }
}

static void gather_large(struct gather *g, struct mwi_span *s, uintptr_t addr, uintptr_t end) {
  if (!s->large_mask)
    gather_every(g, addr, end, s->base + s->slot);
  else
    gather_masked(g, s->base, addr, end, s->large_mask, s->large_period);
}

/*
 * `end` may be the end of an object, and the first byte of the next one or of nothing.  Where a
 * large object ends is known, and few fill their last page; a small one that does not fill its slot
 * ends in it.  Without these tests each would live as long as a stack points to whatever lies
 * behind it, and so would all that it leads to: of a queue, everything that came after it.
 */
MWI_INLINE void gather_end(struct gather *g, uintptr_t end) {
  mwi_pagedesc d = mwi_heap_lookup(end - 1);
  if (MWI_LIKELY(!d)) return;
  mwi_spanclass c = mwi_desc_class(d);
  if (c == MWI_CLASS_LARGE) {
    const struct mwi_span *s = mwi_desc_span(d);
    if (end - s->base > s->slot) return;
  } else if (!mwi_load_relaxed(&mwi_classes[c].full)) {
    return;
  }
  gather_word(g, end - 1);
}

void (*mwi_scan_sink)(uintptr_t lo, uintptr_t hi, const uint64_t *mask, uint32_t period);

void mwi_scan_conservative(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi, bool with_ends) {
  if (MWI_UNLIKELY(mwi_scan_sink != NULL)) {
    mwi_scan_sink(lo, hi, NULL, 0);
    return;
  }
  struct gather g = {.w = w};
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_scan_step) < 8)) gather_between(&g, lo, hi);
  lo = mwi_align_up(lo, 8);
  for (uintptr_t a = lo; a + 8 <= hi; a += 8) {
    uintptr_t word = read_word(a);
    gather_word(&g, word);
    if (with_ends) gather_end(&g, word);
  }
  gather_flush(&g);
}

void mwi_scan_rounded(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi) {
  if (MWI_UNLIKELY(mwi_scan_sink != NULL)) return; /* it wants words */
  struct gather g = {.w = w};
  for (uintptr_t a = lo; a < hi; a += 8) {
    uintptr_t word = mwi_align_down(read_word(a), 8);
    for (uintptr_t at = 8; at < MWI_ROUNDED; at += 8)
      gather_word(&g, word + at); /* no slot is smaller */
  }
  gather_flush(&g);
}

void mwi_scan_masked(struct mwi_gcp *w, uintptr_t start, uintptr_t lo, uintptr_t hi,
                     const uint64_t *mask, uint32_t period) {
  if (MWI_UNLIKELY(mwi_scan_sink != NULL)) {
    mwi_scan_sink(lo, hi, mask, period);
    return;
  }
  struct gather g = {.w = w};
  gather_masked(&g, start, lo, hi, mask, period);
  gather_flush(&g);
}

void mwi_scan_object(struct mwi_gcp *w, struct mwi_span *s, uint32_t idx) {
  if (MWI_UNLIKELY(mwi_scan_sink != NULL)) return; /* it wants roots */
  struct gather g = {.w = w};
  if (s->cls == MWI_CLASS_LARGE) {
    if (!s->noscan) gather_large(&g, s, s->base, s->base + s->slot);
  } else if (!s->info->noscan) {
    gather_slot(&g, s->info, s->base + (uintptr_t)idx * s->slot);
  }
  gather_flush(&g);
}

void mwi_scan_contents(struct mwi_gcp *w, struct mwi_span *s, uint32_t idx) {
  if (MWI_UNLIKELY(mwi_scan_sink != NULL)) return;
  if (s->cls != MWI_CLASS_LARGE || MWI_UNLIKELY(mwi_checking))
    mwi_scan_object(w, s, idx);
  else if (!s->noscan)
    mwi_work_put(w, s->base | ITEM_PIECE);
}

static void scan_large_here(struct mwi_gcp *w, struct mwi_span *s) {
  uintptr_t end = s->base + s->slot;
  for (uintptr_t a = s->base; a < end; a += PIECE_BYTES) {
    struct gather g = {.w = w};
    gather_large(&g, s, a, end - a > PIECE_BYTES ? a + PIECE_BYTES : end);
    gather_flush(&g);
    mwi_gc_hooks.worker_poll(); /* another stop need not wait for all of it */
  }
}

void mwi_scan_pointees(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi) {
  struct mwi_span *last_large = NULL;
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  for (uintptr_t a = mwi_align_up(lo, step); a + 8 <= hi; a += step) {
    uintptr_t word = read_word(a);
    mwi_pagedesc d = mwi_heap_lookup(word);
    if (!d) continue;
    struct mwi_span *s = mwi_desc_span(d);
    uint32_t idx = mwi_object_index(d, word);
    if (idx >= s->nelems || !(mwi_load_relaxed(&s->alloc[idx >> 6]) >> (idx & 63) & 1)) continue;
    if (s->cls == MWI_CLASS_LARGE ? s->noscan : s->info->noscan) continue;
    uintptr_t obj = s->base + (uintptr_t)idx * s->slot;
    mwi_ext_remember(obj, obj + s->slot);
    if (!w) continue;
    if (s->cls != MWI_CLASS_LARGE) {
      mwi_scan_object(w, s, idx);
    } else if (s != last_large) { /* frames repeat their pointers */
      last_large = s;
      scan_large_here(w, s);
    }
  }
}

/* ---- Grey to black ----------------------------------------------------- */

static uint64_t scan_piece(struct gather *g, uintptr_t addr) {
  mwi_pagedesc d = mwi_heap_lookup(addr);
  mwi_assert(d && mwi_desc_class(d) == MWI_CLASS_LARGE);
  struct mwi_span *s = mwi_desc_span(d);
  uintptr_t end = s->base + s->slot;
  if (end - addr > PIECE_BYTES) {
    end = addr + PIECE_BYTES;
    mwi_work_put(g->w, end | ITEM_PIECE);
  }
  gather_large(g, s, addr, end);
  return end - addr;
}

#if MW_CHECK
void (*mwi_mark_dequeued)(struct mwi_span *s);
#endif

/*
 * Which of `marked` nobody has scanned; the caller does.  Not an atomic or: when
 * two do this at once one's bits may be lost, and the objects are scanned twice,
 * which costs less than a locked instruction for each.
 */
MWI_INLINE uint64_t claim(_Atomic uint64_t *scanned, uint64_t marked) {
  uint64_t old = mwi_load_relaxed(scanned), todo = marked & ~old;
  if (todo) mwi_store_relaxed(scanned, old | todo);
  return todo;
}

static uint64_t scan_span(struct gather *g, struct mwi_span *s) {
  const struct mwi_class *c = s->info;
  /* seq_cst: pairs with queue_span; marks whose setter saw 1 are visible from here on */
  atomic_exchange_explicit(&s->queued, 0, memory_order_seq_cst);
#if MW_CHECK
  if (mwi_mark_dequeued) mwi_mark_dequeued(s);
#endif
  uint64_t bytes = 0;
  for (uint32_t i = 0; i * 64 < s->nelems; i++) {
    uint64_t todo = claim(&s->scanned[i], mwi_load_relaxed(&s->mark[i]));
    if (!todo) continue;
    uintptr_t first = s->base + (uintptr_t)i * 64 * c->slot;
    for (uint64_t t = todo; t; t &= t - 1)
      __builtin_prefetch((void *)(first + mwi_ctz64(t) * c->slot));
    for (; todo; todo &= todo - 1) {
      gather_slot(g, c, first + mwi_ctz64(todo) * c->slot);
      bytes += c->slot;
    }
  }
  return bytes;
}

/*
 * Nothing else is known to be grey: the oldest is dealt with now, and what it leads to scanned at
 * once, with one locked instruction instead of three.  Whoever follows a list comes here for each
 * link.
 */
static uint64_t scan_oldest(struct gather *g) {
  uint32_t k = (g->next - g->n--) % GATHER, idx = g->idx[k];
  mwi_pagedesc d = g->desc[k];
  struct mwi_span *s = mwi_desc_span(d);
  uint64_t bits = g->bits[k];
  if (bits & (bits - 1)) {
    grey_some(g->w, d, idx / 64, bits);
    return 0;
  }
  if (!mark_one(g->w, d, idx) || !claim(&s->scanned[idx / 64], bits)) return 0;
  gather_slot(g, s->info, s->base + (uintptr_t)idx * s->slot);
  return s->slot;
}

/* Touched soon: an item's span, then what of it was scanned. */
static void look_ahead(const struct mwi_gcp *w) {
  uint32_t n = w->tail - w->head;
  if (n > 7)
    __builtin_prefetch((void *)(w->ring[(w->head + 7) % MWI_WORK_RING] & ~(uintptr_t)7), 1);
  if (n <= 3) return;
  uintptr_t item = w->ring[(w->head + 3) % MWI_WORK_RING];
  if (item & ITEM_PIECE) return; /* the hardware sees to it */
  __builtin_prefetch((void *)((struct mwi_span *)item)->scanned, 1);
}

uint64_t mwi_drain(struct mwi_gcp *w, uint64_t units, bool (*stop)(void)) {
  uint64_t done = 0, check = MWI_DRAIN_CHECK;
  struct gather g = {.w = w};
  for (;;) {
    if (w->head == w->tail && g.n && !mwi_work_any()) { /* a wider front is faster than this */
      done += scan_oldest(&g);
    } else {
      uintptr_t item = mwi_work_get(w);
      if (!item && g.n) continue; /* another was faster */
      if (!item) break;
      look_ahead(w);
      done += item & ITEM_PIECE ? scan_piece(&g, item & ~(uintptr_t)ITEM_PIECE)
                                : scan_span(&g, (struct mwi_span *)item);
    }
    if (done < check) continue;
    check = done + MWI_DRAIN_CHECK;
    gather_flush(&g); /* before this thread may stop */
    if (units && done >= units) break;
    if (mwi_work_any() && mwi_gc_hooks.idle_procs()) mwi_gc_hooks.wake();
    if (stop && stop()) break;
  }
  mwi_assert(!g.n);
  w->scan_work += done;
  return done;
}
