/* SPDX-License-Identifier: MIT */
/* debug/blockprof.h -- where goroutines wait: block and mutex profiles (internal) */
#ifndef MWI_DEBUG_BLOCKPROF_H
#define MWI_DEBUG_BLOCKPROF_H

#include "debug/profile.h"

void mwi_blockprof_init(void);
/* text: with the period that the text form names.  0 or -errno. */
int mwi_blockprof_take(struct mwi_profile *p, bool mutex, bool text);

#endif
