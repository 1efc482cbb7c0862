//===- RemakeBesideLoops.h - What full loops hold unread ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What never changes is made once, early, by the passes before: bounds, first addresses, a thread's position. It then
// stays in registers through loops that have none left, also through those that read it in some passes only, or not at
// all, and the assembler spills it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_REMAKEBESIDELOOPS_H
#define IMBREX_COMPILER_NVVM_TO_PTX_REMAKEBESIDELOOPS_H

#include "llvm/IR/PassManager.h"

namespace imbrex {

/// Before: loops have preheaders, and nothing is made twice. After: what full innermost loops do not read in every pass
/// is made again where it is read, from as few registers as can be: behind the loop, and of loops that have far too
/// little room also in their long branches. Later passes take it for other values.
struct RemakeBesideLoopsPass : llvm::PassInfoMixin<RemakeBesideLoopsPass> {
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_REMAKEBESIDELOOPS_H
