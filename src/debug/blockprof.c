/* SPDX-License-Identifier: MIT */
/*
 * debug/blockprof.c -- where goroutines wait, and who makes them wait
 *
 * Job      The block profile (the stacks of those who waited, on channels,
 *          select and everything of sync) and the mutex profile (the stacks of
 *          those who unlocked what others waited for).
 * How      mwi_park and the semaphores of the scheduler measure waits while a
 *          rate is set, and report them here.  Sampling is Go's: of waits
 *          shorter than the block rate, one in rate / duration is kept and
 *          counts for all; of contended unlocks, one in the fraction.
 * Threads  mwi_buckets_lock.
 */
#include "debug/blockprof.h"

#include <mallow.h>

#include "debug/buckets.h"
#include "sched/proc.h"

static struct mwi_buckets waits, unlocks;

static void record(struct mwi_buckets *t, double count, double ns) {
  uintptr_t pc[MWI_PROFILE_FRAMES];
  size_t n = mwi_profile_stack(pc, MWI_PROFILE_FRAMES);
  mwi_attach(); /* [Z3] */
  mwi_lock(&mwi_buckets_lock);
  struct mwi_bucket *b = mwi_bucket_locked(t, 0, pc, n);
  if (b) {
    b->wait.count += count;
    b->wait.ns += ns;
  }
  mwi_unlock(&mwi_buckets_lock);
}

static void waited(int64_t ns) {
  int64_t rate = mwi_load_relaxed(&mwi_block_rate);
  if (rate <= 0) return;
  if (ns < 1) ns = 1;
  if (ns >= rate) {
    record(&waits, 1, (double)ns);
  } else if ((int64_t)(mwi_rand() % (uint64_t)rate) < ns) {
    record(&waits, (double)rate / (double)ns, (double)rate);
  }
}

static void made_wait(int64_t ns) {
  int64_t fraction = mwi_load_relaxed(&mwi_mutex_fraction);
  if (fraction <= 0 || mwi_rand() % (uint64_t)fraction != 0) return;
  if (ns < 0) ns = 0;
  record(&unlocks, (double)fraction, (double)ns * (double)fraction);
}

void mwi_blockprof_init(void) {
  mwi_wait_ended = waited;
  mwi_wait_caused = made_wait;
}

MWI_EXPORT int mw_set_block_profile_rate(int ns) {
  return (int)atomic_exchange_explicit(&mwi_block_rate, ns > 0 ? ns : 0, memory_order_relaxed);
}

MWI_EXPORT int mw_set_mutex_profile_fraction(int n) {
  if (n < 0) return (int)mwi_load_relaxed(&mwi_mutex_fraction);
  return (int)atomic_exchange_explicit(&mwi_mutex_fraction, n, memory_order_relaxed);
}

static const struct mwi_profile_kind kinds[2] = {
    {.name = "block",
     .nvalues = 2,
     .value = {{"contentions", "count"}, {"delay", "nanoseconds"}},
     .period = {"contentions", "count"}},
    {.name = "mutex",
     .nvalues = 2,
     .value = {{"contentions", "count"}, {"delay", "nanoseconds"}},
     .period = {"contentions", "count"}},
};

int mwi_blockprof_take(struct mwi_profile *p, bool mutex, bool text) {
  p->kind = &kinds[mutex];
  if (mutex && text) p->period = mwi_load_relaxed(&mwi_mutex_fraction);
  struct mwi_buckets *t = mutex ? &unlocks : &waits;
  for (struct mwi_bucket *b = mwi_load_acquire(&t->newest); b; b = b->older) {
    mwi_lock(&mwi_buckets_lock);
    int64_t value[MWI_PROFILE_VALUES] = {(int64_t)b->wait.count, (int64_t)b->wait.ns};
    mwi_unlock(&mwi_buckets_lock);
    mwi_profile_add(p, 0, b->pc, b->n, value);
  }
  return 0;
}
