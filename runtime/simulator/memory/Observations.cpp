//===- Observations.cpp - Who has seen the last write ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bookkeeping of readers a granule, and of the bytes they take. See the header for what they are for.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/Observations.h"

namespace imbrex::simulator {

uint64_t Observations::add(uint32_t granule, uint32_t run, unsigned warp, unsigned lane, uint32_t time, bool full) {
  auto [place, isNew] = granules.try_emplace(granule);
  Readers &readers = place->second;
  uint64_t taken = isNew ? kBytesEach : 0;
  if (readers.everyone)
    return taken;
  if (full || readers.times.size() >= kMostReaders) {
    readers.everyone = true;
    return taken;
  }
  bool isFirst = readers.times.try_emplace(uint64_t(run) << 10 | warp << 5 | lane, time).second;
  return taken + (isFirst ? kBytesEach : 0);
}

uint64_t Observations::clear(uint32_t first, uint32_t last) {
  uint64_t freed = 0;
  auto begin = granules.lower_bound(first), end = granules.upper_bound(last);
  for (auto at = begin; at != end; ++at)
    freed += bytesOf(at->second);
  granules.erase(begin, end);
  return freed;
}

uint64_t Observations::split(unsigned shift) {
  std::map<uint32_t, Readers> finer;
  uint64_t taken = 0;
  for (const auto &[granule, readers] : granules)
    for (uint32_t part = 0; part < 1u << shift; ++part) {
      finer.emplace((granule << shift) + part, readers);
      taken += part == 0 ? 0 : bytesOf(readers);
    }
  granules = std::move(finer);
  return taken;
}

} // namespace imbrex::simulator
