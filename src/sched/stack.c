/* SPDX-License-Identifier: MIT */
/*
 * sched/stack.c -- which stack a goroutine gets
 *
 * Job      Hand out and take back slots: of a size that was asked for, or that suits the number of
 *          goroutines; keep free ones, and let them grow cold.
 * Promise  A slot is in one free list, or has an owner, or neither while it is handed over.
 * How      Freed slots (goroutine.c keeps some before) go to a free list per class, warm: a
 *          first touch costs microseconds.  Those that stay free for a whole collection give
 *          their memory back:
 *
 *              put -> young --age--> old --age_some--> cold -> take
 *                       \_____________\__________________________/
 *
 * Threads  mwi_stack_lock.
 * Next     stack_slot.h (tables), stack_space.c, stack_memory.c, fold.c
 */
#include <mallow.h>

#include "gc/gc.h"
#include "sched/proc.h"
#include "sched/stack_slot.h"

struct mwi_lock mwi_stack_lock = MWI_LOCK_INIT(MWI_RANK_STACK);

/* Per class, under mwi_stack_lock.  Slots freed since the last aging, before it,
 * and those without memory; linked by id. */
static struct class {
  uint32_t young, old, cold;
  uint32_t nshort;          /* slots freed while memory was short, since those were last cooled */
  struct mwi_region *fresh; /* has slots never used; or NULL */
  uint32_t next_nslots;     /* of its next region */
} classes[MWI_SLOT_CLASSES];

static bool initialised;             /* under mwi_stack_lock */
static _Atomic uint32_t nslots_used; /* in use or cached by processors */
_Atomic size_t mwi_stack_want, mwi_stack_most = MWI_STACK_MAX;
#define MIN_STACK (32 * MWI_KB) /* the runtime's own frames, printf's, and some */

/* 64 MB at first: address space is free, but not under ulimit. */
static size_t first_slots(size_t slot) {
  size_t n = 64 * MWI_MB / slot;
  return n ? n : 1;
}
#define MOST_BYTES (16 * MWI_GB) /* of a region */

static void init_locked(void) {
  initialised = true;
  mwi_markers_probe_locked();
  for (int c = 0; c < MWI_SLOT_CLASSES; c++)
    classes[c] =
        (struct class){.young = MWI_SLOT_NONE,
                       .old = MWI_SLOT_NONE,
                       .cold = MWI_SLOT_NONE,
                       .next_nslots = (uint32_t)first_slots(mwi_stack_class_bytes((uint32_t)c))};
}

/* ---- Free lists (lock held) -------------------------------------------- */

static void push(uint32_t *list, uint32_t id, size_t bytes, unsigned flags) {
  mwi_store_relaxed(mwi_slot_word(id), mwi_slot_free_word(bytes, *list, flags));
  *list = id;
}

/* The slot's word, and its id in *id; 0: the list is empty. */
static uintptr_t pop(uint32_t *list, uint32_t *id) {
  if (*list == MWI_SLOT_NONE) return 0;
  *id = *list;
  uintptr_t w = mwi_load_relaxed(mwi_slot_word(*id));
  *list = mwi_slot_free_next(w);
  if (w & MWI_SLOT_WARM) mwi_block_of(*id)->nfree--;
  return w;
}

enum { AGE_BATCH = 32 }; /* some tens of microseconds under the lock */

/* Slots of a list of c's become cold. */
static void cool_some_locked(struct class *c, uint32_t *list) {
  for (int n = 0; n < AGE_BATCH && *list != MWI_SLOT_NONE; n++) {
    uint32_t id = *list;
    mwi_slot_cool_locked(id);
    uintptr_t w = mwi_load_relaxed(mwi_slot_word(id));
    *list = mwi_slot_free_next(w);
    push(&c->cold, id, mwi_slot_free_bytes(w), w & MWI_SLOT_WARM);
  }
}

static void give_back_locked(const struct mwi_stack *s) {
  struct mwi_region *r = mwi_region_of(s->slot);
  struct class *c = &classes[r->class];
  mwi_block_of(s->slot)->nfree++;
  push(&c->young, s->slot, s->hi - s->lo, MWI_SLOT_WARM);
  mwi_add_relaxed(&nslots_used, (uint32_t)-1);
  if (!mwi_markers && mwi_islands_short_locked())
    mwi_slot_cool_locked(s->slot); /* found by pop all the same */
  /* Memory is short.  Some at a time, since neighbours are cheaper together. */
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_stacks_short)) && ++c->nshort >= AGE_BATCH) {
    c->nshort = 0;
    cool_some_locked(c, &c->young);
  }
}

