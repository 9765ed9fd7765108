/* SPDX-License-Identifier: MIT */
/*
 * sched/jump.c -- leaving: longjmp, pthread_exit
 *
 * Job      Compiled code's longjmp and siglongjmp go through here, so that what
 *          the runtime knows of abandoned frames is right again: handlers of
 *          signals that are left behind count no more, and a restored signal
 *          mask is known, and what an abandoned call has been lent is given back (lend.c).
 *          pthread_exit on a goroutine ends the goroutine, not the thread that happens to run it.
 *          A handler may leave a wait by siglongjmp, as programs do that give a read
 *          a time limit: the jump is put off until the call, which returns EINTR,
 *          has undone what it did.  Or it leaves a function of libc's that waits (libc.h): at once,
 *          and so leaves SYS.  Or it leaves computing, as interpreters do that are stopped
 *          from the keyboard: then what the runtime does there for compiled code (a moved
 *          variable, a barrier, a poll) comes to its end first [JP1].  To the program there is no
 *          difference [JP2].
 * How      A jump that is put off is noted with its goroutine and the level, the handler
 *          (or none) whose code was interrupted; a later one out of the same section
 *          takes its place, and a jump that is made forgets those of its level and of what it
 *          leaves.  The handler's frame is dropped by the kernel's own sigreturn; an interrupted
 *          call is ended as by cut.c.  Nothing waits for the jump but its goroutine, whose in_call
 *          says so.
 *          External frames need nothing: tcb->ext is only a hint (external.c), and
 *          nothing else is counted.  Pins stay: a mutex that was locked is locked.
 *          While a jump forgets handlers other handlers are held off, for they may jump too.
 * Limits   A jump to another goroutine's stack is fatal; so is one out of a
 *          handler that interrupted the runtime elsewhere (a channel, a timer),
 *          whose work would stay half done, as libc's would in plain C; between two of
 *          that work's own sections (rt is 0) it is not noticed.
 *          Fatal as well: to a goroutine that is parked, or in a queue, when the signal comes: its
 *          handler runs on another stack, or over the sleep of the thread that it keeps.  Never
 *          main's while it is the only goroutine [N5]; and beside others what blocks main's thread
 *          can be left [N7], and main is not between two threads if it keeps its own
 *          (mw_thread_lock).  To have a parked one take over a jump from elsewhere, it would have
 *          to be woken, and its call undone, before anybody else wakes it.  Jumps that external
 *          code makes over compiled frames are not seen; they matter only out of handlers.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <threads.h>
#include <ucontext.h>

#include <mallow.h>

#include "gc/gc.h"
#include "gc/jumps.h"
#include "os/jmpbuf.h"
#include "os/os.h"
#include "os/restart.h"
#include "os/thread.h"
#include "sched/kept.h"
#include "sched/lend.h"
#include "sched/libc.h"
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

bool mwi_jump_leaves(const struct mwi_g *g, uintptr_t at, uintptr_t sp) {
  if (sp == UINTPTR_MAX) return true;
  if (on_stack_of(g, at) != on_stack_of(g, sp)) return !on_stack_of(g, at); /* a signal stack */
  return at < sp;
}

/* Does a jump to sp leave handler h?  A signal stack may be the program's own, anywhere. */
static bool leaves(const struct mwi_tcb *t, const struct mwi_handler *h, uintptr_t sp) {
  if (on_sigstack(t->m, h->frame) != on_sigstack(t->m, sp)) return on_sigstack(t->m, h->frame);
  if (t->g && on_stack_of(t->g, sp) && !on_stack_of(t->g, h->frame)) return true;
  return sp > h->frame;
}

/* ---- Out of a section or a call ----------------------------------------- */

/*
 * Jumps that wait.  A slot is claimed in a handler, and given back by its goroutine.  Of each
 * goroutine there is one for a level at most.
 * Fields: written by handlers on g's thread.
 */
enum { PENDING = 64 };
static struct pending {
  _Atomic(struct mwi_g *) g;
  _Atomic(const struct mwi_handler *) level; /* whose code goes on behind the section; NULL: no
                                                handler's */
  struct __jmp_buf_tag *env;
  int value;
  sigset_t mask; /* in the handler: longjmp keeps it */
} pending[PENDING];

