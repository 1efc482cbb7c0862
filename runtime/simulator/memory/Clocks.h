//===- Clocks.h - Who has seen whose work -----------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Happens-before between the warps of one block, and between the lanes of one warp.
//
//===----------------------------------------------------------------------===//

//|
//| One counter `now` counts the release events of the block. An access is stamped with `now`; a
//| release by warp w at time t covers all of w's accesses stamped <= t. seen[a][w] = t says that a
//| release of w at time t has reached warp a, so warp a may touch what w accessed at stamps <= t.
//|
//|   warp 0: store (stamp 5); bar.sync releases at 5, now = 6      seen[1][0] = 5 after the barrier:
//|   warp 1: bar.sync; load (its stamp is 7)                       5 <= 5, the load is ordered
//|
//| Lanes of one warp are ordered only by bar.warp.sync or a barrier they all took part in:
//| lanesJoined[w] is the stamp up to which every lane of w has seen every other.
//| Not a finer clock than a warp across warps: a barrier that only part of a warp executes orders
//| the whole warp with the others (a race may then be missed, none is invented).

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H

#include <array>
#include <cstdint>
#include <vector>

namespace imbrex::simulator {

constexpr unsigned kMaxWarps = 32;

struct Clocks {
  using Row = std::array<uint32_t, kMaxWarps>;

  uint32_t now = 1;
  uint32_t start = 0; ///< Stamps <= start belong to earlier blocks.
  unsigned warps = 0;
  std::array<Row, kMaxWarps> seen{};
  Row lanesJoined{};
  Row oldest{};              ///< min over w of seen[a][w] and lanesJoined[a]: stamps <= oldest[a] need no closer look.
  std::vector<Row> laneSeen; ///< [warp * 32 + lane][lane], only after a partial bar.warp.sync.

  /// A new block of `count` warps: nothing of an earlier block is visible as a conflict.
  void begin(unsigned count);
  /// The stamp that a release of all earlier accesses carries.
  uint32_t release() { return now++; }
  /// bar.warp.sync of `lanes` of `warp`, whose live lanes are `live`.
  void joinLanes(unsigned warp, uint32_t lanes, uint32_t live);
  /// Warp `warp` learns what `row` says.
  void learn(unsigned warp, const Row &row);
  /// The same through memory (an acquire): its `lanes` also learn what other lanes of the warp had done.
  void learnThroughMemory(unsigned warp, uint32_t lanes, const Row &row);
  /// What a release by `warp` makes visible: all that it has seen, and its own work up to now.
  Row published(unsigned warp) {
    Row row = seen[warp];
    row[warp] = release();
    return row;
  }
  /// Whether lane `lane` of `warp` is ordered after stamp `time` of (otherWarp, otherLane).
  bool ordered(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time) const;

private:
  void refresh(unsigned warp);
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
