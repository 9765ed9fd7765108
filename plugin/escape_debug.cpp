/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_debug.cpp -- what a debugger shows of moved variables in optimised code
 *
 * Job      The optimiser delays, merges and removes stores to a moved variable as it does
 *          with any memory, so that between an assignment and its store the object holds
 *          an older value.  A record that says "the variable is in the object" would then
 *          show a wrong value.
 * Promise  [ED1] Where a record says that a moved variable, or a part of it, is in its object,
 *          the object holds what the last assignment on the way there assigned.  Elsewhere
 *          it gives the assigned value itself, or says that there is none.
 *          [ED2] The code is the same with these records and without.
 * How      clang's own way for stack variables, assignment tracking: each assignment is a
 *          record dbg_assign (value, address), and the store that performs it carries the
 *          record's identity through the optimiser.  LLVM interprets these for allocas
 *          only.  So:
 *            mwcc_track_var       while the variable is still an alloca: LLVM makes the records
 *            mwcc_track_use       ... their addresses follow the variable to the heap
 *            mwcc_track_birth     a record dbg_value(p, deref): a new object, in memory at first
 *            mwcc_link_assignment a marker is a call and cannot carry the identity: the store
 *                                 that is made of it gets the identity of the record beside it
 *            mwcc_track_rest      the variables that stay on the stack, as clang would
 *            mwcc_lower_tracked   at the very end, dbg_assign to dbg_value.
 *                                 and the homes: where an object's address is, to the function's
 * end. Lowering is a forward dataflow over the *parts* of a variable (its fragments cut it into
 * parts).  For each part: the last assignment of the source, the last one that memory has seen, and
 * whether the place shown is memory or a value.  They agree: memory. A call that may read the
 * object finds it up to date, whatever stores were made of: the optimiser had to see to that. What
 * the selection of instructions would move is settled last (settle). Limits   A variable in more
 * than MAX_PARTS parts is shown from memory or not at all. Next     escape_heap.c moves the
 * variables; tests/escape/gdb.sh looks at them.
 */
#include "llvm_compat.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Transforms/Utils/Local.h"
#include "escape.h"

using namespace llvm;

/* ---- Early: records for variables that move ---------------------------------------- */

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

/* ---- Markers -------------------------------------------------------------------------- */

static Value *baseOf(const DataLayout &DL, Value *Address, int64_t &Offset) {
  APInt N(DL.getIndexTypeSizeInBits(Address->getType()), 0);
  Value *B = Address->stripAndAccumulateConstantOffsets(DL, N, /*AllowNonInbounds=*/true);
  Offset = N.getSExtValue();
  return B;
}

static Value *baseOf(const DataLayout &DL, Value *Address) {
  int64_t Offset;
  return baseOf(DL, Address, Offset);
}

static bool sameAddress(const DataLayout &DL, Value *A, Value *B) {
  int64_t X, Y;
  return A == B || (baseOf(DL, A, X) == baseOf(DL, B, Y) && X == Y);
}

static bool isMarker(const CallBase &C) {
  const Function *F = C.getCalledFunction();
  return F && F->getName().starts_with("mwi_mark_");
}

static Value *withoutCasts(Value *V) {
  while (isa<PtrToIntInst>(V) || isa<IntToPtrInst>(V)) V = cast<Instruction>(V)->getOperand(0);
  return V;
}

/* A write: its address, what it stores (nullptr: not one value) and how many bits (0: not known).
 */
struct Write {
  Value *Address = nullptr, *Stored = nullptr;
  uint64_t Bits = 0;
};

