/* SPDX-License-Identifier: MIT */
/*
 * sched/external.c -- code that was called back by external code stays on its thread
 *
 * Job      External code (a library's sort, dlopen with its constructors, a
 *          handler of curl's) calls back compiled code, which may wait for a
 *          channel or be preempted.  The frames below belong to code that
 *          knows nothing of goroutines: it may hold locks that belong to the
 *          thread, the address of errno, a pointer to a thread-local.
 * Promise  [X1] A goroutine with external frames below it does not leave its
 *          thread: when it parks, the thread waits with it and gives its
 *          processor away (sched/park.c, park_bound).
 *          [X2] So such a goroutine is always some thread's tcb->g, and the
 *          collector finds it there, whatever it waits for ([E2]).
 * How      Compiled code sets tcb->ext before it calls anything that may call
 *          back: one store, and nothing to undo on return, so longjmp and tail
 *          calls need no care.  Who parks with the byte set looks at the stack
 *          and clears it when nothing external is there.  A cleared byte stays
 *          true: what was below remains, or returns; only a call adds frames,
 *          and such a call sets the byte.  So a goroutine that leaves a thread
 *          leaves a cleared byte behind.
 *          The look follows frame pointers, which all text of ours has, to the
 *          first return address that is not ours.  External code need not keep
 *          frame pointers: the walk ends before it needs one.
 * Cost     two loads a frame, of the few frames between main and a park.
 *          Who parks with a stack deeper than MAX_FRAMES waits on its thread,
 *          which costs some microseconds and no harm.  For the collector that
 *          would be a second look at the whole stack, in a stop: it goes to the
 *          end of the stack, outside of the stop (sched/gchooks.c).
 * Threads  the owner; the collector and a stopper, while the thread is stopped.
 * Rejected counting calls in and out: two read-modify-writes for each call, no
 *          tail calls, and longjmp has to be told.  Searching the stack for
 *          words that look like return addresses: stale ones pin for ever.
 */
#define _GNU_SOURCE 1
#include <mallow.h>

#include "gc/gc.h"
#include "os/thread.h"
#include "sched/proc.h"

#define MAX_FRAMES 2048 /* a few microseconds */

static enum mwi_below below(uintptr_t fp, uintptr_t hi, size_t most) {
  for (size_t n = 0; n < most; n++) {
    if (fp > hi - 16 || fp % 8) return MWI_BELOW_EXTERNAL; /* not a frame of ours */
    uintptr_t up = ((uintptr_t *)fp)[0], pc = ((uintptr_t *)fp)[1];
    if (pc == (uintptr_t)mwi_bottom_return)
      return MWI_BELOW_OURS; /* below: pthread_create's cover */
    if (!mwi_text_contains(pc)) return MWI_BELOW_EXTERNAL;
    if (!up) return MWI_BELOW_OURS; /* goroutine_entry: the first frame */
    if (up <= fp) return MWI_BELOW_EXTERNAL;
    fp = up;
  }
  return MWI_BELOW_DEEP;
}

bool mwi_external_below(uintptr_t fp, uintptr_t hi) {
  return below(fp, hi, MAX_FRAMES) != MWI_BELOW_OURS;
}

bool mwi_external_anywhere(uintptr_t fp, uintptr_t hi) {
  return below(fp, hi, SIZE_MAX) != MWI_BELOW_OURS;
}

_Atomic uint32_t mwi_callbacks_everywhere;

enum mwi_below mwi_called_back(const struct mwi_tcb *t, uintptr_t fp) {
  bool possible = t->ext || t->g->foreign || mwi_load_relaxed(&mwi_callbacks_everywhere);
  return possible ? below(fp, t->g->stack.hi, MAX_FRAMES) : MWI_BELOW_OURS;
}

bool mwi_bound_slow(struct mwi_m *m, struct mwi_g *g) {
  if (mwi_in_handler(&m->tcb)) mwi_fatal("a signal handler blocks (see mw_signal_notify)");
  if (g->foreign || mwi_called_back(&m->tcb, (uintptr_t)__builtin_frame_address(0))) return true;
  m->tcb.ext = 0;
  return g->pins != 0;
}

/* ---- Bound by the program ------------------------------------------------- */

MWI_EXPORT void mw_thread_lock(void) {
  mwi_attach();
  mwi_pin(mwi_getg(), MWI_PIN_THREAD);
}

MWI_EXPORT void mw_thread_unlock(void) {
  mwi_attach();
  mwi_unpin(mwi_getg(), MWI_PIN_THREAD);
}
