/* SPDX-License-Identifier: MIT */
/*
 * sched/stack.c -- slots of address space for goroutine stacks
 *
 * Job      Hand out and take back stacks; know which addresses are guards; make
 *          a slot's memory accessible or not.
 * Promise  [S1] The bytes below a stack fault, and so does every slot that is
 *          not resident (never used, folded, or free and cold): an overflow
 *          never reaches another stack.
 *          [S2] With guard markers, stacks below 1 MB cost at most
 *          mwi_stack_max_bounds mappings, whatever their number: half of
 *          vm.max_map_count.  Larger ones, and all without markers, cost two
 *          each while they are in memory.
 * How      A class is a size; its slots are cut from regions that begin as
 *          reserved address space.  A region consists of blocks of 2 MB (16
 *          tiny slots share a page of page table), or of one larger slot.  A
 *          block is in one of three states:
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
 *          Freed slots (goroutine.c keeps some before) go to a free list per
 *          class, warm: a first touch costs microseconds.  Those that stay free
 *          for a whole collection give their memory back.
 * Threads  stack_lock guards lists, regions and blocks.  A resident slot keeps its block open, so
 *          its owner works on its memory without the lock.  The region table
 *          only grows and is read by the SIGSEGV handler without a lock
 *          (acquire on nregions).
 * Next     sched/fold.c
 */
#include "sched/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/inject.h"
#include "sched/lend.h"
#include "sched/proc.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

#define PAGE ((uintptr_t)4096)

/* ---- Classes ----------------------------------------------------------- */

/* Class c: slots of 128 KB << c.  From 2 MB on the guard is outside, 2 MB more. */
enum { NCLASSES = 14, CLASS_BLOCK = 4 /* the first of them */ };
#define LARGEST ((size_t)MWI_STACK_TINY << (NCLASSES - 1))
_Static_assert(MWI_STACK_TINY << CLASS_BLOCK == MWI_STACK_BLOCK, "");
_Static_assert(LARGEST == MWI_STACK_MAX, "every size that may be asked for has a class");

static size_t slot_bytes(uint32_t class) {
  return (MWI_STACK_TINY << class) + (class < CLASS_BLOCK ? 0 : MWI_STACK_BLOCK);
}
static size_t usable_bytes(uint32_t class) {
  size_t slot = MWI_STACK_TINY << class;
  return class < CLASS_BLOCK ? MWI_STACK_USABLE(slot) : slot;
}
static uint32_t class_for(size_t bytes) {
  uint32_t c = 0;
  while (usable_bytes(c) < bytes) c++;
  return c;
}

/* ---- Regions ----------------------------------------------------------- */

