/* SPDX-License-Identifier: MIT */
/*
 * plugin/fastalloc.c -- small allocations without a call
 *
 * Job      At -O2 and above, a call of mwi_rt_new (_var, _raw) for a small type becomes
 *              c = gs:[MWI_TCB_MCACHE] + layout->cursor
 *              p = c->next
 *              if (p + size > c->limit) p = mwi_rt_new(layout);    cold
 *              else c->next = p + layout->slot;
 * Promise  [FP1] From the load of the mcache to the store of `next` nothing can
 *          stop the thread: the processor that the mcache belongs to
 *          could be taken away.  The store carries "mallow.guarded" with the
 *          offset of the mcache, and verify.c checks it like a barrier's.
 * How      A cursor's run is made of whole slots, so an object of `size` bytes
 *          fits where `next + size` is within the limit.  The cursor of a
 *          layout that the runtime has not resolved is the first one, whose
 *          limit is 0; then any size is too large.
 * Left out layouts that go to the tiny allocator, and large objects; functions
 *          optimised for size.
 */
#include "mallow-cc.h"
#include "../src/base/abi.h"

/* Beyond, clearing and using the object outweighs a call. */
enum { MAX_SIZE = 1024, TINY = 16 };

/* The layout's constants, from its initialiser. */
static bool wanted(LLVMValueRef layout) {
  uint64_t size, period;
  if (!LLVMIsAGlobalVariable(layout)) return false;
  LLVMValueRef init = LLVMGetInitializer(layout);
  if (!init || !mwcc_const_u64(LLVMGetAggregateElement(init, 0), &size) ||
      !mwcc_const_u64(LLVMGetAggregateElement(init, 2), &period))
    return false;
  return size > 0 && size <= MAX_SIZE && (period || size >= TINY);
}

static LLVMValueRef field(struct mwcc *c, LLVMTypeRef type, LLVMValueRef base, uint64_t offset) {
  LLVMValueRef at = LLVMConstInt(c->t_i64, offset, false);
  if (offset) base = LLVMBuildGEP2(c->b, c->t_i8, base, &at, 1, "");
  return LLVMBuildLoad2(c->b, type, base, "");
}

static void inline_allocation(struct mwcc *c, LLVMValueRef call) {
  LLVMValueRef layout = LLVMGetOperand(call, 0);
  LLVMValueRef size = LLVMGetAggregateElement(LLVMGetInitializer(layout), 0);
  LLVMMetadataRef loc = LLVMInstructionGetDebugLoc(call);
  LLVMBasicBlockRef head = LLVMGetInstructionParent(call);
  LLVMBasicBlockRef slow = mwcc_split_before(call, "new");
  LLVMBasicBlockRef join = mwcc_split_before(LLVMGetNextInstruction(call), "");
  LLVMBasicBlockRef fast = LLVMInsertBasicBlockInContext(c->ctx, slow, "");
  LLVMMoveBasicBlockAfter(slow, join);

  LLVMInstructionEraseFromParent(LLVMGetBasicBlockTerminator(head));
  LLVMPositionBuilderAtEnd(c->b, head);
  LLVMSetCurrentDebugLocation2(c->b, loc);
  LLVMTypeRef gs = LLVMPointerTypeInContext(c->ctx, 256);
  LLVMValueRef where = LLVMConstIntToPtr(LLVMConstInt(c->t_i64, MWI_TCB_MCACHE, false), gs);
  LLVMValueRef offset = field(c, c->t_i32, layout, MWI_LAYOUT_OFF_CURSOR);
  LLVMSetOrdering(offset, LLVMAtomicOrderingAcquire); /* the runtime writes slot first */
  LLVMSetAlignment(offset, 4);
  LLVMValueRef slot = field(c, c->t_i32, layout, MWI_LAYOUT_OFF_SLOT);
  offset = LLVMBuildZExt(c->b, offset, c->t_i64, "");
  slot = LLVMBuildZExt(c->b, slot, c->t_i64, "");
  LLVMValueRef mcache = LLVMBuildLoad2(c->b, c->t_ptr, where, "");
  LLVMSetVolatile(mcache, true);
  LLVMValueRef cursor = LLVMBuildGEP2(c->b, c->t_i8, mcache, &offset, 1, "");
  LLVMValueRef next = field(c, c->t_ptr, cursor, 0);
  LLVMValueRef limit = field(c, c->t_ptr, cursor, sizeof(uintptr_t));
  LLVMValueRef end = LLVMBuildGEP2(c->b, c->t_i8, next, &size, 1, "");
  LLVMValueRef full = LLVMBuildICmp(c->b, LLVMIntUGT, end, limit, "");
  LLVMValueRef br = LLVMBuildCondBr(c->b, full, slow, fast);
  mwcc_cold_branch(c, br);

  LLVMPositionBuilderAtEnd(c->b, fast);
  LLVMValueRef after = LLVMBuildGEP2(c->b, c->t_i8, next, &slot, 1, "");
  mwcc_set_guarded(c, LLVMBuildStore(c->b, after, cursor), MWI_TCB_MCACHE);
  LLVMBuildBr(c->b, join);

  LLVMPositionBuilderBefore(c->b, LLVMGetFirstInstruction(join));
  LLVMSetCurrentDebugLocation2(c->b, loc);
  LLVMValueRef phi = LLVMBuildPhi(c->b, c->t_ptr, "");
  LLVMReplaceAllUsesWith(call, phi);
  LLVMValueRef values[2] = {next, call};
  LLVMBasicBlockRef blocks[2] = {fast, slow};
  LLVMAddIncoming(phi, values, blocks, 2);
  LLVMSetCurrentDebugLocation2(c->b, NULL);
  if (LLVMGetTailCallKind(call) != LLVMTailCallKindNone)
    LLVMSetTailCallKind(call, LLVMTailCallKindNone);
}

void mwcc_fast_allocations(struct mwcc *c, LLVMValueRef fn) {
  const unsigned index = (unsigned)LLVMAttributeFunctionIndex;
  LLVMValueRef rt_new = LLVMGetNamedFunction(c->mod, "mwi_rt_new");
  LLVMValueRef rt_var = LLVMGetNamedFunction(c->mod, "mwi_rt_new_var");
  LLVMValueRef rt_raw = LLVMGetNamedFunction(c->mod, "mwi_rt_new_raw");
  if ((!rt_new && !rt_var && !rt_raw) || !mwcc_options()->fast_alloc ||
      mwcc_fn_has_attr(fn, index, "optsize") || mwcc_fn_has_attr(fn, index, "minsize") ||
      mwcc_fn_has_attr(fn, index, "optnone"))
    return;
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (LLVMIsACallInst(i) && LLVMIsAFunction(LLVMGetCalledValue(i)) &&
          (mwcc_callee(i) == rt_new || mwcc_callee(i) == rt_var || mwcc_callee(i) == rt_raw) &&
          wanted(LLVMGetOperand(i, 0)))
        mwcc_vec_push(&calls, i);
  for (size_t i = 0; i < calls.len; i++) inline_allocation(c, calls.at[i]);
  mwcc_vec_fini(&calls);
}
