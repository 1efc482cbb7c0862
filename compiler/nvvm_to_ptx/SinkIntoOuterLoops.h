//===- SinkIntoOuterLoops.h - What goes by inner loops unread -- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an outer loop needs only between its inner ones, or in one of them (bounds, first addresses), and never changes
// is moved out of it by the passes before, and then stays in registers through the inner loops, which have none left:
// the assembler spills it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_SINKINTOOUTERLOOPS_H
#define IMBREX_COMPILER_NVVM_TO_PTX_SINKINTOOUTERLOOPS_H

#include "compiler/nvvm_to_ptx/PassGate.h"
#include "llvm/IR/PassManager.h"

namespace imbrex {

/// Before: loops have preheaders, and nothing is made twice. After: of the outer loops whose inner ones hold many
/// registers, what those do not all read is made in the outer one, where it is needed, from as few registers as can be;
/// inner loops are as they were.
struct SinkIntoOuterLoopsPass : llvm::PassInfoMixin<SinkIntoOuterLoopsPass> {
  PassGate &gate; // told to keep them there

  explicit SinkIntoOuterLoopsPass(PassGate &gate) : gate(gate) {}
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_SINKINTOOUTERLOOPS_H
