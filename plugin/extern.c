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
 * How      On the final IR: the calls are where they will stay.  A direct call
 *          goes through a small function, so that call sites do not grow:
 *              mwi_x.f:  cmpb $0, %gs:1 ; jne cold ; movb $1, %gs:3 ; jmp f
 *          It is weak, hidden and shared by all files that are linked together.
 *          A file that is compiled by the plugin and defines f also defines
 *          mwi_x.f, strongly, as another name of f; the linker prefers it,
 *          and calls between files of one program lose the check.  The check has a second
 *          name, mwi_y.f: where that is elsewhere than mwi_x.f, f itself was taken, and the
 *          driver looks whether it is the f that the linker calls (driver/renames.c).
 *          (Not where f can be replaced when the program is loaded: default
 *          visibility in a shared library.)
 *          Calls through pointers, with variable arguments, with arguments
 *          on the stack, and those that lent.c will see are checked where they are.
 *          With -fgc-malloc the memory that text or input is read into may have held
 *          pointers (pieces.c), so the argument that says where to counts for such functions.
 * And      whatever is called there may call back, and code that is called back
 *          must stay on its thread (src/sched/external.c), so
 *              movb $1, %gs:MWI_TCB_EXT
 *          stands before the jump, and before every other call to the outside,
 *          with pointers or without: a store that nobody waits for.
 * Next     poll.c takes a call of mwi_x.f for one to the outside.
 */
#include <stdio.h>
#include <string.h>
#include <llvm-c/Comdat.h>
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

/* Stores nothing that it is given, but runs code of the program's. */
static bool calls_back(LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  size_t len;
  return f && !LLVMCountBasicBlocks(f) && mwcc_calls_back(LLVMGetValueName2(f, &len));
}

static bool arg_has(LLVMValueRef call, LLVMValueRef f, unsigned i, const char *attr) {
  return mwcc_call_has_attr(call, i, attr) || (f && mwcc_fn_has_attr(f, i, attr));
}

static bool arg_matters(LLVMValueRef call, unsigned k) {
  LLVMValueRef v = LLVMGetOperand(call, k), f = mwcc_callee(call);
  LLVMTypeRef t = LLVMTypeOf(v);
  if (LLVMGetTypeKind(t) != LLVMPointerTypeKind || LLVMGetPointerAddressSpace(t) != 0) return false;
  if (mwcc_stack_or_const(v)) return false;
  bool kept = !mwcc_not_captured(call, f, k + 1);
  bool written = !arg_has(call, f, k + 1, "readonly") && !arg_has(call, f, k + 1, "readnone");
  return kept || written;
}

