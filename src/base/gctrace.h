/* SPDX-License-Identifier: MIT */
/*
 * base/gctrace.h -- what a finished cycle tells gctrace=1 (internal)
 *
 * The collector fills a record at the end of mark termination and hands it
 * over; debug/gctrace.c turns it into Go's line.  Declared down here because
 * the collector is below src/debug.
 */
#ifndef MWI_BASE_GCTRACE_H
#define MWI_BASE_GCTRACE_H

#include "base/base.h"

struct mwi_gctrace_record {
  uint64_t cycle;   /* number, from 1 */
  int64_t start_ns; /* sweep termination's beginning, since program start */
  double cpu;       /* collector's share of all CPU time since start, 0..1, without idle marking */

  /* wall clock */
  int64_t sweep_term_ns; /* first stop */
  int64_t mark_ns;       /* concurrent marking */
  int64_t mark_term_ns;  /* second stop */

  /* CPU time */
  int64_t cpu_sweep_term_ns; /* first stop, times processors */
  int64_t cpu_assist_ns;
  int64_t cpu_background_ns; /* dedicated and fractional workers */
  int64_t cpu_idle_ns;
  int64_t cpu_mark_term_ns; /* second stop, times processors */

  /* bytes */
  uint64_t heap_start;   /* when marking began */
  uint64_t heap_end;     /* when marking ended */
  uint64_t heap_marked;  /* found live */
  uint64_t heap_goal;    /* this cycle was to end below it */
  uint64_t stack_bytes;  /* stacks scanned */
  uint64_t global_bytes; /* globals scanned */

  uint32_t procs; /* GOMAXPROCS in this cycle */
  bool forced;    /* by mw_gc */
};

/* Go's gctrace line on stderr, in one write.  Any stack, any lock. */
void mwi_gctrace_print(const struct mwi_gctrace_record *r);

#endif
