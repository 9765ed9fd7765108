/* SPDX-License-Identifier: MIT */
/*
 * plugin/early.c -- the first half, on what clang has just generated
 *
 * Job      Order of the early passes on one screen.
 * Promise  [E1] Runs once a module, before any optimisation, at -O0 too;
 *          the module flag "mallow" remembers it (bitcode compiled again).
 */
#include "mallow-cc.h"

bool mwcc_early(LLVMModuleRef mod) {
  struct mwcc c;
  mwcc_init(&c, mod);
  bool first = !mwcc_flag_get(&c, "mallow");
  if (first) {
    mwcc_flag_set(&c, "mallow");
    mwcc_typed_allocations(&c);
    mwcc_libc_calls(&c);
    mwcc_warn_thread_locals(&c);
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f))
      if (mwcc_instrumented(f) && mwcc_options()->barriers) mwcc_mark_stores(&c, f);
    mwcc_user_main(&c);
  }
  mwcc_fini(&c);
  return first;
}
