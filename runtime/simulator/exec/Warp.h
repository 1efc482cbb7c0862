//===- Warp.h - One warp's state and control flow ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp runs one fragment of its lanes at a time: a set of lanes that share a program counter.
// A divergent branch splits a fragment and opens a join at the branch's immediate post-dominator;
// fragments that reach it wait there until every lane of the join has come or exited, then go on as
// one. Fragments that wait at a warp-wide operation (shfl.sync and the like) or a barrier let the
// others run, so lanes of one warp may wait for each other as on sm_70 and later.
//
//===----------------------------------------------------------------------===//

//|
//| Registers are arrays of 32 lanes; a predicate is one 32-bit lane mask.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_WARP_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_WARP_H

#include "runtime/simulator/Fault.h"
#include "runtime/simulator/exec/Program.h"
#include "runtime/simulator/memory/GlobalMemory.h"
#include "runtime/simulator/memory/LocalMemory.h"

#include <vector>

namespace imbrex::simulator {

struct Cta;

/// A set of lanes with one program counter that is not running now.
struct Fragment {
  enum State : uint8_t { Ready, AtBarrier, AtWarpSync };
  uint32_t pc = 0;
  uint32_t lanes = 0;
  int join = -1;
  State state = Ready;
  uint64_t key = 0; ///< AtBarrier: the barrier; AtWarpSync: which operation it waits to execute.
  bool operator==(const Fragment &) const = default;
};

/// A point where lanes that diverged meet again.
struct Join {
  uint32_t pc = 0;
  uint32_t expected = 0; ///< Lanes that may still come, arrived ones included.
  uint32_t arrived = 0;
  int parent = -1;
  bool operator==(const Join &) const = default;
};

/// One cp.async instruction of a warp, until every lane has waited for it.
struct PendingCopy {
  uint32_t lanes = 0; ///< Not yet waited for.
  uint32_t instruction = 0;
  uint32_t bytes = 0;
  uint32_t destination[32];
  uint64_t source[32];
  uint32_t sourceBytes[32];
  uint32_t group[32];
};

/// What decides how a warp goes on, but for memory.
struct WarpImage {
  uint32_t live, active, pc;
  int join;
  std::vector<Fragment> parked;
  std::vector<Join> joins;
  std::vector<uint8_t> registers;
  bool operator==(const WarpImage &) const = default;
};

class Warp {
public:
  static constexpr uint32_t kNoPc = ~0u;
  /// Plus its mask: bar.warp.sync meets any bar.warp.sync with the same mask.
  static constexpr uint64_t kWarpSyncKey = uint64_t(1) << 32;

  /// Prepares the warp for a block; `lanes` are the threads it has.
  void begin(Cta &cta, unsigned index, uint32_t lanes);

  enum class Status { Ready, Blocked, Done, Fault };
  /// Runs at most `quantum` instructions; subtracts what it ran.
  Status run(uint64_t &quantum);

  template <class T> T *reg(uint32_t offset) { return reinterpret_cast<T *>(registers.data() + offset); }
  uint32_t &pred(uint32_t offset) { return *reg<uint32_t>(offset); }

  /// A conditional branch: `taken` of the active lanes go to the target.
  void branch(const Instruction &instruction, uint32_t taken);
  /// Some lanes end. Step::Switch if none of the fragment is left.
  Step exitLanes(uint32_t lanes);
  /// Parks `lanes` of the running fragment; they go on at `resumeAt`.
  Step park(uint32_t lanes, uint32_t resumeAt, Fragment::State state, uint64_t key);
  /// Makes sure that all of `needed` execute this warp-wide operation together. True: they do, and
  /// `lanes` holds them all (parked fragments that waited here included). False: the fragment parked.
  bool gather(const Instruction &instruction, uint32_t &lanes, uint32_t needed, uint64_t key);
  /// Whether all live lanes of the warp are in the running fragment and in `lanes`.
  bool isWhole(uint32_t lanes) const { return lanes == live && active == live; }
  /// Lets the fragment of `lanes` that waits at barrier `key` go on.
  void wake(uint32_t lanes, uint64_t key);
  WarpImage image() const { return {live, active, pc, join, parked, joins, registers}; }
  /// Fills Cta::fault.
  Step fail(FaultKind kind, const Instruction &instruction, unsigned lane, std::string detail);
  /// Step::Fault with "divergent barrier" unless all 32 lanes execute this .aligned instruction.
  bool requireFull(const Instruction &instruction, uint32_t lanes, Step &step);

  Cta *cta = nullptr;
  unsigned index = 0;
  uint32_t live = 0;
  uint32_t active = 0; ///< Lanes of the running fragment; 0 when none runs.
  uint32_t pc = 0;
  int join = -1;
  uint32_t joinPc = kNoPc;
  std::vector<Fragment> parked;
  std::vector<Join> joins;
  std::vector<uint8_t> registers;
  LocalMemory local;
  Allocation recent;               ///< The allocation touched last; size 0 at first.
  uint32_t copyGroup[32] = {};     ///< Number of the cp.async group each lane is filling.
  std::vector<PendingCopy> copies; ///< In order of issue.
  uint64_t executed = 0;           ///< Warp-instructions since begin; %clock.

private:
  bool pick();
  void setJoin(int number);
  void arriveAtJoin();
  void releaseJoin(int number);
  void fillSpecials();
};

/// Calls f(lane) for each set bit. f must write only what belongs to its lane (never a lane mask): the
/// loop over a full mask is promised to the compiler as free of dependences.
template <class F> __attribute__((always_inline)) inline void forLanes(uint32_t lanes, F f) {
  if (lanes == ~0u) [[likely]] {
#pragma clang loop vectorize(assume_safety)
    for (unsigned lane = 0; lane < 32; ++lane)
      f(lane);
    return;
  }
  for (; lanes != 0; lanes &= lanes - 1)
    f(static_cast<unsigned>(__builtin_ctz(lanes)));
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_WARP_H
