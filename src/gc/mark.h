/* SPDX-License-Identifier: MIT */
/* gc/mark.h -- grey objects, scanning, and draining the work (internal) */
#ifndef MWI_GC_MARK_H
#define MWI_GC_MARK_H

#include "gc/gc.h"

/* Make the object that `word` points into grey, if it points into one and that
 * is white.  w: the work goes to its ring. */
void mwi_grey(struct mwi_gcp *w, uintptr_t word);

/* Pointers may lie at multiples of so many bytes in memory of unknown type; 8: whole words, unless
 * a module says otherwise (struct mwi_module).  Relaxed: a module that is loaded while marking is
 * on has stored nothing yet. */
extern _Atomic uint32_t mwi_scan_step;

/* Nonzero: gccheckmark's walk is on.  1 for roots, else the object being scanned. */
extern uintptr_t mwi_checking;

/* Roots are shown to it instead of scanned, for a heap dump: set with the world
 * stopped and marking off, NULL again before the start. */
extern void (*mwi_scan_sink)(uintptr_t lo, uintptr_t hi, const uint64_t *mask, uint32_t period);

#if MW_CHECK
/* For tests: s has just been taken off a queue, and another marker comes in between. */
extern void (*mwi_mark_dequeued)(struct mwi_span *s);
#endif

/* Scan one object, now. */
void mwi_scan_object(struct mwi_gcp *w, struct mwi_span *s, uint32_t idx);
/* What an object points to is reachable, itself it need not be.  A large one is left to workers. */
void mwi_scan_contents(struct mwi_gcp *w, struct mwi_span *s, uint32_t idx);

/* Process work until there is none, or `units` bytes are scanned (0: no
 * limit), or stop() says so (asked every MWI_DRAIN_CHECK bytes; NULL: never).
 * Returns bytes scanned. */
#define MWI_DRAIN_CHECK 32768
uint64_t mwi_drain(struct mwi_gcp *w, uint64_t units, bool (*stop)(void));

/* gc/work.c */
void mwi_work_put(struct mwi_gcp *w, uintptr_t item);
uintptr_t mwi_work_get(struct mwi_gcp *w); /* 0: none */
void mwi_work_publish(struct mwi_gcp *w);  /* move the whole ring to the global list */
bool mwi_work_any(void);                   /* the global list is not empty */
size_t mwi_work_buffers(void);             /* buffers ever made, for statistics */

/* gc/barrier.c */
void mwi_wb_flush(struct mwi_gcp *w); /* caller holds the P, or the world is stopped */
/* [lo, hi), an object or a global, is in the hands of external code: it is scanned again when
 * marking ends. */
void mwi_ext_remember(uintptr_t lo, uintptr_t hi);
void mwi_ext_forget(uintptr_t lo);          /* a global's, whose library is closed */
void mwi_ext_rescan_early(void);            /* finisher, before the stop */
void mwi_ext_rescan_stw(struct mwi_gcp *w); /* the rest, in it */
void mwi_ext_reset_stw(void);

#endif
