/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_heap.c -- variables move to the heap
 *
 * Job      Replaces an alloca by an allocation of the runtime.
 * Promise  [EH1] The allocation is made where the variable's lifetime begins
 *          (llvm.lifetime.start, which `mallow cc` asks clang for at -O0 too):
 *          a variable of a loop's body is a fresh one in each turn.  Where clang
 *          does not mark that, it is made where control passes the declaration
 *          (the debugger's record, which `mallow cc` asks for too), and, when
 *          a jump may go over that, at the function's entry besides.  Parameters
 *          are made at the entry, a compound literal where it is evaluated.
 *          In optimised code it is made later, on the ways to the variable's uses
 *          (escape_late.cpp), where the lifetime begins in one place only.
 *          [EH2] The debugger finds it.  Without optimisation its record says that
 *          the variable is where the pointer in the slot points; else its
 *          assignments are followed (debug.h).
 * How      The pointer is kept in an alloca, the slot, and loaded for each
 *          use; at -O1 and above mem2reg removes the slot.
 *          A variable that may hold bytes of any kind (char arrays, 64-bit
 *          integers) is scanned conservatively, as it was on the stack.
 *          A large one of that kind, or without pointers, is not zeroed: C says
 *          nothing of what is in it before it is written.
 *          One that depends on what is linked (escape_given.c) keeps its memory in the frame
 *          besides, and which of the two it uses is decided where it would be allocated.
 *          The runtime aligns objects to 16 bytes where their size is a
 *          multiple of 16; what needs more gets room for it.
 */
#include <string.h>
#include "escape.h"

static bool is_name_prefix(LLVMValueRef inst, const char *prefix) {
  LLVMValueRef f = LLVMIsAInstruction(inst) ? mwcc_callee(inst) : NULL;
  size_t len;
  return f && strncmp(LLVMGetValueName2(f, &len), prefix, strlen(prefix)) == 0;
}

/* Words of it may hold what no type tells. */
static bool may_hold_anything(struct mwcc *c, LLVMTypeRef t) {
  switch (LLVMGetTypeKind(t)) {
  case LLVMIntegerTypeKind:
    return LLVMGetIntTypeWidth(t) >= 64;
  case LLVMArrayTypeKind: {
    LLVMTypeRef elem = LLVMGetElementType(t);
    if (LLVMGetTypeKind(elem) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(elem) == 8)
      return LLVMGetArrayLength2(t) >= 8;
    return may_hold_anything(c, elem);
  }
  case LLVMVectorTypeKind:
    return LLVMABISizeOfType(c->td, t) >= 8;
  case LLVMStructTypeKind:
    if (mwcc_is_union(t)) return LLVMABISizeOfType(c->td, t) >= 8;
    for (unsigned i = 0, n = LLVMCountStructElementTypes(t); i < n; i++)
      if (may_hold_anything(c, LLVMStructGetTypeAtIndex(t, i))) return true;
    return false;
  default:
    return false;
  }
}

/* Before it, and before the declarations that stand there. */
static void position_before_declarations(struct mwcc *c, LLVMValueRef inst) {
  LLVMPositionBuilderBeforeInstrAndDbgRecords(c->b, inst);
}

static LLVMValueRef first_after_allocas(LLVMValueRef fn) {
  LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn));
  while (LLVMIsAAllocaInst(i)) i = LLVMGetNextInstruction(i);
  return i;
}

/* Smaller ones cost little to zero, and are scanned exactly; as in src/heap/heap.h. */
enum { RAW_MIN = 64 };

struct moved {
  struct mwcc *c;
  LLVMValueRef layout, slot, like; /* like: the alloca or argument that moves */
  uint64_t align;                  /* 0: the runtime's suffices */
  LLVMValueRef moves, place;       /* only if the byte `moves` is not 0; else it lives here */
  struct mwcc_tracked *tracked;    /* its assignments; NULL: described as without optimisation */
  bool literal;                    /* made where it is evaluated */
  bool raw;                        /* not zeroed */
  bool late;                       /* made on the way to the uses, and before each of them */
  const char *name;
  size_t name_len;
};

static void prepare(struct moved *m, LLVMTypeRef type, uint64_t size, uint64_t align,
                    LLVMValueRef like, LLVMValueRef fn) {
  struct mwcc *c = m->c;
  m->like = like;
  if (m->moves) {
    position_before_declarations(c, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn)));
    m->place = LLVMBuildAlloca(c->b, type, "");
    LLVMSetAlignment(m->place, (unsigned)align);
  }
  struct mwcc_place p = mwcc_declaration(like);
  m->name = p.name;
  m->name_len = p.name_len;
  bool large = align > 16, odd = align == 16 && (size < 32 || size % 16);
  bool untyped = may_hold_anything(c, type);
  if (large || odd || untyped) {
    if (odd && size > 16) size = (size + 31) / 32 * 32;
    if (large) size += align;
    uint64_t words = (size + 7) / 8;
    LLVMTypeRef unit =
        untyped || mwcc_type_has_ptr(type) ? c->t_ptr : LLVMDoubleTypeInContext(c->ctx);
    type = LLVMArrayType2(unit, words);
    size = words * 8;
  }
  m->align = large ? align : 0;
  m->raw = size >= RAW_MIN && (untyped || !mwcc_type_has_ptr(type));
  align = align < 8 || large ? 8 : align; /* large: allocate() sees to it */
  m->layout = m->raw ? mwcc_layout_raw(c, type, size, align, fn)
                     : mwcc_layout_global(c, type, size, align, fn, false);
  position_before_declarations(c, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn)));
  m->slot = LLVMBuildAlloca(c->b, c->t_ptr, "");
  position_before_declarations(c, first_after_allocas(fn));
  if (!m->late) LLVMBuildStore(c->b, LLVMConstNull(c->t_ptr), m->slot);
}

