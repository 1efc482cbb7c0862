//===- SharedObservations.cpp - Who has seen strong writes to shared memory ===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a strong access of SharedMemory sees what others wrote, and where that is asked. See the header for what it is
// for.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/SharedMemory.h"

namespace imbrex::simulator {

bool SharedObservations::add(uint32_t granule, const Sight &sight) {
  std::vector<Sight> &sights = granules[granule];
  if (sights.size() > kMostSights)
    return false;
  for (auto last = sights.rbegin(); last != sights.rend(); ++last)
    if (last->agent == sight.agent && last->lane == sight.lane) {
      if (last->upTo >= sight.upTo && last->writer == sight.writer && last->by == sight.by)
        return false;
      break;
    }
  sights.push_back(sight);
  return true;
}

/// A strong read of granules `first` to `last`.
void SharedMemory::see(uint32_t first, uint32_t last, Accessor who) {
  bool any = false;
  for (uint32_t i = first; i <= last; ++i) {
    Accessor writer{writeWho[i]};
    unsigned culprit;
    if (!writer.strong() || writeTime[i] >= kObject || writeTime[i] <= clocks.start ||
        isOrdered(who, writer.warp(), 1u << writer.lane(), writeTime[i], culprit))
      continue;
    Sight sight{uint8_t(who.warp()), uint8_t(who.lane()), clocks.now, writeTime[i]};
    if (plainWho[i] & kUnderStore) {
      sight.writer = uint8_t(writer.warp());
      sight.by = uint8_t(writer.lane());
    }
    any |= observations.add(i, sight);
  }
  if (any)
    clocks.release(); // What is written after this has a later stamp.
}

/// A write that does not read granule `index` is about to be made: who knows its value by an atomic operation knows it
/// after that too.
void SharedMemory::keepSeen(uint32_t index) {
  Accessor writer{writeWho[index]};
  if (!writer.returns() || writeTime[index] >= kObject || writeTime[index] <= clocks.start)
    return;
  observations.add(index, {uint8_t(writer.warp()), uint8_t(writer.lane()), writeTime[index], writeTime[index]});
}

/// Whether `who` comes after a strong read of granule `index`, or an atomic operation that hands the value on, which has
/// seen what `lanes` of `agent` wrote at `time`.
bool SharedMemory::hasSeen(uint32_t index, Accessor who, unsigned agent, uint32_t lanes, uint32_t time) const {
  unsigned culprit;
  Accessor writer{writeWho[index]};
  if (writer.returns() && writeTime[index] < kObject && writeTime[index] > clocks.start &&
      isOrdered(who, writer.warp(), 1u << writer.lane(), writeTime[index], culprit))
    return true;
  return observations.any(index, agent, lanes, time, [&](const Sight &sight) {
    return isOrdered(who, sight.agent, 1u << sight.lane, sight.time, culprit);
  });
}

} // namespace imbrex::simulator