static Write writeOf(const DataLayout &DL, Instruction &I) {
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

/* The assignment that this write performs, when it does not carry one's identity. */
static DbgVariableRecord *recordBeside(Instruction &I, const Write &W) {
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

/* The record follows at once, or after nothing that a user would see happen. */
static bool isBeside(const Instruction &I, const DbgVariableRecord &R) {
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

/* ---- Middle: an object that comes back to the stack ------------------------------------- */

using VarKey = std::pair<const DILocalVariable *, const DILocation *>;

static VarKey keyOf(const DbgVariableRecord &R) {
  return {R.getVariable(), R.getDebugLoc()->getInlinedAt()};
}

static bool isBirth(const DbgVariableRecord &R) {
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

/* ---- Late: from assignments to places ---------------------------------------------------- */

/*
 * The home of a moved variable: a word of the frame that holds the object's address, as the frame
 * holds a stack variable.  The address itself would be in a register until its last use only.  One
 * volatile store for each allocation of a variable, with and without -g [ED2]; for the
 * collector it is one more reference, so that the object lives as long as C says, or longer.
 */
using Homes = MapVector<Value *, AllocaInst *>; /* in the order of the code */

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

namespace {

enum { MAX_PARTS = 48 };

/*
 * Of one part of a variable, at one point of the code.  Assigned and Stored are identities;
 * nullptr: not known, or not the same on every way.
 *
 * Hidden: the selection of instructions puts every record of a call's result beside the call,
 * those too that stand further down in its block, after others of the variable (LLVM 19).  So in
 * the block that makes the object there is no way back to Memory once something else has been
 * shown: the assigned value is shown while it is known, and the object in the blocks that follow.
 */
struct State {
  enum Place { None, Memory, Value } Shown = None;
  bool Hidden = false;
  const void *Assigned = nullptr, *Stored = nullptr;
  DbgVariableRecord *Source = nullptr; /* has the value that was assigned last */
  bool operator==(const State &O) const {
    return Shown == O.Shown && Hidden == O.Hidden && Assigned == O.Assigned && Stored == O.Stored &&
           Source == O.Source;
  }
};

/* Where the variable's first byte is. */
struct Home {
  llvm::Value *Base = nullptr;
  int64_t Offset = 0;
  bool operator==(const Home &O) const { return Base == O.Base && Offset == O.Offset; }
};

struct VarState {
  bool Reached = false;
  SmallVector<State, 4> Parts;
  Home Object; /* the present one */
  bool operator==(const VarState &O) const {
    return Reached == O.Reached && Parts == O.Parts && Object == O.Object;
  }
};

struct Var {
  DILocalVariable *V;
  const DILocation *Loc;
  uint64_t Bits;
  size_t Index = 0;
  bool InHeap = false, Coarse = false;
  bool Other = false; /* in the present block, since its object was made: not shown in memory */
  SmallVector<uint64_t, 8> Cuts; /* part i is the bits from Cuts[i] to Cuts[i + 1] */
  SmallVector<DbgVariableRecord *, 8> Records;
};

/* Records to be made: in the place of an old one, before an instruction, or after it. */
struct Output {
  DbgVariableRecord *Instead;
  Instruction *At;
  bool After;
  const Var *Of;
  VarState Now;
};

class Lowering {
  const Homes &Words;
  Function &F;
  const DataLayout &DL;
  LLVMContext &C;
  DominatorTree DT;
  std::vector<std::unique_ptr<Var>> Vars;
  DenseMap<VarKey, Var *> ByKey;
  DenseMap<std::pair<const Instruction *, llvm::Value *>, bool> Current;
  DenseMap<const BasicBlock *, std::vector<VarState>> Ends;
  std::vector<Output> Outputs;
  bool Final = false;

public:
  Lowering(Function &F, const Homes &Words)
      : Words(Words), F(F), DL(F.getParent()->getDataLayout()), C(F.getContext()), DT(F) {}
  bool find();
  DenseSet<VarKey> run(); /* gives the variables that have moved */

private:
  static std::pair<uint64_t, uint64_t> range(const Var &V, const DbgVariableRecord &R) {
    if (auto Part = R.getExpression()->getFragmentInfo(); Part && !V.Coarse)
      return {Part->OffsetInBits, Part->OffsetInBits + Part->SizeInBits};
    return {0, V.Bits};
  }
  Var *get(const DbgVariableRecord &R) { return ByKey.lookup(keyOf(R)); }
  Home homeOf(DbgVariableRecord &R);
  template <typename Fn>
  static void change(const Var &V, VarState &S, std::pair<uint64_t, uint64_t> Range, Fn Do) {
    for (size_t I = 0; I + 1 < V.Cuts.size(); I++)
      if (V.Cuts[I] < Range.second && Range.first < V.Cuts[I + 1]) Do(S.Parts[I]);
  }
  static void inMemory(State &P) {
    P.Assigned = P.Stored = nullptr;
    P.Source = nullptr;
    P.Shown = State::Memory;
    P.Hidden = false;
  }
  bool isCurrentAt(const CallBase &Call, llvm::Value *Base);
  void record(DbgVariableRecord &R, std::vector<VarState> &S);
  bool madeIn(const VarState &S, const BasicBlock *B) const {
    auto *I = dyn_cast_or_null<CallInst>(S.Object.Base);
    return I && I->getParent() == B && !Words.count(I);
  }
  void output(Var &V, VarState &S, BasicBlock *B, DbgVariableRecord *Instead, Instruction *At,
              bool After);
  void entered(BasicBlock &B, std::vector<VarState> &S);
  void called(Instruction &I, std::vector<VarState> &S);
  void stored(Instruction &I, std::vector<VarState> &S);
  void block(BasicBlock &B, std::vector<VarState> &S);
  std::vector<VarState> join(BasicBlock &B);
  bool isReplaced(size_t I) const;
  bool valueOf(DbgVariableRecord &R, Metadata *&Where, DIExpression *&E) const;
  void emit(const Output &O);
  void emitPart(const Output &O, size_t From, size_t To,
                SmallVectorImpl<DbgVariableRecord *> &Made);
};

Home Lowering::homeOf(DbgVariableRecord &R) {
  Home H;
  if (isBirth(R)) {
    H.Base = baseOf(DL, R.getVariableLocationOp(0), H.Offset);
    return H;
  }
  if (!R.isDbgAssign() || R.isKillAddress() || R.getAddressExpression()->getNumElements()) return H;
  auto Part = R.getExpression()->getFragmentInfo();
  uint64_t Begin = Part ? Part->OffsetInBits : 0;
  if (Begin % 8) return H;
  H.Base = baseOf(DL, R.getAddress(), H.Offset);
  H.Offset -= int64_t(Begin / 8);
  if (isa<Constant>(H.Base)) H = Home();
  return H;
}

/* The variables with assignments to memory that is no alloca. */
bool Lowering::find() {
  for (Instruction &I : instructions(F))
    for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) {
      auto Bits = R.getVariable()->getSizeInBits();
      if (R.isDbgDeclare() || !Bits || !*Bits) continue;
      Var *&V = ByKey[keyOf(R)];
      if (!V) {
        Vars.push_back(std::make_unique<Var>());
        V = Vars.back().get();
        V->V = R.getVariable();
        V->Loc = R.getDebugLoc().get();
        V->Bits = *Bits;
        V->Cuts = {0, V->Bits};
      }
      V->Records.push_back(&R);
      auto [Begin, End] = range(*V, R);
      V->Cuts.push_back(std::min(Begin, V->Bits));
      V->Cuts.push_back(std::min(End, V->Bits));
      if (Home H = homeOf(R); R.isDbgAssign() && H.Base && !isa<AllocaInst>(H.Base))
        V->InHeap = true;
    }
  llvm::erase_if(Vars, [&](auto &V) {
    VarKey Key(V->V, V->Loc->getInlinedAt());
    bool Other = !V->InHeap;
    if (Other) ByKey.erase(Key);
    return Other;
  });
  for (size_t I = 0; I < Vars.size(); I++) {
    Var &V = *Vars[I];
    V.Index = I;
    llvm::sort(V.Cuts);
    V.Cuts.erase(std::unique(V.Cuts.begin(), V.Cuts.end()), V.Cuts.end());
    V.Coarse = V.Cuts.size() > MAX_PARTS + 1;
    if (V.Coarse) V.Cuts = {0, V.Bits};
  }
  return !Vars.empty();
}

/* The object is as the source says at this call, whatever became of the stores before it:
 * for all that the optimiser knows, the call reads it. */
bool Lowering::isCurrentAt(const CallBase &Call, llvm::Value *Base) {
  auto Known = Current.find({&Call, Base});
  if (Known != Current.end()) return Known->second;
  SmallVector<const llvm::Value *, 4> Objects;
  getUnderlyingObjects(Base, Objects);
  bool Passed = false, Captured = !Objects.empty();
  for (const Use &U : Call.args()) {
    if (!U->getType()->isPointerTy()) continue;
    unsigned N = Call.getArgOperandNo(&U);
    if (Objects.size() == 1 && getUnderlyingObject(U.get()) == Objects[0] &&
        !Call.doesNotAccessMemory(N) && !Call.onlyWritesMemory(N))
      Passed = true;
  }
  bool OnlyArgs = Call.onlyAccessesArgMemory() || Call.onlyAccessesInaccessibleMemOrArgMem();
  for (const llvm::Value *O : Objects)
    Captured = Captured && !OnlyArgs && isNoAliasCall(O) && O != &Call &&
               mwcc_captured_before(O, &Call, &DT);
  return Current[{&Call, Base}] = Passed || Captured;
}

void Lowering::output(Var &V, VarState &S, BasicBlock *B, DbgVariableRecord *Instead,
                      Instruction *At, bool After) {
  bool Hide = V.Other && madeIn(S, B);
  for (State &P : S.Parts) {
    P.Hidden = Hide && P.Shown == State::Memory;
    V.Other |= P.Shown != State::Memory;
  }
  if (Final) Outputs.push_back({Instead, At, After, &V, S});
}

/* What was hidden is shown, where the object is known. */
void Lowering::entered(BasicBlock &B, std::vector<VarState> &All) {
  for (auto &V : Vars) {
    VarState &S = All[V->Index];
    V->Other = false;
    if (llvm::none_of(S.Parts, [](State &P) { return P.Hidden; })) continue;
    auto *Made = dyn_cast_or_null<Instruction>(S.Object.Base);
    bool Known = S.Object.Base && (!Made || DT.dominates(Made, &B));
    for (State &P : S.Parts) {
      if (P.Hidden && !Known) P.Shown = State::None;
      P.Hidden = false;
    }
    output(*V, S, &B, nullptr, &*B.getFirstNonPHIOrDbg(), false);
  }
}

void Lowering::record(DbgVariableRecord &R, std::vector<VarState> &All) {
  Var *V = R.isDbgDeclare() ? nullptr : get(R);
  if (!V) return;
  VarState &S = All[V->Index];
  Home H = homeOf(R);
  if (H.Base) S.Object = H;
  const void *Id = R.isDbgAssign() ? static_cast<const void *>(R.getAssignID()) : nullptr;
  bool Whole = range(*V, R) == std::make_pair(uint64_t(0), V->Bits);
  change(*V, S, range(*V, R), [&](State &P) {
    if (isBirth(R)) {
      inMemory(P);
      return;
    }
    P.Assigned = Id;
    P.Source = V->Coarse && !Whole ? nullptr : &R;
    P.Shown = Id && S.Object.Base && P.Stored == Id ? State::Memory : State::Value;
  });
  /* A parameter has got its value when its object is made: LLVM puts a record that names the
   * argument before all others of the entry, so that this one would come to stand after it. */
  if (isBirth(R)) V->Other = false;
  if (isBirth(R) && V->V->isParameter() && !V->Loc->getInlinedAt()) return;
  output(*V, S, R.getParent(), &R, nullptr, false);
}

/* What holds before a call. */
void Lowering::called(Instruction &I, std::vector<VarState> &All) {
  auto *Call = dyn_cast<CallBase>(&I);
  if (!Call || isa<IntrinsicInst>(Call) || Call->doesNotAccessMemory() ||
      Call->onlyWritesMemory() || Call->onlyAccessesInaccessibleMemory() || isMarker(*Call))
    return;
  for (auto &V : Vars) {
    VarState &S = All[V->Index];
    if (!S.Object.Base ||
        llvm::all_of(S.Parts, [](State &P) { return P.Shown == State::Memory && !P.Hidden; }) ||
        !isCurrentAt(*Call, S.Object.Base))
      continue;
    change(*V, S, {0, V->Bits}, inMemory);
    output(*V, S, I.getParent(), nullptr, &I, false);
  }
}

/* What a write changes. */
void Lowering::stored(Instruction &I, std::vector<VarState> &All) {
  Write W = writeOf(DL, I);
  if (!W.Address) return;
  auto Performed = at::getDVRAssignmentMarkers(&I);
  if (Performed.empty())
    if (DbgVariableRecord *R = recordBeside(I, W)) Performed.push_back(R);
  bool Known = false;
  Home At;
  At.Base = baseOf(DL, W.Address, At.Offset);
  for (DbgVariableRecord *R : Performed) {
    Var *V = R->getFunction() == &F ? get(*R) : nullptr;
    if (!V) continue;
    Known = true;
    VarState &S = All[V->Index], Before = S;
    const void *Id = R->getAssignID();
    bool Beside = isBeside(I, *R);
    auto Part = R->getExpression()->getFragmentInfo();
    uint64_t Begin = Part ? Part->OffsetInBits : 0;
    bool Placed = !isa<Constant>(At.Base) && Begin % 8 == 0;
    if (Placed) S.Object = {At.Base, At.Offset - int64_t(Begin / 8)};
    change(*V, S, range(*V, *R), [&](State &P) {
      P.Stored = Id;
      if (Beside) return;
      if (P.Assigned == Id && Placed)
        P.Shown = State::Memory;
      else if (P.Shown == State::Memory)
        P.Shown = P.Source ? State::Value : State::None;
    });
    if (!Beside && !(S.Parts == Before.Parts)) output(*V, S, I.getParent(), nullptr, &I, true);
  }
  if (Known || !W.Bits) return;
  for (auto &V : Vars) {
    VarState &S = All[V->Index], Before = S;
    int64_t Begin = (At.Offset - S.Object.Offset) * 8;
    if (S.Object.Base != At.Base || Begin < 0) continue;
    change(*V, S, {uint64_t(Begin), uint64_t(Begin) + W.Bits}, inMemory);
    if (!(S.Parts == Before.Parts)) output(*V, S, I.getParent(), nullptr, &I, true);
  }
}

void Lowering::block(BasicBlock &B, std::vector<VarState> &S) {
  entered(B, S);
  for (Instruction &I : B) {
    for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) record(R, S);
    called(I, S);
    stored(I, S);
  }
}

std::vector<VarState> Lowering::join(BasicBlock &B) {
  std::vector<VarState> In(Vars.size());
  bool Entry = &B == &F.getEntryBlock();
  for (auto &V : Vars) {
    In[V->Index].Reached = Entry;
    In[V->Index].Parts.resize(V->Cuts.size() - 1);
  }
  for (BasicBlock *P : predecessors(&B)) {
    auto End = Ends.find(P);
    if (End == Ends.end()) continue;
    for (size_t I = 0; I < In.size(); I++) {
      const VarState &From = End->second[I];
      VarState &To = In[I];
      if (!To.Reached) {
        To = From;
        continue;
      }
      if (!(To.Object == From.Object)) To.Object = Home();
      for (size_t K = 0; K < To.Parts.size(); K++) {
        State &A = To.Parts[K];
        const State &O = From.Parts[K];
        if (A.Shown != O.Shown) A.Shown = State::None;
        A.Hidden |= O.Hidden;
        if (A.Assigned != O.Assigned) A.Assigned = nullptr;
        if (A.Stored != O.Stored) A.Stored = nullptr;
        if (A.Source != O.Source) A.Source = nullptr;
      }
    }
  }
  return In;
}

/* ---- Making records ---- */

/* Counts turns: a loop's phi, or what is computed from it and constants. */
static bool isInductive(const DominatorTree &DT, llvm::Value *V, unsigned Depth = 4) {
  if (!V->getType()->isIntOrPtrTy()) return false; /* LSR follows no other */
  if (auto *P = dyn_cast<PHINode>(V))
    return llvm::any_of(P->blocks(),
                        [&](BasicBlock *B) { return DT.dominates(P->getParent(), B); });
  if (!Depth || !(isa<BinaryOperator>(V) || isa<CastInst>(V) || isa<GetElementPtrInst>(V)))
    return false;
  return llvm::any_of(cast<Instruction>(V)->operands(),
                      [&](Use &U) { return isInductive(DT, U.get(), Depth - 1); });
}

/*
 * E in plain words of 64 bits.  LLVM writes a conversion as one to a type of DWARF's, and what
 * is computed with its result mixes types, which gdb refuses.  What depends on the bits above a
 * narrow operand is not said at all: a register has there what it likes.  nullptr: not to be
 * said.
 */
static DIExpression *inWords(LLVMContext &C, DIExpression *E, bool Narrow) {
  enum { WORD = 64 };
  SmallVector<uint64_t, 16> Ops;
  for (const DIExpression::ExprOperand &Op : E->expr_ops()) {
    switch (Op.getOp()) {
    case dwarf::DW_OP_div:
    case dwarf::DW_OP_mod:
    case dwarf::DW_OP_shr:
    case dwarf::DW_OP_shra:
    case dwarf::DW_OP_eq:
    case dwarf::DW_OP_ne:
    case dwarf::DW_OP_lt:
    case dwarf::DW_OP_le:
    case dwarf::DW_OP_gt:
    case dwarf::DW_OP_ge:
      if (Narrow) return nullptr;
      break;
    case dwarf::DW_OP_LLVM_convert: {
      uint64_t Bits = Op.getArg(0);
      bool Signed = Op.getArg(1) == dwarf::DW_ATE_signed;
      if (Bits > WORD || (!Signed && Op.getArg(1) != dwarf::DW_ATE_unsigned)) return nullptr;
      if (Bits == WORD) continue;
      if (Signed)
        Ops.append({dwarf::DW_OP_constu, WORD - Bits, dwarf::DW_OP_shl, dwarf::DW_OP_constu,
                    WORD - Bits, dwarf::DW_OP_shra});
      else
        Ops.append(
            {dwarf::DW_OP_constu, maskTrailingOnes<uint64_t>(unsigned(Bits)), dwarf::DW_OP_and});
      continue;
    }
    default:
      break;
    }
    Op.appendToVector(Ops);
  }
  return DIExpression::get(C, Ops);
}

/* An addition of a constant that the selection of instructions folds into the next addition (lea):
 * the sum is in no register, its operand is. */
static bool isFolded(llvm::Value *V) {
  auto *Sum = dyn_cast<BinaryOperator>(V);
  if (!Sum || Sum->getOpcode() != Instruction::Add || !isa<ConstantInt>(Sum->getOperand(1)) ||
      !Sum->hasOneUse())
    return false;
  auto *Next = dyn_cast<BinaryOperator>(Sum->user_back());
  return Next && Next->getOpcode() == Instruction::Add && Next->getParent() == Sum->getParent() &&
         !isa<Constant>(Next->getOperand(0)) && !isa<Constant>(Next->getOperand(1));
}

/*
 * The value that R gives, so that it survives a change of the loop's counter.  The code generator
 * may give a loop another one (LSR) and rewrites the records of the old one.  LLVM 19 does that
 * wrongly where an expression has operations but no operand's number: the difference between the
 * two counters is lost.  And the record of a value that is computed from the counter may go to
 * the head of the block.  As an expression over the counter itself, which it names by number,
 * either is right.  false: there is no such expression.
 */
bool Lowering::valueOf(DbgVariableRecord &R, Metadata *&Where, DIExpression *&E) const {
  bool Narrow = llvm::any_of(R.location_ops(), [&](llvm::Value *V) {
    return !V->getType()->isPointerTy() && DL.getTypeSizeInBits(V->getType()) < 64;
  });
  Where = R.getRawLocation();
  E = R.getExpression();
  bool Inductive =
      llvm::any_of(R.location_ops(), [&](llvm::Value *V) { return isInductive(DT, V); });
  bool Single = R.getNumVariableLocationOps() == 1 && !R.hasArgList();
  if (Inductive && !Single) return false;
  if (Inductive || (Single && isFolded(R.getVariableLocationOp(0)))) {
    llvm::Value *V = R.getVariableLocationOp(0);
    if (isa<PHINode>(V) && !E->isComplex()) return true;
    const DIExpression *Over = DIExpression::convertToVariadicExpression(E);
    while (auto *I = dyn_cast<Instruction>(V)) {
      if (isa<PHINode>(I)) break;
      SmallVector<uint64_t, 16> Ops;
      SmallVector<llvm::Value *, 2> More;
      V = salvageDebugInfoImpl(*I, Over->getNumLocationOperands(), Ops, More);
      if (!V || !More.empty()) return false;
      Narrow |= !V->getType()->isPointerTy() && DL.getTypeSizeInBits(V->getType()) < 64;
      Over = DIExpression::appendOpsToArg(Over, Ops, 0, /*StackValue=*/true);
      if (!Inductive) break;
    }
    Where = DIArgList::get(C, {ValueAsMetadata::get(V)});
    E = const_cast<DIExpression *>(Over);
  }
  E = inWords(C, E, Narrow);
  return E;
}

static DbgVariableRecord *makeRecord(Metadata *Where, const Var &V, DIExpression *E) {
  return new DbgVariableRecord(Where, V.V, E, V.Loc, DbgVariableRecord::LocationType::Value);
}

/* Parts From to To, which are all shown in the same way. */
void Lowering::emitPart(const Output &O, size_t From, size_t To,
                        SmallVectorImpl<DbgVariableRecord *> &Made) {
  const Var &V = *O.Of;
  const State &S = O.Now.Parts[From];
  uint64_t Begin = V.Cuts[From], Size = V.Cuts[To] - Begin;
  bool Whole = Size == V.Bits;
  auto Place = [&](DIExpression *E) {
    if (Whole) return E;
    return *DIExpression::createFragmentExpression(E, unsigned(Begin), unsigned(Size));
  };
  auto *Empty = DIExpression::get(C, {});
  if (S.Shown == State::Memory && !S.Hidden && O.Now.Object.Base && Begin % 8 == 0) {
    int64_t Offset = O.Now.Object.Offset + int64_t(Begin / 8);
    llvm::Value *From = O.Now.Object.Base;
    SmallVector<uint64_t, 5> Ops;
    if (AllocaInst *Word = Words.lookup(From)) {
      From = Word;
      Ops.push_back(dwarf::DW_OP_deref);
    }
    DIExpression::appendOffset(Ops, Offset);
    Ops.push_back(dwarf::DW_OP_deref);
    Made.push_back(makeRecord(ValueAsMetadata::get(From), V, Place(DIExpression::get(C, Ops))));
    return;
  }
  Metadata *Where;
  DIExpression *E;
  if ((S.Shown == State::Value || S.Hidden) && S.Source && !S.Source->isKillLocation() &&
      range(V, *S.Source) == std::make_pair(Begin, Begin + Size) && valueOf(*S.Source, Where, E)) {
    Made.push_back(makeRecord(Where, V, E));
    return;
  }
  Made.push_back(
      makeRecord(ValueAsMetadata::get(PoisonValue::get(Type::getInt1Ty(C))), V, Place(Empty)));
}

void Lowering::emit(const Output &O) {
  SmallVector<DbgVariableRecord *, 4> Made;
  auto &P = O.Now.Parts;
  for (size_t I = 0, K; I < P.size(); I = K) {
    auto Alike = [&](const State &A) {
      return A.Shown == P[I].Shown && A.Hidden == P[I].Hidden &&
             ((A.Shown == State::Memory && !A.Hidden) || A.Source == P[I].Source);
    };
    for (K = I + 1; K < P.size() && Alike(P[K]);) K++;
    emitPart(O, I, K, Made);
  }
  if (O.Instead) {
    for (DbgVariableRecord *R : Made) R->insertBefore(O.Instead);
  } else if (O.After) {
    for (DbgVariableRecord *R : llvm::reverse(Made))
      O.At->getParent()->insertDbgRecordAfter(R, O.At);
  } else {
    for (DbgVariableRecord *R : Made)
      O.At->getParent()->insertDbgRecordBefore(R, O.At->getIterator());
  }
}

/* By a later one at the same place. */
bool Lowering::isReplaced(size_t I) const {
  const Output &A = Outputs[I];
  if (!A.Instead) return false;
  for (size_t K = I + 1; K < Outputs.size() && Outputs[K].Instead &&
                         Outputs[K].Instead->getInstruction() == A.Instead->getInstruction();
       K++)
    if (Outputs[K].Of == A.Of) return true;
  return false;
}

DenseSet<VarKey> Lowering::run() {
  ReversePostOrderTraversal<Function *> Order(&F);
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (BasicBlock *B : Order) {
      std::vector<VarState> S = join(*B);
      block(*B, S);
      auto &End = Ends[B];
      if (End == S) continue;
      End = std::move(S);
      Changed = true;
    }
  }
  Final = true;
  for (BasicBlock *B : Order) {
    std::vector<VarState> S = join(*B);
    block(*B, S);
  }
  for (size_t I = 0; I < Outputs.size(); I++)
    if (!isReplaced(I)) emit(Outputs[I]);
  DenseSet<VarKey> Moved;
  for (auto &V : Vars) {
    Moved.insert({V->V, V->Loc->getInlinedAt()});
    for (DbgVariableRecord *R : V->Records) R->eraseFromParent();
  }
  return Moved;
}

} // namespace

/* ---- Late: what the selection of instructions would put elsewhere (LLVM 19) -------------------
 */

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
  DenseMap<const llvm::Value *, unsigned> Calls;
  unsigned Gap = 0, LastMoved = 0; /* 0: none yet */
  for (Instruction &I : B) {
    Gap++;
    unsigned Here = 0;
    for (DbgVariableRecord &R : filterDbgVars(I.getDbgRecordRange())) {
      if (Moved.count(keyOf(R))) Here = Gap;
      if (R.isDbgDeclare() || R.isKillLocation()) continue;
      for (llvm::Value *V : R.location_ops())
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
  if (F->getSubprogram() && isAssignmentTrackingEnabled(*F->getParent())) {
    DenseSet<VarKey> Moved;
    Lowering L(*F, Words);
    if (L.find()) Moved = L.run();
    settle(*F, Words, Moved);
  }
  fillHomes(Words);
}
