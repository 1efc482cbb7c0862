//===- Warp.h - One warp's state and control flow ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp runs one fragment of its lanes at a time: a set of lanes that share a program counter.
// A divergent branch splits a fragment and opens a join at the branch's immediate post-dominator;
// fragments that reach it wait there until every lane of the join has come or exited, then go on as
// one. A join is a hint: when the rest of the warp can only wait, or polls memory for long, the lanes that
// have arrived go on alone. Fragments that wait at a warp-wide operation (shfl.sync and the like) or a
// barrier let the others run, so lanes of one warp may wait for each other as on sm_70 and later.
// An .aligned instruction waits for the whole warp and makes it one fragment again.
//
//===----------------------------------------------------------------------===//

//|
//| Registers are arrays of 32 lanes; a predicate is one 32-bit lane mask.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_WARP_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_WARP_H

#include "runtime/simulator/Fault.h"
#include "runtime/simulator/exec/Definedness.h"
#include "runtime/simulator/exec/MatrixState.h"
#include "runtime/simulator/exec/Program.h"
#include "runtime/simulator/memory/GlobalMemory.h"
#include "runtime/simulator/memory/LocalMemory.h"

#include <memory>
#include <vector>

namespace imbrex::simulator {

struct Cta;

/// A set of lanes with one program counter that is not running now.
struct Fragment {
  enum State : uint8_t { Ready, AtBarrier, AtWarpSync, AtEvent };
  uint32_t pc = 0;
  uint32_t lanes = 0;
  int join = -1;
  uint32_t depth = 0; ///< Calls that its lanes are in.
  State state = Ready;
  uint64_t key = 0; ///< AtBarrier: the barrier; AtWarpSync: which operation it waits to execute;
                    ///< AtEvent: what must happen before it executes its instruction again (Mbarrier.h).
  bool operator==(const Fragment &) const = default;
};

/// A point where lanes that diverged meet again.
struct Join {
  uint32_t pc = 0;
  uint32_t expected = 0; ///< Lanes that may still come, arrived ones included.
  uint32_t arrived = 0;
  int parent = -1;
  uint32_t depth = 0; ///< Calls that its lanes are in when they meet.
  bool operator==(const Join &) const = default;
};

/// A call that a lane has not returned from.
struct Frame {
  uint32_t call = 0;     ///< Index of the call instruction.
  uint32_t function = 0; ///< Index into Program::functions.
  uint32_t stackTop = 0; ///< The caller's.
  size_t saved = 0;      ///< Where its registers begin in LaneStack::saved.
  bool operator==(const Frame &) const = default;
};

/// One lane's calls and the registers that recursive ones have saved.
struct LaneStack {
  std::vector<Frame> frames;
  std::vector<uint8_t> saved;
  uint32_t top = 0; ///< First free byte of its local memory.
  bool operator==(const LaneStack &) const = default;
};

/// A load of a lane that found bytes which nothing wrote.
struct UnwrittenLoad {
  unsigned lane = 0;
  uint32_t mask = 0;       ///< Bit k: byte k of the access.
  bool isComputed = false; ///< The bytes hold a value that was computed from undefined bits.
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

/// cp.async.bulk groups of a warp's threads (BulkCopy.cpp): the stamp at which each committed group ends.
struct BulkGroups {
  unsigned channel = 0;       ///< Of bulk groups; 0 before the first.
  unsigned remoteChannel = 0; ///< Of reads for copies to another block, which complete at its mbarriers.
  std::vector<uint32_t> ends[32];
};

/// What decides how a warp goes on, but for memory.
struct WarpImage {
  uint32_t live, active, pc;
  int join;
  uint32_t depth, timedOut;
  std::vector<Fragment> parked;
  std::vector<Join> joins;
  std::vector<uint8_t> registers;
  std::vector<LaneStack> stacks;
  bool operator==(const WarpImage &) const = default;
};

class Warp {
public:
  static constexpr uint32_t kNoPc = ~0u;
  /// Plus its mask: bar.warp.sync meets any bar.warp.sync with the same mask.
  static constexpr uint64_t kWarpSyncKey = uint64_t(1) << 32;
  /// Plus the instruction: an .aligned one waits for the whole warp.
  static constexpr uint64_t kAlignedKey = uint64_t(1) << 33;

  /// Prepares the warp for a block; `lanes` are the threads it has.
  void begin(Cta &cta, unsigned index, uint32_t lanes);

  enum class Status { Ready, Blocked, Done, Fault };
  /// Runs at most `quantum` instructions; subtracts what it ran.
  Status run(uint64_t &quantum);

