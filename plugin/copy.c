/* SPDX-License-Identifier: MIT */
/*
 * plugin/copy.c -- memcpy and its relatives become markers, and back
 *
 * Job      Struct assignments reach the plugin as llvm.memcpy; programs call
 *          memcpy, memmove, memset, mempcpy, bcopy, bzero and the checked
 *          (__memcpy_chk) forms.  Each may move or overwrite pointers.
 * Exempt   - fewer than 8 bytes: no pointer fits;
 *          - private destinations (base.c);
 *          - sources that are arrays of numbers, such as string literals, and
 *            struct copies whose type information (!tbaa.struct) lists plain
 *            numbers only: then the destination has none either.
 * How      One or two words are copied by loads and stores, as the optimiser would do
 *          it: it sees through those, and the stores share a barrier.  A pair made in registers
 *          (an interpreter's value with its tag) must not go through memory, where
 *          it would be written in two parts and read back in one.
 */
#include <string.h>
#include "mallow-cc.h"

enum { MAX_FIELDS = 64, MAX_WORDS = 2 };

/* The name of a !tbaa access tag's type is that of a plain number. */
static bool tag_is_number(LLVMValueRef tag) {
  static const char *const numbers[] = {"int",    "short", "long",  "long long",  "float",
                                        "double", "bool",  "_Bool", "long double"};
  if (!tag || !LLVMIsAMDNode(tag)) return false;
  LLVMValueRef ops[4], type[4];
  unsigned n = LLVMGetMDNodeNumOperands(tag);
  if (n < 3 || n > 4) return false;
  LLVMGetMDNodeOperands(tag, ops);
  if (!ops[1] || !LLVMIsAMDNode(ops[1])) return false;
  n = LLVMGetMDNodeNumOperands(ops[1]);
  if (n < 2 || n > 4) return false;
  LLVMGetMDNodeOperands(ops[1], type);
  unsigned len;
  const char *name = type[0] ? LLVMGetMDString(type[0], &len) : NULL;
  if (!name) return false;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    if (strlen(numbers[i]) == len && memcmp(numbers[i], name, len) == 0) return true;
  return false;
}

static bool fields_are_numbers(struct mwcc *c, LLVMValueRef call) {
  LLVMValueRef md = LLVMGetMetadata(call, c->md_tbaa_struct), ops[3 * MAX_FIELDS];
  if (!md) return false;
  unsigned n = LLVMGetMDNodeNumOperands(md);
  if (n == 0 || n % 3 || n > 3 * MAX_FIELDS) return false;
  LLVMGetMDNodeOperands(md, ops);
  for (unsigned i = 2; i < n; i += 3)
    if (!tag_is_number(ops[i])) return false;
  return true;
}

/* Numbers all the way: what a pointer's word could never be declared as. */
static bool array_of_numbers(LLVMTypeRef t) {
  while (LLVMGetTypeKind(t) == LLVMArrayTypeKind) t = LLVMGetElementType(t);
  LLVMTypeKind k = LLVMGetTypeKind(t);
  return k == LLVMIntegerTypeKind || k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind;
}

static bool source_is_numbers(LLVMValueRef src) {
  LLVMValueRef g = mwcc_base(src);
  return LLVMIsAGlobalVariable(g) && LLVMIsGlobalConstant(g) &&
         array_of_numbers(LLVMGlobalGetValueType(g));
}

/* How a function copies: which arguments mean what. */
struct form {
  const char *name;
  enum mwcc_marker plain;
  bool intrinsic, checked, swapped, returns_end, clears;
};

