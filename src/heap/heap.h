/* SPDX-License-Identifier: MIT */
/*
 * heap/heap.h -- the collected heap, as the layers above see it (internal)
 *
 *     mcache (per P, no lock)          one cursor and one span per span class
 *       | refill: next free run, else next span
 *     mcentral (per span class)        swept/unswept x partial/full lists
 *       | swept span with room, else sweep some, else a fresh span
 *     mheap (one lock)                 page allocator, span structs, page cache per P
 *       | grow
 *     arenas                           one reservation, 64 MB committed at a time
 *
 * A *span* is a run of 8 KB pages cut into equal slots.  All objects of a
 * span have one *span class*: a slot size and a pointer mask that repeats over
 * the slot ([H1]: so objects carry no header).  Classes with a common layout
 * are made on first use; when the table is full, or for a rare layout, the
 * object goes to the class of its size in which every word may be a pointer.
 *
 * Promise  [H2] Memory handed out is zero, but for raw objects, of which those with
 *          pointers are while marking is on.
 *          [H3] alloc bit of a slot: set from the moment its run, or the run
 *          whose rest it is in, is handed to a cursor until a sweep finds it
 *          unmarked.  Marking ignores candidates whose alloc bit is clear, so
 *          stale memory is never scanned.
 *          [H4] A span is in exactly one place: a cursor's, one mcentral list,
 *          or a sweeper's hand.  Large spans are on the lists of class LARGE.
 *          [H5] sweepgen, against heap.sweepgen h (even; +2 at each mark
 *          termination): h-2 wants sweeping; h-1 is being swept; h is swept.
 *          Spans are allocated from only when swept.  h-1 is stored before a
 *          sweep changes marks, h (release) when specials have been dealt with.
 *          [H6] While marking is on, runs are handed out black: every slot's
 *          mark bit is set with its alloc bit.
 *          [H7] An object that was freed is handed out again at most once, and
 *          never when a sweep could have found it: not while marking is on, not
 *          across a cycle, not from an unswept span.
 * Threads  mcache: the thread that holds the P (or a stopped world).
 */
#ifndef MWI_HEAP_HEAP_H
#define MWI_HEAP_HEAP_H

#include "base/tcb.h"
#include "os/lock.h"
#include "os/os.h"

#define MWI_PAGE_SHIFT 13
#define MWI_PAGE_BYTES ((size_t)1 << MWI_PAGE_SHIFT)
#define MWI_ARENA_BYTES (64 * MWI_MB)
#define MWI_MAX_SMALL 32768
#define MWI_TINY_BYTES 16
#define MWI_SPAN_MAX_OBJECTS 512

/* ---- Span classes ------------------------------------------------------ */

/* Index into mwi_classes and into an mcache's cursors. */
typedef uint32_t mwi_spanclass;
#define MWI_CLASS_NONE 0  /* free page, or a cursor that never has room */
#define MWI_CLASS_LARGE 1 /* a span that is one object */
#define MWI_CLASS_TINY 2  /* blocks shared by pointer-free objects below 16 bytes */
#define MWI_CLASS_FIRST 3 /* then 2 per size class: noscan, every-word; the raw ones; layouts */
#define MWI_NCLASSES 1024
#define MWI_MAX_SIZECLASSES 80 /* room for the table's; checked in heap/class.c */

struct mwi_class {
  /* constant once the class is published (mwi_load_acquire of mwi_nclasses) */
  uint32_t slot;      /* bytes */
  uint32_t magic;     /* ceil(2^32 / slot): object index = offset * magic >> 32 */
  uint16_t nelems;    /* slots in a span */
  uint8_t pages;      /* pages in a span */
  uint8_t noscan : 1; /* holds no pointers */
  uint8_t raw : 1;    /* handed out as it is found, but for [H2] */
  uint16_t sizeclass; /* index into the size class table */
  uint16_t period;    /* words that mask covers; 0: every word (or noscan) */
  uint64_t mask;      /* when 0 < period <= 64; longer masks are in longmask */
  const uint64_t *longmask;
  uint64_t slotmask; /* which words of a slot of up to 64 are scanned; 0: none, or a larger slot */
  /* Atomic, relaxed; only rises, before the first such object is there: an object may fill its
   * slot, so that a pointer to its end is one to the next slot.  Always set where sizes are not
   * known to mwi_class_for. */
  _Atomic bool full;
};
extern struct mwi_class mwi_classes[MWI_NCLASSES];
extern _Atomic uint32_t mwi_nclasses;

