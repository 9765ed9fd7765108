/* SPDX-License-Identifier: MIT */
/*
 * plugin/expand.c -- markers become barriers
 *
 * Job      At the very end of the pipeline, each marker becomes
 *              if (gs:[MWI_TCB_WB]) mwi_rt_wb(p, v);    cold
 *              *p = v;
 * Promise  [XP1] Between the load of the flag and the stores that it guards
 *          there is no call but the slow path's and no poll; verify.c
 *          checks the result.
 * How      Neighbouring store markers share one test.  A group is a run of a
 *          block from a first marker to a last one; address arithmetic in it
 *          moves up before the test, plain loads and stores stay where they
 *          are, and a marker whose address or value needs one of those loads
 *          ends the group.  Calls end it too.
 *              test; slow: wb(p1, v1), wb(p2, v2), ...; store 1; ...; store n
 *          Calling the slow halves before the first store is right: they read
 *          the old values, and a value that store 1 writes and store 2
 *          overwrites has been shaded as new.
 *          Every guarded operation carries the metadata "mallow.guarded".
 */
#include <string.h>
#include "mallow-cc.h"
#include "../src/base/abi.h"

/* A test shared by more markers makes the cold block long and keeps more
 * values alive at once; 8 covers constructors of ordinary structs. */
enum { MAX_GROUP = 8, MAX_REGION = 64 };

/* ---- Slow halves ------------------------------------------------------------------- */

static LLVMValueRef as_ptr(struct mwcc *c, LLVMValueRef v) {
  if (LLVMTypeOf(v) == c->t_i64) return LLVMBuildIntToPtr(c->b, v, c->t_ptr, "");
  return v;
}

static void slow_store(struct mwcc *c, LLVMBasicBlockRef cold, LLVMValueRef m, LLVMValueRef p,
                       LLVMValueRef v) {
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(cold));
  if (LLVMTypeOf(v) == c->t_i128) { /* two words */
    LLVMValueRef eight = LLVMConstInt(c->t_i64, 8, false);
    LLVMValueRef hi = LLVMBuildLShr(c->b, v, LLVMConstInt(c->t_i128, 64, false), "");
    LLVMValueRef lo = LLVMBuildTrunc(c->b, v, c->t_i64, "");
    hi = LLVMBuildTrunc(c->b, hi, c->t_i64, "");
    LLVMValueRef p2 = LLVMBuildGEP2(c->b, c->t_i8, p, &eight, 1, "");
    slow_store(c, cold, m, p, lo);
    slow_store(c, cold, m, p2, hi);
    return;
  }
  LLVMValueRef args[2] = {p, as_ptr(c, v)};
  mwcc_cold_call(c, cold, "mwi_rt_wb", args, 2, m);
}

/* A number: the word around it is overwritten; eight bytes may be a pointer. */
static void slow_scalar(struct mwcc *c, LLVMBasicBlockRef cold, LLVMValueRef m, LLVMValueRef p,
                        LLVMValueRef v) {
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(cold));
  LLVMValueRef value = LLVMConstNull(c->t_ptr);
  if (LLVMABISizeOfType(c->td, LLVMTypeOf(v)) == 8)
    value = as_ptr(c, LLVMBuildBitCast(c->b, v, c->t_i64, ""));
  unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
  LLVMAttributeRef align = LLVMGetCallSiteEnumAttribute(m, 1, kind);
  if (!align || LLVMGetEnumAttributeValue(align) < 8) {
    LLVMValueRef word = LLVMBuildPtrToInt(c->b, p, c->t_i64, "");
    p = as_ptr(c, LLVMBuildAnd(c->b, word, LLVMConstInt(c->t_i64, ~UINT64_C(7), false), ""));
  }
  LLVMValueRef args[2] = {p, value};
  mwcc_cold_call(c, cold, "mwi_rt_wb", args, 2, m);
}

static void slow_half(struct mwcc *c, LLVMBasicBlockRef cold, LLVMValueRef m) {
  LLVMValueRef p = LLVMGetOperand(m, 0), v = LLVMGetOperand(m, 1);
  switch (mwcc_does(mwcc_marker_of(c, m))) {
  case MWCC_COPIES: {
    LLVMValueRef args[3] = {p, v, LLVMGetOperand(m, 2)};
    mwcc_cold_call(c, cold, "mwi_rt_wb_copy", args, 3, m);
    return;
  }
  case MWCC_SETS: {
    LLVMValueRef args[2] = {p, LLVMGetOperand(m, 2)};
    mwcc_cold_call(c, cold, "mwi_rt_wb_clear", args, 2, m);
    return;
  }
  case MWCC_COMPARES:
    slow_store(c, cold, m, p, LLVMGetOperand(m, 2));
    return;
  case MWCC_STORES_NUMBER:
    slow_scalar(c, cold, m, p, v);
    return;
  default:
    slow_store(c, cold, m, p, v);
    return;
  }
}

/* ---- Groups ------------------------------------------------------------------------- */

struct group {
  struct mwcc_map stays; /* instructions of the region that do not move up */
  LLVMValueRef moves[MAX_REGION], members[MAX_GROUP];
  unsigned nmoves, nmembers;
};

