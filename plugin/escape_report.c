/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_report.c -- what -m prints, remarks, warnings
 *
 * Job      Collects the decisions, by source position; prints them sorted and
 *          once each when the last decision has been made.
 * How      A place of the source may become several allocations (a function
 *          inlined in many places): it is reported as on the heap when any
 *          of them is.  The middle run forgets the early run's verdicts
 *          but not its places: what it no longer finds, the optimiser has
 *          removed.
 *          Wording is Go's; positions are clang's.  The reason in words of a
 *          flow's step is the kind of instruction that makes it.
 * Threads  The list is one module's; in the linker nothing is reported.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

const char mwcc_linked_reason[] = " (decided when linking)";

#define LITERAL "{compound literal}"

enum note_kind { TEXT, VARIABLE, ALLOCATION };

struct note {
  char *file, *text, *flow;
  unsigned line, col;
  enum note_kind kind;
  bool heap;
  bool early_heap, again; /* the early run's verdict; the middle run has found it */
  char reason[32];
  char *fn;        /* a variable's function, an allocation's layout: see `merged` */
  char *remark_fn; /* for its remark: the function, and a position in it */
  LLVMMetadataRef loc;
};
static struct note *notes;
static size_t nnotes, capnotes;

/* Allocations that are on the heap in the end and have no place of their own: the
 * optimiser has made one of several.  By function and by layout. */
static char **merged;
static size_t nmerged;

bool mwcc_reporting(void) {
  return mwcc_options()->report || mwcc_options()->report_flow;
}

static struct note *find(const char *file, unsigned line, unsigned col, const char *text,
                         enum note_kind kind) {
  for (size_t i = nnotes; i-- > 0;)
    if (notes[i].line == line && notes[i].col == col && notes[i].kind == kind &&
        strcmp(notes[i].text, text) == 0 && strcmp(notes[i].file, file) == 0)
      return &notes[i];
  if (nnotes == capnotes) {
    capnotes = capnotes ? capnotes * 2 : 64;
    notes = realloc(notes, capnotes * sizeof *notes);
    if (!notes) abort();
  }
  notes[nnotes] = (struct note){
      .file = strdup(file), .text = strdup(text), .line = line, .col = col, .kind = kind};
  return &notes[nnotes++];
}

void mwcc_note_text(const char *file, unsigned line, unsigned col, const char *text) {
  if (mwcc_reporting()) find(file, line, col, text, TEXT);
}

/* ---- Names ------------------------------------------------------------------------- */

static const char *function_name(LLVMValueRef fn) {
  size_t len;
  return LLVMGetValueName2(fn, &len);
}

/* The variable that clang gives a parameter, or a piece of one: a struct in registers. */
static LLVMValueRef spilled(LLVMValueRef arg) {
  for (LLVMUseRef u = LLVMGetFirstUse(arg); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef i = LLVMGetUser(u);
    if (!LLVMIsAStoreInst(i) || LLVMGetOperand(i, 0) != arg) continue;
    LLVMValueRef to = mwcc_base(LLVMGetOperand(i, 1));
    if (LLVMIsAAllocaInst(to)) return to;
  }
  return arg;
}

static struct mwcc_place declared(LLVMValueRef v) {
  struct mwcc_place p = mwcc_declaration(v);
  if (!p.line && LLVMIsAArgument(v)) p = mwcc_declaration(spilled(v));
  return p;
}

static unsigned md_type(struct mwcc *c) {
  return LLVMGetMDKindIDInContext(c->ctx, "mallow.type", 11);
}

/* A macro may hide the type; its name, as C writes it, stays with the call. */
void mwcc_note_type(struct mwcc *c, LLVMValueRef call, LLVMValueRef witness) {
  char name[256];
  if (!mwcc_reporting() && !mwcc_options()->remarks) return;
  size_t len = mwcc_witness_type(witness, name, sizeof name);
  if (!len || len >= sizeof name) return;
  LLVMMetadataRef text = LLVMMDStringInContext2(c->ctx, name, len);
  LLVMSetMetadata(call, md_type(c),
                  LLVMMetadataAsValue(c->ctx, LLVMMDNodeInContext2(c->ctx, &text, 1)));
}

