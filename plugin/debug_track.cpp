/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug_track.cpp -- a variable's debug records when it moves (debug.h)
 *
 * To the heap: while the variable is still an alloca, LLVM makes a record of each assignment
 * (mwcc_track_var).  Their addresses follow the uses to the object (mwcc_track_use), and a record
 * says of each new object that the variable is in it (mwcc_track_birth).  The variables that stay
 * on the stack get their records as clang would give them (mwcc_track_rest).  Back to the stack:
 * an object's variable is in an alloca again (mwcc_declare_debug).
 */
#include "llvm_compat.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "debug.h"
#include "escape.h"

using namespace llvm;
using namespace mwcc_debug;

/* ---- To the heap -------------------------------------------------------------------- */

static const char *const TrackingFlag = "debug-info-assignment-tracking"; /* LLVM's */

static void setTracking(Module &M) {
  if (isAssignmentTrackingEnabled(M)) return;
  M.setModuleFlag(Module::Max, TrackingFlag,
                  ConstantAsMetadata::get(ConstantInt::getTrue(M.getContext())));
}

/* Variables are described to the end, and code is optimised. */
bool mwcc_tracks_vars(LLVMModuleRef MRef, int Optimised) {
  return Optimised && !mwcc_options()->debug_lines && unwrap(MRef)->getModuleFlag("Dwarf Version");
}

struct mwcc_tracked {
  SmallVector<at::VarRecord, 2> Vars;
};

struct mwcc_tracked *mwcc_track_var(LLVMValueRef VRef) {
  auto *A = unwrap<AllocaInst>(VRef);
  Function *F = A->getFunction();
  auto Declares = findDVRDeclares(A);
  if (Declares.empty() || F->hasOptNone() || A->isArrayAllocation()) return nullptr;
  at::StorageToVarsMap Map;
  auto *T = new mwcc_tracked;
  for (DbgVariableRecord *R : Declares) {
    auto Bits = R->getVariable()->getSizeInBits();
    if (R->getExpression()->getNumElements() || !R->getDebugLoc() || !Bits) {
      delete T; /* a part of something: as without optimisation */
      return nullptr;
    }
    at::VarRecord V(R);
    if (Map[A].insert(V)) T->Vars.push_back(V);
  }
  const DataLayout &DL = F->getParent()->getDataLayout();
  at::trackAssignments(F->begin(), F->end(), Map, DL);
  setTracking(*F->getParent());
  /* the alloca's own: mwcc_track_birth says it of the object */
  for (DbgVariableRecord *R : at::getDVRAssignmentMarkers(A)) R->eraseFromParent();
  A->setMetadata(LLVMContext::MD_DIAssignID, nullptr);
  return T;
}

void mwcc_track_end(struct mwcc_tracked *T, LLVMValueRef VRef) {
  for (DbgVariableRecord *R : findDVRDeclares(unwrap(VRef))) R->eraseFromParent();
  delete T;
}

void mwcc_track_use(LLVMValueRef UserRef, LLVMValueRef VRef) {
  auto *I = dyn_cast<Instruction>(unwrap(UserRef));
  Value *V = unwrap(VRef), *Address = nullptr, *Stored = nullptr;
  if (auto *S = dyn_cast_or_null<StoreInst>(I)) {
    Address = S->getPointerOperand();
    Stored = S->getValueOperand();
  } else if (auto *S = dyn_cast_or_null<MemIntrinsic>(I)) {
    Address = S->getDest();
  } else {
    return;
  }
  for (DbgVariableRecord *R : at::getDVRAssignmentMarkers(I)) {
    if (R->getAddress() == V) R->setAddress(Address);
    if (Stored && is_contained(R->location_ops(), V)) R->replaceVariableLocationOp(V, Stored);
  }
}

void mwcc_track_birth(const struct mwcc_tracked *T, LLVMValueRef PRef) {
  auto *P = unwrap<Instruction>(PRef);
  LLVMContext &C = P->getContext();
  auto *E = DIExpression::get(C, {dwarf::DW_OP_deref});
  for (const at::VarRecord &V : T->Vars)
    P->getParent()->insertDbgRecordAfter(
        DbgVariableRecord::createDbgVariableRecord(P, V.Var, E, V.DL), P);
}

