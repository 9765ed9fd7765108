/* SPDX-License-Identifier: MIT */
/*
 * plugin/peephole.c -- markers that turned out to be unneeded
 *
 * Job      After inlining, a destination often proves to be private memory of
 *          the function: the marker becomes the plain operation again, so that
 *          the variable can live in registers.
 * Callers  after each instcombine (PeepholeEP), and expand.c.
 */
#include <string.h>
#include "mallow-cc.h"

static LLVMValueRef unmark_store(struct mwcc *c, LLVMValueRef marker, bool is_volatile) {
  LLVMPositionBuilderBefore(c->b, marker);
  LLVMValueRef s = LLVMBuildStore(c->b, LLVMGetOperand(marker, 1), LLVMGetOperand(marker, 0));
  unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
  LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(marker, 1, kind);
  LLVMSetAlignment(s, a ? (unsigned)LLVMGetEnumAttributeValue(a) : 1);
  LLVMSetVolatile(s, is_volatile);
  return s;
}

LLVMValueRef mwcc_unmark(struct mwcc *c, LLVMValueRef marker) {
  enum mwcc_marker kind = mwcc_marker_of(c, marker);
  LLVMValueRef made;
  switch (mwcc_does(kind)) {
  case MWCC_STORES:
    made = unmark_store(c, marker, kind == MWCC_VSTORE);
    break;
  case MWCC_STORES_NUMBER:
    made = unmark_store(c, marker, LLVMConstIntGetZExtValue(LLVMGetOperand(marker, 2)) != 0);
    break;
  case MWCC_COPIES:
  case MWCC_SETS:
    made = mwcc_unmark_copy(c, marker, kind);
    break;
  default:
    made = mwcc_unmark_atomic(c, marker, kind);
    break;
  }
  mwcc_copy_metadata(c, made, marker);
  if (LLVMGetFirstUse(marker)) LLVMReplaceAllUsesWith(marker, made);
  LLVMInstructionEraseFromParent(marker);
  mwcc_link_assignment(made);
  return made;
}

/* Cheap, for most functions have none left and this runs after every instcombine. */
static bool calls_marker(LLVMValueRef i) {
  if (LLVMGetInstructionOpcode(i) != LLVMCall) return false;
  LLVMValueRef f = LLVMGetCalledValue(i);
  size_t len;
  return LLVMIsAFunction(f) && strncmp(LLVMGetValueName2(f, &len), "mwi_mark_", 9) == 0;
}

bool mwcc_peephole(LLVMValueRef fn) {
  struct mwcc c;
  bool ready = false, changed = false;
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef next;
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = next) {
      next = LLVMGetNextInstruction(i);
      if (!calls_marker(i)) continue;
      if (!ready) mwcc_init(&c, LLVMGetGlobalParent(fn));
      ready = true;
      if (mwcc_marker_of(&c, i) == MWCC_NOT_A_MARKER) continue;
      if (!mwcc_no_barrier_memory(&c, LLVMGetOperand(i, 0))) continue;
      mwcc_unmark(&c, i);
      changed = true;
    }
  }
  if (ready) mwcc_fini(&c);
  return changed;
}
