/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_calls.c -- what a call does with its arguments
 *
 * Job      Adds the flows of one call to the graph: by the callee's summary,
 *          by the tables of the runtime and of libc, by attributes, or, when
 *          nothing is known, to the heap.
 * How      libc: the functions that libc.c calls harmless keep nothing; a pointer
 *          that they return may be any of their arguments, a number (read's) is
 *          none.  Exceptions are in escape_known.c.  A parameter that clang knows as not captured
 * (noescape) still leaks what it points to: the callee may keep that.
 */
#include <string.h>
#include "escape.h"

static struct mwcc_hole deref(struct mwcc_hole h, int n) {
  h.derefs += n;
  return h;
}

static bool is_prefix(const char *s, const char *prefix) {
  return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ---- Functions with known effects ----------------------------------------------------- */

static void copy_content(struct mwcc_esc *e, LLVMValueRef dst, LLVMValueRef src, LLVMValueRef at) {
  mwcc_esc_store(e, dst, deref(mwcc_esc_value(e, src), 1), at);
}

/* As escape_known.c describes it. */
static void by_letters(struct mwcc_esc *e, LLVMValueRef call, const char *letters) {
  unsigned n = LLVMGetNumArgOperands(call);
  struct mwcc_hole result = mwcc_esc_value(e, call);
  for (unsigned i = 0; i < n; i++) {
    LLVMValueRef v = LLVMGetOperand(call, i);
    struct mwcc_hole h = mwcc_esc_value(e, v);
    switch (*letters) {
    case 'h':
      mwcc_esc_flow(e, 0, h, call, false);
      break;
    case 'c':
      mwcc_esc_flow(e, 0, deref(h, 1), call, false);
      break;
    case 'd':
      mwcc_esc_flow(e, 0, deref(h, 2), call, false);
      break;
    case 'C': /* moved to other memory, or returned as it is */
      mwcc_esc_flow(e, 0, deref(h, 1), call, false);
      mwcc_esc_flow(e, result.loc, h, call, false);
      break;
    case 's':
      mwcc_esc_store(e, v, mwcc_esc_value(e, LLVMGetOperand(call, 0)), call);
      break;
    case 'r':
      mwcc_esc_flow(e, result.loc, h, call, false);
      break;
    case 'S':
      mwcc_esc_store(e, v, mwcc_esc_value(e, LLVMGetOperand(call, 0)), call);
      mwcc_esc_flow(e, result.loc, deref(h, 1), call, false);
      break;
    case 'x':
      for (unsigned k = 0; k < n; k++)
        if (k != i) mwcc_esc_store(e, v, mwcc_esc_value(e, LLVMGetOperand(call, k)), call);
      break;
    case 'p':
      mwcc_esc_flow(e, result.loc, deref(h, 1), call, false);
      break;
    case 'm': {
      unsigned from = letters[1] == '1' && i == 0 ? 1 : 0;
      if (from < n) copy_content(e, v, LLVMGetOperand(call, from), call);
      mwcc_esc_flow(e, result.loc, h, call, false);
      break;
    }
    default:
      break;
    }
    if (letters[1]) letters++;
  }
}

/* Integers narrower than a pointer are not followed into functions. */
static struct mwcc_hole argument(struct mwcc_esc *e, LLVMValueRef call, unsigned i) {
  LLVMValueRef v = LLVMGetOperand(call, i);
  if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMMetadataTypeKind) return (struct mwcc_hole){-1, 0};
  if (LLVMSizeOfTypeInBits(e->c->td, LLVMTypeOf(v)) < 64) return (struct mwcc_hole){-1, 0};
  return mwcc_esc_value(e, v);
}

static void returned(struct mwcc_esc *e, LLVMValueRef call) {
  struct mwcc_hole result = mwcc_esc_value(e, call);
  if (result.loc < 0) return;
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++)
    mwcc_esc_flow(e, result.loc, mwcc_esc_value(e, LLVMGetOperand(call, i)), call, false);
}

/* ---- Unknown functions ------------------------------------------------------------------- */

static bool has_attr(LLVMValueRef call, LLVMValueRef f, unsigned index, const char *name) {
  return mwcc_call_has_attr(call, index, name) || (f && mwcc_fn_has_attr(f, index, name));
}

/* It may turn out when linking that the callee does not keep its argument i, h. */
static bool ask(struct mwcc_esc *e, LLVMValueRef call, LLVMValueRef f, unsigned i,
                struct mwcc_hole h) {
  struct mwcc_given itself = {f, i, 0}, content = {f, i, 1};
  return mwcc_may_ask(e, f) && mwcc_esc_ask(e, &itself, h, call) &&
         mwcc_esc_ask(e, &content, deref(h, 1), call);
}

