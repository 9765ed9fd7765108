/* SPDX-License-Identifier: MIT */
/*
 * plugin/isolate.c -- keep the back end's own calls away from barriers
 *
 * Job      Some instructions and intrinsics become library calls only in the
 *          back end (frem, llvm.sin, 128-bit division, long double and half
 *          arithmetic, thread-local addresses in shared libraries).  They
 *          carry no ordering, so the instruction scheduler may put such a call
 *          anywhere in its block: between a flag load and its store too, where
 *          the thread could be stopped.
 * How      In a block with a flag load or a guarded store, and in those that
 *          the back end may join with it, each such instruction moves into a
 *          small function of its own; a real call keeps its place.
 * Rejected Doing it everywhere: it costs numeric code a call level for
 *          nothing.
 */
#include <stdio.h>
#include <string.h>
#include "mallow-cc.h"

/* float and double are done in registers on every x86-64. */
static bool soft_float(LLVMTypeRef t) {
  if (LLVMGetTypeKind(t) == LLVMVectorTypeKind) t = LLVMGetElementType(t);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  return k == LLVMFP128TypeKind || k == LLVMHalfTypeKind || k == LLVMBFloatTypeKind;
}

static bool wide_int(LLVMTypeRef t) {
  return LLVMGetTypeKind(t) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) > 64;
}

static bool has_feature(LLVMValueRef fn, const char *feature) {
  LLVMAttributeRef a = LLVMGetStringAttributeAtIndex(fn, (unsigned)LLVMAttributeFunctionIndex,
                                                     "target-features", 15);
  unsigned len;
  const char *s = a ? LLVMGetStringAttributeValue(a, &len) : "";
  return strstr(s, feature) != NULL;
}

static bool is_one_of(const char *name, const char *const *list) {
  for (; *list; list++) {
    size_t n = strlen(*list);
    if (strncmp(name, *list, n) == 0 && name[n] == '.') return true;
  }
  return false;
}

static bool tls_needs_call(LLVMValueRef inst) {
  LLVMModuleRef m = LLVMGetGlobalParent(LLVMGetBasicBlockParent(LLVMGetInstructionParent(inst)));
  return LLVMGetModuleFlag(m, "PIC Level", 9) && !LLVMGetModuleFlag(m, "PIE Level", 9);
}

static bool intrinsic_may_become_call(LLVMValueRef i) {
  static const char *const always[] = {
      "llvm.sin",   "llvm.cos",   "llvm.tan",    "llvm.asin",   "llvm.acos",    "llvm.atan",
      "llvm.atan2", "llvm.sinh",  "llvm.cosh",   "llvm.tanh",   "llvm.pow",     "llvm.powi",
      "llvm.exp",   "llvm.exp2",  "llvm.exp10",  "llvm.log",    "llvm.log2",    "llvm.log10",
      "llvm.ldexp", "llvm.frexp", "llvm.round",  "llvm.lround", "llvm.llround", "llvm.sincos",
      "llvm.modf",  "llvm.lrint", "llvm.llrint", NULL};
  static const char *const sse41[] = {"llvm.floor",     "llvm.ceil",      "llvm.trunc", "llvm.rint",
                                      "llvm.nearbyint", "llvm.roundeven", NULL};
  static const char *const fma[] = {"llvm.fma", NULL};
  size_t len;
  const char *name = LLVMGetValueName2(LLVMGetCalledValue(i), &len);
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(i));
  if (strncmp(name, "llvm.threadlocal.address", 24) == 0) return tls_needs_call(i);
  LLVMTypeRef t = LLVMTypeOf(i);
  if (is_one_of(name, always)) return true;
  if (wide_int(t) && strncmp(name, "llvm.fpto", 9) == 0) return true;
  bool extended = LLVMGetTypeKind(t) == LLVMX86_FP80TypeKind;
  if (is_one_of(name, sse41)) return extended || !has_feature(fn, "+sse4.1");
  if (is_one_of(name, fma)) return extended || !has_feature(fn, "+fma,");
  return soft_float(t) || (extended && (strstr(name, "min") || strstr(name, "max")));
}

bool mwcc_may_become_call(LLVMValueRef i) {
  if (LLVMIsAIntrinsicInst(i)) return intrinsic_may_become_call(i);
  switch (LLVMGetInstructionOpcode(i)) {
  case LLVMFRem:
    return true;
  case LLVMUDiv:
  case LLVMSDiv:
  case LLVMURem:
  case LLVMSRem:
    return wide_int(LLVMTypeOf(i));
  case LLVMFAdd:
  case LLVMFSub:
  case LLVMFMul:
  case LLVMFDiv:
  case LLVMFCmp:
    return soft_float(LLVMTypeOf(LLVMGetOperand(i, 0)));
  case LLVMFPToSI:
  case LLVMFPToUI:
  case LLVMSIToFP:
  case LLVMUIToFP:
  case LLVMFPTrunc:
  case LLVMFPExt: {
    LLVMTypeRef from = LLVMTypeOf(LLVMGetOperand(i, 0)), to = LLVMTypeOf(i);
    return soft_float(from) || soft_float(to) || wide_int(from) || wide_int(to);
  }
  default:
    return false;
  }
}

