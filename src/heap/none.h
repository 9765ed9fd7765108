/* SPDX-License-Identifier: MIT */
/* heap/none.h -- the empty mcache, for blocks of threads without a P (internal) */
#ifndef MWI_HEAP_NONE_H
#define MWI_HEAP_NONE_H
#include "base/base.h"
struct mwi_mcache;
extern struct mwi_mcache mwi_mcache_none; /* heap/mcache.c; see heap/heap.h */
#endif