  template <class T> T *reg(uint32_t offset) { return reinterpret_cast<T *>(registers.data() + offset); }
  uint32_t &pred(uint32_t offset) { return *reg<uint32_t>(offset); }

  /// A conditional branch: `taken` of the active lanes go to the target.
  void branch(const Instruction &instruction, uint32_t taken);
  /// A branch with many targets: lanes go to targets[lane].
  void branchMany(const Instruction &instruction, uint32_t lanes, const uint32_t *targets);
  /// `lanes` of the fragment begin a function at `to`; all active lanes meet again at `at`, where the others wait.
  void detour(uint32_t at, uint32_t lanes, uint32_t to);
  /// `lanes` leave the function they are in, to instruction `to`; Step::Switch if none of the fragment is left.
  Step leave(uint32_t lanes, uint32_t to);
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
  /// Lets fragments that wait for event `key` execute their instruction again.
  void wakeEvent(uint64_t key);
  /// The same for all waits that may time out (mbarriers); they are told by `timedOut`. False if there is none.
  bool timeOut();
  WarpImage image() const { return {live, active, pc, join, depth, timedOut, parked, joins, registers, stacks}; }
  /// Fills Cta::fault.
  Step fail(FaultKind kind, const Instruction &instruction, unsigned lane, std::string detail);
  /// Whether all live lanes execute this .aligned instruction; they are one fragment then. False: `step` says whether
  /// the fragment waits for the others or none can come ("divergent barrier").
  bool requireWhole(const Instruction &instruction, uint32_t lanes, Step &step);
  /// The same, and all 32 are live.
  bool requireFull(const Instruction &instruction, uint32_t lanes, Step &step);
  /// The same, and the warp must be one of a whole warpgroup of four.
  bool requireWarpgroup(const Instruction &instruction, uint32_t lanes, Step &step);
  /// A fault that blames undefined bits of `slot`; `what` depends on them.
  Step failUndefined(const Instruction &instruction, uint32_t slot, uint32_t lanes, const std::string &what);
  /// The lanes of the last warp-wide operation.
  uint32_t gathered = 0;
  /// Counts an access that may wait for another lane (volatile, ordered, atomic).
  void notePoll() { ++polls; }

  Cta *cta = nullptr;
  unsigned index = 0;
  uint32_t started = 0; ///< Lanes that have a thread, ended ones included.
  uint32_t clusterBarriers = 0; ///< Barriers of the cluster that it has waited for.
  uint32_t live = 0;
  uint32_t active = 0; ///< Lanes of the running fragment; 0 when none runs.
  uint32_t pc = 0;
  int join = -1;
  uint32_t joinPc = kNoPc; ///< The join's place, where the fragment is as deep in calls as the join.
  uint32_t depth = 0;
  std::vector<Fragment> parked;
  std::vector<Join> joins;
  std::vector<uint8_t> registers;
  Definedness undefined;
  std::vector<UnwrittenLoad> unwritten; ///< Of the load that runs.
  LocalMemory local;
  std::vector<LaneStack> stacks; ///< One a lane; only where the program calls or allocates.
  Allocation recent;             ///< The allocation touched last; size 0 at first.
  uint32_t copyGroup[32] = {};   ///< Number of the cp.async group each lane is filling.
  std::vector<std::unique_ptr<PendingCopy>> copies, spareCopies; ///< In order of issue; for use again.
  uint32_t timedOut = 0;                                         ///< Lanes whose wait for an mbarrier shall answer now.
  Clocks::WarpRow copiesWaitedFor{}; ///< As Mbarrier::copies, of the phases that it has waited for.
  BulkGroups bulk;
  MatrixState matrix;
  uint32_t registerLimit = 0; ///< Registers a thread, where setmaxnreg counts (RegisterPool.cpp).
  uint64_t executed = 0;      ///< Warp-instructions since begin; %clock.

private:
  bool pick();
  bool pickOrRelease(Status &status);
  bool isStuckAtAligned() const;
  Status failStuck();
  bool releaseHint();
  void setJoin(int number);
  int openJoin(uint32_t at, uint32_t lanes);
  void arriveAtJoin();
  void releaseJoin(int number);
  void fillSpecials();
  Step runTracked(const Instruction &instruction);
  Step runUndefined(const Instruction &instruction, uint32_t lanes);

  uint64_t polls = 0;  ///< Since the run began.
  uint64_t waited = 0; ///< Instructions run while lanes wait at a join.
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
