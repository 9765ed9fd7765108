/* SPDX-License-Identifier: MIT */
/*
 * plugin/text.c -- instrumented functions go to the section "mw_text", their frames are probed
 *
 * Job      The runtime tells instrumented code from external code by address,
 *          so all of it lies in sections whose bounds the linker names.  And no
 *          frame is so large that its stack overflows without anybody noticing.
 * How      A function without a section gets mw_text; one that the user put
 *          into a section with a C identifier's name stays there, and that
 *          section is registered as a second range; names that begin with
 *          ".text" only order code and are replaced.  Any other name has no
 *          bounds and is an error.
 */
#include <ctype.h>
#include <string.h>
#include "mallow-cc.h"

static bool is_identifier(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  while (isalnum((unsigned char)*s) || *s == '_') s++;
  return *s == 0;
}

static void remember(struct mwcc_vec *sections, const char *name) {
  for (size_t i = 0; i < sections->len; i++)
    if (strcmp(sections->at[i], name) == 0) return;
  mwcc_vec_push(sections, (void *)(uintptr_t)name);
}

/* A frame larger than a page touches each of its pages on the way down, so that it
 * meets the guard below a stack ([S1] of sched/stack_slot.h) instead of stepping over it. */
static void probe(struct mwcc *c, LLVMValueRef fn) {
  static const char name[] = "probe-stack";
  if (LLVMGetStringAttributeAtIndex(fn, LLVMAttributeFunctionIndex, name, sizeof name - 1))
    return; /* -fstack-clash-protection */
  mwcc_fn_attr_str(c, fn, name, "inline-asm");
  mwcc_fn_attr_str(c, fn, "stack-probe-size", "4096");
}

void mwcc_place_text(struct mwcc *c, LLVMValueRef fn, struct mwcc_vec *sections) {
  const char *s = LLVMGetSection(fn);
  mwcc_fn_attr_str(c, fn, "frame-pointer", "all");
  probe(c, fn);
  if (!s || !*s || strncmp(s, ".text", 5) == 0) {
    LLVMSetSection(fn, "mw_text");
    remember(sections, "mw_text");
  } else if (is_identifier(s)) {
    remember(sections, s);
  } else {
    mwcc_report(fn, MWCC_ERROR,
                "section \"%s\": the runtime finds code only in sections whose names are C "
                "identifiers",
                s);
  }
}
