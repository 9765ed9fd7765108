/* SPDX-License-Identifier: MIT */
/* debug/memstats.h -- statistics and the end-of-cycle report (internal) */
#ifndef MWI_DEBUG_MEMSTATS_H
#define MWI_DEBUG_MEMSTATS_H

/* Hook into the collector's end of cycle.  Start-up, after mwi_gchooks_init. */
void mwi_memstats_init(void);

#endif