enum block_state { CLOSED, OPEN, ISLANDS };
struct block { /* under stack_lock */
  uint8_t state;
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
enum { FREE = 1, WARM = 2 /* resident */ };
#define WORD(pages, next, flags) ((uintptr_t)(pages) << 40 | (uintptr_t)(next) << 8 | (flags))
#define WORD_PAGES(w) ((w) >> 40)
#define WORD_NEXT(w) ((uint32_t)((w) >> 8))

struct region {
  /* constant */
  uintptr_t start;
  size_t bytes, slot;
  uint32_t index, class, nslots, per_block;
  struct block *blocks;
  /* atomic: a signal handler reads it; written by the owner's side or under stack_lock */
  _Atomic uintptr_t *slots;
  /* under stack_lock */
  uint32_t nfresh; /* slots from here on were never used */
};

enum { MAX_REGIONS = 8192, MAX_REGION_SLOTS = 65536 };
#define NO_SLOT UINT32_MAX
static struct region *regions[MAX_REGIONS]; /* entries below nregions are constant */
static _Atomic uint32_t nregions;           /* release after the entry is written */

static struct mwi_lock stack_lock = MWI_LOCK_INIT(MWI_RANK_STACK);

/* Per class, under stack_lock.  Slots freed since the last aging, before it,
 * and those without memory; linked by id. */
static struct class {
  uint32_t young, old, cold;
  uint32_t nshort;      /* slots freed while memory was short, since those were last cooled */
  struct region *fresh; /* has slots never used; or NULL */
  uint32_t next_nslots; /* of its next region */
} classes[NCLASSES];

static bool initialised; /* under stack_lock */
static bool markers;     /* the kernel has guard markers; under stack_lock */
static uint32_t nbounds; /* boundaries of mappings; under stack_lock */
uint32_t mwi_stack_max_bounds;
static _Atomic size_t sys_bytes;
static _Atomic uint32_t nslots_used; /* in use or cached by processors */
static _Atomic uint32_t nresident;
_Atomic size_t mwi_stack_want, mwi_stack_most = MWI_STACK_MAX;
_Atomic uintptr_t mwi_stacks_from = UINTPTR_MAX; /* lend.h; written under stack_lock */
#define MIN_STACK (32 * MWI_KB)                  /* the runtime's own frames, printf's, and some */

static size_t region_slots(size_t slot) {
  /* 64 MB at first, and at most 16 GB or 65536 slots: address space is free, but not under ulimit
   */
  size_t n = 64 * MWI_MB / slot;
  return n ? n : 1;
}

static bool probe_markers(void);

static void init_locked(void) {
  initialised = true;
  markers = probe_markers();
  for (int c = 0; c < NCLASSES; c++)
    classes[c] = (struct class){.young = NO_SLOT,
                                .old = NO_SLOT,
                                .cold = NO_SLOT,
                                .next_nslots = (uint32_t)region_slots(slot_bytes((uint32_t)c))};
#if MW_STRESS
  mwi_stack_max_bounds = 64; /* large slots are rarely alone, and small blocks rarely close */
#endif
}

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

/* No access, no memory; one mapping with neighbours of the same kind.
 * MAP_STACK means no huge pages. */
static void *map_closed(void *at, size_t bytes) {
  if (mwi_inject(MWI_INJECT_MMAP)) return MAP_FAILED;
  return mmap(at, bytes, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | (at ? MAP_FIXED : 0), -1,
              0);
}

static bool probe_markers(void) {
  void *p = map_closed(NULL, PAGE);
  if (p == MAP_FAILED) return false;
  bool ok = guard_install((uintptr_t)p, (uintptr_t)p + PAGE);
  munmap(p, PAGE);
  return ok;
}

static bool set_access(uintptr_t lo, uintptr_t hi, int access) {
  if (mwi_inject(MWI_INJECT_MMAP)) return false;
  return mprotect((void *)lo, hi - lo, access) == 0;
}

static struct region *region_of(uint32_t id) {
  return regions[id >> 16];
}
static _Atomic uintptr_t *word_of(uint32_t id) {
  return &region_of(id)->slots[id & 0xffff];
}
static uintptr_t slot_hi(const struct region *r, uint32_t slot) {
  return r->start + (slot + 1) * r->slot;
}
static struct block *block_of(uint32_t id) {
  struct region *r = region_of(id);
  return &r->blocks[(id & 0xffff) / r->per_block];
}
static uintptr_t block_start(const struct region *r, uint32_t b) {
  return r->start + b * r->per_block * r->slot;
}

static struct region *region_at(uintptr_t addr) {
  uint32_t n = mwi_load_acquire(&nregions);
  for (uint32_t i = n; i-- > 0;)
    if (addr - regions[i]->start < regions[i]->bytes) return regions[i];
  return NULL;
}

/*
 * Address space that is limited (ulimit -v, RLIMIT_AS) is shared: a part in SHARE for large slots,
 * another for small ones, the rest for tiny ones, the heap, threads and libraries; a
 * region is half of such a part at most.  Otherwise a few goroutines would take all there
 * is.  Where other things are as short as that, large slots leave LARGE_LEAVES.
 */
#define LARGE_LEAVES ((size_t)512 << 20)
#define SHARE 32

/* 0: there is no limit. */
static size_t space_limit(void) {
  struct rlimit l;
  if (getrlimit(RLIMIT_AS, &l) != 0 || l.rlim_cur == RLIM_INFINITY) return 0;
  return (size_t)l.rlim_cur;
}

static size_t large_bytes; /* of regions of large slots that nobody asked for; under stack_lock */

static bool fits_beside_room(size_t bytes) {
  void *p = mwi_os.reserve(bytes + LARGE_LEAVES, PAGE);
  if (p) mwi_os.unreserve(p, bytes + LARGE_LEAVES);
  return p != NULL;
}

/* Address space for slots of the class; less when less is to be had. */
static bool region_add_locked(uint32_t class, bool leave_room) {
  uint32_t i = mwi_load_relaxed(&nregions);
  if (i == MAX_REGIONS) return false;
  struct class *c = &classes[class];
  size_t slot = slot_bytes(class);
  uint32_t per_block = class < CLASS_BLOCK ? (uint32_t)(MWI_STACK_BLOCK / slot) : 1;
  char *p = MAP_FAILED;
  size_t n = c->next_nslots, limit = space_limit();
  for (; n >= per_block; n /= 2) {
    if (limit && n > per_block && slot * n > limit / SHARE / 2) continue;
    if (leave_room && limit && large_bytes + slot * n > limit / SHARE) continue;
    if (leave_room && !fits_beside_room(slot * n)) continue;
    p = map_closed(NULL, slot * n + MWI_STACK_BLOCK);
    if (p != MAP_FAILED) break;
  }
  if (p == MAP_FAILED) return false;
  char *start = (char *)mwi_align_up((uintptr_t)p, MWI_STACK_BLOCK);
  size_t bytes = slot * n, spare = (size_t)(p + MWI_STACK_BLOCK - start);
  if (start > p) munmap(p, (size_t)(start - p));
  if (spare) munmap(start + bytes, spare);
  /* Elsewhere than in one of its slots, or a stack would pay for the table. */
  struct region *r = mwi_meta_alloc(sizeof *r, 16);
  *r = (struct region){.start = (uintptr_t)start,
                       .bytes = bytes,
                       .slot = slot,
                       .index = i,
                       .class = class,
                       .nslots = (uint32_t)n,
                       .per_block = per_block,
                       .blocks = mwi_meta_alloc(n / per_block * sizeof *r->blocks, 16),
                       .slots = mwi_meta_alloc(n * sizeof *r->slots, 64)};
  /* mlockall, for one, makes the kernel refuse them later.  Large slots do without. */
  if (markers && per_block > 1)
    markers = guard_install(r->start, r->start + PAGE) && guard_remove(r->start, r->start + PAGE);
  if (n == c->next_nslots && n < MAX_REGION_SLOTS && 2 * bytes <= 16 * MWI_GB) c->next_nslots *= 2;
  c->fresh = r;
  regions[i] = r;
  if (leave_room) large_bytes += bytes;
  if (r->start < mwi_load_relaxed(&mwi_stacks_from)) mwi_store_relaxed(&mwi_stacks_from, r->start);
  mwi_store_release(&nregions, i + 1); /* pairs with the acquire in region_at */
  mwi_add_relaxed(&sys_bytes, bytes);
  return true;
}

/* ---- Blocks (lock held) ------------------------------------------------ */

static bool is_open(const struct region *r, int64_t b) {
  return b >= 0 && b < (int64_t)(r->nslots / r->per_block) && r->blocks[b].state == OPEN;
}

/* What opening (or closing) b adds to the boundaries. */
static int bounds_of(const struct region *r, uint32_t b) {
  int open_neighbours = is_open(r, (int64_t)b - 1) + is_open(r, (int64_t)b + 1);
  return 2 - 2 * open_neighbours; /* for opening; the opposite for closing */
}

static bool room_for(int bounds) {
  uint32_t then = nbounds + (uint32_t)bounds;
  return bounds <= 0 || then <= max_bounds_locked(then);
}

static void mark_open(struct region *r, uint32_t b) {
  nbounds = (uint32_t)((int)nbounds + bounds_of(r, b));
  r->blocks[b].state = OPEN;
}

/* Blocks [from, to], all closed: guards first, so that nothing in them is ever
 * accessible without.  false: no memory, no mapping, or no markers. */
static bool open_range(struct region *r, uint32_t from, uint32_t to) {
  uintptr_t lo = block_start(r, from), hi = block_start(r, to + 1);
  if (!guard_install(lo, hi) || !set_access(lo, hi, PROT_READ | PROT_WRITE)) return false;
  for (uint32_t b = from; b <= to; b++) mark_open(r, b);
  return true;
}

/* The nearest block from b on in direction `step` that is not closed, if it is
 * open; else -1.  *end: whether the region ended before one came. */
static int64_t open_neighbour(const struct region *r, uint32_t b, int step, bool *end) {
  int64_t n = r->nslots / r->per_block, i = (int64_t)b + step;
  while (i >= 0 && i < n && r->blocks[i].state == CLOSED) i += step;
  *end = i < 0 || i >= n;
  return !*end && r->blocks[i].state == OPEN ? i : -1;
}

/* Open b together with what lies between it and the nearest open block, which
 * takes no mapping; with nothing open, all of the region. */
static bool open_to_neighbour(struct region *r, uint32_t b) {
  bool left_end, right_end;
  int64_t left = open_neighbour(r, b, -1, &left_end), right = open_neighbour(r, b, 1, &right_end);
  if (left >= 0 && (right < 0 || b - left <= right - b))
    return open_range(r, (uint32_t)left + 1, b);
  if (right >= 0) return open_range(r, b, (uint32_t)right - 1);
  return left_end && right_end && open_range(r, 0, r->nslots / r->per_block - 1);
}

/* Choose how b's slots become accessible, if it is closed. */
static void open_block(struct region *r, uint32_t b) {
  struct block *k = &r->blocks[b];
  if (k->state != CLOSED) return;
  if (markers && r->per_block > 1) {
    if (room_for(bounds_of(r, b)) && open_range(r, b, b)) return;
    if (k->state == CLOSED && open_to_neighbour(r, b)) return;
  }
  k->state = ISLANDS;
}

/* Nothing in b is resident. */
static void close_block(struct region *r, uint32_t b) {
  struct block *k = &r->blocks[b];
  mwi_assert(k->nresident == 0 && k->nfree == 0);
  if (k->state == ISLANDS) {
    k->state = CLOSED;
    /* again, all at once: that frees the page table */
    if (r->per_block > 1) map_closed((void *)block_start(r, b), r->per_block * r->slot);
    return;
  }
  int bounds = -bounds_of(r, b);
  if (!room_for(bounds)) return; /* markers cover it already: only its page table stays */
  if (map_closed((void *)block_start(r, b), r->per_block * r->slot) == MAP_FAILED) return;
  nbounds = (uint32_t)((int)nbounds + bounds);
  k->state = CLOSED;
  k->repair = false;
}

/* ---- A slot's memory --------------------------------------------------- */

static void count_resident(struct region *r, uint32_t b, int n) {
  r->blocks[b].nresident = (uint8_t)(r->blocks[b].nresident + n);
  if (r->blocks[b].state == ISLANDS) nbounds = (uint32_t)((int)nbounds + 2 * n);
  mwi_add_relaxed(&nresident, (uint32_t)n);
  if (!markers && nbounds < max_bounds_locked(nbounds) / 2) mwi_fold_under_pressure(false);
}

static bool islands_short(void) {
  return nbounds > max_bounds_locked(nbounds) / 4 * 3;
}

static bool slot_open_locked(uint32_t id, uintptr_t lo) {
  struct region *r = region_of(id);
  uint32_t slot = id & 0xffff, b = slot / r->per_block;
  uintptr_t hi = slot_hi(r, slot);
  open_block(r, b);
  struct block *k = &r->blocks[b];
  if (k->state == OPEN) {
    if (k->repair)
      k->repair = !set_access(block_start(r, b), block_start(r, b + 1), PROT_READ | PROT_WRITE);
    if (k->repair || !guard_remove(lo, hi)) return false;
    count_resident(r, b, 1);
    return true;
  }
  /* Many large stacks: markers for the guard, and one mapping with the neighbour. */
  bool merge = markers && r->per_block == 1 && islands_short();
  uintptr_t start = hi - r->slot;
  if (merge && guard_install(start, lo)) lo = start;
  if (!set_access(lo, hi, PROT_READ | PROT_WRITE)) {
    if (k->nresident == 0) k->state = CLOSED;
    return false;
  }
  if (hi - lo >= MWI_STACK_BLOCK) madvise((void *)lo, hi - lo, MADV_NOHUGEPAGE);
  count_resident(r, b, 1);
  if (!markers && islands_short()) mwi_fold_under_pressure(true);
  return true;
}

/* The memory is inaccessible already, or will be with the block. */
static void closed_locked(uint32_t id) {
  struct region *r = region_of(id);
  uint32_t b = (id & 0xffff) / r->per_block;
  count_resident(r, b, -1);
  if (r->blocks[b].nresident == 0) close_block(r, b);
}

static bool close_memory(const struct region *r, uint32_t id, uintptr_t lo, uint8_t state) {
  uint32_t slot = id & 0xffff;
  uintptr_t hi = slot_hi(r, slot);
  if (state == OPEN) return guard_install(lo, hi);
  if (r->per_block == 1) lo = hi - r->slot;
  return map_closed((void *)lo, hi - lo) != MAP_FAILED;
}

/* A slot of the free lists gives its memory back.  A refusal leaves it warm. */
static void cool_locked(uint32_t id) {
  uintptr_t w = mwi_load_relaxed(word_of(id));
  if (!(w & WARM)) return;
  struct region *r = region_of(id);
  uint32_t slot = id & 0xffff, b = slot / r->per_block;
  struct block *k = &r->blocks[b];
  if (k->state == OPEN && k->nfree == k->nresident) { /* no live one: all of the block at once */
    if (!guard_install(block_start(r, b), block_start(r, b + 1))) return;
    for (uint32_t i = b * r->per_block; i < (b + 1) * r->per_block; i++) {
      w = mwi_load_relaxed(&r->slots[i]);
      if (w & FREE) mwi_store_relaxed(&r->slots[i], w & ~(uintptr_t)WARM);
    }
    count_resident(r, b, -(int)k->nfree);
    k->nfree = 0;
    close_block(r, b);
    return;
  }
  if (!close_memory(r, id, slot_hi(r, slot) - WORD_PAGES(w) * PAGE, k->state)) return;
  mwi_store_relaxed(word_of(id), w & ~(uintptr_t)WARM);
  k->nfree--;
  closed_locked(id);
}

/* ---- Free lists (lock held) -------------------------------------------- */

static void push(uint32_t *list, uint32_t id, uintptr_t pages, uintptr_t flags) {
  mwi_store_relaxed(word_of(id), WORD(pages, *list, FREE | flags));
  *list = id;
}

/* The slot's word, and its id in *id; 0: the list is empty. */
static uintptr_t pop(uint32_t *list, uint32_t *id) {
  if (*list == NO_SLOT) return 0;
  *id = *list;
  uintptr_t w = mwi_load_relaxed(word_of(*id));
  *list = WORD_NEXT(w);
  if (w & WARM) block_of(*id)->nfree--;
  return w;
}

enum { AGE_BATCH = 32 }; /* some tens of microseconds under the lock */

/* Slots of a list of c's become cold. */
static void cool_some_locked(struct class *c, uint32_t *list) {
  for (int n = 0; n < AGE_BATCH && *list != NO_SLOT; n++) {
    uint32_t id = *list;
    cool_locked(id);
    uintptr_t w = mwi_load_relaxed(word_of(id));
    *list = WORD_NEXT(w);
    push(&c->cold, id, WORD_PAGES(w), w & WARM);
  }
}

static void give_back_locked(const struct mwi_stack *s) {
  struct region *r = region_of(s->slot);
  struct class *c = &classes[r->class];
  block_of(s->slot)->nfree++;
  push(&c->young, s->slot, (s->hi - s->lo) / PAGE, WARM);
  mwi_add_relaxed(&nslots_used, (uint32_t)-1);
  if (!markers && islands_short()) cool_locked(s->slot); /* found by pop all the same */
  /* Memory is short.  Some at a time, since neighbours are cheaper together. */
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_stacks_short)) && ++c->nshort >= AGE_BATCH) {
    c->nshort = 0;
    cool_some_locked(c, &c->young);
  }
}

