//===- Observations.h - Who has seen the last write -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The strong reads that have seen a granule's last write, where that is strong too: what comes after such a read is
// ordered after that write, and after no other work of its writer (PTX ISA 8.9, "Observation Order", "Causality
// Order").
//
//===----------------------------------------------------------------------===//

//|
//|   blocks 1 to 5: red.global.add [count], 1
//|   block 0:       ld.volatile [count] until it is 5; st.global [count], 0      ordered after all five
//|
//| Of each thread the first read counts. A granule that more than kMostReaders threads have seen is as if all had: a
//| race may be missed, none is invented. Not thread-safe: the page is held.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_OBSERVATIONS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_OBSERVATIONS_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

namespace imbrex::simulator {

class Observations {
public:
  static constexpr size_t kMostReaders = 4096;
  static constexpr uint64_t kBytesEach = 64; ///< What a reader or a granule takes, with the map's own.

  bool empty() const { return granules.empty(); }
  /// The thread has read the granule; returns the bytes that takes. `full`: there is no room, all count as readers.
  uint64_t add(uint32_t granule, uint32_t run, unsigned warp, unsigned lane, uint32_t time, bool full);
  /// The granules from `first` to `last` are written; returns the bytes that are free again.
  uint64_t clear(uint32_t first, uint32_t last);
  /// Every granule becomes 1 << shift that say the same; returns the bytes that takes.
  uint64_t split(unsigned shift);
  /// Whether `isOrdered(run, warp, lane, time)` holds for a read that has seen the granule's last write.
  template <class IsOrdered> bool any(uint32_t granule, IsOrdered isOrdered) const {
    auto found = granules.find(granule);
    if (found == granules.end())
      return false;
    if (found->second.everyone)
      return true;
    for (const auto &[thread, time] : found->second.times)
      if (isOrdered(uint32_t(thread >> 10), unsigned(thread >> 5 & 31), unsigned(thread & 31), time))
        return true;
    return false;
  }

private:
  struct Readers {
    std::unordered_map<uint64_t, uint32_t> times; ///< By run, warp and lane.
    bool everyone = false;
  };
  static uint64_t bytesOf(const Readers &readers) { return (readers.times.size() + 1) * kBytesEach; }

  std::map<uint32_t, Readers> granules;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_OBSERVATIONS_H
