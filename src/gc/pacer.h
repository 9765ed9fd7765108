/* SPDX-License-Identifier: MIT */
/*
 * gc/pacer.h -- when to collect, and how hard mutators must help (internal)
 *
 * Go's pacer (proposal 44167, Knyszek 2021), figures in shared terms:
 *
 *     marked ----------- trigger ------------- goal
 *        allocation, no GC  |  marking is on     |
 *
 * Policy is in pure functions over struct mwi_pacer, tested with made-up
 * programs (tests/gc/test_pacer.c); the live instance adds atomics.
 */
#ifndef MWI_GC_PACER_H
#define MWI_GC_PACER_H

#include "base/base.h"

#define MWI_GC_CPU_PERCENT 25     /* of GOMAXPROCS for marking */
#define MWI_MIN_HEAP (4 * MWI_MB) /* goal at GOGC=100 with nothing live */

struct mwi_pacer {
  int32_t percent; /* GOGC; < 0: off */
  /* of the last cycle, bytes */
  uint64_t marked;          /* heap that survived */
  uint64_t stacks, globals; /* scanned */
  uint64_t heap_scanned;    /* scan work done in the heap */
  /* bytes allocated during marking per byte scanned, were workers alone to scan:
   * this cycle's and the last three */
  double cons_mark[4];
  /* memory limit, bytes; 0: none.  What the runtime has from the OS now, how much
   * of it is free heap pages, and how much is objects (live or not swept): free
   * slots between objects are neither, and count as used up. */
  uint64_t limit, ready, heap_free, heap_alloc;
  /* results; ceiling: no assist leaves more heap than this to the program before
   * marking is done; cap: at so much memory held allocation waits: the limit, or
   * more, when what is live leaves too little room below that */
  uint64_t goal, trigger, ceiling, cap;
};

/* End of marking: new goal and trigger from the fields above. */
void mwi_pacer_commit(struct mwi_pacer *p);
/* End of marking: what this cycle tells about cons/mark.  Bytes; util: share of
 * CPU that marking took, 0..1, assists included; idle: that idle time added. */
void mwi_pacer_learn(struct mwi_pacer *p, uint64_t live_at_trigger, uint64_t live_at_end,
                     uint64_t scan_work, double util, double idle);
/* Bytes of scan work owed for each byte allocated. */
double mwi_pacer_assist_ratio(const struct mwi_pacer *p, uint64_t live, uint64_t scan_done);
/* With so many bytes live, is another cycle worth its price? */
bool mwi_pacer_worth(const struct mwi_pacer *p, uint64_t live);
/* Stacks held `held` together with everything else when last counted, and there were `faults` bytes
 * of page faults since: is another count due? */
bool mwi_pacer_stacks_due(uint64_t limit, uint64_t held, uint64_t faults);
/* Is a squeeze worth its price, with so much beside stacks, so much in stacks, and so much left
 * after the last one? */
bool mwi_pacer_stacks_worth(uint64_t limit, uint64_t beside, uint64_t stacks, uint64_t left);
/* Dedicated workers, and the share of each P that fractional ones take. */
void mwi_pacer_workers(uint32_t nprocs, uint32_t *dedicated, double *fraction);

/*
 * CPU limiter: a leaky bucket that the collector's CPU time fills and the
 * program's drains.  Full: no more assists, no scavenging for the limit, so
 * that a limit below the live heap costs half of the CPU, not all of it.
 */
struct mwi_limiter {
  int64_t fill_ns, capacity_ns; /* capacity: one CPU second per processor */
  bool full;
};
void mwi_limiter_add(struct mwi_limiter *l, int64_t gc_ns, int64_t program_ns);

/* ---- The live instance ------------------------------------------------- */

extern struct mwi_pacer mwi_pacer; /* written with the world stopped */
/* Bytes handed out and not known dead, an over-estimate.  A line of its own: every processor adds
 * to it, and what lies beside it is read at each refill. */
extern struct mwi_heap_live {
  _Atomic uint64_t bytes MWI_ALIGNED(64);
} mwi_heap_live;

/* Limiter of the running program (gc/memlimit.c). */
bool mwi_limiter_on(void);
void mwi_limiter_tick(void); /* cheap; looks at the clock every 10 ms at most */

/* Memory limit (gc/memlimit.c). */
uint64_t
mwi_memory_ready(void); /* bytes that the runtime holds from the OS, released pages left out */
void mwi_memlimit_inputs_stw(bool marking_ended); /* fill the pacer's fields before a commit */
void mwi_memlimit_make_room(void);                /* more is held than the limit: scavenge */
/* The limit has refused `bytes`: bring room about.  Goroutine context, outside mwi_rt_enter; may
 * park.  true: there was room just now; false: waiting is of no use, take memory regardless.  w is
 * zero at an allocation's first call. */
struct mwi_room_wait {
  uint32_t waited, fruitless; /* cycles; those in a row in which nobody found room */
  uint32_t cycle, granted;    /* as of the last look */
};
bool mwi_memlimit_wait(size_t bytes, struct mwi_room_wait *w);
uint64_t mwi_memory_beside_stacks(void); /* the same without stacks */
uint64_t mwi_memlimit_now(void);         /* the limit; 0: none.  Any thread */
void mwi_scavenge_all(void);
int64_t mwi_memlimit_at_start(void); /* what the environment says, bytes; INT64_MAX: none */
void mwi_memlimit_init(void);
void mwi_scavenger_start(void);  /* idempotent */
void mwi_scavenger_forget(void); /* in a forked child: its thread is not there */
/* After a cycle: heap memory that the background scavenger leaves in place. */
void mwi_scavenge_goal_stw(uint64_t last_goal);
void mwi_scavenger_wake(void);  /* after that stop */
void mwi_scavenger_count(void); /* sysmon: have mwi_stacklimit_look called on its thread */

/* Stacks under the limit (gc/stacklimit.c). */
uint64_t mwi_stacks_counted(void);      /* what they held when last counted; 0: never were */
void mwi_stacklimit_watch(int64_t now); /* sysmon, at each look */
void mwi_stacklimit_look(void);         /* count, and ask for a cycle if that is worth it */
bool mwi_stacklimit_wanted(void);       /* has one been asked for, and not begun? */
bool mwi_stacklimit_begin_stw(void);    /* marking begins: does this cycle squeeze? */
void mwi_stacklimit_tidied(void);       /* stacks gave back what they can.  Goroutine context */
void mwi_stacklimit_forget(void);       /* in a forked child */

/* `charged` bytes were handed to the calling P: start a cycle, assist or sweep
 * as that requires.  Goroutine context, outside mwi_rt_enter. */
void mwi_pacer_charge(size_t charged);

/*
 * A large object.  Before its memory is taken (foresee): starts the cycle that it would bring
 * about, or assists for it while marking is on; garbage is swept to make room.  So it may get what
 * that frees.  After it is published: charges what has not been (f, from the same foresee; all zero
 * if there was none).  Same conditions; the P may have been lost and found.
 */
struct mwi_foreseen {
  uint32_t cycle; /* those that had ended when it was charged */
  bool live;      /* in mwi_heap_live */
  bool black;     /* and with what is allocated while marking, of the cycle after those */
};
void mwi_pacer_foresee(size_t pages, struct mwi_foreseen *f);
void mwi_pacer_charge_foreseen(size_t pages, const struct mwi_foreseen *f);

#endif