/* Mappings or memory are short: free slots shall not have any. */
static void cool_all_locked(void) {
  for (int i = 0; i < NCLASSES; i++)
    for (int old = 0; old < 2; old++)
      for (uint32_t id = old ? classes[i].old : classes[i].young; id != NO_SLOT;
           id = WORD_NEXT(mwi_load_relaxed(word_of(id))))
        cool_locked(id);
}

static bool fresh_slot(struct class *c, uint32_t *id) {
  struct region *r = c->fresh;
  if (!r || r->nfresh == r->nslots) return false;
  *id = r->index << 16 | r->nfresh++;
  return true;
}

static bool take_class_locked(uint32_t class, size_t usable, bool leave_room,
                              struct mwi_stack *out) {
  struct class *c = &classes[class];
  uint32_t id = NO_SLOT;
  uintptr_t w = pop(&c->young, &id);
  if (!w) w = pop(&c->old, &id);
  if (!w) w = pop(&c->cold, &id);
  if (!w && !fresh_slot(c, &id) && (!region_add_locked(class, leave_room) || !fresh_slot(c, &id)))
    return false;
  struct region *r = region_of(id);
  uintptr_t hi = slot_hi(r, id & 0xffff), lo = hi - usable;
  if ((w & WARM) && WORD_PAGES(w) * PAGE != usable) { /* another size was asked for last time */
    if (close_memory(r, id, hi - WORD_PAGES(w) * PAGE, block_of(id)->state)) {
      closed_locked(id);
      w &= ~(uintptr_t)WARM;
    } else if (WORD_PAGES(w) * PAGE > usable) {
      lo = hi - WORD_PAGES(w) * PAGE;
    } else {
      block_of(id)->nfree++;
      push(&c->young, id, WORD_PAGES(w), WARM);
      return false;
    }
  }
  if (!(w & WARM) && !slot_open_locked(id, lo)) {
    cool_all_locked();
    if (!slot_open_locked(id, lo)) {
      push(&c->cold, id, 0, 0);
      return false;
    }
  }
  mwi_store_relaxed(word_of(id), 0);
  mwi_add_relaxed(&nslots_used, 1);
  *out = (struct mwi_stack){.lo = lo, .hi = hi, .slot = id};
  return true;
}

