/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_build.c -- from a function's IR to the graph of flows
 *
 * Job      One location for each variable (alloca), allocation, parameter and
 *          SSA value that may carry an address, and for each function's
 *          result; one edge for each way that a value takes.
 * Promise  [EA1] An address that reaches a place by any sequence of copies,
 *          loads, stores, casts through integers of a pointer's size, copies
 *          of memory and calls has a path of edges to that place's location.
 *          [EA2] A store through a pointer that is not known to point to one
 *          of this function's own variables or allocations goes to the heap,
 *          but for a pointer's own value (`p->at = p->buffer`): whatever p points
 *          to then holds its own address, and no other object's [EA5].
 * How      Memory is flow-insensitive and has no fields: a variable is one
 *          location.  Loads add a dereference; an alloca's value is its
 *          location's address (-1).
 *          Cut on purpose: results of multiplication (but of a quotient),
 *          remainder, comparison, floating-point arithmetic and of the
 *          difference of two pointers; integers narrower than a pointer, but for bytes that are
 * copied unchanged from memory to memory (a hand-written memcpy).  An address taken apart in other
 * ways is hidden from the collector too.  The middle run follows narrow integers as well, because
 * the optimiser itself may split a copied word.
 */
#include <stdlib.h>
#include <string.h>
#include "escape.h"

enum { MAX_BASES = 8, MAX_CHASE = 12 };

int mwcc_esc_new_loc(struct mwcc_esc *e, enum mwcc_loc_kind kind, LLVMValueRef v) {
  if (e->n == e->cap) {
    e->cap = e->cap ? e->cap * 2 : 128;
    e->locs = realloc(e->locs, (size_t)e->cap * sizeof *e->locs);
    if (!e->locs) abort();
  }
  struct mwcc_loc *l = &e->locs[e->n];
  *l = (struct mwcc_loc){.kind = kind,
                         .v = v,
                         .fn = e->fn,
                         .leak_heap = -1,
                         .leak_result = -1,
                         .leak_own = -1,
                         .sure_heap = -1};
  if (kind == MWCC_LOC_PARAM) {
    l->fn = LLVMGetParamParent(v); /* perhaps of another function of the component */
    l->root = mwcc_arg_is_byval(v);
  }
  return e->n++;
}

void mwcc_esc_flow(struct mwcc_esc *e, int dst, struct mwcc_hole src, LLVMValueRef at,
                   bool unknown) {
  if (src.loc < 0 || dst < 0 || (src.loc == dst && src.derefs >= 0)) return;
  if (src.loc == 0) return; /* what comes from the heap is there already */
  struct mwcc_loc *d = &e->locs[dst];
  for (unsigned i = d->nedges; i-- > 0 && i + 4 > d->nedges;)
    if (d->edges[i].src == src.loc && d->edges[i].derefs <= src.derefs &&
        d->edges[i].unknown == unknown)
      return;
  if (d->nedges == d->cap) {
    d->cap = d->cap ? d->cap * 2 : 2;
    d->edges = realloc(d->edges, d->cap * sizeof *d->edges);
    if (!d->edges) abort();
  }
  d->edges[d->nedges++] = (struct mwcc_edge){src.loc, src.derefs, at, unknown};
}

int mwcc_esc_result(struct mwcc_esc *e, LLVMValueRef fn) {
  uintptr_t known;
  if (mwcc_map_get(&e->results, fn, &known)) return (int)known;
  int r = mwcc_esc_new_loc(e, MWCC_LOC_RESULT, fn);
  e->locs[r].fn = fn;
  mwcc_map_put(&e->results, fn, (uintptr_t)r);
  return r;
}

/* ---- Which values carry addresses ------------------------------------------------ */

static uint64_t bits_of(struct mwcc_esc *e, LLVMTypeRef t) {
  switch (LLVMGetTypeKind(t)) {
  case LLVMVoidTypeKind:
  case LLVMLabelTypeKind:
  case LLVMMetadataTypeKind:
  case LLVMTokenTypeKind:
  case LLVMFunctionTypeKind:
    return 0;
  case LLVMScalableVectorTypeKind:
  case LLVMTargetExtTypeKind:
    return 128;
  default:
    return LLVMSizeOfTypeInBits(e->c->td, t);
  }
}

