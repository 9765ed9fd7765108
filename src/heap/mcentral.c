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
 *            from it pushes it on a full list, or in a stop.
 *          Roles change only with the world stopped, when nobody is between:
 *          a pop is inside mwi_rt_enter.
 *          Nor while the link of a span further down is read, so a sweeper takes
 *          several with one atomic operation, and puts them back with one for a list.
 * Order    of a refill: a swept span with room; an unswept one that had room
 *          (it still has); unswept full ones, REFILL_SWEEPS at most, as most
 *          of those that survived are still full; the same of other shards, one
 *          after the other; then new pages.  Who sweeps a span for itself has it
 *          in its own shard from then on; other sweepers leave it where it was.
 * Threads  any, inside mwi_rt_enter.
 * Not done taking the fullest span first: it would leave emptier ones to
 *          become free, at the price of an ordered structure under a lock.
 * Next     sweep.c
 */
#include "heap/mcentral.h"
#include "heap/mheap.h"
#include "heap/sweep.h"

struct mwi_mcentral mwi_mcentrals[MWI_SHARDS][MWI_NCLASSES];
_Atomic uint32_t mwi_nshards;

/* Enough to find a span that has become free in a heap that is half garbage;
 * more would make one allocation wait for tens of microseconds. */
#if MW_STRESS
#define REFILL_SWEEPS 1
#else
#define REFILL_SWEEPS 64
#endif

uint32_t mwi_mcentral_next_shard(void) {
  static _Atomic uint32_t mcaches;
  uint32_t i = mwi_add_relaxed(&mcaches, 1), shard = i % MWI_SHARDS,
           n = mwi_load_relaxed(&mwi_nshards);
  while (n <= shard && !mwi_cas_acqrel(&mwi_nshards, &n, shard + 1)) {
  }
  return shard;
}

/* Its struct will be wanted soon, and is cold: its bits, and its owner's fields. */
static void expect(const struct mwi_span *s) {
  __builtin_prefetch((const void *)s->mark, 1);
  __builtin_prefetch((const void *)s->scanned, 1);
  __builtin_prefetch((const void *)s->alloc, 1);
  __builtin_prefetch((const void *)&s->sweepgen, 1);
  __builtin_prefetch(s);
}

/* Those from first to last, linked. */
static void push(_Atomic(struct mwi_span *) *head, struct mwi_span *first, struct mwi_span *last) {
  struct mwi_span *old = mwi_load_relaxed(head);
  do {
    mwi_store_relaxed(&last->next, old);
    /* release half: pairs with pop; the new owner sees what we did to the span */
  } while (!mwi_cas_acqrel(head, &old, first));
}

static struct mwi_span *pop(_Atomic(struct mwi_span *) *head) {
  struct mwi_span *s = mwi_load_acquire(head), *after = NULL; /* pairs with push */
  while (s && !mwi_cas_acqrel(head, &s, after = mwi_load_relaxed(&s->next))) {
  }
  if (s && after) expect(after);
  return s;
}

/* It goes on that list of its class, which it is told. */
static unsigned put_down(struct mwi_span *s, enum mwi_list list) {
  unsigned parity = mwi_swept_parity();
  mwi_assert(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen && !s->list && !s->in_cache);
  s->list = MWI_SPAN_ON_LIST(list, parity);
  return parity;
}

void mwi_mcentral_put(uint32_t shard, struct mwi_span *s, enum mwi_list list) {
  unsigned parity = put_down(s, list);
  push(&mwi_mcentrals[shard][s->cls].head[parity][list], s, s);
}

void mwi_mcentral_put_all(uint32_t shard, const struct mwi_spans *all, enum mwi_list list) {
  if (!all->first) return;
  unsigned parity = 0;
  for (struct mwi_span *s = all->first;; s = mwi_load_relaxed(&s->next)) {
    mwi_assert(s->cls == all->first->cls);
    parity = put_down(s, list);
    if (s == all->last) break;
  }
  push(&mwi_mcentrals[shard][all->first->cls].head[parity][list], all->first, all->last);
}

struct mwi_span *mwi_mcentral_take_unswept(uint32_t shard, mwi_spanclass c, enum mwi_list list,
                                           uint32_t most, uint32_t *n) {
  _Atomic(struct mwi_span *) *head = &mwi_mcentrals[shard][c].head[!mwi_swept_parity()][list];
  if (!mwi_load_relaxed(head)) return NULL;                /* empty stays empty */
  struct mwi_span *first = mwi_load_acquire(head), *after; /* pairs with push */
  do {
    after = first;
    for (*n = 0; after && *n < most; ++*n) {
      after = mwi_load_relaxed(&after->next);
      if (after) expect(after);
    }
    /* When others have taken some meanwhile, what we read may belong to another list, or to a
     * struct in use again; but then head is another for good [H8]. */
  } while (first && !mwi_cas_acqrel(head, &first, after));
  return first;
}

void mwi_mcentral_begin_sweep(struct mwi_span *s) {
  mwi_assert(s->list == MWI_SPAN_ON_LIST(MWI_LIST_PARTIAL, !mwi_swept_parity()) ||
             s->list == MWI_SPAN_ON_LIST(MWI_LIST_FULL, !mwi_swept_parity()));
  mwi_assert(mwi_load_relaxed(&s->sweepgen) == mwi_heap.sweepgen - 2);
  s->list = 0;
  mwi_store_relaxed(&s->sweepgen, mwi_heap.sweepgen - 1);
  atomic_thread_fence(memory_order_release); /* before any mark changes: readers look twice [H5] */
}

/* One of them, whose sweep has begun; NULL: none. */
static struct mwi_span *take_unswept_one(uint32_t shard, mwi_spanclass c, enum mwi_list list) {
  uint32_t n;
  struct mwi_span *s = mwi_mcentral_take_unswept(shard, c, list, 1, &n);
  if (s) mwi_mcentral_begin_sweep(s);
  return s;
}

static struct mwi_span *take_swept(uint32_t shard, mwi_spanclass c) {
  _Atomic(struct mwi_span *) *head =
      &mwi_mcentrals[shard][c].head[mwi_swept_parity()][MWI_LIST_PARTIAL];
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

/* From the lists of a shard, for mc.  *sweeps: how many full ones may be swept. */
static struct mwi_span *take_from(struct mwi_mcache *mc, uint32_t shard, mwi_spanclass c,
                                  int *sweeps) {
  struct mwi_span *s = take_swept(shard, c);
  if (s) return s;
  if ((s = take_unswept_one(shard, c, MWI_LIST_PARTIAL)) != NULL) {
    mwi_sweep_keep(s);
    return s;
  }
  for (; *sweeps > 0; --*sweeps) {
    if (!(s = take_unswept_one(shard, c, MWI_LIST_FULL))) break;
    if (mwi_sweep_keep(s)) return s;
    mwi_mcentral_put(mc->shard, s, MWI_LIST_FULL);
  }
  return NULL;
}

struct mwi_span *mwi_mcentral_take(struct mwi_mcache *mc, mwi_spanclass c) {
  int sweeps = REFILL_SWEEPS;
  struct mwi_span *s = take_from(mc, mc->shard, c, &sweeps);
  uint32_t n = mwi_load_acquire(&mwi_nshards);
  for (uint32_t i = 1; !s && i < n; i++) s = take_from(mc, (mc->shard + i) % n, c, &sweeps);
  if (!s) return take_fresh(mc, c);
  mwi_assert(s->nalloc < s->nelems);
  s->in_cache = 1;
  return s;
}
