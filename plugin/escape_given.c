/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_given.c -- what depends on functions of other files
 *
 * Job      A variable whose address goes to a function of another file escapes if that
 *          function keeps it, which is known only when the program is linked.  So the walk
 *          asks: "does CALLEE keep its argument ARG, or what it leads to?", and notes for each
 *          variable and parameter which questions decide about it.  Such a variable gets a
 *          byte in the object, 1 for "on the heap"; the driver (driver/decide.c) answers the
 *          questions after linking, and sets the bytes of those that may stay to 0.
 * Promise  [EG1] Until all questions of a variable have the answer no, it is on the heap.
 *          What nobody answers (another linker, a shared library, a callee that mallow has not
 *          compiled) counts as a yes.
 *          [EG2] Where a variable lives is decided before its address is first taken, and does
 *          not change: C's objects keep their address.
 * How      A location for each question, to which arguments flow in place of the heap; each
 *          is walked as the heap is, with a bit for itself.  A variable that it reaches is
 *          walked from in turn with all its bits: what it holds depends on what it depends on.
 *          A callee that returns its argument, or what it leads to, counts as one that keeps that.
 * Left out With -flto, where the linker's run sees the functions themselves.
 *          Allocations, copies of parameters and results in memory: they count as kept.
 *          [EG3] A callee may also store an object's address in the object itself [EA5].  Then
 *          the variable has to move if what it holds is kept, so the questions that decide
 *          about that are noted as well: it moves if one of these has a yes, and one of its
 *          own callees does so.
 * Format   .mallow.places, one record for each variable: the address of its byte (8 bytes),
 *          where it is declared, "LINE COLUMN NAME FILE" or nothing, and a newline,
 *          its questions "CALLEE ARG LEVEL,", those about what it holds "CALLEE ARG LEVEL;",
 *          or "!" where that is kept in any case, and a 0.
 *          Retained: ld --gc-sections drops what has relocations and nobody refers to.
 *          .mallow.given, lines "NAME PARAM SURE DEREFS CALLEE ARG LEVEL": what parameter
 *          PARAM of NAME leads to by so many dereferences leaks if the answer is yes; by SURE
 *          dereferences, or - for none, it leaks in any case.  .mallow.summaries counts all
 *          answers as yes.
 * Next     docs/design/escape.md, "Across files"; tests/escape/linked.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

#define SITES ".mallow.places"
#define GIVEN ".mallow.given"

/* A name that stands in assembly and in the driver's lines as it is. */
static bool is_plain_name(const char *name) {
  return name[0] && name[0] != 1 && strlen(name) <= 500 && !strpbrk(name, "\"\\ @,\n");
}

bool mwcc_may_ask(struct mwcc_esc *e, LLVMValueRef callee) {
  size_t len;
  if (!e->links || !callee || !LLVMIsAFunction(callee) || LLVMCountBasicBlocks(callee) ||
      LLVMGetIntrinsicID(callee) || LLVMGetLinkage(callee) != LLVMExternalLinkage)
    return false;
  const char *name = LLVMGetValueName2(callee, &len);
  return is_plain_name(name) && !mwcc_runtime_name(name);
}

static int question(struct mwcc_esc *e, const struct mwcc_given *q) {
  for (int k = 0; k < e->ngiven; k++)
    if (e->given[k].callee == q->callee && e->given[k].arg == q->arg &&
        e->given[k].level == q->level)
      return k;
  if (e->ngiven == MWCC_MAX_GIVENS) return -1;
  int k = e->ngiven++;
  e->given[k] = *q;
  e->given_loc[k] = mwcc_esc_new_loc(e, MWCC_LOC_EXTERN, NULL);
  return k;
}

bool mwcc_esc_ask(struct mwcc_esc *e, const struct mwcc_given *q, struct mwcc_hole h,
                  LLVMValueRef at) {
  int k = question(e, q);
  if (k < 0) return false;
  mwcc_esc_flow(e, e->given_loc[k], h, at, true);
  return true;
}

/* ---- The walk ------------------------------------------------------------------------- */

static void leak_given(struct mwcc_esc *e, int i, int root, int derefs) {
  struct mwcc_loc *p = &e->locs[i];
  uint64_t mask = e->locs[root].given;
  if (derefs > 100) derefs = 100;
  if (!p->leak_given) {
    p->leak_given = malloc(MWCC_MAX_GIVENS * sizeof *p->leak_given);
    if (!p->leak_given) abort();
    memset(p->leak_given, -1, MWCC_MAX_GIVENS * sizeof *p->leak_given);
  }
  for (int k = 0; k < e->ngiven; k++)
    if ((mask >> k & 1) && (p->leak_given[k] < 0 || p->leak_given[k] > derefs))
      p->leak_given[k] = (short)derefs;
  if (mwcc_options()->report_flow && !p->flow && !mwcc_arg_is_byval(p->v))
    p->flow = mwcc_esc_describe(e, root, i);
}

/* Location i has been reached from root by its address.  True: it escapes for sure now. */
static bool reached(struct mwcc_esc *e, int i, int root, struct mwcc_vec *roots) {
  struct mwcc_loc *l = &e->locs[i];
  uint64_t mask = e->locs[root].given;
  if (l->escapes) return false;
  if (!l->flow) l->flow = mwcc_esc_describe(e, root, i);
  if (l->kind == MWCC_LOC_VAR) {
    if (!(mask & ~l->given)) return false;
    l->given |= mask;
    mwcc_vec_push(roots, (void *)(intptr_t)i);
    return false;
  }
  l->escapes = true;
  if (l->kind == MWCC_LOC_PARAM) l->leak_heap = 0; /* the copy moves, with what it holds */
  mwcc_esc_enqueue(e, i);
  return true;
}