static void unknown(struct mwcc_esc *e, LLVMValueRef call, LLVMValueRef f) {
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++) {
    struct mwcc_hole h = argument(e, call, i);
    if (h.loc < 0) continue;
    bool not_kept = mwcc_not_captured(call, f, i + 1);
    if (not_kept || has_attr(call, f, i + 1, "byval") || has_attr(call, f, i + 1, "sret"))
      h.derefs++; /* a copy */
    if (not_kept || !ask(e, call, f, i, h)) mwcc_esc_flow(e, 0, h, call, true);
  }
}

/* Memory operands that assembly writes; they come first. */
static unsigned written_operands(LLVMValueRef assembly) {
  size_t len;
  const char *s = LLVMGetInlineAsmConstraintString(assembly, &len), *end = s + len;
  unsigned n = 0;
  while (s < end) {
    n += len > 1 && s[0] == '=' && memchr(s, '*', strcspn(s, ",")) != NULL;
    s += strcspn(s, ",") + 1;
  }
  return n;
}

/* A memory operand is accessed, not kept; but its address can be taken (lea),
 * for a result or for a memory operand that is written. */
static void assembly(struct mwcc_esc *e, LLVMValueRef call) {
  unsigned n = LLVMGetNumArgOperands(call), written = written_operands(LLVMGetCalledValue(call));
  struct mwcc_hole result = mwcc_esc_value(e, call);
  for (unsigned i = 0; i < n; i++) {
    struct mwcc_hole h = argument(e, call, i);
    bool memory = has_attr(call, NULL, i + 1, "elementtype");
    mwcc_esc_flow(e, 0, deref(h, memory), call, true);
    mwcc_esc_flow(e, result.loc, h, call, false);
    for (unsigned k = 0; k < written && k < n && memory; k++)
      if (LLVMGetOperand(call, k) != LLVMGetOperand(call, i))
        mwcc_esc_store(e, LLVMGetOperand(call, k), h, call);
  }
}

static bool is_qsort(const char *name) {
  return strcmp(name, "qsort") == 0 || strcmp(name, "bsearch") == 0;
}

/* Of a function that is called back; NULL: not known, or being solved now. */
static const struct mwcc_summary *summary_of(struct mwcc_esc *e, LLVMValueRef fn) {
  uintptr_t known = 0;
  if (LLVMIsAFunction(fn) && mwcc_exact(fn)) mwcc_map_get(e->summaries, fn, &known);
  return (const void *)known;
}

/* mw_once_do(once, fn, arg) calls fn(arg) before it returns. */
static bool once_call(struct mwcc_esc *e, LLVMValueRef call) {
  const struct mwcc_summary *s =
      LLVMGetNumArgOperands(call) == 3 ? summary_of(e, LLVMGetOperand(call, 1)) : NULL;
  if (!s || s->n != 1) return false;
  struct mwcc_hole h = mwcc_esc_value(e, LLVMGetOperand(call, 2));
  if (s->p[0].heap >= 0) mwcc_esc_flow(e, 0, deref(h, s->p[0].heap), call, false);
  if (s->p[0].own >= 0) mwcc_esc_own(e, deref(h, s->p[0].own), call);
  return true;
}

/* The comparison is called with pointers into the array (and the key). */
static bool sort_call(struct mwcc_esc *e, LLVMValueRef call, const char *name) {
  bool search = name[0] == 'b';
  unsigned n = LLVMGetNumArgOperands(call);
  if (n != (search ? 5u : 4u)) return false;
  LLVMValueRef compare = LLVMGetOperand(call, n - 1);
  const struct mwcc_summary *s = summary_of(e, compare);
  for (unsigned i = 0; i < 2; i++) {
    struct mwcc_hole h = mwcc_esc_value(e, LLVMGetOperand(call, search ? i : 0));
    if (!s) mwcc_esc_flow(e, 0, h, call, true);
    for (unsigned k = 0; s && k < s->n; k++) {
      if (s->p[k].heap >= 0) mwcc_esc_flow(e, 0, deref(h, s->p[k].heap), call, s->p[k].assumed);
      if (s->p[k].own >= 0) mwcc_esc_own(e, deref(h, s->p[k].own), call);
    }
  }
  if (search)
    mwcc_esc_flow(e, mwcc_esc_value(e, call).loc, mwcc_esc_value(e, LLVMGetOperand(call, 1)), call,
                  false);
  return true;
}

/* ---- Functions that were analysed ---------------------------------------------------------- */