/* ---- Taking and giving back -------------------------------------------- */

/* Large slots were refused a moment ago: so many takes go on without asking again. */
static uint32_t denied; /* under stack_lock */
#define DENIED_TAKES 256
#define NSMALL_TIGHT 512 /* small slots then, if nothing limits address space: 128 MB */

static uint32_t nsmall_tight(void) {
  size_t limit = space_limit();
  if (!limit) return NSMALL_TIGHT;
  size_t n = limit / SHARE / MWI_STACK_SMALL;
  return n < MWI_STACK_NSMALL ? (uint32_t)n : MWI_STACK_NSMALL;
}

static size_t adaptive_bytes_locked(void) {
  uint32_t n = mwi_load_relaxed(&nslots_used), running = (uint32_t)mw_num_goroutine();
  if (running < n) n = running; /* those that dead goroutines keep left out */
  size_t bytes = n < MWI_STACK_NLARGE && !denied ? MWI_STACK_LARGE
                 : n < (denied ? nsmall_tight() : MWI_STACK_NSMALL)
                     ? MWI_STACK_USABLE(MWI_STACK_SMALL)
                     : MWI_STACK_USABLE(MWI_STACK_TINY);
  if (bytes > mwi_load_relaxed(&mwi_stack_most)) bytes = mwi_load_relaxed(&mwi_stack_most);
  mwi_store_relaxed(&mwi_stack_want, bytes);
  return bytes;
}

