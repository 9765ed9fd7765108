/* SPDX-License-Identifier: MIT */
/*
 * sched/due.c -- the goroutines that run finalizers and cleanups
 *
 * One for each kind, started with the first finalizer or cleanup of the
 * program.  They are the runtime's own: not counted, not waited for.  A
 * finalizer that blocks holds up later ones, but neither cleanups nor the
 * collector.
 */
#include <mallow.h>

#include "gc/special.h"
#include "sched/proc.h"

struct runner {
  struct mwi_lock lock; /* rank GC: mwi_due_take's lock nests inside */
  struct mwi_g *g;      /* parked and waiting, under lock */
  bool pending;         /* something became due since it last looked, under lock */
  bool started, finalizer;
};
static struct runner runners[2] = {
    {.lock = MWI_LOCK_INIT(MWI_RANK_GC)},
    {.lock = MWI_LOCK_INIT(MWI_RANK_GC), .finalizer = true},
};
static mw_once once;

/* In a frame of its own: when it returns, neither it nor a register has the object. */
static MWI_NOINLINE bool run_one(bool finalizer) {
  struct mwi_due *d = mwi_due_take(finalizer);
  if (!d) return false;
  struct mwi_due call = *d; /* on this stack, which is scanned */
  mwi_due_free(d);
  if (call.finalizer)
    call.finalizer(call.obj, call.arg);
  else
    call.cleanup(call.arg);
  return true;
}

static void run(void *arg) {
  struct runner *r = arg;
  for (;;) {
    /* Else what the call has left there keeps its object, and so all that it leads to, for as
     * long as nothing else is due: the next finalizer of a list would never be. */
    while (run_one(r->finalizer)) mwi_stack_wipe_below();
    mwi_lock(&r->lock);
    if (r->pending) {
      r->pending = false;
      mwi_unlock(&r->lock);
      continue;
    }
    r->g = mwi_getg();
    mwi_park_unlock(&r->lock, MWI_WAIT_FINALIZER);
  }
}

/* Inside a sweep: a thread of ours wakes the goroutine later, from its loop. */
static void notify(bool finalizer) {
  struct runner *r = &runners[finalizer];
  mwi_lock(&r->lock);
  struct mwi_g *g = r->g;
  r->g = NULL;
  if (!g) r->pending = true;
  mwi_unlock(&r->lock);
  if (g) mwi_ready(g);
}

static void start_one(struct runner *r) {
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(run, r, 0, true);
  if (!g) mwi_fatal("out of memory: no stack for the finalizer goroutine");
  r->started = true;
  mwi_globq_put(g);
  mwi_rt_leave();
}

static void start(void *unused) {
  (void)unused;
  for (int i = 0; i < 2; i++) start_one(&runners[i]);
  mwi_wake_p();
}

/* A parked one is there still; one that was under way is not. */
void mwi_due_goroutines_restart(void) {
  for (int i = 0; i < 2; i++) {
    mwi_store_relaxed(&runners[i].lock.state, 0);
    if (runners[i].started && !runners[i].g) start_one(&runners[i]);
  }
}

static void start_once(void) {
  mw_once_do(&once, start, NULL);
}

void mwi_due_goroutines_init(void) {
  mwi_due_notify = notify;
  mwi_due_start = start_once;
  mwi_special_init();
}
