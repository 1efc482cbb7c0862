//===- Blocks.h - Basic blocks of a kernel's instructions -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The straight pieces of a kernel's code and how control goes between them.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_BLOCKS_H
#define IMBREX_COMPILER_SCORE_BLOCKS_H

#include "compiler/score/MachineCode.h"

namespace imbrex::score {

struct Block {
  size_t begin, end; ///< instructions [begin, end)
  std::vector<unsigned> successors, predecessors;
};

/// In the order of the instructions; block 0 is entered first. `kernel` has instructions.
std::vector<Block> blocksOf(const MachineKernel &kernel);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_BLOCKS_H
