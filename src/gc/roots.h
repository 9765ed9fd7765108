/* SPDX-License-Identifier: MIT */
/* gc/roots.h -- roots outside goroutine stacks (internal; gc/module.c, gc/handle.c) */
#ifndef MWI_GC_ROOTS_H
#define MWI_GC_ROOTS_H

#include "gc/gc.h"

extern struct mwi_lock mwi_roots_lock; /* modules and roots; for sched/fork.c */

/* Words of [lo, hi) selected by a mask that repeats from `start` on. */
void mwi_scan_masked(struct mwi_gcp *w, uintptr_t start, uintptr_t lo, uintptr_t hi,
                     const uint64_t *mask, uint32_t period);

/* Module globals, and what mw_root_add added: World stopped, a scan begins; it has so many
 * pieces.  The next piece; returns its bytes, 0 when none is left. */
uint32_t mwi_roots_begin_stw(void);
uint64_t mwi_roots_scan_piece(struct mwi_gcp *w);
uint64_t mwi_roots_scan_stw(struct mwi_gcp *w); /* all at once */
bool mwi_roots_find(uintptr_t addr, uintptr_t *lo, uintptr_t *hi);
/* A stopped thread's thread-locals (os/tls.h); world stopped. */
void mwi_tls_scan(struct mwi_gcp *w, uintptr_t thread);
/* Whose thread-local variable of the calling thread's p lies in: names an image; 0: in none. */
uintptr_t mwi_tls_image(const void *p);
/* The calling thread ends, and its thread-locals with it. */
void mwi_tls_ends(void);
void mwi_handles_scan(struct mwi_gcp *w);

/* Public functions need the calling thread attached; gc is below sched, so
 * through the hook. */
MWI_INLINE void mwi_gc_attach(void) {
  if (MWI_UNLIKELY(!mwi_tcb()->p)) mwi_gc_hooks.need_p();
}

#endif
