/* SPDX-License-Identifier: MIT */
/* gc/cycle.h -- state of the cycle under way (internal to src/gc) */
#ifndef MWI_GC_CYCLE_H
#define MWI_GC_CYCLE_H

#include "gc/gc.h"

enum mwi_phase { MWI_PHASE_OFF, MWI_PHASE_MARK };

struct mwi_gc {
  /* written with the world stopped; read relaxed by allocation, acquire elsewhere */
  _Atomic uint32_t phase;
  double fraction; /* share of each P for fractional workers */
  uint32_t tries;  /* attempts to finish that found more work; finisher only */

  _Atomic uint32_t waiting;             /* somebody is parked: for a start, progress or an end */
  _Atomic uint32_t starting, finishing; /* [C3] */
  _Atomic uint32_t done;                /* cycles whose marking has ended; release */

  /* claims and counts of the mark phase */
  _Atomic int32_t dedicated_wanted; /* dedicated workers still to start */
  _Atomic uint32_t njobs, next_job, jobs_done;
  _Atomic int32_t nactive; /* threads that may hold work in a ring */

  /* relaxed counters of this cycle, bytes or ns */
  _Atomic uint64_t scan_done, marked, black, stack_bytes, global_bytes;
  _Atomic int64_t background_credit; /* bytes scanned by workers that assists may claim */
  _Atomic int64_t assist_ns, worker_ns, idle_ns;
  _Atomic double ratio; /* bytes of scan work owed per byte allocated */

  _Atomic int64_t last_ns;    /* when the last cycle ended */
  _Atomic uint32_t requested; /* reasons for which one was asked for, as bits */

  /* proportional sweep: pages to have swept for each byte allocated past live_basis */
  _Atomic double sweep_ratio;
  uint64_t sweep_live_basis, sweep_pages_basis;
};
extern struct mwi_gc mwi_gc;

bool mwi_gc_try_finish(void);
void mwi_gc_wait_progress(void);
void mwi_gc_hasten(void); /* mark, or wait for those who do; goroutine context */
void mwi_gc_wait_started(void);
void mwi_gc_wait_while(bool (*holds)(uint32_t), uint32_t n); /* mwi_gc_wake_waiters ends it */
void mwi_gc_run_first_jobs(uint32_t n);                      /* the starter's own root jobs */
void mwi_gc_wake_waiters(void); /* all look again at what they wait for */
void mwi_gc_update_ratio(void);
void mwi_gc_account(struct mwi_gcp *w); /* move w's counters to the totals */
void mwi_gc_sweep_basis_stw(void);
void mwi_gc_trace_swept(void); /* gcpacertrace: all of the last cycle is swept */
void mwi_checkmark_stw(void);

#endif
