/* SPDX-License-Identifier: MIT */
/*
 * sched/poll.c -- the safepoint's slow half
 *
 * Compiled code calls mwi_rt_poll when its thread's poll byte is set: on loop
 * back-edges and entries of functions that can recurse.  Here the goroutine
 * stops for whoever asked, yields after its time slice, gets a processor again
 * if it lost its own in external code, and starts a collection that is due.
 *
 * The byte is cleared before the requests are read; a request made after that
 * sets it again, so none is lost.
 *
 * A loop that may be cancelled at any instruction (PTHREAD_CANCEL_ASYNCHRONOUS) is polled, too:
 * a thread of the program's is not cancelled here, but when it comes out.
 */
#include "base/knobs.h"
#include "gc/gc.h"
#include "sched/proc.h"

/* On the stack that the goroutine owns, not on a signal stack?  Without a goroutine it is a handler
 * of the program's on a thread that waits for work, on that thread's own stack, or held. */
static bool on_own_stack(struct mwi_g *g) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  return !g || g->foreign || (here >= g->stack.lo && here < g->stack.hi);
}

static void stress_poll(struct mwi_m *m) {
  mwi_store_relaxed(&m->tcb.poll, 1);
  if (mwi_rand() % (uint32_t)mwi_knobs.gcstress == 0) mwi_preempt();
}

/* [N1] of sched/signal.c: no yield; a stop, if what was interrupted can be stopped in. */
static void poll_in_handler(struct mwi_tcb *t) {
  if (t->held) return;
  mwi_rt_enter();
  mwi_store_relaxed(&t->poll, 0);
  atomic_thread_fence(memory_order_seq_cst); /* pairs with request() in stop.c */
  mwi_stop_check();
  mwi_rt_leave();
}

static void poll_attached(struct mwi_tcb *t) {
  struct mwi_m *m = t->m;
  struct mwi_g *g = t->g;
  mwi_jumps_wait(g);
  if (MWI_UNLIKELY(t->sig)) {
    poll_in_handler(t);
    mwi_jumps_go(g);
    return;
  }
  mwi_rt_enter();
  mwi_sysmon_check();
  mwi_store_relaxed(&t->poll, 0);
  atomic_thread_fence(memory_order_seq_cst); /* pairs with request() in stop.c */
  mwi_stop_check();
  bool slice_over = mwi_load_relaxed(&m->preempt_req) != 0; /* the loop takes it back */
  mwi_rt_leave();
  mwi_need_p();
  if (mwi_gc_requested()) mwi_gc_start_requested();
  if (slice_over) mwi_preempt();
  if (MWI_UNLIKELY(mwi_knobs.gcstress)) stress_poll(mwi_self());
  mwi_jumps_go(g);
}

MWI_EXPORT MWI_PRESERVE_MOST void mwi_rt_poll(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (MWI_UNLIKELY(!t->attached)) {
    mwi_attach_slow();
    return;
  }
  if (t->rt > 0 || !on_own_stack(t->g)) return;
  mwi_assert(t->g || t->sig);
  if (MWI_LIKELY(!t->g || !t->g->foreign)) {
    poll_attached(t);
    return;
  }
  int cancel = mwi_os_cancel_off();
  poll_attached(t);
  mwi_os_cancel_back(cancel);
}