/* The only string of a node of metadata, or NULL. */
static const char *md_string(LLVMValueRef call, unsigned kind, unsigned *len) {
  LLVMValueRef md = LLVMGetMetadata(call, kind), op[1];
  if (!md || LLVMGetMDNodeNumOperands(md) != 1) return NULL;
  LLVMGetMDNodeOperands(md, op);
  return op[0] ? LLVMGetMDString(op[0], len) : NULL;
}

static const char *layout_name(LLVMValueRef call) {
  size_t len;
  LLVMValueRef g = LLVMGetOperand(call, 0);
  return LLVMIsAGlobalVariable(g) ? LLVMGetValueName2(g, &len) : "";
}

/* What the early run has called an allocation of this layout at this place. */
static const struct note *allocation_at(const struct mwcc_place *p, const char *layout) {
  for (size_t i = 0; i < nnotes; i++)
    if (notes[i].kind == ALLOCATION && notes[i].line == p->line && notes[i].col == p->col &&
        strcmp(notes[i].file, p->file) == 0 && notes[i].fn && strcmp(notes[i].fn, layout) == 0)
      return &notes[i];
  return NULL;
}

/* The text of an allocation: as in the source, else with the name of its type, else by its
 * layout. */
static void allocation_text(struct mwcc *c, LLVMValueRef call, char *buf, size_t size) {
  struct mwcc_place p = mwcc_instruction_place(call);
  if (p.file) mwcc_source_argument(p.file, &p.line, &p.col, NULL);
  if (p.file && mwcc_source_call(p.file, p.line, p.col, buf, size)) return;
  LLVMValueRef f = mwcc_callee(call);
  const char *what = mwcc_name_is(f, "mwi_rt_new") || mwcc_name_is(f, "mwi_rt_new_var") ? "mw_new"
                     : mwcc_name_is(f, "mwi_rt_make")                                   ? "mw_make"
                                                      : "mw_new_flex";
  unsigned len = 0;
  const char *type = md_string(call, md_type(c), &len);
  if (!type) {
    type = layout_name(call);
    const struct note *known = p.file ? allocation_at(&p, type) : NULL;
    if (known) {
      snprintf(buf, size, "%s", known->text);
      return;
    }
    if (strncmp(type, "mwi_layout.", 11) == 0) type += 11;
    len = (unsigned)strlen(type);
  }
  uint64_t n;
  if (what[3] == 'm' && mwcc_const_u64(LLVMGetOperand(call, 1), &n))
    snprintf(buf, size, "%s(%.*s, %llu)", what, (int)len, type, (unsigned long long)n);
  else
    snprintf(buf, size, "%s(%.*s%s)", what, (int)len, type, strlen(what) > 6 ? ", ..." : "");
}

/* The name of a variable that the early run has moved, or NULL. */
static const char *moved_name(struct mwcc *c, LLVMValueRef call, unsigned *len) {
  return md_string(call, mwcc_md_var(c), len);
}

static void variable_name(const char *name, size_t len, char *buf, size_t size) {
  if (len >= 16 && strncmp(name, ".compoundliteral", 16) == 0)
    snprintf(buf, size, LITERAL);
  else if (len)
    snprintf(buf, size, "%.*s", (int)len, name);
  else
    snprintf(buf, size, "{variable}");
}

static void name_of(struct mwcc_esc *e, int i, char *buf, size_t size) {
  struct mwcc_loc *l = &e->locs[i];
  unsigned len;
  const char *moved;
  struct mwcc_place p;
  switch (l->kind) {
  case MWCC_LOC_HEAP:
  case MWCC_LOC_EXTERN:
    snprintf(buf, size, "{heap}");
    return;
  case MWCC_LOC_RESULT:
    snprintf(buf, size, "{result}");
    return;
  case MWCC_LOC_ALLOC:
    moved = moved_name(e->c, l->v, &len);
    if (moved)
      variable_name(moved, len, buf, size);
    else
      allocation_text(e->c, l->v, buf, size);
    return;
  case MWCC_LOC_VAR:
  case MWCC_LOC_PARAM:
    if (l->kind == MWCC_LOC_VAR && mwcc_is_alloca_call(l->v)) {
      snprintf(buf, size, "alloca()");
      return;
    }
    p = declared(l->v);
    variable_name(p.name, p.name_len, buf, size);
    return;
  default:
    snprintf(buf, size, "{temp}");
    return;
  }
}

