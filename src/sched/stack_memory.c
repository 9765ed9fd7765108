/* SPDX-License-Identifier: MIT */
/*
 * sched/stack_memory.c -- what of a stack's slot is accessible, and the mappings that this takes
 *
 * Job      Open and close slots and blocks; count the kernel's mappings and keep below its limit;
 *          the steps of folding (fold.c).
 * Promise  [S1] and [S2] of stack_slot.h.
 * How      A block is in one of three states:
 *
 *            CLOSED   no access, one mapping with its closed neighbours, no
 *                     memory, not even page tables
 *            OPEN     readable and writable, one mapping with its open
 *                     neighbours.  Guard markers in the page table
 *                     (MADV_GUARD_INSTALL, Linux 6.13), which cost no mapping,
 *                     cover all of it but its resident stacks
 *            ISLANDS  each resident stack is a mapping of its own in memory
 *                     without access: two mappings for each.  For large
 *                     slots, whose guards would have page tables of their own,
 *                     and where the kernel has no markers
 *
 *          Two neighbours of which one is open are a boundary; boundaries are
 *          counted and bounded: past the limit an open block stays open
 *          (512 bytes of page table a goroutine), a closed one is opened
 *          together with those between it and the next open one, and islands
 *          are avoided or, without markers, other goroutines are folded
 *          (sched/fold.c, mwi_fold_at_park).
 *
 * Threads  mwi_stack_lock, but for the owner's work on its own resident slot.
 * Next     fold.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gc/gc.h"
#include "os/inject.h"
#include "sched/stack_slot.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

bool mwi_markers;
static uint32_t nbounds; /* boundaries of mappings; under mwi_stack_lock */
#if MW_STRESS
uint32_t mwi_stack_max_bounds = 64; /* so that neighbours are joined, and blocks stay open */
#else
uint32_t mwi_stack_max_bounds;
#endif
static _Atomic uint32_t nresident;

/* ---- The kernel's limit, and its calls --------------------------------- */

/* The kernel's answer, asked for when it may matter: most programs have a few stacks. */
enum { LEAST_BOUNDS = 512 };
static MWI_COLD void ask_max_bounds(void) {
  char text[32] = "";
  int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  if (fd >= 0) close(fd);
  long n = strtol(text, NULL, 10);
  if (n < 2 * LEAST_BOUNDS) n = 65530; /* the kernel's default */
  mwi_stack_max_bounds = n > 1 << 20 ? 1 << 19 : (uint32_t)n / 2;
}

static uint32_t max_bounds_locked(uint32_t needed) {
  if (MWI_LIKELY(mwi_stack_max_bounds)) return mwi_stack_max_bounds;
  if (needed <= LEAST_BOUNDS / 2) return LEAST_BOUNDS;
  ask_max_bounds();
  return mwi_stack_max_bounds;
}

static bool guard_install(uintptr_t lo, uintptr_t hi) {
  if (mwi_inject(MWI_INJECT_MADVISE) || mwi_inject(MWI_INJECT_GUARD)) return false;
  return madvise((void *)lo, hi - lo, MADV_GUARD_INSTALL) == 0;
}

static bool guard_remove(uintptr_t lo, uintptr_t hi) {
  return madvise((void *)lo, hi - lo, MADV_GUARD_REMOVE) == 0;
}

/* MAP_STACK means no huge pages. */
void *mwi_map_closed(void *at, size_t bytes) {
  if (mwi_inject(MWI_INJECT_MMAP)) return MAP_FAILED;
  return mmap(at, bytes, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | (at ? MAP_FIXED : 0), -1,
              0);
}

void mwi_markers_probe_locked(void) {
  void *p = mwi_map_closed(NULL, MWI_SLOT_PAGE);
  mwi_markers = p != MAP_FAILED && guard_install((uintptr_t)p, (uintptr_t)p + MWI_SLOT_PAGE);
  if (p != MAP_FAILED) munmap(p, MWI_SLOT_PAGE);
}

/* mlockall, for one, makes the kernel refuse them later.  Large slots do without. */
void mwi_markers_try_locked(const struct mwi_region *r) {
  if (mwi_markers && r->per_block > 1)
    mwi_markers = guard_install(r->start, r->start + MWI_SLOT_PAGE) &&
                  guard_remove(r->start, r->start + MWI_SLOT_PAGE);
}

static bool set_access(uintptr_t lo, uintptr_t hi, int access) {
  if (mwi_inject(MWI_INJECT_MMAP)) return false;
  return mprotect((void *)lo, hi - lo, access) == 0;
}

/* ---- Blocks (lock held) ------------------------------------------------ */