/* The class for objects of `bytes` (<= MWI_MAX_SMALL) that consist of repeated
 * elements of layout l (l->period 0: noscan).  Never fails. */
mwi_spanclass mwi_class_for(size_t bytes, const struct mwi_layout *l);
/* The untyped classes. */
mwi_spanclass mwi_class_untyped(size_t bytes, bool noscan);
/* The untyped class whose objects are not zeroed; of MWI_RAW_MIN bytes and more. */
#define MWI_RAW_MIN 64
mwi_spanclass mwi_class_raw(size_t bytes, bool noscan);
size_t mwi_slot_bytes(size_t bytes); /* size class slot for bytes <= MWI_MAX_SMALL */

/* ---- Spans ------------------------------------------------------------- */

/*
 * One 64-byte line for marking, one each for mark, scanned and alloc bits.
 *
 *   [ fixed facts | mark bits 512 | scanned bits 512 | alloc bits 512 | owner's fields ]
 *
 * Span structs are type-stable: taken from and put back to a free list, never
 * unmapped.
 */
struct mwi_span {
  /* constant while the span is in use; published by the page map's release store */
  uintptr_t base; /* first byte */
  size_t npages;
  mwi_spanclass cls;
  uint32_t nelems;              /* 1 for large */
  size_t slot;                  /* bytes of an object; large: its size rounded up to words */
  const struct mwi_class *info; /* large: NULL */
  /* large only, constant: how to scan it */
  const uint64_t *large_mask; /* NULL: every word */
  uint32_t large_period;      /* words large_mask covers */
  uint8_t noscan;
  /* atomic: Green Tea ownership during marking (gc/mark.c) */
  _Atomic uint8_t queued; /* it waits to be scanned: 1 */

  /* atomic, relaxed fetch_or while marking; plain while swept or stopped */
  _Atomic uint64_t mark[MWI_SPAN_MAX_OBJECTS / 64] MWI_ALIGNED(64);
  /* written by the marker that dequeued the span (gc/mark.c) */
  _Atomic uint64_t scanned[MWI_SPAN_MAX_OBJECTS / 64];
  /* owner (cursor or sweeper); read by markers */
  _Atomic uint64_t alloc[MWI_SPAN_MAX_OBJECTS / 64];

  /* owner of the span [H4] */
  _Atomic uint32_t sweepgen;       /* [H5]; who takes it off an unswept list writes h-1, then h */
  uint32_t nalloc;                 /* slots whose alloc bit is set */
  uint32_t free_index;             /* no free run begins below this slot */
  uint8_t needzero;                /* free slots may hold old data */
  uint8_t in_cache;                /* held by a cursor */
  uint8_t list;                    /* which mcentral list, for assertions (mcentral.h) */
  _Atomic(struct mwi_span *) next; /* mcentral list, free list */
  _Atomic(void *) specials; /* set of finalizers, cleanups, weak pointers, samples; atomic: written
                             * by who adds to it, under gc/special.c's lock */
} MWI_ALIGNED(64);
_Static_assert(sizeof(struct mwi_span) == 320, "five lines: 4 % of a one-page span");
_Static_assert(offsetof(struct mwi_span, specials) == offsetof(struct mwi_span, next) + 8,
               "the last two, which mwi_mheap_take_span clears by themselves");

/* Some that nobody else has, linked by next; the last one's link says nothing. */
struct mwi_spans {
  struct mwi_span *first, *last; /* NULL: none */
};

/* ---- Page map ---------------------------------------------------------- */

/*
 * One word for each page of the reservation, 0 for a page in no object span:
 *
 *     63            16 15    12 11         0
 *     [ span address  | page no | span class ]
 *
 * page no: the page's place in a small span (<= 15).  Read without a lock,
 * acquire pairs with the release store after the span is filled in.
 */
typedef uint64_t mwi_pagedesc;

struct mwi_heap {
  /* constant after init */
  uintptr_t base;  /* of the reservation, arena aligned */
  size_t reserved; /* bytes */
  _Atomic mwi_pagedesc *pagemap;

