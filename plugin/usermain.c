/* SPDX-License-Identifier: MIT */
/*
 * plugin/usermain.c -- the program's main becomes the main goroutine
 *
 * Job      Renames a definition of main to mw_user_main and emits a new main
 *          that hands it to the runtime:
 *              int main(int argc, char **argv, char **envp) {
 *                return mwi_rt_main(mw_user_main, argc, argv, envp);
 *              }
 * How      The new main is not instrumented: it runs on the thread's own stack
 *          before there is a goroutine.  A main of another type (no arguments,
 *          two, no result) gets an adapter.  The debugger still knows the
 *          user's function as main: its DISubprogram keeps the name.
 */
#include <string.h>
#include "mallow-cc.h"

static void common_attributes(struct mwcc *c, LLVMValueRef f, LLVMValueRef like) {
  mwcc_same_target(f, like);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "uwtable", 2);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
  mwcc_fn_attr_str(c, f, "frame-pointer", "all");
}

/* int (int, char **, char **) that calls the user's main with what it takes. */
static LLVMValueRef adapter(struct mwcc *c, LLVMValueRef user, LLVMTypeRef type) {
  LLVMTypeRef ut = LLVMGlobalGetValueType(user);
  if (ut == type) return user;
  /* inlined into a function without debug information, its lines would be lost */
  mwcc_fn_attr(c, user, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
  LLVMValueRef f = LLVMAddFunction(c->mod, "mw_user_main_adapter", type);
  LLVMSetLinkage(f, LLVMInternalLinkage);
  common_attributes(c, f, user);
  LLVMBasicBlockRef b = LLVMAppendBasicBlockInContext(c->ctx, f, "entry");
  LLVMPositionBuilderAtEnd(c->b, b);
  LLVMTypeRef params[3];
  LLVMValueRef args[3];
  unsigned n = LLVMCountParamTypes(ut);
  if (n > 3) n = 3;
  LLVMGetParamTypes(ut, params);
  for (unsigned i = 0; i < n; i++) {
    args[i] = LLVMGetParam(f, i);
    if (LLVMTypeOf(args[i]) != params[i]) args[i] = LLVMConstNull(params[i]);
  }
  LLVMValueRef r = LLVMBuildCall2(c->b, ut, user, args, n, "");
  bool whole = LLVMTypeOf(r) == c->t_i32;
  LLVMBuildRet(c->b, whole ? r : LLVMConstInt(c->t_i32, 0, false));
  return f;
}

void mwcc_user_main(struct mwcc *c) {
  LLVMValueRef user = LLVMGetNamedFunction(c->mod, "main");
  if (!user || !LLVMCountBasicBlocks(user) || LLVMCountParamTypes(LLVMGlobalGetValueType(user)) > 3)
    return;
  LLVMTypeRef p = c->t_ptr, params[4] = {c->t_i32, p, p};
  LLVMTypeRef type = LLVMFunctionType(c->t_i32, params, 3, false);
  LLVMSetValueName2(user, "mw_user_main", 12);
  LLVMSetVisibility(user, LLVMDefaultVisibility);
  LLVMSetLinkage(user, LLVMInternalLinkage);
  LLVMValueRef target = adapter(c, user, type);

  LLVMTypeRef rt_params[4] = {p, c->t_i32, p, p};
  LLVMTypeRef rt_type = LLVMFunctionType(c->t_i32, rt_params, 4, false);
  LLVMValueRef rt = LLVMGetNamedFunction(c->mod, "mwi_rt_main");
  if (!rt) rt = LLVMAddFunction(c->mod, "mwi_rt_main", rt_type);
  LLVMValueRef f = LLVMAddFunction(c->mod, "main", type);
  common_attributes(c, f, user);
  mwcc_set_plain(c, f);
  LLVMPositionBuilderAtEnd(c->b, LLVMAppendBasicBlockInContext(c->ctx, f, "entry"));
  LLVMValueRef args[4] = {target, LLVMGetParam(f, 0), LLVMGetParam(f, 1), LLVMGetParam(f, 2)};
  LLVMBuildRet(c->b, LLVMBuildCall2(c->b, rt_type, rt, args, 4, ""));
}