/* The name of a type, in clang's type information, that can hold an address: what is
 * narrower and of this type is a piece of one.  Pointers are "p1 int" from LLVM 20 on. */
static bool names_word(const char *name, unsigned len) {
  static const char *const words[] = {"omnipotent char", "any pointer", "long", "long long"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (len == strlen(words[i]) && memcmp(name, words[i], len) == 0) return true;
  return len > 1 && name[0] == 'p' && name[1] >= '0' && name[1] <= '9';
}

/* A narrow load that is of a declared number: a field, or by its type information. */
static bool declared_number(struct mwcc_esc *e, LLVMValueRef load) {
  LLVMValueRef p = LLVMGetOperand(load, 0), tag = LLVMGetMetadata(load, e->c->md_tbaa);
  if (LLVMIsAGetElementPtrInst(p) && LLVMGetNumOperands(p) > 2 &&
      LLVMGetTypeKind(LLVMGetGEPSourceElementType(p)) == LLVMStructTypeKind)
    return true;
  if (!tag || !LLVMIsAMDNode(tag)) return false;
  LLVMValueRef ops[4], type[8];
  unsigned n = LLVMGetMDNodeNumOperands(tag), len;
  if (n < 3 || n > 4) return false;
  LLVMGetMDNodeOperands(tag, ops);
  if (!ops[1] || !LLVMIsAMDNode(ops[1])) return false;
  n = LLVMGetMDNodeNumOperands(ops[1]);
  if (n < 2 || n > 8) return false;
  LLVMGetMDNodeOperands(ops[1], type);
  const char *name = type[0] ? LLVMGetMDString(type[0], &len) : NULL;
  return name && !names_word(name, len);
}

static bool is_pointer_difference(LLVMValueRef v) {
  return LLVMIsAPtrToIntInst(LLVMGetOperand(v, 0)) && LLVMIsAPtrToIntInst(LLVMGetOperand(v, 1));
}

static bool is_quotient(LLVMValueRef v) {
  return LLVMIsAInstruction(v) &&
         (LLVMGetInstructionOpcode(v) == LLVMUDiv || LLVMGetInstructionOpcode(v) == LLVMSDiv);
}

static bool carries(struct mwcc_esc *e, LLVMValueRef v) {
  uint64_t bits = bits_of(e, LLVMTypeOf(v));
  if (bits < 8) return false;
  switch (LLVMGetInstructionOpcode(v)) {
  case LLVMMul: /* p / 16 * 16 aligns */
    return bits >= 64 && (is_quotient(LLVMGetOperand(v, 0)) || is_quotient(LLVMGetOperand(v, 1)));
  case LLVMUDiv:
  case LLVMSDiv:
    return bits >= 64;
  case LLVMURem:
  case LLVMSRem:
  case LLVMFAdd:
  case LLVMFSub:
  case LLVMFMul:
  case LLVMFDiv:
  case LLVMFRem:
  case LLVMFNeg:
  case LLVMICmp:
  case LLVMFCmp:
  case LLVMSIToFP:
  case LLVMUIToFP:
  case LLVMFPToSI:
  case LLVMFPToUI:
  case LLVMFPExt:
  case LLVMFPTrunc:
    return false;
  case LLVMSub:
    return (bits >= 64 || e->middle) && !is_pointer_difference(v);
  case LLVMLoad:
    return bits >= 64 || ((bits == 8 || e->middle) && !declared_number(e, v));
  case LLVMZExt:
  case LLVMSExt: /* early: widened from narrower than a pointer, nothing left of one */
    return e->middle || bits_of(e, LLVMTypeOf(LLVMGetOperand(v, 0))) >= 64;
  case LLVMCall:
  case LLVMInvoke:
  case LLVMCallBr:
    return bits >= 64;
  case LLVMPHI:
  case LLVMSelect:
  case LLVMFreeze:
    return true;
  default:
    return bits >= 64 || e->middle;
  }
}

/* The instruction is the same location as its first operand. */
static bool looked_through(struct mwcc_esc *e, LLVMValueRef v) {
  switch (LLVMGetInstructionOpcode(v)) {
  case LLVMGetElementPtr:
    return !e->casts && !LLVMIsAConstant(LLVMGetOperand(v, 0)) &&
           LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind &&
           LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(v, 0))) == LLVMPointerTypeKind;
  case LLVMBitCast:
  case LLVMAddrSpaceCast:
  case LLVMFreeze:
  case LLVMPtrToInt:
  case LLVMIntToPtr:
    return bits_of(e, LLVMTypeOf(v)) >= 64; /* else it cuts something off */
  default:
    return false;
  }
}

