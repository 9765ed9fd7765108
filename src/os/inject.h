/* SPDX-License-Identifier: MIT */
/*
 * os/inject.h -- make the n-th call of a kind fail (internal)
 *
 * MALLOW_FAIL=mmap:N,madvise:N,guard:N,thread:N makes the N-th call of that kind, and
 * all later ones, fail as if the kernel had refused.  For tests of the paths
 * that run when memory or threads are short.
 */
#ifndef MWI_OS_INJECT_H
#define MWI_OS_INJECT_H

#include "base/base.h"

enum mwi_inject_kind {
  MWI_INJECT_MMAP,
  MWI_INJECT_MADVISE,
  MWI_INJECT_GUARD,
  MWI_INJECT_THREAD,
  MWI_NINJECT
};

struct mwi_inject_state {
  uint64_t from;          /* constant after init: first call that fails; 0 never */
  _Atomic uint64_t calls; /* relaxed */
};
extern struct mwi_inject_state mwi_inject_states[MWI_NINJECT];

MWI_INLINE bool mwi_inject(enum mwi_inject_kind k) {
  struct mwi_inject_state *s = &mwi_inject_states[k];
  return MWI_UNLIKELY(s->from != 0) && mwi_add_relaxed(&s->calls, 1) + 1 >= s->from;
}

/* Read MALLOW_FAIL; malformed items get a line on stderr and are ignored. */
void mwi_inject_init(void);

#endif