static struct pending *find(const struct mwi_g *g, const struct mwi_handler *level) {
  for (int i = 0; i < PENDING; i++)
    if (mwi_load_acquire(&pending[i].g) == g && mwi_load_relaxed(&pending[i].level) == level)
      return &pending[i];
  return NULL;
}

static struct pending *claim(struct mwi_g *g, const struct mwi_handler *level) {
  struct pending *p = find(g, level);
  if (p) return p;
  for (int i = 0; i < PENDING; i++) {
    struct mwi_g *nobody = NULL;
    p = &pending[i];
    if (!mwi_cas_acqrel(&p->g, &nobody, g)) continue;
    mwi_store_relaxed(&p->level, level);
    mwi_add_relaxed(&mwi_jumps_pending, 1);
    return p;
  }
  mwi_fatal("siglongjmp out of %d waits at once", PENDING);
}

/* No handler may jump meanwhile: it would lose count. */
static void give_back(struct pending *p) {
  mwi_store_release(&p->g, NULL);
  mwi_add_relaxed(&mwi_jumps_pending, (uint32_t)-1);
}

static void forget_jump(const struct mwi_g *g, const struct mwi_handler *level) {
  if (MWI_LIKELY(!mwi_load_relaxed(&mwi_jumps_pending))) return;
  struct pending *p = find(g, level);
  if (p) give_back(p);
}

/* Other handlers wait: all but the runtime's own. */
static void hold_signals(sigset_t *before) {
  sigset_t most;
  mwi_os_fill_mask(&most);
  sigdelset(&most, MWI_STOP_SIGNAL);
  sigdelset(&most, SIGSEGV);
  pthread_sigmask(SIG_BLOCK, &most, before);
}

/* The call that uc is in returns EINTR: now, or sysmon sees to it. */
static void end_call(struct mwi_m *m, void *uc) {
  uint32_t call = mwi_load_relaxed(&m->calls);
  if (!(call & MWI_CALL_CUT)) return; /* not begun, and it looks; or over; or no call */
  if (mwi_os_in_call(uc) && mwi_os_cut_call(uc)) return;
  mwi_store_seqcst(&m->cut_call, call);
  mwi_store_seqcst(&mwi_sched.cuts, true);
  mwi_sysmon_need(); /* fit for a handler: what it interrupted is the call, no lock of libc's */
  mwi_sysmon_wake();
}

static void note(struct pending *p, struct __jmp_buf_tag *env, int value, const sigset_t *mask) {
  p->env = env;
  p->value = value;
  p->mask = *mask;
}

static _Noreturn void put_off(struct mwi_tcb *t, struct mwi_handler *h, struct __jmp_buf_tag *env,
                              int value, const sigset_t *mask) {
  note(claim(t->g, h->up), env, value, mask);
  void *uc = h->uc;
  end_call(t->m, uc); /* before it is in SYS again, where it may take no lock [P4] */
  mwi_handler_leave(h);
  mwi_os_sigreturn(uc);
}

/* h, the innermost, has interrupted a function of libc's, in SYS (libc.h), which goes as any
 * external code does.  The section around it is over. */
static void leave_libc(struct mwi_tcb *t, struct mwi_handler *h) {
  mwi_handler_leave(h);
  mwi_wait_uncancelled(t->m);
  mwi_store_relaxed(&t->m->in_libc, false);
  mwi_syscall_left();
  mwi_store_relaxed(&t->g->in_call, t->handlers ? t->handlers->calls : 0);
}

/* mask: the caller's; handlers are held off. */
static void forget_handlers(struct mwi_tcb *t, uintptr_t sp, struct __jmp_buf_tag *env, int value,
                            const sigset_t *mask) {
  struct mwi_handler *h;
  while ((h = t->handlers) != NULL && leaves(t, h, sp)) {
    if (t->g) forget_jump(t->g, h); /* its frame goes, and another's may come there */
    if (h->wait && mwi_load_relaxed(&t->m->in_libc)) {
      leave_libc(t, h);
      continue;
    }
    if (h->in_call && !h->fault) put_off(t, h, env, value, mask);
    if (h->wait)
      mwi_fatal(
          "siglongjmp out of a handler that interrupted a wait of a goroutine that is parked");
    if (h->rt || h->in_call) mwi_fatal("siglongjmp out of a handler that interrupted the runtime");
    mwi_handler_leave(h);
  }
}

