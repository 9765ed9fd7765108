/* SPDX-License-Identifier: MIT */
/*
 * sched/timer.h -- timers: one thing to do at one time (internal)
 *
 * Job      The heaps of pending timers, one for each processor, and what the
 *          runtime's other parts need to use them.
 * Promise  [TM1] A heap's entry is a hint: "look at timer t at time x".  Whoever
 *          takes it out reads what t wants now.  So putting a timer off and
 *          cancelling it change one word, not the heap.
 *          [TM2] While t wants something, some heap has an entry for it that is
 *          not later than t->want; t->heap and t->hint name it.  Other
 *          entries for t may be there; they are dropped when their time comes.
 *          [TM3] `fire` is called on the system stack, without locks, and may be
 *          called early or twice: it decides, under its own lock or by one
 *          atomic exchange, whether there is something to do.
 * Next     timer.c (heaps), timer_chan.c (what programs see)
 */
#ifndef MWI_SCHED_TIMER_H
#define MWI_SCHED_TIMER_H

#include "sched/sched.h"

struct mwi_timers;
struct mwi_timer;

/* What a timer does: look at t->want, claim it, act.  `now`: the time. */
typedef void mwi_timer_fn(struct mwi_timer *t, int64_t now);

struct mwi_timer {
  /* constant while the timer is in a heap */
  mwi_timer_fn *fire;
  bool collected; /* lies in the collected heap: its entries are roots */

  /* atomic: ns, 0 wants nothing.  Written by the owner (a channel timer: under
   * its channel's lock), cleared by fire.  After a change arm always takes the
   * lock of the heap that has the entry, or makes one: so who drops an entry
   * under that lock, because it reads 0 here, loses no wish. */
  _Atomic int64_t want;

  /* atomic: the heap with the entry of [TM2].  Leaves NULL by compare-and-swap
   * with that heap's lock held; changes otherwise under that heap's lock. */
  struct mwi_timers *_Atomic heap;
  /* under heap's lock */
  int64_t hint; /* deadline of that entry; 0 with heap NULL */
};

/* t->want = when (> 0), and see to it that t is looked at by then.  One caller
 * at a time for one timer. */
void mwi_timer_arm(struct mwi_timer *t, int64_t when);
/* t->want = 0; its entry stays as a hint until it is due or cleaned away. */
void mwi_timer_disarm(struct mwi_timer *t);
/* now + ns, at most MWI_TIMER_FAR: whoever waits for ever waits for a timer, and is no deadlock. */
#define MWI_TIMER_FAR (INT64_MAX / 2) /* 146 years after the start of the machine */
int64_t mwi_timer_deadline(int64_t ns);

/* Tests: entries in a heap, stale ones included. */
size_t mwi_timers_count(struct mwi_timers *t);
/* Check builds: heap order, [TM2]. */
void mwi_timers_check(struct mwi_timers *t);

#endif
