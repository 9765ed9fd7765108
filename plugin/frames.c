/* SPDX-License-Identifier: MIT */
/*
 * plugin/frames.c -- who calls the runtime has a frame
 *
 * Job      A call that is a function's last statement becomes a jump, and the function's frame is
 *          gone before the callee begins.  Where the callee is the runtime's, that frame is what
 *          traces and profiles are to name: it allocates, waits, holds the lock.  So these calls
 *          stay calls.
 * How      `notail`, after the optimiser, which marks calls that may be jumps.  Calls that have to
 *          be jumps (musttail) are the plugin's own, in functions that nobody looks for.
 * Cost     a jump becomes a call and a return, beside what the runtime does there.
 */
#include <string.h>
#include "mallow-cc.h"

static bool is_runtime(LLVMValueRef f) {
  const char *name = f ? LLVMGetValueName(f) : "";
  return f && LLVMIsAFunction(f) && LLVMIsDeclaration(f) &&
         (strncmp(name, "mw_", 3) == 0 || strncmp(name, "mwi_", 4) == 0);
}

void mwcc_keep_frames(LLVMValueRef fn) {
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (LLVMIsACallInst(i) && is_runtime(LLVMGetCalledValue(i)) &&
          LLVMGetTailCallKind(i) == LLVMTailCallKindTail)
        LLVMSetTailCallKind(i, LLVMTailCallKindNoTail);
}
