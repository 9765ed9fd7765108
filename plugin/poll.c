/* SPDX-License-Identifier: MIT */
/*
 * plugin/poll.c -- safepoints
 *
 * Job      if (gs:[MWI_TCB_POLL]) mwi_rt_poll();    cold
 *          at the end of each loop's turn and at the entry of each function
 *          that may recurse, so that no goroutine runs for ever between two
 *          polls.
 * Promise  [PO1] Every cycle in the control flow has a poll, except loops of a
 *          few turns whose number is a constant; it may be in a function of
 *          this module that every turn calls.
 *          [PO2] Every cycle in the call graph has one.  Calls through pointers
 *          and to unknown functions may come back to any function that is
 *          visible outside or whose address is taken.  Leaves never poll.
 * How      Loops: edges to a block that is on the depth-first stack (retreating
 *          edges; in reducible code the back edges).  The poll goes before the
 *          source's terminator; before an indirect jump (an interpreter's
 *          dispatch) it goes to that block's predecessors, so that the back
 *          end can still duplicate the jump.
 *          Functions: cycles inside the module have a retreating edge too, and
 *          its target polls.  For cycles through the outside (one node of the
 *          graph stands for it), either all functions that the outside may
 *          enter poll, or all that leave for it; the smaller set, of those that
 *          are in one strongly connected component (Tarjan) with the outside.
 */
#include <stdlib.h>
#include <string.h>
#include "escape.h"
#include "../src/base/abi.h"

/* A loop of at most this many turns takes well under a microsecond. */
enum { SHORT_LOOP = 64 };

static void insert_poll(struct mwcc *c, LLVMValueRef at) {
  LLVMBasicBlockRef cold = mwcc_test_byte(c, at, MWI_TCB_POLL, "poll");
  mwcc_cold_call(c, cold, "mwi_rt_poll", NULL, 0, at);
}

/* ---- Loops ------------------------------------------------------------------------------ */

static int64_t const_i64(LLVMValueRef v, bool *ok) {
  *ok = v && LLVMIsAConstantInt(v) && LLVMGetIntTypeWidth(LLVMTypeOf(v)) <= 64;
  return *ok ? LLVMConstIntGetSExtValue(v) : 0;
}

/* The turn count of a latch `br (icmp (phi [+ step]), bound)` with constants
 * everywhere is small. */
static bool short_counted(LLVMBasicBlockRef latch, LLVMBasicBlockRef header) {
  LLVMValueRef t = LLVMGetBasicBlockTerminator(latch);
  if (!LLVMIsABranchInst(t) || !LLVMIsConditional(t)) return false;
  LLVMValueRef cmp = LLVMGetCondition(t);
  if (!LLVMIsAICmpInst(cmp)) return false;
  bool ok;
  int64_t bound = const_i64(LLVMGetOperand(cmp, 1), &ok);
  LLVMValueRef v = LLVMGetOperand(cmp, 0), phi = v;
  if (!ok) return false;
  if (!LLVMIsAPHINode(phi)) {
    if (!LLVMIsAInstruction(v) || LLVMGetInstructionOpcode(v) != LLVMAdd) return false;
    phi = LLVMGetOperand(v, 0);
  }
  if (!LLVMIsAPHINode(phi) || LLVMGetInstructionParent(phi) != header ||
      LLVMCountIncoming(phi) != 2)
    return false;
  int back = LLVMGetIncomingBlock(phi, 0) == latch ? 0 : 1;
  if (LLVMGetIncomingBlock(phi, (unsigned)back) != latch) return false;
  LLVMValueRef inc = LLVMGetIncomingValue(phi, (unsigned)back);
  if (!LLVMIsAInstruction(inc) || LLVMGetInstructionOpcode(inc) != LLVMAdd ||
      LLVMGetOperand(inc, 0) != phi || (v != phi && v != inc))
    return false;
  int64_t start = const_i64(LLVMGetIncomingValue(phi, (unsigned)!back), &ok);
  if (!ok) return false;
  int64_t step = const_i64(LLVMGetOperand(inc, 1), &ok);
  if (!ok || step == 0 || step == INT64_MIN) return false;
  /* Only exits that cannot be stepped over. */
  __int128 distance = (__int128)bound - start;
  LLVMIntPredicate p = LLVMGetICmpPredicate(cmp);
  bool equality = p == LLVMIntEQ || p == LLVMIntNE;
  if (equality && distance % step) return false;
  if ((distance < 0) != (step < 0)) return false;
  __int128 turns = distance / step;
  return turns >= 0 && turns <= SHORT_LOOP;
}

