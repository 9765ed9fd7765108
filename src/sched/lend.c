/* SPDX-License-Identifier: MIT */
/*
 * sched/lend.c -- buffers of system calls that lie on stacks of other goroutines
 *
 * Job      The kernel does not unfold: on a folded page it says EFAULT, sometimes
 *          after it has taken the message or the child.  So before compiled code's
 *          system calls the stacks that their arguments point to are unfolded, and
 *          stay so until the call has ended.
 * Promise  [L4] From mwi_lend to mwi_lend_back no stack of another goroutine that
 *          an argument points to is folded: not those the arguments name
 *          themselves, nor what vectors, messages and their names and control
 *          data, and io_submit's requests, name.
 * How      g->lent counts the calls.  Lending adds to it, then waits for the holder
 *          of the scan bit; folding takes the bit, then looks at the count.  Both
 *          steps of both are sequentially consistent, so one of them sees the
 *          other.
 *          An argument that is a number may look like an address: then a stack
 *          is unfolded for nothing.
 *          A handler may jump out of a call: lending and giving back are sections (gc/jumps.h), and
 *          what is lent between them is in a list of the goroutine's, which jump.c asks for.
 * Callers  sched/libc.c; libc_lock.c and libc_block.c for locks and semaphores;
 *          libc_process.c for what a new process or program is given; for libc's
 *          functions that only pass their arguments on, compiled code itself (mwi_rt_lent1 to 5,
 *          plugin/lent.c).  On any stack.
 * Limits   Calls that code not compiled by mallow makes get EFAULT: fflush, too, of a stream whose
 *          buffer (setvbuf) is on a folded stack.  What structures point to
 *          is followed for the calls below only, not for ioctl and prctl.
 */
#include "sched/stack.h"

#include <limits.h>
#include <linux/aio_abi.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "heap/heap.h"
#include "os/fault.h"
#include "sched/lend.h"
#include "sched/proc.h"

/* Stacks beyond MWI_LENT: nothing at all is folded while such a call is under way. */
_Atomic uint32_t mwi_lent_many;

static void lend_stack(struct mwi_lent *l, struct mwi_g *g) {
  for (uint32_t i = 0; i < l->n; i++)
    if (l->g[i] == g) return;
  if (l->n < MWI_LENT) {
    l->g[l->n++] = g;
    atomic_fetch_add_explicit(&g->lent, 1, memory_order_seq_cst); /* pairs with hold in fold.c */
  } else if (!l->many) {
    l->many = true;
    atomic_fetch_add_explicit(&mwi_lent_many, 1, memory_order_seq_cst);
  }
  mwi_stack_bring_back(g);
}

static void lend(struct mwi_lent *l, const void *p) {
  uintptr_t addr = (uintptr_t)p;
  if (mwi_lend_is_near(mwi_getg(), addr)) return;
  struct mwi_g *g = mwi_stack_owner(addr);
  if (g && g != mwi_getg()) lend_stack(l, g);
}

/*
 * What is not there is the kernel's to say, which is about to see it: nothing of it is lent.
 */

static void lend_iovecs(struct mwi_lent *l, const struct iovec *v, size_t n) {
  if (n > IOV_MAX || !mwi_os_readable(v, n * sizeof *v)) return;
  for (size_t i = 0; i < n; i++) lend(l, v[i].iov_base);
}

static bool lend_msghdr(struct mwi_lent *l, const struct msghdr *m) {
  if (!mwi_os_readable(m, sizeof *m)) return false;
  lend(l, m->msg_name);
  lend(l, m->msg_control);
  lend(l, m->msg_iov);
  lend_iovecs(l, m->msg_iov, m->msg_iovlen);
  return true;
}

static void lend_strings(struct mwi_lent *l, char *const *v) {
  const char *s;
  lend(l, v); /* then it can be read: the look for its strings faults no more */
  for (size_t i = 0; v && mwi_os_copy(&s, &v[i], sizeof s) && s; i++) lend(l, s);
}

/* What the arguments point to is lent already: MWI_LEND_DEEPER's kinds. */
static void lend_vector(struct mwi_lent *l, const long *arg) {
  lend_iovecs(l, (const struct iovec *)arg[1], (size_t)arg[2]);
}
/* The other process may be this one. */
static void lend_vectors(struct mwi_lent *l, const long *arg) {
  lend_vector(l, arg);
  lend_vector(l, arg + 2);
}
/* io_submit's.  Direct I/O goes on after the call, and its buffers are not lent any more. */
static void lend_requests(struct mwi_lent *l, const long *arg) {
  struct iocb *const *list = (struct iocb *const *)arg[2];
  const struct iocb *at;
  struct iocb r;
  for (long i = 0; i < arg[1] && mwi_os_copy(&at, &list[i], sizeof at); i++) {
    lend(l, at);
    if (!mwi_os_copy(&r, at, sizeof r)) break;
    const void *p = (const void *)(uintptr_t)r.aio_buf;
    lend(l, p);
    if (r.aio_lio_opcode == IOCB_CMD_PREADV || r.aio_lio_opcode == IOCB_CMD_PWRITEV)
      lend_iovecs(l, p, (size_t)r.aio_nbytes);
  }
}
static void lend_message(struct mwi_lent *l, const long *arg) {
  lend_msghdr(l, (const struct msghdr *)arg[1]);
}
static void lend_messages(struct mwi_lent *l, const long *arg) {
  const struct mmsghdr *m = (const void *)arg[1];
  for (size_t i = 0; i < (size_t)arg[2] && i < IOV_MAX && lend_msghdr(l, &m[i].msg_hdr); i++) {
  }
}
static void lend_mask(struct mwi_lent *l, const long *arg) { /* its address and size */
  const void *mask;
  if (arg[5] && mwi_os_copy(&mask, (const void *)arg[5], sizeof mask)) lend(l, mask);
}
static void lend_program(struct mwi_lent *l, const long *arg) {
  lend_strings(l, (char *const *)arg[1]);
  lend_strings(l, (char *const *)arg[2]);
}
static void lend_program_at(struct mwi_lent *l, const long *arg) {
  lend_program(l, arg + 1);
}

