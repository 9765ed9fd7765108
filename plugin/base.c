/* SPDX-License-Identifier: MIT */
/*
 * plugin/base.c -- where a pointer points
 *
 * Job      Decides which stores need no barrier: those into the running
 *          function's own frame, as long as no other goroutine can have the
 *          address, and those into memory that is never scanned.
 * How      The base of a pointer is what is left when offsets, casts, phis and
 *          selects are taken away.  An alloca counts as private while its
 *          address is not captured: only loaded from, stored to, compared,
 *          or lent to calls that keep no copy.
 *          A captured alloca keeps its barriers: another goroutine, scanned
 *          already, may have read the old value from it while this stack was
 *          waiting for its scan.  Such a variable lives in memory anyway, so
 *          the check costs next to nothing.
 * Cost     Each alloca's uses are walked once a pass (memo in mwcc.captured),
 *          and at most MAX_USES of them.
 */
#include <string.h>
#include "mallow-cc.h"

/* Beyond these, "unknown": a larger walk finds few more private variables. */
enum { MAX_STEPS = 32, MAX_PHI = 8, MAX_USES = 300 };

LLVMValueRef mwcc_base(LLVMValueRef p) {
  for (int i = 0; i < MAX_STEPS; i++) {
    if (LLVMIsAInstruction(p)) {
      switch (LLVMGetInstructionOpcode(p)) {
      case LLVMGetElementPtr:
      case LLVMBitCast:
      case LLVMFreeze:
      case LLVMAddrSpaceCast:
        p = LLVMGetOperand(p, 0);
        continue;
      default:
        return p;
      }
    }
    if (!LLVMIsAConstantExpr(p)) return p;
    LLVMOpcode op = LLVMGetConstOpcode(p);
    if (op != LLVMGetElementPtr && op != LLVMBitCast && op != LLVMAddrSpaceCast) return p;
    p = LLVMGetOperand(p, 0);
  }
  return p;
}

/* ---- Capture ---------------------------------------------------------------- */

struct walk {
  struct mwcc *c;
  struct mwcc_map seen;
  int budget;
};

static bool captured_by(struct walk *w, LLVMValueRef v);

static bool captured_by_call(struct walk *w, LLVMValueRef call, LLVMValueRef v) {
  LLVMValueRef f = mwcc_callee(call);
  enum mwcc_marker kind = mwcc_marker_of(w->c, call);
  const char *name = "";
  size_t n;
  if (f) name = LLVMGetValueName2(f, &n);
  if (kind == MWCC_NOT_A_MARKER &&
      (mwcc_harmless(strncmp(name, "mwi_rt_", 7) == 0 ? name + 7 : name) ||
       strncmp(name, "mwi_chan_", 9) == 0))
    return false;
  for (unsigned i = 0, nargs = LLVMGetNumArgOperands(call); i < nargs; i++) {
    if (LLVMGetOperand(call, i) != v) continue;
    if (!mwcc_not_captured(call, f, i + 1) && !mwcc_call_has_attr(call, i + 1, "byval"))
      return true;
  }
  return LLVMGetCalledValue(call) == v;
}

static bool captured_by_user(struct walk *w, LLVMValueRef user, LLVMValueRef v) {
  if (!LLVMIsAInstruction(user)) return true;
  switch (LLVMGetInstructionOpcode(user)) {
  case LLVMLoad:
  case LLVMICmp:
    return false;
  case LLVMStore:
    return LLVMGetOperand(user, 0) == v;
  case LLVMAtomicRMW:
  case LLVMAtomicCmpXchg:
    for (int i = 1; i < LLVMGetNumOperands(user); i++)
      if (LLVMGetOperand(user, (unsigned)i) == v) return true;
    return false;
  case LLVMGetElementPtr:
  case LLVMBitCast:
  case LLVMAddrSpaceCast:
  case LLVMFreeze:
  case LLVMPHI:
  case LLVMSelect:
    return captured_by(w, user);
  case LLVMVAArg:
    return false;
  case LLVMCall:
  case LLVMInvoke:
  case LLVMCallBr:
    return captured_by_call(w, user, v);
  default:
    return true;
  }
}

/* Some use of v may let its address out of the function. */
static bool captured_by(struct walk *w, LLVMValueRef v) {
  if (mwcc_map_get(&w->seen, v, NULL)) return false;
  mwcc_map_put(&w->seen, v, 1);
  for (LLVMUseRef u = LLVMGetFirstUse(v); u; u = LLVMGetNextUse(u)) {
    if (--w->budget < 0) return true;
    if (captured_by_user(w, LLVMGetUser(u), v)) return true;
  }
  return false;
}

static bool captured(struct mwcc *c, LLVMValueRef alloca) {
  uintptr_t known;
  if (mwcc_map_get(&c->captured, alloca, &known)) return known != 0;
  struct walk w = {.c = c, .budget = MAX_USES};
  bool yes = captured_by(&w, alloca);
  mwcc_map_fini(&w.seen);
  mwcc_map_put(&c->captured, alloca, yes);
  return yes;
}

