/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_llvm.cpp -- what escape analysis needs and LLVM has no C API for
 *
 * Job      Order of the call graph, loop depths (cycles, so that gotos into
 *          loops count), dominance, debug records, remarks.
 */
#include "llvm_compat.h"
#include "llvm/ADT/SCCIterator.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/Analysis/CycleAnalysis.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include "escape.h"

using namespace llvm;

void mwcc_components(LLVMModuleRef MRef, void *Ctx,
                     void (*Each)(void *, LLVMValueRef *, unsigned, int)) {
  CallGraph CG(*unwrap(MRef));
  /* a function that is passed to another one (qsort) comes before its caller */
  for (Function &F : *unwrap(MRef))
    for (Instruction &I : instructions(F))
      if (auto *Call = dyn_cast<CallBase>(&I)) {
        for (Value *V : Call->args())
          if (auto *G = dyn_cast<Function>(V))
            if (!G->isDeclaration()) CG[&F]->addCalledFunction(nullptr, CG[G]);
        if (Call->getCalledFunction()) continue;
        if (auto *G = dyn_cast<Function>(Call->getCalledOperand()->stripPointerCastsAndAliases()))
          if (!G->isDeclaration()) CG[&F]->addCalledFunction(nullptr, CG[G]);
      }
  SmallVector<std::pair<SmallVector<LLVMValueRef, 4>, int>, 32> Order;
  for (auto I = scc_begin(&CG); !I.isAtEnd(); ++I) {
    SmallVector<LLVMValueRef, 4> Fns;
    for (CallGraphNode *N : *I)
      if (Function *F = N->getFunction())
        if (!F->isDeclaration()) Fns.push_back(wrap(F));
    if (!Fns.empty()) Order.push_back({Fns, I.hasCycle()});
  }
  for (auto &O : Order) Each(Ctx, O.first.data(), unsigned(O.first.size()), O.second);
}

/* ---- Types, as C writes them ------------------------------------------------------------ */

/* `Decl` is what stands in the place of the name. */
static std::string spelled(const DIType *T, const std::string &Decl) {
  auto Named = [&](const std::string &Name) {
    bool Space = !Decl.empty() && Decl[0] != '[';
    return Name + (Space ? " " : "") + Decl;
  };
  if (!T) return Named("void");
  if (auto *D = dyn_cast<DIDerivedType>(T)) {
    const DIType *Base = D->getBaseType();
    std::string Qualifier;
    switch (D->getTag()) {
    case dwarf::DW_TAG_pointer_type: {
      bool Inside =
          Base && (isa<DISubroutineType>(Base) || Base->getTag() == dwarf::DW_TAG_array_type);
      return spelled(Base, Inside ? "(*" + Decl + ")" : "*" + Decl);
    }
    case dwarf::DW_TAG_const_type:
      Qualifier = "const";
      break;
    case dwarf::DW_TAG_volatile_type:
      Qualifier = "volatile";
      break;
    case dwarf::DW_TAG_restrict_type:
      Qualifier = "restrict";
      break;
    case dwarf::DW_TAG_atomic_type:
      return "_Atomic(" + spelled(Base, "") + ")" + Decl;
    default:
      return Named(T->getName().str());
    }
    if (Base && Base->getTag() == dwarf::DW_TAG_pointer_type)
      return spelled(Base, Qualifier + (Decl.empty() ? "" : " ") + Decl);
    return Qualifier + " " + spelled(Base, Decl);
  }
  if (auto *F = dyn_cast<DISubroutineType>(T)) {
    std::string Args;
    DITypeRefArray Types = F->getTypeArray();
    for (unsigned I = 1; I < Types.size(); I++)
      Args += (I > 1 ? ", " : "") + (Types[I] ? spelled(Types[I], "") : std::string("..."));
    return spelled(Types.size() ? Types[0] : nullptr,
                   Decl + "(" + (Args.empty() ? "void" : Args) + ")");
  }
  if (auto *A = dyn_cast<DICompositeType>(T)) {
    std::string Tag = "struct ";
    switch (A->getTag()) {
    case dwarf::DW_TAG_array_type: {
      std::string Bounds = Decl;
      for (const DINode *E : A->getElements()) {
        auto *R = dyn_cast<DISubrange>(E);
        auto *N = R ? dyn_cast_if_present<ConstantInt *>(R->getCount()) : nullptr;
        Bounds += N ? "[" + std::to_string(N->getSExtValue()) + "]" : "[]";
      }
      return spelled(A->getBaseType(), Bounds);
    }
    case dwarf::DW_TAG_union_type:
      Tag = "union ";
      break;
    case dwarf::DW_TAG_enumeration_type:
      Tag = "enum ";
      break;
    default:
      break;
    }
    return Named(Tag + (A->getName().empty() ? "(anonymous)" : A->getName().str()));
  }
  if (auto *B = dyn_cast<DIBasicType>(T); B && B->getEncoding() == dwarf::DW_ATE_complex_float) {
    uint64_t Bits = B->getSizeInBits();
    return Named(Bits == 64    ? "_Complex float"
                 : Bits == 128 ? "_Complex double"
                               : "_Complex long double");
  }
  return Named(T->getName().str());
}

