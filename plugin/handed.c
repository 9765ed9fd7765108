/* SPDX-License-Identifier: MIT */
/*
 * plugin/handed.c -- what libc is handed lives until libc is done with it
 *
 * Job      A thread can be stopped inside a function of libc's, and a cycle can pass meanwhile.
 *          What the function still reads may then be known to nobody but the function: in
 *          strcmp(text_of(x), y) the caller has no use for the text any more.  And libc is free to
 *          know it in its own way: memmove and strcmp have the difference of two addresses for some
 *          instructions, rawmemchr an address rounded down and less the length of a turn.
 * Promise  [HA1] Behind a call of a function of libc's that keeps no pointer (libc.c: harmless)
 *          the caller still has each pointer that it has handed it: in a register that calls
 *          preserve, or in its frame, where the collector finds it.
 * How      An empty piece of assembly behind the call, with the pointer as its operand.  So
 *          the call is no function's last act, either: its frame is there.
 * Exempt   What is on the own stack, static or constant; copies of a constant length that become
 *          loads and stores, between which nobody stops; a call's seventeenth object and those
 *          after it; functions that the plugin does not know, which may go on for as long as the
 *          program does: their argument, the head of a list perhaps, must not be kept for
 *          so long.
 */
#include <string.h>
#include "mallow-cc.h"

/* Longer ones are calls, or string instructions; the back end may make calls of shorter ones too,
 * where it is asked for small code. */
enum { SURELY_INLINE = 16, MAX_HELD = 16 };

static bool is_copy(LLVMValueRef f) {
  static const char *const copies[] = {"llvm.memcpy.", "llvm.memmove.", "llvm.memset."};
  for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++)
    if (strncmp(LLVMGetValueName(f), copies[i], strlen(copies[i])) == 0) return true;
  return false;
}

/* Of libc's functions that keep nothing, by its own name or the runtime's, one that is called. */
static bool reads_and_returns(LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  if (!f || LLVMCountBasicBlocks(f) || LLVMIsACallBrInst(call)) return false;
  if (LLVMIsACallInst(call) && LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail) return false;
  if (!LLVMGetIntrinsicID(f)) return mwcc_harmless(mwcc_libc_name(LLVMGetValueName(f)));
  uint64_t n;
  return is_copy(f) && !(mwcc_const_u64(LLVMGetOperand(call, 2), &n) && n <= SURELY_INLINE);
}

static bool is_object(LLVMValueRef v) {
  LLVMTypeRef t = LLVMTypeOf(v);
  return LLVMGetTypeKind(t) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(t) == 0 &&
         !mwcc_stack_or_const(v) && !LLVMIsAGlobalValue(mwcc_base(v));
}

static void hold(struct mwcc *c, LLVMValueRef p, LLVMValueRef call) {
  LLVMTypeRef type = LLVMFunctionType(c->t_void, &c->t_ptr, 1, false);
  LLVMValueRef nothing =
      LLVMGetInlineAsm(type, "", 0, "r", 1, true, false, LLVMInlineAsmDialectATT, false);
  LLVMValueRef made = LLVMBuildCall2(c->b, type, nothing, &p, 1, "");
  mwcc_call_attr(c, made, LLVMAttributeFunctionIndex, "nounwind", 0);
  LLVMInstructionSetDebugLoc(made, LLVMInstructionGetDebugLoc(call));
}

static void hold_all(struct mwcc *c, LLVMValueRef call) {
  unsigned n = LLVMGetNumArgOperands(call), held = 0;
  LLVMValueRef objects[MAX_HELD];
  for (unsigned k = 0; k < n && held < MAX_HELD; k++)
    if (is_object(LLVMGetOperand(call, k))) objects[held++] = LLVMGetOperand(call, k);
  if (!held) return;
  LLVMPositionBuilderBefore(c->b, LLVMIsACallInst(call)
                                      ? LLVMGetNextInstruction(call)
                                      : LLVMGetBasicBlockTerminator(mwcc_after_invoke(call)));
  for (unsigned k = 0; k < held; k++) hold(c, objects[k], call);
}

void mwcc_hold_handed(struct mwcc *c, LLVMValueRef fn) {
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_is_call(i) && reads_and_returns(i)) mwcc_vec_push(&calls, i);
  for (size_t k = 0; k < calls.len; k++) hold_all(c, calls.at[k]);
  mwcc_vec_fini(&calls);
}