/* Mappings or memory are short: free slots shall not have any. */
static void cool_all_locked(void) {
  for (int i = 0; i < MWI_SLOT_CLASSES; i++)
    for (int old = 0; old < 2; old++)
      for (uint32_t id = old ? classes[i].old : classes[i].young; id != MWI_SLOT_NONE;
           id = mwi_slot_free_next(mwi_load_relaxed(mwi_slot_word(id))))
        mwi_slot_cool_locked(id);
}

/* Never used; in a new region, if that of c has none left. */
static bool fresh_slot_locked(uint32_t class, bool leave_room, uint32_t *id) {
  struct class *c = &classes[class];
  struct mwi_region *r = c->fresh;
  if (!r || r->nfresh == r->nslots) {
    r = mwi_region_new_locked(class, c->next_nslots, leave_room);
    if (!r) return false;
    if (r->nslots == c->next_nslots && r->nslots < MWI_REGION_SLOTS && 2 * r->bytes <= MOST_BYTES)
      c->next_nslots *= 2;
    c->fresh = r;
  }
  *id = r->index << 16 | r->nfresh++;
  return true;
}

/* Others give up what they do not need, if the kernel refuses. */
static bool open_somehow_locked(uint32_t id, uintptr_t lo) {
  if (mwi_slot_open_locked(id, lo)) return true;
  cool_all_locked();
  return mwi_slot_open_locked(id, lo);
}

static bool take_class_locked(uint32_t class, size_t usable, bool leave_room,
                              struct mwi_stack *out) {
  struct class *c = &classes[class];
  uint32_t id = MWI_SLOT_NONE;
  uintptr_t w = pop(&c->young, &id);
  if (!w) w = pop(&c->old, &id);
  if (!w) w = pop(&c->cold, &id);
  if (!w && !fresh_slot_locked(class, leave_room, &id)) return false;
  struct mwi_region *r = mwi_region_of(id);
  uintptr_t hi = mwi_slot_hi(r, id & 0xffff), lo = hi - usable;
  size_t had = mwi_slot_free_bytes(w);
  if ((w & MWI_SLOT_WARM) && had != usable) { /* another size was asked for last time */
    if (mwi_slot_close_memory(r, id, hi - had, mwi_block_of(id)->state)) {
      mwi_slot_closed_locked(id);
      w &= ~(uintptr_t)MWI_SLOT_WARM;
    } else if (had > usable) {
      lo = hi - had;
    } else {
      mwi_block_of(id)->nfree++;
      push(&c->young, id, had, MWI_SLOT_WARM);
      return false;
    }
  }
  if (!(w & MWI_SLOT_WARM) && !open_somehow_locked(id, lo)) {
    push(&c->cold, id, 0, 0);
    return false;
  }
  mwi_store_relaxed(mwi_slot_word(id), 0);
  mwi_add_relaxed(&nslots_used, 1);
  *out = (struct mwi_stack){.lo = lo, .hi = hi, .slot = id};
  return true;
}

/* ---- Taking and giving back -------------------------------------------- */

/* Large slots were refused a moment ago: so many takes go on without asking again. */
static uint32_t denied; /* under mwi_stack_lock */
#define DENIED_TAKES 256
#define NSMALL_TIGHT 512 /* small slots then, if nothing limits address space: 128 MB */

static uint32_t nsmall_tight(void) {
  size_t limit = mwi_os_space_limit(NULL);
  if (!limit) return NSMALL_TIGHT;
  size_t n = limit / MWI_SPACE_SHARE / MWI_STACK_SMALL;
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
  if (want > mwi_stack_class_usable(MWI_SLOT_BLOCK_CLASS - 1)) {
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
      size_t bytes = large[i] < want ? large[i] : want;
      if (take_class_locked(mwi_stack_class_for(bytes), bytes, true, out)) return true;
    }
    denied = DENIED_TAKES;
    want = adaptive_bytes_locked();
  } else if (denied) {
    denied--;
  }
  if (take_class_locked(mwi_stack_class_for(want), want, false, out)) return true;
  size_t tiny = MWI_STACK_USABLE(MWI_STACK_TINY);
  return want > tiny && take_class_locked(0, tiny, false, out);
}

bool mwi_stack_take(struct mwi_stack *out, size_t bytes) {
  if (bytes > MWI_STACK_MAX) return false;
  mwi_lock(&mwi_stack_lock);
  if (!initialised) init_locked();
  bool ok;
  if (bytes) {
    bytes = mwi_align_up(bytes, MWI_SLOT_PAGE);
    ok = take_class_locked(mwi_stack_class_for(bytes), bytes, false, out);
  } else {
    ok = take_adaptive_locked(out);
  }
  mwi_unlock(&mwi_stack_lock);
  return ok;
}

