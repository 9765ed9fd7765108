/* SPDX-License-Identifier: MIT */
/*
 * plugin/globals.c -- the module's table for the runtime
 *
 * Job      Emits struct mwi_global for each writable global that may hold a
 *          pointer, struct mwi_module for the file, a constructor that adds
 *          it and a destructor that removes it (dlclose).
 * How      Runs at the end of the pipeline, so that only globals that survived
 *          are listed and none was kept from being optimised away.
 *          What counts as a pointer is layout.c's rule; a global whose type
 *          clang changed to fit an initialiser is scanned word by word.
 *          Each section with instrumented text beyond the first makes a module
 *          of its own, without globals.
 * Next     src/base/abi.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mallow-cc.h"
#include "../src/base/abi.h"

/* Before the user's constructors, which start at 101. */
enum { PRIORITY = 100, ABI_VERSION = MWI_ABI_VERSION };

struct tables {
  LLVMTypeRef t_global, t_module;
};

static bool is_ours_or_llvms(const char *name) {
  return strncmp(name, "llvm.", 5) == 0 || strncmp(name, "mwi_", 4) == 0 ||
         strncmp(name, "__llvm", 6) == 0 || strncmp(name, "__asan", 6) == 0 ||
         strncmp(name, "__san", 5) == 0 || strncmp(name, "__prof", 6) == 0;
}

/* Defined here, writable, in use, and big enough for a pointer. */
static bool is_candidate(struct mwcc *c, LLVMValueRef g) {
  size_t len;
  if (!LLVMGetInitializer(g) || LLVMIsGlobalConstant(g)) return false;
  LLVMLinkage l = LLVMGetLinkage(g);
  if (l == LLVMAvailableExternallyLinkage || l == LLVMAppendingLinkage) return false;
  if ((l == LLVMInternalLinkage || l == LLVMPrivateLinkage) && !LLVMGetFirstUse(g)) return false;
  if (LLVMGetPointerAddressSpace(LLVMTypeOf(g)) != 0) return false;
  if (is_ours_or_llvms(LLVMGetValueName2(g, &len))) return false;
  return LLVMABISizeOfType(c->td, LLVMGlobalGetValueType(g)) >= 8;
}

static LLVMValueRef i64(struct mwcc *c, uint64_t v) {
  return LLVMConstInt(c->t_i64, v, false);
}

/* No other file's definition may take its place, and no array in a section has it for an element.
 */
static bool may_be_aligned(LLVMValueRef g) {
  LLVMLinkage l = LLVMGetLinkage(g);
  const char *section = LLVMGetSection(g);
  return (l == LLVMExternalLinkage || l == LLVMInternalLinkage || l == LLVMPrivateLinkage) &&
         (!section || !*section);
}

/*
 * Programs for plain C keep their variables in one, as BusyBox's applets do in
 * *(struct globals *)bb_common_bufsiz1, so with -fgc-malloc it is looked through.  A larger one is
 * text or a table, which each cycle would have to read.
 */
enum { MAX_BYTES_AS_STRUCT = 64 << 10 };

bool mwcc_may_be_a_struct(struct mwcc *c, LLVMValueRef g) {
  LLVMTypeRef type = LLVMGlobalGetValueType(g);
  uint64_t size = LLVMABISizeOfType(c->td, type);
  while (LLVMGetTypeKind(type) == LLVMArrayTypeKind) type = LLVMGetElementType(type);
  return mwcc_options()->gc_malloc && type == c->t_i8 && size <= MAX_BYTES_AS_STRUCT &&
         LLVMGetAlignment(g) >= 8;
}

