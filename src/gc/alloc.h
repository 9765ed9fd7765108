/* SPDX-License-Identifier: MIT */
/* gc/alloc.h -- allocation with everything around it: pacing, assists, lack of memory (internal) */
#ifndef MWI_GC_ALLOC_H
#define MWI_GC_ALLOC_H

#include "base/base.h"

/* One object of `bytes` that consists of repeated elements of layout l (NULL:
 * every word may be a pointer; period 0: never scanned).  Zeroed.  Goroutine
 * context, no lock held; may stop, assist, start a collection.  Never NULL. */
void *mwi_gc_alloc(size_t bytes, const struct mwi_layout *l);
/* The same; NULL where that ends the program for lack of memory. */
void *mwi_gc_alloc_or_null(size_t bytes, const struct mwi_layout *l);
/* Of those given back: every word may be a pointer (or none), and it is as it
 * was left.  NULL: there is none. */
void *mwi_gc_alloc_freed(size_t bytes, bool noscan);
/* The program needs the object that starts at p no longer.  Any p, any thread. */
void mwi_gc_free(void *p);

/*
 * The bytes to ask for so that an object of `bytes` (not 0) is aligned: spans
 * begin at pages, so it is the slot's size that has to fit.  Most sizes are
 * multiples of their alignment, and most slots of such sizes are too.  Fatal:
 * an alignment above a page's.
 */
size_t mwi_gc_fit(size_t bytes, size_t align);

/* Every object of no bytes, which is never collected. */
extern char mwi_zero_size[16];

/* Fill a fresh object from another that may hold pointers.  Goroutine context; may stop. */
void mwi_gc_copy(void *to, const void *from, size_t bytes);

extern const struct mwi_layout mwi_layout_noscan;

/* Object p, of a slot of so many bytes, is a sample of the heap profile
 * (debug/memprof.c; set before a sample rate is).  Goroutine context. */
extern void (*mwi_sampled_alloc)(void *p, size_t slot);

#endif
