/* SPDX-License-Identifier: MIT */
/*
 * heap/mcentral.h -- shared span lists, four for each span class and shard (internal)
 *
 * Spans that no cursor holds, by what is known of them:
 *
 *                 partial                 full
 *     swept       some slot free          no slot free when last looked at
 *     unswept     (what these held when the last cycle ended)
 *
 * A cycle's end does not move spans: the lists of odd and even cycles swap
 * roles.  See mcentral.c for why push and pop need no lock.
 *
 * An mcache has a *shard*, and puts its spans on the lists of that; so the next
 * cycle's first come from there again, with their memory perhaps still in this
 * processor's cache, and nobody else's atomic operations on the lists.  It goes
 * to the others' lists when its own are empty.
 */
#ifndef MWI_HEAP_MCENTRAL_H
#define MWI_HEAP_MCENTRAL_H

#include "heap/heap.h"

enum mwi_list { MWI_LIST_PARTIAL, MWI_LIST_FULL, MWI_NLISTS };
/* mwi_span.list: 0 on none, else 1 + list + MWI_NLISTS * parity of its cycle */
#define MWI_SPAN_ON_LIST(l, parity) ((uint8_t)(1 + (l) + MWI_NLISTS * (parity)))

#if MW_STRESS
#define MWI_SHARDS 2 /* taking from others is common */
#else
#define MWI_SHARDS 16
#endif

/* A line for each: owners of other shards come here rarely. */
struct mwi_mcentral {
  /* atomic stacks through mwi_span.next: [parity of the cycle][list] */
  _Atomic(struct mwi_span *) head[2][MWI_NLISTS];

  /* atomic, relaxed: cumulative, by sweeps */
  _Atomic uint64_t alloc_objects; /* moved here from the mcaches when they are flushed */
  _Atomic uint64_t freed_objects;
  _Atomic uint64_t freed_bytes; /* large objects only: others are counted by slot */
} MWI_ALIGNED(64);
_Static_assert(sizeof(struct mwi_mcentral) == 64, "one line");
extern struct mwi_mcentral mwi_mcentrals[MWI_SHARDS][MWI_NCLASSES];
/* Shards with an mcache; the others are empty.  Atomic: only rises, release when it may be used. */
extern _Atomic uint32_t mwi_nshards;

/* The next mcache's. */
uint32_t mwi_mcentral_next_shard(void);

/* Which of head[2] holds what is swept in the current cycle. */
MWI_INLINE unsigned mwi_swept_parity(void) {
  return mwi_heap.sweepgen / 2 % 2;
}

/* A swept span of class c with a free slot, off every list, in_cache set.
 * NULL: no memory.  May sweep and take mheap.lock. */
struct mwi_span *mwi_mcentral_take(struct mwi_mcache *mc, mwi_spanclass c);

/* A swept span back (or a new large one). */
void mwi_mcentral_put(uint32_t shard, struct mwi_span *s, enum mwi_list list);

/* Swept spans of one class. */
void mwi_mcentral_put_all(uint32_t shard, const struct mwi_spans *all, enum mwi_list list);

/* Take up to `most` spans that want sweeping: *n, linked by next; the last one's link says nothing.
 * The caller sweeps them (sweep.h).  NULL: none. */
struct mwi_span *mwi_mcentral_take_unswept(uint32_t shard, mwi_spanclass c, enum mwi_list list,
                                           uint32_t most, uint32_t *n);
/* Just before one of them is swept [H5]. */
void mwi_mcentral_begin_sweep(struct mwi_span *s);

#endif
