/* SPDX-License-Identifier: MIT */
/*
 * plugin/layout.c -- from an IR type to the words that may hold pointers
 *
 * Job      Computes pointer masks and emits `struct mwi_layout` descriptors.
 * Promise  [LY1] A word that C code can store a pointer to through the type has
 *          its bit set.  A word of a union may be a pointer; a 64-bit integer
 *          is not.  Function pointers are `ptr` in IR like all others, so
 *          their words are set too (and cost the collector a failed range
 *          check).
 *          [LY2] Literal structs are what clang makes when an initialiser does
 *          not fit the declared type: what they hide is unknown, so all their
 *          words are set.
 * How      One walk over the type.  An array is described by its element,
 *          whose mask repeats, so arrays of any size stay small; a type that
 *          is larger than MAX_WORDS and no array is scanned conservatively.
 * Next     src/base/abi.h has the descriptor's fields.
 */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include "mallow-cc.h"

/* 1 MB of structure have an exact mask (16 KB of it): a node with a large buffer
 * inside must not be scanned for what looks like a pointer.  More would bloat
 * the module for types that are rare. */
enum { MAX_WORDS = 131072, WORD = 8 };

bool mwcc_is_union(LLVMTypeRef type) {
  if (LLVMGetTypeKind(type) != LLVMStructTypeKind || LLVMIsLiteralStruct(type)) return false;
  const char *name = LLVMGetStructName(type);
  return name && strncmp(name, "union.", 6) == 0;
}

static bool is_float(LLVMTypeRef type) {
  LLVMTypeKind k = LLVMGetTypeKind(type);
  return k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind || k == LLVMX86_FP80TypeKind ||
         k == LLVMFP128TypeKind || k == LLVMHalfTypeKind || k == LLVMBFloatTypeKind;
}

/* A literal struct whose content is not known from its type [LY2]; complex
 * numbers are literal structs too, but of floats. */
static bool is_opaque_literal(LLVMTypeRef type) {
  if (!LLVMIsLiteralStruct(type)) return false;
  for (unsigned i = 0, n = LLVMCountStructElementTypes(type); i < n; i++)
    if (!is_float(LLVMStructGetTypeAtIndex(type, i))) return true;
  return false;
}

/* Registers as setjmp and getcontext leave them: numbers by their type, and the
 * last place of a pointer that only the code after a longjmp needs. */
static bool is_saved_registers(LLVMTypeRef type) {
  const char *name = LLVMIsLiteralStruct(type) ? NULL : LLVMGetStructName(type);
  return name && (strncmp(name, "struct.__jmp_buf_tag", 20) == 0 ||
                  strncmp(name, "struct.ucontext_t", 17) == 0);
}

static bool may_hold_anything(LLVMTypeRef type) {
  return mwcc_is_union(type) || is_opaque_literal(type) || is_saved_registers(type);
}

bool mwcc_type_has_ptr(LLVMTypeRef type) {
  switch (LLVMGetTypeKind(type)) {
  case LLVMPointerTypeKind:
    return true;
  case LLVMArrayTypeKind:
    return LLVMGetArrayLength2(type) > 0 && mwcc_type_has_ptr(LLVMGetElementType(type));
  case LLVMVectorTypeKind:
    return mwcc_type_has_ptr(LLVMGetElementType(type));
  case LLVMStructTypeKind:
    if (may_hold_anything(type)) return true;
    for (unsigned i = 0, n = LLVMCountStructElementTypes(type); i < n; i++)
      if (mwcc_type_has_ptr(LLVMStructGetTypeAtIndex(type, i))) return true;
    return false;
  case LLVMTargetExtTypeKind:
    return true;
  default:
    return false;
  }
}

/* A union of small numbers (struct in6_addr's) is aligned as they are, and has no pointer: it would
 * be aligned for that, or packed.  What is hidden is a packed structure beside larger members. */
