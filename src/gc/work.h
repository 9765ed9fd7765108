/* SPDX-License-Identifier: MIT */
/*
 * gc/work.h -- grey work, and a processor's share of the collector (internal)
 *
 * A work item is one word:
 *
 *     span item     address of the span struct (64-aligned) | 0: its marked and
 *                   not yet scanned objects
 *     large piece   address of the first byte to scan (8-aligned) | 1
 *
 * Items live in a local ring (first in, first out, so that marks accumulate
 * in a span before it is scanned: Go 1.26's "Green Tea") and overflow into
 * buffers on a global list, from which every worker takes.
 *
 * Promise  [W1] An item is in one place at a time, and every grey object is
 *          covered by an item in a ring, a buffer, or a worker's hand.
 */
#ifndef MWI_GC_WORK_H
#define MWI_GC_WORK_H

#include "base/tcb.h"

#define MWI_WORK_RING 256     /* power of two; 2 KB: stays in L1 */
#define MWI_WORKBUF_ITEMS 253 /* 2 KB with its header */
#define MWI_WB_ENTRIES 512    /* barrier buffer: 256 stores between flushes */

struct mwi_workbuf {
  struct mwi_workbuf *next; /* under work lock */
  uint32_t n;
  uintptr_t item[MWI_WORKBUF_ITEMS];
};

/* Collector state of one P (embedded in struct mwi_p; tcb->gcp). */
struct mwi_gcp {
  /* the thread that holds the P, or a stopped world */
  uint32_t head, tail; /* ring[head..tail) mod size */
  uintptr_t ring[MWI_WORK_RING];
  uint32_t nwb;
  uintptr_t wb[MWI_WB_ENTRIES]; /* barrier buffer: words to shade */

  int64_t credit;           /* bytes that may be allocated before an assist; marking only */
  uint64_t marked_bytes;    /* in this cycle, not yet added to the total */
  uint64_t scan_work;       /* bytes scanned, not yet added to the total */
  int64_t fractional_start; /* of the fractional worker that runs here, ns */
  int64_t fractional_ns;    /* time spent as fractional worker in this cycle */
  uint32_t stress;          /* allocations until gcstress collects */
  uint32_t uncharged;       /* bytes handed out that the pacer has not heard of (gc/assist.c) */
};

#endif