/* The callee may call back. */
static void note_callbacks(struct mwcc *c, LLVMValueRef call) {
  LLVMPositionBuilderBefore(c->b, call);
  LLVMTypeRef gs = LLVMPointerTypeInContext(c->ctx, 256);
  LLVMValueRef addr = LLVMConstIntToPtr(LLVMConstInt(c->t_i64, MWI_TCB_EXT, false), gs);
  LLVMValueRef store = LLVMBuildStore(c->b, LLVMConstInt(c->t_i8, 1, false), addr);
  LLVMSetAlignment(store, 1);
  LLVMSetVolatile(store, true);
  LLVMInstructionSetDebugLoc(store, LLVMInstructionGetDebugLoc(call));
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

/* args: the callee, if that is not given apart, and n pointers. */
static void announce(struct mwcc *c, LLVMValueRef call, LLVMValueRef callee, LLVMValueRef *args,
                     unsigned n) {
  LLVMValueRef f = announce_function(c, callee, n);
  LLVMBasicBlockRef cold = mwcc_test_byte(c, call, MWI_TCB_WB, "ext");
  mwcc_cold_call_to(c, cold, f, args, n + (callee ? 0 : 1), call);
}

static void check_at_call(struct mwcc *c, LLVMValueRef call) {
  LLVMValueRef args[MAX_ARGS + 1], callee = mwcc_callee(call);
  unsigned n = 0, first = callee ? 0 : 1;
  args[0] = LLVMGetCalledValue(call);
  for (unsigned i = 0; i < LLVMGetNumArgOperands(call) && n < MAX_ARGS; i++)
    if (arg_matters(call, i)) args[first + n++] = LLVMGetOperand(call, i);
  if (n) announce(c, call, callee, args, n);
}

/* The memory that a harmless function fills, or NULL. */
static LLVMValueRef filled(LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  size_t len;
  unsigned arg;
  if (!mwcc_options()->gc_malloc || !f || LLVMCountBasicBlocks(f) ||
      !mwcc_fills(LLVMGetValueName2(f, &len), &arg) || arg >= LLVMGetNumArgOperands(call))
    return NULL;
  LLVMValueRef p = LLVMGetOperand(call, arg);
  return LLVMGetTypeKind(LLVMTypeOf(p)) == LLVMPointerTypeKind && !mwcc_stack_or_const(p) ? p
                                                                                          : NULL;
}

/* ---- Calls through mwi_x.f ------------------------------------------------------------ */

/* All arguments travel in registers.  Others would have to be moved on the
 * stack, and LLVM's musttail gets structs by value wrong there. */
static bool in_registers(LLVMValueRef call) {
  unsigned words = 0, floats = 0;
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++) {
    LLVMTypeRef t = LLVMTypeOf(LLVMGetOperand(call, i));
    LLVMTypeKind k = LLVMGetTypeKind(t);
    if (mwcc_call_has_attr(call, i + 1, "byval")) return false;
    if (k == LLVMPointerTypeKind || (k == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) <= 64))
      words++;
    else if (k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind)
      floats++;
    else
      return false;
  }
  return words <= 6 && floats <= 8;
}

/* Attributes that decide how an argument is passed. */
static void copy_abi_attributes(LLVMValueRef fn, LLVMValueRef tail, LLVMValueRef call,
                                unsigned index) {
  static const char *const abi[] = {"zeroext", "signext", "inreg", "sret"};
  for (size_t i = 0; i < sizeof abi / sizeof abi[0]; i++) {
    LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(
        call, index, LLVMGetEnumAttributeKindForName(abi[i], strlen(abi[i])));
    if (!a) continue;
    LLVMAddAttributeAtIndex(fn, index, a);
    LLVMAddCallSiteAttribute(tail, index, a);
  }
}

/* setjmp must be called by the function whose frame it remembers. */
static bool returns_twice(LLVMValueRef call, LLVMValueRef f) {
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  return mwcc_fn_has_attr(f, fn, "returns_twice") || mwcc_call_has_attr(call, fn, "returns_twice");
}

/* Another file's or the linker's choice for f with its check, or NULL when this
 * call cannot go through one. */
