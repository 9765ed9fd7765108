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
 *          External code stores without a barrier.  Before it is entered with
 *          a pointer to a collected object or a global, the pointers in there
 *          are shaded (everything it can delete), and the object is remembered
 *          and scanned again when marking ends (everything it can insert).
 * Callers  compiled code, with the flag set (base/abi.h); gc/barrier.h for the
 *          runtime itself.  Any stack; no allocation, no stop: the world may
 *          not stop between the flag's load and the store [A2].
 * Threads  the buffer belongs to the P; a thread without one shares `spare`.
 * Not done a colour check on the object that holds slot: it needs a fence per
 *          store, and saves little.
 */
#include "gc/barrier.h"

#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/roots.h"

static struct mwi_lock spare_lock = MWI_LOCK_INIT(MWI_RANK_ASSIST);
static struct mwi_gcp spare; /* under spare_lock: for threads without a P */

void mwi_wb_flush(struct mwi_gcp *w) {
  uint32_t n = w->nwb;
  w->nwb = 0;
  for (uint32_t i = 0; i < n; i++) mwi_grey(w, w->wb[i]);
}

/* Inside mwi_rt_enter. */
static void record(uintptr_t word) {
  if (word - mwi_heap.base >= mwi_load_relaxed(&mwi_heap.used)) return;
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

static void record_range(uintptr_t lo, uintptr_t hi) {
  lo = mwi_align_up(lo, 8);
  for (; lo + 8 <= hi; lo += 8) record(*(uintptr_t *)lo);
}

/*
 * The same for a range of any size, without delaying a stop: the thread may
 * stop between chunks.  What others store in the range meanwhile they shade
 * themselves.  If a stop ended this cycle and another began a new one, what
 * was recorded counts for nothing: start again.
 */
#define CHUNK_BYTES (32 * MWI_KB) /* about 20 us */

static void record_any_range(uintptr_t lo, uintptr_t hi) {
restart:;
  uint32_t cycle = mwi_gc_stats.ncycles;
  for (uintptr_t a = lo; a < hi; a += CHUNK_BYTES) {
    record_range(a, hi - a > CHUNK_BYTES ? a + CHUNK_BYTES : hi);
    if (hi - a <= CHUNK_BYTES) break;
    mwi_gc_hooks.worker_poll();
    if (mwi_gc_stats.ncycles != cycle || !mwi_wb_on()) {
      if (mwi_wb_on()) goto restart;
      return;
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
  record_range((uintptr_t)p, (uintptr_t)p + bytes);
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

static void record_late(const void *p, size_t bytes) {
  uintptr_t lo = mwi_align_up((uintptr_t)p, 8), hi = (uintptr_t)p + bytes;
  for (; lo + 8 <= hi; lo += 8) {
    uintptr_t word = *(uintptr_t *)lo;
    if (word - mwi_heap.base >= mwi_load_relaxed(&mwi_heap.used)) continue;
    uint32_t i = mwi_add_relaxed(&nlate, 1);
    if (i >= LATE_WORDS)
      mwi_fatal("more than %d pointers stored by signal handlers in one collection", LATE_WORDS);
    mwi_store_relaxed(&late[i], word);
  }
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
#define TOUCH_STEP 4096 /* no page is smaller */

static void touch_range(const void *p, size_t n) {
  const char *at = p;
  if (!n) return;
  for (size_t i = 0; i < n; i += TOUCH_STEP) TOUCH(at + i);
  TOUCH(at + n - 1);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb(void **slot, void *val) {
  if (!barrier_needed()) return;
  TOUCH(slot);
  if (in_handler()) {
    record_late(slot, sizeof *slot);
    record_late(&val, sizeof val);
    return;
  }
  mwi_rt_enter();
#ifndef MW_BREAK_DELETION
  record((uintptr_t)*slot);
#endif
#ifndef MW_BREAK_INSERTION
  record((uintptr_t)val);
#endif
  (void)slot, (void)val;
  mwi_rt_leave();
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

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_copy(void *dst, const void *src, uint64_t n) {
  if (!barrier_needed() || !may_hold_pointers(dst)) return;
  touch_range(dst, n);
  touch_range(src, n);
  if (in_handler()) {
    record_late(dst, n);
    record_late(src, n);
    return;
  }
  mwi_rt_enter();
#ifndef MW_BREAK_DELETION
  uint32_t cycle;
  do {
    cycle = mwi_gc_stats.ncycles;
    record_any_range((uintptr_t)dst, (uintptr_t)dst + n);
#ifndef MW_BREAK_INSERTION
    record_any_range((uintptr_t)src, (uintptr_t)src + n);
#endif
  } while (cycle != mwi_gc_stats.ncycles && mwi_wb_on());
#elif !defined(MW_BREAK_INSERTION)
  record_any_range((uintptr_t)src, (uintptr_t)src + n);
#endif
  (void)src;
  mwi_rt_leave();
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_wb_clear(void *dst, uint64_t n) {
  if (!barrier_needed() || on_own_stack(dst) || !may_hold_pointers(dst)) return;
  touch_range(dst, n);
  if (in_handler()) {
    record_late(dst, n);
    return;
  }
  mwi_rt_enter();
#ifndef MW_BREAK_DELETION
  record_any_range((uintptr_t)dst, (uintptr_t)dst + n);
#endif
  (void)n;
  mwi_rt_leave();
}

/* ---- External calls ---------------------------------------------------- */

struct ext {
  struct ext *next;
  uintptr_t lo, hi; /* object or global: [lo, hi) */
};
static struct mwi_lock ext_lock = MWI_LOCK_INIT(MWI_RANK_ASSIST);
#define EXT_BUCKETS 1024
static struct ext
    *ext_table[EXT_BUCKETS]; /* under ext_lock: handed to external code in this cycle */
static struct ext *ext_free;

void mwi_ext_remember(uintptr_t lo, uintptr_t hi) {
  mwi_lock(&ext_lock);
  struct ext **bucket = &ext_table[(lo >> 4) * 2654435761u % EXT_BUCKETS];
  struct ext *e = *bucket;
  while (e && e->lo != lo) e = e->next;
  if (!e) {
    e = ext_free;
    if (e)
      ext_free = e->next;
    else
      e = mwi_meta_alloc(sizeof *e, 16);
    *e = (struct ext){*bucket, lo, hi};
    *bucket = e;
  }
  mwi_unlock(&ext_lock);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_ext(void *callee, void *arg) {
  if (!barrier_needed() || mwi_text_contains((uintptr_t)callee) || in_handler()) return;
  mwi_rt_enter();
  record((uintptr_t)arg); /* external code may store it where this stack's scan will not see it */
  size_t size;
  struct mwi_span *s;
  uintptr_t lo = mwi_object_of((uintptr_t)arg, &size, &s), hi = lo + size;
  if (lo ? may_hold_pointers((void *)lo) : mwi_roots_find((uintptr_t)arg, &lo, &hi)) {
    uint32_t cycle;
    do { /* a new cycle, begun in the middle of this, has not heard of it */
      cycle = mwi_gc_stats.ncycles;
      mwi_ext_remember(lo, hi);
      record_any_range(lo, hi);
    } while (cycle != mwi_gc_stats.ncycles && mwi_wb_on());
  }
  mwi_rt_leave();
}

/*
 * The second look at what external code was given.  What it can store there is
 * shaded already: its arguments, what they point to, and what it finds further
 * down, as long as it deletes nothing down there without a barrier.  The look
 * is for libraries that do; so large objects, which would hold up the stop, get
 * theirs just before it.
 */
#define EXT_LARGE_BYTES (32 * MWI_KB) /* 4096 words: some microseconds of the stop */
#define EXT_LARGE_MOST 256

void mwi_ext_rescan_large(void) {
  static struct ext large[EXT_LARGE_MOST]; /* one finisher at a time (gc/cycle.c [C3]) */
  uint32_t n = 0;
  mwi_lock(&ext_lock);
  for (int i = 0; i < EXT_BUCKETS; i++)
    for (struct ext *e = ext_table[i]; e && n < EXT_LARGE_MOST; e = e->next)
      if (e->hi - e->lo > EXT_LARGE_BYTES) large[n++] = *e;
  mwi_unlock(&ext_lock);
  for (uint32_t i = 0; i < n; i++)
    for (uintptr_t a = large[i].lo; a < large[i].hi; a += EXT_LARGE_BYTES) {
      uintptr_t left = large[i].hi - a;
      struct mwi_gcp *w = mwi_tcb()->gcp; /* a poll may change it */
      if (!w) return;
      mwi_scan_conservative(w, a, a + (left < EXT_LARGE_BYTES ? left : EXT_LARGE_BYTES), false);
      mwi_work_publish(w);
      mwi_gc_hooks.worker_poll(); /* somebody else's stop need not wait for all of it */
    }
}

void mwi_ext_rescan_stw(struct mwi_gcp *w) {
  shade_late_stw(w);
  for (int i = 0; i < EXT_BUCKETS; i++)
    for (struct ext *e = ext_table[i]; e; e = e->next)
      if (e->hi - e->lo <= EXT_LARGE_BYTES) mwi_scan_conservative(w, e->lo, e->hi, false);
}

void mwi_ext_reset_stw(void) {
  for (int i = 0; i < EXT_BUCKETS; i++) {
    struct ext *e = ext_table[i];
    while (e) {
      struct ext *next = e->next;
      e->next = ext_free;
      ext_free = e;
      e = next;
    }
    ext_table[i] = NULL;
  }
}