bool mwcc_exact(LLVMValueRef fn) {
  if (!mwcc_instrumented(fn)) return false;
  switch (LLVMGetLinkage(fn)) {
  case LLVMExternalLinkage: /* -fsemantic-interposition: the loader may choose another */
    return !mwcc_may_be_interposed(fn);
  case LLVMInternalLinkage:
  case LLVMPrivateLinkage:
  case LLVMLinkOnceODRLinkage:
  case LLVMWeakODRLinkage:
  case LLVMAvailableExternallyLinkage: /* C99 inline: the other definition is the same */
    return true;
  default:
    return false;
  }
}

/* What a call's value receives: a struct returned in memory comes by its sret argument. */
static void to_result(struct mwcc_esc *e, LLVMValueRef call, struct mwcc_hole h) {
  LLVMValueRef f = mwcc_callee(call);
  mwcc_esc_flow(e, mwcc_esc_value(e, call).loc, h, call, false);
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n && i < 2; i++)
    if (has_attr(call, f, i + 1, "sret")) mwcc_esc_store(e, LLVMGetOperand(call, i), h, call);
}

/* The callee's questions are the caller's. */
static void asked(struct mwcc_esc *e, LLVMValueRef call, const struct mwcc_summary *s, unsigned i,
                  struct mwcc_hole h) {
  for (unsigned k = 0; k < s->ngiven; k++)
    if (s->given[k].param == i &&
        !mwcc_esc_ask(e, &s->given[k].q, deref(h, s->given[k].derefs), call))
      mwcc_esc_flow(e, 0, deref(h, s->given[k].derefs), call, true);
}

static void by_summary(struct mwcc_esc *e, LLVMValueRef call, const struct mwcc_summary *s) {
  LLVMValueRef f = mwcc_callee(call);
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++) {
    struct mwcc_hole h = argument(e, call, i);
    if (h.loc < 0) continue;
    if (has_attr(call, f, i + 1, "byval")) h.derefs++; /* a copy */
    if (i >= s->n) { /* variable arguments, or a call through another type */
      mwcc_esc_flow(e, 0, h, call, false);
      continue;
    }
    if (!e->links || !s->ngiven) {
      if (s->p[i].heap >= 0) mwcc_esc_flow(e, 0, deref(h, s->p[i].heap), call, s->p[i].assumed);
    } else {
      if (s->p[i].sure >= 0) mwcc_esc_flow(e, 0, deref(h, s->p[i].sure), call, s->p[i].assumed);
      asked(e, call, s, i, h);
    }
    if (s->p[i].own >= 0) mwcc_esc_own(e, deref(h, s->p[i].own), call);
    if (s->p[i].result >= 0) to_result(e, call, deref(h, s->p[i].result));
  }
}

/* The callee is in the same component: its locations are in this graph. */
static void wired(struct mwcc_esc *e, LLVMValueRef call, LLVMValueRef f) {
  unsigned params = LLVMCountParams(f);
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++) {
    struct mwcc_hole h = argument(e, call, i);
    if (h.loc < 0) continue;
    if (has_attr(call, f, i + 1, "byval")) h.derefs++; /* a copy */
    if (i >= params) {
      mwcc_esc_flow(e, 0, h, call, false);
      continue;
    }
    if (has_attr(call, f, i + 1, "sret")) continue; /* see to_result */
    struct mwcc_hole p = mwcc_esc_value(e, LLVMGetParam(f, i));
    mwcc_esc_flow(e, p.loc < 0 ? 0 : p.loc, h, call, false);
  }
  to_result(e, call, (struct mwcc_hole){mwcc_esc_result(e, f), 0});
}

/* ---- Intrinsics, markers ----------------------------------------------------------------------
 */

static bool writes_nothing(LLVMValueRef f) {
  unsigned kind = LLVMGetEnumAttributeKindForName("memory", 6);
  LLVMAttributeRef a = LLVMGetEnumAttributeAtIndex(f, (unsigned)LLVMAttributeFunctionIndex, kind);
  return a && (LLVMGetEnumAttributeValue(a) & UINT64_C(0xaaaaaaaa)) == 0;
}

