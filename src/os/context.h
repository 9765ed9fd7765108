/* SPDX-License-Identifier: MIT */
/*
 * os/context.h -- a thread's registers, and calling on another stack (internal)
 *
 * Job      What unwinding needs of a CPU: registers by their DWARF numbers,
 *          taken from the caller, from a signal, or from a frame.
 * Threads  no state.  All of it may be used in a signal handler.
 */
#ifndef MWI_OS_CONTEXT_H
#define MWI_OS_CONTEXT_H

#include "base/base.h"

/* x86-64 psABI, figure 3.36: rax rdx rcx rbx rsi rdi rbp rsp r8-r15, return address. */
enum {
  MWI_CTX_BX = 3,
  MWI_CTX_BP = 6,
  MWI_CTX_SP = 7,
  MWI_CTX_R12 = 12,
  MWI_CTX_PC = 16,
  MWI_CTX_NREGS = 17
};

struct mwi_context {
  uintptr_t reg[MWI_CTX_NREGS];
  uint32_t known; /* bit i: reg[i] is the value in this frame */
};

/* The caller's registers at the return from this call: what a callee must
 * preserve is known, the rest is not. */
void mwi_context_here(struct mwi_context *c);

/* All registers of interrupted code; uc is a signal handler's third argument. */
void mwi_context_from_signal(struct mwi_context *c, const void *uc);

/* fn(arg) with the stack pointer at `top` (16-aligned); returns when fn does.
 * Frame pointers lead back to the caller's stack. */
void mwi_call_on_stack(void (*fn)(void *), void *arg, void *top);

#endif
