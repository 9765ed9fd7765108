/* SPDX-License-Identifier: MIT */
/*
 * sched/stack_slot.h -- the tables of goroutine stacks (internal)
 *
 * Job      What is kept of slots, pieces of address space, that stack.c (which slot a goroutine
 * gets), stack_space.c (address space) and stack_memory.c (what of it is accessible) share. stack.h
 * is for all others. Promise  [S1] The bytes below a stack fault, and so does every slot that is
 *          not resident (never used, folded, or free and cold): an overflow
 *          never reaches another stack.
 *          [S2] With guard markers, stacks below 1 MB cost at most
 *          mwi_stack_max_bounds mappings, whatever their number: half of
 *          vm.max_map_count.  Larger ones, and all without markers, cost two
 *          each while they are in memory.
 * How      A class is a size; its slots are cut from regions, which consist of blocks:
 *
 *              region   [ block  2 MB            | block                  | ... ]
 *              block    [ slot | slot | ...      ]     16 tiny ones, which share a page of
 *                                                      page table, or one larger slot
 *              slot     [ guard | stack, used from its upper end ]
 *
 *          A slot's id is its region's index and its number there.
 * Threads  mwi_stack_lock guards lists, regions and blocks.  A resident slot keeps its block
 *          open, so its owner works on its memory without the lock.  The region table only
 *          grows and is read by the SIGSEGV handler without a lock (acquire on mwi_nregions).
 * Next     stack.c
 */
#ifndef MWI_SCHED_STACK_SLOT_H
#define MWI_SCHED_STACK_SLOT_H

#include "sched/stack.h"

#define MWI_SLOT_PAGE ((uintptr_t)4096)

/* Class c: slots of 128 KB << c.  From 2 MB on the guard is outside, 2 MB more. */
enum { MWI_SLOT_CLASSES = 14, MWI_SLOT_BLOCK_CLASS = 4 /* the first of them */ };
_Static_assert(MWI_STACK_TINY << MWI_SLOT_BLOCK_CLASS == MWI_STACK_BLOCK, "");
_Static_assert((size_t)MWI_STACK_TINY << (MWI_SLOT_CLASSES - 1) == MWI_STACK_MAX,
               "every size that may be asked for has a class");

MWI_INLINE size_t mwi_stack_class_bytes(uint32_t class) {
  return (MWI_STACK_TINY << class) + (class < MWI_SLOT_BLOCK_CLASS ? 0 : MWI_STACK_BLOCK);
}
MWI_INLINE size_t mwi_stack_class_usable(uint32_t class) {
  size_t slot = MWI_STACK_TINY << class;
  return class < MWI_SLOT_BLOCK_CLASS ? MWI_STACK_USABLE(slot) : slot;
}
MWI_INLINE uint32_t mwi_stack_class_for(size_t bytes) {
  uint32_t c = 0;
  while (mwi_stack_class_usable(c) < bytes) c++;
  return c;
}

enum mwi_block_state { MWI_BLOCK_CLOSED, MWI_BLOCK_OPEN, MWI_BLOCK_ISLANDS };
struct mwi_block {   /* under mwi_stack_lock */
  uint8_t state;     /* enum mwi_block_state */
  uint8_t nresident; /* slots with accessible memory: live, cached or free */
  uint8_t nfree;     /* of those, in a free list */
  bool repair;       /* a part may have stayed read-only: see mwi_slot_thaw */
};

/*
 * What a slot is: 0, never used; its owner, also while a processor caches the
 * stack of a dead one; or, in a free list,
 *
 *     pages of [lo, hi), 24 bits | next slot's id, 32 bits | flags
 */
enum { MWI_SLOT_FREE = 1, MWI_SLOT_WARM = 2 /* resident */ };
MWI_INLINE uintptr_t mwi_slot_free_word(size_t bytes, uint32_t next, unsigned flags) {
  return bytes / MWI_SLOT_PAGE << 40 | (uintptr_t)next << 8 | flags | MWI_SLOT_FREE;
}
MWI_INLINE size_t mwi_slot_free_bytes(uintptr_t w) {
  return (w >> 40) * MWI_SLOT_PAGE;
}
MWI_INLINE uint32_t mwi_slot_free_next(uintptr_t w) {
  return (uint32_t)(w >> 8);
}

struct mwi_region {
  /* constant */
  uintptr_t start;
  size_t bytes, slot;
  uint32_t index, class, nslots, per_block;
  struct mwi_block *blocks;
  /* atomic: a signal handler reads it; written by the owner's side or under mwi_stack_lock */
  _Atomic uintptr_t *slots;
  /* under mwi_stack_lock */
  uint32_t nfresh; /* slots from here on were never used */
};

enum { MWI_REGIONS = 8192, MWI_REGION_SLOTS = 65536 };
#define MWI_SLOT_NONE UINT32_MAX                    /* no id */
extern struct mwi_region *mwi_regions[MWI_REGIONS]; /* entries below mwi_nregions are constant */
extern _Atomic uint32_t mwi_nregions;               /* release after the entry is written */

extern struct mwi_lock mwi_stack_lock;

MWI_INLINE struct mwi_region *mwi_region_of(uint32_t id) {
  return mwi_regions[id >> 16];
}
MWI_INLINE _Atomic uintptr_t *mwi_slot_word(uint32_t id) {
  return &mwi_region_of(id)->slots[id & 0xffff];
}
MWI_INLINE uintptr_t mwi_slot_hi(const struct mwi_region *r, uint32_t slot) {
  return r->start + (slot + 1) * r->slot;
}
MWI_INLINE struct mwi_block *mwi_block_of(uint32_t id) {
  struct mwi_region *r = mwi_region_of(id);
  return &r->blocks[(id & 0xffff) / r->per_block];
}
MWI_INLINE uintptr_t mwi_block_start(const struct mwi_region *r, uint32_t b) {
  return r->start + b * r->per_block * r->slot;
}

/* ---- stack_space.c ----------------------------------------------------- */

/* Of limited space, large slots take one part in so many. */
#define MWI_SPACE_SHARE 32
/* Address space for nslots of the class, or fewer; NULL: there is none.  leave_room: they are
 * large, and nobody asked for that size. */
struct mwi_region *mwi_region_new_locked(uint32_t class, size_t nslots, bool leave_room);

/* ---- stack_memory.c ---------------------------------------------------- */

extern bool mwi_markers; /* the kernel has guard markers; under mwi_stack_lock */
void mwi_markers_probe_locked(void);
/* The kernel may refuse them in r, which is new. */
void mwi_markers_try_locked(const struct mwi_region *r);
/* No access, no memory; one mapping with neighbours of the same kind.  MAP_FAILED: refused. */
void *mwi_map_closed(void *at, size_t bytes);
/* Mappings are short, where each stack costs two. */
bool mwi_islands_short_locked(void);
/* [lo, its upper end) becomes accessible, reading as zero.  false: refused. */
bool mwi_slot_open_locked(uint32_t id, uintptr_t lo);
/* Its memory becomes inaccessible and goes back; then it is counted so.  false: refused. */
bool mwi_slot_close_memory(const struct mwi_region *r, uint32_t id, uintptr_t lo, uint8_t state);
void mwi_slot_closed_locked(uint32_t id);
/* A slot of the free lists gives its memory back.  A refusal leaves it warm. */
void mwi_slot_cool_locked(uint32_t id);

#endif
