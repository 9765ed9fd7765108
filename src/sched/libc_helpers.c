/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_helpers.c -- calls by which libc makes threads of its own
 *
 * Job      timer_create and mq_notify with SIGEV_THREAD, and asynchronous input and output,
 *          start threads inside of libc, which no cover of pthread_create sees.  Such a
 *          thread, and those that it makes, have the block of the thread that called,
 *          and would run the program's function on it.
 * Promise  [A3] of base/abi.h for them: they begin with the block of unmet threads.
 * How      Around the call the caller has that block.  It waits in the runtime meanwhile, since it
 *          cannot be asked to stop, and the program's signals wait.
 *          The first helper counts as a thread of the program's that never ends: as long as it is
 *          there, somebody may wake who sleeps.
 * Limits   lio_listio and getaddrinfo_a, which may wait, are libc's own, and so are calls by code
 *          that mallow has not compiled: a first one there leaves its helpers with the caller's
 *          block.
 *          A helper of asynchronous input and output blocks all signals.  Where the control block
 *          is on a stack that folds meanwhile, the helper's access is a fault that the kernel
 *          answers by killing the program; where the buffer is, aio_error says EFAULT.  The
 *          compiler moves both to the heap: it takes -fno-mallow-escape, or a hidden address.
 */
#define _GNU_SOURCE 1
#include <aio.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "gc/jumps.h"
#include "os/fault.h"
#include "os/os.h"
#include "os/thread.h"
#include "sched/kept.h"
#include "sched/proc.h"

int mwi_rt_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer);
int mwi_rt_mq_notify(mqd_t queue, const struct sigevent *event);
int mwi_rt_aio_read(struct aiocb *cb);
int mwi_rt_aio_write(struct aiocb *cb);
int mwi_rt_aio_fsync(int op, struct aiocb *cb);

struct apart {
  struct mwi_tcb *t; /* NULL: the thread has the block of unmet ones anyway */
  struct mwi_g *g;   /* NULL: in the runtime or in a handler */
  sigset_t mask;
};

MWI_INLINE void begin(struct apart *a) {
  struct mwi_tcb *t = mwi_tcb();
  *a = (struct apart){.t = t->attached ? t : NULL};
  if (!a->t) return;
  if (!mwi_off_goroutine()) {
    a->g = t->g;
    mwi_jumps_wait(a->g);
    mwi_syscall_enter();
  }
  sigset_t all;
  mwi_os_fill_mask(&all);
  pthread_sigmask(SIG_SETMASK, &all, &a->mask);
  mwi_os_set_gs(&mwi_tcb_foreign);
}

MWI_INLINE void end(const struct apart *a) {
  if (!a->t) return;
  mwi_os_set_gs(a->t);
  int saved = mwi_errno_get();
  pthread_sigmask(SIG_SETMASK, &a->mask, NULL);
  if (a->g) {
    mwi_syscall_exit();
    mwi_jumps_go(a->g);
  }
  mwi_errno_set(saved);
}

/* There is a helper in this process, perhaps since now. */
static void helped(void) {
  static _Atomic int process;
  int self = getpid();
  if (mwi_load_relaxed(&process) == self) return;
  mwi_store_relaxed(&process, self);
  mwi_add_relaxed(&mwi_thread_count, 1);
}

static bool by_thread(const struct sigevent *event) {
  struct sigevent e;
  return event && mwi_os_copy(&e, event, sizeof e) && e.sigev_notify == SIGEV_THREAD;
}

/* The call may begin a helper. */
#define APART(call)                                                                                \
  do {                                                                                             \
    struct apart a;                                                                                \
    begin(&a);                                                                                     \
    int r = (call);                                                                                \
    end(&a);                                                                                       \
    if (r == 0) helped();                                                                          \
    return r;                                                                                      \
  } while (0)

static int apart_timer(clockid_t clock, struct sigevent *event, timer_t *timer) {
  APART(timer_create(clock, event, timer));
}
/* In one section: the timer is made, and what it is given is kept.  Its name is the program's
 * behind that. */
MWI_EXPORT int mwi_rt_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer) {
  struct sigevent e;
  bool there = event && mwi_os_copy(&e, event, sizeof e);
  if (!there || mwi_off_goroutine())
    return by_thread(event) ? apart_timer(clock, event, timer) : timer_create(clock, event, timer);
  timer_t made;
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  int r = by_thread(&e) ? apart_timer(clock, &e, &made) : timer_create(clock, &e, &made);
  int saved = mwi_errno_get();
  if (r == 0) mwi_keep(MWI_KEPT_TIMER, (uintptr_t)made, e.sigev_value.sival_ptr);
  mwi_errno_set(saved);
  mwi_jumps_go(g);
  if (r == 0) *timer = made;
  return r;
}

MWI_EXPORT int mwi_rt_mq_notify(mqd_t queue, const struct sigevent *event) {
  if (!by_thread(event)) return mq_notify(queue, event);
  APART(mq_notify(queue, event));
}

MWI_EXPORT int mwi_rt_aio_read(struct aiocb *cb) {
  APART(aio_read(cb));
}

MWI_EXPORT int mwi_rt_aio_write(struct aiocb *cb) {
  APART(aio_write(cb));
}

MWI_EXPORT int mwi_rt_aio_fsync(int op, struct aiocb *cb) {
  APART(aio_fsync(op, cb));
}
