/* SPDX-License-Identifier: MIT */
/*
 * plugin/context.c -- one run over a module: types, markers, attributes
 *
 * Job      Sets up `struct mwcc` and declares the marker functions and the
 *          runtime's entry points with the attributes that say what they do.
 * Promise  [CM1] A marker's declaration tells the optimiser the truth: a store
 *          marker writes through its first argument only and keeps its
 *          second; it also touches memory that nobody else sees, so it is
 *          never merged with, or removed for, a neighbour.
 * Next     expand.c, which makes markers into code.
 */
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include "mallow-cc.h"

static const char *const marker_names[MWCC_NMARKERS] = {
    [MWCC_STORE] = "mwi_mark_store",
    [MWCC_VSTORE] = "mwi_mark_vstore",
    [MWCC_MEMCPY] = "mwi_mark_memcpy",
    [MWCC_VMEMCPY] = "mwi_mark_vmemcpy",
    [MWCC_MEMMOVE] = "mwi_mark_memmove",
    [MWCC_VMEMMOVE] = "mwi_mark_vmemmove",
    [MWCC_MEMSET] = "mwi_mark_memset",
    [MWCC_VMEMSET] = "mwi_mark_vmemset",
    [MWCC_MEMCPY_CHK] = "mwi_mark_memcpy_chk",
    [MWCC_MEMMOVE_CHK] = "mwi_mark_memmove_chk",
    [MWCC_MEMSET_CHK] = "mwi_mark_memset_chk",
    [MWCC_SCALAR_I8] = "mwi_mark_scalar_i8",
    [MWCC_SCALAR_I16] = "mwi_mark_scalar_i16",
    [MWCC_SCALAR_I32] = "mwi_mark_scalar_i32",
    [MWCC_SCALAR_I64] = "mwi_mark_scalar_i64",
    [MWCC_SCALAR_F32] = "mwi_mark_scalar_f32",
    [MWCC_SCALAR_F64] = "mwi_mark_scalar_f64",
    [MWCC_ASTORE] = "mwi_mark_astore",
    [MWCC_ASTORE_I64] = "mwi_mark_astore_i64",
    [MWCC_XCHG] = "mwi_mark_xchg",
    [MWCC_XCHG_I64] = "mwi_mark_xchg_i64",
    [MWCC_CMPXCHG] = "mwi_mark_cmpxchg",
    [MWCC_CMPXCHG_I64] = "mwi_mark_cmpxchg_i64",
    [MWCC_CMPXCHG_I128] = "mwi_mark_cmpxchg_i128",
    [MWCC_XCHG_I128] = "mwi_mark_xchg_i128",
    [MWCC_ASTORE_I128] = "mwi_mark_astore_i128",
};

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
  for (int k = 0; k < MWCC_NMARKERS; k++)
    c->marker_fn[k] = LLVMGetNamedFunction(mod, marker_names[k]);
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

LLVMTypeRef mwcc_marker_type(struct mwcc *c, enum mwcc_marker kind) {
  LLVMTypeRef p = c->t_ptr, n = c->t_i64, o = c->t_i32;
  LLVMTypeRef ret = c->t_void, args[4] = {p, p, n, n};
  unsigned nargs = 3;
  switch (kind) {
  case MWCC_STORE:
  case MWCC_VSTORE:
    nargs = 2;
    break;
  case MWCC_MEMSET:
  case MWCC_VMEMSET:
    args[1] = c->t_i8;
    break;
  case MWCC_SCALAR_I8:
  case MWCC_SCALAR_I16:
  case MWCC_SCALAR_I32:
  case MWCC_SCALAR_I64:
  case MWCC_SCALAR_F32:
  case MWCC_SCALAR_F64: {
    LLVMTypeRef numbers[] = {
        c->t_i8,  LLVMInt16TypeInContext(c->ctx), c->t_i32,
        c->t_i64, LLVMFloatTypeInContext(c->ctx), LLVMDoubleTypeInContext(c->ctx)};
    args[1] = numbers[kind - MWCC_SCALAR_I8];
    args[2] = c->t_i1;
    break;
  }
  case MWCC_MEMCPY_CHK:
  case MWCC_MEMMOVE_CHK:
    nargs = 4;
    break;
  case MWCC_MEMSET_CHK:
    args[1] = c->t_i32;
    nargs = 4;
    break;
  case MWCC_ASTORE:
  case MWCC_ASTORE_I64:
  case MWCC_ASTORE_I128:
  case MWCC_XCHG:
  case MWCC_XCHG_I64:
  case MWCC_XCHG_I128:
  case MWCC_CMPXCHG:
  case MWCC_CMPXCHG_I64:
  case MWCC_CMPXCHG_I128: {
    bool cas = kind == MWCC_CMPXCHG || kind == MWCC_CMPXCHG_I64 || kind == MWCC_CMPXCHG_I128;
    bool store = kind == MWCC_ASTORE || kind == MWCC_ASTORE_I64 || kind == MWCC_ASTORE_I128;
    LLVMTypeRef v = kind == MWCC_ASTORE || kind == MWCC_XCHG || kind == MWCC_CMPXCHG ? p
                    : kind == MWCC_ASTORE_I64 || kind == MWCC_XCHG_I64 || kind == MWCC_CMPXCHG_I64
                        ? n
                        : c->t_i128;
    args[1] = v;
    args[2] = cas ? v : o;
    args[3] = o;
    nargs = cas ? 4 : 3;
    LLVMTypeRef pair[2] = {v, c->t_i1};
    if (!store) ret = cas ? LLVMStructTypeInContext(c->ctx, pair, 2, false) : v;
    break;
  }
  default:
    break;
  }
  return LLVMFunctionType(ret, args, nargs, false);
}