static bool is_open(const struct mwi_region *r, int64_t b) {
  return b >= 0 && b < (int64_t)(r->nslots / r->per_block) && r->blocks[b].state == MWI_BLOCK_OPEN;
}

/* What opening (or closing) b adds to the boundaries. */
static int bounds_of(const struct mwi_region *r, uint32_t b) {
  int open_neighbours = is_open(r, (int64_t)b - 1) + is_open(r, (int64_t)b + 1);
  return 2 - 2 * open_neighbours; /* for opening; the opposite for closing */
}

static bool room_for(int bounds) {
  uint32_t then = nbounds + (uint32_t)bounds;
  return bounds <= 0 || then <= max_bounds_locked(then);
}

static void mark_open(struct mwi_region *r, uint32_t b) {
  nbounds = (uint32_t)((int)nbounds + bounds_of(r, b));
  r->blocks[b].state = MWI_BLOCK_OPEN;
}

/* Blocks [from, to], all closed: guards first, so that nothing in them is ever
 * accessible without.  false: no memory, no mapping, or no markers. */
static bool open_range(struct mwi_region *r, uint32_t from, uint32_t to) {
  uintptr_t lo = mwi_block_start(r, from), hi = mwi_block_start(r, to + 1);
  if (!guard_install(lo, hi) || !set_access(lo, hi, PROT_READ | PROT_WRITE)) return false;
  for (uint32_t b = from; b <= to; b++) mark_open(r, b);
  return true;
}

/* The nearest block from b on in direction `step` that is not closed, if it is
 * open; else -1.  *end: whether the region ended before one came. */
static int64_t open_neighbour(const struct mwi_region *r, uint32_t b, int step, bool *end) {
  int64_t n = r->nslots / r->per_block, i = (int64_t)b + step;
  while (i >= 0 && i < n && r->blocks[i].state == MWI_BLOCK_CLOSED) i += step;
  *end = i < 0 || i >= n;
  return !*end && r->blocks[i].state == MWI_BLOCK_OPEN ? i : -1;
}

/* Open b together with what lies between it and the nearest open block, which
 * takes no mapping; with nothing open, all of the region. */
static bool open_to_neighbour(struct mwi_region *r, uint32_t b) {
  bool left_end, right_end;
  int64_t left = open_neighbour(r, b, -1, &left_end), right = open_neighbour(r, b, 1, &right_end);
  if (left >= 0 && (right < 0 || b - left <= right - b))
    return open_range(r, (uint32_t)left + 1, b);
  if (right >= 0) return open_range(r, b, (uint32_t)right - 1);
  return left_end && right_end && open_range(r, 0, r->nslots / r->per_block - 1);
}

/* Choose how b's slots become accessible, if it is closed. */
static void open_block(struct mwi_region *r, uint32_t b) {
  struct mwi_block *k = &r->blocks[b];
  if (k->state != MWI_BLOCK_CLOSED) return;
  if (mwi_markers && r->per_block > 1) {
    if (room_for(bounds_of(r, b)) && open_range(r, b, b)) return;
    if (k->state == MWI_BLOCK_CLOSED && open_to_neighbour(r, b)) return;
  }
  k->state = MWI_BLOCK_ISLANDS;
}

/* Nothing in b is resident. */
static void close_block(struct mwi_region *r, uint32_t b) {
  struct mwi_block *k = &r->blocks[b];
  mwi_assert(k->nresident == 0 && k->nfree == 0);
  if (k->state == MWI_BLOCK_ISLANDS) {
    k->state = MWI_BLOCK_CLOSED;
    /* again, all at once: that frees the page table */
    if (r->per_block > 1) mwi_map_closed((void *)mwi_block_start(r, b), r->per_block * r->slot);
    return;
  }
  int bounds = -bounds_of(r, b);
  if (!room_for(bounds)) return; /* markers cover it already: only its page table stays */
  if (mwi_map_closed((void *)mwi_block_start(r, b), r->per_block * r->slot) == MAP_FAILED) return;
  nbounds = (uint32_t)((int)nbounds + bounds);
  k->state = MWI_BLOCK_CLOSED;
  k->repair = false;
}

/* ---- A slot's memory --------------------------------------------------- */

static void count_resident(struct mwi_region *r, uint32_t b, int n) {
  r->blocks[b].nresident = (uint8_t)(r->blocks[b].nresident + n);
  if (r->blocks[b].state == MWI_BLOCK_ISLANDS) nbounds = (uint32_t)((int)nbounds + 2 * n);
  mwi_add_relaxed(&nresident, (uint32_t)n);
  if (!mwi_markers && nbounds < max_bounds_locked(nbounds) / 2) mwi_fold_under_pressure(false);
}