struct mwcc_hole mwcc_esc_value(struct mwcc_esc *e, LLVMValueRef v) {
  const struct mwcc_hole none = {-1, 0};
  while (LLVMIsAInstruction(v) && looked_through(e, v)) v = LLVMGetOperand(v, 0);
  bool inst = LLVMIsAInstruction(v) != NULL, arg = LLVMIsAArgument(v) != NULL;
  if (!inst && !arg) return none;
  bool var = LLVMIsAAllocaInst(v) != NULL;
  if (arg && mwcc_arg_is_sret(v)) /* the address of the result */
    return (struct mwcc_hole){mwcc_esc_result(e, LLVMGetParamParent(v)), -1};
  bool alloc = inst && !var && mwcc_is_alloc(v), byval = arg && mwcc_arg_is_byval(v);
  struct mwcc_hole h = {-1, var || alloc || byval ? -1 : 0};
  uintptr_t known;
  if (mwcc_map_get(&e->values, v, &known)) {
    h.loc = (int)known;
    return h;
  }
  if (arg && !byval && bits_of(e, LLVMTypeOf(v)) < 64) return none;
  if (inst && !var && !alloc && !carries(e, v)) return none;
  h.loc = mwcc_esc_new_loc(e,
                           var     ? MWCC_LOC_VAR
                           : alloc ? MWCC_LOC_ALLOC
                           : arg   ? MWCC_LOC_PARAM
                                   : MWCC_LOC_VALUE,
                           v);
  mwcc_map_put(&e->values, v, (uintptr_t)h.loc);
  return h;
}

/* ---- Where a store goes ------------------------------------------------------------- */

/* The only value ever stored to a pointer variable whose address is not taken. */
static LLVMValueRef only_value(LLVMValueRef slot) {
  LLVMValueRef stored = NULL;
  for (LLVMUseRef u = LLVMGetFirstUse(slot); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef i = LLVMGetUser(u);
    if (!LLVMIsAInstruction(i)) return NULL;
    if (LLVMIsALoadInst(i)) {
      if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMPointerTypeKind) return NULL;
      continue;
    }
    if (LLVMIsAStoreInst(i)) {
      if (LLVMGetOperand(i, 0) == slot || stored) return NULL;
      stored = LLVMGetOperand(i, 0);
      if (LLVMGetTypeKind(LLVMTypeOf(stored)) != LLVMPointerTypeKind) return NULL;
      continue;
    }
    LLVMValueRef f = mwcc_callee(i);
    size_t len;
    const char *name = f ? LLVMGetValueName2(f, &len) : "";
    if (strncmp(name, "llvm.lifetime.", 14) != 0 && strncmp(name, "llvm.dbg.", 9) != 0) return NULL;
  }
  return stored;
}

struct bases {
  int at[MAX_BASES];
  int n, chase;
  bool known;
};

static void find_bases(struct mwcc_esc *e, LLVMValueRef p, struct bases *b) {
  if (!b->known || ++b->chase > MAX_CHASE) {
    b->known = false;
    return;
  }
  p = mwcc_base(p);
  if (LLVMIsUndef(p) || LLVMIsPoison(p) || LLVMIsAConstantPointerNull(p)) return;
  if (LLVMIsAPHINode(p)) {
    for (unsigned i = 0, n = LLVMCountIncoming(p); i < n; i++)
      if (mwcc_base(LLVMGetIncomingValue(p, i)) != p) find_bases(e, LLVMGetIncomingValue(p, i), b);
    return;
  }
  if (LLVMIsASelectInst(p)) {
    find_bases(e, LLVMGetOperand(p, 1), b);
    find_bases(e, LLVMGetOperand(p, 2), b);
    return;
  }
  if (LLVMIsALoadInst(p) && LLVMIsAAllocaInst(LLVMGetOperand(p, 0))) {
    LLVMValueRef v = only_value(LLVMGetOperand(p, 0));
    if (v) {
      find_bases(e, v, b);
      return;
    }
  }
  struct mwcc_hole h = mwcc_esc_value(e, p);
  if (h.loc <= 0 || h.derefs != -1 || b->n == MAX_BASES) {
    b->known = false;
    return;
  }
  b->at[b->n++] = h.loc;
}

