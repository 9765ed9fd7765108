/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape.c -- escape analysis: order of work
 *
 * Job      Two runs over the module, each from callees to callers:
 *            early   before any optimisation and before stores are marked, at
 *                    every -O level: variables that escape move to the heap,
 *                    allocations that do not move to the stack.  What is legal
 *                    C here does not depend on what the optimiser finds.
 *            middle  at -O1 and above, after inlining: allocations, those too
 *                    that the early run made of variables, move to the stack
 *                    where the inlined code shows that they do not escape.
 *                    With -flto once more in the linker, on the whole program.
 * Promise  [EP2] An allocation that stays on the stack in an early decision was
 *          proven on the code as written; the middle run decides only about
 *          allocations, never about variables.
 * Reports  are of the last decision (escape_report.c).
 */
#include <stdlib.h>
#include <string.h>
#include "escape.h"

unsigned mwcc_md_var(struct mwcc *c) {
  return LLVMGetMDKindIDInContext(c->ctx, "mallow.var", 10);
}

unsigned mwcc_md_done(struct mwcc *c) {
  return LLVMGetMDKindIDInContext(c->ctx, "mallow.kept", 11);
}

struct run {
  struct mwcc *c;
  struct mwcc_map summaries;
  struct mwcc_vec *changed; /* middle: functions with new allocas */
  struct mwcc_vec owned, assumed;
  bool middle, last, links;
};

/* What parameter i leaks if functions of other files keep it, and how they are asked. */
static void summarise_given(struct mwcc_esc *e, struct mwcc_summary *s, unsigned i,
                            const struct mwcc_loc *l) {
  for (int k = 0; l->leak_given && k < e->ngiven; k++) {
    int derefs = l->leak_given[k];
    if (derefs < 0 || (l->sure_heap >= 0 && l->sure_heap <= derefs)) continue;
    if (s->ngiven % 8 == 0) {
      s->given = realloc(s->given, (s->ngiven + 8) * sizeof *s->given);
      if (!s->given) abort();
    }
    s->given[s->ngiven++] = (struct mwcc_param_given){e->given[k], i, derefs};
  }
}

static struct mwcc_summary *summarise(struct mwcc_esc *e, LLVMValueRef fn) {
  unsigned n = LLVMCountParams(fn);
  struct mwcc_summary *s = calloc(1, sizeof *s + n * sizeof s->p[0]);
  if (!s) abort();
  s->n = n;
  for (unsigned i = 0; i < n; i++) {
    uintptr_t k;
    s->p[i] = (struct mwcc_leak){-1, -1, -1, -1, false};
    if (!mwcc_map_get(&e->values, LLVMGetParam(fn, i), &k)) continue;
    const struct mwcc_loc *l = &e->locs[k];
    s->p[i] = (struct mwcc_leak){(signed char)l->leak_heap, (signed char)l->leak_result,
                                 (signed char)l->leak_own, (signed char)l->sure_heap,
                                 l->leak_heap >= 0 && !l->leaks_surely};
    summarise_given(e, s, i, l);
  }
  return s;
}

static uint64_t var_size(struct mwcc *c, LLVMValueRef alloca) {
  uint64_t n = 1;
  mwcc_const_u64(LLVMGetOperand(alloca, 0), &n);
  return LLVMABISizeOfType(c->td, LLVMGetAllocatedType(alloca)) * n;
}

static bool uses_name(LLVMValueRef alloca, const char *const *prefixes) {
  for (LLVMUseRef u = LLVMGetFirstUse(alloca); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef i = LLVMGetUser(u);
    if (LLVMIsAGetElementPtrInst(i) && uses_name(i, prefixes)) return true;
    LLVMValueRef f = LLVMIsAInstruction(i) ? mwcc_callee(i) : NULL;
    size_t len;
    const char *name = f ? LLVMGetValueName2(f, &len) : "";
    for (const char *const *p = prefixes; *p; p++)
      if (strncmp(name, *p, strlen(*p)) == 0) return true;
  }
  return false;
}

/* Bound to the frame by what it is: a variable-length array, memory of alloca() of whatever size,
 * a va_list, a setjmp buffer. */