/* ---- Flows ------------------------------------------------------------------------------ */

static const char *step_reason(LLVMValueRef at) {
  if (!at) return "flow";
  switch (LLVMGetInstructionOpcode(at)) {
  case LLVMStore:
  case LLVMAtomicRMW:
  case LLVMAtomicCmpXchg:
    return "assign";
  case LLVMLoad:
    return "indirection";
  case LLVMRet:
    return "return";
  case LLVMCall:
  case LLVMInvoke: {
    LLVMValueRef f = mwcc_callee(at);
    size_t len;
    const char *name = f ? LLVMGetValueName2(f, &len) : "";
    if (!f) return "call through a pointer";
    if (strncmp(name, "mwi_mark_", 9) == 0) return "assign";
    if (strncmp(name, "llvm.mem", 8) == 0) return "copy";
    if (strncmp(name, "mwi_chan_", 9) == 0) return "send";
    if (strcmp(name, "mw_go") == 0 || strcmp(name, "mw_go_stack") == 0)
      return "captured by a goroutine";
    return "call parameter";
  }
  default:
    return "assign";
  }
}

struct text {
  char *s;
  size_t len, cap;
};

static void add(struct text *t, const char *format, ...) {
  char line[1024];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(line, sizeof line, format, ap);
  va_end(ap);
  if (n < 0) return;
  if ((size_t)n >= sizeof line) n = (int)sizeof line - 1;
  if (t->len + (size_t)n + 1 > t->cap) {
    t->cap = (t->cap + (size_t)n) * 2 + 256;
    t->s = realloc(t->s, t->cap);
    if (!t->s) abort();
  }
  memcpy(t->s + t->len, line, (size_t)n + 1);
  t->len += (size_t)n;
}

static bool flows_wanted(struct mwcc_esc *e, int i) {
  if (mwcc_options()->report_flow) return true;
  if (e->middle || e->locs[i].kind != MWCC_LOC_VAR) return false;
  return e->locs[i].shared_by_turns || mwcc_left_alone(e->c, e->locs[i].v);
}

/* The steps of the walk in progress from location i to its root. */
char *mwcc_esc_describe(struct mwcc_esc *e, int root, int i) {
  if (!flows_wanted(e, i)) return NULL;
  struct text t = {0};
  int derefs = 0;
  bool unknown = false;
  char from[256] = "", to[256];
  for (int guard = 0; (guard == 0 || i != root) && guard < 1000; guard++) {
    const struct mwcc_edge *edge = e->locs[i].via_edge;
    if (e->locs[i].kind == MWCC_LOC_PARAM && edge->at && LLVMIsAStoreInst(edge->at) &&
        LLVMGetOperand(edge->at, 1) == spilled(e->locs[i].v)) {
      i = e->locs[i].via; /* clang's own copy of a parameter */
      continue;
    }
    if (!*from) name_of(e, i, from, sizeof from);
    i = e->locs[i].via;
    derefs += edge->derefs;
    unknown |= edge->unknown;
    if (e->locs[i].kind == MWCC_LOC_VALUE && i != root) continue; /* on the way */
    name_of(e, i, to, sizeof to);
    struct mwcc_place p = mwcc_instruction_place(edge->at);
    add(&t, "    flow: %s \xe2\x86\x90 ", to);
    if (derefs < 0) add(&t, "&");
    for (int k = 0; k < derefs; k++) add(&t, "*");
    add(&t, "%s:\n", from);
    add(&t, "      (%s%s)", step_reason(edge->at), unknown ? ", function not known" : "");
    if (p.line) add(&t, " at %s:%u:%u", p.file, p.line, p.col);
    add(&t, "\n");
    from[0] = 0;
    derefs = 0;
    unknown = false;
  }
  return t.s;
}

