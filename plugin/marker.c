/* SPDX-License-Identifier: MIT */
/*
 * plugin/marker.c -- the functions that stand for stores until the late half
 *
 * Job      One table of them: what each is called and what it does; from that its type, and its
 *          declaration with the attributes that tell the optimiser.
 * Promise  [CM1] A marker's declaration tells the optimiser the truth: a store
 *          marker writes through its first argument only and keeps its
 *          second; it also touches memory that nobody else sees, so it is
 *          never merged with, or removed for, a neighbour.
 * Next     expand.c, which makes markers into code.
 */
#include "mallow-cc.h"

/* The type of what is stored, where it is one value. */
enum value { NONE, PTR, I8, I16, I32, I64, I128, F32, F64 };
enum { VOLATILE = 1, CHECKED = 2 }; /* checked: one more argument, the room that there is */

static const struct {
  const char *name;
  enum mwcc_does does;
  enum value value;
  int flags;
} markers[MWCC_NMARKERS] = {
    [MWCC_STORE] = {"mwi_mark_store", MWCC_STORES, PTR, 0},
    [MWCC_VSTORE] = {"mwi_mark_vstore", MWCC_STORES, PTR, VOLATILE},
    [MWCC_MEMCPY] = {"mwi_mark_memcpy", MWCC_COPIES, NONE, 0},
    [MWCC_VMEMCPY] = {"mwi_mark_vmemcpy", MWCC_COPIES, NONE, VOLATILE},
    [MWCC_MEMMOVE] = {"mwi_mark_memmove", MWCC_COPIES, NONE, 0},
    [MWCC_VMEMMOVE] = {"mwi_mark_vmemmove", MWCC_COPIES, NONE, VOLATILE},
    [MWCC_MEMSET] = {"mwi_mark_memset", MWCC_SETS, I8, 0},
    [MWCC_VMEMSET] = {"mwi_mark_vmemset", MWCC_SETS, I8, VOLATILE},
    [MWCC_MEMCPY_CHK] = {"mwi_mark_memcpy_chk", MWCC_COPIES, NONE, CHECKED},
    [MWCC_MEMMOVE_CHK] = {"mwi_mark_memmove_chk", MWCC_COPIES, NONE, CHECKED},
    [MWCC_MEMSET_CHK] = {"mwi_mark_memset_chk", MWCC_SETS, I32, CHECKED},
    [MWCC_SCALAR_I8] = {"mwi_mark_scalar_i8", MWCC_STORES_NUMBER, I8, 0},
    [MWCC_SCALAR_I16] = {"mwi_mark_scalar_i16", MWCC_STORES_NUMBER, I16, 0},
    [MWCC_SCALAR_I32] = {"mwi_mark_scalar_i32", MWCC_STORES_NUMBER, I32, 0},
    [MWCC_SCALAR_I64] = {"mwi_mark_scalar_i64", MWCC_STORES_NUMBER, I64, 0},
    [MWCC_SCALAR_F32] = {"mwi_mark_scalar_f32", MWCC_STORES_NUMBER, F32, 0},
    [MWCC_SCALAR_F64] = {"mwi_mark_scalar_f64", MWCC_STORES_NUMBER, F64, 0},
    [MWCC_ASTORE] = {"mwi_mark_astore", MWCC_STORES_ATOMIC, PTR, 0},
    [MWCC_ASTORE_I64] = {"mwi_mark_astore_i64", MWCC_STORES_ATOMIC, I64, 0},
    [MWCC_ASTORE_I128] = {"mwi_mark_astore_i128", MWCC_STORES_ATOMIC, I128, 0},
    [MWCC_XCHG] = {"mwi_mark_xchg", MWCC_EXCHANGES, PTR, 0},
    [MWCC_XCHG_I64] = {"mwi_mark_xchg_i64", MWCC_EXCHANGES, I64, 0},
    [MWCC_XCHG_I128] = {"mwi_mark_xchg_i128", MWCC_EXCHANGES, I128, 0},
    [MWCC_CMPXCHG] = {"mwi_mark_cmpxchg", MWCC_COMPARES, PTR, 0},
    [MWCC_CMPXCHG_I64] = {"mwi_mark_cmpxchg_i64", MWCC_COMPARES, I64, 0},
    [MWCC_CMPXCHG_I128] = {"mwi_mark_cmpxchg_i128", MWCC_COMPARES, I128, 0},
};