/* ---- Recursion: the graph, see below ---- */

struct node {
  LLVMValueRef fn; /* NULL: everything outside */
  struct mwcc_vec out;
  unsigned index, low; /* Tarjan's; 0: not visited */
  bool on_stack;
  bool with_outside;   /* in one component with the outside */
  bool enters, leaves; /* an edge from, to the outside */
  bool polls;
  uintptr_t state; /* WHITE, ON_STACK, DONE: retreating edges */
  size_t next;     /* next edge to follow */
};

struct graph {
  struct node *nodes; /* nodes[0] is the outside */
  size_t n;
  struct mwcc_map index; /* function -> node number */
};

/* A call of a function of this module that polls when it is entered. */
static bool call_polls(const struct graph *g, LLVMValueRef i) {
  uintptr_t k;
  if (LLVMGetInstructionOpcode(i) != LLVMCall) return false;
  LLVMValueRef f = LLVMGetCalledValue(i);
  return LLVMIsAFunction(f) && mwcc_map_get(&g->index, f, &k) && g->nodes[k].polls && mwcc_exact(f);
}

/* Every turn that comes by this latch has polled in a function that it called. */
static bool turn_polls(const struct graph *g, LLVMBasicBlockRef latch, LLVMBasicBlockRef header) {
  for (int depth = 0; depth < 16; depth++) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(latch); i; i = LLVMGetNextInstruction(i))
      if (call_polls(g, i)) return true;
    if (latch == header) return false;
    LLVMBasicBlockRef only = NULL;
    for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(latch)); u; u = LLVMGetNextUse(u)) {
      if (!LLVMIsATerminatorInst(LLVMGetUser(u))) continue;
      if (only && only != LLVMGetInstructionParent(LLVMGetUser(u))) return false;
      only = LLVMGetInstructionParent(LLVMGetUser(u));
    }
    if (!only) return false;
    latch = only;
  }
  return false;
}

/* ---- Loops: the walk ---- */

struct frame {
  LLVMBasicBlockRef block;
  unsigned next;
};

enum { WHITE = 0, ON_STACK = 1, DONE = 2 };

static uintptr_t state_of(struct mwcc_map *m, LLVMBasicBlockRef b) {
  uintptr_t v = WHITE;
  mwcc_map_get(m, b, &v);
  return v;
}

/* Behind the last operation of the block that has a barrier; NULL: there is none.
 * When it is the block's first, the branch into the block belongs to the barrier. */
static LLVMValueRef after_barriers(struct mwcc *c, LLVMBasicBlockRef b) {
  LLVMValueRef last = NULL;
  for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
    if (LLVMGetMetadata(i, c->md_guarded)) last = i;
  return last ? LLVMGetNextInstruction(last) : NULL;
}

/* Where to poll for the retreating edge from latch. */
static void poll_sites(struct mwcc *c, LLVMBasicBlockRef latch, struct mwcc_map *chosen,
                       struct mwcc_vec *sites) {
  LLVMValueRef t = LLVMGetBasicBlockTerminator(latch);
  LLVMValueRef after = LLVMIsAIndirectBrInst(t) ? after_barriers(c, latch) : NULL;
  if (after) {
    t = after;
  } else if (LLVMIsAIndirectBrInst(t)) {
    for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(latch)); u; u = LLVMGetNextUse(u)) {
      LLVMValueRef pt = LLVMGetUser(u);
      if (!LLVMIsATerminatorInst(pt) || mwcc_map_get(chosen, pt, NULL)) continue;
      mwcc_map_put(chosen, pt, 1);
      mwcc_vec_push(sites, pt);
    }
    /* A block that jumps straight to itself, or is the entry, has to poll too. */
    bool self = false;
    for (unsigned i = 0; i < LLVMGetNumSuccessors(t); i++) self |= LLVMGetSuccessor(t, i) == latch;
    if (!self) return;
  }
  if (mwcc_map_get(chosen, t, NULL)) return;
  mwcc_map_put(chosen, t, 1);
  mwcc_vec_push(sites, t);
}

