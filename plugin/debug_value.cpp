/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug_value.cpp -- values that the code generator keeps right (debug.h)
 *
 * Records of values pass through LLVM's code generator, which rewrites some of them wrongly (19),
 * and some come out as arithmetic that gdb refuses.  They are written so that neither happens, or
 * not at all.
 */
#include "llvm_compat.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"
#include "debug.h"

using namespace llvm;
using namespace mwcc_debug;

/* Counts turns: a loop's phi, or what is computed from it and constants. */
static bool isInductive(const DominatorTree &DT, Value *V, unsigned Depth = 4) {
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
static bool isFolded(Value *V) {
  auto *Sum = dyn_cast<BinaryOperator>(V);
  if (!Sum || Sum->getOpcode() != Instruction::Add || !isa<ConstantInt>(Sum->getOperand(1)) ||
      !Sum->hasOneUse())
    return false;
  auto *Next = dyn_cast<BinaryOperator>(Sum->user_back());
  return Next && Next->getOpcode() == Instruction::Add && Next->getParent() == Sum->getParent() &&
         !isa<Constant>(Next->getOperand(0)) && !isa<Constant>(Next->getOperand(1));
}

/*
 * A record has to survive a change of the loop's counter.  The code generator
 * may give a loop another one (LSR) and rewrites the records of the old one.  LLVM 19 does that
 * wrongly where an expression has operations but no operand's number: the difference between the
 * two counters is lost.  And the record of a value that is computed from the counter may go to
 * the head of the block.  As an expression over the counter itself, which it names by number,
 * either is right.
 */
bool mwcc_debug::valueOf(const DominatorTree &DT, const DbgVariableRecord &R, Metadata *&Where,
                         DIExpression *&E) {
  LLVMContext &C = R.getFunction()->getContext();
  const DataLayout &DL = R.getModule()->getDataLayout();
  bool Narrow = llvm::any_of(R.location_ops(), [&](Value *V) {
    return !V->getType()->isPointerTy() && DL.getTypeSizeInBits(V->getType()) < 64;
  });
  Where = R.getRawLocation();
  E = R.getExpression();
  bool Inductive = llvm::any_of(R.location_ops(), [&](Value *V) { return isInductive(DT, V); });
  bool Single = R.getNumVariableLocationOps() == 1 && !R.hasArgList();
  if (Inductive && !Single) return false;
  if (Inductive || (Single && isFolded(R.getVariableLocationOp(0)))) {
    Value *V = R.getVariableLocationOp(0);
    if (isa<PHINode>(V) && !E->isComplex()) return true;
    const DIExpression *Over = DIExpression::convertToVariadicExpression(E);
    while (auto *I = dyn_cast<Instruction>(V)) {
      if (isa<PHINode>(I)) break;
      SmallVector<uint64_t, 16> Ops;
      SmallVector<Value *, 2> More;
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
