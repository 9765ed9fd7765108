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

/* A size's class: by (bytes + 7) / 8 up to MWI_SIZECLASS_SPLIT, by 128 above. */
extern const uint8_t mwi_class_by_8[], mwi_class_by_128[];

#include "heap/sizeclass_table.h"

struct mwi_sizeclass {
  uint32_t slot;   /* bytes, a multiple of 8 */
  uint32_t magic;  /* ceil(2^32 / slot) */
  uint16_t nelems; /* slots in a span */
  uint8_t pages;   /* pages of a span */
};
extern const struct mwi_sizeclass mwi_sizeclasses[MWI_NSIZECLASSES];

/* Index of the smallest class that holds `bytes` (<= MWI_MAX_SMALL). */
MWI_INLINE unsigned mwi_sizeclass_of(size_t bytes) {
  mwi_assert(bytes <= MWI_MAX_SMALL);
  if (bytes <= MWI_SIZECLASS_SPLIT) return mwi_class_by_8[(bytes + 7) / 8];
  return mwi_class_by_128[(bytes - MWI_SIZECLASS_SPLIT + 127) / 128];
}

#endif