/* The type of a witness (mallow.h) without its own const; empty: not described. */
size_t mwcc_witness_type(LLVMValueRef GRef, char *Buf, size_t Size) {
  SmallVector<DIGlobalVariableExpression *, 1> Info;
  unwrap<GlobalVariable>(GRef)->getDebugInfo(Info);
  if (Info.empty()) return 0;
  const DIType *T = Info[0]->getVariable()->getType();
  if (T && T->getTag() == dwarf::DW_TAG_const_type) T = cast<DIDerivedType>(T)->getBaseType();
  std::string Name = spelled(T, "");
  if (T && T->getTag() == dwarf::DW_TAG_array_type && StringRef(Name).starts_with("const "))
    Name.erase(0, strlen("const "));
  return size_t(snprintf(Buf, Size, "%s", Name.c_str()));
}

void mwcc_loop_depths(LLVMValueRef FRef, struct mwcc_map *Depths) {
  Function *F = unwrap<Function>(FRef);
  CycleInfo CI;
  CI.compute(*F);
  for (BasicBlock &B : *F) {
    unsigned D = CI.getCycleDepth(&B);
    if (!D) continue;
    /* with gotos a block may be an entry of several cycles */
    unsigned Entered = 0;
    for (const Cycle *C = CI.getCycle(&B); C; C = C->getParentCycle())
      if (C->isEntry(&B)) Entered = C->getDepth();
    mwcc_map_put(Depths, wrap(&B), uintptr_t(std::min(D, 0x7fffu)) << 16 | Entered);
  }
}

bool mwcc_dominates_uses(LLVMValueRef IRef, LLVMValueRef VRef) {
  auto *I = unwrap<Instruction>(IRef);
  DominatorTree DT(*I->getFunction());
  for (Use &U : unwrap(VRef)->uses())
    if (U.getUser() != I && !DT.dominates(I, U)) return false;
  return true;
}

/* The file as clang's diagnostics name it: debug information splits absolute
 * names into folder and rest. */
static const char *fileName(StringRef Folder, StringRef Name, const Module *M) {
  static StringSet<> Names;
  SmallString<256> Path;
  if (M && sys::path::is_absolute(M->getSourceFileName()) && !sys::path::is_absolute(Name))
    Path = Folder;
  sys::path::append(Path, Name);
  return Names.insert(Path).first->getKeyData();
}

static mwcc_place placeOf(const DILocation *L, const Module *M) {
  mwcc_place P = {};
  if (!L) return P;
  P.file = fileName(L->getDirectory(), L->getFilename(), M);
  P.line = L->getLine();
  P.col = L->getColumn();
  return P;
}

mwcc_place mwcc_instruction_place(LLVMValueRef IRef) {
  auto *I = dyn_cast<Instruction>(unwrap(IRef));
  return placeOf(I ? I->getDebugLoc().get() : nullptr, I ? I->getModule() : nullptr);
}

