/* SPDX-License-Identifier: MIT */
/*
 * sched/stack.c -- slots of address space for goroutine stacks
 *
 * Job      Hand out and take back stacks; know which addresses are guards.
 * Promise  [S1] The bytes below a stack fault: an overflow never reaches
 *          another stack.  [S2] One mapping holds many slots, and a guard is
 *          installed with MADV_GUARD_INSTALL (Linux 6.13), which does not
 *          split the mapping; where the kernel lacks it, mprotect does, at
 *          the price of two entries of vm.max_map_count each.
 * How      Slots are cut from regions of one class.  Freed slots go to the
 *          processor's cache (warm pages: a first touch costs microseconds),
 *          then to a free list per class.
 * Threads  stack_lock guards lists and regions; a processor's cache belongs
 *          to its thread.  The region table only grows and is read by the
 *          SIGSEGV handler without a lock (acquire on nregions).
 */
#include "sched/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "os/inject.h"
#include "os/lock.h"
#include "sched/proc.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

struct region {
  uintptr_t start;
  size_t slot, bytes; /* slot: guard included */
};
#define MAX_REGIONS 16384
static struct region *regions;    /* entries below nregions are constant */
static _Atomic uint32_t nregions; /* release after the entry is written */

/* Free slots are linked through an index kept off the stacks themselves, so
 * that a free stack's pages need not be touched. */
struct free_slot {
  struct free_slot *next;
  uintptr_t lo, hi;
  bool guarded; /* was in use before: the guard is there */
};

static struct mwi_lock stack_lock = MWI_LOCK_INIT(MWI_RANK_STACK);
/* under stack_lock */
static struct free_slot *free_list[2];
static struct free_slot *spare;
static uint32_t nlive[2];
static _Atomic size_t sys_bytes;
static _Atomic size_t live_slots;
static bool no_guard_madvise;
static uint32_t ndead; /* region entries whose stack was given back (bytes 0) */

static const size_t class_bytes[2] = {MWI_STACK_LARGE, MWI_STACK_SMALL};

static bool guard_install(uintptr_t lo) {
  if (!no_guard_madvise) {
    if (!mwi_inject(MWI_INJECT_MADVISE) &&
        madvise((void *)lo, MWI_STACK_GUARD, MADV_GUARD_INSTALL) == 0)
      return true;
    no_guard_madvise = true;
  }
  return mprotect((void *)lo, MWI_STACK_GUARD, PROT_NONE) == 0;
}

static struct free_slot *slot_record(void) {
  struct free_slot *f = spare;
  if (f)
    spare = f->next;
  else
    f = mwi_meta_alloc(sizeof *f, 16);
  return f;
}

/* A region of n slots; its start goes to *out. */
static bool region_add_locked(size_t slot, size_t n, uintptr_t *out) {
  uint32_t i = mwi_load_relaxed(&nregions);
  if (mwi_inject(MWI_INJECT_MMAP)) return false;
  if (!regions) regions = mwi_meta_alloc(MAX_REGIONS * sizeof *regions, 64);
  if (ndead)
    for (i = 0; regions[i].bytes; i++) continue;
  else if (i == MAX_REGIONS)
    return false;
  size_t bytes = slot * n;
  char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (p == MAP_FAILED) return false;
  madvise(p, bytes, MADV_NOHUGEPAGE); /* a huge page a stack would be 2 MB each */
  regions[i] = (struct region){(uintptr_t)p, slot, bytes};
  if (ndead)
    ndead--;
  else
    mwi_store_release(&nregions, i + 1); /* pairs with the acquire in mwi_stack_guard_hit */
  mwi_add_relaxed(&sys_bytes, bytes);
  *out = (uintptr_t)p;
  return true;
}

static void region_drop_locked(uintptr_t start) {
  struct region *r = regions;
  while (r->start != start || !r->bytes) r++;
  munmap((void *)start, r->bytes);
  mwi_add_relaxed(&sys_bytes, -r->bytes);
  r->bytes = 0;
  ndead++;
}

/* Large slots leave this much address space (ulimit -v) to small ones, to
 * threads and to libraries; without it 14 goroutines take all there is. */
#define LARGE_LEAVES ((size_t)512 << 20)

static bool fits_beside_room(size_t bytes) {
  void *p = mwi_os.reserve(bytes + LARGE_LEAVES, 4096);
  if (p) mwi_os.unreserve(p, bytes + LARGE_LEAVES);
  return p != NULL;
}

