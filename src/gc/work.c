/* SPDX-License-Identifier: MIT */
/*
 * gc/work.c -- where grey work waits
 *
 * Job      A ring for each processor, a global list of full buffers between
 *          them.
 * Promise  [W1] of gc/work.h.  An item leaves the ring before it enters a
 *          buffer only in the hands of the ring's owner.
 * How      The ring is first in, first out: a span that waits gathers marks.
 *          A full ring gives its older half away; so does any ring with more
 *          than a few items while processors are idle and the list is empty.
 * Threads  ring: the holder of the P.  list: work_lock, with an atomic count
 *          in front so that a worker out of work need not take it in vain.
 */
#include "gc/mark.h"

static struct mwi_lock work_lock = MWI_LOCK_INIT(MWI_RANK_WORK);
static struct mwi_workbuf *full, *empty; /* under work_lock */
static _Atomic uint32_t nfull;           /* length of full */
static _Atomic size_t nbuffers;

bool mwi_work_any(void) {
  return mwi_load_seqcst(&nfull) != 0;
}
size_t mwi_work_buffers(void) {
  return mwi_load_relaxed(&nbuffers);
}

static struct mwi_workbuf *buffer_take(void) {
  mwi_lock(&work_lock);
  struct mwi_workbuf *b = empty;
  if (b) empty = b->next;
  mwi_unlock(&work_lock);
  if (b) return b;
  mwi_add_relaxed(&nbuffers, 1);
  return mwi_meta_alloc(sizeof *b, 64);
}

/* Give the n oldest items of the ring to the global list. */
static void give(struct mwi_gcp *w, uint32_t n) {
  struct mwi_workbuf *b = buffer_take();
  if (n > MWI_WORKBUF_ITEMS) n = MWI_WORKBUF_ITEMS;
  for (uint32_t i = 0; i < n; i++) b->item[i] = w->ring[(w->head + i) % MWI_WORK_RING];
  b->n = n;
  w->head += n;
  mwi_lock(&work_lock);
  b->next = full;
  full = b;
  atomic_fetch_add(&nfull, 1);
  mwi_unlock(&work_lock);
}

void mwi_work_put(struct mwi_gcp *w, uintptr_t item) {
  uint32_t n = w->tail - w->head;
  if (n == MWI_WORK_RING || (n > 8 && mwi_load_relaxed(&nfull) == 0 && mwi_gc_hooks.idle_procs()))
    give(w, n / 2);
  w->ring[w->tail % MWI_WORK_RING] = item;
  w->tail++;
}

uintptr_t mwi_work_get(struct mwi_gcp *w) {
  if (w->head == w->tail) {
    if (!mwi_work_any()) return 0;
    mwi_lock(&work_lock);
    struct mwi_workbuf *b = full;
    if (b) {
      full = b->next;
      atomic_fetch_sub(&nfull, 1);
    }
    mwi_unlock(&work_lock);
    if (!b) return 0;
    w->head = 0;
    w->tail = b->n;
    memcpy(w->ring, b->item, b->n * sizeof b->item[0]);
    mwi_lock(&work_lock);
    b->next = empty;
    empty = b;
    mwi_unlock(&work_lock);
  }
  uintptr_t item = w->ring[w->head % MWI_WORK_RING];
  w->head++;
  return item;
}

void mwi_work_publish(struct mwi_gcp *w) {
  while (w->head != w->tail) give(w, w->tail - w->head);
}