static const struct form forms[] = {
    {.name = "llvm.memcpy.", .plain = MWCC_MEMCPY, .intrinsic = true},
    {.name = "llvm.memmove.", .plain = MWCC_MEMMOVE, .intrinsic = true},
    {.name = "llvm.memset.", .plain = MWCC_MEMSET, .intrinsic = true},
    {.name = "memcpy", .plain = MWCC_MEMCPY},
    {.name = "memmove", .plain = MWCC_MEMMOVE},
    {.name = "memset", .plain = MWCC_MEMSET},
    {.name = "mempcpy", .plain = MWCC_MEMCPY, .returns_end = true},
    {.name = "__mempcpy", .plain = MWCC_MEMCPY, .returns_end = true},
    {.name = "bcopy", .plain = MWCC_MEMMOVE, .swapped = true},
    {.name = "bzero", .plain = MWCC_MEMSET, .clears = true},
    {.name = "__memcpy_chk", .plain = MWCC_MEMCPY_CHK, .checked = true},
    {.name = "__memmove_chk", .plain = MWCC_MEMMOVE_CHK, .checked = true},
    {.name = "__memset_chk", .plain = MWCC_MEMSET_CHK, .checked = true},
    {.name = "__mempcpy_chk", .plain = MWCC_MEMCPY_CHK, .checked = true, .returns_end = true},
};

static const struct form *form_of(LLVMValueRef f) {
  size_t len;
  const char *name = LLVMGetValueName2(f, &len);
  if (!strstr(name, "mem") && name[0] != 'b') return NULL;
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
    if (forms[i].intrinsic ? strncmp(name, forms[i].name, strlen(forms[i].name)) == 0
                           : strcmp(name, forms[i].name) == 0)
      return &forms[i];
  return NULL;
}

static bool is_memset(enum mwcc_marker k) {
  return mwcc_does(k) == MWCC_SETS;
}

static bool exempt(struct mwcc *c, LLVMValueRef call, enum mwcc_marker kind, LLVMValueRef dst,
                   LLVMValueRef src, LLVMValueRef n) {
  uint64_t size;
  if (mwcc_const_u64(n, &size) && size < 8) return true;
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(dst)) != 0) return true;
  if (mwcc_no_barrier_memory(c, dst)) return true;
  if (is_memset(kind)) return false;
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(src)) != 0) return true;
  return source_is_numbers(src) || fields_are_numbers(c, call);
}

static uint64_t align_of(LLVMValueRef call, unsigned index) {
  unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
  LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(call, index, kind);
  return a ? LLVMGetEnumAttributeValue(a) : 1;
}

/* The access tag of the word at `at` of what is copied, if it is a field as a whole; or NULL. */
static LLVMValueRef word_tag(struct mwcc *c, LLVMValueRef call, uint64_t at) {
  LLVMValueRef md = LLVMGetMetadata(call, c->md_tbaa_struct), ops[3 * MAX_FIELDS];
  if (!md) return NULL;
  unsigned n = LLVMGetMDNodeNumOperands(md);
  if (n % 3 || n > 3 * MAX_FIELDS) return NULL;
  LLVMGetMDNodeOperands(md, ops);
  for (unsigned i = 0; i < n; i += 3) {
    uint64_t offset, size;
    if (ops[i] && ops[i + 1] && ops[i + 2] && LLVMIsAMDNode(ops[i + 2]) &&
        mwcc_const_u64(ops[i], &offset) && mwcc_const_u64(ops[i + 1], &size) && offset == at)
      return size == 8 ? ops[i + 2] : NULL;
  }
  return NULL;
}

static LLVMValueRef word_at(struct mwcc *c, LLVMValueRef p, uint64_t at) {
  LLVMValueRef offset = LLVMConstInt(c->t_i64, at, false);
  return at ? LLVMBuildInBoundsGEP2(c->b, c->t_i8, p, &offset, 1, "") : p;
}

