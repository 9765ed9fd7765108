/* SPDX-License-Identifier: MIT */
/*
 * plugin/atomic.c -- atomic operations on words become markers, and back
 *
 * Job      An atomic store, exchange or compare-exchange of 8 or 16 bytes may
 *          move a pointer; clang often hands it over as an integer, so the
 *          width decides, not the type.  Arithmetic (fetch_add) cannot make a
 *          pointer that the collector would need and stays as it is.
 * How      Everything that the instruction says besides its operands goes
 *          into one constant, `order`, from which the operation is rebuilt:
 *              bits 0-3 ordering, 4-7 failure ordering, 8 volatile, 9 weak,
 *              10 single-thread scope
 */
#include "mallow-cc.h"

enum { ORDER_VOLATILE = 1 << 8, ORDER_WEAK = 1 << 9, ORDER_SINGLE = 1 << 10 };

/* The marker of a family (ptr, i64, i128) for a value's type, or none. */
static enum mwcc_marker pick(struct mwcc *c, LLVMTypeRef t, enum mwcc_marker p,
                             enum mwcc_marker i64, enum mwcc_marker i128) {
  if (LLVMGetTypeKind(t) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(t) == 0) return p;
  if (t == c->t_i64) return i64;
  if (t == c->t_i128) return i128;
  return MWCC_NOT_A_MARKER;
}

bool mwcc_mark_atomic(struct mwcc *c, LLVMValueRef i) {
  enum mwcc_marker kind;
  LLVMValueRef args[4];
  unsigned n, order;
  LLVMOpcode op = LLVMGetInstructionOpcode(i);
  LLVMValueRef p = LLVMGetOperand(i, op == LLVMStore ? 1 : 0);
  if (op == LLVMAtomicCmpXchg) {
    args[1] = LLVMGetOperand(i, 1);
    args[2] = LLVMGetOperand(i, 2);
    n = 4;
    order = (unsigned)LLVMGetCmpXchgSuccessOrdering(i) | (unsigned)LLVMGetCmpXchgFailureOrdering(i)
                                                             << 4;
    if (LLVMGetWeak(i)) order |= ORDER_WEAK;
    kind = pick(c, LLVMTypeOf(args[1]), MWCC_CMPXCHG, MWCC_CMPXCHG_I64, MWCC_CMPXCHG_I128);
  } else if (op == LLVMAtomicRMW) {
    if (LLVMGetAtomicRMWBinOp(i) != LLVMAtomicRMWBinOpXchg) return false;
    args[1] = LLVMGetOperand(i, 1);
    n = 3;
    order = (unsigned)LLVMGetOrdering(i);
    kind = pick(c, LLVMTypeOf(args[1]), MWCC_XCHG, MWCC_XCHG_I64, MWCC_XCHG_I128);
  } else {
    args[1] = LLVMGetOperand(i, 0);
    n = 3;
    order = (unsigned)LLVMGetOrdering(i);
    kind = pick(c, LLVMTypeOf(args[1]), MWCC_ASTORE, MWCC_ASTORE_I64, MWCC_ASTORE_I128);
  }
  if (kind == MWCC_NOT_A_MARKER || LLVMGetPointerAddressSpace(LLVMTypeOf(p)) != 0 ||
      mwcc_no_barrier_memory(c, p))
    return false;
  if (LLVMGetVolatile(i)) order |= ORDER_VOLATILE;
  if (LLVMIsAtomicSingleThread(i)) order |= ORDER_SINGLE;
  args[0] = p;
  args[n - 1] = LLVMConstInt(c->t_i32, order, false);
  LLVMPositionBuilderBefore(c->b, i);
  LLVMValueRef call =
      LLVMBuildCall2(c->b, mwcc_marker_type(c, kind), mwcc_marker_decl(c, kind), args, n, "");
  mwcc_copy_metadata(c, call, i);
  if (op != LLVMStore) LLVMReplaceAllUsesWith(i, call);
  LLVMInstructionEraseFromParent(i);
  return true;
}

LLVMValueRef mwcc_unmark_atomic(struct mwcc *c, LLVMValueRef marker, enum mwcc_marker kind) {
  unsigned n = LLVMGetNumArgOperands(marker);
  unsigned order = (unsigned)LLVMConstIntGetZExtValue(LLVMGetOperand(marker, n - 1));
  LLVMAtomicOrdering first = (LLVMAtomicOrdering)(order & 15),
                     second = (LLVMAtomicOrdering)(order >> 4 & 15);
  bool single = order & ORDER_SINGLE;
  LLVMValueRef p = LLVMGetOperand(marker, 0), v = LLVMGetOperand(marker, 1), made;
  LLVMPositionBuilderBefore(c->b, marker);
  switch (mwcc_does(kind)) {
  case MWCC_STORES_ATOMIC:
    made = LLVMBuildStore(c->b, v, p);
    LLVMSetOrdering(made, first);
    LLVMSetAlignment(made, kind == MWCC_ASTORE_I128 ? 16 : 8);
    break;
  case MWCC_EXCHANGES:
    made = LLVMBuildAtomicRMW(c->b, LLVMAtomicRMWBinOpXchg, p, v, first, single);
    break;
  default:
    made = LLVMBuildAtomicCmpXchg(c->b, p, v, LLVMGetOperand(marker, 2), first, second, single);
    LLVMSetWeak(made, (order & ORDER_WEAK) != 0);
    break;
  }
  if (order & ORDER_VOLATILE) LLVMSetVolatile(made, true);
  return made;
}
