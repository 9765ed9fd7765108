/* SPDX-License-Identifier: MIT */
/*
 * plugin/context.c -- one run over a module: types, attributes, the runtime's entry points
 *
 * Next     marker.c, which declares the markers.
 */
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include "mallow-cc.h"

static unsigned md_kind(LLVMContextRef ctx, const char *name) {
  return LLVMGetMDKindIDInContext(ctx, name, (unsigned)strlen(name));
}

void mwcc_init(struct mwcc *c, LLVMModuleRef mod) {
  *c = (struct mwcc){.mod = mod, .ctx = LLVMGetModuleContext(mod)};
  c->td = LLVMGetModuleDataLayout(mod);
  c->b = LLVMCreateBuilderInContext(c->ctx);
  c->t_void = LLVMVoidTypeInContext(c->ctx);
  c->t_ptr = LLVMPointerTypeInContext(c->ctx, 0);
  c->t_i1 = LLVMInt1TypeInContext(c->ctx);
  c->t_i8 = LLVMInt8TypeInContext(c->ctx);
  c->t_i32 = LLVMInt32TypeInContext(c->ctx);
  c->t_i64 = LLVMInt64TypeInContext(c->ctx);
  c->t_i128 = LLVMInt128TypeInContext(c->ctx);
  c->md_tbaa = md_kind(c->ctx, "tbaa");
  c->md_tbaa_struct = md_kind(c->ctx, "tbaa.struct");
  c->md_prof = md_kind(c->ctx, "prof");
  c->md_scope = md_kind(c->ctx, "alias.scope");
  c->md_noalias = md_kind(c->ctx, "noalias");
  c->md_guarded = md_kind(c->ctx, "mallow.guarded");
  mwcc_markers_find(c);
}

void mwcc_fini(struct mwcc *c) {
  LLVMDisposeBuilder(c->b);
  mwcc_map_fini(&c->captured);
  mwcc_map_fini(&c->layouts);
  mwcc_map_fini(&c->masks);
}

static unsigned attr_kind(const char *name) {
  return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

void mwcc_fn_attr(struct mwcc *c, LLVMValueRef fn, unsigned index, const char *name,
                  uint64_t value) {
  LLVMAddAttributeAtIndex(fn, index, LLVMCreateEnumAttribute(c->ctx, attr_kind(name), value));
}

void mwcc_fn_attr_str(struct mwcc *c, LLVMValueRef fn, const char *name, const char *value) {
  LLVMAddAttributeAtIndex(fn, LLVMAttributeFunctionIndex,
                          LLVMCreateStringAttribute(c->ctx, name, (unsigned)strlen(name), value,
                                                    (unsigned)strlen(value)));
}

void mwcc_same_target(LLVMValueRef f, LLVMValueRef like) {
  static const char *const names[] = {"target-cpu", "target-features", "tune-cpu"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    LLVMAttributeRef a = LLVMGetStringAttributeAtIndex(like, (unsigned)LLVMAttributeFunctionIndex,
                                                       names[i], (unsigned)strlen(names[i]));
    if (a) LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, a);
  }
}

void mwcc_call_attr(struct mwcc *c, LLVMValueRef call, unsigned index, const char *name,
                    uint64_t value) {
  LLVMAddCallSiteAttribute(call, index, LLVMCreateEnumAttribute(c->ctx, attr_kind(name), value));
}

bool mwcc_call_has_attr(LLVMValueRef call, unsigned index, const char *name) {
  return LLVMGetCallSiteEnumAttribute(call, index, attr_kind(name)) != NULL;
}

bool mwcc_fn_has_attr(LLVMValueRef fn, unsigned index, const char *name) {
  return LLVMGetEnumAttributeAtIndex(fn, index, attr_kind(name)) != NULL;
}

/* From LLVM 21 on the attribute's value says what is captured; 0: nothing. */
static bool captures_nothing(LLVMAttributeRef a) {
  return a && LLVMGetEnumAttributeValue(a) == 0;
}

