/* SPDX-License-Identifier: MIT */
/*
 * base/rank.h -- the order in which runtime locks are taken (internal)
 *
 * A thread may take a lock only if its rank is above that of every lock it
 * holds.  Check builds enforce it (os/lock.c).  Locks of one rank are never
 * nested, except CHAN (select takes several, in address order).
 */
#ifndef MWI_BASE_RANK_H
#define MWI_BASE_RANK_H

enum mwi_rank {
  MWI_RANK_GC = 1,  /* cycle state, start of a cycle */
  MWI_RANK_SEMA,    /* semaphore table buckets */
  MWI_RANK_CHAN,    /* a channel */
  MWI_RANK_NETPOLL, /* a descriptor's wait queues */
  MWI_RANK_TIMER,   /* a processor's timer heap */
  MWI_RANK_ALLG,    /* list of all goroutines */
  MWI_RANK_SCHED,   /* global run queue, idle Ms and Ps, list of Ms */
  MWI_RANK_ROOTS,   /* modules, mw_root_add, handles */
  MWI_RANK_POOLS,   /* list of pools */
  MWI_RANK_STACK,   /* stack slots */
  MWI_RANK_ASSIST,  /* assist queue */
  MWI_RANK_WORK,    /* mark work buffers */
  MWI_RANK_LAYOUT,  /* span class table */
  MWI_RANK_MHEAP,   /* page allocator, span structs, arenas */
  MWI_RANK_PROFILE, /* counters of profiles */
  MWI_RANK_META,    /* off-heap metadata allocator */
  MWI_RANK_LEAF     /* nothing is taken inside */
};

#endif