void mwcc_esc_store(struct mwcc_esc *e, LLVMValueRef addr, struct mwcc_hole src, LLVMValueRef at) {
  if (src.loc < 0) return;
  struct bases b = {.known = true};
  find_bases(e, addr, &b);
  if (!b.known)
    mwcc_esc_flow(e, 0, src, at, false);
  else
    for (int i = 0; i < b.n; i++) mwcc_esc_flow(e, b.at[i], src, at, false);
}

/* The same pointer at any time in the function: a parameter, also by way of the
 * variable that clang gives it, or one SSA value. */
static LLVMValueRef steady_base(LLVMValueRef p) {
  p = mwcc_base(p);
  if (LLVMIsALoadInst(p) && LLVMIsAAllocaInst(LLVMGetOperand(p, 0))) {
    LLVMValueRef v = only_value(LLVMGetOperand(p, 0));
    if (v && LLVMIsAArgument(v)) return v;
  }
  return p;
}

/* `t->used = t->used + 1`: what an object held already is stored in it again. */
static bool stores_own_content(LLVMValueRef store) {
  LLVMValueRef v = LLVMGetOperand(store, 0);
  for (int i = 0; LLVMIsABinaryOperator(v) && i < 4; i++) {
    if (!LLVMIsAConstantInt(LLVMGetOperand(v, 1))) return false;
    v = LLVMGetOperand(v, 0);
  }
  return LLVMIsALoadInst(v) &&
         steady_base(LLVMGetOperand(v, 0)) == steady_base(LLVMGetOperand(store, 1));
}

void mwcc_esc_own(struct mwcc_esc *e, struct mwcc_hole h, LLVMValueRef at) {
  if (h.loc < 0) return;
  if (!e->own) e->own = mwcc_esc_new_loc(e, MWCC_LOC_OWN, NULL);
  mwcc_esc_flow(e, e->own, h, at, false);
}

/* `p->at = p->buffer`: one value, or loads of a variable that is always the same parameter. */
static bool stores_own_address(LLVMValueRef addr, LLVMValueRef v) {
  if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMPointerTypeKind) return false;
  LLVMValueRef to = mwcc_base(addr), from = mwcc_base(v);
  if (to == from) return !LLVMIsAAllocaInst(to);
  return LLVMIsALoadInst(to) && LLVMIsALoadInst(from) &&
         LLVMGetOperand(to, 0) == LLVMGetOperand(from, 0) && steady_base(to) != to;
}

void mwcc_esc_store_value(struct mwcc_esc *e, LLVMValueRef addr, LLVMValueRef v, LLVMValueRef at) {
  struct mwcc_hole src = mwcc_esc_value(e, v);
  if (stores_own_address(addr, v))
    mwcc_esc_own(e, src, at);
  else
    mwcc_esc_store(e, addr, src, at);
}

/* ---- Instructions ---------------------------------------------------------------------- */

static void operands_flow(struct mwcc_esc *e, LLVMValueRef i) {
  struct mwcc_hole d = mwcc_esc_value(e, i);
  if (d.loc < 0) return;
  for (int k = LLVMGetInstructionOpcode(i) == LLVMSelect, n = LLVMGetNumOperands(i); k < n; k++)
    mwcc_esc_flow(e, d.loc, mwcc_esc_value(e, LLVMGetOperand(i, (unsigned)k)), i, false);
}

static void load(struct mwcc_esc *e, LLVMValueRef i, LLVMValueRef addr) {
  struct mwcc_hole d = mwcc_esc_value(e, i), s = mwcc_esc_value(e, addr);
  s.derefs++;
  mwcc_esc_flow(e, d.loc, s, i, false);
}