static void intrinsic(struct mwcc_esc *e, LLVMValueRef call, LLVMValueRef f) {
  static const char *const silent[] = {
      "llvm.lifetime.",  "llvm.dbg.",        "llvm.assume",
      "llvm.va_",        "llvm.memset.",     "llvm.prefetch",
      "llvm.objectsize", "llvm.invariant.",  "llvm.experimental.noalias",
      "llvm.stack",      "llvm.trap",        "llvm.is.constant",
      "llvm.eh.",        "llvm.clear_cache", "llvm.donothing",
      "llvm.sideeffect"};
  size_t len;
  const char *name = LLVMGetValueName2(f, &len);
  for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
    if (is_prefix(name, silent[i])) return;
  if (is_prefix(name, "llvm.memcpy.") || is_prefix(name, "llvm.memmove.")) {
    copy_content(e, LLVMGetOperand(call, 0), LLVMGetOperand(call, 1), call);
  } else if (writes_nothing(f) || is_prefix(name, "llvm.ptr.annotation") ||
             is_prefix(name, "llvm.launder") || is_prefix(name, "llvm.strip")) {
    returned(e, call);
  } else {
    unknown(e, call, f);
  }
}

/* A marker performs the store that it stands for. */
static void marker(struct mwcc_esc *e, LLVMValueRef call, enum mwcc_marker kind) {
  LLVMValueRef p = LLVMGetOperand(call, 0), v = LLVMGetOperand(call, 1);
  switch (mwcc_does(kind)) {
  case MWCC_COPIES:
    copy_content(e, p, v, call);
    return;
  case MWCC_SETS:
    return;
  case MWCC_COMPARES:
    v = LLVMGetOperand(call, 2);
    break;
  default:
    break;
  }
  mwcc_esc_store_value(e, p, v, call);
  struct mwcc_hole result = mwcc_esc_value(e, call);
  mwcc_esc_flow(e, result.loc, deref(mwcc_esc_value(e, p), 1), call, false);
}

static bool is_must_tail(LLVMValueRef call) {
  return LLVMGetInstructionOpcode(call) == LLVMCall &&
         LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail;
}

/* The callee runs when this frame is gone: what it is given has to outlive all that is
 * declared in it. */
static void frame_goes_first(struct mwcc_esc *e, LLVMValueRef call) {
  int beyond = mwcc_esc_new_loc(e, MWCC_LOC_VALUE, call);
  e->locs[beyond].root = true;
  e->locs[beyond].hold = -1;
  for (unsigned i = 0, n = LLVMGetNumArgOperands(call); i < n; i++)
    mwcc_esc_flow(e, beyond, argument(e, call, i), call, false);
}

void mwcc_esc_call(struct mwcc_esc *e, LLVMValueRef call) {
  enum mwcc_marker kind = mwcc_marker_of(e->c, call);
  if (kind != MWCC_NOT_A_MARKER) {
    marker(e, call, kind);
    return;
  }
  if (is_must_tail(call)) frame_goes_first(e, call);
  LLVMValueRef f = mwcc_callee(call), called = LLVMGetCalledValue(call);
  bool replaceable = LLVMIsAGlobalAlias(called) && LLVMGetLinkage(called) != LLVMExternalLinkage &&
                     LLVMGetLinkage(called) != LLVMInternalLinkage;
  if (LLVMIsAInlineAsm(called)) {
    assembly(e, call);
    return;
  }
  if (!f || replaceable) {
    unknown(e, call, NULL);
    return;
  }
  if (mwcc_is_alloc(call)) {
    mwcc_esc_value(e, call);
    return;
  }
  if (LLVMGetIntrinsicID(f)) {
    intrinsic(e, call, f);
    return;
  }
  uintptr_t known;
  if (mwcc_exact(f)) {
    if (mwcc_map_get(e->summaries, f, &known)) {
      if (known)
        by_summary(e, call, (const void *)known);
      else
        wired(e, call, f);
    } else {
      unknown(e, call, f);
    }
    return;
  }
  size_t len;
  const char *name = LLVMGetValueName2(f, &len), *letters;
  if (LLVMCountBasicBlocks(f)) {
    unknown(e, call, f);
  } else if (is_qsort(mwcc_libc_name(name)) && sort_call(e, call, mwcc_libc_name(name))) {
    return;
  } else if (strcmp(name, "mw_once_do") == 0 && once_call(e, call)) {
    return;
  } else if ((letters = mwcc_esc_known(mwcc_libc_name(name))) != NULL) {
    by_letters(e, call, letters);
  } else if (mwcc_harmless(mwcc_libc_name(name))) {
    if (LLVMGetTypeKind(LLVMTypeOf(call)) == LLVMPointerTypeKind) returned(e, call);
  } else if (writes_nothing(f)) {
    returned(e, call); /* it can return an argument, not keep it */
  } else {
    const struct mwcc_summary *s = mwcc_summary_of_name(e, name);
    if (s)
      by_summary(e, call, s);
    else
      unknown(e, call, f);
  }
}