static LLVMValueRef checked_function(struct mwcc *c, LLVMValueRef call, LLVMValueRef f) {
  char name[512];
  size_t len;
  LLVMTypeRef type = LLVMGetCalledFunctionType(call);
  const char *callee = LLVMGetValueName2(f, &len);
  unsigned n = LLVMCountParams(f);
  if (!LLVMIsACallInst(call) || LLVMIsFunctionVarArg(type) || LLVMGlobalGetValueType(f) != type ||
      LLVMGetNumOperandBundles(call) || LLVMGetLinkage(f) != LLVMExternalLinkage ||
      LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail || returns_twice(call, f) || len == 0 ||
      len > 400 || callee[0] == 1 || strchr(callee, '@') || !in_registers(call))
    return NULL;
  snprintf(name, sizeof name, MWCC_CHECKED_PREFIX "%s", callee);
  LLVMValueRef x = LLVMGetNamedFunction(c->mod, name);
  if (x) return LLVMGlobalGetValueType(x) == type ? x : NULL;
  x = mwcc_shared_function(c, name, type);
  LLVMSetFunctionCallConv(x, LLVMGetInstructionCallConv(call));
  LLVMValueRef args[16]; /* in_registers: 14 at most */
  LLVMGetParams(x, args);
  LLVMValueRef tail = LLVMBuildCall2(c->b, type, f, args, n, "");
  LLVMSetInstructionCallConv(tail, LLVMGetInstructionCallConv(call));
  LLVMSetTailCallKind(tail, LLVMTailCallKindMustTail);
  for (unsigned i = 1; i <= n; i++) copy_abi_attributes(x, tail, call, i);
  copy_abi_attributes(x, tail, call, LLVMAttributeReturnIndex);
  if (LLVMGetTypeKind(LLVMTypeOf(tail)) == LLVMVoidTypeKind)
    LLVMBuildRetVoid(c->b);
  else
    LLVMBuildRet(c->b, tail);
  snprintf(name, sizeof name, MWCC_CHECK_PREFIX "%s", callee);
  LLVMValueRef check = LLVMAddAlias2(c->mod, type, 0, x, name);
  LLVMSetLinkage(check, LLVMWeakODRLinkage);
  LLVMSetVisibility(check, LLVMHiddenVisibility);
  LLVMBasicBlockRef cold = mwcc_test_byte(c, tail, MWI_TCB_WB, "ext");
  for (unsigned i = 0; i < n; i++) {
    LLVMValueRef pair[2] = {f, args[i]};
    if (arg_matters(tail, i)) mwcc_cold_call(c, cold, "mwi_rt_ext", pair, 2, tail);
  }
  note_callbacks(c, tail);
  return x;
}

void mwcc_external_calls(struct mwcc *c, LLVMValueRef fn) {
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_is_call(i) && (is_external(i) || calls_back(i) || filled(i)))
        mwcc_vec_push(&calls, i);
  for (size_t k = 0; k < calls.len; k++) {
    LLVMValueRef call = calls.at[k], f = mwcc_callee(call), p = filled(call);
    if (p) { /* by nobody in particular: the runtime's own functions do not count as external */
      LLVMValueRef args[2] = {LLVMConstNull(c->t_ptr), p};
      announce(c, call, NULL, args, 1);
      continue;
    }
    bool matters = false;
    for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n && is_external(call); i++)
      matters |= arg_matters(call, i);
    LLVMValueRef x = NULL;
    if (matters && f && f == LLVMGetCalledValue(call) && !mwcc_is_lent(call))
      x = checked_function(c, call, f);
    if (x) {
      LLVMSetOperand(call, (unsigned)LLVMGetNumOperands(call) - 1, x);
      continue;
    }
    if (matters) check_at_call(c, call);
    note_callbacks(c, call);
  }
  mwcc_vec_fini(&calls);
}

static bool has_pointer_param(LLVMValueRef fn) {
  for (LLVMValueRef p = LLVMGetFirstParam(fn); p; p = LLVMGetNextParam(p))
    if (LLVMGetTypeKind(LLVMTypeOf(p)) == LLVMPointerTypeKind) return true;
  return false;
}

void mwcc_name_checked(struct mwcc *c, LLVMValueRef fn) {
  bool replaceable = mwcc_flag_get(c, "PIC Level") && !mwcc_flag_get(c, "PIE Level") &&
                     LLVMGetVisibility(fn) == LLVMDefaultVisibility;
  LLVMTypeRef type = LLVMGlobalGetValueType(fn);
  size_t len;
  const char *name = LLVMGetValueName2(fn, &len);
  char checked[512];
  if (replaceable || LLVMGetLinkage(fn) != LLVMExternalLinkage || LLVMIsFunctionVarArg(type) ||
      LLVMGetComdat(fn) || !has_pointer_param(fn) || len == 0 || len > 400 || name[0] == 1 ||
      strchr(name, '@'))
    return;
  snprintf(checked, sizeof checked, MWCC_CHECKED_PREFIX "%s", name);
  if (LLVMGetNamedFunction(c->mod, checked)) return;
  LLVMValueRef alias = LLVMAddAlias2(c->mod, type, 0, fn, checked);
  LLVMSetVisibility(alias, LLVMHiddenVisibility);
}
