/* SPDX-License-Identifier: MIT */
/*
 * gc/barrier.c -- what a pointer store does while marking is on
 *
 * Promise  [G1] A white object that a black one points at can still be
 *          reached from some grey object through white ones only.
 *          [G2] So a goroutine's stack, scanned once, stays scanned.
 * How      `*slot = p` first records the old *slot (deletion half, Yuasa) and
 *          then p (insertion half, Dijkstra), whatever the colour of the
 *          writer's stack: Go's hybrid barrier (Clements and Hudson, Go
 *          proposal 17503).  Recorded words wait in the processor's buffer and
 *          are shaded when it is full, when marking looks for work, or when a
 *          stop flushes it.
 *          A store of a part of a word counts as one of the whole word (mwi_rt_wb_piece).
 *          External code stores without a barrier.  Before it is entered with
 *          a pointer to a collected object or a global, the pointers in there
 *          are shaded (everything it can delete), and the object is remembered
 *          and scanned again when marking ends (everything it can insert).
 * Callers  compiled code, with the flag set (base/abi.h); gc/barrier.h for the
 *          runtime itself.  Any stack; no allocation, no stop: the world may
 *          not stop between the flag's load and the store [A2].  A handler's jump out of
 *          an entry point is made behind it (gc/jumps.h).
 * Threads  the buffer belongs to the P; a thread without one shares `spare`.
 * Not done a colour check on the object that holds slot: it needs a fence per
 *          store, and saves little.
 */
#include "gc/barrier.h"

#include "gc/cycle.h"
#include "gc/jumps.h"
#include "gc/mark.h"
#include "gc/roots.h"

static struct mwi_lock spare_lock = MWI_LOCK_INIT(MWI_RANK_ASSIST);
static struct mwi_gcp spare; /* under spare_lock: for threads without a P */

void mwi_wb_flush(struct mwi_gcp *w) {
  uint32_t n = w->nwb;
  w->nwb = 0;
  for (uint32_t i = 0; i < n; i++) mwi_grey(w, w->wb[i]);
}

MWI_INLINE bool in_heap(uintptr_t word) {
  return word - mwi_heap.base < mwi_load_relaxed(&mwi_heap.used);
}

/* Inside mwi_rt_enter. */
static void record(uintptr_t word) {
  if (!in_heap(word)) return;
  struct mwi_gcp *w = mwi_tcb()->gcp;
  if (MWI_UNLIKELY(!w)) {
    mwi_lock(&spare_lock);
    mwi_grey(&spare, word);
    mwi_work_publish(&spare);
    mwi_gc_account(&spare);
    mwi_unlock(&spare_lock);
    return;
  }
  w->wb[w->nwb++] = word;
  if (w->nwb == MWI_WB_ENTRIES) {
    mwi_wb_flush(w);
    mwi_work_publish(w); /* this P may run no worker for a while */
  }
}

typedef uintptr_t __attribute__((aligned(1), may_alias)) any_word;

/* The words from lo on, which is where a word begins, or will when it has been copied. */
static void record_range(uintptr_t lo, uintptr_t hi) {
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  for (; lo + 8 <= hi; lo += step) record(*(const any_word *)lo);
}

/*
 * The same for a range of any size, without delaying a stop or keeping others from the processor:
 * the thread may stop between chunks, and a goroutine whose time slice is over lets others run.
 * Inside a section, once.  What others store in the range meanwhile they shade
 * themselves.  If a stop ended this cycle and another began a new one, what
 * was recorded counts for nothing: start again, with larger chunks, so that one is all at last.
 * Otherwise cycles that are shorter than the range takes would keep it here for ever.
 */
#define CHUNK_BYTES (32 * MWI_KB) /* about 20 us */
#define CHUNK_GROWS 4             /* 256 MB: 7 cycles at most */

