/* SPDX-License-Identifier: MIT */
/*
 * plugin/llvm_compat.h -- what differs between LLVM 19 and later
 *
 * Job      Every #if on an LLVM version is here; the passes are written for
 *          one LLVM, the oldest that is supported (19).
 * How      C and C++ both include it.  LLVM_VERSION_MAJOR comes from LLVM.
 * Tried    19.1, 21.1.8 and 22.1.8: compiled without a warning, and with that clang
 *          tests/escape/linked.sh and random programs at -O0 to -O3, in one file and in three,
 *          pass.  20 has not been tried: Debian no longer has it.
 */
#ifndef MWCC_LLVM_COMPAT_H
#define MWCC_LLVM_COMPAT_H

#include "llvm/Config/llvm-config.h"

#if LLVM_VERSION_MAJOR < 19
#error "mallow's plugin needs LLVM 19 or later"
#endif

/*
 * The `memory` attribute is an integer: two bits (1 read, 2 write) for each
 * kind of memory.  LLVM 21 put errno between inaccessible and other memory.
 */
#define MWCC_MEM_ARG_SHIFT 0
#define MWCC_MEM_INACC_SHIFT 2
#if LLVM_VERSION_MAJOR >= 21
#define MWCC_MEM_ERRNO_SHIFT 4
#define MWCC_MEM_OTHER_SHIFT 6
#else
#define MWCC_MEM_OTHER_SHIFT 4
#endif

/* "The callee keeps no copy of this pointer": an enum attribute up to 20,
 * captures(none), which is an integer attribute of value 0, from 21. */
#if LLVM_VERSION_MAJOR >= 21
#define MWCC_NOCAPTURE "captures"
#else
#define MWCC_NOCAPTURE "nocapture"
#endif

#ifdef __cplusplus
#include "llvm/Analysis/CaptureTracking.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/IntrinsicInst.h"

/* The records that name a value.  Passes see records only, not calls of
 * llvm.dbg.*; up to 21 the search could give both. */
static inline void mwcc_debug_records(llvm::Value *V,
                                      llvm::SmallVectorImpl<llvm::DbgVariableRecord *> &Records) {
#if LLVM_VERSION_MAJOR >= 22
  llvm::findDbgUsers(V, Records);
#else
  llvm::SmallVector<llvm::DbgVariableIntrinsic *, 1> Intrinsics;
  llvm::findDbgUsers(Intrinsics, V, &Records);
#endif
}

/* The address of the object may be known elsewhere when control arrives at I. */
static inline bool mwcc_captured_before(const llvm::Value *Object, const llvm::Instruction *I,
                                        const llvm::DominatorTree *DT) {
#if LLVM_VERSION_MAJOR >= 21
  return llvm::PointerMayBeCapturedBefore(Object, /*ReturnCaptures=*/false, I, DT);
#else
  return llvm::PointerMayBeCapturedBefore(Object, /*ReturnCaptures=*/false,
                                          /*StoreCaptures=*/true, I, DT);
#endif
}

#if LLVM_VERSION_MAJOR >= 22
#include "llvm/Plugins/PassPlugin.h"
#else
#include "llvm/Passes/PassPlugin.h"
#endif
#endif

#endif
