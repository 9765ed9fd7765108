/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_stack.c -- allocations move to the stack
 *
 * Job      Replaces an allocation that does not outlive its frame (or its turn
 *          of the loop) by an alloca that is zeroed where the allocation was,
 *          unless it is a variable's that was not zeroed either.
 *          A variable whose place would be decided when linking has its memory there already.
 *          mw_make of a size that is known only at run time gets a buffer of
 *          MWCC_SMALL_BUFFER bytes that is used when the size fits.
 * Limits   MWCC_MAX_ALLOC for one, and for a frame as a whole: mallow's stacks
 *          do not move, so a recursive function gets only a little.
 */
#include "escape.h"

enum { NEW, RAW, MAKE, FLEX, PLACE, OTHER };

static int kind_of(LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  if (!f) return OTHER;
  if (mwcc_name_is(f, "mwi_rt_new") || mwcc_name_is(f, "mwi_rt_new_var")) return NEW;
  if (mwcc_name_is(f, "mwi_rt_new_raw")) return RAW;
  if (mwcc_name_is(f, MWCC_PLACE)) return PLACE;
  if (mwcc_name_is(f, "mwi_rt_make")) return MAKE;
  if (mwcc_name_is(f, "mwi_rt_new_flex")) return FLEX;
  return OTHER;
}

/* Field i of the layout descriptor that is passed as this argument. */
static bool layout_field(LLVMValueRef call, unsigned arg, unsigned i, uint64_t *out) {
  LLVMValueRef g = LLVMGetOperand(call, arg);
  if (!LLVMIsAGlobalVariable(g) || !LLVMGetInitializer(g)) return false;
  LLVMValueRef init = LLVMGetInitializer(g);
  return LLVMIsAConstantStruct(init) && mwcc_const_u64(LLVMGetOperand(init, i), out);
}

bool mwcc_is_alloc(LLVMValueRef call) {
  uint64_t size;
  return mwcc_is_call(call) && kind_of(call) != OTHER && layout_field(call, 0, 0, &size);
}

bool mwcc_alloc_size(LLVMValueRef call, uint64_t *size, uint64_t *align) {
  uint64_t elem = 0, offset = 0, n = 0;
  if (!layout_field(call, 0, 0, size) || !layout_field(call, 0, 1, align)) return false;
  switch (kind_of(call)) {
  case NEW:
  case RAW:
  case PLACE:
    return true;
  case MAKE:
    return mwcc_const_u64(LLVMGetOperand(call, 1), &n) && !__builtin_mul_overflow(*size, n, size);
  case FLEX: {
    uint64_t end;
    if (!layout_field(call, 1, 0, &elem) || !mwcc_const_u64(LLVMGetOperand(call, 2), &offset) ||
        !mwcc_const_u64(LLVMGetOperand(call, 3), &n) || __builtin_mul_overflow(elem, n, &end) ||
        __builtin_add_overflow(end, offset, &end))
      return false;
    if (end > *size) *size = end;
    return true;
  }
  default:
    return false;
  }
}

static LLVMValueRef frame_object(struct mwcc *c, LLVMValueRef fn, uint64_t size, uint64_t align) {
  LLVMPositionBuilderBeforeInstrAndDbgRecords(
      c->b,
      LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn))); /* declarations stay where they are */
  LLVMValueRef a = LLVMBuildAlloca(c->b, LLVMArrayType2(c->t_i8, size), "");
  if (size >= 16 && align < 16) align = 16;
  LLVMSetAlignment(a, (unsigned)(align < 8 ? 8 : align));
  return a;
}

static void zero(struct mwcc *c, LLVMValueRef object, uint64_t size, LLVMValueRef before) {
  LLVMPositionBuilderBefore(c->b, before);
  LLVMValueRef set = LLVMBuildMemSet(c->b, object, LLVMConstInt(c->t_i8, 0, false),
                                     LLVMConstInt(c->t_i64, size, false), LLVMGetAlignment(object));
  LLVMInstructionSetDebugLoc(set, LLVMInstructionGetDebugLoc(before));
}

/* n elements of a size: in a small buffer when they fit. */
static bool small_buffer(struct mwcc *c, LLVMValueRef call, uint64_t *budget) {
  uint64_t elem, align, n;
  if (kind_of(call) != MAKE || mwcc_const_u64(LLVMGetOperand(call, 1), &n) ||
      !layout_field(call, 0, 0, &elem) || !layout_field(call, 0, 1, &align) || elem == 0 ||
      elem > MWCC_SMALL_BUFFER || align > 16 || *budget < MWCC_SMALL_BUFFER ||
      LLVMGetInstructionOpcode(call) != LLVMCall)
    return false;
  *budget -= MWCC_SMALL_BUFFER;
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
  LLVMValueRef buffer = frame_object(c, fn, MWCC_SMALL_BUFFER, align);
  LLVMPositionBuilderBefore(c->b, call);
  LLVMValueRef fits = LLVMBuildICmp(c->b, LLVMIntULE, LLVMGetOperand(call, 1),
                                    LLVMConstInt(c->t_i64, MWCC_SMALL_BUFFER / elem, false), "");
  LLVMBasicBlockRef yes, no = mwcc_split_branch(fits, call, &yes);
  zero(c, buffer, MWCC_SMALL_BUFFER, LLVMGetBasicBlockTerminator(yes));
  LLVMPositionBuilderBefore(c->b, call);
  LLVMValueRef phi = LLVMBuildPhi(c->b, c->t_ptr, "");
  LLVMReplaceAllUsesWith(call, phi);
  LLVMInstructionRemoveFromParent(call);
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(no));
  LLVMInsertIntoBuilder(c->b, call);
  /* seen once: later runs leave the rest on the heap */
  LLVMSetMetadata(call, mwcc_md_done(c),
                  LLVMMetadataAsValue(c->ctx, LLVMMDNodeInContext2(c->ctx, NULL, 0)));
  LLVMValueRef values[2] = {buffer, call};
  LLVMBasicBlockRef blocks[2] = {yes, no};
  LLVMAddIncoming(phi, values, blocks, 2);
  return true;
}

bool mwcc_to_stack(struct mwcc *c, LLVMValueRef call, uint64_t *budget) {
  uint64_t size, align;
  if (LLVMGetMetadata(call, mwcc_md_done(c)) || LLVMGetInstructionOpcode(call) != LLVMCall)
    return false;
  if (kind_of(call) == PLACE) { /* it has its memory already */
    LLVMValueRef var = LLVMGetOperand(call, 2);
    mwcc_declare_debug(call, var);
    LLVMReplaceAllUsesWith(call, var);
    LLVMInstructionEraseFromParent(call);
    return true;
  }
  if (!mwcc_alloc_size(call, &size, &align)) return small_buffer(c, call, budget);
  if (size == 0) size = 1;
  if (size > MWCC_MAX_ALLOC || size > *budget || align > 4096) return false;
  *budget -= size;
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
  LLVMValueRef object = frame_object(c, fn, size, align);
  if (kind_of(call) != RAW) zero(c, object, size, call);
  mwcc_declare_debug(call, object);
  LLVMReplaceAllUsesWith(call, object);
  LLVMInstructionEraseFromParent(call);
  return true;
}