bool mwi_islands_short_locked(void) {
  return nbounds > max_bounds_locked(nbounds) / 4 * 3;
}

bool mwi_slot_open_locked(uint32_t id, uintptr_t lo) {
  struct mwi_region *r = mwi_region_of(id);
  uint32_t slot = id & 0xffff, b = slot / r->per_block;
  uintptr_t hi = mwi_slot_hi(r, slot);
  open_block(r, b);
  struct mwi_block *k = &r->blocks[b];
  if (k->state == MWI_BLOCK_OPEN) {
    if (k->repair)
      k->repair =
          !set_access(mwi_block_start(r, b), mwi_block_start(r, b + 1), PROT_READ | PROT_WRITE);
    if (k->repair || !guard_remove(lo, hi)) return false;
    count_resident(r, b, 1);
    return true;
  }
  /* Many large stacks: markers for the guard, and one mapping with the neighbour. */
  bool merge = mwi_markers && r->per_block == 1 && mwi_islands_short_locked();
  uintptr_t start = hi - r->slot;
  if (merge && guard_install(start, lo)) lo = start;
  if (!set_access(lo, hi, PROT_READ | PROT_WRITE)) {
    if (k->nresident == 0) k->state = MWI_BLOCK_CLOSED;
    return false;
  }
  if (hi - lo >= MWI_STACK_BLOCK) madvise((void *)lo, hi - lo, MADV_NOHUGEPAGE);
  count_resident(r, b, 1);
  if (!mwi_markers && mwi_islands_short_locked()) mwi_fold_under_pressure(true);
  return true;
}

/* The memory is inaccessible already, or will be with the block. */
void mwi_slot_closed_locked(uint32_t id) {
  struct mwi_region *r = mwi_region_of(id);
  uint32_t b = (id & 0xffff) / r->per_block;
  count_resident(r, b, -1);
  if (r->blocks[b].nresident == 0) close_block(r, b);
}

bool mwi_slot_close_memory(const struct mwi_region *r, uint32_t id, uintptr_t lo, uint8_t state) {
  uint32_t slot = id & 0xffff;
  uintptr_t hi = mwi_slot_hi(r, slot);
  if (state == MWI_BLOCK_OPEN) return guard_install(lo, hi);
  if (r->per_block == 1) lo = hi - r->slot;
  return mwi_map_closed((void *)lo, hi - lo) != MAP_FAILED;
}

/* The memory of b is gone, or will be: its free slots are cold. */
static void cool_block(struct mwi_region *r, uint32_t b) {
  for (uint32_t i = b * r->per_block; i < (b + 1) * r->per_block; i++) {
    uintptr_t w = mwi_load_relaxed(&r->slots[i]);
    if (w & MWI_SLOT_FREE) mwi_store_relaxed(&r->slots[i], w & ~(uintptr_t)MWI_SLOT_WARM);
  }
  count_resident(r, b, -(int)r->blocks[b].nresident);
  r->blocks[b].nfree = 0;
}

void mwi_slot_cool_locked(uint32_t id) {
  uintptr_t w = mwi_load_relaxed(mwi_slot_word(id));
  if (!(w & MWI_SLOT_WARM)) return;
  struct mwi_region *r = mwi_region_of(id);
  uint32_t slot = id & 0xffff, b = slot / r->per_block;
  struct mwi_block *k = &r->blocks[b];
  if (k->state == MWI_BLOCK_OPEN && k->nfree == k->nresident) { /* no live one: all at once */
    if (!guard_install(mwi_block_start(r, b), mwi_block_start(r, b + 1))) return;
    cool_block(r, b);
    close_block(r, b);
    return;
  }
  uintptr_t lo = mwi_slot_hi(r, slot) - mwi_slot_free_bytes(w);
  if (!mwi_slot_close_memory(r, id, lo, k->state)) return;
  mwi_store_relaxed(mwi_slot_word(id), w & ~(uintptr_t)MWI_SLOT_WARM);
  k->nfree--;
  mwi_slot_closed_locked(id);
}

/* ---- The steps of folding ---------------------------------------------- */

bool mwi_slot_freeze(const struct mwi_stack *s, uintptr_t from) {
  return set_access(from, s->hi, PROT_READ);
}

static void thaw(uintptr_t lo, uintptr_t hi) {
  if (!set_access(lo, hi, PROT_READ | PROT_WRITE))
    mwi_fatal("out of memory: no mapping left for a goroutine's stack (vm.max_map_count)");
}

void mwi_slot_thaw(const struct mwi_stack *s, uintptr_t from) {
  thaw(from, s->hi);
}