bool mwcc_left_alone(struct mwcc *c, LLVMValueRef alloca) {
  static const char *const bound[] = {"llvm.va_",  "_setjmp",      "setjmp", "__sigsetjmp",
                                      "sigsetjmp", "llvm.eh.sjlj", NULL};
  (void)c;
  uint64_t n;
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(alloca));
  if (!mwcc_const_u64(LLVMGetOperand(alloca, 0), &n) || mwcc_is_alloca_call(alloca)) return true;
  if (LLVMGetInstructionParent(alloca) != LLVMGetEntryBasicBlock(fn)) return true;
  LLVMTypeRef t = LLVMGetAllocatedType(alloca);
  while (LLVMGetTypeKind(t) == LLVMArrayTypeKind) t = LLVMGetElementType(t);
  if (LLVMGetTypeKind(t) == LLVMStructTypeKind && !LLVMIsLiteralStruct(t)) {
    const char *name = LLVMGetStructName(t);
    if (name && strcmp(name, "struct.__va_list_tag") == 0) return true;
  }
  return uses_name(alloca, bound);
}

static const char *size_reason(LLVMValueRef call) {
  uint64_t size, align;
  if (mwcc_name_is(mwcc_callee(call), MWCC_PLACE)) return mwcc_linked_reason;
  if (!mwcc_alloc_size(call, &size, &align)) return " (non-constant size)";
  return size > MWCC_MAX_ALLOC ? " (too large for stack)" : "";
}

/* ---- Decisions ------------------------------------------------------------------- */

static void decide_var(struct mwcc_esc *e, int i) {
  LLVMValueRef v = e->locs[i].v;
  if (mwcc_left_alone(e->c, v)) {
    if (e->locs[i].escapes && e->locs[i].certain) mwcc_esc_warn(e, i);
    return;
  }
  bool large = var_size(e->c, v) > MWCC_MAX_VAR;
  bool open = !e->locs[i].escapes && !large && e->locs[i].given;
  if (!e->locs[i].escapes && !large && !open) {
    if (e->locs[i].captured) mwcc_keep_alive_to_end(v);
    return;
  }
  mwcc_esc_note_site(e, i, true, large ? " (too large for stack)" : open ? mwcc_linked_reason : "");
  if (e->locs[i].shared_by_turns && e->locs[i].certain) mwcc_esc_warn_shared(e, i);
  mwcc_to_heap(e->c, v, open ? mwcc_esc_decided_when_linking(e, i) : NULL);
}

static void decide(struct mwcc_esc *e, struct run *r) {
  LLVMValueRef last = NULL;
  uint64_t budget = 0;
  bool fixed = false;
  for (int i = 1; i < e->n; i++) {
    struct mwcc_loc *l = &e->locs[i];
    if (l->kind == MWCC_LOC_VAR && !e->middle) decide_var(e, i);
    if (l->kind == MWCC_LOC_PARAM && !e->middle) {
      mwcc_esc_note_param(e, i);
      if (l->escapes && mwcc_arg_is_byval(l->v)) {
        mwcc_esc_note_site(e, i, true, "");
        mwcc_byval_to_heap(e->c, l->v);
      }
    }
    if (l->kind == MWCC_LOC_RESULT && l->escapes && !e->middle) {
      LLVMValueRef memory = mwcc_sret_of(l->fn); /* the caller's, which may be on its stack */
      if (memory) {
        mwcc_esc_note_site(e, i, true, "");
        mwcc_sret_to_heap(e->c, memory);
      }
    }
    if (l->kind != MWCC_LOC_ALLOC) continue;
    if (l->fn != last) {
      last = l->fn;
      fixed = mwcc_frame_is_fixed(last);
      budget = e->recursive ? MWCC_RECURSIVE_TOTAL : MWCC_FRAME_TOTAL;
    }
    if (LLVMGetMetadata(l->v, mwcc_md_done(e->c)) && !l->escapes) continue; /* beside a buffer */
    /* the site is noted before the call may go */
    bool open = mwcc_name_is(mwcc_callee(l->v), MWCC_PLACE);
    mwcc_esc_note_site(e, i, true, l->escapes && !open ? "" : size_reason(l->v));
    if (l->escapes) continue;
    LLVMValueRef fn = l->fn, call = l->v;
    if (fixed || !mwcc_to_stack(e->c, call, &budget)) {
      l->kept = true;
      mwcc_esc_note_site(e, i, true, size_reason(l->v));
      continue;
    }
    mwcc_esc_note_site(e, i, false, "");
    mwcc_no_tail_calls(fn);
    if (r->changed && (!r->changed->len || r->changed->at[r->changed->len - 1] != fn))
      mwcc_vec_push(r->changed, fn);
  }
}

