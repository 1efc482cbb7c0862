//===- Mbarrier.h - Barriers that are objects in shared memory --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarrier objects (PTX ISA, 9.7.13.15): counts, phases, transactions, and what each makes visible. The
// object lives here, beside the block; its eight bytes only say where it is.
//
//===----------------------------------------------------------------------===//

//|
//| A phase completes when `pending` arrivals have come and the transaction count is zero; the next begins
//| at once with `expected` arrivals to come. Phases are numbered from 0; a wait with parity p is for the
//| running phase if that has parity p, and for the one before it otherwise.
//|
//| Arrivals release what their lanes have done and seen (Clocks.h), waits acquire for the whole warp. All accesses to
//| the object are of the generic proxy, those of bulk copies too (ISA 9.3 and later say so of each operand `mbar`), so
//| that no proxy fence is due behind mbarrier.init, only order. Copies that count their bytes here are one channel of
//| the clocks (Clocks.h): a completed phase makes all its copies visible to who waits for it, and to nobody else.
//|
//| What is told apart under any schedule:
//|   * a phase that completes with no order behind a warp's wait for the phase before it: that wait could
//|     as well have come late and missed its phase ("overtaken")
//|   * more arrivals than a phase expects; all arrivals there and more bytes copied than expected
//|   * use with no order behind mbarrier.init, or of bytes that hold no object
//| A copy that never comes, or brings less than expected, ends as a deadlock with the barriers' states.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MBARRIER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MBARRIER_H

#include "runtime/simulator/exec/Cluster.h"

namespace imbrex::simulator {

// What a fragment in state AtEvent waits for.
constexpr uint64_t kMbarrierEvent = uint64_t(1) << 33; ///< Plus the object's address; its wait may time out.
constexpr uint64_t kClusterBarrierEvent = uint64_t(1) << 34;
constexpr uint64_t kMatrixEvent = uint64_t(1) << 35;
constexpr uint64_t kRegisterEvent = uint64_t(1) << 36;

constexpr uint32_t kMostArrivals = (1u << 20) - 1; ///< Also the most bytes a phase may have outstanding.

struct Mbarrier {
  /// A warp's latest successful wait.
  struct Observed {
    int64_t phase = -2;
    uint32_t time = 0;
    uint32_t instruction = 0;
  };
  uint32_t address = 0;
  uint32_t expected = 0, pending = 0;
  int64_t transactions = 0;
  int64_t phase = 0;                              ///< The running one.
  bool anyRelaxed = false;                        ///< An arrival of this phase released nothing.
  unsigned channel = 0;                           ///< Of the copies that complete here; 0 before the first.
  Clocks::WarpRow arrivedLanes{}, visibleLanes{}; ///< Lanes of each warp that arrived in this phase; in the last one.
  ClusterRows gathered, visible;                  ///< Of all arrivals; of those up to the last completed phase.
  Accessor creator{0};                            ///< Who initialised it, when.
  uint32_t created = 0;
  bool isInitFenced = false;  ///< Its creator has executed fence.mbarrier_init.
  uint32_t knownFrom = 0;     ///< Who has waited for so many barriers of the cluster knows of its init; 0 for never.
  Clocks::ActorRow lastUse{}; ///< Stamp of each actor's latest operation on it.
  std::array<Observed, kMaxWarps> observed;
  /// A copy hands on no earlier memory access of its warp, but that had done its waits when it began. Stamps by warp:
  /// of the copies that the running phase waits for; of the last one's; of the work whose waits are over in this way
  /// before the running phase ends.
  Clocks::WarpRow copies{}, visibleCopies{}, copiesBehind{};

  bool isCreator(unsigned warp, uint32_t lanes) const { return creator.warp() == warp && lanes >> creator.lane() & 1; }
};

/// A found object and where it is.
struct MbarrierPlace {
  Cta *home = nullptr;
  Mbarrier *object = nullptr;
};

/// The object at a shared::cta or shared::cluster address, after the checks of every use. False with the fault.
bool findMbarrier(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, MbarrierPlace &place);
/// `count` arrivals at once; 0 for none. False with the fault.
bool arriveAt(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place, uint32_t count);
/// expect_tx (positive) or complete_tx (negative) of `bytes`. False with the fault.
bool addTransactions(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place, int64_t bytes);
/// The channel of the copies that complete at the object; 0 with the fault if there is none left.
unsigned channelOf(Warp &warp, const Instruction &i, unsigned lane, MbarrierPlace place);
/// The object that a fragment with event `key` waits for, in words for a deadlock's report; "" if none.
std::string describeMbarrier(const Cta &cta, uint64_t key);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MBARRIER_H
