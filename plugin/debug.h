/* SPDX-License-Identifier: MIT */
/*
 * plugin/debug.h -- what a debugger shows of moved variables in optimised code (C++, internal)
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
 *          only.  So, in the order of the passes:
 *
 *            debug_track.cpp   when a variable moves: LLVM makes the records of the alloca,
 *                              and their addresses follow it to the heap, or back
 *            debug_assign.cpp  on the way: the stores keep their assignments' identities
 *            debug_lower.cpp   at the very end: from assignments to the place or the value
 *                              that each part of a variable has, with
 *            debug_value.cpp   values that stay right in LLVM's code generator
 *            debug_settle.cpp  the homes, which hold the objects' addresses to the function's
 *                              end, and what the selection of instructions would put elsewhere
 *
 *          In C++, because LLVM's C API makes debug records and does not read them (19).
 * Tests    tests/escape/gdb*.sh look at variables; escape.behaviour compares code [ED2].
 */
#ifndef MWCC_DEBUG_H
#define MWCC_DEBUG_H

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

namespace mwcc_debug {

/* A variable, in one of the places where its function is inlined. */
using VarKey = std::pair<const llvm::DILocalVariable *, const llvm::DILocation *>;
inline VarKey keyOf(const llvm::DbgVariableRecord &R) {
  return {R.getVariable(), R.getDebugLoc()->getInlinedAt()};
}

/* ---- debug_track.cpp ---- */

/* It is the record of mwcc_track_birth: here is a new object, in memory at first. */
bool isBirth(const llvm::DbgVariableRecord &R);

/* ---- debug_assign.cpp ---- */

/* The object that an address is in, and how far. */
llvm::Value *baseOf(const llvm::DataLayout &DL, llvm::Value *Address, int64_t &Offset);
llvm::Value *baseOf(const llvm::DataLayout &DL, llvm::Value *Address);
bool isMarker(const llvm::CallBase &C);

/* A write: its address, what it stores (nullptr: not one value) and how many bits (0: not
 * known).  No address: I does not write. */
struct Write {
  llvm::Value *Address = nullptr, *Stored = nullptr;
  uint64_t Bits = 0;
};
Write writeOf(const llvm::DataLayout &DL, llvm::Instruction &I);
/* The assignment that this write performs, when it does not carry one's identity. */
llvm::DbgVariableRecord *recordBeside(llvm::Instruction &I, const Write &W);
/* The record follows at once, or after nothing that a user would see happen. */
bool isBeside(const llvm::Instruction &I, const llvm::DbgVariableRecord &R);

/* ---- debug_value.cpp ---- */

/* The value that R gives, as a location and an expression that stay right in the code
 * generator.  false: there are none. */
bool valueOf(const llvm::DominatorTree &DT, const llvm::DbgVariableRecord &R,
             llvm::Metadata *&Where, llvm::DIExpression *&E);

/* ---- debug_lower.cpp ---- */

/*
 * The home of a moved variable: a word of the frame that holds the object's address, as the frame
 * holds a stack variable.  The address itself would be in a register until its last use only.  By
 * the call that makes the object, in the order of the code.
 */
using Homes = llvm::MapVector<llvm::Value *, llvm::AllocaInst *>;
/* Records of places and values for F's moved variables, which are returned, in the stead of
 * their assignments. */
llvm::DenseSet<VarKey> lowerAssignments(llvm::Function &F, const Homes &Words);

} // namespace mwcc_debug
#endif