static void component(void *ctx, LLVMValueRef *fns, unsigned n, int cyclic) {
  struct run *r = ctx;
  struct mwcc_esc e = {.c = r->c,
                       .summaries = &r->summaries,
                       .assumed = &r->assumed,
                       .middle = r->middle,
                       .last = r->last,
                       .links = r->links,
                       .recursive = cyclic != 0};
  mwcc_esc_new_loc(&e, MWCC_LOC_HEAP, NULL);
  for (unsigned i = 0; i < n; i++)
    if (mwcc_instrumented(fns[i])) mwcc_map_put(&r->summaries, fns[i], 0);
  for (unsigned i = 0; i < n; i++)
    if (mwcc_instrumented(fns[i])) mwcc_esc_function(&e, fns[i]);
  mwcc_esc_solve(&e);
  for (unsigned i = 0; i < n; i++) {
    if (!mwcc_instrumented(fns[i])) continue;
    struct mwcc_summary *s = summarise(&e, fns[i]);
    mwcc_vec_push(&r->owned, s);
    mwcc_map_put(&r->summaries, fns[i], (uintptr_t)s);
  }
  decide(&e, r);
  for (int i = 0; i < e.n; i++) {
    free(e.locs[i].edges);
    free(e.locs[i].leak_given);
    free(e.locs[i].flow);
    free(e.locs[i].result_flow);
  }
  free(e.locs);
  free(e.queue);
  mwcc_map_fini(&e.values);
  mwcc_map_fini(&e.results);
  mwcc_map_fini(&e.depths);
}

static void fini(struct run *r) {
  mwcc_summaries_assumed(r->c, &r->assumed);
  mwcc_vec_fini(&r->assumed);
  for (size_t i = 0; i < r->owned.len; i++) {
    free(((struct mwcc_summary *)r->owned.at[i])->given);
    free(r->owned.at[i]);
  }
  mwcc_vec_fini(&r->owned);
  mwcc_map_fini(&r->summaries);
}

/* `return &&label`: clang's warning is off with the one of variables, and here nothing is made
 * legal.  clang generates a return, or a store to the variable "retval". */
static void warn_returned_labels(LLVMValueRef fn) {
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      LLVMOpcode op = LLVMGetInstructionOpcode(i);
      if ((op != LLVMRet && op != LLVMStore) || LLVMGetNumOperands(i) == 0 ||
          !LLVMIsABlockAddress(LLVMGetOperand(i, 0)))
        continue;
      size_t len;
      if (op == LLVMRet || strcmp(LLVMGetValueName2(LLVMGetOperand(i, 1), &len), "retval") == 0)
        mwcc_report(i, MWCC_WARNING,
                    "the address of a label is returned, which no other function can use "
                    "[-Wmallow-escape]");
    }
}

void mwcc_escape_early(struct mwcc *c, int optimised) {
  if (!mwcc_options()->escape) return;
  struct run r = {.c = c, .last = !optimised, .links = mwcc_links_from_object(c->mod)};
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f && mwcc_options()->warn_escape;
       f = LLVMGetNextFunction(f))
    if (mwcc_instrumented(f)) warn_returned_labels(f);
  mwcc_esc_note_calls(c);
  mwcc_components(c->mod, &r, component);
  mwcc_summaries_emit(c, &r.summaries);
  mwcc_givens_emit(c, &r.summaries);
  fini(&r);
  if (!optimised) mwcc_esc_print(c, false);
}

bool mwcc_escape_middle(LLVMModuleRef mod, int link_time, struct mwcc_vec *changed) {
  struct mwcc c;
  if (!mwcc_options()->escape) return false;
  mwcc_init(&c, mod);
  if (mwcc_flag_get(&c, "mallow") && !mwcc_flag_get(&c, "mallow.done")) {
    struct run r = {.c = &c, .middle = true, .last = true, .changed = changed};
    if (!link_time) mwcc_esc_middle_begins();
    mwcc_components(mod, &r, component);
    fini(&r);
    mwcc_esc_print(&c, link_time != 0);
  }
  mwcc_fini(&c);
  return changed->len > 0;
}