/* llvm.memcpy or memmove of a few aligned words: all are loaded before the first is stored. */
static bool mark_words(struct mwcc *c, LLVMValueRef call, LLVMValueRef dst, LLVMValueRef src,
                       LLVMValueRef n) {
  uint64_t size;
  if (!mwcc_const_u64(n, &size) || size % 8 || size > MAX_WORDS * 8 || align_of(call, 1) < 8 ||
      align_of(call, 2) < 8 || LLVMConstIntGetZExtValue(LLVMGetOperand(call, 3))) /* volatile */
    return false;
  LLVMPositionBuilderBefore(c->b, call);
  LLVMValueRef word[MAX_WORDS], made[2 * MAX_WORDS];
  unsigned nmade = 0;
  for (uint64_t at = 0; at < size; at += 8) {
    LLVMValueRef w = LLVMBuildLoad2(c->b, c->t_ptr, word_at(c, src, at), "");
    LLVMSetAlignment(w, 8);
    made[nmade++] = word[at / 8] = w;
  }
  for (uint64_t at = 0; at < size; at += 8) {
    LLVMValueRef args[2] = {word_at(c, dst, at), word[at / 8]};
    LLVMValueRef store = LLVMBuildCall2(c->b, mwcc_marker_type(c, MWCC_STORE),
                                        mwcc_marker_decl(c, MWCC_STORE), args, 2, "");
    mwcc_call_attr(c, store, 1, "align", 8);
    made[nmade++] = store;
  }
  for (unsigned i = 0; i < nmade; i++) {
    LLVMValueRef tag = word_tag(c, call, (uint64_t)(i % (nmade / 2)) * 8);
    mwcc_copy_metadata(c, made[i], call);
    LLVMSetMetadata(made[i], c->md_tbaa_struct, NULL);
    if (tag) LLVMSetMetadata(made[i], c->md_tbaa, tag);
  }
  LLVMInstructionEraseFromParent(call);
  return true;
}

static void copy_align(struct mwcc *c, LLVMValueRef to, LLVMValueRef from, unsigned index) {
  unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
  LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(from, index, kind);
  (void)c;
  if (a) LLVMAddCallSiteAttribute(to, index, a);
}

/* Replace the call by its marker. */
static void mark(struct mwcc *c, LLVMValueRef call, const struct form *form, LLVMValueRef dst,
                 LLVMValueRef src, LLVMValueRef n) {
  enum mwcc_marker kind = form->plain;
  if (form->intrinsic && LLVMConstIntGetZExtValue(LLVMGetOperand(call, 3)))
    kind = (enum mwcc_marker)(kind + 1); /* the volatile twin */
  LLVMPositionBuilderBefore(c->b, call);
  if (LLVMTypeOf(n) != c->t_i64) n = LLVMBuildZExt(c->b, n, c->t_i64, "");
  if (is_memset(kind) && kind != MWCC_MEMSET_CHK && LLVMTypeOf(src) != c->t_i8)
    src = LLVMBuildTrunc(c->b, src, c->t_i8, "");
  LLVMValueRef args[4] = {dst, src, n, form->checked ? LLVMGetOperand(call, 3) : NULL};
  LLVMValueRef made = LLVMBuildCall2(c->b, mwcc_marker_type(c, kind), mwcc_marker_decl(c, kind),
                                     args, form->checked ? 4 : 3, "");
  mwcc_copy_metadata(c, made, call);
  if (!form->swapped) {
    copy_align(c, made, call, 1);
    if (!is_memset(kind)) copy_align(c, made, call, 2);
  }
  if (LLVMGetTypeKind(LLVMTypeOf(call)) == LLVMPointerTypeKind) {
    LLVMValueRef result = dst;
    if (form->returns_end) result = LLVMBuildGEP2(c->b, c->t_i8, dst, &n, 1, "");
    LLVMReplaceAllUsesWith(call, result);
  }
  LLVMInstructionEraseFromParent(call);
}

bool mwcc_mark_copy(struct mwcc *c, LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  const struct form *form = f ? form_of(f) : NULL;
  if (!form || mwcc_instrumented(f)) return false;
  unsigned nargs = LLVMGetNumArgOperands(call);
  if (nargs != (form->intrinsic || form->checked ? 4 : form->clears ? 2 : 3)) return false;
  LLVMValueRef dst = LLVMGetOperand(call, form->swapped ? 1 : 0);
  LLVMValueRef src =
      form->clears ? LLVMConstInt(c->t_i32, 0, false) : LLVMGetOperand(call, form->swapped ? 0 : 1);
  LLVMValueRef n = LLVMGetOperand(call, form->clears ? 1 : 2);
  enum mwcc_marker kind = form->plain;
  if (LLVMGetTypeKind(LLVMTypeOf(dst)) != LLVMPointerTypeKind || exempt(c, call, kind, dst, src, n))
    return false;
  if (form->intrinsic && !is_memset(kind) && mark_words(c, call, dst, src, n)) return true;
  mark(c, call, form, dst, src, n);
  return true;
}