static bool is_of_small_numbers(struct mwcc *c, LLVMTypeRef type) {
  return mwcc_is_union(type) && !LLVMIsPackedStruct(type) &&
         LLVMABIAlignmentOfType(c->td, type) < WORD;
}

bool mwcc_type_names_ptr(struct mwcc *c, LLVMTypeRef type) {
  switch (LLVMGetTypeKind(type)) {
  case LLVMArrayTypeKind:
    return LLVMGetArrayLength2(type) > 0 && mwcc_type_names_ptr(c, LLVMGetElementType(type));
  case LLVMStructTypeKind:
    if (may_hold_anything(type) && !is_of_small_numbers(c, type)) return true;
    for (unsigned i = 0, n = LLVMCountStructElementTypes(type); i < n; i++)
      if (mwcc_type_names_ptr(c, LLVMStructGetTypeAtIndex(type, i))) return true;
    return false;
  default:
    return mwcc_type_has_ptr(type);
  }
}

struct walk {
  struct mwcc *c;
  struct mwcc_mask *m;
};

static void set_bit(struct walk *w, uint64_t word) {
  w->m->bits[word / 64] |= UINT64_C(1) << (word % 64);
}

/* Every whole word inside [off, off + size). */
static void set_range(struct walk *w, uint64_t off, uint64_t size) {
  for (uint64_t i = (off + WORD - 1) / WORD; (i + 1) * WORD <= off + size; i++) set_bit(w, i);
}

static void walk(struct walk *w, LLVMTypeRef type, uint64_t off) {
  LLVMTargetDataRef td = w->c->td;
  switch (LLVMGetTypeKind(type)) {
  case LLVMPointerTypeKind:
    if (LLVMABISizeOfType(td, type) != WORD) return; /* __ptr32 */
    if (off % WORD) {
      if (w->m->misaligned == MWCC_NO_OFFSET) w->m->misaligned = off;
      return;
    }
    set_bit(w, off / WORD);
    return;
  case LLVMArrayTypeKind:
  case LLVMVectorTypeKind: {
    LLVMTypeRef elem = LLVMGetElementType(type);
    if (!mwcc_type_has_ptr(elem)) return;
    uint64_t n = LLVMGetTypeKind(type) == LLVMArrayTypeKind ? LLVMGetArrayLength2(type)
                                                            : LLVMGetVectorSize(type);
    for (uint64_t i = 0; i < n; i++) walk(w, elem, off + i * LLVMABISizeOfType(td, elem));
    return;
  }
  case LLVMStructTypeKind:
    if (may_hold_anything(type)) {
      set_range(w, off, LLVMABISizeOfType(td, type));
      return;
    }
    for (unsigned i = 0, n = LLVMCountStructElementTypes(type); i < n; i++)
      walk(w, LLVMStructGetTypeAtIndex(type, i), off + LLVMOffsetOfElement(td, type, i));
    return;
  case LLVMTargetExtTypeKind:
    set_range(w, off, LLVMABISizeOfType(td, type));
    return;
  default:
    return;
  }
}

/* One word of its own, again and again. */
static void all_words(struct mwcc_mask *m) {
  m->period = 1;
  m->bits[0] = 1;
}

void mwcc_type_mask(struct mwcc *c, LLVMTypeRef type, struct mwcc_mask *out) {
  *out = (struct mwcc_mask){.misaligned = MWCC_NO_OFFSET};
  if (!mwcc_type_has_ptr(type)) return;
  uint64_t size = LLVMABISizeOfType(c->td, type);
  while (LLVMGetTypeKind(type) == LLVMArrayTypeKind) {
    LLVMTypeRef elem = LLVMGetElementType(type);
    uint64_t elem_size = LLVMABISizeOfType(c->td, elem);
    if (elem_size % WORD) break;
    type = elem;
    size = elem_size;
  }
  uint64_t words = (size + WORD - 1) / WORD;
  bool all = words > MAX_WORDS;
  if (all) words = 1;
  if (words == 0) return;
  out->bits = calloc((words + 63) / 64, sizeof *out->bits);
  if (!out->bits) abort();
  out->period = words;
  if (all) {
    all_words(out);
    return;
  }
  struct walk w = {c, out};
  walk(&w, type, 0);
  bool any = false;
  for (uint64_t i = 0; i < (words + 63) / 64; i++) any |= out->bits[i] != 0;
  if (!any) {
    free(out->bits);
    out->bits = NULL;
    out->period = 0;
  }
}

