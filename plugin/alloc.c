/* SPDX-License-Identifier: MIT */
/*
 * plugin/alloc.c -- typed allocations get their layout
 *
 * Job      Turns what the macros of mallow.h call (mwi_new_typed and its
 *          siblings) into the runtime's entry points with a layout descriptor
 *          in the place of the witness object.
 * How      The witness is an internal constant whose value type is T.  The
 *          macro's statement expression passes it through a temporary, so a
 *          load from an alloca with a single store is traced back.  A call
 *          whose witness is not found stays as it is: the runtime then scans
 *          the object conservatively.
 *          An allocation with no use is removed by the optimiser: the
 *          call's attributes say that it is one, and that it is zeroed.  Not so
 *          one of unknown or great length, which may be fatal (out of range,
 *          out of memory), and is so whoever looks at the object.
 */
#include <string.h>
#include "escape.h"

/* The values of llvm::AllocFnKind, which has no C API. */
enum {
  ALLOC_KIND_ALLOC = 1 << 0,
  ALLOC_KIND_REALLOC = 1 << 1,
  ALLOC_KIND_RAW = 1 << 3,
  ALLOC_KIND_ZEROED = 1 << 4
};

static const struct {
  const char *from, *to;
  unsigned witness; /* argument index */
} calls[] = {
    {"mwi_new_typed", "mwi_rt_new", 2},
    {"mwi_make_typed", "mwi_rt_make", 3},
    {"mwi_flex_typed", "mwi_rt_new_flex", 5},
    {"mwi_chan_make_typed", "mwi_rt_chan_make", 2},
    {NULL, "mwi_rt_new_raw", 0}, /* of moved variables only (escape_heap.c), as the next */
    {NULL, "mwi_rt_new_var", 0},
};
enum { NEW, MAKE, FLEX, CHAN, RAW, VAR };

/* The only value stored to the alloca that v is loaded from, or v. */
static LLVMValueRef trace(LLVMValueRef v) {
  for (int depth = 0; depth < 8 && LLVMIsALoadInst(v); depth++) {
    LLVMValueRef slot = LLVMGetOperand(v, 0), stored = NULL;
    if (!LLVMIsAAllocaInst(slot)) return v;
    for (LLVMUseRef u = LLVMGetFirstUse(slot); u; u = LLVMGetNextUse(u)) {
      LLVMValueRef i = LLVMGetUser(u);
      if (LLVMIsALoadInst(i)) continue;
      if (!LLVMIsAStoreInst(i) || LLVMGetOperand(i, 1) != slot || stored) return v;
      stored = LLVMGetOperand(i, 0);
    }
    if (!stored) return v;
    v = stored;
  }
  return v;
}

static LLVMValueRef witness_of(LLVMValueRef call, unsigned arg) {
  LLVMValueRef w = mwcc_base(trace(LLVMGetOperand(call, arg)));
  if (!LLVMIsAGlobalVariable(w) || !LLVMGetInitializer(w)) return NULL;
  return w;
}

/* The runtime's function with what the optimiser may know of it. */
static LLVMValueRef entry(struct mwcc *c, int kind, LLVMTypeRef *type) {
  LLVMTypeRef p = c->t_ptr, n = c->t_i64;
  LLVMTypeRef args[4] = {p, n, n, n};
  unsigned nargs = kind == NEW || kind == RAW || kind == VAR ? 1 : kind == FLEX ? 4 : 2;
  if (kind == FLEX) args[1] = p;
  *type = LLVMFunctionType(p, args, nargs, false);
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, calls[kind].to);
  if (f) return f;
  f = mwcc_runtime_fn(c, calls[kind].to, *type);
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  mwcc_fn_attr(c, f, fn, "willreturn", 0);
  mwcc_fn_attr(c, f, fn, "memory", 3u << MWCC_MEM_INACC_SHIFT | 3u << MWCC_MEM_ARG_SHIFT);
  mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "noalias", 0);
  mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "nonnull", 0);
  mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "noundef", 0);
  if (kind != CHAN) {
    mwcc_fn_attr(c, f, fn, "allockind",
                 ALLOC_KIND_ALLOC | (kind == RAW ? ALLOC_KIND_RAW : ALLOC_KIND_ZEROED));
    mwcc_fn_attr_str(c, f, "alloc-family", "mallow");
  }
  return f;
}

/* What InstCombine takes for a realloc it does not remove when nobody reads it. */
static void keep_unused(struct mwcc *c, LLVMValueRef call, bool raw) {
  mwcc_call_attr(c, call, (unsigned)LLVMAttributeFunctionIndex, "allockind",
                 ALLOC_KIND_REALLOC | (raw ? ALLOC_KIND_RAW : ALLOC_KIND_ZEROED));
}

/*
 * The object of a variable that moves.  InstCombine removes allocations that nobody reads, and
 * loses debug records of what was assigned to them; the middle run makes allocas of these, which
 * LLVM removes with their values kept.
 */
LLVMValueRef mwcc_new_var(struct mwcc *c, bool raw, LLVMValueRef layout) {
  LLVMTypeRef type;
  LLVMValueRef f = entry(c, raw ? RAW : VAR, &type);
  LLVMValueRef call = LLVMBuildCall2(c->b, type, f, &layout, 1, "");
  keep_unused(c, call, raw);
  return call;
}

/* For the optimiser an allocation that is not zeroed: what it is on the stack.  It must not
 * find out more, so the memory is given away to it. */
