/* SPDX-License-Identifier: MIT */
/*
 * plugin/slow.c -- a test of the thread's flags and the call behind it
 *
 * Job      Emits what barriers, polls and external calls have in common:
 *              if (gs:[offset]) mwi_rt_...(...);    cold
 * How      The call keeps the registers of the fast path (preserve_most).  It
 *          goes to a stub `mwi_slow_...` that is linked into the same file,
 *          hidden, and jumps through the GOT:
 *              jmp *mwi_rt_wb@GOTPCREL(%rip)
 *          A call through the PLT could end in the loader's lazy resolution,
 *          which changes r10; a call through the GOT from the site itself
 *          makes the compiler load the address ahead of the loop, into a
 *          register that the fast path could use.
 */
#include <stdio.h>
#include <string.h>
#include <llvm-c/Comdat.h>
#include "mallow-cc.h"
#include "../src/base/abi.h"

void mwcc_cold_branch(struct mwcc *c, LLVMValueRef br) {
  LLVMMetadataRef weights[] = {
      LLVMMDStringInContext2(c->ctx, "branch_weights", 14),
      LLVMValueAsMetadata(LLVMConstInt(c->t_i32, 1, false)),
      LLVMValueAsMetadata(LLVMConstInt(c->t_i32, 1u << 20, false)),
  };
  LLVMSetMetadata(br, c->md_prof,
                  LLVMMetadataAsValue(c->ctx, LLVMMDNodeInContext2(c->ctx, weights, 3)));
}

void mwcc_set_guarded(struct mwcc *c, LLVMValueRef inst, unsigned offset) {
  LLVMMetadataRef op = LLVMValueAsMetadata(LLVMConstInt(c->t_i32, offset, false));
  LLVMMetadataRef node = LLVMMDNodeInContext2(c->ctx, &op, 1);
  LLVMSetMetadata(inst, c->md_guarded, LLVMMetadataAsValue(c->ctx, node));
}

LLVMBasicBlockRef mwcc_test_byte(struct mwcc *c, LLVMValueRef at, unsigned offset,
                                 const char *name) {
  LLVMBasicBlockRef head = LLVMGetInstructionParent(at);
  LLVMBasicBlockRef rest = mwcc_split_before(at, "");
  LLVMBasicBlockRef cold = LLVMInsertBasicBlockInContext(c->ctx, rest, name);
  LLVMMetadataRef loc = LLVMInstructionGetDebugLoc(at);
  LLVMInstructionEraseFromParent(LLVMGetBasicBlockTerminator(head));
  LLVMPositionBuilderAtEnd(c->b, head);
  LLVMTypeRef gs = LLVMPointerTypeInContext(c->ctx, 256);
  LLVMValueRef addr = LLVMConstIntToPtr(LLVMConstInt(c->t_i64, offset, false), gs);
  LLVMValueRef byte = LLVMBuildLoad2(c->b, c->t_i8, addr, "");
  LLVMSetAlignment(byte, 1);
  LLVMSetVolatile(byte, true);
  LLVMValueRef on = LLVMBuildICmp(c->b, LLVMIntNE, byte, LLVMConstInt(c->t_i8, 0, false), "");
  LLVMValueRef br = LLVMBuildCondBr(c->b, on, cold, rest);
  mwcc_cold_branch(c, br);
  LLVMInstructionSetDebugLoc(byte, loc);
  LLVMInstructionSetDebugLoc(on, loc);
  LLVMInstructionSetDebugLoc(br, loc);
  LLVMPositionBuilderAtEnd(c->b, cold);
  LLVMInstructionSetDebugLoc(LLVMBuildBr(c->b, rest), loc);
  return cold;
}

/* The runtime's entry point itself, called through the GOT. */
static LLVMValueRef entry_point(struct mwcc *c, const char *name, LLVMTypeRef type) {
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, name);
  if (f) return f;
  f = mwcc_runtime_fn(c, name, type);
  LLVMSetFunctionCallConv(f, LLVMPreserveMostCallConv);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "cold", 0);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "nonlazybind", 0);
  return f;
}

LLVMValueRef mwcc_shared_function(struct mwcc *c, const char *name, LLVMTypeRef type) {
  LLVMValueRef f = LLVMAddFunction(c->mod, name, type);
  LLVMSetLinkage(f, LLVMLinkOnceODRLinkage);
  LLVMSetVisibility(f, LLVMHiddenVisibility);
  LLVMSetComdat(f, LLVMGetOrInsertComdat(c->mod, name));
  LLVMSetSection(f, MWI_TEXT_SECTION);
  static const char *const attrs[] = {"noinline", "nounwind", "minsize", "optsize"};
  for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++)
    mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, attrs[i], 0);
  mwcc_set_plain(c, f);
  LLVMPositionBuilderAtEnd(c->b, LLVMAppendBasicBlockInContext(c->ctx, f, ""));
  return f;
}

LLVMValueRef mwcc_slow_function(struct mwcc *c, const char *name, LLVMTypeRef *params,
                                unsigned nparams) {
  LLVMTypeRef type = LLVMFunctionType(c->t_void, params, nparams, false);
  LLVMValueRef f = mwcc_shared_function(c, name, type);
  LLVMSetFunctionCallConv(f, LLVMPreserveMostCallConv);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "cold", 0);
  return f;
}

/* mwi_slow_X for mwi_rt_X. */
static LLVMValueRef stub(struct mwcc *c, const char *name, LLVMTypeRef *params, unsigned nparams) {
  char stub_name[64];
  snprintf(stub_name, sizeof stub_name, "mwi_slow_%s", name + strlen("mwi_rt_"));
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, stub_name), args[4];
  if (f) return f;
  f = mwcc_slow_function(c, stub_name, params, nparams);
  LLVMTypeRef type = LLVMGlobalGetValueType(f);
  for (unsigned i = 0; i < nparams; i++) args[i] = LLVMGetParam(f, i);
  LLVMValueRef call = LLVMBuildCall2(c->b, type, entry_point(c, name, type), args, nparams, "");
  LLVMSetInstructionCallConv(call, LLVMPreserveMostCallConv);
  LLVMSetTailCallKind(call, LLVMTailCallKindMustTail);
  LLVMBuildRetVoid(c->b);
  return f;
}

LLVMValueRef mwcc_cold_call_to(struct mwcc *c, LLVMBasicBlockRef block, LLVMValueRef f,
                               LLVMValueRef *args, unsigned nargs, LLVMValueRef position) {
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(block));
  LLVMValueRef call = LLVMBuildCall2(c->b, LLVMGlobalGetValueType(f), f, args, nargs, "");
  LLVMSetInstructionCallConv(call, LLVMPreserveMostCallConv);
  LLVMInstructionSetDebugLoc(call, LLVMInstructionGetDebugLoc(position));
  mwcc_set_default_loc(call);
  return call;
}

LLVMValueRef mwcc_cold_call(struct mwcc *c, LLVMBasicBlockRef block, const char *name,
                            LLVMValueRef *args, unsigned nargs, LLVMValueRef position) {
  LLVMTypeRef types[4];
  for (unsigned i = 0; i < nargs; i++) types[i] = LLVMTypeOf(args[i]);
  return mwcc_cold_call_to(c, block, stub(c, name, types, nargs), args, nargs, position);
}
