/* SPDX-License-Identifier: MIT */
/*
 * sched/switch.h -- context switch (internal; switch_amd64.S)
 *
 * A goroutine that does not run has its callee-saved registers on its own
 * stack, where the collector's conservative scan finds them:
 *
 *     sp -> [ r15 | r14 | r13 | r12 | rbx | rbp | return address | caller's frame ...
 *
 * Caller-saved registers are dead across the call by the ABI.  The rounding
 * and exception modes of x87 and SSE stay with the thread.
 */
#ifndef MWI_SCHED_SWITCH_H
#define MWI_SCHED_SWITCH_H

#include "base/base.h"

#define MWI_SWITCH_RBP 40 /* offsets from a saved sp */
#define MWI_SWITCH_FRAME 56

/* Save the current context's sp in *save and continue at `sp`. */
void mwi_switch(uintptr_t *save, uintptr_t sp);

/* Call fn(arg, sp) with the callee-saved registers spilled just above sp. */
void mwi_spill_call(void (*fn)(void *arg, uintptr_t sp), void *arg);

#define MWI_SPILL_FP 48 /* offset from that sp: mwi_spill_call's frame */

/* First sp for a new stack whose top is hi: mwi_switch to it calls
 * mwi_goroutine_main() with a null frame pointer and return address. */
uintptr_t mwi_switch_prepare(uintptr_t hi);
void mwi_goroutine_main(void);

/* Callee-saved registers and stack pointer of the caller: rbx rbp r12-r15 rsp. */
#define MWI_NREGS 7
#define MWI_REG_FP 1
#define MWI_REG_SP 6

#endif