  /* atomic: grows only; release after commit */
  _Atomic size_t used; /* bytes from base ever committed */

  /* written with the world stopped */
  uint32_t sweepgen;    /* [H5] */
  bool black_alloc;     /* [H6] */
  uint64_t sample_rate; /* mean bytes from one sample point to the next; 0: none */

  /* atomic, relaxed counters, bytes or counts, exact when the world is stopped and caches flushed.
   * Lines of their own: what is above is read all the time. */
  _Atomic size_t inuse_pages MWI_ALIGNED(64); /* pages in spans */
  _Atomic size_t committed;                   /* bytes read/write now */
  _Atomic size_t released; /* bytes of free pages that the OS does not back: given back, or
                            * committed and not yet used */
  _Atomic uint64_t pages_swept;
  _Atomic size_t unswept_spans; /* spans that still want sweeping in this cycle, or are in a
                                 * sweeper's hand; release when a sweep is complete */
  _Atomic size_t meta_bytes;    /* committed for page map, page bitmaps and span structs */
};
extern struct mwi_heap mwi_heap;

MWI_INLINE struct mwi_span *mwi_desc_span(mwi_pagedesc d) {
  return (struct mwi_span *)(d >> 16);
}
MWI_INLINE mwi_spanclass mwi_desc_class(mwi_pagedesc d) {
  return (mwi_spanclass)(d & 0xfff);
}
MWI_INLINE uint32_t mwi_desc_page(mwi_pagedesc d) {
  return (uint32_t)(d >> 12) & 15;
}

/* Page descriptor of an arbitrary word, 0 when it points to no span. */
MWI_INLINE mwi_pagedesc mwi_heap_lookup(uintptr_t word) {
  uintptr_t off = word - mwi_heap.base; /* wraps for words below */
  if (off >= mwi_load_relaxed(&mwi_heap.used)) return 0;
  return mwi_load_acquire(&mwi_heap.pagemap[off >> MWI_PAGE_SHIFT]);
}

/* Slot of an address inside a span with descriptor d; may be >= nelems (tail waste). */
MWI_INLINE uint32_t mwi_object_index(mwi_pagedesc d, uintptr_t addr) {
  mwi_spanclass c = mwi_desc_class(d);
  if (c == MWI_CLASS_LARGE) return 0;
  uint64_t off = (addr & (MWI_PAGE_BYTES - 1)) + ((uint64_t)mwi_desc_page(d) << MWI_PAGE_SHIFT);
  return (uint32_t)((off * mwi_classes[c].magic) >> 32);
}

/* The object that `addr` points into: its start, size and class; 0 when none
 * is allocated there. */
uintptr_t mwi_object_of(uintptr_t addr, size_t *size, struct mwi_span **span);

/* ---- Allocation -------------------------------------------------------- */

/*
 * What an mcache has of a span class, in one line: where free slots lie between live ones, half of
 * all allocations need the next run of the rest, and then this is all that is looked at.
 */
struct mwi_supply {
  struct mwi_cursor cursor; /* first */
  struct mwi_span *span;    /* the cursor's, or NULL */
  uint32_t slot;            /* bytes; 0: it has never had a span */
  uint32_t handed;          /* slots given to the cursor, not yet in mcentral's total */
  uintptr_t run_end;        /* of a run whose cursor ends at a sample point; else 0 */
  /* the rest: slots of the span that are allocated for the cursor, but not in its run */
  uint64_t rest;       /* bits of word rest_word of the span's alloc bits */
  uintptr_t rest_base; /* of the slot that is that word's first */
  uint8_t rest_word;
  bool rest_zero; /* to be zeroed, run by run */
} MWI_ALIGNED(64);
_Static_assert(sizeof(struct mwi_supply) == 64, "one line");