static void record_any_range(uintptr_t lo, uintptr_t hi, size_t *chunk) {
restart:;
  uint32_t cycle = mwi_gc_stats.ncycles;
  for (uintptr_t a = lo; a < hi; a += *chunk) {
    if (!mwi_wb_on()) return; /* marks made now would be taken for the next cycle's */
    record_range(a, hi - a > *chunk + 7 ? a + *chunk + 7 : hi); /* words that begin in the chunk */
    if (hi - a <= *chunk) return;
    if (mwi_gc_hooks.worker_poll()) {
      mwi_rt_leave();
      mwi_gc_hooks.poll_here();
      mwi_rt_enter();
    }
    if (mwi_gc_stats.ncycles != cycle) {
      *chunk *= CHUNK_GROWS;
      goto restart;
    }
  }
}

void mwi_shade_slow(uintptr_t p) {
  mwi_rt_enter();
  record(p);
  mwi_rt_leave();
}

void mwi_shade_range_slow(const void *p, size_t bytes) {
  mwi_rt_enter();
  record_range(mwi_align_up((uintptr_t)p, mwi_load_relaxed(&mwi_scan_step)), (uintptr_t)p + bytes);
  mwi_rt_leave();
}

/* ---- In signal handlers ------------------------------------------------ */

/*
 * A handler of the program's may interrupt the runtime anywhere, in the middle
 * of a push on this very buffer, or with a lock held.  Its stores are recorded
 * in an array that needs neither, and shaded when marking ends.
 */
#define LATE_WORDS 65536 /* stores in handlers during one cycle */
static _Atomic uintptr_t late[LATE_WORDS];
static _Atomic uint32_t nlate;

/* The runtime is not compiled code: only a handler gets here inside of it. */
MWI_INLINE bool in_handler(void) {
  return MWI_UNLIKELY(mwi_tcb()->rt > 0);
}

MWI_COLD static void record_late(uintptr_t word) {
  if (!in_heap(word)) return;
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g); /* another handler may leave this one */
  uint32_t i = mwi_add_relaxed(&nlate, 1);
  if (i >= LATE_WORDS)
    mwi_fatal("more than %d pointers stored by signal handlers in one collection", LATE_WORDS);
  mwi_store_relaxed(&late[i], word);
  mwi_jumps_go(g);
}

MWI_COLD static void record_range_late(uintptr_t lo, uintptr_t hi) {
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  for (; lo + 8 <= hi; lo += step) record_late(*(const any_word *)lo);
}

static void shade_late_stw(struct mwi_gcp *w) {
  for (uint32_t i = mwi_load_relaxed(&nlate); i-- > 0;) mwi_grey(w, mwi_load_relaxed(&late[i]));
  mwi_store_relaxed(&nlate, 0);
}

/* ---- Compiled code's entry points -------------------------------------- */

/* An unmet thread's flag is always set: attach it, then see. */
MWI_COLD static bool barrier_needed_slow(void) {
  if (!mwi_tcb()->attached) mwi_gc_hooks.need_p();
  return mwi_wb_on();
}

MWI_INLINE bool barrier_needed(void) {
  return MWI_LIKELY(mwi_tcb()->attached) ? mwi_wb_on() : barrier_needed_slow();
}

/*
 * A fault of the program's own store comes here first, since the barrier reads
 * what is there.  It must find the runtime with nothing begun, for the program's
 * handler may open the page, or leave by siglongjmp: so memory is touched before
 * mwi_rt_enter.
 */
#define TOUCH(p) ((void)*(const volatile char *)(p))
#define TOUCH_STEP 4096          /* no page is smaller */
#define TOUCH_POLL (64 * MWI_KB) /* each page may be a fault: some 20 us, again */

/* A stop may come in between, and end the cycle. */
static void touch_range(const void *p, size_t n) {
  const char *at = p;
  if (!n) return;
  for (size_t i = 0; i < n; i += TOUCH_STEP) {
    TOUCH(at + i);
    if (i % TOUCH_POLL == 0 && mwi_load_relaxed(&mwi_tcb()->poll)) mwi_gc_hooks.poll_here();
  }
  TOUCH(at + n - 1);
}