bool mwcc_mark_made_copy(struct mwcc *c, LLVMValueRef call) {
  const struct form *form = form_of(mwcc_callee(call));
  if (!form || !form->intrinsic || LLVMGetNumArgOperands(call) != 4) return false;
  LLVMValueRef dst = LLVMGetOperand(call, 0), src = LLVMGetOperand(call, 1);
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(dst)) != 0 || mwcc_no_barrier_memory(c, dst))
    return false;
  if (!is_memset(form->plain) &&
      (LLVMGetPointerAddressSpace(LLVMTypeOf(src)) != 0 || fields_are_numbers(c, call)))
    return false;
  mark(c, call, form, dst, src, LLVMGetOperand(call, 2));
  return true;
}

/* The checked form can go unchecked: the room is unknown or known to suffice. */
static bool room_suffices(LLVMValueRef n, LLVMValueRef room) {
  uint64_t a, b;
  if (!mwcc_const_u64(room, &b)) return false;
  return b == UINT64_MAX || (mwcc_const_u64(n, &a) && a <= b);
}

static LLVMValueRef checked_call(struct mwcc *c, LLVMValueRef marker, enum mwcc_marker kind) {
  const char *name = kind == MWCC_MEMCPY_CHK    ? "__memcpy_chk"
                     : kind == MWCC_MEMMOVE_CHK ? "__memmove_chk"
                                                : "__memset_chk";
  LLVMTypeRef p = c->t_ptr, n = c->t_i64;
  LLVMTypeRef params[4] = {p, kind == MWCC_MEMSET_CHK ? c->t_i32 : p, n, n};
  LLVMTypeRef type = LLVMFunctionType(p, params, 4, false);
  LLVMValueRef args[4], f = LLVMGetNamedFunction(c->mod, name);
  if (!f) f = LLVMAddFunction(c->mod, name, type);
  for (unsigned i = 0; i < 4; i++) args[i] = LLVMGetOperand(marker, i);
  return LLVMBuildCall2(c->b, type, f, args, 4, "");
}

LLVMValueRef mwcc_unmark_copy(struct mwcc *c, LLVMValueRef marker, enum mwcc_marker kind) {
  LLVMPositionBuilderBefore(c->b, marker);
  LLVMValueRef src = LLVMGetOperand(marker, 1), n = LLVMGetOperand(marker, 2);
  if (kind == MWCC_MEMCPY_CHK || kind == MWCC_MEMMOVE_CHK || kind == MWCC_MEMSET_CHK) {
    if (!room_suffices(n, LLVMGetOperand(marker, 3))) return checked_call(c, marker, kind);
    if (kind == MWCC_MEMSET_CHK) src = LLVMBuildTrunc(c->b, src, c->t_i8, "");
  }
  bool set = is_memset(kind);
  bool move = kind == MWCC_MEMMOVE || kind == MWCC_VMEMMOVE || kind == MWCC_MEMMOVE_CHK;
  bool vol = kind == MWCC_VMEMCPY || kind == MWCC_VMEMMOVE || kind == MWCC_VMEMSET;
  const char *name = set ? "llvm.memset" : move ? "llvm.memmove" : "llvm.memcpy";
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  LLVMTypeRef over[3] = {c->t_ptr, set ? c->t_i64 : c->t_ptr, c->t_i64};
  unsigned nover = set ? 2 : 3;
  LLVMValueRef f = LLVMGetIntrinsicDeclaration(c->mod, id, over, nover);
  LLVMTypeRef type = LLVMIntrinsicGetType(c->ctx, id, over, nover);
  LLVMValueRef args[4] = {LLVMGetOperand(marker, 0), src, n, LLVMConstInt(c->t_i1, vol, false)};
  LLVMValueRef made = LLVMBuildCall2(c->b, type, f, args, 4, "");
  copy_align(c, made, marker, 1);
  if (!set) copy_align(c, made, marker, 2);
  return made;
}
