/* SPDX-License-Identifier: MIT */
/*
 * plugin/late.c -- the second half, on the optimised module
 *
 * Job      Order of the late passes on one screen.
 * Promise  [LT1] Runs once a module ("mallow.done" remembers it), after
 *          every optimisation: with -flto that is in the linker, so the
 *          compiler's run only notes that it has passed
 *          ("mallow.prelink").
 * How      clang announces LTO by the module flag EnableSplitLTOUnit.  A full
 *          LTO link calls us at its own last extension point (link_time); a
 *          ThinLTO back end at the ordinary one, and then the note is there.
 */
#include "mallow-cc.h"

bool mwcc_late(LLVMModuleRef mod, int link_time, int speed) {
  struct mwcc c;
  mwcc_init(&c, mod);
  bool for_link = mwcc_flag_get(&c, "EnableSplitLTOUnit") && !link_time;
  bool run = mwcc_flag_get(&c, "mallow") && !mwcc_flag_get(&c, "mallow.done");
  if (run && for_link && !mwcc_flag_get(&c, "mallow.prelink")) {
    mwcc_flag_set(&c, "mallow.prelink");
    run = false;
  }
  if (run) {
    struct mwcc_vec sections = {0};
    mwcc_flag_set(&c, "mallow.done");
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f)) {
      if (!mwcc_instrumented(f)) continue;
      mwcc_lower_tracked(f);
      mwcc_lower_places(&c, f);
      mwcc_mark_pieces(&c, f);
      mwcc_expand(&c, f);
      mwcc_external_calls(&c, f);
      if (speed >= 2) mwcc_fast_allocations(&c, f);
      mwcc_place_text(&c, f, &sections);
    }
    mwcc_settle_places(&c);
    mwcc_polls(&c);
    bool lto = mwcc_flag_get(&c, "mallow.prelink"); /* the linker knows its symbols already */
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f && !lto; f = LLVMGetNextFunction(f))
      if (mwcc_instrumented(f)) mwcc_name_checked(&c, f);
    LLVMValueRef last = LLVMGetLastFunction(mod); /* isolation appends functions */
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f)) {
      if (mwcc_instrumented(f)) {
        mwcc_hold_handed(&c, f); /* before calls lose their names */
        mwcc_lent_calls(&c, f);
        mwcc_isolate_libcalls(&c, f);
        mwcc_keep_frames(f);
      }
      if (f == last) break;
    }
    for (int k = 0; k < MWCC_NMARKERS; k++)
      if (c.marker_fn[k] && !LLVMGetFirstUse(c.marker_fn[k])) {
        LLVMDeleteFunction(c.marker_fn[k]);
        c.marker_fn[k] = NULL;
      }
    LLVMValueRef place = LLVMGetNamedFunction(mod, MWCC_PLACE);
    if (place && !LLVMGetFirstUse(place)) LLVMDeleteFunction(place);
    mwcc_register_module(&c, &sections);
    mwcc_verify(mod);
    mwcc_vec_fini(&sections);
  }
  mwcc_fini(&c);
  return true;
}