/* Around what a handler's jump must not leave half done: [JP1], and no stop [T1].  Memory of the
 * program's is touched before [JP3]. */
MWI_INLINE struct mwi_g *section_begin(void) {
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  return g;
}
MWI_INLINE void section_end(struct mwi_g *g) {
  mwi_rt_leave();
  mwi_jumps_go(g); /* the program's store is not made if a jump is: as if the signal came first */
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb(void **slot, void *val) {
  if (!barrier_needed()) return;
  TOUCH(slot);
  if (in_handler()) {
    record_late((uintptr_t)*slot);
    record_late((uintptr_t)val);
    return;
  }
  struct mwi_g *g = section_begin();
#ifndef MW_BREAK_DELETION
  record((uintptr_t)*slot);
#endif
#ifndef MW_BREAK_INSERTION
  record((uintptr_t)val);
#endif
  (void)slot, (void)val;
  section_end(g);
}

/*
 * All words that [p, p + n) is in, of those where a pointer may be.  Aligned ones are mapped as p
 * is.  Others count across the border of a page only in the heap: elsewhere the next page may be
 * nobody's.
 */
struct words {
  uintptr_t lo, hi; /* from where the first begins to where the last ends */
};
MWI_COLD static struct words words_between(uintptr_t p, uint64_t n, uint32_t step) {
  uintptr_t lo = mwi_align_up(p - 7, step), last = p + n - 1, hi = last + 8;
  const uintptr_t page = TOUCH_STEP - 1;
  if ((lo ^ p) > page && !mwi_heap_lookup(lo)) lo = p & ~(uintptr_t)7;
  if (((hi - 1) ^ last) > page && !mwi_heap_lookup(hi - 1)) hi = mwi_align_up(p + n, 8);
  return (struct words){lo, hi};
}
MWI_INLINE struct words words_of(const void *p, uint64_t n) {
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  if (MWI_UNLIKELY(step < 8)) return words_between((uintptr_t)p, n, step);
  return (struct words){(uintptr_t)p & ~(uintptr_t)7, mwi_align_up((uintptr_t)p + n, 8)};
}

/* The word at `word`, as it is when the low n bytes of v are at p. */
MWI_INLINE uintptr_t word_with(uintptr_t word, uintptr_t p, uint64_t v, uint64_t n) {
  uint64_t all = n < 8 ? (UINT64_C(1) << 8 * n) - 1 : UINT64_MAX, old = *(const any_word *)word;
  if (p >= word) {
    unsigned shift = 8 * (unsigned)(p - word);
    return (old & ~(all << shift)) | (v & all) << shift;
  }
  unsigned shift = 8 * (unsigned)(word - p); /* the rest of what begins in the word before */
  return (old & ~(all >> shift)) | (v & all) >> shift;
}

/*
 * A store of a number may be one of several that together overwrite a pointer, or make one, with
 * polls between them.  To the collector each of them stores whole words: those that it touches, as
 * they are afterwards (or as they are, where the value is not told).  The last one that makes the
 * pointer has it in full, and so has the first that overwrites it; what lies in between is no
 * pointer, or keeps an object for a cycle that nobody refers to.  Text has no addresses of the heap
 * in it: most words are dealt with by a comparison.
 */
MWI_INLINE void record_pieces(void *p, uint64_t n, const uint64_t *value) {
  TOUCH(p);
  TOUCH((char *)p + n - 1);
  struct words all = words_of(p, n);
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  for (uintptr_t word = all.lo; word + 8 <= all.hi; word += step) {
    uintptr_t old = *(const any_word *)word;
    uintptr_t made = value ? word_with(word, (uintptr_t)p, *value, n) : old;
    if (!in_heap(old) && !in_heap(made)) continue;
    if (in_handler()) {
      record_late(old);
      record_late(made);
      continue;
    }
    struct mwi_g *g = section_begin();
#ifndef MW_BREAK_DELETION
    record(old);
#endif
#ifndef MW_BREAK_INSERTION
    if (value) record(made);
#endif
    section_end(g);
  }
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_piece(void *p, uint64_t value, uint64_t n) {
  if (barrier_needed()) record_pieces(p, n, &value);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_pieces(void *p, uint64_t n) {
  if (barrier_needed()) record_pieces(p, n, NULL);
}

/* Does memory at p hold pointers at all?  Neither stacks nor pointer-free
 * objects need a bulk barrier. */
static bool may_hold_pointers(const void *p) {
  mwi_pagedesc d = mwi_heap_lookup((uintptr_t)p);
  if (!d) return true; /* global, or not ours: words outside the heap cost a comparison */
  if (mwi_desc_class(d) == MWI_CLASS_LARGE) return !mwi_desc_span(d)->noscan;
  return !mwi_classes[mwi_desc_class(d)].noscan;
}

static bool on_own_stack(const void *p) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return (uintptr_t)p >= here && (uintptr_t)p - here < 64 * MWI_KB &&
         mwi_heap_lookup((uintptr_t)p) == 0;
}

/* The word at `word`, of which [dst, dst + n) is a part, as the copy makes it. */
static uintptr_t word_copied(uintptr_t word, uintptr_t dst, uintptr_t src, uint64_t n) {
  uintptr_t made = *(const any_word *)word;
  uintptr_t lo = word > dst ? word : dst, hi = word + 8 < dst + n ? word + 8 : dst + n;
  memcpy((char *)&made + (lo - word), (const char *)src + (lo - dst), hi - lo);
  return made;
}

/* The words at both ends that a copy changes in part. */
static void record_ends(struct words all, uintptr_t dst, uintptr_t src, uint64_t n,
                        void (*to)(uintptr_t)) {
  uint32_t step = mwi_load_relaxed(&mwi_scan_step);
  uintptr_t word = all.lo;
  for (; word < dst && word + 8 <= all.hi; word += step) to(word_copied(word, dst, src, n));
  /* those whose ends are beyond it, as far as they have not been among the first */
  uintptr_t least = dst + n - 7;
  if (least > word) word += mwi_align_up(least - word, step);
  for (; word < dst + n && word + 8 <= all.hi; word += step) to(word_copied(word, dst, src, n));
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_copy(void *dst, const void *src, uint64_t n) {
  if (!barrier_needed() || !n || !may_hold_pointers(dst)) return;
  touch_range(dst, n);
  touch_range(src, n);
  struct words all = words_of(dst, n);
  uintptr_t from = /* what will be words */
      (uintptr_t)src + (-(uintptr_t)dst & (mwi_load_relaxed(&mwi_scan_step) - 1));
  if (in_handler()) {
    record_range_late(all.lo, all.hi);
    record_range_late(from, (uintptr_t)src + n);
    record_ends(all, (uintptr_t)dst, (uintptr_t)src, n, record_late);
    return;
  }
  struct mwi_g *g = section_begin();
  size_t chunk = CHUNK_BYTES;
  uint32_t cycle;
  do {
    cycle = mwi_gc_stats.ncycles;
#ifndef MW_BREAK_DELETION
    record_any_range(all.lo, all.hi, &chunk);
#endif
#ifndef MW_BREAK_INSERTION
    record_any_range(from, (uintptr_t)src + n, &chunk);
    if (!mwi_wb_on()) break; /* a stop on the way has ended the cycle */
    record_ends(all, (uintptr_t)dst, (uintptr_t)src, n, record);
#endif
    (void)chunk;
  } while (cycle != mwi_gc_stats.ncycles && mwi_wb_on());
  section_end(g);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_clear(void *dst, uint64_t n) {
  if (!barrier_needed() || !n || on_own_stack(dst) || !may_hold_pointers(dst)) return;
  touch_range(dst, n);
  struct words all = words_of(dst, n);
  if (in_handler()) {
    record_range_late(all.lo, all.hi);
    return;
  }
  struct mwi_g *g = section_begin();
#ifndef MW_BREAK_DELETION
  size_t chunk = CHUNK_BYTES;
  record_any_range(all.lo, all.hi, &chunk);
#endif
  section_end(g);
}

/* ---- External calls ---------------------------------------------------- */

/*
 * What external code was handed in this cycle: [lo, hi), an object or a global.
 * Entries are found by a hash and listed newest first.  A bucket is searched for
 * LOOK entries only: a set of hundreds of thousands has some twice, which costs a
 * look more, where a full search would cost each call a walk.
 */
struct ext {
  struct ext *chain; /* of its bucket */
  struct ext *older; /* constant while it is listed */
  uintptr_t lo;
  _Atomic uintptr_t hi; /* relaxed; lo: a variable of a library that has been closed since */
  _Atomic bool shaded;  /* all that was in it; for large ones.  Release, when that is done */
};
#define EXT_BITS 12 /* 32 KB of buckets, cleared in the stop */
#define EXT_LOOK 32
#define EXT_LARGE_BYTES (32 * MWI_KB)
static struct mwi_lock ext_lock = MWI_LOCK_INIT(MWI_RANK_ASSIST);
static struct ext *ext_table[1 << EXT_BITS]; /* under ext_lock, as the rest */
static struct ext *ext_newest, *ext_oldest;
static struct ext *ext_free; /* through `older` */

static uintptr_t ext_hi(const struct ext *e) {
  return mwi_load_relaxed(&e->hi);
}
static size_t ext_bytes(const struct ext *e) {
  return ext_hi(e) - e->lo;
}

static struct ext **ext_bucket(uintptr_t lo) {
  return &ext_table[(lo >> 4) * 0x9e3779b97f4a7c15u >> (64 - EXT_BITS)];
}

static struct ext *ext_enter(uintptr_t lo, uintptr_t hi) {
  mwi_lock(&ext_lock);
  struct ext **bucket = ext_bucket(lo), *e = *bucket;
  for (int i = 0; e && e->lo != lo; i++) e = i < EXT_LOOK ? e->chain : NULL;
  if (!e) {
    e = ext_free;
    if (e)
      ext_free = e->older;
    else
      e = mwi_meta_alloc(sizeof *e, 16);
    *e = (struct ext){*bucket, ext_newest, lo, hi, false};
    *bucket = ext_newest = e;
    if (!ext_oldest) ext_oldest = e;
  } else if (MWI_UNLIKELY(ext_hi(e) == lo)) { /* another library is there now */
    mwi_store_relaxed(&e->shaded, false);
    mwi_store_relaxed(&e->hi, hi);
  }
  mwi_unlock(&ext_lock);
  return e;
}

/* The variable at lo is about to go.  Entries stay where they are: somebody may be on the way
 * through them. */
void mwi_ext_forget(uintptr_t lo) {
  mwi_lock(&ext_lock); /* of a scan in the middle of it, too */
  for (struct ext *e = *ext_bucket(lo); e; e = e->chain)
    if (e->lo == lo) mwi_store_relaxed(&e->hi, lo);
  mwi_unlock(&ext_lock);
}

void mwi_ext_remember(uintptr_t lo, uintptr_t hi) {
  ext_enter(lo, hi);
}

/*
 * External code is given [lo, hi).  A large one is shaded by the first call of a
 * cycle only: what has come into it since is shaded too, by who stored it there, or
 * since external code had it from something it was given.
 */
static void ext_give(uintptr_t lo, uintptr_t hi) {
  size_t chunk = CHUNK_BYTES;
  uint32_t cycle;
  struct ext *e;
  do { /* a new cycle, begun in the middle of this, has not heard of it */
    cycle = mwi_gc_stats.ncycles;
    e = ext_enter(lo, hi);
    if (hi - lo > EXT_LARGE_BYTES && mwi_load_acquire(&e->shaded)) return;
    record_any_range(mwi_align_up(lo, mwi_load_relaxed(&mwi_scan_step)), hi, &chunk);
  } while (cycle != mwi_gc_stats.ncycles && mwi_wb_on());
  if (cycle == mwi_gc_stats.ncycles) mwi_store_release(&e->shaded, true);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_ext(void *callee, void *arg) {
  if (!barrier_needed() || mwi_text_contains((uintptr_t)callee) || in_handler()) return;
  struct mwi_g *g = section_begin();
  record((uintptr_t)arg); /* external code may store it where this stack's scan will not see it */
  size_t size;
  struct mwi_span *s;
  uintptr_t lo = mwi_object_of((uintptr_t)arg, &size, &s), hi = lo + size;
  if (lo ? may_hold_pointers((void *)lo) : mwi_roots_find((uintptr_t)arg, &lo, &hi))
    ext_give(lo, hi);
  section_end(g);
}

/*
 * The second look at what external code was given.  What it can store there is
 * shaded already: its arguments, what they point to, and what it finds further
 * down, as long as it deletes nothing down there without a barrier.  The look
 * is for libraries that do.  In the stop there is time for EXT_STOP_BYTES of it,
 * the newest entries first; the others, and large ones, get theirs just before.
 */
#define EXT_STOP_BYTES (64 * MWI_KB) /* 8192 words: some 20 us */
#define EXT_STOP_MOST 2048           /* entries looked at, each a cache miss */

/* The first entry that the stop has no time for.  NULL: it has time for all. */
static const struct ext *ext_stop_end(const struct ext *e) {
  size_t bytes = 0;
  for (int n = 0; e && n < EXT_STOP_MOST; e = e->older, n++)
    if (ext_bytes(e) <= EXT_LARGE_BYTES && (bytes += ext_bytes(e)) > EXT_STOP_BYTES) break;
  return e;
}

void mwi_ext_rescan_early(void) {
  mwi_lock(&ext_lock);
  const struct ext *e = ext_newest; /* entries stay until the cycle's end, which is ours */
  mwi_unlock(&ext_lock);
  const struct ext *end = ext_stop_end(e);
  for (bool early = false; e; e = e->older) {
    early |= e == end;
    if (!early && ext_bytes(e) <= EXT_LARGE_BYTES) continue;
    for (uintptr_t at = e->lo; at < ext_hi(e); at += EXT_LARGE_BYTES) {
      struct mwi_gcp *w = mwi_tcb()->gcp;
      mwi_lock(&ext_lock); /* it stays mapped meanwhile: mwi_ext_forget */
      uintptr_t hi = ext_hi(e);
      if (hi > at)
        mwi_scan_conservative(w, at, hi - at > EXT_LARGE_BYTES + 7 ? at + EXT_LARGE_BYTES + 7 : hi,
                              false);
      mwi_unlock(&ext_lock);
      mwi_work_publish(w);
      mwi_gc_hooks.worker_poll(); /* somebody else's stop need not wait for all of it */
    }
  }
}

void mwi_ext_rescan_stw(struct mwi_gcp *w) {
  shade_late_stw(w);
  const struct ext *end = ext_stop_end(ext_newest);
  for (const struct ext *e = ext_newest; e != end; e = e->older)
    if (ext_bytes(e) <= EXT_LARGE_BYTES) mwi_scan_conservative(w, e->lo, ext_hi(e), false);
}

void mwi_ext_reset_stw(void) {
  if (!ext_newest) return;
  ext_oldest->older = ext_free;
  ext_free = ext_newest;
  ext_newest = ext_oldest = NULL;
  memset(ext_table, 0, sizeof ext_table);
}