/* The declarations that name this memory, in the order of the source. */
static SmallVector<DbgVariableRecord *, 2> declaresOf(Value *V) {
  auto Found = findDVRDeclares(V);
  SmallVector<DbgVariableRecord *, 2> All(Found.begin(), Found.end());
  if (auto *A = dyn_cast<AllocaInst>(V))
    for (DbgVariableRecord *R : at::getDVRAssignmentMarkers(A)) All.push_back(R);
  auto Key = [](DbgVariableRecord *R) {
    const DILocation *L = R->getDebugLoc().get();
    return std::make_tuple(L ? L->getLine() : 0, L ? L->getColumn() : 0,
                           R->getVariable()->getName());
  };
  llvm::sort(All, [&](auto *A, auto *B) { return Key(A) < Key(B); });
  return All;
}

static mwcc_place placeOf(DbgVariableRecord *R) {
  mwcc_place P = placeOf(R->getDebugLoc().get(), R->getModule());
  P.name = R->getVariable()->getName().data();
  P.name_len = R->getVariable()->getName().size();
  return P;
}

bool mwcc_birth(LLVMValueRef VRef, unsigned N, struct mwcc_birth *B) {
  Instruction *Last = nullptr;
  for (DbgVariableRecord *R : declaresOf(unwrap(VRef))) {
    Instruction *I = const_cast<Instruction *>(R->getInstruction());
    if (!I || I == Last || R->getVariable()->getArg() || !R->getDebugLoc()) continue;
    Last = I; /* members of an unnamed union are declared together */
    if (N--) continue;
    B->before = wrap(I);
    B->place = placeOf(R);
    B->loc = wrap(R->getDebugLoc().get());
    return true;
  }
  return false;
}

bool mwcc_birth_before_uses(LLVMValueRef VRef) {
  struct mwcc_birth B;
  for (unsigned I = 0; mwcc_birth(VRef, I, &B); I++)
    if (mwcc_dominates_uses(B.before, VRef)) return true;
  return false;
}

mwcc_place mwcc_declaration(LLVMValueRef VRef) {
  Value *V = unwrap(VRef);
  for (DbgVariableRecord *R : declaresOf(V)) return placeOf(R);
  mwcc_place P = {};
  if (V->hasName()) {
    StringRef N = V->getName();
    if (N.ends_with(".addr")) N = N.drop_back(5);
    P.name = V->getName().data();
    P.name_len = N.size();
  }
  return P;
}

bool mwcc_is_written_param(LLVMValueRef VRef) {
  return llvm::any_of(declaresOf(unwrap(VRef)), [](DbgVariableRecord *R) {
    return R->getVariable()->isParameter() && !R->getVariable()->isArtificial();
  });
}

LLVMMetadataRef mwcc_declaration_loc(LLVMValueRef VRef) {
  for (DbgVariableRecord *R : declaresOf(unwrap(VRef))) return wrap(R->getDebugLoc().get());
  return nullptr;
}

mwcc_place mwcc_function_place(LLVMValueRef FRef) {
  mwcc_place P = {};
  auto *F = unwrap<Function>(FRef);
  if (DISubprogram *S = F->getSubprogram()) {
    P.file = fileName(S->getDirectory(), S->getFilename(), F->getParent());
    P.line = S->getLine();
  }
  return P;
}

static const DILocation *firstUse(Value *V) {
  const DILocation *First = nullptr;
  for (User *U : V->users())
    if (auto *I = dyn_cast<Instruction>(U))
      if (const DILocation *L = I->getDebugLoc().get(); L && L->getLine())
        if (!First || std::make_pair(L->getLine(), L->getColumn()) <
                          std::make_pair(First->getLine(), First->getColumn()))
          First = L;
  return First;
}

mwcc_place mwcc_first_use_place(LLVMValueRef VRef) {
  return placeOf(firstUse(unwrap(VRef)), unwrap<Instruction>(VRef)->getModule());
}

void mwcc_move_debug(LLVMValueRef FromRef, LLVMValueRef SlotRef) {
  Value *From = unwrap(FromRef), *Slot = unwrap(SlotRef);
  for (DbgVariableRecord *R : findDVRDeclares(From)) {
    R->replaceVariableLocationOp(From, Slot);
    R->setExpression(DIExpression::prepend(R->getExpression(), DIExpression::DerefBefore));
  }
}