static void instruction(struct mwcc_esc *e, LLVMValueRef i) {
  switch (LLVMGetInstructionOpcode(i)) {
  case LLVMAlloca:
    mwcc_esc_value(e, i);
    return;
  case LLVMLoad:
    load(e, i, LLVMGetOperand(i, 0));
    return;
  case LLVMStore:
    if (stores_own_content(i)) return;
    mwcc_esc_store_value(e, LLVMGetOperand(i, 1), LLVMGetOperand(i, 0), i);
    return;
  case LLVMAtomicRMW:
    load(e, i, LLVMGetOperand(i, 0));
    mwcc_esc_store(e, LLVMGetOperand(i, 0), mwcc_esc_value(e, LLVMGetOperand(i, 1)), i);
    return;
  case LLVMAtomicCmpXchg:
    load(e, i, LLVMGetOperand(i, 0));
    mwcc_esc_store(e, LLVMGetOperand(i, 0), mwcc_esc_value(e, LLVMGetOperand(i, 2)), i);
    return;
  case LLVMRet:
    if (LLVMGetNumOperands(i) == 1 && bits_of(e, LLVMTypeOf(LLVMGetOperand(i, 0))) >= 64)
      mwcc_esc_flow(e, mwcc_esc_result(e, e->fn), mwcc_esc_value(e, LLVMGetOperand(i, 0)), i,
                    false);
    return;
  case LLVMCall:
  case LLVMInvoke:
  case LLVMCallBr:
    mwcc_esc_call(e, i);
    return;
  case LLVMGetElementPtr:
    if (!looked_through(e, i)) operands_flow(e, i);
    return;
  case LLVMBr:
  case LLVMSwitch:
  case LLVMIndirectBr:
  case LLVMUnreachable:
  case LLVMFence:
  case LLVMICmp:
  case LLVMFCmp:
    return;
  case LLVMVAArg:
    mwcc_esc_value(e, i);
    return;
  default:
    if (!LLVMIsACastInst(i) || !looked_through(e, i)) operands_flow(e, i);
    return;
  }
}

/* ---- Depths -------------------------------------------------------------------------- */

static int depth_of(struct mwcc_esc *e, LLVMBasicBlockRef b) {
  uintptr_t d = 0;
  mwcc_map_get(&e->depths, b, &d);
  return (int)(d >> 16);
}

/* The first use of a compound literal's memory in the order of the source,
 * when it comes before all others: where the literal is evaluated. */
LLVMValueRef mwcc_literal_start(LLVMValueRef alloca) {
  size_t len;
  const char *name = LLVMGetValueName2(alloca, &len);
  if (strncmp(name, ".compoundliteral", 16) != 0) return NULL;
  struct mwcc_map users = {0};
  for (LLVMUseRef u = LLVMGetFirstUse(alloca); u; u = LLVMGetNextUse(u))
    mwcc_map_put(&users, LLVMGetUser(u), 1);
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(alloca)), first = NULL;
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b && !first; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i && !first; i = LLVMGetNextInstruction(i))
      if (mwcc_map_get(&users, i, NULL)) first = i;
  mwcc_map_fini(&users);
  if (!first || LLVMIsAPHINode(first) || !mwcc_dominates_uses(first, alloca)) return NULL;
  return first;
}

/* Where clang builds what a small function returns. */
static bool is_result(LLVMValueRef alloca) {
  size_t len;
  return strcmp(LLVMGetValueName2(alloca, &len), "retval") == 0;
}

static bool used_in_loops_only(struct mwcc_esc *e, LLVMValueRef v) {
  for (LLVMUseRef u = LLVMGetFirstUse(v); u; u = LLVMGetNextUse(u))
    if (!LLVMIsAInstruction(LLVMGetUser(u)) ||
        depth_of(e, LLVMGetInstructionParent(LLVMGetUser(u))) == 0)
      return false;
  return LLVMGetFirstUse(v) != NULL;
}

/* Depth of the innermost loop around declarations in this memory; -1: none. */
static int depth_of_births(struct mwcc_esc *e, LLVMValueRef memory) {
  int depth = -1;
  struct mwcc_birth b;
  for (unsigned i = 0; mwcc_birth(memory, i, &b); i++) {
    int d = depth_of(e, LLVMGetInstructionParent(b.before));
    if (d > depth) depth = d;
  }
  return depth;
}

