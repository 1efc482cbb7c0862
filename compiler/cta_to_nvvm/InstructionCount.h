//===- InstructionCount.h - What a kernel costs to compile ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts the instructions of a thread while they are made, each as what it expands to in machine code, so that
// a kernel too large to compile in a sensible time is refused where it becomes too large.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H
#define IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H

#include "mlir/IR/Builders.h"

namespace imbrex {

/// The most instructions of a thread. At 55 us an instruction, LLVM takes less than two seconds for them; code of
/// such a size does not fit an instruction cache by far.
inline constexpr int64_t kMostInstructions = 1 << 15;

/// A listener for the builder that makes them.
class InstructionCount : public mlir::OpBuilder::Listener {
public:
  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint previous) override;

  int64_t instructions = 0;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H
