/* SPDX-License-Identifier: MIT */
/*
 * heap/class.h -- span classes and interned masks (internal)
 */
#ifndef MWI_HEAP_CLASS_H
#define MWI_HEAP_CLASS_H

#include "heap/heap.h"
#include "heap/sizeclass.h"

/* The untyped classes of raw objects follow the ordinary ones. */
#define MWI_RAW_FIRST 4 /* size class of MWI_RAW_MIN; checked by mwi_class_init */
#define MWI_CLASS_RAW (MWI_CLASS_FIRST + 2 * MWI_NSIZECLASSES)
/* First class made for a layout. */
#define MWI_CLASS_LAYOUTS (MWI_CLASS_RAW + 2 * (MWI_NSIZECLASSES - MWI_RAW_FIRST))

/* Fill in the untyped classes; called once by mwi_heap_init. */
void mwi_class_init(void);

/*
 * A copy of a mask that lives for ever, for large spans: equal masks share one
 * copy.  Results: *period 0 and NULL: no pointers; *period 1 and NULL: every
 * word may be a pointer (also when the table is full).
 */
const uint64_t *mwi_mask_intern(const struct mwi_layout *l, uint32_t *period);

#endif
