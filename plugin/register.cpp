/* SPDX-License-Identifier: MIT */
/*
 * plugin/register.cpp -- the plugin's door, and what LLVM has no C API for
 *
 * Job      Registers the passes with clang, opt and lld, and wraps the few
 *          C++ calls that the passes (C, over LLVM-C) cannot make themselves.
 * How      PipelineStart, Peephole, OptimizerLast and the link-time
 *          LastEP extension points; opt knows the passes by the names
 *          mallow-early, mallow-peephole, mallow-late, mallow-verify.
 */
#include "llvm_compat.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/DeadStoreElimination.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "escape.h"

using namespace llvm;

namespace {

PreservedAnalyses changed(bool C) {
  return C ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

struct Early : PassInfoMixin<Early> {
  int Optimised;
  Early(int Optimised) : Optimised(Optimised) {}
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    return changed(mwcc_early(wrap(&M), Optimised));
  }
  static bool isRequired() { return true; }
};

struct Peephole : PassInfoMixin<Peephole> {
  PreservedAnalyses run(Function &F, FunctionAnalysisManager &) {
    mwcc_restore_assignments(wrap(&F));
    if (!mwcc_peephole(wrap(&F))) return PreservedAnalyses::all();
    PreservedAnalyses PA;
    PA.preserveSet<CFGAnalyses>();
    return PA;
  }
};

/* Allocations to the stack; then the functions that changed once more through
 * the passes that take such memory apart. */
struct Middle : PassInfoMixin<Middle> {
  int LinkTime;
  Middle(int LinkTime) : LinkTime(LinkTime) {}
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &MAM) {
    struct mwcc_vec Changed = {};
    mwcc_escape_middle(wrap(&M), LinkTime, &Changed);
    if (!Changed.len) return PreservedAnalyses::all();
    auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    FunctionPassManager FPM;
    FPM.addPass(Peephole());
    FPM.addPass(SROAPass(SROAOptions::ModifyCFG));
    FPM.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
    FPM.addPass(InstCombinePass());
    FPM.addPass(Peephole());
    FPM.addPass(SROAPass(SROAOptions::ModifyCFG));
    FPM.addPass(DSEPass());
    FPM.addPass(SimplifyCFGPass());
    SmallPtrSet<Function *, 16> Done;
    for (size_t I = 0; I < Changed.len; I++) {
      Function *F = unwrap<Function>(static_cast<LLVMValueRef>(Changed.at[I]));
      if (!Done.insert(F).second) continue;
      FAM.invalidate(*F, PreservedAnalyses::none());
      if (!F->hasOptNone()) FAM.invalidate(*F, FPM.run(*F, FAM));
    }
    mwcc_vec_fini(&Changed);
    return PreservedAnalyses::none();
  }
  static bool isRequired() { return true; }
};

struct Late : PassInfoMixin<Late> {
  int LinkTime, Speed;
  Late(int LinkTime, int Speed) : LinkTime(LinkTime), Speed(Speed) {}
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    return changed(mwcc_late(wrap(&M), LinkTime, Speed));
  }
  static bool isRequired() { return true; }
};

struct Verify : PassInfoMixin<Verify> {
  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    mwcc_verify(wrap(&M));
    return PreservedAnalyses::all();
  }
  static bool isRequired() { return true; }
};

/* A message about something that is in no function. */
struct PlainMessage : DiagnosticInfo {
  const char *Text;
  static int kind() {
    static const int Kind = getNextAvailablePluginDiagnosticKind();
    return Kind;
  }
  PlainMessage(const char *Text, DiagnosticSeverity S) : DiagnosticInfo(kind(), S), Text(Text) {}
  void print(DiagnosticPrinter &P) const override { P << Text; }
};

int speedOf(OptimizationLevel L) {
  return L.getSizeLevel() ? 0 : int(L.getSpeedupLevel());
}

