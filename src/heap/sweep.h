/* SPDX-License-Identifier: MIT */
/*
 * heap/sweep.h -- sweeping a span that the caller has taken (internal)
 */
#ifndef MWI_HEAP_SWEEP_H
#define MWI_HEAP_SWEEP_H

#include "heap/heap.h"

/* Sweep a small span taken from an unswept list and keep it, even when it is
 * empty now.  True: it has a free slot. */
bool mwi_sweep_keep(struct mwi_span *s);

/* Fill memory that has been freed (knob clobberfree). */
void mwi_clobber(uintptr_t p, size_t bytes);

#endif
