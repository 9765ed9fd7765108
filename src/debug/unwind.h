/* SPDX-License-Identifier: MIT */
/*
 * debug/unwind.h -- from a frame to its caller (internal)
 *
 * Job      Walk a stack: this thread's, a parked goroutine's, or one that a
 *          signal has interrupted at any instruction.
 * Promise  [U1] Every load is checked against the ranges that the walk was
 *          given, so a corrupt stack ends a walk and never faults.  [U2] Each
 *          step goes up: a walk ends.  [U3] No allocation, no lock: usable in
 *          any signal handler (profiles do).
 * How      Compiled and runtime code keep frame pointers: two loads a frame.
 *          Anything else, and an interrupted instruction, which may stand in
 *          a prologue, goes by .eh_frame (debug/cfi.c); without an entry
 *          there, by the frame pointer if that leads to code.
 * Next     debug/traceback.c prints what this finds.
 */
#ifndef MWI_DEBUG_UNWIND_H
#define MWI_DEBUG_UNWIND_H

#include "os/context.h"

#define MWI_UNWIND_RANGES 4 /* goroutine's stack, thread's, signal's, one to spare */

struct mwi_unwind {
  struct mwi_context ctx; /* the current frame */
  bool exact;             /* pc is where execution stands, not where a call returns */
  uint8_t nranges;
  uint8_t crossings; /* times that the walk left a signal's stack for another */
  struct {
    uintptr_t lo, hi;
    uintptr_t moved; /* add to an address of the range to find its word */
  } range[MWI_UNWIND_RANGES];
};

/* Prepare a walk whose first frame is *c; exact as above.  Then give it the
 * stacks that it may read. */
void mwi_unwind_init(struct mwi_unwind *u, const struct mwi_context *c, bool exact);
void mwi_unwind_allow(struct mwi_unwind *u, uintptr_t lo, uintptr_t hi);

/* The same for a stack whose words [lo, hi) are in memory elsewhere, from `at` on. */
void mwi_unwind_allow_moved(struct mwi_unwind *u, uintptr_t lo, uintptr_t hi, uintptr_t at);

/* To the caller's frame.  False: the walk is over, *u is as it was. */
bool mwi_unwind_step(struct mwi_unwind *u);

/*
 * The current frame's program counter as profiles want it: the address after
 * the call (an exact one plus 1), so that pc - 1 lies in the right line.
 */
MWI_INLINE uintptr_t mwi_unwind_pc(const struct mwi_unwind *u) {
  return u->ctx.reg[MWI_CTX_PC] + (u->exact ? 1 : 0);
}

/* Load a word of the stacks allowed. */
bool mwi_unwind_load(const struct mwi_unwind *u, uintptr_t addr, uintptr_t *out);

/* Whose code an address is. */
enum mwi_text { MWI_TEXT_NONE, MWI_TEXT_RUNTIME, MWI_TEXT_COMPILED, MWI_TEXT_EXTERNAL };
enum mwi_text mwi_text_of(uintptr_t pc);

/* debug/cfi.c: one step by .eh_frame.  MWI_CFI_NONE: no entry for this pc. */
enum mwi_cfi { MWI_CFI_NONE, MWI_CFI_STEPPED, MWI_CFI_END };
enum mwi_cfi mwi_cfi_step(struct mwi_unwind *u);

#endif
