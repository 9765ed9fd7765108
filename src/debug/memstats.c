/* SPDX-License-Identifier: MIT */
/*
 * debug/memstats.c -- mw_read_mem_stats, and what is reported after a cycle
 *
 * The world is stopped while the counters are added up: those of the mcaches
 * belong to their processors' threads.
 */
#include "debug/memstats.h"

#include <mallow.h>

#include "base/gctrace.h"
#include "base/knobs.h"
#include "debug/buckets.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "sched/proc.h"
#include "sched/stack.h"

/* Share of all CPU time since the start that the collector took, 0..1. */
static double cpu_fraction(const struct mwi_gc_stats *st) {
  int64_t elapsed = mwi_os_monotonic() - st->program_start_ns;
  if (elapsed <= 0) return 0;
  double f = (double)st->total_gc_cpu_ns / ((double)elapsed * mwi_sched.nprocs);
  return f > 1 ? 1 : f;
}

static void cycle_ended(void) {
  if (!mwi_knobs.gctrace) return;
  const struct mwi_gc_stats *st = &mwi_gc_stats;
  struct mwi_gctrace_record r = {
      .cycle = st->ncycles,
      .start_ns = st->cycle_start_ns - st->program_start_ns,
      .cpu = cpu_fraction(st),
      .sweep_term_ns = st->stw1_ns,
      .mark_ns = st->mark_ns,
      .mark_term_ns = st->stw2_ns,
      .cpu_sweep_term_ns = st->stw1_ns * (int64_t)st->nprocs,
      .cpu_assist_ns = st->assist_cpu_ns,
      .cpu_background_ns = st->dedicated_cpu_ns,
      .cpu_idle_ns = st->idle_cpu_ns,
      .cpu_mark_term_ns = st->stw2_ns * (int64_t)st->nprocs,
      .heap_start = st->heap_start,
      .heap_end = st->heap_end,
      .heap_marked = st->heap_marked,
      .heap_goal = st->goal,
      .stack_bytes = st->stacks,
      .global_bytes = st->globals,
      .procs = st->nprocs,
      .forced = st->forced,
  };
  mwi_gctrace_print(&r);
}

MWI_EXPORT void mw_read_mem_stats(mw_mem_stats *out) {
  mwi_attach();
  static struct mwi_mcache *mc[MWI_MAX_PROCS]; /* world stopped */
  static struct mwi_size_totals sizes[sizeof out->by_size / sizeof out->by_size[0]];
  mwi_stop_world();
  size_t n = (size_t)mwi_sched.nprocs;
  for (size_t i = 0; i < n; i++) mc[i] = mwi_sched.procs[i]->mcache;
  struct mwi_heap_totals t;
  mwi_heap_totals_stw(&t, mc, n);
  mwi_heap_by_size_stw(sizes, sizeof sizes / sizeof sizes[0], mc, n);
  const struct mwi_gc_stats *st = &mwi_gc_stats;
  size_t inuse = mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT;
  size_t committed = mwi_load_relaxed(&mwi_heap.committed);
  size_t meta = mwi_meta_total(), spans = mwi_load_relaxed(&mwi_heap.meta_bytes);
  size_t caches = n * sizeof(struct mwi_mcache);
  size_t work = mwi_work_buffers() * sizeof(struct mwi_workbuf);
  struct mwi_fold_stats folded;
  mwi_fold_read_stats(&folded);
  /* scanned bytes, of which those folded since are no longer on a stack */
  uint64_t stacks = mwi_pacer.stacks > folded.bytes ? mwi_pacer.stacks - folded.bytes : 0;
  uint64_t held = stacks + folded.held, counted = mwi_stacks_counted(); /* under a limit */
  size_t buckets = mwi_buckets_bytes(), known = caches + work + buckets;
  *out = (mw_mem_stats){
      .alloc = t.alloc_bytes - t.freed_bytes,
      .total_alloc = t.alloc_bytes,
      .mallocs = t.alloc_objects,
      .frees = t.freed_objects,
      .heap_alloc = t.alloc_bytes - t.freed_bytes,
      .heap_sys = committed,
      .heap_idle = committed - inuse,
      .heap_inuse = inuse,
      .heap_released = mwi_load_relaxed(&mwi_heap.released),
      .heap_objects = t.alloc_objects - t.freed_objects,
      .stack_inuse = stacks,
      .stack_sys = counted > held ? counted : held,
      .stack_folded = folded.bytes,
      .mspan_inuse = spans,
      .mspan_sys = spans,
      .mcache_inuse = caches,
      .mcache_sys = caches,
      .buck_hash_sys = buckets,
      .gc_sys = work,
      .other_sys = meta > known ? meta - known : 0,
      .next_gc = mwi_pacer.goal,
      .last_gc = (uint64_t)st->last_end_wall_ns,
      .pause_total_ns = st->pause_total_ns,
      .max_pause_ns = st->max_pause_ns,
      .num_gc = st->ncycles,
      .num_forced_gc = st->nforced,
      .gc_cpu_fraction = cpu_fraction(st),
      .enable_gc = true,
  };
  out->sys = out->heap_sys + out->stack_sys + out->mspan_sys + out->mcache_sys +
             out->buck_hash_sys + out->gc_sys + out->other_sys;
  memcpy(out->pause_ns, st->pause_ns, sizeof out->pause_ns);
  memcpy(out->pause_end, st->pause_end, sizeof out->pause_end);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    out->by_size[i].size = sizes[i].slot;
    out->by_size[i].mallocs = sizes[i].mallocs;
    out->by_size[i].frees = sizes[i].frees;
  }
  mwi_start_world();
}

void mwi_memstats_init(void) {
  mwi_gc_hooks.trace = cycle_ended;
}
