/* SPDX-License-Identifier: MIT */
/*
 * plugin/extern.c -- pointers handed to code without barriers
 *
 * Job      Before a call to a function that this plugin may not have compiled,
 *          for each pointer argument:
 *              if (gs:[MWI_TCB_WB]) mwi_rt_ext(callee, arg);    cold
 *          The runtime looks whether the callee lies in instrumented text; if
 *          not, it shades what the object points to and scans it again when
 *          marking ends.
 * Exempt   intrinsics, the runtime, functions defined in this module, the
 *          harmless part of libc (libc.c), callees that write no memory, and
 *          arguments that are constants, on the own stack, or declared to be
 *          neither written through nor kept.
 * How      On the final IR: the calls are where they will stay.
 */
#include <stdio.h>
#include <string.h>
#include "mallow-cc.h"
#include "../src/base/abi.h"

enum { MAX_ARGS = 16 };

static bool writes_no_memory(LLVMAttributeRef memory) {
  return memory && (LLVMGetEnumAttributeValue(memory) & UINT64_C(0xaaaaaaaa)) == 0;
}

static bool call_writes_no_memory(LLVMValueRef call, LLVMValueRef f) {
  unsigned kind = LLVMGetEnumAttributeKindForName("memory", 6);
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  return writes_no_memory(LLVMGetCallSiteEnumAttribute(call, fn, kind)) ||
         (f && writes_no_memory(LLVMGetEnumAttributeAtIndex(f, fn, kind)));
}

static bool is_external(LLVMValueRef call) {
  if (LLVMIsAInlineAsm(LLVMGetCalledValue(call))) return false;
  LLVMValueRef f = mwcc_callee(call);
  if (f) {
    size_t len;
    const char *name = LLVMGetValueName2(f, &len);
    if (LLVMGetIntrinsicID(f) || mwcc_runtime_name(name) || mwcc_harmless(name)) return false;
    if (LLVMCountBasicBlocks(f)) return false;
  }
  return !call_writes_no_memory(call, f);
}

static bool arg_has(LLVMValueRef call, LLVMValueRef f, unsigned i, const char *attr) {
  return mwcc_call_has_attr(call, i, attr) || (f && mwcc_fn_has_attr(f, i, attr));
}

static bool arg_matters(LLVMValueRef call, unsigned k) {
  LLVMValueRef v = LLVMGetOperand(call, k), f = mwcc_callee(call);
  LLVMTypeRef t = LLVMTypeOf(v);
  if (LLVMGetTypeKind(t) != LLVMPointerTypeKind || LLVMGetPointerAddressSpace(t) != 0) return false;
  if (mwcc_stack_or_const(v)) return false;
  bool kept = !arg_has(call, f, k + 1, MWCC_NOCAPTURE);
  bool written = !arg_has(call, f, k + 1, "readonly") && !arg_has(call, f, k + 1, "readnone");
  return kept || written;
}

/*
 * The slow half for a call of n pointers, in a function of its own: call sites
 * of one callee share it, in all files that are linked together, and it takes its arguments in the
 * order in which the callee does, so they are mostly in the right registers already.  callee is
 * NULL for calls through pointers: then it comes as the first argument.
 */
static LLVMValueRef announce_function(struct mwcc *c, LLVMValueRef callee, unsigned n) {
  char name[512];
  size_t len;
  snprintf(name, sizeof name, "mwi_ext%u.%s", n, callee ? LLVMGetValueName2(callee, &len) : "");
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, name);
  if (f) return f;
  LLVMTypeRef params[MAX_ARGS + 1];
  unsigned first = callee ? 0 : 1, all = n + first;
  for (unsigned i = 0; i < all; i++) params[i] = c->t_ptr;
  f = mwcc_slow_function(c, name, params, all);
  mwcc_fn_attr_str(c, f, "frame-pointer", "all");
  LLVMBasicBlockRef b = LLVMGetEntryBasicBlock(f);
  LLVMValueRef end = LLVMBuildRetVoid(c->b);
  for (unsigned i = 0; i < n; i++) {
    LLVMValueRef pair[2] = {callee ? callee : LLVMGetParam(f, 0), LLVMGetParam(f, first + i)};
    mwcc_cold_call(c, b, "mwi_rt_ext", pair, 2, end);
  }
  return f;
}

static void check_before(struct mwcc *c, LLVMValueRef call) {
  LLVMValueRef args[MAX_ARGS + 1], callee = mwcc_callee(call);
  unsigned n = 0, first = callee ? 0 : 1;
  args[0] = LLVMGetCalledValue(call);
  for (unsigned i = 0; i < LLVMGetNumArgOperands(call) && n < MAX_ARGS; i++)
    if (arg_matters(call, i)) args[first + n++] = LLVMGetOperand(call, i);
  if (!n) return;
  LLVMValueRef f = announce_function(c, callee, n);
  LLVMBasicBlockRef cold = mwcc_test_byte(c, call, MWI_TCB_WB, "ext");
  mwcc_cold_call_to(c, cold, f, args, n + first, call);
}

void mwcc_external_calls(struct mwcc *c, LLVMValueRef fn) {
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_is_call(i) && is_external(i)) mwcc_vec_push(&calls, i);
  for (size_t k = 0; k < calls.len; k++) check_before(c, calls.at[k]);
  mwcc_vec_fini(&calls);
}
