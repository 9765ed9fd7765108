/* SPDX-License-Identifier: MIT */
/* gc/roots.h -- roots outside goroutine stacks (internal; gc/module.c, gc/handle.c) */
#ifndef MWI_GC_ROOTS_H
#define MWI_GC_ROOTS_H

#include "gc/gc.h"

extern struct mwi_lock mwi_roots_lock; /* modules and roots; for sched/fork.c */

/* Words of [addr, addr + bytes) selected by a repeating mask. */
void mwi_scan_masked(struct mwi_gcp *w, uintptr_t addr, size_t bytes, const uint64_t *mask,
                     uint32_t period);

uint64_t mwi_roots_scan(struct mwi_gcp *w); /* module globals, mw_root_add; returns bytes */
bool mwi_roots_find(uintptr_t addr, uintptr_t *lo, uintptr_t *hi);
/* A stopped thread's thread-locals (os/tls.h); world stopped. */
void mwi_tls_scan(struct mwi_gcp *w, uintptr_t thread);
void mwi_handles_scan(struct mwi_gcp *w);

/* Public functions need the calling thread attached; gc is below sched, so
 * through the hook. */
MWI_INLINE void mwi_gc_attach(void) {
  if (MWI_UNLIKELY(!mwi_tcb()->p)) mwi_gc_hooks.need_p();
}

#endif