void registerPasses(PassBuilder &PB) {
  PB.registerPipelineStartEPCallback([](ModulePassManager &PM, OptimizationLevel L) {
    PM.addPass(Early(L != OptimizationLevel::O0));
  });
  PB.registerOptimizerEarlyEPCallback([](ModulePassManager &PM, OptimizationLevel L, auto...) {
    if (L != OptimizationLevel::O0) PM.addPass(Middle(/*LinkTime=*/0));
  });
  PB.registerPeepholeEPCallback(
      [](FunctionPassManager &PM, OptimizationLevel) { PM.addPass(Peephole()); });
  PB.registerOptimizerLastEPCallback([](ModulePassManager &PM, OptimizationLevel L, auto...) {
    PM.addPass(Late(/*LinkTime=*/0, speedOf(L)));
  });
  PB.registerFullLinkTimeOptimizationLastEPCallback([](ModulePassManager &PM, OptimizationLevel L) {
    if (L != OptimizationLevel::O0) PM.addPass(Middle(/*LinkTime=*/1));
    PM.addPass(Late(/*LinkTime=*/1, speedOf(L)));
  });
  PB.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &PM, ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "mallow-early")
          PM.addPass(Early(1));
        else if (Name == "mallow-middle")
          PM.addPass(Middle(0));
        else if (Name == "mallow-late")
          PM.addPass(Late(0, 2));
        else if (Name == "mallow-verify")
          PM.addPass(Verify());
        else
          return false;
        return true;
      });
  PB.registerPipelineParsingCallback(
      [](StringRef Name, FunctionPassManager &PM, ArrayRef<PassBuilder::PipelineElement>) {
        if (Name != "mallow-peephole") return false;
        PM.addPass(Peephole());
        return true;
      });
}

} // namespace

extern "C" __attribute__((visibility("default"))) ::llvm::PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "mallow", "0.1.0", registerPasses};
}

LLVMBasicBlockRef mwcc_split_before(LLVMValueRef InstRef, const char *Name) {
  auto *I = unwrap<Instruction>(InstRef);
  return wrap(I->getParent()->splitBasicBlock(I->getIterator(), Name));
}

LLVMValueRef mwcc_as_call(LLVMValueRef Call) {
  auto *I = dyn_cast<InvokeInst>(unwrap(Call));
  return I ? wrap(changeToCall(I)) : Call;
}

LLVMBasicBlockRef mwcc_after_invoke(LLVMValueRef Invoke) {
  auto *I = unwrap<InvokeInst>(Invoke);
  return wrap(SplitEdge(I->getParent(), I->getNormalDest()));
}

void mwcc_report_text(LLVMValueRef At, int Severity, const char *Text) {
  Value *V = unwrap(At);
  DebugLoc Loc;
  Function *F = dyn_cast<Function>(V);
  if (auto *I = dyn_cast<Instruction>(V)) {
    Loc = I->getDebugLoc();
    F = I->getFunction();
  }
  DiagnosticSeverity S = Severity == MWCC_ERROR ? DS_Error : DS_Warning;
  if (!F) {
    V->getContext().diagnose(PlainMessage(Text, S));
    return;
  }
  DiagnosticLocation DL(Loc);
  if (!Loc && F->getSubprogram()) DL = DiagnosticLocation(F->getSubprogram());
  F->getContext().diagnose(DiagnosticInfoUnsupported(*F, Text, DL, S));
}

bool mwcc_arg_is_byval(LLVMValueRef Arg) {
  auto *A = dyn_cast<Argument>(unwrap(Arg));
  return A && A->hasByValAttr();
}

void mwcc_add_ctor(LLVMModuleRef M, LLVMValueRef Fn, int Priority) {
  appendToGlobalCtors(*unwrap(M), unwrap<Function>(Fn), Priority);
}

void mwcc_add_dtor(LLVMModuleRef M, LLVMValueRef Fn, int Priority) {
  appendToGlobalDtors(*unwrap(M), unwrap<Function>(Fn), Priority);
}

void mwcc_set_default_loc(LLVMValueRef InstRef) {
  auto *I = unwrap<Instruction>(InstRef);
  if (I->getDebugLoc()) return;
  if (DISubprogram *SP = I->getFunction()->getSubprogram())
    I->setDebugLoc(DILocation::get(I->getContext(), SP->getLine(), 0, SP));
}
