/* SPDX-License-Identifier: MIT */
/*
 * sched/aside.h -- how often a thread that has run dry steps aside (internal)
 *
 * Job      Beside others on its CPU a thread that has run dry steps aside for a moment,
 *          instead of looking for work far away: if they are what feeds it (a peer on this
 *          machine, the kernel's network threads), there is more when it comes back, and at
 *          home.  What came of it decides how often it is left out from then on.
 * Promise  [AS1] Fed, never left out, however long it took: clients of many connections use
 *          all of their slice, and leave hundreds of edges.
 *          [AS2] Where nobody wants the CPU: up to 31 times, since it costs a system call.
 *          [AS3] Where others compute, who take a slice each time and feed nobody: up to
 *          1,023 times.
 * Callers  the owner of a processor (poll_ready in find.c)
 * Next     find.c; tests/sched/core/test_homes.c
 */
#ifndef MWI_SCHED_ASIDE_H
#define MWI_SCHED_ASIDE_H

#include "base/base.h"

#define MWI_ASIDE_AWAY_NS 5000 /* somebody else ran */
/* With little to show for it: others compute, and take a slice each time. */
#define MWI_ASIDE_LONG_NS 1000000
enum {
  MWI_ASIDE_FED = 16, /* edges that make up for a slice */
  MWI_ASIDE_MOST = 31,
  MWI_ASIDE_MOST_BESIDE = 1023
};

/* Of a processor; its owner's. */
struct mwi_aside {
  uint32_t skip, backoff; /* times to leave out, and how many the next useless one makes it */
};

/* Now, or is it left out? */
MWI_INLINE bool mwi_aside_now(struct mwi_aside *a) {
  if (!a->skip) return true;
  a->skip--;
  return false;
}

/* It took ns, and then there were so many whom edges had made ready. */
MWI_INLINE void mwi_aside_judge(struct mwi_aside *a, int64_t ns, uint32_t found) {
  if (found >= MWI_ASIDE_FED || (found && ns <= MWI_ASIDE_LONG_NS)) {
    a->backoff = 0; /* [AS1] */
  } else if (ns > MWI_ASIDE_LONG_NS) {
    a->backoff = a->backoff < MWI_ASIDE_MOST_BESIDE ? 2 * a->backoff + 31 : MWI_ASIDE_MOST_BESIDE;
    if (a->backoff > MWI_ASIDE_MOST_BESIDE) a->backoff = MWI_ASIDE_MOST_BESIDE; /* [AS3] */
  } else {
    a->backoff = ns > MWI_ASIDE_AWAY_NS ? 0 : 2 * a->backoff + 1;
    if (a->backoff > MWI_ASIDE_MOST) a->backoff = MWI_ASIDE_MOST; /* [AS2] */
  }
  a->skip = a->backoff;
}

#endif