struct mwi_mcache {
  struct mwi_supply of[MWI_NCLASSES]; /* first: compiled code adds layout->cursor to its address */
  uint64_t used_classes[MWI_NCLASSES / 64]; /* bit: of[i].span is set; for a quick flush */
  uintptr_t tiny;                           /* current tiny block, 0 none */
  uint32_t tiny_off;
  uint64_t ntiny;                  /* tiny allocations (they count as objects too) */
  struct mwi_span *span_cache[64]; /* free span structs */
  uint32_t nspan_cache;
  uint32_t shard;                /* constant: where it puts its spans (mcentral.h) */
  bool unasked;                  /* owner: take spans without asking the hook `ask` */
  size_t refused;                /* bytes of the span that `ask` refused; who looks clears it */
  uintptr_t page_base;           /* page cache: 64 pages, bitmaps */
  uint64_t page_free, page_scav; /* bit: free; free and known zero/released */
  /* allocated since the last flush, moved to heap totals at refill and flush */
  uint64_t alloc_bytes, alloc_objects;
  /* sampling for profiles (mcache.c) */
  uint64_t sample_left; /* bytes still to hand out before the next sample point */
  uint64_t sample_rand; /* state of the generator */
  bool sampled;         /* alloc_slow's slot is a sample; its caller clears this */
  /* objects that the program has freed, linked by their first word; [H7] */
  uintptr_t freed[2 * MWI_MAX_SIZECLASSES]; /* by untyped class; complemented, 0: none */
  uint32_t freed_gen;                       /* the lists are of this sweepgen, or void */
};
/* mwi_mcache_none is declared by base/tcb.h: every cursor empty, never written. */
struct mwi_mcache *mwi_mcache_new(void); /* metadata; never freed */

/* Where a cursor's run really ends: its limit, or past a sample point. */
MWI_INLINE uintptr_t mwi_cursor_end(const struct mwi_supply *u) {
  return u->run_end ? u->run_end : u->cursor.limit;
}
/* The offset that compiled code adds to the mcache's address for class c. */
MWI_INLINE uint32_t mwi_cursor_offset(mwi_spanclass c) {
  return (uint32_t)(c * sizeof(struct mwi_supply));
}
MWI_INLINE mwi_spanclass mwi_cursor_class(uint32_t offset) {
  return (mwi_spanclass)(offset / sizeof(struct mwi_supply));
}
/* Count a large object's bytes; true: it is a sample. */
bool mwi_mcache_sample(struct mwi_mcache *mc, size_t bytes);
/* World stopped, sample_rate has changed: new sample points. */
void mwi_mcache_resample_stw(struct mwi_mcache *mc);

/*
 * Slow half of a small allocation: one zeroed slot of class c.  Caller holds
 * the P whose mcache this is and is inside mwi_rt_enter.  On return the cursor
 * may have room for more.  May sweep and grow the heap; NULL: the OS has no
 * memory, or mc->refused says so (nothing changed).  *charged: bytes newly set aside for the
 * cursor (a whole run and its rest, this slot included), for the pacer.
 */
void *mwi_mcache_alloc_slow(struct mwi_mcache *mc, mwi_spanclass c, size_t *charged);
/* The same where the cursor is empty and the rest has a run without a sample point: nothing is
 * charged, no span needed.  Else NULL, and nothing has changed. */
void *mwi_mcache_alloc_rest(struct mwi_mcache *mc, mwi_spanclass c);

/*
 * An object that the program says it needs no longer, and one of those for an
 * allocation: as it was left, not zeroed.  Same conditions.  false: not now, or
 * not such an object; then it is left to the collector.
 */
bool mwi_mcache_free(struct mwi_mcache *mc, uintptr_t p);
void *mwi_mcache_reuse(struct mwi_mcache *mc, mwi_spanclass c); /* NULL: none */

/* Pointer-free object of n < 16 bytes, packed.  Same conditions; the first, where the present
 * block has room, else NULL, asks for no more than a bump in a cursor does. */
MWI_INLINE void *mwi_mcache_tiny_bump(struct mwi_mcache *mc, size_t n) {
  uint32_t align = n % 8 == 0 ? 8 : n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : 1;
  uint32_t off = (mc->tiny_off + align - 1) & -align;
  if (!mc->tiny || off + n > MWI_TINY_BYTES) return NULL;
  mc->ntiny++;
  mc->tiny_off = off + (uint32_t)n;
  return (void *)(mc->tiny + off);
}
void *mwi_mcache_alloc_tiny(struct mwi_mcache *mc, size_t n, size_t *charged);

