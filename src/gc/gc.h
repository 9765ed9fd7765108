/* SPDX-License-Identifier: MIT */
/*
 * gc/gc.h -- the collector, as the scheduler and the instruments see it (internal)
 *
 *     idle --(trigger, mw_gc, two minutes)--> STW 1 --> mark --> STW 2 --> sweep
 *
 * docs/design/collector.md walks through a cycle.
 */
#ifndef MWI_GC_GC_H
#define MWI_GC_GC_H

#include "gc/work.h"
#include "heap/heap.h"

enum mwi_gc_reason { MWI_GC_HEAP, MWI_GC_FORCED, MWI_GC_PERIODIC, MWI_GC_LIMIT, MWI_GC_STACKS };

/* How stacks are to give memory back in the cycle under way (gc/stacklimit.c); 0: as usual. */
enum { MWI_SQUEEZE_SHRINK = 1, MWI_SQUEEZE_FOLD };
extern _Atomic uint32_t mwi_squeeze;
/* More is held than the memory limit, and stacks could give back some, as last counted: who starts
 * a goroutine waits for a squeeze, and stacks of those that end give back their memory. */
extern _Atomic bool mwi_stacks_short;
void mwi_stacklimit_wait(void); /* any context; parks where that may be */

/* ---- For the scheduler ------------------------------------------------- */

bool mwi_gc_wb_state(void);       /* under allm_lock or with the world stopped */
bool mwi_gc_work_available(void); /* an idle processor could mark something */
bool mwi_gc_run_due(
    uint32_t pid); /* run a dedicated or fractional worker if one is due on this P */
bool mwi_gc_run_idle(uint32_t pid); /* mark in otherwise idle time; false: nothing to do */
int64_t mwi_gc_forced_in_ns(void);  /* until the two-minute collection; -1 when collection is off */
/* Start a cycle as soon as a goroutine allocates or polls; PERIODIC or STACKS.  For sysmon and the
 * scavenger's thread. */
void mwi_gc_request(enum mwi_gc_reason reason);
bool mwi_gc_requested(void);
void mwi_gc_start_requested(void); /* goroutine context */

/* Modules (gc/module.c). */
void mwi_module_exiting(void);        /* atexit: nothing is unregistered any more */
bool mwi_text_contains(uintptr_t pc); /* instrumented or runtime text */
bool mwi_text_instrumented(uintptr_t pc);
bool mwi_text_runtime(uintptr_t pc);

/* ---- Marking ----------------------------------------------------------- */

/* Scan [lo, hi) conservatively: every aligned word that points into an object
 * makes it grey.  with_ends: a pointer to an object's first byte also keeps
 * the object that ends there (stacks: optimised loops hold end pointers). */
void mwi_scan_conservative(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi, bool with_ends);
/* General registers, [lo, hi), of a thread that is in external code: makes grey what begins within
 * MWI_ROUNDED bytes of where a word points.  libc's string functions round a pointer down to a
 * multiple of what a turn of their loop reads, and keep nothing else of it. */
enum { MWI_ROUNDED = 256 }; /* four of the longest vectors, which is the most that a turn reads */
void mwi_scan_rounded(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi);
/* Scan now, in place, the objects that the words of [lo, hi) point to, one level deep, and
 * once more when marking ends: external code may use them.  w NULL: only the latter.  May stop
 * when called outside a stop. */
void mwi_scan_pointees(struct mwi_gcp *w, uintptr_t lo, uintptr_t hi);

/* ---- What the collector asks of the scheduler -------------------------- */

