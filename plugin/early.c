/* SPDX-License-Identifier: MIT */
/*
 * plugin/early.c -- the first half, on what clang has just generated
 *
 * Job      Order of the early passes on one screen.
 * Promise  [EY1] Runs once a module, before any optimisation, at -O0 too;
 *          the module flag "mallow" remembers it (bitcode compiled again).
 */
#include <string.h>
#include "escape.h"

/* What the emitted code and the runtime are made for. */
static bool supported_target(struct mwcc *c) {
  const char *triple = LLVMGetTarget(c->mod);
  if (strncmp(triple, "x86_64-", 7) == 0 && strstr(triple, "linux") && LLVMPointerSize(c->td) == 8)
    return true;
  LLVMValueRef f = LLVMGetFirstFunction(c->mod);
  if (f) mwcc_report(f, MWCC_ERROR, "mallow compiles for x86-64 Linux only, not for %s", triple);
  return false;
}

/* C++ frees by itself what would have moved to the heap, and keeps what it throws for the
 * thread.  A file of it without exceptions or names of its own is as good as C. */
static bool is_c(struct mwcc *c) {
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f)) {
    size_t len;
    bool mangled = LLVMCountBasicBlocks(f) && strncmp(LLVMGetValueName2(f, &len), "_Z", 2) == 0;
    bool throws =
        LLVMHasPersonalityFn(f) && mwcc_name_is(LLVMGetPersonalityFn(f), "__gxx_personality_v0");
    if (!mangled && !throws) continue;
    mwcc_report(
        f, MWCC_ERROR,
        "mallow compiles C, and this is C++: compile it apart from C, without mallow's flags "
        "(mallow cc, for C++ files alone, leaves them out)");
    return false;
  }
  return true;
}

/* The loader calls these before any thread has its control block. */
static void set_resolvers_apart(struct mwcc *c) {
  for (LLVMValueRef i = LLVMGetFirstGlobalIFunc(c->mod); i; i = LLVMGetNextGlobalIFunc(i)) {
    LLVMValueRef f = LLVMGetGlobalIFuncResolver(i);
    if (f && LLVMIsAFunction(f)) mwcc_set_plain(c, f);
  }
}

bool mwcc_early(LLVMModuleRef mod, int optimised) {
  struct mwcc c;
  mwcc_init(&c, mod);
  bool first = !mwcc_flag_get(&c, "mallow") && supported_target(&c) && is_c(&c);
  if (first) {
    mwcc_flag_set(&c, "mallow");
    set_resolvers_apart(&c);
    mwcc_typed_allocations(&c);
    c.optimised = optimised;
    c.tracks_vars = mwcc_tracks_vars(mod, optimised);
    mwcc_escape_early(&c, optimised);
    if (c.tracks_vars) mwcc_track_rest(mod);
    mwcc_libc_calls(&c);
    mwcc_warn_thread_locals(&c);
    c.has_tbaa = mwcc_module_has_tbaa(&c);
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f))
      if (mwcc_instrumented(f) && mwcc_options()->barriers) mwcc_mark_stores(&c, f);
    mwcc_user_main(&c);
    mwcc_drop_extras(mod);
  }
  mwcc_fini(&c);
  return first;
}
