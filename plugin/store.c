/* SPDX-License-Identifier: MIT */
/*
 * plugin/store.c -- pointer stores become markers
 *
 * Job      Walks a function before any optimisation and replaces each store
 *          that may put a pointer into memory that the collector scans.
 * Promise  [ST1] After it, every store of a pointer (or of an integer that
 *          visibly came from one) whose destination is not private memory
 *          (base.c) is a marker; so is every copy (copy.c) and every atomic
 *          operation on a word (atomic.c).
 *          Constants are stored through markers too: a null store overwrites
 *          a pointer, and the collector wants the old value.
 *          A number stored into a union is a marker of its own kind (scalar.c).
 * How      First-class aggregates and vectors that contain pointers are stored
 *          element by element.
 */
#include "mallow-cc.h"

/* A store marker for (p, v) before `at`; v is a pointer or an i64. */
static LLVMValueRef emit_store(struct mwcc *c, LLVMValueRef at, LLVMValueRef p, LLVMValueRef v,
                               uint64_t align, bool is_volatile) {
  enum mwcc_marker kind = is_volatile ? MWCC_VSTORE : MWCC_STORE;
  LLVMPositionBuilderBefore(c->b, at);
  if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMPointerTypeKind) {
    if (LLVMIsAPtrToIntInst(v))
      v = LLVMGetOperand(v, 0);
    else
      v = LLVMBuildIntToPtr(c->b, v, c->t_ptr, "");
  }
  LLVMValueRef args[2] = {p, v};
  LLVMValueRef call =
      LLVMBuildCall2(c->b, mwcc_marker_type(c, kind), mwcc_marker_decl(c, kind), args, 2, "");
  mwcc_copy_metadata(c, call, at);
  if (align > 1) mwcc_call_attr(c, call, 1, "align", align);
  return call;
}

/* The same for a number. */
static void emit_scalar(struct mwcc *c, LLVMValueRef s, enum mwcc_marker kind) {
  LLVMPositionBuilderBefore(c->b, s);
  LLVMValueRef args[3] = {LLVMGetOperand(s, 1), LLVMGetOperand(s, 0),
                          LLVMConstInt(c->t_i1, (unsigned)LLVMGetVolatile(s), false)};
  LLVMValueRef call =
      LLVMBuildCall2(c->b, mwcc_marker_type(c, kind), mwcc_marker_decl(c, kind), args, 3, "");
  mwcc_copy_metadata(c, call, s);
  if (LLVMGetAlignment(s) > 1) mwcc_call_attr(c, call, 1, "align", LLVMGetAlignment(s));
}

static uint64_t min_align(uint64_t align, uint64_t offset) {
  while (offset % align) align /= 2;
  return align;
}

static bool is_word_ptr(struct mwcc *c, LLVMTypeRef t) {
  return LLVMGetTypeKind(t) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(t) == 0 &&
         LLVMABISizeOfType(c->td, t) == 8;
}

/* Store v, of any type, to p + off: pointers inside through markers. */
static void store_parts(struct mwcc *c, LLVMValueRef at, LLVMValueRef p, uint64_t off,
                        LLVMValueRef v, uint64_t align, bool is_volatile) {
  LLVMTypeRef t = LLVMTypeOf(v);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  bool vector = k == LLVMVectorTypeKind;
  if ((k == LLVMStructTypeKind || k == LLVMArrayTypeKind || vector) && mwcc_type_has_ptr(t)) {
    unsigned n = k == LLVMStructTypeKind ? LLVMCountStructElementTypes(t)
                 : vector                ? LLVMGetVectorSize(t)
                                         : (unsigned)LLVMGetArrayLength2(t);
    for (unsigned i = 0; i < n; i++) {
      LLVMPositionBuilderBefore(c->b, at);
      LLVMValueRef e = vector
                           ? LLVMBuildExtractElement(c->b, v, LLVMConstInt(c->t_i32, i, false), "")
                           : LLVMBuildExtractValue(c->b, v, i, "");
      uint64_t eo = k == LLVMStructTypeKind ? LLVMOffsetOfElement(c->td, t, i)
                                            : i * LLVMABISizeOfType(c->td, LLVMGetElementType(t));
      store_parts(c, at, p, off + eo, e, align, is_volatile);
    }
    return;
  }
  LLVMPositionBuilderBefore(c->b, at);
  LLVMValueRef dst = p;
  if (off) {
    LLVMValueRef idx = LLVMConstInt(c->t_i64, off, false);
    dst = LLVMBuildGEP2(c->b, c->t_i8, p, &idx, 1, "");
  }
  uint64_t a = min_align(align, off);
  if (is_word_ptr(c, t)) {
    emit_store(c, at, dst, v, a, is_volatile);
    return;
  }
  LLVMValueRef s = LLVMBuildStore(c->b, v, dst);
  LLVMSetAlignment(s, (unsigned)a);
  LLVMSetVolatile(s, is_volatile);
  LLVMInstructionSetDebugLoc(s, LLVMInstructionGetDebugLoc(at));
}

/*
 * An i64 that may be a pointer: it comes from one, or it is a register of a
 * returned struct (clang gives those stores no type information, and at -O0
 * gives it to none).
 */
static bool int_may_be_ptr(struct mwcc *c, LLVMValueRef store, LLVMValueRef v) {
  if (LLVMTypeOf(v) != c->t_i64) return false;
  if (mwcc_int_from_ptr(c, v)) return true;
  if (LLVMGetMetadata(store, c->md_tbaa)) return false;
  if (LLVMIsAExtractValueInst(v)) v = LLVMGetOperand(v, 0);
  return LLVMIsAInstruction(v) && mwcc_is_call(v) && !LLVMIsAIntrinsicInst(v);
}

static bool mark_store(struct mwcc *c, LLVMValueRef s) {
  LLVMValueRef v = LLVMGetOperand(s, 0), p = LLVMGetOperand(s, 1);
  LLVMTypeRef t = LLVMTypeOf(v);
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(p)) != 0) return false;
  if (LLVMGetOrdering(s) != LLVMAtomicOrderingNotAtomic) return mwcc_mark_atomic(c, s);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  bool parts = (k == LLVMStructTypeKind || k == LLVMArrayTypeKind || k == LLVMVectorTypeKind) &&
               mwcc_type_has_ptr(t);
  enum mwcc_marker scalar = MWCC_NOT_A_MARKER;
  if (!is_word_ptr(c, t) && !parts && !int_may_be_ptr(c, s, v)) {
    scalar = mwcc_scalar_marker(c, s);
    if (scalar == MWCC_NOT_A_MARKER) return false;
  }
  if (mwcc_no_barrier_memory(c, p)) return false;
  if (scalar != MWCC_NOT_A_MARKER)
    emit_scalar(c, s, scalar);
  else if (parts)
    store_parts(c, s, p, 0, v, LLVMGetAlignment(s), LLVMGetVolatile(s));
  else
    emit_store(c, s, p, v, LLVMGetAlignment(s), LLVMGetVolatile(s));
  LLVMInstructionEraseFromParent(s);
  return true;
}

void mwcc_mark_stores(struct mwcc *c, LLVMValueRef fn) {
  mwcc_map_clear(&c->captured);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef next;
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = next) {
      next = LLVMGetNextInstruction(i);
      switch (LLVMGetInstructionOpcode(i)) {
      case LLVMStore:
        mark_store(c, i);
        break;
      case LLVMAtomicRMW:
      case LLVMAtomicCmpXchg:
        mwcc_mark_atomic(c, i);
        break;
      case LLVMCall:
        mwcc_mark_copy(c, i);
        break;
      default:
        break;
      }
    }
  }
}
