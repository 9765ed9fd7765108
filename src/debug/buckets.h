/* SPDX-License-Identifier: MIT */
/*
 * debug/buckets.h -- counters kept for a stack (internal)
 *
 * One bucket for each stack (and object size) that was ever sampled; never
 * given back, and never moved, so a sampled object may point at its own.
 */
#ifndef MWI_DEBUG_BUCKETS_H
#define MWI_DEBUG_BUCKETS_H

#include "base/base.h"
#include "os/lock.h"

struct mwi_mem_count {
  uint64_t allocs, frees; /* objects */
};

struct mwi_bucket {
  /* constant once the bucket is found in the table */
  struct mwi_bucket *chain;
  struct mwi_bucket *older; /* of the same table */
  size_t size;              /* of one object; 0 for waits */
  uint64_t hash;
  uint32_t n;
  /* under mwi_buckets_lock */
  union {
    struct {
      struct mwi_mem_count active, future[3]; /* memprof.c: published; by cycle */
    } mem;
    struct {
      double count, ns; /* blockprof.c: scaled up from what was sampled */
    } wait;
  };
  uintptr_t pc[];
};

struct mwi_buckets {
  _Atomic(struct mwi_bucket *) newest; /* release: the bucket is complete */
  struct mwi_bucket **chain;           /* under mwi_buckets_lock; NULL until first used */
};

/* Guards the tables and all counters.  Nothing but metadata is taken inside. */
extern struct mwi_lock mwi_buckets_lock;

/* What all tables take from the OS; a part of mwi_meta_total. */
size_t mwi_buckets_bytes(void);
/* The bucket of a stack, made if there is none.  NULL: no memory.  Lock held. */
struct mwi_bucket *mwi_bucket_locked(struct mwi_buckets *t, size_t size, const uintptr_t *pc,
                                     size_t n);

#endif