struct found {
  struct mwcc_vec roots; /* variables with new questions, to be walked from */
  bool again;            /* something escapes for sure now */
};

static bool asked_about(struct mwcc_esc *e, int root, int i, int derefs, bool address, void *ctx) {
  const struct mwcc_loc *l = &e->locs[i];
  struct found *found = ctx;
  if (i == root) return true;
  e->locs[i].content_given |= e->locs[root].given;
  bool copied = l->kind == MWCC_LOC_PARAM && mwcc_arg_is_byval(l->v);
  if (l->kind == MWCC_LOC_PARAM && !(copied && address)) leak_given(e, i, root, derefs);
  if (address) found->again |= reached(e, i, root, &found->roots);
  return !address; /* walked from in its turn */
}

bool mwcc_esc_solve_given(struct mwcc_esc *e) {
  struct found found = {0};
  for (int k = 0; k < e->ngiven; k++) {
    e->locs[e->given_loc[k]].given = UINT64_C(1) << k;
    mwcc_vec_push(&found.roots, (void *)(intptr_t)e->given_loc[k]);
  }
  while (found.roots.len && e->steps >= 0) {
    int root = (int)(intptr_t)found.roots.at[--found.roots.len];
    mwcc_esc_walk(e, root, false, asked_about, &found);
  }
  mwcc_vec_fini(&found.roots);
  return found.again;
}

void mwcc_esc_give_up_given(struct mwcc_esc *e) {
  for (int i = 0; i < e->n; i++) {
    e->locs[i].given = 0;
    free(e->locs[i].leak_given);
    e->locs[i].leak_given = NULL;
  }
  for (int k = 0; k < e->ngiven; k++) {
    const struct mwcc_loc *l = &e->locs[e->given_loc[k]];
    for (unsigned i = 0; i < l->nedges; i++)
      mwcc_esc_flow(e, 0, (struct mwcc_hole){l->edges[i].src, l->edges[i].derefs}, l->edges[i].at,
                    true);
  }
  e->ngiven = 0;
}

/* ---- What the object says --------------------------------------------------------------- */

static void append(LLVMModuleRef mod, const char *s) {
  LLVMAppendModuleInlineAsm(mod, s, strlen(s));
}

static const char *callee_name(const struct mwcc_given *q) {
  size_t len;
  return LLVMGetValueName2(q->callee, &len);
}

static void questions(struct mwcc_esc *e, uint64_t which, char end) {
  char line[1024];
  for (int k = 0; k < e->ngiven; k++) {
    if (!(which >> k & 1)) continue;
    snprintf(line, sizeof line, "\t.ascii \"%s %u %u%c\"\n", callee_name(&e->given[k]),
             e->given[k].arg, e->given[k].level, end);
    append(e->c->mod, line);
  }
}

/* Names and positions of its declaration, for the driver's report. */
static void say_where(struct mwcc_esc *e, int i) {
  char name[256], line[2048];
  struct mwcc_place p;
  bool known = mwcc_esc_variable(e, i, &p, name, sizeof name) && strlen(p.file) < 1500 &&
               !strpbrk(p.file, "\"\\\n") && !strpbrk(name, "\"\\\n ");
  if (known)
    snprintf(line, sizeof line, "\t.ascii \"%u %u %s %s\\n\"\n", p.line, p.col, name, p.file);
  else
    snprintf(line, sizeof line, "\t.ascii \"\\n\"\n");
  append(e->c->mod, line);
}

LLVMValueRef mwcc_esc_decided_when_linking(struct mwcc_esc *e, int i) {
  struct mwcc *c = e->c;
  size_t len;
  char line[1024];
  LLVMValueRef g = LLVMAddGlobal(c->mod, c->t_i8, MWCC_MOVES "0");
  LLVMSetInitializer(g, LLVMConstInt(c->t_i8, 1, false));
  LLVMSetLinkage(g, LLVMInternalLinkage);
  LLVMSetGlobalConstant(g, true);
  LLVMSetSection(g, MWCC_MOVES_SECTION);
  mwcc_externally_initialised(g);
  snprintf(line, sizeof line, "\t.pushsection " SITES ",\"R\",@progbits\n\t.quad %s\n",
           LLVMGetValueName2(g, &len));
  append(c->mod, line);
  say_where(e, i);
  const struct mwcc_loc *l = &e->locs[i];
  questions(e, l->given, ',');
  if (l->content_lost)
    append(c->mod, "\t.ascii \"!\"\n");
  else
    questions(e, l->content_given, ';');
  append(c->mod, "\t.byte 0\n\t.popsection\n");
  return g;
}

void mwcc_givens_emit(struct mwcc *c, const struct mwcc_map *summaries) {
  if (!mwcc_options()->emit_summaries) return;
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f)) {
    uintptr_t known;
    size_t len;
    const char *name = LLVMGetValueName2(f, &len);
    if (!mwcc_map_get(summaries, f, &known) || !known || !is_plain_name(name) ||
        LLVMGetLinkage(f) != LLVMExternalLinkage)
      continue;
    const struct mwcc_summary *s = (const void *)known;
    for (unsigned k = 0; k < s->ngiven; k++) {
      const struct mwcc_param_given *p = &s->given[k];
      char line[2048], sure[16] = "-";
      if (s->p[p->param].sure >= 0) snprintf(sure, sizeof sure, "%d", s->p[p->param].sure);
      snprintf(line, sizeof line,
               "\t.pushsection " GIVEN ",\"\",@progbits\n"
               "\t.ascii \"%s %u %s %d %s %u %u\\n\"\n\t.popsection\n",
               name, p->param, sure, p->derefs, callee_name(&p->q), p->q.arg, p->q.level);
      append(c->mod, line);
    }
  }
}