/* Memory of alloca(), which lives until the function returns, whatever loops it is in; a
 * variable-length array has a name. */
bool mwcc_is_alloca_call(LLVMValueRef alloca) {
  size_t len;
  LLVMTypeRef t = LLVMGetAllocatedType(alloca), n = LLVMTypeOf(LLVMGetOperand(alloca, 0));
  LLVMGetValueName2(alloca, &len);
  /* the number is of type size_t; a variable's is LLVM's own, an i32 */
  return len == 0 && LLVMGetTypeKind(t) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) == 8 &&
         LLVMGetIntTypeWidth(n) == 64;
}

/* Loops around a variable's declaration: those around its lifetime's start.  clang does
 * not mark that behind a label of the block, where a jump goes over the declaration, nor
 * in functions with a computed goto; then those around the declaration in the flow of
 * control, and what a jump over it finds is of an earlier turn.  Without debug
 * information, or when no way leads to the declaration, it counts as declared outside. */
static void depths_of_var(struct mwcc_esc *e, struct mwcc_loc *l) {
  if (mwcc_is_alloca_call(l->v)) {
    l->depth = l->hold = 0;
    return;
  }
  int least = -1;
  for (LLVMUseRef u = LLVMGetFirstUse(l->v); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef i = LLVMGetUser(u), f = LLVMIsAInstruction(i) ? mwcc_callee(i) : NULL;
    size_t len;
    if (!f || strncmp(LLVMGetValueName2(f, &len), "llvm.lifetime.start", 19) != 0) continue;
    int d = depth_of(e, LLVMGetInstructionParent(i));
    if (least < 0 || d < least) least = d;
  }
  LLVMValueRef first = least >= 0 || e->middle ? NULL : mwcc_literal_start(l->v);
  if (first) least = depth_of(e, LLVMGetInstructionParent(first));
  if (least >= 0) {
    l->depth = l->hold = least;
    return;
  }
  int births = e->middle ? -1 : depth_of_births(e, l->v);
  l->depth = l->hold = depth_of(e, LLVMGetInstructionParent(l->v));
  if (births > l->depth) {
    l->depth = births;
    if (mwcc_birth_before_uses(l->v))
      l->hold = births;
    else
      l->shared_by_turns = !is_result(l->v);
  } else {
    l->shared_by_turns = births < 0 && used_in_loops_only(e, l->v);
  }
}

static void set_depths(struct mwcc_esc *e, int from) {
  for (int k = from; k < e->n; k++) {
    struct mwcc_loc *l = &e->locs[k];
    if (l->kind == MWCC_LOC_VAR) {
      if (e->depths.count) depths_of_var(e, l);
      l->root = true;
    } else if (l->kind == MWCC_LOC_ALLOC) {
      l->depth = l->hold = depth_of(e, LLVMGetInstructionParent(l->v));
      l->root = true;
    } else if (l->kind == MWCC_LOC_VALUE && LLVMIsAPHINode(l->v)) {
      uintptr_t d = 0;
      mwcc_map_get(&e->depths, LLVMGetInstructionParent(l->v), &d);
      if (d & 0xffff) { /* keeps its value from one turn to the next */
        l->depth = l->hold = (int)(d & 0xffff) - 1;
        l->root = true;
      }
    }
  }
}

void mwcc_esc_function(struct mwcc_esc *e, LLVMValueRef fn) {
  int from = e->n;
  e->fn = fn;
  e->casts = false;
  mwcc_map_clear(&e->depths);
  mwcc_loop_depths(fn, &e->depths);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b && e->middle;
       b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      e->casts |= LLVMIsAPtrToIntInst(i) != NULL;
  for (LLVMValueRef p = LLVMGetFirstParam(fn); p; p = LLVMGetNextParam(p)) mwcc_esc_value(e, p);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      instruction(e, i);
  set_depths(e, from);
  LLVMValueRef memory = e->middle ? NULL : mwcc_sret_of(fn);
  if (memory) { /* the variable that clang builds there may be one of a loop */
    int result = mwcc_esc_result(e, fn); /* may move e->locs */
    int d = depth_of_births(e, memory);
    if (d > 0) e->locs[result].depth = d;
  }
}
