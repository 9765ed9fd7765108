/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug_lower.cpp -- from assignments to where each variable is (debug.h)
 *
 * A forward dataflow over the *parts* of a variable (its fragments cut it into parts).  For each
 * part: the last assignment of the source, the last one that memory has seen, and whether the
 * place shown is memory or a value.  Where the two assignments agree it is memory.  A call that
 * may read the object finds it up to date, whatever stores were made of: the optimiser had to see
 * to that.  A variable in more than MAX_PARTS parts is shown from memory or not at all.
 */
#include "llvm_compat.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "debug.h"

using namespace llvm;
using namespace mwcc_debug;

namespace {

/* Each state has all parts: more would make the flow slow for the largest structures, and fewer
 * would coarsen ordinary ones. */
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
  Value *Base = nullptr;
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
  DenseMap<std::pair<const Instruction *, Value *>, bool> Current;
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
  bool isCurrentAt(const CallBase &Call, Value *Base);
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
bool Lowering::isCurrentAt(const CallBase &Call, Value *Base) {
  auto Known = Current.find({&Call, Base});
  if (Known != Current.end()) return Known->second;
  SmallVector<const Value *, 4> Objects;
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
  for (const Value *O : Objects)
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
/* ---- Making records ------------------------------------------------------------------ */

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
    Value *From = O.Now.Object.Base;
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
      range(V, *S.Source) == std::make_pair(Begin, Begin + Size) &&
      valueOf(DT, *S.Source, Where, E)) {
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

DenseSet<VarKey> mwcc_debug::lowerAssignments(Function &F, const Homes &Words) {
  Lowering L(F, Words);
  return L.find() ? L.run() : DenseSet<VarKey>();
}