struct mwi_gc_hooks {
  void (*need_p)(void); /* goroutine context: hold a P on return */
  void (*stop_world)(void);
  void (*start_world)(void);
  /* World stopped: */
  void (*set_wb_stw)(bool on);
  void (*each_p_stw)(void (*fn)(struct mwi_gcp *, struct mwi_mcache *));
  void (*prepare_roots_stw)(
      void); /* snapshot of goroutines; threads in external code are kept back */
  void (*scan_thread_roots_stw)(struct mwi_gcp *w); /* thread-locals */
  void (*scan_all_roots_stw)(struct mwi_gcp *w);    /* every root job at once */
  void (*flush_all_stw)(
      struct mwi_gcp *w); /* each P's barrier buffer and ring: to the global list */
  void (*rescan_external_stw)(struct mwi_gcp *w); /* goroutines that were in external code */
  /* So many of the first jobs prepare_roots_stw left to the one who begins the cycle; it does
   * nothing else before.  NULL: none */
  uint32_t (*starter_jobs)(void);
  /* Marking: root jobs, claimed by index below what prepare_roots_stw counted. */
  uint32_t (*njobs)(void);
  void (*run_job)(uint32_t i, struct mwi_gcp *w);
  void (*each_p_ragged)(
      void (*fn)(struct mwi_gcp *)); /* one after the other, its thread suspended */
  uint32_t (*nprocs)(void);
  uint32_t (*idle_procs)(void);
  void (*wake)(void); /* there is work for idle processors; no lock may be held */
  /* A worker's safepoint: stops here if asked; true when the processor should do something else. */
  bool (*worker_poll)(void);
  /* A poll of the program's in the middle of what it takes for one operation, outside of
   * mwi_rt_enter: others may run, and this goroutine then goes on on the same thread. */
  void (*poll_here)(void);
  bool (*other_work)(void); /* a goroutine is runnable */
  void (*yield)(void);      /* goroutine context */
  /* Park the running goroutine, releasing l; ready one.  reason: enum mwi_wait. */
  void *(*current)(void);
  bool (*in_handler)(void); /* of a signal: nobody parks there */
  /* In there: memory for a moved variable, gone when the handler is. */
  void *(*handler_variable)(size_t bytes, bool zero);
  void (*park_unlock)(struct mwi_lock *l, bool assist);
  void (*ready)(void *g);
  /* A library is closed: its variables, n bytes at p, are about to go.  Any thread, with
   * mwi_roots_lock; NULL: none. */
  void (*variable_goes)(const void *p, size_t n);
  /* The same for its thread-locals, every thread's (mwi_tls_image). */
  void (*thread_locals_go)(uintptr_t image);
  /* A cycle's marking has ended, the world runs.  Any thread with a P; may be NULL. */
  void (*cycle_ended)(void);
  /* mw_gc and mw_free_os_memory: stacks give back what they can.  Goroutine context; may be NULL.
   */
  void (*tidy)(void);
  uint64_t (*stacks_held)(
      void); /* memory that stacks hold, counted now.  Any thread; may be NULL */
  /* For profiles; NULL: nobody asks. */
  void (*sweep_begins_stw)(void); /* marking ended, nothing is swept yet */
  void (*swept)(void);            /* mw_gc has swept everything */
  void (*trace)(void);            /* a cycle's marking ended: gctrace, statistics */
};
extern struct mwi_gc_hooks mwi_gc_hooks;

/* ---- Cycles ------------------------------------------------------------ */

void mwi_gc_init(void);
/* Start a cycle if none is marking and the reason still holds.  Goroutine context. */
void mwi_gc_start(enum mwi_gc_reason reason);
/* mw_gc(): a full cycle, swept. */
void mwi_gc_full(void);
int mwi_gc_set_percent(int percent);
/* Between these two no cycle marks or begins.  Goroutine context; may park. */
void mwi_gc_exclude(void);
void mwi_gc_allow(void);

/* In a forked child, after mwi_gc_exclude: none of those who waited for a cycle is there. */
void mwi_gc_forget_waiters(void);

/* Facts of the last or current cycle, for gctrace and statistics. */
struct mwi_gc_stats {
  /* written with the world stopped or by the one that ends a cycle; read under mwi_gc_stats_lock */
  uint32_t ncycles, nforced;
  bool forced;
  int64_t program_start_ns, cycle_start_ns, stw1_ns, mark_ns, stw2_ns; /* clock */
  int64_t stw1_end_ns;
  int64_t assist_cpu_ns, dedicated_cpu_ns, idle_cpu_ns; /* of this cycle */
  int64_t total_gc_cpu_ns,
      total_idle_cpu_ns;     /* all cycles; the first without idle marking, and with
                              * each stop's clock time on every processor, as Go */
  int64_t total_work_cpu_ns; /* the first, but stops with the CPU time that the stopper used */
  uint64_t heap_start, heap_end, heap_marked, goal, stacks, globals; /* bytes */
  uint64_t pause_total_ns, max_pause_ns, pause_ns[256], pause_end[256];
  uint64_t pause_hist[64]; /* by log2(ns), each stop */
  int64_t last_end_wall_ns;
  uint32_t nprocs;
};
extern struct mwi_gc_stats mwi_gc_stats;

#endif