static void add_flow(struct note *n, const char *flow) {
  if (flow && !n->flow) n->flow = strdup(flow);
}

/* ---- Notes -------------------------------------------------------------------------------- */

/* Equal allocations of two calls of an inlined function may have been merged, and then have
 * lost the variable's name: the early run has noted it. */
static const char *name_of_variable_at(const struct mwcc_place *p, char *name, size_t size) {
  for (size_t i = 0; i < nnotes; i++) {
    const struct note *n = &notes[i];
    if (n->kind != VARIABLE || n->line < p->line || n->line > p->line + 20) continue;
    if (strcmp(n->file, p->file) != 0) continue;
    unsigned line = p->line, col = p->col;
    if (strcmp(n->text, LITERAL) == 0)
      col = mwcc_source_literal(p->file, line, col);
    else
      mwcc_source_argument(p->file, &line, &col, n->text);
    if (n->line != line || n->col != col) continue;
    snprintf(name, size, "%s", n->text);
    return name;
  }
  return NULL;
}

/* Where it is declared; what it is called.  n: which of the variables that share its memory. */
static bool site_of(struct mwcc_esc *e, int i, unsigned n, struct mwcc_place *p, char *name,
                    size_t size, enum note_kind *kind) {
  struct mwcc_loc *l = &e->locs[i];
  unsigned len;
  *kind = VARIABLE;
  name_of(e, i, name, size);
  if (l->kind == MWCC_LOC_ALLOC) {
    *p = mwcc_instruction_place(l->v);
    const char *moved = moved_name(e->c, l->v, &len);
    if (!p->line || (e->middle && !p->col)) return false; /* of several that were merged */
    if (!moved && e->middle) moved = name_of_variable_at(p, name, size);
    if (!moved) *kind = ALLOCATION;
    if (strcmp(name, LITERAL) == 0)
      p->col = mwcc_source_literal(p->file, p->line, p->col);
    else
      mwcc_source_argument(p->file, &p->line, &p->col, moved ? name : NULL);
    return true;
  }
  LLVMValueRef memory = l->kind == MWCC_LOC_RESULT ? mwcc_sret_of(l->fn) : l->v;
  struct mwcc_birth b;
  if (mwcc_birth(memory, n, &b))
    *p = b.place;
  else
    *p = declared(memory);
  if (l->kind == MWCC_LOC_RESULT || n) variable_name(p->name, p->name_len, name, size);
  if (!p->line && LLVMIsAAllocaInst(memory)) {
    LLVMValueRef first = mwcc_literal_start(memory);
    *p = first ? mwcc_instruction_place(first) : mwcc_first_use_place(memory);
    if (first && p->line) p->col = mwcc_source_literal(p->file, p->line, p->col);
  }
  if (p->line) mwcc_source_argument(p->file, &p->line, &p->col, name);
  return p->line != 0;
}

bool mwcc_esc_variable(struct mwcc_esc *e, int i, struct mwcc_place *p, char *name, size_t size) {
  enum note_kind kind;
  return site_of(e, i, 0, p, name, size, &kind);
}

/* Which function a remark about the site is of; the site itself may be gone by then. */
static void note_remark(struct note *n, const struct mwcc_loc *l) {
  if (!mwcc_options()->remarks || n->remark_fn) return;
  LLVMValueRef at = l->kind == MWCC_LOC_RESULT ? mwcc_sret_of(l->fn) : l->v;
  n->loc = LLVMIsAInstruction(at) ? LLVMInstructionGetDebugLoc(at) : NULL;
  if (!n->loc) n->loc = mwcc_declaration_loc(at);
  n->remark_fn = strdup(function_name(l->fn));
}

/* A merged allocation is on the heap; or, for the one noted last, it is not after all. */
static void note_merged(struct mwcc_esc *e, int i, bool heap) {
  const struct mwcc_loc *l = &e->locs[i];
  if (!e->middle || l->kind != MWCC_LOC_ALLOC) return;
  if (!heap) {
    free(merged[--nmerged]);
    free(merged[--nmerged]);
    return;
  }
  merged = realloc(merged, (nmerged + 2) * sizeof *merged);
  if (!merged) abort();
  merged[nmerged++] = strdup(function_name(l->fn));
  merged[nmerged++] = strdup(layout_name(l->v));
}