static bool take_adaptive_locked(struct mwi_stack *out) {
  static const size_t large[] = {MWI_STACK_LARGE, 64 * MWI_MB, 8 * MWI_MB};
  size_t want = adaptive_bytes_locked();
  if (want > usable_bytes(CLASS_BLOCK - 1)) {
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
      size_t bytes = large[i] < want ? large[i] : want;
      if (take_class_locked(class_for(bytes), bytes, true, out)) return true;
    }
    denied = DENIED_TAKES;
    want = adaptive_bytes_locked();
  } else if (denied) {
    denied--;
  }
  if (take_class_locked(class_for(want), want, false, out)) return true;
  size_t tiny = MWI_STACK_USABLE(MWI_STACK_TINY);
  return want > tiny && take_class_locked(0, tiny, false, out);
}

bool mwi_stack_take(struct mwi_stack *out, size_t bytes) {
  if (bytes > MWI_STACK_MAX) return false;
  mwi_lock(&stack_lock);
  if (!initialised) init_locked();
  bool ok;
  if (bytes) {
    bytes = mwi_align_up(bytes, PAGE);
    ok = take_class_locked(class_for(bytes), bytes, false, out);
  } else {
    ok = take_adaptive_locked(out);
  }
  mwi_unlock(&stack_lock);
  return ok;
}

