/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug_assign.cpp -- writes, and the assignments that they perform (debug.h)
 *
 * A store carries the identity of its assignment's record through the optimiser.  A marker is a
 * call and cannot: the store that is made of it gets the identity of the record beside it
 * (mwcc_link_assignment), and one that no longer is a store when records are lowered is matched
 * in the same way (recordBeside).
 */
#include "llvm_compat.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "debug.h"
#include "escape.h"

using namespace llvm;
using namespace mwcc_debug;

Value *mwcc_debug::baseOf(const DataLayout &DL, Value *Address, int64_t &Offset) {
  APInt N(DL.getIndexTypeSizeInBits(Address->getType()), 0);
  Value *B = Address->stripAndAccumulateConstantOffsets(DL, N, /*AllowNonInbounds=*/true);
  Offset = N.getSExtValue();
  return B;
}

Value *mwcc_debug::baseOf(const DataLayout &DL, Value *Address) {
  int64_t Offset;
  return baseOf(DL, Address, Offset);
}

static bool sameAddress(const DataLayout &DL, Value *A, Value *B) {
  int64_t X, Y;
  return A == B || (baseOf(DL, A, X) == baseOf(DL, B, Y) && X == Y);
}

bool mwcc_debug::isMarker(const CallBase &C) {
  const Function *F = C.getCalledFunction();
  return F && F->getName().starts_with("mwi_mark_");
}

static Value *withoutCasts(Value *V) {
  while (isa<PtrToIntInst>(V) || isa<IntToPtrInst>(V)) V = cast<Instruction>(V)->getOperand(0);
  return V;
}

Write mwcc_debug::writeOf(const DataLayout &DL, Instruction &I) {
  Write W;
  auto SizeOf = [&](Type *T) { return DL.getTypeStoreSizeInBits(T).getFixedValue(); };
  auto Length = [](Value *V) {
    auto *N = dyn_cast<ConstantInt>(V);
    return N ? N->getZExtValue() * 8 : 0;
  };
  if (auto *S = dyn_cast<StoreInst>(&I))
    W = {S->getPointerOperand(), S->getValueOperand(), SizeOf(S->getValueOperand()->getType())};
  else if (auto *M = dyn_cast<MemIntrinsic>(&I))
    W = {M->getDest(), nullptr, Length(M->getLength())};
  else if (auto *X = dyn_cast<AtomicRMWInst>(&I))
    W = {X->getPointerOperand(), nullptr, SizeOf(X->getType())};
  else if (auto *X = dyn_cast<AtomicCmpXchgInst>(&I))
    W = {X->getPointerOperand(), nullptr, SizeOf(X->getNewValOperand()->getType())};
  else if (auto *C = dyn_cast<CallInst>(&I); C && isMarker(*C)) {
    StringRef Name = C->getCalledFunction()->getName();
    bool Many = Name.contains("_mem");
    W.Address = C->getArgOperand(0);
    if (!Many) W.Stored = C->getArgOperand(1);
    W.Bits = Many ? Length(C->getArgOperand(2)) : SizeOf(C->getArgOperand(1)->getType());
  }
  return W;
}

DbgVariableRecord *mwcc_debug::recordBeside(Instruction &I, const Write &W) {
  enum { FAR = 32 };
  const DataLayout &DL = I.getModule()->getDataLayout();
  unsigned Steps = 0;
  for (Instruction *N = I.getNextNode(); N && Steps++ < FAR; N = N->getNextNode()) {
    for (DbgVariableRecord &R : filterDbgVars(N->getDbgRecordRange())) {
      if (!R.isDbgAssign() || R.isKillAddress() || !sameAddress(DL, R.getAddress(), W.Address) ||
          !at::getAssignmentInsts(&R).empty())
        continue;
      if (W.Stored && !R.isKillLocation() &&
          (R.getNumVariableLocationOps() != 1 ||
           withoutCasts(R.getVariableLocationOp(0)) != withoutCasts(W.Stored)))
        continue;
      return &R;
    }
    if (Write O = writeOf(DL, *N); O.Address && sameAddress(DL, O.Address, W.Address)) break;
  }
  return nullptr;
}

bool mwcc_debug::isBeside(const Instruction &I, const DbgVariableRecord &R) {
  enum { FAR = 16 };
  const Instruction *N = I.getNextNode();
  for (unsigned Steps = 0; N && Steps < FAR; N = N->getNextNode(), Steps++) {
    if (R.getInstruction() == N) return true;
    auto *C = dyn_cast<CallBase>(N);
    const Function *F = C ? C->getCalledFunction() : nullptr;
    if (C && !(F && (F->isIntrinsic() || F->getName().starts_with("mwi_")))) return false;
  }
  return false;
}

void mwcc_link_assignment(LLVMValueRef MadeRef) {
  auto *I = dyn_cast<Instruction>(unwrap(MadeRef));
  if (!I || (!isa<StoreInst>(I) && !isa<MemIntrinsic>(I)) ||
      !isAssignmentTrackingEnabled(*I->getModule()) || I->getMetadata(LLVMContext::MD_DIAssignID))
    return;
  if (DbgVariableRecord *R = recordBeside(*I, writeOf(I->getModule()->getDataLayout(), *I)))
    I->setMetadata(LLVMContext::MD_DIAssignID, R->getAssignID());
}

/* LoopRotate copies a loop's head in front of it, and drops records whose instruction folds in
 * the copy (LLVM 19): a store whose assignment is recorded elsewhere only, for another value. */
static bool isMissing(StoreInst &S, const DominatorTree &DT) {
  for (DbgVariableRecord *R : at::getDVRAssignmentMarkers(&S)) {
    if (R->getFunction() != S.getFunction()) continue;
    const Instruction *At = R->getInstruction();
    if (At == S.getNextNode() || DT.dominates(At, &S)) return false; /* has it, or moved down */
    if (is_contained(R->location_ops(), S.getValueOperand())) return false; /* moved up */
  }
  return true;
}

void mwcc_restore_assignments(LLVMValueRef FRef) {
  auto *F = unwrap<Function>(FRef);
  if (!F->getSubprogram() || !isAssignmentTrackingEnabled(*F->getParent())) return;
  std::unique_ptr<DominatorTree> DT;
  for (Instruction &I : instructions(*F)) {
    auto *S = dyn_cast<StoreInst>(&I);
    if (!S || !S->getMetadata(LLVMContext::MD_DIAssignID)) continue;
    auto Markers = at::getDVRAssignmentMarkers(S);
    if (Markers.empty() || llvm::any_of(Markers, [&](DbgVariableRecord *R) {
          return R->getInstruction() == S->getNextNode();
        }))
      continue;
    if (!DT) DT = std::make_unique<DominatorTree>(*F);
    if (!isMissing(*S, *DT)) continue;
    DenseSet<DILocalVariable *> Seen;
    for (DbgVariableRecord *R : Markers) {
      if (R->getFunction() != F || R->isKillAddress() || !Seen.insert(R->getVariable()).second)
        continue;
      auto Part = R->getExpression()->getFragmentInfo();
      auto *E = DIExpression::get(F->getContext(), {});
      if (Part)
        E = *DIExpression::createFragmentExpression(E, Part->OffsetInBits, Part->SizeInBits);
      DbgVariableRecord::createLinkedDVRAssign(S, S->getValueOperand(), R->getVariable(), E,
                                               S->getPointerOperand(), R->getAddressExpression(),
                                               R->getDebugLoc().get());
    }
  }
}
