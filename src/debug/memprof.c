/* SPDX-License-Identifier: MIT */
/*
 * debug/memprof.c -- which code allocates, and what of it is still in use
 *
 * Job      The heap and allocs profiles: a sample of the allocations, kept by
 *          stack and object size, scaled up when it is read.
 * Promise  [MP1] A profile shows the heap as the last completed collection
 *          found it: no object counts as allocated whose death could not have
 *          been noticed as well.  (Before the first collection: everything.)
 *          [MP2] A byte allocated is a sample point with probability
 *          1 / rate, each for itself; an object is sampled when one of its
 *          bytes is.  So numbers are unbiased for every size.
 * How      heap/mcache.c ends a cursor's run before the next sample point, so
 *          the allocation that would cross it takes the slow path and comes
 *          here.  A special on the object (gc/special.c) tells us of its death.
 *
 *          Counts go through three slots by cycle, as Go's.  In cycle C an
 *          allocation counts for C + 2, a death that the sweep of C finds for
 *          C + 1; when C + 1 begins (its marking ended), slot C + 1 is added to
 *          what is shown:
 *
 *            alloc in C, C's sweep ----------> alive at mark end of C + 1?
 *                                               dead: found in C + 1's sweep
 *            shown from the mark end of C + 2, together with those deaths
 *
 *          mw_gc, which returns after its sweep, shows that slot at once.
 * Threads  mwi_buckets_lock; the cycle number changes with the world stopped.
 */
#include "debug/memprof.h"

#include <errno.h>

#include <mallow.h>

#include "debug/buckets.h"
#include "gc/alloc.h"
#include "gc/gc.h"
#include "gc/special.h"
#include "sched/proc.h"

static struct mwi_buckets objects;
/* under mwi_buckets_lock */
static uint32_t cycle; /* written with the world stopped */
static bool flushed;   /* slot cycle % 3 has been added */
static void (*next_trace)(void);

/* ---- Counting ---------------------------------------------------------- */

static void sampled(void *p, size_t size) {
  uintptr_t pc[MWI_PROFILE_FRAMES];
  size_t n = mwi_profile_stack(pc, MWI_PROFILE_FRAMES);
  mwi_attach(); /* [Z3] */
  mwi_lock(&mwi_buckets_lock);
  struct mwi_bucket *b = mwi_bucket_locked(&objects, size, pc, n);
  if (b) b->mem.future[(cycle + 2) % 3].allocs++;
  mwi_unlock(&mwi_buckets_lock);
  if (b) mwi_special_sampled(p, b);
}

/* In a sweep. */
static void freed(void *bucket) {
  struct mwi_bucket *b = bucket;
  mwi_lock(&mwi_buckets_lock);
  b->mem.future[(cycle + 1) % 3].frees++;
  mwi_unlock(&mwi_buckets_lock);
}

/* Add a slot to what is shown. */
static void publish_locked(uint32_t slot) {
  for (struct mwi_bucket *b = mwi_load_acquire(&objects.newest); b; b = b->older) {
    struct mwi_mem_count *f = &b->mem.future[slot % 3];
    b->mem.active.allocs += f->allocs;
    b->mem.active.frees += f->frees;
    *f = (struct mwi_mem_count){0, 0};
  }
}

static void flush_locked(void) {
  if (!flushed) publish_locked(cycle);
  flushed = true;
}

/* Marking has ended, the world is stopped: nobody is inside the lock. */
static void sweep_begins_stw(void) {
  flush_locked(); /* done already, unless cycles chase each other */
  cycle++;
  flushed = false;
}

static void cycle_ended(void) {
  mwi_lock(&mwi_buckets_lock);
  flush_locked();
  mwi_unlock(&mwi_buckets_lock);
  if (next_trace) next_trace();
}

/* The sweep of this cycle is complete as well: or of one before it, when others have begun the
 * next meanwhile.  Then there are deaths to come for what slot cycle + 1 says was allocated [MP1].
 */
static void swept(void) {
  mwi_lock(&mwi_buckets_lock); /* no stop, so no other cycle, meanwhile */
  flush_locked();
  if (mwi_sweep_done()) publish_locked(cycle + 1);
  mwi_unlock(&mwi_buckets_lock);
}

/* ---- Reading ----------------------------------------------------------- */