static void loop_polls(struct mwcc *c, const struct graph *g, LLVMValueRef fn) {
  struct mwcc_map state = {0}, chosen = {0};
  struct mwcc_vec sites = {0};
  size_t n = LLVMCountBasicBlocks(fn), depth = 0;
  struct frame *stack = calloc(n + 1, sizeof *stack);
  if (!stack) abort();
  stack[depth++] = (struct frame){LLVMGetEntryBasicBlock(fn), 0};
  mwcc_map_put(&state, stack[0].block, ON_STACK);
  while (depth) {
    struct frame *f = &stack[depth - 1];
    LLVMValueRef t = LLVMGetBasicBlockTerminator(f->block);
    if (f->next >= LLVMGetNumSuccessors(t)) {
      mwcc_map_put(&state, f->block, DONE);
      depth--;
      continue;
    }
    LLVMBasicBlockRef s = LLVMGetSuccessor(t, f->next++);
    uintptr_t st = state_of(&state, s);
    if (st == ON_STACK && !short_counted(f->block, s) && !turn_polls(g, f->block, s))
      poll_sites(c, f->block, &chosen, &sites);
    if (st != WHITE) continue;
    mwcc_map_put(&state, s, ON_STACK);
    stack[depth++] = (struct frame){s, 0};
  }
  free(stack);
  for (size_t i = 0; i < sites.len; i++) insert_poll(c, sites.at[i]);
  mwcc_vec_fini(&sites);
  mwcc_map_fini(&state);
  mwcc_map_fini(&chosen);
}

/* ---- Recursion ------------------------------------------------------------------------------ */

/* Used otherwise than as the callee of a direct call. */
static bool address_taken(LLVMValueRef f) {
  for (LLVMUseRef u = LLVMGetFirstUse(f); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef user = LLVMGetUser(u);
    if (!LLVMIsAInstruction(user) || mwcc_callee(user) != f) return true;
    for (unsigned i = 0, n = LLVMGetNumArgOperands(user); i < n; i++)
      if (LLVMGetOperand(user, i) == f) return true;
  }
  return false;
}

static bool returns_to_program(LLVMValueRef f) {
  size_t len;
  const char *name = LLVMGetValueName2(f, &len);
  if (strncmp(name, MWCC_CHECKED_PREFIX, strlen(MWCC_CHECKED_PREFIX)) == 0) return true;
  return !LLVMGetIntrinsicID(f) && !mwcc_harmless(name) &&
         !(mwcc_runtime_name(name) && !mwcc_name_is(f, "mw_once_do"));
}

static void add_edges(struct graph *g, struct node *from) {
  bool outside = false;
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(from->fn); b; b = LLVMGetNextBasicBlock(b)) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
      if (!mwcc_is_call(i) || LLVMIsAInlineAsm(LLVMGetCalledValue(i))) continue;
      LLVMValueRef f = mwcc_callee(i);
      uintptr_t k;
      if (f && mwcc_map_get(&g->index, f, &k))
        mwcc_vec_push(&from->out, &g->nodes[k]);
      else if (!outside && (!f || returns_to_program(f))) {
        outside = from->leaves = true;
        mwcc_vec_push(&from->out, &g->nodes[0]);
      }
    }
  }
  LLVMLinkage l = LLVMGetLinkage(from->fn);
  bool local = l == LLVMInternalLinkage || l == LLVMPrivateLinkage;
  from->enters = !local || address_taken(from->fn);
  if (from->enters) mwcc_vec_push(&g->nodes[0].out, from);
}

/* Pop a component off Tarjan's stack. */
static void close_component(struct graph *g, struct mwcc_vec *stack, struct node *root) {
  size_t first = stack->len;
  bool outside = false;
  do {
    struct node *v = stack->at[--first];
    v->on_stack = false;
    outside |= v == &g->nodes[0];
  } while (stack->at[first] != root);
  for (size_t i = first; i < stack->len; i++) ((struct node *)stack->at[i])->with_outside = outside;
  stack->len = first;
}