/* A new object, its address in the slot.  Where several variables share the memory:
 * the one that is declared here. */
static LLVMValueRef allocate(struct moved *m, LLVMValueRef before, const struct mwcc_birth *birth) {
  struct mwcc *c = m->c;
  if (birth || m->tracked) /* after the records of the stores before it */
    LLVMPositionBuilderBefore(c->b, before);
  else
    position_before_declarations(c, before);
  LLVMValueRef call = m->moves ? mwcc_place_var(c, m->raw, m->layout, m->moves, m->place)
                               : mwcc_new_var(c, m->raw, m->layout);
  LLVMValueRef p = call;
  LLVMMetadataRef loc = birth ? birth->loc : LLVMInstructionGetDebugLoc(before);
  if (loc) LLVMInstructionSetDebugLoc(call, loc);
  if (!birth && !m->literal) mwcc_set_loc_from(call, m->like);
  mwcc_set_default_loc(call);
  const char *text = birth ? birth->place.name : m->name;
  size_t len = birth ? birth->place.name_len : m->name_len;
  LLVMMetadataRef name = LLVMMDStringInContext2(c->ctx, text ? text : "", text ? len : 0);
  LLVMSetMetadata(call, mwcc_md_var(c),
                  LLVMMetadataAsValue(c->ctx, LLVMMDNodeInContext2(c->ctx, &name, 1)));
  if (m->align) {
    LLVMValueRef n = LLVMBuildPtrToInt(c->b, call, c->t_i64, "");
    n = LLVMBuildNeg(c->b, n, "");
    n = LLVMBuildAnd(c->b, n, LLVMConstInt(c->t_i64, m->align - 1, false), "");
    p = LLVMBuildGEP2(c->b, c->t_i8, call, &n, 1, "");
  }
  LLVMBuildStore(c->b, p, m->slot);
  if (m->tracked) mwcc_track_birth(m->tracked, p);
  return p;
}

static void replace_use(struct moved *m, LLVMValueRef user, LLVMValueRef var) {
  struct mwcc *c = m->c;
  if (LLVMIsAPHINode(user)) {
    for (unsigned i = 0, n = LLVMCountIncoming(user); i < n; i++) {
      if (LLVMGetIncomingValue(user, i) != var) continue;
      LLVMBasicBlockRef from = LLVMGetIncomingBlock(user, i);
      LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(from));
      LLVMSetOperand(user, i, LLVMBuildLoad2(c->b, c->t_ptr, m->slot, ""));
      for (unsigned k = i + 1; k < n; k++) /* one value for each block */
        if (LLVMGetIncomingBlock(user, k) == from)
          LLVMSetOperand(user, k, LLVMGetIncomingValue(user, i));
    }
    return;
  }
  LLVMPositionBuilderBefore(c->b, user);
  LLVMValueRef p = LLVMBuildLoad2(c->b, c->t_ptr, m->slot, "");
  LLVMInstructionSetDebugLoc(p, LLVMInstructionGetDebugLoc(user));
  for (int i = 0, n = LLVMGetNumOperands(user); i < n; i++)
    if (LLVMGetOperand(user, (unsigned)i) == var) LLVMSetOperand(user, (unsigned)i, p);
  if (m->tracked) mwcc_track_use(user, var);
}

/* New objects where variables in this memory are declared; and at the entry, unless there is
 * a declaration on every way to a use. */
static void allocate_at_births(struct moved *m, LLVMValueRef memory, LLVMValueRef entry) {
  struct mwcc_birth b;
  if (!mwcc_birth_before_uses(memory)) allocate(m, entry, NULL);
  for (unsigned i = 0; mwcc_birth(memory, i, &b); i++) allocate(m, b.before, &b);
}

/* Where the objects are made instead of at the only start; none: at each start.  b: the declaration
 * that the start is, or not changed. */
static void late_places(struct moved *m, LLVMValueRef var, const struct mwcc_vec *starts,
                        LLVMValueRef entry, struct mwcc_birth *b, struct mwcc_vec *places) {
  struct mwcc_birth other;
  LLVMValueRef start = entry;
  if (!m->c->optimised || m->literal || starts->len > 1) return;
  if (starts->len)
    start = starts->at[0];
  else if (mwcc_birth(var, 1, &other))
    return;
  else if (mwcc_birth(var, 0, b))
    start = b->before;
  mwcc_latest_starts(var, start, places);
  m->late = places->len > 0;
}