/* A function that does the one operation; its operands become arguments,
 * except those that must be constants. */
static void outline(struct mwcc *c, LLVMValueRef i) {
  bool call = LLVMIsAIntrinsicInst(i) != NULL;
  unsigned n = call ? LLVMGetNumArgOperands(i) : (unsigned)LLVMGetNumOperands(i), used = 0;
  LLVMTypeRef types[4];
  LLVMValueRef args[4];
  unsigned index[4];
  if (n > 4) return;
  for (unsigned k = 0; k < n; k++) {
    LLVMValueRef v = LLVMGetOperand(i, k);
    if (LLVMIsAConstant(v)) continue;
    index[used] = k;
    types[used] = LLVMTypeOf(v);
    args[used++] = v;
  }
  LLVMTypeRef type = LLVMFunctionType(LLVMTypeOf(i), types, used, false);
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(i));
  LLVMValueRef f = LLVMAddFunction(c->mod, "mwi_op", type);
  LLVMSetLinkage(f, LLVMInternalLinkage);
  mwcc_same_target(f, fn);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "uwtable", 2);
  mwcc_fn_attr_str(c, f, "frame-pointer", "all");
  LLVMSetSection(f, "mw_text");
  LLVMPositionBuilderAtEnd(c->b, LLVMAppendBasicBlockInContext(c->ctx, f, ""));
  LLVMValueRef clone = LLVMInstructionClone(i);
  LLVMInsertIntoBuilder(c->b, clone);
  LLVMInstructionSetDebugLoc(clone, NULL);
  for (unsigned k = 0; k < used; k++) LLVMSetOperand(clone, index[k], LLVMGetParam(f, k));
  LLVMBuildRet(c->b, clone);

  LLVMPositionBuilderBefore(c->b, i);
  LLVMValueRef made = LLVMBuildCall2(c->b, type, f, args, used, "");
  LLVMInstructionSetDebugLoc(made, LLVMInstructionGetDebugLoc(i));
  LLVMReplaceAllUsesWith(i, made);
  LLVMInstructionEraseFromParent(i);
}

static bool is_flag_load(LLVMValueRef i) {
  return LLVMIsALoadInst(i) && LLVMGetVolatile(i) &&
         LLVMGetPointerAddressSpace(LLVMTypeOf(LLVMGetOperand(i, 0))) == 256;
}

static bool has_barrier_part(struct mwcc *c, LLVMBasicBlockRef b) {
  for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
    if (is_flag_load(i) || LLVMGetMetadata(i, c->md_guarded)) return true;
  return false;
}

/* The only predecessor, when it has this block as its only successor. */
static LLVMBasicBlockRef joined_pred(LLVMBasicBlockRef b) {
  LLVMBasicBlockRef only = NULL;
  for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(b)); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef t = LLVMGetUser(u);
    if (!LLVMIsATerminatorInst(t)) continue;
    if (only || LLVMGetNumSuccessors(t) != 1) return NULL;
    only = LLVMGetInstructionParent(t);
  }
  return only;
}

void mwcc_isolate_libcalls(struct mwcc *c, LLVMValueRef fn) {
  struct mwcc_vec ops = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_may_become_call(i)) mwcc_vec_push(&ops, i);
  if (ops.len) {
    struct mwcc_map near = {0}; /* blocks that may end up in one with a barrier */
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
      if (!has_barrier_part(c, b)) continue;
      mwcc_map_put(&near, b, 1);
      for (LLVMBasicBlockRef p = joined_pred(b); p && !mwcc_map_get(&near, p, NULL);
           p = joined_pred(p))
        mwcc_map_put(&near, p, 1);
      LLVMBasicBlockRef s = b;
      for (;;) {
        LLVMValueRef t = LLVMGetBasicBlockTerminator(s);
        if (!t || LLVMGetNumSuccessors(t) != 1) break;
        LLVMBasicBlockRef next = LLVMGetSuccessor(t, 0);
        if (joined_pred(next) != s || mwcc_map_get(&near, next, NULL)) break;
        mwcc_map_put(&near, s = next, 1);
      }
    }
    for (size_t i = 0; i < ops.len; i++)
      if (mwcc_map_get(&near, LLVMGetInstructionParent(ops.at[i]), NULL)) outline(c, ops.at[i]);
    mwcc_map_fini(&near);
  }
  mwcc_vec_fini(&ops);
}