LLVMValueRef mwcc_place_var(struct mwcc *c, bool raw, LLVMValueRef layout, LLVMValueRef moves,
                            LLVMValueRef var) {
  const unsigned fn = (unsigned)LLVMAttributeFunctionIndex;
  LLVMTypeRef params[4] = {c->t_ptr, c->t_ptr, c->t_ptr, c->t_i1};
  LLVMTypeRef type = LLVMFunctionType(c->t_ptr, params, 4, false);
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, MWCC_PLACE);
  if (!f) {
    f = mwcc_runtime_fn(c, MWCC_PLACE, type);
    mwcc_fn_attr(c, f, fn, "willreturn", 0);
    mwcc_fn_attr(c, f, fn, "memory", 3u << MWCC_MEM_INACC_SHIFT | 3u << MWCC_MEM_ARG_SHIFT);
    mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "noalias", 0);
    mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "nonnull", 0);
    mwcc_fn_attr(c, f, LLVMAttributeReturnIndex, "noundef", 0);
  }
  LLVMValueRef args[4] = {layout, moves, var, LLVMConstInt(c->t_i1, raw, false)};
  return LLVMBuildCall2(c->b, type, f, args, 4, "");
}

/* n * size is known, and no more than what would be on the stack anyway? */
static bool surely_fits(LLVMValueRef n, uint64_t size) {
  uint64_t count;
  return mwcc_const_u64(n, &count) && (size == 0 || count <= MWCC_MAX_ALLOC / size);
}

static void rewrite(struct mwcc *c, LLVMValueRef call, int kind, struct mwcc_vec *witnesses) {
  LLVMValueRef w = witness_of(call, calls[kind].witness), we = NULL;
  if (!w) return;
  if (kind == FLEX) {
    we = witness_of(call, calls[kind].witness + 1);
    if (!we) return;
    mwcc_vec_push(witnesses, we);
  }
  mwcc_vec_push(witnesses, w);
  uint64_t size, align = 8;
  if (!mwcc_const_u64(LLVMGetOperand(call, 0), &size)) return;
  if (kind != CHAN && !mwcc_const_u64(LLVMGetOperand(call, 1), &align)) return;
  bool array = kind == MAKE || kind == CHAN;
  LLVMValueRef layout = mwcc_layout_global(c, LLVMGlobalGetValueType(w), size, align, call, array);
  LLVMValueRef args[4] = {layout};
  unsigned nargs = 1;
  uint64_t unit = size; /* what is counted by the call's number */
  if (kind == MAKE) args[nargs++] = LLVMGetOperand(call, 2);
  if (kind == CHAN) args[nargs++] = LLVMGetOperand(call, 1);
  if (kind == FLEX) {
    uint64_t elem_size = 0;
    LLVMTypeRef et = LLVMGlobalGetValueType(we);
    mwcc_const_u64(LLVMGetOperand(call, 3), &elem_size);
    unit = elem_size;
    args[nargs++] =
        mwcc_layout_global(c, et, elem_size, LLVMABIAlignmentOfType(c->td, et), call, true);
    args[nargs++] = LLVMGetOperand(call, 2);
    args[nargs++] = LLVMGetOperand(call, 4);
  }
  LLVMTypeRef type;
  LLVMValueRef f = entry(c, kind, &type);
  call = mwcc_as_call(call);
  LLVMPositionBuilderBefore(c->b, call);
  LLVMValueRef made = LLVMBuildCall2(c->b, type, f, args, nargs, "");
  LLVMInstructionSetDebugLoc(made, LLVMInstructionGetDebugLoc(call));
  if (kind == NEW && size) {
    mwcc_call_attr(c, made, LLVMAttributeReturnIndex, "dereferenceable", size);
    mwcc_call_attr(c, made, LLVMAttributeReturnIndex, "align", align);
  }
  if ((kind == MAKE || kind == FLEX) &&
      !surely_fits(LLVMGetOperand(call, kind == MAKE ? 2 : 4), unit))
    keep_unused(c, made, false);
  if (kind != CHAN) mwcc_note_type(c, made, w);
  LLVMReplaceAllUsesWith(call, made);
  LLVMInstructionEraseFromParent(call);
}

/* Remove a witness that only its temporaries still know. */
static void drop_witness(struct mwcc *c, LLVMValueRef w) {
  LLVMUseRef next;
  for (LLVMUseRef u = LLVMGetFirstUse(w); u; u = next) {
    next = LLVMGetNextUse(u);
    LLVMValueRef i = LLVMGetUser(u);
    if (LLVMIsAStoreInst(i) && LLVMGetOperand(i, 0) == w && LLVMIsAAllocaInst(LLVMGetOperand(i, 1)))
      LLVMSetOperand(i, 0, LLVMConstNull(c->t_ptr));
  }
  if (!LLVMGetFirstUse(w)) LLVMDeleteGlobal(w);
}

void mwcc_typed_allocations(struct mwcc *c) {
  struct mwcc_vec witnesses = {0};
  for (int kind = NEW; kind < RAW; kind++) {
    LLVMValueRef f = LLVMGetNamedFunction(c->mod, calls[kind].from);
    if (!f) continue;
    LLVMUseRef next;
    for (LLVMUseRef u = LLVMGetFirstUse(f); u; u = next) {
      next = LLVMGetNextUse(u);
      LLVMValueRef call = LLVMGetUser(u);
      if (LLVMIsAInstruction(call) && mwcc_callee(call) == f) rewrite(c, call, kind, &witnesses);
    }
    if (!LLVMGetFirstUse(f)) LLVMDeleteFunction(f);
  }
  struct mwcc_map gone = {0};
  for (size_t i = 0; i < witnesses.len; i++) {
    if (mwcc_map_get(&gone, witnesses.at[i], NULL)) continue;
    mwcc_map_put(&gone, witnesses.at[i], 1);
    drop_witness(c, witnesses.at[i]);
  }
  mwcc_map_fini(&gone);
  mwcc_vec_fini(&witnesses);
}
