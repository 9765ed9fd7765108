/* SPDX-License-Identifier: MIT */
/*
 * sched/jump.c -- leaving: longjmp, pthread_exit
 *
 * Job      Compiled code's longjmp and siglongjmp go through here, so that what
 *          the runtime knows of abandoned frames is right again: handlers of
 *          signals that are left behind count no more, and a restored signal
 *          mask is known.  pthread_exit on a goroutine ends the goroutine, not
 *          the thread that happens to run it.
 *          A handler may leave a wait by siglongjmp, as programs do that give a read
 *          a time limit: the jump is put off until the call, which returns EINTR,
 *          has undone what it did.  To the program there is no difference.
 * How      The handler's frame is dropped by the kernel's own sigreturn, and the
 *          interrupted call ended as by cut.c.  Nothing waits for the jump but its
 *          goroutine, whose in_call says so.
 *          External frames and polls need nothing: tcb->ext is only a hint
 *          (external.c), and nothing else is counted.  Pins stay: a mutex that
 *          was locked is locked.
 * Limits   A jump to another goroutine's stack is fatal; so is one out of a
 *          handler that interrupted the runtime elsewhere (an allocation, a channel),
 *          whose work would stay half done, as malloc's would in plain C.  A variable that
 *          moves to the heap is such an allocation, and the slow half of a write barrier
 *          is the runtime too, though plain C only computes there.  Between two
 *          sections of the runtime (rt is 0) a jump is not noticed: a collection's start or a large
 *          object's zeroing may be left undone.
 *          Fatal as well: a goroutine that is parked elsewhere than at a poll, whose handler
 *          runs on another stack.  Jumps that external code makes over compiled frames
 *          are not seen; they matter only out of handlers.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <threads.h>
#include <ucontext.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/jmpbuf.h"
#include "os/restart.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/stack.h"

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

/* ---- Out of a call ------------------------------------------------------ */

/* Jumps that wait for the end of a call.  A slot is claimed by its g, in a handler, and given
 * back by that goroutine. */
enum { PENDING = 64 };
static struct pending {
  _Atomic(struct mwi_g *) g;
  struct __jmp_buf_tag *env;
  int value;
  sigset_t mask; /* in the handler: longjmp keeps it */
} pending[PENDING];

_Atomic uint32_t mwi_jumps_pending; /* a handler's own are seen by what it has interrupted */

static struct pending *claim(struct mwi_g *g) {
  for (int i = 0; i < PENDING; i++) {
    struct mwi_g *nobody = NULL;
    if (!mwi_cas_acqrel(&pending[i].g, &nobody, g)) continue;
    mwi_add_relaxed(&mwi_jumps_pending, 1);
    return &pending[i];
  }
  mwi_fatal("siglongjmp out of %d waits at once", PENDING);
}

/* The call that uc is in returns EINTR: now, or sysmon sees to it. */
static void end_call(struct mwi_m *m, void *uc) {
  uintptr_t pc = (uintptr_t)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
  uint32_t call = mwi_load_relaxed(&m->calls);
  if (!(call & MWI_CALL_CUT)) return; /* not begun, and it looks; or over */
  if (mwi_text_contains(pc) && mwi_os_cut_call(uc)) return;
  mwi_store_seqcst(&m->cut_call, call);
  mwi_store_seqcst(&mwi_sched.cuts, true);
  mwi_sysmon_wake();
}

static _Noreturn void put_off(struct mwi_tcb *t, struct mwi_handler *h, struct __jmp_buf_tag *env,
                              int value) {
  struct mwi_g *g = t->g;
  struct pending *p = claim(g);
  p->env = env;
  p->value = value;
  pthread_sigmask(SIG_SETMASK, NULL, &p->mask);
  void *uc = h->uc;
  mwi_handler_leave(h);
  end_call(t->m, uc);
  mwi_os_sigreturn(uc);
}

static void forget_handlers(struct mwi_tcb *t, uintptr_t sp, struct __jmp_buf_tag *env, int value) {
  while (t->handlers && leaves(t, t->handlers, sp)) {
    if (t->handlers->in_call) put_off(t, t->handlers, env, value);
    if (t->handlers->rt) mwi_fatal("siglongjmp out of a handler that interrupted the runtime");
    mwi_handler_leave(t->handlers);
  }
}

/*
 * As long as main is the only goroutine, handlers run on any thread of ours while main is parked
 * (signal.c), though to the program they have interrupted main.  If that is at a
 * poll, or a collection that the poll began, what jumps out of such a handler jumps out of
 * main's computing: main does it when it goes on.  It cannot before: the handler holds it.
 */
static bool interrupted_main(const struct mwi_tcb *t, uintptr_t sp) {
  const struct mwi_g *main = mwi_sched.main_g;
  const struct mwi_handler *first = t->handlers;
  if (!first || t->g == main) return false;
  while (first->up) first = first->up;
  if (!first->holds || !mwi_load_relaxed(&main->in_call) || !on_stack_of(main, sp)) return false;
  return main->wait_reason == MWI_WAIT_NONE || main->wait_reason == MWI_WAIT_GC ||
         main->wait_reason == MWI_WAIT_GC_ASSIST;
}

static _Noreturn void leave_to_main(struct mwi_tcb *t, struct __jmp_buf_tag *env, int value) {
  struct pending *p = claim(mwi_sched.main_g);
  p->env = env;
  p->value = value;
  pthread_sigmask(SIG_SETMASK, NULL, &p->mask);
  void *uc = NULL;
  while (t->handlers) { /* the first one's lets main go, which looks then (mwi_jumps_go) */
    uc = t->handlers->uc;
    mwi_handler_leave(t->handlers);
  }
  mwi_os_sigreturn(uc);
}

bool mwi_jump_is_pending(const struct mwi_g *g) {
  for (int i = 0; i < PENDING; i++)
    if (mwi_load_acquire(&pending[i].g) == g) return true;
  return false;
}

MWI_COLD void mwi_jump_pending(struct mwi_g *g) {
  for (int i = 0; i < PENDING; i++) {
    struct pending *p = &pending[i];
    if (mwi_load_acquire(&p->g) != g) continue; /* pairs with claim */
    struct __jmp_buf_tag *env = p->env;
    int value = p->value;
    sigset_t mask = p->mask;
    mwi_store_release(&p->g, NULL);
    mwi_add_relaxed(&mwi_jumps_pending, (uint32_t)-1);
    if (!mwi_os_jmpbuf_mask(env)) {
      pthread_sigmask(SIG_SETMASK, &mask, NULL);
      if (!g->foreign) mwi_mask_changed(g, &mask);
    }
    mwi_rt_longjmp(env, value);
  }
}

MWI_EXPORT _Noreturn void mwi_rt_longjmp(jmp_buf env, int value) {
  struct mwi_tcb *t = mwi_tcb();
  if (t->attached && t->m) {
    uintptr_t sp = mwi_os_jmpbuf_sp(env);
    if (MWI_UNLIKELY(t->sig) && interrupted_main(t, sp)) leave_to_main(t, env, value);
    forget_handlers(t, sp, env, value);
    if (t->g ? !t->g->foreign && !on_stack_of(t->g, sp) && !t->sig : !!mwi_stack_owner(sp))
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