LLVMValueRef mwcc_mask_const(struct mwcc *c, const struct mwcc_mask *m) {
  if (!m->period) return LLVMConstNull(c->t_ptr);
  uint64_t n = (m->period + 63) / 64;
  LLVMValueRef *words = calloc(n, sizeof *words);
  if (!words) abort();
  for (uint64_t i = 0; i < n; i++) words[i] = LLVMConstInt(c->t_i64, m->bits[i], false);
  LLVMValueRef init = LLVMConstArray2(c->t_i64, words, n);
  free(words);
  uintptr_t known; /* constants are unique: equal masks share one */
  if (mwcc_map_get(&c->masks, init, &known)) return (LLVMValueRef)known;
  LLVMValueRef g = LLVMAddGlobal(c->mod, LLVMTypeOf(init), "mwi_mask");
  mwcc_map_put(&c->masks, init, (uintptr_t)g);
  LLVMSetInitializer(g, init);
  LLVMSetGlobalConstant(g, true);
  LLVMSetLinkage(g, LLVMPrivateLinkage);
  LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
  return g;
}

LLVMValueRef mwcc_string(struct mwcc *c, const char *text, const char *name) {
  LLVMValueRef init = LLVMConstStringInContext2(c->ctx, text, strlen(text), false);
  LLVMValueRef g = LLVMAddGlobal(c->mod, LLVMTypeOf(init), name);
  LLVMSetInitializer(g, init);
  LLVMSetGlobalConstant(g, true);
  LLVMSetLinkage(g, LLVMPrivateLinkage);
  LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
  LLVMSetAlignment(g, 1);
  return g;
}

void mwcc_type_name(LLVMTypeRef type, char *buf, size_t size) {
  switch (LLVMGetTypeKind(type)) {
  case LLVMStructTypeKind: {
    const char *s = LLVMIsLiteralStruct(type) ? NULL : LLVMGetStructName(type);
    if (!s) s = "struct (anonymous)";
    snprintf(buf, size, "%s", s);
    char *dot = strchr(buf, '.');
    if (dot) *dot = ' ';
    return;
  }
  case LLVMPointerTypeKind:
    snprintf(buf, size, "pointer");
    return;
  case LLVMIntegerTypeKind:
    snprintf(buf, size, "int%u", LLVMGetIntTypeWidth(type));
    return;
  case LLVMFloatTypeKind:
    snprintf(buf, size, "float");
    return;
  case LLVMDoubleTypeKind:
    snprintf(buf, size, "double");
    return;
  case LLVMX86_FP80TypeKind:
    snprintf(buf, size, "long double");
    return;
  case LLVMArrayTypeKind: {
    char elem[128];
    mwcc_type_name(LLVMGetElementType(type), elem, sizeof elem);
    snprintf(buf, size, "%s[%llu]", elem, (unsigned long long)LLVMGetArrayLength2(type));
    return;
  }
  default:
    snprintf(buf, size, "object");
    return;
  }
}

static LLVMTypeRef layout_type(struct mwcc *c) {
  if (c->t_layout) return c->t_layout;
  LLVMTypeRef t = LLVMGetTypeByName2(c->ctx, "struct.mwi_layout");
  if (!t) {
    LLVMTypeRef f[] = {c->t_i64, c->t_i32, c->t_i32, c->t_ptr, c->t_ptr, c->t_i32, c->t_i32};
    t = LLVMStructCreateNamed(c->ctx, "struct.mwi_layout");
    LLVMStructSetBody(t, f, sizeof f / sizeof f[0], false);
  }
  return c->t_layout = t;
}

