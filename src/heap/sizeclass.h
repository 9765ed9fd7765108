/* SPDX-License-Identifier: MIT */
/*
 * heap/sizeclass.h -- slot sizes (internal)
 *
 * A table of sizes up to MWI_MAX_SMALL, with the shape of a span for each, and
 * the way from a size to its class: one load from one of two small tables.
 * The numbers come from scripts/gen_sizeclasses.py.
 */
#ifndef MWI_HEAP_SIZECLASS_H
#define MWI_HEAP_SIZECLASS_H

#include "heap/heap.h"
#include "heap/sizeclass_table.h"

struct mwi_sizeclass {
  uint32_t slot;   /* bytes, a multiple of 8 */
  uint32_t magic;  /* ceil(2^32 / slot) */
  uint16_t nelems; /* slots in a span */
  uint8_t pages;   /* pages of a span */
};
extern const struct mwi_sizeclass mwi_sizeclasses[MWI_NSIZECLASSES];

/* Index of the smallest class that holds `bytes` (<= MWI_MAX_SMALL). */
unsigned mwi_sizeclass_of(size_t bytes);

#endif