static void components(struct graph *g) {
  struct mwcc_vec path = {0}, stack = {0};
  unsigned counter = 0;
  for (size_t k = 0; k < g->n; k++) {
    if (g->nodes[k].index) continue;
    mwcc_vec_push(&path, &g->nodes[k]);
    while (path.len) {
      struct node *v = path.at[path.len - 1];
      if (!v->index) {
        v->index = v->low = ++counter;
        v->on_stack = true;
        mwcc_vec_push(&stack, v);
      }
      bool descended = false;
      while (v->next < v->out.len) {
        struct node *w = v->out.at[v->next];
        if (!w->index) {
          mwcc_vec_push(&path, w);
          descended = true;
          break;
        }
        if (w->on_stack && w->low < v->low) v->low = w->low;
        v->next++;
      }
      if (descended) continue;
      if (v->low == v->index) close_component(g, &stack, v);
      path.len--;
    }
  }
  mwcc_vec_fini(&path);
  mwcc_vec_fini(&stack);
}

/* Cycles through the outside: one of the two sets polls. */
static void choose_border(struct graph *g) {
  size_t enter = 0, leave = 0;
  for (size_t k = 1; k < g->n; k++) {
    enter += g->nodes[k].with_outside && g->nodes[k].enters;
    leave += g->nodes[k].with_outside && g->nodes[k].leaves;
  }
  for (size_t k = 1; k < g->n; k++) {
    struct node *v = &g->nodes[k];
    if (v->with_outside && (enter < leave ? v->enters : v->leaves)) v->polls = true;
  }
}

/* Cycles inside the module: targets of retreating edges poll. */
static void choose_inner(struct graph *g) {
  struct mwcc_vec path = {0};
  for (size_t k = 1; k < g->n; k++) g->nodes[k].next = 0;
  for (size_t k = 1; k < g->n; k++) {
    if (g->nodes[k].state != WHITE) continue;
    g->nodes[k].state = ON_STACK;
    mwcc_vec_push(&path, &g->nodes[k]);
    while (path.len) {
      struct node *v = path.at[path.len - 1];
      if (v->next == v->out.len) {
        v->state = DONE;
        path.len--;
        continue;
      }
      struct node *w = v->out.at[v->next++];
      if (w == &g->nodes[0]) continue;
      if (w->state == ON_STACK) w->polls = true;
      if (w->state != WHITE) continue;
      w->state = ON_STACK;
      mwcc_vec_push(&path, w);
    }
  }
  mwcc_vec_fini(&path);
}

/* A parameter's way to its variable, as clang writes it without optimisation. */
static bool stores_parameter(LLVMValueRef i) {
  return LLVMIsAStoreInst(i) && !LLVMInstructionGetDebugLoc(i) &&
         LLVMIsAArgument(LLVMGetOperand(i, 0)) && LLVMIsAAllocaInst(LLVMGetOperand(i, 1));
}

/*
 * Debuggers stop at a function's first instruction with a line, and show its
 * parameters there.  So the poll comes when they are in their variables, and its
 * test has a line: else that of the call, which is seldom reached, would be first.
 */
static void entry_poll(struct mwcc *c, LLVMValueRef fn) {
  LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn));
  while (LLVMIsAAllocaInst(i) || stores_parameter(i)) i = LLVMGetNextInstruction(i);
  insert_poll(c, i);
}

void mwcc_polls(struct mwcc *c) {
  if (!mwcc_options()->polls) return;
  struct graph g = {.n = 1};
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f))
    if (mwcc_instrumented(f)) g.n++;
  g.nodes = calloc(g.n, sizeof *g.nodes);
  if (!g.nodes) abort();
  size_t k = 1;
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f)) {
    if (!mwcc_instrumented(f)) continue;
    g.nodes[k].fn = f;
    mwcc_map_put(&g.index, f, k++);
  }
  for (k = 1; k < g.n; k++) add_edges(&g, &g.nodes[k]);
  components(&g);
  choose_border(&g);
  choose_inner(&g);
  for (k = 1; k < g.n; k++) {
    loop_polls(c, &g, g.nodes[k].fn);
    if (g.nodes[k].polls) entry_poll(c, g.nodes[k].fn);
  }
  for (k = 0; k < g.n; k++) mwcc_vec_fini(&g.nodes[k].out);
  free(g.nodes);
  mwcc_map_fini(&g.index);
}
