/* SPDX-License-Identifier: MIT */
/* sched/lend.h -- see lend.c (internal) */
#ifndef MWI_SCHED_LEND_H
#define MWI_SCHED_LEND_H

#include <pthread.h>
#include <sys/syscall.h>

#include "heap/heap.h"
#include "sched/sched.h"

#define MWI_LENT 8
struct mwi_lent {
  uint32_t n;
  bool many;
  struct mwi_g *g[MWI_LENT];
  struct mwi_g *holder; /* in whose list it is; NULL: in none */
  struct mwi_lent *up;
  void *cleanup;                   /* what is registered with libc for it, or NULL */
  void (*back)(struct mwi_lent *); /* more that is to be undone, or NULL */
};

/* No stack is below: lowered before the first one there is handed out. */
extern _Atomic uintptr_t mwi_stacks_from;

void mwi_lend(struct mwi_lent *l, long number, const long *arg);
void mwi_lend_objects(struct mwi_lent *l, const void *p, const void *q);
/* The same for n arguments of a call that external code makes, with a note (below), as a section of
 * its own; mwi_lend_over ends it. */
void mwi_lend_call(struct mwi_lent *l, const long *arg, int n);
/* The n things and the strings of two vectors, which end with NULL or are NULL. */
void mwi_lend_vectors(struct mwi_lent *l, const void *const *things, int n, char *const *v,
                      char *const *w);
void mwi_lend_back(struct mwi_lent *l);
/* What the caller has lent goes back, too, when the call is left by a jump: in a section
 * (gc/jumps.h), behind mwi_lend and before it ends. */
void mwi_lend_note(struct mwi_lent *l);
/* mwi_lend_back for what was noted, as a section of its own. */
void mwi_lend_over(struct mwi_lent *l);
/* For pthread_cleanup_push: a thread of the program's is cancelled, and what it has lent would keep
 * stacks from folding for ever. */
void mwi_lend_cancelled(void *lent);
/* r = x, between mwi_lend and mwi_lend_back, where x may be a cancellation point. */
#define MWI_WHILE_LENT(lent, r, x)                                                                 \
  do {                                                                                             \
    if (MWI_LIKELY(!(lent)->n && !(lent)->many)) {                                                 \
      r = (x);                                                                                     \
    } else {                                                                                       \
      pthread_cleanup_push(mwi_lend_cancelled, (lent));                                            \
      (lent)->cleanup = &__cancel_buf;                                                             \
      r = (x);                                                                                     \
      (lent)->cleanup = NULL;                                                                      \
      pthread_cleanup_pop(0);                                                                      \
    }                                                                                              \
  } while (0)
/* The goroutine, which runs, leaves the frames up to sp; UINTPTR_MAX: all. */
void mwi_lend_leave(struct mwi_g *g, uintptr_t sp);

/* No address of another goroutine's stack: a small number, the program's variables and malloc's
 * memory (mostly below all stacks), the stack of the caller (g), the heap. */
MWI_INLINE bool mwi_lend_is_near(const struct mwi_g *g, uintptr_t addr) {
  return addr + 65536 < 131072 || addr < mwi_load_relaxed(&mwi_stacks_from) ||
         (g && !g->foreign && addr - g->stack.lo < g->stack.hi - g->stack.lo) ||
         addr - mwi_heap.base < mwi_load_relaxed(&mwi_heap.used);
}

/* Calls whose arguments point to what has pointers in it.  X(number, what it is): lend.c has a
 * function for each kind. */
#define MWI_LEND_DEEPER(X)                                                                         \
  X(SYS_readv, vector)                                                                             \
  X(SYS_writev, vector)                                                                            \
  X(SYS_preadv, vector)                                                                            \
  X(SYS_pwritev, vector)                                                                           \
  X(SYS_preadv2, vector)                                                                           \
  X(SYS_pwritev2, vector)                                                                          \
  X(SYS_vmsplice, vector)                                                                          \
  X(SYS_process_vm_readv, vectors)                                                                 \
  X(SYS_process_vm_writev, vectors)                                                                \
  X(SYS_io_submit, requests)                                                                       \
  X(SYS_recvmsg, message)                                                                          \
  X(SYS_sendmsg, message)                                                                          \
  X(SYS_recvmmsg, messages)                                                                        \
  X(SYS_sendmmsg, messages)                                                                        \
  X(SYS_pselect6, mask)                                                                            \
  X(SYS_execve, program)                                                                           \
  X(SYS_execveat, program_at)

/* Is there anything to look at?  Most calls: no. */
MWI_INLINE bool mwi_lend_wanted(long number, long a, long b, long c, long d, long e, long f) {
  switch (number) {
#define DEEPER(n, what) case n:
    MWI_LEND_DEEPER(DEEPER)
#undef DEEPER
    return true;
  default:
    break;
  }
  const struct mwi_g *g = mwi_getg();
#define NEAR(x) mwi_lend_is_near(g, (uintptr_t)(x))
  return !(NEAR(a) && NEAR(b) && NEAR(c) && NEAR(d) && NEAR(e) && NEAR(f));
#undef NEAR
}

#endif
