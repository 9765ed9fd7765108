/* SPDX-License-Identifier: MIT */
/* debug/memprof.h -- the heap's profiles (internal); see memprof.c */
#ifndef MWI_DEBUG_MEMPROF_H
#define MWI_DEBUG_MEMPROF_H

#include "debug/profile.h"

/* `heap`, or the same numbers as `allocs`.  raw: as sampled.  0 or -errno. */
int mwi_memprof_take(struct mwi_profile *p, bool allocs, bool raw);
/* Each stack that was sampled, with what is counted now, unscaled. */
struct mwi_bucket;
void mwi_memprof_each(void (*visit)(void *arg, const struct mwi_bucket *b, uint64_t allocs,
                                    uint64_t frees),
                      void *arg);
void mwi_memprof_init(void);

#endif
