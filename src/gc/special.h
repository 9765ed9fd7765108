/* SPDX-License-Identifier: MIT */
/* gc/special.h -- what hangs on an object: finalizer, cleanups, weak handles, profile (internal) */
#ifndef MWI_GC_SPECIAL_H
#define MWI_GC_SPECIAL_H

#include "gc/gc.h"

/* A call that became due when an object died. */
struct mwi_due {
  struct mwi_due *next;
  void (*finalizer)(void *obj, void *arg); /* or */
  void (*cleanup)(void *arg);
  void *obj, *arg;
};

/* Take the oldest due call of a kind; NULL: none.  Give the record back with
 * mwi_due_free after its words are on the caller's stack. */
struct mwi_due *mwi_due_take(bool finalizer);
void mwi_due_free(struct mwi_due *d);

/* Called when something became due: wakes the goroutine that runs them.  May
 * run on any stack with the sweeper's state half-made: must not park. */
extern void (*mwi_due_notify)(bool finalizer);
/* First finalizer or cleanup of the program: start those goroutines.  Goroutine context. */
extern void (*mwi_due_start)(void);

/* Object p is a sample of the heap profile: call mwi_sampled_freed(bucket), in
 * the sweep, when it has died.  Goroutine context. */
void mwi_special_sampled(void *p, void *bucket);
extern void (*mwi_sampled_freed)(void *bucket);

/* A finalizer, due or not, or a sample of the heap profile.  World stopped. */
struct mwi_special_facts {
  uintptr_t obj, fn;
  void *arg, *bucket; /* bucket: of a sample, else NULL */
  bool due;
};
void mwi_specials_each_stw(void (*visit)(void *arg, const struct mwi_special_facts *f), void *arg);

void mwi_specials_scan(struct mwi_gcp *w); /* a root job */
void mwi_special_init(void);

#endif