enum mwcc_does mwcc_does(enum mwcc_marker kind) {
  return kind == MWCC_NOT_A_MARKER ? MWCC_NOTHING : markers[kind].does;
}

void mwcc_markers_find(struct mwcc *c) {
  for (int k = 0; k < MWCC_NMARKERS; k++)
    c->marker_fn[k] = LLVMGetNamedFunction(c->mod, markers[k].name);
}

static LLVMTypeRef value_type(struct mwcc *c, enum value v) {
  switch (v) {
  case I8:
    return c->t_i8;
  case I16:
    return LLVMInt16TypeInContext(c->ctx);
  case I32:
    return c->t_i32;
  case I64:
    return c->t_i64;
  case I128:
    return c->t_i128;
  case F32:
    return LLVMFloatTypeInContext(c->ctx);
  case F64:
    return LLVMDoubleTypeInContext(c->ctx);
  default:
    return c->t_ptr; /* copies: from where */
  }
}

LLVMTypeRef mwcc_marker_type(struct mwcc *c, enum mwcc_marker kind) {
  LLVMTypeRef v = value_type(c, markers[kind].value), ret = c->t_void;
  LLVMTypeRef args[4] = {c->t_ptr, v};
  unsigned n = 2;
  switch (markers[kind].does) {
  case MWCC_COPIES:
  case MWCC_SETS:
    args[n++] = c->t_i64;
    if (markers[kind].flags & CHECKED) args[n++] = c->t_i64;
    break;
  case MWCC_STORES_NUMBER:
    args[n++] = c->t_i1;
    break;
  case MWCC_STORES_ATOMIC:
    args[n++] = c->t_i32;
    break;
  case MWCC_EXCHANGES:
    args[n++] = c->t_i32;
    ret = v;
    break;
  case MWCC_COMPARES: {
    LLVMTypeRef pair[2] = {v, c->t_i1};
    args[n++] = v;
    args[n++] = c->t_i32;
    ret = LLVMStructTypeInContext(c->ctx, pair, 2, false);
    break;
  }
  default:
    break;
  }
  return LLVMFunctionType(ret, args, n, false);
}

/* Bytes in the middle of the `memory` attribute: see llvm_compat.h. */
static uint64_t memory(unsigned arg, unsigned inaccessible) {
  return (uint64_t)arg << MWCC_MEM_ARG_SHIFT | (uint64_t)inaccessible << MWCC_MEM_INACC_SHIFT;
}

LLVMValueRef mwcc_marker_decl(struct mwcc *c, enum mwcc_marker kind) {
  if (c->marker_fn[kind]) return c->marker_fn[kind];
  enum { READ = 1, WRITE = 2 };
  LLVMValueRef f = LLVMAddFunction(c->mod, markers[kind].name, mwcc_marker_type(c, kind));
  c->marker_fn[kind] = f;
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  mwcc_fn_attr(c, f, fn, "nounwind", 0);
  mwcc_fn_attr(c, f, fn, "willreturn", 0);
  mwcc_fn_attr(c, f, fn, "nocallback", 0);
  mwcc_fn_attr(c, f, fn, "nofree", 0);
  /* A store that is a call: the inliner should see a store. */
  mwcc_fn_attr_str(c, f, "call-inline-cost", "10");
  mwcc_fn_attr(c, f, 1, MWCC_NOCAPTURE, 0);
  enum mwcc_does does = markers[kind].does;
  if (does == MWCC_COPIES) mwcc_fn_attr(c, f, 2, MWCC_NOCAPTURE, 0);
  if ((markers[kind].flags & VOLATILE) || does >= MWCC_STORES_ATOMIC) return f; /* any memory */
  unsigned arg = does == MWCC_COPIES ? READ | WRITE : WRITE;
  mwcc_fn_attr(c, f, fn, "memory", memory(arg, READ | WRITE));
  mwcc_fn_attr(c, f, 1, "writeonly", 0);
  if (does == MWCC_COPIES) mwcc_fn_attr(c, f, 2, "readonly", 0);
  if (does == MWCC_STORES) mwcc_fn_attr(c, f, 2, "readnone", 0);
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