/* ---- Bases --------------------------------------------------------------------- */

typedef bool (*base_test)(struct mwcc *c, LLVMValueRef base);

/* Every base of p (through phis and selects) passes the test. */
static bool all_bases(struct mwcc *c, LLVMValueRef p, base_test test, struct mwcc_map *seen) {
  LLVMValueRef base = mwcc_base(p);
  bool phi = LLVMIsAPHINode(base) != NULL, select = LLVMIsASelectInst(base) != NULL;
  if (!phi && !select) return test(c, base);
  if (mwcc_map_get(seen, base, NULL)) return true;
  mwcc_map_put(seen, base, 1);
  if (select)
    return all_bases(c, LLVMGetOperand(base, 1), test, seen) &&
           all_bases(c, LLVMGetOperand(base, 2), test, seen);
  unsigned n = LLVMCountIncoming(base);
  if (n > MAX_PHI || seen->count > MAX_STEPS) return false;
  for (unsigned i = 0; i < n; i++)
    if (!all_bases(c, LLVMGetIncomingValue(base, i), test, seen)) return false;
  return true;
}

static bool check_bases(struct mwcc *c, LLVMValueRef p, base_test test) {
  LLVMValueRef base = mwcc_base(p);
  if (!LLVMIsAPHINode(base) && !LLVMIsASelectInst(base)) return test(c, base);
  struct mwcc_map seen = {0};
  bool ok = all_bases(c, p, test, &seen);
  mwcc_map_fini(&seen);
  return ok;
}

static bool no_barrier_base(struct mwcc *c, LLVMValueRef base) {
  if (LLVMIsAAllocaInst(base)) return !captured(c, base);
  if (LLVMIsAArgument(base)) return mwcc_arg_is_byval(base);
  if (!LLVMIsAInstruction(base)) return LLVMIsUndef(base) || LLVMIsPoison(base);
  LLVMValueRef f = mwcc_callee(base);
  return f && (mwcc_name_is(f, "mw_alloc_noscan") || mwcc_name_is(f, "mw_strdup"));
}

static bool stack_or_const_base(struct mwcc *c, LLVMValueRef base) {
  (void)c;
  if (LLVMIsAAllocaInst(base)) return true;
  if (LLVMIsAArgument(base)) return mwcc_arg_is_byval(base);
  if (!LLVMIsAConstant(base)) return false;
  if (LLVMIsAGlobalVariable(base)) return LLVMIsGlobalConstant(base);
  return true; /* null, a function, an address made of a number */
}

bool mwcc_no_barrier_memory(struct mwcc *c, LLVMValueRef p) {
  return check_bases(c, p, no_barrier_base);
}

bool mwcc_stack_or_const(LLVMValueRef p) {
  return check_bases(NULL, p, stack_or_const_base);
}

/* ---- Integers that carry pointers --------------------------------------------------- */

/* Is a pointer, or memory of unknown content, ever stored in this alloca? */
static bool alloca_takes_ptr(struct mwcc *c, LLVMValueRef alloca) {
  int budget = MAX_USES;
  for (LLVMUseRef u = LLVMGetFirstUse(alloca); u; u = LLVMGetNextUse(u)) {
    if (--budget < 0) return true;
    LLVMValueRef i = LLVMGetUser(u);
    if (LLVMIsAStoreInst(i) && LLVMGetOperand(i, 1) == alloca) {
      LLVMValueRef v = LLVMGetOperand(i, 0);
      if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind) return true;
      if (LLVMIsAPtrToIntInst(v)) return true;
    }
    if (LLVMIsAInstruction(i) && mwcc_does(mwcc_marker_of(c, i)) == MWCC_STORES) return true;
  }
  return false;
}

static bool int_from_ptr(struct mwcc *c, LLVMValueRef v, int depth) {
  if (depth > MAX_PHI) return true;
  if (LLVMIsAConstantExpr(v)) return LLVMGetConstOpcode(v) == LLVMPtrToInt;
  if (!LLVMIsAInstruction(v)) return false;
  switch (LLVMGetInstructionOpcode(v)) {
  case LLVMPtrToInt:
    return true;
  case LLVMFreeze:
    return int_from_ptr(c, LLVMGetOperand(v, 0), depth + 1);
  case LLVMSelect:
    return int_from_ptr(c, LLVMGetOperand(v, 1), depth + 1) ||
           int_from_ptr(c, LLVMGetOperand(v, 2), depth + 1);
  case LLVMPHI:
    for (unsigned i = 0, n = LLVMCountIncoming(v); i < n; i++)
      if (int_from_ptr(c, LLVMGetIncomingValue(v, i), depth + 3)) return true;
    return false;
  case LLVMLoad: {
    LLVMValueRef p = LLVMGetOperand(v, 0);
    return LLVMIsAAllocaInst(p) && alloca_takes_ptr(c, p);
  }
  default:
    return false;
  }
}

bool mwcc_int_from_ptr(struct mwcc *c, LLVMValueRef v) {
  return int_from_ptr(c, v, 0);
}
