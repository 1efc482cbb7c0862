//===- MatrixState.h - Warpgroup matrix operations in flight ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each warp, and each warpgroup, knows of the wgmmas it has issued. A warp issues and goes on; the
// operation is carried out when the fourth warp of the warpgroup has issued it too. wgmmas of a warpgroup
// are numbered from 1 in the order of issue, the same in all four warps.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXSTATE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXSTATE_H

#include "runtime/simulator/exec/Instruction.h"
#include "runtime/simulator/memory/Clocks.h"

#include <array>
#include <deque>
#include <vector>

namespace imbrex::simulator {

struct MatrixPlan;

/// A warp's side.
struct MatrixState {
  /// One matrix register (MatrixPlan.h).
  struct Register {
    uint64_t writer = 0, reader = 0; ///< Latest wgmma that has it as accumulator, or reads it as A.
    uint64_t touched = 0;            ///< The epoch in which another instruction touched it last.
    uint64_t written = 0;            ///< The epoch of `writer`.
    uint32_t shape = 0;              ///< Of `writer`.
    uint32_t by = 0;                 ///< The instruction that touched it.
  };
  std::vector<Register> registers;
  uint64_t epoch = 1;  ///< Counts wgmma.fence.
  bool fenced = false; ///< Whether there was one.
  uint64_t issued = 0;
  uint64_t waited = 0;          ///< Up to this wgmma the warp has waited.
  std::vector<uint64_t> groups; ///< `issued` at each commit.

  /// A block starts: every register was touched before.
  void begin(const MatrixPlan *plan);
};

/// One wgmma that not all warps have issued yet.
struct MatrixOperation {
  const Instruction *instruction = nullptr;
  uint32_t issuers = 0;  ///< Bit w: warp w of the warpgroup has issued it.
  uint64_t a = 0, b = 0; ///< Descriptors; `a` unused with A in registers.
  bool accumulate = false;
  View known; ///< What all issuers had seen.
  /// What each warp of the warpgroup had: its quarter of the product reads no other rows of A than its 16.
  std::array<View, 4> knownBy;
};

/// Four warps that multiply together.
struct Warpgroup {
  unsigned channel = 0;                ///< 0 before the first wgmma.
  std::deque<MatrixOperation> pending; ///< Numbers executed + 1 ...
  uint64_t executed = 0;
  std::vector<uint32_t> times;                       ///< Stamp at which each one ended.
  std::vector<const uint8_t *> chunksOfA, chunksOfB; ///< Of the product at hand; kept for their memory.
  Clocks::Row gathered{}; ///< What the issuers had done: who waits for a result knows that they came so far.
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXSTATE_H