/* The table entry, or NULL when the global cannot hold a pointer. */
static LLVMValueRef entry_for(struct mwcc *c, struct tables *t, LLVMValueRef g) {
  LLVMTypeRef type = LLVMGlobalGetValueType(g);
  struct mwcc_mask m;
  mwcc_type_mask(c, type, &m);
  size_t len;
  bool packed = m.period && LLVMGetAlignment(g) && LLVMGetAlignment(g) < 8;
  if (packed && !mwcc_type_names_ptr(c, type) && may_be_aligned(g)) {
    LLVMSetAlignment(g, 8);
    packed = false;
  }
  bool odd = m.misaligned != MWCC_NO_OFFSET || packed;
  bool every = odd && mwcc_options()->gc_malloc; /* word by word, and in between (step_of) */
  if (odd && !every)
    mwcc_report(g, MWCC_WARNING,
                "'%s' holds a pointer that is not aligned to 8 bytes: the collector cannot see it",
                LLVMGetValueName2(g, &len));
  if (packed || every) free(m.bits);
  if (every || (!m.period && mwcc_may_be_a_struct(c, g))) {
    LLVMValueRef whole[] = {g, i64(c, LLVMABISizeOfType(c->td, type)), LLVMConstNull(c->t_ptr),
                            i64(c, 0)};
    return LLVMConstNamedStruct(t->t_global, whole, 4);
  }
  if (packed || !m.period) return NULL;
  bool all = true;
  for (uint64_t i = 0; i < m.period; i++) all &= m.bits[i / 64] >> (i % 64) & 1;
  LLVMValueRef f[] = {g, i64(c, LLVMABISizeOfType(c->td, type)),
                      all ? LLVMConstNull(c->t_ptr) : mwcc_mask_const(c, &m),
                      i64(c, all ? 0 : m.period)};
  free(m.bits);
  return LLVMConstNamedStruct(t->t_global, f, 4);
}

/* __start_ or __stop_ of a section: 0 when the linker dropped it all. */
static LLVMValueRef bound(struct mwcc *c, const char *which, const char *section) {
  char name[256];
  snprintf(name, sizeof name, "%s%s", which, section);
  LLVMValueRef g = LLVMGetNamedGlobal(c->mod, name);
  if (g) return g;
  g = LLVMAddGlobal(c->mod, c->t_i8, name);
  LLVMSetLinkage(g, LLVMExternalWeakLinkage);
  LLVMSetVisibility(g, LLVMHiddenVisibility);
  return g;
}

/* Where besides whole words the collector has to look in memory of unknown type. */
static unsigned step_of(const struct mwcc *c) {
  const struct mwcc_options *o = mwcc_options();
  if (!o->gc_malloc) return 0;
  unsigned asked = o->step_1 ? 1 : o->step_2 ? 2 : o->step_4 ? 4 : 0;
  return asked && (!c->step || asked < c->step) ? asked : c->step;
}

static LLVMValueRef module_for(struct mwcc *c, struct tables *t, LLVMValueRef table, unsigned n,
                               const char *section, bool tls, LLVMValueRef source) {
  LLVMValueRef null = LLVMConstNull(c->t_ptr);
  LLVMValueRef f[] = {
      LLVMConstInt(c->t_i32, ABI_VERSION, false),
      LLVMConstInt(c->t_i32, n, false),
      table ? table : null,
      section ? bound(c, "__start_", section) : null,
      section ? bound(c, "__stop_", section) : null,
      source,
      LLVMConstInt(c->t_i32, tls, false),
      LLVMConstInt(c->t_i32, step_of(c), false),
      null,
  };
  LLVMValueRef m = LLVMAddGlobal(c->mod, t->t_module, "mwi_module");
  LLVMSetInitializer(m, LLVMConstNamedStruct(t->t_module, f, sizeof f / sizeof f[0]));
  LLVMSetLinkage(m, LLVMInternalLinkage);
  LLVMSetAlignment(m, 8);
  return m;
}

