/* SPDX-License-Identifier: MIT */
/*
 * heap/mcentral.c -- span lists shared by all processors
 *
 * Job      Gives a cursor its next span; keeps what no cursor holds.
 * Promise  [H4] Whoever popped a span owns it alone until it is pushed again.
 *          [H8] From one stop that changes the roles to the next a span is
 *          pushed on a list at most once that is popped from.
 * How      Lists are stacks with an atomic head.  The danger of such stacks is
 *          a pop that has read head and head->next while others pop that span
 *          and push it again (ABA).  It cannot happen here [H8]:
 *            unswept lists: nobody pushes;
 *            swept full: nobody pops;
 *            swept partial: a sweep pushes, once in a cycle; who pops a span
 *            from it pushes it on the full list, or in a stop.
 *          Roles change only with the world stopped, when nobody is between:
 *          a pop is inside mwi_rt_enter.
 *          So sweeping a span costs one atomic operation to take it and one
 *          to put it back.
 * Order    of a refill: a swept span with room; an unswept one that had room
 *          (it still has); unswept full ones, REFILL_SWEEPS at most, as most
 *          of those that survived are still full; then new pages.
 * Threads  any, inside mwi_rt_enter.
 * Not done taking the fullest span first: it would leave emptier ones to
 *          become free, at the price of an ordered structure under a lock.
 * Next     sweep.c
 */
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/sweep.h"

struct mwi_mcentral mwi_mcentrals[MWI_NCLASSES];

/* Enough to find a span that has become free in a heap that is half garbage;
 * more would make one allocation wait for tens of microseconds. */
#if MW_STRESS
#define REFILL_SWEEPS 1
#else
#define REFILL_SWEEPS 64
#endif

static void push(_Atomic(struct mwi_span *) *head, struct mwi_span *s) {
  struct mwi_span *old = mwi_load_relaxed(head);
  do {
    mwi_store_relaxed(&s->next, old);
    /* release half: pairs with pop; the new owner sees what we did to the span */
  } while (!mwi_cas_acqrel(head, &old, s));
}

static struct mwi_span *pop(_Atomic(struct mwi_span *) *head) {
  struct mwi_span *s = mwi_load_acquire(head); /* pairs with push */
  while (s && !mwi_cas_acqrel(head, &s, mwi_load_relaxed(&s->next))) {
  }
  return s;
}

void mwi_mcentral_put(struct mwi_span *s, enum mwi_list list) {
  unsigned parity = mwi_swept_parity();
  mwi_assert(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen && !s->list && !s->in_cache);
  s->list = MWI_SPAN_ON_LIST(list, parity);
  push(&mwi_mcentrals[s->cls].head[parity][list], s);
}

struct mwi_span *mwi_mcentral_take_unswept(mwi_spanclass c, enum mwi_list list) {
  unsigned parity = !mwi_swept_parity();
  _Atomic(struct mwi_span *) *head = &mwi_mcentrals[c].head[parity][list];
  struct mwi_span *s = mwi_load_relaxed(head) ? pop(head) : NULL; /* empty stays empty */
  if (!s) return NULL;
  mwi_assert(s->list == MWI_SPAN_ON_LIST(list, parity));
  mwi_assert(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen - 2);
  s->list = 0;
  mwi_store_relaxed(&s->sweepgen, mwi_heap.sweepgen - 1);
  atomic_thread_fence(memory_order_release); /* before any mark changes: readers look twice [H5] */
  return s;
}

static struct mwi_span *take_swept(mwi_spanclass c) {
  _Atomic(struct mwi_span *) *head = &mwi_mcentrals[c].head[mwi_swept_parity()][MWI_LIST_PARTIAL];
  struct mwi_span *s = mwi_load_relaxed(head) ? pop(head) : NULL;
  if (s) s->list = 0;
  return s;
}

static struct mwi_span *take_fresh(struct mwi_mcache *mc, mwi_spanclass c) {
  const struct mwi_class *k = &mwi_classes[c];
  struct mwi_span *s = mwi_mheap_take_span(mc, k->pages);
  if (!s) return NULL;
  s->cls = c;
  s->nelems = k->nelems;
  s->slot = k->slot;
  s->info = k;
  s->noscan = k->noscan;
  s->in_cache = 1;
  mwi_mheap_publish(s);
  return s;
}

struct mwi_span *mwi_mcentral_take(struct mwi_mcache *mc, mwi_spanclass c) {
  struct mwi_span *s = take_swept(c);
  if (!s && (s = mwi_mcentral_take_unswept(c, MWI_LIST_PARTIAL)) != NULL) mwi_sweep_keep(s);
  for (int i = 0; !s && i < REFILL_SWEEPS; i++) {
    struct mwi_span *t = mwi_mcentral_take_unswept(c, MWI_LIST_FULL);
    if (!t) break;
    if (mwi_sweep_keep(t))
      s = t;
    else
      mwi_mcentral_put(t, MWI_LIST_FULL);
  }
  if (!s) return take_fresh(mc, c);
  mwi_assert(s->nalloc < s->nelems);
  s->in_cache = 1;
  return s;
}