void mwcc_track_rest(LLVMModuleRef MRef) {
  Module &M = *unwrap(MRef);
  /* as clang decides: when linking it would cost too much */
  if (M.getModuleFlag("EnableSplitLTOUnit") || M.getModuleFlag("ThinLTO")) return;
  ModuleAnalysisManager None; /* the pass asks for nothing */
  AssignmentTrackingPass().run(M, None);
}
/* ---- Back to the stack ---------------------------------------------------------------- */

bool mwcc_debug::isBirth(const DbgVariableRecord &R) {
  return R.getType() == DbgVariableRecord::LocationType::Value &&
         R.getNumVariableLocationOps() == 1 && R.getExpression()->getNumElements() == 1 &&
         R.getExpression()->startsWithDeref() && !isa<Constant>(R.getVariableLocationOp(0));
}

/* The variable of R is at other times in other memory: a new object for each turn of a loop. */
static bool isElsewhere(DbgVariableRecord *R, Value *Call) {
  const DataLayout &DL = R->getModule()->getDataLayout();
  for (Instruction &I : instructions(*R->getFunction()))
    for (DbgVariableRecord &O : filterDbgVars(I.getDbgRecordRange())) {
      if (keyOf(O) != keyOf(*R)) continue;
      if (O.isDbgAssign() ? !O.isKillAddress() && baseOf(DL, O.getAddress()) != Call
                          : isBirth(O) && !is_contained(O.location_ops(), Call))
        return true;
    }
  return false;
}

static void declareIn(DbgVariableRecord *R, AllocaInst *To) {
  LLVMContext &C = To->getContext();
  auto *Empty = DIExpression::get(C, {});
  const DILocation *Loc = R->getDebugLoc().get();
  if (!isAssignmentTrackingEnabled(*To->getModule())) {
    auto *D = DbgVariableRecord::createDVRDeclare(To, R->getVariable(), Empty, Loc);
    To->getParent()->insertDbgRecordBefore(D, To->getParent()->getFirstNonPHIOrDbgOrAlloca());
  } else {
    if (!To->getMetadata(LLVMContext::MD_DIAssignID))
      To->setMetadata(LLVMContext::MD_DIAssignID, DIAssignID::getDistinct(C));
    DbgVariableRecord::createLinkedDVRAssign(To, PoisonValue::get(Type::getInt1Ty(C)),
                                             R->getVariable(), Empty, To, Empty, Loc);
  }
  R->eraseFromParent();
}

/*
 * Copies of a loop's body share the identities of their assignments.  In LLVM's world that is
 * right, for the variable is in one place then; these objects are not.  What SROA knows of a store
 * to one of them must not reach the records of another: each gets identities of its own.
 */
static void ownAssignments(Instruction *Call) {
  const DataLayout &DL = Call->getModule()->getDataLayout();
  DenseMap<const Metadata *, DIAssignID *> Own;
  auto Of = [&](const Metadata *Id) {
    DIAssignID *&New = Own[Id];
    if (!New) New = DIAssignID::getDistinct(Call->getContext());
    return New;
  };
  for (Instruction &I : instructions(*Call->getFunction())) {
    for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange()))
      if (R.isDbgAssign() && !R.isKillAddress() && baseOf(DL, R.getAddress()) == Call)
        R.setAssignId(Of(R.getAssignID()));
    MDNode *Id = I.getMetadata(LLVMContext::MD_DIAssignID);
    Write W = Id ? writeOf(DL, I) : Write();
    if (W.Address && baseOf(DL, W.Address) == Call)
      I.setMetadata(LLVMContext::MD_DIAssignID, Of(Id));
  }
}

void mwcc_declare_debug(LLVMValueRef CallRef, LLVMValueRef ToRef) {
  auto *Call = unwrap<Instruction>(CallRef);
  SmallVector<DbgVariableRecord *, 4> Records;
  mwcc_debug_records(Call, Records);
  if (!Records.empty() && isAssignmentTrackingEnabled(*Call->getModule())) ownAssignments(Call);
  for (DbgVariableRecord *R : Records)
    if (isBirth(*R) && !isElsewhere(R, Call)) declareIn(R, cast<AllocaInst>(unwrap(ToRef)));
}
