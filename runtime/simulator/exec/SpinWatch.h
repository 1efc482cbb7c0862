//===- SpinWatch.h - Loops that nothing can end -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tells an endless loop within seconds: a block whose warps all wait or go round in circles, their
// registers coming back to the same values, while no block of the launch changes memory; or a block that
// computes for very long without a store, an atomic operation or a barrier.
//
//===----------------------------------------------------------------------===//

//|
//| A block is "circling" when its warps were seen to be so twice, with at least kCalm instructions and no change
//| between.
//| The launch is endless when every block that has begun is circling and no worker is about to begin another: a
//| block that waits for what another one still computes is not told.
//| Whatever changes state that another thread can see must count in `changes`: stores, atomics that change a value,
//| barriers, and whatever completes asynchronously.
//| LoopCensus is shared by the threads of a launch, a SpinWatch belongs to one block.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_SPINWATCH_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_SPINWATCH_H

#include <atomic>
#include <cstdint>

namespace imbrex::simulator {

struct Cta;

/// How many blocks of a launch run, and how many of them circle.
struct LoopCensus {
  std::atomic<uint32_t> running{0}, circling{0};
  std::atomic<uint32_t> choosing{0}; ///< Workers between two blocks.

  bool isEndless() const {
    uint32_t most = running.load();
    return most != 0 && circling.load() >= most && choosing.load() == 0;
  }
};

class SpinWatch {
public:
  static constexpr uint64_t kCalm = 20000; ///< Warp-instructions without a change before a closer look.

  uint64_t changes = 0; ///< Of what other threads can see.

  void begin(LoopCensus &census);
  /// The block has ended; no more after that.
  void end();
  /// After a turn of `executed` warp-instructions. True: look closer now (Cta::isCircling), then call looked.
  bool isDue(uint64_t executed);
  /// The result of a close look. True: the launch is endless.
  bool looked(bool circling);
  /// Warp-instructions since the last change.
  uint64_t calm() const { return sinceChange; }
  /// `changes` at the last turn's end.
  uint64_t known() const { return lastChanges; }

private:
  void setCircling(bool now);

  LoopCensus *census = nullptr;
  uint64_t lastChanges = 0, sinceChange = 0, nextLook = kCalm;
  unsigned seen = 0; ///< Close looks that found circles since the last change.
  bool counted = false;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_SPINWATCH_H
