/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug_settle.cpp -- the homes of moved variables, and the last look at records (debug.h)
 *
 * Each allocation of a moved variable gets a home, with -g and without [ED2].  For the collector
 * it is one more reference, so that the object lives as long as C says, or longer.  Then
 * assignments are lowered, and records that the selection of instructions would put elsewhere
 * (LLVM 19) are mended or removed.
 */
#include "llvm_compat.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "debug.h"
#include "escape.h"

using namespace llvm;
using namespace mwcc_debug;

/* ---- Homes -------------------------------------------------------------------------- */

static Homes makeHomes(Function &F) {
  Homes Made;
  if (F.hasOptNone()) return Made; /* has the slots of escape_heap.c */
  BasicBlock &Entry = F.getEntryBlock();
  for (Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallInst>(&I); Call && Call->getMetadata("mallow.var"))
      Made[Call] = nullptr;
  for (auto &[Call, Home] : Made)
    Home = new AllocaInst(Call->getType(), 0, nullptr, Align(8), "", Entry.begin());
  return Made;
}

/* When all records are made: for LLVM these stores let the objects' addresses out. */
static void fillHomes(const Homes &Made) {
  for (auto &[Object, Home] : Made) {
    auto *Call = cast<Instruction>(Object);
    auto *S = new StoreInst(Call, Home, /*isVolatile=*/true, Align(8), Call->getIterator());
    S->removeFromParent();
    S->insertAfter(Call);
    S->setDebugLoc(Call->getDebugLoc());
  }
}

/* ---- What the selection of instructions would put elsewhere ------------------------------ */

/* A variable's record that stands before a label's is lost. */
static void labelsFirst(Instruction &I) {
  SmallVector<DbgRecord *, 2> Labels;
  bool Late = false, Variables = false;
  for (DbgRecord &R : I.getDbgRecordRange()) {
    bool IsLabel = isa<DbgLabelRecord>(R);
    if (IsLabel) Labels.push_back(&R);
    Late |= IsLabel && Variables;
    Variables |= !IsLabel;
  }
  for (DbgRecord *R : llvm::reverse(Labels)) {
    if (!Late) break;
    R->removeFromParent();
    I.getParent()->insertDbgRecordBefore(R, I.getIterator());
    DbgRecord *First = &*I.getDbgRecordRange().begin();
    if (First != R) R->moveBefore(First);
  }
}

/* Another variable that holds the object's address: read from the home, but not to be set there. */
static void readHome(DbgVariableRecord &R, const Homes &Words) {
  if (R.isDbgDeclare() || R.getNumVariableLocationOps() != 1) return;
  auto Found = Words.find(R.getVariableLocationOp(0));
  if (Found == Words.end()) return;
  auto *E = R.getExpression();
  bool Memory = E->getNumElements() && E->startsWithDeref();
  if (R.isDbgAssign() || Memory) return;
  R.replaceVariableLocationOp(0u, Found->second);
  R.setExpression(DIExpression::prepend(E, DIExpression::DerefBefore | DIExpression::StackValue));
}

/*
 * A spilled register of 16 bytes that holds less is described with "deref_size 16" (LLVM 19, any
 * double that lives across a call), which DWARF does not have and gdb refuses.  An expression that
 * names its operand twice reads a plain word instead.
 */
static void readWord(DbgVariableRecord &R, const DataLayout &DL) {
  if (R.isDbgDeclare() || R.isDbgAssign() || R.isKillLocation() || R.hasArgList()) return;
  Value *V = R.getVariableLocationOp(0);
  auto *E = R.getExpression();
  auto Part = E->getFragmentInfo();
  Type *T = V->getType();
  bool InVector = (T->isFloatingPointTy() || T->isVectorTy()) && DL.getTypeSizeInBits(T) <= 64;
  if (isa<Constant>(V) || !InVector || E->getNumElements() != (Part ? 3u : 0u)) return;
  SmallVector<uint64_t, 9> Ops = {dwarf::DW_OP_LLVM_arg, 0,
                                  dwarf::DW_OP_LLVM_arg, 0,
                                  dwarf::DW_OP_and,      dwarf::DW_OP_stack_value};
  if (Part) Ops.append({dwarf::DW_OP_LLVM_fragment, Part->OffsetInBits, Part->SizeInBits});
  R.setRawLocation(DIArgList::get(V->getContext(), {ValueAsMetadata::get(V)}));
  R.setExpression(DIExpression::get(V->getContext(), Ops));
}

/*
 * Every record of a call's result goes beside the call, those too that stand further down in its
 * block; and other variables' records that stand before such a one go there with it.  Where
 * those are of moved variables, it has to go.
 */
static void removeAnchors(BasicBlock &B, const DenseSet<VarKey> &Moved) {
  DenseMap<const Value *, unsigned> Calls;
  unsigned Gap = 0, LastMoved = 0; /* 0: none yet */
  for (Instruction &I : B) {
    Gap++;
    unsigned Here = 0;
    for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) {
      if (Moved.count(keyOf(R))) Here = Gap;
      if (R.isDbgDeclare() || R.isKillLocation()) continue;
      for (Value *V : R.location_ops())
        if (auto Call = Calls.find(V); Call != Calls.end() && LastMoved > Call->second + 1) {
          R.setKillLocation();
          break;
        }
    }
    if (Here) LastMoved = Here;
    if (isa<CallBase>(I) && !I.getType()->isVoidTy()) Calls[&I] = Gap;
  }
}

static void settle(Function &F, const Homes &Words, const DenseSet<VarKey> &Moved) {
  const DataLayout &DL = F.getParent()->getDataLayout();
  for (BasicBlock &B : F) {
    for (Instruction &I : B) {
      labelsFirst(I);
      for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) readHome(R, Words);
    }
    if (Moved.empty()) continue;
    removeAnchors(B, Moved);
    for (Instruction &I : B)
      for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) readWord(R, DL);
  }
}
void mwcc_lower_tracked(LLVMValueRef FRef) {
  auto *F = unwrap<Function>(FRef);
  Homes Words = makeHomes(*F);
  if (F->getSubprogram() && isAssignmentTrackingEnabled(*F->getParent()))
    settle(*F, Words, lowerAssignments(*F, Words));
  fillHomes(Words);
}
