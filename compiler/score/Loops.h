//===- Loops.h - Loops of a kernel's instructions ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Natural loops of the control-flow graph (back edges to a dominating block: Aho, Lam, Sethi, Ullman, "Compilers",
// 9.6), and the path that a usual pass takes round one: a loop may hold blocks that most passes skip, a mask for
// partial tiles say.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_LOOPS_H
#define IMBREX_COMPILER_SCORE_LOOPS_H

#include "compiler/score/MachineCode.h"

namespace imbrex::score {

struct Loop {
  std::vector<size_t> whole; ///< numbers of all its instructions, ascending
  /// Those of the usual pass, in the order of execution: of the ways round that meet the most matrix products,
  /// copies and barriers, the one with the fewest instructions.
  std::vector<size_t> hot;
  unsigned depth = 1; ///< loops that hold it, itself included
};

/// The innermost loops of `kernel` that do its work: those with matrix products; if none has, those with the most
/// fused multiply-adds; else all. The hottest first: the most nested, then the one with the shortest usual pass.
std::vector<Loop> hotLoops(const MachineKernel &kernel);

/// The innermost loops that start copies and multiply nothing: those of warps that copy for others. In program order.
std::vector<Loop> copyLoops(const MachineKernel &kernel);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_LOOPS_H
