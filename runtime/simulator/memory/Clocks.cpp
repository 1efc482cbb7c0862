//===- Clocks.cpp - Who has seen whose work -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header for the model.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/Clocks.h"

#include <algorithm>

namespace imbrex::simulator {

void Clocks::begin(unsigned count) {
  start = now++;
  warps = count;
  laneSeen.clear();
  for (unsigned warp = 0; warp < count; ++warp) {
    seen[warp].fill(start);
    lanesJoined[warp] = oldest[warp] = start;
  }
}

void Clocks::refresh(unsigned warp) {
  uint32_t least = lanesJoined[warp];
  for (unsigned other = 0; other < warps; ++other)
    if (other != warp)
      least = std::min(least, seen[warp][other]);
  oldest[warp] = least;
}

void Clocks::learn(unsigned warp, const Row &row) {
  for (unsigned other = 0; other < warps; ++other)
    seen[warp][other] = std::max(seen[warp][other], row[other]);
  refresh(warp);
}

void Clocks::learnThroughMemory(unsigned warp, uint32_t lanes, const Row &row) {
  uint32_t own = seen[warp][warp];
  learn(warp, row);
  seen[warp][warp] = own;
  if (row[warp] <= lanesJoined[warp])
    return;
  if (laneSeen.empty())
    laneSeen.resize(kMaxWarps * 32, Row{});
  for (; lanes != 0; lanes &= lanes - 1)
    for (uint32_t &stamp : laneSeen[warp * 32 + static_cast<unsigned>(__builtin_ctz(lanes))])
      stamp = std::max(stamp, row[warp]);
}

void Clocks::joinLanes(unsigned warp, uint32_t lanes, uint32_t live) {
  uint32_t time = release();
  if ((live & ~lanes) == 0) {
    lanesJoined[warp] = time;
    refresh(warp);
    return;
  }
  if (laneSeen.empty())
    laneSeen.resize(kMaxWarps * 32, Row{});
  Row joined{};
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      for (unsigned other = 0; other < 32; ++other)
        joined[other] = std::max(joined[other], laneSeen[warp * 32 + lane][other]);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      joined[lane] = time;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes >> lane & 1)
      laneSeen[warp * 32 + lane] = joined;
}

bool Clocks::ordered(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time) const {
  if (otherWarp != warp)
    return time <= seen[warp][otherWarp];
  if (otherLane == lane || time <= lanesJoined[warp])
    return true;
  return !laneSeen.empty() && time <= laneSeen[warp * 32 + lane][otherLane];
}

} // namespace imbrex::simulator