_Noreturn void mwi_stack_none(void) {
  size_t limit = space_limit();
  if (limit)
    mwi_fatal("out of memory: no address space for a goroutine stack (%d goroutines; ulimit -v "
              "allows %zu MB)",
              mw_num_goroutine(), limit >> 20);
  mwi_fatal("out of memory: no address space for a goroutine stack (%d goroutines)",
            mw_num_goroutine());
}

void mwi_stack_put(const struct mwi_stack *s) {
  mwi_lock(&stack_lock);
  give_back_locked(s);
  adaptive_bytes_locked();
  mwi_unlock(&stack_lock);
}

void mwi_stack_put_closed(const struct mwi_stack *s) {
  mwi_lock(&stack_lock);
  push(&classes[region_of(s->slot)->class].cold, s->slot, 0, 0);
  mwi_add_relaxed(&nslots_used, (uint32_t)-1);
  mwi_unlock(&stack_lock);
}

bool mwi_stack_markers(void) {
  mwi_lock(&stack_lock);
  if (!initialised) init_locked();
  bool yes = markers;
  mwi_unlock(&stack_lock);
  return yes;
}

void mwi_stack_own(const struct mwi_stack *s, struct mwi_g *g) {
  mwi_store_release(word_of(s->slot), (uintptr_t)g);
}

MWI_EXPORT size_t mw_set_max_stack(size_t bytes) {
  if (!bytes) return mwi_load_relaxed(&mwi_stack_most);
  if (bytes < MIN_STACK) bytes = MIN_STACK;
  if (bytes > MWI_STACK_MAX) bytes = MWI_STACK_MAX;
  return atomic_exchange_explicit(&mwi_stack_most, mwi_align_up(bytes, PAGE), memory_order_relaxed);
}

size_t mwi_stack_max(void) {
  return mwi_load_relaxed(&mwi_stack_most);
}

