//===- Cta.h - One block while it runs --------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block's warps, shared memory, barriers and the launch it belongs to. Run by one thread from
// begin to end (with the other blocks of its cluster, Schedule.h); the object is reused for the thread's
// next block.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H

#include "runtime/simulator/Notes.h"
#include "runtime/simulator/SimulatedDriver.h"
#include "runtime/simulator/exec/MemoryOrder.h"
#include "runtime/simulator/exec/SpinWatch.h"
#include "runtime/simulator/exec/Warp.h"
#include "runtime/simulator/memory/SharedMemory.h"

#include <atomic>
#include <memory>

namespace imbrex::simulator {

/// What all blocks of a launch share. Read-only but for the budget.
/// cluster: blocks of a cluster; cooperative: all blocks run together.
struct LaunchState {
  const Program *program = nullptr;
  GlobalMemory *global = nullptr;
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t cluster[3] = {1, 1, 1};
  bool cooperative = false;
  uint64_t workspace = 0; ///< Of a cooperative launch: global memory in which its blocks meet (%envreg1, %envreg2).
  uint32_t dynamicSharedBytes = 0;
  uint32_t smCount = 1;
  uint64_t gridId = 0;
  unsigned schedulingSeed = 0;
  std::vector<uint8_t> params;
  RaceLevel races = RaceLevel::Streams;
  uint32_t firstRun = 1;     ///< The number of its first block.
  uint32_t orderedBelow = 1; ///< Blocks below ended before it began.
  const LaunchOrder *order = nullptr;
  SyncTable *sync = nullptr;
  Notes *notes = nullptr;            ///< May be null.
  int64_t given = 0;                 ///< Warp-instructions that the whole launch may run.
  std::atomic<int64_t> budget{0};    ///< Those left of them.
  std::string budgetHint;            ///< SimulatorOptions'.
  uint64_t calmLimit = ~uint64_t(0); ///< Warp-instructions a block may run without a change that others can see.
  LoopCensus census;
  std::function<void()> alive; ///< May be empty; called now and then by every thread that runs blocks.
  std::optional<TraceTarget> trace;
  std::function<void(const std::string &)> traced;

  void note(const Program &of, NoteKind kind, uint32_t instruction, uint32_t other, const std::string &detail) const {
    if (notes)
      notes->add(of, kind, instruction, other, detail);
  }
};

/// One of the sixteen barriers of a block (PTX ISA, barrier{.cta}). Idle while `expected` is 0.
struct Barrier {
  struct Waiter {
    uint32_t warp, lanes;
    const Instruction *instruction;
  };
  uint32_t expected = 0;     ///< Threads.
  uint32_t arrived = 0;      ///< 32 for each warp all of whose threads that have not exited have come.
  Clocks::WarpRow partial{}; ///< Of each warp: lanes that have come while others are still to come.
  bool wholeBlock = false;   ///< No count was given: all threads that have not exited.
  Clocks::Row released{};    ///< What the arrivals make visible.
  std::vector<Waiter> waiters;
  uint32_t redCount = 0, redAll = 1; ///< bar.red: predicates that were true; whether all were.
};

class Cluster;
struct Mbarrier;

/// Registers that setmaxnreg moves between the warps of a block (PTX ISA, 9.7.19.5).
struct RegisterPool {
  uint32_t entry = 0; ///< Registers a thread at the start; 0 where no directive fixes them.
  uint32_t free = 0;  ///< Registers a thread that warps have given back, summed over the warps.
};

struct Cta {
  static constexpr unsigned kBarriers = 16;

  explicit Cta(uint32_t sharedBytes);
  ~Cta();

  LaunchState *launch = nullptr;
  const Program *program = nullptr;
  uint32_t id[3] = {0, 0, 0};
  unsigned warpCount = 0;
  unsigned doneWarps = 0;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<uint8_t> scratch; ///< A tensor's box on its way; kept for its memory.
  SharedMemory shared;
  MemoryOrder order;
  SpinWatch watch;
  Barrier barriers[kBarriers];
  uint64_t sourceLow = ~uint64_t(0), sourceHigh = 0; ///< Hull of the sources of copies in flight.
  unsigned copiesInFlight = 0;
  Fault fault;

  Cluster *cluster = nullptr;
  unsigned rank = 0;                                     ///< In the cluster.
  std::array<uint32_t, kMaxClusterBlocks> lastForeign{}; ///< Stamp of each other block's last access to `shared`.
  std::map<uint32_t, Mbarrier> mbarriers;                ///< By address.
  std::vector<Warpgroup> warpgroups;
  RegisterPool registers;
  uint64_t events = 0; ///< Barriers and phases completed, warps ended: what a wait may be for.

  /// A block of the launch at that place in the grid; then, once it is in its cluster, its warps.
  void begin(LaunchState &state, const uint32_t (&position)[3]);
  void beginWarps();
  bool isDone() const { return doneWarps == warpCount; }
  /// Runs each warp once for at most `limit` instructions, beginning with warp `first`. False: `fault` tells
  /// why not. `progress` is set if any ran.
  bool turn(unsigned first, uint64_t limit, bool &progress);
  /// Lets fragments that wait for event `key` go on.
  void wakeEvent(uint64_t key);
  /// Something that a wait may be for has happened.
  void noteEvent() { ++events, ++watch.changes; }
  /// No warp can go on: fills `fault`.
  void reportDeadlock();
  bool endWarp();
  /// Completes barrier `number` if everybody it waits for has come.
  void tryComplete(unsigned number);
  /// Lanes of that warp have exited: barriers no longer wait for them.
  void noteExit(unsigned warp);
  /// Counts the arrival of a warp whose live lanes have all come.
  void countArrival(Barrier &barrier, unsigned warp);

private:
  bool watchLoops(const Warp &warp, uint64_t executed);
  bool isCircling(Warp &warp);
  Warp::Status runWarp(Warp &warp, uint64_t &quantum);
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_CTA_H