/*
 * A large object (> MWI_MAX_SMALL) of `bytes`, elements of layout l (NULL:
 * every word may be a pointer; period 0: noscan).  Returned memory may still
 * be old data when *needzero: the caller zeroes it (in a way that does not
 * delay a stop) and only then calls mwi_large_publish, which makes it visible
 * to the collector.  NULL: no memory, or mc->refused.  mask memory of l must live for ever
 * (layouts are static) or l is copied by the callee.
 */
struct mwi_span *mwi_large_alloc(struct mwi_mcache *mc, size_t bytes, const struct mwi_layout *l,
                                 bool *needzero);
void mwi_large_publish(struct mwi_span *s);
size_t mwi_large_pages(size_t bytes); /* that such an object takes */

/* ---- Collector's side -------------------------------------------------- */

/* World stopped, marking begins: set black_alloc and blacken what cursors hold [H6]; rests are
 * free again; tiny blocks are marked. */
void mwi_mcache_start_black_stw(struct mwi_mcache *mc);
/* World stopped, marking has ended: what is left of runs, and rests, lose alloc and
 * mark bits, spans go to mcentral's unswept lists, page cache and tiny block are given back. */
void mwi_mcache_flush_stw(struct mwi_mcache *mc);
/* World stopped, after all caches are flushed: sweepgen += 2, swap the roles of the
 * swept and unswept lists, black_alloc off.  Returns spans to sweep. */
size_t mwi_heap_start_sweep_stw(void);

/* Sweep up to MWI_SWEEP_SPANS spans that want it.  Returns their pages, 0 when there is nothing
 * left to sweep.  Any number of threads; mwi_rt_enter held. */
size_t mwi_sweep_some(void);
#if MW_STRESS
#define MWI_SWEEP_SPANS 2
#else
#define MWI_SWEEP_SPANS 8 /* half a microsecond; what is done for all of them is a tenth of it */
#endif
/* Nothing is unswept and no sweeper is at work any more. */
bool mwi_sweep_done(void);

/* Walk every span in use (world stopped, or only spans' constants are read). */
void mwi_heap_each_span(void (*fn)(struct mwi_span *s, void *arg), void *arg);

/* Give free pages back to the OS until `bytes` are released; returns how many were.  Takes
 * mheap.lock in pieces. */
size_t mwi_heap_scavenge(size_t bytes);

/* Bytes and objects ever allocated and freed, as the statistics want them
 * (world stopped; walks the mcaches given). */
struct mwi_heap_totals {
  uint64_t alloc_bytes, alloc_objects; /* cumulative */
  uint64_t freed_bytes, freed_objects; /* cumulative, by sweeps */
};
void mwi_heap_totals_stw(struct mwi_heap_totals *t, struct mwi_mcache **mc, size_t n);

/* The same by size class: slot size, objects ever allocated and freed. */
struct mwi_size_totals {
  uint32_t slot;
  uint64_t mallocs, frees;
};
/* Fills out[0 .. max); returns the number of size classes.  Large objects are in none. */
size_t mwi_heap_by_size_stw(struct mwi_size_totals *out, size_t max, struct mwi_mcache **mc,
                            size_t n);

void mwi_heap_init(void); /* reserves; no address space at all: fatal */
/* Check builds: walk everything, assert [H1]-[H6].  Others: nothing. */
#if MW_CHECK
void mwi_heap_check_stw(void);
#else
MWI_INLINE void mwi_heap_check_stw(void) {}
#endif

/* ---- Upward calls ------------------------------------------------------ */

/* What the heap needs from layers above; tests fill it with fakes. */
struct mwi_heap_hooks {
  bool huge_pages;   /* ask for them as the heap grows */
  bool clobber_free; /* fill what a sweep frees with 0xdeadbeef */
  /* A memory limit is set: who takes a span asks first.  Written with the world stopped, so not
   * between the two calls.  ask: may so many bytes more be held?  true: they count as held until
   * told.  Inside mwi_rt_enter, no lock held. */
  bool limited;
  bool (*ask)(size_t bytes);
  void (*told)(size_t bytes);
  void (*swept_object_free)(struct mwi_span *s); /* s has specials; may be NULL */
};
extern struct mwi_heap_hooks mwi_heap_hooks;

#endif