/* What the early run had on the heap and the middle run did not find may be in it. */
static bool is_merged(const struct note *n) {
  for (size_t i = 0; i < nmerged && n->early_heap && !n->again; i++)
    if (n->fn && strcmp(n->fn, merged[i]) == 0) return true;
  return false;
}

void mwcc_esc_note_site(struct mwcc_esc *e, int i, bool heap, const char *reason) {
  static char name[256]; /* of the site noted last: the call may be gone */
  static struct mwcc_place p;
  static enum note_kind kind;
  static LLVMValueRef last_call;
  static bool was_heap; /* by another instance, before this one */
  struct mwcc_loc *l = &e->locs[i];
  if (!mwcc_reporting() && !mwcc_options()->remarks) return;
  bool second = !heap && last_call == l->v;
  bool known = second ? p.line != 0 : site_of(e, i, 0, &p, name, sizeof name, &kind);
  last_call = l->v;
  if (!known) {
    note_merged(e, i, heap);
    return;
  }
  struct note *n = find(p.file, p.line, p.col, name, kind);
  n->again |= e->middle;
  if (!n->fn) n->fn = strdup(kind == ALLOCATION ? layout_name(l->v) : function_name(l->fn));
  if (!second) note_remark(n, l);
  if (second) n->heap = was_heap;
  if (!heap) return;
  was_heap = n->heap;
  n->heap = true;
  snprintf(n->reason, sizeof n->reason, "%s", reason);
  add_flow(n, l->flow);
  LLVMValueRef memory = l->kind == MWCC_LOC_RESULT ? mwcc_sret_of(l->fn) : l->v;
  struct mwcc_birth b;
  for (unsigned k = 1; l->kind != MWCC_LOC_ALLOC && mwcc_birth(memory, k, &b); k++) {
    site_of(e, i, k, &p, name, sizeof name, &kind);
    n = find(p.file, p.line, p.col, name, kind);
    if (!n->fn) n->fn = strdup(function_name(l->fn));
    note_remark(n, l);
    if (mwcc_options()->remarks) n->loc = b.loc;
    n->heap = true;
    add_flow(n, l->flow);
  }
}

static bool holds_pointers(LLVMValueRef param, LLVMValueRef variable) {
  if (LLVMIsAAllocaInst(variable)) return mwcc_type_has_ptr(LLVMGetAllocatedType(variable));
  if (mwcc_arg_is_byval(param)) return mwcc_type_has_ptr(mwcc_memory_type(param));
  return LLVMGetTypeKind(LLVMTypeOf(param)) == LLVMPointerTypeKind;
}

static void least(int *a, int b) {
  if (b >= 0 && (*a < 0 || b < *a)) *a = b;
}

void mwcc_esc_note_param(struct mwcc_esc *e, int i) {
  struct mwcc_loc *l = &e->locs[i];
  if (!mwcc_reporting() || strncmp(function_name(l->fn), "mwi_", 4) == 0) return; /* mallow.h's */
  LLVMValueRef variable = mwcc_arg_is_byval(l->v) ? l->v : spilled(l->v);
  struct mwcc_place p = mwcc_declaration(variable);
  if (!p.line || !p.name_len || !holds_pointers(l->v, variable)) return;
  if (!mwcc_is_written_param(variable)) return; /* clang's own: what a block captures */
  uintptr_t place;
  if (LLVMIsAAllocaInst(variable) && mwcc_map_get(&e->values, variable, &place) &&
      e->locs[place].escapes)
    return; /* moves, and takes along what it holds: that is said, as by Go */
  /* a struct that is passed in several registers is one parameter */
  int heap = l->leak_heap, result = l->leak_result;
  const char *flow = l->flow, *result_flow = l->result_flow;
  for (LLVMValueRef q = LLVMGetFirstParam(l->fn); q; q = LLVMGetNextParam(q)) {
    uintptr_t k;
    if (q == l->v || !LLVMIsAAllocaInst(variable) || spilled(q) != variable) continue;
    if (!mwcc_map_get(&e->values, q, &k)) continue;
    if ((int)k < i) return; /* noted with that one */
    const struct mwcc_loc *o = &e->locs[k];
    least(&heap, o->leak_heap);
    least(&result, o->leak_result);
    if (!flow) flow = o->flow;
    if (!result_flow) result_flow = o->result_flow;
  }
  char text[400];
  int n = (int)p.name_len;
  if (heap == 0)
    snprintf(text, sizeof text, "leaking param: %.*s", n, p.name);
  else if (heap > 0)
    snprintf(text, sizeof text, "leaking param content: %.*s", n, p.name);
  else if (result < 0)
    snprintf(text, sizeof text, "%.*s does not escape", n, p.name);
  if (heap >= 0 || result < 0) add_flow(find(p.file, p.line, p.col, text, TEXT), flow);
  if (result >= 0 && heap != 0) {
    snprintf(text, sizeof text, "leaking param: %.*s to result level=%d", n, p.name, result);
    add_flow(find(p.file, p.line, p.col, text, TEXT), result_flow);
  }
}

