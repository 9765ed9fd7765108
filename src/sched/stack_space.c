/* SPDX-License-Identifier: MIT */
/*
 * sched/stack_space.c -- address space for goroutine stacks, and whose an address is
 *
 * Job      Reserve regions, as large as os/space.c lets be; find the slot, its owner and its
 *          guard for an address; walk the blocks.
 * Promise  [S1] of stack_slot.h: a region begins without access.
 * Threads  as stack_slot.h says; looking up an address is async-signal-safe.
 * Next     stack_memory.c
 */
#include <sys/mman.h>

#include "os/os.h"
#include "sched/lend.h"
#include "sched/proc.h"
#include "sched/stack_slot.h"

struct mwi_region *mwi_regions[MWI_REGIONS];
_Atomic uint32_t mwi_nregions;
static _Atomic size_t sys_bytes;
_Atomic uintptr_t mwi_stacks_from = UINTPTR_MAX; /* lend.h; written under mwi_stack_lock */

/* ---- Regions ----------------------------------------------------------- */

/*
 * Address space that is limited (os/space.c: ulimit -v, strict overcommit) is shared: a part in
 * MWI_SPACE_SHARE for large slots, another for small ones, the rest for tiny ones, the heap,
 * threads and libraries; a region is half of such a part at most.  Otherwise a few goroutines would
 * take all there is.  Where other things are as short as that, large slots leave LARGE_LEAVES.
 */
#define LARGE_LEAVES ((size_t)512 << 20)

/* Of regions of large slots that nobody asked for; under mwi_stack_lock. */
static size_t large_bytes;

static bool fits_beside_room(size_t bytes) {
  void *p = mwi_os.reserve(bytes + LARGE_LEAVES, MWI_SLOT_PAGE);
  if (p) mwi_os.unreserve(p, bytes + LARGE_LEAVES);
  return p != NULL;
}

struct mwi_region *mwi_region_new_locked(uint32_t class, size_t nslots, bool leave_room) {
  uint32_t i = mwi_load_relaxed(&mwi_nregions);
  if (i == MWI_REGIONS) return NULL;
  size_t slot = mwi_stack_class_bytes(class), limit = mwi_os_space_limit(NULL), n = nslots;
  uint32_t per_block = class < MWI_SLOT_BLOCK_CLASS ? (uint32_t)(MWI_STACK_BLOCK / slot) : 1;
  char *p = MAP_FAILED;
  for (; n >= per_block; n /= 2) {
    if (limit && n > per_block && slot * n > limit / MWI_SPACE_SHARE / 2) continue;
    if (leave_room && limit && large_bytes + slot * n > limit / MWI_SPACE_SHARE) continue;
    if (leave_room && !fits_beside_room(slot * n)) continue;
    p = mwi_map_closed(NULL, slot * n + MWI_STACK_BLOCK);
    if (p != MAP_FAILED) break;
  }
  if (p == MAP_FAILED) return NULL;
  char *start = (char *)mwi_align_up((uintptr_t)p, MWI_STACK_BLOCK);
  size_t bytes = slot * n, spare = (size_t)(p + MWI_STACK_BLOCK - start);
  if (start > p) munmap(p, (size_t)(start - p));
  if (spare) munmap(start + bytes, spare);
  /* Elsewhere than in one of its slots, or a stack would pay for the table. */
  struct mwi_region *r = mwi_meta_alloc(sizeof *r, 16);
  *r = (struct mwi_region){.start = (uintptr_t)start,
                           .bytes = bytes,
                           .slot = slot,
                           .index = i,
                           .class = class,
                           .nslots = (uint32_t)n,
                           .per_block = per_block,
                           .blocks = mwi_meta_alloc(n / per_block * sizeof *r->blocks, 16),
                           .slots = mwi_meta_alloc(n * sizeof *r->slots, 64)};
  mwi_markers_try_locked(r);
  mwi_regions[i] = r;
  if (leave_room) large_bytes += bytes;
  if (r->start < mwi_load_relaxed(&mwi_stacks_from)) mwi_store_relaxed(&mwi_stacks_from, r->start);
  mwi_store_release(&mwi_nregions, i + 1); /* pairs with the acquire in region_at */
  mwi_add_relaxed(&sys_bytes, bytes);
  return r;
}

/* ---- Whose address ----------------------------------------------------- */

static struct mwi_region *region_at(uintptr_t addr) {
  uint32_t n = mwi_load_acquire(&mwi_nregions);
  for (uint32_t i = n; i-- > 0;)
    if (addr - mwi_regions[i]->start < mwi_regions[i]->bytes) return mwi_regions[i];
  return NULL;
}

struct mwi_g *mwi_stack_owner(uintptr_t addr) {
  struct mwi_region *r = region_at(addr);
  if (!r) return NULL;
  uint32_t slot = (uint32_t)((addr - r->start) / r->slot);
  uintptr_t w = mwi_load_acquire(&r->slots[slot]); /* pairs with mwi_stack_own */
  if (!w || (w & MWI_SLOT_FREE)) return NULL;
  struct mwi_g *g = (struct mwi_g *)w;
  return g->stack.hi && g->stack.slot == (r->index << 16 | slot) ? g : NULL;
}

bool mwi_stack_guard_hit(uintptr_t addr, size_t *limit) {
  struct mwi_g *g = mwi_stack_owner(addr);
  if (!g || addr >= g->stack.lo) return false;
  *limit = g->stack.hi - g->stack.lo;
  return true;
}

/* ---- Walking ----------------------------------------------------------- */

bool mwi_block_has(const struct mwi_block_view *b, uint32_t i, const struct mwi_stack *s) {
  return s->slot == (b->region << 16 | (b->block * b->n + i));
}

bool mwi_block_next(struct mwi_block_cursor *at, struct mwi_block_view *out) {
  uint32_t n = mwi_load_acquire(&mwi_nregions);
  for (; at->region < n; at->region++, at->block = 0) {
    struct mwi_region *r = mwi_regions[at->region];
    for (uint32_t nblocks = r->nslots / r->per_block; at->block < nblocks; at->block++) {
      if (!r->blocks[at->block].nresident) continue; /* a hint */
      *out = (struct mwi_block_view){.region = at->region, .block = at->block, .n = r->per_block};
      for (uint32_t i = 0; i < r->per_block; i++) {
        uintptr_t w = mwi_load_acquire(&r->slots[at->block * r->per_block + i]);
        out->owner[i] = w & MWI_SLOT_FREE ? NULL : (struct mwi_g *)w;
      }
      at->block++;
      return true;
    }
  }
  return false;
}

size_t mwi_stack_sys_bytes(void) {
  return mwi_load_relaxed(&sys_bytes);
}
