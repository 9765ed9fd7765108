/* SPDX-License-Identifier: MIT */
/*
 * heap/sizeclass.c -- the size class tables
 *
 * Promise  Rounding a size up to its slot wastes at most one eighth of the
 *          slot (above 128 bytes), the tail of a span at most one eighth of
 *          the span.  Every span has at most MWI_SPAN_MAX_OBJECTS slots and 15
 *          pages, so that its bits fit struct mwi_span and its page numbers
 *          fit a page descriptor; asserted below for each class.
 * Threads  constants.
 */
#define MWI_SIZECLASS_LOOKUP_TABLES
#include "heap/sizeclass.h"

#define ROW(s, p, n, m) {.slot = (s), .pages = (p), .nelems = (n), .magic = (m)},
const struct mwi_sizeclass mwi_sizeclasses[MWI_NSIZECLASSES] = {MWI_SIZECLASSES(ROW)};
#undef ROW

#define CHECK(s, p, n, m)                                                                          \
  _Static_assert((s) % 8 == 0 && (p) <= 15 && (n) <= MWI_SPAN_MAX_OBJECTS && (n) >= 1, "shape");   \
  _Static_assert((p) * MWI_PAGE_BYTES / (s) == (n), "slots fill the span");                        \
  _Static_assert((p) * MWI_PAGE_BYTES - (n) * (s) <= (p) * MWI_PAGE_BYTES / 8, "tail waste");      \
  _Static_assert((m) == ((1ull << 32) + (s) - 1) / (s), "magic");
MWI_SIZECLASSES(CHECK)
#undef CHECK
_Static_assert(sizeof mwi_class_by_8 == MWI_SIZECLASS_SPLIT / 8 + 1, "lookup");
_Static_assert(sizeof mwi_class_by_128 == (MWI_MAX_SMALL - MWI_SIZECLASS_SPLIT) / 128 + 1,
               "lookup");

size_t mwi_slot_bytes(size_t bytes) {
  return mwi_sizeclasses[mwi_sizeclass_of(bytes)].slot;
}
