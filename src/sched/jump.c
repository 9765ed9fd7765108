/* SPDX-License-Identifier: MIT */
/*
 * sched/jump.c -- leaving: longjmp, pthread_exit
 *
 * Job      Compiled code's longjmp and siglongjmp go through here, so that what
 *          the runtime knows of abandoned frames is right again: handlers of
 *          signals that are left behind count no more, and a restored signal
 *          mask is known.  pthread_exit on a goroutine ends the goroutine, not
 *          the thread that happens to run it.
 * How      External frames and polls need nothing: tcb->ext is only a hint
 *          (external.c), and nothing else is counted.  Pins stay: a mutex that
 *          was locked is locked.
 * Limits   A jump to another goroutine's stack is fatal; so is one out of a
 *          handler that interrupted the runtime (an allocation, a wait), whose
 *          work would stay half done.  Jumps that external code makes over
 *          compiled frames are not seen; they matter only out of handlers.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <threads.h>

#include <mallow.h>

#include "os/jmpbuf.h"
#include "os/thread.h"
#include "sched/proc.h"

_Noreturn void mwi_rt_longjmp(jmp_buf env, int value);
_Noreturn void mwi_rt_pthread_exit(void *result);
_Noreturn void mwi_rt_thrd_exit(int result);

static bool on_stack_of(const struct mwi_g *g, uintptr_t sp) {
  return g->foreign ? sp < g->m->stack_hi : sp - g->stack.lo <= g->stack.hi - g->stack.lo;
}

static bool on_sigstack(const struct mwi_m *m, uintptr_t sp) {
  return sp - (uintptr_t)m->sigstack < MWI_SIGSTACK_BYTES;
}

/* Does a jump to sp leave handler h?  A signal stack may be the program's own, anywhere. */
static bool leaves(const struct mwi_tcb *t, const struct mwi_handler *h, uintptr_t sp) {
  if (on_sigstack(t->m, h->frame) != on_sigstack(t->m, sp)) return on_sigstack(t->m, h->frame);
  if (t->g && on_stack_of(t->g, sp) && !on_stack_of(t->g, h->frame)) return true;
  return sp > h->frame;
}

static void forget_handlers(struct mwi_tcb *t, uintptr_t sp) {
  while (t->handlers && leaves(t, t->handlers, sp)) {
    if (t->handlers->rt) mwi_fatal("siglongjmp out of a handler that interrupted the runtime");
    mwi_handler_leave(t->handlers);
  }
}

MWI_EXPORT _Noreturn void mwi_rt_longjmp(jmp_buf env, int value) {
  struct mwi_tcb *t = mwi_tcb();
  if (t->attached && t->m) {
    uintptr_t sp = mwi_os_jmpbuf_sp(env);
    forget_handlers(t, sp);
    if (t->g && !t->g->foreign && !on_stack_of(t->g, sp) && !t->sig)
      mwi_fatal("longjmp to the stack of another goroutine");
    const sigset_t *mask = mwi_os_jmpbuf_mask(env);
    if (mask && t->g && !t->g->foreign && !t->sig) mwi_mask_changed(t->g, mask);
  }
  siglongjmp(env, value);
}

/* In main, as with threads: the process goes on until the last has ended. */
MWI_EXPORT _Noreturn void mwi_rt_pthread_exit(void *result) {
  struct mwi_tcb *t = mwi_tcb();
  if (!t->attached || !t->g || t->g->foreign) pthread_exit(result);
  if (t->g == mwi_sched.main_g) mwi_store_relaxed(&mwi_sched.exit_when_empty, MWI_EXIT_EMPTY);
  mw_goexit();
}

MWI_EXPORT _Noreturn void mwi_rt_thrd_exit(int result) {
  mwi_rt_pthread_exit((void *)(intptr_t)result);
}