_Noreturn void mwi_stack_none(void) {
  bool strict;
  size_t limit = mwi_os_space_limit(&strict);
  int n = mw_num_goroutine();
  if (limit && strict)
    mwi_fatal(
        "out of memory: no room for a goroutine stack (%d goroutines; vm.overcommit_memory is "
        "2, and %zu MB were left)",
        n, limit >> 20);
  if (limit)
    mwi_fatal("out of memory: no address space for a goroutine stack (%d goroutines; ulimit -v "
              "allows %zu MB)",
              n, limit >> 20);
  mwi_fatal("out of memory: no address space for a goroutine stack (%d goroutines)", n);
}

void mwi_stack_put(const struct mwi_stack *s) {
  mwi_lock(&mwi_stack_lock);
  give_back_locked(s);
  adaptive_bytes_locked();
  mwi_unlock(&mwi_stack_lock);
}

void mwi_stack_put_closed(const struct mwi_stack *s) {
  mwi_lock(&mwi_stack_lock);
  push(&classes[mwi_region_of(s->slot)->class].cold, s->slot, 0, 0);
  mwi_add_relaxed(&nslots_used, (uint32_t)-1);
  mwi_unlock(&mwi_stack_lock);
}

bool mwi_slot_open(const struct mwi_stack *s) {
  mwi_lock(&mwi_stack_lock);
  bool ok = open_somehow_locked(s->slot, s->lo);
  mwi_unlock(&mwi_stack_lock);
  return ok;
}

bool mwi_stack_markers(void) {
  mwi_lock(&mwi_stack_lock);
  if (!initialised) init_locked();
  bool yes = mwi_markers;
  mwi_unlock(&mwi_stack_lock);
  return yes;
}

void mwi_stack_own(const struct mwi_stack *s, struct mwi_g *g) {
  mwi_store_release(mwi_slot_word(s->slot), (uintptr_t)g);
}

MWI_EXPORT size_t mw_set_max_stack(size_t bytes) {
  if (!bytes) return mwi_load_relaxed(&mwi_stack_most);
  if (bytes < MIN_STACK) bytes = MIN_STACK;
  if (bytes > MWI_STACK_MAX) bytes = MWI_STACK_MAX;
  return atomic_exchange_explicit(&mwi_stack_most, mwi_align_up(bytes, MWI_SLOT_PAGE),
                                  memory_order_relaxed);
}

size_t mwi_stack_max(void) {
  return mwi_load_relaxed(&mwi_stack_most);
}

/* ---- Free stacks grow cold --------------------------------------------- */

/* What a deep call left in the stacks that are taken again soonest. */
#define TRIM_KEEP (16 * MWI_KB)
#define TRIM_MOST 64

static void trim_locked(uint32_t list) {
  for (int n = 0; list != MWI_SLOT_NONE && n < TRIM_MOST; n++) {
    uintptr_t w = mwi_load_relaxed(mwi_slot_word(list));
    struct mwi_stack s = {.hi = mwi_slot_hi(mwi_region_of(list), list & 0xffff)};
    s.lo = s.hi - mwi_slot_free_bytes(w);
    if ((w & MWI_SLOT_WARM) && s.hi - s.lo > TRIM_KEEP) mwi_slot_trim(&s, s.hi - TRIM_KEEP);
    list = mwi_slot_free_next(w);
  }
}

void mwi_stack_age(void) {
  while (mwi_stack_age_some()) continue;
  mwi_lock(&mwi_stack_lock);
  for (int i = 0; i < MWI_SLOT_CLASSES && initialised; i++) {
    struct class *c = &classes[i];
    if (c->old != MWI_SLOT_NONE) continue; /* somebody else is at it */
    trim_locked(c->young);
    c->old = c->young;
    c->young = MWI_SLOT_NONE;
  }
  mwi_unlock(&mwi_stack_lock);
}

bool mwi_stack_age_some(void) {
  bool more = false;
  mwi_lock(&mwi_stack_lock);
  for (int i = 0; i < MWI_SLOT_CLASSES && initialised && !more; i++) {
    struct class *c = &classes[i];
    cool_some_locked(c, &c->old);
    more = c->old != MWI_SLOT_NONE;
  }
  mwi_unlock(&mwi_stack_lock);
  return more;
}

bool mwi_stack_any_free(void) {
  bool any = false;
  mwi_lock(&mwi_stack_lock);
  for (int i = 0; i < MWI_SLOT_CLASSES && initialised; i++)
    any |= classes[i].young != MWI_SLOT_NONE || classes[i].old != MWI_SLOT_NONE;
  mwi_unlock(&mwi_stack_lock);
  return any;
}

size_t mwi_stack_inuse_slots(void) {
  return mwi_load_relaxed(&nslots_used);
}
