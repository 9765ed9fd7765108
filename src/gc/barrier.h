/* SPDX-License-Identifier: MIT */
/*
 * gc/barrier.h -- the write barrier for the runtime's own C code (internal)
 *
 * Compiled programs get their barriers from the plugin.  Runtime code is not
 * instrumented; where it stores a pointer to collected memory, or moves a
 * value that may hold one between places that the collector scans at
 * different times (a channel buffer, a waiter's slot, a goroutine's stack), it
 * calls these.  Between the call and the store or copy there must be no point
 * at which the thread can stop: stay inside mwi_rt_enter or hold a lock.
 */
#ifndef MWI_GC_BARRIER_H
#define MWI_GC_BARRIER_H

#include "base/tcb.h"

/* Make p's object grey (marking is on).  p may be any word. */
void mwi_shade_slow(uintptr_t p);
/* The same for every word of [p, p + bytes). */
void mwi_shade_range_slow(const void *p, size_t bytes);

MWI_INLINE void mwi_shade(const void *p) {
  if (MWI_UNLIKELY(mwi_wb_on())) mwi_shade_slow((uintptr_t)p);
}

/* Shade all words of a value about to be moved out of or into a slot. */
MWI_INLINE void mwi_shade_range(const void *p, size_t bytes) {
  if (MWI_UNLIKELY(mwi_wb_on()) && bytes >= sizeof(void *)) mwi_shade_range_slow(p, bytes);
}

/* *slot = val with both halves of the barrier. */
MWI_INLINE void mwi_store_ptr(void **slot, void *val) {
  if (MWI_UNLIKELY(mwi_wb_on())) {
    mwi_shade_slow((uintptr_t)*slot);
    mwi_shade_slow((uintptr_t)val);
  }
  *slot = val;
}

#endif