void mwcc_to_heap(struct mwcc *c, LLVMValueRef var, LLVMValueRef moves) {
  LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInstructionParent(var));
  LLVMTypeRef type = LLVMGetAllocatedType(var);
  LLVMValueRef literal = mwcc_literal_start(var), entry = first_after_allocas(fn);
  struct moved m = {.c = c, .literal = literal != NULL, .moves = moves};
  uint64_t count = 1;
  mwcc_const_u64(LLVMGetOperand(var, 0), &count);
  if (count > 1) type = LLVMArrayType2(type, count);
  struct mwcc_birth birth = {0};
  struct mwcc_vec users = {0}, starts = {0}, ends = {0}, places = {0};
  struct mwcc_map seen = {0};
  for (LLVMUseRef u = LLVMGetFirstUse(var); u; u = LLVMGetNextUse(u)) {
    LLVMValueRef i = LLVMGetUser(u);
    if (mwcc_map_get(&seen, i, NULL)) continue;
    mwcc_map_put(&seen, i, 1);
    mwcc_vec_push(is_name_prefix(i, "llvm.lifetime.start") ? &starts
                  : is_name_prefix(i, "llvm.lifetime.end") ? &ends
                                                           : &users,
                  i);
  }
  late_places(&m, var, &starts, entry, &birth, &places);
  prepare(&m, type, LLVMABISizeOfType(c->td, type), LLVMGetAlignment(var), var, fn);
  if (c->tracks_vars) m.tracked = mwcc_track_var(var);
  for (size_t i = 0; i < places.len; i++) allocate(&m, places.at[i], birth.before ? &birth : NULL);
  for (size_t i = 0; i < starts.len && !m.late; i++) allocate(&m, starts.at[i], NULL);
  if (!starts.len && literal) allocate(&m, literal, NULL);
  if (!starts.len && !literal && !m.late) allocate_at_births(&m, var, entry);
  for (size_t i = 0; i < users.len; i++) replace_use(&m, users.at[i], var);
  for (size_t i = 0; i < starts.len; i++) LLVMInstructionEraseFromParent(starts.at[i]);
  for (size_t i = 0; i < ends.len; i++) LLVMInstructionEraseFromParent(ends.at[i]);
  if (m.tracked)
    mwcc_track_end(m.tracked, var);
  else
    mwcc_move_debug(var, m.slot);
  LLVMInstructionEraseFromParent(var);
  mwcc_vec_fini(&users);
  mwcc_vec_fini(&starts);
  mwcc_vec_fini(&ends);
  mwcc_vec_fini(&places);
  mwcc_map_fini(&seen);
}

/* A variable instead of the caller's memory that the argument points to. */
static LLVMValueRef own_variable(struct mwcc *c, LLVMValueRef arg, LLVMValueRef *size,
                                 unsigned *align) {
  LLVMValueRef fn = LLVMGetParamParent(arg);
  LLVMTypeRef type = mwcc_memory_type(arg);
  *size = LLVMConstInt(c->t_i64, LLVMABISizeOfType(c->td, type), false);
  *align = LLVMABIAlignmentOfType(c->td, type);
  position_before_declarations(c, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(fn)));
  LLVMValueRef var = LLVMBuildAlloca(c->b, type, "");
  LLVMSetAlignment(var, *align);
  LLVMReplaceAllUsesWith(arg, var); /* the debugger's records follow */
  return var;
}

void mwcc_byval_to_heap(struct mwcc *c, LLVMValueRef arg) {
  LLVMValueRef size, var;
  unsigned align;
  var = own_variable(c, arg, &size, &align);
  LLVMPositionBuilderBefore(c->b, first_after_allocas(LLVMGetParamParent(arg)));
  LLVMBuildMemCpy(c->b, var, align, arg, align, size);
  mwcc_to_heap(c, var, NULL);
}

/* The variable that clang builds where the caller wants the result: it gets a
 * place of its own, and is copied there when the function returns. */
void mwcc_sret_to_heap(struct mwcc *c, LLVMValueRef arg) {
  LLVMValueRef size, var, fn = LLVMGetParamParent(arg);
  unsigned align;
  var = own_variable(c, arg, &size, &align);
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
    LLVMValueRef t = LLVMGetBasicBlockTerminator(b);
    if (!t || LLVMGetInstructionOpcode(t) != LLVMRet) continue;
    LLVMPositionBuilderBefore(c->b, t);
    LLVMBuildMemCpy(c->b, arg, align, var, align, size);
  }
  mwcc_to_heap(c, var, NULL);
}

/* The place of a variable whose address stays in the frame, but perhaps longer
 * than its block, is not given to another variable. */
void mwcc_keep_alive_to_end(LLVMValueRef alloca) {
  LLVMUseRef next;
  for (LLVMUseRef u = LLVMGetFirstUse(alloca); u; u = next) {
    next = LLVMGetNextUse(u);
    if (is_name_prefix(LLVMGetUser(u), "llvm.lifetime.end"))
      LLVMInstructionEraseFromParent(LLVMGetUser(u));
  }
}