void mwcc_set_loc_from(LLVMValueRef IRef, LLVMValueRef DeclaredRef) {
  auto *I = unwrap<Instruction>(IRef);
  Value *V = unwrap(DeclaredRef);
  for (DbgVariableRecord *R : findDVRDeclares(V)) {
    I->setDebugLoc(R->getDebugLoc());
    return;
  }
  if (const DILocation *L = firstUse(V)) I->setDebugLoc(L);
}

/* A place of the function, or of a macro or header in it, as a location of LLVM's. */
static DiagnosticLocation locationOf(Function &F, const DILocation *Near, const mwcc_place &P) {
  DILocalScope *Scope = Near ? Near->getScope() : F.getSubprogram();
  if (!Scope) return DiagnosticLocation();
  LLVMContext &C = F.getContext();
  if (StringRef(fileName(Scope->getDirectory(), Scope->getFilename(), F.getParent())) != P.file)
    Scope = DILexicalBlockFile::get(C, Scope, DIFile::get(C, P.file, ""), 0);
  return DiagnosticLocation(DebugLoc(DILocation::get(C, P.line, P.col, Scope)));
}

void mwcc_remark(LLVMModuleRef MRef, const char *Fn, LLVMMetadataRef Near, mwcc_place P,
                 bool Missed, const char *Text) {
  Module &M = *unwrap(MRef);
  Function *F = M.getFunction(Fn), *Made = nullptr;
  if (!F || F->empty()) { /* inlined everywhere: a remark names a function that is there */
    auto *Type = FunctionType::get(Type::getVoidTy(M.getContext()), false);
    F = Made = Function::Create(Type, GlobalValue::InternalLinkage, Fn, M);
    BasicBlock::Create(M.getContext(), "", F);
  }
  DiagnosticLocation L = locationOf(*F, Near ? unwrap<DILocation>(Near) : nullptr, P);
  const BasicBlock *B = &F->getEntryBlock();
  if (Missed) {
    OptimizationRemarkMissed R("mallow", "Heap", L, B);
    R << Text;
    F->getContext().diagnose(R);
  } else {
    OptimizationRemark R("mallow", "Stack", L, B);
    R << Text;
    F->getContext().diagnose(R);
  }
  if (Made) Made->eraseFromParent();
}

void mwcc_each_inlined(LLVMModuleRef MRef, void *Ctx,
                       void (*Each)(void *, const char *, const char *, unsigned, const char *,
                                    unsigned, unsigned)) {
  for (Function &F : *unwrap(MRef))
    for (Instruction &I : instructions(F))
      for (const DILocation *L = I.getDebugLoc().get(); L && L->getInlinedAt();
           L = L->getInlinedAt()) {
        DISubprogram *S = L->getScope()->getSubprogram();
        const DILocation *At = L->getInlinedAt();
        const Module *M = F.getParent();
        Each(Ctx, S->getName().data(), fileName(S->getDirectory(), S->getFilename(), M),
             S->getLine(), fileName(At->getDirectory(), At->getFilename(), M), At->getLine(),
             At->getColumn());
      }
}

bool mwcc_links_from_object(LLVMModuleRef MRef) {
  Module &M = *unwrap(MRef);
  return !M.getModuleFlag("EnableSplitLTOUnit") && !M.getModuleFlag("ThinLTO") &&
         mwcc_options()->emit_summaries && mwcc_options()->decide;
}

void mwcc_externally_initialised(LLVMValueRef GRef) {
  auto *G = unwrap<GlobalVariable>(GRef);
  G->setExternallyInitialized(true);
  appendToCompilerUsed(*G->getParent(), {G});
}

bool mwcc_may_be_interposed(LLVMValueRef FRef) {
  return unwrap<Function>(FRef)->isInterposable();
}

