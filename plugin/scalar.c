/* SPDX-License-Identifier: MIT */
/*
 * plugin/scalar.c -- numbers stored over what may be a pointer
 *
 * Job      A number stored into a union can overwrite a pointer, and the
 *          collector wants the old value then as well.
 * How      LLVM IR does not say "member of a union"; these do:
 *          - an address computed as a field whose type is a union;
 *          - alias information: clang gives members of unions the access type
 *            of char, with no struct around it.  A real char is one byte, so
 *            wider stores of that access type are of unions (or of variables
 *            declared may_alias);
 *          - in a module without alias information (-O0, -fno-strict-aliasing) any number
 *            of 4 or 8 bytes may be one, unless it is an element of an
 *            array of numbers.
 * Left out one byte stored through a pointer to a union itself: it looks like
 *          any char, and strings are too many.  With -fgc-malloc pieces.c sees it.
 */
#include <string.h>
#include "mallow-cc.h"

/* The type that a getelementptr's address has. */
static LLVMTypeRef result_type(LLVMValueRef gep) {
  LLVMTypeRef t = LLVMGetGEPSourceElementType(gep);
  for (int i = 2, n = LLVMGetNumOperands(gep); i < n; i++) {
    LLVMTypeKind k = LLVMGetTypeKind(t);
    uint64_t index;
    if (k == LLVMStructTypeKind) {
      if (!mwcc_const_u64(LLVMGetOperand(gep, (unsigned)i), &index)) return t;
      t = LLVMStructGetTypeAtIndex(t, (unsigned)index);
    } else if (k == LLVMArrayTypeKind || k == LLVMVectorTypeKind) {
      t = LLVMGetElementType(t);
    } else {
      return t;
    }
  }
  return t;
}

static bool is_gep(LLVMValueRef v) {
  if (LLVMIsAInstruction(v)) return LLVMGetInstructionOpcode(v) == LLVMGetElementPtr;
  return LLVMIsAConstantExpr(v) && LLVMGetConstOpcode(v) == LLVMGetElementPtr;
}

/* Some field on the way to p is a union. */
static bool through_union(LLVMValueRef p) {
  for (int depth = 0; depth < 8 && is_gep(p); depth++) {
    if (mwcc_is_union(result_type(p)) || mwcc_is_union(LLVMGetGEPSourceElementType(p))) return true;
    p = LLVMGetOperand(p, 0);
  }
  return LLVMIsAGlobalVariable(p) && mwcc_is_union(LLVMGlobalGetValueType(p));
}

/* The access type is that of one of the names (NULL ends them) and stands alone. */
static bool is_access_of(LLVMValueRef tag, const char *const *names) {
  LLVMValueRef op[4], name[4];
  unsigned n = LLVMGetMDNodeNumOperands(tag), len;
  if (n < 3 || n > 4) return true; /* of a later form: be safe */
  LLVMGetMDNodeOperands(tag, op);
  if (op[0] != op[1] || !LLVMIsAMDNode(op[1])) return false;
  n = LLVMGetMDNodeNumOperands(op[1]);
  if (n < 1 || n > 4) return false;
  LLVMGetMDNodeOperands(op[1], name);
  const char *s = name[0] ? LLVMGetMDString(name[0], &len) : NULL;
  for (; s && *names; names++)
    if (len == strlen(*names) && memcmp(s, *names, len) == 0) return true;
  return false;
}

static bool is_char_access(LLVMValueRef tag) {
  static const char *const names[] = {"omnipotent char", NULL};
  return is_access_of(tag, names);
}

bool mwcc_tag_is_any(LLVMValueRef tag) {
  static const char *const names[] = {"omnipotent char", "long", "long long", NULL};
  return is_access_of(tag, names);
}

static bool element_of_numbers(LLVMValueRef p) {
  if (!is_gep(p)) return false;
  LLVMTypeRef t = LLVMGetGEPSourceElementType(p);
  while (LLVMGetTypeKind(t) == LLVMArrayTypeKind) t = LLVMGetElementType(t);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  return k == LLVMIntegerTypeKind || k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind;
}

/* A global (or part of one) whose declared type has room for no pointer. */
static bool global_of_numbers(LLVMValueRef p) {
  LLVMValueRef g = mwcc_base(p);
  return LLVMIsAGlobalVariable(g) && !mwcc_type_has_ptr(LLVMGlobalGetValueType(g));
}

static enum mwcc_marker kind_for(LLVMTypeRef t) {
  switch (LLVMGetTypeKind(t)) {
  case LLVMIntegerTypeKind:
    switch (LLVMGetIntTypeWidth(t)) {
    case 8:
      return MWCC_SCALAR_I8;
    case 16:
      return MWCC_SCALAR_I16;
    case 32:
      return MWCC_SCALAR_I32;
    case 64:
      return MWCC_SCALAR_I64;
    default:
      return MWCC_NOT_A_MARKER;
    }
  case LLVMFloatTypeKind:
    return MWCC_SCALAR_F32;
  case LLVMDoubleTypeKind:
    return MWCC_SCALAR_F64;
  default:
    return MWCC_NOT_A_MARKER;
  }
}

bool mwcc_module_has_tbaa(struct mwcc *c) {
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f))
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
      for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
        if (LLVMIsAStoreInst(i) && LLVMGetMetadata(i, c->md_tbaa)) return true;
  return false;
}

enum mwcc_marker mwcc_scalar_marker(struct mwcc *c, LLVMValueRef store) {
  LLVMValueRef p = LLVMGetOperand(store, 1);
  enum mwcc_marker kind = kind_for(LLVMTypeOf(LLVMGetOperand(store, 0)));
  if (kind == MWCC_NOT_A_MARKER || global_of_numbers(p)) return MWCC_NOT_A_MARKER;
  if (through_union(p)) return kind;
  LLVMValueRef tag = LLVMGetMetadata(store, c->md_tbaa);
  if (tag) return kind != MWCC_SCALAR_I8 && is_char_access(tag) ? kind : MWCC_NOT_A_MARKER;
  if (c->has_tbaa) return MWCC_NOT_A_MARKER; /* bit-fields have no tag */
  bool small = kind == MWCC_SCALAR_I8 || kind == MWCC_SCALAR_I16;
  return small || element_of_numbers(p) ? MWCC_NOT_A_MARKER : kind;
}