/* Bytes in the middle of the `memory` attribute: see llvm_compat.h. */
static uint64_t memory(unsigned arg, unsigned inaccessible) {
  return (uint64_t)arg << MWCC_MEM_ARG_SHIFT | (uint64_t)inaccessible << MWCC_MEM_INACC_SHIFT;
}

LLVMValueRef mwcc_marker_decl(struct mwcc *c, enum mwcc_marker kind) {
  if (c->marker_fn[kind]) return c->marker_fn[kind];
  LLVMValueRef f = LLVMAddFunction(c->mod, marker_names[kind], mwcc_marker_type(c, kind));
  c->marker_fn[kind] = f;
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  mwcc_fn_attr(c, f, fn, "nounwind", 0);
  mwcc_fn_attr(c, f, fn, "willreturn", 0);
  mwcc_fn_attr(c, f, fn, "nocallback", 0);
  mwcc_fn_attr(c, f, fn, "nofree", 0);
  /* A store that is a call: the inliner should see a store. */
  mwcc_fn_attr_str(c, f, "call-inline-cost", "10");
  mwcc_fn_attr(c, f, 1, MWCC_NOCAPTURE, 0);
  switch (kind) {
  case MWCC_STORE:
    mwcc_fn_attr(c, f, fn, "memory", memory(/* write */ 2, /* read, write */ 3));
    mwcc_fn_attr(c, f, 1, "writeonly", 0);
    mwcc_fn_attr(c, f, 2, "readnone", 0);
    break;
  case MWCC_MEMCPY:
  case MWCC_MEMMOVE:
  case MWCC_MEMCPY_CHK:
  case MWCC_MEMMOVE_CHK:
    mwcc_fn_attr(c, f, 2, MWCC_NOCAPTURE, 0);
    mwcc_fn_attr(c, f, 2, "readonly", 0);
    mwcc_fn_attr(c, f, fn, "memory", memory(3, 3));
    mwcc_fn_attr(c, f, 1, "writeonly", 0);
    break;
  case MWCC_VMEMCPY:
  case MWCC_VMEMMOVE:
    mwcc_fn_attr(c, f, 2, MWCC_NOCAPTURE, 0);
    break;
  case MWCC_SCALAR_I8:
  case MWCC_SCALAR_I16:
  case MWCC_SCALAR_I32:
  case MWCC_SCALAR_I64:
  case MWCC_SCALAR_F32:
  case MWCC_SCALAR_F64:
  case MWCC_MEMSET:
  case MWCC_MEMSET_CHK:
    mwcc_fn_attr(c, f, fn, "memory", memory(2, 3));
    mwcc_fn_attr(c, f, 1, "writeonly", 0);
    break;
  default:
    break; /* volatile and atomic: any memory */
  }
  return f;
}

enum mwcc_marker mwcc_marker_of(const struct mwcc *c, LLVMValueRef inst) {
  if (LLVMGetInstructionOpcode(inst) != LLVMCall) return MWCC_NOT_A_MARKER;
  LLVMValueRef f = LLVMGetCalledValue(inst);
  if (!LLVMIsAFunction(f)) return MWCC_NOT_A_MARKER;
  for (int k = 0; k < MWCC_NMARKERS; k++)
    if (c->marker_fn[k] == f) return (enum mwcc_marker)k;
  return MWCC_NOT_A_MARKER;
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
