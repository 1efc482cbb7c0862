//===- SharedObservations.h - Who has seen strong writes to shared memory -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strong reads of a block's shared memory that have seen a strong write which nothing else orders before them:
// what comes after such a read is ordered after that write, and after no other work of its writer (PTX ISA 8.9,
// "Observation Order", "Causality Order").
//
//===----------------------------------------------------------------------===//

//|
//|   64 threads: red.shared.add [count], 1
//|   thread 0:   ld.volatile [count] until it is 64; st.shared [count], 0      ordered after all 64
//|
//| A read of an atomic operation's value has seen all strong writes before that too; a read of a store's that store
//| alone. A later write takes nothing back. A granule that more than kMostSights reads have seen is as if all had: a race
//| may be missed, none is invented.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDOBSERVATIONS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDOBSERVATIONS_H

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace imbrex::simulator {

/// What one read has seen; agents as in Clocks.h.
struct Sight {
  static constexpr uint8_t kEveryone = 255;
  uint8_t agent, lane;                ///< Who has read,
  uint32_t time;                      ///< at this stamp,
  uint32_t upTo;                      ///< what was written up to here
  uint8_t writer = kEveryone, by = 0; ///< by everyone, or by this agent and lane.

  /// Whether it has seen what `lanes` of `other` wrote at `when`, the latest of them.
  bool covers(unsigned other, uint32_t lanes, uint32_t when) const {
    return when <= upTo && (writer == kEveryone || (writer == other && lanes == 1u << by));
  }
};

class SharedObservations {
public:
  static constexpr size_t kMostSights = 4096;

  bool empty() const { return granules.empty(); }
  void clear() { granules.clear(); }
  /// Returns false, and adds nothing, if the reader had seen it before.
  bool add(uint32_t granule, const Sight &sight);
  /// Whether a reader that `isOrdered(sight)` holds for has seen what `lanes` of `writer` wrote at `when`.
  template <class IsOrdered>
  bool any(uint32_t granule, unsigned writer, uint32_t lanes, uint32_t when, IsOrdered isOrdered) const {
    auto found = granules.find(granule);
    if (found == granules.end())
      return false;
    if (found->second.size() > kMostSights)
      return true;
    for (const Sight &sight : found->second)
      if (sight.covers(writer, lanes, when) && isOrdered(sight))
        return true;
    return false;
  }

private:
  std::unordered_map<uint32_t, std::vector<Sight>> granules;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_SHAREDOBSERVATIONS_H
