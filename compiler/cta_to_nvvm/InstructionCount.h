//===- InstructionCount.h - What a kernel costs to compile ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts the instructions of a thread while they are made, as LLVM sees them and as what they expand to in machine
// code, so that a kernel too large to compile in a sensible time is refused where it becomes too large.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H
#define IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H

#include "mlir/IR/Builders.h"

namespace imbrex {

/// The most instructions of a thread: about what a softmax of kMaxTileRegisters guarded f32 takes.
inline constexpr int64_t kMostInstructions = 36000;
/// The most instructions of machine code: a division is one to LLVM, but expands. Code of such a size does not fit an
/// instruction cache by far, and ptxas takes long for it.
inline constexpr int64_t kMostMachineInstructions = 1 << 16;
/// What a loop takes, in instructions, beside what stands in it: LLVM looks at the loops of a kernel many times.
inline constexpr int64_t kLoopInstructions = 64;
/// The same of an if of the text: every pass on tiles goes through its regions.
inline constexpr int64_t kBranchInstructions = 16;
/// The most operations of stage nvvm with those that are no instruction (constants, names of registers), and labels:
/// each takes memory and the time of every pass before LLVM's. With its places a text has some more lines, below
/// 65,536.
inline constexpr int64_t kMostOperations = 60000;
/// The most registers of all tiles of a kernel: operations that only rename them make no instruction, but take memory.
inline constexpr int64_t kMostNames = 1 << 20;

/// A listener for the builder that makes them.
class InstructionCount : public mlir::OpBuilder::Listener {
public:
  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint previous) override;
  void notifyBlockInserted(mlir::Block *block, mlir::Region *previous, mlir::Region::iterator) override;
  void add(mlir::Operation *op); ///< an operation of stage nvvm
  void addLoop();
  void addBranch();

  int64_t instructions = 0, machineInstructions = 0;
  int64_t operations = 0; ///< of stage nvvm, of all kinds, and labels
  int64_t names = 0;      ///< registers of tiles
};

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_INSTRUCTIONCOUNT_H
