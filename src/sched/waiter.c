/* SPDX-License-Identifier: MIT */
/*
 * sched/waiter.c -- where waiters come from, and how the collector sees them
 *
 * Job      A pool of spare waiters; the roots that parked goroutines' waiters
 *          hold.
 * Promise  [WT1], [WT3] of waiter.h.
 * How      Waiters are cut from pages of metadata memory.  Spares move between
 *          the pool and a goroutine as chains, under one lock; since every
 *          goroutine keeps KEEP of its own, the lock is taken at a
 *          goroutine's first park and by wide selects only.
 * Callers  the running goroutine, on its own stack; mwi_waiters_scan: the
 *          collector, with the goroutine's scan bit.
 */
#include "sched/waiter.h"

/* Waiters that a goroutine keeps.  More would cost memory for a million
 * goroutines that once ran a wide select; fewer would send common selects to
 * the pool each time. */
enum { KEEP = 8, CHUNK = 32 };

static struct mwi_lock pool_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);
static struct mwi_waiter *pool; /* under pool_lock; linked by own_next */

static void pool_put(struct mwi_waiter *first, struct mwi_waiter *last) {
  mwi_lock(&pool_lock);
  last->own_next = pool;
  pool = first;
  mwi_unlock(&pool_lock);
}

/* n waiters in a chain. */
static struct mwi_waiter *pool_take(unsigned n) {
  struct mwi_waiter *first = NULL;
  for (;;) {
    mwi_lock(&pool_lock);
    while (n > 0 && pool != NULL) {
      struct mwi_waiter *w = pool;
      pool = w->own_next;
      w->own_next = first;
      first = w;
      n--;
    }
    mwi_unlock(&pool_lock);
    if (n == 0) return first;
    struct mwi_waiter *page = mwi_meta_alloc(CHUNK * sizeof *page, _Alignof(struct mwi_waiter));
    for (int i = 0; i + 1 < CHUNK; i++) page[i].own_next = &page[i + 1];
    pool_put(&page[0], &page[CHUNK - 1]);
  }
}

struct mwi_waiter *mwi_waiters_need(struct mwi_g *g, unsigned n) {
  unsigned have = 0;
  struct mwi_waiter **end = &g->waiters;
  for (; *end != NULL && have < n; end = &(*end)->own_next) have++;
  if (have < n) {
    struct mwi_waiter *more = pool_take(n - have);
    for (struct mwi_waiter *w = more; w != NULL; w = w->own_next) {
      w->g = g;
      w->chan = NULL;
      w->big = NULL;
      w->scan_bytes = 0;
      w->queued = false;
    }
    *end = more;
  }
  return g->waiters;
}

void mwi_waiters_trim(struct mwi_g *g) {
  struct mwi_waiter *last = g->waiters;
  for (int i = 1; i < KEEP && last != NULL; i++) last = last->own_next;
  if (last == NULL || last->own_next == NULL) return;
  struct mwi_waiter *first = last->own_next, *end = first;
  last->own_next = NULL;
  for (;; end = end->own_next) {
    mwi_assert(end->chan == NULL && !end->queued);
    if (end->own_next == NULL) break;
  }
  pool_put(first, end);
}

void mwi_waiters_scan(struct mwi_g *g, void (*scan)(const void *p, size_t bytes)) {
  for (struct mwi_waiter *w = g->waiters; w != NULL; w = w->own_next) {
    if (w->chan == NULL) continue;
    scan(&w->chan, sizeof w->chan);
    if (w->big != NULL) scan(&w->big, sizeof w->big);
    /* Another goroutine may be writing the slot: what it writes is shaded [WT3]. */
    if (w->scan_bytes != 0) scan(w->slot, w->scan_bytes);
  }
}
