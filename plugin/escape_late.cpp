/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_late.cpp -- how late a moved variable's object can be made
 *
 * Job      A variable that moves to the heap is often used on rare paths only: a buffer for what
 *          does not fit elsewhere, a message when something fails.  So its object is not made
 *          where its life begins, but on the way to its uses.
 * Promise  [EL1] On every way from the start to a use the object is made, and after a use not
 *          again before another one: all uses in one life are of one object.
 *          [EL2] No place is passed twice without passing the start between: each turn of a
 *          loop makes as many objects as before, or fewer.
 * How      Uses that lead to one another, without passing the start between, belong together
 *          (a group).  The object is made at the nearest common dominator of a group; where that
 *          is in a cycle without the start, at the next dominator outside, and so on.  A place
 *          below another one is left out.
 *          [EL2]: A way from a place back to itself leads through the header of the innermost
 *          cycle around it.  The start is in that cycle, and the function's entry leads to the
 *          header without passing it (or it is the header); but the start dominates the place,
 *          so it is passed between the two.
 *          [EL1]: A place dominates a use that it leads to.  So after a use of one group there is
 *          no other group's place, which would lead to a use of that group.
 * Checked  both promises, of each variable (check).
 * Left out Functions that call setjmp: control passes where the graph of blocks has no edge.
 *          Code that is not optimised, where the debugger finds a variable from its declaration on.
 * Next     escape_heap.c makes the object; tests/escape/late.c counts them.
 */
#include "llvm_compat.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/CycleAnalysis.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "escape.h"

using namespace llvm;

using Blocks = SmallSetVector<BasicBlock *, 16>;

/* The block where the use needs the object: a phi's, at the end of the one it comes from. */
static BasicBlock *blockOf(const Use &U) {
  auto *I = cast<Instruction>(U.getUser());
  if (auto *P = dyn_cast<PHINode>(I)) return P->getIncomingBlock(U);
  return I->getParent();
}

/* The blocks with uses, in the order of the uses.  False: not all that is used is after Start, or
 * some of it is in the same block. */
static bool findUses(Value *V, Instruction *Start, const DominatorTree &DT, Blocks &Found) {
  for (const Use &U : V->uses()) {
    if (cast<Instruction>(U.getUser())->isLifetimeStartOrEnd()) continue;
    BasicBlock *B = blockOf(U);
    if (!DT.isReachableFromEntry(B)) continue;
    if (B == Start->getParent() || !DT.dominates(Start, U)) return false;
    Found.insert(B);
  }
  return !Found.empty();
}

/* Those from which a block of these is reached, or which are reached from one, not through From. */
template <typename Range> static Blocks reach(const Blocks &These, BasicBlock *From, Range Next) {
  Blocks Found = These;
  for (size_t I = 0; I < Found.size(); I++)
    for (BasicBlock *B : Next(Found[I]))
      if (B != From) Found.insert(B);
  return Found;
}

static EquivalenceClasses<BasicBlock *> groups(const Blocks &Used, BasicBlock *From) {
  Blocks Before = reach(Used, From, [](BasicBlock *B) { return predecessors(B); });
  Blocks After = reach(Used, From, [](BasicBlock *B) { return successors(B); });
  EquivalenceClasses<BasicBlock *> Groups;
  for (BasicBlock *B : Used) Groups.insert(B);
  for (BasicBlock *B : After)
    for (BasicBlock *S : successors(B))
      if (S != From && Before.contains(S)) Groups.unionSets(B, S);
  return Groups;
}

/* In its block before the first use, or at the end. */
static Instruction *firstUseIn(BasicBlock *B, Value *V) {
  Instruction *First = B->getTerminator();
  for (User *U : V->users())
    if (auto *I = cast<Instruction>(U); I->getParent() == B && !isa<PHINode>(I) &&
                                        !I->isLifetimeStartOrEnd() && I->comesBefore(First))
      First = I;
  return First;
}

/* Blocks that these lead to, not through From; those of Walls are reached, and lead nowhere. */
static Blocks after(const Blocks &These, BasicBlock *From, const Blocks &Walls) {
  Blocks Found;
  auto Follow = [&](BasicBlock *B) {
    for (BasicBlock *S : successors(B))
      if (S != From) Found.insert(S);
  };
  for (BasicBlock *B : These) Follow(B);
  for (size_t I = 0; I < Found.size(); I++)
    if (!Walls.contains(Found[I])) Follow(Found[I]);
  return Found;
}

/* The promises, by what can be reached: nothing of how the places were found is used. */
static void check(Value *V, BasicBlock *From, const Blocks &Used, const Blocks &Places) {
  const char *Wrong = nullptr;
  Blocks Start, None;
  Start.insert(From);
  for (BasicBlock *B : after(Start, From, Places))
    if (Used.contains(B) && !Places.contains(B)) Wrong = "is used before its object is made [EL1]";
  for (BasicBlock *B : after(Used, From, None))
    if (Places.contains(B)) Wrong = "has another object after a use [EL1]";
  for (BasicBlock *P : Places) {
    Blocks Itself;
    Itself.insert(P);
    if (after(Itself, From, None).contains(P)) Wrong = "has objects without end [EL2]";
  }
  if (Wrong)
    mwcc_report(wrap(V), MWCC_ERROR, "mallow: internal error: '%s': the variable '%s' %s",
                From->getParent()->getName().str().c_str(), V->getName().str().c_str(), Wrong);
}

void mwcc_latest_starts(LLVMValueRef VRef, LLVMValueRef StartRef, struct mwcc_vec *Places) {
  Value *V = unwrap(VRef);
  auto *Start = unwrap<Instruction>(StartRef);
  BasicBlock *From = Start->getParent();
  Function *F = From->getParent();
  if (F->hasOptNone() || mwcc_frame_is_fixed(wrap(F)) || llvm::any_of(V->users(), [&](User *U) {
        auto *I = cast<Instruction>(U);
        return I->getParent() == From && I != Start && !I->isLifetimeStartOrEnd();
      }))
    return; /* the last is so of most variables, and found quickly */
  DominatorTree DT(*F);
  Blocks Used;
  if (!findUses(V, Start, DT, Used)) return;
  CycleInfo Cycles;
  Cycles.compute(*F);
  auto Groups = groups(Used, From);
  MapVector<BasicBlock *, BasicBlock *> Common; /* of a group: its leader -> the dominator */
  for (BasicBlock *B : Used) {
    BasicBlock *&At = Common[Groups.getLeaderValue(B)];
    At = At ? DT.findNearestCommonDominator(At, B) : B;
  }
  Blocks All;
  for (auto [Leader, At] : Common) {
    for (const Cycle *C; At != From && (C = Cycles.getCycle(At)) && !C->contains(From);)
      At = DT.getNode(At)->getIDom()->getBlock();
    All.insert(At);
  }
  if (All.contains(From)) return;
  Blocks Chosen;
  for (BasicBlock *B : All)
    if (llvm::none_of(All, [&](BasicBlock *O) { return DT.properlyDominates(O, B); }))
      Chosen.insert(B);
  check(V, From, Used, Chosen);
  for (BasicBlock *B : Chosen) mwcc_vec_push(Places, wrap(firstUseIn(B, V)));
}