void mwi_lend(struct mwi_lent *l, long number, const long *arg) {
  *l = (struct mwi_lent){0};
  mwi_rt_enter(); /* a stop waits: scan bits are waited for */
  for (int i = 0; i < 6; i++) lend(l, (const void *)arg[i]);
  switch (number) {
#define DEEPER(n, what)                                                                            \
  case n:                                                                                          \
    lend_##what(l, arg);                                                                           \
    break;
    MWI_LEND_DEEPER(DEEPER)
#undef DEEPER
  default:
    break;
  }
  mwi_rt_leave();
}

static void lend_list(struct mwi_lent *l, const long *arg, int n) {
  *l = (struct mwi_lent){0};
  mwi_rt_enter();
  for (int i = 0; i < n; i++) lend(l, (const void *)arg[i]);
  mwi_rt_leave();
}

void mwi_lend_objects(struct mwi_lent *l, const void *p, const void *q) {
  const long arg[] = {(long)p, (long)q};
  lend_list(l, arg, 2);
}

void mwi_lend_vectors(struct mwi_lent *l, const void *const *things, int n, char *const *v,
                      char *const *w) {
  *l = (struct mwi_lent){0};
  mwi_rt_enter();
  for (int i = 0; i < n; i++) lend(l, things[i]);
  lend_strings(l, v);
  lend_strings(l, w);
  mwi_rt_leave();
}

void mwi_lend_note(struct mwi_lent *l) {
  struct mwi_g *g = mwi_getg();
  if (!g) return;
  l->up = g->lends;
  l->holder = g;
  g->lends = l;
}

void mwi_lend_leave(struct mwi_g *g, uintptr_t sp) {
  if (MWI_LIKELY(!g->lends)) return;
  struct mwi_lent *l;
  mwi_jumps_wait(g); /* a handler's jump comes behind this */
  while ((l = g->lends) != NULL && mwi_jump_leaves(g, (uintptr_t)l, sp)) {
    if (l->holder == g) {
      if (l->cleanup && sp != UINTPTR_MAX) __pthread_unregister_cancel(l->cleanup);
      mwi_lend_back(l);
      *l =
          (struct mwi_lent){0}; /* of a cancelled thread: mwi_lend_cancelled may be still to come */
    } else {
      g->lends = NULL; /* external code has jumped, unseen, and others' frames are there now */
    }
  }
  mwi_jumps_go(g);
}

void mwi_lend_back(struct mwi_lent *l) {
  if (l->holder) l->holder->lends = l->up;
  for (uint32_t i = 0; i < l->n; i++)
    atomic_fetch_sub_explicit(&l->g[i]->lent, 1, memory_order_release); /* the kernel is done */
  if (l->many) atomic_fetch_sub_explicit(&mwi_lent_many, 1, memory_order_release);
  if (MWI_UNLIKELY(l->back != NULL)) l->back(l);
}

void mwi_lend_over(struct mwi_lent *l) {
  struct mwi_g *g = l->holder;
  mwi_jumps_wait(g);
  mwi_lend_back(l);
  mwi_jumps_go(g);
}

void mwi_lend_cancelled(void *lent) {
  mwi_lend_over(lent);
}

/* ---- For compiled code ----------------------------------------------------- */

/* f(a...), a function whose arguments the kernel follows: libc's, or one of the program's own that
 * has the name of one, and may do anything.  Its type is unknown: what is passed on is the words of
 * registers. */
typedef long kernel_fn(long, ...);

void mwi_lend_call(struct mwi_lent *l, const long *arg, int n) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  lend_list(l, arg, n);
  mwi_lend_note(l);
  mwi_jumps_go(g);
}

#define LENT(name, params, n, ...)                                                                 \
  MWI_EXPORT long mwi_rt_##name params;                                                            \
  MWI_EXPORT long mwi_rt_##name params {                                                           \
    const long arg[] = {__VA_ARGS__};                                                              \
    bool near = true;                                                                              \
    for (int i = 0; i < (n); i++) near &= mwi_lend_is_near(mwi_getg(), (uintptr_t)arg[i]);         \
    if (MWI_LIKELY(near)) return f(__VA_ARGS__);                                                   \
    struct mwi_lent lent;                                                                          \
    mwi_lend_call(&lent, arg, n);                                                                  \
    long r;                                                                                        \
    MWI_WHILE_LENT(&lent, r, f(__VA_ARGS__));                                                      \
    mwi_lend_over(&lent); /* which leaves errno alone */                                           \
    return r;                                                                                      \
  }

LENT(lent1, (kernel_fn * f, long a), 1, a)
LENT(lent2, (kernel_fn * f, long a, long b), 2, a, b)
LENT(lent3, (kernel_fn * f, long a, long b, long c), 3, a, b, c)
LENT(lent4, (kernel_fn * f, long a, long b, long c, long d), 4, a, b, c, d)
LENT(lent5, (kernel_fn * f, long a, long b, long c, long d, long e), 5, a, b, c, d, e)
/* fread and its like: only the first is memory of the program's. */
LENT(lent4_stream, (kernel_fn * f, long a, long b, long c, long d), 1, a, b, c, d)
