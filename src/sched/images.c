/* SPDX-License-Identifier: MIT */
/*
 * sched/images.c -- is there external code below this frame?
 *
 * Job      External code (qsort) calls back instrumented code, which can stop
 *          at a poll.  The frames of the external code below hold pointers and
 *          will move them without barriers, so a goroutine that stands there
 *          when marking begins is treated like one in external code itself
 *          (sched/gchooks.c, [E2]).  This file finds out whether it does.
 * How      Any word of the stack that points into executable text other than
 *          ours counts as a return address.  A stale one costs some extra
 *          scanning; a deep stack is not searched to its end but taken as
 *          external.
 * Threads  images_lock guards everything.  The linker's list is read in SYS,
 *          before the world is stopped ([M3] in sched/m.c); a library opened
 *          between that and the stop cannot have called back yet without one
 *          more refresh, or is missed for one cycle.
 * Not done blocking operations (a channel, a mutex) inside a callback: looking
 *          at the stack at each of them costs too much.  docs/design/collector.md.
 */
#define _GNU_SOURCE 1
#include <link.h>

#include "gc/gc.h"
#include "sched/proc.h"

#define MAX_IMAGES 1024
#define SEARCH_BYTES (64 * MWI_KB) /* about 10 us */

struct image {
  uintptr_t lo, hi;
};
struct images {
  uint32_t n;
  uintptr_t lo, hi; /* bounds of them all */
  struct image image[MAX_IMAGES];
};

static struct mwi_lock images_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);
static struct images images;             /* under images_lock */
static struct mwi_g *in_callback;        /* under images_lock: preempted there; by next_callback */
static unsigned long long seen_adds = 0; /* the starter of a cycle */

static int collect(struct dl_phdr_info *info, size_t size, void *arg) {
  (void)size;
  (void)arg;
  if (info->dlpi_adds == seen_adds) return 1;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X)) continue;
    uintptr_t lo = info->dlpi_addr + ph->p_vaddr, hi = lo + ph->p_memsz;
    mwi_lock(&images_lock);
    bool known = images.n == MAX_IMAGES;
    for (uint32_t k = 0; k < images.n && !known; k++)
      known = images.image[k].lo == lo && images.image[k].hi == hi;
    if (!known) images.image[images.n++] = (struct image){lo, hi};
    if (lo < images.lo || !images.lo) images.lo = lo;
    if (hi > images.hi) images.hi = hi;
    mwi_unlock(&images_lock);
  }
  return 0;
}

static int adds(struct dl_phdr_info *info, size_t size, void *arg) {
  (void)size;
  *(unsigned long long *)arg = info->dlpi_adds;
  return 1;
}

static void refresh_in_sys(void *arg, uintptr_t sp) {
  struct mwi_m *m = arg;
  m->stop_sp = sp;
  mwi_enter_sys(m);
  unsigned long long now = seen_adds;
  dl_iterate_phdr(adds, &now);
  if (now != seen_adds) dl_iterate_phdr(collect, NULL);
  seen_adds = now;
  mwi_leave_sys(m);
}

/* Images that were closed stay in the table: no live stack points there. */
void mwi_images_refresh(void) {
  mwi_rt_enter();
  mwi_spill_call(refresh_in_sys, mwi_self());
  mwi_rt_leave();
}

static bool external_locked(uintptr_t pc) {
  if (pc - images.lo >= images.hi - images.lo) return false;
  for (uint32_t i = 0; i < images.n; i++)
    if (pc - images.image[i].lo < images.image[i].hi - images.image[i].lo)
      return !mwi_text_contains(pc);
  return false;
}

bool mwi_external_below(uintptr_t sp, uintptr_t hi) {
  if (hi - sp > SEARCH_BYTES) return true;
  bool found = false;
  mwi_lock(&images_lock);
  for (uintptr_t a = mwi_align_up(sp, 8); a + 8 <= hi && !found; a += 8)
    found = external_locked(*(uintptr_t *)a);
  mwi_unlock(&images_lock);
  return found;
}

/* ---- Preempted in a callback ------------------------------------------- */

static void leave_callback(struct mwi_g *g) {
  mwi_lock(&images_lock);
  struct mwi_g **at = &in_callback;
  while (*at != g) at = &(*at)->next_callback;
  *at = g->next_callback;
  mwi_unlock(&images_lock);
}

void mwi_preempt(void) {
  struct mwi_g *g = mwi_getg();
  bool callback = mwi_external_below((uintptr_t)__builtin_frame_address(0), g->stack.hi);
  if (callback) {
    mwi_lock(&images_lock);
    g->next_callback = in_callback;
    in_callback = g;
    mwi_unlock(&images_lock);
  }
  mwi_requeue();
  if (callback) leave_callback(g);
}

void mwi_each_callback_stw(void (*fn)(struct mwi_g *)) {
  for (struct mwi_g *g = in_callback; g; g = g->next_callback) fn(g);
}