bool mwi_jump_is_pending(const struct mwi_g *g) {
  return find(g, mwi_tcb()->handlers) != NULL;
}

/* g, which runs, will have this mask. */
static void tell_mask(struct mwi_g *g, const sigset_t *mask) {
  if (g->foreign) return;
  mwi_jumps_wait(g); /* out of a handler that comes now it is another jump that is made */
  mwi_mask_changed(g, mask);
  mwi_jumps_go(g);
}

/* Handlers are held off, and the jump restores no mask: it keeps the handler's. */
static void keep_mask(const struct mwi_tcb *t, const sigset_t *mask) {
  if (t->g && !t->sig) tell_mask(t->g, mask);
  pthread_sigmask(SIG_SETMASK, mask, NULL);
}

static MWI_COLD void look(struct mwi_g *g) {
  const struct mwi_handler *level = mwi_tcb()->handlers;
  if (mwi_load_relaxed(&g->in_call) != (level ? level->calls : 0)) return; /* an inner section's */
  struct pending *p = find(g, level);
  if (!p) return;
  sigset_t before;
  hold_signals(&before); /* one that came until here has made its own jump, and we are gone */
  struct __jmp_buf_tag *env = p->env;
  int value = p->value;
  before = p->mask;
  give_back(p);
  if (!mwi_os_jmpbuf_mask(env)) keep_mask(mwi_tcb(), &before);
  mwi_rt_longjmp(env, value);
}

void mwi_jumps_forget(const struct mwi_g *g) {
  forget_jump(g, NULL);
}

void mwi_jumps_forked(void) {
  if (!mwi_load_relaxed(&mwi_jumps_pending)) return;
  for (int i = 0; i < PENDING; i++) mwi_store_relaxed(&pending[i].g, NULL);
  mwi_store_relaxed(&mwi_jumps_pending, 0);
}

void mwi_jumps_init(void) {
  mwi_jumps_look = look;
}

MWI_EXPORT _Noreturn void mwi_rt_longjmp(jmp_buf env, int value) {
  struct mwi_tcb *t = mwi_tcb();
  if (t->attached && t->m) {
    uintptr_t sp = mwi_os_jmpbuf_sp(env);
    const sigset_t *mask = mwi_os_jmpbuf_mask(env);
    if (MWI_UNLIKELY(t->sig)) {
      const struct mwi_g *to = mwi_stack_owner(sp);
      if (to && to != t->g)
        mwi_fatal(
            "siglongjmp out of a handler to goroutine %lu, which is parked or on another thread",
            (unsigned long)to->id);
      sigset_t now;
      hold_signals(&now);
      forget_handlers(t, sp, env, value, &now);
      if (t->g) forget_jump(t->g, t->handlers);
      if (!mask) keep_mask(t, &now);
    }
    if (MWI_UNLIKELY(t->rt > 0) && !t->sig) /* a library has installed the handler by itself */
      mwi_fatal("siglongjmp out of the middle of the runtime");
    if (t->g ? !t->g->foreign && !on_stack_of(t->g, sp) && !t->sig : !!mwi_stack_owner(sp))
      mwi_fatal("longjmp to the stack of another goroutine");
    if (mask && t->g && !t->sig) tell_mask(t->g, mask);
    if (t->g) mwi_lend_leave(t->g, sp);
  }
  siglongjmp(env, value);
}

/* In main, as with threads: the process goes on until the last has ended. */
MWI_EXPORT _Noreturn void mwi_rt_pthread_exit(void *result) {
  struct mwi_tcb *t = mwi_tcb();
  if (!t->attached || !t->g || t->g->foreign) {
    if (!mwi_off_goroutine()) mwi_thread_gives(result);
    pthread_exit(result);
  }
  if (t->g == mwi_sched.main_g) mwi_store_relaxed(&mwi_sched.exit_when_empty, MWI_EXIT_EMPTY);
  mw_goexit();
}

MWI_EXPORT _Noreturn void mwi_rt_thrd_exit(int result) {
  mwi_rt_pthread_exit((void *)(intptr_t)result);
}
