/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/cycle_test.h -- a collector with a scheduler of one thread
 *
 * Over a heap on the fake operating system, and made of the hooks below.  What other threads can
 * do in the short time before a stop is done by `in_stop`, at the moment when the world has just
 * stopped: an assist begins, a store is recorded, external code changes an object.  A random
 * mutator meets those moments once in a day.
 */
#ifndef CYCLE_TEST_H
#define CYCLE_TEST_H

#include "heap/heap_test.h"

#include "base/knobs.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/roots.h"
#include "gc/special.h"
#include "heap/mcentral.h"
#include "heap/sweep.h"

#include <mallow.h>

static struct mwi_mcache *mc, *other_mc;
static struct mwi_gcp w, other;
static int stops, flags_on;
static bool stopped;
static void (*in_stop)(void);
static int times; /* that in_stop still does something */
static void **late_parent, *late_child;
static void *root[8]; /* scanned by the one root job */

/* ---- The scheduler -------------------------------------------------------- */

static inline void nothing(void) {}
static inline bool no(void) {
  return false;
}
static void (*between_batches)(void); /* the scan of the specials lets others in */
static bool scans_specials;
static inline bool polled(void) {
  if (between_batches && scans_specials) between_batches();
  return false;
}
static inline uint32_t none(void) {
  return 0;
}
static inline uint32_t one(void) {
  return 1;
}
static inline uint32_t two(void) {
  return 2;
}
static int64_t scanned_before, most_in_a_stop;
static inline int64_t scanned(void) {
  return (int64_t)(mwi_load_relaxed(&mwi_gc.scan_done) + w.scan_work);
}
static inline void stop_world(void) {
  assert_false(stopped);
  scanned_before = scanned();
  stopped = true;
  stops++;
  if (in_stop) in_stop();
}
static inline void start_world(void) {
  assert_true(stopped);
  stopped = false;
  int64_t n = scanned() - scanned_before;
  if (n > most_in_a_stop) most_in_a_stop = n;
}
static inline void set_wb(bool on) {
  assert_true(stopped); /* [C1] */
  assert_int_equal(on, mwi_gc_wb_state());
  mwi_tcb()->wb = on;
  flags_on += on;
}
static inline void each_p(void (*fn)(struct mwi_gcp *, struct mwi_mcache *)) {
  assert_true(stopped);
  fn(&w, mc);
  fn(&other, other_mc);
}
static inline void with_w(struct mwi_gcp *unused) {
  (void)unused;
}
static void *of_thread; /* a thread-local */
static inline void thread_roots(struct mwi_gcp *into) {
  mwi_scan_conservative(into, (uintptr_t)&of_thread, (uintptr_t)(&of_thread + 1), false);
}
static inline void flush_all(struct mwi_gcp *unused) {
  (void)unused;
  assert_true(stopped);
  mwi_wb_flush(&w);
  mwi_work_publish(&w);
  mwi_wb_flush(&other);
  mwi_work_publish(&other);
}
static inline void ragged(void (*fn)(struct mwi_gcp *)) {
  fn(&w);
  fn(&other);
}
static inline void run_job(uint32_t i, struct mwi_gcp *into) {
  if (i == 0) mwi_scan_conservative(into, (uintptr_t)root, (uintptr_t)(root + 8), false);
  if (i == 1) {
    scans_specials = true;
    mwi_specials_scan(into);
    scans_specials = false;
  }
  while (i == 1 && mwi_roots_scan_piece(into)) {
  }
}
static inline void prepare_roots(void) {
  mwi_roots_begin_stw();
}

static inline void *object(void) {
  size_t charged;
  return heap_alloc(mc, mwi_class_untyped(32, false), &charged);
}

/* Marks until the cycle ends. */
static inline int finish(void) {
  int turns = 0;
  uint32_t cycle = mwi_gc_stats.ncycles;
  while (mwi_gc_stats.ncycles == cycle) {
    mwi_gc_run_idle(0);
    assert_true(++turns < 200);
  }
  assert_false(stopped);
  return turns;
}

static inline void start(void) {
  mwi_gc_start(MWI_GC_FORCED);
  assert_true(mwi_gc_wb_state() && mwi_tcb()->wb && mwi_heap.black_alloc);
}

static inline bool lives(void *p) {
  heap_sweep_all();
  return mwi_object_of((uintptr_t)p, NULL, NULL) == (uintptr_t)p;
}

static inline int reset(void **state) {
  (void)state;
  in_stop = NULL;
  memset(root, 0, sizeof root);
  return 0;
}

static inline void cycle_start(void) {
  heap_start(4 * MWI_GB);
  mc = mwi_mcache_new();
  other_mc = mwi_mcache_new();
  static char processor[64];
  mwi_tcb()->mcache = mc;
  mwi_tcb()->gcp = &w;
  mwi_tcb()->p = (struct mwi_p *)processor;
  mwi_gc_hooks = (struct mwi_gc_hooks){
      .need_p = nothing,
      .stop_world = stop_world,
      .start_world = start_world,
      .set_wb_stw = set_wb,
      .each_p_stw = each_p,
      .prepare_roots_stw = prepare_roots,
      .scan_thread_roots_stw = thread_roots,
      .flush_all_stw = flush_all,
      .rescan_external_stw = with_w,
      .njobs = two,
      .run_job = run_job,
      .each_p_ragged = ragged,
      .nprocs = one,
      .idle_procs = none,
      .wake = nothing,
      .worker_poll = polled,
      .other_work = no,
      .yield = nothing,
  };
  mwi_knobs.gomemlimit = INT64_MAX;
  mwi_gc_init();
  mwi_special_init();
}

#endif
