//===- Cta.h - One block while it runs --------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block's warps, shared memory, barriers and the launch it belongs to. Run by one thread from
// begin to end; the object is reused for the thread's next block.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H

#include "runtime/simulator/exec/Warp.h"
#include "runtime/simulator/memory/SharedMemory.h"

#include <atomic>
#include <memory>

namespace imbrex::simulator {

/// What all blocks of a launch share. Read-only but for the budget.
struct LaunchState {
  const Program *program = nullptr;
  GlobalMemory *global = nullptr;
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t dynamicSharedBytes = 0;
  uint32_t smCount = 1;
  uint64_t gridId = 0;
  unsigned schedulingSeed = 0;
  std::vector<uint8_t> params;
  std::atomic<int64_t> budget{0}; ///< Warp-instructions left for the whole launch.
};

/// One of the sixteen barriers of a block (PTX ISA, barrier{.cta}). Idle while `expected` is 0.
struct Barrier {
  struct Waiter {
    uint32_t warp, lanes;
    const Instruction *instruction;
  };
  uint32_t expected = 0;   ///< Threads.
  uint32_t arrived = 0;    ///< 32 for each warp all of whose threads that have not exited have come.
  Clocks::WarpRow partial{};   ///< Of each warp: lanes that have come while others are still to come.
  bool wholeBlock = false; ///< No count was given: all threads that have not exited.
  Clocks::Row released{};  ///< What the arrivals make visible.
  std::vector<Waiter> waiters;
  uint32_t redCount = 0, redAll = 1; ///< bar.red: predicates that were true; whether all were.
};

struct Cta {
  static constexpr unsigned kBarriers = 16;

  explicit Cta(uint32_t sharedBytes) : shared(sharedBytes) {}

  LaunchState *launch = nullptr;
  const Program *program = nullptr;
  uint32_t id[3] = {0, 0, 0};
  unsigned warpCount = 0;
  unsigned doneWarps = 0;
  std::vector<std::unique_ptr<Warp>> warps;
  SharedMemory shared;
  Barrier barriers[kBarriers];
  uint64_t sourceLow = ~uint64_t(0), sourceHigh = 0; ///< Hull of the sources of copies in flight.
  unsigned copiesInFlight = 0;
  Fault fault;

  /// Runs block `linear` of the launch to its end. False: `fault` tells why.
  bool run(LaunchState &state, uint64_t linear);
  /// Completes barrier `number` if everybody it waits for has come.
  void tryComplete(unsigned number);
  /// Lanes of that warp have exited: barriers no longer wait for them.
  void noteExit(unsigned warp);
  /// Counts the arrival of a warp whose live lanes have all come.
  void countArrival(Barrier &barrier, unsigned warp);

private:
  void begin(LaunchState &state, uint64_t linear);
  bool schedule();
  void reportDeadlock();
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H