/* Types of one LLVM type share a descriptor, and may differ in their alignment: its is the largest.
 */
static void align_to(struct mwcc *c, LLVMValueRef descriptor, uint64_t align) {
  LLVMValueRef f[7], was = LLVMGetInitializer(descriptor);
  for (unsigned i = 0; i < 7; i++) f[i] = LLVMGetAggregateElement(was, i);
  if (LLVMConstIntGetZExtValue(f[1]) >= align) return;
  f[1] = LLVMConstInt(c->t_i32, align, false);
  LLVMSetInitializer(descriptor, LLVMConstNamedStruct(layout_type(c), f, 7));
}

/* key: one descriptor for each */
static LLVMValueRef descriptor(struct mwcc *c, const void *key, LLVMTypeRef type, uint64_t size,
                               uint64_t align, LLVMValueRef site, bool array) {
  char name[256], sym[300];
  mwcc_type_name(type, name, sizeof name);
  struct mwcc_mask m;
  mwcc_type_mask(c, type, &m);
  if (m.misaligned != MWCC_NO_OFFSET)
    mwcc_report(
        site, MWCC_ERROR,
        "'%s' has a pointer at offset %llu, which is not a multiple of 8: the collector "
        "cannot see it; move or align that member, or allocate with malloc and compile with "
        "-fgc-malloc",
        name, (unsigned long long)m.misaligned);
  else if (array && m.period && size % WORD && mwcc_type_names_ptr(c, type))
    mwcc_report(
        site, MWCC_ERROR,
        "an array of '%s' has pointers that are not aligned to 8 bytes (the element's "
        "size is %llu): the collector cannot see them; align the type to 8 bytes, or allocate "
        "with malloc and compile with -fgc-malloc",
        name, (unsigned long long)size);
  else if (m.period && size % WORD && !mwcc_type_names_ptr(c, type))
    all_words(&m); /* for arrays, too, where other words of the next element are whole */
  uintptr_t known;
  if (mwcc_map_get(&c->layouts, key, &known)) {
    free(m.bits);
    align_to(c, (LLVMValueRef)known, align);
    return (LLVMValueRef)known;
  }
  LLVMValueRef f[] = {
      LLVMConstInt(c->t_i64, size, false),     LLVMConstInt(c->t_i32, align, false),
      LLVMConstInt(c->t_i32, m.period, false), mwcc_mask_const(c, &m),
      mwcc_string(c, name, "mwi_layout_name"), LLVMConstInt(c->t_i32, 0, false),
      LLVMConstInt(c->t_i32, 0, false),
  };
  free(m.bits);
  snprintf(sym, sizeof sym, "mwi_layout.%s", name);
  LLVMValueRef g = LLVMAddGlobal(c->mod, layout_type(c), sym);
  LLVMSetInitializer(g, LLVMConstNamedStruct(layout_type(c), f, sizeof f / sizeof f[0]));
  LLVMSetLinkage(g, LLVMInternalLinkage);
  LLVMSetAlignment(g, WORD);
  mwcc_map_put(&c->layouts, key, (uintptr_t)g);
  return g;
}

LLVMValueRef mwcc_layout_global(struct mwcc *c, LLVMTypeRef type, uint64_t size, uint64_t align,
                                LLVMValueRef site, bool array) {
  return descriptor(c, type, type, size, align, site, array);
}

LLVMValueRef mwcc_layout_raw(struct mwcc *c, LLVMTypeRef type, uint64_t size, uint64_t align,
                             LLVMValueRef site) {
  return descriptor(c, (const char *)type + 1, type, size, align, site, false);
}