/* ---- Free stacks grow cold --------------------------------------------- */

/* What a deep call left in the stacks that are taken again soonest. */
#define TRIM_KEEP (16 * MWI_KB)
#define TRIM_MOST 64

static void trim(uintptr_t lo, uintptr_t below) {
  unsigned char in_core = 0;
  if (below > lo && mincore((void *)(below - PAGE), PAGE, &in_core) == 0 && (in_core & 1))
    madvise((void *)lo, below - lo, MADV_DONTNEED);
}

static void trim_locked(uint32_t list) {
  for (int n = 0; list != NO_SLOT && n < TRIM_MOST; n++) {
    uintptr_t w = mwi_load_relaxed(word_of(list));
    uintptr_t hi = slot_hi(region_of(list), list & 0xffff), lo = hi - WORD_PAGES(w) * PAGE;
    if ((w & WARM) && hi - lo > TRIM_KEEP) trim(lo, hi - TRIM_KEEP);
    list = WORD_NEXT(w);
  }
}

void mwi_stack_age(void) {
  while (mwi_stack_age_some()) continue;
  mwi_lock(&stack_lock);
  for (int i = 0; i < NCLASSES && initialised; i++) {
    struct class *c = &classes[i];
    if (c->old != NO_SLOT) continue; /* somebody else is at it */
    trim_locked(c->young);
    c->old = c->young;
    c->young = NO_SLOT;
  }
  mwi_unlock(&stack_lock);
}

bool mwi_stack_age_some(void) {
  bool more = false;
  mwi_lock(&stack_lock);
  for (int i = 0; i < NCLASSES && initialised && !more; i++) {
    struct class *c = &classes[i];
    cool_some_locked(c, &c->old);
    more = c->old != NO_SLOT;
  }
  mwi_unlock(&stack_lock);
  return more;
}

bool mwi_stack_any_free(void) {
  bool any = false;
  mwi_lock(&stack_lock);
  for (int i = 0; i < NCLASSES && initialised; i++)
    any |= classes[i].young != NO_SLOT || classes[i].old != NO_SLOT;
  mwi_unlock(&stack_lock);
  return any;
}

/* ---- Whose address ----------------------------------------------------- */

struct mwi_g *mwi_stack_owner(uintptr_t addr) {
  struct region *r = region_at(addr);
  if (!r) return NULL;
  uint32_t slot = (uint32_t)((addr - r->start) / r->slot);
  uintptr_t w = mwi_load_acquire(&r->slots[slot]); /* pairs with mwi_stack_own */
  if (!w || (w & FREE)) return NULL;
  struct mwi_g *g = (struct mwi_g *)w;
  return g->stack.hi && g->stack.slot == (r->index << 16 | slot) ? g : NULL;
}

bool mwi_stack_guard_hit(uintptr_t addr, size_t *limit) {
  struct mwi_g *g = mwi_stack_owner(addr);
  if (!g || addr >= g->stack.lo) return false;
  *limit = g->stack.hi - g->stack.lo;
  return true;
}

/* ---- The steps of folding ---------------------------------------------- */

bool mwi_slot_freeze(const struct mwi_stack *s, uintptr_t from) {
  return set_access(from, s->hi, PROT_READ);
}

void mwi_slot_thaw(const struct mwi_stack *s, uintptr_t from) {
  if (!set_access(from, s->hi, PROT_READ | PROT_WRITE))
    mwi_fatal("out of memory: no mapping left for a goroutine's stack (vm.max_map_count)");
}

bool mwi_slot_close(const struct mwi_stack *s, uintptr_t frozen_from) {
  struct region *r = region_of(s->slot);
  struct block *k = block_of(s->slot);
  uint8_t state = k->state; /* constant while this slot is resident */
  if (!close_memory(r, s->slot, s->lo, state)) {
    if (frozen_from) mwi_slot_thaw(s, frozen_from);
    return false;
  }
  bool repair =
      state == OPEN && frozen_from && !set_access(frozen_from, s->hi, PROT_READ | PROT_WRITE);
  mwi_lock(&stack_lock);
  k->repair |= repair;
  closed_locked(s->slot);
  mwi_unlock(&stack_lock);
  return true;
}

bool mwi_slot_open(const struct mwi_stack *s) {
  mwi_lock(&stack_lock);
  bool ok = slot_open_locked(s->slot, s->lo);
  if (!ok) {
    cool_all_locked();
    ok = slot_open_locked(s->slot, s->lo);
  }
  mwi_unlock(&stack_lock);
  return ok;
}

