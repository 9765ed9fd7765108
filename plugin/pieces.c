/* SPDX-License-Identifier: MIT */
/*
 * plugin/pieces.c -- pointers overwritten and copied in pieces (-fgc-malloc)
 *
 * Job      Code that was written without a collector in mind wipes objects, and copies
 *          them, a byte or a word at a time.  Finds, in the optimised code, the stores of
 *          numbers that may do so, and the memset and memcpy that the optimiser has made of such
 *          loops; expand.c gives them their barriers.
 * Promise  [PC1] With -fgc-malloc every store that C allows to change a pointer in
 *          memory has a barrier, or is to private memory (base.c).  Which those are, C's
 *          rule of aliasing says:
 *          - a store by an lvalue of character type that is no member of a struct;
 *          - one whose type clang does not tell: bit-fields, what was a memcpy of a few bytes, what
 *            the optimiser has merged, and everything in a module without alias information;
 *          - and one of a `long` that is no member, which C does not allow, but is how such copies
 *            are made fast.
 * How      Late, for a marker would be a call in each loop over text: such loops are to
 *          be vectorised and recognised as before.  What the optimiser has made of
 *          stores by then is what the processor does.
 * Left out stores by lvalues of other types (`int`, members) over pointers, with alias information:
 *          undefined in C; atomic operations on less than a word, masked vector stores, inline
 *          assembly.
 * Next     mwi_rt_wb_piece in src/gc/barrier.c.
 */
#include "mallow-cc.h"

static bool is_number(LLVMTypeRef t) {
  if (LLVMGetTypeKind(t) == LLVMVectorTypeKind) t = LLVMGetElementType(t);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  return k == LLVMIntegerTypeKind || k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind;
}

/* Memory that the collector does not look through (globals.c). */
static bool unseen_global(struct mwcc *c, LLVMValueRef p) {
  LLVMValueRef g = mwcc_base(p);
  if (!LLVMIsAGlobalVariable(g) || !LLVMGetInitializer(g)) return false;
  return !mwcc_type_has_ptr(LLVMGlobalGetValueType(g)) && !mwcc_may_be_a_struct(c, g);
}

bool mwcc_is_piece(struct mwcc *c, LLVMValueRef i) {
  if (!mwcc_options()->gc_malloc || !mwcc_options()->barriers || !LLVMIsAStoreInst(i)) return false;
  if (LLVMGetOrdering(i) != LLVMAtomicOrderingNotAtomic || LLVMGetMetadata(i, c->md_guarded))
    return false;
  LLVMValueRef p = LLVMGetOperand(i, 1), tag = LLVMGetMetadata(i, c->md_tbaa);
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(p)) != 0 ||
      !is_number(LLVMTypeOf(LLVMGetOperand(i, 0))))
    return false;
  if (tag && !mwcc_tag_is_any(tag)) return false;
  return !unseen_global(c, p) && !mwcc_no_barrier_memory(c, p);
}

void mwcc_mark_pieces(struct mwcc *c, LLVMValueRef fn) {
  if (!mwcc_options()->gc_malloc || !mwcc_options()->barriers) return;
  mwcc_map_clear(&c->captured);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef next;
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = next) {
      next = LLVMGetNextInstruction(i);
      if (LLVMIsAIntrinsicInst(i)) mwcc_mark_made_copy(c, i);
    }
  }
}
