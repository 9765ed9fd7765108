/* SPDX-License-Identifier: MIT */
/*
 * plugin/verify.c -- the rule of the barrier, checked on the final IR
 *
 * Job      For every operation that carries "mallow.guarded", walks backwards
 *          on all paths to the load of the flag.
 * Promise  [V1] On the way there is nothing where the thread could be stopped:
 *          no poll, no call but the barrier's slow half and intrinsics that
 *          make no code, no instruction that may become a call.
 *          [V2] No path from the function's entry misses the flag.
 *          [V3] No marker is left in the module.
 *          [V4] The bytes that say where variables live say "heap" until the driver has answered
 *          ([EG1] of escape_given.c); nobody writes to them or passes their address on, so what
 *          they say does not change in a run [EG2]; and no variable's place is undecided.
 *          A violation is an error that names the function; the compilation
 *          fails rather than lose objects.
 * Cost     Paths are short and blocks are visited once for each operation.
 */
#include <string.h>
#include "mallow-cc.h"
#include "../src/base/abi.h"

/* The load of the control block's field that guards an operation. */
static bool is_guard(LLVMValueRef i, uint64_t offset) {
  if (!LLVMIsALoadInst(i) || !LLVMGetVolatile(i)) return false;
  LLVMValueRef p = LLVMGetOperand(i, 0);
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(p)) != 256 || !LLVMIsAConstantExpr(p)) return false;
  uint64_t n;
  return LLVMGetConstOpcode(p) == LLVMIntToPtr && mwcc_const_u64(LLVMGetOperand(p, 0), &n) &&
         n == offset;
}

/* The offset in the metadata; without one, the barrier's. */
static uint64_t guard_offset(LLVMValueRef md) {
  LLVMValueRef op[4];
  uint64_t n;
  if (LLVMGetMDNodeNumOperands(md) != 1) return MWI_TCB_WB;
  LLVMGetMDNodeOperands(md, op);
  return mwcc_const_u64(op[0], &n) ? n : MWI_TCB_WB;
}

static bool has_prefix(const char *s, const char *prefix) {
  return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* May stand between the flag and a guarded operation. */
static bool allowed(struct mwcc *c, LLVMValueRef i) {
  if (LLVMGetMetadata(i, c->md_guarded)) return true;
  if (mwcc_may_become_call(i)) return false;
  if (!mwcc_is_call(i)) return true;
  LLVMValueRef f = mwcc_callee(i);
  if (!f) return false;
  size_t len;
  const char *name = LLVMGetValueName2(f, &len);
  if (has_prefix(name, "mwi_slow_wb") || has_prefix(name, "mwi_rt_wb")) return true;
  return has_prefix(name, "llvm.lifetime.") || has_prefix(name, "llvm.dbg.") ||
         has_prefix(name, "llvm.assume") || has_prefix(name, "llvm.experimental.noalias") ||
         has_prefix(name, "llvm.invariant.");
}

/* Walks back from `i` (inclusive) to the flag; false on a violation. */
static bool walk_back(struct mwcc *c, LLVMBasicBlockRef b, LLVMValueRef i, uint64_t offset,
                      struct mwcc_map *seen, LLVMValueRef *culprit) {
  for (; i; i = LLVMGetPreviousInstruction(i)) {
    if (is_guard(i, offset)) return true;
    if (!allowed(c, i)) {
      *culprit = i;
      return false;
    }
  }
  if (mwcc_map_get(seen, b, NULL)) return true;
  mwcc_map_put(seen, b, 1);
  bool any = false;
  for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(b)); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef t = LLVMGetUser(u);
    if (!LLVMIsATerminatorInst(t)) continue;
    any = true;
    if (!walk_back(c, LLVMGetInstructionParent(t), t, offset, seen, culprit)) return false;
  }
  return any;
}

static bool verify_function(struct mwcc *c, LLVMValueRef fn) {
  bool good = true;
  struct mwcc_map seen = {0};
  size_t len;
  const char *name = LLVMGetValueName2(fn, &len);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      if (mwcc_marker_of(c, i) != MWCC_NOT_A_MARKER) {
        mwcc_report(i, MWCC_ERROR, "mallow: internal error: a marker was left in '%s'", name);
        good = false;
        continue;
      }
      if (mwcc_is_call(i) && mwcc_callee(i) && mwcc_name_is(mwcc_callee(i), MWCC_PLACE)) {
        mwcc_report(i, MWCC_ERROR, "mallow: internal error: a place was left in '%s'", name);
        good = false;
      }
      LLVMValueRef md = LLVMGetMetadata(i, c->md_guarded);
      if (!md) continue;
      LLVMValueRef culprit = i;
      mwcc_map_clear(&seen);
      if (walk_back(c, b, LLVMGetPreviousInstruction(i), guard_offset(md), &seen, &culprit))
        continue;
      good = false;
      char *text = LLVMPrintValueToString(culprit);
      mwcc_report(
          i, MWCC_ERROR,
          culprit == i
              ? "mallow: internal error: '%s': a store can be reached without its barrier:%s"
              : "mallow: internal error: '%s': between a barrier and its store:%s",
          name, text);
      LLVMDisposeMessage(text);
    }
  }
  mwcc_map_fini(&seen);
  return good;
}

static bool may_use_byte(LLVMValueRef user) {
  if (!LLVMIsAInstruction(user)) return true; /* llvm.compiler.used */
  LLVMOpcode op = LLVMGetInstructionOpcode(user);
  return op == LLVMLoad || op == LLVMPHI || op == LLVMSelect; /* of two places that were merged */
}

/* [V4] */
static bool verify_byte(LLVMValueRef g) {
  uint64_t value = 0;
  LLVMValueRef init = LLVMGetInitializer(g);
  const char *section = LLVMGetSection(g);
  bool good = init && mwcc_const_u64(init, &value) && value != 0 && LLVMIsGlobalConstant(g) &&
              LLVMIsExternallyInitialized(g) && LLVMGetLinkage(g) == LLVMInternalLinkage &&
              section && strcmp(section, MWCC_MOVES_SECTION) == 0;
  for (LLVMUseRef u = LLVMGetFirstUse(g); u && good; u = LLVMGetNextUse(u))
    good = may_use_byte(LLVMGetUser(u));
  size_t len;
  if (!good)
    mwcc_report(g, MWCC_ERROR, "mallow: internal error: '%s' does not say where a variable lives",
                LLVMGetValueName2(g, &len));
  return good;
}

bool mwcc_verify(LLVMModuleRef mod) {
  struct mwcc c;
  mwcc_init(&c, mod);
  bool good = true;
  for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f))
    good &= verify_function(&c, f);
  for (LLVMValueRef g = LLVMGetFirstGlobal(mod); g; g = LLVMGetNextGlobal(g)) {
    size_t len;
    if (has_prefix(LLVMGetValueName2(g, &len), MWCC_MOVES)) good &= verify_byte(g);
  }
  mwcc_fini(&c);
  return good;
}