void mwcc_esc_warn(struct mwcc_esc *e, int i) {
  if (!mwcc_options()->warn_escape) return;
  char name[256];
  struct mwcc_loc *l = &e->locs[i];
  name_of(e, i, name, sizeof name);
  LLVMValueRef at = l->via_edge && l->via_edge->at ? l->via_edge->at : l->v;
  mwcc_report(at, MWCC_WARNING,
              "the address of '%s' outlives its frame, and it cannot move to the heap "
              "[-Wmallow-escape]\n%s",
              name, l->flow ? l->flow : "");
}

void mwcc_esc_warn_shared(struct mwcc_esc *e, int i) {
  if (!mwcc_options()->warn_escape) return;
  char name[256];
  struct mwcc_loc *l = &e->locs[i];
  name_of(e, i, name, sizeof name);
  mwcc_report(l->via_edge && l->via_edge->at ? l->via_edge->at : l->v, MWCC_WARNING,
              "'%s' moves to the heap, but where a jump goes over its declaration it is the "
              "variable of an earlier turn of the loop [-Wmallow-escape]\n%s",
              name, l->flow ? l->flow : "");
}

void mwcc_esc_middle_begins(void) {
  for (size_t i = 0; i < nnotes; i++)
    if (notes[i].kind != TEXT) {
      notes[i].early_heap = notes[i].heap;
      notes[i].heap = false;
    }
}

/* ---- Printing -------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
  const struct note *x = a, *y = b;
  int c = strcmp(x->file, y->file);
  if (c) return c;
  if (x->line != y->line) return x->line < y->line ? -1 : 1;
  if (x->col != y->col) return x->col < y->col ? -1 : 1;
  return strcmp(x->text, y->text);
}

/* Where functions of this file are called, before anything is inlined. */
static struct call {
  const char *file, *fn_file; /* escape_llvm.cpp keeps them */
  char *callee;
  unsigned line, col, fn_line;
  bool there; /* in the end, too */
} *calls;
static size_t ncalls, capcalls;

static void each_call(LLVMModuleRef mod,
                      void (*each)(LLVMValueRef callee, const struct mwcc_place *p)) {
  for (LLVMValueRef f = LLVMGetFirstFunction(mod); f; f = LLVMGetNextFunction(f))
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
      for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
        LLVMValueRef callee = mwcc_is_call(i) ? mwcc_callee(i) : NULL;
        if (!callee || !LLVMCountBasicBlocks(callee)) continue;
        struct mwcc_place p = mwcc_instruction_place(i);
        if (p.line && p.col) each(callee, &p);
      }
}

static void add_call(LLVMValueRef callee, const struct mwcc_place *p) {
  if (ncalls == capcalls) {
    capcalls = capcalls ? capcalls * 2 : 64;
    calls = realloc(calls, capcalls * sizeof *calls);
    if (!calls) abort();
  }
  struct mwcc_place fn = mwcc_function_place(callee);
  calls[ncalls++] = (struct call){.file = p->file,
                                  .fn_file = fn.file,
                                  .callee = strdup(function_name(callee)),
                                  .line = p->line,
                                  .col = p->col,
                                  .fn_line = fn.line};
}

