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
 *          A store of a piece of a word (pieces.c) is in its group as it is, and what the
 *          words become is known when the group's stores are all made:
 *
 *              test;  slow: wb_pieces(p1, n1), ...
 *              store 1; ...; store n
 *              test;  slow: wb_pieces(p1, n1), ...
 *
 *          One that stands alone and is no wider than a word tells its value instead.
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

/* The words that [p, p + n) is in. */
static void slow_pieces(struct mwcc *c, LLVMBasicBlockRef cold, LLVMValueRef m, LLVMValueRef p,
                        uint64_t n) {
  LLVMValueRef args[2] = {p, LLVMConstInt(c->t_i64, n, false)};
  mwcc_cold_call(c, cold, "mwi_rt_wb_pieces", args, 2, m);
}

/* The same, and the words as v makes them. */
static void slow_piece(struct mwcc *c, LLVMBasicBlockRef cold, LLVMValueRef m, LLVMValueRef p,
                       LLVMValueRef v) {
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(cold));
  uint64_t n = LLVMStoreSizeOfType(c->td, LLVMTypeOf(v));
  if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMIntegerTypeKind)
    v = LLVMBuildBitCast(c->b, v, LLVMIntTypeInContext(c->ctx, (unsigned)n * 8), "");
  if (LLVMTypeOf(v) != c->t_i64) v = LLVMBuildZExt(c->b, v, c->t_i64, "");
  LLVMValueRef args[3] = {p, v, LLVMConstInt(c->t_i64, n, false)};
  mwcc_cold_call(c, cold, "mwi_rt_wb_piece", args, 3, m);
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
  unsigned nmoves, nmembers, npieces;
};

/* What a member stores to. */
static LLVMValueRef address(LLVMValueRef m) {
  return LLVMGetOperand(m, LLVMIsAStoreInst(m) ? 1 : 0);
}

static LLVMValueRef stored(LLVMValueRef m) {
  return LLVMGetOperand(m, LLVMIsAStoreInst(m) ? 0 : 1);
}

static uint64_t stored_bytes(struct mwcc *c, LLVMValueRef m) {
  return LLVMStoreSizeOfType(c->td, LLVMTypeOf(stored(m)));
}

/* The value can be told to the slow half. */
static bool fits_word(struct mwcc *c, LLVMValueRef m) {
  uint64_t n = stored_bytes(c, m);
  LLVMTypeRef t = LLVMTypeOf(stored(m));
  return n <= 8 &&
         (LLVMGetTypeKind(t) == LLVMIntegerTypeKind || LLVMSizeOfTypeInBits(c->td, t) == n * 8);
}

/* A store of a number as it is, or, where numbers may be pieces, a number's marker. */
static bool is_piece(struct mwcc *c, LLVMValueRef i) {
  if (mwcc_does(mwcc_marker_of(c, i)) == MWCC_STORES_NUMBER) return mwcc_options()->gc_malloc;
  return mwcc_is_piece(c, i);
}

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
  g->npieces = is_piece(c, m);
  if (!g->npieces && !is_store_marker(c, m)) return;
  for (LLVMValueRef i = LLVMGetNextInstruction(m);
       i && ++length < MAX_REGION && g->nmembers < MAX_GROUP; i = LLVMGetNextInstruction(i)) {
    bool piece = is_piece(c, i);
    if (piece || is_store_marker(c, i)) {
      if (piece ? stays(g, address(i)) : !operands_available(g, i)) return;
      g->members[g->nmembers++] = i;
      g->npieces += piece;
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

static bool is_member(struct mwcc *c, LLVMValueRef i) {
  return mwcc_marker_of(c, i) != MWCC_NOT_A_MARKER || is_piece(c, i);
}

/* Expand the group of m; returns the last operation made. */
static LLVMValueRef expand_group(struct mwcc *c, LLVMValueRef m) {
  struct group g = {0};
  collect(c, &g, m);
  for (unsigned i = 0; i < g.nmoves; i++) {
    LLVMPositionBuilderBefore(c->b, m);
    LLVMInstructionRemoveFromParent(g.moves[i]);
    LLVMInsertIntoBuilder(c->b, g.moves[i]);
  }
  LLVMBasicBlockRef cold = mwcc_test_byte(c, m, MWI_TCB_WB, "wb");
  struct piece {
    LLVMValueRef at;
    uint64_t bytes;
  } pieces[MAX_GROUP];
  unsigned n = 0;
  for (unsigned i = 0; i < g.nmembers; i++) {
    LLVMValueRef each = g.members[i];
    if (!is_piece(c, each)) {
      slow_half(c, cold, each);
    } else if (g.nmembers == 1 && fits_word(c, each)) {
      slow_piece(c, cold, each, address(each), stored(each));
    } else {
      pieces[n] = (struct piece){address(each), stored_bytes(c, each)};
      slow_pieces(c, cold, each, pieces[n].at, pieces[n].bytes);
      n++;
    }
  }
  LLVMValueRef last = NULL;
  for (unsigned i = 0; i < g.nmembers; i++) {
    last = LLVMIsAStoreInst(g.members[i]) ? g.members[i] : mwcc_unmark(c, g.members[i]);
    mwcc_set_guarded(c, last, MWI_TCB_WB);
  }
  if (n) { /* the flag is as it was [A2] */
    LLVMBasicBlockRef after =
        mwcc_test_byte(c, LLVMGetNextInstruction(last), MWI_TCB_WB, "wb.after");
    for (unsigned i = 0; i < n; i++) slow_pieces(c, after, last, pieces[i].at, pieces[i].bytes);
  }
  mwcc_map_fini(&g.stays);
  return last;
}

/* Members of packed structs, for malloc'ed memory: the collector must look there, too. */
static void note_alignment(struct mwcc *c, LLVMValueRef m) {
  unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
  LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(m, 1, kind);
  uint64_t align = a ? LLVMGetEnumAttributeValue(a) : 1;
  if (align < 8 && (!c->step || align < c->step)) c->step = (unsigned)align;
}

bool mwcc_expand(struct mwcc *c, LLVMValueRef fn) {
  bool changed = false;
  mwcc_map_clear(&c->captured);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef next;
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = next) {
      next = LLVMGetNextInstruction(i);
      if (mwcc_marker_of(c, i) == MWCC_NOT_A_MARKER) continue;
      if (mwcc_no_barrier_memory(c, LLVMGetOperand(i, 0)))
        mwcc_unmark(c, i);
      else if (mwcc_does(mwcc_marker_of(c, i)) == MWCC_STORES)
        note_alignment(c, i);
    }
  }
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      if (!is_member(c, i)) continue;
      i = expand_group(c, i);
      b = LLVMGetInstructionParent(i);
      changed = true;
    }
  }
  return changed;
}
