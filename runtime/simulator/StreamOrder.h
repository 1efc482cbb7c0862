//===- StreamOrder.h - Which launch ends before which begins ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Happens-before between launches: streams are in order, events carry a stream's past to another stream or
// to the host, the legacy default stream orders the blocking ones, and what the host has waited for is
// before whatever it issues next (CUDA C++ Programming Guide, "Streams"). Launches run one after the other
// here; only this says which of them a device might run at the same time.
//
//===----------------------------------------------------------------------===//

//|
//|   launch A on s; record e on s; wait for e on t; launch B on t     A is before B
//|   launch A on s; launch B on t                                     neither is before the other
//|
//| Only the last kMostLaunches launches are told apart; older ones count as ended.
//| Not thread-safe: the driver's lock is held. isBefore and describe are called by the launch that is running.

#ifndef IMBREX_RUNTIME_SIMULATOR_STREAMORDER_H
#define IMBREX_RUNTIME_SIMULATOR_STREAMORDER_H

#include "runtime/simulator/exec/Program.h"
#include "runtime/simulator/memory/RaceShadow.h"

#include <deque>
#include <map>
#include <set>

namespace imbrex::simulator {

class StreamOrder : public LaunchOrder {
public:
  static constexpr size_t kMostLaunches = 1024;

  /// `blocking`: takes part in the legacy default stream's order.
  void createStream(uint64_t stream, bool blocking);
  void destroyStream(uint64_t stream);
  void record(uint64_t event, uint64_t stream);
  void destroyEvent(uint64_t event) { events.erase(event); }
  void wait(uint64_t stream, uint64_t event);
  /// The host has waited for the event, the stream, or everything.
  void hostWaitsForEvent(uint64_t event);
  void hostWaitsForStream(uint64_t stream);
  void hostWaitsForAll();

  /// A launch of `blocks` blocks begins on the stream; returns its first run.
  uint32_t beginLaunch(uint64_t stream, uint64_t blocks, std::shared_ptr<const Program> program);
  /// A copy or fill that is made now, in the stream's order.
  void beginCopy(uint64_t stream);
  /// All runs below ended before what began last.
  uint32_t orderedBelow() const { return below; }
  /// The run that the next launch begins with.
  uint32_t nextRun() const { return next; }
  /// Numbers begin anew; nothing refers to the old ones any more.
  void restart() {
    launches.clear();
    next = below = 1;
  }

  bool isBefore(uint32_t run) const override;
  std::string describe(uint32_t run, uint32_t instruction, std::string &place) const override;

private:
  using Clock = std::map<uint64_t, uint64_t>; ///< Stream to the number of its last launch that is known.
  struct Launch {
    uint32_t firstRun, blocks;
    uint64_t stream, number;
    std::shared_ptr<const Program> program;
  };
  Clock &begin(uint64_t stream);
  const Launch *launchOf(uint32_t run) const;
  bool isKnown(const Launch &launch, const Clock &clock) const;
  void forgetOld();

  std::map<uint64_t, Clock> streams, events;
  std::set<uint64_t> nonBlocking;
  Clock host, now; ///< `now`: of what began last.
  std::deque<Launch> launches;
  uint32_t next = 1, below = 1;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_STREAMORDER_H
