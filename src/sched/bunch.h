/* SPDX-License-Identifier: MIT */
/*
 * sched/bunch.h -- when the keeper wakes for timers that are due close together (internal)
 *
 * Job      To wake a thread that sleeps costs ten to twenty microseconds, what a timer then has
 *          to do less than one.  So where many timers are due one after another, the keeper wakes
 *          for a bunch of them.
 * Promise  [BU1] No timer is held for longer than MWI_BUNCH_NS.
 *          [BU2] Where fewer than MWI_BUNCH_FROM are due within MWI_BUNCH_NS none is held: who
 *          sleeps 100 us at a time is woken in time.
 *          [BU3] Where there are always more, the keeper waits MWI_BUNCH_NS from one wait to the
 *          next, but MWI_BUNCH_EXACT times after a lull.
 * How      Each wait is paid for with MWI_BUNCH_NS, and MWI_BUNCH_EXACT of them on credit.  Who
 *          has none left waits until he has, if company comes meanwhile.
 * Callers  the keeper, one thread at a time
 * Next     keeper.c; tests/sched/test_bunch.c
 */
#ifndef MWI_SCHED_BUNCH_H
#define MWI_SCHED_BUNCH_H

#include "base/base.h"

/* As coarse as Go's, which waits in whole milliseconds: always, if it has nothing else to do. */
#define MWI_BUNCH_NS 1000000
enum {
  MWI_BUNCH_FROM = 4,   /* less company is no crowd */
  MWI_BUNCH_EXACT = 10, /* ten wake-ups in ten milliseconds are nobody's concern */
};

struct mwi_bunch {
  int64_t paid_until; /* ns */
};

/* Another wait at `now`.  The time from which it may end for a timer in a crowd; one that is
 * due later is not held. */
MWI_INLINE int64_t mwi_bunch_wait(struct mwi_bunch *b, int64_t now) {
  const int64_t credit = MWI_BUNCH_EXACT * (int64_t)MWI_BUNCH_NS;
  int64_t paid = b->paid_until > now ? b->paid_until : now;
  if (paid > now + credit + MWI_BUNCH_NS) paid = now + credit + MWI_BUNCH_NS;
  b->paid_until = paid + MWI_BUNCH_NS; /* [BU3] */
  mwi_assert(paid - credit <= now + MWI_BUNCH_NS);
  return paid - credit;
}

/* Until when to wait for a timer due at `when` that is in a crowd. */
MWI_INLINE int64_t mwi_bunch_until(int64_t from, int64_t when) {
  int64_t until = from <= when ? when : from;
  if (until > when + MWI_BUNCH_NS) until = when + MWI_BUNCH_NS;
  mwi_assert(when <= until && until - when <= MWI_BUNCH_NS); /* [BU1] */
  return until;
}

#endif
