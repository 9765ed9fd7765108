/* SPDX-License-Identifier: MIT */
/*
 * gc/jumps.h -- what a jump out of a signal handler does not tear (internal)
 *
 * Job      A handler may leave by siglongjmp, and to plain C it has interrupted
 *          computing.  But compiled code that computes calls the runtime: to get a
 *          moved variable, in the slow half of a write barrier, at a poll.  What those do is a
 *          section between mwi_jumps_wait and mwi_jumps_go, and a jump out of a handler that
 *          interrupted one is made at its end (sched/jump.c).
 * Promise  [JP1] A section that has begun comes to its end, whatever handlers do.
 *          [JP2] The program does not notice: the jump is made before the first
 *          instruction of the program's behind the section.  Of several jumps out of one
 *          section the last is made, as it would be had they come behind the first's target.
 *          [JP3] Inside, nothing of the program's runs, and no memory is first touched that may
 *          fault by the program's fault: its handler could neither jump nor go on.
 * How      A count in the goroutine, which may be parked meanwhile and go on on
 *          another thread.  Sections nest.  A handler notes the count that it found; what it
 *          interrupted was a section if that is more than what the handler below it found.
 *          Without a goroutine (a thread that has not been attached) there is no count.
 * Cost     Six instructions; never in compiled code's own fast paths.
 * Threads  the goroutine's, and handlers' on its thread, which leave the count as it was.
 */
#ifndef MWI_GC_JUMPS_H
#define MWI_GC_JUMPS_H

#include "base/tcb.h"

/* Where struct mwi_g has the count, a byte (sched/sched.h, which checks it). */
#define MWI_G_IN_CALL 63

/* Jumps that wait for the end of a section, or of a call. */
extern _Atomic uint32_t mwi_jumps_pending;
/* The count has gone down, and jumps wait; perhaps one of g's for this. */
extern void (*mwi_jumps_look)(struct mwi_g *g);

/* g: the running goroutine, or NULL. */
MWI_INLINE void mwi_jumps_wait(struct mwi_g *g) {
  if (MWI_LIKELY(g != NULL))
    __asm__ volatile("incb %c1(%0)" : : "r"(g), "i"(MWI_G_IN_CALL) : "memory", "cc");
}
MWI_INLINE void mwi_jumps_go(struct mwi_g *g) {
  if (MWI_UNLIKELY(g == NULL)) return;
  __asm__ volatile("decb %c1(%0)" : : "r"(g), "i"(MWI_G_IN_CALL) : "memory", "cc");
  /* from here a handler jumps by itself */
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_jumps_pending))) mwi_jumps_look(g);
}

#endif
