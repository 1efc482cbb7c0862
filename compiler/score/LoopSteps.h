//===- LoopSteps.h - Instructions as the model of a loop sees them -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which registers an instruction of machine code reads and writes, what pipe it takes how long, and what it has to do
// with products that are in flight and with barriers in shared memory. Latencies are those that micro-benchmarks of
// Ampere and Hopper agree on, to a few cycles.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_LOOPSTEPS_H
#define IMBREX_COMPILER_SCORE_LOOPSTEPS_H

#include "compiler/score/Loops.h"
#include <optional>

namespace imbrex::score {

enum class Pipe { Fma, Alu, Function, Shared, Uniform, Tensor, Barrier, Branch, None };
inline constexpr unsigned kPipes = unsigned(Pipe::None);
inline constexpr llvm::StringRef kPipeNames[] = {"fma", "alu", "function", "shared", "uniform", "tensor"};

/// One instruction of a loop.
struct Step {
  /// What it does beside keeping a pipe busy.
  enum class Async : uint8_t {
    None,
    Product,       ///< of a warpgroup: goes on by itself; `commits`: the last of a group
    AwaitProducts, ///< until `number` groups at most are in flight
    AwaitBarrier,  ///< of the barrier at byte `number` of shared memory
    Arrive,        ///< there
    TakeTurn,      ///< a warpgroup waits for the one before it
    PassTurn,      ///< and lets the one behind it go on
  };
  std::vector<std::string> reads, writes; ///< registers: "R12", "UR4", "P0"
  Pipe pipe = Pipe::Alu;
  double duration = 2, latency = 4; ///< cycles on the pipe; from issue to a result that may be read
  double shared = 0;                ///< of a product: cycles in which its factors come from shared memory
  unsigned instruction = 0;         ///< number in the kernel
  Async async = Async::None;
  int64_t number = 0;
  bool commits = false;
  bool expects = false; ///< an arrival that expects bytes: a copy that begins there
};

/// The steps of `numbers` of machine code. `productCycles`: ModelOptions::productCycles.
std::vector<Step> stepsOf(const MachineKernel &kernel, const std::vector<size_t> &numbers, double productCycles);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_LOOPSTEPS_H
