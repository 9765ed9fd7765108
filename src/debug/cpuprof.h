/* SPDX-License-Identifier: MIT */
/* debug/cpuprof.h -- the CPU profile (internal); see cpuprof.c */
#ifndef MWI_DEBUG_CPUPROF_H
#define MWI_DEBUG_CPUPROF_H

#include "debug/profile.h"

/* Begin to sample all threads.  0 or -errno; -EBUSY: somebody does already. */
int mwi_cpuprof_start(void);
/* End it; *p has what was seen, and is to be freed in every case.  0 or -errno;
 * -EINVAL: it has not begun. */
int mwi_cpuprof_stop(struct mwi_profile *p);
void mwi_cpuprof_forget(void); /* in a forked child: none is on */

#endif