bool mwi_slot_close(const struct mwi_stack *s, uintptr_t frozen_from) {
  struct mwi_region *r = mwi_region_of(s->slot);
  struct mwi_block *k = mwi_block_of(s->slot);
  uint8_t state = k->state; /* constant while this slot is resident */
  if (!mwi_slot_close_memory(r, s->slot, s->lo, state)) {
    if (frozen_from) mwi_slot_thaw(s, frozen_from);
    return false;
  }
  bool repair = state == MWI_BLOCK_OPEN && frozen_from &&
                !set_access(frozen_from, s->hi, PROT_READ | PROT_WRITE);
  mwi_lock(&mwi_stack_lock);
  k->repair |= repair;
  mwi_slot_closed_locked(s->slot);
  mwi_unlock(&mwi_stack_lock);
  return true;
}

void mwi_slot_trim(const struct mwi_stack *s, uintptr_t below) {
  unsigned char in_core = 0;
  if (below > s->lo && mincore((void *)(below - MWI_SLOT_PAGE), MWI_SLOT_PAGE, &in_core) == 0 &&
      (in_core & 1))
    madvise((void *)s->lo, below - s->lo, MADV_DONTNEED);
}

bool mwi_block_close(const struct mwi_block_view *v, uint32_t nheld, bool (*copy)(void *),
                     void *arg) {
  struct mwi_region *r = mwi_regions[v->region];
  struct mwi_block *k = &r->blocks[v->block];
  uintptr_t lo = mwi_block_start(r, v->block), hi = mwi_block_start(r, v->block + 1);
  mwi_lock(&mwi_stack_lock);
  bool ok = k->state == MWI_BLOCK_OPEN && nheld + k->nfree == k->nresident &&
            room_for(-bounds_of(r, v->block)) && set_access(lo, hi, PROT_READ);
  if (ok) {
    ok = copy(arg) && mwi_map_closed((void *)lo, hi - lo) != MAP_FAILED;
    if (!ok) thaw(lo, hi);
  }
  if (ok) {
    nbounds = (uint32_t)((int)nbounds - bounds_of(r, v->block));
    k->state = MWI_BLOCK_CLOSED;
    k->repair = false;
    cool_block(r, v->block);
  }
  mwi_unlock(&mwi_stack_lock);
  return ok;
}

/* ---- Numbers ----------------------------------------------------------- */

size_t mwi_stack_resident_slots(void) {
  return mwi_load_relaxed(&nresident);
}
uint32_t mwi_stack_bounds(void) {
  mwi_lock(&mwi_stack_lock);
  uint32_t n = nbounds;
  mwi_unlock(&mwi_stack_lock);
  return n;
}

enum { PIECE = 512, FIRST_PIECE = 64 }; /* pages */

/* Pages in memory of [lo, hi), PIECE of them at most.  A guard marker is no page. */
static size_t pages_in(uintptr_t lo, uintptr_t hi) {
  unsigned char in_core[PIECE];
  if (mincore((void *)lo, hi - lo, in_core)) return 0;
  size_t n = 0;
  for (size_t i = 0; i < (hi - lo) / MWI_SLOT_PAGE; i++) n += in_core[i] & 1;
  return n;
}

/* Of a large slot: from the top, in growing pieces, down to one that is not half full.  The
 * runtime's and compiled code's frames leave no gaps, and others' hardly such. */
static size_t pages_down_from(uintptr_t lo, uintptr_t hi) {
  size_t n = 0, piece = FIRST_PIECE;
  while (hi > lo) {
    uintptr_t from = hi - lo > piece * MWI_SLOT_PAGE ? hi - piece * MWI_SLOT_PAGE : lo;
    size_t more = pages_in(from, hi);
    if (!more) break;
    n += more;
    if (more <= (hi - from) / MWI_SLOT_PAGE / 2) break; /* it ends in the upper half, or near it */
    hi = from;
    if (piece < PIECE) piece *= 2;
  }
  return n;
}

uint64_t mwi_stacks_held(void) {
  uint64_t pages = 0;
  struct mwi_block_cursor at = {0};
  struct mwi_block_view b;
  while (mwi_block_next(&at, &b)) {
    const struct mwi_region *r = mwi_regions[b.region];
    uintptr_t lo = mwi_block_start(r, b.block), hi = mwi_block_start(r, b.block + 1);
    pages += r->per_block > 1 ? pages_in(lo, hi) : pages_down_from(lo + MWI_STACK_BLOCK, hi);
  }
  return pages * MWI_SLOT_PAGE + mwi_foldmem_held();
}