void mwi_slot_trim(const struct mwi_stack *s, uintptr_t below) {
  trim(s->lo, below);
}

bool mwi_block_has(const struct mwi_block_view *b, uint32_t i, const struct mwi_stack *s) {
  return s->slot == (b->region << 16 | (b->block * b->n + i));
}

bool mwi_block_next(struct mwi_block_cursor *at, struct mwi_block_view *out) {
  uint32_t n = mwi_load_acquire(&nregions);
  for (; at->region < n; at->region++, at->block = 0) {
    struct region *r = regions[at->region];
    for (uint32_t nblocks = r->nslots / r->per_block; at->block < nblocks; at->block++) {
      if (!r->blocks[at->block].nresident) continue; /* a hint */
      *out = (struct mwi_block_view){.region = at->region, .block = at->block, .n = r->per_block};
      for (uint32_t i = 0; i < r->per_block; i++) {
        uintptr_t w = mwi_load_acquire(&r->slots[at->block * r->per_block + i]);
        out->owner[i] = w & FREE ? NULL : (struct mwi_g *)w;
      }
      at->block++;
      return true;
    }
  }
  return false;
}

bool mwi_block_close(const struct mwi_block_view *v, uint32_t nheld, bool (*copy)(void *),
                     void *arg) {
  struct region *r = regions[v->region];
  struct block *k = &r->blocks[v->block];
  uintptr_t lo = block_start(r, v->block), hi = block_start(r, v->block + 1);
  mwi_lock(&stack_lock);
  bool ok = k->state == OPEN && nheld + k->nfree == k->nresident &&
            room_for(-bounds_of(r, v->block)) && set_access(lo, hi, PROT_READ);
  if (ok) {
    ok = copy(arg) && map_closed((void *)lo, hi - lo) != MAP_FAILED;
    if (!ok && !set_access(lo, hi, PROT_READ | PROT_WRITE))
      mwi_fatal("out of memory: no mapping left for a goroutine's stack (vm.max_map_count)");
  }
  if (ok) {
    nbounds = (uint32_t)((int)nbounds - bounds_of(r, v->block));
    k->state = CLOSED;
    k->repair = false;
    for (uint32_t i = v->block * r->per_block; i < (v->block + 1) * r->per_block; i++) {
      uintptr_t w = mwi_load_relaxed(&r->slots[i]);
      if (w & FREE) mwi_store_relaxed(&r->slots[i], w & ~(uintptr_t)WARM);
    }
    count_resident(r, v->block, -(int)k->nresident);
    k->nfree = 0;
  }
  mwi_unlock(&stack_lock);
  return ok;
}

/* ---- Numbers ----------------------------------------------------------- */

size_t mwi_stack_inuse_slots(void) {
  return mwi_load_relaxed(&nslots_used);
}
size_t mwi_stack_sys_bytes(void) {
  return mwi_load_relaxed(&sys_bytes);
}
size_t mwi_stack_resident_slots(void) {
  return mwi_load_relaxed(&nresident);
}
uint32_t mwi_stack_bounds(void) {
  mwi_lock(&stack_lock);
  uint32_t n = nbounds;
  mwi_unlock(&stack_lock);
  return n;
}

enum { PIECE = 512, FIRST_PIECE = 64 }; /* pages */

/* Pages in memory of [lo, hi), PIECE of them at most.  A guard marker is no page. */
static size_t pages_in(uintptr_t lo, uintptr_t hi) {
  unsigned char in_core[PIECE];
  if (mincore((void *)lo, hi - lo, in_core)) return 0;
  size_t n = 0;
  for (size_t i = 0; i < (hi - lo) / PAGE; i++) n += in_core[i] & 1;
  return n;
}

/* Of a large slot: from the top, in growing pieces, down to one that is not half full.  The
 * runtime's and compiled code's frames leave no gaps, and others' hardly such. */
static size_t pages_down_from(uintptr_t lo, uintptr_t hi) {
  size_t n = 0, piece = FIRST_PIECE;
  while (hi > lo) {
    uintptr_t from = hi - lo > piece * PAGE ? hi - piece * PAGE : lo;
    size_t more = pages_in(from, hi);
    if (!more) break;
    n += more;
    if (more <= (hi - from) / PAGE / 2) break; /* it ends in the upper half, or near it */
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
    const struct region *r = regions[b.region];
    uintptr_t lo = block_start(r, b.block), hi = block_start(r, b.block + 1);
    pages += r->per_block > 1 ? pages_in(lo, hi) : pages_down_from(lo + MWI_STACK_BLOCK, hi);
  }
  return pages * PAGE + mwi_foldmem_held();
}