bool mwcc_not_captured(LLVMValueRef call, LLVMValueRef f, unsigned index) {
  unsigned kind = attr_kind(MWCC_NOCAPTURE);
  return captures_nothing(LLVMGetCallSiteEnumAttribute(call, index, kind)) ||
         (f && captures_nothing(LLVMGetEnumAttributeAtIndex(f, index, kind)));
}

void mwcc_copy_metadata(struct mwcc *c, LLVMValueRef to, LLVMValueRef from) {
  const unsigned kinds[] = {c->md_tbaa, c->md_tbaa_struct, c->md_scope, c->md_noalias};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    LLVMValueRef md = LLVMGetMetadata(from, kinds[i]);
    if (md) LLVMSetMetadata(to, kinds[i], md);
  }
  LLVMInstructionSetDebugLoc(to, LLVMInstructionGetDebugLoc(from));
}

LLVMValueRef mwcc_runtime_fn(struct mwcc *c, const char *name, LLVMTypeRef type) {
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, name);
  if (f) return f;
  f = LLVMAddFunction(c->mod, name, type);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
  return f;
}

bool mwcc_is_call(LLVMValueRef inst) {
  LLVMOpcode op = LLVMGetInstructionOpcode(inst);
  return op == LLVMCall || op == LLVMInvoke || op == LLVMCallBr;
}

LLVMValueRef mwcc_callee(LLVMValueRef inst) {
  if (!mwcc_is_call(inst)) return NULL;
  LLVMValueRef f = LLVMGetCalledValue(inst);
  for (int depth = 0; f && depth < 4; depth++) {
    if (LLVMIsAGlobalAlias(f))
      f = LLVMAliasGetAliasee(f);
    else if (LLVMIsAConstantExpr(f) && LLVMGetConstOpcode(f) == LLVMBitCast)
      f = LLVMGetOperand(f, 0);
    else
      break;
  }
  return f && LLVMIsAFunction(f) ? f : NULL;
}

bool mwcc_name_is(LLVMValueRef v, const char *name) {
  size_t n;
  const char *s = LLVMGetValueName2(v, &n);
  return n == strlen(name) && memcmp(s, name, n) == 0;
}

bool mwcc_const_u64(LLVMValueRef v, uint64_t *out) {
  if (!LLVMIsAConstantInt(v) || LLVMGetIntTypeWidth(LLVMTypeOf(v)) > 64) return false;
  *out = LLVMConstIntGetZExtValue(v);
  return true;
}

void mwcc_set_plain(struct mwcc *c, LLVMValueRef fn) {
  mwcc_fn_attr_str(c, fn, "mallow-plain", "");
}

bool mwcc_instrumented(LLVMValueRef fn) {
  return LLVMCountBasicBlocks(fn) > 0 &&
         !mwcc_fn_has_attr(fn, (unsigned)LLVMAttributeFunctionIndex, "naked") &&
         LLVMGetStringAttributeAtIndex(fn, (unsigned)LLVMAttributeFunctionIndex, "mallow-plain",
                                       12) == NULL;
}

bool mwcc_runtime_name(const char *name) {
  return strncmp(name, "mwi_", 4) == 0 || strncmp(name, "mw_", 3) == 0;
}

bool mwcc_flag_get(struct mwcc *c, const char *name) {
  return LLVMGetModuleFlag(c->mod, name, strlen(name)) != NULL;
}

void mwcc_flag_set(struct mwcc *c, const char *name) {
  if (mwcc_flag_get(c, name)) return;
  LLVMAddModuleFlag(c->mod, LLVMModuleFlagBehaviorOverride, name, strlen(name),
                    LLVMValueAsMetadata(LLVMConstInt(c->t_i32, 1, false)));
}

void mwcc_report(LLVMValueRef at, int severity, const char *format, ...) {
  char text[512];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  mwcc_report_text(at, severity, text);
}