static void is_there(LLVMValueRef callee, const struct mwcc_place *p) {
  for (size_t i = 0; i < ncalls; i++)
    if (calls[i].line == p->line && calls[i].col == p->col && strcmp(calls[i].file, p->file) == 0 &&
        strcmp(calls[i].callee, function_name(callee)) == 0)
      calls[i].there = true;
}

void mwcc_esc_note_calls(struct mwcc *c) {
  if (mwcc_reporting()) each_call(c->mod, add_call);
}

static void note_inlined(const char *fn, const char *fn_file, unsigned fn_line, const char *file,
                         unsigned line, unsigned col) {
  char text[300];
  if (!line || strncmp(fn, "mwi_", 4) == 0) return;
  snprintf(text, sizeof text, "inlining call to %s", fn);
  if (col) find(file, line, col, text, TEXT);
  snprintf(text, sizeof text, "can inline %s", fn);
  find(fn_file, fn_line, mwcc_source_column(fn_file, fn_line, fn), text, TEXT);
}

static void inlined(void *ctx, const char *fn, const char *fn_file, unsigned fn_line,
                    const char *file, unsigned line, unsigned col) {
  (void)ctx;
  note_inlined(fn, fn_file, fn_line, file, line, col);
}

/* What was inlined may have left nothing behind: no call is there any more, of a function
 * that was inlined elsewhere, or that has gone with its last call. */
static void inlined_without_trace(struct mwcc *c) {
  each_call(c->mod, is_there);
  for (size_t i = 0; i < ncalls; i++) {
    const struct call *k = &calls[i];
    if (k->there || !k->fn_file) continue;
    char text[300];
    snprintf(text, sizeof text, "can inline %s", k->callee);
    bool inlines = !LLVMGetNamedFunction(c->mod, k->callee);
    for (size_t n = 0; n < nnotes && !inlines; n++)
      inlines = notes[n].kind == TEXT && strcmp(notes[n].text, text) == 0;
    if (inlines) note_inlined(k->callee, k->fn_file, k->fn_line, k->file, k->line, k->col);
  }
}

/* The decision in words; NULL: nothing to say. */
static const char *sentence(const struct note *n, char *buf, size_t size) {
  if (n->kind == TEXT) return n->text;
  if (n->kind == VARIABLE && !n->heap) return NULL;
  if (n->kind == VARIABLE)
    snprintf(buf, size, "%s to heap: %s%s",
             strcmp(n->reason, mwcc_linked_reason) == 0 ? "may move" : "moved", n->text, n->reason);
  else
    snprintf(buf, size, "%s %s%s", n->text, n->heap ? "escapes to heap" : "does not escape",
             n->heap ? n->reason : "");
  return buf;
}

/* The decisions are the last ones, so -m and LLVM's remarks say the same, in the same order. */
void mwcc_esc_print(struct mwcc *c, bool remarks_only) {
  char buf[400];
  if (mwcc_reporting() && !remarks_only) {
    mwcc_each_inlined(c->mod, NULL, inlined);
    inlined_without_trace(c);
  }
  if (nnotes) qsort(notes, nnotes, sizeof *notes, by_place);
  for (size_t i = 0; i < nnotes; i++) {
    struct note *n = &notes[i];
    if (is_merged(n)) n->heap = true;
    const char *text = sentence(n, buf, sizeof buf);
    if (!text) continue;
    struct mwcc_place place = {.file = n->file, .line = n->line, .col = n->col};
    if (n->remark_fn) mwcc_remark(c->mod, n->remark_fn, n->loc, place, n->heap, text);
    if (!mwcc_reporting() || remarks_only) continue;
    fprintf(stderr, "%s:%u:%u: %s\n", n->file, n->line, n->col, text);
    if (mwcc_options()->report_flow && (n->heap || n->kind == TEXT) && n->flow)
      fputs(n->flow, stderr);
  }
  if (!remarks_only) mwcc_reports_done(c->mod);
}
