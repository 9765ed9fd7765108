/* SPDX-License-Identifier: MIT */
/*
 * sched/foldmem.c -- compact buffers for folded stacks
 *
 * Job      Memory for the used bytes of parked goroutines' stacks: a few
 *          hundred bytes each, a million of them, outside the collected heap.
 * Promise  [F1] A buffer wastes less than 16 bytes up to 1 KB, a tenth up to
 *          4 KB, a fifth beyond.  [F2] The address of a buffer stays readable
 *          for ever: a dying process may still print from it.
 * How      Chunks of 4 MB; the first 64 KB of one describe its other spans of
 *          64 KB, each cut into buffers of one class: first by a bump pointer,
 *          so that pages are touched when needed, then from a list of freed
 *          ones.  A span whose last buffer is freed goes back to the OS,
 *          unless it is the only one of its class with room.
 * Threads  one lock, rank LEAF.  Any context that may take it, signal handlers
 *          for faults included (sched/fold.c).
 */
#include "os/inject.h"
#include "os/lock.h"
#include "os/os.h"
#include "sched/stack.h"

enum {
  SPAN_BYTES = 64 * 1024,
  CHUNK_SPANS = 64, /* bits of a word; 4 MB are asked from the OS at a time */
  CHUNK_BYTES = CHUNK_SPANS * SPAN_BYTES,
  FINE_MAX = 1024,   /* classes 16 apart */
  MEDIUM_MAX = 4096, /* 64 apart */
  NFINE = FINE_MAX / 16,
  NMEDIUM = (MEDIUM_MAX - FINE_MAX) / 64,
  COARSE_MOST = 15, /* beyond: 15, 14, ... 4 of them fill a span */
  COARSE_LEAST = 4,
  NCLASSES = NFINE + NMEDIUM + COARSE_MOST - COARSE_LEAST + 1
};

struct buffer {
  struct buffer *next;
};

_Static_assert(SPAN_BYTES / COARSE_LEAST == MWI_FOLD_MAX, "every size has a class");

/* Under the lock. */
struct span {
  struct span *next, *prev; /* partial[class]: spans with room */
  struct buffer *free;
  uint32_t fresh; /* offset of the first byte never handed out */
  uint32_t bytes; /* of a buffer */
  uint32_t nlive;
  uint32_t class;
  bool listed;
};

struct chunk {        /* at the start of CHUNK_BYTES, and as much aligned */
  uint64_t free;      /* bit i: span i is unused; span 0 never is.  Under the lock */
  struct chunk *next; /* constant */
  struct span span[CHUNK_SPANS];
};
_Static_assert(sizeof(struct chunk) <= SPAN_BYTES, "it is span 0");

static struct mwi_lock fold_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);
/* under fold_lock */
static struct span *partial[NCLASSES];
static struct chunk *chunks;
static _Atomic size_t held; /* statistic */

static uint32_t class_of(size_t bytes, uint32_t *slot) {
  if (bytes <= FINE_MAX) {
    uint32_t c = bytes ? (uint32_t)(bytes - 1) / 16 : 0;
    *slot = (c + 1) * 16;
    return c;
  }
  if (bytes <= MEDIUM_MAX) {
    uint32_t c = (uint32_t)(bytes - FINE_MAX - 1) / 64;
    *slot = FINE_MAX + (c + 1) * 64;
    return NFINE + c;
  }
  uint32_t n = COARSE_MOST; /* 16-aligned buffers to a span */
  while ((*slot = (uint32_t)mwi_align_down(SPAN_BYTES / n, 16)) < bytes) n--;
  return NFINE + NMEDIUM + COARSE_MOST - n;
}

/* ---- Spans (lock held) ------------------------------------------------- */

static void list(struct span *s) {
  s->prev = NULL;
  s->next = partial[s->class];
  if (s->next) s->next->prev = s;
  partial[s->class] = s;
  s->listed = true;
}

static void unlist(struct span *s) {
  if (s->prev)
    s->prev->next = s->next;
  else
    partial[s->class] = s->next;
  if (s->next) s->next->prev = s->prev;
  s->listed = false;
}

static struct chunk *chunk_with_room(void) {
  for (struct chunk *c = chunks; c; c = c->next)
    if (c->free) return c;
  return NULL;
}

static struct span *span_new(uint32_t class, uint32_t bytes) {
  struct chunk *c = chunk_with_room();
  if (!c) return NULL;
  unsigned i = mwi_ctz64(c->free);
  c->free &= ~(1ull << i);
  struct span *s = &c->span[i];
  *s = (struct span){.bytes = bytes, .class = class};
  list(s);
  mwi_add_relaxed(&held, SPAN_BYTES);
  return s;
}

/* ---- Chunks ------------------------------------------------------------ */

/* Without the lock: system calls. */
static bool chunk_add(void) {
  struct chunk *c = mwi_os.reserve(CHUNK_BYTES, CHUNK_BYTES);
  if (!c) return false;
  if (!mwi_os.commit(c, CHUNK_BYTES)) {
    mwi_os.unreserve(c, CHUNK_BYTES);
    return false;
  }
  c->free = UINT64_MAX & ~1ull;
  mwi_lock(&fold_lock);
  c->next = chunks;
  chunks = c;
  mwi_unlock(&fold_lock);
  return true;
}

static struct chunk *chunk_of(const void *p) {
  return (struct chunk *)mwi_align_down((uintptr_t)p, CHUNK_BYTES);
}
static uintptr_t start_of(const struct span *s) {
  struct chunk *c = chunk_of(s);
  return (uintptr_t)c + (size_t)(s - c->span) * SPAN_BYTES;
}

/* ---- Buffers ----------------------------------------------------------- */

void *mwi_foldmem_alloc(size_t bytes) {
  if (bytes > MWI_FOLD_MAX) return NULL;
  uint32_t slot, class = class_of(bytes, &slot);
  mwi_lock(&fold_lock);
  struct span *s;
  while (!(s = partial[class]) && !(s = span_new(class, slot))) {
    mwi_unlock(&fold_lock);
    if (!chunk_add()) return NULL;
    mwi_lock(&fold_lock);
  }
  struct buffer *b = s->free;
  if (b) {
    s->free = b->next;
  } else {
    b = (struct buffer *)(start_of(s) + s->fresh);
    s->fresh += s->bytes;
  }
  s->nlive++;
  if (!s->free && s->fresh + s->bytes > SPAN_BYTES) unlist(s);
  mwi_unlock(&fold_lock);
  return b;
}

void mwi_foldmem_free(void *p) {
  struct buffer *b = p;
  struct chunk *c = chunk_of(p);
  struct span *s = &c->span[((uintptr_t)p - (uintptr_t)c) / SPAN_BYTES];
  mwi_lock(&fold_lock);
  mwi_assert(s->nlive > 0);
#if MW_CHECK
  memset(b, 0xdb, s->bytes);
#endif
  b->next = s->free;
  s->free = b;
  s->nlive--;
  if (!s->listed) list(s);
  bool empty = s->nlive == 0 && (partial[s->class] != s || s->next);
  if (empty) {
    unlist(s);
    mwi_add_relaxed(&held, -(size_t)SPAN_BYTES);
  }
  mwi_unlock(&fold_lock);
  if (!empty) return;
  /* Nobody knows the span until its bit is set.  A refusal costs memory only. */
  mwi_os.release((void *)start_of(s), SPAN_BYTES);
  mwi_lock(&fold_lock);
  c->free |= 1ull << (s - c->span);
  mwi_unlock(&fold_lock);
}

size_t mwi_foldmem_held(void) {
  return mwi_load_relaxed(&held);
}