static bool stays(struct group *g, LLVMValueRef v) {
  return mwcc_map_get(&g->stays, v, NULL);
}

static bool operands_available(struct group *g, LLVMValueRef i) {
  for (int n = LLVMGetNumOperands(i), k = 0; k < n; k++)
    if (stays(g, LLVMGetOperand(i, (unsigned)k))) return false;
  return true;
}

static bool is_pure(LLVMValueRef i) {
  if (LLVMIsAPHINode(i) || LLVMIsATerminatorInst(i)) return false;
  switch (LLVMGetInstructionOpcode(i)) {
  case LLVMGetElementPtr:
  case LLVMSelect:
  case LLVMICmp:
  case LLVMFCmp:
  case LLVMExtractValue:
  case LLVMInsertValue:
  case LLVMExtractElement:
  case LLVMInsertElement:
  case LLVMShuffleVector:
  case LLVMFreeze:
    return true;
  default:
    return LLVMIsACastInst(i) || LLVMIsABinaryOperator(i) || LLVMIsAUnaryOperator(i);
  }
}

/* Intrinsics that make no code. */
static bool is_silent(LLVMValueRef i) {
  if (!LLVMIsAIntrinsicInst(i)) return false;
  static const char *const names[] = {"llvm.lifetime.", "llvm.dbg.", "llvm.assume",
                                      "llvm.experimental.noalias", "llvm.invariant."};
  size_t len;
  const char *s = LLVMGetValueName2(LLVMGetCalledValue(i), &len);
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
    if (strncmp(s, names[k], strlen(names[k])) == 0) return true;
  return false;
}

static bool plain_access(LLVMValueRef i) {
  return (LLVMIsALoadInst(i) || LLVMIsAStoreInst(i)) &&
         LLVMGetOrdering(i) == LLVMAtomicOrderingNotAtomic;
}

static bool is_store_marker(struct mwcc *c, LLVMValueRef i) {
  enum mwcc_does does = mwcc_does(mwcc_marker_of(c, i));
  return does == MWCC_STORES || does == MWCC_STORES_NUMBER;
}

/* Collect the group that starts with marker m: members, and what moves up
 * before them. */
static void collect(struct mwcc *c, struct group *g, LLVMValueRef m) {
  LLVMValueRef moves[MAX_REGION];
  unsigned pending = 0, length = 0;
  g->nmoves = g->nmembers = 0;
  g->members[g->nmembers++] = m;
  if (!is_store_marker(c, m)) return;
  for (LLVMValueRef i = LLVMGetNextInstruction(m);
       i && ++length < MAX_REGION && g->nmembers < MAX_GROUP; i = LLVMGetNextInstruction(i)) {
    if (is_store_marker(c, i)) {
      if (!operands_available(g, i)) return;
      g->members[g->nmembers++] = i;
      for (unsigned k = 0; k < pending; k++) g->moves[g->nmoves++] = moves[k];
      pending = 0;
    } else if (is_pure(i)) {
      if (!mwcc_may_become_call(i) && operands_available(g, i))
        moves[pending++] = i;
      else if (mwcc_may_become_call(i))
        return;
      else
        mwcc_map_put(&g->stays, i, 1);
    } else if (plain_access(i) || is_silent(i)) {
      mwcc_map_put(&g->stays, i, 1);
    } else {
      return;
    }
  }
}

/* Expand the group of marker m; returns the last operation made. */
static LLVMValueRef expand_group(struct mwcc *c, LLVMValueRef m) {
  struct group g = {0};
  collect(c, &g, m);
  for (unsigned i = 0; i < g.nmoves; i++) {
    LLVMPositionBuilderBefore(c->b, m);
    LLVMInstructionRemoveFromParent(g.moves[i]);
    LLVMInsertIntoBuilder(c->b, g.moves[i]);
  }
  LLVMBasicBlockRef cold = mwcc_test_byte(c, m, MWI_TCB_WB, "wb");
  for (unsigned i = 0; i < g.nmembers; i++) slow_half(c, cold, g.members[i]);
  LLVMValueRef last = NULL;
  for (unsigned i = 0; i < g.nmembers; i++) {
    last = mwcc_unmark(c, g.members[i]);
    mwcc_set_guarded(c, last, MWI_TCB_WB);
  }
  mwcc_map_fini(&g.stays);
  return last;
}

bool mwcc_expand(struct mwcc *c, LLVMValueRef fn) {
  bool changed = false;
  mwcc_map_clear(&c->captured);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef next;
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = next) {
      next = LLVMGetNextInstruction(i);
      if (mwcc_marker_of(c, i) == MWCC_NOT_A_MARKER) continue;
      if (mwcc_no_barrier_memory(c, LLVMGetOperand(i, 0))) mwcc_unmark(c, i);
    }
  }
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      if (mwcc_marker_of(c, i) == MWCC_NOT_A_MARKER) continue;
      i = expand_group(c, i);
      b = LLVMGetInstructionParent(i);
      changed = true;
    }
  }
  return changed;
}
