/* SPDX-License-Identifier: MIT */
/*
 * gc/handle.c -- integers that keep objects alive in foreign code
 *
 * A table of slots, scanned as roots.  A handle is slot index and generation,
 * so that one that was freed, and its slot reused, is told from a live one.
 *
 *     63           32 31            0
 *     [ generation   | slot index + 1 ]
 */
#include <mallow.h>

#include "gc/barrier.h"
#include "gc/roots.h"

struct slot {
  void *p;
  uint32_t generation;
  uint32_t next_free; /* index + 1 */
  bool live;
};

#define BLOCK_SLOTS 1024
#define MAX_BLOCKS 65536
static struct mwi_lock handle_lock = MWI_LOCK_INIT(MWI_RANK_ROOTS);
static struct slot **blocks; /* under handle_lock */
static uint32_t nslots, first_free;

static struct slot *slot_at(uint32_t i) {
  return &blocks[i / BLOCK_SLOTS][i % BLOCK_SLOTS];
}

/* The live slot of h, with the lock held; fatal when there is none. */
static struct slot *find_locked(mw_handle h, const char *who) {
  uint32_t i = (uint32_t)h - 1;
  struct slot *s = (uint32_t)h && i < nslots ? slot_at(i) : NULL;
  if (s && s->live && s->generation == (uint32_t)(h >> 32)) return s;
  mwi_unlock(&handle_lock);
  mwi_fatal("%s(0x%lx): not a live handle", who, (unsigned long)h);
}

MWI_EXPORT mw_handle mw_handle_new(void *p) {
  mwi_gc_attach();
  mwi_lock(&handle_lock);
  if (!first_free) {
    if (!blocks) blocks = mwi_meta_alloc(MAX_BLOCKS * sizeof *blocks, 16);
    if (nslots == MAX_BLOCKS * BLOCK_SLOTS) {
      mwi_unlock(&handle_lock);
      mwi_fatal("mw_handle_new: more than %u handles", MAX_BLOCKS * BLOCK_SLOTS);
    }
    struct slot *b = mwi_meta_alloc(BLOCK_SLOTS * sizeof *b, 16);
    blocks[nslots / BLOCK_SLOTS] = b;
    for (uint32_t i = BLOCK_SLOTS; i-- > 0;) {
      b[i].next_free = first_free;
      first_free = nslots + i + 1;
    }
    nslots += BLOCK_SLOTS;
  }
  uint32_t i = first_free - 1;
  struct slot *s = slot_at(i);
  first_free = s->next_free;
  s->live = true;
  mwi_store_ptr(&s->p, p);
  mw_handle h = (mw_handle)s->generation << 32 | (i + 1);
  mwi_unlock(&handle_lock);
  return h;
}

MWI_EXPORT void *mw_handle_get(mw_handle h) {
  mwi_gc_attach();
  mwi_lock(&handle_lock);
  void *p = find_locked(h, "mw_handle_get")->p;
  mwi_shade(p); /* to a stack that may have been scanned */
  mwi_unlock(&handle_lock);
  return p;
}

MWI_EXPORT void mw_handle_free(mw_handle h) {
  mwi_gc_attach();
  mwi_lock(&handle_lock);
  struct slot *s = find_locked(h, "mw_handle_free");
  mwi_store_ptr(&s->p, NULL);
  s->live = false;
  s->generation++;
  s->next_free = first_free;
  first_free = (uint32_t)h;
  mwi_unlock(&handle_lock);
}

/* A block at a time: who wants the lock waits for some microseconds.  A handle made or freed
 * meanwhile is shaded where that happens. */
void mwi_handles_scan(struct mwi_gcp *w) {
  for (uint32_t from = 0;; from += BLOCK_SLOTS) {
    mwi_lock(&handle_lock);
    bool any = from < nslots;
    for (uint32_t i = from; any && i < from + BLOCK_SLOTS; i++) {
      struct slot *s = slot_at(i);
      if (s->live)
        mwi_scan_conservative(w, (uintptr_t)&s->p, (uintptr_t)&s->p + sizeof s->p, false);
    }
    mwi_unlock(&handle_lock);
    if (!any) return;
  }
}