static bool class_grow_locked(int class) {
  size_t slot = class_bytes[class] + MWI_STACK_GUARD;
  /* 16 large or 256 small slots a mapping; fewer when address space is short. */
  for (size_t n = class == MWI_STACK_CLASS_LARGE ? 16 : 256; n; n /= 4) {
    uintptr_t start;
    if (class == MWI_STACK_CLASS_LARGE && !fits_beside_room(slot * n)) continue;
    if (!region_add_locked(slot, n, &start)) continue;
    for (size_t i = n; i-- > 0;) {
      struct free_slot *f = slot_record();
      f->lo = start + i * slot;
      f->hi = f->lo + slot;
      f->guarded = false;
      f->next = free_list[class];
      free_list[class] = f;
    }
    return true;
  }
  return false;
}

static bool take_own(struct mwi_stack *out, size_t bytes) {
  bytes = mwi_align_up(bytes, 4096);
  mwi_lock(&stack_lock);
  uintptr_t start = 0;
  bool ok = region_add_locked(bytes + MWI_STACK_GUARD, 1, &start);
  if (ok && !guard_install(start)) { /* no mappings left */
    region_drop_locked(start);
    ok = false;
  }
  mwi_unlock(&stack_lock);
  if (!ok) return false;
  *out = (struct mwi_stack){.lo = start + MWI_STACK_GUARD,
                            .hi = start + MWI_STACK_GUARD + bytes,
                            .slot_class = MWI_STACK_CLASS_OWN};
  return true;
}

static bool take_class_locked(int class, struct mwi_stack *out) {
  if (!free_list[class] && !class_grow_locked(class)) return false;
  struct free_slot *f = free_list[class];
  if (!f->guarded && !guard_install(f->lo)) return false;
  free_list[class] = f->next;
  *out =
      (struct mwi_stack){.lo = f->lo + MWI_STACK_GUARD, .hi = f->hi, .slot_class = (uint32_t)class};
  f->next = spare;
  spare = f;
  nlive[class]++;
  return true;
}

bool mwi_stack_take(struct mwi_p *p, struct mwi_stack *out, size_t bytes) {
  mwi_add_relaxed(&live_slots, 1);
  if (bytes > MWI_STACK_SMALL) {
    if (take_own(out, bytes)) return true;
    mwi_add_relaxed(&live_slots, (size_t)-1);
    return false;
  }
  if (p && p->nstack_cache) {
    *out = p->stack_cache[--p->nstack_cache];
    return true;
  }
  mwi_lock(&stack_lock);
  bool ok = false;
  if (nlive[MWI_STACK_CLASS_LARGE] < MWI_STACK_NLARGE)
    ok = take_class_locked(MWI_STACK_CLASS_LARGE, out);
  if (!ok) ok = take_class_locked(MWI_STACK_CLASS_SMALL, out);
  mwi_unlock(&stack_lock);
  if (!ok) mwi_add_relaxed(&live_slots, (size_t)-1);
  return ok;
}

void mwi_stack_put(struct mwi_p *p, struct mwi_stack *s) {
  mwi_add_relaxed(&live_slots, (size_t)-1);
  if (s->slot_class == MWI_STACK_CLASS_OWN) {
    uintptr_t start = s->lo - MWI_STACK_GUARD;
    mwi_lock(&stack_lock);
    region_drop_locked(start);
    mwi_unlock(&stack_lock);
    return;
  }
  if (p && p->nstack_cache < MWI_P_STACKS) {
    p->stack_cache[p->nstack_cache++] = *s;
    return;
  }
  mwi_lock(&stack_lock);
  struct free_slot *f = slot_record();
  f->lo = s->lo - MWI_STACK_GUARD;
  f->hi = s->hi;
  f->guarded = true;
  f->next = free_list[s->slot_class];
  free_list[s->slot_class] = f;
  nlive[s->slot_class]--;
  mwi_unlock(&stack_lock);
}

bool mwi_stack_guard_hit(uintptr_t addr, size_t *limit) {
  uint32_t n = mwi_load_acquire(&nregions);
  for (uint32_t i = n; i-- > 0;) {
    struct region *r = &regions[i];
    if (addr < r->start || addr - r->start >= r->bytes) continue;
    *limit = r->slot - MWI_STACK_GUARD;
    return (addr - r->start) % r->slot < MWI_STACK_GUARD;
  }
  return false;
}

size_t mwi_stack_inuse_slots(void) {
  return mwi_load_relaxed(&live_slots);
}
size_t mwi_stack_sys_bytes(void) {
  return mwi_load_relaxed(&sys_bytes);
}
