/* SPDX-License-Identifier: MIT */
/*
 * plugin/place.c -- variables whose place is decided when linking
 *
 * Job      Makes of mwi_rt_place(layout, moves, var, raw), an allocation for the whole of the
 *          optimiser,
 *              if (*moves) p = mwi_rt_new(layout); else p = var;
 *          The byte is read where the variable's life begins; its value is the same in the
 *          whole run of the program (escape_given.c [EG2]).
 *          A byte that is read nowhere any more, because the optimiser has found that the variable
 *          stays, becomes 2: then there is nothing to report of it when linking.
 * When     Late, at every -O level, after the debugger's records are settled and before
 *          anything looks at where stores go: what is a phi of stack and heap gets a barrier.
 */
#include <string.h>
#include "escape.h"

static void lower(struct mwcc *c, LLVMValueRef call) {
  uint64_t raw = 0;
  LLVMValueRef layout = LLVMGetOperand(call, 0), moves = LLVMGetOperand(call, 1);
  LLVMValueRef var = LLVMGetOperand(call, 2);
  mwcc_const_u64(LLVMGetOperand(call, 3), &raw);
  LLVMMetadataRef loc = LLVMInstructionGetDebugLoc(call);
  LLVMPositionBuilderBefore(c->b, call);
  LLVMSetCurrentDebugLocation2(c->b, loc);
  LLVMValueRef byte = LLVMBuildLoad2(c->b, c->t_i8, moves, "");
  LLVMValueRef yes = LLVMBuildICmp(c->b, LLVMIntNE, byte, LLVMConstInt(c->t_i8, 0, false), "");
  LLVMBasicBlockRef heap, stack = mwcc_split_branch(yes, call, &heap);
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(heap));
  LLVMSetCurrentDebugLocation2(c->b, loc);
  LLVMValueRef made = mwcc_new_var(c, raw != 0, layout);
  LLVMPositionBuilderBefore(c->b, call);
  LLVMSetCurrentDebugLocation2(c->b, loc);
  LLVMValueRef phi = LLVMBuildPhi(c->b, c->t_ptr, "");
  LLVMValueRef values[2] = {made, var};
  LLVMBasicBlockRef blocks[2] = {heap, stack};
  LLVMAddIncoming(phi, values, blocks, 2);
  LLVMReplaceAllUsesWith(call, phi);
  LLVMInstructionEraseFromParent(call);
  LLVMSetCurrentDebugLocation2(c->b, NULL);
}

void mwcc_settle_places(struct mwcc *c) {
  for (LLVMValueRef g = LLVMGetFirstGlobal(c->mod); g; g = LLVMGetNextGlobal(g)) {
    size_t len;
    bool read = strncmp(LLVMGetValueName2(g, &len), MWCC_MOVES, strlen(MWCC_MOVES)) != 0;
    for (LLVMUseRef u = LLVMGetFirstUse(g); u && !read; u = LLVMGetNextUse(u))
      read = LLVMIsAInstruction(LLVMGetUser(u)) != NULL;
    if (!read) LLVMSetInitializer(g, LLVMConstInt(c->t_i8, 2, false));
  }
}

void mwcc_lower_places(struct mwcc *c, LLVMValueRef fn) {
  LLVMValueRef place = LLVMGetNamedFunction(c->mod, MWCC_PLACE);
  if (!place) return;
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_is_call(i) && mwcc_callee(i) == place) mwcc_vec_push(&calls, i);
  for (size_t i = 0; i < calls.len; i++) lower(c, calls.at[i]);
  mwcc_vec_fini(&calls);
}