/* void name(void) { fn(&module) for each }: not instrumented, runs early. */
static LLVMValueRef caller(struct mwcc *c, const char *name, const char *callee,
                           const struct mwcc_vec *modules) {
  LLVMTypeRef type = LLVMFunctionType(c->t_void, NULL, 0, false);
  LLVMTypeRef callee_type = LLVMFunctionType(c->t_void, &c->t_ptr, 1, false);
  LLVMValueRef rt = mwcc_runtime_fn(c, callee, callee_type);
  LLVMValueRef f = LLVMAddFunction(c->mod, name, type);
  LLVMSetLinkage(f, LLVMInternalLinkage);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
  mwcc_fn_attr(c, f, (unsigned)LLVMAttributeFunctionIndex, "uwtable", 2);
  mwcc_fn_attr_str(c, f, "frame-pointer", "all");
  mwcc_set_plain(c, f);
  LLVMPositionBuilderAtEnd(c->b, LLVMAppendBasicBlockInContext(c->ctx, f, "entry"));
  for (size_t i = 0; i < modules->len; i++) {
    LLVMValueRef m = modules->at[i];
    LLVMBuildCall2(c->b, callee_type, rt, &m, 1, "");
  }
  LLVMBuildRetVoid(c->b);
  return f;
}

static LLVMTypeRef named(struct mwcc *c, const char *name, LLVMTypeRef *fields, unsigned n) {
  LLVMTypeRef t = LLVMGetTypeByName2(c->ctx, name);
  if (t) return t;
  t = LLVMStructCreateNamed(c->ctx, name);
  LLVMStructSetBody(t, fields, n, false);
  return t;
}

void mwcc_register_module(struct mwcc *c, const struct mwcc_vec *sections) {
  LLVMTypeRef p = c->t_ptr, w = c->t_i64, h = c->t_i32;
  LLVMTypeRef gf[] = {p, w, p, w}, mf[] = {h, h, p, p, p, p, h, h, p};
  struct tables t = {named(c, "struct.mwi_global", gf, 4), named(c, "struct.mwi_module", mf, 9)};
  struct mwcc_vec entries = {0}, modules = {0};
  bool tls = false;
  LLVMValueRef last = LLVMGetLastGlobal(c->mod);
  for (LLVMValueRef g = LLVMGetFirstGlobal(c->mod); g; g = LLVMGetNextGlobal(g)) {
    if (is_candidate(c, g)) {
      if (LLVMIsThreadLocal(g)) {
        LLVMTypeRef type = LLVMGlobalGetValueType(g);
        tls |= mwcc_type_has_ptr(type) || mwcc_may_be_a_struct(c, g);
      } else {
        LLVMValueRef e = entry_for(c, &t, g);
        if (e) mwcc_vec_push(&entries, e);
      }
    }
    if (g == last) break; /* what follows, this function made */
  }
  if (entries.len || tls || sections->len) {
    size_t len;
    LLVMValueRef source = mwcc_string(c, LLVMGetSourceFileName(c->mod, &len), "mwi_source");
    LLVMValueRef table = NULL;
    if (entries.len) {
      LLVMValueRef init =
          LLVMConstArray2(t.t_global, (LLVMValueRef *)(void *)entries.at, entries.len);
      table = LLVMAddGlobal(c->mod, LLVMTypeOf(init), "mwi_globals");
      LLVMSetInitializer(table, init);
      LLVMSetGlobalConstant(table, true);
      LLVMSetLinkage(table, LLVMInternalLinkage);
      LLVMSetAlignment(table, 8);
    }
    const char *first = sections->len ? sections->at[0] : NULL;
    mwcc_vec_push(&modules, module_for(c, &t, table, (unsigned)entries.len, first, tls, source));
    for (size_t i = 1; i < sections->len; i++)
      mwcc_vec_push(&modules, module_for(c, &t, NULL, 0, sections->at[i], false, source));
    mwcc_add_ctor(c->mod, caller(c, "mwi_module_init", "mwi_rt_module_add", &modules), PRIORITY);
    mwcc_add_dtor(c->mod, caller(c, "mwi_module_fini", "mwi_rt_module_remove", &modules), PRIORITY);
  }
  mwcc_vec_fini(&entries);
  mwcc_vec_fini(&modules);
}
