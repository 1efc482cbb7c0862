//===- LoopSize.h - How much code a loop's body becomes -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An estimate from layouts, for passes that make several bodies of one.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_LOOPSIZE_H
#define IMBREX_COMPILER_CTA_LOOPSIZE_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Types.h"

namespace imbrex {

/// Instructions of a thread for one pass through the block, about.
int64_t instructionsOf(mlir::Block &block);
/// The most of them in a body that a pass makes several of: twice what attention with tiles of 128 takes. Five such
/// bodies stay below what a kernel may take (InstructionCount.h).
inline constexpr int64_t kMostCopied = 4000;

/// 32-bit registers that a thread holds of `type`; 0 where it is no tile in registers.
int64_t registersOf(mlir::Type type);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_LOOPSIZE_H