/* Positions stay, for remarks; nothing goes to the object. */
static void keepPositionsOnly(Module &M) {
  DebugInfoFinder Found;
  Found.processModule(M);
  DenseMap<DICompileUnit *, DICompileUnit *> Units;
  NamedMDNode *List = M.getNamedMetadata("llvm.dbg.cu");
  if (!List) return;
  List->clearOperands();
  for (DICompileUnit *U : Found.compile_units()) {
    auto *Plain = DICompileUnit::getDistinct(
        M.getContext(), U->getSourceLanguage(), U->getFile(), U->getProducer(), U->isOptimized(),
        U->getFlags(), U->getRuntimeVersion(), U->getSplitDebugFilename(), DICompileUnit::NoDebug,
        nullptr, nullptr, nullptr, nullptr, nullptr, 0, U->getSplitDebugInlining(),
        U->getDebugInfoForProfiling(), U->getNameTableKind(), U->getRangesBaseAddress(),
        U->getSysRoot(), U->getSDK());
    Units[U] = Plain;
    List->addOperand(Plain);
  }
  for (DISubprogram *S : Found.subprograms())
    if (DICompileUnit *U = S->getUnit()) S->replaceUnit(Units.lookup(U));
  for (GlobalVariable &G : M.globals()) G.eraseMetadata(LLVMContext::MD_dbg);
  for (Function &F : M)
    for (Instruction &I : instructions(F)) I.dropDbgRecords();
}

/* clang gives an object a DWARF version when the user asks for debug information. */
static void keepWhatIsAskedFor(Module &M) {
  const struct mwcc_options *O = mwcc_options();
  if (O->debug_lines)
    stripNonLineTableDebugInfo(M);
  else if (!M.getModuleFlag("Dwarf Version") && O->remarks)
    keepPositionsOnly(M);
  else if (!M.getModuleFlag("Dwarf Version"))
    StripDebugInfo(M);
}

void mwcc_drop_extras(LLVMModuleRef MRef) {
  Module &M = *unwrap(MRef);
  const struct mwcc_options *O = mwcc_options();
  if (O->report || O->report_flow) return;
  if (!O->remarks) M.getContext().setDiscardValueNames(true); /* new ones */
  keepWhatIsAskedFor(M);
}

void mwcc_reports_done(LLVMModuleRef MRef) {
  const struct mwcc_options *O = mwcc_options();
  if (O->report || O->report_flow) keepWhatIsAskedFor(*unwrap(MRef));
}

LLVMTypeRef mwcc_memory_type(LLVMValueRef Arg) {
  auto *A = unwrap<Argument>(Arg);
  return wrap(A->hasByValAttr() ? A->getParamByValType() : A->getParamStructRetType());
}

bool mwcc_arg_is_sret(LLVMValueRef Arg) {
  return unwrap<Argument>(Arg)->hasStructRetAttr();
}

LLVMValueRef mwcc_sret_of(LLVMValueRef FRef) {
  for (Argument &A : unwrap<Function>(FRef)->args())
    if (A.hasStructRetAttr()) return wrap(&A);
  return nullptr;
}

bool mwcc_frame_is_fixed(LLVMValueRef FRef) {
  auto *F = unwrap<Function>(FRef);
  if (F->callsFunctionThatReturnsTwice()) return true;
  for (Instruction &I : instructions(*F))
    if (auto *C = dyn_cast<CallInst>(&I))
      if (C->isMustTailCall() || C->getIntrinsicID() == Intrinsic::eh_sjlj_setjmp) return true;
  return false;
}

void mwcc_no_tail_calls(LLVMValueRef FRef) {
  for (Instruction &I : instructions(*unwrap<Function>(FRef)))
    if (auto *C = dyn_cast<CallInst>(&I))
      if (C->isTailCall() && !C->isMustTailCall()) C->setTailCallKind(CallInst::TCK_None);
}

/* if (cond) { yes } else { the returned block }, both going on with `before`. */
LLVMBasicBlockRef mwcc_split_branch(LLVMValueRef Cond, LLVMValueRef Before,
                                    LLVMBasicBlockRef *Yes) {
  Instruction *Then, *Else;
  SplitBlockAndInsertIfThenElse(unwrap(Cond), unwrap<Instruction>(Before)->getIterator(), &Then,
                                &Else);
  *Yes = wrap(Then->getParent());
  return wrap(Else->getParent());
}