/* 1 - exp(-x), x > 0: by doubling, since libm is not ours to link. */
static double one_minus_exp(double x) {
  if (x > 40) return 1;
  int doublings = 0;
  for (; x > 1.0 / 128; x /= 2) doublings++;
  double f = x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4)));
  for (; doublings > 0; doublings--) f *= 2 - f;
  return f;
}

static const struct mwi_profile_kind kinds[2] = {
    {.name = "heap",
     .nvalues = 4,
     .value = {{"alloc_objects", "count"},
               {"alloc_space", "bytes"},
               {"inuse_objects", "count"},
               {"inuse_space", "bytes"}},
     .period = {"space", "bytes"}},
    {.name = "allocs",
     .nvalues = 4,
     .value = {{"alloc_objects", "count"},
               {"alloc_space", "bytes"},
               {"inuse_objects", "count"},
               {"inuse_space", "bytes"}},
     .period = {"space", "bytes"},
     .default_type = "alloc_space"},
};

static bool nothing_published(void) {
  bool nothing = true;
  mwi_lock(&mwi_buckets_lock);
  for (struct mwi_bucket *b = mwi_load_acquire(&objects.newest); b && nothing; b = b->older)
    nothing = b->mem.active.allocs == 0;
  mwi_unlock(&mwi_buckets_lock);
  return nothing;
}

int mwi_memprof_take(struct mwi_profile *p, bool allocs, bool raw) {
  p->kind = &kinds[allocs];
  double rate = (double)mwi_heap.sample_rate;
  p->period = (int64_t)mwi_heap.sample_rate;
  bool all = nothing_published(); /* [MP1] */
  for (struct mwi_bucket *b = mwi_load_acquire(&objects.newest); b; b = b->older) {
    mwi_lock(&mwi_buckets_lock);
    struct mwi_mem_count c = b->mem.active;
    for (int i = 0; i < 3 && all; i++) {
      c.allocs += b->mem.future[i].allocs;
      c.frees += b->mem.future[i].frees;
    }
    mwi_unlock(&mwi_buckets_lock);
    if (c.allocs == 0) continue;
    uint64_t live = c.allocs > c.frees ? c.allocs - c.frees : 0;
    double scale = raw || rate <= 1 ? 1 : 1 / one_minus_exp((double)b->size / rate); /* [MP2] */
    int64_t value[MWI_PROFILE_VALUES] = {
        (int64_t)((double)c.allocs * scale), (int64_t)((double)(c.allocs * b->size) * scale),
        (int64_t)((double)live * scale), (int64_t)((double)(live * b->size) * scale)};
    mwi_profile_add(p, b->size, b->pc, b->n, value);
  }
  return 0;
}

void mwi_memprof_each(void (*visit)(void *arg, const struct mwi_bucket *b, uint64_t allocs,
                                    uint64_t frees),
                      void *arg) {
  for (struct mwi_bucket *b = mwi_load_acquire(&objects.newest); b; b = b->older) {
    mwi_lock(&mwi_buckets_lock);
    struct mwi_mem_count c = b->mem.active;
    for (int i = 0; i < 3; i++) {
      c.allocs += b->mem.future[i].allocs;
      c.frees += b->mem.future[i].frees;
    }
    mwi_unlock(&mwi_buckets_lock);
    visit(arg, b, c.allocs, c.frees);
  }
}

MWI_EXPORT int mw_set_mem_profile_rate(int rate) {
  mwi_attach();
  mwi_stop_world();
  int old = (int)mwi_heap.sample_rate;
  mwi_heap.sample_rate = rate > 0 ? (uint64_t)rate : 0;
  for (int i = 0; i < mwi_sched.nprocs; i++) mwi_mcache_resample_stw(mwi_sched.procs[i]->mcache);
  mwi_start_world();
  return old;
}

void mwi_memprof_init(void) {
  mwi_heap.sample_rate = (uint64_t)mwi_knobs.memprofilerate;
  mwi_sampled_alloc = sampled;
  mwi_sampled_freed = freed;
  mwi_gc_hooks.sweep_begins_stw = sweep_begins_stw;
  mwi_gc_hooks.swept = swept;
  next_trace = mwi_gc_hooks.trace;
  mwi_gc_hooks.trace = cycle_ended;
}
