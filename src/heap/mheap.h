/* SPDX-License-Identifier: MIT */
/*
 * heap/mheap.h -- pages and span structs from the reservation (internal)
 */
#ifndef MWI_HEAP_MHEAP_H
#define MWI_HEAP_MHEAP_H

#include "heap/heap.h"
#include "heap/pagealloc.h"

/* A part of the address space that is committed from its start upwards. */
struct mwi_region {
  char *base;       /* constant after init */
  size_t committed; /* bytes; under mheap.lock */
};

struct mwi_mheap {
  struct mwi_lock lock; /* rank MHEAP: before META; never across a wait */

  /* under lock */
  struct mwi_pagealloc pages;
  size_t in_hand; /* pages that scavengers have taken out for a moment: neither free nor in spans */
  struct mwi_span *free_spans; /* span structs, through next */
  char *slab, *slab_end;       /* span structs never used */
  struct mwi_region pagemap, chunks, level[MWI_PA_LEVELS];
  struct mwi_mcache_node *mcaches; /* all that mwi_mcache_new made */

  /* atomic, relaxed: cumulative, from mcaches that were flushed */
  _Atomic uint64_t alloc_bytes, alloc_objects, ntiny;

  /* atomic: spans in the page map; changed before a span is published and
   * after one is cleared, read with the world stopped */
  _Atomic size_t nspans;
};
extern struct mwi_mheap mwi_mheap;

struct mwi_mcache_node {
  struct mwi_mcache_node *next;
  struct mwi_mcache mc;
};

/*
 * n pages and a struct for them, bits clear, sweepgen current, counted in
 * inuse_pages, not in the page map.  needzero says whether the pages may hold
 * old data.  NULL: no memory, or the memory limit's hook has refused it
 * (mc->refused); nothing changed.  Takes mheap.lock.
 */
struct mwi_span *mwi_mheap_take_span(struct mwi_mcache *mc, size_t npages);

/* Enter a complete span in the page map, so that pointers to it are found. */
void mwi_mheap_publish(struct mwi_span *s);

/* Out of the page map; pages and structs back to the heap. */
void mwi_mheap_put_spans(const struct mwi_spans *all);

/* Give back the page cache and the cached span structs of an mcache. */
void mwi_mheap_flush_cache(struct mwi_mcache *mc);

#endif
