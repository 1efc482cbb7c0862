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
  warps = columns = count;
  foreign = channels = 0;
  laneSeen.clear();
  for (unsigned warp = 0; warp < count; ++warp) {
    seen[warp].fill(start);
    lanesJoined[warp] = oldest[warp] = start;
  }
}

/// All columns count from here on; they were filled at the block's begin.
void Clocks::widen() {
  columns = kColumns;
  for (unsigned warp = 0; warp < warps; ++warp)
    refresh(warp);
}

void Clocks::addForeign(unsigned count) {
  if (foreign != 0)
    return;
  foreign = count;
  for (unsigned rank = 0; rank < count; ++rank) {
    seen[kFirstForeign + rank].fill(start);
    lanesJoined[kFirstForeign + rank] = ~1u;
    oldest[kFirstForeign + rank] = start;
  }
  widen();
}

unsigned Clocks::addChannel() {
  if (kFirstChannel + channels == kAgents)
    return 0;
  lastUse[channels++] = 0;
  widen();
  for (unsigned rank = 0; rank < foreign; ++rank)
    refresh(kFirstForeign + rank);
  return kFirstChannel + channels - 1;
}

void Clocks::refresh(unsigned actor) {
  uint32_t least = lanesJoined[actor];
  const Row &row = seen[actor];
  for (unsigned other = 0; other < warps; ++other)
    if (other != actor)
      least = std::min(least, row[other]);
  for (unsigned other = kFirstForeign; other < kFirstForeign + foreign; ++other)
    if (other != actor)
      least = std::min(least, row[other]);
  for (unsigned channel = kFirstChannel; channel < kFirstChannel + channels; ++channel)
    least = std::min(least, row[channel]);
  oldest[actor] = least;
}

void Clocks::publish(unsigned actor, Row &row) {
  for (unsigned other = 0; other < columns; ++other)
    row[other] = std::max(row[other], seen[actor][other]);
  row[actor] = release();
}

void Clocks::learn(unsigned actor, const Row &row) {
  for (unsigned other = 0; other < columns; ++other)
    seen[actor][other] = std::max(seen[actor][other], row[other]);
  refresh(actor);
}

void Clocks::learnChannel(unsigned actor, unsigned channel, uint32_t time) {
  seen[actor][channel] = std::max(seen[actor][channel], time);
  refresh(actor);
}

void Clocks::fenceProxy(unsigned actor) {
  if (columns != kColumns)
    widen();
  Row &row = seen[actor];
  for (unsigned other = 0; other < kActors; ++other)
    row[kFirstFenced + other] = std::max(row[kFirstFenced + other], row[other]);
  row[kFirstFenced + actor] = release();
}

Clocks::Row Clocks::issueRow(unsigned actor) const {
  Row row = seen[actor];
  row[actor] = now;
  return row;
}

void Clocks::joinLanes(unsigned warp, uint32_t lanes, uint32_t live) {
  uint32_t time = release();
  if ((live & ~lanes) == 0) {
    lanesJoined[warp] = time;
    refresh(warp);
    return;
  }
  if (laneSeen.empty())
    laneSeen.resize(kMaxWarps * 32, WarpRow{});
  WarpRow joined{};
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
